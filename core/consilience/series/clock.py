"""From the clock of a logger to seconds since the start of its series, which never run back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from consilience.errors import BadFileError, BadInputError
from consilience.quantities import convert, parse_quantity
from consilience.series.blocks import Block, Log
from consilience.series.mapping import SeriesMapping, unit_in
from consilience.times import parse_time

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Clock"]

_DAY = 86400.0
_OFFSET = re.compile(r"[+-]\d\d:?\d\d")
_WITH_ZONE = r"(?:[Zz]|[+-]\d\d:?\d\d)$"
UNKNOWN = "unknown"


class Clock:
    """Turns the time columns of blocks, in order, into seconds.

    Parameters
    ----------
    log : Log
    path : Path
        Named in messages.
    plan : SeriesMapping

    Raises
    ------
    BadInputError
        The start, the zone or the unit cannot be used.
    """

    def __init__(self, log: Log, path: Path, plan: SeriesMapping) -> None:
        self._path = path
        self._time = plan.time
        self._zone = plan.time.time_zone
        self._last: float | None = None
        self._rows = 0
        self._days = 0.0
        self._raw: float | None = None
        self._factor = 1.0
        self.problems: list[str] = []
        self._origin: datetime | None = None
        stated = log.stated() if plan.notes is not None else {}
        if plan.time.kind == "elapsed":
            self._factor = self._unit(plan, stated)
            self._origin = self._stated_start(stated)

    def seconds(self, block: Block) -> NDArray[np.float64]:
        """Return the time of each row in s since the series' start.

        Raises
        ------
        BadFileError
            A row has no time, or time runs back.
        BadInputError
            A time can be read in two ways.
        """
        import numpy as np

        kind = self._time.kind
        if kind == "elapsed":
            time = block.time["time"] * self._factor
        elif kind == "absolute":
            time = self._absolute(block)
        else:
            time = self._of_day(block)
        lost = np.flatnonzero(~np.isfinite(time))
        if lost.size:
            raise BadFileError(
                f"{self._path.name!r}: row {self._rows + int(lost[0]) + 1} has no time",
                fix="mend the row or take it out; nobody can place its readings",
                path=self._path,
            )
        self._never_back(time)
        self._rows += len(time)
        self._last = float(time[-1])
        return np.asarray(time, np.float64)

    @property
    def start(self) -> str | None:
        """When second 0 was, with the offset of the clock taken into account; ISO 8601."""
        if self._origin is None or self._origin.tzinfo is None:
            return None
        offset = parse_quantity(self._time.clock_offset, "s").value
        return (self._origin + timedelta(seconds=offset)).isoformat()

    def finish(self) -> None:
        """Look at what only the end shows.

        Raises
        ------
        BadInputError
            The clocks were changed while a clock without date ran.
        """
        if self._origin is not None and self._origin.tzinfo is None:
            self.problems.append(
                f"the log began at {self._origin.isoformat()} of a clock whose time zone is not "
                "known: it has no place in time"
            )
        if self._time.kind != "clock" or self._origin is None or self._last is None:
            return
        zone = self._origin.tzinfo
        if isinstance(zone, ZoneInfo):
            wall = self._origin.replace(tzinfo=None) + timedelta(seconds=self._last)
            if wall.replace(tzinfo=zone).utcoffset() != self._origin.utcoffset():
                raise BadInputError(
                    f"{self._path.name!r}: the clocks in {zone.key} were changed between "
                    f"{self._origin.isoformat()} and {wall.isoformat()}, and the log does not say "
                    "whether its clock followed",
                    fix="say time_zone = '+01:00', the offset that the logger's clock kept, or "
                    "split the log",
                    path=self._path,
                )

    def _unit(self, plan: SeriesMapping, stated: Mapping[str, str]) -> float:
        unit, factor = plan.time.unit, 1.0
        if plan.time.unit_note is not None:
            text = stated.get(plan.time.unit_note)
            if text is None:
                raise self._no_note(plan.time.unit_note, stated)
            unit, factor = unit_in(text, plan.unit_words, entered=False)
        assert unit is not None
        return factor * convert(1.0, unit, "s")

    def _no_note(self, name: str, stated: Mapping[str, str]) -> BadInputError:
        listed = ", ".join(map(repr, stated)) or "none"
        return BadInputError(
            f"{self._path.name!r} has no note {name!r}",
            fix=f"notes near its beginning: {listed}; or state the unit or the start in the "
            "mapping itself",
            path=self._path,
        )

    def _stated_start(self, stated: Mapping[str, str]) -> datetime | None:
        text = self._time.start
        if self._time.start_notes:
            missing = [name for name in self._time.start_notes if name not in stated]
            if missing:
                raise self._no_note(missing[0], stated)
            words = " ".join(stated[name] for name in self._time.start_notes)
            assert self._time.start_format is not None
            text = self._strptime(words, self._time.start_format)
        if text is None:
            return None
        if self._zone == UNKNOWN:
            return datetime.fromisoformat(parse_time(text, "UTC")).replace(tzinfo=None)
        return datetime.fromisoformat(parse_time(text, self._zone))

    def _strptime(self, text: str, form: str) -> str:
        try:
            return datetime.strptime(text, form).isoformat()  # noqa: DTZ007 (the zone comes next)
        except ValueError as error:
            raise BadInputError(
                f"{self._path.name!r}: {text!r} is no time of the form {form!r}",
                fix="correct the format in the mapping, as datetime.strptime reads it",
                path=self._path,
            ) from error

    def _never_back(self, time: NDArray[np.float64]) -> None:
        import numpy as np

        before = time[:1] if self._last is None else np.array([self._last])
        joined = np.concatenate((before, time))
        back = np.flatnonzero(~(np.diff(joined) >= 0.0))
        if back.size:
            i = int(back[0])
            raise BadFileError(
                f"{self._path.name!r}: time goes back from {joined[i]:g} s to {joined[i + 1]:g} s "
                f"at row {self._rows + i + 1}",
                fix="sort the log, or split it where the clock was set",
                path=self._path,
            )

    # --- a clock of hours, minutes and seconds --------------------------------------------------

    def _of_day(self, block: Block) -> NDArray[np.float64]:
        import numpy as np

        h, m, s = (np.asarray(block.time[k], float) for k in ("hour", "minute", "second"))
        wrong = np.flatnonzero(
            ~((h >= 0) & (h < 24) & (m >= 0) & (m < 60) & (s >= 0) & (s < 61))
            & np.isfinite(h + m + s)
        )
        if wrong.size:
            i = int(wrong[0])
            raise BadFileError(
                f"{self._path.name!r}: {h[i]:g}:{m[i]:g}:{s[i]:g} at row {self._rows + i + 1} is "
                "no time of day",
                fix="check which columns hold hours, minutes and seconds",
                path=self._path,
            )
        day: NDArray[np.float64] = 3600.0 * h + 60.0 * m + s
        if self._raw is None and day.size:
            self._raw = self._first = float(day[0])
            self._origin = self._dated(timedelta(seconds=self._first))
        assert self._raw is not None
        # A clock that falls by more than half a day has passed midnight.
        falls = np.diff(np.concatenate(([self._raw], day))) < -_DAY / 2
        days = self._days + np.cumsum(falls) * _DAY
        self._raw, self._days = float(day[-1]), float(days[-1])
        return day + days - self._first

    def _dated(self, since_midnight: timedelta) -> datetime | None:
        date = self._time.date
        if date is None or date == UNKNOWN:
            self.problems.append("the log's clock has no date: it has no place in time")
            return None
        zone = self._zone
        midnight = datetime.fromisoformat(parse_time(f"{date}T00:00:00", "UTC"))
        text = (midnight + since_midnight).replace(tzinfo=None).isoformat()
        if zone == UNKNOWN:
            return datetime.fromisoformat(text)
        moment = datetime.fromisoformat(parse_time(text, zone))
        named = (
            zone is not None and not _OFFSET.fullmatch(zone) and zone.upper() not in ("UTC", "Z")
        )
        return moment.replace(tzinfo=ZoneInfo(zone)) if named and zone is not None else moment

    # --- absolute times -------------------------------------------------------------------------

    def _absolute(self, block: Block) -> NDArray[np.float64]:
        texts = block.time["time"]
        if self._origin is None:
            self._origin = self._one(str(texts.iloc[0]), 0)
        fast = self._fast(texts)
        return self._one_by_one(texts) if fast is None else fast

    def _one(self, text: str, place: int) -> datetime:
        try:
            if self._time.format is not None:
                moment = datetime.strptime(text, self._time.format)  # noqa: DTZ007
                text = moment.isoformat()
            if self._zone == UNKNOWN:
                return datetime.fromisoformat(parse_time(text, "UTC")).replace(tzinfo=None)
            return datetime.fromisoformat(parse_time(text, self._zone))
        except ValueError as error:
            raise BadInputError(
                f"{self._path.name!r}, row {self._rows + place + 1}: {text!r} is no time of the "
                f"form {self._time.format!r}",
                fix="correct 'format' of the mapping, as datetime.strptime reads it",
                path=self._path,
            ) from error
        except BadInputError as error:
            raise BadInputError(
                f"{self._path.name!r}, row {self._rows + place + 1}: {error.what}",
                fix=error.fix
                if self._time.format is not None or "ambiguous" not in error.what
                else "say in the mapping how the dates are written: format = '%d.%m.%Y %H:%M:%S'",
                path=self._path,
            ) from error

    def _one_by_one(self, texts: Any) -> NDArray[np.float64]:
        import numpy as np

        assert self._origin is not None
        return np.array(
            [(self._one(str(t), i) - self._origin).total_seconds() for i, t in enumerate(texts)]
        )

    def _fast(self, texts: Any) -> NDArray[np.float64] | None:
        """Return the times as pandas reads them; None where one by one is surer."""
        import numpy as np
        import pandas as pd

        assert self._origin is not None
        zoned = texts.str.contains(_WITH_ZONE, regex=True)
        aware = bool(zoned.all())
        if (not aware and bool(zoned.any())) or int(texts.str.len().min()) < 10:
            return None
        zone: tzinfo | None = None
        if not aware and self._zone != UNKNOWN:
            zone = _zone(self._zone)
            if zone is None:
                return None
        try:
            stamps = pd.to_datetime(texts, format=self._time.format or "ISO8601", utc=aware)
            if zone is not None:
                stamps = stamps.dt.tz_localize(zone, ambiguous="raise", nonexistent="raise")
            if stamps.dt.tz is not None:
                stamps = stamps.dt.tz_convert("UTC").dt.tz_localize(None)
        except (ValueError, TypeError, OverflowError):
            return None  # said one by one, with the row
        origin = self._origin
        if origin.tzinfo is not None:
            origin = origin.astimezone(UTC).replace(tzinfo=None)
        since = stamps.to_numpy().astype("datetime64[us]") - np.datetime64(origin, "us")
        return np.asarray(since.astype(np.int64) / 1e6, np.float64)


def _zone(name: str | None) -> tzinfo | None:
    if name is None:
        return None
    moment = datetime.fromisoformat(parse_time("2000-01-01T00:00:00", name))
    plain = _OFFSET.fullmatch(name) or name.upper() in ("UTC", "Z")
    return moment.tzinfo if plain else ZoneInfo(name)
