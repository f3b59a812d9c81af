"""Single scattering out of plural scattering, by Fourier's logarithm and ratio, with errors.

References
----------
.. [1] R. F. Egerton, *Electron Energy-Loss Spectroscopy in the Electron Microscope*, 3rd ed.,
   Springer (2011), equations 4.10 (Fourier-log) and 4.38 (Fourier-ratio).
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_eels.library import fourier_log, fourier_ratio
from consilience_eels.lowloss.zero_loss import NoZeroLossError, ZeroLoss, find_zero_loss
from consilience_eels.spectra import LossAxis

__all__ = ["Deconvoluted", "single_scattering", "without_plural_scattering"]

REPEATS = 48
"""Noisy copies from which the error of each channel is taken; it is known to 10 % then."""

BYTES = 1 << 22
"""Worked on at once: the transforms are complex, and twice as long as the spectra."""


@dataclass(frozen=True)
class Deconvoluted:
    """Spectra without plural scattering, counts for each channel, shape (..., n); images float32.

    ``std`` is that of the sum over all spectra, shape (n,), from counting, or None where the
    counts per electron are not known; ``tapered`` the channels at either end that were
    brought to zero and mean nothing.  ``t_over_lambda`` is the single scattering over the
    zero loss of the sum; None for a core loss.
    """

    intensity: NDArray[np.floating]
    std: NDArray[np.float64] | None
    tapered: int
    t_over_lambda: float | None


def single_scattering(
    axis: LossAxis,
    spectra: NDArray[Any],
    threshold: float,
    counts_per_electron: float | None = None,
    seed: int = 0,
) -> Deconvoluted:
    """Return the single-scattering distribution of low-loss spectra, by exSpy's Fourier-log.

    Parameters
    ----------
    axis : LossAxis
    spectra : ndarray, shape (..., n)
    threshold : float
        eV; channels below it are the zero loss.
    counts_per_electron : float, optional
        The detector's gain; None: errors are not known.
    seed : int
        Of the noisy copies.

    Raises
    ------
    NoZeroLossError
        The sum has no zero loss, or one that is cut off or saturated, or the axis begins so
        near to it that the taper reaches into it (``cut``).

    Notes
    -----
    Equation 4.10 of [1]_.  Losses that reach beyond the end of the axis are not there to be
    taken out: the distribution is too high near the end.
    """
    flat = spectra.reshape(-1, axis.size)
    whole = flat[0] if len(flat) == 1 else flat.sum(axis=0, dtype=np.float64)
    peak = find_zero_loss(axis.energy, whole)
    tapered = max(20, round(0.02 * axis.size))
    _check_room(axis, peak, tapered)
    cut = axis.index(threshold)
    made = np.empty(flat.shape, dtype=_kind(flat))
    rows = max(1, BYTES // (64 * axis.size))
    for first in range(0, len(flat), rows):
        block = flat[first : first + rows]
        made[first : first + rows] = (
            fourier_log(axis, block, cut) if len(flat) == 1 else _logarithm(block, cut, tapered)
        )
    std = None
    if counts_per_electron is not None:
        copies = _copies(np.asarray(whole, dtype=np.float64), counts_per_electron, seed)
        std = fourier_log(axis, copies, cut).std(axis=0, ddof=1)
    of_whole = fourier_log(axis, np.asarray(whole, dtype=np.float64)[None, :], cut)[0]
    elastic = float(np.asarray(whole[:cut], dtype=np.float64).sum())
    ratio = float(of_whole[tapered:-tapered].sum()) / elastic if elastic > 0 else math.nan
    return Deconvoluted(made.reshape(spectra.shape), std, tapered, ratio)


def without_plural_scattering(
    core_axis: LossAxis,
    core: NDArray[Any],
    low_axis: LossAxis,
    low: NDArray[Any],
    threshold: float,
    counts_per_electron: float | None = None,
    background: NDArray[Any] | None = None,
    seed: int = 0,
) -> Deconvoluted:
    """Return core losses freed of plural scattering, by exSpy's Fourier-ratio.

    Parameters
    ----------
    core_axis, low_axis : LossAxis
        Of the same step.
    core : ndarray, shape (..., n)
        Without background.
    low : ndarray, shape (..., m)
        The low losses of the same pixels.
    threshold : float
        Between elastic and inelastic electrons, eV.
    counts_per_electron : float, optional
        The detector's gain; None: errors are not known.
    background : ndarray, shape (n,), optional
        What was subtracted from the sum of `core`; its noise is in the errors.

    Raises
    ------
    NoZeroLossError
        The low loss has no zero loss, or one that is cut off or saturated.
    BadInputError
        Steps or pixels differ.

    Notes
    -----
    Equation 4.38 of [1]_.  The noisy copies of the low loss have its own noise and as much
    again, by which the ratio divides: the error comes out up to a third too large.
    """
    if abs(core_axis.step - low_axis.step) > 1e-6 * low_axis.step:
        raise BadInputError(
            f"core loss and low loss have channels of {core_axis.step:g} and {low_axis.step:g} eV",
            fix="record both with one dispersion, or resample one of them",
        )
    if core.shape[:-1] != low.shape[:-1]:
        raise BadInputError(
            f"core loss and low loss have pixels {core.shape[:-1]} and {low.shape[:-1]}",
            fix="give both of one scan",
        )
    cores, lows = core.reshape(-1, core_axis.size), low.reshape(-1, low_axis.size)
    whole = lows[0] if len(lows) == 1 else lows.sum(axis=0, dtype=np.float64)
    peak = find_zero_loss(low_axis.energy, whole)
    tapered = max(20, round(0.02 * core_axis.size))
    _check_room(low_axis, peak, max(20, round(0.02 * low_axis.size)))
    made = np.empty(cores.shape, dtype=_kind(cores))
    rows = max(1, BYTES // (64 * (core_axis.size + low_axis.size)))
    for first in range(0, len(cores), rows):
        made[first : first + rows] = fourier_ratio(
            core_axis,
            cores[first : first + rows],
            low_axis,
            lows[first : first + rows],
            peak.fwhm,
            threshold,
        )
    std = None
    if counts_per_electron is not None:
        net = cores.sum(axis=0, dtype=np.float64)
        under = np.zeros(core_axis.size) if background is None else np.asarray(background)
        noisy = _copies(net + under, counts_per_electron, seed) - under
        many = _copies(np.asarray(whole, dtype=np.float64), counts_per_electron, seed + 1)
        std = fourier_ratio(core_axis, noisy, low_axis, many, peak.fwhm, threshold).std(
            axis=0, ddof=1
        )
    return Deconvoluted(made.reshape(core.shape), std, tapered, None)


def _logarithm(block: NDArray[Any], cut: int, tapered: int) -> NDArray[np.float64]:
    """ExSpy's Fourier-log of some spectra, without its signals, which keep memory for long."""
    from scipy.fft import next_fast_len

    spectra = np.array(block, dtype=np.float64)
    size = next_fast_len(cut + spectra.shape[1] - 1, real=True)
    zero = np.fft.rfft(spectra[:, :cut], n=size, axis=1)
    window = np.hanning(2 * tapered)
    spectra[:, :tapered] *= window[:tapered]
    spectra[:, -tapered:] *= window[-tapered:]
    with np.errstate(all="ignore"):
        single = zero * np.nan_to_num(np.log(np.fft.rfft(spectra, n=size, axis=1) / zero))
    found: NDArray[np.float64] = np.fft.irfft(single, axis=1)[:, : spectra.shape[1]]
    return found


def _kind(spectra: NDArray[Any]) -> type[np.floating]:
    """Float32 for images, whose memory counts."""
    return np.float64 if len(spectra) == 1 else np.float32


def _check_room(axis: LossAxis, peak: ZeroLoss, tapered: int) -> None:
    if axis.energy[tapered] > peak.position - 1.5 * peak.fwhm:
        raise NoZeroLossError(
            "cut",
            f"the axis begins at {axis.energy[0]:g} eV; {tapered} channels at its beginning are "
            f"tapered, and reach into the zero-loss peak at {peak.position:g} eV",
        )


def _copies(spectrum: NDArray[np.float64], gain: float, seed: int) -> NDArray[np.float64]:
    """Noisy copies of one spectrum: the noise that is in it, once more, by bootstrap."""
    electrons = np.clip(spectrum, 0.0, None) / gain
    drawn = np.random.default_rng(seed).poisson(electrons, (REPEATS, spectrum.size))
    noisy: NDArray[np.float64] = spectrum + gain * (drawn - electrons)
    return noisy
