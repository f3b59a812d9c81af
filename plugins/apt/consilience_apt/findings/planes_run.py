"""The analysis apt.planes: the spacing of lattice planes in a stated region, or why it is open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft, Region, Rival, Subject
from consilience.model.measurement import Measurement, Notice
from consilience_apt.files.stream import source_of
from consilience_apt.findings.composition_run import region_of, selected
from consilience_apt.findings.drafts_spectrum import number
from consilience_apt.findings.measured import prepare
from consilience_apt.findings.probed import with_extent
from consilience_apt.findings.reconstruction_run import stated_scale
from consilience_apt.params import PlaneParams, RegionSpec
from consilience_apt.space.grid import extent
from consilience_apt.space.planes import DistributionMap, PlaneSpacing, find_spacing, gather
from consilience_apt.space.roi import unit_vector

if TYPE_CHECKING:
    import xarray as xr

    from consilience_apt.files.stream import IonSource
    from consilience_apt.space.reconstruction import ScaleErrors

__all__ = ["run_planes"]

ANGSTROM = 10.0
"""In a nm."""
RADIUS, LENGTH = 3.0, 20.0
"""nm, of the cylinder that is looked at where no region is stated."""
CHANCE = 0.01
"""p-value above which chance stays a live rival of planes."""
LOOSE = 0.05
"""Relative counting error of a spacing above which it does, too: its parts do not agree."""
METHOD = "spatial distribution map; p-value by moving each ion along the normal at random"


def run_planes(
    measurements: Sequence[Measurement], params: PlaneParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return one spacing across one direction, or that it cannot be told, with the reason."""
    source, table, assumptions = source_of(measurements[0].data), None, _taken(params)
    notices: list[Notice] = []
    if params.element is not None:
        prepared = prepare(measurements[0], params, context, with_background=False)
        table, notices = prepared.table, list(prepared.notices)
        assumptions = [*prepared.assumptions, *assumptions]
    direction = params.direction if isinstance(params.direction, str) else list(params.direction)
    spec = params.region or _middle(source, context)
    region = region_of(spec)
    subject = Subject(label=f"planes across {_named(params)}")
    if params.element is not None and table is None:
        reason = f"there are no ranges, so that ions of {params.element} are not known"
        return AnalysisOutput([_open(reason, subject, region, params, {})], {}, notices)
    try:
        normal = unit_vector(direction)
        positions = gather(
            source, selected(spec), table, params.element, params.most_ions, context.progress
        )
        found, made = find_spacing(
            positions, direction, (params.smallest, params.largest), params.lateral,
            params.depth, params.trials, params.level, progress=context.progress,
        )  # fmt: skip
    except BadInputError as error:
        draft = _open(f"{error.what}; {error.fix}", subject, region, params, {})
        return AnalysisOutput([draft], {}, notices)
    evidence = {
        "ions": made.ions,
        "pairs": int(made.counts.sum()),
        "modulation": number(found.modulation, 4),
        "p_value": number(found.p_value, 4),
    }
    if found.spacing is None:
        reason = (
            f"no wave from {ANGSTROM * params.smallest:g} to {ANGSTROM * params.largest:g} Å is "
            f"stronger than by chance (p = {found.p_value:.2g}, {made.ions} ions); planes may be "
            "blurred by more than their spacing, or lie across another direction"
        )
        draft = _open(reason, subject, region, params, evidence)
        draft = draft.model_copy(update={"array": "distribution map"})
    else:
        draft = _spacing(found, normal, subject, region, params, assumptions, evidence)
    placed = with_extent([draft], source, {region.label: selected(spec)}, context.progress)
    return AnalysisOutput(placed, {"distribution map": _map_array(made)}, notices)


def _middle(source: IonSource, context: AnalysisContext) -> RegionSpec:
    low, high = extent(source, progress=context.progress)
    x, y, z = (round(float(v), 3) for v in (low + high) / 2)
    return RegionSpec(
        label="cylinder about the middle", shape="cylinder", centre=(x, y, z), radius=RADIUS,
        length=LENGTH,
    )  # fmt: skip


