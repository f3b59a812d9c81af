"""A map averaged across a strip, along a line of any direction: means with independent errors.

Pixels are sorted into bins by where their centres lie along the line; none is interpolated, so
that no two bins share a count.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError

__all__ = ["LineProfile", "line_profile"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LineProfile:
    """Means of n bins along a line.

    Attributes
    ----------
    distance : ndarray, shape (n,)
        Centres of the bins from the beginning of the line, in the unit of the coordinates.
    step : float
        Width of a bin.
    values : ndarray, shape (n,)
        Means of the pixels; NaN where a bin has none.
    std : ndarray, shape (n,), or None
        Their standard deviations: from those of the pixels, where given; else from the scatter
        of the pixels within the bins, all bins together; None where no bin has two pixels.
    scatter : float or None
        Standard deviation of pixels within bins over what `std` of the pixels says: above 1 the
        strip is not the same all along its width.
    pixels : ndarray of int, shape (n,)
    """

    distance: Array
    step: float
    values: Array
    std: Array | None
    scatter: float | None
    pixels: NDArray[np.intp]


def line_profile(
    values: Array,
    std: Array | None,
    x: Array,
    y: Array,
    start: tuple[float, float],
    end: tuple[float, float],
    width: float,
    step: float | None = None,
) -> LineProfile:
    """Return the profile of a map along a line.

    Parameters
    ----------
    values, std : ndarray, shape (ny, nx)
        NaN pixels are left out.
    x, y : ndarray
        Centres of the pixels, shapes (nx,) and (ny,).
    start, end : pair of float
        x and y of the ends of the line.
    width : float
        Of the strip, across the line.
    step : float, optional
        Of a bin; by default the larger of the two pixel sizes.

    Raises
    ------
    BadInputError
        The line has no length, the strip no width, or fewer than four bins hold a pixel.
    """
    along = np.array([end[0] - start[0], end[1] - start[1]], dtype=np.float64)
    length = float(np.hypot(*along))
    if length <= 0 or width <= 0:
        raise BadInputError(
            f"a line from {start} to {end}, {width:g} wide, holds nothing",
            fix="give two ends that differ, and a width above 0",
        )
    along /= length
    sizes = [abs(float(c[-1] - c[0])) / max(1, c.size - 1) for c in (x, y)]
    step = step or max(sizes)
    dx, dy = np.meshgrid(x - start[0], y - start[1])
    t = dx * along[0] + dy * along[1]
    across = -dx * along[1] + dy * along[0]
    bins = max(1, round(length / step))
    slack = 1e-6 * step
    place = np.floor((t + 0.5 * step + slack) / step).astype(np.intp)  # a bin around each end
    good = np.isfinite(values) & (np.abs(across) <= 0.5 * width + slack)
    good &= (place >= 0) & (place <= bins)
    if std is not None:
        good &= np.isfinite(std)
    flat, at = values[good], place[good]
    number = np.bincount(at, minlength=bins + 1)
    if (number > 0).sum() < 4:
        raise BadInputError(
            f"only {int((number > 0).sum())} bins of {step:g} along the line from {start} to "
            f"{end} hold a pixel",
            fix="give a line within the image, longer than a few pixels",
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(at, flat, minlength=bins + 1) / number
    left = (flat - mean[at]) ** 2
    degrees = int(number[number > 1].sum() - (number > 1).sum())
    spread, scatter = None, None
    with np.errstate(invalid="ignore", divide="ignore"):
        if std is not None:
            variance = std[good] ** 2
            spread = np.sqrt(np.bincount(at, variance, minlength=bins + 1)) / number
            if degrees >= 10 and (variance > 0).all():
                own = left[number[at] > 1] / variance[number[at] > 1]
                scatter = float(np.sqrt(own.sum() / degrees))
        elif degrees >= 10:
            spread = np.sqrt(left.sum() / degrees / number)
    if spread is not None:
        spread = np.where(number > 0, spread, np.nan)
    return LineProfile(
        step * np.arange(bins + 1, dtype=np.float64), step, mean, spread, scatter, number
    )
