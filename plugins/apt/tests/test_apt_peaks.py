"""Peaks found, measured, identified and proposed as ranges."""

from __future__ import annotations

import numpy as np
import pytest
from apt_spectra import drawn, silicon

from consilience.errors import BadInputError
from consilience_apt.ions import Ion, isotopologues
from consilience_apt.masses.identify import candidates, identify, position_scatter, score_pattern
from consilience_apt.masses.peaks import find_peaks, measure_peak, resolution
from consilience_apt.masses.propose import propose_ranges
from consilience_apt.masses.spectrum import measure_spectrum


def test_planted_peaks_are_found_where_they_are():
    planted = {"Si++": 50_000, "Ni+": 30_000}
    spectrum = measure_spectrum(drawn(planted, 50_000, resolving=600.0), high=100.0)
    peaks = find_peaks(spectrum)
    lines = [
        line
        for name, amount in planted.items()
        for line in isotopologues(Ion.parse(name))
        if line.abundance * amount > 150
    ]
    assert len(peaks) == len(lines)
    for peak, line in zip(peaks, sorted(lines, key=lambda one: one.mass_to_charge), strict=True):
        assert abs(peak.position - line.mass_to_charge) < 5 * peak.position_std + 0.002
        assert peak.low < line.mass_to_charge < peak.high
    half, tenth = resolution(peaks)
    assert half == pytest.approx(600.0, rel=0.08)
    # a Gaussian is √(ln 10/ln 2) wider at a tenth than at half of its maximum
    assert tenth == pytest.approx(600.0 / 1.8226, rel=0.08)


def test_widths_have_errors_that_hold():
    # bins much narrower than the peak, so that what remains is counting
    pulls, sizes = [], []
    for seed in range(150):
        spectrum = measure_spectrum(
            drawn({"Al+": 8000}, 2000, resolving=200.0, seed=seed), high=40.0, width=0.02
        )
        peak = measure_peak(spectrum, 26.6, 27.4)
        sizes.append((peak.counts - 8000) / peak.counts_std)
        pulls.append((peak.fwhm - 26.981 / 200.0) / peak.fwhm_std)
    assert np.mean(sizes) == pytest.approx(0.0, abs=0.4)
    assert np.std(sizes) == pytest.approx(1.0, abs=0.25)
    assert 0.5 < np.std(pulls) < 1.5


def test_nothing_is_found_in_noise():
    found = [
        len(find_peaks(measure_spectrum(drawn({}, 50_000, seed=seed), high=100.0)))
        for seed in range(20)
    ]
    assert sum(found) <= 1


def test_candidates_are_all_formulas():
    found = list(candidates(["Li", "O"], 3, (1, 2)))
    assert len(found) == len(set(found)) == 2 * (2 + 3 + 4)
    assert {ion.formula for ion in found} >= {"Li2O", "LiO2", "O3", "Li3"}
    with pytest.raises(BadInputError, match="fewer of them, or fewer atoms"):
        list(candidates([*"HBCNOFPSKVYIWU", "Si", "Ni", "Cr", "Fe", "Cu", "Zn", "Al"], 8))
    with pytest.raises(BadInputError, match="0 ions of 0 elements"):
        list(candidates([]))


def test_measured_silicon_is_identified(shared_data):
    spectrum, _ = silicon(shared_data)
    peaks = find_peaks(spectrum)
    half, tenth = resolution(peaks)
    assert half > 500
    assert tenth > 250
    elements = ["H", "C", "N", "O", "Si", "Ni", "Cu"]
    found = identify(spectrum, peaks, elements, tenth)
    best = {round(peak.position, 1): one for peak, one in zip(peaks, found, strict=True)}
    assert best[14.0][0].ion.name == "Si++"
    assert best[57.9][0].ion.name == "Ni+"
    assert best[59.9][0].ion.name == "Ni+"
    # its rivals stay, with what speaks against them
    assert {"N+", "CO++"} <= {one.ion.name for one in best[14.0]}
    rivals = [one for one in best[57.9][1:] if one.match]
    assert rivals
    assert all(one.match.missing or one.match.misplaced > 0.05 for one in rivals)
    table = propose_ranges(peaks, found)
    nickel = next(r for r in table.ranges if r.low <= 57.93 < r.high)
    assert nickel.ion == Ion.parse("Ni+")
    unsure = next(r for r in table.ranges if r.low <= 1.005 < r.high)
    assert unsure.ion is None
    assert "H+" in unsure.label


def test_a_wrong_pattern_misses_isotopologues():
    spectrum = measure_spectrum(drawn({"Ni+": 50_000}, 50_000), high=130.0)
    right = score_pattern(spectrum, Ion.parse("Ni+"), 500.0)
    assert right.proven
    assert right.p_value > 1e-4
    assert right.amount == pytest.approx(50_000, rel=0.02)
    wrong = score_pattern(spectrum, Ion.parse("Fe+"), 500.0, peaks=[57.935, 59.931])
    assert not wrong.proven
    assert wrong.chi2 > 100 * right.chi2
    assert score_pattern(spectrum, Ion.parse("Pt+"), 500.0) is None


def test_one_isotope_is_never_proven():
    spectrum = measure_spectrum(drawn({"P+": 50_000, "F+": 5000}, 50_000), high=100.0)
    for name in ("P+", "F+"):
        assert not score_pattern(spectrum, Ion.parse(name), 500.0).proven


def test_scatter_of_positions():
    spectrum = measure_spectrum(drawn({"Si++": 50_000, "Ni+": 30_000}), high=100.0)
    assert position_scatter(find_peaks(spectrum), ["Si", "Ni"]) < 0.005
    assert position_scatter([], ["Si"]) is None


def test_proposals_need_candidates_for_each_peak():
    with pytest.raises(BadInputError, match="0 peaks and candidates for 0"):
        propose_ranges([], [])
