"""Element maps of one measurement on their grid, with what each point was exposed to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["POINT", "ElementMap", "MapSet", "map_sets"]

Array = NDArray[np.float64]
POINT = ("monitor", "dwell", "live_time", "real_time", "dead_time")
"""What a measurement may know of each point."""


@dataclass(frozen=True)
class ElementMap:
    """One line of one element over a scan.

    Attributes
    ----------
    values, std : ndarray, shape (ny, nx)
        NaN where nothing was measured; `std` None where it is not known.
    unit : str
    std_from : str
        Where the standard deviation comes from: "file", "fit", "counting" or nothing.
    """

    element: str
    line: str
    values: Array
    std: Array | None
    unit: str
    std_from: str = ""

    @property
    def name(self) -> str:
        """As ``Pt_La``."""
        return f"{self.element}_{self.line}" if self.line else self.element


@dataclass(frozen=True)
class MapSet:
    """All element maps of one scan.

    Attributes
    ----------
    maps : dict
        By name, such as ``Pt_La``.
    x, y : ndarray, shapes (nx,) and (ny,)
        Centres of the points, in `unit`; numbers of the points where `unit` is ``"1"``.
    point : dict
        `monitor`, `dwell`, … where known, each of shape (ny, nx), with `point_unit`.
    label : str
        Which frame of the measurement, where it has several; else empty.
    """

    maps: dict[str, ElementMap]
    x: Array
    y: Array
    unit: str
    point: dict[str, Array] = field(default_factory=dict)
    point_unit: dict[str, str] = field(default_factory=dict)
    label: str = ""
    dims: tuple[str, str] = ("y", "x")

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.y.size, self.x.size

    @property
    def step(self) -> tuple[float, float]:
        """Distance of neighbours along y and x; 1 where there is one row or column."""
        made = [abs(float(c[-1] - c[0])) / (c.size - 1) if c.size > 1 else 0.0 for c in
                (self.y, self.x)]  # fmt: skip
        widest = max(made) or 1.0
        return made[0] or widest, made[1] or widest


def map_sets(data: xr.Dataset, *, counting: bool = True) -> list[MapSet]:
    """Return the element maps of a data set: one set for each frame of what lies over (y, x).

    Parameters
    ----------
    data : xarray.Dataset
        Variables with ``attrs["element"]`` and ``attrs["line"]`` are maps; ``<name>_std`` is their
        standard deviation, ``measured`` is 0 where the scan has no value.
    counting : bool
        Take √N, at least 1, of maps in counts without a standard deviation: the least it can be.

    Raises
    ------
    BadInputError
        No variable is an element map, or maps lie over less than a line.
    """
    named = {str(n): v for n, v in data.data_vars.items() if v.attrs.get("element")}
    named = {n: v for n, v in named.items() if not n.endswith("_std")}
    if not named:
        raise BadInputError(
            "no variable is the map of an element",
            fix="register element maps, or fit the spectra with xrf.elements",
        )
    first = next(iter(named.values()))
    dims = [str(d) for d in first.dims]
    if not dims:
        raise BadInputError(
            "the intensities of elements lie over no scan", fix="give a scan of a line or an area"
        )
    across = dims[-1]
    down = dims[-2] if len(dims) > 1 else ""
    frames = dims[:-2]
    axes = [_axis(data, d, int(first.sizes[d]) if d else 1) for d in (down, across)]
    units = {unit for _, unit in axes if unit}
    unit = units.pop() if len(units) == 1 else "1"
    found = []
    for label, where in _frames(first, frames):
        plane = dict(where)
        maps: dict[str, ElementMap] = {}
        for name, variable in named.items():
            if [str(d) for d in variable.dims] != dims:
                continue
            one = _map(data, name, variable, plane, counting=counting)
            maps[one.name if one.name not in maps else name] = one
        point, point_unit = _points(data, plane, dims[-2:], maps)
        found.append(
            MapSet(
                maps,
                axes[1][0],
                axes[0][0],
                unit,
                point,
                point_unit,
                label,
                (down or "y", across),
            )
        )
    return found


def _axis(data: xr.Dataset, name: str, size: int) -> tuple[Array, str]:
    if not name:
        return np.zeros(1), ""
    if name in data.coords and data[name].dims == (name,):
        values = np.asarray(data[name].values, dtype=np.float64)
        return values, str(data[name].attrs.get("units", "1"))
    return np.arange(size, dtype=np.float64), "1"


def _frames(array: xr.DataArray, names: list[str]) -> Iterator[tuple[str, dict[str, int]]]:
    shape = tuple(int(array.sizes[n]) for n in names)
    for index in np.ndindex(*shape):
        said = []
        for name, i in zip(names, index, strict=True):
            at = f"{float(array[name].values[i]):.6g}" if name in array.coords else str(i)
            said.append(f"{name} {at}")
        yield ", ".join(said), dict(zip(names, (int(i) for i in index), strict=True))


def _plane(variable: xr.DataArray, where: dict[str, int]) -> Array:
    some: dict[Any, int] = {d: i for d, i in where.items() if d in variable.dims}
    return np.atleast_2d(np.asarray(variable.isel(some).values, dtype=np.float64))


def _map(
    data: xr.Dataset, name: str, variable: xr.DataArray, where: dict[str, int], *, counting: bool
) -> ElementMap:
    # unbiased, and negative in places: what means and sums take
    free = f"{name}_unbounded"
    values = _plane(data.get(free, variable), where)
    unit = str(variable.attrs.get("units", "1"))
    std: Array | None = None
    source = ""
    if f"{name}_std" in data:
        std = _plane(data[f"{name}_std"], where)
        source = "fit" if free in data else str(variable.attrs.get("std_from", "file"))
    elif unit == "count" and counting:
        std, source = np.sqrt(np.clip(values, 1.0, None)), "counting"
    if "measured" in data:
        seen = _plane(data["measured"], where) > 0
        values = np.where(seen, values, np.nan)
        std = None if std is None else np.where(seen, std, np.nan)
    line = str(variable.attrs.get("line", ""))
    return ElementMap(str(variable.attrs["element"]), line, values, std, unit, source)


def _points(
    data: xr.Dataset, where: dict[str, int], plane: list[str], maps: dict[str, ElementMap]
) -> tuple[dict[str, Array], dict[str, str]]:
    shape = next(iter(maps.values())).values.shape
    values: dict[str, Array] = {}
    units: dict[str, str] = {}
    for name in POINT:
        if name not in data:
            continue
        variable = data[name]
        if not set(map(str, variable.dims)) <= {*where, *plane}:
            continue
        one = _plane(variable, where)
        along = [str(d) for d in variable.dims if str(d) not in where]
        if len(plane) == 2 and along == plane[:1]:
            one = one.T  # one value for each row
        values[name] = np.broadcast_to(one, shape).astype(np.float64)
        units[name] = str(variable.attrs.get("units", "1"))
    return values, units
