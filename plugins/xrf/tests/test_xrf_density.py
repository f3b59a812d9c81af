"""Masses per area: against the simulator's truth, standards, thick layers, errors by part."""

from __future__ import annotations

import numpy as np
import pytest

from consilience.errors import BadInputError
from consilience_xrf.amounts.attenuation import Angles, Layer, Material, slant_attenuation
from consilience_xrf.amounts.density import (
    Bench,
    Sensitivity,
    fundamental_sensitivity,
    mass_per_area,
    mean_with_errors,
    saturation,
    standard_sensitivity,
    transferred,
)
from consilience_xrf.amounts.emission import emission
from consilience_xrf.simulation.forward import Beamline, expected_lines

LIQUID = Material({"C3H4O3": 0.44, "C3H6O3": 0.44, "LiPF6": 0.12}, 1.3, "liquid")
BENCH = Bench(
    18.0,
    Angles(90.0, 60.0),
    over=(Layer(LIQUID, 10.0, 2.0),),
    before=(Layer(Material.of("Be"), 25.0, 0.0),),
)
PT = ("Pt", "L")


def chi(element: str, line: str) -> float:
    return BENCH.chi(emission(element, line, 18.0), Material.of(element))


@pytest.mark.parametrize(("element", "shell"), [("Pt", "L"), ("Fe", "K"), ("Zn", "K")])
@pytest.mark.parametrize("mass", [5.0, 64.0, 400.0])
def test_masses_of_the_simulator_come_back(element: str, shell: str, mass: float) -> None:
    """Noiseless counts of the simulator, which sums over single lines with code of its own."""
    line = Beamline(incident=18.0, flux=1e9, dwell=0.1, solid_angle=0.01, angle_out=60.0)
    counts = expected_lines(line, {element: np.array([mass])}, 10.0)[element][shell]
    found = fundamental_sensitivity(element, shell, BENCH, 1e8, 0.01 * 4 * np.pi, 0.0, 0.0)
    made = mass_per_area(counts, np.sqrt(counts), found.value, chi(element, shell))
    # they differ in which faint lines count as the family's: 0.4 % of Pt L
    assert made.values[0] == pytest.approx(mass, rel=7e-3)


def test_a_standard_gives_the_sensitivity_of_a_thin_bare_layer() -> None:
    true = fundamental_sensitivity(*PT, BENCH, 1e8, 0.1, 0.0, 0.0)
    bare = fundamental_sensitivity(
        *PT, Bench(18.0, BENCH.geometry, (), BENCH.before), 1e8, 0.1, 0.0, 0.0
    )
    per = chi(*PT) * 1e-6
    counts = true.value * (1.0 - np.exp(-214.5 * per)) / per
    got = standard_sensitivity(counts, 0.01 * counts, 214.5, 2.145, *PT, BENCH)
    assert got.value == pytest.approx(bare.value, rel=1e-4)  # one mean χ here, line by line there
    assert got.std_stat == pytest.approx(0.01 * got.value)
    assert got.parts["standard"] == pytest.approx(0.01 * got.value)
    assert got.std_sys is not None
    unsure = standard_sensitivity(counts, 0.01 * counts, 214.5, None, *PT, BENCH)
    assert unsure.std_sys is None
    with pytest.raises(BadInputError, match=r"gives -3 counts of Pt_L for 214.5 µg/cm²"):
        standard_sensitivity(-3.0, 1.0, 214.5, None, *PT, BENCH)


def test_sensitivity_is_carried_to_another_line_by_cross_sections() -> None:
    fe, pt = (
        fundamental_sensitivity(*line, Bench(18.0, BENCH.geometry, (), BENCH.before), 1e8, 0.1)
        for line in (("Fe", "K"), PT)
    )
    known = Sensitivity(pt.value, 0.02 * pt.value, {"standard": 0.03 * pt.value}, "a standard")
    got = transferred(known, PT, ("Fe", "K"), BENCH)
    assert got.value == pytest.approx(fe.value, rel=1e-9)
    assert got.parts["standard"] == pytest.approx(0.03 * got.value)
    both = np.hypot(emission(*PT, 18.0).relative_std, emission("Fe", "K", 18.0).relative_std)
    assert got.parts["cross_sections"] == pytest.approx(both * got.value)
    assert "carried over by fundamental parameters" in got.how


def test_unknown_flux_or_angle_leaves_the_systematic_error_unknown() -> None:
    some = fundamental_sensitivity(*PT, BENCH, 1e8, 0.1, 0.05, None)
    assert some.parts["solid_angle"] is None
    assert some.std_sys is None
    known = fundamental_sensitivity(*PT, BENCH, 1e8, 0.1, 0.05, 0.1)
    parts = [p for p in known.parts.values() if p is not None]
    assert known.std_sys == pytest.approx(np.hypot.reduce(parts))


def test_thick_layers_give_a_least_mass_only() -> None:
    per = chi(*PT) * 1e-6
    full = 1.0 / per
    made = mass_per_area(np.array([0.5 * full, 0.96 * full, 1.2 * full]), None, 1.0, chi(*PT))
    assert made.thick.tolist() == [False, True, True]
    assert np.isnan(made.values[1:]).all()
    assert made.least == pytest.approx(-np.log(0.05) / per)
    assert saturation(*PT, BENCH) == pytest.approx(full)
    thin = mass_per_area(np.array([0.5 * full]), None, 1.0, 0.0)
    assert thin.values[0] == pytest.approx(0.5 * full)
    assert made.values[0] == pytest.approx(-np.log(0.5) / per)


def test_errors_of_masses_are_those_of_repeats() -> None:
    """Counting through the curve of a thick layer, and a sensitivity that is off."""
    chance = np.random.default_rng(2)
    per, true, mass = chi(*PT) * 1e-6, 5.0, 3000.0
    mean = true * (1.0 - np.exp(-mass * per)) / per
    counts = chance.poisson(mean, 20_000).astype(float)
    made = mass_per_area(counts, np.sqrt(counts), true, chi(*PT))
    assert made.std is not None
    assert float(made.values.mean()) == pytest.approx(mass, rel=2e-3)
    assert float(np.mean(made.std)) == pytest.approx(float(made.values.std()), rel=0.03)
    value, stat, (moved, unknown) = mean_with_errors(made, [0.02, None])
    off = mass_per_area(counts, None, 1.02 * true, chi(*PT)).values.mean()
    assert moved == pytest.approx(abs(float(off) - value), rel=0.06)
    assert unknown is None
    assert stat == pytest.approx(float(made.values.std()) / np.sqrt(20_000), rel=0.05)


def test_an_element_in_a_matrix_is_absorbed_by_all_of_it() -> None:
    matrix = Material({"Fe2O3": 1.0}, 5.24)
    share = 0.699
    energy = emission("Fe", "K", 18.0).energy
    whole = slant_attenuation(matrix, 18.0, energy, BENCH.geometry)
    iron = 300.0
    layer = iron / share * 1e-6
    counts = iron * (1.0 - np.exp(-whole * layer)) / (whole * layer)
    made = mass_per_area(np.array([counts]), None, 1.0, whole, share)
    assert made.values[0] == pytest.approx(iron, rel=1e-9)
