"""A background of two power laws with exponents that all pixels share: linear, so free of bias.

With the exponents fixed, least squares give the net counts of an edge as one weighted sum over
channels.  In pixels of few counts this is what is left of a background that a power law of its
own could only guess.

References
----------
.. [1] P. Cueva, R. Hovden, J. A. Mundy, H. L. Xin, D. A. Muller, Microsc. Microanal. 18 (2012)
   667: linear combination of power laws, exponents from the percentiles of those of the pixels.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience_eels.edges.background import fit_power_law, pre_edge
from consilience_eels.edges.intensity import Noise
from consilience_eels.spectra import LossAxis, SpectrumRows, blocks_of_rows

__all__ = ["LinearEdge", "exponents_of", "linear_edge", "map_linear"]

Array = NDArray[np.float64]
APART = 0.5
"""Least distance of the two exponents: nearer ones cannot be told apart in a window."""


@dataclass(frozen=True)
class LinearEdge:
    """The weights that make net counts of a spectrum: ``net = weights @ counts``.

    Attributes
    ----------
    weights : ndarray, shape (n,)
        1 in the window of the edge; negative on the whole before it.
    exponents : pair of float
    region : slice
        Channels of the edge.
    """

    weights: Array
    exponents: tuple[float, float]
    region: slice


def exponents_of(
    cube: SpectrumRows, axis: LossAxis, before: tuple[float, float], least_counts: float = 1e4
) -> tuple[float, float]:
    """Return the 5th and 95th percentile of the exponents of spectra before the edge.

    Parameters
    ----------
    cube : array, shape (..., n)
    axis : LossAxis
    before : pair of float
    least_counts : float
        Pixels are added up, one after another, until their windows hold so many: the exponent of
        a noisier one says more of its noise.
    """
    window = pre_edge(axis, *before)
    found: list[Array] = []
    for _, block in blocks_of_rows(cube, channels=window):
        mean = float(block.sum(dtype=np.float64)) / len(block)
        many = max(1, int(np.ceil(least_counts / mean))) if mean > 0 else len(block)
        cuts = np.arange(0, len(block), min(many, len(block)))
        sums = np.add.reduceat(block.astype(np.float64), cuts, axis=0)
        found.append(fit_power_law(axis.energy[window], sums).exponent)
    every = np.concatenate(found)
    every = every[np.isfinite(every)]
    if not every.size:
        return 2.0, 4.0
    low, high = (float(q) for q in np.percentile(every, [5.0, 95.0]))
    wide = max(0.0, 0.5 * (APART - (high - low)))
    return low - wide, high + wide


def linear_edge(
    axis: LossAxis,
    mean: Array,
    before: tuple[float, float],
    edge: tuple[float, float],
    exponents: tuple[float, float],
) -> LinearEdge:
    """Return the weights of the net counts.

    Parameters
    ----------
    axis : LossAxis
    mean : ndarray, shape (n,)
        Mean spectrum: its power law gives the weights of the least squares, the same for all
        pixels.
    before, edge : pair of float
    exponents : pair of float
    """
    window, region = pre_edge(axis, *before), axis.window(*edge)
    energy, beyond = axis.energy[window], axis.energy[region]
    middle = float(np.sqrt(energy[0] * energy[-1]))
    fit = fit_power_law(energy, mean[None, window])
    expected = fit.counts(energy)[0]
    if not np.isfinite(expected).all():
        expected = np.ones(energy.size)
    powers = np.array(exponents)[:, None]
    columns = (energy / middle) ** -powers
    under = ((beyond / middle) ** -powers).sum(axis=1)
    normal = (columns / expected) @ columns.T
    weights = np.zeros(axis.size)
    weights[region] += 1.0
    weights[window] -= under @ np.linalg.solve(normal, columns / expected)
    return LinearEdge(weights, (float(exponents[0]), float(exponents[1])), region)


def map_linear(cube: SpectrumRows, made: LinearEdge, noise: Noise) -> tuple[Array, Array, Array]:
    """Return net counts, their standard deviation and the background, each of shape (m,).

    A count is the estimate of its own variance: the sums are linear in the counts, so this
    brings no bias.
    """
    weights = made.weights
    nets, variances, seen = [], [], []
    for _, block in blocks_of_rows(cube):
        counts = block.astype(np.float64)
        nets.append(counts @ weights)
        variances.append(
            noise.counts_per_electron * np.clip(counts @ weights**2, 0.0, None)
            + noise.readout * float(weights @ weights)
        )
        seen.append(counts[:, made.region].sum(axis=1))
    net = np.concatenate(nets)
    return net, np.sqrt(np.concatenate(variances)), np.concatenate(seen) - net
