"""Poisson likelihood of counts that are a sum of known shapes: estimate, covariance, intervals.

The variances are the model's, never the counts themselves: weighting by observed counts gives
low counts too much weight and biases areas [1]_.

References
----------
.. [1] S. Baker, R. D. Cousins, Nucl. Instrum. Methods 221 (1984) 437, eqs. 12 and 17.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["LinearFit", "deviance", "fit_counts", "profile_interval"]

_TINY = 1e-12
COLLINEAR = 1e-9
"""Singular values smaller than this times the largest count as zero."""


@dataclass(frozen=True)
class LinearFit:
    """Result of `fit_counts`.

    Parameters
    ----------
    values : array of shape (k,)
        Counts of each shape.
    covariance : array of shape (k, k) or None
        Inverse of the Fisher information at the estimate, with the model's variances; a value at
        its bound of zero keeps the variance that the information gives it.  None where the shapes
        are linearly dependent.
    expected : array of shape (n,)
        Model.
    deviance : float
        Twice the log-likelihood ratio to the saturated model.
    chi2 : float
        Pearson's, with the model's variances.
    dof : int
        Bins with something expected minus rank.
    rank : int
    condition : float
        Largest over smallest singular value of the information-weighted shapes, each brought to
        unit length first; infinite where they are dependent.
    """

    values: NDArray[np.float64]
    covariance: NDArray[np.float64] | None
    expected: NDArray[np.float64]
    deviance: float
    chi2: float
    dof: int
    rank: int
    condition: float

    @property
    def std(self) -> NDArray[np.float64] | None:
        """Standard deviations, or None."""
        return None if self.covariance is None else np.sqrt(np.diag(self.covariance))


def deviance(counts: ArrayLike, expected: ArrayLike) -> float:
    """Return ``2 Σ (μ − n + n ln(n/μ))``; infinite if counts are where none can be.

    References
    ----------
    Baker and Cousins 1984, eq. 12.
    """
    n, mu = np.broadcast_arrays(np.asarray(counts, float), np.asarray(expected, float))
    if np.any((mu <= 0) & (n > 0)):
        return math.inf
    some = n > 0
    return float(
        2 * (np.sum(mu) - np.sum(n) + np.sum(n[some] * (np.log(n[some]) - np.log(mu[some]))))
    )


def fit_counts(
    shapes: ArrayLike,
    counts: ArrayLike,
    offset: ArrayLike | None = None,
    *,
    free: ArrayLike | None = None,
    tolerance: float = 1e-10,
) -> LinearFit:
    """Maximise the Poisson likelihood of ``μ = shapes · values + offset`` with values ≥ 0.

    Parameters
    ----------
    shapes : array of shape (n, k)
        Counts expected in each bin for one count of each shape; not negative.
    counts : array of shape (n,)
        Observed.
    offset : array of shape (n,), optional
        Known part, such as background.
    free : array of bool, shape (k,), optional
        True: this value may be negative as long as every μ is positive (a slope).
    tolerance : float
        Relative change of the deviance at which to stop.

    Returns
    -------
    LinearFit
        The likelihood is concave, so that the maximum is unique if the shapes have full rank.
    """
    design = np.asarray(shapes, float)
    n = np.asarray(counts, float)
    known = np.zeros_like(n) if offset is None else np.asarray(offset, float)
    size = design.shape[1]
    unbound = np.zeros(size, bool) if free is None else np.asarray(free, bool)
    reach = np.abs(design).sum(axis=0)
    total = max(float(np.sum(n - known)), 1.0)
    values = np.where(unbound | (reach == 0), 0.0, total / max(size, 1) / np.maximum(reach, _TINY))
    floor = _TINY * max(1.0, float(n.max(initial=0.0)))
    used = (np.abs(design).sum(axis=1) > 0) | (known > 0)

    def model(at: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(design @ at + known)

    def cost(at: NDArray[np.float64]) -> float:
        mu = model(at)[used]
        return math.inf if np.any(mu < 0) else deviance(n[used], np.maximum(mu, floor))

    now = cost(values)
    for _ in range(500):
        mu = np.maximum(model(values), floor)
        slope = design.T @ ((1 - n / mu) * used)
        moving = unbound | (values > 0) | (slope < 0)
        if not moving.any():
            break
        part = design[:, moving]
        weight = used / mu
        # observed information in Newton's step converges fast, the expected one always descends
        step = np.zeros(size)
        for bend in (n / mu**2 * used, weight):
            information = part.T @ (bend[:, None] * part)
            step[moving] = -np.linalg.lstsq(information, slope[moving], rcond=1e-13)[0]
            length, after, then = 1.0, values, now
            while length > 1e-10:
                after = values + length * step
                after = np.where(unbound, after, np.maximum(after, 0.0))
                then = cost(after)
                if then < now:
                    break
                length /= 2
            if then < now:
                break
        if not then < now:
            break
        gained = now - then
        values, now = after, then
        if gained <= tolerance * (abs(now) + 1e-3):
            break
    mu = model(values)
    weight = used / np.maximum(mu, floor)
    rank, condition = _rank(design, weight)
    covariance = None
    if rank == size and size:
        covariance = _inverse(design.T @ (weight[:, None] * design))
    some = used & (mu > floor)
    chi2 = float(np.sum((n[some] - mu[some]) ** 2 / mu[some]))
    return LinearFit(values, covariance, mu, now, chi2, int(used.sum()) - rank, rank, condition)


def _rank(design: NDArray[np.float64], weight: NDArray[np.float64]) -> tuple[int, float]:
    whitened = design * np.sqrt(np.minimum(weight, 1 / _TINY))[:, None]
    length = np.linalg.norm(whitened, axis=0)
    if not np.all(length > 0):
        kept = whitened[:, length > 0] / length[length > 0]
        return (int(np.linalg.matrix_rank(kept)) if kept.size else 0), math.inf
    singular = np.linalg.svd(whitened / length, compute_uv=False)
    rank = int(np.sum(singular > COLLINEAR * singular[0]))
    if rank < design.shape[1]:
        return rank, math.inf
    return rank, float(singular[0] / singular[-1])


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of a symmetric matrix whose diagonal may span many orders of magnitude."""
    scale = 1 / np.sqrt(np.diag(matrix))
    return np.asarray(np.linalg.inv(matrix * np.outer(scale, scale)) * np.outer(scale, scale))


