"""Differences of compositions: log-ratios with covariance, and fractions of a sub-composition.

Log-ratios of a composition do not depend on what else was counted, and χ² of their difference
does not depend on which log-ratios are taken, additive or isometric: all are linear in one
another [1]_ [2]_.

References
----------
.. [1] J. Aitchison, J. R. Stat. Soc. B 44 (1982) 139, sections 4 and 6 (additive log-ratio).
.. [2] J. J. Egozcue et al., Math. Geol. 35 (2003) 279, eq. 18 (isometric log-ratio).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

__all__ = ["closed_covariance", "closure", "contrasts", "no_difference"]

Array = NDArray[np.float64]


def contrasts(size: int, basis: Literal["additive", "isometric"] = "isometric") -> Array:
    """Return the matrix that turns logarithms into log-ratios.

    Parameters
    ----------
    size : int
        Number of parts D, at least 2.
    basis : {"additive", "isometric"}
        Additive: each part against the last.  Isometric: orthonormal, each part against the
        geometric mean of those before it.

    Returns
    -------
    ndarray, shape (D - 1, D)
        Every row sums to zero.
    """
    if size < 2:
        raise ValueError(f"{size} part(s) have no ratio")
    if basis == "additive":
        return np.hstack([np.eye(size - 1), -np.ones((size - 1, 1))])
    made = np.zeros((size - 1, size))
    for row in range(size - 1):
        made[row, : row + 1] = 1.0 / (row + 1)
        made[row, row + 1] = -1.0
        made[row] *= np.sqrt((row + 1) / (row + 2))
    return made


def no_difference(
    first: Array,
    second: Array,
    covariance: Array,
    basis: Literal["additive", "isometric"] = "isometric",
) -> tuple[float, int, float]:
    """Test whether two compositions are one.

    Parameters
    ----------
    first, second : ndarray, shape (D,)
        Natural logarithms of the parts, up to a constant for each.
    covariance : ndarray, shape (D, D)
        Of the logarithms: that of the first plus that of the second.
    basis : {"additive", "isometric"}
        Makes no difference to the result.

    Returns
    -------
    chi2 : float
    degrees : int
        D - 1.
    p_value : float

    Raises
    ------
    ValueError
        The log-ratios have no regular covariance: a deviation of zero.
    """
    turn = contrasts(len(first), basis)
    difference = turn @ (first - second)
    spread = turn @ covariance @ turn.T
    size = np.sqrt(np.diag(spread))
    if not np.all(size > 0):
        raise ValueError("a log-ratio has a standard deviation of zero")
    scaled = spread / np.outer(size, size)
    if np.linalg.cond(scaled) > 1e12:
        raise ValueError("the covariance of the log-ratios is singular")
    unit = difference / size
    statistic = float(unit @ np.linalg.solve(scaled, unit))
    degrees = len(first) - 1
    return statistic, degrees, float(chi2.sf(statistic, degrees))


def closure(values: Array) -> tuple[Array, Array]:
    """Return fractions of a sub-composition and their derivative by the values.

    Parameters
    ----------
    values : ndarray, shape (D,)
        With a sum above zero.

    Returns
    -------
    fractions : ndarray, shape (D,)
        Sum 1.
    slope : ndarray, shape (D, D)
    """
    total = float(values.sum())
    if not total > 0:
        raise ValueError("the parts sum to nothing")
    fractions = values / total
    return fractions, (np.eye(len(values)) - fractions[:, None]) / total


def closed_covariance(values: Array, std: Array) -> Array:
    """Return a covariance for fractions of which only standard deviations are known.

    Fractions that sum to one cannot err independently.  The amounts before normalisation
    can: their deviations are solved for so that the normalised ones come out as stated, and
    enlarged together where no amounts give them exactly, so that none is understated.  For
    two parts this makes the errors opposite.  Fractions that do not sum to one (within 2 %)
    are part of a larger whole and are taken as independent.

    Parameters
    ----------
    values, std : ndarray, shape (D,)

    Returns
    -------
    ndarray, shape (D, D)
    """
    from scipy.optimize import nnls

    if len(values) < 2 or abs(float(values.sum()) - 1.0) > 0.02 or not np.any(std > 0):
        return np.diag(std**2)
    _, slope = closure(values)
    top = float(std.max())
    amounts, _ = nnls(slope**2, (std / top) ** 2)
    made = (slope * amounts) @ slope.T * top**2
    have = np.diag(made)
    if np.any((have <= 0) & (std > 0)):
        return np.diag(std**2)
    stated = std > 0
    return np.asarray(made * max(1.0, float(np.max(std[stated] ** 2 / have[stated]))))
