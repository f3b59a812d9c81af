"""The analysis apt.surfaces: an iso-concentration surface and the composition against distance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import Covariance, FindingDraft, Region, Rival, Subject
from consilience.model.measurement import Measurement, Notice
from consilience_apt.findings.composition_run import doubted, label_rivals
from consilience_apt.findings.drafts_profile import field_rival
from consilience_apt.findings.drafts_spectrum import FRAME, described, number
from consilience_apt.findings.measured import Prepared, prepare, share_of
from consilience_apt.findings.probed import with_extent
from consilience_apt.findings.profile_run import too_few
from consilience_apt.findings.spectrum_run import audited
from consilience_apt.params import IsoParams, SurfaceParams
from consilience_apt.space.excess import gibbs_excess
from consilience_apt.space.grid import count_grid, extent
from consilience_apt.space.interface import fit_interface
from consilience_apt.space.isosurface import Isosurface, area_errors, count_sides, isosurface
from consilience_apt.space.profile import profile
from consilience_apt.space.proxigram import Proxigram, proxigram
from consilience_apt.space.stretches import most_variable

if TYPE_CHECKING:
    import xarray as xr

    from consilience_apt.space.counting import Counts

__all__ = ["named_surface", "run_surfaces", "surface_array"]

IONS = 8.0
LEAST = 5.0
"""Delocalised atoms in a voxel below which its fraction is unknown."""


def run_surfaces(
    measurements: Sequence[Measurement], params: SurfaceParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return area and pieces of the surface, the composition on both sides, and across it."""
    prepared = prepare(measurements[0], params, context)
    notices = list(prepared.notices)
    if too_few(prepared, notices):
        return AnalysisOutput([], {}, notices)
    try:
        element, surface = named_surface(prepared, params, context)
        drafts, arrays = _found(prepared, surface, element, params, context, notices)
    except BadInputError as error:
        notices.append(Notice(code="no-surface", message=error.what, fix=error.fix))
        return AnalysisOutput([], {}, notices)
    rivals = label_rivals(audited(prepared, params, context, []))
    drafts = with_extent(drafts, prepared.source, progress=context.progress)
    return AnalysisOutput(doubted(drafts, rivals), arrays, notices)


def named_surface(
    prepared: Prepared, params: IsoParams, context: AnalysisContext
) -> tuple[str, Isosurface]:
    """Return the element and its surface, with the area's errors.

    Raises
    ------
    BadInputError
        An element without a range; a level that is never reached; voxels with too few atoms.
    """
    element = params.element or _most_variable(prepared, context)
    return element, _surface(prepared, element, params, context)


def _most_variable(prepared: Prepared, context: AnalysisContext) -> str:
    assert prepared.table is not None
    fine = profile(prepared.source, prepared.table, "z", 1.0, progress=context.progress)
    return most_variable(fine)[0]


def _surface(
    prepared: Prepared, element: str, params: IsoParams, context: AnalysisContext
) -> Isosurface:
    assert prepared.table is not None
    low, high = extent(prepared.source, progress=context.progress)
    voxel = params.voxel
    if voxel is None:
        volume = math.pi / 4 * float(np.prod(np.maximum(high - low, 0.1)))
        voxel = max(1.0, round((IONS / (prepared.source.ions / volume)) ** (1 / 3), 1))
    sigma = voxel if params.sigma is None else params.sigma
    grid = count_grid(
        prepared.source, prepared.table, [element], voxel=voxel, sigma=sigma,
        limits=(low.tolist(), high.tolist()),         progress=context.progress,
    )  # fmt: skip
    field = grid.field(element, sigma, LEAST)
    level = params.concentration
    if level is None:
        known = field.value[np.isfinite(field.value)]
        if not known.size:
            raise BadInputError(
                f"no voxel of {voxel:g} nm holds {LEAST:g} atoms",
                fix="take larger voxels or a wider delocalisation",
            )
        level = float(np.quantile(known, 0.02) + np.quantile(known, 0.98)) / 2
    surface = isosurface(field, level)
    return area_errors(grid, surface, params.repeats, progress=context.progress)


