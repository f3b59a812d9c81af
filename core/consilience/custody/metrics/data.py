"""Metrics of the data themselves: what readers and checks noticed in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consilience.custody.metric import Metric
from consilience.model.measurement import MeasurementRecord

if TYPE_CHECKING:
    from consilience.custody.custody import Custody

__all__ = ["data_faults"]


def data_faults(
    custody: Custody,  # noqa: ARG001  what the file says of itself needs no chain
    record: MeasurementRecord,
    parameter: float | None,  # noqa: ARG001
) -> Metric:
    """Count the notices of severity *fault*; `why` names them."""
    faults = [n for n in record.notices if n.severity == "fault"]
    return Metric(
        "data_faults",
        float(len(faults)),
        "1",
        why=", ".join(sorted({n.code for n in faults})),
        evidence=(record.id,) if faults else (),
    )
