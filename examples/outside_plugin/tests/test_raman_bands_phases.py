"""Bands: found where they are, not in noise, and missed as often as the limit says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from consilience_raman_bands.fitting import fit_band
from consilience_raman_bands.simulation import SpectrumParams, simulate_spectrum


def spectrum(folder: Path, seed: int, **params: object) -> tuple[np.ndarray, np.ndarray]:
    (path,) = simulate_spectrum(SpectrumParams.model_validate(params), seed, folder)
    rows = np.loadtxt(path, comments="#")
    return rows[:, 0], rows[:, 1]


def test_a_band_is_found_where_it_is(tmp_path: Path) -> None:
    fits = [
        fit_band(*spectrum(tmp_path, s, heights={"Li2CO3": 200.0}), 1091.0, 5.0, 8.0)
        for s in range(40)
    ]
    assert all(fit is not None and fit.found for fit in fits)
    pulls = [(f.position - 1091.0) / f.position_std for f in fits if f is not None]
    assert abs(np.mean(pulls)) < 0.5
    assert np.std(pulls) < 1.5


def test_noise_is_no_band_and_the_limit_holds(tmp_path: Path) -> None:
    empty = [fit_band(*spectrum(tmp_path, s, heights={}), 1091.0, 5.0, 8.0) for s in range(200)]
    assert sum(f.found for f in empty if f is not None) <= 20  # 5 % of 200, and three deviations
    limit = float(np.mean([f.limit for f in empty if f is not None]))
    planted = [
        fit_band(*spectrum(tmp_path, s, heights={"Li2CO3": limit}), 1091.0, 5.0, 8.0)
        for s in range(200, 400)
    ]
    missed = sum(not f.found for f in planted if f is not None)
    # a Gaussian of the same width is lower in its wings than the Lorentzian that is fitted
    assert missed <= 40


def test_a_window_beyond_the_spectrum_is_not_searched(tmp_path: Path) -> None:
    assert fit_band(*spectrum(tmp_path, 1, last=1000.0), 1091.0, 5.0, 8.0) is None


def test_a_phase_that_is_not_in_the_library(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no phase 'Li3N'"):
        simulate_spectrum(SpectrumParams(heights={"Li3N": 1.0}), 1, tmp_path)


def test_the_wing_of_a_neighbour_is_no_band(tmp_path: Path) -> None:
    fit = fit_band(*spectrum(tmp_path, 1, heights={"Li2CO3": 400.0}), 1080.0, 6.0, 8.0)
    assert fit is not None
    assert fit.wing
    assert not fit.found
