"""The course of a quantity in a step as its sensors recorded it: straight pieces, no more.

Between two readings no further apart than the gap limit of the mapping, a quantity is taken to run
straight.  Before the first and after the last reading of a log it is *held* for at most that long.
Everywhere else, and across every reading that is no evidence (impossible, refused, stuck), nothing
is known.  Where two sensors recorded at once, the higher reading counts.

Rows are read in windows, so memory does not grow with a log but for its time axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.custody.chain import instant
from consilience.model.sample import SensorSeries
from consilience.quantities import convert, parse_quantity
from consilience.series.flags import GOOD, MISSING, flag_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience.custody.custody import Custody

__all__ = ["WINDOW_ROWS", "Course", "Pieces", "course_of"]

WINDOW_ROWS = 1 << 18
"""So many rows are read at a time."""

Numbers = Any  # NDArray[np.float64]; arrays of one length


@dataclass(frozen=True)
class Pieces:
    """Straight pieces from (t0, v0) to (t1, v1), time in s, values in the course's unit.

    `held`: the piece lies before the first or after the last reading of a log.
    `points` are the readings themselves, those between gaps included.
    """

    t0: Numbers
    t1: Numbers
    v0: Numbers
    v1: Numbers
    held: NDArray[np.bool_]
    points: Numbers


class _Member:
    """One series of a track, its time in s from the reference of the course."""

    def __init__(
        self,
        custody: Custody,
        series: SensorSeries,
        name: str,
        unit: str,
        reference: datetime | None,
    ) -> None:
        self.series = series
        self.data = custody.open_series(series)
        self.name = name
        start = instant(series.start)
        self.shift = 0.0
        if start is not None and reference is not None:
            self.shift = (start - reference).total_seconds()
        self.time = np.asarray(self.data["time"].to_numpy(), np.float64)
        gap = series.mapping.get("gap")
        self.gap = 0.0 if gap is None else parse_quantity(str(gap), "s").value
        own = series.columns[name]
        self._zero = convert(0.0, own, unit) if own != unit else 0.0
        self._factor = convert(1.0, own, unit) - self._zero if own != unit else 1.0
        columns = series.mapping.get("columns", {})
        self.source = str(columns.get(name, {}).get("column", name))

    @property
    def first(self) -> float:
        return float(self.time[0]) + self.shift

    @property
    def last(self) -> float:
        return float(self.time[-1]) + self.shift

    def rows(self, first: int, last: int) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
        """Return time, values (NaN: no reading), and which readings nothing can be told across."""
        piece = slice(first, last)
        values = self.data[self.name][piece].to_numpy()
        flags = flag_name(self.name)
        broken = np.zeros(len(values), bool)
        if flags in self.data.variables:
            found = self.data[flags][piece].to_numpy()
            broken = (found != GOOD) & (found != MISSING)
        return self.time[piece] + self.shift, self._zero + self._factor * values, broken

    def between(self, begin: float, end: float) -> tuple[int, int]:
        """Return the rows from `begin` to `end`, both included."""
        first = int(np.searchsorted(self.time, begin - self.shift, "left"))
        return first, int(np.searchsorted(self.time, end - self.shift, "right"))


class _Track:
    """One sensor: its logs, one after the other."""

    def __init__(self, members: list[_Member]) -> None:
        self.members = members
        self.gap = max(m.gap for m in members)
        self._ends = [e for e in (self._end(True), self._end(False)) if e is not None]

    def _end(self, front: bool) -> tuple[float, float, float] | None:
        """Return how the outermost reading is held: from, to, value."""
        members = self.members if front else self.members[::-1]
        for member in members:
            count = len(member.time)
            for at in range(0, count, WINDOW_ROWS):
                low, high = at, min(at + WINDOW_ROWS, count)
                if not front:
                    low, high = count - high, count - low
                time, values, broken = member.rows(low, high)
                seen = np.flatnonzero(np.isfinite(values) | broken)
                if not seen.size:
                    continue
                i = int(seen[0] if front else seen[-1])
                if broken[i] or not member.gap:
                    return None
                t, v = float(time[i]), float(values[i])
                return (t - member.gap, t, v) if front else (t, t + member.gap, v)
        return None

    def pieces(self, begin: float, end: float) -> Pieces:
        """Return what is known from `begin` to `end`."""
        parts = [
            (*member.rows(*member.between(begin - self.gap, end + self.gap)), member.gap)
            for member in self.members
        ]
        time = np.concatenate([p[0] for p in parts])
        values = np.concatenate([p[1] for p in parts])
        broken = np.cumsum(np.concatenate([p[2] for p in parts]))
        gaps = np.concatenate([np.full(len(p[0]), p[3]) for p in parts])
        read = np.flatnonzero(np.isfinite(values))
        t, v, b, g = time[read], values[read], broken[read], gaps[read]
        joined = (np.diff(t) <= np.minimum(g[1:], g[:-1])) & (np.diff(b) == 0)
        joined &= (t[1:] >= begin) & (t[:-1] <= end)
        t0, t1, v0, v1 = t[:-1][joined], t[1:][joined], v[:-1][joined], v[1:][joined]
        inside = (t >= begin) & (t <= end)
        held = [(max(a, begin), min(z, end), w) for a, z, w in self._ends]
        held = [(a, z, w) for a, z, w in held if z > a]
        more = np.array([[a, z, w, w] for a, z, w in held]).reshape(-1, 4).T
        pieces = _clipped(t0, t1, v0, v1, begin, end)
        t0, t1, v0, v1 = (np.concatenate(pair) for pair in zip(pieces, more, strict=True))
        mark = np.concatenate((np.zeros(len(pieces[0]), bool), np.ones(more.shape[1], bool)))
        return Pieces(t0, t1, v0, v1, mark, v[inside])


def _clipped(
    t0: Numbers, t1: Numbers, v0: Numbers, v1: Numbers, begin: float, end: float
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Cut pieces at `begin` and `end`."""
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = np.where(t1 > t0, (v1 - v0) / (t1 - t0), 0.0)
    early, late = t0 < begin, t1 > end
    w0 = np.where(early, v0 + slope * (begin - t0), v0)
    w1 = np.where(late, v0 + slope * (end - t0), v1)
    return np.maximum(t0, begin), np.minimum(t1, end), w0, w1


