"""A consensus of results whose stated errors need not be all there is: random effects.

Results *xᵢ* with standard deviations *uᵢ* are taken to scatter about a common value with
``uᵢ² + τ²``.  The between-method variance τ² is Paule and Mandel's [1]_: the one at which the
weighted sum of squares equals its expectation.  The interval of the consensus is that of
Hartung and Knapp [2]_ [3]_, with Student's t of K - 1 degrees, and never narrower than the stated
errors allow.

References
----------
.. [1] R. C. Paule, J. Mandel, J. Res. Natl. Bur. Stand. 87 (1982) 377, eqs 8 to 10.
.. [2] J. Hartung, G. Knapp, Stat. Med. 20 (2001) 3875, eq. 3.
.. [3] G. Knapp, J. Hartung, Stat. Med. 22 (2003) 2693: the variance's factor is at least 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Consensus", "consensus_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Consensus:
    """A common value of K results.

    Parameters
    ----------
    value, std : float
        `std` after Hartung and Knapp.
    low, high : float
        Interval of 95 % by Student's t of K - 1 degrees.
    between : float
        τ, the standard deviation between methods beyond the stated ones.
    homogeneity : float
        p-value of Cochran's Q: that the stated errors are all there is.
    off, off_std : ndarray, shape (K,)
        Degrees of equivalence: each result minus the consensus of the others, and its standard
        deviation (with the others' τ).
    """

    value: float
    std: float
    low: float
    high: float
    between: float
    homogeneity: float
    off: Array
    off_std: Array


def consensus_of(values: Array, std: Array) -> Consensus:
    """Return the consensus of three or more results.

    Parameters
    ----------
    values, std : ndarray, shape (K,)
        K ≥ 3; ``std > 0``.

    Raises
    ------
    ValueError
        Fewer than three results, or a standard deviation that is not positive.
    """
    from scipy.stats import chi2, t

    size = len(values)
    if size < 3:
        raise ValueError(f"{size} results: a variance between methods needs three")
    if not np.all(std > 0):
        raise ValueError("a standard deviation of zero is no uncertainty")
    between = _between(values, std**2)
    mean, weights = _mean(values, std**2 + between)
    scatter = float(weights @ (values - mean) ** 2) / (size - 1)
    error = float(np.sqrt(max(scatter, 1.0) / weights.sum()))
    half = float(t.ppf(0.975, size - 1)) * error
    common, exact = _mean(values, std**2)
    q = float(exact @ (values - common) ** 2)
    off, off_std = np.empty(size), np.empty(size)
    for i in range(size):
        others = np.arange(size) != i
        rest = _between(values[others], std[others] ** 2)
        reference, w = _mean(values[others], std[others] ** 2 + rest)
        off[i] = values[i] - reference
        off_std[i] = np.sqrt(std[i] ** 2 + 1.0 / w.sum())
    return Consensus(
        value=mean,
        std=error,
        low=mean - half,
        high=mean + half,
        between=float(np.sqrt(between)),
        homogeneity=float(chi2.sf(q, size - 1)),
        off=off,
        off_std=off_std,
    )


def _mean(values: Array, variances: Array) -> tuple[float, Array]:
    weights = 1.0 / variances
    return float(weights @ values / weights.sum()), weights


def _between(values: Array, variances: Array) -> float:
    """Solve Paule and Mandel's equation, whose left side falls with τ²."""
    from scipy.optimize import brentq

    def excess(tau2: float) -> float:
        mean, weights = _mean(values, variances + tau2)
        return float(weights @ (values - mean) ** 2) - (len(values) - 1)

    if excess(0.0) <= 0.0:
        return 0.0
    # at this τ² the sum of squares is below its expectation whatever the variances are
    highest = float(((values - values.mean()) ** 2).sum()) / (len(values) - 1)
    return float(brentq(excess, 0.0, 2.0 * highest, xtol=1e-12 * highest, rtol=1e-12))
