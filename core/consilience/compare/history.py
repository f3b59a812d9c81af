"""Was the sample still what had been weighed in when it was measured?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from consilience.custody.chain import Link, Moment, chain_of
from consilience.custody.past.spans import Past
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
"""Steps after which other phases may be there than were put in, and how a reason names them.

What was stored or carried badly is no alteration: rules of custody speak of that.
"""


def altered_before(
    sample: str,
    start: str | None,
    samples: Mapping[str, Sample],
    steps: Sequence[Step],
    sequence: int | None = None,
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
        Of the whole study; those of the sample count, and those of what it was cut from that came
        before the cut.
    sequence : int, optional
        Place of the measurement in the chain of the sample, where there are no times.
    """
    moment = Moment(sample, start, sequence)
    past = Past(chain_of(moment, samples, steps), samples, steps)
    prepared = [k for k in past.chain.links if k.step.type == "prepare" and k.order != "after"]
    altering = [
        link
        for link in past.chain.links
        if link.step.type in ALTERING
        and link.order != "after"
        and not any(past.earlier(link, p) for p in prepared)
    ]
    if not altering:
        return None
    sure = [link for link in altering if link.order in ("before", "during")]
    if sure:
        return f"{sample} was {_words(sure)} after it was prepared and before it was measured"
    uncut = [k.inherited_from for k in altering if k.inherited_from and _never_cut(k, past)]
    if len(uncut) == len(altering):
        parent = " and ".join(dict.fromkeys(uncut))
        return (
            f"it is not known whether {sample} was cut before or after {parent} was "
            f"{_words(altering)}"
        )
    if start is not None and _moment(start) is None:
        return f"the time zone of the measurement is not known, and {sample} was {_words(altering)}"
    return (
        f"it is not known whether {sample} was measured before or after it was {_words(altering)}"
    )


def _words(links: Sequence[Link]) -> str:
    return " and ".join(dict.fromkeys(ALTERING[k.step.type] for k in links))


def _never_cut(link: Link, past: Past) -> bool:
    return link.inherited_from is not None and past.cuts.get(link.inherited_from) is None


def latest_of(starts: Sequence[str | None]) -> str | None:
    """Return the latest of some times, or None if one is unknown or there is none."""
    moments = [(None if s is None else _moment(s), s) for s in starts]
    if not moments or any(moment is None for moment, _ in moments):
        return None
    return max(((m, s) for m, s in moments if m is not None), key=lambda pair: pair[0])[1]


def _moment(text: str) -> datetime | None:
    moment = datetime.fromisoformat(text)
    return None if moment.tzinfo is None else moment
