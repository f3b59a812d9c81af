"""Interpolation and smoothing of maps as matrices, so that their errors propagate exactly.

A map V of shape (rows, columns) becomes ``Y V X.T``; what is linear in V has the variance
``(Y**2) var (X**2).T`` for independent points.  Splines are cubic and go through the points.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import make_interp_spline

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BOX", "covered", "fine_positions", "sampling", "sharpened", "smoothing", "varied"]

FEWEST = 4
"""Points along a direction that a cubic spline needs."""
BOX = 1 / math.sqrt(12)
"""Standard deviation of a box one step wide, in steps."""


@lru_cache(maxsize=64)
def _spline(points: int, degree: int) -> object:
    return make_interp_spline(np.arange(points), np.eye(points), k=min(degree, points - 1))


def fine_positions(points: int, factor: int) -> NDArray[np.float64]:
    """Return where `factor` points to a step lie, in steps from the first point."""
    return np.asarray((np.arange(points * factor) + 0.5) / factor - 0.5)


def sampling(points: int, at: NDArray[np.float64], degree: int = 3) -> NDArray[np.float64]:
    """Return the matrix, shape (m, points), that evaluates a map's spline at m positions.

    Positions are in steps from the first point; outside of the points the outermost counts.
    `degree` is the spline's, 1 for straight lines.
    """
    spline = _spline(points, degree)
    return np.asarray(spline(np.clip(at, 0.0, points - 1.0)))  # type: ignore[operator]


def covered(points: int, at: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which positions lie within half a step of the points."""
    return (at >= -0.5 - 1e-9) & (at <= points - 0.5 + 1e-9)


@lru_cache(maxsize=64)
def smoothing(points: int, sigma: float, factor: int = 1) -> NDArray[np.float64]:
    """Return the matrix of a Gaussian running mean, `sigma` in steps of `factor` points each.

    Rows add up to 1: at the borders the mean is over what is there.
    """
    away = np.arange(points)[:, None] - np.arange(points)
    weight = np.exp(-0.5 * (away / max(sigma * factor, 1e-6)) ** 2)
    made = np.asarray(weight / weight.sum(axis=1, keepdims=True))
    made.flags.writeable = False
    return made


def sharpened(matrix: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Return `matrix` followed by a first-order correction for the points' own breadth.

    Each point is a mean over its step.  Blurring once more by as much shows, to first order, what
    that did; it is taken off.
    """
    return np.asarray(2 * matrix - smoothing(len(matrix), BOX, factor) @ matrix)


def varied(
    y: NDArray[np.float64], variance: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the variances of ``y @ map @ x.T`` for independent points."""
    return np.asarray((y**2) @ variance @ (x**2).T)
