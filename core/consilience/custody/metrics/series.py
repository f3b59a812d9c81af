"""Metrics from sensor series, and from what steps state where they have no sensor.

Time between the recorded steps is unknown too: it widens every answer here, as gaps of a sensor do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.custody.chain import Link
from consilience.custody.conditions import bounds
from consilience.custody.metric import METRICS, Metric
from consilience.custody.metrics.answers import (
    freezes_in_force,
    gap_words,
    name_of,
    nothing,
    past_of,
    unknown,
)
from consilience.custody.metrics.surroundings import SEALED, in_air, in_vacuum, read_below
from consilience.custody.past.exposure import (
    TOLERANCE,
    Exposed,
    Window,
    integral,
    peak,
    stated_integral,
    unrecorded,
)
from consilience.custody.past.exposure import seconds_above as exposed_above
from consilience.custody.past.spans import Past, Range
from consilience.model.sample import Step

if TYPE_CHECKING:
    from consilience.custody.custody import Custody
    from consilience.model.measurement import MeasurementRecord

__all__ = [
    "O2_IN_AIR",
    "h2o_ppm_hours",
    "o2_ppm_hours",
    "peak_pressure",
    "peak_temperature",
    "seconds_above",
    "suspect_sensors",
    "unrecorded_seconds",
]

O2_IN_AIR = 209_390.0
"""ppm; mole fraction of oxygen in dry air (Picard et al. 2008, doi 10.1088/0026-1394/45/2/004)."""

_MELTING = 273.15

Part = tuple[Link, Exposed]


def o2_ppm_hours(custody: Custody, record: MeasurementRecord, _: float | None = None) -> Metric:
    """Return the exposure to oxygen in gas, from the first recorded step to the measurement.

    Steps in vacuum and sealed cells do not count; air counts as dry air where nobody measured.
    """
    return _ppm_hours(custody, record, "o2")


def h2o_ppm_hours(custody: Custody, record: MeasurementRecord, _: float | None = None) -> Metric:
    """Return the exposure to water in gas, from the first recorded step to the measurement.

    Steps in vacuum and sealed cells do not count; how humid air was must be said or measured.
    """
    return _ppm_hours(custody, record, "h2o")


def peak_pressure(custody: Custody, record: MeasurementRecord, _: float | None = None) -> Metric:
    """Return the highest pressure in transfers and stores in vacuum."""
    name = "peak_pressure"
    past = past_of(custody, record)
    if not past.recorded:
        return nothing(name, record)
    parts: list[Part] = []
    for link in [*past.certain, *past.uncertain]:
        window = Window(link, past)
        vacuum = in_vacuum(custody, window)
        # who does not say where it was stored does not mean a vacuum
        if link.step.type not in ("transfer", "store") or vacuum is False:
            continue
        if vacuum is None and link.step.type == "store":
            continue
        found = peak(custody, window, "pressure", "Pa")
        if vacuum is None:
            found = Exposed(-math.inf, None, 0.0, 0.0, found.unknown, "nothing", found.evidence)
        parts.append((link, found))
    if not parts:
        return unknown(name, "no transfer or store in vacuum is recorded")
    return _highest(name, parts, (0.0, 0.0))


def peak_temperature(custody: Custody, record: MeasurementRecord, _: float | None = None) -> Metric:
    """Return the highest temperature since it was frozen."""
    name = "peak_temperature"
    since = _since_freeze(custody, record, name)
    if isinstance(since, Metric):
        return since
    past, links, gaps, sure = since
    parts = [(k, peak(custody, Window(k, past), "temperature", "K")) for k in links]
    if not sure:
        parts = [(k, _maybe(p, -math.inf)) for k, p in parts]
    return _highest(name, parts, gaps)


def seconds_above(
    custody: Custody, record: MeasurementRecord, parameter: float | None = None
) -> Metric:
    """Return the time above a temperature (K) since it was frozen."""
    name = "seconds_above"
    assert parameter is not None  # Custody.metric makes sure
    since = _since_freeze(custody, record, name)
    if isinstance(since, Metric):
        return since
    past, links, gaps, sure = since
    parts = [
        (k, exposed_above(custody, Window(k, past), "temperature", "K", parameter)) for k in links
    ]
    if not sure:
        parts = [(k, _maybe(p, 0.0)) for k, p in parts]
    return _sum(name, parts, past, gaps, gaps[1], 1.0)


def unrecorded_seconds(
    custody: Custody, record: MeasurementRecord, _: float | None = None
) -> Metric:
    """Return the time in cold or vacuum steps that have a sensor, in which it recorded nothing."""
    name = "unrecorded_seconds"
    past = past_of(custody, record)
    if not past.recorded:
        return nothing(name, record)
    parts: list[Part] = []
    for link in [*past.certain, *past.uncertain]:
        window = Window(link, past)
        sensors = [
            s for quantity in ("temperature", "pressure") for s in window.sensors(custody, quantity)
        ]
        if not sensors or not _cold_or_vacuum(custody, window):
            continue
        low, high = unrecorded(custody, window, ("temperature", "pressure"))
        ids = tuple(dict.fromkeys((link.step.id, *(s.id for s in sensors))))
        parts.append((link, Exposed(low, high, 0.0, 0.0, (low, high), "sensor", ids)))
    if not parts:
        return Metric(name, 0.0, "s", None, "no cold or vacuum step has a sensor")
    return _sum(name, parts, past, (0.0, 0.0), 0.0, 1.0)


_READ = ("temperature", "pressure", "o2", "h2o")
"""Quantities that metrics take from sensors: of others a constant reading harms nothing here."""


def suspect_sensors(custody: Custody, record: MeasurementRecord, _: float | None = None) -> Metric:
    """Return how many sensors in the past look stuck though their mapping states no limit."""
    past = past_of(custody, record)
    found = [
        (series, name)
        for link in [*past.certain, *past.uncertain]
        for series in custody.series_of(link.step)
        for name in series.suspect
        if name in _READ
    ]
    words = "; ".join(f"{name} in {series.file}" for series, name in found)
    evidence = tuple(dict.fromkeys(i for s, _ in found for i in (s.id, s.step)))
    why = words or "no sensor looks stuck"
    return Metric("suspect_sensors", float(len(found)), "1", None, why, evidence)


# --- what the answers are put together from -------------------------------------------------------


def _ppm_hours(custody: Custody, record: MeasurementRecord, quantity: str) -> Metric:
    name = f"{quantity}_ppm_hours"
    past = past_of(custody, record)
    if not past.recorded:
        return nothing(name, record)
    parts: list[Part] = []
    for link in [*past.certain, *past.uncertain]:
        window = Window(link, past)
        found = integral(custody, window, quantity, "ppm")
        if found.source == "nothing":
            if quantity == "o2" and in_air(link.step) is True:
                found = stated_integral(window, O2_IN_AIR, O2_IN_AIR)
            elif link.step.type in SEALED or in_vacuum(custody, window) is True:
                continue
        parts.append((link, found))
    gaps = past.unaccounted()
    return _sum(name, parts, past, gaps, 0.0 if gaps == (0.0, 0.0) else None, 3600.0)


def _since_freeze(
    custody: Custody, record: MeasurementRecord, name: str
) -> Metric | tuple[Past, list[Link], Range, bool]:
    """Return the links since it was frozen, the time between them, and if that is certain."""
    past = past_of(custody, record)
    if not past.recorded:
        return nothing(name, record)
    maybe = [k for k in past.uncertain if k.step.type == "freeze"]
    freezes = freezes_in_force(past)
    if not freezes:
        words = "which freeze was the last is not recorded"
        if freezes is not None:
            words = "when it was frozen is not recorded" if maybe else "no freeze is recorded"
        every = [k for k in [*past.certain, *maybe] if k.step.type == "freeze"]
        return unknown(name, words, *(k.step.id for k in every if k.step.id))
    first = freezes[0]
    links = [
        link
        for link in [*past.certain, *past.uncertain]
        if link not in freezes and past.earlier(link, first) is not True
    ]
    sure = all(past.earlier(k, first) is True for k in maybe)
    return past, links, past.unaccounted(first), sure


def _maybe(part: Exposed, least: float) -> Exposed:
    return Exposed(least, part.high, 0.0, 0.0, part.unknown, part.source, part.evidence)


def _cold_or_vacuum(custody: Custody, window: Window) -> bool:
    _, high = bounds(window.step.conditions.get("temperature"), "K")
    return (
        window.step.type == "freeze"
        or (high is not None and high < _MELTING)
        or in_vacuum(custody, window) is True
        or read_below(custody, window, "temperature", "K", _MELTING)
    )


def _highest(name: str, parts: Sequence[Part], gaps: Range) -> Metric:
    low = max((p.low for _, p in parts), default=-math.inf)
    highs = [p.high for _, p in parts]
    high: float | None = None
    if gaps == (0.0, 0.0) and None not in highs:
        high = max((h for h in highs if h is not None), default=-math.inf)
    unit = METRICS[name].unit
    words, evidence = _words(parts, unit, 1.0, gaps), _evidence(parts)
    if high is not None and high == low and math.isfinite(high):
        return Metric(name, high, unit, None, words, evidence)
    return Metric(
        name,
        None,
        unit,
        low if math.isfinite(low) else None,
        words or "nothing is recorded",
        evidence,
        high if high is not None and math.isfinite(high) else None,
    )


def _sum(
    name: str, parts: Sequence[Part], past: Past, gaps: Range, rest: float | None, scale: float
) -> Metric:
    """Add what steps contribute; `rest` is the most that the time between them can add."""
    low = _apart(parts, past)
    held = sum(p.held for _, p in parts)
    total = sum(p.low for _, p in parts)
    highs = [p.high for _, p in parts]
    high: float | None = None
    if rest is not None and None not in highs:
        high = sum(h for h in highs if h is not None) + rest
    unit = METRICS[name].unit
    words = _words(parts, unit, scale, gaps) or "no recorded step adds to it"
    evidence = _evidence(parts)
    overlapping = low < total
    if high is not None and not overlapping and _close(low + held, high):
        return Metric(name, high / scale, unit, None, words, evidence)
    if overlapping:
        words += "; steps overlap in time, so what they add is not simply added"
    return Metric(
        name,
        None,
        unit,
        low / scale if low > 0 else None,
        words,
        evidence,
        None if high is None else high / scale,
    )


def _close(low: float, high: float) -> bool:
    return math.isclose(low, high, rel_tol=1e-9, abs_tol=TOLERANCE)


def _apart(parts: Sequence[Part], past: Past) -> float:
    """Return the certain sum, of steps that overlap in time the greatest alone."""
    placed, total = [], 0.0
    for link, part in parts:
        interval = past.interval(link)
        if interval is None:
            total += part.low
        else:
            placed.append((*interval, part.low))
    placed.sort(key=lambda p: p[:2])
    cluster, reached = 0.0, None
    for begin, end, low in placed:
        if reached is not None and begin < reached:
            cluster, reached = max(cluster, low), max(reached, end)
        else:
            total, cluster, reached = total + cluster, low, end
    return total + cluster


def _words(parts: Sequence[Part], unit: str, scale: float, gaps: Range) -> str:
    """Say what each step adds; steps that are known to add nothing are only counted."""
    told = [(k, p) for k, p in parts if p.unknown != (0.0, 0.0) or p.low or p.high != 0.0]
    silent = len(parts) - len(told)
    words = [*(_said(k.step, p, unit, scale) for k, p in told), *gap_words(gaps)]
    if silent:
        rest = f"{silent} step{'s' if silent > 1 else ''}"
        words.append(f"{rest}{' more' if told else ''}: 0 {unit}")
    return "; ".join(words)


def _said(step: Step, part: Exposed, unit: str, scale: float) -> str:
    source = {"sensor": "by its sensor", "stated": "as stated", "nothing": "not recorded"}
    words = source[part.source]
    low, high = part.low + (part.held if part.high is not None else 0.0), part.high
    if part.source != "nothing":
        if high is not None and _close(low, high):
            words = f"{high / scale:.6g} {unit} {words}"
        else:
            known = [f"at least {low / scale:.6g} {unit}"] if math.isfinite(low) and low else []
            known += [f"at most {high / scale:.6g} {unit}"] if high is not None else []
            words = f"{' and '.join(known) or 'unknown'} {words}"
    if part.unknown != (0.0, 0.0):
        longest = part.unknown[1]
        lasting = "an unknown time" if longest is None else f"{longest:.6g} s"
        words += f", nothing known for {lasting}"
    return f"{name_of(step)} {words}"


def _evidence(parts: Sequence[Part]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(i for _, p in parts for i in p.evidence))
