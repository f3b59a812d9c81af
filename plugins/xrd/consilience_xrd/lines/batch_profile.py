"""Pseudo-Voigts of many windows at once, with their derivatives; see `lines.profiles` for one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.lines.profiles import Components

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["add_profiles", "heights_per_area", "parameter_count", "windows_model"]

_G = 2 * math.sqrt(math.log(2) / math.pi)
_L = 2 / math.pi
_4LN2 = 4 * math.log(2)


def parameter_count(peaks: int) -> int:
    """Four parameters of each peak and two of the line below."""
    return 4 * peaks + 2


def heights_per_area(fwhm: NDArray[np.float64], eta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Height of pseudo-Voigts of unit area."""
    return np.asarray((eta * _L + (1 - eta) * _G) / fwhm)


def _centers(
    center: NDArray[np.float64], ratio: float, in_angle: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64] | float]:
    """Centres of a component at `ratio` times the wavelength, and their derivative by `center`."""
    if ratio == 1.0:
        return center, 1.0
    if not in_angle:
        return center * ratio, ratio
    half = np.radians(center) / 2
    other = np.arcsin(np.minimum(ratio * np.sin(half), 1.0))
    slope = ratio * np.cos(half) / np.maximum(np.cos(other), 1e-6)
    return np.degrees(2 * other), slope


def add_profiles(
    x: NDArray[np.float64],
    area: NDArray[np.float64],
    center: NDArray[np.float64],
    fwhm: NDArray[np.float64],
    eta: NDArray[np.float64],
    components: Components,
    in_angle: bool,
    model: NDArray[np.float64],
    jacobian: tuple[NDArray[np.float64] | None, ...] | None,
) -> None:
    """Add one peak of each window to `model`; fill the rows of its derivatives.

    Parameters
    ----------
    x : ndarray, shape (n,) or (m, n)
    area, center, fwhm, eta : ndarray, shape (m,)
        The Lorentzian fraction is 0 to 1; the width is that of each component.
    model : ndarray, shape (m, n)
        Changed in place.
    jacobian : tuple of ndarray or None
        By area, centre, width and fraction, each shape (m, n) or None where it is not wanted.
    """
    if jacobian is not None:
        for row in jacobian:
            if row is not None:
                row.fill(0.0)
    inverse = 1 / fwhm[:, None]
    e, a = eta[:, None], area[:, None]
    for ratio, share in components:
        c, slope = _centers(center, ratio, in_angle)
        u = (x - c[:, None]) * inverse
        u2 = u * u
        bottom = 1 / (4 * u2 + 1)
        gauss = np.exp(u2 * -_4LN2)
        gauss *= _G
        lorentz = bottom * _L
        unit = share * inverse
        shape = gauss + e * (lorentz - gauss)
        if jacobian is None:
            model += (a * unit) * shape
            continue
        by_area, by_center, by_fwhm, by_eta = jacobian
        scaled = shape * unit
        model += a * scaled
        if by_area is not None:
            by_area += scaled
        if by_eta is not None:
            by_eta += (a * unit) * (lorentz - gauss)
        if by_center is None and by_fwhm is None:
            continue
        # minus the derivative of the shape by u
        fall = u * ((8 * e) * (lorentz * bottom) + (2 * _4LN2 * (1 - e)) * gauss)
        if by_center is not None:
            factor = a * unit * inverse
            by_center += fall * (factor * (slope if isinstance(slope, float) else slope[:, None]))
        if by_fwhm is not None:
            by_fwhm += (a * unit * inverse) * (fall * u - shape)


def windows_model(
    x: NDArray[np.float64],
    values: NDArray[np.float64],
    line: NDArray[np.float64],
    components: Components,
    in_angle: bool,
) -> NDArray[np.float64]:
    """The model of all windows, without derivatives.

    Parameters
    ----------
    values : ndarray, shape (m, 4 k + 2)
        Areas, centres, widths and fractions of k peaks, level and slope.
    line : ndarray, shape (n,) or (m, n)
        What the slope is multiplied by, -1 to 1.
    """
    k = (values.shape[1] - 2) // 4
    model = values[:, -2, None] + values[:, -1, None] * line
    for i in range(k):
        add_profiles(
            x, values[:, i], values[:, k + i], values[:, 2 * k + i], values[:, 3 * k + i],
            components, in_angle, model, None,
        )  # fmt: skip
    return np.asarray(model)
