"""How long steps lasted, how much of the past they cover, and which of two came first.

Everything here is an interval ``(low, high)`` in seconds: what is certain, and what can be at
most (None: no limit is known).  Only where the two meet is there a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from consilience.custody.chain import Chain, Link, cut_of, instant
from consilience.custody.conditions import bounds
from consilience.lineage import ancestors
from consilience.model.sample import Sample, Step

__all__ = ["Past", "Range", "add", "capped", "precedes", "same_extent"]

Range = tuple[float, float | None]


def add(first: Range, second: Range) -> Range:
    """Add two intervals; an unknown end stays unknown."""
    high = None if first[1] is None or second[1] is None else first[1] + second[1]
    return first[0] + second[0], high


def capped(found: Range, most: float | None) -> Range:
    """Return an interval that does not exceed `most`, where that is known."""
    if most is None or (found[1] is not None and found[1] <= most):
        return found
    return min(found[0], most), most


def same_extent(step: Step, tolerance: float = 0.0) -> bool:
    """Return False where the stated duration contradicts start and end by more than `tolerance`."""
    start, end = instant(step.start), instant(step.end)
    low, high = bounds(step.conditions.get("duration"), "s")
    if start is None or end is None:
        return True
    lasted = (end - start).total_seconds()
    return not (
        (low is not None and lasted < low - tolerance)
        or (high is not None and lasted > high + tolerance)
    )


def precedes(first: Step, second: Step) -> bool | None:
    """Return whether the first of two steps of one sample began earlier; None: not known."""
    for name in ("start", "end"):
        a, b = instant(getattr(first, name)), instant(getattr(second, name))
        if a is not None and b is not None and a != b:
            return a < b
    if first.sequence is not None and second.sequence is not None:
        if first.sequence != second.sequence:
            return first.sequence < second.sequence
        return None
    a, b = instant(first.end), instant(second.start)
    if a is not None and b is not None and a <= b:
        return True
    a, b = instant(first.start), instant(second.end)
    return False if a is not None and b is not None and a >= b else None


class Past:
    """The steps of a chain with how much of each had passed at the chain's moment.

    Parameters
    ----------
    chain : Chain
    samples : mapping
    steps : sequence of Step
        Of the whole study.
    """

    def __init__(self, chain: Chain, samples: Mapping[str, Sample], steps: Sequence[Step]) -> None:
        self.chain = chain
        self.at = instant(chain.moment.time)
        line = [chain.sample, *ancestors(samples, chain.sample)]
        self.depth = {sample: len(line) - i for i, sample in enumerate(line)}
        self.cuts: dict[str, Step | None] = {
            parent: cut_of(child, [s for s in steps if s.sample == parent])
            for child, parent in pairwise(line)
        }

    @property
    def certain(self) -> list[Link]:
        """Links of steps that had certainly begun."""
        return [k for k in self.chain.links if k.order in ("before", "during")]

    @property
    def uncertain(self) -> list[Link]:
        """Links of steps of which it is not known whether they had begun."""
        return [k for k in self.chain.links if k.order == "unknown"]

    @property
    def recorded(self) -> bool:
        """True if any step had begun, or may have."""
        return bool(self.certain or self.uncertain)

    def limit(self, link: Link) -> datetime | None:
        """Return when a step stopped counting: the cut for an ancestor's, else the moment."""
        if link.inherited_from is None:
            return self.at
        cut = self.cuts.get(link.inherited_from)
        if cut is None or cut.id == link.step.id:
            return self.at
        return instant(cut.start) or instant(cut.end)

    def earlier(self, first: Link, second: Link) -> bool | None:
        """Return whether the first of two links began earlier; an ancestor's always did."""
        a, b = self.depth[first.step.sample], self.depth[second.step.sample]
        return a < b if a != b else precedes(first.step, second.step)

    def elapsed(self, link: Link) -> Range:
        """Return how long a step had lasted, in seconds."""
        step, limit = link.step, self.limit(link)
        start, end = instant(step.start), instant(step.end)
        low, high = bounds(step.conditions.get("duration"), "s")
        stated: Range | None = None
        if low is not None or high is not None:
            stated = (low or 0.0, high)
        passed: float | None = None
        if limit is not None and start is not None:
            passed = max((limit - start).total_seconds(), 0.0)
        dated: Range | None = None
        if start is not None and end is not None:
            lasted = (end - start).total_seconds()
            dated = (lasted, lasted)
        if dated is not None and stated is not None:
            found: Range = (
                min(dated[0], stated[0]),
                None if stated[1] is None else max(stated[1], dated[0]),
            )
        else:
            found = dated or stated or (0.0, None)
        if link.order == "unknown":
            return 0.0, found[1]
        if passed is not None:
            return min(found[0], passed), passed if found[1] is None else min(found[1], passed)
        if link.order == "during":  # ordered by sequence: how much of it had passed is not known
            return 0.0, found[1]
        return found

    def interval(self, link: Link) -> tuple[datetime, datetime] | None:
        """Return where a step lay on the clock, until the moment; None if not exactly known."""
        start, limit = instant(link.step.start), self.limit(link)
        low, high = self.elapsed(link)
        if start is None or limit is None or high is None or low != high:
            return None
        end = instant(link.step.end)
        if end is not None and end <= limit and (end - start).total_seconds() == low:
            return start, end
        return start, min(limit, _after(start, low))

    def total(self, links: Iterable[Link]) -> Range:
        """Return the time that some steps had lasted together; overlaps count once."""
        exact, rest = [], []
        for link in links:
            interval = self.interval(link)
            if link.order == "unknown" or interval is None:
                rest.append(link)
            else:
                exact.append(interval)
        found: Range = (_covered(exact), _covered(exact))
        for link in rest:
            low, high = self.elapsed(link)
            start = instant(link.step.start)
            if start is not None and any(
                start < end and begin < _after(start, low) for begin, end in exact
            ):
                low = 0.0  # it may be within what is counted already
            found = add(found, (low, high))
        return found

    def whole(self, since: Link | None = None) -> float | None:
        """Return the time from the first step, or the end of `since`, to the moment."""
        origin = self._origin(since)
        if self.at is None or origin is None:
            return None
        return max((self.at - origin).total_seconds(), 0.0)

    def _origin(self, since: Link | None) -> datetime | None:
        if since is not None:
            interval = self.interval(since)
            return instant(since.step.start) if interval is None else interval[1]
        starts = [instant(k.step.start) for k in self.chain.links if k.order != "after"]
        known = [s for s in starts if s is not None]
        return min(known) if known and len(known) == len(starts) else None

    def unaccounted(self, since: Link | None = None) -> Range:
        """Return the time of which no step says anything, from the first step to the moment.

        Parameters
        ----------
        since : Link, optional
            Count from the end of this step; else from the start of the first.
        """
        links = [k for k in self.chain.links if k.order != "after"]
        if since is not None:
            links = [k for k in links if k is not since and self.earlier(k, since) is not True]
        origin, whole = self._origin(since), self.whole(since)
        if origin is None or whole is None:
            return 0.0, None
        exact: list[tuple[datetime, datetime]] = []
        opened: list[datetime] = []
        if since is not None and self.interval(since) is None:
            opened.append(origin)
        for link in links:
            interval = None if link.order == "unknown" else self.interval(link)
            if interval is not None:
                exact.append((max(interval[0], origin), max(interval[1], origin)))
            else:
                opened.append(instant(link.step.start) or origin)
        # times are kept to the microsecond: what is less is rounding, not time
        high = max(round(whole - _covered(exact), 6), 0.0)
        if not opened:
            return high, high
        # a step without an end may fill all that follows
        first = max(min(opened), origin)
        before = [(a, min(b, first)) for a, b in exact if a < first]
        low = round((first - origin).total_seconds() - _covered(before), 6)
        return max(low, 0.0), high


def _after(start: datetime, seconds: float) -> datetime:
    try:
        return start + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=start.tzinfo)


def _covered(intervals: Iterable[tuple[datetime, datetime]]) -> float:
    """Return the length of the union of some intervals, in seconds."""
    total = 0.0
    reached: datetime | None = None
    for begin, end in sorted(intervals):
        begin = begin if reached is None else max(begin, reached)  # noqa: PLW2901
        if end > begin:
            total += (end - begin).total_seconds()
        reached = end if reached is None else max(reached, end)
    return total
