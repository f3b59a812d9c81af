"""Relative thickness t/λ by the log-ratio, with what counting and the threshold make uncertain.

References
----------
.. [1] R. F. Egerton, *Electron Energy-Loss Spectroscopy in the Electron Microscope*, 3rd ed.,
   Springer (2011), equation 5.1: t/λ = ln(I_t / I_0).
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience_eels.lowloss.zero_loss import ZeroLoss

__all__ = ["LogRatio", "counting_std", "dark", "log_ratio", "threshold_std", "unseen_end"]


@dataclass(frozen=True)
class LogRatio:
    """t/λ of each spectrum with its two sums; NaN where there is no electron to speak of."""

    t_over_lambda: NDArray[np.float64]
    total: NDArray[np.float64]
    elastic: NDArray[np.float64]
    channels: int
    elastic_channels: int | NDArray[np.int_]


def log_ratio(
    energy: NDArray[np.float64], spectra: NDArray[Any], threshold: float | NDArray[np.float64]
) -> LogRatio:
    """Return ``ln(I_t / I_0)``.

    Parameters
    ----------
    energy : ndarray, shape (n,)
        Energy loss in eV, evenly spaced.
    spectra : ndarray, shape (..., n)
    threshold : float, or ndarray, shape (...)
        In eV; channels below the one nearest to it are elastic.  One for each spectrum where
        zero losses do not lie in one place.

    Notes
    -----
    Sums over channels, the same as exSpy's `EELSSpectrum.estimate_thickness` with `threshold`.
    """
    cut: int | NDArray[np.int_]
    if isinstance(threshold, np.ndarray) and threshold.ndim:
        cut = np.array([_index(energy, float(one)) for one in threshold.ravel()])
        flat = spectra.reshape(-1, energy.size)
        below, whole = np.empty(flat.shape[0]), np.empty(flat.shape[0])
        for each in np.unique(cut).tolist():
            rows = cut == each
            below[rows], whole[rows] = _sums(flat[rows], each)
        cut = cut.reshape(threshold.shape)
        elastic, total = below.reshape(cut.shape), whole.reshape(cut.shape)
    else:
        cut = _index(energy, float(threshold))
        below, whole = _sums(spectra.reshape(-1, energy.size), cut)
        elastic, total = below.reshape(spectra.shape[:-1]), whole.reshape(spectra.shape[:-1])
    good = (elastic > 0) & (total > 0)
    ratio = np.divide(total, elastic, out=np.full(total.shape, np.nan), where=good)
    return LogRatio(np.log(ratio), total, elastic, energy.size, cut)


def _sums(flat: NDArray[Any], cut: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums below `cut` and of all channels; each value is read once, while it is in the cache.

    float32 holds sums of its own kind and of short integers to 1e-7, by pairs as NumPy adds.
    """
    below, beyond = np.empty(flat.shape[0]), np.empty(flat.shape[0])
    short = flat.dtype in (np.float32, np.uint8, np.int8, np.uint16, np.int16)
    kind = np.float32 if short else np.float64
    rows = max(1, (1 << 19) // flat.shape[1])
    for first in range(0, flat.shape[0], rows):
        block = flat[first : first + rows].astype(kind, copy=False)
        below[first : first + rows] = block[:, :cut].sum(axis=1)  # 'out' would widen each value
        beyond[first : first + rows] = block[:, cut:].sum(axis=1)
    return below, below + beyond


def _index(energy: NDArray[np.float64], value: float) -> int:
    step = (energy[-1] - energy[0]) / (energy.size - 1)
    return int(np.clip(round(float((value - energy[0]) / step)), 1, energy.size - 1))


def counting_std(
    ratio: LogRatio, counts_per_electron: float, readout: float = 0.0
) -> NDArray[np.float64]:
    """Return the standard deviation of t/λ from counting.

    Parameters
    ----------
    ratio : LogRatio
    counts_per_electron : float
        The detector's gain g: n electrons are g·n counts with a variance of g²·n.
    readout : float
        Variance of one channel from reading the camera, counts².

    Notes
    -----
    I_0 and I_t − I_0 are independent, so ``var = g (1/I_0 − 1/I_t)`` for the electrons, and
    ``v [n_0 (1/I_0 − 1/I_t)² + (n − n_0) / I_t²]`` for a read-out noise of variance v.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        lever = 1.0 / ratio.elastic - 1.0 / ratio.total
        inelastic = ratio.channels - ratio.elastic_channels
        variance = counts_per_electron * np.clip(lever, 0.0, None) + readout * (
            ratio.elastic_channels * lever**2 + inelastic / ratio.total**2
        )
    return np.where(np.isfinite(ratio.t_over_lambda), np.sqrt(variance), np.nan)


def threshold_std(
    energy: NDArray[np.float64], spectrum: NDArray[Any], threshold: float, peak: ZeroLoss
) -> tuple[float, tuple[float, float]]:
    """Return what the choice of the threshold is worth, and the range of t/λ behind it.

    No energy parts elastic from inelastic electrons.  All thresholds from half to one and a half
    times the one used, though not within a full width of the peak, are held equally likely, so
    the standard deviation is their range over √12.
    """
    low = max(0.5 * threshold, min(threshold, peak.position + peak.fwhm))
    first, last = _index(energy, low), _index(energy, 1.5 * threshold)
    sums = np.cumsum(np.asarray(spectrum, dtype=np.float64))
    total = float(sums[-1])
    elastic = sums[first - 1 : last]
    found = np.log(total / elastic[elastic > 0])
    bounds = float(found.min()), float(found.max())
    return (bounds[1] - bounds[0]) / math.sqrt(12.0), bounds


def dark(
    energy: NDArray[np.float64],
    spectrum: NDArray[Any],
    threshold: float,
    peak: ZeroLoss,
    counts_per_electron: float,
) -> tuple[float, float]:
    """Return read-out variance of a channel (counts²), and how far a dark level moves t/λ.

    The channels before the peak should be empty.  Their scatter beyond Poisson's is taken as
    read-out noise; their mean, if it lay under the whole spectrum, would change t/λ by so much.
    """
    before = np.asarray(spectrum[energy < peak.position - 5.0 * peak.fwhm], dtype=np.float64)
    if before.size < 20:
        return 0.0, 0.0
    far = before[: max(10, before.size // 2)]
    level = float(far.mean())
    scatter = float(np.mean(np.diff(far) ** 2)) / 2.0
    readout = max(0.0, scatter - counts_per_electron * max(level, 0.0))
    first = log_ratio(energy, np.asarray(spectrum, dtype=np.float64), threshold)
    second = log_ratio(energy, np.asarray(spectrum, dtype=np.float64) - level, threshold)
    moved = float(abs(second.t_over_lambda - first.t_over_lambda))
    return readout, moved if math.isfinite(moved) else 0.0


def unseen_end(energy: NDArray[np.float64], spectrum: NDArray[Any]) -> float | None:
    """Return by how much t/λ is too low as the axis ends; None where that cannot be told.

    The last third of the spectrum is continued as a power law.
    """
    values = np.asarray(spectrum, dtype=np.float64)
    start = 2 * energy.size // 3
    middle = (start + energy.size) // 2
    first, second = float(values[start:middle].mean()), float(values[middle:].mean())
    total = float(values.sum())
    step = float(energy[1] - energy[0])
    scatter = float(np.sqrt(np.mean(np.diff(values[middle:]) ** 2) / 2.0 / (values.size - middle)))
    if second <= 3.0 * scatter:  # the end is noise about 0: what it may hide, falling as E^-3
        hidden = (max(second, 0.0) + 2.0 * scatter) * float(energy[-1]) / (2.0 * step)
        return math.log1p(hidden / total)
    e1, e2 = float(energy[start:middle].mean()), float(energy[middle:].mean())
    if e1 <= 0:
        return None
    power = math.log(max(first, 1e-300) / second) / math.log(e2 / e1)
    if power <= 1.2 and first - second > -4.0 * scatter:
        power = 2.0  # noise hides the slope; no loss falls more slowly for long
    elif power <= 1.2:
        return None
    at_end = second * (float(energy[-1]) / e2) ** -power
    beyond = at_end * float(energy[-1]) / ((power - 1.0) * step)
    return math.log1p(beyond / total)
