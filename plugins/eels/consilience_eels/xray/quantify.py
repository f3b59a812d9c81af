"""Net counts of X-ray lines over their background, and the levels that decide on presence.

References
----------
.. [1] L. A. Currie, "Limits for qualitative detection and quantitative determination",
   Anal. Chem. 40 (1968) 586-593: L_C = 1.645 σ_0, L_D = 2.71 + 3.29 σ_0.
.. [2] J. Przyborowski, H. Wilenski, "Homogeneity of results in testing samples from Poisson
   series", Biometrika 31 (1940) 313-323: the exact test of two counts.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import erf
from scipy.stats import binom, poisson

from consilience_eels.library import LineSums

__all__ = [
    "LineCounts",
    "background_std",
    "line_counts",
    "window_cut",
    "window_weights",
]


MANY = 1000
"""Counts of background from which the limit of many counts is the exact one to 1 %."""


@dataclass(frozen=True)
class LineCounts:
    """One line: net counts, those of the background under it, and the levels that decide.

    Parameters
    ----------
    net, under : float
    seen : int
        Counts in the window of the line.
    critical : float
        Net counts above this are not the background's, at 5 %.
    detection : float
        A line of so many counts on average is missed in at most 5 % of spectra.
    """

    net: float
    under: float
    seen: int
    critical: float
    detection: float

    @property
    def present(self) -> bool:
        """More than the background explains."""
        return self.net > self.critical

    @property
    def undercut(self) -> bool:
        """The background's windows hold so much that they cannot be background alone."""
        return self.net < -1.645 * float(np.sqrt(max(1.0, self.seen + self.under)))


def window_weights(energy: NDArray[np.float64], sums: Sequence[LineSums]) -> NDArray[np.float64]:
    """Return by what each channel enters the net counts of each line, shape (lines, channels).

    1 inside the window of the line, and in the windows of the background minus the ratio of their
    channels to the line's.  Windows go from the channel nearest to their lower end up to, and
    without, the one nearest to their upper end, as in exSpy.
    """
    step = (energy[-1] - energy[0]) / (energy.size - 1)

    def index(value: float) -> int:
        return int(np.clip(round(float((value - energy[0]) / step)), 0, energy.size))

    weights = np.zeros((len(sums), energy.size))
    for row, line in zip(weights, sums, strict=True):
        first, last = index(line.window[0]), index(line.window[1])
        a, b, c, d = (index(value) for value in line.background)
        row[first:last] += 1.0
        ratio = (last - first) / max(1, (b - a) + (d - c))
        row[a:b] -= ratio
        row[c:d] -= ratio
    return weights


def window_cut(
    energy: NDArray[np.float64], weights: NDArray[np.float64], sums: Sequence[LineSums]
) -> NDArray[np.float64]:
    """Return the share of each line, taken as a Gaussian, that lies outside of its channels.

    Windows are whole channels, so that this differs from line to line.
    """
    step = (energy[-1] - energy[0]) / (energy.size - 1)
    found = []
    for row, line in zip(weights, sums, strict=True):
        inside = np.flatnonzero(row > 0)
        if not inside.size:
            found.append(1.0)
            continue
        scale = line.fwhm / (2.0 * np.sqrt(np.log(2.0)))
        low, high = energy[inside[0]] - 0.5 * step, energy[inside[-1]] + 0.5 * step
        kept = 0.5 * (erf((high - line.energy) / scale) - erf((low - line.energy) / scale))
        found.append(1.0 - float(kept))
    return np.array(found)


def line_counts(weights: NDArray[np.float64], counts: NDArray[np.float64]) -> list[LineCounts]:
    """Return net counts with the critical level and the detection limit (α = β = 0.05).

    Parameters
    ----------
    weights : ndarray, shape (lines, channels)
    counts : ndarray, shape (channels,)
    """
    found = []
    for row in weights:
        inside, outside = row > 0, row < 0
        ratio = float(-row[outside].mean()) if outside.any() else 1.0
        seen = round(float(counts[inside].sum()))
        beside = round(float(counts[outside].sum()))
        under = ratio * beside
        least = _critical_count(beside, ratio)
        limit = _limit_of_many(beside, ratio)
        if beside <= MANY:  # that of many counts takes a Gaussian for Poisson's distribution
            limit = max(limit, _limit_of_few(beside, ratio))
        net = float(row @ counts)
        found.append(LineCounts(net, under, seen, least - 0.5 - under, limit))
    return found


