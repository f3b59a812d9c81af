"""The zero-loss peak: where it is, and why a spectrum has none that can be used."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NoZeroLossError", "ZeroLoss", "find_zero_loss", "flatness", "saturated"]

WITHIN = 10.0
"""eV: a zero loss further from 0 is a matter of calibration."""

WIDEST = 10.0
"""eV: a peak that is wider at half its height is no zero loss."""

STANDS_OUT = 10.0
"""The peak is that many times as high above the rest as the noise."""

FLAT = 3
"""Equal channels at the top that no counting noise leaves equal."""

ENOUGH = 1000.0
"""Counts at the top below which equal channels happen by chance."""


SAMPLED = 5.0
"""Channels at half height from which the shape of a top can be told."""


class NoZeroLossError(Exception):
    """The spectrum has no zero loss that can be used; `code` says which fault it is."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True)
class ZeroLoss:
    """Position of the highest channel and width at half height in eV, height in counts."""

    position: float
    fwhm: float
    height: float


def find_zero_loss(energy: NDArray[np.float64], values: NDArray[Any]) -> ZeroLoss:
    """Return the zero-loss peak of one spectrum.

    Parameters
    ----------
    energy : ndarray, shape (n,)
        Energy loss in eV, rising.
    values : ndarray, shape (n,)

    Raises
    ------
    NoZeroLossError
        The axis does not hold 0 (``out-of-range``), no peak stands out there (``none``), it is
        cut by the beginning of the axis (``cut``), or its top is flat (``saturated``).
    """
    if not energy[0] < 0.0 < energy[-1]:
        raise NoZeroLossError(
            "out-of-range",
            f"the spectrum goes from {energy[0]:g} to {energy[-1]:g} eV and does not hold the "
            "zero-loss peak",
        )
    counts = np.asarray(values, dtype=np.float64)
    near = np.flatnonzero(np.abs(energy) <= WITHIN)
    if not np.isfinite(counts[near]).all():
        raise NoZeroLossError(
            "none", f"the channels within {WITHIN:g} eV of 0 are not all numbers, so no zero loss"
        )
    top = int(near[np.argmax(counts[near])])
    level = float(np.median(counts))
    steps = np.diff(counts)
    noise = 1.4826 * float(np.median(np.abs(steps - np.median(steps)))) / np.sqrt(2.0)
    noise = max(noise, np.sqrt(max(level, 1.0)))
    height = float(counts[top]) - level
    if height < STANDS_OUT * noise:
        raise NoZeroLossError(
            "none",
            f"no zero-loss peak stands out within {WITHIN:g} eV of 0: the highest channel is "
            f"{height / noise:.1f} times the noise above the rest",
        )
    half = level + height / 2.0
    left = _crossing(counts, top, half, -1)
    right = _crossing(counts, top, half, 1)
    step = float(energy[1] - energy[0])
    if left is None or right is None:
        raise NoZeroLossError("cut", "the zero-loss peak is cut off by the end of the axis")
    fwhm = (right - left) * step
    if fwhm > WIDEST:
        raise NoZeroLossError(
            "none", f"the peak near 0 is {fwhm:.3g} eV wide, which no zero loss is"
        )
    position = float(energy[top])
    if energy[0] > position - 2.0 * fwhm:
        raise NoZeroLossError(
            "cut",
            f"the axis begins at {energy[0]:g} eV, within the zero-loss peak at {position:g} eV",
        )
    if saturated(values[None, :])[0]:
        raise NoZeroLossError(
            "saturated",
            f"the zero-loss peak is saturated: channels at its top are equal, {counts[top]:g}",
        )
    return ZeroLoss(position, fwhm, height)


def saturated(spectra: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which spectra have a flat top, or the largest number of their integer type.

    Parameters
    ----------
    spectra : ndarray, shape (n, channels)

    Notes
    -----
    A detector's ceiling that was scaled, or summed with other frames, is not seen.
    """
    top = spectra.max(axis=1)
    equal = spectra == top[:, None]
    run = equal[:, : -(FLAT - 1)].copy()
    for shift in range(1, FLAT):
        run &= equal[:, shift : equal.shape[1] - (FLAT - 1) + shift]
    flat: NDArray[np.bool_] = run.any(axis=1) & (top >= ENOUGH)
    if spectra.dtype.kind in "iu":
        flat |= top == np.iinfo(spectra.dtype).max
    return flat


def flatness(counts: NDArray[np.float64]) -> float | None:
    """Return the width at nine tenths of the highest peak over that at half its height.

    A Gaussian has 0.39 and a Lorentzian 0.33; one whose top was clipped at nine tenths 0.51, at
    seven tenths 0.66, also after it was scaled or summed.  A peak that wandered between the frames
    of a sum is flat too.  None where it is narrower than `SAMPLED` channels or has too few counts.
    """
    top = int(np.argmax(counts))
    level = float(np.median(counts))
    height = float(counts[top]) - level
    if height < ENOUGH:
        return None
    widths = []
    for part in (0.9, 0.5):
        ends = [_crossing(counts, top, level + part * height, way) for way in (-1, 1)]
        if ends[0] is None or ends[1] is None:
            return None
        widths.append(ends[1] - ends[0])
    return None if widths[1] < SAMPLED else widths[0] / widths[1]


def _crossing(counts: NDArray[np.float64], top: int, level: float, way: int) -> float | None:
    """Return where the curve falls below a level, in channels; None at the end of the axis."""
    i = top
    while 0 <= i < counts.size and counts[i] > level:
        i += way
    if not 0 <= i < counts.size:
        return None
    above, below = float(counts[i - way]), float(counts[i])
    return i - way + way * (above - level) / (above - below)
