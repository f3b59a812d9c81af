"""Pixels joined until a fraction is known as well as is wanted.

Net counts and their covariances add up, so that cells are sums of pixels.  *Blocks* are one size
for the whole map, the smallest that does for nine tenths of its counts.  A *quad-tree* starts with
the whole map and cuts a cell in four as long as quarters with nine tenths of its signal reach the
wanted error: fine where there is much, coarse where there is little.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Binning", "Cells", "joined"]

Array = NDArray[np.float64]
Binning = Literal["quadtree", "blocks", "none"]
Error = Callable[[Array, Array], Array]

SHARE = 0.9
"""Of the signal that has to reach the wanted error for a cell to be cut."""


@dataclass(frozen=True)
class Cells:
    """Pixels joined to cells.

    Parameters
    ----------
    place : ndarray of int, shape (y, x)
        The cell of each pixel.
    pixels : ndarray of int, shape (cells,)
    nets : ndarray, shape (n, cells)
    covariance : ndarray, shape (n, n, cells)
    """

    place: NDArray[np.int64]
    pixels: NDArray[np.int64]
    nets: Array
    covariance: Array

    def spread(self, values: Array) -> Array:
        """Return values of cells, shape (..., cells), for each pixel."""
        found: Array = values[..., self.place]
        return found


def joined(
    nets: Array, covariance: Array, error: Error, wanted: float, binning: Binning = "quadtree"
) -> Cells:
    """Join pixels to cells.

    Parameters
    ----------
    nets : ndarray, shape (n, y, x)
    covariance : ndarray, shape (n, n, y, x)
    error : callable
        ``error(nets, covariance)`` of shape (n, cells) and (n, n, cells): the largest standard
        deviation of a fraction in each cell, NaN where there is none.
    wanted : float
        Standard deviation that is good enough, above 0.
    binning : {"quadtree", "blocks", "none"}
    """
    rows, columns = nets.shape[1:]
    if binning == "none":
        return _cells(nets, covariance, np.arange(rows * columns).reshape(rows, columns))
    levels = _pyramid(nets, covariance)
    good, signal = [], []
    for net, cov in levels:
        n, shape = len(net), net.shape[1:]
        std = error(net.reshape(n, -1), cov.reshape(n, n, -1)).reshape(shape)
        good.append(np.nan_to_num(std, nan=np.inf) <= wanted)
        signal.append(np.clip(net, 0.0, None).sum(axis=0))
    if binning == "blocks":
        size = 2 ** _level_of_blocks(good, signal)
        whole = np.full((rows, columns), size)
    else:
        whole = _sizes_of_tree(good, signal)[:rows, :columns]
    y, x = np.mgrid[:rows, :columns]
    wide = 2 ** (len(levels) - 1)
    corner = (y // whole * whole) * wide + x // whole * whole
    return _cells(nets, covariance, corner)


def _cells(nets: Array, covariance: Array, corner: NDArray[np.int64]) -> Cells:
    _, place = np.unique(corner, return_inverse=True)
    place = place.reshape(corner.shape).astype(np.int64)
    number = int(place.max()) + 1
    flat = place.ravel()

    def summed(values: Array) -> Array:
        lines = values.reshape(-1, flat.size)
        sums = [np.bincount(flat, line, minlength=number) for line in lines]
        made: Array = np.asarray(sums, dtype=np.float64)
        return made.reshape(*values.shape[:-2], number)

    pixels = np.bincount(flat, minlength=number).astype(np.int64)
    return Cells(place, pixels, summed(nets), summed(covariance))


def _pyramid(nets: Array, covariance: Array) -> list[tuple[Array, Array]]:
    """Sums over 1, 2 × 2, 4 × 4, … pixels, to the whole map; padded with nothing."""
    side = 1 << (max(nets.shape[-2:]) - 1).bit_length()
    levels = [(_padded(nets, side), _padded(covariance, side))]
    while levels[-1][0].shape[-1] > 1:
        levels.append((_quarter(levels[-1][0]), _quarter(levels[-1][1])))
    return levels


def _padded(values: Array, side: int) -> Array:
    rows, columns = values.shape[-2:]
    widths = [(0, 0)] * (values.ndim - 2) + [(0, side - rows), (0, side - columns)]
    return np.pad(values, widths)


def _quarter(values: Array) -> Array:
    """Sum of each 2 × 2."""
    made: Array = (
        values[..., ::2, ::2] + values[..., 1::2, ::2] + values[..., ::2, 1::2]
        + values[..., 1::2, 1::2]
    )  # fmt: skip
    return made


def _level_of_blocks(good: list[NDArray[np.bool_]], signal: list[Array]) -> int:
    for level, (fine, much) in enumerate(zip(good, signal, strict=True)):
        if (much * fine).sum() >= SHARE * much.sum():
            return level
    return len(good) - 1


def _sizes_of_tree(good: list[NDArray[np.bool_]], signal: list[Array]) -> NDArray[np.int64]:
    """Side of the cell that each pixel of the padded map lies in."""
    top = len(good) - 1
    size = np.full((1, 1), 2**top, dtype=np.int64)
    for level in range(top, 0, -1):
        fine = _quarter(signal[level - 1] * good[level - 1])
        whole = size == 2**level
        cut = whole & (fine >= SHARE * signal[level]) & (signal[level] > 0)
        size = np.where(cut, 2 ** (level - 1), size)
        size = size.repeat(2, axis=0).repeat(2, axis=1)
    return size