def _limit_of_many(beside: int, ratio: float) -> float:
    """Return Currie's limit for the level that the exact test uses.

    The test holds the sum of both counts fixed, and a line adds to that sum: its level c solves
    ``c² = k² (σ₀² + ratio c)``, a little above Currie's k σ₀.  A whole count more is asked for than
    the Gaussian says, half of one on average, and the tail of Poisson's is longer by k²/6 or so.
    """
    k = 1.6448536269514722
    variance = (1.0 + ratio) * ratio * beside
    level = 0.5 * k * k * ratio + float(np.sqrt(0.25 * (k * k * ratio) ** 2 + k * k * variance))
    level += 0.5 + k * k / 6.0
    return level + 0.5 * k * k + float(np.sqrt(0.25 * k**4 + k * k * (variance + level)))


@lru_cache(maxsize=4096)
def _limit_of_few(beside: int, ratio: float) -> float:
    """Return the mean net counts that the exact test misses in 5 % of spectra.

    The counts beside the line are different in each spectrum; their mean is taken as one more
    than was seen, that of a flat prior.
    """
    mean = beside + 1.0
    spread = np.arange(int(poisson.ppf(1e-4, mean)), int(poisson.ppf(1.0 - 1e-4, mean)) + 1)
    chance = poisson.pmf(spread, mean)
    least = np.array([_critical_count(int(one), ratio) for one in spread])

    def missed(net: float) -> float:
        return float(chance @ poisson.cdf(least - 1, ratio * mean + net)) - 0.05

    return float(brentq(missed, 0.0, 50.0 + 20.0 * ratio * mean))


def _critical_count(beside: int, ratio: float) -> int:
    """Return the smallest count in the window that the background explains in under 5 %.

    Given the sum of both, the window's share is binomial with ``ratio / (1 + ratio)``.
    """
    share = ratio / (1.0 + ratio)
    low, high = 0, 2 * round(ratio * beside) + 20
    while binom.sf(high - 1, high + beside, share) >= 0.05:
        high *= 2
    while high - low > 1:
        middle = (low + high) // 2
        if binom.sf(middle - 1, middle + beside, share) < 0.05:
            high = middle
        else:
            low = middle
    return high


def background_std(
    energy: NDArray[np.float64], counts: NDArray[np.float64], sums: Sequence[LineSums]
) -> NDArray[np.float64]:
    """Return what the form of the background is worth for the net counts of each line.

    The mean of both windows, which exSpy takes, is held against a straight line and an
    exponential through the two windows; the larger difference counts as a standard deviation.
    """
    step = (energy[-1] - energy[0]) / (energy.size - 1)
    found = np.zeros(len(sums))
    for i, line in enumerate(sums):
        centre = 0.5 * (line.window[0] + line.window[1])
        width = (line.window[1] - line.window[0]) / step
        ends = []
        for low, high in (line.background[:2], line.background[2:]):
            inside = (energy >= low - 0.5 * step) & (energy < high - 0.5 * step)
            if inside.any():
                ends.append((0.5 * (low + high), float(counts[inside].mean())))
        if len(ends) < 2:
            continue
        (e1, n1), (e2, n2) = ends
        where = (centre - e1) / (e2 - e1)
        used = 0.5 * (n1 + n2)
        straight = n1 + where * (n2 - n1)
        forms = [straight]
        if n1 > 0 and n2 > 0:
            forms.append(float(n1 ** (1.0 - where) * n2**where))
        found[i] = width * max(abs(form - used) for form in forms)
    return found
