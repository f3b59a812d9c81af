"""Where a sample is in a step, and where on it: what cannot be in two places at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from consilience.custody.chain import instant
from consilience.model.finding import Region
from consilience.model.sample import Step

__all__ = ["exclusive", "overlap_seconds", "within"]

_BENCH = frozenset({"prepare", "disassemble", "rinse", "dry"})
_FIB = frozenset({"mill", "lift_out", "coat"})
_PLACED = {**dict.fromkeys(_BENCH, "bench"), **dict.fromkeys(_FIB, "beam")} | {
    "store": "store",
    "transfer": "transfer",
    "measure": "measure",
    "cycle": "cycler",
}
_TOGETHER = {frozenset({"beam", "measure"}), frozenset({"cycler", "measure"})}


def exclusive(first: Step, second: Step) -> bool:
    """Return True if a sample cannot be in both steps at one time."""
    one, other = _PLACED.get(first.type), _PLACED.get(second.type)
    if one is None or other is None or frozenset({one, other}) in _TOGETHER:
        return False
    return one != other or not (one in ("bench", "beam") or _same_place(first, second))


def overlap_seconds(first: Step, second: Step) -> float:
    """Return for how long two steps overlap; 0 or less where they do not or it is not known."""
    ends: Sequence[datetime | None] = [
        instant(t) for t in (first.start, first.end, second.start, second.end)
    ]
    a, b, c, d = ends
    if a is None or b is None or c is None or d is None:
        return 0.0
    return (min(b, d) - max(a, c)).total_seconds()


def _same_place(first: Step, second: Step) -> bool:
    """Return True for two steps alike in place that do not say that they were apart."""
    if first.type == "measure":
        return True  # two techniques in one instrument, for all that is known
    if first.type == "transfer":
        return False
    return all(
        first.conditions.get(n) == second.conditions.get(n) for n in ("atmosphere", "carrier")
    )


def within(inner: Region | None, outer: Region | None) -> bool:
    """Return True if a point or box certainly lies in a box of the same frame and unit."""
    if inner is None or outer is None or inner.frame != outer.frame or inner.unit != outer.unit:
        return False
    if outer.shape != "box" or inner.shape not in ("point", "box", "line"):
        return False
    if len(outer.coordinates) != 2 or not inner.coordinates:
        return False
    axes = len(outer.coordinates[0])
    if any(len(point) != axes for point in [*inner.coordinates, *outer.coordinates]):
        return False
    low = [min(p[i] for p in outer.coordinates) for i in range(axes)]
    high = [max(p[i] for p in outer.coordinates) for i in range(axes)]
    return all(low[i] <= point[i] <= high[i] for point in inner.coordinates for i in range(axes))
