"""What lies under the lines: SNIP, splines on it, and columns for a background of each pixel.

SNIP alone stays above the background where lines crowd and goes below it where counts are few.  So
it is a first shape only, multiplied by splines that are fitted together with the lines.

References
----------
.. [1] C. G. Ryan et al., Nuclear Instruments and Methods B 34 (1988) 396: SNIP.
.. [2] M. Morháč, V. Matoušek, Applied Spectroscopy 62 (2008) 91: decreasing windows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.ndimage import gaussian_filter1d

from consilience_xrf.fitting.linear import fit_poisson
from consilience_xrf.lines.response import Response

__all__ = [
    "SPACING",
    "WINDOW",
    "background_columns",
    "channels_of_width",
    "fitted_background",
    "snip",
    "snip_of_sum",
    "spline_columns",
    "unexplained",
]

Array = NDArray[np.float64]

WINDOW = 3.0
"""Full widths at half maximum over which SNIP looks to either side."""
SPACING = 6.0
"""Full widths at half maximum between the knots of splines."""
STRANGE, SHARE = 5.0, 0.1
"""Standard deviations, and share of the model, from which an excess is taken for unknown lines."""
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
    size = counts.shape[1]
    # single precision is a millionth of the counts here, and twice as fast
    mean = np.empty((BLOCK, size), dtype=np.float32)
    for first in range(0, len(counts), BLOCK):
        part = np.maximum(counts[first : first + BLOCK], 0.0).astype(np.float32)
        # two logarithms and a root make peaks of all heights alike
        v = np.log1p(np.log1p(np.sqrt(part + 1.0)))
        for w in range(min(width, (size - 1) // 2), 0, -1):
            half = mean[: len(v), : size - 2 * w]
            np.add(v[:, : size - 2 * w], v[:, 2 * w :], out=half)
            np.multiply(half, 0.5, out=half)
            inner = v[:, w : size - w]
            np.minimum(inner, half, out=inner)
        made[first : first + BLOCK] = np.square(np.expm1(np.expm1(v))) - 1.0
    return made


def snip_of_sum(energy: Array, total: Array, response: Response, factor: float = WINDOW) -> Array:
    """Return the background of one spectrum with many counts, smoothed by a part of a width."""
    width = channels_of_width(energy, response, factor)
    smooth = gaussian_filter1d(
        np.asarray(total, dtype=np.float64), max(width / (6.0 * factor), 0.5)
    )
    under = snip(smooth[None], width)[0]
    return np.asarray(np.maximum(gaussian_filter1d(under, max(width / 4.0, 1.0)), 0.0))


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


def spline_columns(
    energy: Array, shape: Array, response: Response, spacing: float = SPACING
) -> Array:
    """Return a first shape of the background times cubic splines, each column of area 1.

    Parameters
    ----------
    energy : ndarray, shape (channels,)
    shape : ndarray, shape (channels,)
        As of `snip_of_sum`.
    response : Response
    spacing : float
        Line widths (at the middle of the axis) between knots.
    """
    span = float(energy[-1] - energy[0])
    middle = max(float(energy[energy.size // 2]), 0.0)
    pieces = max(2, round(span / (spacing * response.fwhm(middle))))
    knots = np.linspace(energy[0], energy[-1], pieces + 1)
    padded = np.concatenate([[knots[0]] * 3, knots, [knots[-1]] * 3])
    inside = np.minimum(energy, knots[-1] - 1e-9 * span)
    splines = BSpline.design_matrix(inside, padded, 3).toarray()
    parts = splines * np.maximum(shape, 1e-3 * max(float(shape.max()), 1e-300))[:, None]
    return np.asarray(parts / parts.sum(axis=0))


def unexplained(counts: Array, model: Array, width: float) -> Array:
    """Return by how many standard deviations a line at each channel would rise above the model.

    Parameters
    ----------
    counts, model : ndarray, shape (channels,)
    width : float
        Standard deviation of a line, channels.
    """
    near = gaussian_filter1d(counts - model, width)
    # a Gaussian filter of unit area leaves 1/(2 √π width) of the variance
    spread = gaussian_filter1d(np.maximum(model, 1e-9), width) / (2.0 * np.sqrt(np.pi) * width)
    return np.asarray(near / np.sqrt(spread))


def fitted_background(
    energy: Array,
    total: Array,
    lines: Array,
    response: Response,
    *,
    window: float = WINDOW,
    spacing: float = SPACING,
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return the background of a spectrum with many counts, fitted together with its lines.

    Parameters
    ----------
    energy, total : ndarray, shape (channels,)
    lines : ndarray, shape (channels, n)
        Columns of all that is no background.
    response : Response
    window, spacing : float
        Line widths: of SNIP, and between knots.

    Returns
    -------
    background : ndarray, shape (channels,)
    columns : ndarray, shape (channels, k)
        The splines that it is a sum of.
    strange : ndarray of bool, shape (channels,)
        Where lines rise that `lines` has not; they were left out.
    """
    first = snip_of_sum(energy, total, response, window)
    columns = spline_columns(energy, first, response, spacing)
    matrix = np.hstack([lines, columns])
    step = float(energy[-1] - energy[0]) / (energy.size - 1)
    middle = np.array([max(float(energy[energy.size // 2]), 0.0)])
    width = max(float(response.sigma(middle)[0]) / step, 0.5)
    strange = np.zeros(energy.size, dtype=np.bool_)
    amounts = np.zeros(matrix.shape[1])
    for _ in range(3):
        use = ~strange
        amounts = fit_poisson(total[use], matrix[use])
        model = matrix @ amounts
        high = unexplained(total, model, width) > STRANGE
        high &= gaussian_filter1d(total - model, width) > SHARE * gaussian_filter1d(model, width)
        more = gaussian_filter1d(high.astype(float), width) > 0.05
        if not (more & ~strange).any() or (more | strange).mean() > 0.5:
            break
        strange |= more
    return columns @ amounts[lines.shape[1] :], columns, strange
