"""The same height map as coarser voxels or more blur would have shown it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from consilience_compton.surface.heights import HeightMap

__all__ = ["coarsened", "smoothed"]


def _with(found: HeightMap, heights: NDArray[np.float64], factor: int = 1) -> HeightMap:
    def cut(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return mask[: heights.shape[0] * factor : factor, : heights.shape[1] * factor : factor]

    return HeightMap(
        heights,
        (found.step[0] * factor, found.step[1] * factor),
        found.voxel,
        found.unit,
        cut(found.holes),
        cut(found.buried),
        cut(found.overhangs),
        found.sub_voxel,
    )


def coarsened(found: HeightMap) -> HeightMap | None:
    """Return the map of voxels twice as wide; None where too little of it is left."""
    rows, columns = (n // 2 for n in found.heights.shape)
    if min(rows, columns) < 8:
        return None
    cut = found.heights[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2)
    there = np.isfinite(cut)
    count = there.sum(axis=(1, 3))
    total = np.where(there, cut, 0.0).sum(axis=(1, 3))
    heights = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return _with(found, heights, 2)


def smoothed(found: HeightMap, sigma: float) -> HeightMap:
    """Return the map after a Gaussian blur across it, of standard deviation `sigma`."""
    if not sigma > 0.0:
        return found
    there = np.isfinite(found.heights)
    values, weight = np.where(there, found.heights, 0.0), there.astype(np.float64)
    for axis in (0, 1):
        width = sigma / found.step[axis]
        values = gaussian_filter1d(values, width, axis=axis, mode="nearest")
        weight = gaussian_filter1d(weight, width, axis=axis, mode="nearest")
    return _with(found, np.where(there, values / np.maximum(weight, 1e-12), np.nan))
