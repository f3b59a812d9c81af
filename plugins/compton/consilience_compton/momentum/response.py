"""How much of J(p_z) becomes counts at each momentum: cross-section, detector, absorption.

All factors are relative to p_z = 0, where they are 1: a ratio of windows needs no more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xraylib
from numpy.typing import ArrayLike, NDArray

from consilience.errors import BadInputError
from consilience_compton.momentum.kinematics import (
    ELECTRON_REST_ENERGY,
    MOMENTUM_UNIT,
    energy_of_momentum,
    momentum_slope,
)

__all__ = ["Detector", "Layer", "absorbed", "attenuation", "kinematic_factor", "response"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """What scattered photons pass on their way: a formula, its density and thickness.

    Parameters
    ----------
    formula : str
        Such as ``"Fe"`` or ``"C3H6"``.
    density : float
        g/cm³.
    thickness : float
        µm along the ray.
    """

    formula: str
    density: float
    thickness: float


@dataclass(frozen=True)
class Detector:
    """The sensor: what it absorbs it counts.

    Parameters
    ----------
    formula : str
    density : float
        g/cm³.
    thickness : float
        µm.
    """

    formula: str = "Cd9Zn1Te10"
    density: float = 5.78
    thickness: float = 2000.0


def attenuation(energy: ArrayLike, formula: str) -> Array:
    """Return the mass attenuation coefficient in cm²/g at energies in keV (xraylib).

    Raises
    ------
    BadInputError
        No such formula, or an energy out of the tables.
    """
    at = np.asarray(energy, dtype=np.float64)
    try:
        found = [float(xraylib.CS_Total_CP(formula, float(e))) for e in at.ravel()]
    except ValueError as error:
        raise BadInputError(
            f"no attenuation of {formula!r}: {error}",
            fix="write a formula such as 'Fe' or 'C3H6', energies between 1 and 800 keV",
        ) from error
    return np.asarray(found).reshape(at.shape)


def absorbed(energy: ArrayLike, layer: Layer | Detector) -> Array:
    """Return the share of photons that a layer takes out of the beam, 0 to 1."""
    depth = layer.density * layer.thickness * 1e-4
    return np.asarray(-np.expm1(-attenuation(energy, layer.formula) * depth))


def kinematic_factor(
    p_z: ArrayLike, incident: float, angle: float, polarisation: float = 1.0
) -> Array:
    """Return counts per atomic unit for J = 1, relative to p_z = 0.

    Parameters
    ----------
    p_z : array_like
        Atomic units.
    incident, angle : float
        keV, degrees.
    polarisation : float
        Weight of the term −sin²θ: 1 for an unpolarised beam, 0 where the electric field stands
        across the plane of scattering, 2 where it lies in it.

    Notes
    -----
    d²σ/dΩdE₂ ∝ (E₂/E₁) X J(p_z) / (q √(1 + p_z²/m²c²)), divided by dp_z/dE₂.

    References
    ----------
    R. Ribberfors, Phys. Rev. B 12, 2067 (1975); P. Holm, Phys. Rev. A 37, 3706 (1988), eq. 1–6.
    """
    p = np.asarray(p_z, dtype=np.float64)
    found = _factor(p, incident, angle, polarisation)
    return np.asarray(found / _factor(np.zeros(1), incident, angle, polarisation)[0])


def _factor(p_z: Array, incident: float, angle: float, polarisation: float) -> Array:
    p = p_z / MOMENTUM_UNIT
    theta = math.radians(angle)
    one_minus_cos = 2.0 * math.sin(0.5 * theta) ** 2
    second = energy_of_momentum(p_z, incident, angle)
    q = np.sqrt((incident - second) ** 2 + 2.0 * incident * second * one_minus_cos)
    rest = np.sqrt(1.0 + p**2)
    k = incident * (rest + (incident - second * math.cos(theta)) / q * p)
    k_prime = k - incident * second * one_minus_cos / ELECTRON_REST_ENERGY
    turn = ELECTRON_REST_ENERGY * (1.0 / k - 1.0 / k_prime)
    x = k / k_prime + k_prime / k + polarisation * (2.0 * turn + turn**2)
    slope = momentum_slope(second, incident, angle)
    return np.asarray(second / incident * x / (q * rest) / slope)


def response(
    p_z: ArrayLike,
    incident: float,
    angle: float,
    polarisation: float = 1.0,
    detector: Detector | None = None,
    layers: Sequence[Layer] = (),
) -> Array:
    """Return counts per atomic unit for J = 1, relative to p_z = 0, everything together.

    Parameters
    ----------
    p_z, incident, angle, polarisation
        As in `kinematic_factor`.
    detector : Detector, optional
        None: every photon is counted.
    layers : sequence of Layer
        Passed after scattering.
    """
    p = np.asarray(p_z, dtype=np.float64)
    found = kinematic_factor(p, incident, angle, polarisation)
    energy = energy_of_momentum(np.append(p.ravel(), 0.0), incident, angle)
    for layer in layers:
        through = 1.0 - absorbed(energy, layer)
        found = found * (through[:-1] / through[-1]).reshape(p.shape)
    if detector is not None:
        seen = absorbed(energy, detector)
        found = found * (seen[:-1] / seen[-1]).reshape(p.shape)
    return np.asarray(found)
