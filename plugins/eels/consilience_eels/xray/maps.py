"""Net counts of lines in every pixel of a spectrum image, with their covariances."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience_eels.spectra import blocks_of_rows
from consilience_eels.xray.amounts import Recipe, amounts_of, slopes_of
from consilience_eels.xray.binning import Binning, Cells, joined
from consilience_eels.xray.errors import counting_covariance

__all__ = ["FractionMap", "fraction_map", "net_counts"]

Array = NDArray[np.float64]

SEEN = 5.0
"""A cell holds material if all its net counts together are so many of their deviations."""


@dataclass(frozen=True)
class FractionMap:
    """Fractions of 0 to 1 by pixel, with counting errors; NaN where nothing can be told.

    Parameters
    ----------
    atomic, atomic_std, weight, weight_std : ndarray, shape (n, y, x)
    areal_mass : ndarray, shape (y, x), or None
        kg/m².
    cells : Cells
    covariance : ndarray, shape (cells, n, n)
        Of the atomic fractions.
    reached : float
        Share of the cells with material whose error is at most the one wanted.
    """

    atomic: Array
    atomic_std: Array
    weight: Array
    weight_std: Array
    areal_mass: Array | None
    cells: Cells
    covariance: Array
    reached: float


def net_counts(cube: NDArray[np.generic], weights: Array) -> tuple[Array, Array]:
    """Return net counts of each line and their counting covariance, for each pixel.

    Parameters
    ----------
    cube : ndarray, shape (y, x, channels)
        Counts.
    weights : ndarray, shape (n, channels)
        Of `consilience_eels.xray.quantify.window_weights`.

    Returns
    -------
    nets : ndarray, shape (n, y, x)
    covariance : ndarray, shape (n, n, y, x)
        ``Σ w_i w_j counts``: a Poisson count is the estimate of its own variance.
    """
    n = len(weights)
    used = np.flatnonzero(np.abs(weights).sum(axis=0) > 0)
    span = slice(int(used[0]), int(used[-1]) + 1)
    rows, columns = np.triu_indices(n)
    inner = weights[:, span]
    kernel = np.concatenate([inner, inner[rows] * inner[columns]]).T
    tail = cube.shape[:-1]
    made = np.empty((kernel.shape[1], int(np.prod(tail))))
    for place, block in blocks_of_rows(cube, channels=span):
        made[:, place] = (block @ kernel).T
    covariance = np.empty((n, n, *tail))
    for i, j, values in zip(rows, columns, made[n:], strict=True):
        covariance[i, j] = covariance[j, i] = values.reshape(tail)
    return made[:n].reshape(n, *tail), covariance


def fraction_map(
    nets: Array,
    covariance: Array,
    recipe: Recipe,
    wanted: float,
    binning: Binning = "quadtree",
    foreign: Array | None = None,
) -> FractionMap:
    """Return maps of fractions in cells that reach a wanted error.

    Parameters
    ----------
    nets : ndarray, shape (n, y, x)
    covariance : ndarray, shape (n, n, y, x)
    recipe : Recipe
        Its `electrons` are those of one pixel.
    wanted : float
        Largest counting error of an atomic fraction, 0 to 1.
    binning : {"quadtree", "blocks", "none"}
    foreign : ndarray, shape (y, x), optional
        Net counts of lines that are left out; cells where they are more than all others have no
        value.
    """
    plain = Recipe(recipe.method, recipe.factors, recipe.atomic_weights)

    def error(net: Array, cov: Array) -> Array:
        by_atom = counting_covariance(cov, slopes_of(net, plain))[1]
        worst: Array = np.sqrt(np.clip(np.einsum("iic->ic", by_atom), 0.0, None)).max(axis=0)
        return np.where(_material(net, cov), worst, np.nan)

    cells = joined(nets, covariance, error, wanted, binning)
    there = _material(cells.nets, cells.covariance)
    if foreign is not None:
        other = np.bincount(cells.place.ravel(), foreign.ravel(), minlength=there.size)
        there &= other <= cells.nets.sum(axis=0)
    # what is found in a cell is that of its mean pixel
    mean = np.where(there, cells.nets / cells.pixels, np.nan)
    found, slopes = amounts_of(mean, recipe), slopes_of(mean, recipe)
    by_weight, by_atom = counting_covariance(cells.covariance / cells.pixels**2, slopes)
    weight_std, atomic_std = (
        np.sqrt(np.clip(np.einsum("iic->ic", one), 0.0, None)) for one in (by_weight, by_atom)
    )
    worst = atomic_std[:, there].max(axis=0) if there.any() else np.zeros(0)
    return FractionMap(
        atomic=cells.spread(found.atomic),
        atomic_std=cells.spread(atomic_std),
        weight=cells.spread(found.weight),
        weight_std=cells.spread(weight_std),
        areal_mass=None if found.areal_mass is None else cells.spread(found.areal_mass),
        cells=cells,
        covariance=np.moveaxis(by_atom, -1, 0),
        reached=float((worst <= wanted).mean()) if worst.size else 0.0,
    )


def _material(nets: Array, covariance: Array) -> NDArray[np.bool_]:
    """Whether all lines of a cell together stand out of their background."""
    total, variance = nets.sum(axis=0), covariance.sum(axis=(0, 1))
    seen: NDArray[np.bool_] = total > SEEN * np.sqrt(np.maximum(variance, 1.0))
    return seen
