"""The analysis ``xrf.change``: how a film's matter is spread in each state, and what changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.measurement import Measurement, Notice
from consilience.sizes import with_probe
from consilience_xrf.change.numbers import NAMES
from consilience_xrf.change.operators import sampling
from consilience_xrf.change.series import ChangeSeries, StateChange, compare_states
from consilience_xrf.findings.change_drafts import (
    map_drafts,
    number_drafts,
    redistribution_draft,
    shift_drafts,
)
from consilience_xrf.findings.change_input import Chosen, chosen_states
from consilience_xrf.findings.change_params import ChangeParams
from consilience_xrf.findings.change_ratio import ratio_drafts
from consilience_xrf.findings.change_witness import witness_draft
from consilience_xrf.findings.map_input import Compared, gather
from consilience_xrf.findings.probed import common_lateral

__all__ = ["changes_of", "run_change"]


def run_change(
    measurements: Sequence[Measurement], params: ChangeParams, context: AnalysisContext
) -> AnalysisOutput:
    """Compare element maps of one area over the states of a sample.

    Returns
    -------
    AnalysisOutput
        For each state ``void_fraction``, ``edge_to_centre``, ``rim_share``, ``centre_of_mass``
        (along y and x), ``spread``; against the reference ``spatial_change`` with the difference
        and ratio maps, ``histogram_distance``, ``intensity_ratio`` and ``map_shift``; the ratio
        of the delithiated to the lithiated state; ``redistribution`` in words, from all tests held
        together; and with `witness` the ``void_agreement`` of an image.

    Raises
    ------
    BadInputError
        States asked for by name are not there or of another shape; a map without an outline;
        an image that cannot be laid on it.
    """
    return changes_of(gather(measurements, params), params, context)


def changes_of(
    compared: Compared, params: ChangeParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return what `run_change` says of scans that are on one exposure already."""
    chosen = chosen_states(compared, params)
    if isinstance(chosen, Notice):
        return AnalysisOutput([], {}, [chosen])
    context.progress(0, len(chosen.maps), f"aligning {len(chosen.maps)} maps of {chosen.line}")
    try:
        series = compare_states(
            chosen.maps,
            chosen.reference,
            align=params.align,
            rim_width=params.rim_width,
            threshold=params.threshold,
        )
    except BadInputError as nothing:
        if params.line or params.states:
            raise
        # nobody asked for this line: that it shows no film is no failure
        text = f"{chosen.line}: {nothing.what}"
        said = Notice(code="no-outline", message=text, fix=nothing.fix or "", severity="info")
        return AnalysisOutput([], {}, [*chosen.notices, said])
    arrays = {"states": states_dataset(chosen, series)}
    for i, state in enumerate(series.states):
        if i != chosen.reference:
            arrays[f"change_{i}"] = change_dataset(chosen, state, i)
    drafts = [
        redistribution_draft(chosen, series, params),
        *map_drafts(chosen, series, params),
        *number_drafts(chosen, series, params),
        *shift_drafts(chosen, series, params),
        *ratio_drafts(chosen, series, params),
        *witness_draft(chosen, series, params, context),
    ]
    drafts = with_probe(drafts, common_lateral(chosen.taken))
    return AnalysisOutput(drafts, arrays, [*chosen.notices, *_notices(chosen, series)])


def _notices(chosen: Chosen, series: ChangeSeries) -> list[Notice]:
    said = []
    for state in series.states:
        if not state.shift.determined:
            said.append(
                Notice(
                    code="shift-unknown",
                    message=f"{state.name}: {state.shift.reason}; it is compared as it lies",
                    fix="leave it out with the parameter 'states'",
                )
            )
        if state.filled:
            said.append(
                Notice(
                    code="points-filled",
                    message=f"{state.name}: {state.filled} points were not measured and got the "
                    "median of their neighbours",
                    severity="info",
                )
            )
    if chosen.estimated:
        said.append(
            Notice(
                code="errors-from-scatter",
                message=f"{chosen.line}: the files state no errors; they are taken from how "
                "neighbouring points scatter",
                severity="info",
            )
        )
    if not series.film.edges:
        said.append(
            Notice(
                code="no-edge",
                message=f"{chosen.line} fills the whole field: nothing is told of rim and centre",
                severity="info",
            )
        )
    return said


