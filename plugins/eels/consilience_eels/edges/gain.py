"""Counts of one electron, from how much the channels before an edge scatter."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from consilience_eels.edges.background import fit_power_law
from consilience_eels.spectra import LossAxis, SpectrumRows, blocks_of_rows

__all__ = ["JOINED", "LEAST_DIFFERENCES", "Gain", "estimate_gain"]

Array = NDArray[np.float64]
LEAST_DIFFERENCES = 50
"""Of neighbouring channels; with fewer the gain would be known to worse than a fifth."""
JOINED = (1, 2, 4, 8)
"""Channels that are summed before they are held against their neighbours."""
LEAST_JOINED = 15
"""Differences of sums: they only have to show that single channels scatter too little."""
APART = 2.0
"""Standard deviations by which sums must scatter more before channels are said to hang together."""


class Gain(NamedTuple):
    """Counts of one electron, their standard deviation, and what they are the scatter of.

    Parameters
    ----------
    value, std : float
    channels : int
        Summed before they are held against their neighbours; above 1 where electrons are spread
        over channels.
    single : float
        The same from single channels.
    """

    value: float
    std: float
    channels: int
    single: float


def estimate_gain(cube: SpectrumRows, axis: LossAxis, windows: Sequence[slice]) -> Gain | None:
    """Return counts of one electron with their standard deviation; None where it can't be told.

    Parameters
    ----------
    cube : array, shape (..., n)
    axis : LossAxis
    windows : sequence of slice
        Channels before edges.

    Notes
    -----
    Differences of neighbouring channels less those of the fitted power law have a variance of
    ``g (b₁ + b₂)``.  A form of the background that does not fit hardly changes them.  A detector
    that spreads an electron over channels makes them too small for what counts here, sums over
    many channels; so sums of 2, 4 and 8 channels are held against their neighbours too, and taken
    where they scatter more.  What is spread further than that is not seen, and a background whose
    form is wrong within 16 channels, and read-out noise, are taken for scatter.
    """
    sums = np.zeros((len(JOINED), 4))
    for window in windows:
        energy = axis.energy[window]
        for _, block in blocks_of_rows(cube, channels=window):
            counts = block.astype(np.float64)
            model = fit_power_law(energy, counts).counts(energy)
            good = np.isfinite(model[:, 0])
            residual, expected = (counts - model)[good], model[good]
            for i, joined in enumerate(JOINED):
                steps = np.diff(_summed(residual, joined), axis=1) ** 2
                mean = _summed(expected, joined)
                scale = mean[:, 1:] + mean[:, :-1]
                sums[i] += steps.sum(), scale.sum(), (scale**2).sum(), steps.size
    first = sums[0]
    if first[3] < LEAST_DIFFERENCES or first[1] <= 0 or first[0] <= 0:
        return None
    gain = float(first[0] / first[1])
    single = best = Gain(gain, gain * _relative(first), 1, gain)
    for row, joined in zip(sums[1:], JOINED[1:], strict=True):
        if row[3] < LEAST_JOINED or row[1] <= 0:
            continue
        gain = float(row[0] / row[1])
        std = gain * _relative(row)
        if gain > best.value and gain - single.value > APART * float(np.hypot(std, single.std)):
            best = Gain(gain, std, joined, single.value)
    return best


def _relative(row: Array) -> float:
    """Relative standard deviation of a gain.

    The variance of a square is 2 V², and V² comes from the two that it shares a sum with.
    """
    return float(np.sqrt(3.0 * row[2]) / row[1])


def _summed(rows: Array, joined: int) -> Array:
    """Sums of so many channels each; what is left over at the end is left out."""
    if joined == 1:
        return rows
    whole = rows.shape[1] // joined * joined
    return np.asarray(rows[:, :whole].reshape(len(rows), whole // joined, joined).sum(axis=2))
