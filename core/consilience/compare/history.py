"""Was the sample still what had been weighed in when it was measured?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from consilience.lineage import ancestors
from consilience.model.sample import Sample, Step

__all__ = ["ALTERING", "altered_before", "latest_of"]

ALTERING: dict[str, str] = {
    "cycle": "cycled",
    "bias": "biased",
    "rinse": "rinsed",
    "dry": "dried",
    "warm": "warmed",
    "expose": "exposed",
    "mill": "milled",
    "coat": "coated",
}
"""Steps after which other phases may be there than were put in, and how a reason names them."""


def altered_before(
    sample: str, start: str | None, samples: Mapping[str, Sample], steps: Sequence[Step]
) -> str | None:
    """Say why a measurement cannot speak of what was weighed in, or return None if it can.

    Parameters
    ----------
    sample : str
        ID of the sample measured.
    start : str or None
        When the measurement started, ISO 8601 with offset; None if unknown.
    samples : mapping
    steps : sequence of Step
        Of the whole study; those of the sample and of what it was cut from count.
    """
    line = {sample, *ancestors(samples, sample)}
    made = latest_of([s.start for s in steps if s.sample in line and s.type == "prepare"])
    prepared = None if made is None else _moment(made)
    altering = [
        s
        for s in steps
        if s.sample in line
        and s.type in ALTERING
        and not (prepared and s.start is not None and _earlier(s.start, prepared))
    ]
    if not altering:
        return None
    words = " and ".join(dict.fromkeys(ALTERING[s.type] for s in altering))
    if start is None or any(s.start is None for s in altering):
        return f"it is not known whether {sample} was measured before or after it was {words}"
    moment = _moment(start)
    if moment is None:
        return f"the time zone of the measurement is not known, and {sample} was {words}"
    before = [s for s in altering if s.start is not None and _earlier(s.start, moment)]
    if not before:
        return None
    words = " and ".join(dict.fromkeys(ALTERING[s.type] for s in before))
    return f"{sample} was {words} after it was prepared and before it was measured"


def latest_of(starts: Sequence[str | None]) -> str | None:
    """Return the latest of some times, or None if one is unknown or there is none."""
    moments = [(None if s is None else _moment(s), s) for s in starts]
    if not moments or any(moment is None for moment, _ in moments):
        return None
    return max(((m, s) for m, s in moments if m is not None), key=lambda pair: pair[0])[1]


def _moment(text: str) -> datetime | None:
    moment = datetime.fromisoformat(text)
    return None if moment.tzinfo is None else moment


def _earlier(text: str, moment: datetime) -> bool:
    start = _moment(text)
    return start is None or start < moment
