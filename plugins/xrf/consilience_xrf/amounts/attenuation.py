"""How far X-rays get: attenuation in matter, self-absorption, and the depth that a line tells of.

References
----------
.. [1] T. Schoonjans et al., Spectrochimica Acta B 66 (2011) 776: xraylib, whose tables these are.
.. [2] J. Sherman, Spectrochimica Acta 7 (1955) 283, eq. 3: primary fluorescence of a layer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_xrf.lines.geometry import mass_attenuation as of_compound

__all__ = [
    "ELECTROLYTE",
    "Angles",
    "Layer",
    "Material",
    "attenuation_length",
    "information_depth",
    "mass_attenuation",
    "self_absorption",
    "slant_attenuation",
    "transmission",
]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Material:
    """A mixture: chemical formulas with their mass fractions, and a density in g/cm³.

    Attributes
    ----------
    fractions : mapping
        Formula to mass fraction; they are scaled to add up to 1.
    density : float or None
        None where only masses per area are asked for.
    """

    fractions: Mapping[str, float]
    density: float | None = None
    name: str = ""

    @classmethod
    def of(cls, formula: str, density: float | None = None, name: str = "") -> Material:
        """A pure compound or element; an element's density is looked up where none is given."""
        if density is None:
            density = _element_density(formula)
        return cls({formula: 1.0}, density, name or formula)

    @property
    def needed_density(self) -> float:
        """The density, which has to be there.

        Raises
        ------
        BadInputError
            It is not known.
        """
        if self.density is None:
            raise BadInputError(
                f"the density of {self.name or ' + '.join(self.fractions)} is not known",
                fix="give its density in g/cm³",
            )
        return self.density


@dataclass(frozen=True)
class Layer:
    """A layer that X-rays pass on their way; thickness in µm with its standard deviation."""

    material: Material
    thickness: float
    thickness_std: float | None = None

    @property
    def mass(self) -> float:
        """Mass per area in g/cm²."""
        return self.material.needed_density * self.thickness * 1e-4


@dataclass(frozen=True)
class Angles:
    """Angles in degrees between the surface and the beam, and the surface and the detector."""

    incident: float = 90.0
    takeoff: float = 90.0

    @property
    def way_in(self) -> float:
        """Length of the way in over the depth."""
        return 1.0 / math.sin(math.radians(self.incident))

    @property
    def way_out(self) -> float:
        """Length of the way out over the depth."""
        return 1.0 / math.sin(math.radians(self.takeoff))


_SALT = (6.94 + 30.974 + 6 * 18.998) / 1000.0 / 1.3
ELECTROLYTE = Material(
    {
        "LiPF6": _SALT,
        "C3H4O3": 0.5 * (1.0 - _SALT),
        "C3H6O3": 0.5 * (1.0 - _SALT),
    },
    1.3,
    "1 mol/L LiPF6 in EC:DMC",
)
"""A usual electrolyte, where a study states no other: the loss is that of its carbonates."""


def _element_density(symbol: str) -> float | None:
    import xraylib

    try:
        number = xraylib.SymbolToAtomicNumber(symbol)
    except ValueError:
        return None
    return float(xraylib.ElementDensity(number))


def mass_attenuation(material: Material, energy: float) -> float:
    """Return μ/ρ in cm²/g: photo-effect, coherent and Compton scattering.

    Parameters
    ----------
    material : Material
    energy : float
        keV, 0.1 to 800.

    Raises
    ------
    BadInputError
        No such formula, or an energy beyond the tables.
    """
    whole = sum(material.fractions.values())
    at = np.array([energy], dtype=np.float64)
    return sum(
        fraction / whole * float(of_compound(formula, at)[0])
        for formula, fraction in material.fractions.items()
    )


def attenuation_length(material: Material, energy: float) -> float:
    """Return the way in µm over which an intensity falls to 1/e."""
    return 1e4 / (mass_attenuation(material, energy) * material.needed_density)


def slant_attenuation(material: Material, beam: float, line: float, geometry: Angles) -> float:
    """Return χ in cm²/g: attenuation of the beam on its way in and of the line on its way out."""
    return geometry.way_in * mass_attenuation(material, beam) + geometry.way_out * mass_attenuation(
        material, line
    )


def information_depth(material: Material, beam: float, line: float, geometry: Angles) -> float:
    """Return the depth in µm from above which 63 % of a line's counts come in thick matter."""
    return 1e4 / (slant_attenuation(material, beam, line, geometry) * material.needed_density)


def self_absorption(mass: Array | float, chi: float) -> Array:
    """Return what a layer lets through of its own line: (1 - exp(-χ m)) / (χ m).

    Parameters
    ----------
    mass : array or float
        Mass per area of the layer, g/cm².
    chi : float
        From `slant_attenuation`, cm²/g.
    """
    depth = np.asarray(chi * np.asarray(mass, dtype=np.float64))
    safe = np.where(np.abs(depth) < 1e-9, 1.0, depth)
    return np.where(np.abs(depth) < 1e-9, 1.0 - 0.5 * depth, -np.expm1(-safe) / safe)


@dataclass(frozen=True)
class Passed:
    """What layers let through, and how uncertain that is for their thickness."""

    value: float
    std: float | None
    lost: dict[str, float] = field(default_factory=dict)


def transmission(
    layers: Sequence[Layer], beam: float | None, line: float, geometry: Angles
) -> Passed:
    """Return the share that layers over the sample let through, in and out.

    Parameters
    ----------
    layers : sequence of Layer
    beam : float or None
        keV; None: the beam does not pass them (a window or filter of the detector).
    line : float
        keV.
    geometry : Angles

    Returns
    -------
    Passed
        ``std`` is None where a layer's thickness has no stated error.
    """
    depth, variance, known = 0.0, 0.0, True
    lost: dict[str, float] = {}
    for layer in layers:
        mu = geometry.way_out * mass_attenuation(layer.material, line)
        if beam is not None:
            mu += geometry.way_in * mass_attenuation(layer.material, beam)
        own = mu * layer.mass
        depth += own
        lost[layer.material.name] = lost.get(layer.material.name, 0.0) - math.expm1(-own)
        if layer.thickness_std is None:
            known = False
        elif layer.thickness > 0:
            variance += (own * layer.thickness_std / layer.thickness) ** 2
    value = math.exp(-depth)
    return Passed(value, value * math.sqrt(variance) if known else None, lost)
