"""What belongs to what in a volume: the body under a surface, fragments, the outside, pores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import generate_binary_structure, label

from consilience_compton.surface.heights import Side

__all__ = ["Connectivity", "Facing", "Parts", "density_map", "facing", "parts_of", "pores_by_depth"]

Connectivity = Literal[6, 26]
"""Voxels are joined by faces (6), or by faces, edges and corners (26)."""
SOLID_END, OUTER_END = 0.8, 0.2
"""Least and greatest share of solid on the two ends of a column for an interface to lie between."""


@dataclass(frozen=True)
class Facing:
    """Which way a surface faces, and how full the two ends of the volume are."""

    axis: int
    side: Side
    ends: tuple[float, float]

    @property
    def crosses(self) -> bool:
        """An interface lies between the ends: one is solid, the other is not."""
        return max(self.ends) >= SOLID_END and min(self.ends) <= OUTER_END


def facing(solid: NDArray[np.bool_], axis: int | None, side: Side | None) -> Facing:
    """Return which axis crosses the interface, and from which end one looks.

    Parameters
    ----------
    solid : ndarray of bool, shape (z, y, x)
    axis : int or None
        None: that along which the two ends differ most.
    side : {"high", "low"} or None
        None: the end with less solid.
    """
    axes = range(3) if axis is None else (axis,)
    ends = {
        a: (float(np.take(solid, 0, a).mean()), float(np.take(solid, -1, a).mean())) for a in axes
    }
    best = max(axes, key=lambda a: abs(ends[a][1] - ends[a][0]))
    low, high = ends[best]
    looked: Side = side if side is not None else ("high" if high <= low else "low")
    return Facing(best, looked, (low, high))


@dataclass(frozen=True)
class Parts:
    """Parts of a volume, as sets of voxels.

    Parameters
    ----------
    attached : ndarray of bool
        Solid that hangs together with the end that is solid: the body.
    outside : ndarray of bool
        Not solid, and joined to the end that one looks from; under overhangs, too.
    fragments : list of int
        Voxels of each piece of solid that is not attached, the largest first.
    pores : list of int
        Voxels of each piece of what is neither solid nor outside, the largest first.
    connectivity : {6, 26}
        Of the solid; what is not solid is joined the other way, so that no surface leaks.
    solid : ndarray of bool
        All solid without specks: small pieces are given to what surrounds them.
    specks : tuple of int
        Voxels of small pieces of solid, and of what is not solid.
    """

    attached: NDArray[np.bool_]
    outside: NDArray[np.bool_]
    fragments: list[int]
    pores: list[int]
    connectivity: Connectivity
    solid: NDArray[np.bool_]
    specks: tuple[int, int]


def parts_of(
    solid: NDArray[np.bool_],
    axis: int,
    side: Side,
    connectivity: Connectivity = 6,
    least: int = 1,
) -> Parts:
    """Find body, fragments, outside and pores.

    Parameters
    ----------
    solid : ndarray of bool, shape (z, y, x)
    axis, side
        As in `facing`.
    connectivity : {6, 26}
    least : int
        Pieces of fewer voxels are noise: neither fragments nor pores.
    """
    base = 0 if side == "high" else solid.shape[axis] - 1
    attached, small, fragments = _joined(solid, axis, base, connectivity, least)
    other: Connectivity = 26 if connectivity == 6 else 6
    open_end = solid.shape[axis] - 1 - base
    outside, tiny, pores = _joined(~solid, axis, open_end, other, least)
    specks = (int(np.count_nonzero(small)), int(np.count_nonzero(tiny)))
    if specks != (0, 0):
        # a speck belongs to what surrounds it
        attached, outside = attached | tiny, outside | small
    return Parts(attached, outside, fragments, pores, connectivity, (solid & ~small) | tiny, specks)


def _joined(
    mask: NDArray[np.bool_], axis: int, end: int, connectivity: Connectivity, least: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], list[int]]:
    """What is joined to one end of the volume, what is too small, and the sizes of the rest."""
    structure = generate_binary_structure(3, 1 if connectivity == 6 else 3)
    pieces, number = label(mask, structure)
    sizes = np.bincount(pieces.ravel(), minlength=number + 1)
    at_end = np.unique(np.take(pieces, end, axis))
    keep = np.zeros(number + 1, dtype=bool)
    keep[at_end] = True
    keep[0] = False
    small = ~keep & (sizes < least)
    small[0] = False
    rest = sizes[1:][~keep[1:] & ~small[1:]]
    return keep[pieces], small[pieces], sorted((int(n) for n in rest), reverse=True)


def pores_by_depth(
    solid: NDArray[np.bool_],
    outside: NDArray[np.bool_],
    axis: int,
    side: Side,
    heights: NDArray[np.float64],
    voxel: float,
    depth: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return pore voxels and all voxels of the body, by depth below the surface of each column.

    Parameters
    ----------
    solid, outside : ndarray of bool, shape (z, y, x)
    heights : ndarray of shape (rows, columns)
        Of the surface, counted from the far end; NaN where there is none.
    voxel : float
        Length of a voxel along the axis, in the unit of the heights.
    depth : int
        Voxels below the surface to look at.

    Returns
    -------
    pores, whole : ndarray of shape (depth, rows, columns)
        1 or 0: the first voxel is the one right under the surface.  What belongs to the outside
        (below an overhang) or lies beyond the volume counts in neither.
    """
    columns = np.moveaxis(solid, axis, 0)
    free = np.moveaxis(outside, axis, 0)
    if side == "low":
        columns, free = columns[::-1], free[::-1]
    there = np.isfinite(heights)
    # a height between voxels belongs to the voxel whose centre lies under it
    top = np.rint(np.where(there, heights / voxel, 0.0)).astype(np.int64) - 1
    at = top[None] - np.arange(depth)[:, None, None]
    known = there[None] & (at >= 0)
    safe = np.clip(at, 0, columns.shape[0] - 1)
    is_solid = np.take_along_axis(columns, safe, axis=0)
    is_free = np.take_along_axis(free, safe, axis=0)
    inside = known & ~is_free
    pores: NDArray[Any] = (inside & ~is_solid).astype(np.float64)
    return pores, inside.astype(np.float64)


