"""Where an interface is and how wide: a step in a profile, with errors over all that fits.

A step from one level to another as an error function, averaged over each bin in closed form.  The
two levels are linear; location and width are followed on a grid, so that a width that the data do
not bound from below gives an interval and not an error that is too small.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

__all__ = ["STEP_SEEN", "WIDTH_10_90", "Shape", "StepFit", "fit_step", "step_shape"]

Array = NDArray[np.float64]
Shape = Literal["erf", "logistic"]
WIDTH_10_90: dict[Shape, float] = {"erf": 2 * 1.2815515655446004, "logistic": 2 * math.log(9.0)}
"""Width from 10 to 90 % in units of the shape's own scale (σ, or s of a logistic)."""
STEP_SEEN = 25.0
"""By how much a step has to lower χ² below a constant's: five standard deviations."""
FAR = 20.0
"""χ² above its lowest beyond which nothing is worth following."""
GRID = (61, 61)
"""Locations and scales of the fine grid."""


@dataclass(frozen=True)
class StepFit:
    """A step in a profile.

    Attributes
    ----------
    location, location_std : float
    width : float
        From 10 to 90 % of the step.
    width_std : float or None
        None where the data do not exclude a sharp step; `width_interval` says how wide it may be.
    width_interval : pair of float
        68.3 %, central; where a sharp step is not excluded from 0 on to the same upper end.
    before, after : float
        Levels.
    step_std : float
        Of ``after − before``, at the best location and width.
    chi_square, degrees : float, int
    improvement : float
        χ² of a constant less that of the step.
    birge : float
        Factor on all errors: √(χ²/degrees), where that is above 1 or the noise is not known.
    best : pair of float
        Location and scale of lowest χ², for drawing.
    """

    location: float
    location_std: float
    width: float
    width_std: float | None
    width_interval: tuple[float, float]
    before: float
    after: float
    step_std: float
    chi_square: float
    degrees: int
    improvement: float
    birge: float
    best: tuple[float, float]


def step_shape(shape: Shape, distance: Array, step: float, location: Array, scale: Array) -> Array:
    """Return the step from 0 to 1 averaged over bins, shape (..., n) for location and scale.

    Parameters
    ----------
    shape : {"erf", "logistic"}
    distance : ndarray, shape (n,)
        Centres of bins of width `step`.
    step : float
    location, scale : ndarray
        Shapes that go together; scale above 0.
    """
    edges = np.stack([distance - 0.5 * step, distance + 0.5 * step])
    place, size = (np.asarray(v)[..., None, None] for v in (location, scale))
    u = (edges - place) / size
    if shape == "erf":
        whole = u * ndtr(u) + np.exp(-0.5 * u * u) / math.sqrt(2.0 * math.pi)
    else:
        whole = np.logaddexp(0.0, u)
    rise = (whole[..., 1, :] - whole[..., 0, :]) / (u[..., 1, :] - u[..., 0, :])
    return np.asarray(np.clip(rise, 0.0, 1.0))


