"""Numbers on different volumes of one line of samples: what a map says of the variation between.

A map says something of a number only if it is a map of that number: a finding of the same kind and
subject whose ``array`` holds, by ``evidence["variable"]``, the map that it was averaged over or
stands for; one that names the kind in ``evidence["maps_kind"]``; or one of a kind that the number's
kind declares itself proportional to (`consilience.declarations.Kind.mapped_by`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from consilience.compare.context import ComparisonContext
from consilience.compare.groups import region_key
from consilience.compare.maps.maps import Map, read_map
from consilience.compare.presence.presence import same_subject
from consilience.compare.volumes.heterogeneity import Heterogeneity, block_means, variance_between
from consilience.errors import ConsilienceError
from consilience.lineage import ancestors
from consilience.model.finding import Finding, Region
from consilience.quantities import convert

__all__ = [
    "Variation",
    "common_sample",
    "extent",
    "is_all_of",
    "no_other_state",
    "size_of",
    "steps_of",
    "variation_between",
]

Size = tuple[float, float]
"""Extent of a volume along y and x of a map, in the map's unit of length."""


@dataclass(frozen=True)
class Variation:
    """What the variation between two volumes adds to the error of their difference.

    `std` is in the unit of the number; `words` and `numbers` say where it is from.
    """

    std: float
    words: str
    numbers: dict[str, Any]


def variation_between(
    first: Finding, second: Finding, context: ComparisonContext
) -> Variation | str:
    """Estimate how much a number varies between two volumes, or say why that is not known.

    Parameters
    ----------
    first, second : Finding
        Of one kind, subject and unit, on two samples of one line.

    Returns
    -------
    Variation or str
        Only maps of the sample that both volumes are of count, in a state that contradicts
        neither, and none that a rule doubts.
    """
    whole = common_sample(first, second, context)
    if whole is None:
        return "they are of no common sample"
    maps = [one for one in context.maps.get(whole, ()) if _is_map_of(one, first, context)]
    maps = [m for m in maps if no_other_state(m, first) and no_other_state(m, second)]
    if not maps:
        label = first.subject.label if first.subject else first.kind
        title = context.kinds[first.kind].title
        return f"no map or profile of the {title} of {label} on {whole} shows how much it varies"
    reasons = []
    for one in sorted(maps, key=lambda f: f.id):
        found = _of_map(one, first, second, context)
        if isinstance(found, Variation):
            return found
        reasons.append(f"the map of {context.name(one)} does not say how much it varies: {found}")
    return reasons[0]


def common_sample(first: Finding, second: Finding, context: ComparisonContext) -> str | None:
    """Return the smallest sample that both are, or were cut from."""
    mine = [first.sample, *ancestors(context.samples, first.sample)]
    theirs = {second.sample, *ancestors(context.samples, second.sample)}
    return next((sample for sample in mine if sample in theirs), None)


def _is_map_of(one: Finding, number: Finding, context: ComparisonContext) -> bool:
    if (
        one.id in context.unsound
        or (one.origin == "simulated") != (number.origin == "simulated")
        or not same_subject(one.subject, number.subject)
    ):
        return False
    kinds = {one.kind, str(one.evidence.get("maps_kind", ""))}
    return bool(kinds & {number.kind, *context.kinds[number.kind].mapped_by})


def no_other_state(one: Finding, other: Finding) -> bool:
    """Return True if no state variable that both state differs."""
    return all(one.state[k] == other.state[k] for k in set(one.state) & set(other.state))


def _of_map(
    one: Finding, first: Finding, second: Finding, context: ComparisonContext
) -> Variation | str:
    found = read_map(one, context, lines=True)
    if isinstance(found, str):
        return found
    scale = _in_unit(found, one, first)
    if isinstance(scale, str):
        return scale
    parts: list[tuple[str, Heterogeneity]] = []
    for number in (first, second):
        name = context.name(number)
        if is_all_of(number, one, found):
            continue
        size = size_of(number, one.sample, found, context)
        if isinstance(size, str):
            return f"{size} of {name} is not known"
        try:
            made = _heterogeneity(found, size)
        except ValueError as error:
            return str(error)
        parts.append((f"{name}: {extent(size, found.units[1])}", made))
    if not parts:
        return "both speak of all of it"
    std = math.sqrt(sum((scale * made.bound) ** 2 for _, made in parts))
    unit = "" if first.unit == "1" else f" {first.unit}"
    volumes = "; ".join(
        f"{said} – {scale * made.std:.3g} ± {_std_of_std(made) * scale:.2g}{unit} between "
        f"{made.blocks} volumes of that size"
        for said, made in parts
    )
    noise = "" if found.std is not None else ", from which the noise of the points is not taken off"
    relative = ", taken in proportion" if scale != 1.0 and one.kind != first.kind else ""
    words = (
        f"different places: the map of {context.name(one)} varies by ({volumes}){noise}{relative}; "
        f"{std:.2g}{unit} of the error is that variation, within the mapped area and across it"
    )
    numbers = {
        "std": std,
        "map": one.id,
        "volumes": [
            {
                "of": said,
                "std": scale * made.std,
                "std_error": scale * _std_of_std(made),
                "blocks": made.blocks,
            }
            for said, made in parts
        ],
    }
    return Variation(std, words, {"heterogeneity": numbers})


