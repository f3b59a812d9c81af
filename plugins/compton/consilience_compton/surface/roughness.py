"""Roughness of a levelled height map: profile quantities and areal quantities, named apart.

Profile quantities (R) are means over profiles of one direction, each about its own mean line;
areal ones (S) are over all of the map.  The two differ: the mean line of each profile takes off
what is long across the profiles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

__all__ = ["Areal", "Profiles", "areal", "gaussian_roughness", "profiles"]

ALPHA = (np.log(2.0) / np.pi) ** 0.5
"""Of the Gaussian filter: half of the amplitude passes at the cut-off (ISO 16610-21, eq. 1)."""
PERCENTILES = (1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0)
LEAST_POINTS = 8
"""A profile of fewer heights is left out."""


@dataclass(frozen=True)
class Areal:
    """Areal quantities of ISO 25178-2 (height parameters), in the unit of the heights.

    Parameters
    ----------
    s_a, s_q : float
        Arithmetic mean and root mean square of the heights about their mean.
    s_z : float
        Highest less lowest height.
    skewness, kurtosis : float
        S_sk and S_ku, without unit.
    percentiles : dict
        Percent to height.
    points : int
    """

    s_a: float
    s_q: float
    s_z: float
    skewness: float
    kurtosis: float
    percentiles: dict[float, float]
    points: int


@dataclass(frozen=True)
class Profiles:
    """Profile quantities of ISO 4287 (now ISO 21920-2), mean over profiles of one direction.

    Parameters
    ----------
    r_a, r_q : float
        Means over the profiles of the arithmetic and the root mean square deviation.
    each : ndarray
        R_a of each profile; NaN for one of too few heights.
    points : int
        Heights used.
    """

    r_a: float
    r_q: float
    each: NDArray[np.float64]
    points: int


def areal(heights: NDArray[np.float64]) -> Areal:
    """Return areal quantities of levelled heights (NaN: no height).

    Raises
    ------
    ValueError
        No height at all.
    """
    values = heights[np.isfinite(heights)]
    if not values.size:
        raise ValueError("there is no height")
    about = values - values.mean()
    square = float(np.mean(about**2))
    s_q = square**0.5
    cuts = np.percentile(about, PERCENTILES)
    return Areal(
        float(np.mean(np.abs(about))),
        s_q,
        float(values.max() - values.min()),
        float(np.mean(about**3)) / s_q**3 if s_q else 0.0,
        float(np.mean(about**4)) / s_q**4 if s_q else 0.0,
        dict(zip(PERCENTILES, cuts.tolist(), strict=True)),
        int(values.size),
    )


def profiles(heights: NDArray[np.float64], along: int) -> Profiles:
    """Return R_a and R_q, mean over the profiles that run along one axis of the map.

    Parameters
    ----------
    heights : ndarray of shape (rows, columns)
    along : int
        0: profiles run over rows; 1: over columns.

    Raises
    ------
    ValueError
        No profile has enough heights.
    """
    lines = heights if along == 1 else heights.T
    there = np.isfinite(lines)
    number = there.sum(axis=1)
    some = number >= LEAST_POINTS
    if not some.any():
        raise ValueError(f"no profile has {LEAST_POINTS} heights")
    filled = np.where(there, lines, 0.0)
    count = np.maximum(number, 1)
    about = np.where(there, lines - (filled.sum(axis=1) / count)[:, None], 0.0)
    r_a = np.where(some, np.abs(about).sum(axis=1) / count, np.nan)
    r_q = np.where(some, ((about**2).sum(axis=1) / count) ** 0.5, np.nan)
    return Profiles(float(np.nanmean(r_a)), float(np.nanmean(r_q)), r_a, int(number[some].sum()))


def gaussian_roughness(
    heights: NDArray[np.float64],
    step: tuple[float, float],
    longest: float | None,
    shortest: float | None = None,
) -> NDArray[np.float64]:
    """Return heights with waves longer than `longest` and shorter than `shortest` taken out.

    Parameters
    ----------
    heights : ndarray of shape (rows, columns)
        NaN where there is no height; the filter is normalised by what is there.
    step : tuple of float
    longest, shortest : float or None
        Cut-off lengths (the L-filter, λ_c, and the S-filter, λ_s), in the unit of `step`.

    References
    ----------
    ISO 16610-61 (areal Gaussian filter), with α = √(ln 2/π).
    """
    out = heights
    if shortest is not None:
        out = _smooth(out, step, shortest)
    if longest is not None:
        out = out - _smooth(out, step, longest)
    return out


def _smooth(
    heights: NDArray[np.float64], step: tuple[float, float], cutoff: float
) -> NDArray[np.float64]:
    there = np.isfinite(heights)
    values, weight = np.where(there, heights, 0.0), there.astype(np.float64)
    for axis in (0, 1):
        # exp(−π(x/αλ)²) is a Gaussian of σ = αλ/√(2π)
        sigma = ALPHA * cutoff / (2.0 * np.pi) ** 0.5 / step[axis]
        values = gaussian_filter1d(values, sigma, axis=axis, mode="constant", truncate=5.0)
        weight = gaussian_filter1d(weight, sigma, axis=axis, mode="constant", truncate=5.0)
    return np.where(there, values / np.maximum(weight, 1e-12), np.nan)
