"""χ² of log-ratios: worked by hand, invariant to the basis, and as scipy's tables of counts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, chi2_contingency

from consilience.compare.compositions.logratio import (
    closed_covariance,
    closure,
    contrasts,
    no_difference,
)
from consilience.compare.margins import decide


def test_three_parts_worked_by_hand() -> None:
    """Additive log-ratios to the third part: ln 1.25 and ln 0.75, covariance [[4, 3], [3, 5]] %."""
    first, second = np.log([0.5, 0.3, 0.2]), np.log([0.4, 0.4, 0.2])
    covariance = np.diag([0.01, 0.02, 0.03])
    a, b = math.log(1.25), math.log(0.75)
    by_hand = (0.05 * a * a - 2 * 0.03 * a * b + 0.04 * b * b) / (0.04 * 0.05 - 0.03**2)
    assert by_hand == pytest.approx(8.774, abs=0.001)
    for basis in ("additive", "isometric"):
        statistic, degrees, p_value = no_difference(first, second, covariance, basis)
        assert statistic == pytest.approx(by_hand, rel=1e-12)
        assert degrees == 2
        assert p_value == pytest.approx(math.exp(-by_hand / 2), rel=1e-9)  # exact for 2 degrees


def test_isometric_contrasts_are_orthonormal() -> None:
    turn = contrasts(6)
    assert turn @ turn.T == pytest.approx(np.eye(5), abs=1e-12)
    assert turn.sum(axis=1) == pytest.approx(np.zeros(5), abs=1e-12)
    # Egozcue 2003, eq. 18 for two parts: ln(x1/x2) / sqrt(2)
    assert contrasts(2)[0] @ np.log([3.0, 2.0]) == pytest.approx(math.log(1.5) / math.sqrt(2))
    with pytest.raises(ValueError, match="no ratio"):
        contrasts(1)


def test_with_equal_errors_chi_squared_is_aitchisons_distance() -> None:
    """scikit-bio 0.7.4: squared distance of centred, and coordinates of isometric log-ratios."""
    first, second = np.array([0.5, 0.3, 0.15, 0.05]), np.array([0.4, 0.4, 0.1, 0.1])
    for basis in ("additive", "isometric"):
        found = no_difference(np.log(first), np.log(second), np.eye(4), basis)[0]
        assert found == pytest.approx(0.7463941504775269, rel=1e-12)
    ilr = [0.36120826256878, 0.7744959906344906, 1.499077517875787]
    assert contrasts(4) @ np.log(first) == pytest.approx(ilr, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 9), st.integers(0, 10**6), st.floats(1e-3, 1e3))
def test_neither_basis_order_nor_scale_matters(size: int, seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.dirichlet(np.full(size, 2.0)) + 1e-3, rng.dirichlet(np.ones(size)) + 1e-3
    root = rng.normal(size=(size, size))
    covariance = root @ root.T + 0.1 * np.eye(size)
    plain = no_difference(np.log(first), np.log(second), covariance)[0]
    additive = no_difference(np.log(scale * first), np.log(second), covariance, "additive")[0]
    turn = rng.permutation(size)
    other = no_difference(
        np.log(first[turn]), np.log(second[turn]), covariance[np.ix_(turn, turn)], "additive"
    )[0]
    assert additive == pytest.approx(plain, rel=1e-6, abs=1e-9)
    assert other == pytest.approx(plain, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_counts_give_what_a_contingency_table_gives(seed: int) -> None:
    """With Poisson errors of large counts χ² is scipy's likelihood ratio of the 2 × D table."""
    rng = np.random.default_rng(seed)
    truth = rng.dirichlet(np.full(4, 5.0)) + 0.05
    table = rng.poisson(truth * np.array([[30_000], [50_000]]))
    outside = chi2_contingency(table, correction=False, lambda_="log-likelihood")
    covariance = np.diag((1.0 / table).sum(axis=0))
    statistic, degrees, p_value = no_difference(np.log(table[0]), np.log(table[1]), covariance)
    assert degrees == outside.dof
    assert statistic == pytest.approx(outside.statistic, rel=0.02, abs=0.02)
    assert p_value == pytest.approx(outside.pvalue, abs=0.01)


