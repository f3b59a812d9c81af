"""Where a step is when its width is not known: the likelihood over place and width together.

A fitted width that came out too small by chance makes the curvature's error of the place too
small, too: at few ions that is what pulls show.  Here the place's distribution is taken over all
widths that the counts allow, each as likely beforehand (a flat prior in place and width; the two
fractions are at their most likely values for each).  For a shift of the whole profile along its
axis such an interval has its stated coverage exactly [1]_; for the width it is a convention,
which the coverage tables test.

References
----------
.. [1] R. B. Hora, R. J. Buehler, Ann. Math. Statist. 37 (1966) 643.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Shape", "StepBins", "StepPosterior", "step_posterior", "step_shares"]

Shape = Literal["erf", "logistic"]
_PLACES, _SCALES = 81, 25
_MOST_BINS = 400
_TINY = 1e-6
_ITERATIONS = 6


@dataclass(frozen=True)
class StepBins:
    """Successes `k` among trials `n` in bins from `low` to `high` (nm), over a `dispersion`."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    k: NDArray[np.float64]
    n: NDArray[np.float64]
    dispersion: float

    def near(self, first: float, last: float) -> StepBins:
        """Return the bins between two places, what lies beyond joined to one bin on each side.

        Where there are hundreds between, neighbours are joined.
        """
        before, after = self.high <= first, self.low >= last
        inside = np.flatnonzero(~before & ~after)
        groups = np.array_split(inside, min(max(len(inside), 1), _MOST_BINS))
        kept = [np.flatnonzero(before), *groups, np.flatnonzero(after)]
        kept = [some for some in kept if some.size]
        return StepBins(
            np.array([self.low[some[0]] for some in kept]),
            np.array([self.high[some[-1]] for some in kept]),
            np.array([self.k[some].sum() for some in kept]),
            np.array([self.n[some].sum() for some in kept]),
            self.dispersion,
        )


@dataclass(frozen=True)
class StepPosterior:
    """Distribution of a step's place and scale, on a grid.

    Attributes
    ----------
    places, scales : array of shape (p,), (s,)
        nm; `scales` are σ of the error function, or s of a logistic.
    weight : array of shape (p, s)
        Sums to one.
    rise : float
        Twice the log-likelihood, over the dispersion, that the best width gains over the
        smallest: what speaks against a sharp step.
    """

    places: NDArray[np.float64]
    scales: NDArray[np.float64]
    weight: NDArray[np.float64]
    rise: float

    @property
    def mean(self) -> float:
        """Mean place, nm."""
        return float(self.weight.sum(axis=1) @ self.places)

    def std(self, about: float | None = None) -> float:
        """Return the root of the mean squared distance from a place, by default the mean, nm."""
        centre = self.mean if about is None else about
        return math.sqrt(float(self.weight.sum(axis=1) @ (self.places - centre) ** 2))

    def interval(self, level: float) -> tuple[float, float]:
        """Return the central interval of the place, nm."""
        ends = _quantiles(self.places, self.weight.sum(axis=1), level)
        return ends[0], ends[1]

    def scale_interval(self, level: float) -> tuple[float, float]:
        """Return the shortest interval of the scale, nm; from 0 where the smallest is in it."""
        marginal = self.weight.sum(axis=0)
        order = np.argsort(-marginal)
        count = int(np.searchsorted(np.cumsum(marginal[order]), level)) + 1
        kept = np.sort(order[:count])
        low = 0.0 if kept[0] == 0 else float(self.scales[kept[0]])
        return low, float(self.scales[kept[-1]])