class Course:
    """What the sensors of a step recorded of one quantity.

    Parameters
    ----------
    tracks : sequence
        One for each sensor.
    begin, end : float
        The interval asked for, in s from `reference`; infinite where it is open.
    reference : datetime or None
        None: the log has no place in time, and its own clock is used.
    evidence : tuple of str
        IDs of the series.
    """

    def __init__(
        self,
        tracks: Sequence[_Track],
        begin: float,
        end: float,
        reference: datetime | None,
        evidence: tuple[str, ...],
    ) -> None:
        self._tracks = tracks
        self.reference = reference
        self.evidence = evidence
        # Where the interval is open, nothing bounds for how long a reading could be held.
        early = [t.members[0].first - (t.gap if begin > -np.inf else 0.0) for t in tracks]
        late = [t.members[-1].last + (t.gap if end < np.inf else 0.0) for t in tracks]
        self.begin = max(begin, min(early, default=begin))
        self.end = min(end, max(late, default=end))

    def pieces(self, window_rows: int = WINDOW_ROWS) -> Iterator[Pieces]:
        """Yield what is known, window by window, in order."""
        if not self._tracks or self.begin > self.end:
            return
        edges = {self.begin, self.end}
        for track in self._tracks:
            for member in track.members:
                marks = member.time[::window_rows] + member.shift
                edges |= {float(t) for t in marks if self.begin < t < self.end}
        ordered = sorted(edges)
        if len(ordered) == 1:
            ordered *= 2
        for begin, end in pairwise(ordered):
            found = [track.pieces(begin, end) for track in self._tracks]
            yield found[0] if len(found) == 1 else _highest(found)


