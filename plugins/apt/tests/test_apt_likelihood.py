"""The Poisson fit against a general optimiser, and its coverage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import poisson

from consilience_apt.amounts.likelihood import deviance, fit_counts, profile_interval

SHAPES = np.array([[0.7, 0.1, 0.0], [0.2, 0.5, 0.1], [0.1, 0.3, 0.2], [0.0, 0.1, 0.7]])
KNOWN = np.array([3.0, 2.0, 2.0, 1.0])


def test_it_is_the_maximum_that_scipy_finds():
    counts = np.array([81.0, 60.0, 41.0, 20.0])
    found = fit_counts(SHAPES, counts, KNOWN)
    general = minimize(
        lambda v: -poisson.logpmf(counts, SHAPES @ v + KNOWN).sum(),
        np.full(3, 50.0),
        bounds=[(0, None)] * 3,
        options={"ftol": 1e-14, "gtol": 1e-9},
    )
    assert found.values == pytest.approx(general.x, rel=1e-3, abs=1e-3)
    mu = SHAPES @ found.values + KNOWN
    ratio = 2 * (poisson.logpmf(counts, counts) - poisson.logpmf(counts, mu)).sum()
    assert found.deviance == pytest.approx(ratio)
    assert deviance(counts, mu) == pytest.approx(ratio)


def test_one_shape_is_the_sum_of_counts():
    # with one shape and no background the maximum is Σn/Σs, whatever the shape: no bias at few
    # counts, which weights from the observed counts would have
    shape = np.array([[0.5], [0.3], [0.15], [0.05]])
    for counts in ([3, 1, 0, 0], [0, 0, 0, 1], [500, 310, 140, 60]):
        found = fit_counts(shape, counts)
        assert found.values[0] == pytest.approx(sum(counts))
        assert found.std[0] == pytest.approx(sum(counts) ** 0.5)


def test_rank_and_condition():
    twins = np.column_stack([SHAPES[:, 0], SHAPES[:, 0], SHAPES[:, 2]])
    found = fit_counts(twins, [100.0, 50.0, 40.0, 60.0])
    assert found.rank == 2
    assert found.covariance is None
    assert np.isinf(found.condition)
    assert fit_counts(np.eye(3), [4.0, 5.0, 6.0]).condition == pytest.approx(1.0)


def test_pulls_and_coverage_over_a_thousand_repeats():
    chance = np.random.default_rng(4)
    truth = np.array([60.0, 40.0, 90.0])
    pulls, inside, at_zero = [], 0, 0
    for repeat in range(1000):
        found = fit_counts(SHAPES, chance.poisson(SHAPES @ truth + KNOWN), KNOWN)
        pulls.append((found.values - truth) / found.std)
        if repeat < 250:
            counts = chance.poisson(SHAPES @ (truth * [1, 0, 1]) + KNOWN)
            low, high = profile_interval(SHAPES, counts, 1, KNOWN)
            at_zero += low <= 0.0
            counts = chance.poisson(SHAPES @ truth + KNOWN)
            low, high = profile_interval(SHAPES, counts, 1, KNOWN)
            inside += low <= truth[1] <= high
    pulls = np.array(pulls)
    assert np.abs(pulls.mean(axis=0)).max() < 0.15
    assert pulls.std(axis=0) == pytest.approx(1.0, abs=0.1)
    assert 227 <= inside <= 250  # 95 % of 250 is 237.5 ± 3.4
    assert at_zero >= 232  # one-sided at the bound: 97.5 %


def test_dependent_shapes_leave_an_interval_from_nothing_to_all():
    twins = np.column_stack([SHAPES[:, 0], SHAPES[:, 0]])
    low, high = profile_interval(twins, [700.0, 200.0, 100.0, 0.0], 0)
    assert low == 0.0
    assert high == pytest.approx(1000 + 1.96 * 1000**0.5, rel=0.01)
