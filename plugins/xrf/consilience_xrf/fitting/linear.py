"""Counts of spectra as sums of columns: weights of Poisson's law, variances from the model.

References
----------
.. [1] L. A. Currie, Analytical Chemistry 40 (1968) 586: critical level and detection limit.
.. [2] E. A. Cornish, R. A. Fisher, Revue de l'Institut International de Statistique 5 (1938) 307:
   quantiles of a skewed distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from consilience_xrf.fitting.nonnegative import nonnegative

__all__ = ["ALPHA", "LinearFit", "Solver", "critical_level", "detection_limit", "fit_poisson"]

Array = NDArray[np.float64]

ALPHA = 0.05
"""Of both errors: taken for there though it is not, and the reverse."""
K = float(norm.isf(ALPHA))
ROUNDS = 30
SETTLED = 1e-6
LEAST = 1e-3
"""Part of the mean channel below which no channel's expected counts go: weights stay finite."""


def fit_poisson(
    counts: Array,
    matrix: Array,
    fixed: Array | None = None,
    *,
    rounds: int = ROUNDS,
    settled: float = SETTLED,
) -> Array:
    """Return the non-negative amounts of the columns in one spectrum.

    Parameters
    ----------
    counts : ndarray, shape (channels,)
    matrix : ndarray, shape (channels, n)
    fixed : ndarray, shape (channels,), optional
        Background that is there whatever the amounts.
    rounds : int
        At most.
    settled : float
        Change of an amount, as a part of all, at which it is enough.

    Returns
    -------
    ndarray, shape (n,)
        By least squares whose weights are one over the model's own counts, repeated until they
        settle, which is where Poisson's likelihood is highest.
    """
    base = np.zeros(len(counts)) if fixed is None else fixed
    model = np.maximum(counts, 1.0)
    amounts = np.zeros(matrix.shape[1])
    for _ in range(rounds):
        weight = weights_of(model)
        weighted = matrix * weight[:, None]
        now = nonnegative(weighted.T @ matrix, ((counts - base) @ weighted)[None])[0]
        model = matrix @ now + base
        if np.abs(now - amounts).max(initial=0.0) <= settled * max(now.sum(), 1.0):
            return np.asarray(now)
        amounts = now
    return amounts


def weights_of(model: Array) -> Array:
    """Return one over the expected counts of each channel, for one spectrum or many."""
    floor = LEAST * model.mean(axis=-1, keepdims=True)
    return np.asarray(1.0 / np.maximum(model, np.maximum(floor, 1e-9)))


