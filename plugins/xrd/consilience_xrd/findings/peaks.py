"""Peaks alone: each with statistical and systematic errors, and the baselines tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.model.finding import FindingDraft
from consilience.model.measurement import Measurement, Notice
from consilience_xrd.axes import q_derivative
from consilience_xrd.files.calibrant import reference_file_pattern
from consilience_xrd.findings.fit_record import fit_dataset, misfit_notes, peak_evidence
from consilience_xrd.findings.patterns import fit_notices, fitted_peaks, method_sentence
from consilience_xrd.findings.peak_params import LineParams
from consilience_xrd.findings.probed import of_pattern
from consilience_xrd.identification.matching import observed_from_fit
from consilience_xrd.lines.blank import BlankFit, fit_blank
from consilience_xrd.lines.peaks import PeakFit
from consilience_xrd.lines.systematics import (
    QUANTITIES,
    PeakSystematics,
    baseline_variants,
    systematic_errors,
)
from consilience_xrd.pattern import Pattern

__all__ = ["run_peaks"]

SYSTEMATIC_MEANS = (
    "systematic error: what other baselines, profiles and windows change, each source's largest "
    "change taken as half the width of a rectangular distribution"
)
WITH_BLANK = "a scaled blank among the baselines"
NO_BLANK = (
    "no blank is given: a halo under a line is known only as far as other baselines would tell"
)


def run_peaks(
    measurements: Sequence[Measurement], params: LineParams, context: AnalysisContext
) -> AnalysisOutput:
    """Find and fit all peaks; one finding for each, on the q axis."""
    context.progress(0, 2, "fitting peaks")
    pattern, fit = fitted_peaks(measurements[0], params)
    context.progress(1, 2, "fitting them again under other choices")
    made = fit.baseline.parameters
    baselines = baseline_variants(
        pattern.intensity[fit.used], made["method"], made["lam"], made.get("p", 0.01)
    )
    blank: BlankFit | None = None
    if params.blank is not None:
        other = reference_file_pattern(params.blank, context.references, pattern, "blank")
        blank = fit_blank(pattern, other, fit)
        baselines["baseline with the blank"] = blank.baseline[fit.used]
    spread = systematic_errors(pattern, fit, baselines)
    observed = observed_from_fit(fit, pattern, 0.0)
    assumptions = [
        *misfit_notes(fit),
        f"{SYSTEMATIC_MEANS}; {NO_BLANK if blank is None else WITH_BLANK}",
    ]
    findings = [
        FindingDraft(
            kind="diffraction_line",
            value=seen.q,
            unit="1/angstrom",
            std_stat=seen.fit_std,
            std_sys=sys.center * _to_q(pattern, peak.center),
            array="fit",
            evidence={**peak_evidence(peak, fit.noise_known), "systematic": _systematic(sys)},
            assumptions=assumptions,
            method=method_sentence(fit),
        )
        for seen, peak, sys in zip(observed, fit.peaks, spread, strict=True)
    ]
    notices = fit_notices(pattern, fit)
    if blank is not None:
        notices.append(
            Notice(code="blank", message=blank.sentence(params.blank or ""), severity="info")
        )
    arrays = {"fit": _dataset(pattern, fit, baselines, spread)}
    return AnalysisOutput(of_pattern(findings, measurements[0]), arrays, notices)


def _to_q(pattern: Pattern, center: float) -> float:
    """Dq over d(axis) at a place."""
    if pattern.axis == "q" or pattern.source is None:
        return 1.0
    return float(q_derivative(center, pattern.source.wavelength))


def _systematic(sys: PeakSystematics) -> dict[str, Any]:
    """Systematic deviations in the axis' unit, and what each choice changed."""
    return {
        **{q: float(f"{getattr(sys, q):.4g}") for q in QUANTITIES},
        "changes": {
            name: {q: float(f"{v:.3g}") for q, v in change.items()}
            for name, change in sys.changes.items()
        },
    }


def _dataset(
    pattern: Pattern,
    fit: PeakFit,
    baselines: dict[str, Any],
    spread: Sequence[PeakSystematics],
) -> xr.Dataset:
    """Return the record of the fit, with the other baselines and the systematic errors."""
    data = fit_dataset(pattern, fit)
    axis = pattern.axis
    about = {"units": pattern.intensity_unit, "missing": "outside the range used"}
    others = np.full((len(baselines), len(pattern.x)), np.nan)
    for row, values in zip(others, baselines.values(), strict=True):
        row[fit.used] = values
    data["other_baselines"] = (("choice", axis), others, about)
    data["other_baselines_names"] = ("choice", np.array(list(baselines)), {"units": "1"})
    data["corrected"] = (
        axis,
        pattern.intensity - fit.baseline.values,
        {**about, "long_name": "intensity less the baseline"},
    )
    for quantity in QUANTITIES if fit.peaks else ():
        if f"peak_{quantity}" not in data:
            continue
        units = data[f"peak_{quantity}"].attrs["units"]
        values = np.array([getattr(s, quantity) for s in spread], dtype=np.float64)
        data[f"peak_{quantity}_std_sys"] = ("peak", values, {"units": units})
    return data
