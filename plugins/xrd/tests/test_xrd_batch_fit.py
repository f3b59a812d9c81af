"""Thousands of peak fits at once: the same minimum and errors as one at a time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import least_squares

from consilience.errors import BadInputError
from consilience_xrd.lines.batch_fit import BLOCK, fit_windows
from consilience_xrd.lines.peakfind import Candidate
from consilience_xrd.lines.peakfit import fit_group
from consilience_xrd.lines.profiles import pseudo_voigt, pseudo_voigt_jacobian

X = np.linspace(2.65, 2.90, 100)
T = (X - X.mean()) / (X[-1] - X[0]) * 2
START = np.array([100.0, 2.774, 0.025, 0.5, 200.0, 0.0])
LOW = np.array([0.0, 2.75, 0.002, 0.0, -np.inf, -np.inf])
HIGH = np.array([np.inf, 2.80, 0.1, 1.0, np.inf, np.inf])


def windows(count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    truth = np.stack(
        [
            chance.uniform(20, 200, count),
            2.774 + chance.normal(0, 0.004, count),
            chance.uniform(0.018, 0.03, count),
            chance.uniform(0.2, 0.8, count),
        ],
        axis=1,
    )
    expected = [a * pseudo_voigt(X, c, w, e) + 200 + 20 * T for a, c, w, e in truth]
    return truth, chance.poisson(np.array(expected)).astype(float)


def one_at_a_time(y: np.ndarray, sigma: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    def residual(v: np.ndarray) -> np.ndarray:
        return (v[0] * pseudo_voigt(X, v[1], v[2], v[3]) + v[4] + v[5] * T - y) / sigma

    def jacobian(v: np.ndarray) -> np.ndarray:
        value, by_c, by_w, by_e, _ = pseudo_voigt_jacobian(X, v[1], v[2], v[3])
        rows = [value, v[0] * by_c, v[0] * by_w, v[0] * by_e, np.ones_like(X), T]
        return np.stack(rows, axis=1) / sigma[:, None]

    scale = np.array([100, 0.02, 0.02, 0.3, 100, 100.0])
    got = least_squares(
        residual, START, jac=jacobian, bounds=(LOW, HIGH), x_scale=scale,
        xtol=1e-13, ftol=1e-13, gtol=1e-13,
    )  # fmt: skip
    covariance = np.linalg.inv(got.jac.T @ got.jac)
    return 2 * got.cost, got.x, np.sqrt(np.diag(covariance))


def test_same_chi_square_and_errors_as_least_squares() -> None:
    _, y = windows(BLOCK + 9)
    sigma = np.sqrt(np.maximum(y, 1))
    got = fit_windows(X, y, START, LOW, HIGH, sigma=sigma)
    assert got.converged.all()
    assert not got.at_bound.any()
    for i in (0, 5, BLOCK - 1, BLOCK, BLOCK + 8):
        chi2, values, std = one_at_a_time(y[i], sigma[i])
        assert got.chi2[i] == pytest.approx(chi2, rel=1e-8)
        assert got.values[i] == pytest.approx(values, rel=1e-5)
        assert got.std[i] == pytest.approx(std, rel=1e-5)
        assert got.dof[i] == 94


def test_same_as_lmfit_without_scaled_covariance() -> None:
    lmfit = pytest.importorskip("lmfit")
    _, y = windows(4)
    sigma = np.sqrt(np.maximum(y, 1))
    got = fit_windows(X, y, START, LOW, HIGH, sigma=sigma)

    def profile(x, area, center, fwhm, eta, level, slope):
        return area * pseudo_voigt(x, center, fwhm, eta) + level + slope * T

    model = lmfit.Model(profile)
    names = ("area", "center", "fwhm", "eta", "level", "slope")
    for i in range(4):
        made = model.make_params(**dict(zip(names, START, strict=True)))
        result = model.fit(y[i], made, x=X, weights=1 / sigma[i], scale_covar=False)
        value = [result.params[n].value for n in names]
        error = [result.params[n].stderr for n in names]
        assert got.values[i] == pytest.approx(value, rel=1e-4, abs=1e-4 * np.array(error).min())
        assert got.std[i] == pytest.approx(error, rel=1e-4)


def test_poisson_weights_are_those_of_the_single_fit() -> None:
    _, y = windows(6, seed=4)
    got = fit_windows(X, y, START, LOW, HIGH, weights="poisson")
    for i in range(6):
        alone = fit_group(
            X, y[i], [Candidate(2.774, 4000.0, 0.025, 10.0)], np.zeros_like(X), None, True,
            asymmetry=False,
        ).peaks[0]  # fmt: skip
        assert got.center[i, 0] == pytest.approx(alone.center, abs=1e-3 * alone.center_std)
        assert got.area[i, 0] == pytest.approx(alone.area, abs=1e-3 * alone.area_std)
        assert got.area_std[i, 0] == pytest.approx(alone.area_std, rel=1e-3)
        assert got.chi2[i] == pytest.approx(alone.chi2, rel=1e-3)


def test_gain_gives_the_same_as_counts() -> None:
    _, y = windows(5)
    counts = fit_windows(X, y, START, LOW, HIGH, weights="poisson")
    scale = np.array([0.01, 1, 1, 1, 0.01, 0.01])
    got = fit_windows(
        X, y * 0.01, START * scale, LOW * scale, HIGH * scale, weights="poisson", gain=100.0
    )
    assert got.values == pytest.approx(counts.values * scale, rel=1e-6)
    assert got.std == pytest.approx(counts.std * scale, rel=1e-5)


def test_pulls_of_a_thousand_windows_are_standard() -> None:
    truth, y = windows(1000, seed=8)
    got = fit_windows(X, y, START, LOW, HIGH, weights="poisson")
    pull = (got.values[:, :4] - truth) / got.std[:, :4]
    # four parameters, mean and deviation each: 3.3 standard errors for the family
    assert np.all(np.abs(np.nanmean(pull, axis=0)) < 3.3 / np.sqrt(1000))
    assert np.all(np.abs(np.nanstd(pull, axis=0) - 1) < 3.3 / np.sqrt(2000))


def test_overlapping_peaks_with_doublet_in_angle() -> None:
    x = np.linspace(30, 34, 160)
    components = ((1.0, 2 / 3), (1.5444260 / 1.5405980, 1 / 3))
    truth = np.array([[900.0, 600.0, 31.4, 31.9, 0.15, 0.2, 0.4, 0.6, 60.0, 5.0]])
    line = (x - 32) / 2
    expected = (
        900 * pseudo_voigt(x, 31.4, 0.15, 0.4, components, True)
        + 600 * pseudo_voigt(x, 31.9, 0.2, 0.6, components, True)
        + 60 + 5 * line
    )  # fmt: skip
    start = np.array([500.0, 500, 31.45, 31.86, 0.2, 0.2, 0.5, 0.5, 50, 0])
    low = np.array([0.0, 0, 31, 31.6, 0.03, 0.03, 0, 0, -np.inf, -np.inf])
    high = np.array([np.inf, np.inf, 31.6, 32.2, 1, 1, 1, 1, np.inf, np.inf])
    got = fit_windows(
        x, expected[None], start, low, high, sigma=np.sqrt(expected)[None],
        components=components, in_angle=True,
    )  # fmt: skip
    assert got.values == pytest.approx(truth, rel=1e-6)
    assert got.chi2[0] < 1e-9
    assert got.peaks == 2


def test_bounds_hold_and_leave_no_error() -> None:
    _, y = windows(3)
    high = HIGH.copy()
    high[1] = 2.765
    got = fit_windows(X, y, np.minimum(START, high), LOW, high, sigma=np.sqrt(y))
    assert np.all(got.center == 2.765)
    assert got.at_bound[:, 1].all()
    assert np.isnan(got.center_std).all()
    assert np.isfinite(got.area_std).all()


def test_no_peak_no_error_of_its_place() -> None:
    flat = np.zeros((2, 100))
    got = fit_windows(X, flat, START, LOW, HIGH, weights="poisson")
    assert np.all(got.area < 1e-6)
    assert np.isfinite(got.values).all()
    assert np.isnan(got.center_std).all()


def test_points_left_out_and_parameters_held() -> None:
    _, y = windows(3)
    broken = y.copy()
    broken[:, 10:14] = 1e6
    sigma = np.sqrt(np.maximum(y, 1))
    sigma[:, 10:14] = np.inf
    vary = np.array([True, True, False, False, True, True])
    got = fit_windows(X, broken, START, LOW, HIGH, sigma=sigma, vary=vary)
    assert np.all(got.dof == 96 - 4)
    assert np.all(got.fwhm == START[2])
    assert np.isnan(got.fwhm_std).all()
    near = fit_windows(X, y, START, LOW, HIGH, sigma=np.sqrt(np.maximum(y, 1)), vary=vary)
    assert np.all(np.abs(got.center - near.center) < 0.5 * near.center_std)


def test_baseline_and_own_axes() -> None:
    _, y = windows(2)
    base = np.tile(150 + 10 * T, (2, 1))
    axes = np.stack([X, X])
    got = fit_windows(axes, y, START, LOW, HIGH, sigma=np.sqrt(y), baseline=base)
    plain = fit_windows(X, y, START, LOW, HIGH, sigma=np.sqrt(y))
    assert got.values[:, :4] == pytest.approx(plain.values[:, :4], rel=1e-6)
    assert got.values[:, 4] == pytest.approx(plain.values[:, 4] - 150, rel=1e-5)
    assert got.height[:, 0] == pytest.approx(
        [a * pseudo_voigt(np.array([c]), c, w, e)[0] for a, c, w, e in plain.values[:, :4]]
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"intensity": np.ones(100)}, "shape"),
        ({"start": START[:5]}, "5 starting values"),
        ({"sigma": None}, "there is no standard deviation"),
    ],
)
def test_bad_input(change: dict, message: str) -> None:
    _, y = windows(2)
    arguments = {"intensity": y, "start": START, "sigma": np.sqrt(y), **change}
    with pytest.raises(BadInputError, match=message):
        fit_windows(X, low=LOW, high=HIGH, **arguments)
