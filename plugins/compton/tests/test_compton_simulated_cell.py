"""The simulator of a layered cell, noiseless against xraylib, before anything is fitted to it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xraylib

from consilience.errors import BadInputError
from consilience_compton.files.binned import open_binned, read_binned
from consilience_compton.files.hxt import open_hxt, read_hxt
from consilience_compton.model.cell import ELECTROLYTE, Cell, Layer, molar_mass
from consilience_compton.model.profiles import HIGH, LOW, nmc622, ratio_of_windows
from consilience_compton.momentum.kinematics import compton_energy, energy_of_momentum
from consilience_compton.simulation.cell_files import CellParams, simulate_cell_files
from consilience_compton.simulation.forward import (
    FIRST,
    SECOND,
    expected_counts,
    lines,
    scattered,
)
from consilience_compton.simulation.spectra import (
    default_geometry,
    even_edges,
    noisy,
    region_counts,
    simulate_cell,
)

EDGES = np.linspace(10.0, 114.9, 10_491)
AT_90 = np.array([90.0])


@pytest.mark.parametrize("model", [FIRST, SECOND], ids=lambda m: m.name)
@pytest.mark.parametrize("angle", [80.0, 90.0, 100.0])
def test_all_that_is_scattered_is_klein_nishina_for_each_electron(model, angle: float) -> None:  # type: ignore[no-untyped-def]
    layer = Layer("oxide", nmc622(1.0), 1.0)
    total = scattered([layer], EDGES, 115.0, np.array([angle]), model).sum()
    per_electron = xraylib.DCSP_KN(115.0, math.radians(angle), math.pi / 2)
    assert total / layer.electrons == pytest.approx(per_electron, rel=0.01)


def test_compounds_scatter_as_xraylib_says() -> None:
    """DCSP_Compt has its own incoherent scattering functions, not the profiles used here."""
    for formula in ("Li", ELECTROLYTE, "LiNi0.6Mn0.2Co0.2O2"):
        atoms = Layer("one", Cell().layers(3)[0].composition, 1.0)
        if formula != "Li":
            atoms = Layer("one", _atoms(formula), 1.0)
        total = float(scattered([atoms], EDGES, 115.0, AT_90).sum())
        mass = molar_mass(formula)
        outside = xraylib.DCSP_Compt_CP(formula, 115.0, math.pi / 2, math.pi / 2) * mass / 0.602214
        assert total == pytest.approx(outside, rel=0.015), formula


def _atoms(formula: str) -> dict[str, float]:
    found = xraylib.CompoundParser(formula)
    return {
        xraylib.AtomicNumberToSymbol(z): n
        for z, n in zip(found["Elements"], found["nAtoms"], strict=True)
    }


def test_the_first_model_is_the_ratio_of_windows_that_was_put_in() -> None:
    layer = Layer("oxide", nmc622(0.7), 1.0)
    sums = []
    for first, last in (*LOW, *HIGH):
        at = energy_of_momentum(np.array([first, last]), 115.0, 90.0)
        sums.append(float(scattered([layer], at, 115.0, AT_90).sum()))
    assert sums[0] / (sums[1] + sums[2]) == pytest.approx(ratio_of_windows(nmc622(0.7)), rel=1e-4)


def test_the_second_model_is_another_one() -> None:
    layer = Layer("oxide", nmc622(0.7), 1.0)
    ratios = {}
    for model in (FIRST, SECOND):
        sums = []
        for first, last in (*LOW, *HIGH):
            at = energy_of_momentum(np.array([first, last]), 115.0, 90.0)
            edges = np.linspace(at[0], at[1], 201)
            sums.append(float(scattered([layer], edges, 115.0, AT_90, model).sum()))
        ratios[model.name] = sums[0] / (sums[1] + sums[2])
    assert 0.002 < abs(ratios["second"] / ratios["first"] - 1.0) < 0.03


def test_the_peak_follows_the_angle() -> None:
    layers = Cell().layers(3)
    fine = np.linspace(88.0, 100.0, 1201)
    middle = 0.5 * (fine[1:] + fine[:-1])
    for angle in (85.0, 90.0, 95.0):
        counts = scattered(layers, fine, 115.0, np.array([angle]))[0]
        assert middle[counts.argmax()] == pytest.approx(
            float(compton_energy(115.0, angle)), abs=0.06
        )
    assert float(compton_energy(115.0, 90.0)) == pytest.approx(93.87, abs=0.005)


def test_volumes_of_lithium_are_the_published_ones() -> None:
    cell = Cell()
    assert cell.alpha == pytest.approx(0.88)
    assert cell.beta == pytest.approx(0.62)
    assert Cell(shift=5.0).alpha == pytest.approx(0.86)


def test_a_cathode_keeps_its_nickel_when_lithium_leaves() -> None:
    full, empty = (Cell(x=x).layers(1)[0] for x in (1.01, 0.26))
    assert full.amount == empty.amount
    assert full.electrons - empty.electrons == pytest.approx(0.75 * 3 * full.amount)


@pytest.mark.parametrize("model", [FIRST, SECOND], ids=lambda m: m.name)
def test_the_published_subtraction_leaves_one_layer(model) -> None:  # type: ignore[no-untyped-def]
    """Equations 2 and 3 are exact without noise, as far as each layer scatters on its own."""
    cell, geometry, edges = Cell(x=0.6, binder=0.1), default_geometry(2, 3), even_edges(200)
    r1, r2, r3 = (
        region_counts(cell, n, edges, geometry, counts=1e5, model=model) for n in (1, 2, 3)
    )
    electrolyte = r2 - cell.alpha * r3
    cathode = r1 - electrolyte - cell.beta * r3
    lithium = sum(layer.electrons for layer in cell.layers(3))
    kept = [one for one in cell.layers(1) if one.name not in {"electrolyte", "lithium"}]
    alone = expected_counts(kept, edges, 115.0, geometry.angles(), scale=1e5 / lithium, model=model)
    window = (edges[:-1] > 89.0) & (edges[1:] < 99.0)
    share = cathode[..., window].sum() / alone[..., window].sum()
    # pile-up is not proportional to what there is, and the second model has some
    assert share == pytest.approx(1.0, abs=1e-5 if model is FIRST else 2e-3)


def test_bins_need_not_be_even_and_add_up() -> None:
    layers, angle = Cell().layers(1), np.array([[88.0, 92.0]])
    fine = np.linspace(60.0, 120.0, 241)
    uneven = fine[[0, 3, 10, 40, 41, 90, 200, 240]]
    a = expected_counts(layers, fine, 115.0, angle, scale=1.0)
    b = expected_counts(layers, uneven, 115.0, angle, scale=1.0)
    np.testing.assert_allclose(a.sum(axis=-1), b.sum(axis=-1), rtol=1e-12)
    assert b.shape == (1, 2, 7)


def test_lines_are_where_xraylib_puts_them() -> None:
    where = {name: keV for name, keV, _ in lines()}
    assert where["Cd KL3"] == pytest.approx(23.174, abs=0.002)
    assert where["Pb KM3"] == pytest.approx(84.94, abs=0.01)
    made = simulate_cell(seed=None, rows=1, columns=1, bins=2800, states=("one",), x=(1.0,))
    middle = 0.5 * (made.edges[1:] + made.edges[:-1])
    near = (middle > 21.0) & (middle < 24.6)
    counts = made.counts[0, 2, 0, 0, near] - made.counts[0, 2, 0, 0, near].min()
    assert (counts * middle[near]).sum() / counts.sum() == pytest.approx(23.11, abs=0.01)


def test_noise_is_poissons_or_more() -> None:
    expected = np.full(200_000, 40.0)
    for model, variance in ((FIRST, 1.0), (SECOND, 1.05)):
        counts = noisy(expected, np.random.default_rng(4), model)
        assert counts.mean() == pytest.approx(40.0, abs=0.06)
        assert counts.var() / 40.0 == pytest.approx(variance, abs=0.015)


def test_a_cell_of_five_states_says_what_was_planted() -> None:
    made = simulate_cell(seed=1, rows=2, columns=3, bins=100, counts=1e3, drift=0.2)
    again = simulate_cell(seed=1, rows=2, columns=3, bins=100, counts=1e3, drift=0.2)
    assert made.counts.shape == (5, 3, 2, 3, 100)
    np.testing.assert_array_equal(made.counts, again.counts)
    assert made.truth["origin"] == "simulated"
    assert made.truth["x"] == [1.01, 0.93, 0.26, 0.57, 0.91]
    assert made.truth["drift_deg"] == pytest.approx([0.0, 0.05, 0.1, 0.15, 0.2])
    # the geometry that the analysis is given does not know of the drift
    assert made.geometry.angle == 90.0


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"beam": 80.0}, "do not fit into a sheet"),
        ({"cathode": -1.0}, "do not fit"),
        ({"x": 2.0}, "x of 2"),
    ],
)
def test_cells_that_cannot_be(given: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInputError, match=says):
        Cell(**given)
    with pytest.raises(BadInputError, match="region 4 of 3"):
        Cell().layers(4)


def test_files_say_that_they_are_simulated_and_what_was_planted(tmp_path: Path) -> None:
    params = CellParams(rates=["1 C"], rows=2, columns=2, bins=60, counts=1e3)
    files = simulate_cell_files(params, 5, tmp_path)
    assert len(files) == 15
    truth = json.loads((tmp_path / "cell-5.truth.json").read_text(encoding="utf-8"))
    assert truth["origin"] == "simulated"
    assert truth["cells"][0]["x"] == [1.01, 0.93, 0.66, 0.78, 0.91]
    named = truth["cells"][0]["files"]["end of charge"]
    (signal,) = read_hxt(tmp_path / named[0], {}, {})
    assert signal.origin == "simulated"
    assert signal.metadata["incident_energy"] == {"value": 115.0, "unit": "keV"}
    assert signal.metadata["scattering_angle"] == {"value": 90.0, "unit": "deg"}
    with open_hxt(tmp_path / named[0], {}, signal.lazy or {}) as data:
        assert data["counts"].shape == (2, 2, 60)
        np.testing.assert_allclose(data["energy_edges"][[0, -1]], [10.0, 150.0])
        made = simulate_cell(
            seed=5, rate="1 C", rows=2, columns=2, bins=60, counts=1e3, cell=Cell(binder=0.1)
        )
        np.testing.assert_array_equal(data["counts"].values, made.counts[2, 0])


def test_the_same_cell_as_hdf5(tmp_path: Path) -> None:
    params = CellParams(rates=["1 C"], rows=2, columns=2, bins=60, counts=1e3, layout="hdf5")
    first = simulate_cell_files(params, 5, tmp_path)[0]
    (signal,) = read_binned(first, {}, {})
    assert signal.origin == "simulated"
    assert signal.metadata["incident_energy"] == {"value": 115.0, "unit": "keV"}
    assert signal.metadata["distance"] == {"value": 100.0, "unit": "mm"}
    assert signal.metadata["angle_direction"] == "+column"
    with open_binned(first, {}, signal.lazy or {}) as data:
        made = simulate_cell(
            seed=5, rate="1 C", rows=2, columns=2, bins=60, counts=1e3, cell=Cell(binder=0.1)
        )
        np.testing.assert_array_equal(data["counts"].values, made.counts[0, 0])
