"""The height of an interface in each column of a volume, and which columns have none.

A column runs along one axis of the volume.  It is looked at from one of its ends, and the height
is where the solid begins, in units of the axis, counted along it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["HeightMap", "Side", "edge_width", "from_grey", "from_labels", "otsu"]

Side = Literal["high", "low"]
"""End of the axis that one looks from: with "high" the surface faces larger coordinates."""


@dataclass(frozen=True)
class HeightMap:
    """Heights of an interface over two axes.

    Parameters
    ----------
    heights : ndarray of shape (rows, columns)
        Growing away from the solid; NaN where a column has no interface.
    step : tuple of float
        Distance of rows and of columns, in the unit of the heights.
    voxel : float
        Length of a voxel along the height.
    unit : str
        "um", or "1" for voxels.
    holes, buried, overhangs : ndarray of bool
        Columns without solid; columns of solid up to the end of the volume, whose surface lies
        outside; columns in which the outside is met again below the surface.
    sub_voxel : bool
        Heights between voxels were told from grey values.
    """

    heights: NDArray[np.float64]
    step: tuple[float, float]
    voxel: float
    unit: str
    holes: NDArray[np.bool_]
    buried: NDArray[np.bool_]
    overhangs: NDArray[np.bool_]
    sub_voxel: bool

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Columns that have no height."""
        return ~np.isfinite(self.heights)


def from_labels(
    solid: NDArray[np.bool_], axis: int, side: Side, voxel: tuple[float, float, float], unit: str
) -> HeightMap:
    """Return the height map of a segmented volume.

    Parameters
    ----------
    solid : ndarray of bool, shape (z, y, x)
        Where the phase under the interface is.
    axis : int
        0, 1 or 2: the axis across the interface.
    side : {"high", "low"}
    voxel : tuple of float
        Lengths along z, y, x in `unit`.

    Returns
    -------
    HeightMap
        Heights are those of the faces of voxels.  A column that is solid at the end that one
        looks from is `buried` and has no height.
    """
    columns = _facing(solid, axis, side)
    n = columns.shape[0]
    holes = np.asarray(~columns.any(axis=0))
    top = n - columns[::-1].argmax(axis=0)  # faces, counted from the far end
    buried = columns[-1] & ~holes
    heights = np.where(holes | buried, np.nan, top * voxel[axis])
    below = _crossings(columns)
    others = [v for i, v in enumerate(voxel) if i != axis]
    return HeightMap(
        heights,
        (others[0], others[1]),
        voxel[axis],
        unit,
        holes,
        buried,
        (below > 1) & ~holes,
        sub_voxel=False,
    )


def from_grey(
    grey: NDArray[np.floating] | NDArray[np.integer],
    axis: int,
    side: Side,
    voxel: tuple[float, float, float],
    unit: str,
    threshold: float,
    *,
    bright: bool = True,
    solid: NDArray[np.bool_] | None = None,
) -> HeightMap:
    """Return the height map of a grey volume, between voxels by linear interpolation.

    Parameters
    ----------
    grey : ndarray, shape (z, y, x)
    threshold : float
        Grey value of the interface.
    bright : bool
        The solid is brighter than the threshold.
    solid : ndarray of bool, optional
        Which voxels are solid, where some beyond the threshold are not to count (fragments).

    Returns
    -------
    HeightMap
        Grey values belong to the centres of voxels; the height is where the line through the
        last two of them on either side crosses the threshold.
    """
    values = _facing(grey, axis, side)
    if solid is None:
        solid = grey > threshold if bright else grey < threshold
    inside = _facing(solid, axis, side)
    n = inside.shape[0]
    holes = np.asarray(~inside.any(axis=0))
    last = n - 1 - inside[::-1].argmax(axis=0)
    buried = inside[-1] & ~holes
    above = np.minimum(last + 1, n - 1)
    inner = np.take_along_axis(values, last[None], axis=0)[0].astype(np.float64)
    outer = np.take_along_axis(values, above[None], axis=0)[0].astype(np.float64)
    gap = outer - inner
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(gap != 0, (threshold - inner) / gap, 0.5)
    heights = np.where(holes | buried, np.nan, (last + 0.5 + np.clip(part, 0, 1)) * voxel[axis])
    others = [v for i, v in enumerate(voxel) if i != axis]
    return HeightMap(
        heights,
        (others[0], others[1]),
        voxel[axis],
        unit,
        holes,
        buried,
        (_crossings(inside) > 1) & ~holes,
        sub_voxel=True,
    )


def _facing(volume: NDArray[Any], axis: int, side: Side) -> NDArray[Any]:
    columns = np.moveaxis(volume, axis, 0)
    return columns if side == "high" else columns[::-1]


def _crossings(columns: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How often each column goes from solid to not solid on the way out."""
    out = np.count_nonzero(columns[:-1] & ~columns[1:], axis=0)
    return np.asarray(out + columns[-1], dtype=np.int64)


def otsu(values: NDArray[np.floating] | NDArray[np.integer], bins: int = 256) -> float:
    """Return the threshold that parts grey values into two classes of least spread.

    References
    ----------
    N. Otsu, IEEE Trans. Syst. Man Cybern. 9, 62 (1979), eq. 12.
    """
    low, high = float(np.min(values)), float(np.max(values))
    if low == high:
        return low
    counts, edges = np.histogram(values, bins, (low, high))
    share = counts / counts.sum()
    centres = 0.5 * (edges[1:] + edges[:-1])
    below = np.cumsum(share)[:-1]
    moment = np.cumsum(share * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (moment[-1] * below - moment[:-1]) ** 2 / (below * (1.0 - below))
    between = np.where(np.isfinite(between), between, -1.0)
    # a plateau of empty bins between the classes has one value: its middle
    best = np.flatnonzero(between >= between.max() * (1.0 - 1e-12))
    return float(edges[1:-1][best].mean())


def edge_width(
    grey: NDArray[np.floating] | NDArray[np.integer],
    axis: int,
    side: Side,
    heights: NDArray[np.float64],
    voxel: float,
    contrast: float,
) -> float | None:
    """Return the standard deviation of the blur, from how steep grey values are at the interface.

    Parameters
    ----------
    heights : ndarray of shape (rows, columns)
        Of the interface, counted from the far end.
    contrast : float
        Difference of the mean grey values of the two sides.

    Returns
    -------
    float or None
        In the unit of `voxel`: contrast / (√(2π) · median slope), without the width of a voxel
        itself; 0 where the interface is as sharp as a voxel.  None where nothing can be told.
        Slopes of the interface make it too large, so that it is an upper bound.
    """
    values = _facing(grey, axis, side)
    there = np.isfinite(heights)
    last = np.rint(np.where(there, heights / voxel, 1.0)).astype(np.int64)
    there &= (last >= 1) & (last < values.shape[0])
    if not there.any() or not contrast:
        return None
    at = np.clip(last, 1, values.shape[0] - 1)
    outer = np.take_along_axis(values, at[None], axis=0)[0].astype(np.float64)
    inner = np.take_along_axis(values, at[None] - 1, axis=0)[0].astype(np.float64)
    steep = float(np.median(np.abs(outer - inner)[there])) / voxel
    if not steep > 0:
        return None
    sigma = abs(contrast) / ((2.0 * np.pi) ** 0.5 * steep)
    # two boxes: the voxel's own, and the distance over which the slope was taken
    return float(max(0.0, sigma**2 - 2.0 * voxel**2 / 12.0) ** 0.5)
