"""Readings one column at a time: in the stored unit, and with a flag where they are no evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError
from consilience.quantities import UNITS, convert, parse_quantity
from consilience.series.flags import GOOD, IMPOSSIBLE, MISSING, OUT_OF_RANGE, REFUSED, STUCK
from consilience.series.mapping import SensorColumn, unit_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ColumnChecker", "GapCounter"]

STUCK_ROWS = 100
"""So many equal readings of a sensor in a row are pointed out where the mapping sets no limit."""

_LEAST = {"K": 0.0, "Pa": 0.0, "ppm": 0.0, "percent": 0.0}
_FRACTIONS = ("o2", "h2o", "humidity")


@dataclass
class _Run:
    """A stretch of equal readings that may go on in the next block."""

    value: float
    time: float
    row: int
    stuck: bool = False


class ColumnChecker:
    """One sensor of a log, block by block.

    Parameters
    ----------
    path : Path
        Named in messages.
    name : str
        Such as ``temperature``.
    column : SensorColumn
    stated : str or None
        The unit that the file itself gives, by note, row of units or attribute.
    words : dict
        ``unit_words`` of the mapping.

    Raises
    ------
    BadInputError
        There is no unit, the file contradicts it, or it measures something else.
    """

    def __init__(
        self, path: Path, name: str, column: SensorColumn, stated: str | None, words: dict[str, str]
    ) -> None:
        self.name = name
        unit, factor = _unit(path, name, column, stated, words)
        self.unit = UNITS.get(name, unit)
        self._zero, self._factor = 0.0, factor
        if self.unit != unit:
            try:
                self._zero = convert(0.0, unit, self.unit)
                self._factor = factor * (convert(1.0, unit, self.unit) - self._zero)
            except BadInputError as error:
                where = f" ({column.column})" if getattr(column, "column", None) else ""
                raise BadInputError(
                    f"column {name!r}{where} of {path.name!r} is in {unit!r}, which is no unit of "
                    f"{name}",
                    fix=f"say in the mapping what it is: [columns.{name}] unit = {self.unit!r}, or "
                    f"another unit that can be converted to {self.unit}",
                    path=path,
                ) from error
        self._least, self._above = _least(name, self.unit)
        self._most = convert(1e6, "ppm", self.unit) if self._limited() else np.inf
        self._valid: tuple[float, float] | None = None
        if column.valid:
            low, high = (parse_quantity(text, self.unit).value for text in column.valid)
            self._valid = (low, high)
        self._limit = None if column.stuck is None else parse_quantity(column.stuck, "s").value
        self._run: _Run | None = None
        self._counted = 0.0
        self._counts = np.zeros(6, np.int64)
        self._episodes = 0
        self._stuck_seconds = 0.0
        self._longest = 0
        self._equal = (np.nan, 0)

    def _limited(self) -> bool:
        return self.name in ("o2", "h2o") and self.unit in ("ppm", "percent")

    def check(
        self,
        time: NDArray[np.float64],
        raw: NDArray[np.float64],
        refused: NDArray[np.bool_] | None,
        row: int,
    ) -> tuple[NDArray[np.float64], NDArray[np.uint8], tuple[int, int] | None]:
        """Return values, flags, and the earlier rows that turn out to be stuck.

        Parameters
        ----------
        time : (n,) array
            In s.
        raw : (n,) array
            In the file's unit, NaN where there is no reading.
        refused : (n,) array or None
        row : int
            Number of rows before these.
        """
        self._count_equal(raw)
        values = (
            self._zero + self._factor * raw if self._zero or self._factor != 1.0 else raw.copy()
        )
        flags = np.zeros(len(values), np.uint8)
        flags[np.isnan(values)] = MISSING
        low = (values <= self._least) if self._above else (values < self._least)
        flags[low | (values > self._most) | np.isinf(values)] = IMPOSSIBLE
        if self._valid is not None:
            outside = (values < self._valid[0]) | (values > self._valid[1])
            flags[outside & (flags == GOOD)] = OUT_OF_RANGE
        if refused is not None:
            flags[refused] = REFUSED
        patch = None if self._limit is None else self._stuck(time, values, flags, row)
        values[flags != GOOD] = np.nan
        self._counts += np.bincount(flags, minlength=6)
        return values, flags, patch

    @property
    def suspect(self) -> bool:
        """Whether the sensor looks stuck though the mapping sets no limit."""
        return self._limit is None and self._longest >= STUCK_ROWS

    def recount(self, readings: int) -> None:
        """Count earlier readings that turned out to be stuck as such."""
        self._counts[GOOD] -= readings
        self._counts[STUCK] += readings

    def problems(self, rows: int) -> Iterator[str]:
        """Say what was noticed."""
        counts = self._counts
        if counts[MISSING]:
            yield f"{self.name}: {counts[MISSING]} of {rows} readings are missing"
        if counts[IMPOSSIBLE]:
            yield (
                f"{self.name}: {counts[IMPOSSIBLE]} of {rows} readings cannot be "
                f"({self._bounds()}): counted as unknown"
            )
        if counts[OUT_OF_RANGE] and self._valid is not None:
            low, high = self._valid
            yield (
                f"{self.name}: {counts[OUT_OF_RANGE]} of {rows} readings lie outside {low:g} to "
                f"{high:g} {self.unit}, what the sensor can show: counted as unknown"
            )
        if counts[REFUSED]:
            yield (
                f"{self.name}: {counts[REFUSED]} of {rows} readings do not count, by their text or "
                "status: counted as unknown"
            )
        if self._limit is not None:
            if self._episodes:
                yield (
                    f"{self.name}: did not move for longer than {self._limit:g} s "
                    f"{self._episodes} time(s), {self._stuck_seconds:g} s in all: counted as "
                    "unknown from where it stopped"
                )
        elif self.suspect:
            yield f"{self.name}: the same reading {self._longest} times in a row; is it stuck?"

    def _bounds(self) -> str:
        least = f"{'≤' if self._above else '<'} {self._least:g} {self.unit}"
        if np.isinf(self._least):
            return "infinite"
        return least if np.isinf(self._most) else f"{least} or > {self._most:g} {self.unit}"

    def _count_equal(self, raw: NDArray[np.float64]) -> None:
        """Follow the longest run of equal numbers, row by row."""
        value, length = self._equal
        joined = np.concatenate(([value], raw))
        edges = np.concatenate(([-1], np.flatnonzero(np.diff(joined) != 0.0), [joined.size - 1]))
        runs = np.diff(edges)
        runs[0] += length - 1  # the carried number is counted by its own run
        self._longest = max(self._longest, int(runs.max()))
        self._equal = (float(raw[-1]), int(runs[-1]))

    def _stuck(
        self,
        time: NDArray[np.float64],
        values: NDArray[np.float64],
        flags: NDArray[np.uint8],
        row: int,
    ) -> tuple[int, int] | None:
        """Flag what does not move for longer than the limit, its first reading excepted."""
        assert self._limit is not None
        good = np.flatnonzero(flags == GOOD)
        if not good.size:
            return None
        v, t = values[good], time[good]
        begins = np.flatnonzero(np.concatenate(([True], v[1:] != v[:-1])))
        ends = np.concatenate((begins[1:], [v.size])) - 1
        since = t[begins].copy()
        carried = self._run if self._run is not None and self._run.value == v[0] else None
        if carried is not None:
            since[0] = carried.time
        long = t[ends] - since > self._limit
        patch = None
        for i in np.flatnonzero(long):
            first = begins[i] + (0 if i == 0 and carried is not None else 1)
            flags[good[first : ends[i] + 1]] = STUCK
            seconds = float(t[ends[i]] - since[i])
            if i == 0 and carried is not None and carried.stuck:
                seconds -= self._counted
            else:
                self._episodes += 1
                if i == 0 and carried is not None:
                    patch = (carried.row + 1, row)
            self._stuck_seconds += seconds
        last = len(begins) - 1
        if last == 0 and carried is not None:
            carried.stuck = bool(long[0])
        else:
            place = begins[last]
            self._run = _Run(
                float(v[place]), float(t[place]), row + int(good[place]), bool(long[-1])
            )
        run = self._run
        assert run is not None
        self._counted = float(t[-1]) - run.time
        return patch


class GapCounter:
    """Pauses between rows that are longer than the mapping allows."""

    def __init__(self, limit: float | None) -> None:
        self._limit = limit
        self._last: float | None = None
        self._count = 0
        self._seconds = 0.0

    def add(self, time: NDArray[np.float64]) -> None:
        """Look at the next rows, time in s."""
        if self._limit is None:
            return
        before = [] if self._last is None else [self._last]
        pauses = np.diff(np.concatenate((before, time)))
        gaps = pauses[pauses > self._limit]
        self._count += gaps.size
        self._seconds += float(gaps.sum())
        self._last = float(time[-1])

    def problems(self) -> Iterator[str]:
        """Say what was noticed."""
        if self._limit is None:
            yield "no 'gap' was stated, so gaps were not looked for"
        elif self._count:
            yield f"{self._count} gap(s) of {self._seconds:g} s in all: unknown, not good"


def _unit(
    path: Path, name: str, column: SensorColumn, stated: str | None, words: dict[str, str]
) -> tuple[str, float]:
    entered = None if column.unit is None else unit_in(column.unit, words, entered=True)
    if stated is None:
        if entered is None:
            raise BadInputError(
                f"the unit of {name!r} is stated neither by the mapping nor by {path.name!r}",
                fix=f"say it: [columns.{name}] unit = 'K'",
                path=path,
            )
        return entered
    found = unit_in(stated, words, entered=False)
    if entered is not None and entered != found and not _same(entered, found):
        raise BadInputError(
            f"{path.name!r} states {stated!r} for {name!r}, the mapping {column.unit!r}",
            fix="correct the mapping; if the file is wrong, leave its note or row of units out",
            path=path,
        )
    return found


def _same(one: tuple[str, float], other: tuple[str, float]) -> bool:
    try:
        return all(
            np.isclose(convert(at * one[1], one[0], other[0]), at * other[1], rtol=1e-9, atol=0.0)
            for at in (1.0, 2.0)
        )
    except BadInputError:
        return False


def _least(name: str, unit: str) -> tuple[float, bool]:
    """Return what a reading in `unit` cannot be below, and whether it cannot be that either."""
    if name in _FRACTIONS and unit in ("ppm", "percent"):
        return 0.0, False
    for absolute, above in (("K", True), ("Pa", False)):
        try:
            return convert(0.0, absolute, unit), above
        except BadInputError:
            continue
    return -np.inf, False
