"""Lines, response, scatter and calibration against known values and another library."""

from __future__ import annotations

import numpy as np
import pytest
from xrf_fits import ENERGY, GEOMETRY, RESPONSE, expected, families

from consilience.errors import BadInputError
from consilience_xrf.lines.calibration import calibrate, noise_of_peaks
from consilience_xrf.lines.elements import edge_energy, families_of, family, split_name
from consilience_xrf.lines.geometry import Geometry, Layer, escape_lines, mass_attenuation
from consilience_xrf.lines.response import Response, channel_edges, line_shape
from consilience_xrf.lines.scatter import compton_shape, elastic_shape


def test_families_depend_on_the_beam() -> None:
    platinum = family("Pt", "L", 18.0)
    assert platinum is not None
    assert platinum.main == pytest.approx(9.4423, abs=0.001)  # Bearden 1967
    assert platinum.weights.sum() == pytest.approx(1.0)
    lower = family("Pt", "L", 12.5)  # between the edges L3 11.56 and L2 13.27
    assert lower is not None
    assert all(line.startswith("L3") for line in lower.lines)
    assert family("Pt", "L", 11.5) is None
    assert family("Li", "K", 18.0) is None
    assert edge_energy("Li") == pytest.approx(0.0547, abs=2e-4)
    assert [f.name for f in families_of("Pt", 1.0, 15.0, 18.0)] == ["Pt_L", "Pt_M"]


def test_names_are_checked() -> None:
    assert split_name("Pt L") == ("Pt", "L")
    assert split_name("Fe") == ("Fe", None)
    with pytest.raises(BadInputError, match="'Xx' is no element"):
        split_name("Xx_K")
    with pytest.raises(BadInputError, match="'Q' is no shell"):
        split_name("Fe_Q")


@pytest.mark.parametrize(("element", "shell", "limit"), [("Fe", "K", 0.03), ("Pt", "L", 0.10)])
def test_ratios_of_lines_are_those_of_another_library(
    element: str, shell: str, limit: float
) -> None:
    fisx = pytest.importorskip("fisx")
    tables = fisx.Elements()
    tables.initializeAsPyMca()
    ours = family(element, shell, 18.0)
    assert ours is not None
    if shell == "K":
        rates = tables.getEmittedXRayLines(element, 18.0)
        theirs = {n: e for n, e in rates.items() if n.startswith("K")}
        first = tables.getRadiativeTransitions(element, "K")
        alpha = first["KL2"] + first["KL3"]
        share = alpha / sum(v for n, v in first.items() if n.startswith("K") and n != "K")
        assert theirs
        mine = sum(
            w for line, w in zip(ours.lines, ours.weights, strict=True) if line.startswith("KL")
        )
        assert mine == pytest.approx(share, rel=limit)
        return
    rates = tables.getRadiativeTransitions(element, "L3")
    total = sum(v for n, v in rates.items() if n.startswith("L3") and n != "L3")
    third = [(n, w) for n, w in zip(ours.lines, ours.weights, strict=True) if n.startswith("L3")]
    whole = sum(w for _, w in third)
    mine = dict(third)["L3M5"] / whole
    assert mine == pytest.approx(rates["L3M5"] / total, rel=limit)


def test_a_line_keeps_its_counts_place_and_width() -> None:
    edges = channel_edges(ENERGY)
    for response in (RESPONSE, Response(0.1, tail=0.05, step=0.02)):
        shape = line_shape(edges, np.array([6.4]), np.array([1000.0]), response)
        assert shape.sum() == pytest.approx(1000.0, rel=1e-3)
    shape = line_shape(edges, np.array([6.4]), np.ones(1), RESPONSE)
    mean = float(shape @ ENERGY)
    spread = float(np.sqrt(shape @ (ENERGY - mean) ** 2))
    assert mean == pytest.approx(6.4, abs=1e-6)
    # a channel's own width adds its twelfth
    assert spread**2 == pytest.approx(float(RESPONSE.sigma(np.array([6.4]))[0]) ** 2 + 0.02**2 / 12)
    tail = line_shape(edges, np.array([6.4]), np.ones(1), Response(0.1, tail=0.1, tail_width=0.4))
    assert tail[ENERGY < 5.9].sum() == pytest.approx(0.1 * np.exp(-0.5 / 0.4), rel=0.05)


