"""The analysis apt.homogeneity: are elements spread at random within each stretch?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft, Region, Rival, Subject
from consilience.model.measurement import Measurement, Notice
from consilience_apt.findings.composition_run import doubted, label_rivals
from consilience_apt.findings.drafts_profile import field_rival, stretch_region
from consilience_apt.findings.drafts_spectrum import described, number
from consilience_apt.findings.measured import Prepared, prepare
from consilience_apt.findings.probed import with_extent
from consilience_apt.findings.profile_run import too_few
from consilience_apt.findings.spectrum_run import audited
from consilience_apt.homogeneity import (
    HomogeneityResult,
    adjacent_table,
    adjacent_test,
    dispersion_test,
    frequency_test,
    neighbour_test,
    radial_test,
    spatial_blocks,
)
from consilience_apt.params import HomogeneityParams
from consilience_apt.space.counting import element_weights, labelled_blocks
from consilience_apt.space.roi import Slab
from consilience_apt.space.stretches import Stretches, stretches_of

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from consilience_apt.ranges import RangeTable

__all__ = ["run_homogeneity"]

EDGE = 1.0
"""nm that are left out at the ends of a stretch: an interface is no inhomogeneity of it."""
COARSE = 0.25
"""nm; bins for finding stretches: their ends need not be known better."""
LEAST_LENGTH = 3.0
"""nm; a shorter stretch is not tested."""
SLIGHT = 0.05
"""Change of a fraction over a stretch from which it is called a gradient and is not tested."""
RARE = 0.002
"""Fraction below which (and above one minus which) an element is not tested."""


@dataclass(frozen=True)
class _Part:
    """Ions of one stretch: all places, and which ions are of the element."""

    low: float
    high: float
    positions: NDArray[np.float64]
    labels: NDArray[np.uint8]
    how: str


def run_homogeneity(
    measurements: Sequence[Measurement], params: HomogeneityParams, context: AnalysisContext
) -> AnalysisOutput:
    """Test each stretch without a change point, with the smallest effect that would be seen."""
    prepared = prepare(measurements[0], params, context, with_background=False)
    notices = list(prepared.notices)
    if too_few(prepared, notices):
        return AnalysisOutput([], {}, notices)
    try:
        stretches = stretches_of(prepared, params, context, COARSE)
        chosen = _chosen(stretches, params, notices)
        drafts: list[FindingDraft] = []
        arrays: dict[str, xr.Dataset] = {}
        for place, (low, high, label) in enumerate(chosen, start=1):
            part = _collect(prepared, stretches, (low, high), params, context)
            drafts += _tested(prepared, stretches, part, label, place, params, context, arrays)
    except BadInputError as error:
        notices.append(Notice(code="not-tested", message=error.what, fix=error.fix))
        return AnalysisOutput([], {}, notices)
    rivals = label_rivals(audited(prepared, params, context, []))
    drafts = with_extent(drafts, prepared.source, progress=context.progress)
    return AnalysisOutput(doubted(drafts, rivals), arrays, notices)


def _chosen(
    stretches: Stretches, params: HomogeneityParams, notices: list[Notice]
) -> list[tuple[float, float, str]]:
    if params.low is not None or params.high is not None:
        low = float(stretches.fine.edges[0]) if params.low is None else params.low
        high = float(stretches.fine.edges[-1]) if params.high is None else params.high
        return [(low, high, f"{low:g} to {high:g} nm, as named")]
    found: list[tuple[float, float, str]] = []
    for place, one in enumerate(stretches.stretches, start=1):
        low, high = one.low + EDGE, one.high - EDGE
        if one.change > SLIGHT:
            notices.append(
                Notice(
                    code="gradient-not-tested",
                    message=f"stretch {place} ({one.low:.2f} to {one.high:.2f} nm) is a gradient "
                    f"of {', '.join(one.gradients)} by {100 * one.change:.1f} at.%: it is not "
                    "homogeneous along the axis, and no test of random spread is made",
                    severity="info",
                )
            )
        elif high - low >= LEAST_LENGTH:
            slight = f", with a gradient of {100 * one.change:.1f} at.%" if one.gradients else ""
            found.append((low, high, f"stretch {place}{slight}, without {EDGE:g} nm at its ends"))
    return found


def _collect(
    prepared: Prepared,
    stretches: Stretches,
    span: tuple[float, float],
    params: HomogeneityParams,
    context: AnalysisContext,
) -> _Part:
    """Return the ranged ions of the middle of a stretch, at most `params.most_ions`."""
    table = prepared.table
    assert table is not None
    edges, ranged = stretches.fine.edges, stretches.fine.counts.ranged
    inside = np.flatnonzero((edges[:-1] >= span[0]) & (edges[1:] <= span[1]))
    if not inside.size:
        raise BadInputError(
            f"no bin of the profile lies in {span[0]:g} to {span[1]:g} nm",
            fix="name a stretch within the needle",
        )
    first, last = int(inside[0]), int(inside[-1])
    whole = int(ranged[inside].sum())
    held = whole
    while held > params.most_ions and last > first:
        if (last - first) % 2:
            held -= int(ranged[last])
            last -= 1
        else:
            held -= int(ranged[first])
            first += 1
    low, high = float(edges[first]), float(edges[last + 1])
    how = "all its ranged ions"
    if held < whole:
        how = f"the {held} ranged ions in its middle, {low:.2f} to {high:.2f} nm, of {whole}"
    positions, labels = [], []
    for block, found in labelled_blocks(
        prepared.source, table, ("x", "y", "z"), Slab(low, high, params.axis), context.progress,
        "ions of a stretch",
    ):  # fmt: skip
        kept = table.species[found] > 0
        positions.append(np.column_stack([block[name][kept] for name in "xyz"]).astype(float))
        labels.append(found[kept].copy())
    return _Part(low, high, np.concatenate(positions), np.concatenate(labels), how)


def _tested(
    prepared: Prepared,
    stretches: Stretches,
    part: _Part,
    label: str,
    place: int,
    params: HomogeneityParams,
    context: AnalysisContext,
    arrays: dict[str, xr.Dataset],
) -> list[FindingDraft]:
    table = prepared.table
    assert table is not None
    named = [params.element] if params.element else list(stretches.elements)
    seen: list[NDArray[np.bool_]] = []
    drafts: list[FindingDraft] = []
    region = stretch_region(stretches, params.axis, part.low, part.high, label)
    for element in named:
        holds = element_weights(table, element)[0][table.species] > 0
        solute = holds[part.labels]
        share = float(solute.mean()) if solute.size else 0.0
        # of two elements that make up everything the second says what the first said
        mirrored = any(np.mean(solute != ~other) < RARE + 0.02 for other in seen)
        if not RARE < share < 1 - RARE or mirrored:
            continue
        seen.append(solute)
        results = _results(prepared, part, solute, element, params, context)
        each = params.level / max(sum(one.p_value is not None for one in results), 1)
        for result in results:
            array = None
            if result.tables:
                array = f"{result.test}, {element}, {place}"
                arrays[array] = _table(result)
            drafts.append(_draft(result, element, region, part, each, params, array, prepared))
    return drafts


def _results(
    prepared: Prepared,
    part: _Part,
    solute: NDArray[np.bool_],
    element: str,
    params: HomogeneityParams,
    context: AnalysisContext,
) -> list[HomogeneityResult]:
    steps = 5

    def step(done: int, what: str) -> None:
        context.progress(done, steps, f"{what}, {element}")

    step(0, "frequency distribution")
    blocks = spatial_blocks(part.positions, solute, params.block)
    made = [frequency_test(blocks), dispersion_test(blocks)]
    step(2, "nearest neighbours")
    made.append(neighbour_test(part.positions, solute, relabellings=params.relabellings))
    step(3, "radial distribution")
    made.append(
        radial_test(
            part.positions, solute, _radii(part.positions, params.reach), params.relabellings
        )[0]
    )
    step(4, "adjacent detections")
    holds = element_weights(_table_of(prepared), element)[0][_table_of(prepared).species] > 0
    made.append(adjacent_test(adjacent_table(_sequence(prepared, part, holds, params, context), 2)))
    return made


def _table_of(prepared: Prepared) -> RangeTable:
    assert prepared.table is not None
    return prepared.table


def _radii(positions: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    """Shells up to `reach`, or as far as keeps the number of pairs in bounds."""
    extent = np.maximum(np.ptp(positions, axis=0), 0.1)
    density = len(positions) / float(np.prod(extent))
    most = 4_000_000
    bound = (2 * most / max(len(positions) * density, 1e-9) / (4 / 3 * math.pi)) ** (1 / 3)
    return np.linspace(0.0, min(reach, bound), 7)


def _sequence(
    prepared: Prepared,
    part: _Part,
    holds: NDArray[np.bool_],
    params: HomogeneityParams,
    context: AnalysisContext,
) -> Iterator[tuple[NDArray[Any], NDArray[Any] | None]]:
    """Ranged ions of the stretch in the order of detection: of the element or not, same pulse."""
    table = _table_of(prepared)
    known = "ions_per_pulse" in prepared.source.columns
    columns = ("x", "y", "z", "ions_per_pulse") if known else ("x", "y", "z")
    for block, found in labelled_blocks(
        prepared.source, table, columns, Slab(part.low, part.high, params.axis),
        context.progress, "adjacent detections",
    ):  # fmt: skip
        kept = table.species[found] > 0
        same = block["ions_per_pulse"][kept] == 0 if known else None
        yield holds[found[kept]].astype(np.int64), same


def _table(result: HomogeneityResult) -> xr.Dataset:
    import xarray as xr

    size = len(next(iter(result.tables.values())))
    variables = {}
    for name, values in result.tables.items():
        std = f"{name}_std" if f"{name}_std" in result.tables else ""
        unit = "nm" if name in ("inner", "outer") else "1"
        variables[name] = ("class", np.asarray(values, float), described(values, unit, std=std))
    return xr.Dataset(variables, coords={"class": ("class", np.arange(size), {"units": "1"})})


def _draft(
    result: HomogeneityResult,
    element: str,
    region: Region,
    part: _Part,
    level: float,
    params: HomogeneityParams,
    array: str | None,
    prepared: Prepared,
) -> FindingDraft:
    decision = result.decision(level)
    rivals: list[Rival] = []
    if decision in ("segregated", "ordered", "not random"):
        rivals = [field_rival(f"{element} {decision}")]
    return FindingDraft(
        kind="homogeneity",
        subject=Subject(element=element),
        region=region,
        array=array,
        reason=result.reason,
        rivals=rivals,
        evidence={
            "test": result.test,
            "decision": decision,
            "sentence": result.sentence(level),
            "p_value": number(result.p_value, 4),
            "level": number(level, 4),
            "statistic": number(result.statistic),
            "statistic_name": result.statistic_name,
            "degrees_of_freedom": result.degrees_of_freedom,
            "pearson_mu": number(result.pearson_mu, 4),
            "effect": number(result.effect, 4),
            "effect_name": result.effect_name,
            "effect_unit": result.effect_unit,
            "smallest_effect": number(result.smallest_effect, 4),
            "ions": result.ions,
            "solute": result.solute,
        },
        assumptions=[
            *prepared.assumptions,
            f"tested on {part.how}",
            f"level {100 * params.level:g} % shared out evenly among the tests of one element",
            *result.notes,
            "background ions lie at random and weaken every effect",
        ],
        method=f"{result.test}, against random labels on the same ions",
    )
