"""The analysis ``compton.lithium``: EMR to lithium by a calibration, the model beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import Covariance, FindingDraft, Subject
from consilience.model.measurement import Measurement, Notice
from consilience_compton.findings.lithium_states import (
    SHARED,
    StateRatio,
    parts_of_x,
    states_of_spectra,
)
from consilience_compton.findings.series_drafts import (
    EMPIRICAL,
    line_dataset,
    line_evidence,
    moved_by,
    x_rivals,
)
from consilience_compton.findings.series_params import LithiumParams
from consilience_compton.model.beside import INTENSIVE, apart, model_line
from consilience_compton.model.calibration import Calibration, Point, fit_calibration
from consilience_compton.model.cell import Cell
from consilience_compton.model.profiles import SPLINE, ModelRatio
from consilience_compton.model.sensitivity import Sensitivity, counts_needed, sensitivity

__all__ = ["calibration_of_params", "run_lithium"]

METHOD = "x by a straight line on EMR, calibrated with errors in both variables"
TOGETHER = SHARED | {"straightness"}
"""Parts that move x of all states by one cause."""
NO_LINE = (
    "EMR is known, but no calibration of lithium on it: the free-atom model has "
    "{slope:.3f} of EMR for each lithium and does not describe published calibrations"
)


def run_lithium(
    measurements: Sequence[Measurement], params: LithiumParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return x of each state of the cathode, or of the sample where no regions are named.

    Returns
    -------
    AnalysisOutput
        A finding of kind ``li_content`` for each state: `std_stat` from counting, `std_sys` from
        the parts of EMR's systematic error and from the calibration; array ``lithium`` with the
        joint covariance of all states.  Without points of a calibration each is *not
        observable*, with what the model expects in the evidence.

    Raises
    ------
    BadInputError
        The calibration's points fix no line.
    """
    context.progress(0, 1, "ratios of the states")
    states, notices = states_of_spectra(measurements, params)
    line = calibration_of_params(params)
    usable = [one for one in states if one.value is not None]
    if not usable:
        notices.append(
            Notice(
                code="no-lithium",
                message="no state has a momentum ratio, so there is no lithium content",
                fix="see what compton.momentum and compton.regions say of these spectra",
                severity="info",
            )
        )
        return AnalysisOutput([], {}, notices)
    fwhm = usable[0].resolution
    given = _sensitivity(params, fwhm)
    points = [(one.value or 0.0, None if line is None else _x(line, one)) for one in usable]
    known = [(emr, x if x is not None and x >= 0.0 else None) for emr, x in points]
    models, said = apart(known, params.oxide, fwhm, line, params.low, params.high)
    arrays: dict[str, xr.Dataset] = {}
    if line is not None:
        arrays["lithium"] = _joint(usable, line, params)
    findings = [
        _finding(one, index, line, model, said, given, params)
        for index, (one, model) in enumerate(zip(usable, models, strict=True))
    ]
    if line is not None:
        findings.append(_line_finding(line, params, fwhm, said))
        arrays["calibration"] = line_dataset(line)
        notices += _outside(usable, line, params)
    return AnalysisOutput(findings, arrays, notices)


def _outside(
    usable: Sequence[StateRatio], line: Calibration, params: LithiumParams
) -> list[Notice]:
    """Say which states have a ratio that no point of the calibration comes near."""
    beyond = [one for one in usable if line.content(one.value or 0.0).extrapolated]
    if not beyond:
        return []
    points = [point.emr for point in params.points]
    ratios = [one.value or 0.0 for one in beyond]
    return [
        Notice(
            code="lithium-extrapolated",
            message=f"x of {len(beyond)} of {len(usable)} states is extrapolated: their ratios, "
            f"{min(ratios):.3f} to {max(ratios):.3f}, lie outside the calibration's points, "
            f"{min(points):.3f} to {max(points):.3f}",
            fix="give points that embrace them, from the same beam, detector and geometry",
        )
    ]


def calibration_of_params(params: LithiumParams) -> Calibration | None:
    """Return the line through the parameters' points; None where there are none."""
    if not params.points:
        return None
    return fit_calibration(
        [Point(p.emr, p.x, p.emr_std, p.x_std, p.label, p.source) for p in params.points]
    )


def _x(line: Calibration, one: StateRatio) -> float:
    return line.content(one.value or 0.0).x


def _sensitivity(params: LithiumParams, fwhm: float) -> Sensitivity | None:
    if "Lix" not in params.oxide:
        return None
    heights = {
        name: value
        for name, value in (
            ("beam", params.beam),
            ("cathode", params.cathode),
            ("electrolyte", params.electrolyte),
        )
        if value is not None
    }
    try:
        cell = Cell(oxide=params.oxide, binder=params.binder, **heights)
    except BadInputError:
        return None
    return sensitivity(cell, fwhm=fwhm, low=params.low, high=params.high)


