"""The chain of a sample at a moment: its own steps, and its ancestors' until it was cut."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from consilience.lineage import ancestors
from consilience.model.sample import Sample, Step

__all__ = [
    "Chain",
    "Link",
    "Moment",
    "Order",
    "chain_of",
    "cut_of",
    "in_order",
    "instant",
    "order_of",
]

Order = Literal["before", "during", "after", "unknown"]


@dataclass(frozen=True)
class Moment:
    """When something happened: a time with its zone, or a place in a chain without times.

    `time` is ISO 8601; a time without offset orders nothing.  `sequence` is the number
    of a step in the chain of `sample`.
    """

    sample: str
    time: str | None = None
    sequence: int | None = None


@dataclass(frozen=True)
class Link:
    """A step in a chain, and how it lies to the moment that was asked for.

    `inherited_from` is the ancestor to which the step happened; None: the sample itself.
    """

    step: Step
    order: Order
    inherited_from: str | None = None


@dataclass(frozen=True)
class Chain:
    """What had happened to `sample` at `moment`: links, ancestors' steps first."""

    sample: str
    moment: Moment
    links: tuple[Link, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that had certainly begun, ancestors' first, each line in its order."""
        return tuple(link.step for link in self.links if link.order in ("before", "during"))

    @property
    def uncertain(self) -> tuple[Step, ...]:
        """The steps of which it is not known whether they came before or after."""
        return tuple(link.step for link in self.links if link.order == "unknown")

    def of_type(self, *types: str) -> tuple[Step, ...]:
        """Return the steps of these types that had certainly begun."""
        return tuple(step for step in self.steps if step.type in types)

    def uncertain_of_type(self, *types: str) -> tuple[Step, ...]:
        """Return the steps of these types whose place is unknown."""
        return tuple(step for step in self.uncertain if step.type in types)


def instant(text: str | None) -> datetime | None:
    """Return a time with its zone; None where there is none, or no zone."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment


def order_of(step: Step, moment: Moment) -> Order:
    """Return how a step lies to a moment in the life of the same sample.

    Times decide where both have one; else places in the chain, where both have one.
    """
    at = instant(moment.time)
    start, end = instant(step.start), instant(step.end)
    if at is not None and (start is not None or end is not None):
        if start is not None and start > at:
            return "after"
        if end is not None and end <= at:
            return "before"
        if start is None:
            return "unknown"  # it ended later; when it began is not recorded
        return "during" if end is not None else "before"
    if moment.sequence is not None and step.sequence is not None and step.sample == moment.sample:
        if step.sequence == moment.sequence:
            return "during"
        return "before" if step.sequence < moment.sequence else "after"
    return "unknown"


def cut_of(child: str, steps: Iterable[Step]) -> Step | None:
    """Return the step that made a sample of its parent, if one was recorded."""
    return next((step for step in steps if step.derives == child), None)


def chain_of(moment: Moment, samples: Mapping[str, Sample], steps: Sequence[Step]) -> Chain:
    """Return the chain of a sample at a moment.

    Parameters
    ----------
    moment : Moment
        Of which sample, and when; with neither time nor sequence every own step is *unknown*.
    samples : mapping
    steps : sequence of Step
        Of the whole study.

    Notes
    -----
    An ancestor's step counts if it began before the child was cut; the step that cut the child
    counts for both.  Where no cutting step is recorded, an ancestor's steps are *unknown*, except
    that what came after the moment itself is *after*.
    """
    line = [moment.sample, *ancestors(samples, moment.sample)]
    links: list[Link] = []
    at = moment
    for depth, sample in enumerate(line):
        own = [step for step in steps if step.sample == sample]
        placed = []
        for step in own:
            order = order_of(step, at)
            if depth:
                cut = cut_of(line[depth - 1], own)
                if cut is not None and step.id == cut.id:
                    order = "before"
                elif cut is None and order != "after":
                    order = "unknown"
                elif order == "during":
                    order = "before"  # it had begun when the child was cut
            placed.append(Link(step, order, sample if depth else None))
        links = [*_in_order(placed), *links]
        if depth + 1 < len(line):
            cut = cut_of(sample, [s for s in steps if s.sample == line[depth + 1]])
            at = (
                Moment(line[depth + 1], at.time)
                if cut is None
                else Moment(line[depth + 1], cut.start or cut.end, cut.sequence)
            )
    return Chain(moment.sample, moment, tuple(links))


def in_order(steps: Iterable[Step]) -> list[Step]:
    """Return steps sample by sample, within one by time, else by place, else as entered."""
    own: dict[str, list[Step]] = {}
    for step in steps:
        own.setdefault(step.sample, []).append(step)
    return [s for group in own.values() for _, s in sorted(enumerate(group), key=_when)]


def _in_order(links: Sequence[Link]) -> list[Link]:
    """Sort by time, else by place in the chain, else as entered."""
    ordered = sorted(enumerate(links), key=lambda pair: _when((pair[0], pair[1].step)))
    return [replace(link) for _, link in ordered]


def _when(pair: tuple[int, Step]) -> tuple[int, float, int]:
    place, step = pair
    start = instant(step.start) or instant(step.end)
    if start is not None:
        return (0, start.timestamp(), place)
    if step.sequence is not None:
        return (1, float(step.sequence), place)
    return (2, 0.0, place)
