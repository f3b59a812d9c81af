"""The analysis ``eels.edges``: ionisation edges to counts, maps, composition and presence."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence

import xarray as xr

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.elements import SYMBOLS
from consilience.model.finding import FindingDraft, Region, Rival
from consilience.model.measurement import Measurement, Notice
from consilience_eels.edges.windows import EdgePlan, plan_edges
from consilience_eels.findings.edges_drafts import (
    composition_drafts,
    hidden_by,
    intensity_draft,
    presence_draft,
    rivals_of,
    unplanned_draft,
)
from consilience_eels.findings.edges_measured import (
    MeasuredEdge,
    MeasuredEdges,
    as_arrays,
    beam_of,
    cross_section,
    measure_edges,
)
from consilience_eels.findings.edges_onset import said_of_offsets
from consilience_eels.findings.edges_params import EdgesParams
from consilience_eels.findings.probed import placed
from consilience_eels.library import edges_of
from consilience_eels.spectra import LossAxis

__all__ = ["EdgesParams", "run_edges"]

LOWEST = 15.0
"""eV from which a window may begin where the axis holds the zero loss."""


def run_edges(
    measurements: Sequence[Measurement], params: EdgesParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return what the edges of one spectrum or spectrum image say of the elements.

    Returns
    -------
    AnalysisOutput
        ``edge_intensity``: net counts of each edge, summed over the pixels, with maps of counts
        and fractions in its array.  ``composition``: atomic fractions where two or more edges
        are found, with one joint covariance.  ``element``: for each element asked for, present,
        absent below its limit, or not observable with the reason.

    Raises
    ------
    BadInputError
        A window that was given is not within the axis or holds too few channels.
    """
    (measurement,) = measurements
    data = measurement.data
    name = "counts" if "counts" in data else "intensity"
    asked = _asked(measurement, params, context)
    if not asked:
        text = "no element is named: give 'elements', or list them with the sample"
        return AnalysisOutput([], notices=[_notice(measurement, text)])
    array = data[name].transpose(..., "energy_loss")
    try:
        axis = LossAxis.of(data)
    except BadInputError as fault:
        return AnalysisOutput([], notices=[_notice(measurement, fault.what)])
    tables = {element: edges_of(element) for element in sorted(SYMBOLS)}
    plans = plan_edges(asked, tables, axis, params.windows, max(LOWEST, axis.low))
    region = None
    if params.box is not None:
        array, region = _boxed(array, params.box)
    measured = measure_edges(array, axis, plans, tables, params)
    output = _said(measurement, array, plans, measured, params, asked)
    drafts = [draft.model_copy(update={"region": region}) for draft in output.findings]
    return AnalysisOutput(placed(drafts, measurement, array), output.arrays, output.notices)


def _boxed(
    array: xr.DataArray, box: tuple[float, float, float, float]
) -> tuple[xr.DataArray, Region]:
    """Return the pixels in a box, and the box as a region."""
    if not {"x", "y"} <= {str(d) for d in array.dims}:
        raise BadInputError(
            "a box is given, and this measurement is no image over y and x",
            fix="leave out 'box' for a single spectrum",
        )
    unit = str(array["x"].attrs.get("units", "1"))
    inside = {}
    for dim, low, high in (("x", box[0], box[2]), ("y", box[1], box[3])):
        at = array[dim].values
        inside[dim] = (at >= low) & (at <= high)
        if not inside[dim].any():
            raise BadInputError(
                f"the box holds no pixel: {dim} {low:g} to {high:g}, and the image goes from "
                f"{at.min():g} to {at.max():g} {unit}",
                fix="give a box within the image",
            )
    corners = [[box[0], box[1]], [box[2], box[3]]]
    region = Region(shape="box", coordinates=corners, unit=unit, frame="image", label="box")
    return array.isel(x=inside["x"], y=inside["y"]), region


