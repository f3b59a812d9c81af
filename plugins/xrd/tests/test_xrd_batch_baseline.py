"""Baselines under many patterns: equal to one at a time, with numba and without."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import spsolve

from consilience.errors import BadInputError
from consilience_xrd.lines.baseline import fit_baseline
from consilience_xrd.lines.batch_baseline import BLOCK, fit_baselines


def patterns(count: int, points: int = 400, seed: int = 3) -> np.ndarray:
    chance = np.random.default_rng(seed)
    x = np.linspace(0, 1, points)
    expected = (300 * np.exp(-2 * x) + 40) * chance.uniform(0.5, 2, (count, 1))
    for place in chance.uniform(0.05, 0.95, 8):
        height = chance.uniform(0, 400, (count, 1))
        expected = expected + height * np.exp(-0.5 * ((x - place) / 0.006) ** 2)
    return chance.poisson(expected).astype(float)


def recipe(y: np.ndarray, lam: float, p: float, turns: int) -> np.ndarray:
    """The usual sparse-solve recipe of asymmetric least squares, one pattern."""
    size = len(y)
    second = sparse.diags([1.0, -2.0, 1.0], [0, -1, -2], shape=(size, size - 2))
    penalty = lam * second @ second.T
    weights = np.ones(size)
    z = y
    for _ in range(turns):
        matrix = sparse.csc_matrix(sparse.diags(weights) + penalty)
        z = spsolve(matrix, weights * y)
        weights = p * (y > z) + (1 - p) * (y <= z)
    return z


@pytest.mark.parametrize("accelerate", ["no", "yes"])
@pytest.mark.parametrize("lam", [1e2, 1e4, 1e6])
def test_equal_to_the_sparse_solve_recipe(accelerate: str, lam: float) -> None:
    if accelerate == "yes":
        pytest.importorskip("numba")
    y = patterns(19)
    got = fit_baselines(y, "asls", lam, 0.01, iterations=10, accelerate=accelerate)
    expected = np.array([recipe(one, lam, 0.01, 10) for one in y])
    assert np.max(np.abs(got.values / expected - 1)) < 1e-8
    assert got.parameters["route"] == ("numba" if accelerate == "yes" else "numpy")


def test_blocks_leave_no_trace() -> None:
    y = patterns(BLOCK + 7, 60)
    got = fit_baselines(y, "asls", 1e3, iterations=3, accelerate="no").values
    for i in (0, BLOCK - 1, BLOCK, BLOCK + 6):
        alone = fit_baselines(y[i : i + 1], "asls", 1e3, iterations=3, accelerate="no").values[0]
        assert got[i] == pytest.approx(alone, rel=1e-13)


@pytest.mark.parametrize("accelerate", ["no", "yes"])
@pytest.mark.parametrize("method", ["asls", "arpls"])
def test_until_settled_equal_to_pybaselines(method: str, accelerate: str) -> None:
    if accelerate == "yes":
        pytest.importorskip("numba")
    y = patterns(12)
    got = fit_baselines(y, method, 1e4, accelerate=accelerate)
    expected = np.array([fit_baseline(one, method, 1e4).values for one in y])
    assert np.max(np.abs(got.values - expected)) < 1e-7 * expected.max()
    assert got.parameters["unsettled"] == 0


def test_smoothness_is_chosen_as_for_one_pattern_and_said() -> None:
    y = patterns(2)
    got = fit_baselines(y, "arpls", fwhm_points=6.0).parameters
    assert got["lam"] == fit_baseline(y[0], "arpls", fwhm_points=6.0).parameters["lam"]
    assert "6" in got["lam_chosen"]


def test_a_pattern_of_zeros_has_a_baseline_of_zero() -> None:
    y = np.vstack([np.zeros((1, 50)), patterns(1, 50)])
    for method in ("asls", "arpls"):
        got = fit_baselines(y, method, 1e3, iterations=5).values
        assert np.all(got[0] == 0)
        assert np.isfinite(got).all()


def test_without_numba_it_says_so_or_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "consilience_xrd.lines._batch_numba", raising=False)
    import consilience_xrd.lines as lines

    monkeypatch.delattr(lines, "_batch_numba", raising=False)
    y = patterns(3, 50)
    assert fit_baselines(y, "asls", 1e3, iterations=2).parameters["route"] == "numpy"
    with pytest.raises(BadInputError, match="numba was asked for and cannot be imported"):
        fit_baselines(y, "asls", 1e3, iterations=2, accelerate="yes")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "snip"}, "has no batched form"),
        ({"lam": -1.0}, "lam = -1 is not positive"),
        ({"p": 1.0}, "p = 1 is not between 0 and 1"),
        ({"iterations": 0}, "iterations is below 1"),
        ({"intensity": np.ones(9)}, r"not shape \(9,\)"),
        ({"intensity": np.full((2, 9), np.nan)}, "not finite numbers"),
    ],
)
def test_bad_input(change: dict, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        fit_baselines(**{"intensity": patterns(2, 20), **change})
