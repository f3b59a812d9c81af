"""Metrics of what a sample was before it was cut from its parents."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from consilience.custody.chain import Moment, chain_of, cut_of
from consilience.custody.metric import METRICS, Metric
from consilience.lineage import ancestors
from consilience.model.measurement import MeasurementRecord

if TYPE_CHECKING:
    from consilience.custody.custody import Custody

__all__ = ["storage_hours_before_cut"]


def storage_hours_before_cut(
    custody: Custody, record: MeasurementRecord, _: float | None = None
) -> Metric:
    """Return the longest time in store of an ancestor, until the cut that led to the sample.

    A cut starts `storage_hours` anew, but lithium that was lost before it stays lost.
    """
    from consilience.custody.metrics.steps import storage_hours

    name, unit = "storage_hours_before_cut", METRICS["storage_hours_before_cut"].unit
    line = [record.sample, *ancestors(custody.samples, record.sample)]
    if len(line) == 1:
        return Metric(name, 0.0, unit, why=f"{record.sample} was not cut from another sample")
    found: list[Metric] = []
    for child, parent in pairwise(line):
        cut = cut_of(child, [s for s in custody.steps if s.sample == parent])
        if cut is None:
            why = f"no step says when {child} was cut from {parent}"
            found.append(Metric(name, None, unit, why=why))
            continue
        moment = Moment(parent, cut.start or cut.end, cut.sequence)
        before = custody.at(chain_of(moment, custody.samples, custody.steps), record)
        found.append(storage_hours(before, record))
    return _longest(name, unit, found)


def _longest(name: str, unit: str, found: list[Metric]) -> Metric:
    """Return the largest of some metrics; unknown where one of them may be larger."""
    lows = [m.value if m.value is not None else m.at_least or 0.0 for m in found]
    highs = [m.value if m.value is not None else m.at_most for m in found]
    low, known = max(lows), [h for h in highs if h is not None]
    high = max(known) if len(known) == len(highs) else None
    worst = found[lows.index(low)]
    why = "; ".join(dict.fromkeys(m.why for m in found if m is worst or m.value is None))
    evidence = tuple(dict.fromkeys(e for m in found for e in m.evidence))
    if high is not None and high == low:
        return Metric(name, low, unit, None, why, evidence)
    return Metric(name, None, unit, low or None, why, evidence, high)
