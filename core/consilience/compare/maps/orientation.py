"""Would one of two maps go with the other better if it lay otherwise?

Rows and columns may have been exchanged, an axis may run the other way, or the points of a scan may
have been put down in the order of the wrong axis.  By chance one of so many orientations is often
better than the stated one, most of all where maps are smooth.

What two maps have in common cannot gain by turning one of them: a product of a map with itself,
turned, is never larger than with itself as it is (Cauchy and Schwarz), and as large where the
feature is symmetric.  What is left to chance is the rest of a map, when what it holds of the other
is taken off.  Surrogates as smooth as that rest [1]_ show how much better some orientation is by
chance; the largest gain over all of them is compared with the largest of each surrogate [2]_, in
units of what the two orientations do not explain together, as in any test of a coefficient [3]_.

References
----------
.. [1] J. Theiler et al., Physica D 58 (1992) 77, section 2.4.
.. [2] P. H. Westfall, S. S. Young, Resampling-Based Multiple Testing (1993), chapter 2: the
       distribution of the maximum.
.. [3] A. C. Davison, D. V. Hinkley, Bootstrap Methods and their Application (1997), section 4.4:
       studentised statistics in tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience.compare.maps.surrogates import surrogates

__all__ = ["MIRRORS", "BetterOrientation", "better_orientation", "exchanged", "orientations"]

Array = NDArray[np.float64]
SURROGATES = 999
LEVEL = 0.01
"""Share of pairs in their stated orientation that may be told to have another."""
GAIN = 0.1
"""By how much r has to grow: less comes from places that do not quite meet."""
ALIKE = 0.02
"""Orientations of a feature with some symmetry, that near in r: the simplest of them is named."""
LEAST = 1e-3
"""Share of a map that is taken to be left unexplained, at least."""
MIRRORS = {
    "": (1, 1),
    "mirrored along x": (1, -1),
    "mirrored along y": (-1, 1),
    "turned by 180°": (-1, -1),
}
"""Steps along y and x that make a map of the name."""
_EXCHANGED = "rows and columns exchanged"


@dataclass(frozen=True)
class BetterOrientation:
    """The orientation in which two maps go together best.

    Parameters
    ----------
    name : str
    value : float
        Pearson's r in that orientation.
    stated : float
        In the stated one, over the points that both have.
    p_value : float
        Share of surrogates of the stated orientation that gain as much in any other, times how
        often was asked.
    back : bool
        Asked on the points of the second map, to which the first was interpolated.
    """

    name: str
    value: float
    stated: float
    p_value: float
    back: bool = False


def orientations(values: Array) -> list[tuple[str, Array]]:
    """Return a map in all other orientations that its grid allows, each with its name.

    Exchanged are the rows and columns of a square grid; of any other the order in which its points
    are taken, that of a scan whose fast axis was taken for the slow one, either way.

    Parameters
    ----------
    values : ndarray, shape (ny, nx)

    Returns
    -------
    list of (str, ndarray)
        Of the shape of the map, without it; symmetric ones once only.
    """
    ny, nx = values.shape
    made = [(name, values[::y, ::x]) for name, (y, x) in MIRRORS.items() if name]
    for name, (y, x) in MIRRORS.items():
        made += [
            (exchanged(name), values.reshape(nx, ny).T[::y, ::x]),
            (exchanged(name), values[::y, ::x].T.reshape(ny, nx)),
        ]
    return _distinct(values, made)


def exchanged(mirrored: str) -> str:
    """Return the name of a mirrored map whose rows and columns are exchanged."""
    return f"{_EXCHANGED} and {mirrored}" if mirrored else _EXCHANGED


def _distinct(stated: Array, made: Sequence[tuple[str, Array]]) -> list[tuple[str, Array]]:
    kept: list[tuple[str, Array]] = []
    for name, one in made:
        if not any(
            np.array_equal(one, other, equal_nan=True) for other in (stated, *(k for _, k in kept))
        ):
            kept.append((name, one))
    return kept


def better_orientation(
    first: Array,
    second: Array,
    others: Sequence[tuple[str, Array]],
    *,
    seed: int = 0,
    asked: int = 1,
) -> BetterOrientation | None:
    """Ask whether a map goes with another in any other orientation significantly better.

    Parameters
    ----------
    first : ndarray, shape (ny, nx)
        NaN where nothing is known.
    second : ndarray, shape (ny, nx)
        As stated, on the points of the first.
    others : sequence of (str, ndarray)
        The second in other orientations, on the points of the first. Each is compared with the
        stated one over the points that both have; fewer than half of those as stated are too few.
    seed : int
        Of the surrogates.
    asked : int
        How many times the two maps are asked about in all: p is that many times the share of
        surrogates.

    Returns
    -------
    BetterOrientation or None
        None: no other one is better, more surrogates than `LEVEL` gain as much, or a map has one
        value everywhere.
    """
    both = np.isfinite(first) & np.isfinite(second)
    enough = max(int(np.count_nonzero(both)) // 2, 2)
    others = [
        (name, values)
        for name, values in _distinct(second, others)
        if np.count_nonzero(both & np.isfinite(values)) >= enough
    ]
    if not others:
        return None
    pairs = _Pairs.of(second, [values for _, values in others], both)
    if not (np.ptp(first[both]) > 0 and np.ptp(second[both]) > 0):
        return None
    one = np.where(both, first - first[both].mean(), 0.0).reshape(1, -1)
    stated, found = (r[0] for r in pairs.correlations(one))
    better = (found > 0) & (found - np.abs(stated) >= GAIN)
    if not np.any(better):
        return None
    way = -1.0 if float(np.vdot(one, np.where(both, second, 0.0))) < 0 else 1.0
    gains = np.where(better, pairs.gains(one, way)[0], -np.inf)
    best = int(np.argmax(gains))
    gain = float(gains[best])
    rest = _rest(first, second, both)
    hits = 0
    for some in surrogates(rest, SURROGATES, np.random.default_rng(seed)):
        null = pairs.gains(some.reshape(len(some), -1), way)
        hits += int(np.count_nonzero(np.any(null >= gain, axis=1)))
        p_value = asked * (1 + hits) / (1 + SURROGATES)
        if p_value > LEVEL:  # and the others cannot make it less
            return None
    named = int(np.argmax(better & (found >= found[best] - ALIKE)))
    return BetterOrientation(others[named][0], float(found[named]), float(stated[named]), p_value)


@dataclass(frozen=True)
class _Pairs:
    """A map as stated and otherwise, each pair over the points that both have.

    Over other points the two correlations would differ without any turning.  All have the shape
    (orientations, points), but for `alike`: `shown` is 1 where a pair has a point, `stated` and
    `other` are the values less their mean there, of length 1, and 0 elsewhere; `alike` is r of the
    two.
    """

    shown: Array
    stated: Array
    other: Array
    alike: Array

    @classmethod
    def of(cls, second: Array, others: Sequence[Array], both: NDArray[np.bool_]) -> _Pairs:
        other = np.stack([values.ravel() for values in others])
        shown = np.isfinite(other) & both.ravel()
        stated = _unit(np.broadcast_to(second.ravel(), other.shape), shown)
        other = _unit(other, shown)
        alike = np.einsum("ij,ij->i", stated, other)
        return cls(shown.astype(np.float64), stated, other, np.clip(alike, -1.0, 1.0))

    def correlations(self, values: Array) -> tuple[Array, Array]:
        """Return r of each row (n, points) with the stated and the other of each pair."""
        points = self.shown.sum(axis=1)
        squares = (values**2) @ self.shown.T - (values @ self.shown.T) ** 2 / points
        size = np.sqrt(np.maximum(squares, 0.0))
        size = np.where(size > 0, size, np.inf)
        return values @ self.stated.T / size, values @ self.other.T / size

    def gains(self, values: Array, way: float) -> Array:
        """Return the gain of each orientation over the stated one in units of what is left.

        What is left is the share that the stated and the other orientation do not explain
        together, so that the gain does not hang on how much of a map the other explains.

        Parameters
        ----------
        values : ndarray, shape (n, points)
        way : float
            -1 if the stated correlation is negative: its size counts.
        """
        stated, other = self.correlations(values)
        apart = np.maximum(1.0 - self.alike**2, 1e-6)
        explained = stated**2 + (other - self.alike * stated) ** 2 / apart
        left = np.sqrt(np.maximum(1.0 - explained, LEAST))
        return np.asarray((other - way * stated) / left, dtype=np.float64)


def _unit(values: Array, shown: NDArray[np.bool_]) -> Array:
    """Return rows of mean zero and length 1 over the points that are shown, 0 elsewhere."""
    filled = np.where(shown, values, 0.0)
    mean = filled.sum(axis=1, keepdims=True) / shown.sum(axis=1, keepdims=True)
    centred = np.where(shown, filled - mean, 0.0)
    length = np.sqrt(np.einsum("ij,ij->i", centred, centred))[:, None]
    return np.asarray(centred / np.where(length > 0, length, 1.0), dtype=np.float64)


def _rest(first: Array, second: Array, both: NDArray[np.bool_]) -> Array:
    """Return what is left of a map when another is taken off by least squares; 0 where unknown."""
    own, other = (np.where(both, m - m[both].mean(), 0.0) for m in (first, second))
    return np.asarray(own - np.vdot(own, other) / np.vdot(other, other) * other)
