"""Element maps that another program made, put on the grid of their scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from consilience.model.measurement import Notice, Signal
from consilience_xrf.files.common import beam_of, place_index, same_unit, start_of
from consilience_xrf.files.cube import arranged
from consilience_xrf.files.map_names import MapName, plain_name
from consilience_xrf.files.nexus_facts import point_data
from consilience_xrf.files.nexus_find import direction
from consilience_xrf.files.scan_grid import Grid, grid_of_plane, grid_of_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience.model.base import Origin

__all__ = ["StoredMap", "map_dataset", "map_signal"]


@dataclass(frozen=True)
class StoredMap:
    """A map of a file: its own name, what it shows (None: no element), values, errors, unit."""

    label: str
    known: MapName | None
    data: Any
    errors: Any
    unit: str


def map_signal(
    *,
    name: str,
    entry: Any,
    maps: list[StoredMap],
    places: dict[str, Any],
    names: tuple[str, ...],
    length: str | None,
    beam: tuple[float | None, str],
    facts: dict[str, Any],
    said: list[Notice],
    origin: Origin,
) -> Signal:
    """The maps of one group of a NeXus file as a signal."""
    shape = _common_shape(maps, said)
    units = {k: place_index(places.get(k), k, length, said) for k in ("y", "x")}
    same_unit(units)
    stored: dict[str, NDArray[np.float64] | None] = {"y": None, "x": None}
    for way, unit in units.items():
        if unit is not None:
            stored[way] = np.asarray(places[way][()], dtype=np.float64) * unit["factor"]
    ways = tuple(direction(n) or n for n in names[: len(shape)])
    grid, roles = _grid(shape, stored["y"], stored["x"], ways)
    said += [Notice(code=c, message=m, fix=f) for c, m, f in grid.said]
    each, whole, lost = point_data(entry, shape, 1)
    said += [Notice(code=c, message=m, severity="info") for c, m in lost]
    points = {
        p.name: (
            np.asarray(entry.file[p.path][()], dtype=np.float64) * p.factor,
            {"units": p.unit, "source": p.path},
        )
        for p in each
    }
    metadata: dict[str, Any] = {k: v for k, v in facts.items() if k != "start_time"}
    metadata |= {k: {"value": v, "unit": u} for k, (v, u) in whole.items()}
    incident, where = beam
    if incident is not None:
        metadata["incident_energy"] = {"value": incident, "unit": "keV", "from": where}
    data = map_dataset(
        [m for m in maps if tuple(m.data.shape) == shape],
        grid,
        roles,
        {k: u["unit"] for k, u in units.items() if u is not None},
        points,
        said,
    )
    return Signal(
        name=name,
        modality="xrf_map",
        data=data,
        metadata=metadata,
        raw_metadata={"group": name, "maps": [m.label for m in maps]},
        notices=said,
        exposures=beam_of(incident, origin),
        origin=origin,
        start=start_of(facts.get("start_time")),
    )


def _common_shape(maps: list[StoredMap], said: list[Notice]) -> tuple[int, ...]:
    """The shape that most maps have; others are left out."""
    shapes = [tuple(int(n) for n in m.data.shape) for m in maps]
    shape = max(set(shapes), key=lambda s: (shapes.count(s), s))
    odd = [m.label for m, s in zip(maps, shapes, strict=True) if s != shape]
    if odd:
        said.append(
            Notice(
                code="maps-of-other-shape",
                message=f"{', '.join(odd)} have another shape than {shape} and are left out",
            )
        )
    return shape


def _grid(
    shape: tuple[int, ...],
    y: NDArray[np.float64] | None,
    x: NDArray[np.float64] | None,
    names: tuple[str, ...],
) -> tuple[Grid, list[str]]:
    """The grid of maps of this shape, and the roles of their dimensions."""
    if len(shape) == 1:
        grid = grid_of_points(y, x) if y is not None and x is not None else None
        if grid is None:
            row = np.arange(shape[0], dtype=np.int64)[None, :]
            grid = Grid((1, shape[0]), order=row)
        return grid, ["point"]
    named = ("x", "y") if names[-2:] == ("x", "y") else ("y", "x")
    y, x = (p[0] if p is not None and p.ndim == 3 else p for p in (y, x))
    grid = grid_of_plane((shape[-2], shape[-1]), y, x, named)
    inner = ["x", "y"] if grid.transposed else ["y", "x"]
    return grid, [*(["lead"] * (len(shape) - 2)), *inner]


def map_dataset(
    maps: list[StoredMap],
    grid: Grid,
    roles: list[str],
    units: dict[str, str],
    points: dict[str, tuple[NDArray[np.float64], dict[str, Any]]],
    said: list[Notice],
) -> xr.Dataset:
    """Maps on their grid, with ``measured``; whole counts without errors get √N (1 for none).

    Parameters
    ----------
    units : dict
        Of the positions y and x that are known.
    points : dict
        Values of each point as stored, with their attributes.
    said : list of Notice
        Values below zero and values that are not finite are added.
    """
    leads = [f"direction_{i}" for i, r in enumerate(roles) if r == "lead"]
    dims = [*leads, "y", "x"]
    data = xr.Dataset()
    for name, axis in (("y", grid.y), ("x", grid.x)):
        if axis is not None and name in units:
            data = data.assign_coords({name: (name, axis, {"units": units[name]})})
    if grid.places is not None and {"x", "y"} <= set(units):
        for name, plane in zip(("y", "x"), grid.places, strict=True):
            data[f"{name}_position"] = (("y", "x"), plane, {"units": units[name]})
    missing = np.ones(grid.shape, dtype=bool) if grid.order is None else grid.order >= 0
    about = {"units": "1", "long_name": "1 where measured"}
    data["measured"] = (("y", "x"), missing.astype(np.uint8), about)
    for stored in maps:
        _add_map(data, stored, dims, roles, grid, said)
    for name, (given, attrs) in points.items():
        values = np.where(np.isfinite(given), given, np.nan)
        if not np.isfinite(given).all():
            attrs["missing"] = "not a finite number in the file"
        data[name] = (dims, arranged(values, roles, grid), attrs)
    return data


def _add_map(
    data: xr.Dataset,
    stored: StoredMap,
    dims: list[str],
    roles: list[str],
    grid: Grid,
    said: list[Notice],
) -> None:
    values = arranged(np.asarray(stored.data, dtype=np.float64), roles, grid)
    name = plain_name(stored.label) if stored.known is None else stored.known.name
    while name in data.variables:
        name += "_again"
    attrs: dict[str, Any] = {"units": stored.unit, "long_name": stored.label}
    if stored.known is not None:
        attrs |= {"element": stored.known.element, "line": stored.known.line}
    lost = int(np.count_nonzero(~np.isfinite(values)))
    below = int(np.count_nonzero(values < 0))
    if lost:
        values = np.where(np.isfinite(values), values, np.nan)
        attrs["missing"] = "not a finite number in the file"
        said.append(
            Notice(
                code="map-not-finite",
                message=f"{stored.label}: {lost} of {values.size} values are not finite",
            )
        )
    if below and stored.unit == "count" and stored.known is not None:
        said.append(
            Notice(
                code="negative-counts",
                message=f"{stored.label}: {below} of {values.size} values are below zero, the "
                f"least {np.nanmin(values):g}: a background was subtracted",
            )
        )
    std = None
    if stored.errors is not None:
        std = arranged(np.asarray(stored.errors, dtype=np.float64), roles, grid)
        std = np.where(np.isfinite(std) & (std >= 0), std, np.nan)
        attrs["std_from"] = "file"
    elif stored.unit == "count" and not below and not lost and (values == np.round(values)).all():
        std = np.sqrt(np.maximum(values, 1.0))
        attrs["std_from"] = "poisson"
    if std is not None:
        attrs["ancillary_variables"] = f"{name}_std"
    data[name] = (dims, values, attrs)
    if std is not None:
        about: dict[str, Any] = {"units": stored.unit}
        if not np.isfinite(std).all():
            about["missing"] = "no standard deviation in the file"
        data[f"{name}_std"] = (dims, std, about)
