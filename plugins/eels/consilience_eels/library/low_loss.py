"""What exSpy computes of low losses: thresholds, deconvolutions and mean free paths."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience_eels.library.files import make_signal
from consilience_eels.library.session import hyperspy
from consilience_eels.spectra import LossAxis

__all__ = [
    "angular_correction",
    "elastic_threshold",
    "fourier_log",
    "fourier_ratio",
    "mean_free_path",
]


def _signal(axis: LossAxis, spectra: NDArray[Any]) -> Any:
    axes = [
        {"_type": "UniformDataAxis", "name": f"n{i}", "size": n, "navigate": True, "scale": 1.0}
        for i, n in enumerate(spectra.shape[:-1])
    ]
    axes.append(
        {
            "_type": "UniformDataAxis",
            "name": "Energy loss",
            "size": axis.size,
            "navigate": False,
            "offset": float(axis.energy[0]),
            "scale": axis.step,
            "units": "eV",
            "is_binned": True,
        }
    )
    return make_signal(np.asarray(spectra, dtype=np.float64), axes, {}, {}, "EELS", 1)


def fourier_log(axis: LossAxis, spectra: NDArray[Any], channels: int) -> NDArray[np.float64]:
    """Return single-scattering distributions by exSpy's `fourier_log_deconvolution`.

    Parameters
    ----------
    axis : LossAxis
    spectra : ndarray, shape (..., n)
    channels : int
        Those before this one are the zero loss.

    Returns
    -------
    ndarray, shape (..., n)
        Counts for each channel, the zero loss not added.
    """
    signal = _signal(axis, spectra)
    zero_loss = signal.isig[:channels]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = signal.fourier_log_deconvolution(zero_loss)
    return np.asarray(found.data, dtype=np.float64)


def fourier_ratio(
    core_axis: LossAxis,
    core: NDArray[Any],
    low_axis: LossAxis,
    low: NDArray[Any],
    fwhm: float,
    threshold: float,
) -> NDArray[np.float64]:
    """Return a core loss freed of plural scattering by exSpy's `fourier_ratio_deconvolution`.

    Parameters
    ----------
    core_axis, low_axis : LossAxis
        Of the same step.
    core, low : ndarray, shape (..., n) and (..., m)
        The core loss without background, and the low loss of the same pixels.
    fwhm : float
        Of the Gaussian that takes the place of the zero loss, eV.
    threshold : float
        Between elastic and inelastic electrons, eV.

    Notes
    -----
    In counts for each channel: exSpy's values times the step in eV.

    exSpy continues both spectra by a power law before it tapers them; where one ends in nothing,
    through which no power law goes, that one is not continued.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = _signal(core_axis, core).fourier_ratio_deconvolution(
            _signal(low_axis, low),
            fwhm=fwhm,
            threshold=float(threshold),
            extrapolate_lowloss=_goes_on(low, 100),
            extrapolate_coreloss=_goes_on(core, 20),
        )
    # exSpy's Gaussian has an area of 1 over eV, so its sum over channels is 1/step: counts are
    # kept only for channels of 1 eV
    return np.asarray(found.data, dtype=np.float64) * core_axis.step


def _goes_on(spectra: NDArray[Any], window: int) -> bool:
    """Whether the last channels of all spectra hold counts in both halves, and fall."""
    last = np.asarray(spectra[..., -window:-1], dtype=np.float64)
    first, second = last[..., : window // 2].sum(axis=-1), last[..., window // 2 :].sum(axis=-1)
    least = 1e-9 * np.asarray(spectra, dtype=np.float64).max(axis=-1)
    return bool(((second > least) & (first > second)).all())


def mean_free_path(density: float, beam_energy: float) -> float:
    """Return exSpy's inelastic mean free path (nm) for a density (g/cm³) and an energy (keV)."""
    hyperspy()
    from exspy.utils.eels import iMFP_Iakoubovskii

    return float(iMFP_Iakoubovskii(density, beam_energy))


def angular_correction(
    density: float, beam_energy: float, convergence: float, collection: float
) -> float:
    """Return exSpy's factor on t/λ for the half-angles of probe and spectrometer, in mrad."""
    hyperspy()
    from exspy.utils.eels import iMFP_angular_correction

    return float(iMFP_angular_correction(density, beam_energy, convergence, collection))


def elastic_threshold(signal: Any) -> float:
    """Return exSpy's threshold between elastic and inelastic electrons of one spectrum, in eV.

    Raises
    ------
    ValueError
        It finds none, or the spectrum has too few channels for its window.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = float(signal.estimate_elastic_scattering_threshold().data.ravel()[0])
    if found != found:  # NaN
        raise ValueError("the curve has no point of inflexion between 1 and 11 eV")
    return found
