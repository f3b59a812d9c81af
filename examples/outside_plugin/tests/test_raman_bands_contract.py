"""The plugin keeps the contract of its host."""

from __future__ import annotations

from pathlib import Path

import pytest

from consilience.testing import PluginContract
from consilience_raman_bands.reading import read_text
from consilience_raman_bands.simulation import SpectrumParams, simulate_spectrum


class TestContract(PluginContract):
    plugin = "raman_bands"


def test_the_laser_is_counted_in_photons(tmp_path: Path) -> None:
    (path,) = simulate_spectrum(SpectrumParams(laser_power=1.0, exposure=10.0), 1, tmp_path)
    (signal,) = read_text(path, {}, {})
    (laser,) = signal.exposures
    assert laser.fluence is not None
    # 10 mJ of 532 nm are 2.678e16 photons, on a disc of 1 um in diameter
    assert laser.fluence.value == pytest.approx(2.678e16 / 0.7854, rel=1e-3)