def _std_of_std(made: Heterogeneity) -> float:
    """Standard deviation of the standard deviation; where that is small, of what bounds it."""
    if made.std > math.sqrt(made.variance_std):
        return made.variance_std / (2.0 * made.std)
    return made.bound - made.std


def _in_unit(found: Map, one: Finding, number: Finding) -> float | str:
    """Return what turns the map's values into the number's unit."""
    try:
        return convert(1.0, found.unit, number.unit or "1")
    except ConsilienceError:
        pass
    mean = float(np.nanmean(found.values))
    if one.kind == number.kind or not mean > 0 or number.value is None:
        return f"it is in {found.unit or 'no unit'}, the number in {number.unit}"
    return abs(number.value) / mean


def is_all_of(number: Finding, one: Finding, found: Map) -> bool:
    """Return True if the number speaks of all that the map shows.

    Parameters
    ----------
    number, one : Finding
        `one` names the map; it may itself be about a part of it.
    found : Map
        Of `one`.
    """
    if number.sample != one.sample:
        return False
    region, same = number.region, number.array == one.array
    key = region_key(region)
    if region is None or key is None:
        # a single spot may stand for the whole sample, and is not all of a map of it
        spot = region is None and number.probe is not None and number.probe.lateral is not None
        return same or (region_key(one.region) is None and not spot)
    if same or (one.region is not None and one.region.frame == region.frame):
        sides = _sides(region, found.units[1])
        if sides is not None:
            return _covers(sides, found)
    return key == region_key(one.region)


def _covers(sides: Size, found: Map) -> bool:
    """Return True if a box is as large as the map, but for less than half a step."""
    whole = (np.ptp(found.y), np.ptp(found.x))
    return all(
        side > length - 0.5 * step
        for side, length, step in zip(sides, whole, steps_of(found), strict=True)
    )


def size_of(number: Finding, whole: str, found: Map, context: ComparisonContext) -> Size | str:
    """Return the extent of what a number speaks of, in the map's unit of length."""
    unit = found.units[1]
    sample = context.samples[number.sample]
    cut = sample.cut if sample.parent == whole else None
    for region in (number.region, cut):
        sides = None if region is None else _sides(region, unit)
        if sides is not None:
            return sides
    probe = number.probe
    if probe is not None and probe.volume is not None:
        side = _length(probe.volume.value ** (1 / 3), probe.volume.unit.removesuffix("^3"), unit)
        if side is not None:
            return side, side
    if number.sample == whole and probe is not None and probe.lateral is not None:
        side = _length(probe.lateral.value, probe.lateral.unit, unit)
        if side is not None:
            return side, side
    return "the size of the volume"


def _sides(region: Region, unit: str) -> Size | None:
    points = np.asarray(region.coordinates, dtype=np.float64)
    if region.shape not in ("box", "polygon") or points.ndim != 2 or points.shape[1] < 2:
        return None
    x, y = (_length(float(np.ptp(points[:, axis])), region.unit, unit) for axis in (0, 1))
    return None if x is None or y is None or not (x > 0 and y > 0) else (y, x)


def _length(value: float, unit: str, to: str) -> float | None:
    try:
        return convert(value, unit, to)
    except ConsilienceError:
        return None


def _heterogeneity(found: Map, size: Size) -> Heterogeneity:
    means, noise = block_means(found.values, found.std, steps_of(found), size)
    return variance_between(means, noise)


def steps_of(found: Map) -> Size:
    """Return the distances of a map's points along y and x; 1 along what has one point."""
    y, x = (
        float(np.median(np.abs(np.diff(axis)))) if axis.size > 1 else 1.0
        for axis in (found.y, found.x)
    )
    return y, x


def extent(size: Size, unit: str) -> str:
    """Return the sides of a volume in words."""
    y, x = size
    return f"{x:.3g} {unit}" if math.isclose(x, y, rel_tol=1e-3) else f"{x:.3g} × {y:.3g} {unit}"