def test_escape_is_that_of_another_library() -> None:
    fisx = pytest.importorskip("fisx")
    tables = fisx.Elements()
    tables.initializeAsPyMca()
    detector = fisx.Detector("Si1", 2.33, 0.045)
    theirs = detector.getEscape(5.9, tables)
    total = sum(line["rate"] for line in theirs.values())
    ours = escape_lines("Si", 5.9)
    assert sum(share for _, share in ours) == pytest.approx(total, rel=0.15)
    assert ours[0][0] == pytest.approx(5.9 - 1.74, abs=0.002)
    assert escape_lines("Si", 1.7) == ()


def test_scattered_photons_lie_where_kinematics_put_them() -> None:
    edges = channel_edges(ENERGY)
    assert Geometry(17.0, 90.0).compton_energy() == pytest.approx(17.0 / (1 + 17.0 / 510.999))
    elastic = elastic_shape(edges, GEOMETRY, RESPONSE, escape=False)
    compton = compton_shape(edges, GEOMETRY, RESPONSE, escape=False)
    assert elastic is not None
    assert compton is not None
    assert float(elastic @ ENERGY) == pytest.approx(13.5, abs=1e-3)
    assert float(ENERGY[compton.argmax()]) == pytest.approx(13.153, abs=0.03)
    spread = np.sqrt(compton @ (ENERGY - compton @ ENERGY) ** 2)
    assert spread > 1.3 * RESPONSE.sigma(np.array([13.15]))[0], "electrons move"
    assert elastic_shape(edges, Geometry(), RESPONSE) is None


def test_scattered_photons_escape_from_the_detector_too() -> None:
    """At 13.5 keV the escape peak lies at 11.76 keV, where bromine's and lead's lines are near."""
    edges = channel_edges(ENERGY)
    for shape, at in ((elastic_shape, 13.5), (compton_shape, 13.153)):
        whole = shape(edges, GEOMETRY, RESPONSE)
        alone = shape(edges, GEOMETRY, RESPONSE, escape=False)
        assert whole is not None
        assert alone is not None
        more = whole - alone
        expected = sum(share for _, share in escape_lines("Si", at))
        assert float(more.sum()) == pytest.approx(expected, rel=0.02)
        middle = float(alone @ ENERGY / alone.sum())
        assert float(more @ ENERGY / more.sum()) == pytest.approx(middle - 1.743, abs=0.005)


def test_layers_keep_soft_photons_back() -> None:
    air = Layer("Air, Dry (near sea level)", 1.2e-3, 1.0)
    soft, hard = air.transmission(np.array([2.0, 10.0]))
    assert soft < 0.65 < 0.98 < hard
    assert mass_attenuation("Pt", np.array([9.4423]))[0] * 21.45 * 3.6e-4 == pytest.approx(
        1.0, rel=0.05
    )
    with pytest.raises(BadInputError, match="attenuation of 'Qq' cannot be looked up"):
        mass_attenuation("Qq", np.array([5.0]))


def test_calibration_finds_what_was_planted_within_its_errors() -> None:
    lines = families("Ca_K", "Fe_K", "Cu_K", "Se_K")
    whole = {"Ca_K": 2e4, "Fe_K": 5e4, "Cu_K": 3e4, "Se_K": 2e4, "elastic": 3e4, "compton": 5e4}
    counts = np.random.default_rng(3).poisson(expected(whole)).astype(float)
    found = calibrate(
        counts, 0.03, 0.01998, lines, GEOMETRY,
        response=Response(0.13), fit=("zero", "gain", "noise"), low=1.0, high=12.3,
    )  # fmt: skip
    for name, value, truth in (
        ("zero", found.zero, 0.02),
        ("gain", found.gain, 0.02),
        ("noise", found.response.noise, 0.1),
    ):
        std = found.std(name)
        assert std is not None
        assert 0 < std < 0.01
        assert abs(value - truth) < 4.0 * std, name
    assert found.std("fano") is None
    noise = noise_of_peaks(ENERGY, counts, GEOMETRY)
    assert noise == pytest.approx(0.1, abs=0.05)


def test_calibration_says_what_it_needs() -> None:
    with pytest.raises(BadInputError, match="cannot fit offset"):
        calibrate(np.ones(64), 0.0, 0.1, families("Fe_K"), GEOMETRY, fit=("offset",))
    with pytest.raises(BadInputError, match="needs elements that are known"):
        calibrate(np.ones(64), 0.0, 0.1, [], GEOMETRY)
