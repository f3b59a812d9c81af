"""Tails measured between peaks, and carried into overlaps."""

from __future__ import annotations

import numpy as np
import pytest
from apt_spectra import drawn

from consilience_apt.amounts.overlaps import solve_overlap
from consilience_apt.ions import Ion, isotopologues
from consilience_apt.masses.patterns import count_patterns, pattern_windows
from consilience_apt.masses.peaks import find_peaks, resolution
from consilience_apt.masses.spectrum import MassSpectrum, measure_spectrum
from consilience_apt.masses.tails import Tail, measure_tails

TRUTH = {"Si+": 200_000.0, "N2+": 50_000.0}
IONS = [Ion.parse(name) for name in TRUTH]
LINES = [one.mass_to_charge for ion in IONS for one in isotopologues(ion, 2e-4)]


def spectrum(tail: float, seed: int) -> MassSpectrum:
    return measure_spectrum(drawn(TRUTH, 20_000, 700.0, seed, tail), high=100.0)


def test_shapes_are_shares_of_a_distribution() -> None:
    for kind in ("exponential", "power"):
        tail = Tail(kind, 0.4, 0.01)
        edges = np.linspace(0.0, 5.0, 200_001)
        parts = tail.between(edges[:-1], edges[1:])
        assert parts.sum() == pytest.approx(0.4, rel=1e-3)
        mean = parts @ (edges[:-1] + edges[1:]) / 2 / parts.sum()
        assert mean == pytest.approx(0.01, rel=0.02)


def test_planted_tails_are_found() -> None:
    found = measure_tails(spectrum(0.01, 1), LINES, 400.0, 20.0, 40.0)
    assert found is not None
    assert found.tail.kind == "exponential"
    assert found.tail.length == pytest.approx(0.01, rel=0.25)
    # three of ten are late; some of them still fall into the window they are counted against
    inside = 1 - 0.3 * np.exp(-0.75 / 400 / 0.01)
    assert found.tail.share == pytest.approx(0.3 / inside, rel=0.1)
    assert found.significance > 20
    assert "late ions to 100 of a peak" in found.sentence()


def test_no_tails_where_there_are_none() -> None:
    seen = [measure_tails(spectrum(0.0, seed), LINES, 400.0, 20.0, 40.0) for seed in range(20)]
    assert sum(one is not None for one in seen) <= 1, "three standard deviations"
    few = measure_spectrum(drawn({"Si+": 100.0}, 1000), high=100.0)
    assert measure_tails(few, LINES, 400.0, 20.0, 40.0) is None


def test_what_tails_bring_is_told_from_isotopes() -> None:
    made = spectrum(0.01, 2)
    windows = pattern_windows(IONS, 400.0)
    tails = measure_tails(made, LINES, 400.0, 20.0, 40.0)
    assert tails is not None
    seen = count_patterns(made, IONS, windows, tails=tails)
    assert seen.spill is not None
    assert np.all(seen.spill[0] == 0), "nothing is lighter"
    assert seen.spill[1:, 0].min() > 1e-4
    plain = count_patterns(made, IONS, windows)
    assert seen.claims == pytest.approx(plain.shares)
    part = seen.part(columns=[1])
    assert part.spill.shape == (len(windows), 1)
    assert part.spill_changes.shape == (3, len(windows), 1)


def test_an_overlap_with_long_tails_is_right_within_its_errors() -> None:
    away, errors = [], []
    for seed in range(8):
        made = spectrum(0.01, seed)
        found = solve_overlap(made, IONS, resolution(find_peaks(made))[1])
        assert found.tails is not None
        counts = np.array([share.counts for share in found.shares])
        part = counts[1] / counts.sum()
        slope = np.array([-part, 1 - part]) / counts.sum()
        errors.append(np.sqrt(slope @ (found.covariance + found.systematic) @ slope))
        away.append(part - 0.2)
    assert abs(np.mean(away)) < 2 * np.mean(errors)
    assert np.mean(errors) < 0.03
