"""Place and width of a step together: against plain sums over a grid, and what was planted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, ndtr

from consilience_apt.space.step_posterior import StepBins, step_posterior, step_shares


def planted(rng: np.random.Generator, ions: int, sigma: float, width: float = 0.5) -> StepBins:
    z = rng.uniform(0, 20, rng.poisson(ions))
    inside = rng.random(len(z)) < 0.2 + 0.5 * ndtr((z - 9.8) / sigma)
    edges = np.arange(0, 20 + width / 2, width)
    n, _ = np.histogram(z, edges)
    k, _ = np.histogram(z[inside], edges)
    return StepBins(edges[:-1], edges[1:], k.astype(float), n.astype(float), 1.0)


def test_shares_are_averages_over_bins() -> None:
    low, high = np.array([0.0, 1.0, 4.0]), np.array([1.0, 1.5, 9.0])
    for shape, plain in (("erf", ndtr), ("logistic", expit)):
        (found,) = step_shares(shape, low, high, np.array([1.2]), np.array([0.7]))
        for a, b, value in zip(low, high, found, strict=True):
            z = np.linspace(a, b, 20_001)
            assert value == pytest.approx(np.trapezoid(plain((z - 1.2) / 0.7), z) / (b - a))


def test_the_grid_is_that_of_separate_fits() -> None:
    bins = planted(np.random.default_rng(0), 1500, 1.0)
    found = step_posterior("erf", bins, 9.8, 0.25, (0.05, 20.0), (0.0, 20.0))
    assert found.weight.sum() == pytest.approx(1.0)

    def best(place: float, scale: float) -> float:
        at = np.array([place]), np.array([scale])
        (t,) = step_shares("erf", bins.low, bins.high, *at)

        def loss(ends: np.ndarray) -> float:
            p = ends[0] * (1 - t) + ends[1] * t
            return -float((bins.k * np.log(p) + (bins.n - bins.k) * np.log1p(-p)).sum())

        return -minimize(loss, [0.3, 0.6], bounds=[(1e-6, 1 - 1e-6)] * 2, tol=1e-12).fun

    rows, columns = (20, 40, 60), (0, 8, 16)
    other = np.array([[best(found.places[i], found.scales[j]) for j in columns] for i in rows])
    mine = np.log(found.weight[np.ix_(rows, columns)])
    assert mine - mine[1, 1] == pytest.approx(other - other[1, 1], abs=1e-3)


def test_joined_bins_say_the_same() -> None:
    bins = planted(np.random.default_rng(1), 20_000, 0.5, 0.05)
    near = bins.near(7.0, 12.0)
    assert len(near.k) < 110
    assert near.k.sum() == bins.k.sum()
    assert (near.low[0], near.high[-1]) == (0.0, pytest.approx(20.0))
    wide = step_posterior("erf", bins, 9.8, 1.0, (0.005, 20.0), (0.0, 20.0))
    close = step_posterior("erf", bins, 9.8, 0.02, (0.005, 20.0), (0.0, 20.0))
    assert wide.mean == pytest.approx(close.mean, abs=0.1 * close.std())
    assert wide.std() == pytest.approx(close.std(), rel=0.05), "wherever the search begins"
    low, high = close.scale_interval(0.95)
    assert low < 0.5 < high
    assert close.rise > 20, "it is not sharp"


@pytest.mark.parametrize("sigma", [0.02, 1.0])
def test_intervals_hold_at_few_ions(sigma: float) -> None:
    rng = np.random.default_rng(2)
    pulls, inside, sharp = [], 0, 0
    for _ in range(300):
        bins = planted(rng, 1000, sigma)
        found = step_posterior("erf", bins, 9.8, 0.3, (0.05, 20.0), (0.0, 20.0))
        pulls.append((found.mean - 9.8) / found.std())
        low, high = found.interval(0.683)
        inside += low <= 9.8 <= high
        sharp += found.rise < 2.71
    # three standard deviations of 300 repeats, and for a sharp step what bins leave open
    assert abs(np.mean(pulls)) < 0.19
    assert 0.72 < np.std(pulls) < 1.15
    assert 0.60 < inside / 300 < 0.90
    assert (sharp > 260) == (sigma < 0.1)
