"""Metrics from the steps of a chain: air, store, cuts, mills, freezes, coats, transfers.

A metric is a number only where the chain leaves no room: what is not recorded (gaps between
steps, steps without times, atmospheres that nobody wrote down) widens it to an interval, and
then `value` is None and `at_least` and `at_most` say what is certain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.custody.chain import Link, instant
from consilience.custody.conditions import bounds
from consilience.custody.metric import Metric
from consilience.custody.metrics.answers import (
    at_most,
    gap_words,
    ids_of,
    interval,
    known,
    last_of,
    name_of,
    names_of,
    nothing,
    past_of,
    range_words,
    said,
    unknown,
    with_evidence,
)
from consilience.custody.metrics.events import (
    coated,
    cryo_uhv_transfer,
    frozen_liquid,
    slow_freezes,
    temperature,
    warm_reactive_mills,
)
from consilience.custody.metrics.surroundings import in_air, never_at_air_pressure
from consilience.custody.past.exposure import Window
from consilience.custody.past.spans import Past, Range, add, capped

if TYPE_CHECKING:
    from consilience.custody.custody import Custody
    from consilience.model.measurement import MeasurementRecord
    from consilience.model.sample import Step

__all__ = [
    "air_seconds",
    "air_seconds_since_mill",
    "coated",
    "cryo_uhv_transfer",
    "frozen_liquid",
    "hours_since_cut",
    "slow_freezes",
    "storage_hours",
    "temperature",
    "time_contradictions",
    "unaccounted_hours",
    "unplaced_air_steps",
    "value_contradictions",
    "warm_reactive_mills",
]


def air_seconds(custody: Custody, record: MeasurementRecord, _: float | None = None) -> Metric:
    """Return the time in air, from the first recorded step to the measurement."""
    past = past_of(custody, record)
    if not past.recorded:
        return nothing("air_seconds", record)
    return _air(custody, "air_seconds", past, past.certain, past.uncertain, None)


def air_seconds_since_mill(
    custody: Custody, record: MeasurementRecord, _: float | None = None
) -> Metric:
    """Return the time in air of the surface that was measured: since it was last milled or cut."""
    name = "air_seconds_since_mill"
    past = past_of(custody, record)
    if not past.recorded:
        return nothing(name, record)
    every = [*past.certain, *past.uncertain]
    mills = [k for k in every if k.step.type in ("mill", "lift_out")]
    later = [k for k in every if k not in mills and not any(past.earlier(k, m) for m in mills)]
    sure = [k for k in later if k.order != "unknown" and all(past.earlier(m, k) for m in mills)]
    last = last_of([m for m in mills if m.order != "unknown"], past)
    return _air(custody, name, past, sure, [k for k in later if k not in sure], last)


def unplaced_air_steps(
    custody: Custody, record: MeasurementRecord, _: float | None = None
) -> Metric:
    """Return how many steps in air may have been before the measurement, or after."""
    name = "unplaced_air_steps"
    past = past_of(custody, record)
    if not past.recorded:
        return nothing(name, record)
    air = [k for k in past.uncertain if in_air(k.step)]
    return known(
        name, float(len(air)), names_of(air) or "every step in air has its place", *ids_of(air)
    )


def _air(
    custody: Custody,
    name: str,
    past: Past,
    counted: Sequence[Link],
    unsure: Sequence[Link],
    since: Link | None,
) -> Metric:
    sure = [k for k in counted if in_air(k.step)]
    maybe = [
        k
        for k in counted
        if in_air(k.step) is None and not never_at_air_pressure(custody, Window(k, past))
    ]
    maybe += [k for k in unsure if in_air(k.step) is not False]
    gaps = past.unaccounted(since)
    found = add(past.total(sure), at_most(past.total(maybe)))
    found = capped(add(found, at_most(gaps)), past.whole(since))
    why = said("in air", sure, past)
    if maybe:
        why.append(f"not known whether in air: {names_of(maybe)}")
    why += gap_words(gaps)
    return interval(name, found, 1.0, why, [*sure, *maybe])


def storage_hours(custody: Custody, record: MeasurementRecord, _: float | None = None) -> Metric:
    """Return the time in store since the sample was prepared, disassembled or cut."""
    past = past_of(custody, record)
    if not past.recorded:
        return nothing("storage_hours", record)
    made = {s.id for s in past.cuts.values() if s is not None}
    resets = [
        k
        for k in [*past.certain, *past.uncertain]
        if k.step.type in ("prepare", "disassemble") or k.step.id in made
    ]
    since = last_of([k for k in resets if k.order != "unknown"], past)
    stores = [k for k in past.certain if k.step.type == "store"]
    sure = [k for k in stores if all(past.earlier(r, k) for r in resets)]
    maybe = [
        k
        for k in stores
        if k not in sure and not any(past.earlier(k, r) for r in resets if r.order != "unknown")
    ]
    maybe += [k for k in past.uncertain if k.step.type == "store"]
    gaps: Range = (0.0, None) if since is None else past.unaccounted(since)
    found = add(past.total(sure), add(at_most(past.total(maybe)), at_most(gaps)))
    if since is not None:
        found = capped(found, past.whole(since))
    why = said("in store", sure, past)
    why += [f"{name_of(k.step)}: {where}" for k in sure if (where := _not_plain_argon(k.step))]
    if since is None:
        why.append("when it was prepared, disassembled or cut is not recorded")
    else:
        why.append(f"counted from {name_of(since.step)}")
        why += gap_words(gaps)
    if maybe:
        why.append(f"not known whether it counts: {names_of(maybe)}")
    return interval("storage_hours", found, 3600.0, why, [*sure, *maybe, *resets])


def _not_plain_argon(step: Step) -> str:
    """Say in what it was stored, where that is not argon at a temperature nobody stated."""
    gas = step.conditions.get("atmosphere", step.conditions.get("carrier"))
    low, high = bounds(step.conditions.get("temperature"), "K")
    words = [] if gas == "Ar" else [f"in {gas}" if gas else "in what is not recorded"]
    if (low, high) != (None, None):
        words.append(range_words(low, high))
    return ", ".join(words)


def hours_since_cut(custody: Custody, record: MeasurementRecord, _: float | None = None) -> Metric:
    """Return the time from the end of the cut that made the sample to the measurement."""
    past = past_of(custody, record)
    sample = custody.samples.get(record.sample)
    parent = None if sample is None else sample.parent
    if parent is None:
        return unknown("hours_since_cut", f"{record.sample} was not cut from another sample")
    cut = past.cuts.get(parent)
    if cut is None:
        return unknown(
            "hours_since_cut", f"no step says when {record.sample} was cut from {parent}"
        )
    start, end = instant(cut.start), instant(cut.end)
    lasted = bounds(cut.conditions.get("duration"), "s")
    if past.at is None or (start is None and end is None):
        missing = "the measurement" if past.at is None else "the cut"
        return unknown("hours_since_cut", f"the time of {missing} is not known", cut.id)
    if end is not None:
        gone = (past.at - end).total_seconds()
        found: Range = (gone, gone)
    else:
        assert start is not None
        gone = (past.at - start).total_seconds()
        low = 0.0 if lasted[1] is None else max(gone - lasted[1], 0.0)
        found = (low, gone - (lasted[0] or 0.0))
    if gone < 0:
        return unknown(
            "hours_since_cut",
            f"it was measured at {past.chain.moment.time}, before {name_of(cut)} at "
            f"{cut.end or cut.start} made it",
            cut.id,
        )
    why = [f"cut by {name_of(cut)}, {cut.end or cut.start}; measured {past.chain.moment.time}"]
    if end is None and lasted == (None, None):
        why.append("when the cut ended is not recorded")
    metric = interval("hours_since_cut", found, 3600.0, why, [])
    return with_evidence(metric, cut.id)


def time_contradictions(
    custody: Custody, record: MeasurementRecord, _: float | None = None
) -> Metric:
    """Return how many contradictions between times touch the past of the measurement."""
    return _contradictions(
        custody, record, "time_contradictions", ("time",), "no times contradict one another"
    )


def value_contradictions(
    custody: Custody, record: MeasurementRecord, _: float | None = None
) -> Metric:
    """Return how many contradictions between values or places touch the past of it."""
    return _contradictions(
        custody,
        record,
        "value_contradictions",
        ("value", "place"),
        "no values and no places contradict one another",
    )


def _contradictions(
    custody: Custody, record: MeasurementRecord, name: str, about: tuple[str, ...], none: str
) -> Metric:
    from consilience.custody.conflicts.contradictions import touching

    found = [c for c in touching(custody, record) if c.about in about]
    why = "; ".join(c.words for c in found) or none
    evidence = tuple(dict.fromkeys(i for c in found for i in c.evidence))
    return Metric(name, float(len(found)), "1", None, why, evidence)


def unaccounted_hours(
    custody: Custody, record: MeasurementRecord, _: float | None = None
) -> Metric:
    """Return the time between the first recorded step and the measurement that no step covers."""
    past = past_of(custody, record)
    if not past.recorded:
        return nothing("unaccounted_hours", record)
    found = past.unaccounted()
    why = [] if found[0] == found[1] else ["steps without start or end, or without known order"]
    if past.at is None:
        why = ["the time of the measurement is not known"]
    return interval("unaccounted_hours", found, 3600.0, why, past.certain)
