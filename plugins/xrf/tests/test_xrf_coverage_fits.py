"""A short run of the coverage table; the printed one has a thousand repeats."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from consilience.testing.coverage import cover, judgements
from consilience_xrf.fitting.intervals import bounded_interval
from xrf_coverage.rows import ROWS


def test_names_are_unique() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("true", [0.0, 0.5, 3.3, 8.0])
def test_intervals_hold_the_truth_at_the_bound_and_away_from_it(true: float) -> None:
    seen = true + np.random.default_rng(1).normal(size=20_000)
    low, high = bounded_interval(seen, np.ones(seen.size))
    inside = float(np.mean((low <= true) & (true <= high)))
    assert inside == pytest.approx(0.683, abs=0.012)
    assert (low >= 0).all()
    assert (high > low).all()


@pytest.mark.parametrize("seen", [0.6, 1.0, 1.5, 1.9])
def test_an_interval_is_that_of_feldman_and_cousins(seen: float) -> None:
    """Their section IV.B solved for the lower end, not on a grid.

    Of the true value at which what was seen is the upper end of what is accepted: likelihood
    ratios are equal at both ends, exp(-(x-μ)²/2) or, below 0, exp(xμ-μ²/2); between them lies
    the level.
    """

    def beyond(true: float) -> float:
        other = 2.0 * true - seen
        if other < 0.0:
            other = (true**2 - (seen - true) ** 2) / (2.0 * true)
        return float(norm.cdf(seen - true) - norm.cdf(other - true)) - 0.6827

    low, high = bounded_interval(np.array([0.0, seen]), np.ones(2), 0.6827)
    assert low == pytest.approx([0.0, brentq(beyond, 1e-6, seen)], abs=0.011)
    assert high == pytest.approx([1.0, seen + 1.0], abs=0.011), "no bound lies there"


# rows of one group look at the same simulated spectra, which are fitted once
GROUPS = {
    "counts of sums": (20, ("iron in a sum", "copper", "arsenic", "not in a sum")),
    "sums at the limit": (20, ("as the limit in a sum",)),
    "labels": (20, ("nobody named",)),
    "pixels": (20, ("iron in a pixel", "not in a pixel")),
    "pixels at the limit": (20, ("at its limit in a pixel", "as the limit in a pixel")),
}


def test_each_row_is_in_one_group() -> None:
    words = [word for _, some in GROUPS.values() for word in some]
    assert all(sum(word in row.name for word in words) == 1 for row in ROWS)


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_a_short_run_holds(group: str) -> None:
    """Twenty repeats see an error that is wrong by a factor of two."""
    repeats, words = GROUPS[group]
    rows = [row for row in ROWS if any(word in row.name for word in words)]
    table = cover(rows, repeats, seed=10_000, family=judgements(ROWS))
    assert len(table) >= 2 * len(rows)
    broken = [
        f"{one.name}, {one.model}: {one.what} {one.found}, {one.limits}"
        for one in table
        if not one.holds
    ]
    assert not broken, "; ".join(broken)
