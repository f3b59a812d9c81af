"""Dose from currents, times and areas: numbers of the field, and formulas printed with them."""

from __future__ import annotations

import builtins
import math

import pytest

from consilience.custody.dose import formulas
from consilience.custody.dose.units import energy_in_kev, quantity_in
from consilience.errors import BadInputError
from consilience.model.base import Quantity


def test_the_frames_of_pt_anode_cost_two_hundred_million_electrons_a_pixel():
    stem = formulas.stem_fluence("17 pA", "0.05 s", 40, step="14.6 nm")
    assert stem.per_pixel.value == pytest.approx(2.1e8, rel=0.02)
    assert stem.step_limited is not None
    assert stem.step_limited.value < 1e4
    closer = formulas.stem_fluence("17 pA", "0.05 s", 40, step="14.5 nm").step_limited
    assert closer is not None
    assert closer.value > 1e4
    assert stem.highest is None, "without the probe's size the fluence under it is not known"


def test_a_narrow_probe_leaves_spots_and_a_wide_one_adds_up_its_visits():
    spots = formulas.stem_fluence("17 pA", "0.05 s", step="4 nm", probe="0.2 nm")
    assert spots.probe_limited is not None
    assert spots.highest == spots.probe_limited
    area = math.pi * 2.0**2 / 4.0
    assert spots.probe_limited.value == pytest.approx(17e-12 * 0.05 / 1.602176634e-19 / area)
    blurred = formulas.stem_fluence("17 pA", "0.05 s", step="0.1 nm", probe="1 nm")
    assert blurred.highest == blurred.step_limited


def test_the_formula_is_printed_with_its_numbers():
    stem = formulas.stem_fluence("17 pA", "0.05 s", 40, step="10 nm", probe="1 angstrom")
    assert stem.per_pixel.formula == (
        "N = I·t·n/e = 1.7e-11 A × 0.05 s × 40 / 1.602e-19 C = 2.122e+08"
    )
    assert stem.step_limited is not None
    assert stem.step_limited.formula == "step-limited: N/s² = 2.122e+08 / (100 Å)² = 21220 e/Å²"
    assert stem.probe_limited is not None
    assert stem.probe_limited.formula.startswith("probe-limited: N/(π d²/4) = 2.122e+08 / (π (1 Å)")
    assert stem.rate is not None
    assert stem.rate.quantity.unit == "1/angstrom^2/s"


def test_the_published_image_of_lithium():
    rate = Quantity(value=3.5e3, unit="1/angstrom^2/s")
    image = formulas.fluence_from_rate(rate, "500 ms")
    assert image.quantity == Quantity(value=1750.0, unit="1/angstrom^2")
    assert image.formula == "rate × t = 3500 e/Å²/s × 0.5 s = 1750 e/Å²"
    assert formulas.rate_from_fluence(image.quantity, "500 ms").quantity == rate


def test_a_current_density_of_one_ampere_per_square_centimetre():
    # 1 A/cm² is 1 / 1.602e-19 / 1e16 electrons in each Å² and second
    rate = formulas.tem_fluence_rate("1 A/cm^2")
    assert rate.value == pytest.approx(624.15, rel=1e-4)
    beam = formulas.beam_fluence_rate("1 nA", "1 um")
    assert beam.value == pytest.approx(1e-9 / 1.602176634e-19 / (math.pi * 1e8 / 4.0))


def test_ions_and_photons_over_their_areas():
    ions = formulas.ion_fluence("16 nA", "100 um^2", "60 s")
    assert ions.value == pytest.approx(16e-9 * 60 / 1.602176634e-19 / 1e8)
    assert formulas.ion_fluence("16 nA", "100 um^2", "60 s", charge=2).value == ions.value / 2
    photons = formulas.photon_fluence("1e9 1/s", "2500 nm^2", "0.1 s")
    assert photons.quantity.unit == "1/um^2"
    assert photons.value == pytest.approx(4e10)


@pytest.mark.parametrize(
    ("said", "unit", "value"),
    [
        ("100 e/Å²/s", "1/angstrom^2/s", 100.0),
        ("100 e-/angstrom^2/s", "1/angstrom^2/s", 100.0),
        ("1e4 electrons/nm^2", "1/angstrom^2", 100.0),
        ("5 photons/µm²", "1/um^2", 5.0),
        ("2 ions/nm^2", "1/nm^2", 2.0),
        ("1750 1/angstrom^2", "1/angstrom^2", 1750.0),
        ("-170 degC", "K", 103.15),
    ],
)
def test_counted_particles_are_no_elementary_charges(said: str, unit: str, value: float):
    assert quantity_in(said, unit).value == pytest.approx(value)