def density_map(
    solid: NDArray[np.bool_],
    axis: int,
    side: Side,
    form: NDArray[np.float64],
    voxel: float,
    low: float,
    high: float,
) -> NDArray[np.float64]:
    """Return how full of solid each column is between two heights above the form.

    Parameters
    ----------
    solid : ndarray of bool, shape (z, y, x)
        Body and fragments.
    form : ndarray of shape (rows, columns)
        What was taken off the heights, counted from the far end.
    low, high : float
        Heights above the form that the layer lies between.

    Returns
    -------
    ndarray of shape (rows, columns)
        0 to 1; NaN where the layer leaves the volume.
    """
    columns = np.moveaxis(solid, axis, 0)
    columns = columns if side == "high" else columns[::-1]
    total = np.zeros((columns.shape[0] + 1, *columns.shape[1:]), dtype=np.float32)
    np.cumsum(columns, axis=0, out=total[1:])
    first, last = (form + low) / voxel, (form + high) / voxel

    def up_to(place: NDArray[np.float64]) -> NDArray[np.float64]:
        k = np.clip(np.floor(place).astype(np.int64), 0, columns.shape[0] - 1)
        below = np.take_along_axis(total, k[None], axis=0)[0]
        above = np.take_along_axis(total, k[None] + 1, axis=0)[0]
        return np.asarray(below + (place - k) * (above - below), dtype=np.float64)

    inside = (first >= 0) & (last <= columns.shape[0]) & (last > first)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(inside, (up_to(last) - up_to(first)) / (last - first), np.nan)
