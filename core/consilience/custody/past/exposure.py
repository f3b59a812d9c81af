"""Exposure of a sample in one step: integrals, time above a limit, and the highest value.

What sensors recorded in the step's interval counts; where it has no sensor for the quantity, what
the step states, over its duration; else nothing is known.  A gap of a sensor is not filled by what
the step states: it is unknown, and makes the answer an interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import numpy as np

from consilience.custody.chain import Link, instant
from consilience.custody.conditions import bounds
from consilience.custody.past.course import WINDOW_ROWS, Course, Pieces, course_of
from consilience.custody.past.spans import Past, Range
from consilience.model.sample import SensorSeries, Step

if TYPE_CHECKING:
    from consilience.custody.custody import Custody

__all__ = ["Exposed", "Window", "integral", "peak", "seconds_above", "unrecorded"]

_Found = tuple[float, float, float, Range, tuple[str, ...]]

TOLERANCE = 1e-6
"""s; a shorter time is rounding."""


@dataclass(frozen=True)
class Window:
    """The part of a step that counts: of which link, and how long it was.

    Parameters
    ----------
    link : Link
    past : Past
    """

    link: Link
    past: Past

    @property
    def step(self) -> Step:
        """The step."""
        return self.link.step

    @property
    def seconds(self) -> Range:
        """How long it was, at least and at most."""
        return self.past.elapsed(self.link)

    @property
    def key(self) -> tuple[object, ...]:
        """What tells it from other parts of the same step, whatever the moment."""
        end, limit = instant(self.step.end), self.past.limit(self.link)
        cut = None if limit is None or (end is not None and end <= limit) else limit
        return self.step.model_dump_json(), self.link.order, self.seconds, self.surely, cut

    @property
    def surely(self) -> bool:
        """Whether what was recorded in the step certainly lies in the part that counts."""
        placed = self.link.order == "before" or self.past.limit(self.link) is not None
        return placed and self.link.order != "unknown"

    def course(self, custody: Custody, name: str, unit: str) -> Course | None:
        """Return what the sensors of the step recorded; None where they cannot be placed in it."""
        series = self.sensors(custody, name)
        start, limit, end = instant(self.step.start), self.past.limit(self.link), None
        interval = self.past.interval(self.link)
        if interval is not None:
            start, end = interval
        else:
            ends = [m for m in (instant(self.step.end), limit) if m is not None]
            end = min(ends, default=None)
        if all(instant(s.start) is not None for s in series):
            return course_of(custody, series, name, unit, start, end)
        # A log without a place in time belongs to the step as a whole, or cannot be used.
        own_end = instant(self.step.end)
        cut = limit is not None and (own_end is None or own_end > limit)
        if len(series) > 1 or (cut and start is not None) or self.link.order != "before":
            return None
        return course_of(custody, series, name, unit, None, None)

    def sensors(self, custody: Custody, name: str) -> list[SensorSeries]:
        """Return the series of the step that have the quantity."""
        return [s for s in custody.series_of(self.step) if name in s.columns]


@dataclass(frozen=True)
class Exposed:
    """What is known of one quantity in one step.

    Parameters
    ----------
    low, high : float, float or None
        What is certain; `high` None: no limit is known.
    held : float
        What comes to `low` from the ends of logs, where a reading was held: counted only if all
        the rest is known.
    recorded : float
        Time of which something is known, in s.
    unknown : Range
        Time of which nothing is known, in s.
    source : str
    evidence : tuple of str
        IDs of step and series.
    """

    low: float
    high: float | None
    held: float
    recorded: float
    unknown: Range
    source: Literal["sensor", "stated", "nothing"]
    evidence: tuple[str, ...]


def integral(custody: Custody, window: Window, name: str, unit: str) -> Exposed:
    """Return the integral of a quantity that is never negative, in `unit` × s.

    Examples
    --------
    Oxygen at 2 ppm for an hour is 7200 ppm s.
    """

    def of(p: Pieces) -> tuple[float, float]:
        area = (p.t1 - p.t0) * (p.v0 + p.v1) / 2.0
        return float(area[~p.held].sum()), float(area[p.held].sum())

    found = _recorded(custody, window, name, unit, "integral", of)
    if found is not None:
        low, held, recorded, unknown, evidence = found
        complete = unknown == (0.0, 0.0)
        high = low + held if complete else None
        return Exposed(low, high, held, recorded, unknown, "sensor", evidence)
    least, most = bounds(window.step.conditions.get(name), unit)
    return stated_integral(window, least, most)


def stated_integral(window: Window, least: float | None, most: float | None) -> Exposed:
    """Return the integral of what a step states, between `least` and `most`, over its duration."""
    short, long = window.seconds
    evidence = _ids(window)
    if least is None and most is None:
        return Exposed(
            0.0, 0.0 if long == 0.0 else None, 0.0, 0.0, (short, long), "nothing", evidence
        )
    low = (least or 0.0) * short
    high = 0.0 if most == 0.0 or long == 0.0 else None
    if most is not None and long is not None:
        high = most * long
    unknown = (0.0, None if long is None else long - short)
    return Exposed(low, high, 0.0, short, unknown, "stated", evidence)


def seconds_above(custody: Custody, window: Window, name: str, unit: str, limit: float) -> Exposed:
    """Return for how long a quantity was above `limit`, in s, readings joined by straight lines."""

    def of(p: Pieces) -> tuple[float, float]:
        high, low = np.maximum(p.v0, p.v1), np.minimum(p.v0, p.v1)
        with np.errstate(invalid="ignore", divide="ignore"):
            part = np.where(high > low, (high - limit) / (high - low), high > limit)
        above = (p.t1 - p.t0) * np.clip(part, 0.0, 1.0)
        return float(above[~p.held].sum()), float(above[p.held].sum())

    found = _recorded(custody, window, name, unit, ("above", limit), of)
    if found is not None:
        low, held, recorded, unknown, evidence = found
        high = None if unknown[1] is None else low + held + unknown[1]
        return Exposed(low, high, held, recorded, unknown, "sensor", evidence)
    least, most = bounds(window.step.conditions.get(name), unit)
    short, long = window.seconds
    evidence = _ids(window)
    if most is not None and most <= limit:
        return Exposed(0.0, 0.0, 0.0, short, (0.0, 0.0), "stated", evidence)
    if least is not None and least > limit:
        return Exposed(short, long, 0.0, short, (0.0, 0.0), "stated", evidence)
    return Exposed(0.0, long, 0.0, 0.0, (short, long), "nothing", evidence)


def peak(custody: Custody, window: Window, name: str, unit: str) -> Exposed:
    """Return the highest value of a quantity; ``-inf`` is certain where nothing is known."""

    def of(p: Pieces) -> tuple[float, float]:
        read = np.concatenate((p.points, p.v0[~p.held], p.v1[~p.held]))
        return float(read.max(initial=-math.inf)), float(p.v0[p.held].max(initial=-math.inf))

    found = _recorded(custody, window, name, unit, "peak", of, highest=True)
    if found is not None:
        low, held, recorded, unknown, evidence = found
        high = max(low, held) if unknown == (0.0, 0.0) and recorded > 0.0 else None
        if window.seconds == (0.0, 0.0):
            high = low
        return Exposed(low, high, 0.0, recorded, unknown, "sensor", evidence)
    least, most = bounds(window.step.conditions.get(name), unit)
    short, long = window.seconds
    evidence = _ids(window)
    if window.seconds == (0.0, 0.0):
        return Exposed(-math.inf, -math.inf, 0.0, 0.0, (0.0, 0.0), "nothing", evidence)
    if least is None and most is None:
        return Exposed(-math.inf, None, 0.0, 0.0, (short, long), "nothing", evidence)
    low = least if least is not None and window.surely else -math.inf
    return Exposed(low, most, 0.0, short, (0.0, 0.0), "stated", evidence)


def unrecorded(custody: Custody, window: Window, names: tuple[str, ...]) -> Range:
    """Return the time of a step in which at least one of its sensors recorded nothing, in s.

    Quantities without a sensor on the step do not count.
    """
    key = ("unrecorded", names, *window.key)
    if key in custody.exposed:
        known: Range = custody.exposed[key]
        return known
    covered: list[tuple[float, float]] | None = None
    anchor: datetime | None = None
    for name, unit in zip(names, ("K", "Pa"), strict=True):
        series = window.sensors(custody, name)
        if not series:
            continue
        course = window.course(custody, name, unit)
        anchor = anchor or (None if course is None else course.reference)
        found = [] if course is None else list(_stretches(course, anchor))
        covered = found if covered is None else _shared(covered, found)
    answer: Range = (0.0, 0.0)
    if covered is not None:
        answer = _missing(window, sum(end - begin for begin, end in covered))
    custody.exposed[key] = answer
    return answer


def _recorded(
    custody: Custody,
    window: Window,
    name: str,
    unit: str,
    what: object,
    of: Callable[[Pieces], tuple[float, float]],
    *,
    highest: bool = False,
) -> _Found | None:
    """Return low, held, recorded and unknown seconds from sensors; None where there is none."""
    sensors = window.sensors(custody, name)
    if not sensors:
        return None
    key = (what, name, unit, *window.key, *(s.id for s in sensors))
    if key not in custody.exposed:
        custody.exposed[key] = _summed(custody, window, name, unit, of, highest)
    evidence = (*_ids(window), *(s.id for s in sensors))
    low, held, recorded, unknown = custody.exposed[key]
    return low, held, recorded, unknown, evidence


def _summed(
    custody: Custody,
    window: Window,
    name: str,
    unit: str,
    of: Callable[[Pieces], tuple[float, float]],
    highest: bool,
) -> tuple[float, float, float, Range]:
    """Go once over what the sensors of a step recorded."""
    nothing = -math.inf if highest else 0.0
    course = window.course(custody, name, unit)
    if course is None:
        return nothing, nothing, 0.0, window.seconds
    certain = held = nothing
    recorded = 0.0
    for pieces in course.pieces(WINDOW_ROWS):
        one, two = of(pieces)
        certain = max(certain, one) if highest else certain + one
        held = max(held, two) if highest else held + two
        recorded += float((pieces.t1 - pieces.t0).sum())
    longest = window.seconds[1]
    outside = longest is not None and recorded > longest * (1 + 1e-9) + TOLERANCE
    if outside or not window.surely:
        # A log that is longer than its step, or a step of which a part counts: which is not known.
        return nothing, nothing, 0.0, (0.0, longest)
    return certain, held, recorded, _missing(window, recorded)


def _missing(window: Window, recorded: float) -> Range:
    short, long = window.seconds
    rounding = TOLERANCE + 1e-9 * short

    def rest(seconds: float) -> float:
        left = seconds - recorded
        return left if left > rounding else 0.0

    return rest(short), None if long is None else rest(long)


def _stretches(course: Course, anchor: datetime | None) -> Iterator[tuple[float, float]]:
    """Yield when something was recorded, from and to, in order, in s from `anchor`."""
    base = 0.0
    if anchor is not None and course.reference is not None:
        base = (course.reference - anchor).total_seconds()
    begin = end = math.nan
    for pieces in course.pieces():
        order = np.argsort(pieces.t0, kind="stable")
        t0, t1 = pieces.t0[order], pieces.t1[order]
        if not t0.size:
            continue
        breaks = np.flatnonzero(t0[1:] > t1[:-1]) + 1
        firsts, lasts = t0[np.r_[0, breaks]], t1[np.r_[breaks - 1, len(t1) - 1]]
        for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
            if first <= end:
                end = max(end, last)
                continue
            if begin < end:
                yield base + begin, base + end
            begin, end = first, last
    if begin < end:
        yield base + begin, base + end


def _shared(
    one: list[tuple[float, float]], two: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Return where two ordered lists of intervals overlap."""
    found = []
    i = j = 0
    while i < len(one) and j < len(two):
        begin, end = max(one[i][0], two[j][0]), min(one[i][1], two[j][1])
        if end > begin:
            found.append((begin, end))
        if one[i][1] < two[j][1]:
            i += 1
        else:
            j += 1
    return found


def _ids(window: Window) -> tuple[str, ...]:
    return (window.step.id,) if window.step.id else ()
