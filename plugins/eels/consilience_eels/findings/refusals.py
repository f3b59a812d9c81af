"""What is said of a spectrum whose zero loss is not there or is no good."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from consilience.analysis import AnalysisOutput
from consilience.model.finding import FindingDraft
from consilience.model.measurement import Measurement, Notice
from consilience_eels.lowloss.zero_loss import NoZeroLossError

__all__ = ["without_zero_loss"]


def without_zero_loss(
    measurement: Measurement,
    fault: NoZeroLossError,
    kind: str,
    method: str,
    so: str,
    code: str = "no-zero-loss",
) -> AnalysisOutput:
    """Return a notice for a core loss, which is no failure, and else a finding not observable.

    Parameters
    ----------
    measurement : Measurement
    fault : NoZeroLossError
    kind, method : str
        Of the finding.
    so : str
        What follows for a core loss, such as ``"so there is no t/λ"``.
    code : str
        Of the notice.
    """
    if fault.code == "out-of-range":
        notice = Notice(
            code=code,
            message=f"{measurement.record.name}: {fault.reason}, {so}",
            fix="record the low loss of the same region, with its zero loss",
            severity="info",
        )
        return AnalysisOutput([], notices=[notice])
    finding = FindingDraft(
        kind=kind,
        status="not_observable",
        reason=fault.reason,
        evidence={"fault": fault.code},
        method=method,
    )
    return AnalysisOutput([finding])