def _found(
    prepared: Prepared,
    surface: Isosurface,
    element: str,
    params: SurfaceParams,
    context: AnalysisContext,
    notices: list[Notice],
) -> tuple[list[FindingDraft], dict[str, xr.Dataset]]:
    table = prepared.table
    assert table is not None
    background = share_of(prepared)
    inside, outside = count_sides(prepared.source, table, surface, background, context.progress)
    made = proxigram(
        prepared.source, table, surface, params.width, params.reach, None, background,
        context.progress,
    )  # fmt: skip
    name = f"{100 * surface.level:.3g} at.% {element} surface"
    how = (
        f"iso-surface at {100 * surface.level:.3g} at.% {element}, voxels of "
        f"{surface.field.voxel[0]:g} nm, delocalised by {surface.field.sigma:g} nm"
    )
    arrays: dict[str, xr.Dataset] = {
        "proxigram": proxigram_array(made),
        "surface": surface_array(surface),
    }
    region = Region(shape="mask", unit="nm", frame=FRAME, array=None, label=name)
    pieces = surface.piece_areas
    volume = surface.enclosed_volume
    drafts = [
        FindingDraft(
            kind="isosurface_area",
            subject=Subject(element=element),
            region=region,
            value=surface.area,
            unit="nm^2",
            std_stat=surface.area_std_stat,
            std_sys=surface.area_std_sys,
            array="surface",
            rivals=[field_rival("a surface of one concentration")],
            evidence={
                "level": number(surface.level),
                "closed": surface.closed,
                "pieces": len(pieces),
                "largest_pieces": [number(one) for one in pieces[:5]],
                "enclosed_volume": number(volume),
                "voxel": number(float(surface.field.voxel[0])),
                "sigma": number(surface.field.sigma),
                "ions_inside": int(inside.ranged[0]),
                "ions_outside": int(outside.ranged[0]),
            },
            assumptions=[
                *prepared.assumptions,
                "lengths as reconstructed; the error of the scale is not in the area's",
            ],
            method=how,
        )
    ]
    for side, counts in (("inside", inside), ("outside", outside)):
        drafts += _side(side, counts, name, how, prepared, arrays)
    drafts += _across(made, surface, element, params, region, how, prepared, context, notices)
    return drafts, arrays


def _side(
    side: str,
    counts: Counts,
    name: str,
    how: str,
    prepared: Prepared,
    arrays: dict[str, xr.Dataset],
) -> list[FindingDraft]:
    import xarray as xr

    table = counts.table
    if not counts.ranged[0]:
        return []
    array = f"covariance {side}"
    size = len(table.elements)
    arrays[array] = xr.Dataset(
        {"statistical": (("element", "other"), counts.covariance(0), {"units": "1"})},
        coords={
            "element": ("element", np.arange(size), {"units": "1", "names": table.elements}),
            "other": ("other", np.arange(size), {"units": "1"}),
        },
    )
    region = Region(shape="mask", unit="nm", frame=FRAME, label=f"{side} of the {name}")
    made = []
    for index, element in enumerate(table.elements):
        found = counts.fraction(element)
        value = float(found.value[0])
        if not math.isfinite(value):
            continue
        made.append(
            FindingDraft(
                kind="composition",
                subject=Subject(element=element),
                region=region,
                value=value,
                unit="1",
                std_stat=float(found.std_stat[0]),
                std_sys=None,
                covariance=Covariance(array=array, index=index),
                rivals=[field_rival("a difference between the two sides")],
                evidence={
                    "atomic_percent": number(100 * value),
                    "ions": int(found.ions[0]),
                    "std_sys_at_least": None
                    if found.std_sys is None
                    else number(float(found.std_sys[0])),
                },
                assumptions=[
                    *prepared.assumptions,
                    (
                        "the surface was drawn by the same ions: noise is sorted to the side that "
                        "it fits, and the difference between the sides is too large by that"
                    ),
                ],
                method=f"counts on the {side} of the {how}",
            )
        )
    return made