def profile_interval(
    shapes: ArrayLike,
    counts: ArrayLike,
    which: int,
    offset: ArrayLike | None = None,
    rise: float = 3.841458820694124,
) -> tuple[float, float]:
    """Return where the profile deviance of one value stays within `rise` of its minimum.

    Parameters
    ----------
    shapes, counts, offset
        As in `fit_counts`.
    which : int
        Column of `shapes`.
    rise : float
        χ² quantile with one degree of freedom; 3.84 is 95 %.

    Returns
    -------
    tuple of float
        Ends, never below zero.  The method works with dependent shapes too, where it gives what
        the data leave open.

    References
    ----------
    S. S. Wilks, Ann. Math. Stat. 9 (1938) 60.
    """
    design = np.asarray(shapes, float)
    n = np.asarray(counts, float)
    known = np.zeros_like(n) if offset is None else np.asarray(offset, float)
    best = fit_counts(design, n, known)
    rest = np.delete(design, which, axis=1)
    column = design[:, which]

    def above(value: float) -> float:
        shifted = known + value * column
        if rest.shape[1]:
            least = fit_counts(rest, n, shifted).deviance
        else:
            seen = (column > 0) | (known > 0)
            least = deviance(n[seen], np.maximum(shifted[seen], _TINY))
        return least - best.deviance - rise

    value = float(best.values[which])
    # where a fit of the others alone ends short of the minimum, the interval gets wider by that
    rise += max(above(value) + rise, 0.0)
    low = 0.0
    if value > 0 and above(0.0) > 0:
        low = float(brentq(above, 0.0, value, xtol=1e-6 * max(value, 1.0)))
    reach = max(float(column.max()), _TINY)
    far = max(2 * value, value + 10 * math.sqrt(value + 10) / reach)
    for _ in range(60):
        if above(far) > 0:
            return low, float(brentq(above, value, far, xtol=1e-6 * max(value, 1.0)))
        far *= 2
    return low, math.inf
