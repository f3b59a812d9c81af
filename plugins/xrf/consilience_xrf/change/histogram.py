"""How far the distribution of a film's intensities lies from that of a reference.

The distance of Wasserstein (the mean shift of the sorted values) of intensities over their mean:
0 for the same distribution, and above 0 from noise alone; so it is held against what noise gives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import gamma

from consilience_xrf.change.footprint import Footprint
from consilience_xrf.change.operators import smoothing
from consilience_xrf.change.shift import SMOOTH, Shift

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

__all__ = ["HistogramDistance", "histogram_distance"]

QUANTILES = (np.arange(100) + 0.5) / 100
DRAWS = 200
"""Of noise, for its error and for what noise alone gives."""
FEWEST = 20


@dataclass(frozen=True)
class HistogramDistance:
    """A distance in units of the mean intensity.

    Attributes
    ----------
    value : float
    counting, alignment : float
    noise, noise_std : float
        Mean and standard deviation of the distance that noise alone gives.
    p : float
        Chance of so great a distance if nothing changed (a gamma distribution of that mean and
        standard deviation).
    """

    value: float
    counting: float
    alignment: float
    noise: float
    noise_std: float
    p: float


def histogram_distance(
    maps: tuple[NDArray[np.float64], NDArray[np.float64]],
    variances: tuple[NDArray[np.float64], NDArray[np.float64]],
    shift: Shift,
    film: Footprint,
    seed: int = 0,
) -> HistogramDistance | None:
    """Return the distance of the second map's intensities from the first's, the reference.

    Only points whose middle lies within the film, and clear of its edges, count; they are used as
    measured, without interpolation.  None: fewer than 20 such points.
    """
    inside = [_members(film, at) for at in ((0.0, 0.0), (shift.y, shift.x))]
    if min(mask.sum() for mask in inside) < FEWEST:
        return None
    values = [m[i] for m, i in zip(maps, inside, strict=True)]
    noise = [np.sqrt(v[i]) for v, i in zip(variances, inside, strict=True)]
    if min(float(v.mean()) for v in values) <= 0:
        return None
    value = float(_distance(values[0], values[1]))
    chance = np.random.default_rng([seed, 9])

    def seen(truth: list[NDArray[np.float64]], sizes: list[NDArray[np.float64]]) -> Array:
        """Distances with noise of their own."""
        return _distance(
            *(
                t + s * chance.standard_normal((DRAWS, t.size))
                for t, s in zip(truth, sizes, strict=True)
            )
        )

    drawn = seen(values, noise)
    # if nothing changed both are the reference without its noise, each seen with noise of its own
    truth = _smoothed(maps[0])[inside[0]]
    scale = float(values[1].mean() / values[0].mean())
    other = np.sqrt(np.interp(truth * scale, *_noise_of(values[1], noise[1]))) / scale
    null = seen([truth, truth], [noise[0], other])
    mean, std = float(null.mean()), float(null.std(ddof=1))
    alignment = math.hypot(
        *(
            0.5
            * (
                _moved(maps, film, shift, value, axis, 1)
                - _moved(maps, film, shift, value, axis, -1)
            )
            for axis in (0, 1)
        )
    )
    spread = max(float(np.hypot(std, alignment)), 1e-12)
    shape = (mean / spread) ** 2
    return HistogramDistance(
        value,
        float(np.std(drawn, ddof=1)),
        alignment,
        mean,
        std,
        float(gamma.sf(value, shape, scale=spread**2 / max(mean, 1e-12))),
    )


def _moved(
    maps: tuple[NDArray[np.float64], NDArray[np.float64]],
    film: Footprint,
    shift: Shift,
    value: float,
    axis: int,
    sign: int,
) -> float:
    """The distance when the shift is wrong by its standard deviation."""
    at = [shift.y, shift.x]
    at[axis] += sign * shift.std[axis]
    inside = _members(film, (at[0], at[1]))
    if inside.sum() < FEWEST:
        return value
    return float(_distance(maps[0][_members(film, (0.0, 0.0))], maps[1][inside]))


def _members(film: Footprint, shift: tuple[float, float]) -> NDArray[np.bool_]:
    """Points of a map whose middle, brought to the reference, lies within the film."""
    rows, columns = film.shape
    fine = []
    inside = []
    for n, s in zip((rows, columns), shift, strict=True):
        at = np.rint((np.arange(n) - s + 0.5) * film.factor - 0.5).astype(int)
        inside.append((at >= 0) & (at < n * film.factor))
        fine.append(np.clip(at, 0, n * film.factor - 1))
    return np.asarray(film.inner[np.ix_(*fine)] & np.logical_and.outer(*inside))


def _distance(a: Array, b: Array) -> Array:
    """Distances of samples along the last axis."""
    both = [_quantiles(v) / v.mean(axis=-1, keepdims=True) for v in (a, b)]
    return np.asarray(np.abs(both[0] - both[1]).mean(axis=-1))


def _quantiles(values: Array) -> Array:
    """Of sorted values, straight between neighbours."""
    ordered = np.sort(values, axis=-1)
    at = QUANTILES * (values.shape[-1] - 1)
    low = np.minimum(at.astype(int), values.shape[-1] - 2)
    part = at - low
    return np.asarray((1 - part) * ordered[..., low] + part * ordered[..., low + 1])


def _smoothed(image: NDArray[np.float64]) -> NDArray[np.float64]:
    y, x = (smoothing(n, SMOOTH) for n in image.shape)
    return np.asarray(y @ image @ x.T)


def _noise_of(
    values: NDArray[np.float64], noise: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Variance against value, increasing, to look up."""
    order = np.argsort(values)
    return values[order], noise[order] ** 2
