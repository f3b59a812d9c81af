"""A short run of the coverage table; the printed one has a thousand repeats."""

from __future__ import annotations

import numpy as np
import pytest

from consilience.testing.coverage import Row, cover, judgements
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


def test_an_interval_is_that_of_feldman_and_cousins() -> None:
    # their Table X, 68.27 %: x0 = 0 gives 0 to 1.00, x0 = 1.0 gives 0.27 to 2.00
    low, high = bounded_interval(np.array([0.0, 1.0]), np.ones(2), 0.6827)
    assert low == pytest.approx([0.0, 0.27], abs=0.03)
    assert high == pytest.approx([1.0, 2.0], abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_short_run_holds(row: Row) -> None:
    """Sixty repeats see an error that is wrong by half."""
    table = cover([row], 60, seed=10_000, family=judgements(ROWS))
    assert table
    broken = [
        f"{one.model}: {one.what} {one.found}, {one.limits}" for one in table if not one.holds
    ]
    assert not broken, "; ".join(broken)