def fit_step(
    distance: Array, values: Array, std: Array | None, step: float, shape: Shape = "erf"
) -> StepFit | None:
    """Fit one step; None where fewer than six bins have a value.

    Parameters
    ----------
    distance, values, std : ndarray, shape (n,)
        Bins without a value are left out.  Without `std` all bins count the same, and the scatter
        about the fit makes the errors.
    step : float
        Width of a bin.
    shape : {"erf", "logistic"}
    """
    good = np.isfinite(values)
    if std is not None:
        good &= np.isfinite(std) & (std > 0)
    if good.sum() < 6:
        return None
    x, y = distance[good], values[good]
    weight = np.ones(x.size) if std is None else std[good] ** -2.0
    span = float(x[-1] - x[0])
    places = np.linspace(float(x[0]), float(x[-1]), min(2 * x.size, 200))
    scales = np.geomspace(0.05 * step, 0.5 * span, 16)
    chi = _profile_chi(shape, x, y, weight, step, places, scales)
    i, j = np.unravel_index(int(np.argmin(chi)), chi.shape)
    degrees = x.size - 4
    for _ in range(2):  # the fine grid shrinks to what is worth following
        lowest = float(chi.min())
        unit = _unit(lowest, degrees, std)
        near = chi - lowest < FAR * unit
        places = _around(places, np.asarray(near.any(axis=1)), GRID[0])
        scales = _around(scales, np.asarray(near.any(axis=0)), GRID[1])
        chi = _profile_chi(shape, x, y, weight, step, places, scales)
        i, j = np.unravel_index(int(np.argmin(chi)), chi.shape)
    lowest = float(chi[i, j])
    unit = _unit(lowest, degrees, std)
    mass = np.exp(-0.5 * (chi - lowest) / unit) * np.gradient(scales)[None, :]
    mass /= mass.sum()
    by_place, by_scale = mass.sum(axis=1), mass.sum(axis=0)
    location = float(by_place @ places)
    factor = WIDTH_10_90[shape]
    interval, bounded = _interval(scales, by_scale, float(by_scale[0]))
    best = np.array([places[i]]), np.array([scales[j]])
    levels, inverse = _levels(step_shape(shape, x, step, *best)[0], y, weight)
    constant = float((weight * (y - (weight @ y) / weight.sum()) ** 2).sum())
    return StepFit(
        location=location,
        location_std=math.sqrt(float(by_place @ (places - location) ** 2)),
        width=factor * (float(by_scale @ scales) if bounded else float(scales[j])),
        width_std=factor * _spread(scales, by_scale) if bounded else None,
        width_interval=(factor * interval[0], factor * interval[1]),
        before=float(levels[0]),
        after=float(levels[0] + levels[1]),
        step_std=math.sqrt(float(inverse[1, 1]) * unit),
        chi_square=lowest,
        degrees=degrees,
        improvement=(constant - lowest) / unit,
        birge=math.sqrt(unit),
        best=(float(places[i]), float(scales[j])),
    )


def _unit(chi_square: float, degrees: int, std: Array | None) -> float:
    """What χ² counts as 1: more where the scatter is more than the noise."""
    ratio = max(chi_square / max(1, degrees), 1e-300)
    if std is None:
        return ratio
    return ratio if ratio > 1.0 + 3.0 * math.sqrt(2.0 / max(1, degrees)) else 1.0


def _levels(rise: Array, y: Array, weight: Array) -> tuple[Array, Array]:
    columns = np.stack([np.ones_like(rise), rise])
    normal = (columns * weight) @ columns.T
    inverse = np.linalg.pinv(normal)
    return inverse @ (columns * weight) @ y, np.asarray(inverse, dtype=np.float64)


def _profile_chi(
    shape: Shape, x: Array, y: Array, weight: Array, step: float, places: Array, scales: Array
) -> Array:
    """χ² at the best levels for each location and scale, shape (locations, scales)."""
    total = float(weight.sum())
    mean = float(weight @ y) / total
    left = y - mean
    rise = step_shape(shape, x, step, places[:, None], scales[None, :])
    moved = rise - (rise @ weight / total)[..., None]
    size = (moved**2) @ weight
    with np.errstate(divide="ignore", invalid="ignore"):
        gained = np.where(size > 1e-9 * total, (moved @ (weight * left)) ** 2 / size, 0.0)
    found: Array = float(weight @ left**2) - gained
    return found


def _around(values: Array, kept: NDArray[np.bool_], number: int) -> Array:
    """The range of the kept values and one beyond on each side, in even steps."""
    where = np.flatnonzero(kept)
    low = float(values[max(0, int(where[0]) - 1)])
    high = float(values[min(values.size - 1, int(where[-1]) + 1)])
    return np.linspace(low, high, number) if high > low else values


def _spread(values: Array, mass: Array) -> float:
    mean = float(mass @ values)
    return math.sqrt(float(mass @ (values - mean) ** 2))


def _interval(scales: Array, mass: Array, first: float) -> tuple[tuple[float, float], bool]:
    """68.3 % of a width; whether it excludes a sharp step."""
    sums = np.cumsum(mass)
    sums /= sums[-1]
    peak = float(mass.max())
    bounded = first < math.exp(-2.0) * peak  # two standard deviations from sharp
    found = [float(np.interp(q, sums, scales)) for q in (0.1585, 0.8415)]
    return ((found[0] if bounded else 0.0), found[1]), bounded
