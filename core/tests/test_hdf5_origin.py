"""Where an HDF5 file may say that it is simulated, and where the word means nothing."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from consilience.hdf5 import origin_of, says_simulated


def make(path: Path) -> h5py.File:
    file = h5py.File(path, "w")
    entry = file.create_group("entry")
    entry.attrs["NX_class"] = "NXentry"
    instrument = entry.create_group("instrument")
    instrument.attrs["NX_class"] = "NXinstrument"
    source = instrument.create_group("source")
    source.attrs["NX_class"] = np.array([b"NXsource"])
    entry["data/signal"] = np.arange(3)
    return file


@pytest.mark.parametrize("place", ["/", "/entry", "/entry/data", "/entry/data/signal"])
@pytest.mark.parametrize(
    "said",
    ["simulated", "Simulated", b"SIMULATED", np.array([b"simulated"]), "simulated, seed 3"],
    ids=["str", "case", "bytes", "array", "more"],
)
def test_the_attribute_is_honoured_above_the_data(tmp_path: Path, place: str, said: object) -> None:
    with make(tmp_path / "a.h5") as file:
        assert origin_of(file["entry/data/signal"]) == "measured"
        file[place].attrs["origin"] = said
        assert origin_of(file["entry/data/signal"]) == "simulated"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("entry/origin", "simulated"),
        ("entry/definition", "NXsimulated_xrd"),
        ("entry/instrument/source/type", "Computer simulation"),
        ("entry/instrument/source/probe", b"simulated x-ray"),
    ],
)
def test_defined_fields_are_honoured(tmp_path: Path, field: str, text: object) -> None:
    with make(tmp_path / "a.h5") as file:
        file[field] = text
        assert origin_of(file["entry/data/signal"]) == "simulated"


def test_titles_and_other_words_change_nothing(tmp_path: Path) -> None:
    with make(tmp_path / "a.h5") as file:
        file["entry/title"] = "compared with simulated"
        file["entry/definition"] = "NXxrd"
        file["entry/instrument/source/type"] = "Synchrotron X-ray Source"
        file.attrs["origin"] = "not simulated"
        file["entry"].attrs["origin"] = np.zeros(3)
        assert origin_of(file["entry/data/signal"], file["entry"]) == "measured"


def test_a_link_out_of_the_file_is_not_followed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "b.h5", "w") as other:
        other["origin"] = "simulated"
    with make(tmp_path / "a.h5") as file:
        file["entry/origin"] = h5py.ExternalLink("b.h5", "/origin")
        file["gone"] = h5py.SoftLink("/nowhere")
        assert origin_of(file["entry"]) == "measured"


def test_words() -> None:
    assert says_simulated(" SIMULATED by hand")
    assert not says_simulated("unsimulated")
    assert not says_simulated("simulatedness")
    assert not says_simulated(None)
