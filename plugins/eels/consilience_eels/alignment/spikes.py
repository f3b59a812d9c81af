"""Spikes: single channels that a cosmic ray or a hot pixel has filled."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience_eels.spectra import LossAxis

__all__ = ["Spike", "noise_threshold", "remove_spikes", "steepest"]

BLOCK = 512
"""Spectra worked on at once."""

MOST = 100
"""Spikes of one spectrum; more are no spikes."""


@dataclass(frozen=True)
class Spike:
    """One spike: row of ``spectra.reshape(-1, n)``, its channel, and the channels replaced."""

    row: int
    channel: int
    replaced: tuple[int, int]
    rise: float


def _rise(axis: LossAxis, block: NDArray[Any], mask: NDArray[np.bool_] | None) -> NDArray[Any]:
    rise: NDArray[Any] = np.gradient(np.asarray(block, dtype=np.float64), axis.step, axis=-1)
    if mask is not None:
        rise[..., mask] = 0.0
    return rise


def steepest(
    axis: LossAxis, spectra: NDArray[Any], mask: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """Return the steepest rise of each spectrum, in counts for each eV.

    Parameters
    ----------
    axis : LossAxis
    spectra : ndarray, shape (..., n)
    mask : ndarray of bool, shape (n,), optional
        Channels that are left out, such as the zero loss.
    """
    flat = spectra.reshape(-1, axis.size)
    found = np.empty(flat.shape[0])
    for first in range(0, flat.shape[0], BLOCK):
        found[first : first + BLOCK] = _rise(axis, flat[first : first + BLOCK], mask).max(axis=1)
    return found.reshape(spectra.shape[:-1])


def noise_threshold(
    axis: LossAxis,
    spectra: NDArray[Any],
    mask: NDArray[np.bool_] | None = None,
    sigmas: float = 12.0,
) -> float:
    """Return a rise that no counting noise makes and no feature that all spectra share.

    Notes
    -----
    The median over spectra of the steepest rise holds what all of them have (an edge); what
    noise does to it is taken from the spectra's own scatter between neighbouring channels, by
    the median, which spikes do not move.
    """
    flat = spectra.reshape(-1, axis.size)
    chosen = flat[:: max(1, flat.shape[0] // 512)]
    rise = _rise(axis, chosen, mask)
    kept = rise if mask is None else rise[:, ~mask]
    own = kept - np.median(kept, axis=0)[None, :] if len(chosen) >= 8 else kept
    # the noisiest channels decide: counts differ by decades along a spectrum
    noise = 1.4826 * np.median(np.abs(own), axis=0 if len(chosen) >= 8 else 1)
    typical = np.median(kept.max(axis=1)) if len(chosen) >= 8 else np.quantile(kept, 0.98)
    return float(max(typical, 0.0) + sigmas * float(np.quantile(noise, 0.98)))


def remove_spikes(
    axis: LossAxis,
    spectra: NDArray[Any],
    threshold: float,
    mask: NDArray[np.bool_] | None = None,
    width: int = 5,
) -> tuple[dict[int, NDArray[Any]], list[Spike]]:
    """Find spikes and put a straight line in their place.

    Parameters
    ----------
    axis : LossAxis
    spectra : ndarray, shape (..., n)
        Not changed.
    threshold : float
        Rise, in counts for each eV, from which on a channel is a spike.
    mask : ndarray of bool, shape (n,), optional
        Channels where rises do not count.
    width : int
        Channels on either side that are replaced.

    Returns
    -------
    mended : dict
        Row of ``spectra.reshape(-1, n)`` to the whole mended spectrum, in the data's own type;
        spectra without a spike are not in it, so that no copy of the image is made.
    spikes : list of Spike

    Notes
    -----
    The same as HyperSpy's `spikes_removal_tool` run without interaction and noise: the largest
    rise is a spike where it reaches the threshold, and is looked for again outside of what
    was replaced.
    """
    flat = spectra.reshape(-1, axis.size)
    rows = np.flatnonzero(steepest(axis, flat, mask) >= threshold)
    mended: dict[int, NDArray[Any]] = {}
    spikes: list[Spike] = []
    for row in rows.tolist():
        spectrum = flat[row].copy()
        done = np.zeros(axis.size, dtype=np.bool_) if mask is None else mask.copy()
        for _ in range(MOST):
            rise = _rise(axis, spectrum, done)
            top = int(rise.argmax())
            if rise[top] < threshold:
                break
            low, high = max(top - width, 0), min(top + width, axis.size - 1)
            spikes.append(Spike(row, top, (low, high), float(rise[top])))
            _bridge(axis, spectrum, low, high)
            done[low : high + 1] = True
        mended[row] = spectrum
    return mended, spikes


def _bridge(axis: LossAxis, spectrum: NDArray[Any], low: int, high: int) -> None:
    """Put a line between the channels before `low` and at `high`; a level at either end."""
    first, last = max(low - 1, 0), min(high + 1, axis.size)
    if first == 0:
        stop = high - 1 if high == last else high
        spectrum[:stop] = spectrum[stop:last].mean()
    elif last == axis.size:
        start = low + 1 if low == first else low
        spectrum[start:] = spectrum[first:start].mean()
    else:
        ends = np.array([axis.energy[first], axis.energy[high]])
        heights = np.array([spectrum[first], spectrum[high]], dtype=np.float64)
        spectrum[low:high] = np.interp(axis.energy[low:high], ends, heights)
