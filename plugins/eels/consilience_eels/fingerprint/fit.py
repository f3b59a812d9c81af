"""Fit of references without negative amounts, and what the fit knows about each.

Generalised least squares: the weight is the inverse of counting *and* of what references may be
wrong by (`Design.model_covariance`).  Variances are of the fitted, not of the observed, counts.

References
----------
.. [1] C. L. Lawson and R. J. Hanson, *Solving Least Squares Problems*, SIAM (1995), chapter 23.
.. [2] G. Cowan, K. Cranmer, E. Gross, O. Vitells, *Eur. Phys. J. C* 71 (2011) 1554: likelihood
   ratio at a bound (equation 12), and the data set without noise that stands for all (section 3.2).
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience_eels.fingerprint.design import Design

__all__ = ["Fit", "Weights", "distance", "fit_spectrum", "solve"]

Array = NDArray[np.float64]

ROUNDS = 3
"""Of the weights: they depend on what is fitted."""


@dataclass(frozen=True)
class Weights:
    """Lower triangular factor of the covariance of the data, and its parts."""

    factor: Array
    counting: Array
    model: Array

    def white(self, values: Array) -> Array:
        """Return values, or columns, in units of their standard deviation, independent."""
        from scipy.linalg import solve_triangular

        return np.asarray(solve_triangular(self.factor, values, lower=True, check_finite=False))


@dataclass(frozen=True)
class Fit:
    """Amounts of a region.

    Parameters
    ----------
    design : Design
    amounts : ndarray, shape (k,)
        Formula units per nm², none negative.
    heights : ndarray, shape (b,)
        Of the backgrounds.
    free : ndarray, shape (k,)
        Amounts that may be negative: what interval and test begin from.
    covariance_stat, covariance_sys : ndarray, shape (k, k)
        Of `free`, from counting and from references that are wrong.  All columns are in it, those
        at 0 too: a species at its bound is no species known to be absent.
    chi_square : float
    degrees : int
        Bins less free columns.
    weights : Weights
    """

    design: Design
    amounts: Array
    heights: Array
    free: Array
    covariance_stat: Array
    covariance_sys: Array
    chi_square: float
    degrees: int
    weights: Weights

    @property
    def expected(self) -> Array:
        """Fitted counts, shape (n,)."""
        return self.design.columns @ self.amounts + self.design.backgrounds @ self.heights

    @property
    def std_stat(self) -> Array:
        """Standard deviations from counting, shape (k,)."""
        return np.sqrt(np.clip(np.diag(self.covariance_stat), 0.0, None))

    @property
    def std_sys(self) -> Array:
        """Standard deviations from references, shape (k,)."""
        return np.sqrt(np.clip(np.diag(self.covariance_sys), 0.0, None))

    @property
    def residual(self) -> Array:
        """Observed less fitted counts, in standard deviations of counting, shape (n,)."""
        return (self.design.counts - self.expected) / np.sqrt(self.weights.counting)


def fit_spectrum(design: Design, counts: Array | None = None) -> Fit:
    """Fit all stretches of one region together.

    Parameters
    ----------
    design : Design
    counts : ndarray, shape (n,), optional
        In place of the design's own.
    """
    observed = design.counts if counts is None else counts
    expected = np.maximum(observed, 1.0)
    amounts = np.zeros(len(design.species))
    heights = np.zeros(design.backgrounds.shape[1])
    weights = weights_for(design, expected, amounts, heights)
    for _ in range(ROUNDS):
        amounts, heights, _ = solve(design, observed, weights)
        expected = design.columns @ amounts + design.backgrounds @ heights
        weights = weights_for(design, expected, amounts, heights)
    amounts, heights, chi_square = solve(design, observed, weights)
    free, stat, sys = _free(design, observed, weights, heights)
    used = int((amounts > 0).sum() + (heights > 0).sum())
    return Fit(
        design,
        amounts,
        heights,
        free,
        stat,
        sys,
        chi_square,
        max(1, len(observed) - used),
        weights,
    )


def weights_for(
    design: Design, expected: Array, amounts: Array, heights: Array, leave_out: int = -1
) -> Weights:
    """Return the weights that go with expected counts and amounts."""
    counting = design.counting(expected)
    model = design.model_covariance(amounts, heights, leave_out)
    total = model + np.diag(counting)
    return Weights(np.asarray(np.linalg.cholesky(total), np.float64), counting, model)


def solve(design: Design, counts: Array, weights: Weights) -> tuple[Array, Array, float]:
    """Return amounts, heights and χ² of the best fit without negative ones."""
    from scipy.optimize import nnls

    columns = np.hstack([design.columns, design.backgrounds])
    white = weights.white(columns)
    norm = np.sqrt((white**2).sum(axis=0))
    live = norm > 1e-12 * max(float(norm.max()), 1e-300)
    found = np.zeros(columns.shape[1])
    values = weights.white(counts)
    if live.any():
        scaled, rest = nnls(white[:, live] / norm[live], values, maxiter=50 * columns.shape[1])
        found[live] = scaled / norm[live]
        chi_square = float(rest) ** 2
    else:
        chi_square = float(values @ values)
    k = len(design.species)
    return found[:k], found[k:], chi_square


def distance(
    design: Design, counts: Array, weights: Weights, leave_out: Sequence[str]
) -> tuple[float, Array]:
    """Return by how much χ² grows without some species, and the amounts of the others then.

    The amounts have the length of all species, with 0 for those left out.
    """
    _, _, best = solve(design, counts, weights)
    less = design.without(leave_out)
    amounts, _, worse = solve(less, counts, weights)
    whole = np.zeros(len(design.species))
    whole[design.index(less.species)] = amounts
    return max(0.0, worse - best), whole


def _free(
    design: Design, counts: Array, weights: Weights, heights: Array
) -> tuple[Array, Array, Array]:
    """Amounts that may be negative, with their covariance.

    A background column at 0 is left out: it can only curve the background further, and the others
    span what is there.
    """
    k = len(design.species)
    used = heights > 0
    columns = np.hstack([design.columns, design.backgrounds[:, used]])
    white = weights.white(columns)
    norm = np.sqrt((white**2).sum(axis=0))
    norm[norm == 0] = 1.0
    inverse = np.linalg.pinv(white / norm, rcond=1e-9) / norm[:, None]
    free = inverse @ weights.white(counts)
    gain = inverse[:k] @ weights.white(np.eye(len(counts)))
    stat = (gain * weights.counting) @ gain.T
    sys = gain @ weights.model @ gain.T
    dead = (white[:, :k] ** 2).sum(axis=0) == 0
    for matrix in (stat, sys):
        matrix[dead, dead] = np.inf
    return free[:k], stat, sys
