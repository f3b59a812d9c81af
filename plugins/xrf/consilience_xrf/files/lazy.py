"""Cubes of spectra that stay in their HDF5 file, seen as (…, y, x, channel)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from consilience.hdf5_files import damaged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from consilience_xrf.files.scan_grid import Grid

__all__ = ["CubeArray", "lazy_variable"]


class CubeArray(BackendArray):
    """One data set of an open file, with its dimensions put in order when values are asked for.

    Parameters
    ----------
    data : h5py.Dataset
    path : Path
        Named where the file turns out to be damaged.
    roles : sequence of str
        What each dimension of the file is: "lead", "y", "x", "point" (a scan stored as one
        list), "detector" or "channel".
    grid : Grid
        How the stored points become rows and columns.
    detector : int or None
        Which element of the detector; None: their sum.
    """

    def __init__(
        self, data: Any, path: Path, roles: Sequence[str], grid: Grid | None, detector: int | None
    ) -> None:
        self.data = data
        self.path = path
        self.roles = list(roles)
        self.grid = grid
        self.detector = detector
        sizes = dict(zip(range(len(self.roles)), map(int, data.shape), strict=True))
        self.leading = [i for i, role in enumerate(self.roles) if role == "lead"]
        shape = [sizes[i] for i in self.leading]
        if grid is not None:
            shape += list(grid.shape)
        self.shape = (*shape, sizes[self.roles.index("channel")])
        summed = "detector" in self.roles and detector is None and data.dtype.kind in "iu"
        self.dtype = np.dtype(np.int64) if summed else np.dtype(data.dtype)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._raw
        )

    def _raw(self, key: tuple[int | slice, ...]) -> Any:
        """Values for integers and slices; the fewest rows of the file are read."""
        with damaged(self.path):
            return self._read(key)

    def _read(self, key: tuple[int | slice, ...]) -> NDArray[Any]:
        ranges = [
            range(k, k + 1) if isinstance(k, int) else range(n)[k]
            for k, n in zip(_plain(key), self.shape, strict=True)
        ]
        lead, channels = ranges[: len(self.leading)], ranges[-1]
        where: list[Any] = [slice(None)] * len(self.roles)
        for i, wanted in zip(self.leading, lead, strict=True):
            where[i] = _slice(wanted)
        where[self.roles.index("channel")] = _slice(channels)
        if "detector" in self.roles and self.detector is not None:
            where[self.roles.index("detector")] = slice(self.detector, self.detector + 1)
        if self.grid is None:
            out = self._ordered(where)
        else:
            out = self._plane(where, self.grid, ranges[-3], ranges[-2])
        dropped = tuple(0 if isinstance(k, int) else slice(None) for k in _plain(key))
        return np.asarray(out[dropped], dtype=self.dtype)

    def _ordered(self, where: list[Any]) -> NDArray[Any]:
        """What the file holds there, as (lead…, scan…, channel), elements of a detector summed."""
        values = np.asarray(self.data[tuple(where)])
        roles = list(self.roles)
        if "detector" in roles:
            at = roles.index("detector")
            values = values.sum(axis=at, dtype=self.dtype)
            roles.pop(at)
        rank = {"lead": 0, "y": 1, "point": 1, "x": 2, "channel": 3}
        return values.transpose(sorted(range(len(roles)), key=lambda i: rank[roles[i]]))

    def _plane(self, where: list[Any], grid: Grid, ys: range, xs: range) -> NDArray[Any]:
        """Spectra of some rows and columns; between the first and last stored point all is read."""
        order, inner = grid.order, len(self.leading)
        if order is None:
            where[self.roles.index("y")] = _slice(ys)
            where[self.roles.index("x")] = _slice(xs)
            return self._ordered(where)
        wanted = order[np.ix_(ys, xs)]
        there = wanted[wanted >= 0]
        if there.size == 0:
            low, high = 0, 1
        else:
            low, high = int(there.min()), int(there.max()) + 1
        if "point" in self.roles:
            where[self.roles.index("point")] = slice(low, high)
            flat = self._ordered(where)
            offset = low
        else:
            columns = grid.shape[1]
            where[self.roles.index("y")] = slice(low // columns, (high - 1) // columns + 1)
            block = self._ordered(where)
            flat = block.reshape(*block.shape[:inner], -1, block.shape[-1])
            offset = low // columns * columns
        index = np.where(wanted >= 0, wanted - offset, 0)
        made = np.take(flat, index, axis=inner)
        return np.where((wanted >= 0)[..., None], made, 0)


def _plain(key: tuple[Any, ...]) -> list[int | slice]:
    return [k if isinstance(k, slice) else int(k) for k in key]


def _slice(wanted: range) -> slice:
    """A range as a slice that h5py takes: rising."""
    if len(wanted) == 0:
        return slice(0, 0)
    return slice(wanted[0], wanted[-1] + 1, wanted.step)


def lazy_variable(array: CubeArray, dims: Sequence[str], attrs: dict[str, Any]) -> xr.Variable:
    """The array as a variable whose values are read when they are asked for."""
    return xr.Variable(list(dims), indexing.LazilyIndexedArray(array), attrs)