def states_dataset(chosen: Chosen, series: ChangeSeries) -> xr.Dataset:
    """Return the numbers over the states, with errors apart."""
    names = [n for n in NAMES if any(n in s.numbers for s in series.states)]
    variables: dict[str, Any] = {}
    for name in names:
        rows = [s.numbers.get(name) for s in series.states]
        unit = next(n.unit for n in rows if n is not None)
        if name == "matter":
            unit = chosen.taken[0].corrected[chosen.line].unit
        about = {"units": unit, "missing": "not told of this state"}
        for suffix, values in (
            ("", [np.nan if n is None else n.value for n in rows]),
            ("_std", [np.nan if n is None else n.std for n in rows]),
            ("_counting", [np.nan if n is None else n.counting for n in rows]),
        ):
            variables[f"{name}{suffix}"] = ("state", np.array(values), dict(about))
        variables[name][2]["ancillary_variables"] = f"{name}_std"
    changed = [any(t.changed for t in s.tests) for s in series.states]
    variables["changed"] = ("state", np.array(changed, dtype=np.int8), {"units": "1"})
    labels = [s.name for s in series.states]
    return xr.Dataset(
        variables,
        {
            "state": ("state", np.array(chosen.positions), {"units": "1", "name": chosen.along}),
            "label": ("state", np.array(labels), {"units": "1"}),
        },
        {"title": f"{chosen.line} over the states", "reference": labels[series.reference]},
    )


def change_dataset(chosen: Chosen, state: StateChange, index: int) -> xr.Dataset:
    """Return one state's map brought onto the reference, and its difference from it."""
    one = chosen.maps[index]
    base = chosen.maps[chosen.reference]
    rows, columns = one.values.shape
    at = [
        np.arange(n, dtype=np.float64) + s
        for n, s in zip((rows, columns), (state.shift.y, state.shift.x), strict=True)
    ]
    values = np.where(np.isfinite(one.values), one.values, np.nanmedian(one.values))
    brought = sampling(rows, at[0]) @ values @ sampling(columns, at[1]).T
    inside = np.logical_and.outer(
        *((p >= -0.5) & (p <= n - 0.5) for p, n in zip(at, (rows, columns), strict=True))
    )
    unit = chosen.taken[index].corrected[chosen.line].unit
    outside = {"missing": "not covered by this scan, or too weak to tell"}
    dims = ("y", "x")
    variables: dict[str, Any] = {
        "reference": (dims, base.values, {"units": unit, "missing": "not measured"}),
        "aligned": (dims, np.where(inside, brought, np.nan), {"units": unit, **outside}),
    }
    found = state.difference
    if found is not None:
        for name, part, u in (
            ("difference", found.difference, unit),
            ("difference_std", np.hypot(found.counting, found.systematic), unit),
            ("significance", found.significance, "1"),
            ("ratio", found.ratio, "1"),
            ("ratio_std", found.ratio_std, "1"),
        ):
            variables[name] = (dims, part, {"units": u, **outside})
        variables["difference"][2]["ancillary_variables"] = "difference_std"
        variables["ratio"][2]["ancillary_variables"] = "ratio_std"
        variables["changed"] = (dims, found.changed.astype(np.int8), {"units": "1"})
    return xr.Dataset(
        variables,
        {"y": ("y", base.y, {"units": base.unit}), "x": ("x", base.x, {"units": base.unit})},
        {"title": f"{chosen.line}, {state.name}, on the points of {base.name}"},
    )
