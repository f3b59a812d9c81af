"""Components of a spectrum image by HyperSpy's decompositions, and what they are like.

A component has no name.  It is held against references, and the likeness is a number: the cosine
between the two once a smooth background is taken off both.  Components are sums of whatever varies
together, so a high score says *like*, never *is*.

References
----------
.. [1] M. R. Keenan, P. G. Kotula, *Surface and Interface Analysis* 36 (2004) 203: weights for
   Poisson's noise before a decomposition.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_eels.fingerprint.references import Reference
from consilience_eels.library import decompose

__all__ = ["Components", "Match", "find_components", "match_components"]

Array = NDArray[np.float64]
Method = Literal["ORNMF", "NMF", "PCA", "ICA"]

SMOOTH = 4
"""Powers of the energy that are taken off both before they are compared."""


@dataclass(frozen=True)
class Components:
    """Components of a spectrum image.

    Parameters
    ----------
    method : str
    energy : ndarray, shape (n,)
        eV.
    factors : ndarray, shape (k, n)
        Spectra; of PCA and ICA with signs.
    loadings : ndarray, shape (k, rows, columns)
    explained : ndarray or None
        Shares of the weighted variance, for as many components as were looked at; None where the
        method has none.
    """

    method: Method
    energy: Array
    factors: Array
    loadings: Array
    explained: Array | None


@dataclass(frozen=True)
class Match:
    """Likeness of a component to a reference: cosine from −1 to 1."""

    component: int
    reference: str
    score: float


def find_components(
    cube: NDArray[np.floating], energy: Array, count: int, method: Method, seed: int = 0
) -> Components:
    """Return components of a spectrum image, by HyperSpy.

    Parameters
    ----------
    cube : ndarray, shape (rows, columns, n)
        Counts, none negative.
    energy : ndarray, shape (n,)
    count : int
        Components wanted.
    method : {"ORNMF", "NMF", "PCA", "ICA"}
        Non-negative factors by HyperSpy's online robust algorithm, or by scikit-learn's; principal
        components; or these rotated to be independent (orthomax).
    seed : int
        Of the start of NMF.

    Raises
    ------
    BadInputError
        Fewer pixels or channels than components, negative counts, an empty map, or NMF without
        scikit-learn.
    """
    rows, columns, channels = cube.shape
    if count >= min(rows * columns, channels):
        raise BadInputError(
            f"{count} components of {rows * columns} pixels and {channels} channels",
            fix="ask for fewer components, or give a larger map",
        )
    if (cube < 0).any():
        raise BadInputError(
            f"{int((cube < 0).sum())} values are negative, and counts are not",
            fix="decompose counts as they were recorded, before a background is taken off",
        )
    if not cube.any():
        raise BadInputError("the map holds no counts", fix="give a range of energy with counts")
    try:
        factors, loadings, explained = decompose(
            np.asarray(cube, dtype=np.float64), count, method, seed
        )
    except ImportError as error:
        raise BadInputError(
            f"{method} needs scikit-learn, which is not installed",
            fix="install scikit-learn, or use 'ORNMF', which HyperSpy has itself",
        ) from error
    order = np.argsort(-(loadings**2).sum(axis=(1, 2)) * (factors**2).sum(axis=1))
    if method == "PCA":
        order = np.arange(len(factors))
    return Components(method, energy, factors[order], loadings[order], explained)


def match_components(components: Components, references: Sequence[Reference]) -> list[list[Match]]:
    """Return for each component the references by falling likeness.

    References with nothing in the range are left out.
    """
    curves = {r.name: _bare(components.energy, r.at(components.energy)) for r in references}
    made = []
    for index, factor in enumerate(components.factors):
        own = _bare(components.energy, factor)
        scores = [
            Match(index, name, float(own @ curve)) for name, curve in curves.items() if curve.any()
        ]
        made.append(sorted(scores, key=lambda m: -m.score))
    return made


def _bare(energy: Array, values: Array) -> Array:
    """Values without what powers of the energy describe, of length 1; zeros if nothing is left."""
    if not values.any():
        return np.zeros(len(values))
    middle = float(np.sqrt(max(energy[0], 1.0) * energy[-1]))
    powers = np.array([(np.maximum(energy, 1.0) / middle) ** -p for p in range(SMOOTH)]).T
    found, *_ = np.linalg.lstsq(powers, values, rcond=None)
    rest = values - powers @ found
    length = float(np.linalg.norm(rest))
    if length <= 1e-9 * float(np.linalg.norm(values)):
        return np.zeros(len(values))
    return np.asarray(rest / length)
