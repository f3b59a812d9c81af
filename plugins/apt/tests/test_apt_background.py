"""Backgrounds: known truth, published values, coverage."""

from __future__ import annotations

import numpy as np
import pytest
from apt_spectra import drawn, silicon

from consilience.errors import BadInputError
from consilience_apt.amounts.composition import compose
from consilience_apt.ions import Ion
from consilience_apt.masses.background import (
    falling_background,
    flight_background,
    local_background,
    quiet_windows,
    with_model_spread,
)
from consilience_apt.masses.noise import power_law_corrected, power_law_fit
from consilience_apt.masses.spectrum import MassSpectrum, measure_spectrum
from consilience_apt.ranges import Range, RangeTable

TABLE = RangeTable(
    [
        Range(13.8, 14.2, Ion.parse("Si")),
        Range(27.7, 28.3, Ion.parse("Si")),
        Range(28.3, 28.8),
        Range(57.5, 58.5, Ion.parse("Ni")),
    ]
)


def true_background(quiet):
    return quiet / 10.0 * (np.sqrt(TABLE.edges[:, 1]) - np.sqrt(TABLE.edges[:, 0]))


def test_published_noise_corrected_composition(shared_data):
    # APAV 1.4.0 NoiseCorrectedMassSpectrum, upper limit 200 Da
    published = {"Si": 90.2126, "Cr2O": 9.7410, "O": 0.0993, "C": 0.0399, "CrO": 0.0342,
                 "Cu": 0.0160, "CrO2": -0.0672, "Cr": -0.0758}  # fmt: skip
    spectrum, table = silicon(shared_data)
    net = power_law_corrected(spectrum, table)
    percent = compose(table, net).ionic.percent
    assert percent == pytest.approx(published, abs=5.1e-5)


def test_power_law_by_likelihood_finds_what_was_planted():
    chance = np.random.default_rng(3)
    edges = np.arange(201) / 100
    pulls = []
    for _ in range(200):
        centres = (edges[:-1] + edges[1:]) / 2
        counts = chance.poisson(12.0 * centres**-0.5)
        found, covariance = power_law_fit(MassSpectrum(edges, counts))
        pulls.append((found - [12.0, -0.5]) / np.sqrt(np.diag(covariance)))
    pulls = np.array(pulls)
    assert np.abs(pulls.mean(axis=0)).max() < 0.3
    assert pulls.std(axis=0) == pytest.approx(1.0, abs=0.2)
    with pytest.raises(BadInputError, match="weighting 'sigma'"):
        power_law_fit(MassSpectrum(edges, counts), weighting="sigma")
    with pytest.raises(BadInputError, match="no counts to fit"):
        power_law_fit(MassSpectrum(edges, counts), (0.1, 0.11))


@pytest.mark.parametrize("kind", ["flight", "local"])
def test_errors_hold_over_repeats(kind):
    pulls = []
    for seed in range(150):
        spectrum = measure_spectrum(drawn({}, 20_000, seed=seed), high=100.0)
        if kind == "flight":
            found = flight_background(spectrum, TABLE.edges, [(5.0, 12.0), (35.0, 50.0)])
            assert found.dof == 1
        else:
            found = local_background(spectrum, TABLE.edges, span=1.0)
        pulls.append((found.expected - true_background(20_000)) / found.std)
    pulls = np.array(pulls)
    assert np.abs(pulls.mean(axis=0)).max() < 0.35
    assert np.all(np.abs(pulls.std(axis=0) - 1.0) < 0.25)


def test_ranges_that_share_a_flank_are_correlated():
    spectrum = measure_spectrum(drawn({}, 50_000), high=100.0)
    found = local_background(spectrum, TABLE.edges, span=0.5)
    correlation = found.covariance / np.outer(found.std, found.std)
    assert abs(correlation[0, 1]) < 1e-12
    # neighbours: the one has its flank below, the other above, so that they share none
    assert abs(correlation[1, 2]) < 1e-12
    apart = np.array([[27.7, 28.3], [28.5, 28.8]])
    shared = local_background(spectrum, apart, span=0.3)
    assert shared.covariance[0, 1] > 0