def test_no_deviation_is_refused() -> None:
    with pytest.raises(ValueError, match="standard deviation of zero"):
        no_difference(np.zeros(3), np.zeros(3), np.zeros((3, 3)))
    with pytest.raises(ValueError, match="singular"):
        no_difference(np.zeros(3), np.zeros(3), np.diag([1.0, 0.0, 0.0]) + np.ones((3, 3)))


def test_closure_and_its_slope() -> None:
    values = np.array([0.2, 0.3, 0.1])
    fractions, slope = closure(values)
    assert fractions == pytest.approx(values / 0.6)
    for k in range(3):
        step = values.copy()
        step[k] += 1e-7
        assert (closure(step)[0] - fractions) / 1e-7 == pytest.approx(slope[:, k], abs=1e-5)
    with pytest.raises(ValueError, match="sum to nothing"):
        closure(np.zeros(2))


def test_deviations_of_a_closed_pair_are_opposite() -> None:
    made = closed_covariance(np.array([0.49, 0.51]), np.array([0.02, 0.02]))
    assert made == pytest.approx(np.array([[1.0, -1.0], [-1.0, 1.0]]) * 0.02**2)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 8), st.integers(0, 10**6))
def test_deviations_of_independent_amounts_come_back(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.dirichlet(np.full(size, 3.0)) + 0.01
    values /= values.sum()
    _, slope = closure(values)
    truth = slope @ np.diag((values * rng.uniform(0.01, 0.1, size)) ** 2) @ slope.T
    std = np.sqrt(np.diag(truth))
    made = closed_covariance(values, std)
    assert np.sqrt(np.diag(made)) == pytest.approx(std, rel=1e-5)
    assert made.sum(axis=1) == pytest.approx(np.zeros(size), abs=1e-9)
    # what no amounts can give is never understated
    stated = rng.uniform(0.001, 0.05, size)
    assert np.all(np.sqrt(np.diag(closed_covariance(values, stated))) >= stated * (1 - 1e-9))


def test_part_of_a_larger_whole_errs_independently() -> None:
    made = closed_covariance(np.array([0.2, 0.3]), np.array([0.01, 0.02]))
    assert made == pytest.approx(np.diag([1e-4, 4e-4]))


def test_one_of_many_differences_is_held_to_a_sharper_level() -> None:
    """Bonferroni: 1.9 deviations beyond the margin are enough for one difference, not for three."""
    one = decide(np.array([0.069]), np.array([0.01]), np.array([0.05]))
    many = decide(np.array([0.069, -0.034, -0.035]), np.full(3, 0.01), np.full(3, 0.05))
    assert (one.answer, many.answer, many.at) == ("disagree", "undecided", 0)
    assert one.p_value == pytest.approx(0.0287, abs=1e-4)  # upper tail of the normal at 1.9
    with pytest.raises(ValueError, match="no uncertainty"):
        decide(np.zeros(2), np.array([0.01, 0.0]), np.full(2, 0.05))


def test_independent_differences_inside_the_margin_keep_the_level() -> None:
    """All four at the margin: false disagreement in at most 5 %, by Bonferroni's bound."""
    rng = np.random.default_rng(11)
    draws = rng.normal(0.05, 0.01, (4000, 4)) * np.array([1, -1, 1, -1])
    answers = [decide(d, np.full(4, 0.01), np.full(4, 0.05)).answer for d in draws]
    assert answers.count("disagree") <= binom.ppf(0.999, 4000, 0.05)
    assert answers.count("disagree") >= binom.ppf(0.001, 4000, 1 - (1 - 0.05 / 4) ** 4)
