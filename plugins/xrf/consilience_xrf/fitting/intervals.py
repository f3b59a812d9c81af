"""Confidence intervals of counts that cannot be negative.

References
----------
.. [1] G. J. Feldman, R. D. Cousins, Physical Review D 57 (1998) 3873, section IV.B.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

__all__ = ["ONE_SIGMA", "bounded_interval"]

Array = NDArray[np.float64]

ONE_SIGMA = 0.683
FAR = 6.0
"""Standard deviations above 0 from which the bound changes nothing."""
STEP = 0.01


def bounded_interval(free: Array, std: Array, level: float = ONE_SIGMA) -> tuple[Array, Array]:
    """Return the interval of amounts that are 0 or more.

    Parameters
    ----------
    free : ndarray
        Unbiased estimates, which may be negative.
    std : ndarray
        Their standard deviations, > 0.
    level : float
        Confidence.

    Returns
    -------
    low, high : ndarray
        By ordering of likelihood ratios [1]_: never empty, and right at the bound as well.
    """
    places, lows, highs = _table(level)
    at = np.asarray(free, dtype=np.float64) / std
    half = float(norm.isf(0.5 * (1.0 - level)))
    low = np.where(at > FAR, at - half, np.interp(at, places, lows))
    high = np.where(at > FAR, at + half, np.interp(at, places, highs))
    return np.asarray(low * std), np.asarray(high * std)


@lru_cache(maxsize=8)
def _table(level: float) -> tuple[Array, Array, Array]:
    """Estimates from −6 to 7, and the ends of their intervals, in standard deviations."""
    true = np.arange(0.0, FAR + 3.0, STEP)
    seen = np.arange(-6.0, FAR + 9.0, STEP)
    chance = norm.pdf(seen[None, :] - true[:, None]) * STEP
    best = np.maximum(seen, 0.0)
    ratio = -0.5 * (seen[None, :] - true[:, None]) ** 2 + 0.5 * (seen - best)[None, :] ** 2
    order = np.argsort(-ratio, axis=1)
    ordered = np.take_along_axis(chance, order, axis=1)
    inside = np.cumsum(ordered, axis=1) - ordered < level  # never less than the level
    taken = np.zeros(ratio.shape, dtype=np.bool_)
    np.put_along_axis(taken, order, inside, axis=1)
    used = seen <= FAR + 1.0
    low = np.array([true[column.argmax()] for column in taken.T[used]])
    high = np.array([true[len(true) - 1 - column[::-1].argmax()] for column in taken.T[used]])
    return seen[used], low, high
