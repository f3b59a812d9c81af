"""Fits of groups against lmfit: values and errors to 1e-4 on the same weights."""

from __future__ import annotations

import numpy as np
import pytest

from consilience_xrd.lines.peakfind import Candidate
from consilience_xrd.lines.peakfit import fit_group
from consilience_xrd.lines.profiles import (
    PEARSON_VII,
    PSEUDO_VOIGT,
    Components,
    Profile,
    pearson_vii,
    pearson_vii_jacobian,
)

pytestmark = pytest.mark.filterwarnings("ignore")
DOUBLET: Components = ((1.0, 2 / 3), (1.544426 / 1.540598, 1 / 3))
SINGLE: Components = ((1.0, 1.0),)
NAMES = {"area": "a", "center": "c", "fwhm": "w", "eta": "e"}


@pytest.mark.parametrize(
    ("components", "shape", "asymmetric", "profile"),
    [
        (SINGLE, "free", False, PSEUDO_VOIGT),
        (SINGLE, "shared", False, PSEUDO_VOIGT),
        (DOUBLET, "free", False, PSEUDO_VOIGT),
        (DOUBLET, "shared", False, PSEUDO_VOIGT),
        (SINGLE, "auto", True, PSEUDO_VOIGT),
        (SINGLE, "free", False, PEARSON_VII),
    ],
)
def test_values_and_errors_equal_lmfit(
    components: Components, shape: str, asymmetric: bool, profile: Profile
) -> None:
    import lmfit

    x = np.linspace(50.0, 52.6, 420)
    skew = 0.25 if asymmetric else 0.0
    planted = ((300.0, 50.9, 0.20, 0.45), (180.0, 51.5, 0.20, 0.45))
    truth = 90 - 3 * (x - 51.3)
    for area, *rest in planted:
        truth = truth + area * profile.value(x, *rest, components, True, skew)
    sigma = np.sqrt(truth)
    y = truth + np.random.default_rng(7).normal(0, sigma)
    start = [Candidate(c + 0.01, a / w, 1.1 * w, 9.0) for a, c, w, _ in planted]
    mine = fit_group(
        x, y, start, np.zeros_like(x), sigma, False, components, True, shape,  # type: ignore[arg-type]
        asymmetry=asymmetric, profile=profile,
    )  # fmt: skip

    def model(x, a1, c1, w1, e1, a2, c2, w2, e2, s, b0, b1):
        return (
            b0
            + b1 * (x - 51.3)
            + a1 * profile.value(x, c1, w1, e1, components, True, s)
            + a2 * profile.value(x, c2, w2, e2, components, True, s)
        )

    fitter = lmfit.Model(model)
    parameters = fitter.make_params(
        a1=290, c1=50.89, w1=0.21, e1=0.5, a2=190, c2=51.51, w2=0.21, e2=0.5, s=skew, b0=80, b1=0
    )
    parameters["s"].vary = asymmetric
    if shape == "shared":
        parameters["w2"].expr = "w1"
    if shape in ("shared", "auto"):
        parameters["e2"].expr = "e1"
    other = fitter.fit(
        y, parameters, x=x, weights=1 / sigma, scale_covar=False,
        # its derivatives are difference quotients, whose own step leaves errors good to 1e-3
        fit_kws={"ftol": 1e-14, "xtol": 1e-14, "gtol": 1e-14, "epsfcn": 1e-14},
    )  # fmt: skip
    assert mine.peaks[0].chi2 == pytest.approx(other.chisqr, rel=1e-8)
    for i, peak in enumerate(mine.peaks, start=1):
        assert not peak.flags
        for name, theirs in NAMES.items():
            got = other.params[f"{theirs}{i}"]
            assert getattr(peak, name) == pytest.approx(got.value, rel=1e-4), name
            assert getattr(peak, f"{name}_std") == pytest.approx(got.stderr, rel=1e-4), name
    if asymmetric:
        assert mine.peaks[0].asymmetry == pytest.approx(other.params["s"].value, rel=1e-4)
        assert mine.peaks[0].asymmetry_std == pytest.approx(other.params["s"].stderr, rel=1e-4)


def test_pearson_vii_is_normalised_and_its_derivatives_right() -> None:
    wide = np.linspace(-400.0, 400.0, 800_001)
    for shape, share in ((0.0, 1.0), (0.5, 1.0), (1.0, 0.9999)):
        area = np.trapezoid(pearson_vii(wide, 0.0, 0.1, shape, asymmetry=0.3), wide)
        assert area == pytest.approx(share, abs=2e-4)
        top, half = pearson_vii(np.array([0.0, 0.05]), 0.0, 0.1, shape)
        assert half == pytest.approx(top / 2)
        assert top == pytest.approx(PEARSON_VII.height(0.1, shape))
    x = np.linspace(59.0005, 61.0005, 201)
    at = [60.0, 0.3, 0.4, 0.2]
    value, *by = pearson_vii_jacobian(x, *at[:3], DOUBLET, True, at[3])
    assert value == pytest.approx(pearson_vii(x, *at[:3], DOUBLET, True, at[3]))
    for which, derivative in enumerate(by):
        low, high = list(at), list(at)
        low[which] -= 1e-6
        high[which] += 1e-6
        slope = (
            pearson_vii(x, *high[:3], DOUBLET, True, high[3])
            - pearson_vii(x, *low[:3], DOUBLET, True, low[3])
        ) / 2e-6
        assert derivative == pytest.approx(slope, abs=1e-5)
