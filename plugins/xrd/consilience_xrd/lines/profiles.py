"""Peak profiles with derivatives, normalised to area, for single lines and K-alpha doublets."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "PEARSON_VII",
    "PSEUDO_VOIGT",
    "Components",
    "Profile",
    "doublet_center",
    "peak_height_per_area",
    "pearson_vii",
    "pearson_vii_jacobian",
    "pseudo_voigt",
    "pseudo_voigt_jacobian",
]

_G = 2 * math.sqrt(math.log(2) / math.pi)
_L = 2 / math.pi
_4LN2 = 4 * math.log(2)
_LEAST = 0.005
"""1/m below which a Pearson VII is taken as Gaussian."""

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


def _pearson(fwhm: float, shape: float) -> tuple[float, float, float]:
    """Exponent m, 2^(1/m) - 1 and height of unit area."""
    s = min(max(shape, _LEAST), 1.0)
    m = 1 / s
    k = 2**s - 1
    log = math.lgamma(m) - math.lgamma(m - 0.5)
    return m, k, 2 * math.sqrt(k / math.pi) * math.exp(log) / fwhm


def pearson_vii(
    x: NDArray[np.float64],
    center: float,
    fwhm: float,
    shape: float,
    components: Components = ((1.0, 1.0),),
    in_angle: bool = False,
    asymmetry: float = 0.0,
) -> NDArray[np.float64]:
    """Pearson VII of unit area, summed over `components`.

    Parameters
    ----------
    shape : float
        1/m, from 0 (Gaussian; taken as 0.005) to 1 (Lorentzian).
    center, fwhm, asymmetry
        As of `pseudo_voigt`.

    References
    ----------
    .. [1] M. M. Hall et al., J. Appl. Cryst. 10 (1977) 66, eq. 1.
    """
    m, k, height = _pearson(fwhm, shape)
    out = np.zeros_like(x)
    for ratio, share in components:
        c, _ = doublet_center(center, ratio, in_angle)
        side = np.where(x < c, 1 + asymmetry, 1 - asymmetry)
        u2 = ((x - c) / (fwhm * side)) ** 2
        out += share * height * np.exp(-m * np.log1p(4 * k * u2))
    return out


def pearson_vii_jacobian(
    x: NDArray[np.float64],
    center: float,
    fwhm: float,
    shape: float,
    components: Components = ((1.0, 1.0),),
    in_angle: bool = False,
    asymmetry: float = 0.0,
) -> tuple[NDArray[np.float64], ...]:
    """Profile and its derivatives by centre, fwhm, shape and asymmetry, for unit area.

    The derivative by shape is a difference quotient: the one of the Gamma functions is not worth
    its terms.
    """
    m, k, height = _pearson(fwhm, shape)
    value = np.zeros_like(x)
    d_center = np.zeros_like(x)
    d_fwhm = np.zeros_like(x)
    d_asymmetry = np.zeros_like(x)
    for ratio, share in components:
        c, slope = doublet_center(center, ratio, in_angle)
        sign = np.where(x < c, 1.0, -1.0)
        side = 1 + sign * asymmetry
        u = (x - c) / (fwhm * side)
        bottom = 1 + 4 * k * u * u
        part = share * height * np.exp(-m * np.log(bottom))
        by_u = -part * 8 * m * k * u / bottom
        value += part
        d_center -= by_u * slope / (fwhm * side)
        d_fwhm -= (part + by_u * u) / fwhm
        d_asymmetry -= by_u * u * sign / side
    up, down = min(shape + 1e-5, 1.0), max(shape - 1e-5, 2 * _LEAST - 1e-5)
    if up <= down:
        up = down + 1e-5
    d_shape = (
        pearson_vii(x, center, fwhm, up, components, in_angle, asymmetry)
        - pearson_vii(x, center, fwhm, down, components, in_angle, asymmetry)
    ) / (up - down)
    return value, d_center, d_fwhm, d_shape, d_asymmetry


@dataclass(frozen=True)
class Profile:
    """A shape of lines: values, derivatives and height for unit area.

    The shape parameter runs from 0, Gaussian, to 1, Lorentzian.
    """

    name: str
    value: Callable[..., NDArray[np.float64]]
    jacobian: Callable[..., tuple[NDArray[np.float64], ...]]
    height: Callable[[float, float], float]


PSEUDO_VOIGT = Profile("pseudo-Voigt", pseudo_voigt, pseudo_voigt_jacobian, peak_height_per_area)
PEARSON_VII = Profile(
    "Pearson VII", pearson_vii, pearson_vii_jacobian, lambda fwhm, shape: _pearson(fwhm, shape)[2]
)
