"""Clocks that differ by whole hours: what a wrong time zone looks like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from consilience.custody.chain import instant
from consilience.model.sample import SensorSeries, Step

if TYPE_CHECKING:
    from consilience.custody.custody import Custody

__all__ = ["MOST_HOURS", "Shift", "hours_between", "series_interval", "shifted_onto"]

MOST_HOURS = 14
"""Time zones differ from UTC by -12 to +14 hours."""
_SLACK = 300.0
"""s; clocks beside a time zone may differ by this much."""


@dataclass(frozen=True)
class Shift:
    """By how many whole hours a time must move to lie in a step."""

    step: Step
    hours: int


def shifted_onto(at: datetime, steps: Sequence[Step]) -> Shift | None:
    """Return the least shift by whole hours that puts a time into one of some steps."""
    for hours in range(1, MOST_HOURS + 1):
        for sign in (-1, 1):
            moved = at + timedelta(hours=sign * hours)
            for step in steps:
                start, end = instant(step.start), instant(step.end)
                if start is not None and end is not None and start <= moved <= end:
                    return Shift(step, sign * hours)
    return None


def hours_between(step: tuple[datetime, datetime], logged: tuple[datetime, datetime]) -> int:
    """Return by how many whole hours a log must move to lie on its step; 0: by none."""
    differences = [(s - t).total_seconds() for s, t in zip(step, logged, strict=True)]
    for difference in differences:
        hours = round(difference / 3600.0)
        if hours == 0 or abs(hours) > MOST_HOURS:
            continue
        if abs(difference - 3600.0 * hours) > _SLACK:
            continue
        move = timedelta(hours=hours)
        overlap = min(step[1], logged[1] + move) - max(step[0], logged[0] + move)
        if overlap > timedelta(0):
            return hours
    return 0


def series_interval(custody: Custody, series: SensorSeries) -> tuple[datetime, datetime] | None:
    """Return when a series begins and ends; None where its start or its data are not known."""
    from consilience.errors import ConsilienceError

    origin = instant(series.start)
    if origin is None or series.rows == 0:
        return None
    try:
        time = custody.open_series(series)["time"]
    except ConsilienceError:
        return origin, origin  # only where it begins is known
    first, last = float(time[0]), float(time[-1])
    return origin + timedelta(seconds=first), origin + timedelta(seconds=last)
