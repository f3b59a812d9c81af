"""Simulated data stay simulated, and measured data that speak of a simulation measured."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from consilience.errors import BadInputError
from consilience.model.measurement import Signal
from consilience_xrd.files.reading import read_nexus
from consilience_xrd.files.text import read_text_pattern


def write(folder: Path, text: str) -> Path:
    path = folder / "a.xy"
    path.write_text(text)
    return path


@pytest.mark.parametrize("mark", ["simulated", "Simulated", "simulated (seed 3)"])
def test_the_mark_of_the_file_wins(tmp_path: Path, mark: str) -> None:
    path = write(tmp_path, f"# origin: {mark}\n# 2theta\n1 2\n2 3\n")
    assert read_text_pattern(path).origin == "simulated"
    with pytest.raises(BadInputError, match="origin=measured is refused: it can only say sim"):
        read_text_pattern(path, {"origin": "measured"})


def test_a_second_line_cannot_take_the_mark_back(tmp_path: Path) -> None:
    path = write(tmp_path, "# origin: measured\n# 2theta\n1 2\n2 3\n# origin: simulated\n")
    assert read_text_pattern(path).origin == "simulated"


def test_the_option_may_say_simulated(tmp_path: Path) -> None:
    path = write(tmp_path, "# origin: measured\n# 2theta\n1 2\n2 3\n")
    assert read_text_pattern(path).origin == "measured"
    assert read_text_pattern(path, {"origin": "simulated"}).origin == "simulated"


def test_another_origin_is_pointed_out(tmp_path: Path) -> None:
    pattern = read_text_pattern(write(tmp_path, "# origin: beamline\n# 2theta\n1 2\n2 3\n"))
    assert pattern.origin == "measured"
    assert any("the origin 'beamline', which is neither" in w for w in pattern.warnings)


def nexus(path: Path) -> h5py.File:
    file = h5py.File(path, "w")
    entry = file.create_group("entry")
    entry.attrs["NX_class"] = "NXentry"
    entry["title"] = "compared with simulated"
    beam = entry.create_group("beam")
    beam["incident_wavelength"] = 0.5
    beam["incident_wavelength"].attrs["units"] = "angstrom"
    data = entry.create_group("data")
    data.attrs.update({"NX_class": "NXdata", "signal": "data", "axes": ["q"]})
    data["data"] = np.arange(20.0)
    data["q"] = np.linspace(1, 3, 20)
    data["q"].attrs["units"] = "1/angstrom"
    return file


def read(path: Path) -> Signal:
    (signal,) = read_nexus(path, {}, {})
    return signal


def test_a_title_that_speaks_of_a_simulation_leaves_a_measurement(tmp_path: Path) -> None:
    nexus(tmp_path / "a.nxs").close()
    signal = read(tmp_path / "a.nxs")
    assert signal.origin == "measured"
    assert signal.exposures


@pytest.mark.parametrize("place", ["/", "/entry"])
@pytest.mark.parametrize("said", ["Simulated", b"simulated", np.array([b"SIMULATED"])])
def test_nexus_that_says_simulated(tmp_path: Path, place: str, said: object) -> None:
    with nexus(tmp_path / "a.nxs") as file:
        file[place].attrs["origin"] = said
    signal = read(tmp_path / "a.nxs")
    assert signal.origin == "simulated"
    assert not signal.exposures


@pytest.mark.parametrize("how", ["link", "virtual"])
def test_the_mark_of_a_linked_file_counts(tmp_path: Path, how: str) -> None:
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["values"] = np.arange(20.0)
        file.attrs["origin"] = "simulated"
    with nexus(tmp_path / "a.nxs") as file:
        del file["entry/data/data"]
        if how == "link":
            file["entry/data/data"] = h5py.ExternalLink("b.h5", "/values")
        else:
            layout = h5py.VirtualLayout((20,), "f8")
            layout[:] = h5py.VirtualSource("b.h5", "/values", (20,))
            file["entry/data"].create_virtual_dataset("data", layout)
    assert read(tmp_path / "a.nxs").origin == "simulated"
