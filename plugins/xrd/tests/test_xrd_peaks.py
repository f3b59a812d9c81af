"""Baseline and peaks: against independent recipes, and honest in their errors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import spsolve

from consilience.errors import BadInputError
from consilience_xrd.lines.baseline import fit_baseline, smoothing_for_width
from consilience_xrd.lines.peakfind import Candidate
from consilience_xrd.lines.peaks import fit_group, fit_peaks
from consilience_xrd.lines.profiles import pseudo_voigt, pseudo_voigt_jacobian
from consilience_xrd.pattern import Pattern, Source


def sparse_recipe(y: np.ndarray, lam: float, p: float, rounds: int) -> np.ndarray:
    """Asymmetric least squares as it is written in notebooks: sparse solves, fixed rounds."""
    size = len(y)
    second = sparse.diags([1.0, -2.0, 1.0], [0, 1, 2], shape=(size - 2, size))
    penalty = lam * (second.T @ second)
    weights = np.ones(size)
    z = y
    for _ in range(rounds):
        z = spsolve(sparse.csc_matrix(sparse.diags(weights) + penalty), weights * y)
        weights = np.where(y > z, p, 1 - p)
    return z


def test_baseline_equals_the_sparse_recipe() -> None:
    x = np.linspace(0, 1, 800)
    rng = np.random.default_rng(3)
    y = 50 - 20 * x + 300 * np.exp(-0.5 * ((x - 0.4) / 0.01) ** 2) + rng.normal(0, 1, x.size)
    mine = fit_baseline(y, "asls", lam=1e5, p=0.01, iterations=10)
    other = sparse_recipe(y, 1e5, 0.01, 10)
    assert np.max(np.abs(mine.values - other)) / np.max(np.abs(other)) < 1e-8
    assert mine.parameters == {
        "method": "asls",
        "lam": 1e5,
        "lam_chosen": "given by the user",
        "iterations": 10,
        "p": 0.01,
    }


def test_smoothing_scales_with_the_points_across_a_peak() -> None:
    assert smoothing_for_width(20) / smoothing_for_width(10) == pytest.approx(16)
    with pytest.raises(BadInputError, match="not known"):
        fit_baseline(np.ones(50), "magic")
    with pytest.raises(BadInputError, match="at least 5 points"):
        fit_baseline(np.ones(3))


DOUBLET = ((1.0, 2 / 3), (1.544426 / 1.540598, 1 / 3))


@pytest.mark.parametrize("asymmetry", [0.0, 0.3, -0.5])
@pytest.mark.parametrize("in_angle", [False, True])
def test_profile_is_normalised_and_its_derivatives_right(in_angle: bool, asymmetry: float) -> None:
    x = np.linspace(0, 120, 400_001)
    y = pseudo_voigt(x, 60.0, 0.3, 0.4, DOUBLET, in_angle, asymmetry)
    assert np.trapezoid(y, x) == pytest.approx(1.0, abs=2e-3)
    x = np.linspace(59.0005, 61.0005, 201)
    value, *by = pseudo_voigt_jacobian(x, 60.0, 0.3, 0.4, DOUBLET, in_angle, asymmetry)
    step = 1e-6

    def slope(which: int) -> np.ndarray:
        low = [60.0, 0.3, 0.4, asymmetry]
        high = list(low)
        low[which] -= step
        high[which] += step
        up = pseudo_voigt(x, *high[:3], DOUBLET, in_angle, high[3])
        down = pseudo_voigt(x, *low[:3], DOUBLET, in_angle, low[3])
        return (up - down) / (2 * step)

    assert value == pytest.approx(pseudo_voigt(x, 60.0, 0.3, 0.4, DOUBLET, in_angle, asymmetry))
    for which, derivative in enumerate(by):
        assert derivative == pytest.approx(slope(which), abs=1e-5)


def test_an_asymmetric_line_is_fitted_at_its_maximum_and_a_symmetric_one_stays_so() -> None:
    x = np.linspace(20.0, 23.0, 400)
    rng = np.random.default_rng(11)
    for asymmetry in (0.35, 0.0):
        truth = 300 + 4000 * pseudo_voigt(x, 21.5, 0.2, 0.5, asymmetry=asymmetry)
        counts = rng.poisson(truth).astype(float)
        start = [Candidate(21.48, float(counts.max() - 300), 0.2, 50.0)]
        got = fit_group(x, counts, start, np.full_like(x, 300.0), None, True).peaks[0]
        assert got.center_std is not None
        assert got.center == pytest.approx(21.5, abs=4 * got.center_std)
        if asymmetry:
            assert got.asymmetry_std is not None
            assert got.asymmetry == pytest.approx(asymmetry, abs=4 * got.asymmetry_std)
            flat = fit_group(
                x, counts, start, np.full_like(x, 300.0), None, True, asymmetry=False
            ).peaks[0]
            assert abs(flat.center - 21.5) > 5 * got.center_std
        else:
            assert got.asymmetry == 0.0


@pytest.mark.filterwarnings("ignore")
def test_fit_equals_lmfit_in_value_and_error() -> None:
    import lmfit

    x = np.linspace(2.0, 3.4, 300)
    truth = 40 + 5 * x + 30 * pseudo_voigt(x, 2.6, 0.08, 0.4) + 18 * pseudo_voigt(x, 2.75, 0.1, 0.6)
    rng = np.random.default_rng(11)
    sigma = np.sqrt(truth)
    y = truth + rng.normal(0, sigma)
    mine = fit_group(
        x,
        y,
        [Candidate(2.6, 300, 0.08, 9), Candidate(2.75, 150, 0.1, 9)],
        np.zeros_like(x),
        sigma,
        False,
        shape="free",
    )

    def model(x, a1, c1, w1, e1, a2, c2, w2, e2, b0, b1):
        return (
            b0
            + b1 * (x - 2.7)
            + a1 * pseudo_voigt(x, c1, w1, e1)
            + a2 * pseudo_voigt(x, c2, w2, e2)
        )

    fitter = lmfit.Model(model)
    start = fitter.make_params(
        a1=25, c1=2.61, w1=0.09, e1=0.5, a2=20, c2=2.74, w2=0.09, e2=0.5, b0=50, b1=0
    )
    other = fitter.fit(y, start, x=x, weights=1 / sigma, scale_covar=False)
    names = {"area": "a", "center": "c", "fwhm": "w", "eta": "e"}
    for i, peak in enumerate(mine.peaks, start=1):
        for mine_name, name in names.items():
            theirs = other.params[f"{name}{i}"]
            assert getattr(peak, mine_name) == pytest.approx(theirs.value, rel=1e-4)
            assert getattr(peak, f"{mine_name}_std") == pytest.approx(theirs.stderr, rel=1e-3)
    assert mine.peaks[0].chi2 == pytest.approx(other.chisqr, rel=1e-8)


def test_pulls_have_unit_width() -> None:
    x = np.linspace(2.4, 2.9, 120)
    truth = 30 + 12 * pseudo_voigt(x, 2.65, 0.06, 0.3)
    rng = np.random.default_rng(5)
    pulls: dict[str, list[float]] = {"center": [], "area": [], "fwhm": []}
    values = {"center": 2.65, "area": 12.0, "fwhm": 0.06}
    for _ in range(200):
        y = rng.poisson(truth).astype(float)
        got = fit_group(x, y, [Candidate(2.65, 150, 0.06, 9)], np.zeros_like(x), None, True).peaks[
            0
        ]
        for name in pulls:
            std = getattr(got, f"{name}_std")
            if std is not None:
                pulls[name].append((getattr(got, name) - values[name]) / std)
    for name, pull in pulls.items():
        assert len(pull) > 150
        # 4 standard errors of mean and of standard deviation for 200 repeats
        assert abs(np.mean(pull)) < 0.3, name
        assert 0.8 < np.std(pull) < 1.2, name


def pattern(y: np.ndarray, x: np.ndarray, unit: str, source: Source | None = None) -> Pattern:
    return Pattern("two_theta", x, y, None, unit, source or Source(0.6888), origin="simulated")


def test_peaks_are_found_and_doublets_fitted_as_one() -> None:
    x = np.linspace(20, 80, 6000)
    source = Source(1.540598, 1.544426, 0.5)
    truth = 100 + sum(
        a * pseudo_voigt(x, c, 0.12, 0.5, DOUBLET, True)
        for c, a in ((28.0, 400.0), (47.0, 150.0), (70.0, 200.0))
    )
    y = np.random.default_rng(2).poisson(truth).astype(float)
    fit = fit_peaks(pattern(y, x, "count", source))
    centers = [p.center for p in fit.peaks]
    assert centers == pytest.approx([28.0, 47.0, 70.0], abs=0.01)
    assert all(p.area_std is not None for p in fit.peaks)
    # the baseline takes a few per cent of the Lorentzian tails
    assert fit.peaks[0].area == pytest.approx(400, rel=0.04)
    assert fit.noise_known


def test_unknown_noise_is_said_and_scaled() -> None:
    x = np.linspace(10, 20, 1000)
    rng = np.random.default_rng(9)
    y = 5 + 2 * pseudo_voigt(x, 15, 0.1, 0.4) + rng.normal(0, 0.2, x.size)
    fit = fit_peaks(pattern(y, x, "arbitrary"))
    assert [p.center for p in fit.peaks] == pytest.approx([15.0], abs=0.02)
    assert not fit.noise_known
    assert "scatter of the residuals" in fit.notes[0]
    doubled = fit_peaks(pattern(2 * y, x, "arbitrary"))
    assert doubled.peaks[0].center_std == pytest.approx(fit.peaks[0].center_std, rel=0.05)


def test_noise_alone_gives_no_peaks() -> None:
    x = np.linspace(10, 40, 3000)
    rng = np.random.default_rng(1)
    counts = sum(
        len(fit_peaks(pattern(rng.poisson(200, x.size) * 1.0, x, "count")).peaks) for _ in range(5)
    )
    assert counts == 0


def test_flags_tell_of_trouble() -> None:
    x = np.linspace(10, 12, 300)
    truth = 50 + 60 * pseudo_voigt(x, 10.02, 0.1, 0.4)
    got = fit_group(
        x, np.round(truth), [Candidate(10.02, 400, 0.1, 9)], np.zeros_like(x), None, True
    ).peaks[0]
    assert "at_edge" in got.flags
    coarse = np.linspace(10, 12, 25)
    truth = 50 + 60 * pseudo_voigt(coarse, 11.0, 0.1, 0.4)
    got = fit_group(
        coarse, np.round(truth), [Candidate(11.0, 400, 0.1, 9)], np.zeros_like(coarse), None, True
    ).peaks[0]
    assert "few_points" in got.flags


def test_points_without_a_stated_error_are_left_out() -> None:
    """Wild values whose standard deviation is not stated must not move a peak."""
    x = np.linspace(10, 20, 1000)
    truth = 100 + 60 * pseudo_voigt(x, 15, 0.12, 0.4)
    sigma = np.sqrt(truth)
    y = truth + np.random.default_rng(3).normal(0, sigma)
    broken = y.copy()
    unknown = sigma.copy()
    bad = [int(np.searchsorted(x, 15.06)), int(np.searchsorted(x, 14.9))]
    unknown[bad] = np.nan
    broken[bad] *= [1.5, 0.6]
    good = fit_peaks(Pattern("two_theta", x, y, sigma, "arbitrary", Source(0.6888)))
    fit = fit_peaks(Pattern("two_theta", x, broken, unknown, "arbitrary", Source(0.6888)))
    assert len(fit.peaks) == len(good.peaks) == 1
    std = good.peaks[0].center_std
    assert std is not None
    assert abs(fit.peaks[0].center - good.peaks[0].center) < std
    assert fit.peaks[0].dof == good.peaks[0].dof - 2
    assert any("2 points without a stated standard deviation" in n for n in fit.notes)
    assert np.isnan(fit.noise[bad]).all()
    nothing = np.full_like(sigma, np.nan)
    none = fit_peaks(Pattern("two_theta", x, y, nothing, "arbitrary", Source(0.6888)))
    assert not none.noise_known
