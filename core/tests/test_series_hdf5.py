"""Logs in HDF5: one length, numbers, and nothing from outside the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

from consilience.errors import BadFileError, BadInputError
from consilience.series import SeriesMapping
from consilience.series.importing import Imported, import_log
from consilience.store.zarr_reading import open_zarr

MAPPING: dict[str, Any] = {
    "gap": "60 s",
    "time": {"column": "log/t", "unit": "min", "start": "2026-03-01T10:00:00Z"},
    "columns": {"temperature": {"column": "log/T", "unit": "degC"}},
}


def read(path: Path, plan: dict[str, Any], **sizes: int) -> tuple[Imported, xr.Dataset]:
    folder = path.with_name("array")
    found = import_log(path, path, SeriesMapping.model_validate(plan), folder, **sizes)
    return found, open_zarr(folder, [p.parent.name for p in folder.glob("*/zarr.json")]).load()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "log.h5", "w") as file:
        file["log/t"] = np.arange(10) / 2.0
        file["log/T"] = np.linspace(-190, -181, 10).astype("f4")
        file["log/ok"] = np.array([1] * 9 + [0], "i1")
        file["log/when"] = [f"2026-03-01T10:00:0{i}Z".encode() for i in range(10)]
        file["log/short"] = np.zeros(9)
        file["log/square"] = np.zeros((10, 10))
        file["log/p"] = np.full((10, 1), 1e-9)
        file["log/p"].attrs["units"] = "mbar"
        file["log/elsewhere"] = h5py.ExternalLink("other.h5", "/T")
    return tmp_path / "log.h5"


def with_column(column: str, unit: str | None = "K", **more: Any) -> dict[str, Any]:
    return {**MAPPING, "columns": {"temperature": {"column": column, "unit": unit, **more}}}


@pytest.mark.parametrize("rows", [3, 10, 1000])
def test_columns_are_read_in_pieces_and_converted(path: Path, rows: int) -> None:
    found, data = read(path, MAPPING, piece_rows=rows, block_rows=4)
    assert (found.rows, found.start) == (10, "2026-03-01T10:00:00+00:00")
    np.testing.assert_allclose(data["time"], np.arange(10) * 30.0)
    np.testing.assert_allclose(data["temperature"], np.linspace(83.15, 92.15, 10), atol=1e-4)


def test_the_unit_may_stand_in_the_file(path: Path) -> None:
    plan = {**MAPPING, "columns": {"pressure": {"column": "log/p"}}}
    found, data = read(path, plan)
    assert found.units == {"pressure": "Pa"}
    np.testing.assert_allclose(data["pressure"], 1e-7)


def test_a_unit_that_the_file_contradicts_is_refused(path: Path) -> None:
    plan = {**MAPPING, "columns": {"pressure": {"column": "log/p", "unit": "Pa"}}}
    with pytest.raises(BadInputError, match="states 'mbar' for 'pressure', the mapping 'Pa'"):
        read(path, plan)


def test_a_status_beside_the_readings_counts(path: Path) -> None:
    plan = with_column("log/T", "degC", status={"column": "log/ok", "good": ["1"]})
    found, data = read(path, plan)
    assert np.flatnonzero(np.isnan(data["temperature"])).tolist() == [9]
    assert "1 of 10 readings do not count" in " ".join(found.problems)


def test_times_may_be_text(path: Path) -> None:
    _, data = read(path, {**MAPPING, "time": {"column": "log/when"}})
    np.testing.assert_allclose(data["time"], np.arange(10))


@pytest.mark.parametrize(
    ("plan", "error", "says"),
    [
        (with_column("log/X"), BadInputError, "has no data set 'log/X'"),
        (with_column("log"), BadInputError, "has no data set 'log'"),
        (with_column("log/T/deeper"), BadInputError, "has no data set 'log/T/deeper'"),
        (with_column("log/elsewhere"), BadInputError, "has no data set 'log/elsewhere'"),
        (with_column("log/short"), BadFileError, "different lengths: '/log/short' 9, '/log/t' 10"),
        (with_column("log/square"), BadFileError, r"has the shape \(10, 10\)"),
        (with_column("log/when"), BadFileError, "holds no numbers"),
        (with_column("log/T", None), BadInputError, "stated neither by the mapping nor by"),
        ({**MAPPING, "notes": "n"}, BadInputError, "notes, rows of units"),
        (with_column("log/T", missing=["x"]), BadInputError, "texts for missing readings"),
    ],
)
def test_what_does_not_fit_is_refused(
    path: Path, plan: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        read(path, plan)


def test_a_truncated_file_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(BadFileError, match="cannot be read as HDF5"):
        read(path, MAPPING)


def test_a_virtual_data_set_is_refused(path: Path) -> None:
    with h5py.File(path, "a") as file:
        layout = h5py.VirtualLayout((10,), "f8")
        layout[:] = h5py.VirtualSource("other.h5", "T", (10,))
        file.create_virtual_dataset("log/virtual", layout)
    with pytest.raises(BadInputError, match="lie in another file"):
        read(path, with_column("log/virtual"))


def test_a_huge_chunk_is_refused(path: Path) -> None:
    with h5py.File(path, "a") as file:
        file.create_dataset("log/huge", (10,), "f8", chunks=(1 << 26,), maxshape=(None,))
    with pytest.raises(BadFileError, match="a chunk of 'log/huge' holds 537 MB"):
        read(path, with_column("log/huge"))
