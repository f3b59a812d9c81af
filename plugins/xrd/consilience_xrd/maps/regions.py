"""Regions of a map: those the user names, or groups of points whose lines are alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LEAST_FALL", "alike", "named_regions"]

LEAST_FALL = 0.25
"""By which share one more group has to lower the scatter within groups."""
DETECTED = 3.0
"""Area over its standard deviation below which a line counts as not there."""


def named_regions(
    regions: Mapping[str, Sequence[int]], shape: tuple[int, int]
) -> tuple[NDArray[np.int64], list[str]]:
    """Label of each point (0: in none) and the names of labels from 1 on.

    Parameters
    ----------
    regions : mapping
        Name to first row, last row + 1, first column, last column + 1.

    Raises
    ------
    BadInputError
        A region that is empty or reaches beyond the map, or two that overlap.
    """
    labels = np.zeros(shape, np.int64)
    for number, (name, corners) in enumerate(regions.items(), 1):
        top, bottom, left, right = (int(v) for v in corners)
        if not (0 <= top < bottom <= shape[0] and 0 <= left < right <= shape[1]):
            raise BadInputError(
                f"region {name!r} covers rows {top} to {bottom} and columns {left} to {right} of a "
                f"map of {shape[0]} by {shape[1]} points",
                fix="give first row, last row + 1, first column, last column + 1",
            )
        if labels[top:bottom, left:right].any():
            raise BadInputError(
                f"region {name!r} overlaps another", fix="give regions that lie apart"
            )
        labels[top:bottom, left:right] = number
    return labels.ravel(), list(regions)


def alike(
    area: NDArray[np.float64], null_std: NDArray[np.float64], most: int
) -> tuple[NDArray[np.int64], float]:
    """Group points by which lines are how strong there.

    Parameters
    ----------
    area, null_std : ndarray, shape (lines, points)
    most : int
        Groups, at most.

    Returns
    -------
    labels : ndarray, shape (points,)
        1, 2, … by falling number of points; 0 where nothing was measured.
    fall : float
        Scatter within the groups over that of one group.

    Notes
    -----
    k-means on log(1 + area / std), 0 below `DETECTED`.  The number of groups grows as long as one
    more lowers the scatter within groups by `LEAST_FALL` and that is above what noise makes.
    """
    from scipy.cluster.vq import kmeans2

    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = (area / null_std).T
        score = np.where(ratio < DETECTED, 0.0, np.log1p(np.maximum(ratio, 0.0)))
    usable = np.isfinite(ratio).all(axis=1)
    labels = np.zeros(area.shape[1], np.int64)
    chosen = score[usable]
    if len(chosen) < 2 or not chosen.size or most < 2:
        labels[usable] = 1
        return labels, 1.0
    one = float(((chosen - chosen.mean(axis=0)) ** 2).sum())
    by_noise = float(np.where(chosen > 0, np.exp(-2 * chosen), 0.0).sum())
    best, scatter = np.zeros(len(chosen), np.int64), one
    if one > 0:
        previous = one
        for k in range(2, min(most, len(chosen)) + 1):
            found, inside = best, np.inf
            for seed in range(4):
                centers, got = kmeans2(chosen, k, minit="++", rng=np.random.default_rng(seed))
                spread = float(((chosen - centers[got]) ** 2).sum())
                if spread < inside and len(np.unique(got)) == k:
                    found, inside = got.astype(np.int64), spread
            if previous > 2 * by_noise and inside <= (1 - LEAST_FALL) * previous:
                best, scatter = found, inside
            previous = min(previous, inside)
    order = np.argsort(-np.bincount(best))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    labels[usable] = rank[best] + 1
    return labels, scatter / one if one > 0 else 1.0
