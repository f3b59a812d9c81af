"""Large arrays stay in the file: the same values as read whole, in little memory."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from consilience import Study
from consilience.errors import BadFileError
from consilience_eels.files import microscope_files
from consilience_eels.files.bridge import to_hyperspy
from consilience_eels.files.checks import check_edx, check_spectrum
from consilience_eels.files.lazy import Place, StoredArray, open_microscope
from consilience_eels.files.microscope_files import read_microscope
from consilience_eels.library import write_hspy

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

STAYS = {
    "EELS_SI.dm4": 1,
    "EELS_STO.dm3": 1,
    "EDS_TEM_FePt_nanoparticles.hspy": 1,
    "example_velox_EELS_EDS.emd": 17,
}
"""Signals of each file whose array lies there as it is; streams of X-rays do not."""


def axes(*shape: int) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = [
        {"name": n, "size": s, "navigate": True, "offset": 0.0, "scale": 2.0, "units": "nm"}
        for n, s in zip("yx", shape[:-1], strict=False)
    ]
    energy = {"name": "E", "navigate": False, "offset": -5.0, "scale": 0.5, "units": "eV"}
    return [*made, {**energy, "size": shape[-1], "is_binned": True}]


METADATA = {
    "General": {"title": "cube", "notes": "origin: simulated"},
    "Signal": {"signal_type": "EELS", "quantity": "Electrons (Counts)"},
}


@pytest.mark.data
@pytest.mark.parametrize("name", list(STAYS))
def test_values_and_metadata_are_those_of_the_file_read_whole(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = shared_data / "eels_edx" / name
    whole = read_microscope(path, {}, {})
    monkeypatch.setattr(microscope_files, "LAZY_BYTES", 1)
    kept = read_microscope(path, {}, {})
    assert sum(s.data is None for s in kept) == STAYS[name]
    for a, b in zip(whole, kept, strict=True):
        assert a.data is not None
        assert (a.metadata, a.raw_metadata, a.exposures) == (
            b.metadata,
            b.raw_metadata,
            b.exposures,
        )
        if b.data is not None:
            assert a.data.identical(b.data)
            continue
        lazy = json.loads(json.dumps(dict(b.lazy or {})))
        with open_microscope(path, {}, lazy) as data:
            assert b.summary is not None
            (variable,) = data.data_vars
            assert data[variable].variable._in_memory is False
            assert list(b.summary.variables[str(variable)].shape) == list(data[variable].shape)
            part = data[variable][..., 3:1:-1].values
            np.testing.assert_array_equal(part, a.data[variable].values[..., 3:1:-1])
            assert a.data.identical(data.load())
        check = {"eels": check_spectrum, "edx": check_edx}.get(a.modality, lambda _: [])
        own = {n.message for n in b.notices} - {n.message for n in a.notices}
        assert {n.message for n in check(a)} == own


def test_memory_of_a_large_file_is_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cube.hspy"
    values = np.random.default_rng(1).poisson(50.0, (64, 64, 2048)).astype(np.uint16)
    write_hspy(path, values, axes(64, 64, 2048), METADATA)
    monkeypatch.setattr(microscope_files, "LAZY_BYTES", values.nbytes)
    read_microscope(path, {}, {})  # imports
    tracemalloc.start()
    (signal,) = read_microscope(path, {}, {})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert signal.data is None
    assert peak < 1.2 * values.nbytes, f"{peak / values.nbytes:.1f} times the cube"
    tracemalloc.start()
    with open_microscope(path, {}, dict(signal.lazy or {})) as data:
        assert data["counts"][3, 4].values.tolist() == values[3, 4].tolist()
        _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.2 * values.nbytes


def test_through_a_study_and_back_to_hyperspy(tmp_path: Path) -> None:
    """64 MiB and a little more: it stays in the file, and analyses read it from there."""
    shape = (96, 96, 1832)
    path = tmp_path / "cube.hspy"
    values = np.zeros(shape, np.float32)
    values[..., 10] = 5e4
    values[..., 60] = 1e4
    write_hspy(path, values, axes(*shape), METADATA)
    with Study.create(tmp_path / "study") as study:
        study.add_sample("lamella")
        study.add(path, "lamella")
        (measurement,) = study.measurements()
        assert measurement.record.lazy is not None
        assert measurement.record.array is None
        assert float(measurement.data["counts"][0, 0, 60]) == 1e4
        study.analyse(["eels.thickness"], params={"threshold": 8.0})
        (found,) = study.findings("t_over_lambda")
        assert found.value == pytest.approx(np.log(1.2))
        signal = to_hyperspy(measurement)
        assert signal.data.dtype == np.float32
        assert signal.metadata.General.title == "cube"


def test_negative_and_infinite_values_are_seen_without_loading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(microscope_files, "LAZY_BYTES", 1)
    path = tmp_path / "cube.hspy"
    values = np.random.default_rng(1).poisson(50.0, (4, 4, 400)).astype(np.float32)
    values[0, 0, :3] = -7.0
    values[1, 1, 5] = np.nan
    write_hspy(path, values, axes(4, 4, 400), METADATA)
    (signal,) = read_microscope(path, {}, {})
    assert signal.data is None
    messages = {n.code: n.message for n in signal.notices}
    assert messages["negative-counts"] == "3 of 6400 values are negative, lowest -7"
    with open_microscope(path, {}, dict(signal.lazy or {})) as data:
        assert "missing" in data["counts"].attrs
    values[1, 1, 6] = np.inf
    write_hspy(path, values, axes(4, 4, 400), METADATA)
    with pytest.raises(BadFileError, match="holds infinite values"):
        read_microscope(path, {}, {})


def test_file_that_was_cut_since_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "flat.bin"
    path.write_bytes(bytes(100))
    place = Place("flat", (5, 10), "<f4", (1, 0))
    with pytest.raises(BadFileError, match="has 100 bytes, its array ends at 200") as caught:
        StoredArray(path, place)
    assert caught.value.offset == 100
    with h5py.File(tmp_path / "a.hspy", "w") as file:
        file.create_dataset("other", data=np.ones(3))
    lazy = {
        "place": Place("hdf5", (3,), "<f8", (0,), name="/data").to_json(),
        "variable": "counts",
        "dims": ["energy_loss"],
        "attrs": {},
        "coordinates": {},
        "texts": {},
    }
    with pytest.raises(BadFileError, match="cannot be opened"):
        open_microscope(tmp_path / "a.hspy", {}, lazy)
