"""What lies under the lines: SNIP, and columns that let each pixel have a background of its own.

References
----------
.. [1] C. G. Ryan et al., Nuclear Instruments and Methods B 34 (1988) 396: SNIP.
.. [2] M. Morháč, V. Matoušek, Applied Spectroscopy 62 (2008) 91: decreasing windows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from consilience_xrf.lines.response import Response

__all__ = ["background_columns", "channels_of_width", "snip", "snip_of_sum"]

Array = NDArray[np.float64]

WINDOW = 1.6
"""Full widths at half maximum over which SNIP looks to either side."""
BLOCK = 64
"""Spectra at once: what stays in the processor's cache."""


def channels_of_width(energy: Array, response: Response, factor: float = WINDOW) -> int:
    """Return `factor` line widths at the middle of the axis in channels, 2 or more."""
    step = float(energy[-1] - energy[0]) / (energy.size - 1)
    middle = float(energy[energy.size // 2])
    return max(2, round(factor * response.fwhm(max(middle, 0.0)) / step))


def snip(counts: NDArray[np.floating], width: int) -> Array:
    """Return the background of each spectrum by SNIP with decreasing windows [1]_, [2]_.

    Parameters
    ----------
    counts : ndarray, shape (spectra, channels)
        Values below 0 count as 0.
    width : int
        Channels of the widest window to either side.

    Returns
    -------
    ndarray, shape (spectra, channels)
        At low counts it lies below the mean background, as it keeps the lowest values.
    """
    made = np.empty(counts.shape)
    for first in range(0, len(counts), BLOCK):
        part = np.maximum(counts[first : first + BLOCK], 0.0)
        # two logarithms and a root make peaks of all heights alike
        v = np.log(np.log(np.sqrt(part + 1.0) + 1.0) + 1.0)
        size = v.shape[1]
        for w in range(min(width, (size - 1) // 2), 0, -1):
            mean = 0.5 * (v[:, : size - 2 * w] + v[:, 2 * w :])
            np.minimum(v[:, w : size - w], mean, out=v[:, w : size - w])
        made[first : first + BLOCK] = (np.exp(np.exp(v) - 1.0) - 1.0) ** 2 - 1.0
    return made


def snip_of_sum(energy: Array, total: Array, response: Response, factor: float = WINDOW) -> Array:
    """Return the background of one spectrum with many counts, smoothed by a part of a width."""
    width = channels_of_width(energy, response, factor)
    smooth = gaussian_filter1d(
        np.asarray(total, dtype=np.float64), max(width / (6.0 * factor), 0.5)
    )
    under = snip(smooth[None], width)[0]
    return np.maximum(gaussian_filter1d(under, max(width / 4.0, 1.0)), 0.0)


def background_columns(energy: Array, shape: Array, pieces: int) -> Array:
    """Return the shape of a background cut into overlapping parts that sum to it.

    Parameters
    ----------
    energy : ndarray, shape (channels,)
    shape : ndarray, shape (channels,)
        Of the sum of all spectra.
    pieces : int
        1: the shape as it is.  More: triangles over the axis, so that each pixel may have
        more of it at one end and less at another.

    Returns
    -------
    ndarray, shape (channels, pieces)
        Each of area 1; parts of the shape that are nothing are left out.
    """
    if pieces == 1:
        parts = shape[:, None].astype(np.float64)
    else:
        knots = np.linspace(energy[0], energy[-1], pieces)
        hats = np.stack(
            [np.interp(energy, knots, np.eye(pieces)[k]) for k in range(pieces)], axis=1
        )
        parts = shape[:, None] * hats
    areas = parts.sum(axis=0)
    filled = areas > 1e-9 * max(float(areas.sum()), 1e-300)
    return np.asarray(parts[:, filled] / areas[filled])
