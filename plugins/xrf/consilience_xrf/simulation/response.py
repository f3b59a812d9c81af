"""How a silicon detector spreads lines over channels: Gaussian, tail, shelf, escape, pile-up.

Each line is integrated over each channel, so that what lies inside the range adds up to its
counts at any width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import erf, erfc

from consilience_xrf.simulation.emission import SILICON_K, escape_fraction

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Response", "line_shapes", "pile_up"]

PAIR = 0.00366
"""Energy of an electron-hole pair in silicon [keV]."""


@dataclass(frozen=True)
class Response:
    """A detector: energy = zero + gain * channel [keV]; FWHM^2 = noise^2 + 8 ln 2 fano PAIR E.

    `tail` is the share of counts in an exponential on the low side, `tail_width` its length in
    Gaussian sigmas; `shelf` the share in a flat step down to zero energy; `escape` says whether
    silicon's escape peaks are there.
    """

    channels: int = 2048
    zero: float = -0.02
    gain: float = 0.01
    noise: float = 0.09
    fano: float = 0.114
    tail: float = 0.0
    tail_width: float = 3.0
    shelf: float = 0.0
    escape: bool = True

    @property
    def energy(self) -> NDArray[np.float64]:
        """Energy at the middle of each channel [keV]."""
        return np.asarray(self.zero + self.gain * np.arange(self.channels))

    def sigma(self, energy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Gaussian standard deviation [keV] of lines at these energies [keV]."""
        variance = self.noise**2 / (8 * math.log(2)) + self.fano * PAIR * np.maximum(energy, 0.0)
        return np.asarray(np.sqrt(variance))


def line_shapes(
    response: Response,
    energies: NDArray[np.float64],
    extra: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return counts in each channel for one count in each line, shape (lines, channels).

    Parameters
    ----------
    response : Response
    energies : ndarray, shape (lines,)
        [keV]
    extra : ndarray, shape (lines,), optional
        Further Gaussian width [keV], as that of Compton scattering from bound electrons.
    """
    energies = np.asarray(energies, dtype=np.float64)
    sigma = response.sigma(energies)
    if extra is not None:
        sigma = np.hypot(sigma, extra)
    shapes = _peaks(response, energies, sigma)
    if response.escape:
        share = np.array([escape_fraction(float(e)) for e in energies])
        lower = np.maximum(energies - SILICON_K, 0.0)
        escapes = _peaks(response, lower, response.sigma(lower))
        shapes = (shapes + share[:, None] * escapes) / (1 + share[:, None])
    return shapes


def _peaks(
    response: Response, energies: NDArray[np.float64], sigma: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Gaussian, tail and shelf together, of one count each."""
    edges = response.zero + response.gain * (np.arange(response.channels + 1) - 0.5)
    far = (edges - energies[:, None]) / sigma[:, None]
    whole = (1 - response.tail - response.shelf) * 0.5 * (1 + erf(far / math.sqrt(2)))
    if response.tail > 0:
        slope = 1 / response.tail_width
        # distribution function of a Gaussian minus an exponential: gauss + exp * tail
        grown = np.exp(np.minimum(far * slope + slope**2 / 2, 50.0))
        rest = 0.5 * erfc((far + slope) / math.sqrt(2))
        whole = whole + response.tail * (0.5 * (1 + erf(far / math.sqrt(2))) + grown * rest)
    if response.shelf > 0:
        flat = np.clip(edges / np.maximum(energies[:, None], 1e-9), 0.0, 1.0)
        whole = whole + response.shelf * flat
    return np.asarray(np.diff(whole, axis=1))


def pile_up(
    expected: NDArray[np.float64], response: Response, chance: float
) -> NDArray[np.float64]:
    """Return spectra with two events counted as one, at the sum of their energies.

    Parameters
    ----------
    expected : ndarray, shape (points, channels)
        Expected counts.
    response : Response
    chance : float
        That a count meets another within the resolving time, for one count in the spectrum;
        the share that piles up is `chance` times the counts of the spectrum.
    """
    if chance <= 0:
        return expected
    channels = response.channels
    transform = np.fft.rfft(expected, 2 * channels, axis=-1)
    together = np.fft.irfft(transform**2, 2 * channels, axis=-1)
    # energies add, channels do not where channel 0 is not at 0: E1 + E2 is channel i + j + shift
    place = np.arange(channels) - response.zero / response.gain
    low = np.floor(place).astype(int)
    part = place - low
    taken = [
        np.where((i >= 0) & (i < 2 * channels - 1), together[..., np.clip(i, 0, None)], 0.0)
        for i in (low, low + 1)
    ]
    piled = np.clip((1 - part) * taken[0] + part * taken[1], 0.0, None)
    total = expected.sum(axis=-1, keepdims=True)
    return np.asarray(expected * (1 - 2 * chance * total).clip(0.0) + chance * piled)
