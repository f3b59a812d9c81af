"""Where data lie above baseline and peaks over many widths, which neither explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["humps"]

LENGTH = 10.0
"""Widths from which an unexplained excess is a hump and no line."""
OVER_NOISE = 5.0
"""Median excess over its noise from which it is said."""
OVER_LEVEL = 0.1
"""Median excess over the level beneath from which it is said."""


def humps(
    x: NDArray[np.float64],
    intensity: NDArray[np.float64],
    model: NDArray[np.float64],
    noise: NDArray[np.float64],
    fwhm_points: float,
    unit: str,
) -> list[str]:
    """Say in words where a baseline does not follow the data.

    Parameters
    ----------
    x, intensity, model, noise : ndarray, shape (n,)
        Axis [`unit`], data, baseline with peaks, and the data's standard deviation.
    fwhm_points : float
        Width of the peaks in points.
    """
    from scipy.ndimage import median_filter

    size = max(int(LENGTH * fwhm_points), 9)
    if len(x) <= size:
        return []
    known = np.isfinite(noise) & (noise > 0)
    excess = np.nan_to_num(intensity - model)
    over_noise = median_filter(np.where(known, excess / np.where(known, noise, 1.0), 0.0), size)
    over_level = median_filter(excess / np.maximum(np.abs(model), 1e-300), size)
    high = np.flatnonzero((over_noise > OVER_NOISE) & (over_level > OVER_LEVEL))
    runs = np.split(high, np.flatnonzero(np.diff(high) > size) + 1) if high.size else []
    return [
        f"between {x[run[0]]:.3g} and {x[run[-1]]:.3g} {unit} the data lie above baseline and "
        "peaks (a hump or an edge that this baseline does not follow); what is said of lines there "
        "may be wrong: leave that range out, or take another baseline"
        for run in runs
        if run[-1] - run[0] > size
    ]
