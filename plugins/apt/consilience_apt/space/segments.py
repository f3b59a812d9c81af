"""Likelihoods of stretches of a profile: one fraction throughout, or one that changes evenly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Bins", "Kind", "flat_likelihood", "gradient_likelihood"]

Kind = Literal["flat", "gradient"]
PARAMETERS: dict[str, int] = {"flat": 1, "gradient": 2}
_TINY = 1e-6
"""Fractions stay that far from 0 and 1: a likelihood of zero would forbid a single stray ion."""
_CHUNK = 1 << 21
_ITERATIONS = 25


@dataclass(frozen=True)
class Bins:
    """Successes and trials in bins that lie side by side.

    Parameters
    ----------
    edges : array of shape (bins + 1,)
        nm.
    k, n : arrays of shape (bins,)
    dispersion : float
        Log-likelihoods are divided by it.
    """

    edges: NDArray[np.float64]
    k: NDArray[np.float64]
    n: NDArray[np.float64]
    dispersion: float = 1.0

    def __len__(self) -> int:
        return len(self.k)

    def merged(self, most: int) -> Bins:
        """Return neighbours joined so that there are at most `most`, with similar trials."""
        if len(self) <= most:
            return self
        share = np.cumsum(self.n) / self.n.sum() * most
        stops = np.unique(np.searchsorted(share, np.arange(1, most)) + 1)
        starts = np.concatenate([[0], stops[stops < len(self)]])
        return Bins(
            np.append(self.edges[starts], self.edges[-1]),
            np.add.reduceat(self.k, starts),
            np.add.reduceat(self.n, starts),
            self.dispersion,
        )


def flat_likelihood(
    bins: Bins, first: NDArray[np.intp], stop: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return log-likelihoods and fractions of stretches ``first … stop − 1`` of one fraction.

    Parameters
    ----------
    bins : Bins
    first, stop : arrays of int, shape (m,)

    Returns
    -------
    tuple
        Shapes (m,) and (m, 2): the fraction stands at both ends.
    """
    from scipy.special import xlogy

    sums = [np.concatenate([[0.0], np.cumsum(values)]) for values in (bins.k, bins.n)]
    k, n = (total[stop] - total[first] for total in sums)
    p = np.clip(k / np.maximum(n, 1e-300), _TINY, 1 - _TINY)
    made = (xlogy(k, p) + xlogy(n - k, 1 - p)) / bins.dispersion
    return made, np.stack([p, p], axis=1)


