"""Large arrays that stay in the file: where they lie, and opening them without reading them.

DigitalMicrograph's files hold flat arrays, HyperSpy's and Velox's HDF5 data sets.  The reader finds
the place, in the worker, and compares every value with what RosettaSciIO reads; later the
registered file is opened there and nothing is read until values are asked for.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from consilience.errors import BadFileError

__all__ = ["LAZY_BYTES", "Place", "StoredArray", "blocks", "lazy_form", "open_microscope", "orders"]

LAZY_BYTES = 64 << 20
"""Arrays from this size on stay in the file, where its format lets them."""

BLOCK_BYTES = 4 << 20


@dataclass(frozen=True)
class Place:
    """Where an array lies, and how it is turned to have the energy (or y, x) last.

    Parameters
    ----------
    sort : {"flat", "hdf5"}
    shape : tuple of int
        As stored.
    dtype : str
        NumPy's, with the byte order.
    axes : tuple of int
        Axes as stored that are kept, in the order wanted; the others have length 1.
    offset : int
        Of the first byte; flat only.
    name : str
        Of the data set; HDF5 only.
    """

    sort: str
    shape: tuple[int, ...]
    dtype: str
    axes: tuple[int, ...]
    offset: int = 0
    name: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "sort": self.sort,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "axes": list(self.axes),
            "offset": self.offset,
            "name": self.name,
        }

    def stand_in(
        self,
        variable: str,
        dims: tuple[str, ...],
        attrs: Mapping[str, Any],
        coordinates: Mapping[str, Any],
    ) -> xr.Dataset:
        """Return a data set of the same form that holds one number."""
        shape = tuple(self.shape[i] for i in self.axes)
        one = np.zeros((), np.dtype(self.dtype).newbyteorder("="))
        return xr.Dataset(
            {variable: (dims, np.broadcast_to(one, shape), dict(attrs))}, dict(coordinates)
        )

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Place:
        """Return what `to_json` gave."""
        return cls(
            found["sort"],
            tuple(found["shape"]),
            found["dtype"],
            tuple(found["axes"]),
            found["offset"],
            found["name"],
        )


class StoredArray(BackendArray):
    """An array in a file, its axes in the order wanted, read when it is asked for."""

    def __init__(self, path: Path, place: Place) -> None:
        self.place = place
        self.shape = tuple(place.shape[i] for i in place.axes)
        self.dtype = np.dtype(place.dtype).newbyteorder("=")
        self._file: Any = None
        if place.sort == "flat":
            wanted = place.offset + prod(place.shape) * np.dtype(place.dtype).itemsize
            if path.stat().st_size < wanted:
                raise BadFileError(
                    f"{path.name!r} has {path.stat().st_size} bytes, its array ends at {wanted}",
                    fix="copy it again from the microscope",
                    path=path,
                    offset=path.stat().st_size,
                )
            self._source: Any = np.memmap(
                path, place.dtype, "r", offset=place.offset, shape=place.shape
            )
        else:
            import h5py

            self._file = h5py.File(path, "r")
            self._source = self._file[place.name]
            if self._source.external or self._source.is_virtual:
                self.close()
                raise BadFileError(
                    f"{path.name!r} keeps the data of {place.name} in another file",
                    fix="save the file again with the data inside",
                    path=path,
                )

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
        self._source = None

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._read
        )

    def _read(self, key: tuple[int | slice, ...]) -> Any:
        stored: list[int | slice] = [0] * len(self.place.shape)
        forward: list[slice] = []
        for axis, one in zip(self.place.axes, key, strict=True):
            stored[axis] = one
            if isinstance(one, slice) and one.step is not None and one.step < 0:  # h5py has none
                span = range(*one.indices(self.place.shape[axis]))
                stored[axis] = slice(span[-1], span[0] + 1, -one.step) if span else slice(0, 0)
                forward.append(slice(None, None, -1))
            elif isinstance(one, slice):
                forward.append(slice(None))
        part = np.asarray(self._source[tuple(stored)])
        kept = [axis for axis in sorted(self.place.axes) if isinstance(stored[axis], slice)]
        wanted = [axis for axis in self.place.axes if isinstance(stored[axis], slice)]
        turned = part.transpose([kept.index(axis) for axis in wanted])
        return np.asarray(turned[tuple(forward)], dtype=self.dtype, order="C")

    def lazily(self) -> indexing.LazilyIndexedArray:
        """Return it as a variable takes it."""
        return indexing.LazilyIndexedArray(self)


def blocks(array: Any, shape: tuple[int, ...], item: int) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Yield parts along the first axis, none larger than 4 MiB where one row is not."""
    rows = max(1, BLOCK_BYTES // max(1, item * prod(shape[1:])))
    for first in range(0, shape[0], rows):
        place = slice(first, min(first + rows, shape[0]))
        yield place, np.asarray(array[place])


def lazy_form(
    place: Place,
    variable: str,
    dims: tuple[str, ...],
    attrs: Mapping[str, Any],
    coordinates: Mapping[str, Any],
    texts: Mapping[str, str],
) -> dict[str, Any]:
    """Return a signal's `lazy`: the place, and all of the data set but the array."""
    return {
        "place": place.to_json(),
        "variable": variable,
        "dims": list(dims),
        "attrs": dict(attrs),
        "coordinates": {
            name: {"values": np.asarray(values).tolist(), "attrs": dict(own)}
            for name, (_, values, own) in coordinates.items()
        },
        "texts": {
            k: base64.b64encode(zlib.compress(v.encode(), 9)).decode() for k, v in texts.items()
        },
    }


def open_microscope(
    path: Path, companions: Mapping[str, Path], lazy: Mapping[str, Any]
) -> xr.Dataset:
    """Open an array that stayed in the file.

    Parameters
    ----------
    path : Path
    companions : mapping
        None are used.
    lazy : mapping
        Of `lazy_form`.

    Returns
    -------
    xarray.Dataset
        As the reader found it; the array is read when its values are asked for.

    Raises
    ------
    BadFileError
        The file is not what it was.
    """
    del companions
    place = Place.from_json(lazy["place"])
    try:
        stored = StoredArray(path, place)
    except (OSError, KeyError, ValueError) as error:
        raise BadFileError(
            f"{path.name!r} cannot be opened: {type(error).__name__}: {error}",
            fix="check that the registered file is whole: consilience verify",
            path=path,
        ) from error
    coordinates = {
        name: (name, np.asarray(one["values"], dtype=np.float64), dict(one["attrs"]))
        for name, one in lazy["coordinates"].items()
    }
    attrs = {
        k: zlib.decompress(base64.b64decode(v)).decode() for k, v in dict(lazy["texts"]).items()
    }
    variable = xr.Variable(tuple(lazy["dims"]), stored.lazily(), dict(lazy["attrs"]))
    data = xr.Dataset({lazy["variable"]: variable}, coordinates, attrs)
    data.set_close(stored.close)
    return data


def orders(shape: tuple[int, ...], wanted: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield which axes as stored could be those wanted, the likeliest first."""
    long = [i for i, n in enumerate(shape) if n != 1]
    if len(long) != len([n for n in wanted if n != 1]) or len(wanted) != len(long):
        if len(wanted) == len(shape):
            long = list(range(len(shape)))
        else:
            return
    for axes in permutations(long):
        if tuple(shape[i] for i in axes) == tuple(wanted):
            yield axes