def test_standard_deviations_are_converted_too():
    given = Quantity(value=10.0, unit="e/nm^2", std_stat=2.0, std_sys=1.0)
    assert quantity_in(given, "1/angstrom^2") == Quantity(
        value=0.1, unit="1/angstrom^2", std_stat=0.02, std_sys=0.01
    )


def test_a_voltage_is_an_energy_of_electrons_and_ions_only():
    assert energy_in_kev("200 kV", "electron") == 200.0
    assert energy_in_kev("30000 V", "ion") == 30.0
    assert energy_in_kev("18 keV", "photon") == 18.0
    with pytest.raises(BadInputError, match="cannot be converted to keV"):
        energy_in_kev("40 kV", "photon")


def test_what_cannot_be_is_refused():
    with pytest.raises(BadInputError, match="step is 0 angstrom, expected a number above 0"):
        formulas.stem_fluence("17 pA", "1 s", step="0 nm")
    with pytest.raises(BadInputError, match="frames is 0, expected 1 or more"):
        formulas.electrons("17 pA", "1 s", 0)
    with pytest.raises(BadInputError, match="cannot be converted to A"):
        formulas.electrons("17 pF", "1 s")


# NIST Standard Reference Database 126: μ_en/ρ in cm²/g
WATER = {
    1.0: 4065.0,
    5.0: 41.88,
    10.0: 4.944,
    15.0: 1.374,
    20.0: 0.5503,
    30.0: 0.1557,
    60.0: 0.03190,
    100.0: 0.02546,
    200.0: 0.02967,
}
SILICON = {
    2.0: 2669.0,
    5.0: 240.0,
    10.0: 32.89,
    15.0: 9.794,
    20.0: 4.076,
    30.0: 1.164,
    60.0: 0.1434,
    100.0: 0.04513,
    200.0: 0.02905,
}


@pytest.mark.parametrize(
    ("material", "energy", "published"),
    [("H2O", e, c) for e, c in WATER.items()] + [("Si", e, c) for e, c in SILICON.items()],
)
def test_gray_against_the_published_tables(material: str, energy: float, published: float):
    pytest.importorskip("xraylib", reason="the optional library of absorption coefficients")
    made = formulas.photon_dose("1e10 1/um^2", f"{energy} keV", material)
    # 1e10/µm² = 1e22/m²; keV to J; cm²/g to m²/kg
    expected = 1e22 * energy * 1.602176634e-16 * published * 0.1
    assert made.value == pytest.approx(expected, rel=0.02)
    assert made.quantity.unit == "Gy"
    assert f"{material}, xraylib" in made.formula


def test_outside_the_checked_energies_there_is_no_gray():
    pytest.importorskip("xraylib", reason="the optional library of absorption coefficients")
    with pytest.raises(BadInputError, match="no absorption coefficient at 1000 keV, outside 1 to"):
        formulas.photon_dose("1e10 1/um^2", "1 MeV", "H2O")


def test_a_mixture_absorbs_as_its_parts_do_by_mass():
    pytest.importorskip("xraylib", reason="the optional library of absorption coefficients")
    first, second, both = (
        formulas.photon_dose("1e10 1/um^2", "18 keV", material).value
        for material in ("LiF", "Pt", {"LiF": 0.75, "Pt": 0.25})
    )
    assert both == pytest.approx(0.75 * first + 0.25 * second)
    with pytest.raises(BadInputError, match="no absorption coefficient of 'Gen2x'"):
        formulas.photon_dose("1e10 1/um^2", "18 keV", "Gen2x")


def test_without_the_library_gray_says_what_is_missing(monkeypatch: pytest.MonkeyPatch):
    genuine = builtins.__import__

    def without(name: str, *rest: object, **more: object) -> object:
        if name == "xraylib":
            raise ModuleNotFoundError("No module named 'xraylib'", name="xraylib")
        return genuine(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BadInputError, match="xraylib, which knows the absorption") as caught:
        formulas.photon_dose("1e10 1/um^2", "18 keV", "LiF")
    assert "pip install xraylib" in caught.value.fix
