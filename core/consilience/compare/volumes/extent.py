"""How large is what a finding speaks of, on a map of the sample that it was cut from?"""

from __future__ import annotations

import math

import numpy as np

from consilience.compare.context import ComparisonContext
from consilience.compare.groups import region_key
from consilience.compare.maps.maps import Map
from consilience.errors import ConsilienceError
from consilience.lineage import ancestors
from consilience.model.finding import Finding, Region
from consilience.quantities import convert

__all__ = [
    "Size",
    "common_sample",
    "extent",
    "is_all_of",
    "size_of",
    "steps_of",
]

Size = tuple[float, float]
"""Extent of a volume along y and x of a map, in the map's unit of length."""


def common_sample(first: Finding, second: Finding, context: ComparisonContext) -> str | None:
    """Return the smallest sample that both are, or were cut from."""
    mine = [first.sample, *ancestors(context.samples, first.sample)]
    theirs = {second.sample, *ancestors(context.samples, second.sample)}
    return next((sample for sample in mine if sample in theirs), None)


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
    if region.shape == "mask":
        return False  # its box may be as large as the map, it is not
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
    if number.sample == whole and number.region is not None and number.region.shape == "whole":
        sides = _sides(number.region.model_copy(update={"shape": "box"}), unit)
        if sides is not None:
            return sides
    probe = number.probe
    if probe is not None and probe.volume is not None:
        side = _length(probe.volume.value ** (1 / 3), probe.volume.unit.removesuffix("^3"), unit)
        if side is not None:
            return side, side
    spot = number.sample == whole and number.region is None  # the size of a point is no area's
    if spot and probe is not None and probe.lateral is not None:
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
