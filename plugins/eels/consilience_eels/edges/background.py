"""The power law under an edge: fitted row by row, with the error of what it is extrapolated to.

In a channel at energy E the background is ``b = level · (E / E₀)^-r``, with E₀ the middle of the
window.  By Poisson's likelihood this is a log-linear model, so that counts of zero and channels
below zero (a dark level was subtracted) need no care, and variances are the model's.

References
----------
.. [1] R. F. Egerton, *Electron Energy-Loss Spectroscopy in the Electron Microscope*, 3rd ed.,
   Springer (2011), section 4.4: the power law, the two-area method (equations 4.51 to 4.53).
.. [2] P. McCullagh, J. A. Nelder, *Generalized Linear Models*, 2nd ed., Chapman and Hall (1989),
   section 2.5 (Fisher scoring) and chapter 9 (quasi-likelihood).
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_eels.spectra import LossAxis

__all__ = [
    "LEAST_CHANNELS",
    "PowerLaw",
    "channel_quadrature",
    "fit_power_law",
    "pre_edge",
    "two_area",
]

Array = NDArray[np.float64]
LEAST_CHANNELS = 8
"""Of a window, for a fit that leaves residuals to look at."""
ROUNDS = 30
"""Steps of Fisher scoring; five or six are enough for all but the emptiest pixels."""
NODES = 16
"""Of the sums over channels: enough for 1e-8 in a window whose ends differ by a factor 3."""
DONE = 1e-5
"""Change of logarithm of the level and of the exponent below which a row is done.

