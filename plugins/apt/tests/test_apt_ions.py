"""Ions: formulas, and isotopologues against the published table of the elements."""

from __future__ import annotations

import itertools
import math

import pytest

from consilience.errors import BadInputError
from consilience_apt.ions import ELECTRON_MASS, Ion, isotopes, isotopologues


@pytest.mark.parametrize(
    ("text", "name", "charge"),
    [
        ("Cr2O", "Cr2O", None),
        ("Si++", "Si++", 2),
        ("Si 2+", "Si++", 2),
        ("Si^2+", "Si++", 2),
        ("Si2+", "Si2+", 1),
        ("Cr:2 O:1", "Cr2O", None),
        ("O:1 Cr:2", "Cr2O", None),
        ("Al H:2".replace("Al", "Al:1"), "AlH2", None),
        ("H3O+", "H3O+", 1),
        ("OSi", "SiO", None),
        ("CHH", "CH2", None),
    ],
)
def test_texts_of_ions(text: str, name: str, charge: int | None) -> None:
    ion = Ion.parse(text)
    assert ion.name == name
    assert ion.charge == charge
    assert Ion.parse(ion.name) == ion


@pytest.mark.parametrize("text", ["", "+", "si", "Si-", "Si:", "Si:x", "1+", "Si:1 O", "52pt5"])
def test_what_is_no_ion(text: str) -> None:
    with pytest.raises(BadInputError, match="is no ion"):
        Ion.parse(text)


@pytest.mark.parametrize(
    ("elements", "charge", "message"),
    [
        ((("Xx", 1),), None, "'Xx' is no chemical element"),
        ((), 1, "an ion without atoms"),
        ((("Si", 0),), 1, "an ion with 0 atoms of Si"),
        ((("Si", 1),), 0, "a charge of 0"),
    ],
)
def test_ions_that_cannot_be(
    elements: tuple[tuple[str, int], ...], charge: int | None, message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        Ion(elements, charge)


def test_silicon_against_the_published_table() -> None:
    # NIST: 28Si 27.97692653465 92.223 %, 29Si 28.97649466490 4.685 %, 30Si 29.973770136 3.092 %
    found = isotopologues(Ion.parse("Si++"))
    for one, mass, share in zip(
        found, (27.976926535, 28.976494665, 29.973770136), (0.92223, 0.04685, 0.03092), strict=True
    ):
        assert one.mass_to_charge == pytest.approx(mass / 2 - 0.000548579909, abs=2e-6)
        assert one.abundance == pytest.approx(share, abs=5e-4)  # natural samples vary so


def test_nickel_as_the_data_readme_has_it() -> None:
    shares = [share for _, _, share in isotopes("Ni")]
    assert shares == pytest.approx([0.6808, 0.2622, 0.0114, 0.0363, 0.0093], abs=2e-4)


@pytest.mark.parametrize("text", ["Cr2O+", "Li2C+", "SiH3+", "Pt2Cl2++", "TiO2 3+"])
def test_every_combination_is_counted_once(text: str) -> None:
    ion = Ion.parse(text)
    atoms = [symbol for symbol, number in ion.elements for _ in range(number)]
    brute: dict[tuple[str, ...], list[float]] = {}
    for chosen in itertools.product(*(isotopes(symbol) for symbol in atoms)):
        key = tuple(sorted(f"{n}{s}" for s, (n, _, _) in zip(atoms, chosen, strict=True)))
        share = math.prod(abundance for _, _, abundance in chosen)
        mass = math.fsum(m for _, m, _ in chosen)
        brute.setdefault(key, [mass, 0.0])[1] += share
    found = isotopologues(ion, floor=0.0)
    assert len(found) == len(brute)
    assert math.fsum(one.abundance for one in found) == pytest.approx(1.0, abs=1e-12)
    charge = ion.charge or 1
    expected = sorted((m / charge - ELECTRON_MASS, share) for m, share in brute.values())
    assert [one.mass_to_charge for one in found] == pytest.approx([m for m, _ in expected])
    assert sorted(one.abundance for one in found) == pytest.approx(sorted(s for _, s in expected))


def test_the_rare_are_left_out() -> None:
    assert len(isotopologues(Ion.parse("Cr2O+"), floor=0.05)) == 3
    assert isotopologues(Ion.parse("Cr2O+"), floor=0.05)[1].label == "52Cr52Cr16O"


def test_uranium_has_isotopes_and_technetium_none() -> None:
    assert [number for number, _, _ in isotopes("U")] == [234, 235, 238]
    with pytest.raises(BadInputError, match="Tc has no natural isotopes"):
        isotopes("Tc")
    with pytest.raises(BadInputError, match="Si has no charge"):
        isotopologues(Ion.parse("Si"))
