"""Rank correlation, changes against errors: against scipy, and false alarms of what is nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import permutation_test, spearmanr

from consilience.compare.courses.association import spearman
from consilience.compare.courses.covariation import constancy, covariation
from consilience.errors import BadInputError


def scipy_p(first: list[float], second: list[float], **more: Any) -> float:
    """Two-sided p by absolute value; scipy doubles the smaller tail, which ties can make differ."""

    def size(x: Any) -> Any:
        return abs(spearmanr(x, second).statistic)

    found = permutation_test(
        (first,), size, permutation_type="pairings", alternative="greater", **more
    )
    return float(found.pvalue)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n", [3, 4, 5, 6])
def test_all_orders_give_what_scipy_gives(n: int, ties: bool) -> None:
    chance = np.random.default_rng(n)
    first, second = chance.normal(size=(2, n))
    if ties:
        first[0] = first[1]
        second[-1] = second[0]
    found = spearman(first.tolist(), second.tolist())
    assert found.rho == pytest.approx(float(spearmanr(first, second).statistic), abs=1e-12)
    # 720 orders: scipy looks at all of them
    assert found.p == pytest.approx(scipy_p(first.tolist(), second.tolist(), n_resamples=np.inf))
    assert found.exact
    assert found.orders == math.factorial(n)
    ends = [sorted(second), sorted(second, reverse=True)]
    least = min(scipy_p(sorted(first), end, n_resamples=np.inf) for end in ends)
    assert found.least_p == pytest.approx(least)
    assert ties or least == pytest.approx(2 / math.factorial(n))


def test_more_than_nine_states_take_drawn_orders_and_say_so() -> None:
    chance = np.random.default_rng(4)
    first = chance.normal(size=14)
    second = first + 1.5 * chance.normal(size=14)
    found = spearman(first.tolist(), second.tolist())
    outside = float(spearmanr(first, second).pvalue)  # Student's t, good for 14 points
    assert found.p == pytest.approx(outside, abs=0.012)
    assert found.how == "20000 random orders"
    assert found.least_p == pytest.approx(1 / 20001)
    assert spearman(first.tolist(), second.tolist()).p == found.p  # seeded
    assert spearman(range(14), range(14)).p == found.least_p


def test_what_does_not_change_has_no_correlation() -> None:
    found = spearman((1.0, 1.0, 1.0), (1.0, 2.0, 3.0))
    assert (found.rho, found.p, found.least_p) == (None, None, None)
    assert spearman((1.0, 2.0, 3.0), (3.0, 2.0, 1.0)).p == pytest.approx(2 / 6)


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ((1.0, 2.0), (1.0, 2.0), "2 and 2 states"),
        ((1.0, 2.0, 3.0), (1.0, 2.0), "3 and 2 states"),
        ((1.0, 2.0, math.nan), (1.0, 2.0, 3.0), "has no rank"),
    ],
)
def test_no_rank_correlation(first: Any, second: Any, says: str) -> None:
    with pytest.raises(BadInputError, match=says):
        spearman(first, second)


def flat(chance: np.random.Generator) -> tuple[Any, Any]:
    return np.zeros(6), np.zeros(6)


def rising(chance: np.random.Generator) -> tuple[Any, Any]:
    return np.linspace(0.0, 30.0, 6), np.zeros(6)


def walking(chance: np.random.Generator) -> tuple[Any, Any]:
    return np.cumsum(10.0 * chance.normal(size=6)), np.zeros(6)


@pytest.mark.parametrize("truth", [flat, rising, walking])
def test_changes_that_are_errors_are_called_changes_at_the_level(
    truth: Callable[[np.random.Generator], tuple[Any, Any]],
) -> None:
    """Whatever one quantity does, and however its states follow each other."""
    chance = np.random.default_rng(20261122)
    alarms = 0
    for _ in range(1000):
        first, second = truth(chance)
        std = chance.uniform(0.5, 1.5, (2, 6))
        noise = std * chance.normal(size=(2, 6))
        found = covariation(first + noise[0], second + noise[1], std[0], std[1])
        alarms += min(found.p_same, found.p_opposite) < 0.025
    assert alarms <= 71  # 5 % and three standard deviations of the count


def test_a_common_change_is_found() -> None:
    line = np.linspace(0.0, 30.0, 6)
    found = covariation(line, -line, np.ones(6), np.ones(6))
    assert found.p_opposite < 1e-9
    assert found.value == pytest.approx(-float(np.var(line, ddof=1)))
    with pytest.raises(ValueError, match="zero is no uncertainty"):
        covariation(line, line, np.zeros(6), np.ones(6))
    with pytest.raises(ValueError, match="three or more"):
        covariation(line[:2], line[:2], np.ones(2), np.ones(2))


def test_the_spread_of_the_covariation_is_as_stated() -> None:
    chance = np.random.default_rng(3)
    first, second = np.array([0.0, 4.0, 9.0, 3.0]), np.array([1.0, 0.0, 8.0, 2.0])
    std = np.array([0.3, 0.5, 0.2, 0.4])
    made = [
        covariation(first + std * n[0], second + std * n[1], std, std).value
        for n in chance.normal(size=(4000, 2, 4))
    ]
    stated = covariation(first, second, std, std).std
    assert float(np.std(made)) == pytest.approx(stated, rel=0.04)


def test_a_difference_that_stays_is_told_from_one_that_changes() -> None:
    mean, std, p = constancy([1.0, 1.1, 0.9], [0.1, 0.1, 0.2])
    assert mean == pytest.approx((1.0 + 1.1 + 0.9 / 4) / 2.25)
    assert std == pytest.approx(0.1 / 2.25**0.5)
    assert p > 0.3
    assert constancy([1.0, 2.0, 3.0], [0.1, 0.1, 0.1])[2] < 1e-9
