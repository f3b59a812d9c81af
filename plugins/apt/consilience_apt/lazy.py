"""Ions in blocks through one buffer, and a ``.pos`` opened without reading it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from consilience.errors import BadFileError
from consilience_apt.probe import RECORD

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BLOCK", "COLUMNS", "blocks", "open_pos"]

BLOCK = 1 << 16
"""Ions in one block: 1 MB, which stays in the cache."""
COLUMNS: dict[str, str] = {"x": "nm", "y": "nm", "z": "nm", "mass_to_charge": "Da"}
"""Variables in the order of the file, with their units."""


def blocks(
    path: Path, start: int, stop: int, offset: int = 0, dtype: str = ">f4", size: int = BLOCK
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield ``(first ion, array of shape (n, 4))`` for the ions ``start`` … ``stop − 1``.

    Parameters
    ----------
    offset : int
        Bytes before the first ion.
    size : int
        Most ions in one block.

    Yields
    ------
    tuple
        The array is a view of one buffer that the next block overwrites: copy what is kept.

    Raises
    ------
    BadFileError
        The file is shorter than that: it changed since it was registered.
    """
    buffer = np.empty((min(size, max(stop - start, 1)), 4), dtype=dtype)
    view = memoryview(buffer.data).cast("B")
    with path.open("rb", buffering=0) as file:
        file.seek(offset + start * RECORD)
        first = start
        while first < stop:
            number = min(size, stop - first)
            wanted = number * RECORD
            got = 0
            while got < wanted:
                more = file.readinto(view[got:wanted])
                if not more:
                    raise BadFileError(
                        f"{path.name!r} ends after {first * RECORD + got} bytes of ions, "
                        f"{stop * RECORD} were expected",
                        fix="the file changed since it was registered; run consilience verify",
                        path=path,
                        offset=offset + first * RECORD + got,
                    )
                got += more
            yield first, buffer[:number]
            first += number


class _Column(BackendArray):
    """One column of the file, read when it is asked for."""

    def __init__(self, path: Path, column: int, ions: int, offset: int) -> None:
        self.path, self.column, self.offset = path, column, offset
        self.shape = (ions,)
        self.dtype = np.dtype(np.float32)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._read
        )

    def _read(self, key: tuple[int | slice, ...]) -> Any:
        (wanted,) = key
        if isinstance(wanted, slice):
            start, stop, step = wanted.indices(self.shape[0])
            span = range(start, stop, step)
            if not span:
                return np.empty(0, self.dtype)
            low, high = min(span[0], span[-1]), max(span[0], span[-1]) + 1
            found = np.empty(high - low, self.dtype)
            for first, ions in blocks(self.path, low, high, self.offset):
                found[first - low : first - low + len(ions)] = ions[:, self.column]
            return found[span[0] - low :: step] if step > 0 else found[::step]
        for _, ions in blocks(self.path, int(wanted), int(wanted) + 1, self.offset):
            return ions[0, self.column].astype(self.dtype)
        raise IndexError(wanted)


def open_pos(path: Path, companions: Mapping[str, Path], lazy: Mapping[str, object]) -> xr.Dataset:
    """Open the ions of a registered file; nothing is read until values are asked for.

    Parameters
    ----------
    path : Path
    companions : mapping
        Not used.
    lazy : mapping
        ``ions`` and ``offset`` (bytes), as `consilience_apt.reading.read_pos` gave them.

    Returns
    -------
    xarray.Dataset
        ``x``, ``y``, ``z`` (nm) and ``mass_to_charge`` (Da) over ``ion``, float32.
    """
    del companions
    ions, offset = lazy["ions"], lazy["offset"]
    assert isinstance(ions, int)
    assert isinstance(offset, int)
    return xr.Dataset(
        {
            name: (
                "ion",
                indexing.LazilyIndexedArray(_Column(path, column, ions, offset)),
                {"units": unit},
            )
            for column, (name, unit) in enumerate(COLUMNS.items())
        }
    )
