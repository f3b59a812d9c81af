"""Where the zero loss lies in each spectrum and how wide it is, both with errors; shifting spectra.

References
----------
.. [1] P. J. Huber and E. M. Ronchetti, *Robust Statistics*, 2nd ed., Wiley (2009), equation 3.13:
   variance of an M-estimator, ``Σψ² / (Σψ')²``.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_eels.lowloss.zero_loss import WITHIN, ZeroLoss, saturated
from consilience_eels.spectra import LossAxis

__all__ = ["ZeroLossMap", "crop_of", "measure_zero_loss", "shift_spectra"]

FWHM_TO_SIGMA = 1.0 / (2.0 * math.sqrt(2.0 * math.log(2.0)))
ROUNDS = 12
"""Newton's steps; a peak of one shape is found in three or four."""

ENOUGH = 5.0
"""The peak is so many times as high as its own counting noise, or the pixel says nothing."""

BLOCK = 512
"""Spectra worked on at once."""


@dataclass(frozen=True)
class ZeroLossMap:
    """Position and full width at half maximum of each zero loss, in eV; NaN where there is none.

    ``position_std`` and ``fwhm_std`` are from counting at the given counts per electron.
    """

    position: NDArray[np.float64]
    position_std: NDArray[np.float64]
    fwhm: NDArray[np.float64]
    fwhm_std: NDArray[np.float64]


