"""Do two quantities change together by more than their errors of measurement?

The states are what they are: nothing is assumed of how they follow each other, only that the
numbers in them have the stated errors.  With deviations *a*, *b* from the means over n states and
standard deviations *s*, *t* the sum ``C = Σ a b`` has, for independent errors, the variance
``Σ (b² s² + a² t² + s² t²)`` to first order and with the product of both errors [1]_.  Where one
of the two does not change at all C is 0 but for errors.

References
----------
.. [1] L. A. Goodman, J. Am. Stat. Assoc. 55 (1960) 708, eq. 2: variance of a product.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Covariation", "constancy", "covariation"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Covariation:
    """How two quantities change together over the states that were measured.

    Parameters
    ----------
    value : float
        Mean product of the deviations, with n − 1, in the product of both units.
    std : float
        From the errors of measurement.
    statistic : float
        Value over standard deviation.
    p_same, p_opposite : float
        One-sided: of no common change, against one that goes the same way, or opposite ways.
    """

    value: float
    std: float
    statistic: float
    p_same: float
    p_opposite: float


def covariation(
    first: ArrayLike,
    second: ArrayLike,
    first_std: ArrayLike,
    second_std: ArrayLike,
) -> Covariation:
    """Return how two quantities change together.

    Parameters
    ----------
    first, second : array-like, shape (n,)
        The same states in one order.
    first_std, second_std : array-like, shape (n,)
        Standard deviations that are independent from state to state; all above 0.

    Raises
    ------
    ValueError
        A standard deviation of zero, fewer than three states, or different lengths.
    """
    a, b, s, t = (np.asarray(v, dtype=np.float64) for v in (first, second, first_std, second_std))
    n = a.size
    if n < 3 or not (a.shape == b.shape == s.shape == t.shape):
        raise ValueError(f"{n} states: three or more are needed, the same for both")
    if not (np.all(s > 0) and np.all(t > 0)):
        raise ValueError("a standard deviation of zero is no uncertainty")
    a, b = a - a.mean(), b - b.mean()
    total = float(a @ b)
    std = math.sqrt(float((b * s) @ (b * s) + (a * t) @ (a * t) + (s * t) @ (s * t)))
    z = total / std
    # erfc keeps tails that are far too small for one less a distribution function
    same, opposite = (0.5 * math.erfc(x / math.sqrt(2.0)) for x in (z, -z))
    return Covariation(total / (n - 1), std / (n - 1), z, same, opposite)


def constancy(differences: ArrayLike, std: ArrayLike) -> tuple[float, float, float]:
    """Return the weighted mean of differences, its standard deviation, and p of no change.

    Parameters
    ----------
    differences, std : array-like, shape (n,)
        State by state; independent.

    Returns
    -------
    mean, std : float
    p_value : float
        Of χ² with n − 1 degrees about the mean: small where the difference changes.
    """
    from scipy.stats import chi2

    d, s = np.asarray(differences, dtype=np.float64), np.asarray(std, dtype=np.float64)
    weights = s**-2.0
    mean = float(weights @ d / weights.sum())
    off = float((weights * (d - mean) ** 2).sum())
    return mean, float(weights.sum() ** -0.5), float(chi2.sf(off, d.size - 1))