Scoring squares what is missing in each step, so that about 1e-10 is missing then.
"""
STEEPEST = 25.0
"""Largest exponent, either way: no background is steeper; such a row has too few counts."""


@dataclass(frozen=True)
class PowerLaw:
    """A power law for each of m spectra.

    Attributes
    ----------
    reference : float
        E₀ in eV.
    level : ndarray, shape (m,)
        Counts of a channel at E₀; NaN where no fit was found.
    exponent : ndarray, shape (m,)
        r.
    information : ndarray, shape (m, 3)
        Fisher's, for (ln level, r): ``Σ b``, ``-Σ b u`` and ``Σ b u²`` with u = ln(E / E₀).
    shares : ndarray, shape (m, 2, 2)
        The same for the read-out noise, whose variance does not go with b: ``Σ x xᵀ``.
    """

    reference: float
    level: Array
    exponent: Array
    information: Array
    shares: Array

    def counts(self, energy: Array) -> Array:
        """Return the background, shape (m, n), in counts of a channel."""
        u = np.log(np.asarray(energy) / self.reference)
        found: Array = self.level[:, None] * np.exp(-self.exponent[:, None] * u)
        return found

    @property
    def inverse(self) -> Array:
        """Inverse of the information, shape (m, 2, 2)."""
        a, b, d = self.information.T
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = 1.0 / (a * d - b * b)
            rows = np.stack([d * scale, -b * scale, -b * scale, a * scale], axis=-1)
        return rows.reshape(-1, 2, 2)

    def covariance(self, counts_per_electron: float, readout: float = 0.0) -> Array:
        """Return the covariance of (ln level, r), shape (m, 2, 2).

        Parameters
        ----------
        counts_per_electron : float
            Variance of a count over its mean.
        readout : float
            Variance of a channel from reading the camera, counts².
        """
        inverse = self.inverse
        found: Array = counts_per_electron * inverse
        if readout:
            found = found + readout * inverse @ self.shares @ inverse
        return found


def pre_edge(axis: LossAxis, low: float, high: float) -> slice:
    """Return the channels of a window that a power law can be fitted in.

    Raises
    ------
    BadInputError
        It is not within the axis, reaches down to 0 eV, or has too few channels.
    """
    window = axis.window(low, high)
    if float(axis.energy[window.start]) <= 0:
        raise BadInputError(
            f"the window {low:g} to {high:g} eV reaches 0 eV, where no power law has a value",
            fix="give a window above the zero-loss peak",
        )
    if window.stop - window.start < LEAST_CHANNELS:
        raise BadInputError(
            f"the window {low:g} to {high:g} eV holds {window.stop - window.start} channels of "
            f"{axis.step:g} eV; a fit needs {LEAST_CHANNELS}",
            fix="give a wider window",
        )
    return window


def fit_power_law(energy: Array, spectra: NDArray[Any]) -> PowerLaw:
    """Fit a power law to each spectrum, by Poisson's likelihood.

    Parameters
    ----------
    energy : ndarray, shape (n,)
        Of the window's channels, in eV, above 0.
    spectra : ndarray, shape (m, n)
        Counts.

    Returns
    -------
    PowerLaw
        With NaN where a row has no counts, or none that determine an exponent.
    """
    counts = np.asarray(spectra, dtype=np.float64)
    reference = float(np.sqrt(energy[0] * energy[-1]))
    u = np.log(energy / reference)
    total = counts.sum(axis=1)
    good = total > 0
    exponent = _start(counts, u)
    log_level = np.zeros(len(counts))
    log_level[good] = np.log(total[good] / energy.size)
    sums = np.stack([total, counts @ u], axis=1)
    kept = np.full((len(counts), 3), np.nan)
    active = np.flatnonzero(good)
    nodes, weights = channel_quadrature(energy)
    v = np.log(nodes / reference)
    moments = weights[:, None] * np.stack([np.ones_like(v), -v, v * v], axis=1)
    for _ in range(ROUNDS):
        if not active.size:
            break
        information = np.exp(log_level[active, None] - exponent[active, None] * v) @ moments
        a, b, d = information.T
        first = sums[active, 0] - a
        second = -(sums[active, 1] + b)
        determinant = a * d - b * b
        up = (d * first - b * second) / determinant
        steeper = (a * second - b * first) / determinant
        hold = np.clip(np.maximum(np.abs(steeper), np.abs(up)), 1.0, None)  # at most 1 in a step
        log_level[active] += up / hold
        exponent[active] += steeper / hold
        kept[active] = information
        lost = ~np.isfinite(exponent[active]) | (np.abs(exponent[active]) > STEEPEST)
        good[active[lost]] = False
        change = np.maximum(np.abs(up), np.abs(steeper))
        active = active[~lost & (change > DONE)]
    good[active] = False
    log_level[~good], exponent[~good], kept[~good] = np.nan, np.nan, np.nan
    columns = np.stack([np.ones_like(u), -u])
    shares = np.broadcast_to(columns @ columns.T, (len(counts), 2, 2))
    return PowerLaw(reference, np.exp(log_level), exponent, kept, shares)


def _start(counts: Array, u: Array) -> Array:
    """Exponents from the two halves of the window; 3 where they have none."""
    half = u.size // 2
    one, two = counts[:, :half].sum(axis=1), counts[:, half : 2 * half].sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log(one / two) / (u[half : 2 * half].mean() - u[:half].mean())
    return np.where(np.isfinite(found) & (np.abs(found) < 10.0), found, 3.0)


def channel_quadrature(energy: Array) -> tuple[Array, Array]:
    """Return a few energies and weights that stand for all channels in sums of smooth functions.

    Gauss's quadrature for the sum over evenly spaced points (the recurrence of the Gram
    polynomials): exact for polynomials up to twice the number of nodes, less one.

    Parameters
    ----------
    energy : ndarray, shape (n,)
        Evenly spaced, eV.

    References
    ----------
    .. [1] W. Gautschi, *Orthogonal Polynomials: Computation and Approximation*, Oxford (2004),
       section 1.5 (discrete Chebyshev) and 3.1.1 (Golub and Welsch).
    """
    n = energy.size
    if n <= NODES:
        return energy, np.ones(n)
    j = np.arange(1, NODES, dtype=np.float64)
    beside = 0.5 * j * np.sqrt((n * n - j * j) / (4.0 * j * j - 1.0))
    values, vectors = np.linalg.eigh(np.diag(beside, 1) + np.diag(beside, -1))
    middle, step = 0.5 * (energy[0] + energy[-1]), (energy[-1] - energy[0]) / (n - 1)
    return middle + step * values, n * vectors[0] ** 2


def two_area(axis: LossAxis, spectra: NDArray[Any], window: slice) -> tuple[Array, Array]:
    """Return A (counts per eV) and r of ``A E^-r`` by the two-area method, as HyperSpy does.

    Parameters
    ----------
    axis : LossAxis
    spectra : ndarray, shape (m, channels of the axis)
    window : slice
        Of `LossAxis.window`; one channel is left out where their number is odd.

    Notes
    -----
    The same as ``PowerLaw.estimate_parameters`` of HyperSpy, half a channel's shift of the level
    included, which a fit does not have.
    """
    first, middle, last = areas(axis, window)
    x1, x2, x4 = (float(axis.energy[i]) for i in (first, middle, last))
    one = np.asarray(spectra[:, first:middle].sum(axis=1, dtype=np.float64))
    two = np.asarray(spectra[:, middle:last].sum(axis=1, dtype=np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        r = 2.0 * np.log(one / two * ((x4 - x2) / (x2 - x1))) / np.log(x4 / x1)
        k = 1.0 - r
        from_two = k * two / (x4**k - x2**k)
        from_one = k * one / (x2**k - x1**k)
        a = (from_one * one + from_two * two) / (one + two)
    return np.nan_to_num(a), np.nan_to_num(r)


def areas(axis: LossAxis, window: slice) -> tuple[int, int, int]:
    """Return beginning, middle and end of two windows of as many channels each."""
    first, last = window.start, min(window.stop, axis.size - 1)
    if (first + last) % 2:
        last -= 1
    if last == first:
        last += 2
    return first, (first + last) // 2, last
