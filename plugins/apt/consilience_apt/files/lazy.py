"""A list of ions opened without reading it: variables that are read when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from consilience_apt.files.hdf5_layout import Hdf5Layout, Hdf5Source
from consilience_apt.files.layout import UNITS, FileSource, Layout
from consilience_apt.files.stream import SOURCE, BlockSource

__all__ = ["open_hdf5", "open_ions"]


class _Column(BackendArray):
    """One column of the file, read when it is asked for."""

    def __init__(self, source: BlockSource, name: str) -> None:
        self.source, self.name = source, name
        self.shape = (source.ions,)
        self.dtype = source.layout.fields[name].kept

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._read
        )

    def _between(self, low: int, high: int) -> Any:
        found = np.empty(high - low, self.dtype)
        for first, columns in self.source.read({self.name: self.dtype}, low, high):
            found[first - low : first - low + columns[self.name].size] = columns[self.name]
        return found

    def _read(self, key: tuple[int | slice, ...]) -> Any:
        (wanted,) = key
        if not isinstance(wanted, slice):
            return self._between(int(wanted), int(wanted) + 1)[0]
        start, stop, step = wanted.indices(self.shape[0])
        span = range(start, stop, step)
        if not span:
            return np.empty(0, self.dtype)
        low, high = min(span[0], span[-1]), max(span[0], span[-1]) + 1
        found = self._between(low, high)
        return found[span[0] - low :: step] if step > 0 else found[::step]


def open_ions(path: Path, companions: Mapping[str, Path], lazy: Mapping[str, object]) -> xr.Dataset:
    """Open the ions of a registered flat file; nothing is read until values are asked for.

    Parameters
    ----------
    path : Path
    companions : mapping
        Not used: ranges are kept in the metadata.
    lazy : mapping
        What `consilience_apt.files.layout.Layout.to_json` gave.

    Returns
    -------
    xarray.Dataset
        ``x``, ``y``, ``z`` (nm), ``mass_to_charge`` (Da) and what else the file has (see
        `consilience_apt.files.layout.UNITS`) over ``ion``; float32, counts as whole numbers.
        `consilience_apt.files.stream.source_of` gives them in blocks.
    """
    del companions
    return _opened(FileSource(path, Layout.from_json(lazy)))


def open_hdf5(path: Path, companions: Mapping[str, Path], lazy: Mapping[str, object]) -> xr.Dataset:
    """Open the ions of a registered HDF5 file as `open_ions` does those of a flat one."""
    del companions
    return _opened(Hdf5Source(path, Hdf5Layout.from_json(lazy)))


def _opened(source: BlockSource) -> xr.Dataset:
    data = xr.Dataset(
        {
            name: (
                "ion",
                indexing.LazilyIndexedArray(_Column(source, name)),
                {"units": UNITS[name]},
            )
            for name in source.columns
        }
    )
    data.encoding[SOURCE] = source
    return data
