"""Three methods of quantification, with and without absorption: the same as exSpy's to 1e-6."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from consilience_eels.library import atomic_weight, element_density, mass_absorption
from consilience_eels.xray.amounts import Absorbing, Recipe, amounts_of, slopes_of

LINES = ["Cr_Ka", "Fe_Ka", "O_Ka", "Pt_La"]
ELEMENTS = ["Cr", "Fe", "O", "Pt"]
WEIGHTS = np.array([atomic_weight(e) for e in ELEMENTS])
NETS = np.array([[900.0, 30.0], [2754.0, 2000.0], [1500.0, 4000.0], [15090.0, 3000.0]])
K = np.array([1.2, 1.450226, 1.9, 5.075602])
ZETA = np.array([700.0, 850.0, 900.0, 2400.0])
BARN = np.array([110.0, 100.0, 25.0, 140.0])
CURRENT, LIVE, STEP, TAKE_OFF = 0.5, 15.0, 3.0, 22.0
ELECTRONS = CURRENT * 1e-9 * LIVE / 1.602176634e-19


@pytest.fixture(scope="module")
def theirs() -> Any:
    """exSpy's quantification of two pixels, as a function."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import exspy
        import hyperspy.api as hs

        signal = exspy.signals.EDSTEMSpectrum(np.zeros((2, 1, 64)))
        signal.axes_manager[-1].units = "keV"
        signal.axes_manager[-1].scale = 0.2
        for axis in signal.axes_manager.navigation_axes:
            axis.units, axis.scale = "nm", STEP
        signal.set_microscope_parameters(
            beam_energy=200.0, beam_current=CURRENT, live_time=LIVE, elevation_angle=TAKE_OFF
        )

    def run(method: str, factors: Any, **more: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sums = []
            for line, net in zip(LINES, NETS, strict=True):
                one = hs.signals.BaseSignal(net.reshape(2, 1)).T
                one.metadata.set_item("Sample.elements", [line.split("_")[0]])
                one.metadata.set_item("Sample.xray_lines", [line])
                sums.append(one)
            return signal.quantification(
                sums,
                method,
                list(factors),
                navigation_mask=None,
                take_off_angle=TAKE_OFF,
                convergence_criterion=1e-5,
                max_iterations=500,
                show_progressbar=False,
                **more,
            )

    return run


def absorbing(areal: Any) -> Absorbing:
    path = 1.0 / np.sin(np.radians(TAKE_OFF))
    return Absorbing(mass_absorption(LINES, ELEMENTS), float(path), areal)


def fractions(signals: Any) -> Any:
    return np.stack([one.data.ravel() for one in signals]) / 100.0


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize(
    ("method", "name", "factors"),
    [("cliff_lorimer", "CL", K), ("zeta", "zeta", ZETA), ("cross_section", "cross_section", BARN)],
)
def test_the_same_as_exspy(
    theirs: Any, method: Any, name: str, factors: Any, corrected: bool
) -> None:
    slab = None
    more: dict[str, Any] = {"absorption_correction": corrected}
    if corrected and method == "cliff_lorimer":
        more["thickness"] = 80.0
        densities = np.array([element_density(e) for e in ELEMENTS])
        slab = absorbing(densities * 1e3 * 80e-9)
    elif corrected:
        slab = absorbing(None)
    electrons = None if method == "cliff_lorimer" else ELECTRONS
    mine = amounts_of(NETS, Recipe(method, factors, WEIGHTS, electrons, slab))
    for units, found in (("atomic", mine.atomic), ("weight", mine.weight)):
        answer = theirs(name, factors, composition_units=units, **more)
        given = answer if method == "cliff_lorimer" and not corrected else answer[0]
        np.testing.assert_allclose(found, fractions(given), rtol=0, atol=1e-6)
        if method == "zeta" or (method == "cliff_lorimer" and corrected):
            assert mine.areal_mass is not None
            np.testing.assert_allclose(mine.areal_mass, answer[1].data.ravel(), rtol=1e-6)
        if method == "cross_section":
            atoms = np.stack([one.data.ravel() for one in answer[1]])
            assert mine.areal_mass is not None
            areal = mine.weight * mine.areal_mass / (WEIGHTS[:, None] * 1e-3)
            per_pixel = areal * 6.02214076e23 * (STEP * 1e-9) ** 2
            np.testing.assert_allclose(per_pixel, atoms, rtol=1e-6)
    if corrected:
        plain = amounts_of(NETS, Recipe(method, factors, WEIGHTS, electrons))
        assert np.abs(mine.atomic - plain.atomic).max() > 1e-3, "absorption did something"


@pytest.mark.parametrize("method", ["cliff_lorimer", "zeta", "cross_section"])
@pytest.mark.parametrize("corrected", [False, True])
def test_slopes_are_those_of_the_amounts(method: Any, corrected: bool) -> None:
    factors = {"cliff_lorimer": K, "zeta": ZETA, "cross_section": BARN}[method]
    electrons = None if method == "cliff_lorimer" else ELECTRONS
    areal = np.full(4, 2e-3) if method == "cliff_lorimer" else None
    slab = absorbing(areal) if corrected else None
    recipe = Recipe(method, factors, WEIGHTS, electrons, slab)
    slopes = slopes_of(NETS, recipe)
    for j in range(4):
        step = np.zeros_like(NETS)
        step[j] = 0.01 * NETS[j]
        up, down = amounts_of(NETS + step, recipe), amounts_of(NETS - step, recipe)
        for mine, high, low in (
            (slopes.atomic_counts, up.atomic, down.atomic),
            (slopes.weight_counts, up.weight, down.weight),
        ):
            np.testing.assert_allclose(mine[:, j] * 2 * step[j], high - low, rtol=2e-3, atol=1e-7)
        if up.areal_mass is not None and down.areal_mass is not None and areal is None:
            assert slopes.mass_counts is not None
            np.testing.assert_allclose(
                slopes.mass_counts[j] * 2 * step[j], up.areal_mass - down.areal_mass, rtol=5e-3
            )
    if corrected:
        # what is common to all depths moves the light element most
        common = slopes.common_depth()[1]
        assert np.abs(common[2]).min() > 3e-4
        np.testing.assert_allclose(common.sum(axis=0), 0.0, atol=1e-8)


def test_more_x_rays_than_any_slab_sends_have_no_answer() -> None:
    recipe = Recipe("zeta", ZETA, WEIGHTS, ELECTRONS / 1e2, absorbing(None))
    assert np.isnan(amounts_of(NETS, recipe).atomic).all()
    nothing = amounts_of(np.zeros((4, 1)), Recipe("zeta", ZETA, WEIGHTS, ELECTRONS))
    assert np.isnan(nothing.weight).all(), "no counts are no composition"
