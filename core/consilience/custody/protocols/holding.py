"""A chain held against a protocol, step by step: kept, broken, unknown, missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from consilience.custody.chain import Moment, chain_of, instant
from consilience.custody.conditions import bounds
from consilience.custody.metric import OPERATORS, Metric
from consilience.custody.protocols.protocol import Bound, Planned, Protocol, shown_in
from consilience.model.sample import Step

if TYPE_CHECKING:
    from consilience.custody.custody import Custody

__all__ = ["Held", "HeldStep", "hold"]

Result = Literal["kept", "broken", "unknown", "missing", "left out"]

_FOUND, _SAME = 1000, 20
"""Weights: a planned step found, one more recorded step for it, above any fit of its bounds."""
_END = Moment("", "9999-12-31T23:59:59+00:00", 10**9)


@dataclass(frozen=True)
class HeldStep:
    """What became of a planned step.

    Parameters
    ----------
    title : str
        Of the planned step.
    result : {"kept", "broken", "unknown", "missing", "left out"}
        *left out* is an optional step that did not happen.
    steps : tuple of Step
        The recorded steps that were taken for it.
    why : tuple of str
        One line for each bound.
    """

    title: str
    result: Result
    steps: tuple[Step, ...] = ()
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class Held:
    """A sample's chain held against a protocol.

    `steps` follow the protocol, then come steps that it rules out; `beside` are recorded steps
    that it does not speak of.
    """

    protocol: Protocol
    sample: str
    steps: tuple[HeldStep, ...]
    beside: tuple[Step, ...]

    @property
    def result(self) -> Literal["kept", "broken", "unknown"]:
        """The worst of all: broken before unknown; a missing step may only not be recorded."""
        results = {step.result for step in self.steps}
        if "broken" in results:
            return "broken"
        return "unknown" if results & {"unknown", "missing"} else "kept"


def hold(custody: Custody, sample: str, protocol: Protocol) -> Held:
    """Hold the whole chain of a sample, its ancestors' until it was cut included.

    Notes
    -----
    Recorded steps are taken for planned ones in order, so that as many planned steps as possible
    find theirs; several recorded steps in a row can be one planned step, and all of them have to
    keep its bounds.
    """
    moment = Moment(sample, _END.time, _END.sequence)
    chain = chain_of(moment, custody.samples, custody.steps)
    links = [link for link in chain.links if link.order != "after"]
    placed = {link.step.id: link.order != "unknown" for link in links}
    steps = [link.step for link in links]
    forbidden = {n.type: n.why for n in protocol.never}
    judged = [
        [_judge(custody, step, planned) if step.type in planned.type else None for step in steps]
        for planned in protocol.step
    ]
    sure = [k for k, step in enumerate(steps) if placed[step.id]]
    path = _assign([[row[k] for k in sure] for row in judged], len(sure))
    assigned: list[int | None] = [None] * len(steps)
    for k, place in zip(sure, path, strict=True):
        assigned[k] = place
    for k in set(range(len(steps))) - set(sure):
        # a step without a place can be any planned step of its type that found none
        open_places = [
            n for n, row in enumerate(judged) if row[k] is not None and n not in assigned
        ]
        assigned[k] = open_places[0] if open_places else None
    held = []
    for number, planned in enumerate(protocol.step):
        taken = [k for k, place in enumerate(assigned) if place == number]
        held.append(
            _held(
                planned, [(steps[k], judged[number][k] or [], placed[steps[k].id]) for k in taken]
            )
        )
    for step in steps:
        if step.type in forbidden and not step.derives:
            words = (f"ruled out: {forbidden[step.type]}",)
            held.append(HeldStep(_name(step), "broken", (step,), words))
    beside = tuple(
        step
        for step, place in zip(steps, assigned, strict=True)
        if place is None and step.type not in forbidden
    )
    return Held(protocol, sample, tuple(held), beside)


Judged = list[tuple[bool | None, str]]


def _judge(custody: Custody, step: Step, planned: Planned) -> Judged:
    return [_bound(custody, step, bound) for bound in planned.bounds]


def _bound(custody: Custody, step: Step, bound: Bound) -> tuple[bool | None, str]:
    """Return whether a step keeps a bound, and the line that says so."""
    asked = bound.text() + (f" ({bound.note})" if bound.note else "")
    value = step.conditions.get(bound.condition)
    if bound.condition == "cover_gas" and value is None:
        value = step.conditions.get("atmosphere")
    if bound.stated:
        return (value is not None) or None, f"{asked}: {_said(value)}"
    if bound.one_of:
        if not isinstance(value, str):
            return None, f"{asked}: not recorded"
        kept = value.casefold() in {w.casefold() for w in bound.one_of}
        return kept, f"{asked}: {value}"
    known, words = _stated(step, bound)
    answers = [] if known is None else [known]
    open_end = value is None and known is None
    recorded = list(_recorded(custody, step, bound))
    if recorded:
        said = [] if value is None else [words]
        words = "; ".join([*said, *(line for _, line in recorded)])
    for answer, _ in recorded:
        open_end = answer is None
        if answer is not None:
            answers.append(answer)
    if False in answers:
        return False, f"{asked}: {words}"
    return (True if answers and not open_end else None), f"{asked}: {words}"


def _stated(step: Step, bound: Bound) -> tuple[bool | None, str]:
    """Return whether what was entered keeps a bound; a duration can follow from start and end."""
    assert bound.op is not None
    assert bound.value is not None
    value = step.conditions.get(bound.condition)
    low, high = bounds(value, bound.unit)
    words = _said(value)
    start, end = instant(step.start), instant(step.end)
    if bound.condition == "duration" and value is None and start and end:
        low = high = (end - start).total_seconds()
        words = f"{shown_in(low, 's')} from start to end"
    exact = low if low == high else None
    metric = Metric(bound.condition, exact, bound.unit, low, words, (), high)
    return metric.holds(bound.op, bound.value), words


def _recorded(custody: Custody, step: Step, bound: Bound) -> Iterator[tuple[bool | None, str]]:
    """Yield whether what a sensor saw keeps a bound; with gaps it can only break it."""
    from consilience.custody.traces import covers, extremes_of
    from consilience.quantities import convert

    assert bound.op is not None
    assert bound.value is not None
    for series in custody.series_of(step):
        if bound.condition not in series.columns:
            continue
        data = custody.open_series(series)
        seen = extremes_of(series, data, bound.condition, step)
        if seen is None:
            yield None, f"series {series.id} recorded nothing while the step lasted"
            continue
        ends = [convert(v, series.columns[bound.condition], bound.unit) for v in seen]
        words = f"series {series.id} from {ends[0]:g} to {ends[1]:g} {bound.unit}"
        if not all(OPERATORS[bound.op](v, bound.value) for v in ends):
            yield False, words
        elif series.problems:
            yield None, f"{words}, with {len(series.problems)} problem(s) of the sensor"
        elif not covers(series, data, step):
            yield None, f"{words}, which is only a part of the step"
        else:
            yield True, words


def _assign(judged: Sequence[Sequence[Judged | None]], count: int) -> list[int | None]:
    """Give each recorded step a planned one, in order: most planned steps found, then best kept."""
    best: dict[int, tuple[int, list[int | None]]] = {-1: (0, [])}
    for k in range(count):
        offers: list[tuple[int, int, list[int | None]]] = []
        for place, (score, path) in best.items():
            offers.append((place, score, [*path, None]))
            for number in range(max(place, 0), len(judged)):
                found = judged[number][k]
                if found is None:
                    continue
                if number == place:
                    offers.append((place, score + _SAME, [*path, number]))
                else:
                    fit = sum(1 if a else -1 if a is False else 0 for a, _ in found)
                    offers.append((number, score + _FOUND + fit, [*path, number]))
        best = {}
        for place, score, path in offers:
            if place not in best or score > best[place][0]:
                best[place] = (score, path)
    return max(best.values(), key=lambda pair: pair[0])[1]


def _held(planned: Planned, taken: Sequence[tuple[Step, Judged, bool]]) -> HeldStep:
    if not taken:
        if planned.optional:
            return HeldStep(planned.title, "left out")
        types = " or ".join(planned.type)
        return HeldStep(
            planned.title, "missing", (), (f"no step of type {types} is recorded here",)
        )
    answers = [answer for _, judged, _ in taken for answer, _ in judged]
    lines = [
        f"{_name(step)}: {words}" if len(taken) > 1 else words
        for step, judged, _ in taken
        for _, words in judged
    ]
    unplaced = [step for step, _, known in taken if not known]
    lines += [f"{_name(step)}: its place in the chain is not recorded" for step in unplaced]
    if planned.relaxed and False in answers:
        lines.append(f"the source also says: {planned.relaxed}")
    result: Result = "kept"
    if False in answers:
        result = "broken"
    elif None in answers or unplaced:
        result = "unknown"
    return HeldStep(planned.title, result, tuple(step for step, _, _ in taken), tuple(lines))


def _name(step: Step) -> str:
    return f"{step.title or step.type.replace('_', ' ')} ({step.id})"


def _said(value: object) -> str:
    if value is None:
        return "not recorded"
    number, unit = getattr(value, "value", None), getattr(value, "unit", None)
    return str(value) if number is None or unit is None else shown_in(number, unit)