def _highest(found: Sequence[Pieces]) -> Pieces:
    """Return the highest of several sensors, piece by piece; what was read outweighs the held."""
    points = np.concatenate([p.points for p in found])
    lines = []
    for pieces in found:
        for held in (False, True):
            chosen = np.flatnonzero((pieces.held == held) & (pieces.t1 > pieces.t0))
            chosen = chosen[np.argsort(pieces.t0[chosen], kind="stable")]
            part = [getattr(pieces, k)[chosen] for k in ("t0", "t1", "v0", "v1")]
            if len(chosen):
                lines.append((held, *part))
    if not lines:
        empty = np.empty(0)
        return Pieces(empty, empty, empty, empty, np.empty(0, bool), points)
    knots = np.unique(np.concatenate([np.concatenate((x[1], x[2])) for x in lines]))
    crossings = [_crossings(one, two, knots) for one, two in combinations(lines, 2)]
    knots = np.unique(np.concatenate([knots, *crossings]))
    t0, t1 = knots[:-1], knots[1:]
    best0, best1 = np.full(len(t0), np.nan), np.full(len(t0), np.nan)
    mark = np.ones(len(t0), bool)
    for wanted in (False, True):
        for line in (x for x in lines if x[0] == wanted):
            v0, v1 = _along(line, t0, t1)
            use = np.isfinite(v0) & (np.isnan(best0) | (mark == wanted) & (v0 + v1 > best0 + best1))
            best0[use], best1[use] = v0[use], v1[use]
            mark[use] = wanted
    known = np.isfinite(best0)
    return Pieces(t0[known], t1[known], best0[known], best1[known], mark[known], points)


def _along(line: Any, t0: Numbers, t1: Numbers) -> tuple[Numbers, Numbers]:
    """Return a sensor's values at both ends of intervals; NaN where it does not span them."""
    _, a, b, v, w = line
    middle = (t0 + t1) / 2.0
    place = np.clip(np.searchsorted(a, middle, "right") - 1, 0, len(a) - 1)
    spans = (a[place] <= middle) & (middle <= b[place])
    slope = (w[place] - v[place]) / (b[place] - a[place])
    at = [np.where(spans, v[place] + slope * (t - a[place]), np.nan) for t in (t0, t1)]
    return at[0], at[1]


def _crossings(one: Any, two: Any, knots: Numbers) -> Numbers:
    t0, t1 = knots[:-1], knots[1:]
    (p0, p1), (q0, q1) = _along(one, t0, t1), _along(two, t0, t1)
    d0, d1 = p0 - q0, p1 - q1
    cross = np.flatnonzero(d0 * d1 < 0.0)
    return t0[cross] + (t1 - t0)[cross] * d0[cross] / (d0 - d1)[cross]


def course_of(
    custody: Custody,
    series: Sequence[SensorSeries],
    name: str,
    unit: str,
    begin: datetime | None,
    end: datetime | None,
) -> Course:
    """Return the course of a quantity from `begin` to `end` (None: open).

    Parameters
    ----------
    custody : Custody
    series : sequence of SensorSeries
        Those that have the column, and either all a start or only one without.
    name, unit : str
        Column, and the unit of the answer.
    """
    reference = begin or end or next((instant(s.start) for s in series), None)
    if any(instant(s.start) is None for s in series):
        reference = None
    members = [_Member(custody, s, name, unit, reference) for s in series if s.rows]
    members.sort(key=lambda m: (m.first, m.last, m.series.id))
    tracks: list[list[_Member]] = []
    for member in members:
        for track in tracks:
            if track[-1].source == member.source and track[-1].last <= member.first:
                track.append(member)
                break
        else:
            tracks.append([member])
    limits = [-np.inf, np.inf]
    if reference is not None:
        limits = [
            -np.inf if begin is None else (begin - reference).total_seconds(),
            np.inf if end is None else (end - reference).total_seconds(),
        ]
    ids = tuple(m.series.id for m in members)
    return Course([_Track(t) for t in tracks], limits[0], limits[1], reference, ids)
