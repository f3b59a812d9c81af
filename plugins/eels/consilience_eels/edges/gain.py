"""Counts of one electron, from how much the channels before an edge scatter."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from consilience_eels.edges.background import fit_power_law
from consilience_eels.spectra import LossAxis, SpectrumRows, blocks_of_rows

__all__ = ["LEAST_DIFFERENCES", "estimate_gain"]

LEAST_DIFFERENCES = 50
"""Of neighbouring channels; with fewer the gain would be known to worse than a fifth."""


def estimate_gain(
    cube: SpectrumRows, axis: LossAxis, windows: Sequence[slice]
) -> tuple[float, float] | None:
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
    ``g (b₁ + b₂)``.  A form of the background that does not fit hardly changes them; a detector
    that spreads an electron over channels makes them, and the estimate, too small, and read-out
    noise too large.
    """
    squares, expected, fourth, number = 0.0, 0.0, 0.0, 0
    for window in windows:
        energy = axis.energy[window]
        for _, block in blocks_of_rows(cube, channels=window):
            counts = block.astype(np.float64)
            model = fit_power_law(energy, counts).counts(energy)
            good = np.isfinite(model[:, 0])
            steps = np.diff((counts - model)[good], axis=1) ** 2
            scale = model[good, 1:] + model[good, :-1]
            squares += float(steps.sum())
            expected += float(scale.sum())
            fourth += float((scale**2).sum())
            number += int(steps.size)
    if number < LEAST_DIFFERENCES or expected <= 0 or squares <= 0:
        return None
    gain = squares / expected
    # the variance of a square is 2 V², and V² comes from the two that it shares a channel with
    return gain, gain * float(np.sqrt(3.0 * fourth)) / expected
