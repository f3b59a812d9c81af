"""The analysis apt.profile: a needle along its axis, in stretches, with what is between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft, Subject
from consilience.model.measurement import Measurement, Notice
from consilience_apt.amounts.phases import phase_drafts
from consilience_apt.findings.composition_run import Composing, doubted, stated_errors
from consilience_apt.findings.drafts_composition import covariance_array
from consilience_apt.findings.drafts_profile import (
    change_drafts,
    excess_draft,
    gradient_drafts,
    map_array,
    profile_array,
    profile_drafts,
    stretch_region,
    width_draft,
)
from consilience_apt.findings.drafts_spectrum import WHOLE
from consilience_apt.findings.measured import Prepared, prepare
from consilience_apt.findings.probed import with_extent
from consilience_apt.params import ProfileParams
from consilience_apt.space.counting import labelled_blocks
from consilience_apt.space.excess import gibbs_excess
from consilience_apt.space.grid import count_grid
from consilience_apt.space.interface import fit_interface
from consilience_apt.space.roi import Slab
from consilience_apt.space.stretches import Stretches, stretches_of

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["run_profile"]

LEAST_IONS = 200
"""Ranged ions below which a profile says nothing."""
REACH = 5.0
"""nm on either side of a change point, in which an interface's shape is fitted at most."""
ZONE = 2.0
"""nm on either side of a change point that hold the interface, for the excess."""