def _across(
    made: Proxigram,
    surface: Isosurface,
    element: str,
    params: SurfaceParams,
    region: Region,
    how: str,
    prepared: Prepared,
    context: AnalysisContext,
    notices: list[Notice],
) -> list[FindingDraft]:
    drafts: list[FindingDraft] = []
    said = [
        *prepared.assumptions,
        (
            f"distances are good to {made.distance_std:.2g} nm; delocalisation by "
            f"{max(surface.field.spread):.2g} nm moves the surface and not the ions"
        ),
    ]
    try:
        fits = fit_interface(made.profile, element, simulations=50, progress=context.progress)
    except BadInputError as error:
        notices.append(Notice(code="no-width", message=error.what, severity="info"))
        return drafts
    best = fits[0]
    drafts.append(
        FindingDraft(
            kind="interface_width",
            subject=Subject(element=element),
            region=region,
            value=best.width,
            unit="nm",
            std_stat=best.width_std_stat,
            std_sys=None,
            array="proxigram",
            rivals=[
                Rival(
                    subject=Subject(label=f"{other.shape} shape"),
                    explains=[f"10 to 90 % in {other.width:.3g} nm"],
                    decided_by=["more ions across the interface"],
                )
                for other in fits[1:]
            ],
            evidence={
                "shape": best.shape,
                "location": number(best.location),
                "p_value": number(best.p_value, 3),
                "before": number(best.before),
                "after": number(best.after),
            },
            assumptions=said,
            method=f"{best.shape} step in the proximity histogram of the {how}",
        )
    )
    reach = float(made.profile.edges[-1])
    zone = (-0.4 * reach, 0.4 * reach)
    assert prepared.table is not None
    for other in prepared.table.elements:
        try:
            found = gibbs_excess(
                made.profile, other, zone, (-reach, zone[0]), (zone[1], reach),
                float(np.clip(best.location, *zone)), best.location_std_stat, surface.area,
                None, params.efficiency,
            )  # fmt: skip
        except BadInputError as error:
            text = f"{other}: {error.what}"
            notices.append(Notice(code="no-excess", message=text, severity="info"))
            continue
        drafts.append(
            FindingDraft(
                kind="interfacial_excess",
                subject=Subject(element=other),
                region=region,
                value=found.value,
                unit="1/nm^2",
                std_stat=None if found.value is None else found.std_stat,
                std_sys=None if found.value is None else found.std_sys,
                array="proxigram",
                rivals=[field_rival("an excess at an interface")],
                evidence={
                    "atoms": number(found.atoms),
                    "detected": number(found.detected),
                    "area": number(found.area),
                    "significance": number(found.significance, 4),
                },
                assumptions=said,
                method="Gibbs excess from the proximity histogram",
            )
        )
    return drafts


def proxigram_array(made: Proxigram) -> xr.Dataset:
    """Return fractions over the distance to the surface, positive inside."""
    import xarray as xr

    profile_ = made.profile
    data = xr.Dataset(
        {"ions": ("distance", profile_.counts.ranged, {"units": "count"})},
        coords={"distance": ("distance", profile_.centres, {"units": "nm"})},
    )
    for element in profile_.counts.table.elements:
        found = profile_.fraction(element)
        std = f"{element}_std"
        data[element] = ("distance", found.value, described(found.value, "1", std=std))
        data[std] = ("distance", found.std_stat, described(found.std_stat, "1"))
    return data


def surface_array(surface: Isosurface) -> xr.Dataset:
    """Return vertices and triangles."""
    import xarray as xr

    return xr.Dataset(
        {
            "vertices": (("vertex", "axis"), surface.vertices, {"units": "nm"}),
            "faces": (("face", "corner"), surface.faces, {"units": "1"}),
        },
        coords={
            "axis": ("axis", np.arange(3), {"units": "1"}),
            "corner": ("corner", np.arange(3), {"units": "1"}),
        },
    )
