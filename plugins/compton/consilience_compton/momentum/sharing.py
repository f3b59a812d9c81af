"""What sharing out a cut bin evenly gets wrong, and taking it off.

Over a bin of width w whose density rises by n′ counts/keV², the running sum bends: at the part t
of the bin it lies ½ n′ t(1−t) w² below the straight line that even sharing draws.  Where an edge
falls anywhere in its bin, that is n′w²/12 on the average, as by a resolution of more variance by
w²/6.  On flanks of a peak it does not cancel between two windows: low ones lose, high ones gain.

The slope is that of a smooth curve through all spectra together, so that its noise is far below the
counting noise; each pixel takes its part of it, by its counts, at its own places in the bins.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_compton.momentum.cells import Cells
from consilience_compton.momentum.kinematics import energy_of_momentum, momentum_slope
from consilience_compton.momentum.rebin import Profile
from consilience_compton.momentum.sensitivity import smooth_curve
from consilience_compton.momentum.windows import Windows

__all__ = ["without_bend"]

Array = NDArray[np.float64]


def without_bend(
    cells: Cells,
    windows: Windows,
    profile: Profile,
    incident: float,
    angles: Array,
    scale: Array,
    used: NDArray[np.bool_],
) -> Cells:
    """Return cells with the bend of the running sum at their edges taken off.

    Parameters
    ----------
    cells : Cells, shape (..., m)
        Between the windows' edges.
    windows : Windows
    profile : Profile
        Of the spectra in `used`, together.
    incident : float
        keV.
    angles, scale : ndarray, shape (...)
        Degrees; energy for one keV of the stated axis.
    used : ndarray of bool, shape (...)
        Spectra that are changed.

    Returns
    -------
    Cells
        The same where the profile is too short to have a slope, or a cell holds no count.
    """
    mine = cells.counts[used]
    totals = mine.reshape(-1, mine.shape[-1]).sum(axis=0)
    if not totals.size or (totals <= 0.0).any():
        return cells
    whole = float(totals.sum())
    middle = float(angles[used].mean())
    try:
        curve = smooth_curve(profile, windows, incident, middle)
    except (BadInputError, ValueError):
        return cells
    slope = curve.slope(windows.edges)
    at = angles[used][:, None]
    energies = energy_of_momentum(windows.edges, incident, at)
    # counts/keV² of the stated axis, of one spectrum: dp_z/dE twice, once for the count's density
    per_kev = momentum_slope(energies, incident, at) * scale[used][:, None]
    share = mine.sum(axis=-1, keepdims=True) / whole
    over = slope * per_kev**2 * share * cells.bend[used]
    counts = cells.counts.copy()
    counts[used] = mine - np.diff(over, axis=-1)
    return replace(cells, counts=counts)