def test_quiet_windows_leave_out_peaks_nobody_ranged():
    spectrum = measure_spectrum(drawn({"Ni+": 50_000, "Si++": 200_000}, 50_000), high=100.0)
    windows = quiet_windows(spectrum)
    for mass in (13.99, 14.49, 57.93, 59.93, 61.93):
        assert not np.any((windows[:, 0] < mass) & (windows[:, 1] > mass))
    found = flight_background(spectrum, TABLE.edges, windows)
    assert found.expected == pytest.approx(true_background(50_000), rel=0.03)
    assert found.chi2 / found.dof == pytest.approx(1.0, abs=0.25)
    with pytest.raises(BadInputError, match="free of ranges"):
        quiet_windows(spectrum, TABLE, low=27.7, high=28.5)


def test_two_models_give_the_systematic_term():
    spectrum = measure_spectrum(drawn({}, 50_000), high=100.0)
    flat = flight_background(spectrum, TABLE.edges, [(5.0, 12.0)])
    beside = local_background(spectrum, TABLE.edges)
    found = with_model_spread(beside, flat)
    apart = beside.expected - flat.expected
    assert np.sqrt(np.diag(found.systematic)) == pytest.approx(np.abs(apart) / 12**0.5)
    assert beside.systematic is None
    assert "over √12" in found.method


def test_no_counts_leave_an_error():
    spectrum = MassSpectrum(np.arange(10_001) / 100, np.zeros(10_000, np.int64))
    assert np.all(flight_background(spectrum, TABLE.edges, [(1.0, 5.0)]).std > 0)
    assert np.all(local_background(spectrum, TABLE.edges).std > 0)
    with pytest.raises(BadInputError, match=r"no room for a background beside 28\.3"):
        local_background(spectrum, np.array([[28.0, 28.3], [28.3, 28.8], [28.8, 29.0]]), span=0.3)
    with pytest.raises(BadInputError, match="no window for the background"):
        flight_background(spectrum, TABLE.edges, np.empty((0, 2)))


def falling_spectrum(chance, quiet=20_000, length=60.0):
    """Rate in time of flight that falls by e over `length` Da."""
    edges = np.arange(10_001) / 100
    centres = (edges[:-1] + edges[1:]) / 2
    rate = np.exp(-centres / length) * np.diff(np.sqrt(edges))
    share = np.array([rate[(centres > low) & (centres < high)].sum() for low, high in TABLE.edges])
    return (
        MassSpectrum(edges, chance.poisson(quiet * rate / rate.sum())),
        quiet * share / rate.sum(),
    )


def test_a_rate_that_falls_with_mass_is_found_with_its_error():
    chance = np.random.default_rng(4)
    windows = [(low, low + 2.0) for low in np.arange(2.0, 98.0, 5.0)]
    pulls, constant = [], []
    for _ in range(150):
        spectrum, truth = falling_spectrum(chance)
        found = falling_background(spectrum, TABLE.edges, windows)
        pulls.append((found.expected - truth) / found.std)
        constant.append(flight_background(spectrum, TABLE.edges, windows).expected / truth)
    assert np.abs(np.mean(pulls, axis=0)).max() < 0.3
    assert np.std(pulls, axis=0) == pytest.approx(1.0, abs=0.2)
    assert np.mean(constant, axis=0)[0] < 0.85, "a constant rate is wrong there by a sixth"
    assert "falls by 1." in found.method
    assert found.dof == len(windows) - 2


def test_a_slope_that_windows_do_not_show_is_not_carried_beyond_them():
    spectrum, _ = falling_spectrum(np.random.default_rng(5))
    near = falling_background(spectrum, TABLE.edges, [(13.0, 13.5), (15.0, 15.5), (16.0, 17.0)])
    assert "constant in time of flight" in near.method
    few = falling_background(
        MassSpectrum(spectrum.edges, spectrum.counts * 0), TABLE.edges, [(5, 9)]
    )
    assert few.expected == pytest.approx(0.0)
    assert few.std.min() > 0
    with pytest.raises(BadInputError, match="no window"):
        falling_background(spectrum, TABLE.edges, [])


def test_each_other_model_adds_its_difference():
    spectrum, _ = falling_spectrum(np.random.default_rng(6))
    windows = [(low, low + 2.0) for low in np.arange(2.0, 98.0, 5.0)]
    first, second, third = (
        falling_background(spectrum, TABLE.edges, windows),
        flight_background(spectrum, TABLE.edges, windows),
        local_background(spectrum, TABLE.edges),
    )
    both = with_model_spread(first, second, third).systematic
    one, other = (with_model_spread(first, each).systematic for each in (second, third))
    assert both == pytest.approx(one + other)
    assert np.diag(one) == pytest.approx((first.expected - second.expected) ** 2 / 12)
