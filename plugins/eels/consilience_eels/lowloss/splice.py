"""Low loss and core loss of one region put together to one spectrum, with the error of the seam."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_eels.spectra import LossAxis

__all__ = ["Splice", "splice"]

FEWEST = 8
"""Channels of the coarser spectrum that both must have."""


@dataclass(frozen=True)
class Splice:
    """One spectrum from the low loss's first channel to the core loss's last.

    Parameters
    ----------
    axis : LossAxis
        With the step of the core loss.
    spectra : ndarray of float32, shape (..., n)
        Counts of the low loss's exposure in each channel: the core loss times `scale`.
    scale : ndarray, shape (...)
        Counts of the low loss for one of the core loss, from the overlap.
    scale_std : ndarray or None
        From counting; None where the counts per electron are not known.
    overlap : tuple of float
        eV.
    chi2_reduced : float or None
        Of the two sums in the overlap, channel by channel; far above 1 where they are
        not one spectrum.
    slope : float
        By how much the ratio changes from one end of the overlap to the other, relative.
    slope_std : float or None
    """

    axis: LossAxis
    spectra: NDArray[np.float32]
    scale: NDArray[np.float64]
    scale_std: NDArray[np.float64] | None
    overlap: tuple[float, float]
    chi2_reduced: float | None
    slope: float
    slope_std: float | None
    seam: float


def splice(
    low_axis: LossAxis,
    low: NDArray[Any],
    core_axis: LossAxis,
    core: NDArray[Any],
    counts_per_electron: tuple[float, float] | None = None,
    window: tuple[float, float] | None = None,
) -> Splice:
    """Join spectra where their axes overlap.

    Parameters
    ----------
    low_axis, core_axis : LossAxis
    low, core : ndarray, shape (..., n) and (..., m)
        Of the same pixels.
    counts_per_electron : tuple of float, optional
        Gains of the detector in the two exposures; None: errors are not known.
    window : tuple of float, optional
        eV; by default all channels that both have.

    Raises
    ------
    BadInputError
        The axes overlap by fewer than 8 channels, the pixels differ, or the overlap is empty.

    Notes
    -----
    The scale is the ratio of the two sums over the overlap; for counts of Poisson's law this is
    the estimate of least variance, ``(g₁/ΣN₁ + g₂/ΣN₂)`` relative.  The seam is in the middle
    of the overlap.  Where steps differ the low loss is brought to the core loss's channels by
    its running sum, so that counts are kept.
    """
    if low.shape[:-1] != core.shape[:-1]:
        raise BadInputError(
            f"low loss and core loss have pixels {low.shape[:-1]} and {core.shape[:-1]}",
            fix="give both of one scan, or sum each over the region first",
        )
    first, last = max(low_axis.low, core_axis.low), min(low_axis.high, core_axis.high)
    if window is not None:
        first, last = max(first, window[0]), min(last, window[1])
    coarse = max(low_axis.step, core_axis.step)
    if last - first < FEWEST * coarse or core_axis.high <= low_axis.high:
        raise BadInputError(
            f"the low loss ends at {low_axis.high:g} eV and the core loss goes from "
            f"{core_axis.low:g} to {core_axis.high:g} eV: they share fewer than {FEWEST} channels "
            "of which one could go on where the other ends",
            fix="record the core loss from where the low loss still goes on, or analyse them apart",
        )
    shared = core_axis.window(
        float(core_axis.energy[math.ceil((first - core_axis.low) / core_axis.step - 1e-6)]), last
    )
    if core_axis.energy[shared][-1] + 0.5 * core_axis.step > last + 1e-6 * coarse:
        shared = slice(shared.start, shared.stop - 1)
    lows, cores = low.reshape(-1, low_axis.size), core.reshape(-1, core_axis.size)
    edges = core_axis.energy[shared][0] + core_axis.step * (
        np.arange(shared.stop - shared.start + 1) - 0.5
    )
    low_sums, core_sums = np.empty(len(lows)), np.empty(len(cores))
    totals = np.zeros((2, shared.stop - shared.start))
    for rows in _blocks(len(lows), low_axis.size):
        on_core = _rebinned(low_axis, lows[rows], edges)
        above = cores[rows, shared].astype(np.float64)
        low_sums[rows], core_sums[rows] = on_core.sum(axis=1), above.sum(axis=1)
        totals += on_core.sum(axis=0), above.sum(axis=0)
    scale, scale_std = _scale(low_sums, core_sums, counts_per_electron)
    fit = _judged(totals[0], totals[1], counts_per_electron)
    middle = (shared.start + shared.stop) // 2
    before = core_axis.energy[middle] - 0.5 * core_axis.step - low_axis.low
    count = math.floor(before / core_axis.step + 1e-6)
    start = core_axis.energy[middle] - 0.5 * core_axis.step - count * core_axis.step
    before_seam = start + core_axis.step * np.arange(count + 1)
    joined = np.empty((len(lows), count + core_axis.size - middle), dtype=np.float32)
    for rows in _blocks(len(lows), low_axis.size):
        joined[rows, :count] = _rebinned(low_axis, lows[rows], before_seam)
        joined[rows, count:] = cores[rows, middle:] * scale[rows, None]
    energy = start + core_axis.step * (np.arange(joined.shape[1]) + 0.5)
    shape = low.shape[:-1]
    return Splice(
        LossAxis.of(energy),
        joined.reshape(*shape, joined.shape[1]),
        scale.reshape(shape),
        None if scale_std is None else scale_std.reshape(shape),
        (float(edges[0]), float(edges[-1])),
        *fit,
        float(core_axis.energy[middle] - 0.5 * core_axis.step),
    )


def _blocks(count: int, channels: int) -> Iterator[slice]:
    """Rows a few megabytes at a time: sums are made in float64, images stay as they are."""
    rows = max(1, (1 << 19) // channels)
    for first in range(0, count, rows):
        yield slice(first, min(first + rows, count))


def _rebinned(
    axis: LossAxis, spectra: NDArray[Any], edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Counts between `edges`, from the running sum, read on a line within channels."""
    place = (edges - axis.low) / axis.step
    nearest = np.rint(place)
    if np.abs(place - nearest).max() < 1e-6 and abs(np.diff(nearest).mean() - 1.0) < 1e-9:
        whole = nearest.astype(int)
        return np.asarray(spectra[:, whole[0] : whole[-1]], dtype=np.float64)
    made = np.empty((spectra.shape[0], edges.size - 1))
    channels = np.arange(axis.size + 1)
    for i, row in enumerate(spectra):
        running = np.concatenate([[0.0], np.cumsum(row, dtype=np.float64)])
        made[i] = np.diff(np.interp(place, channels, running))
    return made