def _finding(
    one: StateRatio,
    index: int,
    line: Calibration | None,
    model: ModelRatio | None,
    said: Sequence[str],
    given: Sensitivity | None,
    params: LithiumParams,
) -> FindingDraft:
    evidence: dict[str, Any] = {
        "place_in_series": index + 1,
        "emr": one.value,
        "emr_std_stat": float(one.evaluated.result.std_stat),
        "moves_x": moved_by(given),
    }
    if given is not None:
        budget = counts_needed(given, params.wanted_x)
        evidence["net_counts_for_wanted_x"] = budget.cathode
        evidence["wanted_x"] = params.wanted_x
    if model is not None:
        evidence |= {
            "free_atom_emr": model.value,
            "free_atom_emr_std": model.std_interpolation,
            "free_atom_interpolation": SPLINE,
            "resolution_au": model.fwhm,
        }
    subject = Subject(label=one.part)
    if line is None:
        slope = model_line(params.oxide, one.resolution, params.low, params.high).slope
        return FindingDraft(
            kind="li_content",
            subject=subject,
            state=dict(one.state),
            status="not_observable",
            reason=NO_LINE.format(slope=slope),
            evidence=evidence,
            assumptions=[INTENSIVE],
            method=METHOD,
            measurements=list(one.measurements),
        )
    emr_std = float(one.evaluated.result.std_stat)
    content = line.content(one.value or 0.0, emr_std)
    parts = parts_of_x(one, line, params)
    evidence |= {
        "std_sys_parts": {name: abs(part) for name, part in parts.items()},
        "moved_by_analysis": {name: line.slope * by for name, by in one.moved.items()},
        "calibration": f"x = {line.slope:.4g} EMR {line.intercept:+.4g}",
        "extrapolated": content.extrapolated,
    }
    assumed = [EMPIRICAL, INTENSIVE, *said]
    if content.std_calibration is None:
        assumed.append("the calibration has no errors: its part in x is not known")
    if params.same_setup:
        assumed.append(
            "the calibration had the same beam, detector and geometry: errors common to both are "
            "in its line and not counted again"
        )
    if content.extrapolated:
        assumed.append("the ratio lies outside the calibrated ones: x is extrapolated")
    return FindingDraft(
        kind="li_content",
        subject=subject,
        state=dict(one.state),
        value=content.x,
        unit="1",
        std_stat=content.std_ratio,
        std_sys=None
        if content.std_calibration is None
        else math.sqrt(sum(part**2 for part in parts.values())),
        covariance=Covariance(array="lithium", index=index),
        rivals=x_rivals(),
        evidence=evidence,
        assumptions=assumed,
        method=METHOD,
        measurements=list(one.measurements),
    )


def _joint(usable: Sequence[StateRatio], line: Calibration, params: LithiumParams) -> xr.Dataset:
    """Covariance of x between the states: counting, the calibration, and each common cause."""
    emr = np.array([one.value or 0.0 for one in usable])
    counting = np.array([float(one.evaluated.result.std_stat) for one in usable])
    axes = ("element", "other")
    about = {"units": "1"}
    variables: dict[str, Any] = {
        "x": ("element", line.intercept + line.slope * emr, dict(about)),
        "emr": ("element", emr, dict(about)),
        "statistical": (axes, np.diag((line.slope * counting) ** 2), dict(about)),
    }
    if line.covariance is not None:
        design = np.vstack([np.ones_like(emr), emr])
        common = design.T @ line.covariance @ design * line.scale**2
        variables["systematic_calibration"] = (axes, common, dict(about))
    parts = [parts_of_x(one, line, params) for one in usable]
    names = sorted({name for by in parts for name in by} - {"calibration"})
    for name in names:
        moved = np.array([by.get(name, 0.0) for by in parts])
        # what is found anew in each state moves each by itself
        matrix = np.outer(moved, moved) if name in TOGETHER else np.diag(moved**2)
        variables[f"systematic_{name}"] = (axes, matrix, dict(about))
    labels = np.array([_label(one) for one in usable])
    return xr.Dataset(
        variables,
        {"element": ("element", labels, about), "other": ("other", labels, about)},
    )


def _label(one: StateRatio) -> str:
    words = [str(value) for value in one.state.values()]
    return ", ".join([one.part, *words])


def _line_finding(
    line: Calibration, params: LithiumParams, fwhm: float, said: Sequence[str]
) -> FindingDraft:
    model = None
    if "Lix" in params.oxide:
        model = model_line(params.oxide, fwhm, params.low, params.high)
    std = None if line.covariance is None else math.sqrt(line.covariance[1, 1]) * line.scale
    return FindingDraft(
        kind="lithium_calibration",
        subject=Subject(label="cathode"),
        value=line.slope,
        unit="1",
        std_stat=std,
        array="calibration",
        evidence=line_evidence(line, model),
        assumptions=["the points of the calibration are as stated in the parameters", *said],
        method="straight line of x on EMR, errors in both variables (ODRPACK)",
    )