def run_profile(
    measurements: Sequence[Measurement], params: ProfileParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return the profile, its stretches with their compositions, and the interfaces."""
    prepared = prepare(measurements[0], params, context)
    notices = list(prepared.notices)
    refused = too_few(prepared, notices)
    if refused:
        return AnalysisOutput([], {}, notices)
    assumptions = prepared.assumptions
    try:
        stretches = stretches_of(prepared, params, context)
    except BadInputError as error:
        notices.append(Notice(code="no-profile", message=error.what, fix=error.fix))
        return AnalysisOutput([], {}, notices)
    arrays: dict[str, xr.Dataset] = {"profile": profile_array(stretches)}
    drafts: list[FindingDraft] = profile_drafts(stretches, params.axis, "profile", assumptions)
    drafts += change_drafts(stretches, "profile", assumptions)
    drafts += gradient_drafts(stretches, params.axis, "profile", assumptions)
    drafts += _widths(stretches, params, context, assumptions, notices)
    stated = stated_errors(params.efficiency_std, params.field_loss_std)
    composing = Composing(prepared, params, context, stated, True, 0.95, notices)
    drafts += _regions(composing, stretches, params, arrays)
    drafts += _excesses(prepared, stretches, params, context, assumptions, notices)
    drafts += _map(prepared, stretches, params, context, arrays, notices)
    drafts = with_extent(drafts, prepared.source, progress=context.progress)
    return AnalysisOutput(doubted(drafts, composing.rivals), arrays, notices)


def too_few(prepared: Prepared, notices: list[Notice]) -> bool:
    """Return whether there are too few ranged ions, and say so."""
    if prepared.table is None:
        return True
    ranged = int(prepared.counts[prepared.table.species[1:] > 0].sum())
    if ranged >= LEAST_IONS:
        return False
    notices.append(
        Notice(
            code="too-few-ions",
            message=f"{ranged} ions in ranges, {LEAST_IONS} are the least for a profile or a test",
            severity="info",
        )
    )
    return True


def _widths(
    stretches: Stretches,
    params: ProfileParams,
    context: AnalysisContext,
    assumptions: Sequence[str],
    notices: list[Notice],
) -> list[FindingDraft]:
    made = []
    for boundary in stretches.boundaries:
        before, after = stretches.neighbours(boundary)
        reach = (max(boundary.low - REACH, before.low), min(boundary.high + REACH, after.high))
        for element in dict.fromkeys(name for name, _ in boundary.members):
            if element in before.gradients or element in after.gradients:
                continue  # a step between two levels is all that the shapes know
            try:
                fits = fit_interface(
                    stretches.fine, element, between=reach,
                    depth_relative_std=stretches.std_scale, simulations=params.simulations,
                    progress=context.progress,
                )  # fmt: skip
            except BadInputError as error:
                text = f"{element} at {boundary.middle:.2f} nm: {error.what}"
                notices.append(Notice(code="no-width", message=text, severity="info"))
                continue
            made.append(
                width_draft(
                    stretches, element, boundary.middle, fits, reach, "profile", assumptions
                )
            )
    return made


def _regions(
    composing: Composing,
    stretches: Stretches,
    params: ProfileParams,
    arrays: dict[str, xr.Dataset],
) -> list[FindingDraft]:
    if len(stretches.stretches) < 2:
        return []
    made: list[FindingDraft] = []
    for place, one in enumerate(stretches.stretches, start=1):
        label = f"stretch {place}, {one.kind}"
        region = stretch_region(stretches, params.axis, one.low, one.high, label)
        composed = composing.volume(Slab(one.low, one.high, params.axis), label)
        if composed is None:
            continue
        array = f"covariance of stretch {place}"
        arrays[array] = covariance_array(composed)
        drafts = composing.drafts(composed, region, array)
        made += [draft for draft in drafts if draft.kind == "composition"]
        if one.kind == "homogeneous":
            made += phase_drafts(
                composed, region, "composition of a homogeneous stretch against small ratios"
            )
    return made


def _excesses(
    prepared: Prepared,
    stretches: Stretches,
    params: ProfileParams,
    context: AnalysisContext,
    assumptions: Sequence[str],
    notices: list[Notice],
) -> list[FindingDraft]:
    """Excess of every element at changes between two flat stretches."""
    table = prepared.table
    assert table is not None
    made: list[FindingDraft] = []
    for boundary in stretches.boundaries:
        before, after = stretches.neighbours(boundary)
        zone = (boundary.low - ZONE, boundary.high + ZONE)
        if "gradient" in (before.kind, after.kind):
            continue
        if zone[0] - before.low < 1.0 or after.high - zone[1] < 1.0:
            continue
        error = max(change.std_stat for _, change in boundary.members)
        error = math.hypot(error, (boundary.high - boundary.low) / math.sqrt(12.0))
        area = _cross_section(prepared, params.axis, zone, context)
        region = stretch_region(
            stretches, params.axis, *zone, f"interface at {boundary.middle:.2f} nm"
        )
        for element in table.elements:
            try:
                excess = gibbs_excess(
                    stretches.fine, element, zone, (before.low, zone[0]), (zone[1], after.high),
                    boundary.middle, error, area, params.area_relative_std,
                    params.efficiency, params.efficiency_relative_std,
                )  # fmt: skip
            except BadInputError as failed:
                notices.append(
                    Notice(
                        code="no-excess",
                        message=f"{element} at {boundary.middle:.2f} nm: {failed.what}",
                        severity="info",
                    )
                )
                continue
            how = f"pixels of 1 nm with ions within {ZONE:g} nm of the change, across the axis"
            made.append(
                excess_draft(excess, region, "profile", params.efficiency, how, assumptions)
            )
    return made


def _cross_section(
    prepared: Prepared, axis: str, zone: tuple[float, float], context: AnalysisContext
) -> float:
    """Area of the needle across the axis, nm², in one pass; pixels near others with ions."""
    from scipy.ndimage import binary_fill_holes

    assert prepared.table is not None
    slab = Slab(zone[0], zone[1], axis)
    names = [name for name in "xyz" if name != axis]
    pixels: set[tuple[int, int]] = set()
    for block, _ in labelled_blocks(
        prepared.source, prepared.table, names, slab, context.progress, "cross-section"
    ):
        places = np.floor(np.column_stack([block[name] for name in names])).astype(np.int64)
        pixels.update(map(tuple, np.unique(places, axis=0).tolist()))
    if not pixels:
        return 1.0
    places = np.array(sorted(pixels))
    grid = np.zeros(np.ptp(places, axis=0) + 1, bool)
    grid[tuple((places - places.min(axis=0)).T)] = True
    return float(binary_fill_holes(grid).sum())


def _map(
    prepared: Prepared,
    stretches: Stretches,
    params: ProfileParams,
    context: AnalysisContext,
    arrays: dict[str, xr.Dataset],
    notices: list[Notice],
) -> list[FindingDraft]:
    table = prepared.table
    assert table is not None
    axes = ("x", "z") if params.axis == "z" else (params.axis, "z")
    try:
        grid = count_grid(
            prepared.source, table, stretches.elements, axes, params.map_voxel,
            params.map_sigma, progress=context.progress,
        )  # fmt: skip
    except BadInputError as error:
        notices.append(Notice(code="no-map", message=error.what, fix=error.fix, severity="info"))
        return []
    made = []
    for element in stretches.elements:
        field = grid.field(element, params.map_sigma, least=5.0)
        array = f"map of {element}"
        arrays[array] = map_array(field)
        made.append(
            FindingDraft(
                kind="composition_map",
                subject=Subject(element=element),
                region=WHOLE,
                array=array,
                evidence={
                    "axes": list(axes),
                    "voxel": params.map_voxel,
                    "sigma": params.map_sigma,
                    "spread": [round(one, 4) for one in field.spread],
                },
                assumptions=[
                    *prepared.assumptions,
                    "summed over the third axis; neighbouring pixels share ions",
                    "background is not subtracted",
                ],
                method=f"fraction of {element} in pixels, Gaussian delocalisation",
            )
        )
    return made
