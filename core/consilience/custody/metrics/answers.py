"""How metrics are answered: a number where the chain leaves no room, else an interval and why."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from consilience.custody.chain import Link
from consilience.custody.metric import METRICS, Metric
from consilience.custody.past.spans import Past, Range
from consilience.model.sample import Step

if TYPE_CHECKING:
    from consilience.custody.custody import Custody
    from consilience.model.measurement import MeasurementRecord

__all__ = [
    "at_most",
    "freezes_in_force",
    "gap_words",
    "ids_of",
    "interval",
    "known",
    "last_of",
    "name_of",
    "names_of",
    "nothing",
    "past_of",
    "range_words",
    "said",
    "unknown",
    "with_evidence",
]


def past_of(custody: Custody, record: MeasurementRecord) -> Past:
    """Return the chain of a measurement with how much of each step had passed."""
    return Past(custody.chain(record), custody.samples, custody.steps)


def last_of(links: Sequence[Link], past: Past) -> Link | None:
    """Return the link that came after all others, if that is known."""
    return next(
        (k for k in links if all(o is k or past.earlier(o, k) for o in links)),
        None,
    )


_LIQUID_AGAIN = ("prepare", "cycle", "bias", "rinse", "dry")
"""Steps that work with the liquid or take it away: what was frozen before them is over."""


def freezes_in_force(past: Past) -> list[Link] | None:
    """Return the freezes since which the sample was meant to stay frozen, first to last.

    To freeze again does not undo a warm-up in between, so a freeze counts until the liquid was
    worked with again.  None: it is not known which freeze came last.
    """
    rest = [k for k in past.certain if k.step.type == "freeze"]
    worked = [k for k in past.certain if k.step.type in _LIQUID_AGAIN]
    found: list[Link] = []
    while rest:
        last = last_of(rest, past)
        if last is None:
            return found or None
        if found and any(past.earlier(last, w) and past.earlier(w, found[0]) for w in worked):
            break
        found.insert(0, last)
        rest.remove(last)
    return found


def at_most(found: Range) -> Range:
    """Return an interval of which only the upper end counts."""
    return 0.0, found[1]


def name_of(step: Step) -> str:
    """Return how a reader knows a step: by its title, else by its type with its ID."""
    if step.title:
        return step.title
    kind = step.type.replace("_", " ")
    return f"{kind} ({step.id})" if step.id else kind


def names_of(links: Iterable[Link]) -> str:
    """Return how a reader knows some steps."""
    return ", ".join(name_of(k.step) for k in links)


def ids_of(links: Iterable[Link]) -> tuple[str, ...]:
    """Return the IDs of some steps, each once."""
    return tuple(dict.fromkeys(k.step.id for k in links if k.step.id))


def said(words: str, links: Sequence[Link], past: Past) -> list[str]:
    """Return a line that lists steps with how long each had lasted."""
    parts = []
    for link in links:
        low, high = past.elapsed(link)
        parts.append(f"{name_of(link.step)} {range_words(low, high, 's')}")
    return [f"{words}: {', '.join(parts)}" if parts else f"{words}: no step recorded"]


def range_words(low: float | None, high: float | None, unit: str = "K") -> str:
    """Return an interval in words."""
    if low is not None and low == high:
        return f"{low:.6g} {unit}"
    parts = [f"at least {low:.6g} {unit}"] if low else []
    parts += [f"at most {high:.6g} {unit}"] if high is not None else []
    return " and ".join(parts) or "for an unknown time"


def gap_words(gaps: Range) -> list[str]:
    """Return what to say of time between steps; nothing where there is none."""
    if gaps == (0.0, 0.0):
        return []
    if gaps[1] is None:
        return ["how much time lies between the steps is not recorded"]
    return [f"{gaps[1]:.6g} s between the steps are not accounted for"]


def interval(
    name: str, found: Range, scale: float, why: Sequence[str], links: Iterable[Link]
) -> Metric:
    """Return a metric: a number where both ends meet, else what is certain."""
    low, high = found
    words, evidence = "; ".join(why), ids_of(links)
    unit = METRICS[name].unit
    if high is not None and math.isclose(low, high, rel_tol=1e-12, abs_tol=1e-6):
        return Metric(name, high / scale, unit, None, words, evidence)
    return Metric(
        name,
        None,
        unit,
        low / scale if low > 0 else None,
        words,
        evidence,
        None if high is None else high / scale,
    )


def known(name: str, value: float, why: str, *evidence: str) -> Metric:
    """Return a metric that is a number."""
    return Metric(name, value, METRICS[name].unit, None, why, evidence)


def unknown(name: str, why: str, *evidence: str) -> Metric:
    """Return a metric that is unknown, with the reason."""
    return Metric(name, None, METRICS[name].unit, None, why, evidence)


def nothing(name: str, record: MeasurementRecord) -> Metric:
    """Return a metric of a sample without any step."""
    return unknown(name, f"no step of {record.sample} before this measurement is recorded")


def with_evidence(metric: Metric, *evidence: str) -> Metric:
    """Return a metric with further IDs behind it."""
    return Metric(
        metric.name,
        metric.value,
        metric.unit,
        metric.at_least,
        metric.why,
        tuple(dict.fromkeys([*metric.evidence, *evidence])),
        metric.at_most,
    )
