"""From counts of edges to fractions of atoms, with each source of error apart.

Atoms per area go as net counts over the partial cross section of the window; what both edges
share (beam, thickness, plural scattering into equal windows) cancels in a fraction.

References
----------
.. [1] R. F. Egerton, *Electron Energy-Loss Spectroscopy in the Electron Microscope*, 3rd ed.,
   Springer (2011), equation 4.65: the ratio of two elements.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fractions", "atomic_fractions", "fraction_maps"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Fractions:
    """Atomic fractions of k elements, summing to 1, and what makes them uncertain.

    Attributes
    ----------
    values : ndarray, shape (k,)
    counting, background, cross_section : ndarray, shape (k, k)
        Parts of the covariance.
    """

    values: Array
    counting: Array
    background: Array
    cross_section: Array


def atomic_fractions(
    net: Array,
    cross_sections: Array,
    counting: Array,
    background: Array,
    cross_section_std: Array,
) -> Fractions:
    """Return fractions and covariances.

    Parameters
    ----------
    net : ndarray, shape (k,)
        Net counts, above 0.
    cross_sections : ndarray, shape (k,)
        Of the windows, in barn.
    counting : ndarray, shape (k, k)
        Covariance of the net counts.
    background : ndarray, shape (k,)
        Standard deviations from the form of the background, taken as independent.
    cross_section_std : ndarray, shape (k,)
        Relative, taken as independent.
    """
    atoms = net / cross_sections
    values = atoms / atoms.sum()
    jacobian = np.diag(values) - np.outer(values, values)  # by the logarithm of the atoms
    by_net = jacobian / net
    return Fractions(
        values,
        by_net @ counting @ by_net.T,
        by_net @ np.diag(background**2) @ by_net.T,
        jacobian @ np.diag(cross_section_std**2) @ jacobian.T,
    )


def fraction_maps(net: Array, std: Array, cross_sections: Array) -> tuple[Array, Array]:
    """Return the fractions of each pixel and their standard deviations from counting.

    Parameters
    ----------
    net, std : ndarray, shape (k, m)
        Of each edge and pixel, taken as independent between edges.
    cross_sections : ndarray, shape (k,)

    Returns
    -------
    values, std : ndarray, shape (k, m)
        NaN where an edge has no value, or the atoms together are less than three times their
        standard deviation above 0.
    """
    atoms = net / cross_sections[:, None]
    error = std / cross_sections[:, None]
    total = atoms.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = atoms / total
        own = (1.0 - values) ** 2 * error**2
        variance = own + values**2 * ((error**2).sum(axis=0) - error**2)
        spread = np.sqrt(variance) / np.abs(total)
        good = total > 3.0 * np.sqrt((error**2).sum(axis=0))
    return np.where(good, values, np.nan), np.where(good, spread, np.nan)