def measure_zero_loss(
    axis: LossAxis,
    spectra: NDArray[Any],
    whole: ZeroLoss,
    counts_per_electron: float = 1.0,
) -> ZeroLossMap:
    """Return the zero loss of each spectrum to a part of a channel.

    Parameters
    ----------
    axis : LossAxis
    spectra : ndarray, shape (..., n)
    whole : ZeroLoss
        The peak of the sum, by `consilience_eels.lowloss.zero_loss.find_zero_loss`; no pixel's is
        looked for further than 10 eV from it.
    counts_per_electron : float
        The detector's gain g: n electrons are g·n counts with a variance of g²·n.

    Notes
    -----
    The position μ solves ``Σ N(E) (E − μ) exp(−(E − μ)²/2s²) = 0`` with the s of the whole
    peak, so that inelastic electrons hardly weigh; its variance is equation 3.13 of [1]_.  A
    peak of few channels is placed no better than they allow: the error gets a part for it,
    ``step/√12`` where the peak is one channel wide, a hundredth of that from three on.

    Half of the height is crossed where straight lines through the flanks say so, mended for the
    bend of a Gaussian's flank; the height is that of a parabola through the logarithm of the
    top.  Counting errors of both go into ``fwhm_std``, and half of what was mended.
    """
    flat = spectra.reshape(-1, axis.size)
    found = [np.full(flat.shape[0], np.nan) for _ in range(4)]
    if len(flat) > 1:  # drift widens the peak of the sum, so first that of some spectra
        some = np.asarray(flat[:: max(1, len(flat) // 256)], dtype=np.float64)
        widths = _block(axis, some, whole, counts_per_electron)[2]
        if np.isfinite(widths).any():
            whole = replace(whole, fwhm=float(np.nanmedian(widths)))
    for first in range(0, flat.shape[0], BLOCK):
        part = flat[first : first + BLOCK]
        bad = saturated(part) if axis.size > 3 else np.zeros(len(part), dtype=np.bool_)
        made = _block(axis, np.asarray(part, dtype=np.float64), whole, counts_per_electron)
        for kept, values in zip(found, made, strict=True):
            kept[first : first + BLOCK] = np.where(bad, np.nan, values)
    shape = spectra.shape[:-1]
    position, position_std, fwhm, fwhm_std = (one.reshape(shape) for one in found)
    return ZeroLossMap(position, position_std, fwhm, fwhm_std)


def _block(
    axis: LossAxis, counts: NDArray[np.float64], whole: ZeroLoss, gain: float
) -> tuple[NDArray[np.float64], ...]:
    energy, step = axis.energy, axis.step
    s = max(FWHM_TO_SIGMA * whole.fwhm, step)
    near = slice(
        axis.index(whole.position - WITHIN - whole.fwhm),
        axis.index(whole.position + WITHIN + whole.fwhm) + 1,
    )
    e, n = energy[near], counts[:, near]
    before = energy < whole.position - 5.0 * whole.fwhm
    level = counts[:, before].mean(axis=1) if int(before.sum()) >= 20 else np.zeros(len(counts))
    n = n - level[:, None]
    smooth = _smoothed(n, max(1, round(0.5 * whole.fwhm / step)))
    start = e[np.argmax(smooth, axis=1)]
    position, curvature = _newton(e, n, start, s)
    distance = (e[None, :] - position[:, None]) / s
    psi = distance * np.exp(-0.5 * distance**2)
    variance = gain * np.sum(psi**2 * np.clip(n, 0.0, None), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        std = np.sqrt(variance) / np.abs(curvature) * s
    # what a peak between few channels hides: step/√12 at one
    hidden = step / math.sqrt(12.0) * math.exp(-3.0 * max(whole.fwhm / step - 1.0, 0.0))
    std = np.hypot(std, hidden)
    fwhm, fwhm_std, height = _width(axis, counts - level[:, None], position, whole.fwhm, gain)
    fwhm_std = np.hypot(fwhm_std, 2.0 * hidden)
    with np.errstate(invalid="ignore"):
        weak = ~(height > ENOUGH * np.sqrt(gain * np.clip(height, 1e-300, None)))
        lost = weak | ~(curvature > 0) | (np.abs(position - whole.position) > WITHIN)
    for values in (position, std, fwhm, fwhm_std):
        values[lost] = np.nan
    return position, std, fwhm, fwhm_std


def _smoothed(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Sums of 2·width + 1 channels, so that noise does not choose the top."""
    padded = np.pad(values, ((0, 0), (width + 1, width)), mode="edge")
    sums = np.cumsum(padded, axis=1)
    return sums[:, 2 * width + 1 :] - sums[:, : -2 * width - 1]


def _newton(
    energy: NDArray[np.float64], counts: NDArray[np.float64], start: NDArray[np.float64], s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    position = start.astype(np.float64)
    curvature = np.zeros_like(position)
    for _ in range(ROUNDS):
        u = (energy[None, :] - position[:, None]) / s
        weight = np.exp(-0.5 * u**2)
        slope = np.sum(counts * u * weight, axis=1)
        curvature = np.sum(counts * (1.0 - u**2) * weight, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            move = s * np.where(curvature > 0, slope / curvature, 0.0)
        move = np.clip(move, -s, s)
        position += move
        if float(np.max(np.abs(move), initial=0.0)) < 1e-9 * s:
            break
    return position, curvature


def _width(
    axis: LossAxis,
    counts: NDArray[np.float64],
    position: NDArray[np.float64],
    fwhm: float,
    gain: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Full width, its standard deviation and the height, of each spectrum."""
    wide = max(1, round(0.3 * fwhm / axis.step))
    top = np.clip(
        np.rint((position - axis.energy[0]) / axis.step).astype(int), wide, axis.size - 1 - wide
    )
    offset = np.arange(-wide, wide + 1)
    design = np.stack([np.ones_like(offset), offset, offset**2], axis=1).astype(np.float64)
    solve = np.linalg.pinv(design)
    near = np.take_along_axis(counts, top[:, None] + offset, axis=1)
    floor = np.maximum(1e-3 * near.max(axis=1, keepdims=True), 1e-300)
    a, b, c = (np.log(np.maximum(near, floor)) @ solve.T).T
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        height = np.exp(np.where(c < 0, np.clip(a - b**2 / (4.0 * c), a, a + 1.0), a))
    height_variance = height**2 * gain * ((1.0 / np.maximum(near, floor)) @ solve[0] ** 2)
    total = np.zeros(len(counts))
    variance = np.zeros(len(counts))
    lever = np.zeros(len(counts))
    for way in (-1, 1):
        where, own, per_count = _flank(axis, counts, top, 0.5 * height, way, fwhm, gain)
        total += way * where
        variance += own
        lever += per_count
    # the height moves both crossings outwards at once
    variance = variance + 0.25 * height_variance * lever**2
    return total * axis.step, np.sqrt(variance) * axis.step, height


def _flank(
    axis: LossAxis,
    counts: NDArray[np.float64],
    top: NDArray[np.int_],
    half: NDArray[np.float64],
    way: int,
    fwhm: float,
    gain: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Channel where one flank crosses half, its variance, channels that one count moves it."""
    reach = max(3, math.ceil(2.0 * fwhm / axis.step))
    steps = way * np.arange(reach + 1)
    inside = np.clip(top[:, None] + steps, 0, axis.size - 1)
    curve = np.take_along_axis(counts, inside, axis=1)
    below = curve < half[:, None]
    first = np.where(below.any(axis=1), below.argmax(axis=1), reach)
    # two channels hold the crossing; more share its noise where the flank has more
    m = max(1, round(0.12 * fwhm / axis.step))
    span = np.arange(-m, m)
    place = np.clip(first[:, None] + span, 0, reach)
    y = np.take_along_axis(curve, place, axis=1)
    x = place.astype(np.float64)
    mean = x.mean(axis=1, keepdims=True)
    spread = np.sum((x - mean) ** 2, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = (x - mean) / spread[:, None]
        slope = np.sum(weight * y, axis=1)
        level = y.mean(axis=1)
        cross = mean[:, 0] + (half - level) / slope
        # a line through a flank that bends like a Gaussian's, N''/N' = 0.772/FWHM at half
        mend = 0.5 * 0.772 * axis.step / fwhm * (spread / x.shape[1] - (cross - mean[:, 0]) ** 2)
        cross = cross - mend
        lean = (cross - mean[:, 0])[:, None] * weight + 1.0 / x.shape[1]
        variance = gain * np.sum(lean**2 * np.clip(y, 0.0, None), axis=1) / slope**2
        variance = variance + (0.5 * mend) ** 2
        per_count = 1.0 / np.abs(slope)
    bad = ~below.any(axis=1) | ~(slope < 0)
    for values in (cross, variance, per_count):
        values[bad] = np.nan
    return top + way * cross, variance, per_count


def crop_of(axis: LossAxis, shifts: NDArray[np.float64]) -> slice:
    """Return the channels that every spectrum still fills after `shift_spectra`.

    The same as HyperSpy's `Signal1D.shift1D` with ``crop=True``.
    """
    known = shifts[np.isfinite(shifts)]
    low = float(known.min(initial=0.0)) / axis.step
    high = float(known.max(initial=0.0)) / axis.step
    first = math.ceil(high - 1e-9) if high > 0 else 0
    last = axis.size + math.floor(low + 1e-9) if low < 0 else axis.size
    if last - first < 2:
        raise BadInputError(
            f"shifts from {low * axis.step:.3g} to {high * axis.step:.3g} eV leave no channel "
            "that every spectrum has",
            fix="leave out the pixels whose zero loss lies far from the others'",
        )
    return slice(first, last)


def shift_spectra(
    axis: LossAxis, spectra: NDArray[Any], shifts: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return spectra moved along the axis by `shifts` (eV), read between channels on a line.

    Parameters
    ----------
    axis : LossAxis
    spectra : ndarray, shape (..., n)
    shifts : ndarray, shape (...)
        Positive moves to higher energies; a NaN leaves the spectrum where it is.

    Returns
    -------
    ndarray of float32, shape (..., m)
        The channels of `crop_of`.

    Notes
    -----
    As HyperSpy's `Signal1D.shift1D`.  A channel of the result is ``(1−f)·N[i] + f·N[i−1]``: its
    counting variance is the same sum with squares, and neighbours are correlated by
    ``f(1−f)`` of a channel's variance; sums over windows keep their errors.
    """
    flat = spectra.reshape(-1, axis.size)
    kept = crop_of(axis, shifts)
    moved = np.empty((flat.shape[0], kept.stop - kept.start), dtype=np.float32)
    by = np.nan_to_num(shifts.reshape(-1)) / axis.step
    whole = np.floor(by).astype(int)
    part = by - whole
    channels = np.arange(kept.start, kept.stop)
    for i in range(flat.shape[0]):  # a gather of rows costs more than these slices
        high = np.clip(channels[[0, -1]] - whole[i], 0, axis.size - 1)
        row = flat[i]
        if part[i] == 0.0:
            moved[i] = row[high[0] : high[1] + 1]
            continue
        own = row[high[0] : high[1] + 1].astype(np.float64)
        below = max(int(high[0]) - 1, 0)
        left = row[below : below + own.size].astype(np.float64)
        if high[0] == 0:  # nothing lies before the first channel: go on along its slope
            left = np.concatenate([[2.0 * own[0] - own[1]], own[:-1]])
        moved[i] = (1.0 - part[i]) * own + part[i] * left
    return moved.reshape(*spectra.shape[:-1], moved.shape[1])
