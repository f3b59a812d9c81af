"""Rates of verdicts against what they should be."""

from __future__ import annotations

from benchmarks.verdicts.common import ANSWERS, Rates
from scipy.stats import binom

__all__ = ["hold"]

SURE = 1e-5
"""Chance of a false alarm of one bound; there are some four hundred."""


def hold(found: Rates, room: float = 0.0) -> None:
    """Fail unless counts are a binomial draw from the expected rates, and below the bounds.

    `room` is added to either side of an expected rate, and to a bound.
    """
    assert sum(found.counts[a] for a in ANSWERS) == found.of
    said = f"{found.case}, {found.place}: {found.counts}"
    for answer, rate in found.expected.items():
        low, high = max(rate - room, 0.0), min(rate + room, 1.0)
        hits = found.counts[answer]
        inside = binom.ppf(SURE, found.of, low) <= hits <= binom.isf(SURE, found.of, high)
        assert inside, f"{said}; expected {answer} {rate:.3f}"
    for answer, rate in found.bounds.items():
        assert found.counts[answer] <= binom.isf(SURE, found.of, rate + room), said