def _said(
    measurement: Measurement,
    array: xr.DataArray,
    plans: Sequence[EdgePlan],
    measured: MeasuredEdges,
    params: EdgesParams,
    asked: Sequence[str],
) -> AnalysisOutput:
    rivals = {e.edge: rivals_of(e, measured, asked) for e in measured.edges}
    dark = no_beam(measurement)
    hidden = {e.edge: dark or hidden_by(e, measured, rivals[e.edge]) for e in measured.edges}
    beam = beam_of(measurement, params)
    sections = {}
    for edge in measured.edges:
        found = cross_section(measured.axis, edge, beam)
        if found is not None:
            sections[edge.edge] = found
    chosen = [
        e
        for e in measured.edges
        if e.edge in sections and hidden[e.edge] is None and e.net > float(e.total.critical()[0])
    ]
    drafts = [intensity_draft(e, measured, params) for e in measured.edges]
    arrays = {"edges": as_arrays(array, measured, sections)} if measured.edges else {}
    notices: list[Notice] = []
    if off := said_of_offsets([e for e in measured.edges if hidden[e.edge] is None], measured):
        notices.append(_notice(measurement, off, "correct the axis, or give 'windows' on it"))
    atoms = None
    if len(chosen) > 1:
        found_in, joint = composition_drafts(chosen, measured, sections, params, rivals)
        drafts += found_in
        arrays["covariance"] = joint
    elif len(measured.edges) > 1:
        notices.append(_notice(measurement, _why_none(beam.missing, measured, sections)))
    if chosen:  # limits of the others are fractions of these
        atoms = sum(e.net / sections[e.edge] for e in chosen)
    drafts += _presence(plans, measured, rivals, hidden, sections, atoms)
    return AnalysisOutput(drafts, arrays, notices)


def no_beam(measurement: Measurement) -> str | None:
    """Return why the counts are no electrons, where its file was found to hold the dark level."""
    found = any(n.code == "no-beam" for n in measurement.record.notices)
    return "the spectrum was recorded with no usable beam" if found else None


def _why_none(missing: Sequence[str], measured: MeasuredEdges, sections: dict[str, float]) -> str:
    if missing:
        return (
            f"no composition: the {' and the '.join(missing)} of this measurement "
            f"{'is' if len(missing) == 1 else 'are'} not known, which cross sections need; give "
            + ", ".join(f"'{name.replace(' ', '_')}'" for name in missing)
        )
    without = [e.edge for e in measured.edges if e.edge not in sections]
    if len(measured.edges) - len(without) < 2:
        return f"no composition: there are no hydrogenic cross sections of {', '.join(without)}"
    return "no composition: fewer than two edges are above their critical level"


def _presence(
    plans: Sequence[EdgePlan],
    measured: MeasuredEdges,
    rivals: dict[str, list[Rival]],
    hidden: dict[str, str | None],
    sections: dict[str, float],
    atoms: float | None,
) -> list[FindingDraft]:
    made: dict[str, MeasuredEdge] = {e.plan.element: e for e in measured.edges}
    drafts = []
    for plan in plans:
        edge = made.get(plan.element)
        if edge is None:
            drafts.append(unplanned_draft(plan))
            continue
        sigma = sections.get(edge.edge)
        scale = (sigma, atoms) if sigma is not None and atoms is not None else None
        drafts.append(presence_draft(edge, measured, rivals[edge.edge], hidden[edge.edge], scale))
    return drafts


def _asked(measurement: Measurement, params: EdgesParams, context: AnalysisContext) -> list[str]:
    stated = measurement.metadata.get("elements") or []
    listed = [str(e) for e in stated] if isinstance(stated, list | tuple) else []
    given = [edge.partition("_")[0] for edge in params.windows]
    wanted = params.elements or (*listed, *context.sample.elements)
    return [e for e in dict.fromkeys([*given, *wanted]) if e in SYMBOLS]


def _notice(measurement: Measurement, text: str, fix: str = "") -> Notice:
    message = f"{measurement.record.name}: {text}"
    return Notice(code="eels-edges", message=message, fix=fix, severity="info")
