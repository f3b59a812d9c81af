"""How far X-rays get, and how many a mass gives, against published figures and another program."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
import xraylib

from consilience.errors import BadInputError
from consilience_xrf.amounts.attenuation import (
    ELECTROLYTE,
    Angles,
    Layer,
    Material,
    attenuation_length,
    information_depth,
    mass_attenuation,
    self_absorption,
    transmission,
)
from consilience_xrf.amounts.emission import emission, line_energy
from consilience_xrf.amounts.reach import liquid_thickness, reach_of
from consilience_xrf.findings.change_drafts import THIN

PT = Material.of("Pt")


@pytest.fixture(scope="module")
def fisx_tables() -> Any:
    """Tables of another program, which it reads from files of its own."""
    fisx = pytest.importorskip("fisx", reason="fisx brings other tables")
    tables = fisx.Elements()
    tables.initializeAsPyMca()
    return tables


def test_platinum_la_falls_to_1_over_e_in_3_6_um_of_platinum() -> None:
    assert line_energy("Pt", "La1") == pytest.approx(9.4423, abs=1e-3)
    assert attenuation_length(PT, line_energy("Pt", "La1")) == pytest.approx(3.6, abs=0.05)


def test_electrolyte_costs_platinum_la_what_the_figures_say() -> None:
    """10 µm 0.9 %, 100 µm 8 %: with the way out alone and with both ways on either side of it."""
    out = [
        1.0 - transmission((Layer(ELECTROLYTE, t),), None, 9.44, Angles()).value
        for t in (10.0, 100.0)
    ]
    both = reach_of("Pt", "La", 18.0, Angles()).liquid
    assert out[0] < 0.009 < both[10.0]
    assert [*out, *both.values()] == pytest.approx([0.0083, 0.080, 0.0096, 0.092], rel=0.03)


@pytest.mark.parametrize(
    ("symbol", "energy"), [("Pt", 9.4427), ("Pt", 18.0), ("Fe", 6.4), ("Si", 1.74)]
)
def test_attenuation_is_that_of_another_program(
    symbol: str, energy: float, fisx_tables: Any
) -> None:
    other = fisx_tables.getMassAttenuationCoefficients(symbol, energy)["total"][0]
    assert mass_attenuation(Material.of(symbol), energy) == pytest.approx(other, rel=0.02)


@pytest.mark.parametrize(
    ("element", "line", "names", "within"),
    [
        ("Pt", "La", ("L3M4", "L3M5"), 0.01),
        ("Fe", "Ka", ("KL2", "KL3"), 0.01),
        ("Cu", "K", ("KL2", "KL3", "KM2", "KM3"), 0.02),
    ],
)
def test_emission_is_that_of_another_program(
    element: str, line: str, names: tuple[str, ...], within: float, fisx_tables: Any
) -> None:
    """fisx has its own photo-ionisation, yields, rates and cascades (EADL, EPDL)."""
    (factors,) = fisx_tables.getExcitationFactors(element, 18.0)
    other = sum(factors[name]["rate"] for name in names)
    own = emission(element, line, 18.0)
    assert own.cross_section == pytest.approx(other, rel=within)
    assert abs(own.cross_section / other - 1.0) < 2.0 * own.relative_std


def test_a_family_and_its_lines_have_the_difference_between_tables_in_their_error() -> None:
    iron = xraylib.SymbolToAtomicNumber("Fe")
    both = [
        table(iron, xraylib.KA_LINE, 18.0)
        for table in (xraylib.CS_FluorLine_Kissel_no_Cascade, xraylib.CS_FluorLine)
    ]
    apart = abs(both[1] / both[0] - 1.0)
    assert 0.01 < apart < 0.04
    for line in ("Ka", "K"):
        assert emission("Fe", line, 18.0).relative_std == pytest.approx(
            math.hypot(0.03, apart), rel=0.02
        )
    assert emission("Pt", "M", 18.0).relative_std == 0.40, "only one of them has M lines"
    # nine of ten soft L photons follow a K line, which only one of the tables knows
    for line in ("L", "La"):
        assert 0.30 <= emission("Zn", line, 18.0).relative_std < 0.35


def test_what_a_thin_film_loses_is_as_findings_say(fisx_tables: Any) -> None:
    """The number that each finding of a change has among its assumptions, by another program."""
    chi = sum(
        fisx_tables.getMassAttenuationCoefficients("Pt", energy)["total"][0]
        for energy in (18.0, line_energy("Pt", "La"))
    )
    depth = chi * 21.45 * 100e-7
    lost = 1.0 - (1.0 - math.exp(-depth)) / depth
    said = re.search(r"100 nm of platinum lose ([0-9.]+) % of Pt La at 18 keV", THIN)
    assert said is not None
    assert float(said[1]) == pytest.approx(100.0 * lost, abs=0.06)


def test_a_layer_keeps_part_of_its_own_line() -> None:
    chi = 200.0
    masses = np.array([0.0, 1e-12, 1e-3, 1.0])
    # the integral over depth, done by hand
    expected = [1.0, 1.0, (1 - math.exp(-0.2)) / 0.2, 1.0 / 200.0]
    assert self_absorption(masses, chi) == pytest.approx(expected, rel=1e-9)
    depths = np.linspace(0.0, 1e-3, 20_001)
    numeric = np.trapezoid(np.exp(-chi * depths), depths) / 1e-3
    assert float(self_absorption(1e-3, chi)) == pytest.approx(numeric, rel=1e-6)


def test_depth_of_a_line_follows_the_angles() -> None:
    normal = information_depth(PT, 18.0, 9.44, Angles())
    grazing = information_depth(PT, 18.0, 9.44, Angles(90.0, 10.0))
    mu_in, mu_out = mass_attenuation(PT, 18.0), mass_attenuation(PT, 9.44)
    assert normal == pytest.approx(1e4 / (21.45 * (mu_in + mu_out)), rel=2e-3)
    assert grazing == pytest.approx(
        normal * (mu_in + mu_out) / (mu_in + mu_out / math.sin(math.radians(10.0))), rel=1e-6
    )


def test_errors_of_layers_are_those_of_their_thickness_or_unknown() -> None:
    known = transmission((Layer(ELECTROLYTE, 10.0, 2.0),), 18.0, 9.44, Angles())
    up, down = (
        transmission((Layer(ELECTROLYTE, t),), 18.0, 9.44, Angles()).value for t in (8.0, 12.0)
    )
    assert known.std == pytest.approx(0.5 * (up - down), rel=1e-3)
    assert transmission((Layer(ELECTROLYTE, 10.0),), 18.0, 9.44, Angles()).std is None
    assert transmission((), 18.0, 9.44, Angles()).std == 0.0


def test_loss_tells_the_liquid_that_would_explain_it() -> None:
    lost = reach_of("Pt", "La", 18.0, Angles()).liquid[100.0]
    um, std = liquid_thickness(1.0 - lost, 0.005, "Pt", "La", 18.0, Angles())
    assert um == pytest.approx(100.0, rel=1e-9)
    assert std == pytest.approx(0.005 / (1.0 - lost) / -math.log(1.0 - lost) * 100.0, rel=1e-9)
    with pytest.raises(BadInputError, match="a ratio of wet to dry counts of 0 has no thickness"):
        liquid_thickness(0.0, None, "Pt", "La", 18.0, Angles())


def test_what_cannot_be_told_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"11 keV do not excite Pt_La: its edge is at 11\.56"):
        emission("Pt", "La", 11.0)
    with pytest.raises(BadInputError, match="'Qq' is no element"):
        emission("Qq", "Ka", 11.0)
    with pytest.raises(BadInputError, match=r"no cross section of Fe_M is known at 11 keV"):
        emission("Fe", "M", 11.0)
    with pytest.raises(BadInputError, match=r"the density of LiPF6 is not known"):
        attenuation_length(Material.of("LiPF6"), 9.0)
    with pytest.raises(BadInputError, match="attenuation of 'notaformula' cannot be looked up"):
        mass_attenuation(Material({"notaformula": 1.0}), 9.0)
    assert reach_of("Pt", "La", None, Angles()).depth is None
