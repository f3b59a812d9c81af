"""From bins to other bins without losing or making a count, each spectrum at its own angle.

Counts of a bin are shared out evenly over it: what lies below an edge is then the running sum,
interpolated linearly, and the new bins are its differences.  Nothing is lost between the new
edges, to the rounding of a float.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consilience.errors import BadInputError
from consilience_compton.momentum.kinematics import energy_of_momentum

__all__ = ["Profile", "empty_profile", "fine_edges", "rebin", "to_momentum"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Profile:
    """Counts of many spectra over one axis of momentum.

    Parameters
    ----------
    edges : ndarray, shape (m + 1,)
        p_z in atomic units.
    counts, variance : ndarray, shape (m,)
    pixels : int
        Spectra that were added up.
    """

    edges: Array
    counts: Array
    variance: Array
    pixels: int

    @property
    def centres(self) -> Array:
        """Middles of the bins, atomic units."""
        return np.asarray(0.5 * (self.edges[1:] + self.edges[:-1]))

    @property
    def density(self) -> Array:
        """Counts per atomic unit."""
        return np.asarray(self.counts / np.diff(self.edges))

    def __add__(self, other: Profile) -> Profile:
        """Both together; their edges must be the same."""
        return Profile(
            self.edges,
            self.counts + other.counts,
            self.variance + other.variance,
            self.pixels + other.pixels,
        )


def empty_profile(edges: Array) -> Profile:
    """Nothing yet, on these edges."""
    zero = np.zeros(edges.size - 1)
    return Profile(edges, zero, zero, 0)


def rebin(edges: Array, counts: NDArray[Any], new: Array) -> Array:
    """Return counts between new edges; those beyond the old ones hold nothing.

    Parameters
    ----------
    edges : ndarray, shape (n + 1,)
        Rising, not necessarily even.
    counts : ndarray, shape (..., n)
    new : ndarray, shape (m + 1,)
        Rising.

    Returns
    -------
    ndarray, shape (..., m)
        Its sum is that of `counts` where the new edges enclose the old ones.

    Raises
    ------
    BadInputError
        Edges do not rise, or are not one more than the counts.
    """
    for name, one in (("old", edges), ("new", new)):
        if one.size < 2 or (np.diff(one) <= 0.0).any():
            raise BadInputError(f"the {name} edges do not rise", fix="give them in rising order")
    if edges.size != counts.shape[-1] + 1:
        raise BadInputError(
            f"{edges.size} edges for {counts.shape[-1]} bins",
            fix="give one edge more than there are bins",
        )
    place = np.interp(new, edges, np.arange(edges.size, dtype=np.float64))
    k = np.minimum(place.astype(np.intp), edges.size - 2)
    part = place - k
    running = np.zeros((*counts.shape[:-1], edges.size))
    np.cumsum(counts, axis=-1, dtype=np.float64, out=running[..., 1:])
    below = running[..., k] + part * np.asarray(counts)[..., k]
    return np.asarray(np.diff(below, axis=-1))


def fine_edges(cells: ArrayLike, first: float, last: float, step: float) -> Array:
    """Return edges from `first` to `last`, at most `step` apart, with all of `cells` among them.

    So windows on the fine axis are whole numbers of its bins.
    """
    inner = np.asarray(cells, dtype=np.float64)
    marks = np.unique(np.concatenate([[first], inner[(inner > first) & (inner < last)], [last]]))
    parts = [
        np.linspace(a, b, max(1, int(np.ceil((b - a) / step - 1e-9))) + 1)[:-1]
        for a, b in pairwise(marks)
    ]
    return np.concatenate([*parts, marks[-1:]])


def to_momentum(
    counts: NDArray[Any],
    energy_edges: Array,
    incident: float,
    angles: Array,
    edges: Array,
    scale: Array | None = None,
    shift: Array | None = None,
) -> Profile:
    """Add up spectra on an axis of p_z, each at its own angle and with its own energy scale.

    Parameters
    ----------
    counts : ndarray, shape (k, n)
    energy_edges : ndarray, shape (n + 1,)
        keV.
    incident : float
        keV.
    angles : ndarray, shape (k,)
        Degrees.
    edges : ndarray, shape (m + 1,)
        Atomic units, rising.
    scale, shift : ndarray, shape (k,), optional
        Energy = scale × that of the axis + shift (keV).

    Returns
    -------
    Profile
        Where `edges` reach beyond the energy axis there is nothing.  The variance is Σ w² n over
        the bins and their parts, that of one new bin without its neighbours.
    """
    wanted = energy_of_momentum(edges, incident, np.asarray(angles)[:, None])
    if scale is not None and shift is not None:
        wanted = (wanted - shift[:, None]) / scale[:, None]
    place = np.interp(wanted, energy_edges, np.arange(energy_edges.size, dtype=np.float64))
    k = np.minimum(place.astype(np.intp), energy_edges.size - 2)
    low, high = int(k.min()), int(k.max()) + 1
    block = np.asarray(counts[:, low:high], dtype=np.float64)
    total = np.zeros(edges.size - 1)
    variance = np.zeros(edges.size - 1)
    running = np.zeros(high - low + 1)
    for row, at, where in zip(block, k - low, place - low, strict=True):
        np.cumsum(row, out=running[1:])
        part = where - at
        cut = row[at]
        below = running[at] + part * cut
        total += below[1:] - below[:-1]
        whole = running[at[1:]] - running[at[:-1]]
        # of a cut bin the share w enters; where both edges cut one bin it is their distance
        one = at[1:] == at[:-1]
        f, g = part[:-1], part[1:]
        apart = whole - cut[:-1] + (1.0 - f) ** 2 * cut[:-1] + g**2 * cut[1:]
        variance += np.where(one, (g - f) ** 2 * cut[:-1], apart)
    return Profile(edges, total, variance, len(block))
