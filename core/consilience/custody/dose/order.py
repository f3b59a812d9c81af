"""Whether an irradiation came before another, or before a cut; unknown where nothing says so."""

from __future__ import annotations

from datetime import datetime, timedelta

from consilience.custody.chain import Moment, Order, instant
from consilience.custody.conditions import bounds
from consilience.model.sample import Step

__all__ = ["between", "to_cut"]


def between(first: Moment, second: Moment) -> Order:
    """Return whether `first` came before `second`, in the life of one sample."""
    one, two = instant(first.time), instant(second.time)
    if one is not None and two is not None and one != two:
        return "before" if one < two else "after"
    if one is not None and two is not None:
        return "unknown"  # at the same moment: one irradiation told twice, or two
    places = (first.sequence, second.sequence)
    if places[0] is None or places[1] is None or places[0] == places[1]:
        return "unknown"
    return "before" if places[0] < places[1] else "after"


def to_cut(moment: Moment, cut: Step) -> Order:
    """Return whether something came before a child was cut out, in the life of its parent."""
    at, start, end = instant(moment.time), instant(cut.start), instant(cut.end)
    if at is not None and (start is not None or end is not None):
        if start is not None and at <= start:
            return "before"
        if end is None and start is not None:
            end = _ended(start, cut)
        if end is None:
            return "unknown"  # it was being cut out, or had been
        if at < end:
            return "before" if start is None else "unknown"  # while it was being cut out
        return "before" if start is None and at == end else "after"
    if moment.sequence is not None and cut.sequence is not None:
        return "before" if moment.sequence < cut.sequence else "after"
    return "unknown"


def _ended(start: datetime, cut: Step) -> datetime | None:
    """Return when a cut without an end had ended at the latest; None where nobody said how long."""
    _, longest = bounds(cut.conditions.get("duration"), "s")
    return None if longest is None else start + timedelta(seconds=longest)