def gradient_likelihood(
    bins: Bins, first: NDArray[np.intp], stop: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return log-likelihoods and end fractions of stretches that change evenly.

    The fraction is linear in the distance, between 0 and 1 at both ends of the stretch; the
    log-likelihood is concave in the two end fractions, and is climbed by Fisher scoring with the
    bounds as active set, for all stretches at once.

    Parameters, Returns
    -------------------
    As `flat_likelihood`; the fractions are those at the two ends.
    """
    total = np.empty(len(first))
    ends = np.empty((len(first), 2))
    longest = max(int((stop - first).max(initial=1)), 1)
    step = max(_CHUNK // longest, 1)
    for begin in range(0, len(first), step):
        piece = slice(begin, begin + step)
        total[piece], ends[piece] = _climb(bins, first[piece], stop[piece])
    return total, ends


def _climb(
    bins: Bins, first: NDArray[np.intp], stop: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    length = int((stop - first).max(initial=1))
    at = first[:, None] + np.arange(length)
    inside = at < stop[:, None]
    at = np.minimum(at, len(bins) - 1)
    n = np.where(inside, bins.n[at], 0.0)
    k = np.where(inside, bins.k[at], 0.0)
    centres = (bins.edges[1:] + bins.edges[:-1]) / 2
    low, high = bins.edges[first], bins.edges[stop]
    t = np.where(inside, (centres[at] - low[:, None]) / (high - low)[:, None], 0.5)
    s = 1 - t
    mean = np.clip(k.sum(axis=1) / np.maximum(n.sum(axis=1), 1e-300), 0.01, 0.99)
    ends = np.stack([mean, mean], axis=1)
    best, best_ends = np.full(len(first), -np.inf), ends.copy()
    active = np.arange(len(first))
    for _ in range(_ITERATIONS):
        p = ends[:, :1] * s + ends[:, 1:] * t
        likelihood = (k * np.log(p) + (n - k) * np.log1p(-p)).sum(axis=1)
        gain = likelihood - best[active]
        better = gain > 0
        best[active[better]] = likelihood[better]
        best_ends[active[better]] = ends[better]
        # Fisher scoring converges quadratically: a small gain is the last one
        kept = np.abs(gain) > 1e-5
        if not kept.any():
            break
        if np.count_nonzero(kept) < 0.7 * len(kept):
            active, ends, k, n = active[kept], ends[kept], k[kept], n[kept]
            s, t, p, mean, better = s[kept], t[kept], p[kept], mean[kept], better[kept]
        proposed = _scored(k, n, s, t, p, mean)
        # a step that went too far is halved towards the best so far
        ends = np.where(better[:, None], proposed, (best_ends[active] + ends) / 2)
    return best / bins.dispersion, best_ends


def _scored(
    k: NDArray[np.float64],
    n: NDArray[np.float64],
    s: NDArray[np.float64],
    t: NDArray[np.float64],
    p: NDArray[np.float64],
    mean: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the end fractions of the weighted least squares, kept between 0 and 1."""
    weight = n / (p * (1 - p))
    target = weight * np.divide(k, n, out=np.zeros_like(k), where=n > 0)
    left, right = weight * s, weight * t
    a, b, c = (np.einsum("ij,ij->i", u, v) for u, v in ((left, s), (left, t), (right, t)))
    d, e = (np.einsum("ij,ij->i", target, u) for u in (s, t))
    determinant = a * c - b * b
    fine = determinant > 1e-12 * a * c
    with np.errstate(divide="ignore", invalid="ignore"):
        p0 = np.where(fine, (c * d - b * e) / determinant, mean)
        p1 = np.where(fine, (a * e - b * d) / determinant, mean)
        out0, out1 = (p0 < _TINY) | (p0 > 1 - _TINY), (p1 < _TINY) | (p1 > 1 - _TINY)
        q0, q1 = np.clip(p0, _TINY, 1 - _TINY), np.clip(p1, _TINY, 1 - _TINY)
        p1 = np.where(out0 & ~out1, (e - b * q0) / c, q1)
        p0 = np.where(out1 & ~out0, (d - b * q1) / a, q0)
    made: NDArray[np.float64] = np.clip(np.stack([p0, p1], axis=1), _TINY, 1 - _TINY)
    return made


def end_errors(
    bins: Bins, first: int, stop: int, kind: Kind, ends: tuple[float, float]
) -> tuple[float, float]:
    """Return standard deviations of the fractions at both ends, from the curvature."""
    n = bins.n[first:stop]
    if kind == "flat":
        trials = max(float(n.sum()), 1.0)
        p = min(max(ends[0], 0.5 / (trials + 1)), 1 - 0.5 / (trials + 1))
        std = float(np.sqrt(bins.dispersion * p * (1 - p) / trials))
        return std, std
    centres = (bins.edges[first + 1 : stop + 1] + bins.edges[first:stop]) / 2
    t = (centres - bins.edges[first]) / (bins.edges[stop] - bins.edges[first])
    p = np.clip(ends[0] * (1 - t) + ends[1] * t, 1e-3, 1 - 1e-3)
    design = np.stack([1 - t, t])
    covariance = np.linalg.pinv((design * (n / (p * (1 - p)))) @ design.T) * bins.dispersion
    return float(np.sqrt(covariance[0, 0])), float(np.sqrt(covariance[1, 1]))
