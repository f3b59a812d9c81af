"""What an error of the inputs does to x, as it was worked out for the published cell."""

from __future__ import annotations

import pytest

from consilience.errors import BadInputError
from consilience_compton.model.cell import Cell
from consilience_compton.model.profiles import nmc622, ratio_of_windows
from consilience_compton.model.sensitivity import counts_needed, sensitivity


def test_the_published_cell() -> None:
    found = sensitivity()
    assert found.emr == pytest.approx(ratio_of_windows(nmc622(1.01), fwhm=0.905), rel=1e-4)
    # 1.5 um of lithium moves x by 0.06, 88 eV by 0.09, 1 degree by more than 0.75
    assert abs(found.by_geometry(1.5)) == pytest.approx(0.06, abs=0.005)
    assert abs(found.by_energy(88.0)) == pytest.approx(0.09, abs=0.005)
    assert abs(found.by_angle(0.3)) == pytest.approx(0.09, abs=0.006)
    assert abs(found.by_angle(1.0)) > 0.75


def test_geometry_acts_in_proportion_and_energy_by_its_square() -> None:
    found = sensitivity()
    assert found.by_geometry(2.0) == pytest.approx(2.0 * found.by_geometry(1.0), rel=0.02)
    assert found.by_energy(-50.0) == pytest.approx(found.by_energy(50.0), rel=1e-3)
    assert found.by_energy(100.0) == pytest.approx(4.0 * found.by_energy(50.0), rel=0.05)
    # more lithium taken off leaves a wider profile: x seems less
    assert found.by_geometry(1.0) < 0.0
    assert found.by_resolution(10.0) > 0.0


def test_the_slope_is_a_twentieth_of_the_published_one() -> None:
    found = sensitivity()
    published = (1.21 - 0.31) / (1.01 - 0.26)
    assert published / found.slope == pytest.approx(21.5, abs=1.0)


def test_counts_for_a_wanted_error() -> None:
    found = sensitivity(fwhm=0.0)
    budget = counts_needed(found, 0.05)
    assert budget.relative_emr == pytest.approx(0.003, abs=0.0002)
    # 1.1e6 for 0.3 %, and as its inverse square
    assert budget.cathode * (budget.relative_emr / 0.003) ** 2 == pytest.approx(1.1e6, rel=0.06)
    assert counts_needed(found, 0.025).cathode == pytest.approx(4.0 * budget.cathode)
    assert budget.region_1 > budget.region_2 > budget.region_3
    with pytest.raises(BadInputError, match="wanted error of 0"):
        counts_needed(found, 0.0)


def test_binder_makes_lithium_dearer() -> None:
    pure, coated = (counts_needed(sensitivity(Cell(binder=b))).cathode for b in (0.0, 0.1))
    assert coated > 1.3 * pure
