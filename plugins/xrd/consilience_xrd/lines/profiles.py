"""Peak profiles with analytic derivatives: pseudo-Voigt normalised to area, K-alpha doublet."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["doublet_center", "peak_height_per_area", "pseudo_voigt", "pseudo_voigt_jacobian"]

_G = 2 * math.sqrt(math.log(2) / math.pi)
_L = 2 / math.pi
_4LN2 = 4 * math.log(2)

Components = tuple[tuple[float, float], ...]
"""(wavelength ratio to the first component, share of the area) of each component."""


def doublet_center(center: float, ratio: float, in_angle: bool) -> tuple[float, float]:
    """Centre of a component at `ratio` times the wavelength, and its derivative by `center`.

    2theta [deg]: sin(theta') = ratio sin(theta).  In q, computed with the first wavelength, the
    centre goes with ratio.
    """
    if ratio == 1.0:
        return center, 1.0
    if not in_angle:
        return center * ratio, ratio
    half = math.radians(center) / 2
    sine = min(ratio * math.sin(half), 1.0)
    other = math.asin(sine)
    return math.degrees(2 * other), ratio * math.cos(half) / max(math.cos(other), 1e-6)


def peak_height_per_area(fwhm: float, eta: float) -> float:
    """Height of a pseudo-Voigt of unit area."""
    return (eta * _L + (1 - eta) * _G) / fwhm


def pseudo_voigt(
    x: NDArray[np.float64],
    center: float,
    fwhm: float,
    eta: float,
    components: Components = ((1.0, 1.0),),
    in_angle: bool = False,
    asymmetry: float = 0.0,
) -> NDArray[np.float64]:
    """Pseudo-Voigt of unit area, summed over `components`.

    Parameters
    ----------
    center, fwhm : float
        Of the first component, in the unit of `x`; all components share the width.
    eta : float
        Lorentzian fraction, 0 to 1.
    asymmetry : float
        -1 to 1: the half below the centre is wider by this share, the other narrower
        (axial divergence gives positive values at low angles).  The centre stays the
        maximum, area and width stay as they are.
    """
    out = np.zeros_like(x)
    for ratio, share in components:
        c, _ = doublet_center(center, ratio, in_angle)
        side = np.where(x < c, 1 + asymmetry, 1 - asymmetry)
        u2 = ((x - c) / (fwhm * side)) ** 2
        out += share / fwhm * (eta * _L / (1 + 4 * u2) + (1 - eta) * _G * np.exp(-_4LN2 * u2))
    return out


def pseudo_voigt_jacobian(
    x: NDArray[np.float64],
    center: float,
    fwhm: float,
    eta: float,
    components: Components = ((1.0, 1.0),),
    in_angle: bool = False,
    asymmetry: float = 0.0,
) -> tuple[NDArray[np.float64], ...]:
    """Profile and its derivatives by centre, fwhm, eta and asymmetry, for unit area."""
    value = np.zeros_like(x)
    d_center = np.zeros_like(x)
    d_fwhm = np.zeros_like(x)
    d_eta = np.zeros_like(x)
    d_asymmetry = np.zeros_like(x)
    for ratio, share in components:
        c, slope = doublet_center(center, ratio, in_angle)
        sign = np.where(x < c, 1.0, -1.0)
        side = 1 + sign * asymmetry
        u = (x - c) / (fwhm * side)
        u2 = u * u
        bottom = 1 / (1 + 4 * u2)
        lorentz = _L * bottom
        gauss = _G * np.exp(-_4LN2 * u2)
        shape = eta * lorentz + (1 - eta) * gauss
        # derivative of the shape by u
        by_u = -eta * lorentz * 8 * u * bottom - (1 - eta) * gauss * 2 * _4LN2 * u
        factor = share / fwhm
        value += factor * shape
        d_center -= factor * by_u * slope / (fwhm * side)
        d_fwhm -= factor * (shape + by_u * u) / fwhm
        d_eta += factor * (lorentz - gauss)
        d_asymmetry -= factor * by_u * u * sign / side
    return value, d_center, d_fwhm, d_eta, d_asymmetry
