"""A scan of spectra in an HDF5 file as a data set, from the index that its reader wrote.

The reader of each layout says where things lie; the rest is alike for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from consilience.hdf5_files import check_dataset, damaged, linked_files, open_hdf5
from consilience_xrf.files.lazy import CubeArray, lazy_variable
from consilience_xrf.files.scan_grid import Grid, grid_of_plane, grid_of_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience.model.base import Json

__all__ = ["arranged", "cube_dataset", "grid_of", "list_grid", "open_cube"]


def open_cube(path: Path, companions: Mapping[str, Path], lazy: Mapping[str, Json]) -> xr.Dataset:
    """Open what a reader indexed; the spectra are read when they are asked for.

    Parameters
    ----------
    path : Path
    companions : mapping
        None are used.
    lazy : mapping
        As the reader wrote it: signal, roles, lead, y, x, first, detector, energy, points.
    """
    del companions
    linked_files(path)
    file = open_hdf5(path)
    try:
        with damaged(path):
            data, _ = cube_dataset(file, path, lazy)
    except BaseException:
        file.close()
        raise
    data.set_close(file.close)
    return data


def _values(file: Any, path: Path, where: str, row: int | None = None) -> NDArray[np.float64]:
    """Values of a small data set, or of one of its planes."""
    data = file[where]
    check_dataset(data, path)
    return np.asarray(data[()] if row is None else data[row], dtype=np.float64)


def grid_of(file: Any, path: Path, index: Mapping[str, Any]) -> tuple[list[str], Grid | None]:
    """Roles of the dimensions with the directions put right, and the grid of the scan."""
    roles = list(index["roles"])
    shape = tuple(int(n) for n in file[index["signal"]].shape)
    place: dict[str, NDArray[np.float64] | None] = {"y": None, "x": None}
    for name in ("y", "x"):
        if index[name] is not None:
            values = _values(file, path, index[name]["path"]) * index[name]["factor"]
            place[name] = values[0] if values.ndim == 3 else values
    if "point" in roles:
        return roles, list_grid(shape[roles.index("point")], place["y"], place["x"])
    if "y" not in roles:
        return roles, None
    at = sorted((roles.index("y"), roles.index("x")))
    grid = grid_of_plane(
        (shape[at[0]], shape[at[1]]),
        place["y"],
        place["x"],
        (roles[at[0]], roles[at[1]]),
        bool(index["first"]),
    )
    roles[at[0]], roles[at[1]] = ("x", "y") if grid.transposed else ("y", "x")
    return roles, grid


def list_grid(n: int, y: NDArray[np.float64] | None, x: NDArray[np.float64] | None) -> Grid:
    """The grid of a scan that is stored as a list; one row where it is none."""
    if y is not None and x is not None and y.size == n and x.size == n:
        grid = grid_of_points(y.ravel(), x.ravel())
        if grid is not None:
            return grid
    row = np.arange(n, dtype=np.int64)[None, :]
    said = [
        (
            "no-grid",
            (
                f"the {n} points of the scan lie on no grid of rows and columns; they are kept as "
                "one row in the order they were measured"
            ),
            "",
        )
    ]
    if y is not None and x is not None and y.size == n and x.size == n:
        return Grid((1, n), order=row, places=(y.reshape(1, n), x.reshape(1, n)), said=said)
    line = x if x is not None and x.size == n else y if y is not None and y.size == n else None
    steps = np.diff(line.ravel()) if line is not None else np.zeros(0)
    if line is not None and ((steps > 0).all() or (steps < 0).all()):
        return Grid((1, n), x=line.ravel(), order=row)
    return Grid((1, n), order=row, said=said if line is not None else [])


def cube_dataset(file: Any, path: Path, index: Mapping[str, Any]) -> tuple[xr.Dataset, Grid | None]:
    """The scan as a data set with lazily indexed counts, and the grid it was put on."""
    source = file[index["signal"]]
    check_dataset(source, path)
    roles, grid = grid_of(file, path, index)
    array = CubeArray(source, path, roles, grid, index["detector"])
    leads = [entry["name"] for entry in index["lead"]]
    dims = [*leads, *(("y", "x") if grid is not None else ()), "channel"]
    channel = np.arange(array.shape[-1], dtype=np.float64)
    data = xr.Dataset(
        coords={"channel": ("channel", channel, {"units": "1", "long_name": "channel"})}
    )
    energy = index["energy"]
    if energy is not None:
        values = (
            energy["zero"] + energy["gain"] * channel
            if energy["path"] is None
            else _values(file, path, energy["path"]).ravel() * energy["factor"]
        )
        about = {"units": "keV", "long_name": "energy", "source": energy["source"]}
        data = data.assign_coords(energy=("channel", values, about))
    for entry in index["lead"]:
        if entry["path"] is not None:
            values = _values(file, path, entry["path"]).ravel()
            data = data.assign_coords(
                {entry["name"]: (entry["name"], values, {"units": entry["unit"]})}
            )
    if grid is not None:
        data = _with_places(data, grid, index)
        for point in index["points"]:
            values = _values(file, path, point["path"], point.get("row")) * point["factor"]
            about = {"units": point["unit"], "source": point["path"]}
            if not np.isfinite(values).all():
                values = np.where(np.isfinite(values), values, np.nan)
                about["missing"] = "not a finite number in the file"
            data[point["name"]] = (dims[:-1], arranged(values, roles, grid), about)
    data["counts"] = lazy_variable(array, dims, {"units": "count", "long_name": "counts"})
    return data, grid


def _with_places(data: xr.Dataset, grid: Grid, index: Mapping[str, Any]) -> xr.Dataset:
    for name, axis in (("y", grid.y), ("x", grid.x)):
        if axis is not None and index[name] is not None:
            data = data.assign_coords({name: (name, axis, {"units": index[name]["unit"]})})
    if grid.places is not None:
        for name, plane in zip(("y", "x"), grid.places, strict=True):
            data[f"{name}_position"] = (("y", "x"), plane, {"units": index[name]["unit"]})
    if grid.order is not None and (grid.order < 0).any():
        there = (grid.order >= 0).astype(np.uint8)
        data["measured"] = (("y", "x"), there, {"units": "1", "long_name": "1 where measured"})
    return data


def arranged(values: NDArray[np.float64], roles: list[str], grid: Grid) -> NDArray[np.float64]:
    """Values of each point as stored, (scan…) or (scan…, detector), on the grid (lead…, y, x).

    Those of a detector's elements are averaged.
    """
    scan = [r for r in roles if r not in ("channel", "detector")]
    if values.ndim == len(scan) + 1:
        values = values.mean(axis=-1)
    lead = [i for i, r in enumerate(scan) if r == "lead"]
    rest = [i for i, r in enumerate(scan) if r != "lead"]
    values = values.transpose([*lead, *rest])
    outer = values.shape[: len(lead)]
    flat = values.reshape(-1, *values.shape[len(lead) :])
    made = np.stack([np.asarray(grid.arrange(plane)) for plane in flat])
    return made.reshape(*outer, *grid.shape).astype(np.float64)
