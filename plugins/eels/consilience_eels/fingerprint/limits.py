"""What a fit can see: significance of a species, and the least amount that would be seen.

A species is tested by the growth of χ² when it is left out and all others, none negative, may take
its place.  The limit is Currie's with α = β = 0.05: the amount whose expected spectrum, put on
what the region holds without it, is found in 95 % of trials by a test that errs in 5 %.  Both are
in units of what counting and wrong references make uncertain; `CALIBRATION` is by how much the
significance had to be divided in simulations by another forward model than the fitter's.

References
----------
.. [1] L. A. Currie, *Analytical Chemistry* 40 (1968) 586: critical level and detection limit.
.. [2] G. Cowan, K. Cranmer, E. Gross, O. Vitells, *Eur. Phys. J. C* 71 (2011) 1554: q₀
   (equation 12) and its median from one data set without noise (section 3.2).
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience_eels.fingerprint.design import Design
from consilience_eels.fingerprint.fit import Weights, solve, weights_for

__all__ = ["CALIBRATION", "Z95", "Null", "detection_limit", "null_of", "significance"]

Array = NDArray[np.float64]

Z95 = 1.6448536269514722
"""One-sided 5 % of a normal distribution."""

CALIBRATION = 1.25
"""Factor on the standard deviation of a test, found on 40 simulated interphases.

With it no more than one in twenty of the observable species that were not planted is called
present, by either forward model; docs/eels-fingerprints.md has the rates on others.
"""

STEPS = 40


@dataclass(frozen=True)
class Null:
    """A region described without some species.

    Parameters
    ----------
    design : Design
        With all species.
    left_out : tuple of str
    amounts : ndarray, shape (k,)
        Of all species; 0 for those left out.
    heights : ndarray, shape (b,)
    expected : ndarray, shape (n,)
    weights : Weights
        At these amounts: what is left out brings no error of its own.
    """

    design: Design
    left_out: tuple[str, ...]
    amounts: Array
    heights: Array
    expected: Array
    weights: Weights


def null_of(
    design: Design, left_out: Sequence[str], counts: Array, amounts: Array, heights: Array
) -> Null:
    """Fit a region without some species.

    Parameters
    ----------
    design : Design
    left_out : sequence of str
    counts : ndarray, shape (n,)
    amounts, heights : ndarray
        Of a fit with all species, from which the weights begin.
    """
    less = design.without(left_out)
    keep = design.index(less.species)
    first = amounts.copy()
    first[design.index([n for n in left_out if n in design.species])] = 0.0
    expected = np.maximum(design.columns @ amounts + design.backgrounds @ heights, 1.0)
    weights = weights_for(design, expected, first, heights)
    own, below, _ = solve(less, counts, weights)
    whole = np.zeros(len(design.species))
    whole[keep] = own
    fitted = design.columns @ whole + design.backgrounds @ below
    weights = weights_for(design, np.maximum(fitted, 1.0), whole, below)
    return Null(design, tuple(left_out), whole, below, fitted, weights)


def significance(
    design: Design, left_out: Sequence[str], counts: Array, amounts: Array, heights: Array
) -> tuple[float, Array]:
    """Return by how many standard deviations a group of species is needed, and what replaces it.

    Parameters
    ----------
    design, left_out, counts
        As for `null_of`.
    amounts, heights : ndarray
        Of the fit with all species.

    Returns
    -------
    z : float
        ``√q₀ / CALIBRATION``; 0 where the fit has none of the group.
    replaced : ndarray, shape (k,)
        Amounts of the fit without the group.

    Notes
    -----
    The weights are those of the full fit, without the error of the group's own references: how
    well a species is known does not bear on whether it is there.
    """
    own = design.index([n for n in left_out if n in design.species])
    known = amounts.copy()
    known[own] = 0.0
    expected = np.maximum(design.columns @ amounts + design.backgrounds @ heights, 1.0)
    weights = weights_for(design, expected, known, heights)
    with_all, _, best = solve(design, counts, weights)
    less = design.without(left_out)
    without, _, worse = solve(less, counts, weights)
    whole = np.zeros(len(design.species))
    whole[design.index(less.species)] = without
    if not with_all[own].any():
        return 0.0, whole
    return math.sqrt(max(0.0, worse - best)) / CALIBRATION, whole


def detection_limit(
    null: Null,
    direction: Mapping[str, float],
    *,
    counting: float = 1.0,
    z: float = 2.0 * Z95,
    without: Sequence[str] = (),
) -> float:
    """Return the least amount that is found in 95 % of trials, in units of `direction`.

    Parameters
    ----------
    null : Null
        The region without the group that is asked for.
    direction : mapping of str to float
        Species to formula units per nm² for an amount of 1.
    counting : float
        Factor on the variance of counting: what more or fewer electrons would do.
    z : float
    without : sequence of str
        Species that are taken out of the region, with the errors that they bring: what the limit
        would be without them.

    Returns
    -------
    float
        Infinite where no amount is seen.
    """
    design = null.design
    signal = np.zeros(len(design.columns))
    for name, amount in direction.items():
        signal += amount * design.columns[:, design.species.index(name)]
    if not signal.any():
        return math.inf
    amounts = null.amounts.copy()
    gone = design.index([n for n in without if n in design.species])
    expected = null.expected - design.columns[:, gone] @ amounts[gone]
    amounts[gone] = 0.0
    weights = null.weights
    if gone or counting != 1.0:
        weights = _rescaled(design, expected, amounts, null.heights, counting)
    others = design.without([*null.left_out, *without])
    tests = _Growth(others, weights, expected, signal)
    want = z * CALIBRATION
    alone = tests.largest()
    if alone <= 0:
        return math.inf
    high = want / alone
    for _ in range(STEPS):
        if tests.growth(high) >= want:
            break
        high *= 2.0
    else:
        return math.inf
    low = 0.0
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if tests.growth(middle) < want else (low, middle)
        if high - low < 2e-3 * high:
            break
    return high


def _rescaled(
    design: Design, expected: Array, amounts: Array, heights: Array, counting: float
) -> Weights:
    first = weights_for(design, np.maximum(expected, 1.0), amounts, heights)
    variance = counting * first.counting
    total = first.model + np.diag(variance)
    return Weights(np.asarray(np.linalg.cholesky(total), np.float64), variance, first.model)


class _Growth:
    """√q₀ of an amount of a signal without noise, others being free to take its place."""

    def __init__(self, others: Design, weights: Weights, expected: Array, signal: Array) -> None:
        columns = weights.white(np.hstack([others.columns, others.backgrounds]))
        norm = np.sqrt((columns**2).sum(axis=0))
        live = norm > 1e-12 * max(float(norm.max()), 1e-300)
        # an orthogonal basis of the columns, and of the two vectors that are asked for, is enough
        both = np.column_stack(
            [columns[:, live] / norm[live], weights.white(expected), weights.white(signal)]
        )
        triangle: Array = np.asarray(np.linalg.qr(both, mode="r"), dtype=np.float64)
        self._columns, self._expected, self._signal = (
            triangle[:, :-2],
            triangle[:, -2],
            triangle[:, -1],
        )

    def largest(self) -> float:
        """Return the growth for an amount of 1 if nothing could take its place."""
        return float(np.linalg.norm(self._signal))

    def growth(self, amount: float) -> float:
        """Return √q₀."""
        from scipy.optimize import nnls

        values = self._expected + amount * self._signal
        _, rest = nnls(self._columns, values, maxiter=50 * self._columns.shape[1])
        return float(rest)
