"""Find where in a file the array of a signal lies; every value is compared."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience_eels.files.lazy import Place, StoredArray, blocks, orders
from consilience_eels.library import digital_micrograph_arrays

__all__ = ["Found", "find_place", "largest_dataset"]


@dataclass(frozen=True)
class Found:
    """A place, and what was seen when all of it was read once.

    Parameters
    ----------
    place : Place
    missing, infinite : bool
        Whether there are NaN and infinite values.
    negative : int
        Values below zero.
    lowest : float
    total : ndarray, shape (n,)
        Sum over all axes but the last.
    """

    place: Place
    missing: bool
    infinite: bool
    negative: int
    lowest: float
    total: NDArray[np.float64]


def find_place(path: Path, signal: Any) -> Found | None:
    """Return where the array of a lazily loaded signal lies; None if that cannot be said.

    Parameters
    ----------
    path : Path
        dm3, dm4, hspy or emd.
    signal : hyperspy.signals.BaseSignal
        Lazy.
    """
    shape, dtype = tuple(signal.data.shape), np.dtype(signal.data.dtype)
    if dtype.kind not in "biuf" or not shape:
        return None
    for place in _candidates(path, shape, dtype):
        found = _compared(path, place, signal.data)
        if found is not None:
            return found
    return None


def _candidates(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Iterator[Place]:
    if path.suffix.lower() in (".dm3", ".dm4"):
        for offset, stored, kind in digital_micrograph_arrays(path):
            if np.dtype(kind).newbyteorder("=") == dtype.newbyteorder("="):
                for axes in orders(stored, shape):
                    yield Place("flat", stored, np.dtype(kind).str, axes, offset=offset)
        return
    import h5py

    names: list[tuple[str, tuple[int, ...], str]] = []

    def look(name: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset) or item.size != prod(shape):
            return
        if item.dtype.newbyteorder("=") == dtype.newbyteorder("="):
            names.append((f"/{name}", tuple(item.shape), item.dtype.str))

    with h5py.File(path, "r") as file:
        file.visititems(look)
    for name, stored, kind in names:
        for axes in orders(stored, shape):
            yield Place("hdf5", stored, kind, axes, name=name)


def _compared(path: Path, place: Place, data: Any) -> Found | None:
    """Compare all values, a block at a time; first a few, which tell most places apart."""
    array = StoredArray(path, place)
    try:
        middle = tuple(n // 2 for n in array.shape[:-1])
        one = array._read((*middle, slice(None)))
        if not np.array_equal(one, np.asarray(data[middle]), equal_nan=one.dtype.kind == "f"):
            return None
        missing = infinite = False
        negative, lowest, total = 0, np.inf, np.zeros(array.shape[-1])
        rest = (slice(None),) * (len(array.shape) - 1)
        for part, theirs in blocks(data, array.shape, array.dtype.itemsize):
            own = array._read((part, *rest))
            floats = own.dtype.kind == "f"
            if not np.array_equal(own, theirs, equal_nan=floats):
                return None
            if floats:
                missing |= bool(np.isnan(own).any())
                infinite |= bool(np.isinf(own).any())
            if own.dtype.kind in "if":
                negative += int(np.count_nonzero(own < 0))
                lowest = min(lowest, float(np.nanmin(own)))
            total += np.nansum(own.reshape(-1, own.shape[-1]), axis=0, dtype=np.float64)
        return Found(place, missing, infinite, negative, lowest, total)
    finally:
        array.close()


def largest_dataset(path: Path) -> int:
    """Return the bytes of the largest array of an HDF5 file, unpacked."""
    import h5py

    sizes = [0]

    def look(_: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            sizes.append(int(item.size or 0) * item.dtype.itemsize)

    with h5py.File(path, "r") as file:
        file.visititems(look)
    return max(sizes)
