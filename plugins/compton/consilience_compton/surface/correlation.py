"""Over which length heights know of each other: the areal autocorrelation function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, next_fast_len, rfft2

__all__ = ["Correlation", "autocorrelation", "share_of_mean_line"]

DECAY = 0.2
"""Value that S_al is told at (ISO 25178-3)."""
DIRECTIONS = 180
LEAST_OVERLAP = 0.25
"""Share of the map that has to overlap with itself at a lag; beyond it nothing is told."""


@dataclass(frozen=True)
class Correlation:
    """Autocorrelation of a levelled height map.

    Parameters
    ----------
    rows, columns : ndarray
        The function along either axis, from lag 0 on, 1 at lag 0.
    s_al : float or None
        Shortest distance at which it falls to 0.2, over all directions; None where it does not.
    longest : float or None
        The longest such distance; None where in some direction it does not fall so far.
    s_tr : float or None
        Aspect ratio of the texture, `s_al` / `longest`.
    area : float
        Integral of the squared function (length²): heights within it count as one
        where squares are averaged.
    nugget : float
        Share of the variance that is gone within one step: noise and steps of voxels, and what
        is rough below a step.
    """

    rows: NDArray[np.float64]
    columns: NDArray[np.float64]
    s_al: float | None
    longest: float | None
    s_tr: float | None
    area: float
    nugget: float


def autocorrelation(heights: NDArray[np.float64], step: tuple[float, float]) -> Correlation:
    """Return the autocorrelation of levelled heights; each lag is normalised by its overlap.

    Parameters
    ----------
    heights : ndarray of shape (rows, columns)
        NaN where there is none.
    step : tuple of float

    Raises
    ------
    ValueError
        The heights are all alike.

    References
    ----------
    ISO 25178-2 (spatial parameters S_al and S_tr).
    """
    there = np.isfinite(heights)
    values = np.where(there, heights - np.nanmean(heights), 0.0)
    shape = tuple(next_fast_len(2 * n, real=True) for n in heights.shape)
    spectrum = rfft2(values, shape)
    overlap = irfft2(np.abs(rfft2(there.astype(np.float64), shape)) ** 2, shape)
    raw = irfft2(np.abs(spectrum) ** 2, shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        acf = np.where(overlap > LEAST_OVERLAP * there.sum(), raw / overlap, np.nan)
    variance = float(acf[0, 0])
    if not variance > 0.0:
        raise ValueError("the heights are all alike")
    acf = acf / variance
    s_al, longest = _decay(acf, heights.shape, step)
    rows = acf[: heights.shape[0], 0]
    columns = acf[0, : heights.shape[1]]
    reach = 3.0 * longest if longest is not None else float("inf")
    return Correlation(
        rows[np.isfinite(rows)],
        columns[np.isfinite(columns)],
        s_al,
        longest,
        None if s_al is None or not longest else s_al / longest,
        _area(acf, step, reach),
        _nugget(rows, columns),
    )


def share_of_mean_line(function: NDArray[np.float64], points: int) -> float:
    """Return the share of the variance that the mean line of a profile takes off.

    Parameters
    ----------
    function : ndarray
        Autocorrelation along the profile, from lag 0 on; used up to where it first falls to 0.
    points : int
        Of the profile.

    Returns
    -------
    float
        (1/n) (1 + 2 Σ (1 − k/n) ρ_k), 0 to 1: the variance of a mean of n heights that know of
        each other.
    """
    below = np.flatnonzero(function <= 0.0)
    lags = np.arange(1, min(int(below[0]) if below.size else function.size, points))
    summed = 1.0 + 2.0 * float(np.sum((1.0 - lags / points) * function[lags]))
    return min(1.0, summed / points)


def _decay(
    acf: NDArray[np.float64], shape: tuple[int, ...], step: tuple[float, float]
) -> tuple[float | None, float | None]:
    """Distances at which the function first falls to `DECAY`, by bilinear interpolation."""
    least = min(step)
    far = float(np.hypot(shape[0] * step[0], shape[1] * step[1])) * 0.75
    distance = np.arange(0.0, far, 0.25 * least)
    found: list[float] = []
    endless = False
    for angle in np.linspace(0.0, np.pi, DIRECTIONS, endpoint=False):
        v = distance * np.sin(angle) / step[0]
        u = distance * np.cos(angle) / step[1]
        inside = (np.abs(v) < shape[0] - 1) & (np.abs(u) < shape[1] - 1)
        line = _between(acf, v[inside], u[inside])
        below = np.flatnonzero(line <= DECAY)
        gone = np.flatnonzero(~np.isfinite(line))
        if not below.size or (gone.size and gone[0] < below[0]):
            endless = True
            continue
        k = int(below[0])
        drop = line[k - 1] - line[k]
        found.append(float(distance[k - 1] + 0.25 * least * (line[k - 1] - DECAY) / drop))
    return (min(found) if found else None), (max(found) if found and not endless else None)


def _between(
    acf: NDArray[np.float64], v: NDArray[np.float64], u: NDArray[np.float64]
) -> NDArray[np.float64]:
    i, j = np.floor(v).astype(int), np.floor(u).astype(int)
    a, b = v - i, u - j
    rows, columns = acf.shape

    def at(p: NDArray[np.int64], q: NDArray[np.int64]) -> NDArray[np.float64]:
        picked: NDArray[np.float64] = acf[p % rows, q % columns]
        return picked

    mixed: NDArray[np.float64] = (
        at(i, j) * (1 - a) * (1 - b)
        + at(i + 1, j) * a * (1 - b)
        + at(i, j + 1) * (1 - a) * b
        + at(i + 1, j + 1) * a * b
    )
    return mixed


def _area(acf: NDArray[np.float64], step: tuple[float, float], reach: float) -> float:
    rows = np.fft.fftfreq(acf.shape[0], 1.0 / acf.shape[0]) * step[0]
    columns = np.fft.fftfreq(acf.shape[1], 1.0 / acf.shape[1]) * step[1]
    near = np.hypot(rows[:, None], columns[None, :]) <= reach
    return float(np.nansum(np.where(near, acf**2, 0.0)) * step[0] * step[1])


def _nugget(rows: NDArray[np.float64], columns: NDArray[np.float64]) -> float:
    """What the parabola through lags 1 and 2 leaves at lag 0."""
    parts = [
        1.0 - (4.0 * line[1] - line[2]) / 3.0
        for line in (rows, columns)
        if line.size > 2 and np.isfinite(line[:3]).all()
    ]
    return max(0.0, float(np.mean(parts))) if parts else 0.0
