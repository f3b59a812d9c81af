"""Standard deviations of means over a map whose points know of each other: block bootstrap.

Blocks of the map are drawn with replacement and the mean is taken again.  How far such means
scatter, over infinitely many draws, follows from the sums of all blocks (overlapping ones too), so
nothing is drawn at random and the answer is always the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LEAST_BLOCKS",
    "BlockCovariance",
    "block_covariance",
    "block_side",
    "deviation_field",
    "ratio_influence",
]

LENGTHS = 4.0
"""Side of a block in correlation lengths."""
LEAST_BLOCKS = 9.0
"""With fewer blocks on the map, no standard deviation is stated."""


@dataclass(frozen=True)
class BlockCovariance:
    """Covariance of several means over one map.

    Parameters
    ----------
    covariance : ndarray or None
        None where the map holds fewer than `LEAST_BLOCKS` blocks.
    side : tuple of int
        Points of a block along rows and columns.
    blocks : float
        Blocks that the map holds.
    """

    covariance: NDArray[np.float64] | None
    side: tuple[int, int]
    blocks: float

    def std(self, index: int = 0) -> float | None:
        """Return one standard deviation."""
        if self.covariance is None:
            return None
        return float(max(0.0, self.covariance[index, index]) ** 0.5)


def ratio_influence(
    top: NDArray[np.float64], bottom: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return Σtop/Σbottom and what each point of the map contributes to its error.

    The contributions sum to nothing; their covariance is that of the ratio (to first order).

    Raises
    ------
    ValueError
        The sum of `bottom` is not above 0.
    """
    total = float(bottom.sum())
    if not total > 0:
        raise ValueError("the denominator of a ratio is nothing")
    ratio = float(top.sum()) / total
    return ratio, (top - ratio * bottom) / total


def deviation_field(
    about: NDArray[np.float64], weight: NDArray[np.float64], axis: int | None = None
) -> NDArray[np.float64]:
    """Return the field whose mean scatters as the arithmetic mean deviation does.

    Beside |z| it holds what the mean itself moves: where more heights lie below their mean than
    above it (hills on a plain), a higher mean makes the deviation larger.

    Parameters
    ----------
    about : ndarray of shape (rows, columns)
        Heights about their mean (of the map, or of each line along `axis`), 0 where none is.
    weight : ndarray
        1 where there is a height, else 0.
    axis : int, optional
        Of lines with means of their own.
    """
    # sign counts each height that lies above its mean, and takes off each below
    above = np.sum(np.sign(about) * weight, axis=axis, keepdims=True)
    number = np.maximum(weight.sum(axis=axis, keepdims=True), 1.0)
    return np.asarray(np.abs(about) - above / number * about, dtype=np.float64)


def block_side(
    shape: Sequence[int], step: Sequence[float], length: float | None
) -> tuple[int, int]:
    """Return the points of a block: `LENGTHS` correlation lengths; the whole map if unknown."""
    if length is None:
        return int(shape[0]), int(shape[1])
    sides = [
        min(int(n), max(2, int(np.ceil(LENGTHS * length / s))))
        for n, s in zip(shape, step, strict=True)
    ]
    # halves have to exist for the correction of short blocks
    return sides[0] + sides[0] % 2, sides[1] + sides[1] % 2


def block_covariance(
    influences: Sequence[NDArray[np.float64]], side: tuple[int, int]
) -> BlockCovariance:
    """Return the covariance of sums over a map from the sums of its blocks.

    Parameters
    ----------
    influences : sequence of ndarray, each of shape (rows, columns)
        As `ratio_influence` gives them, of one map.
    side : tuple of int
        Of a block.

    Notes
    -----
    A block of side b misses the correlation across its border, by a share that falls as 1/b; twice
    the covariance of blocks less that of blocks half as long along both axes is free of it (to
    first order), and is used where it is larger.

    References
    ----------
    H. R. Künsch, Ann. Stat. 17, 1217 (1989); D. N. Politis, J. P. Romano, J. Time Ser. Anal. 16,
    67 (1995) (the flat-top correction).
    """
    shape = influences[0].shape
    side = (min(side[0], shape[0]), min(side[1], shape[1]))
    number = shape[0] * shape[1] / (side[0] * side[1])
    if number < LEAST_BLOCKS or min(shape) < 2 * min(side):
        return BlockCovariance(None, side, number)
    whole = _of_side(influences, side)
    half = _of_side(influences, (max(1, side[0] // 2), max(1, side[1] // 2)))
    corrected = 2.0 * whole - half
    plain = np.diag(whole)
    larger = np.maximum(np.diag(corrected), plain)
    scale = np.sqrt(np.divide(larger, plain, out=np.ones_like(plain), where=plain > 0))
    return BlockCovariance(whole * np.outer(scale, scale), side, number)


def _of_side(
    influences: Sequence[NDArray[np.float64]], side: tuple[int, int]
) -> NDArray[np.float64]:
    rows, columns = influences[0].shape
    sums = np.stack([_block_sums(f, side).ravel() for f in influences])
    number = rows * columns / (side[0] * side[1])
    about = sums - sums.mean(axis=1, keepdims=True)
    spread = about @ about.T / sums.shape[1]
    # as many blocks as fill the map, about a mean that they gave themselves
    return np.asarray(number * spread * number / (number - 1.0))


def _block_sums(field: NDArray[np.float64], side: tuple[int, int]) -> NDArray[np.float64]:
    total = np.zeros((field.shape[0] + 1, field.shape[1] + 1))
    np.cumsum(np.cumsum(field, axis=0), axis=1, out=total[1:, 1:])
    a, b = side
    sums: NDArray[np.float64] = total[a:, b:] - total[:-a, b:] - total[a:, :-b] + total[:-a, :-b]
    return sums
