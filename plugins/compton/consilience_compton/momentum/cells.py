"""Counts between edges that each spectrum has for itself, without a loop over spectra.

An edge falls inside a bin; the bin's counts are shared out evenly over its width.  So a sum is
Σ wₖ nₖ with weights of 1 but for the bins at its ends, its Poisson variance is Σ wₖ² nₖ, and two
neighbours share w(1 − w) n of the bin that the edge between them cuts.  What even sharing gets
wrong is known by the slope (`sharing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError

__all__ = ["Cells", "cell_sums", "pooled"]

Array = NDArray[np.float64]
_EXACT: dict[np.dtype[Any], float] = {
    np.dtype(np.uint32): 2.0**32,
    np.dtype(np.int32): 2.0**31,
    np.dtype(np.float32): 2.0**24,
}
"""Largest sum that a narrow type holds exactly."""
_PARTS = 24
"""Parts beyond which cutting cells up costs more than wider sums."""
_AT_ONCE = 1 << 21
"""Bytes of spectra summed at once: few enough for the cache, many enough for few calls."""


@dataclass(frozen=True)
class Cells:
    """Sums between m + 1 rising edges, one row for each spectrum.

    Parameters
    ----------
    counts, variance : ndarray, shape (..., m)
        Counts, and their Poisson variances.
    shared : ndarray, shape (..., m - 1)
        Covariance of neighbours; that of others is 0.
    width : ndarray, shape (..., m)
        keV.
    moment : ndarray, shape (..., m)
        ∫E dE over the cell in keV².
    bend : ndarray, shape (..., m + 1)
        ½ t(1−t) w² of the bin of width w that each edge cuts at its part t, in keV².
    """

    counts: Array
    variance: Array
    shared: Array
    width: Array
    moment: Array
    bend: Array

    def covariance(self) -> Array:
        """Return the matrices, shape (..., m, m)."""
        m = self.counts.shape[-1]
        full = np.zeros((*self.counts.shape, m))
        at = np.arange(m)
        full[..., at, at] = self.variance
        full[..., at[:-1], at[1:]] = self.shared
        full[..., at[1:], at[:-1]] = self.shared
        return full


def cell_sums(counts: NDArray[Any], energy_edges: Array, cell_edges: Array) -> Cells:
    """Sum each spectrum between its own edges.

    Parameters
    ----------
    counts : ndarray, shape (..., n)
        Of any numeric type; integers are summed as integers.
    energy_edges : ndarray, shape (n + 1,)
        keV, rising, not necessarily even.
    cell_edges : ndarray, shape (..., m + 1) or (m + 1,)
        keV, rising; one row for each spectrum or one for all.

    Returns
    -------
    Cells
        Of shape (..., m).

    Raises
    ------
    BadInputError
        An edge lies beyond the axis, or a cell is narrower than a bin.
    """
    lead = counts.shape[:-1]
    flat = counts.reshape(-1, counts.shape[-1])
    edges = np.broadcast_to(cell_edges, (*lead, cell_edges.shape[-1]))
    edges = edges.reshape(len(flat), -1)
    if not len(flat):
        empty = np.zeros((*lead, edges.shape[-1] - 1))
        ends = np.zeros((*lead, edges.shape[-1]))
        return Cells(empty, empty, empty[..., :-1], empty, empty, ends)
    first, last = float(edges.min()), float(edges.max())
    if first < energy_edges[0] or last > energy_edges[-1]:
        raise BadInputError(
            f"windows reach from {first:.2f} to {last:.2f} keV, the energy axis only from "
            f"{energy_edges[0]:.2f} to {energy_edges[-1]:.2f} keV",
            fix="give narrower windows, or check incident energy and scattering angle",
        )
    place = np.interp(edges, energy_edges, np.arange(energy_edges.size, dtype=np.float64))
    k = np.minimum(place.astype(np.intp), flat.shape[1] - 1)
    if (np.diff(k, axis=1) < 1).any():
        wide = float(np.diff(energy_edges)[k.min() : k.max() + 1].max())
        raise BadInputError(
            f"a window is narrower than a bin of the energy axis (up to {wide:.3g} keV)",
            fix="give wider windows, or spectra with finer bins",
        )
    part = place - k
    inner, cut = np.empty((len(k), k.shape[1] - 1)), np.empty(k.shape)
    low, high = int(k.min()), int(k.max()) + 1
    if 2 * (high - low) > flat.shape[1]:
        low, high = 0, flat.shape[1]  # whole rows need not be copied to lie side by side
    step = max(1, _AT_ONCE // ((high - low) * flat.itemsize))
    for at in range(0, len(flat), step):
        rows = slice(at, at + step)
        block = np.ascontiguousarray(flat[rows, low:high])
        starts = np.arange(len(block))[:, None] * (high - low) + (k[rows] - low)
        inner[rows] = _reduce(block, starts)
        cut[rows] = block.ravel()[starts]
    left, right = cut[:, :-1], cut[:, 1:]
    f, g = part[:, :-1], part[:, 1:]
    total = inner - f * left + g * right
    variance = inner - left + (1.0 - f) ** 2 * left + g**2 * right
    shared = part[:, 1:-1] * (1.0 - part[:, 1:-1]) * cut[:, 1:-1]
    width = np.diff(edges, axis=1)
    moment = 0.5 * (edges[:, 1:] ** 2 - edges[:, :-1] ** 2)
    bend = 0.5 * part * (1.0 - part) * np.diff(energy_edges)[k] ** 2
    m = width.shape[1]
    return Cells(
        total.reshape(*lead, m),
        np.maximum(variance, 0.0).reshape(*lead, m),
        shared.reshape(*lead, m - 1),
        width.reshape(*lead, m),
        moment.reshape(*lead, m),
        bend.reshape(*lead, m + 1),
    )


def pooled(cells: Cells, labels: NDArray[np.integer[Any]], count: int) -> Cells:
    """Add up the spectra of each label, 0 … count − 1; those below 0 are left out.

    Parameters
    ----------
    cells : Cells
        Of shape (..., m).
    labels : ndarray of int, shape (...)
    count : int

    Returns
    -------
    Cells
        Of shape (count, m).
    """
    flat = np.asarray(labels).ravel()
    used = flat >= 0

    def add(values: Array) -> Array:
        rows = values.reshape(-1, values.shape[-1])[used]
        out = np.empty((count, values.shape[-1]))
        for i in range(values.shape[-1]):
            out[:, i] = np.bincount(flat[used], rows[:, i], minlength=count)
        return out

    return Cells(
        add(cells.counts),
        add(cells.variance),
        add(cells.shared),
        add(cells.width),
        add(cells.moment),
        add(cells.bend),
    )


def _reduce(block: NDArray[Any], starts: NDArray[np.intp]) -> Array:
    """Sums from each start to the next of its row, in a type that is quick and holds them."""
    flat = block.ravel()
    length = np.diff(starts, axis=1)
    parts = _parts(block, int(length.max()))
    if parts and parts <= int(length.min()):
        # narrow counts are added up as they are, over so few bins that they cannot overflow
        cuts = starts[:, :-1, None] + length[..., None] * np.arange(parts) // parts
        rows = np.concatenate([cuts.reshape(len(starts), -1), starts[:, -1:]], axis=1)
        found = np.add.reduceat(flat, rows.ravel(), dtype=block.dtype).reshape(rows.shape)
        pieces = found[:, :-1].reshape(cuts.shape)
        return np.asarray(pieces.sum(axis=2, dtype=np.float64))
    found = np.add.reduceat(flat, starts.ravel(), dtype=_quick(block))
    return np.asarray(found.reshape(starts.shape)[:, :-1], dtype=np.float64)


def _parts(block: NDArray[Any], longest: int) -> int:
    """Into how many parts `longest` bins of 8 or 16 bits are cut; 0: they are not added up so."""
    kind = block.dtype
    if kind.kind != "u" or kind.itemsize > 2 or not block.size:
        return 0
    bins = int(np.iinfo(kind).max) // max(1, int(block.max()))
    parts = -(-longest // bins)
    return parts if parts <= _PARTS else 0


def _quick(block: NDArray[Any]) -> np.dtype[Any]:
    """The block's own type where no row's sum can overflow it, else float64."""
    kind = block.dtype
    narrow: np.dtype[Any] = kind
    if kind.kind in "bui" and kind.itemsize <= 4:
        narrow = np.dtype(np.int32 if kind.kind == "i" else np.uint32)
    holds = _EXACT.get(narrow)
    if holds is None or not block.size:
        return np.dtype(np.float64)
    if kind.kind in "ui" and kind.itemsize < 4:
        most = float(np.iinfo(kind).max)
        if most * block.shape[1] < holds:
            return narrow
    most = float(block.max())
    if kind.kind != "u":
        most = max(most, -float(block.min()))
    return narrow if most * block.shape[1] < holds else np.dtype(np.float64)
