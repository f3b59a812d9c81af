"""Free-atom profiles: the tables, what lies between their momenta, and the published windows."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xraylib
from scipy.interpolate import CubicSpline

from consilience.errors import BadInputError
from consilience_compton.model.profiles import (
    CUBIC,
    INTERPOLATIONS,
    LINEAR,
    LOG_LINEAR,
    MOMENTA,
    SPLINE,
    atoms_of,
    broadened,
    electrons,
    free_atom_emr,
    free_atom_profile,
    nmc622,
    ratio_of_windows,
)


def test_the_default_is_near_xraylibs_own_interpolation() -> None:
    # the same variables; the ends of its splines differ
    at = np.array([0.0, 0.13, 0.77, 1.0, 2.9, 4.4, 8.8, 33.0])
    own = [xraylib.ComptonProfile(28, float(p)) for p in at]
    np.testing.assert_allclose(free_atom_profile({"Ni": 1}, at), own, rtol=3e-3)


def test_biggs_values_at_the_momenta_of_the_tables() -> None:
    # Biggs, Mendelsohn and Mann 1975: J(0) of Li 2.59, O 2.78, Ni 6.90
    for symbol, j0 in (("Li", 2.59), ("O", 2.78), ("Ni", 6.90)):
        for method in INTERPOLATIONS:
            assert free_atom_profile({symbol: 1}, np.zeros(1), method)[0] == pytest.approx(j0)


@pytest.mark.parametrize("symbol", ["Li", "C", "O", "Mn", "Co", "Ni"])
def test_the_profile_integrates_to_the_electrons(symbol: str) -> None:
    grid = np.linspace(-100.0, 100.0, 200_001)
    total = np.trapezoid(free_atom_profile({symbol: 1}, grid), grid)
    assert total == pytest.approx(electrons({symbol: 1}), rel=0.004)


def test_the_profile_is_even_and_ends() -> None:
    at = np.linspace(0.0, 120.0, 77)
    np.testing.assert_array_equal(free_atom_profile("LiF", at), free_atom_profile("LiF", -at))
    assert free_atom_profile("LiF", np.array([101.0]))[0] == 0.0


def test_emr_of_nmc_as_computed_independently() -> None:
    # worked out once before, with ln J linear in p: 1.068 and 1.020, and 0.995 and 0.952 with 0.9
    for x, bare, seen in ((1.01, 1.068, 0.995), (0.26, 1.020, 0.952)):
        assert ratio_of_windows(nmc622(x), interpolation=LOG_LINEAR) == pytest.approx(
            bare, abs=0.001
        )
        assert ratio_of_windows(nmc622(x), fwhm=0.905, interpolation=LOG_LINEAR) == pytest.approx(
            seen, abs=0.001
        )
        for fwhm, value in ((0.0, bare), (0.905, seen)):
            model = free_atom_emr(nmc622(x), fwhm)
            assert abs(model.value - value) < model.std_interpolation


def test_the_spread_of_interpolation_is_carried() -> None:
    model = free_atom_emr(nmc622(1.01))
    assert model.value == model.by_interpolation[SPLINE]
    assert model.std_interpolation / model.value == pytest.approx(0.009, abs=0.001)
    assert min(model.by_interpolation, key=lambda m: model.by_interpolation[m]) == LINEAR


def test_lithium_metal_is_far_above_the_oxide() -> None:
    model = free_atom_emr("Li")
    assert model.value == pytest.approx(2.46, abs=0.01)
    assert model.value > 2.0 * free_atom_emr(nmc622(1.01)).value


def test_splines_are_nearer_the_truth_than_straight_lines() -> None:
    """A hydrogen 1s profile at the momenta of the tables: the ratio of windows is known."""

    def exact(p: np.ndarray) -> np.ndarray:
        return 8.0 / (3.0 * math.pi) * (1.0 + p**2) ** -3

    grid = np.linspace(0.0, 5.0, 50_001)
    low, high = grid <= 1.0, grid >= 1.0

    def ratio(j: np.ndarray) -> float:
        return float(np.trapezoid(j[low], grid[low]) / np.trapezoid(j[high], grid[high]))

    nodes = exact(MOMENTA)
    spline = CubicSpline(np.log1p(MOMENTA), np.log(nodes), bc_type="natural")
    by = {
        SPLINE: np.exp(spline(np.log1p(grid))),
        LOG_LINEAR: np.exp(np.interp(grid, MOMENTA, np.log(nodes))),
        LINEAR: np.interp(grid, MOMENTA, nodes),
    }
    truth = ratio(exact(grid))
    off = {name: abs(ratio(j) / truth - 1.0) for name, j in by.items()}
    assert off[SPLINE] < 3e-4
    assert off[SPLINE] < off[LOG_LINEAR] < off[LINEAR]


def test_broadening_conserves_and_needs_no_resolution() -> None:
    grid = np.linspace(-30.0, 30.0, 6001)
    sharp, blurred = (broadened("Li", grid, fwhm) for fwhm in (0.0, 0.905))
    assert np.trapezoid(blurred, grid) == pytest.approx(np.trapezoid(sharp, grid), rel=1e-4)
    assert blurred.max() < sharp.max()
    np.testing.assert_array_equal(sharp, free_atom_profile("Li", grid))
    # second moments add: a Gaussian convolved with a Gaussian would be exact, so take the curvature
    tiny = broadened("Li", np.array([3.0]), 1e-3)
    assert tiny[0] == pytest.approx(free_atom_profile("Li", np.array([3.0]))[0], rel=1e-3)


def test_formulas_and_mappings_agree() -> None:
    assert atoms_of("Li1.01Ni0.6Mn0.2Co0.2O2") == pytest.approx(nmc622(1.01))
    assert electrons(nmc622(1.0)) == pytest.approx(3 + 16.8 + 5 + 5.4 + 16)


@pytest.mark.parametrize(
    ("composition", "says"),
    [
        ("Qq2", "is not a formula"),
        ({"Qq": 1.0}, "is no element"),
        ({"Li": -1.0}, "-1 atoms of Li"),
        ({}, "without atoms"),
        ({"Li": math.nan}, "nan atoms"),
    ],
)
def test_what_is_no_composition_is_refused(composition: object, says: str) -> None:
    with pytest.raises(BadInputError, match=says):
        free_atom_profile(composition, np.zeros(1))  # type: ignore[arg-type]


def test_other_refusals() -> None:
    with pytest.raises(BadInputError, match="no interpolation of profiles"):
        free_atom_profile("Li", np.zeros(1), "by eye")
    with pytest.raises(BadInputError, match="has no width"):
        ratio_of_windows("Li", low=((1.0, -1.0),))
    with pytest.raises(BadInputError, match="resolution of -1"):
        broadened("Li", np.zeros(1), -1.0)
    assert free_atom_profile("Li", np.array([1.0]), CUBIC)[0] == pytest.approx(0.439)
