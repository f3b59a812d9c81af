"""The store of a study: immutable files, arrays, a hash-chained journal, an index."""

from __future__ import annotations

from consilience.store.arrays import write_dataset
from consilience.store.files import StoredFile
from consilience.store.index import Entry, Index
from consilience.store.layout import FORMAT, Marker
from consilience.store.record import Record
from consilience.store.schema import (
    FindingRow,
    MeasurementRow,
    ReferenceRow,
    RunRow,
    SampleRow,
    SeriesRow,
    StepRow,
)
from consilience.store.store import RECORD_TYPES, Store
from consilience.store.verify import verify
from consilience.store.verify_report import Problem, VerifyReport

__all__ = [
    "FORMAT",
    "RECORD_TYPES",
    "Entry",
    "FindingRow",
    "Index",
    "Marker",
    "MeasurementRow",
    "Problem",
    "Record",
    "ReferenceRow",
    "RunRow",
    "SampleRow",
    "SeriesRow",
    "StepRow",
    "Store",
    "StoredFile",
    "VerifyReport",
    "verify",
    "write_dataset",
]
