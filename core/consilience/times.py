"""Dates and times: ISO 8601 with a time zone; what could be read in two ways is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from consilience.errors import BadInputError

__all__ = ["parse_time"]

_NUMERIC = re.compile(r"^\s*(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})(.*)$")


def parse_time(text: str, zone: str | None = None) -> str:
    """Return a time as ISO 8601 with its offset.

    Parameters
    ----------
    text : str
        ISO 8601, for example ``2026-03-01T14:05:00+01:00``.
    zone : str, optional
        Time zone for a text without offset: an IANA name (``Europe/London``), ``UTC``
        or an offset (``+01:00``).

    Raises
    ------
    BadInputError
        The date can be read in two ways (both are shown), is no date, or has no
        time zone and none is given.
    """
    match = _NUMERIC.match(text)
    if match is not None and len(match[1]) < 4:
        readings = _readings(int(match[1]), int(match[2]), match[3])
        if len(set(readings)) != 1:
            raise BadInputError(
                f"the date {text!r} is ambiguous: {' or '.join(readings) or 'no date at all'}",
                fix="write it as year-month-day, for example 2026-03-01T14:05:00+01:00",
            )
        text = readings[0] + match[4]
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise BadInputError(
            f"{text!r} is not a date and time",
            fix="write ISO 8601, for example 2026-03-01T14:05:00+01:00",
        ) from error
    if moment.tzinfo is None:
        if zone is None:
            raise BadInputError(
                f"the time {text!r} has no time zone",
                fix="add an offset, as in +01:00, or say time_zone = 'Europe/London'",
            )
        moment = _localise(moment, zone, text)
    return moment.isoformat()


def _localise(moment: datetime, zone: str, text: str) -> datetime:
    offset = re.fullmatch(r"([+-])(\d\d):?(\d\d)", zone)
    if offset is not None:
        delta = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return moment.replace(tzinfo=timezone(-delta if offset[1] == "-" else delta))
    if zone.upper() in ("UTC", "Z"):
        return moment.replace(tzinfo=UTC)
    try:
        info = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInputError(
            f"the time zone {zone!r} is not known",
            fix="write an IANA name such as 'Europe/London', 'UTC', or an offset such as '+01:00'",
        ) from error
    early, late = moment.replace(tzinfo=info, fold=0), moment.replace(tzinfo=info, fold=1)
    if early.utcoffset() != late.utcoffset():
        raise BadInputError(
            f"{text!r} in {zone} falls into a change of the clocks: "
            f"{early.isoformat()} or {late.isoformat()}",
            fix="write the one that is meant, with its offset",
        )
    return early


def _readings(first: int, second: int, third: str) -> list[str]:
    """Return the possible readings of a numeric date as ISO dates, without repeats."""
    if len(third) == 4:
        orders = [(int(third), second, first), (int(third), first, second)]
    else:
        last = int(third)
        orders = [
            (2000 + last, second, first),
            (2000 + last, first, second),
            (2000 + first, second, last),
        ]
    readings: list[str] = []
    for year, month, day in orders:
        try:
            reading = datetime(year, month, day, tzinfo=UTC).date().isoformat()
        except ValueError:
            continue
        if reading not in readings:
            readings.append(reading)
    return readings
