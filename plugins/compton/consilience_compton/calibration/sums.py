"""One walk through a cube of spectra: what the fit of the detector's lines needs of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from consilience_compton.calibration.lines import REGIONS
from consilience_compton.spectra import blocks_of_rows, centres

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["CADMIUM", "Sums", "sums_of"]

Array = NDArray[np.float64]
CADMIUM = 23.11
"""keV, mean of the Cd Kα photons that leave a pixel."""
FINEST = 0.12
"""keV: narrower bins are put together for the fit, which the lines' width does not notice."""


@dataclass(frozen=True)
class Sums:
    """One walk through a cube: the bins with lines, all counts of each pixel, and the sum.

    Parameters
    ----------
    lines : ndarray, shape (rows, columns, m)
        Counts in the bins of `edges` that hold lines, narrow bins put together.
    edges : ndarray
        Of the whole, coarser axis, keV; ``used`` says which of its bins are in `lines`.
    used : ndarray of bool
    total : ndarray, shape (rows, columns)
    spectrum : ndarray, shape (n,)
        Sum of all pixels on the axis of the file.
    escape : ndarray, shape (rows, columns, m)
        Counts of the same pixel that lie a Cd Kα photon above the bins of `lines`: where such a
        photon leaves the pixel, a share of them is counted there.
    """

    lines: Array
    escape: Array
    edges: Array
    used: NDArray[np.bool_]
    total: Array
    spectrum: Array


def sums_of(counts: xr.DataArray, edges: Array) -> Sums:
    """Walk once through a cube.

    Parameters
    ----------
    counts : xarray.DataArray, shape (rows, columns, n)
    edges : ndarray, shape (n + 1,)
        keV.
    """
    n = edges.size - 1
    together = max(1, int(FINEST / float(np.median(np.diff(edges)))))
    first = np.arange(0, n - together + 1, together)
    coarse = np.append(edges[first], edges[first[-1] + together])
    middle = centres(coarse)
    used = np.zeros(middle.size, dtype=bool)
    for low, high in REGIONS:
        used |= (middle > low) & (middle < high)
    rows, columns = counts.shape[:2]
    lines = np.zeros((rows, columns, int(used.sum())))
    escape = np.zeros_like(lines)
    above = _above(edges, coarse[:-1][used], coarse[1:][used])
    total, spectrum = np.zeros((rows, columns)), np.zeros(n)
    starts = first[used]
    for where, block in blocks_of_rows(counts):
        for k in range(together):
            lines[where] += block[:, :, starts + k]
        flat = block.reshape(-1, block.shape[2])
        escape[where] = (above @ flat.T).T.reshape(escape[where].shape)
        total[where] = block.sum(axis=2, dtype=np.float64)
        spectrum += block.sum(axis=(0, 1), dtype=np.float64)
    return Sums(lines, escape, coarse, used, total, spectrum)


def _above(edges: Array, low: Array, high: Array) -> csr_array:
    """What part of each bin lies `CADMIUM` above each span, (spans, n)."""
    low, high = low[:, None] + CADMIUM, high[:, None] + CADMIUM
    shared = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
    return csr_array(np.clip(shared, 0.0, None) / np.diff(edges))
