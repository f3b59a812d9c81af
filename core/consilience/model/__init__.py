"""The words of the project as types; see docs/vocabulary.md."""

from __future__ import annotations

from consilience.model.base import FrozenModel, Origin, Quantity
from consilience.model.canonical import canonical_json, content_id, sha256_hex
from consilience.model.finding import (
    Covariance,
    Finding,
    FindingDraft,
    Interval,
    Need,
    Probe,
    Region,
    Rival,
    Source,
    SourceFile,
    Subject,
    Unassigned,
)
from consilience.model.measurement import (
    DataSummary,
    Exposure,
    Measurement,
    MeasurementRecord,
    Notice,
    RegisteredFile,
    Signal,
    VariableSummary,
)
from consilience.model.sample import Constituent, Sample, SensorSeries, Step
from consilience.model.stoichiometry import Homogeneity, fractions_of_formula
from consilience.model.verdict import Caveat, Margin, Verdict

__all__ = [
    "Caveat",
    "Constituent",
    "Covariance",
    "DataSummary",
    "Exposure",
    "Finding",
    "FindingDraft",
    "FrozenModel",
    "Homogeneity",
    "Interval",
    "Margin",
    "Measurement",
    "MeasurementRecord",
    "Need",
    "Notice",
    "Origin",
    "Probe",
    "Quantity",
    "Region",
    "RegisteredFile",
    "Rival",
    "Sample",
    "SensorSeries",
    "Signal",
    "Source",
    "SourceFile",
    "Step",
    "Subject",
    "Unassigned",
    "VariableSummary",
    "Verdict",
    "canonical_json",
    "content_id",
    "fractions_of_formula",
    "sha256_hex",
]
