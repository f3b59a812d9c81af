"""Reference spectra: models of the edges of a species, and those of a user's files."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from consilience.errors import BadFileError, BadInputError
from consilience_eels.fingerprint.references import (
    MEASURED_FORM,
    model_reference,
    on_scale,
    read_reference,
)
from consilience_eels.fingerprint.species import make_library
from consilience_eels.physics.beam import Beam
from consilience_eels.physics.cross_sections import partial_cross_section
from consilience_eels.simulation.lowloss import LowLossParams, simulate_lowloss

BEAM = Beam(300.0, 40.5, 156.5)


def write(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_model_keeps_the_strength_of_the_atoms() -> None:
    """Fine structure moves strength about within 50 eV of the onset and makes none."""
    found = model_reference("LiF", 650.0, 760.0, BEAM)
    inside = (found.energy >= 685.0) & (found.energy <= 735.0)
    integral = float(np.trapezoid(found.intensity[inside], found.energy[inside]))
    tail = model_reference("Li", 650.0, 760.0, BEAM)
    integral -= float(np.trapezoid(tail.intensity[inside], tail.energy[inside]))
    assert integral == pytest.approx(partial_cross_section("F", "K", BEAM, 50.0), rel=0.06)
    assert [e.name for e in found.edges] == ["F K at 688 eV"]
    assert found.origin == "model"


def test_hydroxide_weighs_its_atoms() -> None:
    oxide, hydroxide = (model_reference(f, 500.0, 700.0, BEAM) for f in ("Li2O", "LiOH"))
    assert oxide.atoms == {"Li": 2.0, "O": 1.0}
    far = np.array([690.0])
    assert oxide.at(far)[0] == pytest.approx(hydroxide.at(far)[0], rel=0.02)  # one oxygen in each


def test_density_gives_formula_units() -> None:
    found = model_reference("LiF", 40.0, 100.0, BEAM)
    assert found.units_per_volume() == pytest.approx(2.64 * 602.214 / 25.94, rel=1e-3)
    assert found.units_per_volume(1.32) == pytest.approx(0.5 * (found.units_per_volume() or 0.0))
    assert model_reference("LiNiO2", 40.0, 100.0, BEAM).units_per_volume() is None


def test_form_is_uncertain_at_the_onset_and_less_so_where_it_was_measured() -> None:
    found = model_reference("Pt", 30.0, 900.0, BEAM)
    near, far = found.form_error(np.array([56.0, 600.0]))
    assert near > 0.4
    assert far < 1e-3


def test_file_of_two_columns_takes_the_place_of_the_model(tmp_path: Path) -> None:
    energy = np.arange(50.0, 110.0, 0.5)
    curve = np.where(energy > 60.0, 5.0 * np.exp(-(energy - 60.0) / 30.0), 0.0)
    rows = ["energy (eV),intensity", *(f"{e},{v}" for e, v in zip(energy, curve, strict=True))]
    found = read_reference(write(tmp_path / "lif.csv", rows), "LiF")
    assert (found.origin, found.source, found.absolute) == ("measured", "lif.csv", False)
    model = model_reference("LiF", 15.0, 200.0, BEAM)
    scaled = on_scale(found, model)
    assert float(np.trapezoid(scaled.intensity, energy)) == pytest.approx(
        float(np.trapezoid(model.at(energy), energy))
    )
    assert scaled.form_error(energy).max() == MEASURED_FORM
    library = make_library(BEAM, ("LiF",), ("Pt",), {"LiF": found})
    assert library.references["LiF"].origin == "measured"
    assert library.references["Pt"].origin == "model"


def test_msa_file_without_its_suffix_is_read(tmp_path: Path) -> None:
    params = LowLossParams(offset=-10.0, step=0.5, points=256)
    (path,) = simulate_lowloss(params, 2, tmp_path)
    stored = tmp_path / "0123abcd"
    stored.write_bytes(path.read_bytes())
    found = read_reference(stored, "LiF", suffix_of="lif.msa")
    assert found.source == "lif.msa"
    assert (found.energy[0], found.energy[-1]) == (-10.0, 117.5)
    assert found.intensity.max() > 1e3


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["50,1", "51,2"], "2 energies"),
        ([f"{100 - i},1" for i in range(20)], "do not rise"),
        (["50,1", *(f"{51 + i},1" for i in range(9)), "here;are words"], "line 11"),
        ([f"{50 + i},nan" for i in range(9)], "no numbers"),
    ],
)
def test_files_that_are_no_reference_are_refused(
    tmp_path: Path, rows: list[str], words: str
) -> None:
    with pytest.raises(BadFileError, match=words):
        read_reference(write(tmp_path / "bad.csv", rows), "LiF")


def test_reference_beside_the_edges_is_refused(tmp_path: Path) -> None:
    rows = [f"{20 + i},1" for i in range(20)]
    found = read_reference(write(tmp_path / "low.csv", rows), "LiF")
    with pytest.raises(BadInputError, match="holds nothing where LiF has edges"):
        on_scale(found, model_reference("LiF", 15.0, 200.0, BEAM))


def test_library_refuses_what_is_said_twice_and_what_is_not_asked() -> None:
    with pytest.raises(BadInputError, match="LiF: both asked for and part of the matrix"):
        make_library(BEAM, ("LiF",), ("LiF", "Pt"))
    given = {"Li2O": model_reference("Li2O", 15.0, 200.0, BEAM)}
    with pytest.raises(BadInputError, match="references of Li2O are given"):
        make_library(BEAM, ("LiF",), ("Pt",), given)
    with pytest.raises(BadInputError, match="'lithium' is no chemical formula"):
        make_library(BEAM, ("lithium",), ("Pt",))
