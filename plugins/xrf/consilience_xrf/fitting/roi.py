"""Counts in a window about a line, less a straight background from both sides: a quick look.

What it cannot do is known in numbers: the share of a family's own counts that it keeps, and how
much of other families' counts it takes for them.

References
----------
.. [1] L. A. Currie, Analytical Chemistry 40 (1968) 586: critical level and detection limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from consilience_xrf.fitting.design import family_column
from consilience_xrf.fitting.linear import ALPHA
from consilience_xrf.fitting.maps import row_blocks
from consilience_xrf.lines.elements import Family
from consilience_xrf.lines.geometry import Geometry
from consilience_xrf.lines.response import Response, channel_edges

__all__ = ["Roi", "RoiSums", "roi_sums", "roi_window"]

Array = NDArray[np.float64]

K = float(norm.isf(ALPHA))
HALF, SIDE = 1.0, 0.6
"""Full widths at half maximum from the line to the window's ends, and of each side beyond."""
FEWEST = 2
"""Channels of a side."""


@dataclass(frozen=True)
class Roi:
    """A window about the main line of a family, as channels of a spectrum.

    Parameters
    ----------
    family : Family
    window, left, right : slice
        Channels of the window and of both sides.
    ends : tuple of float
        keV where the left side begins, the window begins and ends, and the right side ends.
    weights : ndarray, shape (channels,)
        1 in the window, and what makes the sides a straight background below it: the sum over
        counts times these is the net number.
    """

    family: Family
    window: slice
    left: slice
    right: slice
    ends: tuple[float, float, float, float]
    weights: Array

    def taken(self, other: Family, energy: Array, response: Response, geometry: Geometry) -> float:
        """Return net counts of the window for one count of a family: its own, or another's."""
        column = family_column(other, channel_edges(energy), response, geometry)
        return float(self.weights @ column)


@dataclass(frozen=True)
class RoiSums:
    """Net counts of windows; all of shape (windows, *scan).

    Parameters
    ----------
    net : ndarray
        Counts in the window less the background: negative in half of the cases where nothing is.
    std : ndarray
        By Poisson's law from the counts of window and sides, 1 at least.
    limit : ndarray
        Net counts that would be missed in 5 % of cases (Currie [1]_).
    """

    net: Array
    std: Array
    limit: Array


def roi_window(
    family: Family, energy: Array, response: Response, half: float = HALF, side: float = SIDE
) -> Roi | str:
    """Return the window about the main line of a family, or why there is none.

    Parameters
    ----------
    family : Family
    energy : ndarray, shape (channels,)
        keV, ascending.
    response : Response
    half, side : float
        Full widths at half maximum: of half the window, and of each side.
    """
    width = response.fwhm(family.main)
    near = np.abs(family.energies - family.main) < 0.5 * width
    at = float(np.average(family.energies[near], weights=family.weights[near]))
    reach = half * width, (half + side) * width
    ends = (at - reach[1], at - reach[0], at + reach[0], at + reach[1])
    edges = channel_edges(energy)
    if ends[0] < edges[0] or ends[3] > edges[-1]:
        return (
            f"{family.name} at {at:.4g} keV has no room for a background on both sides: the axis "
            f"goes from {energy[0]:.4g} to {energy[-1]:.4g} keV"
        )
    a, b, c, d = (int(i) for i in np.searchsorted(energy, ends))
    left, window, right = slice(a, b), slice(b, c), slice(c, d)
    if min(b - a, d - c, c - b) < FEWEST:
        return f"the channels are too wide for windows about {family.name} ({width:.3g} keV)"
    # a straight line through the means of both sides, at the middle of the window
    places = [float(energy[part].mean()) for part in (left, window, right)]
    share = (places[1] - places[0]) / (places[2] - places[0])
    weights = np.zeros(energy.size)
    weights[window] = 1.0
    weights[left] = -(1.0 - share) * (c - b) / (b - a)
    weights[right] = -share * (c - b) / (d - c)
    return Roi(family, window, left, right, ends, weights)


def roi_sums(
    counts: NDArray[np.floating], rois: Sequence[Roi], mask: NDArray[np.bool_] | None = None
) -> RoiSums:
    """Return net counts, errors and limits of windows in each spectrum.

    Parameters
    ----------
    counts : ndarray, shape (*scan, channels)
        Read in blocks of the first axis, so that it may stay in its file.
    rois : sequence of Roi
    mask : ndarray of bool, shape scan, optional
        Spectra that are summed; the others have no number.
    """
    weights = np.stack([roi.weights for roi in rois], axis=1)
    under = np.maximum(-weights, 0.0)
    n = len(rois)
    # net, its variance, the background below the window and the background's variance
    both = np.hstack([weights, weights**2, under, under**2])
    scan = counts.shape[:-1]
    one = counts.ndim == 1
    sums = np.empty((*scan, 4 * n))
    if one:
        sums[...] = np.asarray(counts, dtype=np.float64) @ both
    else:
        for rows in row_blocks(counts.shape):
            sums[rows] = np.asarray(counts[rows], dtype=np.float64) @ both
    net, own, below, spread = np.moveaxis(sums.reshape(*scan, 4, n), (-2, -1), (0, 1))
    critical = K * np.sqrt(below + spread)
    std, limit = np.sqrt(np.maximum(own, 1.0)), K**2 + 2.0 * critical
    if mask is not None and not one:
        net, std, limit = (np.where(mask, values, np.nan) for values in (net, std, limit))
    return RoiSums(np.asarray(net), np.asarray(std), np.asarray(limit))
