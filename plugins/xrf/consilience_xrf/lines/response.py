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
TAIL_REACH = 12.0
"""Decay lengths below a line beyond which its tail is nothing."""


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

    @property
    def gaussian(self) -> float:
        """Share of a line's counts in its Gaussian."""
        return 1.0 - self.tail - self.step

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
    sigmas = response.sigma(energies)
    low = REACH * sigmas
    if response.tail:
        low = low + TAIL_REACH * response.tail_width
    if response.step:
        low = energies + low
    # all lines at once, each over the channels that it reaches
    first = np.searchsorted(edges, energies - low) - 1
    last = np.searchsorted(edges, energies + REACH * sigmas) + 1
    span = np.arange(int((last - first).max(initial=1)) + 1)
    at = np.clip(first[:, None] + span, 0, edges.size - 1)
    away = edges[at] - energies[:, None]
    below = _below(away, energies[:, None], sigmas[:, None], response)
    counts = np.diff(below, axis=1) * weights[:, None]
    channel = np.minimum(at[:, :-1], edges.size - 2)
    made = np.bincount(channel.ravel(), weights=counts.ravel(), minlength=edges.size - 1)
    return made.astype(np.float64)


def _below(away: Array, at: Array, sigma: Array, response: Response) -> Array:
    """Share of lines below `away` keV from them."""
    t = away / sigma
    gauss = np.asarray(ndtr(t))
    if response.tail == 0.0 and response.step == 0.0:
        return gauss
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
