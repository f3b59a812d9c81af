"""Tilt and curvature of a height map: fitted by least squares and taken off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FORMS", "Form", "remove_form"]

FORMS: dict[str, int] = {"mean": 0, "plane": 1, "second": 2}
"""Names of forms, and the degree of each polynomial."""


@dataclass(frozen=True)
class Form:
    """What was taken off a height map.

    Parameters
    ----------
    residual : ndarray
        Heights above the form; NaN where there was none.
    surface : ndarray
        The form itself, everywhere.
    terms : int
        Coefficients of the polynomial.
    tilt : tuple of float
        Slopes of the fitted form at the middle along rows and columns, height per length.
    curvature : tuple of float
        Second derivatives along rows and columns (per length); 0 below the second degree.
    """

    residual: NDArray[np.float64]
    surface: NDArray[np.float64]
    terms: int
    tilt: tuple[float, float]
    curvature: tuple[float, float]


def remove_form(heights: NDArray[np.float64], step: tuple[float, float], degree: int) -> Form:
    """Fit a polynomial with all cross terms up to `degree` and take it off.

    Parameters
    ----------
    heights : ndarray of shape (rows, columns)
        NaN where there is no height.
    step : tuple of float
        Distance of rows and of columns.
    degree : int
        0 (the mean), 1 (plane) or 2.

    Raises
    ------
    ValueError
        Fewer heights than terms.

    References
    ----------
    ISO 25178-2 (F-operation); total least squares is not used: slopes are small.
    """
    there = np.isfinite(heights)
    terms = (degree + 1) * (degree + 2) // 2
    if int(there.sum()) <= terms:
        raise ValueError(f"{int(there.sum())} heights cannot fix a form of {terms} terms")
    axes = [np.linspace(-1.0, 1.0, n) if n > 1 else np.zeros(1) for n in heights.shape]
    half = [0.5 * (n - 1) * s for n, s in zip(heights.shape, step, strict=True)]
    powers = [(i, j) for total in range(degree + 1) for i in range(total + 1) for j in [total - i]]
    v, u = np.meshgrid(*axes, indexing="ij")
    basis = [v**i * u**j for i, j in powers]
    # normal equations: few terms on [-1, 1], and no matrix of all points
    inside = [np.where(there, b, 0.0) for b in basis]
    filled = np.where(there, heights, 0.0)
    matrix = np.array([[float(np.vdot(a, b)) for b in inside] for a in inside])
    right = np.array([float(np.vdot(a, filled)) for a in inside])
    solved = np.linalg.lstsq(matrix, right, rcond=None)[0]
    surface = np.zeros(heights.shape)
    for coefficient, part in zip(solved, basis, strict=True):
        surface += coefficient * part
    known = dict(zip(powers, solved.tolist(), strict=True))

    def per(power: tuple[int, int], factor: float) -> float:
        scale = half[0] ** power[0] * half[1] ** power[1]
        return factor * known.get(power, 0.0) / scale if scale else 0.0

    return Form(
        np.where(there, heights - surface, np.nan),
        surface,
        terms,
        (per((1, 0), 1.0), per((0, 1), 1.0)),
        (per((2, 0), 2.0), per((0, 2), 2.0)),
    )
