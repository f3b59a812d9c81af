"""The detector's answer to a line: a Gaussian, with a step and a tail where they are known.

References
----------
.. [1] J. L. Campbell, J. X. Wang, X-Ray Spectrometry 20 (1991) 191: tail and step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr

__all__ = ["FWHM", "PAIR", "Response", "channel_edges", "line_shape"]

Array = NDArray[np.float64]

PAIR = {"Si": 3.66e-3, "Ge": 2.96e-3}
"""keV an electron-hole pair."""
FWHM = math.sqrt(8.0 * math.log(2.0))
"""Full width at half maximum over standard deviation of a Gaussian."""
REACH = 8.0
"""Standard deviations from a line beyond which its Gaussian is nothing."""


@dataclass(frozen=True)
class Response:
    """Width and shape of lines.

    Parameters
    ----------
    noise : float
        FWHM of the electronics, keV.
    fano : float
        Fano factor.
    detector : {"Si", "Ge"}
    tail, tail_width : float
        Share of a line's counts in an exponential tail to low energies, and its decay in keV.
    step : float
        Share of a line's counts spread evenly between 0 keV and the line.
    """

    noise: float = 0.1
    fano: float = 0.115
    detector: str = "Si"
    tail: float = 0.0
    tail_width: float = 0.3
    step: float = 0.0

    def sigma(self, energy: Array) -> Array:
        """Return the standard deviation of lines of `energy` keV, keV."""
        pair = PAIR.get(self.detector, PAIR["Si"])
        at = np.maximum(np.asarray(energy, dtype=np.float64), 0.0)
        return np.asarray(np.sqrt((self.noise / FWHM) ** 2 + self.fano * pair * at))

    def fwhm(self, energy: float) -> float:
        """Return the full width at half maximum at `energy` keV, keV."""
        return FWHM * float(self.sigma(np.array([energy]))[0])


def channel_edges(energy: Array) -> Array:
    """Return the edges of channels whose middles are `energy`, shape (channels + 1,)."""
    middle = 0.5 * (energy[1:] + energy[:-1])
    return np.concatenate([[2 * energy[0] - middle[0]], middle, [2 * energy[-1] - middle[-1]]])


def line_shape(edges: Array, energies: Array, weights: Array, response: Response) -> Array:
    """Return the counts of each channel for lines of `weights` counts.

    Parameters
    ----------
    edges : ndarray, shape (channels + 1,)
        keV, ascending.
    energies, weights : ndarray, shape (lines,)
        keV, and counts.
    response : Response

    Returns
    -------
    ndarray, shape (channels,)
        Integrals over the channels, not values at their middles: sum over an axis that holds
        everything is the sum of `weights`.
    """
    made = np.zeros(edges.size - 1)
    sigmas = response.sigma(energies)
    plain = response.tail == 0.0 and response.step == 0.0
    for at, weight, sigma in zip(energies, weights, sigmas, strict=True):
        if plain:
            first, last = np.searchsorted(edges, [at - REACH * sigma, at + REACH * sigma])
            first, last = max(int(first) - 1, 0), min(int(last) + 1, edges.size)
            below = ndtr((edges[first:last] - at) / sigma)
            made[first : last - 1] += weight * np.diff(below)
        else:
            made += weight * np.diff(_below((edges - at), at, float(sigma), response))
    return made


def _below(away: Array, at: float, sigma: float, response: Response) -> Array:
    """Share of a line below `away` keV from it."""
    t = away / sigma
    gauss = ndtr(t)
    whole = (1.0 - response.tail - response.step) * gauss
    if response.tail:
        width = response.tail_width
        far = away / width + 0.5 * (sigma / width) ** 2 + log_ndtr(-(t + sigma / width))
        whole = whole + response.tail * (gauss + np.exp(np.minimum(far, 0.0)))
    if response.step:
        # an even distribution from 0 to the line, blurred by the Gaussian
        def ramp(u: Array) -> Array:
            return np.asarray(u * ndtr(u) + np.exp(-0.5 * u**2) / math.sqrt(2 * math.pi))

        whole = whole + response.step * sigma / at * (ramp(t + at / sigma) - ramp(t))
    return np.asarray(whole)