def _scale(
    low: NDArray[np.float64], core: NDArray[np.float64], gains: tuple[float, float] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    if not ((low > 0) & (core > 0)).any():
        raise BadInputError(
            "the overlap holds no counts", fix="name a window in which both spectra have counts"
        )
    good = (low > 0) & (core > 0)
    scale = np.divide(low, core, out=np.full(low.shape, np.nan), where=good)
    if gains is None:
        return scale, None
    with np.errstate(divide="ignore", invalid="ignore"):
        std = scale * np.sqrt(gains[0] / low + gains[1] / core)
    return scale, np.where(good, std, np.nan)


def _judged(
    low: NDArray[np.float64], core: NDArray[np.float64], gains: tuple[float, float] | None
) -> tuple[float | None, float, float | None]:
    """χ² of one ratio for all channels, and how the ratio leans, of the summed spectra."""
    scale = float(low.sum() / core.sum())
    model = np.clip(scale * core, 1e-12, None)
    part = np.linspace(-0.5, 0.5, low.size)
    weight = model / model.sum()
    centred = part - float(np.sum(weight * part))
    lean = float(np.sum(weight * centred**2))
    slope = float(np.sum(weight * centred * (low / model - 1.0))) / lean
    if gains is None:
        return None, slope, None
    variance = gains[0] * model + gains[1] * scale * model
    chi2 = float(np.sum((low - scale * core) ** 2 / variance)) / (low.size - 1)
    slope_variance = float(np.sum((weight * centred / model) ** 2 * variance)) / lean**2
    return chi2, slope, math.sqrt(slope_variance)
