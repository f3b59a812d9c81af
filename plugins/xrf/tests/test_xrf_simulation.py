"""The simulated film: what is planted is there, without noise, and tables elsewhere agree."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from consilience.errors import BadInputError
from consilience_xrf.simulation.emission import (
    compton_energy,
    emitted_lines,
    escape_fraction,
    mass_attenuation,
    shell_energy,
)
from consilience_xrf.simulation.forward import Beamline, expected_lines, expected_spectra
from consilience_xrf.simulation.maps import (
    FIFTY_CYCLES,
    ScanParams,
    SeriesParams,
    run_scan,
    run_series,
)
from consilience_xrf.simulation.response import Response, line_shapes, pile_up
from consilience_xrf.simulation.scene import Film, FilmState, Grid, film_truth, mass_map
from consilience_xrf.simulation.states import Setting

BARE = Beamline(elastic=0.0, compton=0.0, background=0.0, escape=False)


def test_matter_is_kept_wherever_it_moves() -> None:
    film, grid = Film(), Grid()
    as_made = mass_map(film, FilmState(), grid).sum()
    moved = FilmState(migration=0.3, voids=5, loss=0.1, shift=(0.13, -0.2))
    assert mass_map(film, moved, grid, 3).sum() == pytest.approx(0.9 * as_made, rel=1e-4)
    disc = Film(shape="disc", width=3.6)
    area = np.pi * 3.6**2 / 4 / grid.step**2
    assert mass_map(disc, FilmState(), grid).sum() == pytest.approx(area * 214.5, rel=2e-3)


def test_what_is_planted_is_what_the_truth_says() -> None:
    film, grid = Film(), Grid(rows=56, columns=76, step=0.1)
    state = FilmState(migration=0.2, voids=4, void_radius=0.25, shift=(0.2, -0.1))
    truth = film_truth(film, state, 3)
    mass = mass_map(film, state, grid, 3)
    y, x = grid.axes()
    assert (mass.sum(1) @ y) / mass.sum() == pytest.approx(truth["centre_y"], abs=1e-3)
    assert (mass.sum(0) @ x) / mass.sum() == pytest.approx(truth["centre_x"], abs=1e-3)
    assert truth["void_fraction"] == pytest.approx(4 * np.pi * 0.25**2 / (6.0 * 4.0))
    level = truth["body"]
    inside = np.add.outer(((y - 0.2) / 1.5) ** 8, ((x + 0.1) / 2.5) ** 8) < 1
    holes = (mass[inside] < level / 2).sum() * grid.step**2
    assert holes == pytest.approx(4 * np.pi * 0.25**2, rel=0.1)


def test_spectra_hold_the_counts_of_their_lines() -> None:
    masses = {"Pt": np.array([214.5, 100.0]), "Fe": np.array([0.0, 3.0])}
    spectra, live = expected_spectra(BARE, masses, 5.0, np.ones(2))
    lines = expected_lines(BARE, masses, 5.0)
    whole = sum(part for shells in lines.values() for part in shells.values())
    np.testing.assert_allclose(spectra.sum(1), whole, rtol=2e-3)  # some lie below channel 0
    np.testing.assert_allclose(live, BARE.dwell)
    slow = BARE.model_copy(update={"dead": 1e-6})
    less, live = expected_spectra(slow, masses, 5.0, np.ones(2))
    np.testing.assert_allclose(less / live[:, None], spectra / BARE.dwell, rtol=1e-9)
    assert np.all(live < BARE.dwell)


def test_the_responses_parts_add_up() -> None:
    energies = np.array([6.4, 9.44])
    for made in (Response(), Response(tail=0.1, shelf=0.05), Response(escape=False)):
        np.testing.assert_allclose(line_shapes(made, energies).sum(1), 1.0, atol=1e-9)
    one = line_shapes(Response(escape=False), energies)[:1] * 1e4
    piled = pile_up(one, Response(), 1e-6)
    assert (piled * Response().energy).sum() == pytest.approx((one * Response().energy).sum())
    assert Response().energy[1000 + piled[0, 1000:].argmax()] == pytest.approx(12.8, abs=0.011)
    assert piled.sum() == pytest.approx(1e4 * (1 - 1e-2))  # 1 % met another: two became one


def test_the_second_model_is_another() -> None:
    masses = {"Pt": np.array([214.5])}
    first, _ = expected_spectra(Beamline(), masses, 0.0, np.ones(1))
    second, _ = expected_spectra(Beamline(model="second"), masses, 0.0, np.ones(1), 1.0)
    difference = np.abs(second - first).sum() / first.sum()
    assert 0.03 < difference < 0.5


@pytest.mark.parametrize(
    ("element", "shell", "energy", "within"),
    [
        ("Ar", "K", 2.957, 0.005),
        ("Fe", "K", 6.404, 0.005),
        ("Zn", "K", 8.639, 0.005),
        ("Pt", "L", 9.442, 0.03),  # other yields of Coster and Kronig
        ("Pt", "M", 2.051, 0.03),
    ],
)
def test_lines_agree_with_another_library(
    element: str, shell: str, energy: float, within: float
) -> None:
    fisx = pytest.importorskip("fisx", reason="fisx comes with PyMca, a peer in tests only")
    tables = fisx.Elements()
    tables.initializeAsPyMca()
    thin = 1e-9
    peer = fisx.XRF()
    peer.setBeam(18.0)
    peer.setSample([[element, 1.0, thin]])
    peer.setGeometry(90.0, 90.0)
    family = f"{element} {shell}"
    layer = peer.getMultilayerFluorescence([family], tables, useGeometricEfficiency=0)[family][0]
    theirs = sum(line["primary"] for line in layer.values()) / thin
    ours = sum(one.cross_section for one in emitted_lines(element, 18.0) if one.shell == shell)
    assert ours == pytest.approx(theirs, rel=within)
    assert shell_energy(element, shell, 18.0) == pytest.approx(energy, abs=0.004)


def test_escape_agrees_with_another_library() -> None:
    fisx = pytest.importorskip("fisx", reason="fisx comes with PyMca, a peer in tests only")
    tables = fisx.Elements()
    tables.initializeAsPyMca()
    for energy in (2.5, 6.4, 9.44, 15.0):
        theirs = sum(p["rate"] for p in tables.getEscape({"Si": 1.0}, energy).values())
        assert escape_fraction(energy) == pytest.approx(theirs, rel=0.03)
    assert escape_fraction(1.8) == 0.0


def test_published_figures_of_attenuation() -> None:
    # mass attenuation of platinum at 9.44 keV gives 3.6 um; Compton peak of 115 keV at 90 deg
    assert 1e4 / (mass_attenuation({"Pt": 1.0}, 9.442) * 21.45) == pytest.approx(3.6, abs=0.1)
    assert compton_energy(115.0, 90.0) == pytest.approx(93.87, abs=0.005)
    with pytest.raises(BadInputError, match="'Xx' is no element symbol"):
        emitted_lines("Xx", 18.0)
    assert emitted_lines("Li", 18.0) == ()


def test_files_say_that_they_are_simulated_and_hold_no_truth(tmp_path: Path) -> None:
    small = ScanParams(setting=Setting(grid=Grid(rows=4, columns=5, step=0.9)))
    cube, maps, told = run_scan(small, 5, tmp_path)
    truth = json.loads(told.read_text(encoding="utf-8"))
    assert truth["origin"] == "simulated"
    with h5py.File(cube) as file:
        data = file["entry1/fluo_entry/data"]
        assert data.attrs["origin"] == file.attrs["origin"] == "simulated"
        assert data["data"].shape == (4, 5, 2048)
        whole = truth["expected_counts_full_beam"]
        assert 0.5 * whole["Pt_L"] < data["data"][()].sum()
        assert data["energy"].attrs["units"] == "keV"
    with h5py.File(maps) as file:
        names = set(file["processed/auxiliary/0-XRF Elemental Maps from ROIs"])
        assert names == {"Pt-La", "Si-Ka", "Ar-Ka", "Fe-Ka", "Cu-Ka", "Zn-Ka"}
        pt = file["processed/auxiliary/0-XRF Elemental Maps from ROIs/Pt-La/data"][()]
        assert pt.sum() == pytest.approx(whole["Pt_L"] * 1.01, abs=5 * whole["Pt_L"] ** 0.5)
    assert not (tmp_path / "again").exists()


def test_a_series_has_all_states(tmp_path: Path) -> None:
    small = SeriesParams(setting=Setting(grid=Grid(rows=4, columns=5, step=0.9)))
    *files, told = run_series(small, 5, tmp_path)
    truth = json.loads(told.read_text(encoding="utf-8"))
    assert [s["state"]["label"] for s in truth["states"]] == [s.label for s in FIFTY_CYCLES]
    assert len(files) == 7
    voids = [s["film"]["void_fraction"] for s in truth["states"]]
    assert voids[:4] == [0, 0, 0, 0]
    assert 0 < voids[4] < voids[5] < voids[6]
