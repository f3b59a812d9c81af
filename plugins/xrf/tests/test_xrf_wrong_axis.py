"""An energy axis that the beam speaks against names no element, and calls none absent."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from xrf_fits import ENERGY, Array, context, expected, measurement

from consilience_xrf.files.energy_choice import (
    EnergyOptions,
    StatedAxis,
    choose_energy,
    misfit_of,
)
from consilience_xrf.findings.elements_params import ElementsParams
from consilience_xrf.findings.elements_run import run_elements, unusable_axis
from consilience_xrf.findings.roi_params import RoiParams
from consilience_xrf.findings.roi_run import run_roi
from consilience_xrf.findings.spectra_run import SpectraMapsParams, run_maps_of_spectra

PLANTED = {"Ca_K": 3e4, "Fe_K": 8e4, "Cu_K": 2e4, "elastic": 5e4, "compton": 9e4}
SAID = (
    "no line is named by an energy axis that does not fit the beam: with its energies times 0.5, "
    "the elastic peak lies at 13.49 keV"
)


@pytest.fixture(scope="module")
def counts() -> Array:
    return np.random.default_rng(2).poisson(expected(PLANTED, 500.0)).astype(float)


def held_against(counts: Array, factor: float) -> Any:
    """The measurement as a file with `factor` times the true energies gives it."""
    stated = StatedAxis(factor * ENERGY, "keV", "energy")
    choice = choose_energy(stated, EnergyOptions(), counts, 13.5, Path("a.nxs"))
    return measurement(counts, choice.energy, energy_check=choice.check)


def test_a_doubled_axis_names_no_element_and_says_why(counts: Array) -> None:
    doubled = held_against(counts, 2.0)
    for output in (
        run_elements([doubled], ElementsParams(), context("Fe")),
        run_roi([doubled], RoiParams(elements=("Fe",)), context()),
    ):
        assert not output.findings
        (notice,) = output.notices
        assert notice.code == "energy-axis-contradicted"
        assert notice.message.startswith(f"spectrum: {SAID}")
        assert "--option energy_scale=" in (notice.fix or "")


def test_maps_of_spectra_are_not_fitted_on_it_either(counts: Array) -> None:
    no_cache: Any = SimpleNamespace(sample=context("Fe").sample)
    output = run_maps_of_spectra([held_against(counts, 2.0)], SpectraMapsParams(), no_cache)
    assert not output.findings
    (notice,) = output.notices
    assert notice.message.startswith(f"a.mca: {SAID}")


def test_a_sound_axis_and_somebodys_word_on_the_beam_are_taken(counts: Array) -> None:
    assert unusable_axis(held_against(counts, 1.0)) is None
    assert misfit_of(held_against(counts, 1.0).metadata["energy_check"]) == ""
    assert unusable_axis(held_against(counts, 2.0), 27.0) is None
