"""Where an edge is seen to begin: what the energy axis is off by, and chemistry."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from consilience_eels.spectra import LossAxis

__all__ = ["HALF", "REACH", "seen_onset"]

Array = NDArray[np.float64]
HALF = 4.0
"""eV on either side of a step that are held against each other."""
REACH = 20.0
"""eV from the tabulated onset within which the step is looked for."""


def seen_onset(axis: LossAxis, spectrum: Array, tabulated: float) -> float | None:
    """Return the energy at which a spectrum rises most, in parts of itself, near an edge; eV.

    Parameters
    ----------
    axis : LossAxis
    spectrum : ndarray, shape (n,)
    tabulated : float
        Onset, eV; the step is looked for within `REACH` of it.

    Returns
    -------
    float or None
        None where the axis does not hold enough on both sides, or nothing rises.

    Notes
    -----
    The step of the sums over `HALF` eV on both sides.  An edge with a strong peak behind its onset
    is seen to begin within an electron volt or two of it; a slow one as much later.
    """
    channels = max(2, round(HALF / axis.step))
    total = np.concatenate([[0.0], np.cumsum(spectrum)])
    at = np.arange(channels, axis.size - channels + 1)
    place = axis.energy[0] + (at - 0.5) * axis.step
    near = np.abs(place - tabulated) <= REACH
    if not near.any() or tabulated - REACH < place[0] or tabulated + REACH > place[-1]:
        return None
    at = at[near]
    after, before = total[at + channels] - total[at], total[at] - total[at - channels]
    if not (before > 0).all() or not (after > 0).all():
        return None
    step = np.log(after / before)
    top = int(step.argmax())
    found = float(place[near][top])
    return found if step[top] > 0 and math.isfinite(found) else None
