"""How much does a quantity vary between volumes of one size, as a map shows it?

A map is cut into blocks of the size of the volume; the variance between the means of the blocks,
less what the noise of their points makes, is that between volumes [1]_.  Its own error comes from
leaving out one ninth of the map at a time [2]_, so that blocks that are alike because they lie
together do not count as many.

References
----------
.. [1] J. P. Chilès, P. Delfiner, Geostatistics, 2nd ed. (2012), section 2.8.2: dispersion
       variance of blocks.
.. [2] H. R. Künsch, Ann. Stat. 17 (1989) 1217, section 2: jackknife of blocks for data that
       depend on each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEWEST", "Heterogeneity", "block_means", "variance_between"]

Array = NDArray[np.float64]
FEWEST = 9
"""Blocks below which no variance between them is stated."""
FINER = 0.7
"""Of the distance of points: volumes smaller than this vary in a way that the map cannot show."""
_PARTS = 3


@dataclass(frozen=True)
class Heterogeneity:
    """Variance between volumes of one size.

    Parameters
    ----------
    variance : float
        Noise taken off; can be negative where there is nothing but noise.
    variance_std : float
        Of the variance.
    noise : float
        Standard deviation that noise gives the mean of one block; 0 where it is not known.
    blocks : int
    mean : float
        Of the map.
    """

    variance: float
    variance_std: float
    noise: float
    blocks: int
    mean: float

    @property
    def std(self) -> float:
        """Standard deviation between volumes; 0 where there is nothing but noise."""
        return math.sqrt(max(self.variance, 0.0))

    @property
    def bound(self) -> float:
        """What enters an error: the variance and once its own standard deviation, as a root."""
        return math.sqrt(max(self.variance, 0.0) + self.variance_std)


def block_means(
    values: Array, std: Array | None, steps: tuple[float, float], size: tuple[float, float]
) -> tuple[Array, Array]:
    """Return means of blocks and the variances that noise gives them.

    Parameters
    ----------
    values, std : ndarray, shape (ny, nx)
        NaN where nothing is known.
    steps, size : (float, float)
        Distance of points, and of the volume, along y and x in one unit.

    Returns
    -------
    means, noise : ndarray, shape (by, bx)
        NaN where fewer than half of a block's points are known.

    Raises
    ------
    ValueError
        The volume is smaller than the map's points can show, or there are too few blocks.
    """
    shape = []
    for points, step, side in zip(values.shape, steps, size, strict=True):
        if points > 1 and side < FINER * step:
            raise ValueError(
                f"its points are {step:.3g} apart, and a volume of {side:.3g} is finer than it "
                "shows"
            )
        shape.append(1 if points == 1 else min(max(1, round(side / step)), points))
    ny, nx = (n // b for n, b in zip(values.shape, shape, strict=True))
    if ny * nx < FEWEST:
        raise ValueError(
            f"it has room for {ny * nx} volumes of that size, and a variance needs {FEWEST}"
        )
    cut = values[: ny * shape[0], : nx * shape[1]].reshape(ny, shape[0], nx, shape[1])
    known = np.isfinite(cut).sum(axis=(1, 3))
    enough = known >= 0.5 * shape[0] * shape[1]
    divisor = np.where(enough, known, 1)
    means = np.where(enough, np.nansum(cut, axis=(1, 3)) / divisor, np.nan)
    noise = np.zeros_like(means)
    if std is not None:
        squares = np.where(np.isfinite(values), std, 0.0)[: ny * shape[0], : nx * shape[1]] ** 2
        summed = squares.reshape(ny, shape[0], nx, shape[1]).sum(axis=(1, 3))
        noise = np.where(enough, summed / divisor**2, np.nan)
    return means, noise


def variance_between(means: Array, noise: Array) -> Heterogeneity:
    """Return the variance between blocks, less that of noise.

    Parameters
    ----------
    means, noise : ndarray, shape (by, bx)
        As `block_means` gives them.

    Raises
    ------
    ValueError
        Too few blocks that are known.
    """
    good = np.isfinite(means) & np.isfinite(noise)
    count = int(np.count_nonzero(good))
    if count < FEWEST:
        raise ValueError(f"{count} blocks of it are known, and {FEWEST} are needed for a variance")
    values, errors = means[good], noise[good]
    total = _variance(values, errors)
    part = _parts(means.shape)[good]
    left = [
        _variance(values[part != i], errors[part != i])
        for i in np.unique(part)
        if np.count_nonzero(part != i) > 2
    ]
    n = len(left)
    spread = math.sqrt((n - 1) / n * float(np.sum((np.array(left) - np.mean(left)) ** 2)))
    mean_noise = math.sqrt(float(np.mean(errors)))
    return Heterogeneity(total, spread, mean_noise, count, float(np.mean(values)))


def _variance(values: Array, noise: Array) -> float:
    return float(np.var(values, ddof=1) - np.mean(noise))


def _parts(shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Number up to nine parts of a map, three along each axis; nine along its only one."""
    ny, nx = shape
    along_y, along_x = (
        (_PARTS, _PARTS) if min(ny, nx) >= _PARTS else (1, _PARTS**2) if ny < nx else (_PARTS**2, 1)
    )
    rows = np.arange(ny) * along_y // ny
    columns = np.arange(nx) * along_x // nx
    return rows[:, None] * along_x + columns[None, :]
