"""Few or no counts: confidence intervals and detection limits.

References
----------
.. [1] G. J. Feldman, R. D. Cousins, Phys. Rev. D 57 (1998) 3873.
.. [2] F. Garwood, Biometrika 28 (1936) 437.
.. [3] L. A. Currie, Anal. Chem. 40 (1968) 586.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaincinv, gammaln
from scipy.stats import norm, poisson

from consilience.errors import BadInputError

__all__ = ["Limits", "currie", "feldman_cousins", "poisson_interval"]

MANY = 200
"""Counts above which the likelihood ratio is taken in its asymptotic form."""
_STEP = 0.005
"""Net counts; step in which the largest upper end is looked for."""


def poisson_interval(counts: int, level: float = 0.6827) -> tuple[float, float]:
    """Return Garwood's central interval for the mean of a Poisson number.

    Parameters
    ----------
    counts : int
        Observed, 0 or more.
    level : float
        Confidence, between 0 and 1.

    References
    ----------
    Garwood 1936; from the χ² quantiles, here the inverse incomplete gamma function.
    """
    _check(counts, 0.0, level)
    tail = (1 - level) / 2
    low = float(gammaincinv(counts, tail)) if counts else 0.0
    return low, float(gammaincinv(counts + 1, 1 - tail))


def feldman_cousins(
    counts: int, background: float = 0.0, level: float = 0.9
) -> tuple[float, float]:
    """Return the unified interval of Feldman and Cousins for a signal over known background.

    Parameters
    ----------
    counts : int
        Observed, signal and background together.
    background : float
        Expected background, 0 or more.
    level : float
        Confidence, between 0 and 1.

    Returns
    -------
    tuple of float
        Lower and upper end of the mean signal.  As in the publication the upper end never
        grows with the background.  Above 200 counts Wilks' interval of the same likelihood
        ratio is used.

    References
    ----------
    Feldman and Cousins 1998, sec. IV.B, eqs. 4.1 to 4.3 and tables II to IX.
    """
    _check(counts, background, level)
    if counts > MANY or background > MANY:
        return _asymptotic(counts, background, level)
    low, high = _unified(counts, round(background, 9), level)
    return low, max(high, _highest_above(counts, background, level))


@lru_cache(maxsize=1024)
def _highest_above(counts: int, background: float, level: float) -> float:
    """Return the largest upper end at any larger background (sec. IV.C).

    The upper end falls with the background and jumps up where another number enters the
    acceptance region, so that the next few jumps have to be looked at closely.
    """
    if counts > background + 3:
        return 0.0
    highest = _unified(counts, round(background, 9), level)[1]
    for b in background + np.arange(0.0025, 3.0, 0.0025):
        above = highest + np.arange(1, 61) * _STEP
        taken = np.flatnonzero(_accepted(counts, above, float(b), level))
        if taken.size:
            highest = float(above[taken[-1]])
    return highest


def _check(counts: int, background: float, level: float) -> None:
    if counts < 0 or not (math.isfinite(background) and background >= 0) or not 0 < level < 1:
        raise BadInputError(
            f"no interval for {counts} counts over {background:g} at level {level:g}",
            fix="counts and background are 0 or more, a level lies between 0 and 1",
        )


@lru_cache(maxsize=4096)
def _unified(counts: int, background: float, level: float) -> tuple[float, float]:
    reach = 6.0 * math.sqrt(counts + 4.0) + 8.0
    # ends only have to be bracketed: steps grow with the width of the interval
    step = 0.05 * max(1.0, math.sqrt(counts) / 3.0)
    signal = np.arange(max(counts - background - reach, 0.0), counts + reach, step)
    inside = np.flatnonzero(_accepted(counts, signal, background, level))
    if inside.size == 0:  # can only be at a signal of nearly nothing
        return 0.0, 0.0
    ends = []
    for edge, direction in ((int(inside[0]), -1), (int(inside[-1]), 1)):
        if signal[edge] == 0.0 and direction < 0:
            ends.append(0.0)
            continue
        # the accepted signals need not be connected: the outermost one counts
        fine = signal[edge] + direction * np.arange(0.0, 0.25 + step, step / 50)
        fine = fine[fine >= 0.0]
        taken = np.flatnonzero(_accepted(counts, fine, background, level))
        ends.append(max(float(fine[taken[-1]]), 0.0))
    return ends[0], ends[1]


def _accepted(counts: int, signal: np.ndarray, background: float, level: float) -> np.ndarray:
    """Return which signals keep `counts` in their acceptance region."""
    means = signal.min() + background, signal.max() + background
    low, high = (
        mean + side * (8 * math.sqrt(mean + 4) + 20)
        for mean, side in zip(means, (-1, 1), strict=True)
    )
    n = np.arange(min(max(int(low), 0), counts), max(int(high), counts + 2))
    mean = (signal + background)[:, None]
    best = np.maximum(n, background)[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        chance = np.where(
            mean > 0, np.exp(n * np.log(mean) - mean - gammaln(n + 1)), (n == 0) * 1.0
        )
        top = np.where(best > 0, np.exp(n * np.log(best) - best - gammaln(n + 1)), 1.0)
    ratio = chance / top
    mine = ratio[:, counts - n[0], None]
    # a number enters before mine if its ratio is larger; mine enters while the sum is short
    before = np.where(ratio > mine * (1 + 1e-12), chance, 0.0).sum(axis=1)
    return np.asarray(before < level)


def _asymptotic(counts: int, background: float, level: float) -> tuple[float, float]:
    rise = float(norm.ppf((1 + level) / 2)) ** 2
    best = max(counts - background, 0.0)

    def above(signal: float) -> float:
        def cost(s: float) -> float:
            mean = s + background
            return 2 * (mean - (counts * math.log(mean) if counts else 0.0))

        return cost(signal) - cost(best) - rise

    low = 0.0
    if best > 0 and (background == 0 or above(0.0) > 0):
        low = float(brentq(above, 1e-9, best))
    return low, float(brentq(above, best, best + 20 * math.sqrt(counts + background + 10)))


@dataclass(frozen=True)
class Limits:
    """Currie's limits, in net counts.

    Parameters
    ----------
    critical : float
        Net counts above which something is called present.
    detection : float
        Net counts at which it is called present with probability ``1 − beta``.
    alpha, beta : float
        Chance to call nothing present, and to miss the detection limit.
    exact : bool
        From the Poisson distribution itself; else Currie's normal approximation.
    """

    critical: float
    detection: float
    alpha: float
    beta: float
    exact: bool


def currie(
    background: float, variance: float = 0.0, alpha: float = 0.05, beta: float = 0.05
) -> Limits:
    """Return critical level and detection limit for net counts over a background.

    Parameters
    ----------
    background : float
        Expected counts of background in the range.
    variance : float
        Variance of that expectation; for a blank counted as long as the sample it equals
        `background`.
    alpha, beta : float
        Errors of the first and second kind.

    Notes
    -----
    A background known exactly and below 100 counts is treated with the Poisson distribution;
    otherwise ``L_C = k_α σ₀`` and ``L_D = L_C + k_β √(L_D + σ₀²)`` with ``σ₀² = B + var(B)``,
    which for α = β is ``k² + 2 k σ₀``.

    References
    ----------
    Currie 1968, eqs. 2 to 6 and table II.
    """
    _check(0, background, 1 - alpha)
    _check(0, max(variance, 0.0), 1 - beta)
    if variance == 0 and background < 100:
        most = int(poisson.ppf(1 - alpha, background)) if background > 0 else 0
        # smallest number with P(N > number) ≤ α; then P(N ≤ number | L_D + B) = β
        needed = float(gammaincinv(most + 1, 1 - beta)) - background
        return Limits(most - background, max(needed, 0.0), alpha, beta, exact=True)
    spread = math.sqrt(background + variance)
    k_alpha, k_beta = float(norm.ppf(1 - alpha)), float(norm.ppf(1 - beta))
    critical = k_alpha * spread
    detection = critical + k_beta**2 / 2 + k_beta * math.sqrt(k_beta**2 / 4 + critical + spread**2)
    return Limits(critical, detection, alpha, beta, exact=False)
