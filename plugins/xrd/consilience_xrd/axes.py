"""Axes of a powder pattern: 2theta [deg], q [1/angstrom], d [angstrom] and photon energy [keV]."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "check_wavelength",
    "d_to_q",
    "energy_to_wavelength",
    "parse_energy",
    "parse_wavelength",
    "q_derivative",
    "q_to_d",
    "q_to_two_theta",
    "two_theta_to_q",
    "wavelength_to_energy",
]

_LENGTH = {
    "angstrom": 1.0, "angstroms": 1.0, "ang": 1.0, "a": 1.0, "\u00e5": 1.0, "\u212b": 1.0,
    "nm": 10.0, "pm": 0.01, "m": 1e10,
}  # fmt: skip
_ENERGY = {"ev": 1e-3, "kev": 1.0, "mev": 1e3}


def energy_to_wavelength(energy: float) -> float:
    """Wavelength [angstrom] of a photon of `energy` [keV], from hc of CODATA in scipy."""
    from scipy.constants import c, e, h

    if not (math.isfinite(energy) and energy > 0):
        raise BadInputError(
            f"An energy of {energy:g} keV has no wavelength.", fix="Give a positive energy."
        )
    return float(h * c / (energy * 1e3 * e) * 1e10)


def wavelength_to_energy(wavelength: float) -> float:
    """Energy [keV] of a photon of `wavelength` [angstrom]."""
    return energy_to_wavelength(check_wavelength(wavelength))


def check_wavelength(wavelength: float | None) -> float:
    """Return `wavelength` [angstrom] when it is a positive finite number, else say what to give."""
    if wavelength is None or not (math.isfinite(wavelength) and wavelength > 0):
        raise BadInputError(
            "The wavelength is not known, so 2theta and q cannot be turned into each other."
            if wavelength is None
            else f"A wavelength of {wavelength:g} angstrom is not usable.",
            fix='Give --option wavelength="1.5406 angstrom" or --option energy="18 keV".',
        )
    return float(wavelength)


def two_theta_to_q(two_theta: ArrayLike, wavelength: float) -> NDArray[np.float64]:
    """Q = 4 pi sin(theta) / wavelength.

    Parameters
    ----------
    two_theta : array_like
        Scattering angle [deg], 0 to 180.
    wavelength : float
        [angstrom]

    Returns
    -------
    ndarray
        q [1/angstrom], same shape.
    """
    lam = check_wavelength(wavelength)
    angle = np.asarray(two_theta, dtype=np.float64)
    return np.asarray(4 * np.pi * np.sin(np.radians(angle) / 2) / lam)


def q_to_two_theta(q: ArrayLike, wavelength: float) -> NDArray[np.float64]:
    """2theta [deg] of `q` [1/angstrom]; NaN where q is beyond 4 pi / wavelength."""
    sine = np.asarray(q, dtype=np.float64) * check_wavelength(wavelength) / (4 * np.pi)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.degrees(2 * np.arcsin(sine)))


def q_derivative(two_theta: ArrayLike, wavelength: float) -> NDArray[np.float64]:
    """dq/d(2theta) [1/angstrom per deg] at `two_theta` [deg]."""
    lam = check_wavelength(wavelength)
    angle = np.asarray(two_theta, dtype=np.float64)
    return np.asarray(2 * np.pi / lam * np.cos(np.radians(angle) / 2) * np.pi / 180)


def q_to_d(q: ArrayLike) -> NDArray[np.float64]:
    """Lattice spacing d = 2 pi / q [angstrom]; infinite at q = 0."""
    with np.errstate(divide="ignore"):
        return np.asarray(2 * np.pi / np.asarray(q, dtype=np.float64))


def d_to_q(d: ArrayLike) -> NDArray[np.float64]:
    """Q = 2 pi / d [1/angstrom]; infinite at d = 0."""
    return q_to_d(d)


def _quantity(text: str, units: dict[str, float], what: str, example: str) -> float:
    words = text.strip().replace("*", " ").split()
    fix = f"Write it with its unit, as in {example}."
    if len(words) == 1:
        raise BadInputError(f"The {what} '{text}' has no unit.", fix=fix)
    try:
        number, factor = float(words[0]), units[words[1].lower()]
    except (ValueError, KeyError, IndexError):
        raise BadInputError(
            f"The {what} '{text}' cannot be read; known units are {', '.join(sorted(units))}.",
            fix=fix,
        ) from None
    if len(words) != 2 or not (math.isfinite(number) and number > 0):
        raise BadInputError(f"The {what} '{text}' is not a positive quantity.", fix=fix)
    return number * factor


def parse_wavelength(text: str) -> float:
    """Wavelength [angstrom] from text such as ``"1.5406 angstrom"`` or ``"0.15406 nm"``."""
    return _quantity(text, _LENGTH, "wavelength", 'wavelength="1.5406 angstrom"')


def parse_energy(text: str) -> float:
    """Photon energy [keV] from text such as ``"18 keV"``."""
    return _quantity(text, _ENERGY, "energy", 'energy="18 keV"')