def critical_level(null_var: Array, null_skew: Array) -> Array:
    """Return the counts that are exceeded in 5 % of cases where there is nothing [1]_, [2]_.

    Parameters
    ----------
    null_var, null_skew : ndarray
        Second and third central moment of the estimate where there is nothing.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        lean = np.where(null_var > 0, null_skew / null_var, 0.0)
    return np.asarray(np.maximum(K * np.sqrt(null_var) + (K**2 - 1.0) / 6.0 * lean, 0.0))


def detection_limit(null_var: Array, slope: Array, critical: Array) -> Array:
    """Return the counts that are taken for there in 95 % of cases [1]_.

    Parameters
    ----------
    null_var : ndarray
    slope : ndarray
        By how much the variance grows for each count.
    critical : ndarray
        As of `critical_level`.
    """
    # L = C + K √(V₀ + s L), solved for L
    half = critical + 0.5 * K**2 * slope
    return np.asarray(half + np.sqrt(half**2 - critical**2 + K**2 * null_var))


@dataclass(frozen=True)
class LinearFit:
    """Amounts of each column in each spectrum; all of shape (spectra, n), counts.

    Parameters
    ----------
    amounts : ndarray
        Non-negative.
    free : ndarray
        Without that bound: unbiased, of standard deviation `std`, negative in half of the cases
        where there is nothing.
    std : ndarray
        Of `free`, by Poisson's law from the fitted model.
    critical, limit : ndarray
        Above the first `free` is taken for more than 0; of the second, 95 % are (Currie).
    chi2 : ndarray, shape (spectra,)
        Weighted squares over their expectation; 1 where the model explains the spectrum.
    residual : ndarray, shape (spectra,)
        Counts less those of the model.
    total : ndarray, shape (spectra,)
        Counts.
    """

    amounts: Array
    free: Array
    std: Array
    critical: Array
    limit: Array
    chi2: Array
    residual: Array
    total: Array


class Solver:
    """The part of the fit that is the same for all spectra: weights, Gram matrix, variances.

    Parameters
    ----------
    matrix : ndarray, shape (channels, n)
    mean : ndarray, shape (channels,)
        Mean spectrum; its fit gives the weights.
    fixed : ndarray, shape (channels,), optional
        Mean of the background that is subtracted from each spectrum, if one is.

    Notes
    -----
    Amounts are a = H y with H = (AᵀWA)⁻¹AᵀW.  Spectra of one map share W, so their variances
    H² μ are linear in the model μ = A a, and cost a product of n × n, not a pass over channels.
    As the weights do not depend on the spectrum's own counts, nothing is biased by them.
    """

    def __init__(self, matrix: Array, mean: Array, fixed: Array | None = None) -> None:
        self.matrix = matrix
        base = np.zeros(len(mean)) if fixed is None else fixed
        self.mean_amounts = fit_poisson(mean, matrix, base)
        model = matrix @ self.mean_amounts + base
        self.weight = weights_of(model)
        self.weighted = matrix * self.weight[:, None]
        self.passed = np.column_stack([self.weighted, np.ones(len(mean))])
        self.gram = self.weighted.T @ matrix
        self.inverse = np.linalg.pinv(self.gram, hermitian=True)
        self.hat = self.inverse @ self.weighted.T
        self.second = self.hat**2
        self.variance = self.second @ matrix
        self.third = self.hat**3 @ matrix
        # what the other columns take over, for each count, of an amount that is held at 0
        taken = self.inverse / np.maximum(np.diag(self.inverse), 1e-300)
        self.moved = (
            np.diag(self.variance) - np.einsum("ij,ji->i", self.variance, taken),
            np.diag(self.third) - np.einsum("ij,ji->i", self.third, taken),
        )
        self.under = np.hstack([self.weighted, self.second.T, (self.hat**3).T])
        self.spread = self.weight @ matrix
        self.column_sums = matrix.sum(axis=0)
        # one count more, spread as the mean spectrum is: no spectrum is certain of itself
        one = model / max(float(model.sum()), 1e-300)
        self.one = (self.second @ one, self.hat**3 @ one, float(self.weight @ one))
        self.leverage = float(np.trace(self.inverse @ (self.weighted.T @ self.weighted)))

    def covariance(self, amounts: Array) -> Array:
        """Return the covariance (n, n) of `free` for a spectrum of these amounts, counts²."""
        model = np.maximum(self.matrix @ amounts, 0.0)
        return np.asarray((self.hat * model) @ self.hat.T)

    def fit(
        self, counts: NDArray[np.floating], fixed: Array | None = None, *, chi2: bool = True
    ) -> LinearFit:
        """Fit spectra, shape (spectra, channels), less `fixed` of the same shape if given."""
        # one pass over the counts: right sides and totals together
        both = counts @ self.passed
        right = np.ascontiguousarray(both[:, :-1])
        total = np.array(both[:, -1], dtype=np.float64)
        n = self.matrix.shape[1]
        below = None if fixed is None else fixed @ self.under
        if below is not None:
            right = right - below[:, :n]
        free = right @ self.inverse
        amounts = nonnegative(self.gram, right, free)
        own = amounts @ self.variance.T + self.one[0]
        third = amounts @ self.third.T + self.one[1]
        if below is not None:
            own = own + below[:, n : 2 * n]
            third = third + below[:, 2 * n :]
        slope, lean = np.diag(self.variance), np.diag(self.third)
        null = np.maximum(own - amounts * slope, self.one[0])
        # if it is not there, its few counts belong to the others, and make their noise larger
        own_noise = np.minimum(amounts, K * np.sqrt(null))
        null = null + own_noise * np.maximum(self.moved[0], 0.0)
        null_third = third - amounts * lean + own_noise * np.maximum(self.moved[1], 0.0)
        critical = critical_level(null, null_third)
        model = amounts @ self.column_sums
        under = 0.0 if fixed is None else fixed.sum(axis=1)
        return LinearFit(
            amounts,
            free,
            np.sqrt(own),
            critical,
            detection_limit(null, slope, critical),
            self._chi2(counts, fixed, amounts) if chi2 else np.full(len(counts), np.nan),
            total - model - under,
            total,
        )

    def _chi2(self, counts: NDArray[np.floating], fixed: Array | None, amounts: Array) -> Array:
        away = np.empty(len(counts))
        expected = amounts @ self.spread + self.one[2]
        for first in range(0, len(counts), 256):
            rows = slice(first, first + 256)
            rest = counts[rows] - amounts[rows] @ self.matrix.T
            if fixed is not None:
                rest = rest - fixed[rows]
                expected[rows] += fixed[rows] @ self.weight
            away[rows] = np.square(rest) @ self.weight
        freedom = 1.0 - self.matrix.shape[1] / self.matrix.shape[0]
        return np.asarray(away / (expected * max(freedom, 1e-6)))
