"""Where the Compton peak is found, against where E₁ and θ say that it must be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import curve_fit

from consilience.errors import BadInputError
from consilience_compton.momentum.kinematics import (
    compton_energy,
    energy_of_momentum,
    momentum_slope,
)
from consilience_compton.momentum.rebin import Profile

__all__ = ["Peak", "check_range", "find_peak"]

Array = NDArray[np.float64]
SEARCH = 8.0
"""How far from its place the peak is looked for, atomic units."""
HALF = 2.0
"""Of the fit around the highest place, atomic units."""


@dataclass(frozen=True)
class Peak:
    """The Compton peak of the pooled profile.

    Parameters
    ----------
    predicted : float
        E₂ at the middle of the detector, keV.
    deviation, deviation_std : float
        Found less predicted, keV; the error is that of the fit.
    momentum : float
        Found less predicted in atomic units: 0 is where it should be.
    width : float
        FWHM of the fitted Gaussian, atomic units: of the peak's upper part, not of J.
    """

    predicted: float
    deviation: float
    deviation_std: float
    momentum: float
    width: float

    @property
    def found(self) -> float:
        """Energy in keV."""
        return self.predicted + self.deviation


def check_range(
    energy_edges: Array, incident: float, angles: Array, span: tuple[float, float]
) -> None:
    """Refuse an axis that does not hold the peak.

    Raises
    ------
    BadInputError
        The momenta of `span` lie beyond the axis for some pixel.
    """
    low = float(np.min(energy_of_momentum(span[0], incident, angles)))
    high = float(np.max(energy_of_momentum(span[1], incident, angles)))
    if low < energy_edges[0] or high > energy_edges[-1]:
        at = float(compton_energy(incident, float(np.mean(angles))))
        raise BadInputError(
            f"no Compton peak in range: it is expected at {at:.2f} keV and its windows from "
            f"{low:.2f} to {high:.2f} keV, but the axis goes from {energy_edges[0]:.2f} to "
            f"{energy_edges[-1]:.2f} keV",
            fix="check incident energy and scattering angle, or record the range around it",
        )


def find_peak(profile: Profile, incident: float, angle: float, shape: Array) -> Peak:
    """Fit a Gaussian on a level to the top of the profile.

    Parameters
    ----------
    profile : Profile
        Of all pixels, each at its own angle.
    incident, angle : float
        keV, degrees at the middle of the detector.
    shape : ndarray, shape (m,)
        Response at the profile's bins; counts are divided by it, or its slope would move the top.

    Raises
    ------
    BadInputError
        Nothing stands out of the level by five standard deviations.
    """
    p = profile.centres
    density = profile.density / shape
    smooth, spread = _smoothed(profile, density, shape)
    near = np.abs(p) <= SEARCH
    if near.sum() < 8 or profile.counts[near].sum() <= 0.0:
        raise _nothing("no counts")
    top = float(p[near][np.argmax(smooth[near])])
    here = np.abs(p - top) <= HALF
    level = max(float(smooth[here].min()), 0.0)
    start = (max(float(smooth[here].max()) - level, 1e-9), top, 1.0, level)

    def shape_of(x: Array, height: float, centre: float, sigma: float, base: float) -> Array:
        return np.asarray(height * np.exp(-0.5 * ((x - centre) / sigma) ** 2) + base)

    try:
        values, matrix = curve_fit(
            shape_of,
            p[here],
            density[here],
            start,
            sigma=spread[here],
            absolute_sigma=True,
            bounds=([0.0, top - HALF, 0.1, -np.inf], [np.inf, top + HALF, 8.0, np.inf]),
            maxfev=4000,
        )
    except (RuntimeError, ValueError) as error:
        raise _nothing(f"the fit of a peak fails ({error})") from error
    errors = np.sqrt(np.diag(matrix))
    height = float(values[0] / errors[0]) if np.isfinite(errors[0]) and errors[0] > 0 else 0.0
    # what the peak has, against the level beside it, whatever the fit makes of its width
    contrast = float((smooth[here].max() - _beside(p, smooth, top)) / spread[here].min())
    if max(height, contrast) < 5.0 or not np.isfinite(errors[1]):
        raise _nothing(f"what is highest there stands out by {max(height, 0.0):.1f} sigma")
    slope = float(momentum_slope(compton_energy(incident, angle), incident, angle))
    return Peak(
        float(compton_energy(incident, angle)),
        float(values[1]) / slope,
        float(errors[1]) / slope,
        float(values[1]),
        float(2.3548 * values[2]),
    )


def _smoothed(profile: Profile, density: Array, shape: Array) -> tuple[Array, Array]:
    """Mean over about 0.5 a.u., and the error of one bin that this mean stands for."""
    step = float(np.median(np.diff(profile.edges)))
    reach = max(1, round(0.25 / step))
    kernel = np.ones(2 * reach + 1) / (2 * reach + 1)
    padded = np.pad(density, reach, mode="edge")
    smooth = np.convolve(padded, kernel, mode="valid")
    counts = np.maximum(smooth * shape * np.diff(profile.edges), 0.5)
    return smooth, np.sqrt(counts) / np.diff(profile.edges) / shape


def _beside(p: Array, smooth: Array, top: float) -> float:
    away = (np.abs(p - top) > 3.0) & (np.abs(p - top) < 6.0)
    return float(np.median(smooth[away])) if away.any() else 0.0


def _nothing(why: str) -> BadInputError:
    return BadInputError(
        f"no Compton peak within {SEARCH:g} atomic units of its place: {why}",
        fix="check incident energy, scattering angle and the energy calibration",
    )
