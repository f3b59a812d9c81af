"""Where the numbers of each ion stand in an HDF5 file, and their blocks.

Nothing is followed out of the file: external links, external raw storage and virtual data
sets are refused, and so is a declared shape that the file's size makes absurd.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from consilience.errors import BadFileError
from consilience_apt.files.layout import in_order
from consilience_apt.files.stream import BlockSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience.model.base import Json

__all__ = ["HDF5_ERRORS", "Hdf5Field", "Hdf5Layout", "Hdf5Source", "member", "open_file"]

HDF5_ERRORS = (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError)
"""What h5py raises when a file contradicts itself."""
MOST_TIMES_FILE = 1000
"""Declared bytes for each byte of the file; no compressor does better on ions."""


@dataclass(frozen=True)
class Hdf5Field:
    """One number of an ion: a data set of the file, or one column of it.

    Parameters
    ----------
    dataset : str
        Absolute path in the file.
    column : int or None
        Of a data set of shape (ions, columns).
    scale : float
        Factor to the column's unit.
    dtype : str
        In which a data set shows it.
    """

    dataset: str
    column: int | None
    scale: float = 1.0
    dtype: str = "float32"

    @property
    def kept(self) -> np.dtype[Any]:
        """The dtype in which a data set shows it."""
        return np.dtype(self.dtype)


@dataclass(frozen=True)
class Hdf5Layout:
    """How many ions, and where their columns are."""

    ions: int
    fields: Mapping[str, Hdf5Field]

    def only(self, names: Sequence[str]) -> Hdf5Layout:
        """Return the layout without the other columns."""
        return Hdf5Layout(self.ions, {name: self.fields[name] for name in names})

    def to_json(self) -> dict[str, Json]:
        """Return plain values; `from_json` gives an equal layout."""
        return {
            "ions": self.ions,
            "hdf5": {
                name: [one.dataset, one.column, one.scale, one.dtype]
                for name, one in self.fields.items()
            },
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Hdf5Layout:
        """Return the layout that `to_json` wrote."""
        fields = {
            str(name): Hdf5Field(str(d), None if c is None else int(c), float(s), str(t))
            for name, (d, c, s, t) in in_order(value["hdf5"])
        }
        return cls(int(value["ions"]), fields)


def open_file(path: Path) -> h5py.File:
    """Open an HDF5 file for reading.

    Raises
    ------
    BadFileError
        HDF5 cannot open it, for example because it is cut.
    """
    try:
        return h5py.File(path, "r")
    except HDF5_ERRORS as error:
        raise BadFileError(
            f"{path.name!r} cannot be opened as HDF5: {' '.join(str(error).split())}",
            fix="copy it again from the instrument; nothing was registered",
            path=path,
        ) from error


def member(file: h5py.File, name: str, path: Path) -> h5py.Group | h5py.Dataset | None:
    """Return a group or data set by its path, or None; never one outside the file.

    Raises
    ------
    BadFileError
        A link out of the file, values kept in other files, or an absurd declared shape.
    """

    def refuse(where: str, what: str) -> BadFileError:
        return BadFileError(
            f"{where} of {path.name!r} {what}",
            fix="copy the data into the file itself (h5repack)",
            path=path,
        )

    found: Any = file
    for part in name.strip("/").split("/"):
        if not isinstance(found, h5py.Group):
            return None
        link = found.get(part, getlink=True, default=None)
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise refuse(
                f"{found.name.rstrip('/')}/{part}",
                f"is a {type(link).__name__}, which may lead out of the file",
            )
        found = found[part]
    if isinstance(found, h5py.Dataset):
        if found.external or found.is_virtual:
            raise refuse(found.name, "keeps its values in other files")
        declared = int(np.prod(found.shape, dtype=object) * found.dtype.itemsize)
        size = path.stat().st_size
        if declared > MOST_TIMES_FILE * size:
            raise refuse(found.name, f"claims {declared} bytes in a file of {size}")
    return found


class Hdf5Source(BlockSource):
    """The ions of an HDF5 file, a `consilience_apt.files.stream.IonSource`.

    Parameters
    ----------
    path : Path
    layout : Hdf5Layout
    """

    layout: Hdf5Layout

    def __init__(self, path: Path, layout: Hdf5Layout) -> None:
        self.path, self.layout = path, layout

    @contextmanager
    def _filling(
        self, out: Mapping[str, NDArray[Any]], most: int
    ) -> Iterator[Callable[[int, int], None]]:
        fields = {name: self.layout.fields[name] for name in out}
        with open_file(self.path) as file:
            tables = {one.dataset: self._dataset(file, one) for one in fields.values()}
            buffers = {
                name: np.empty((most, *table.shape[1:]), table.dtype.newbyteorder("="))
                for name, table in tables.items()
            }

            def fill(first: int, number: int) -> None:
                self._fill(tables, buffers, first, number)
                for name, one in fields.items():
                    taken = buffers[one.dataset][:number]
                    column = (taken if one.column is None else taken[:, one.column]).reshape(number)
                    # float64 may hold what float32 cannot: it becomes infinite, and is seen
                    with np.errstate(over="ignore", invalid="ignore"):
                        np.multiply(column, one.scale, out=out[name][:number], casting="unsafe")

            yield fill

    def _dataset(self, file: h5py.File, one: Hdf5Field) -> h5py.Dataset:
        try:
            found = member(file, one.dataset, self.path)
        except HDF5_ERRORS as error:
            raise self._damaged(one.dataset, error) from error
        if not isinstance(found, h5py.Dataset) or found.shape[0] < self.ions:
            raise BadFileError(
                f"{one.dataset!r} of {self.path.name!r} has no {self.ions} ions any more",
                fix="the file changed since it was registered; run consilience verify",
                path=self.path,
            )
        return found

    def _fill(
        self, tables: Mapping[str, h5py.Dataset], buffers: Mapping[str, Any], first: int, n: int
    ) -> None:
        for name, table in tables.items():
            try:
                table.read_direct(buffers[name], np.s_[first : first + n], np.s_[:n])
            except HDF5_ERRORS as error:
                raise self._damaged(name, error) from error

    def _damaged(self, name: str, error: Exception) -> BadFileError:
        return BadFileError(
            f"{name!r} of {self.path.name!r} cannot be read: {' '.join(str(error).split())}",
            fix="the file is damaged; copy it again from the instrument",
            path=self.path,
        )
