"""Two maps of one area: do they go together?

A map finding names its data set by ``array`` and the variable in it by ``evidence["variable"]``
(with ``evidence["variable_std"]`` where the errors of its points are known); the variable's last
two dimensions are the map's, with coordinates in the frame of the finding's region.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from consilience.compare.context import ComparisonContext
from consilience.compare.maps.correlation import FEWEST, correlate
from consilience.compare.maps.judging import Words, about_one_thing, judged
from consilience.compare.maps.orientation import (
    MIRRORS,
    BetterOrientation,
    better_orientation,
    exchanged,
    orientations,
)
from consilience.errors import BadInputError
from consilience.model.finding import Finding
from consilience.model.verdict import Verdict
from consilience.quantities import convert

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["KEY", "Map", "better_placed", "compare", "on_grid", "read_map"]

KEY = "core.maps"
NEAR = 0.25
"""Of a step: grids whose points lie this close are one grid."""
WORDS = Words(
    key=KEY,
    what="map",
    laid_wrong="one may have been put down along the wrong axes, or lie elsewhere",
    settle_orientation=(
        "which axis of each scan was the fast one, which way both run in the frame, and a "
        "landmark that both maps show"
    ),
    resampled="the second was interpolated to the points of the first",
)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Map:
    """Values over two axes, rows first; a profile has one row.

    Parameters
    ----------
    values, std : ndarray, shape (ny, nx)
    y, x : ndarray
        Positions; one of 0 for a profile.
    units : (str, str)
        Of y and x.
    unit : str
        Of the values.
    """

    values: Array
    std: Array | None
    y: Array
    x: Array
    units: tuple[str, str]
    unit: str = ""


def compare(first: Finding, second: Finding, context: ComparisonContext) -> Verdict | None:
    """Compare the maps of two findings point by point.

    *Consistent*: they go together more than two maps of their smoothness would by chance.
    *Disagree*: maps of one subject exclude each other.  *Undecided* if they go together
    significantly better when one of them is mirrored or its rows and columns are exchanged.  Never
    *agree*: two maps in different units can vary together and yet not be equal.  Maps without one
    frame and unit, or of different volumes, are *not comparable*.
    """
    if not about_one_thing(first, second):
        return None
    a, b = context.name(first), context.name(second)
    if context.relation(first, second) != "same":
        said = f"{a} and {b} mapped different pieces, whose place in each other is not known"
        return _cannot(first, second, said, "maps of one area")
    one, other = read_map(first, context), read_map(second, context)
    if isinstance(one, str):
        return _cannot(first, second, f"{a}: {one}")
    if isinstance(other, str):
        return _cannot(first, second, f"{b}: {other}")
    frames = [f.region.frame if f.region else "" for f in (first, second)]
    other = _in_units(other, one.units)
    if one.units != other.units or frames[0] != frames[1]:
        said = (
            f"{a} is in {_frame(frames[0], one)}, {b} in {_frame(frames[1], other)}: where the "
            "points of one lie in the other is not known"
        )
        settle = "one frame for both, or landmarks that both show"
        return _cannot(first, second, said, settle)
    resampled = on_grid(other, one)
    try:
        found = correlate(one.values, resampled.values, one.std, resampled.std)
    except ValueError as error:
        return _cannot(first, second, f"{a} and {b}: {error}")
    better = better_placed(one, other, resampled)
    moved = resampled is not other
    return judged(first, second, found, better, context, WORDS, resampled=moved)


def read_map(
    finding: Finding, context: ComparisonContext, *, lines: bool = False, what: str = "map"
) -> Map | str:
    """Return the map that a finding names, or why there is none.

    Parameters
    ----------
    finding : Finding
    context : ComparisonContext
    lines : bool
        A profile counts as a map of one row.
    what : str
        What is sought, in words.
    """
    name, std = finding.evidence.get("variable"), finding.evidence.get("variable_std")
    if finding.array is None or context.open_array is None or not isinstance(name, str):
        return f"it names no {what} that could be opened"
    data = context.open_array(finding.array)
    if name not in data or data[name].ndim < (1 if lines else 2):
        return f"its data hold no {what} {name!r}"
    chosen = _plane(data[name], finding.evidence)
    if isinstance(chosen, str):
        return chosen
    x = _axis(chosen, chosen.ndim - 1)
    y = _axis(chosen, 0) if chosen.ndim == 2 else (np.zeros(1), "" if x is None else x[1])
    if y is None or x is None:
        return "its axes have no positions"
    error: Array | None = None
    if isinstance(std, str) and std in data:
        plane = _plane(data[std], finding.evidence)
        error = None if isinstance(plane, str) else np.asarray(plane.values, dtype=np.float64)
    values = np.asarray(chosen.values, dtype=np.float64)
    unit = str(chosen.attrs.get("units", ""))
    shape = (y[0].size, x[0].size)
    error = None if error is None else error.reshape(shape)
    return Map(values.reshape(shape), error, y[0], x[0], (y[1], x[1]), unit)


def _plane(variable: xr.DataArray, evidence: Mapping[str, object]) -> xr.DataArray | str:
    """Return the map itself: further leading dimensions need the place that evidence names."""
    if variable.ndim <= 2:
        return variable
    at = evidence.get("variable_at")
    if variable.ndim == 3 and isinstance(at, int) and 0 <= at < variable.shape[0]:
        return variable[at]
    return f"{variable.name!r} has {variable.ndim} dimensions and no place in the first is named"


def _axis(plane: xr.DataArray, number: int) -> tuple[Array, str] | None:
    name = plane.dims[number]
    if name not in plane.coords:
        return None
    values = np.asarray(plane.coords[name].values, dtype=np.float64)
    rising = values.size > 1 and bool((np.diff(values) > 0).all() or (np.diff(values) < 0).all())
    if not rising or not np.isfinite(values).all():
        return None
    return values, str(plane.coords[name].attrs.get("units", ""))


def _in_units(found: Map, units: tuple[str, str]) -> Map:
    """Return a map with its positions in other units; as it is where those measure no length."""
    try:
        scale = [convert(1.0, own, to) for own, to in zip(found.units, units, strict=True)]
    except BadInputError:
        return found
    return replace(found, y=found.y * scale[0], x=found.x * scale[1], units=units)


def _frame(frame: str, found: Map) -> str:
    units = " and ".join(sorted({u or "no unit" for u in found.units}))
    return f"frame {frame!r} ({units})" if frame else f"no stated frame ({units})"


def on_grid(found: Map, grid: Map) -> Map:
    """Return a map on the points of another, by linear interpolation inside its own range."""
    from scipy.interpolate import RegularGridInterpolator

    if found.values.shape == grid.values.shape and all(
        np.abs(mine - its).max() <= NEAR * np.abs(np.diff(its)).min()
        for mine, its in ((found.y, grid.y), (found.x, grid.x))
    ):
        return found
    mesh = np.stack(np.meshgrid(grid.y, grid.x, indexing="ij"), axis=-1)

    def taken(values: Array) -> Array:
        up = [slice(None, None, -1) if axis[0] > axis[-1] else slice(None) for axis in axes]
        inner = RegularGridInterpolator(
            (axes[0][up[0]], axes[1][up[1]]),
            values[up[0], up[1]],
            bounds_error=False,
            fill_value=np.nan,
        )
        return np.asarray(inner(mesh), dtype=np.float64)

    axes = (found.y, found.x)
    std = None if found.std is None else taken(found.std)
    return Map(taken(found.values), std, grid.y, grid.x, grid.units)


def _placed_otherwise(found: Map, grid: Map, placed: Map) -> list[tuple[str, Array]]:
    """Return a map in other orientations, on the points of another.

    Turned on its own grid or on the other's, for either may be the one that is wrong; or its
    positions along x are those along y.
    """
    made = orientations(placed.values)
    if placed is not found:
        made += [
            (name, on_grid(replace(found, values=values, std=None), grid).values)
            for name, values in orientations(found.values)
        ]
    if found.units[0] == found.units[1]:
        for name, (y, x) in MIRRORS.items():
            turned = found.values.T[::y, ::x]
            swapped = replace(found, values=turned, std=None, y=found.x, x=found.y)
            made.append((exchanged(name), on_grid(swapped, grid).values))
    return made


def better_placed(one: Map, other: Map, placed: Map, *, seed: int = 0) -> BetterOrientation | None:
    """Ask whether two maps go together better if either lies otherwise.

    Each is turned on its own grid before it is interpolated.  What is left to chance, however, is
    the rest of the map that keeps its points.  Where the grids differ, both are asked about in
    turn: a coarse map has few independent points, and an order of points that was exchanged makes
    the fine one rough, which no chance of a coarse map shows.

    Parameters
    ----------
    one, other : Map
    placed : Map
        The other on the points of the first; itself if those are its own.
    seed : int
        Of the surrogates.

    Returns
    -------
    BetterOrientation or None
    """
    if placed is other:
        asked = [(one, other, placed)]
    else:
        asked = [(one, other, placed), (other, one, on_grid(one, other))]
    for number, (grid, found, moved) in enumerate(asked):
        if np.count_nonzero(np.isfinite(grid.values) & np.isfinite(moved.values)) < FEWEST:
            continue
        better = better_orientation(
            grid.values,
            moved.values,
            _placed_otherwise(found, grid, moved),
            seed=seed,
            asked=len(asked),
        )
        if better is not None:
            return replace(better, back=number > 0)
    return None


def _cannot(first: Finding, second: Finding, reason: str, settle: str = "") -> Verdict:
    return Verdict.between(KEY, first, second, "not_comparable", reason, settle=settle)
