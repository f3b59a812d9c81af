"""The analysis apt.facets: facets of an iso-concentration surface, and what lies on each."""

from __future__ import annotations

import math
from collections.abc import Sequence

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft, Region, Subject
from consilience.model.measurement import Measurement, Notice
from consilience_apt.findings.composition_run import doubted, label_rivals
from consilience_apt.findings.drafts_profile import field_rival
from consilience_apt.findings.drafts_spectrum import FRAME, number
from consilience_apt.findings.measured import Prepared, prepare
from consilience_apt.findings.profile_run import too_few
from consilience_apt.findings.spectrum_run import audited
from consilience_apt.findings.surfaces_run import named_surface, surface_array
from consilience_apt.params import FacetParams
from consilience_apt.space.facets import Facet, FacetDensity, facet_density, facets
from consilience_apt.space.isosurface import Isosurface

__all__ = ["run_facets"]

DETECTED = (
    "the detection efficiency is not stated: atoms an area are detected atoms, a lower bound, "
    "and stand in the evidence"
)


def run_facets(
    measurements: Sequence[Measurement], params: FacetParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return the facets of the surface with their areas, and the excess of species on each."""
    prepared = prepare(measurements[0], params, context)
    notices = list(prepared.notices)
    if too_few(prepared, notices):
        return AnalysisOutput([], {}, notices)
    table = prepared.table
    assert table is not None
    densities: dict[str, list[FacetDensity]] = {}
    try:
        element, surface = named_surface(prepared, params, context)
        found, labels = facets(surface, params.tolerance, params.most_facets, params.least_area)
        if not found:
            raise BadInputError(
                f"no facet of {params.least_area:g} nm² and more on a surface of "
                f"{surface.area:.3g} nm²",
                fix="lower least_area or raise tolerance",
            )
        wanted = params.species or [one for one in table.elements if one != element][:12]
        for what in wanted:
            densities[what] = facet_density(
                prepared.source, table, surface, labels, what, params.half_width, params.flank,
                params.area_relative_std, params.efficiency, params.efficiency_relative_std,
                progress=context.progress,
            )  # fmt: skip
    except BadInputError as error:
        notices.append(Notice(code="no-facets", message=error.what, fix=error.fix))
        return AnalysisOutput([], {}, notices)
    name = f"{100 * surface.level:.3g} at.% {element} surface"
    drafts: list[FindingDraft] = []
    for place, facet in enumerate(found):
        drafts.append(_area(place, facet, name, element, surface, params, prepared))
        for what, rows in densities.items():
            row = next(one for one in rows if one.facet == place)
            drafts.append(_excess(facet, row, what, name, params, prepared))
    data = surface_array(surface)
    data["facet"] = ("face", labels, {"units": "1"})
    rivals = label_rivals(audited(prepared, params, context, []))
    return AnalysisOutput(doubted(drafts, rivals), {"facets": data}, notices)


def _region(place: int, facet: Facet, name: str) -> Region:
    x, y, z = facet.normal
    return Region(
        shape="mask", unit="nm", frame=FRAME,
        label=f"facet {place + 1} of the {name}, normal ({x:.2f}, {y:.2f}, {z:.2f})",
    )  # fmt: skip


def _area(
    place: int,
    facet: Facet,
    name: str,
    element: str,
    surface: Isosurface,
    params: FacetParams,
    prepared: Prepared,
) -> FindingDraft:
    stat = None
    if surface.area_std_stat is not None:
        # patches of a surface are drawn independently: the error goes as the root of the area
        stat = surface.area_std_stat * math.sqrt(facet.area / surface.area)
    relative = params.area_relative_std
    said = [
        *prepared.assumptions,
        f"directions within {params.tolerance:g}° are one facet; edges belong to none",
    ]
    if relative is None:
        said.append("the systematic error of the area is not stated (area_relative_std)")
    return FindingDraft(
        kind="facet_area",
        subject=Subject(element=element),
        region=_region(place, facet, name),
        value=facet.area,
        unit="nm^2",
        std_stat=stat,
        std_sys=None if relative is None else facet.area * relative,
        array="facets",
        rivals=[field_rival("a flat part of a surface")],
        evidence={
            "facet": place,
            "normal": [number(v, 4) for v in facet.normal],
            "triangles": int(facet.faces.sum()),
            "surface_area": number(surface.area),
            "closed": surface.closed,
            "voxel": number(float(surface.field.voxel[0])),
            "sigma": number(surface.field.sigma),
        },
        assumptions=said,
        method=f"triangles of the {name} by their smoothed directions",
    )


def _excess(
    facet: Facet,
    row: FacetDensity,
    what: str,
    name: str,
    params: FacetParams,
    prepared: Prepared,
) -> FindingDraft:
    said = [
        *prepared.assumptions,
        (
            f"ions within {params.half_width:g} nm of the surface belong to the nearest facet; "
            f"what the {params.flank:g} nm beyond on both sides lead to expect is taken off"
        ),
    ]
    text = f"{row.density:.3g} ± {row.std_stat:.2g} {what} per nm² on the facet"
    if not row.corrected:
        said.append(DETECTED)
        text += " were detected; how many there are is unknown without the detection efficiency"
    if params.area_relative_std is None:
        said.append("the systematic error of the area is not stated (area_relative_std)")
    symbols = prepared.table.elements if prepared.table is not None else []
    return FindingDraft(
        kind="interfacial_excess",
        subject=Subject(element=what) if what in symbols else Subject(label=what),
        region=_region(row.facet, facet, name),
        value=row.density if row.corrected else None,
        unit="1/nm^2",
        std_stat=row.std_stat if row.corrected else None,
        std_sys=row.std_sys if row.corrected else None,
        array="facets",
        rivals=[field_rival("an excess on a facet")],
        evidence={
            "sentence": f"{text}.",
            "facet": row.facet,
            "normal": [number(v, 4) for v in facet.normal],
            "area": number(row.area),
            "atoms": number(row.atoms),
            "detected": number(row.atoms / row.area),
            "detected_std": number(row.std_stat * (params.efficiency or 1.0)),
            "half_width": number(params.half_width),
            "flank": number(params.flank),
        },
        assumptions=said,
        method="detected atoms near the facet, without those of the flanks, over its area",
    )
