"""The analysis ``eels.splice``: low and core loss of one region as one spectrum."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft
from consilience.model.measurement import Measurement, Notice
from consilience_eels.findings.pairs import choose_pairs
from consilience_eels.findings.spectra_of import loss_array, spectrum_dataset, whole_of
from consilience_eels.lowloss.splice import Splice, splice

__all__ = ["SpliceParams", "run_splice"]

METHOD = "ratio of the sums over the overlap; the core loss is brought to the low loss's counts"
APART = 3.0
"""Standard deviations, or reduced χ², from which on the two are not one spectrum."""


class SpliceParams(BaseModel):
    """Parameters of `run_splice`.

    Parameters
    ----------
    low, core : str, optional
        Which measurements: file name, signal name or ID; by default every pair of one scan.
    window : tuple of float, optional
        eV; the overlap to use, by default all that both have.
    counts_per_electron : tuple of float, optional
        Of the low loss and of the core loss; where they are not known, errors are not known.
    maps : bool
        Join each pixel as well, and store it; else the sums alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: str | None = None
    core: str | None = None
    window: tuple[float, float] | None = None
    counts_per_electron: (
        tuple[Annotated[float, Field(gt=0.0, le=1e6)], Annotated[float, Field(gt=0.0, le=1e6)]]
        | None
    ) = None
    maps: bool = False


def run_splice(
    measurements: Sequence[Measurement], params: SpliceParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return one spectrum for each low loss and core loss of one scan that overlap.

    Returns
    -------
    AnalysisOutput
        One finding of kind ``splice_scale`` for each pair: counts of the low loss for one of the
        core loss, with the joined spectrum.  A pair without overlap gives a notice, unless
        both were named.

    Raises
    ------
    BadInputError
        Both were named and do not overlap.
    """
    del context
    findings: list[FindingDraft] = []
    arrays: dict[str, Any] = {}
    notices: list[Notice] = []
    for number, (low, core) in enumerate(choose_pairs(measurements, params.low, params.core)):
        low_axis, lows = loss_array(low)
        core_axis, cores = loss_array(core)
        gains = params.counts_per_electron
        try:
            whole = splice(
                low_axis,
                whole_of(lows.values),
                core_axis,
                whole_of(cores.values),
                gains,
                params.window,
            )
        except BadInputError as error:
            if params.low and params.core:
                raise
            notices.append(
                Notice(
                    code="no-overlap",
                    message=f"{low.record.name} and {core.record.name}: {error.what}",
                    severity="info",
                )
            )
            continue
        name = f"spectrum_{number}"
        spectra: dict[str, Any] = {"counts": (whole.spectra, None)}
        if params.maps and lows.ndim > 1:
            each = splice(low_axis, lows.values, core_axis, cores.values, gains, params.window)
            spectra["counts_map"] = (each.spectra, None)
        arrays[name] = spectrum_dataset(whole.axis.energy, spectra, lows)
        findings.append(_finding(whole, low, core, name))
        notices += _doubts(whole, low, core)
    return AnalysisOutput(findings, arrays, notices)


def _finding(done: Splice, low: Measurement, core: Measurement, name: str) -> FindingDraft:
    scale = float(done.scale)
    # a ratio that leans over the overlap is worth no more than its lean
    lean = abs(done.slope) / np.sqrt(12.0) * scale
    return FindingDraft(
        kind="splice_scale",
        value=scale,
        unit="1",
        std_stat=None if done.scale_std is None else float(done.scale_std),
        std_sys=float(lean),
        array=name,
        measurements=[low.id, core.id],
        evidence={
            "low": low.record.name,
            "core": core.record.name,
            "overlap_eV": list(done.overlap),
            "seam_eV": done.seam,
            "chi2_reduced": done.chi2_reduced,
            "slope": done.slope,
            "slope_std": done.slope_std,
            "std_sys_parts": {"lean_over_the_overlap": float(lean)},
        },
        assumptions=[
            "both spectra are of the same region and thickness, and of one collection angle",
            "counts above the seam carry the error of the scale together",
        ],
        method=METHOD,
    )


def _doubts(done: Splice, low: Measurement, core: Measurement) -> list[Notice]:
    said = f"{low.record.name} and {core.record.name}"
    if done.slope_std is not None and abs(done.slope) > APART * done.slope_std:
        return [
            Notice(
                code="splice-leans",
                message=f"{said}: their ratio changes by {100 * done.slope:+.1f} ± "
                f"{100 * done.slope_std:.1f} % over the overlap; they differ by more than a scale",
                fix="name a narrower window, or subtract each one's dark level first",
            )
        ]
    if done.chi2_reduced is not None and done.chi2_reduced > APART:
        return [
            Notice(
                code="splice-differs",
                message=f"{said}: reduced chi-square of the overlap is {done.chi2_reduced:.1f}; "
                "they differ by more than a scale and their noise",
                fix="check counts_per_electron, and that both axes are calibrated",
            )
        ]
    return []
