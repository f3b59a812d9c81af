"""Power laws under edges: HyperSpy's numbers, the likelihood's maximum, errors that hold."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import xlogy

from consilience.errors import BadInputError
from consilience_eels.edges.background import channel_quadrature, fit_power_law, two_area
from consilience_eels.edges.gain import estimate_gain
from consilience_eels.edges.intensity import Noise, edge_counts, influence, map_edge
from consilience_eels.edges.linear import exponents_of, linear_edge, map_linear
from consilience_eels.edges.subtraction import subtract_power_law
from consilience_eels.spectra import LossAxis

ENERGY = 430.0 + 0.5 * np.arange(400)
AXIS = LossAxis.of(ENERGY)
BEFORE, INSIDE = (445.0, 527.0), (532.0, 582.0)


def expected(level: float, edge: float = 0.05, curvature: float = 0.0) -> NDArray[np.float64]:
    """Electrons of each channel: a background and a saw-tooth edge at 532 eV."""
    u = np.log(ENERGY / 486.0)
    under = level * np.exp(-3.0 * u + curvature * u**2)
    return np.asarray(under + np.where(ENERGY >= 532.0, edge * level * (ENERGY / 532) ** -3.0, 0.0))


def hyperspy(cube: NDArray[Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import exspy
        import hyperspy.api as hs

        hs.preferences.General.show_progressbar = False
        signal = exspy.signals.EELSSpectrum(cube)
    signal.axes_manager[-1].scale, signal.axes_manager[-1].offset = 0.5, 430.0
    return signal


@pytest.mark.parametrize("window", [BEFORE, (446.0, 527.5), (430.0, 470.0), (600.0, 629.5)])
def test_two_areas_are_those_of_hyperspy(window: tuple[float, float]) -> None:
    cube = np.random.default_rng(1).poisson(expected(400.0), (5, 6, 400)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = hyperspy(cube).remove_background(signal_range=window, fast=True).data
        from hyperspy.components1d import PowerLaw

        a, r = PowerLaw().estimate_parameters(hyperspy(cube), *window, out=True)
    mine_a, mine_r = two_area(AXIS, cube.reshape(30, 400), AXIS.window(*window))
    assert mine_a == pytest.approx(a.ravel(), rel=1e-9)
    assert mine_r == pytest.approx(r.ravel(), rel=1e-9)
    mine = subtract_power_law(cube, AXIS, *window, method="two areas")
    assert mine.dtype == np.float32
    assert np.abs((mine - theirs) / (cube - theirs)).max() < 1e-6, "parts of the background"


def test_the_fit_is_the_maximum_of_the_likelihood() -> None:
    chance = np.random.default_rng(2)
    window = AXIS.window(*BEFORE)
    energy = ENERGY[window]
    spectra = chance.poisson(expected(6.0)[window], (4, energy.size))
    fit = fit_power_law(energy, spectra)
    u = np.log(energy / fit.reference)
    for i, counts in enumerate(spectra):

        def against(p: NDArray[np.float64], counts: NDArray[Any] = counts) -> float:
            model = np.exp(p[0] - p[1] * u)
            return float((model - xlogy(counts, model)).sum())

        found = minimize(against, [np.log(6.0), 3.0], method="BFGS", options={"gtol": 1e-9})
        # the likelihood is flat at its top: no search finds the place to better than 1e-6
        assert np.log(fit.level[i]) == pytest.approx(found.x[0], abs=1e-6)
        assert fit.exponent[i] == pytest.approx(found.x[1], abs=1e-5)
        curvature = np.linalg.inv(fit.covariance(1.0)[i])
        p = np.array([np.log(fit.level[i]), fit.exponent[i]])
        step = 1e-3
        aside = np.array([0.0, step])
        second = (against(p + aside) - 2 * against(p) + against(p - aside)) / step**2
        assert second == pytest.approx(curvature[1, 1], rel=1e-4)


@pytest.mark.parametrize(("low", "high"), [(450.0, 520.0), (20.0, 60.0), (530.0, 535.0)])
def test_a_few_nodes_stand_for_all_channels(low: float, high: float) -> None:
    energy = np.arange(low, high, 0.25)
    nodes, weights = channel_quadrature(energy)
    assert nodes.size <= 16
    for r in (-2.0, 1.0, 3.0, 5.5):
        for power in (0, 1, 2):
            whole = ((energy / low) ** -r * np.log(energy / low) ** power).sum()
            few = weights @ ((nodes / low) ** -r * np.log(nodes / low) ** power)
            assert few == pytest.approx(whole, rel=1e-8)


def test_rows_without_counts_have_no_background() -> None:
    window = AXIS.window(*BEFORE)
    spectra = np.stack([np.zeros(400), -expected(5.0), expected(5.0)])
    fit = fit_power_law(ENERGY[window], spectra[:, window])
    assert np.isnan(fit.level).tolist() == [True, True, False]
    assert np.isnan(fit.exponent).tolist() == [True, True, False]
    found = edge_counts(AXIS, spectra, BEFORE, INSIDE)
    assert np.isnan(found.net).tolist() == [True, True, False]
    left = subtract_power_law(spectra.astype(np.float32), AXIS, *BEFORE)
    assert np.array_equal(left[0], np.zeros(400)), "counts stand as they are"


@pytest.mark.parametrize("level", [3.0, 300.0])
@pytest.mark.parametrize("noise", [Noise(), Noise(4.0, 30.0)])
def test_pulls_of_net_counts(level: float, noise: Noise) -> None:
    chance = np.random.default_rng(3)
    clean = expected(level)
    gain = noise.counts_per_electron
    spectra = gain * chance.poisson(clean, (2000, 400))
    spectra = spectra + chance.normal(0.0, noise.readout**0.5, spectra.shape)
    truth = gain * (clean - expected(level, 0.0))[AXIS.window(*INSIDE)].sum()
    found = edge_counts(AXIS, spectra, BEFORE, INSIDE, noise)
    pull = (found.net - truth) / found.std
    assert abs(pull.mean()) < 0.09, "0.022 expected by chance"
    assert pull.std() == pytest.approx(1.0, abs=0.06)
    assert found.chi_square.mean() == pytest.approx(1.0, abs=0.02)
    assert found.curvature_z.std() == pytest.approx(1.0, abs=0.06)
    made = linear_edge(AXIS, spectra.mean(axis=0), BEFORE, INSIDE, (2.8, 3.2))
    net, std, under = map_linear(spectra, made, noise)
    assert abs(((net - truth) / std).mean()) < 0.09
    assert ((net - truth) / std).std() == pytest.approx(1.0, abs=0.06)
    assert under.mean() == pytest.approx(
        gain * expected(level, 0.0)[AXIS.window(*INSIDE)].sum(), rel=0.02
    )


def test_no_edge_is_seen_in_one_of_twenty() -> None:
    chance = np.random.default_rng(4)
    empty = edge_counts(AXIS, chance.poisson(expected(50.0, 0.0), (3000, 400)), BEFORE, INSIDE)
    seen = (empty.net > empty.critical(with_form=False)).mean()
    assert seen == pytest.approx(0.05, abs=0.015)
    limit = float(empty.detection(with_form=False).mean())
    edge = limit / (expected(1.0, 1.0) - expected(1.0, 0.0))[AXIS.window(*INSIDE)].sum() / 50.0
    there = edge_counts(AXIS, chance.poisson(expected(50.0, edge), (3000, 400)), BEFORE, INSIDE)
    assert (there.net <= there.critical(with_form=False)).mean() == pytest.approx(0.05, abs=0.02)


def test_a_curved_background_is_noticed_and_its_bias_covered() -> None:
    chance = np.random.default_rng(5)
    clean = expected(2e4, 0.0, curvature=1.5)
    found = edge_counts(AXIS, chance.poisson(clean, (500, 400)), BEFORE, INSIDE)
    assert found.curvature_z.mean() > 3.0
    assert np.abs(found.net).mean() > 3.0 * found.std.mean(), "the power law is wrong by much"
    whole = np.hypot(found.std, found.form_std)
    assert (np.abs(found.net) < 2.0 * whole).mean() > 0.95


def test_influence_is_the_derivative() -> None:
    spectrum = np.random.default_rng(6).poisson(expected(40.0)).astype(np.float64)
    weights = influence(AXIS, spectrum, BEFORE, INSIDE)
    for channel in (10, 31, 100, 190, 220, 399):
        more, less = spectrum.copy(), spectrum.copy()
        more[channel] += 0.5
        less[channel] -= 0.5
        a, b = (edge_counts(AXIS, s[None], BEFORE, INSIDE).net[0] for s in (more, less))
        # the scoring weights are taken at the fit, so this is the expected derivative
        assert a - b == pytest.approx(weights[channel], abs=0.06 * np.abs(weights).max())
    std = np.sqrt(weights**2 @ expected(40.0))
    assert std == pytest.approx(edge_counts(AXIS, spectrum[None], BEFORE, INSIDE).std[0], rel=0.05)


def test_a_map_is_its_pixels_and_exponents_are_shared() -> None:
    cube = np.random.default_rng(7).poisson(expected(30.0), (9, 7, 400)).astype(np.uint16)
    whole = edge_counts(AXIS, cube.reshape(63, 400), BEFORE, INSIDE)
    mapped = map_edge(cube, AXIS, BEFORE, INSIDE)
    assert np.array_equal(whole.net, mapped.net)
    assert np.array_equal(whole.std, mapped.std)
    assert whole.h == pytest.approx(1.0 + whole.fit_variance / whole.background)
    low, high = exponents_of(cube, AXIS, BEFORE)
    assert 1.5 < low < 3.0 < high < 4.5


@pytest.mark.parametrize(
    ("before", "inside", "said"),
    [
        ((300.0, 520.0), INSIDE, "300 to 520 eV is not within the energy axis"),
        (BEFORE, (600.0, 700.0), "600 to 700 eV is not within the energy axis"),
        ((445.0, 447.0), INSIDE, "holds 4 channels of 0.5 eV; a fit needs 8"),
    ],
)
def test_windows_that_cannot_be_used(
    before: tuple[float, float], inside: tuple[float, float], said: str
) -> None:
    with pytest.raises(BadInputError, match=said):
        edge_counts(AXIS, expected(5.0)[None], before, inside)


def test_a_window_at_the_zero_loss_is_refused() -> None:
    axis = LossAxis.of(-10.0 + 0.5 * np.arange(400))
    with pytest.raises(BadInputError, match="reaches 0 eV, where no power law has a value"):
        edge_counts(axis, np.ones((1, 400)), (-5.0, 30.0), (55.0, 80.0))
    cube = np.random.default_rng(8).poisson(1e4, (3, 400)).astype(np.float32)
    left = subtract_power_law(cube, axis, 20.0, 50.0)
    assert np.array_equal(left[:, :21], cube[:, :21]), "nothing is subtracted up to 0 eV"


def test_a_detector_that_spreads_electrons_does_not_make_errors_small() -> None:
    """Single channels scatter less than sums of them, and it is sums that are quantified."""
    chance = np.random.default_rng(9)
    window = AXIS.window(*BEFORE)
    clean = expected(400.0, 0.0)
    spread = np.array([0.05, 0.25, 0.4, 0.25, 0.05])
    pulls: dict[str, list[float]] = {"as found": [], "single channels": []}
    for _ in range(150):
        counts = np.convolve(chance.poisson(clean), spread, mode="same")[None, 2:-2]
        axis = LossAxis.of(ENERGY[2:-2])
        gain = estimate_gain(counts, axis, [slice(window.start - 2, window.stop - 2)])
        assert gain is not None
        assert gain.channels > 1
        for name, value in (("as found", gain.value), ("single channels", gain.single)):
            found = edge_counts(axis, counts, BEFORE, INSIDE, Noise(value))
            pulls[name].append(float(found.net[0] / found.std[0]))
    assert np.std(pulls["single channels"]) > 1.8
    assert 0.8 < np.std(pulls["as found"]) < 1.35


def test_channels_that_are_independent_are_taken_one_by_one() -> None:
    counts = np.random.default_rng(10).poisson(expected(400.0, 0.0), (200, 400)).astype(np.float64)
    found = [estimate_gain(one[None], AXIS, [AXIS.window(*BEFORE)]) for one in counts]
    joined = np.array([gain.channels for gain in found if gain])
    assert (joined == 1).mean() > 0.9
    pooled = estimate_gain(counts, AXIS, [AXIS.window(*BEFORE)])
    assert pooled is not None
    assert pooled.value == pytest.approx(1.0, abs=5.0 * pooled.std)
    assert pooled.channels == 1