def step_shares(
    shape: Shape,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    place: NDArray[np.float64],
    scale: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return by how much of the step each bin is beyond it, for many steps at once.

    Parameters
    ----------
    shape : {"erf", "logistic"}
    low, high : arrays of shape (bins,)
        nm.
    place, scale : arrays of shape (m,)
        nm.

    Returns
    -------
    array of shape (m, bins)
        0 to 1, averaged over each bin in closed form.
    """
    from scipy.special import ndtr

    u, v = ((edge[None, :] - place[:, None]) / scale[:, None] for edge in (low, high))
    if shape == "erf":

        def whole(x: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(x * ndtr(x) + np.exp(-0.5 * x**2) / math.sqrt(2 * math.pi))
    else:

        def whole(x: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(np.logaddexp(0.0, x))

    return np.clip((whole(v) - whole(u)) / (v - u), 0.0, 1.0)


def step_posterior(
    shape: Shape,
    bins: StepBins,
    place: float,
    place_std: float,
    scale: tuple[float, float],
    limits: tuple[float, float],
) -> StepPosterior:
    """Return the distribution of a step's place and width.

    Parameters
    ----------
    shape : {"erf", "logistic"}
    bins : StepBins
        With one step in them.
    place, place_std : float
        nm; where to begin to look.
    scale : two floats
        nm; smallest and largest scale.
    limits : two floats
        nm; between which places the step is.

    Notes
    -----
    The grid is moved, widened and narrowed until it holds the distribution.
    """
    window = _clipped(place - 8 * place_std, place + 8 * place_std, limits)
    reach = (scale[0], min(max(12 * place_std, 4 * scale[0]), scale[1]))
    for _ in range(12):
        places = np.linspace(*window, _PLACES)
        scales = np.linspace(*reach, _SCALES)
        margin = 6.0 if shape == "erf" else 16.0
        near = bins.near(window[0] - margin * reach[1], window[1] + margin * reach[1])
        log = _profiled(shape, near, places, scales)
        weight = np.exp(log - log.max())
        weight /= weight.sum()
        along = [
            _refocused(places, weight.sum(axis=1), limits),
            _refocused(scales, weight.sum(axis=0), scale),
        ]
        if all(new is None for new in along):
            break
        window = along[0] or window
        reach = along[1] or reach
    # against a sharp step: the smallest scale may lie outside of the grid
    sharp = _profiled(shape, near, places, np.array([scale[0]]))
    return StepPosterior(places, scales, weight, max(2 * float(log.max() - sharp.max()), 0.0))


def _profiled(
    shape: Shape, bins: StepBins, places: NDArray[np.float64], scales: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Log-likelihood at each place and scale, the fractions at their most likely values."""
    at = [axis.ravel() for axis in np.meshgrid(places, scales, indexing="ij")]
    t = step_shares(shape, bins.low, bins.high, *at)
    s = 1 - t
    k, n = bins.k, bins.n
    seen = np.divide(k, n, out=np.zeros_like(k), where=n > 0)
    mean = float(np.clip(k.sum() / max(float(n.sum()), 1.0), 0.01, 0.99))
    ends = np.full((len(t), 2), mean)
    best = np.full(len(t), -np.inf)
    for _ in range(_ITERATIONS):
        p = np.clip(ends[:, :1] * s + ends[:, 1:] * t, _TINY, 1 - _TINY)
        best = np.maximum(best, np.log(p) @ k + np.log1p(-p) @ (n - k))
        weight = n / (p * (1 - p))
        left, right = weight * s, weight * t
        a, b, c = (np.einsum("ij,ij->i", x, y) for x, y in ((left, s), (left, t), (right, t)))
        d, e = left @ seen, right @ seen
        determinant = a * c - b * b
        fine = determinant > 1e-12 * a * c
        with np.errstate(divide="ignore", invalid="ignore"):
            ends = np.stack([(c * d - b * e) / determinant, (a * e - b * d) / determinant], axis=1)
        ends = np.clip(np.where(fine[:, None], ends, mean), _TINY, 1 - _TINY)
    return np.asarray(best.reshape(len(places), len(scales)) / bins.dispersion)


def _refocused(
    axis: NDArray[np.float64], marginal: NDArray[np.float64], limits: tuple[float, float]
) -> tuple[float, float] | None:
    """Return a better stretch of one axis, or None if this one will do."""
    span, step = float(axis[-1] - axis[0]), float(axis[1] - axis[0])
    mean = float(marginal @ axis)
    std = math.sqrt(float(marginal @ (axis - mean) ** 2))
    most = float(marginal.max())
    low, high = float(axis[0]), float(axis[-1])
    cut_low = marginal[0] > 1e-3 * most and low > limits[0] + 1e-9 * span
    cut_high = marginal[-1] > 1e-3 * most and high < limits[1] - 1e-9 * span
    if cut_low or cut_high:
        wider = (low - span if cut_low else low, high + span if cut_high else high)
        return _clipped(*wider, limits)
    if std < 2 * step:
        reach = 6 * max(std, 0.7 * step)
        closer = _clipped(mean - reach, mean + reach, limits)
        return closer if closer[1] - closer[0] < 0.9 * span else None
    return None


def _clipped(low: float, high: float, limits: tuple[float, float]) -> tuple[float, float]:
    low, high = max(low, limits[0]), min(high, limits[1])
    return (low, high) if high > low else limits


def _quantiles(
    axis: NDArray[np.float64], weight: NDArray[np.float64], level: float
) -> tuple[float, float]:
    below = np.concatenate([[0.0], np.cumsum(weight)])
    step = axis[1] - axis[0]
    edges = np.concatenate([axis - step / 2, [axis[-1] + step / 2]])
    low, high = np.interp([0.5 - level / 2, 0.5 + level / 2], below, edges)
    return float(low), float(high)
