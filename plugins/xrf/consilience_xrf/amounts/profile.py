"""A map along a line: means across a strip with errors that no two bins share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_xrf.amounts.element_maps import ElementMap, MapSet

__all__ = ["Profile", "Strip", "profile_along"]

Array = NDArray[np.float64]
FEWEST = 3
"""Bins that hold a point, below which there is no profile."""


@dataclass(frozen=True)
class Strip:
    """A line from `start` to `end`, (x, y) each, and how wide the strip around it is."""

    start: tuple[float, float]
    end: tuple[float, float]
    width: float

    @property
    def length(self) -> float:
        """Between the ends."""
        return float(np.hypot(self.end[0] - self.start[0], self.end[1] - self.start[1]))


@dataclass(frozen=True)
class Profile:
    """Means of bins along a strip.

    Attributes
    ----------
    distance : ndarray, shape (n,)
        Centres of the bins from the start.
    mean, std : ndarray, shape (n,)
        NaN where a bin holds no point; `std` None where the map has none.
    spread : ndarray, shape (n,)
        Standard deviation of the points within a bin; NaN with fewer than two.
    points : ndarray of int, shape (n,)
    """

    distance: Array
    step: float
    mean: Array
    std: Array | None
    spread: Array
    points: NDArray[np.int64]


def profile_along(
    maps: MapSet, one: ElementMap, strip: Strip, step: float | None = None
) -> Profile:
    """Return the profile of a map along a strip of any direction.

    A point belongs to the bin that its centre lies in: nothing is interpolated, so no two bins
    share a count and their errors are independent.

    Raises
    ------
    BadInputError
        A line without length or width, or one that meets too few points.
    """
    length = strip.length
    if length <= 0.0 or strip.width <= 0.0:
        raise BadInputError(
            f"a line from {strip.start} to {strip.end}, {strip.width:g} wide, holds nothing",
            fix="give two ends that differ, and a width above 0",
        )
    step = step or max(maps.step)
    ux, uy = (strip.end[0] - strip.start[0]) / length, (strip.end[1] - strip.start[1]) / length
    dx, dy = np.meshgrid(maps.x - strip.start[0], maps.y - strip.start[1])
    along, across = dx * ux + dy * uy, dy * ux - dx * uy
    slack = 1e-6 * step
    bins = max(1, int(np.floor(length / step + 0.5))) + 1
    place = np.floor(along / step + 0.5 + 1e-6).astype(np.int64)
    inside = (np.abs(across) <= 0.5 * strip.width + slack) & (place >= 0) & (place < bins)
    inside &= np.isfinite(one.values)
    if one.std is not None:
        inside &= np.isfinite(one.std)
    at, values = place[inside], one.values[inside]
    points = np.bincount(at, minlength=bins)
    if np.count_nonzero(points) < FEWEST:
        raise BadInputError(
            f"the line from {strip.start} to {strip.end} meets points of the map in only "
            f"{np.count_nonzero(points)} bins of {step:.4g}",
            fix=f"give a line within x {maps.x.min():.6g} to {maps.x.max():.6g} and y "
            f"{maps.y.min():.6g} to {maps.y.max():.6g}",
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(at, values, minlength=bins) / points
        apart = np.bincount(at, (values - mean[at]) ** 2, minlength=bins)
        spread = np.where(points > 1, np.sqrt(apart / (points - 1)), np.nan)
        std = None
        if one.std is not None:
            std = np.sqrt(np.bincount(at, one.std[inside] ** 2, minlength=bins)) / points
    return Profile(step * np.arange(bins, dtype=np.float64), step, mean, std, spread, points)
