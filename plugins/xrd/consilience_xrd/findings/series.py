"""The analysis ``xrd.series``: the patterns of one sample, state after state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft
from consilience.model.measurement import Measurement, Notice
from consilience.sizes import with_probe
from consilience_xrd.findings.one_state import OneState, state_of
from consilience_xrd.findings.probed import common_sizes
from consilience_xrd.findings.series_cells import cell_drafts, followed_drafts
from consilience_xrd.findings.series_drafts import history_drafts, line_drafts
from consilience_xrd.findings.series_params import SeriesParams
from consilience_xrd.series.lines import LineSeries, line_series
from consilience_xrd.series.states import StateAxis, order_states
from consilience_xrd.series.tracks import follow

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["run_series"]

GRID = 2000
"""Most points of the common axis on which patterns are shown together."""
NOT_FOUND = "the line was not found in this state"
NO_ERROR = f"{NOT_FOUND}, or its error is not known"


def run_series(
    measurements: Sequence[Measurement], params: SeriesParams, context: AnalysisContext
) -> AnalysisOutput:
    """Follow lines, cells and phases over the states of one sample.

    Raises
    ------
    BadInputError
        `along` or `follow` names what is not there.
    """
    usable = [m for m in measurements if m.has("center") or m.has("intensity")]
    notices = _left_out(measurements, usable)
    if len(usable) < 2:
        text = f"a series needs two states or more; here is {len(usable)}"
        return AnalysisOutput([], {}, [*notices, _info("one-state", text)])
    axis = order_states(
        [m.record.state for m in usable],
        [m.record.start for m in usable],
        [m.record.name for m in usable],
        params.along,
    )
    states: list[OneState] = []
    for done, index in enumerate(axis.order):
        context.progress(done, len(usable), f"matching peaks of {axis.labels[done]}")
        states.append(_one(usable[index], params, context))
    tracks = [
        t
        for t in follow([s.peaks for s in states], axis.values, params.gate, params.k)
        if len(t.states) >= params.least_states
    ]
    lines = [
        line_series(t, axis, [s.peaks for s in states], [s.pairing for s in states]) for t in tracks
    ]
    arrays = {"series": series_dataset(axis, states, lines)}
    findings: list[FindingDraft] = [
        *history_drafts(axis, states),
        *line_drafts(axis, states, lines),
        *cell_drafts(axis, states),
        *followed_drafts(params.follow, params.gate, axis, states, lines),
    ]
    said = {n.message: n for s in states for n in s.notices}
    notices += [*said.values(), *(_info("order", text) for text in axis.notes)]
    return AnalysisOutput(with_probe(findings, *common_sizes(usable)), arrays, notices)


def _one(measurement: Measurement, params: SeriesParams, context: AnalysisContext) -> OneState:
    try:
        return state_of(measurement, params, context)
    except BadInputError as error:
        raise BadInputError(f"{measurement.record.name}: {error.what}", fix=error.fix) from error


def _left_out(measurements: Sequence[Measurement], usable: Sequence[Measurement]) -> list[Notice]:
    names = [m.record.name for m in measurements if m not in usable]
    if not names:
        return []
    return [_info("frames", f"frames are left out, integrate them first: {', '.join(names)}")]


def _info(code: str, text: str) -> Notice:
    return Notice(code=code, message=text, severity="info")


def series_dataset(
    axis: StateAxis, states: Sequence[OneState], lines: Sequence[LineSeries]
) -> xr.Dataset:
    """Return what a series is drawn from: tracks by state, and the patterns on one axis.

    Notes
    -----
    Patterns are interpolated linearly onto the common q axis; this is for looking only, nothing
    is computed from it.
    """
    unit = axis.unit or "1"
    data = xr.Dataset(
        coords={
            "state": ("state", np.array(axis.values), {"units": unit, "name": axis.name}),
            "label": ("state", np.array(axis.labels), {"units": "1"}),
        }
    )
    if lines:
        for name, source, units, missing in (
            ("q", "q", "1/angstrom", NOT_FOUND),
            ("q_std", "fit_std", "1/angstrom", NO_ERROR),
            ("fwhm", "fwhm", "1/angstrom", NOT_FOUND),
            ("area", "area", "arbitrary", f"{NOT_FOUND}, or a list of peaks has no area"),
            ("area_std", "area_std", "arbitrary", NO_ERROR),
        ):
            about = {"units": units, "missing": missing}
            data[name] = (("line", "state"), _table(lines, source), about)
        for name in ("q", "area"):
            data[name].attrs["ancillary_variables"] = f"{name}_std"
    patterns = [s.fitted.pattern for s in states if s.fitted is not None]
    if len(patterns) < len(states):
        return data
    q = _common_axis([p.q() for p in patterns])
    rows = [np.interp(q, p.q(), p.intensity, left=np.nan, right=np.nan) for p in patterns]
    note = {"missing": "outside this state's range", "interpolated": "linearly, for display only"}
    kept = {p.intensity_unit for p in patterns}
    data["pattern"] = (
        ("state", "q_axis"),
        np.array(rows),
        {"units": kept.pop() if len(kept) == 1 else "arbitrary", **note},
    )
    return data.assign_coords(q_axis=("q_axis", q, {"units": "1/angstrom"}))


def _table(lines: Sequence[LineSeries], name: str) -> NDArray[np.float64]:
    return np.array(
        [
            [np.nan if p is None or getattr(p, name) is None else getattr(p, name) for p in s.peaks]
            for s in lines
        ],
        dtype=np.float64,
    )


def _common_axis(axes: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    low, high = min(a[0] for a in axes), max(a[-1] for a in axes)
    points = min(max(len(a) for a in axes), GRID)
    return np.linspace(low, high, points)
