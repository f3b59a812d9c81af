"""A whole spectrum image less its background, in blocks: fast, and small in memory."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from consilience_eels.edges.background import fit_power_law, pre_edge, two_area
from consilience_eels.spectra import LossAxis, SpectrumRows, blocks_of_rows

__all__ = ["Method", "subtract_power_law"]

Method = Literal["likelihood", "two areas"]
FITTED = 4096
"""Spectra fitted at once; only their window is read."""


def subtract_power_law(
    cube: SpectrumRows,
    axis: LossAxis,
    low: float,
    high: float,
    method: Method = "likelihood",
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return the spectra less the power law fitted to each of them.

    Parameters
    ----------
    cube : array, shape (..., n)
        Counts over energy loss.
    axis : LossAxis
        Of n channels.
    low, high : float
        Window of the fit, eV.
    method : {"likelihood", "two areas"}
        "two areas" is what HyperSpy's ``remove_background(fast=True)`` does.
    out : ndarray of float32, shape (..., n), optional
        Where to write; may be the cube itself.

    Returns
    -------
    ndarray of float32, shape (..., n)
        Where no background was found the counts stand as they are.  At and below 0 eV, where a
        power law has no value, nothing is subtracted.

    Notes
    -----
    Rounding to float32 is worth up to 1e-6 of the background of a channel.
    """
    window = pre_edge(axis, low, high)
    result = np.empty(cube.shape, np.float32) if out is None else out
    flat = result.reshape(-1, axis.size)
    begin = int(np.searchsorted(axis.energy, 0.0, side="right"))
    middle = float(np.sqrt(axis.energy[window.start] * axis.energy[window.stop - 1]))
    u = np.log(axis.energy[begin:] / middle).astype(np.float32)
    level = np.zeros(len(flat), np.float32)
    exponent = np.zeros(len(flat), np.float32)
    local = LossAxis(axis.energy[window.start : window.stop + 1], axis.step)
    channels = slice(window.start, min(window.stop + 1, axis.size))  # two areas look one beyond
    for place, block in blocks_of_rows(cube, FITTED, channels):
        inside = slice(0, window.stop - window.start)
        level[place], exponent[place] = _fitted(local, block, inside, method, middle)
    for place, block in blocks_of_rows(cube):
        into = flat[place]
        if into is not block:
            into[:, :begin] = block[:, :begin]
        model = np.multiply(-exponent[place, None], u, dtype=np.float32)
        np.exp(model, out=model)
        model *= level[place, None]
        np.subtract(block[:, begin:], model, out=into[:, begin:])
    return result


def _fitted(
    axis: LossAxis, block: NDArray[Any], window: slice, method: Method, middle: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Level at the middle of the window, counts of a channel, and exponent; 0 where none."""
    if method == "two areas":
        a, r = two_area(axis, block, window)
        level = a * axis.step * middle**-r
    else:
        fit = fit_power_law(axis.energy[window], block[:, window])
        level, r = fit.level, fit.exponent
    bad = ~(np.isfinite(level) & np.isfinite(r))
    level[bad], r[bad] = 0.0, 0.0
    return level.astype(np.float32), r.astype(np.float32)
