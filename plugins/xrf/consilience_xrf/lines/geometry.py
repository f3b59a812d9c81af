"""What photons meet between beam, sample and detector: angles, layers, efficiency.

References
----------
.. [1] S. J. B. Reed, N. G. Ware, Journal of Physics E 5 (1972) 582, eq. 1: escape peaks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import xraylib
from numpy.typing import NDArray

from consilience.errors import BadInputError

__all__ = ["ELECTRON_REST", "Geometry", "Layer", "escape_lines", "mass_attenuation"]

Array = NDArray[np.float64]

ELECTRON_REST = 510.99895
"""keV."""
RIGHT = 90.0


def mass_attenuation(material: str, energy: Array) -> Array:
    """Return μ/ρ in cm²/g at `energy` keV, scattering included.

    Parameters
    ----------
    material : str
        A chemical formula, or a compound of the NIST list such as ``"Air, Dry (near sea level)"``.
    energy : ndarray
        keV, 0.1 to 800.

    Raises
    ------
    BadInputError
        The material is unknown.
    """
    at = np.asarray(energy, dtype=np.float64)
    try:
        values = [_attenuation(material, float(max(e, 0.1))) for e in at.ravel()]
    except ValueError as error:
        raise BadInputError(
            f"the attenuation of {material!r} cannot be looked up: {error}",
            fix="write a chemical formula such as 'SiO2', or a compound of the NIST list, and an "
            "energy of at most 800 keV",
        ) from error
    return np.array(values, dtype=np.float64).reshape(at.shape)


@lru_cache(maxsize=65536)
def _attenuation(material: str, energy: float) -> float:
    return float(xraylib.CS_Total_CP(material, energy))


@dataclass(frozen=True)
class Layer:
    """A layer that photons pass: material, density in g/cm³, thickness in cm along their way."""

    material: str
    density: float
    thickness: float

    def transmission(self, energy: Array) -> Array:
        """Return the share of photons of `energy` keV that pass."""
        depth = self.density * self.thickness
        return np.asarray(np.exp(-mass_attenuation(self.material, energy) * depth))


@dataclass(frozen=True)
class Geometry:
    """Beam, way to the detector, and detector.

    Parameters
    ----------
    incident_energy : float, optional
        keV; None where it is unknown.
    scattering_angle : float, optional
        Degrees between beam and detector; None: unknown, found from the Compton peak where
        spectra are fitted, else taken for 90.
    path : tuple of Layer
        Between sample and detector: air, window, dead layer.
    detector : Layer
        Its sensitive volume.
    """

    incident_energy: float | None = None
    scattering_angle: float | None = None
    path: tuple[Layer, ...] = ()
    detector: Layer = field(default_factory=lambda: Layer("Si", 2.33, 0.045))

    def efficiency(self, energy: Array) -> Array:
        """Return the share of photons of `energy` keV from the sample's side that are counted."""
        stopped = 1.0 - self.detector.transmission(energy)
        for layer in self.path:
            stopped = stopped * layer.transmission(energy)
        return np.asarray(stopped)

    @property
    def angle(self) -> float:
        """The scattering angle in radians, a right angle where it is unknown."""
        return math.radians(RIGHT if self.scattering_angle is None else self.scattering_angle)

    def compton_energy(self) -> float | None:
        """Return keV of photons scattered by electrons at rest; None without incident energy."""
        if self.incident_energy is None:
            return None
        bend = 1.0 - math.cos(self.angle)
        return self.incident_energy / (1.0 + self.incident_energy / ELECTRON_REST * bend)


@lru_cache(maxsize=8192)
def escape_lines(detector: str, energy: float) -> tuple[tuple[float, float], ...]:
    """Return escape peaks of a line: their energy in keV, and counts per count in the line.

    Parameters
    ----------
    detector : str
        Element symbol, such as ``"Si"`` or ``"Ge"``.
    energy : float
        Of the line, keV.

    Notes
    -----
    Photons at normal incidence on a thick detector, [1]_ eq. 1:
    ε = ½ ω (1 − 1/r) [1 − (μ_K/μ) ln(1 + μ/μ_K)] of those absorbed, with the yield ω, the
    jump r of the K edge, and μ, μ_K for the line and for the detector's own K line.
    """
    try:
        z = xraylib.SymbolToAtomicNumber(detector)
        edge = xraylib.EdgeEnergy(z, xraylib.K_SHELL)
    except ValueError:
        return ()  # a compound: no escape is modelled
    if energy <= edge:
        return ()
    jump = xraylib.JumpFactor(z, xraylib.K_SHELL)
    outer = xraylib.CS_Total(z, energy)
    found = []
    for line in (xraylib.KL3_LINE, xraylib.KL2_LINE, xraylib.KM3_LINE, xraylib.KM2_LINE):
        try:
            rate, own = xraylib.RadRate(z, line), xraylib.LineEnergy(z, line)
        except ValueError:
            continue  # not tabulated for this element
        inner = xraylib.CS_Total(z, own)
        reach = 1.0 - inner / outer * math.log1p(outer / inner)
        share = 0.5 * xraylib.FluorYield(z, xraylib.K_SHELL) * (1.0 - 1.0 / jump) * rate * reach
        found.append((energy - own, share))
    lost = sum(share for _, share in found)
    return tuple((at, share / (1.0 - lost)) for at, share in found)
