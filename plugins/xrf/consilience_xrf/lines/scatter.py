"""What the sample scatters: the elastic line and the Compton peak.

References
----------
.. [1] F. Biggs, L. B. Mendelsohn, J. B. Mann, Atomic Data and Nuclear Data Tables 16 (1975) 201.
.. [2] R. Ribberfors, Physical Review B 12 (1975) 2067: profile against energy.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import xraylib
from numpy.typing import NDArray

from consilience_xrf.lines.geometry import ELECTRON_REST, Geometry, escape_lines
from consilience_xrf.lines.response import Response, line_shape

__all__ = ["compton_shape", "elastic_shape"]

Array = NDArray[np.float64]

INVERSE_FINE_STRUCTURE = 137.035999
POINTS = 61
WIDEST = 8.0
"""Atomic units of momentum beyond which a profile is nothing."""


def elastic_shape(
    edges: Array, geometry: Geometry, response: Response, *, escape: bool = True
) -> Array | None:
    """Return one count of the elastic line over the channels; None without incident energy.

    Its escape peak comes on top: scattered photons are often most of a spectrum, and what escapes
    of them lies where lines of minor elements do.
    """
    at = geometry.incident_energy
    if at is None:
        return None
    return line_shape(edges, *_with_escape(np.array([at]), np.ones(1), geometry, escape), response)


def compton_shape(
    edges: Array,
    geometry: Geometry,
    response: Response,
    scatterer: str = "O",
    *,
    escape: bool = True,
) -> Array | None:
    """Return one count of the Compton peak, broadened by the electrons' momenta.

    Parameters
    ----------
    edges : ndarray, shape (channels + 1,)
    geometry : Geometry
    response : Response
    scatterer : str
        Element whose free-atom profile [1]_ stands for the sample's.
    escape : bool
        With its escape peak on top.
    """
    incident = geometry.incident_energy
    if incident is None:
        return None
    momentum, profile = _profile(scatterer)
    energy = _energy_of(momentum, incident, geometry.angle)
    inside = energy < incident  # an electron cannot give more than the beam's energy here
    weights = profile[inside] / profile[inside].sum()
    return line_shape(edges, *_with_escape(energy[inside], weights, geometry, escape), response)


@lru_cache(maxsize=32)
def _profile(scatterer: str) -> tuple[Array, Array]:
    """Momenta in atomic units, and the free-atom profile at them."""
    z = xraylib.SymbolToAtomicNumber(scatterer)
    momentum = np.linspace(-WIDEST, WIDEST, POINTS)
    return momentum, np.array([xraylib.ComptonProfile(z, abs(float(p))) for p in momentum])


def _with_escape(
    energies: Array, weights: Array, geometry: Geometry, escape: bool
) -> tuple[Array, Array]:
    """These photons and their escape peaks, by the ratio at their mean energy.

    All peaks of the Compton photons are one at the mean of the detector's lines: they are wider
    than those lie apart.
    """
    mean = float(energies @ weights)
    lost = escape_lines(geometry.detector.material, round(mean, 3)) if escape else ()
    if lost and energies.size > 1:
        share = sum(one for _, one in lost)
        lost = ((sum(at * one for at, one in lost) / share, share),)
    return (
        np.concatenate([energies, *(energies - (mean - at) for at, _ in lost)]),
        np.concatenate([weights, *(share * weights for _, share in lost)]),
    )


def _energy_of(momentum: Array, incident: float, angle: float) -> Array:
    """Energy of photons scattered by electrons of a momentum along the scattering vector, a.u."""
    bend = 1.0 - math.cos(angle)
    free = incident / (1.0 + incident / ELECTRON_REST * bend)
    # to first order in the momentum: ΔE = p_z/mc · |k| · E'/E, with |k|² = E² + E'² − 2 E E' cos θ
    transfer = math.sqrt(incident**2 + free**2 - 2 * incident * free * math.cos(angle))
    return np.asarray(free * (1.0 + momentum / INVERSE_FINE_STRUCTURE * transfer / incident))
