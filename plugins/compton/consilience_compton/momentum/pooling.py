"""Pixels pooled with their neighbours until EMR is as sure as wanted, and maps compared.

Squares of 1, 2, 4, … pixels a side: a square is cut in four where every quarter with usable
pixels still reaches the wanted error.  The map of labels says what was pooled; nothing is smoothed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from consilience_compton.momentum.windows import EmrResult, ratio

__all__ = ["Difference", "PooledMap", "difference", "pool", "squares"]

Array = NDArray[np.float64]
Labels = NDArray[np.intp]


@dataclass(frozen=True)
class PooledMap:
    """EMR of pooled pixels.

    Parameters
    ----------
    labels : ndarray of int, shape (rows, columns)
        Which square a pixel belongs to; −1 where it is not used.
    result : EmrResult, shape (squares,)
    sizes : ndarray of int, shape (squares,)
        Usable pixels in each.
    wanted : float or None
        Relative error that was asked for.
    reached : ndarray of bool, shape (squares,)
    """

    labels: Labels
    result: EmrResult
    sizes: NDArray[np.intp]
    wanted: float | None
    reached: NDArray[np.bool_]

    def on_pixels(self, values: Array) -> Array:
        """Return one value for each pixel, NaN where none is."""
        padded = np.append(np.asarray(values, dtype=np.float64), np.nan)
        return np.asarray(padded[self.labels])


def squares(
    counts: Array, covariance: Array, used: NDArray[np.bool_], wanted: float, largest: int = 64
) -> Labels:
    """Return labels of squares that are as small as the wanted error lets them be.

    Parameters
    ----------
    counts : ndarray, shape (rows, columns, 2)
        Net counts of the low and the high windows.
    covariance : ndarray, shape (rows, columns, 2, 2)
    used : ndarray of bool, shape (rows, columns)
    wanted : float
        Relative standard deviation of EMR, above 0.
    largest : int
        Side of the largest squares, a power of two.

    Returns
    -------
    ndarray of int, shape (rows, columns)
        From 0; −1 where a pixel is not used.
    """
    rows, columns = used.shape
    side = 1
    while side < min(largest, max(rows, columns)):
        side *= 2
    height, width = -(-rows // side) * side, -(-columns // side) * side
    level = np.zeros((height, width, 7))
    level[:rows, :columns, :2] = np.where(used[..., None], counts, 0.0)
    flat = covariance.reshape(rows, columns, 4)
    level[:rows, :columns, 2:6] = np.where(used[..., None], flat, 0.0)
    level[:rows, :columns, 6] = used
    good: list[NDArray[np.bool_]] = []
    empty: list[NDArray[np.bool_]] = []
    one = 1
    while True:
        found = ratio(level[..., 0], level[..., 1], level[..., 2:6].reshape(*level.shape[:2], 2, 2))
        with np.errstate(invalid="ignore"):
            good.append(np.isfinite(found.value) & (found.std_stat <= wanted * found.value))
        empty.append(level[..., 6] == 0)
        if one == side:
            break
        level = level.reshape(level.shape[0] // 2, 2, level.shape[1] // 2, 2, 7).sum(axis=(1, 3))
        one *= 2
    # from the largest squares down: cut where all quarters are good or empty
    cut = np.ones_like(good[-1])
    sides = np.full((height, width), side)
    for step in range(len(good) - 1, 0, -1):
        fine = good[step - 1] | empty[step - 1]
        ready = fine.reshape(cut.shape[0], 2, cut.shape[1], 2).all(axis=(1, 3))
        cut = cut & ready
        cut = np.repeat(np.repeat(cut, 2, axis=0), 2, axis=1)
        size = 2 ** (step - 1)
        sides[np.repeat(np.repeat(cut, size, axis=0), size, axis=1)] = size
    i, j = np.indices((rows, columns))
    s = sides[:rows, :columns]
    key = ((i // s) * width + (j // s)) * (2 * side) + s
    labels = np.full((rows, columns), -1, dtype=np.intp)
    labels[used] = np.unique(key[used], return_inverse=True)[1]
    return labels


def pool(
    counts: Array,
    covariance: Array,
    labels: Labels,
    factor: float = 1.0,
    wanted: float | None = None,
) -> PooledMap:
    """Return EMR of each label from the sums of its pixels.

    Parameters
    ----------
    counts : ndarray, shape (rows, columns, 2)
        Net counts, low and high.
    covariance : ndarray, shape (rows, columns, 2, 2)
    labels : ndarray of int, shape (rows, columns)
    factor : float
        Response of the high windows over that of the low ones.
    wanted : float, optional
        Relative error; what does not reach it is marked.
    """
    used = labels >= 0
    number = int(labels.max(initial=-1)) + 1
    mine = labels[used]

    def add(values: Array) -> Array:
        return np.bincount(mine, values[used], minlength=number).astype(np.float64)

    matrix = np.empty((number, 2, 2))
    for a in range(2):
        for b in range(2):
            matrix[:, a, b] = add(covariance[..., a, b])
    found = ratio(add(counts[..., 0]), add(counts[..., 1]), matrix, factor)
    limit = np.inf if wanted is None else wanted
    with np.errstate(invalid="ignore"):
        reached = np.isfinite(found.value) & (found.std_stat <= limit * found.value)
    return PooledMap(labels, found, np.bincount(mine, minlength=number), wanted, reached)


@dataclass(frozen=True)
class Difference:
    """One map less another, on the same squares.

    Parameters
    ----------
    change, std : ndarray, shape (squares,)
        NaN where one of them has no EMR.
    z : ndarray, shape (squares,)
        Change less the mean change, over its error: where it differs from the rest.
    mean, mean_std : float
        Weighted mean change, from counting.
    p_uniform : float or None
        Probability of a χ² as large if the change were the same everywhere; None for one square.
    beyond : int
        Squares that differ from the mean at a family-wise level of 5 % (Šidák).
    threshold : float
        |z| that this level asks for.
    """

    change: Array
    std: Array
    z: Array
    mean: float
    mean_std: float
    p_uniform: float | None
    beyond: int
    threshold: float


def difference(first: PooledMap, second: PooledMap) -> Difference | None:
    """Return second less first; both must have the same labels.  None: nothing in common."""
    a, b = first.result, second.result
    change = b.value - a.value
    std = np.hypot(a.std_stat, b.std_stat)
    known = np.isfinite(change) & (std > 0.0)
    number = int(known.sum())
    if not number:
        return None
    weight = 1.0 / std[known] ** 2
    mean = float(np.sum(weight * change[known]) / weight.sum())
    own = np.full(change.shape, np.nan)
    # a square is part of the mean: the error of its distance from it is smaller
    own[known] = np.sqrt(np.maximum(std[known] ** 2 - 1.0 / weight.sum(), 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(own > 0.0, (change - mean) / own, np.nan)
    p = None
    if number > 1:
        p = float(chi2.sf(np.sum(weight * (change[known] - mean) ** 2), number - 1))
    threshold = float(norm.isf(0.5 * (1.0 - 0.95 ** (1.0 / number))))
    return Difference(
        change,
        np.where(known, std, np.nan),
        z,
        mean,
        float(1.0 / np.sqrt(weight.sum())),
        p,
        int(np.sum(np.abs(z[np.isfinite(z)]) > threshold)),
        threshold,
    )