def _named(params: PlaneParams) -> str:
    if isinstance(params.direction, str):
        return params.direction
    return "(" + ", ".join(f"{v:g}" for v in params.direction) + ")"


def _open(
    reason: str,
    subject: Subject,
    region: Region,
    params: PlaneParams,
    evidence: dict[str, float | int | None],
) -> FindingDraft:
    return FindingDraft(
        kind="d_spacing",
        subject=subject,
        region=region,
        unit="angstrom",
        status="not_observable",
        reason=f"cannot tell: {reason}",
        evidence={**evidence, "sentence": f"Spacing of {subject.label}: cannot tell, {reason}."},
        assumptions=_taken(params),
        method=METHOD,
    )  # fmt: skip


def _spacing(
    found: PlaneSpacing,
    normal: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    subject: Subject,
    region: Region,
    params: PlaneParams,
    assumptions: list[str],
    evidence: dict[str, float | int | None],
) -> FindingDraft:
    assert found.spacing is not None
    assert found.std_sys is not None
    scale = stated_scale(params)
    relative = along(scale, float(normal[2] ** 2))
    said = list(assumptions)
    sys = None
    if relative is None:
        names = ", ".join(one.replace("_", " ") for one in scale.unknown)
        said.append(f"the scale's error is unknown, as no error is stated for: {names}")
    else:
        sys = ANGSTROM * math.hypot(found.std_sys, found.spacing * relative)
    return FindingDraft(
        kind="d_spacing",
        subject=subject,
        region=region,
        value=ANGSTROM * found.spacing,
        unit="angstrom",
        std_stat=None if found.std_stat is None else ANGSTROM * found.std_stat,
        std_sys=sys,
        array="distribution map",
        rivals=[
            Rival(
                subject=Subject(label="a multiple of this spacing"),
                explains=["planes of several kinds, whose waves of higher order are stronger"],
                decided_by=["diffraction", "the map of one element alone"],
            ),
            Rival(
                subject=Subject(label="chance, without planes"),
                live=found.p_value > CHANCE or (found.std_stat or 0.0) > LOOSE * found.spacing,
                explains=[f"as strong a wave in {100 * found.p_value:.2g} % of trials at most"],
                decided_by=["more ions", "the same spacing in another region", "diffraction"],
            ),
        ],
        evidence={
            **evidence,
            "std_sys_at_least": number(ANGSTROM * found.std_sys),
            "scale_relative_std": number(relative),
        },
        assumptions=said,
        method=METHOD,
    )


def along(scale: ScaleErrors, share: float) -> float | None:
    """Return the relative error of a length along a direction; None if a term is unknown.

    Parameters
    ----------
    scale : ScaleErrors
    share : float
        Squared cosine of the direction's angle with the depth, 0 to 1.
    """
    if share < 1e-9:
        return scale.lateral
    if scale.depth is None:
        return None
    if share > 1 - 1e-9:
        return scale.depth
    if scale.lateral is None or scale.depth_lateral is None:
        return None
    a, b = share * scale.depth, (1 - share) * scale.lateral
    return math.sqrt(max(a * a + b * b + 2 * a * b * scale.depth_lateral, 0.0))


def _taken(params: PlaneParams) -> list[str]:
    who = "all ions, also unranged ones" if params.element is None else f"ions of {params.element}"
    return [
        (
            f"{who}, at most {params.most_ions}; neighbours within {params.lateral:g} nm across "
            f"and {params.depth:g} nm along the direction"
        ),
        "planes are flat within the region; the direction was stated and not searched for",
    ]


def _map_array(made: DistributionMap) -> xr.Dataset:
    import xarray as xr

    centres = (made.edges[1:] + made.edges[:-1]) / 2
    return xr.Dataset(
        {"pairs": ("difference", made.counts, {"units": "count"})},
        coords={"difference": ("difference", centres, {"units": "nm"})},
    )
