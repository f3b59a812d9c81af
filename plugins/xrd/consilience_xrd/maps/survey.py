"""Mean, maximum and region patterns of a scan, block by block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.maps.fitting import noise_of
from consilience_xrd.pattern import Pattern, Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.maps.scan import Block, Scan

__all__ = ["Summed", "Survey", "mean_pattern", "survey"]


@dataclass
class Summed:
    """Sums over points: of counts (or intensities), of gain (or ones) and of variances."""

    total: NDArray[np.float64]
    weight: NDArray[np.float64]
    variance: NDArray[np.float64]
    points: int = 0

    @classmethod
    def of(cls, size: int) -> Summed:
        """Nothing summed yet."""
        return cls(np.zeros(size), np.zeros(size), np.zeros(size))

    def add(self, block: Block, chosen: NDArray[np.bool_] | slice = slice(None)) -> None:
        """Add the points `chosen` of a block."""
        values = block.intensity[chosen]
        if not len(values):
            return
        self.points += len(values)
        if block.gain is not None:
            gain = np.broadcast_to(block.gain, block.intensity.shape)[chosen]
            self.total += (values * gain).sum(axis=0)
            self.weight += gain.sum(axis=0)
            return
        scatter = noise_of(block)
        assert scatter is not None
        sigma = np.broadcast_to(scatter[chosen], values.shape)
        if block.sigma is not None:
            told = block.sigma[chosen]
            sigma = np.where(np.isnan(told), sigma, told)
        good = np.isfinite(sigma)
        self.total += np.where(good, values, 0.0).sum(axis=0)
        self.weight += good.sum(axis=0)
        self.variance += (np.where(good, sigma, 0.0) ** 2).sum(axis=0)


@dataclass(frozen=True)
class Survey:
    """What the first pass found.

    `mean` and `maximum` have shape (n,), `dark` the points without any intensity, `negative` how
    many intensities are below zero.
    """

    mean: Summed
    maximum: NDArray[np.float64]
    dark: NDArray[np.bool_]
    negative: int


def survey(scan: Scan, told: Callable[[int], None]) -> Survey:
    """Read the scan once; ``told(i)`` is called before block i."""
    size = len(scan.q)
    mean = Summed.of(size)
    maximum = np.full(size, -np.inf)
    dark = np.zeros(scan.points, bool)
    negative = 0
    for i, (first, last) in enumerate(scan.blocks):
        told(i)
        block = scan.read(i)
        mean.add(block)
        maximum = np.maximum(maximum, block.intensity.max(axis=0))
        dark[first:last] = ~np.any(block.intensity != 0, axis=1)
        negative += int(np.count_nonzero(block.intensity < 0))
    return Survey(mean, maximum, dark, negative)


def mean_pattern(
    summed: Summed, scan: Scan, counts: bool, origin: str, source: Source | None
) -> Pattern:
    """A pattern of the sum of counts, or of the mean with its error.

    Counts are kept whole where every point of q was measured by the same number of pixels, since
    then their variance is known best; else the mean has the error of its counts.
    """
    weight = np.maximum(summed.weight, 1e-300)
    mean = np.where(summed.weight > 0, summed.total / weight, 0.0)
    if counts and np.ptp(summed.weight) <= 1e-9 * summed.weight.max():
        return Pattern("q", scan.q, summed.total, None, "count", source, origin)
    if counts:
        # at least one count, so that an empty bin has an error
        std = np.sqrt(np.maximum(summed.total, 1.0)) / weight
    else:
        std = np.sqrt(summed.variance) / weight
    sigma = np.where(summed.weight > 0, std, np.inf)
    if not np.any(sigma > 0):
        return Pattern("q", scan.q, mean, None, "arbitrary", source, origin)
    sigma = np.where(sigma > 0, sigma, np.inf)
    return Pattern("q", scan.q, mean, sigma, "arbitrary", source, origin)
