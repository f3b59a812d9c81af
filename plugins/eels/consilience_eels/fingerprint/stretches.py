"""Ranges of energy cut from spectra, and the low loss of the same region.

A *stretch* is a range of energy of one spectrum, binned.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_eels.spectra import LossAxis

__all__ = ["ELASTIC", "LowLoss", "Stretch", "cut_stretch"]

ELASTIC = 3.0
"""eV, up to which what is counted is taken as zero loss."""

COARSE = 0.5
"""Step of energies in the recursion for single losses, eV."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Stretch:
    """Counts of one range of energy, in bins of whole channels.

    Parameters
    ----------
    name : str
        Of the spectrum that it was cut from.
    energy : ndarray, shape (n,)
        Centres of the bins, eV.
    width : float
        Of a bin, eV.
    counts : ndarray, shape (n,)
    gain : float
        Counts for one electron.
    readout : float
        Variance of a bin from reading the camera, counts².
    exposure : float
        Exposure relative to that of the low loss.
    first, each : int
        First channel, and channels of a bin.
    """

    name: str
    energy: Array
    width: float
    counts: Array
    gain: float = 1.0
    readout: float = 0.0
    exposure: float = 1.0
    first: int = 0
    each: int = 1


@dataclass(frozen=True)
class LowLoss:
    """Zero loss and valence losses of a region: energy (eV, even steps) and counts."""

    energy: Array
    counts: Array

    @property
    def total(self) -> float:
        """All counts."""
        return float(self.counts.sum())

    def single_losses(self, end: float) -> tuple[Array, Array]:
        """Return energies and the probability of a single loss per eV, up to `end` eV.

        Notes
        -----
        Poisson's law makes the spectrum ``J = I₀ exp(S)``, in products of convolution.  Then
        ``E J(E) = ∫ E' S(E') J(E − E') dE'``, which causality lets be solved channel by channel,
        whatever comes later on the axis.  What is below `ELASTIC` counts as zero loss.
        """
        zero = float(self.counts[self.energy < ELASTIC].sum())
        last = min(end, float(self.energy[-1]))
        many = int(last / COARSE)
        at = COARSE * np.arange(1, many + 1, dtype=np.float64)
        if zero <= 0 or many < 8:
            return at.astype(np.float64), np.zeros(many)
        edges = COARSE * (np.arange(many + 1) + 0.5)
        lost = self.energy >= ELASTIC
        series = np.histogram(self.energy[lost], edges, weights=self.counts[lost])[0] / zero
        weighted = np.zeros(many)  # m·S_m
        for n in range(many):
            weighted[n] = (n + 1) * series[n] - float(weighted[:n] @ series[:n][::-1])
        return at, weighted / np.arange(1, many + 1) / COARSE

    def single(self) -> LowLoss:
        """Return the same beam on a specimen that scatters no electron twice."""
        place = int(np.argmax(self.counts))
        energy = np.array([self.energy[place]])
        return LowLoss(energy, np.array([self.total]))


def cut_stretch(
    axis: LossAxis,
    spectrum: NDArray[np.floating],
    low: float,
    high: float,
    width: float,
    *,
    name: str = "",
    gain: float = 1.0,
    readout: float = 0.0,
    exposure: float = 1.0,
) -> Stretch:
    """Cut a range out of a spectrum and sum whole channels to bins of at least `width` eV.

    Raises
    ------
    BadInputError
        The range is not within the axis, or holds fewer than eight bins.
    """
    window = axis.window(low, high)
    each = max(1, round(width / axis.step))
    many = (window.stop - window.start) // each
    if many < 8:
        raise BadInputError(
            f"{low:g} to {high:g} eV hold {many} bins of {each * axis.step:.3g} eV",
            fix="give a longer range, or narrower bins",
        )
    channels = slice(window.start, window.start + many * each)
    values = np.asarray(spectrum[channels], dtype=np.float64).reshape(many, each)
    energy = axis.energy[channels].reshape(many, each).mean(axis=1)
    return Stretch(
        name,
        energy,
        each * axis.step,
        values.sum(axis=1),
        gain,
        readout * each,
        exposure,
        window.start,
        each,
    )
