"""A log in HDF5: data sets of one length, read in pieces, and nothing outside the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.errors import BadFileError, BadInputError
from consilience.hdf5 import text_of
from consilience.series.blocks import Block
from consilience.series.mapping import SeriesMapping

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Hdf5Log", "is_hdf5"]

_CHUNK_BYTES = 1 << 28
"""A chunk of a data set that is larger is not opened."""
_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def is_hdf5(stored: Path) -> bool:
    """Return whether a file begins as HDF5 does."""
    with stored.open("rb") as file:
        return file.read(8) == _SIGNATURE


class Hdf5Log:
    """An HDF5 file, with the mapping that explains it; columns are paths of data sets.

    Parameters
    ----------
    stored : Path
        The bytes.
    path : Path
        What the user calls the file; messages name it.
    plan : SeriesMapping
    """

    def __init__(self, stored: Path, path: Path, plan: SeriesMapping) -> None:
        words = plan.notes is not None or plan.time.date_column is not None or plan.units_row
        if words or any(column.missing for column in plan.columns.values()):
            raise BadInputError(
                f"{path.name!r} is HDF5, where notes, rows of units, columns of dates and texts "
                "for missing readings do not occur",
                fix="leave 'notes', 'units_row', 'date_column' and 'missing' out of the mapping",
                path=path,
            )
        self._stored = stored
        self._path = path
        self._plan = plan
        time = plan.time
        roles = {"time": time.column, "hour": time.hour, "minute": time.minute}
        roles["second"] = time.second
        self._times = {role: name for role, name in roles.items() if name is not None}

    def stated(self) -> dict[str, str]:
        """Return nothing: a data set has no notes."""
        return {}

    def unit_of(self, column: str) -> str | None:
        """Return the attribute ``units`` or ``unit`` of a data set."""
        with self._opened() as file:
            data = self._data(file, column)
            for name in ("units", "unit"):
                text = text_of(data.attrs[name]) if name in data.attrs else None
                if text:
                    return text
        return None

    def blocks(self, rows: int) -> Iterator[Block]:
        """Read it once, `rows` at a time.

        Raises
        ------
        BadFileError
            A data set cannot be read, is of another length or of no numbers.
        BadInputError
            There is no such data set, or it lies in another file.
        """
        plan = self._plan
        with self._opened() as file:
            times = {role: self._data(file, name) for role, name in self._times.items()}
            data = {name: self._data(file, c.column) for name, c in plan.columns.items()}
            statuses = {
                name: self._data(file, c.status.column)
                for name, c in plan.columns.items()
                if c.status is not None
            }
            length = self._length({**times, **data, **statuses})
            for first in range(0, length, rows):
                piece = slice(first, min(first + rows, length))
                block = Block(
                    first,
                    {role: self._time(d, piece) for role, d in times.items()},
                    {name: self._numbers(d, piece) for name, d in data.items()},
                )
                for name, status in statuses.items():
                    block.refused[name] = self._refused(name, status, piece)
                yield block

    def _opened(self) -> Any:
        import h5py

        try:
            return h5py.File(self._stored, "r", locking=False)
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> BadFileError:
        return BadFileError(
            f"{self._path.name!r} cannot be read as HDF5: {error}",
            fix="copy the file again from where it was recorded",
            path=self._path,
        )

    def _data(self, file: Any, name: str) -> Any:
        """Return a data set of this very file."""
        import h5py

        place: Any = file
        try:
            for part in name.strip("/").split("/"):
                link = place.get(part, getlink=True) if isinstance(place, h5py.Group) else None
                if isinstance(link, h5py.ExternalLink):
                    link = None
                place = None if link is None else place.get(part)
                if place is None or place.file.filename != file.filename:
                    raise self._absent(file, name)
        except (OSError, KeyError, RuntimeError) as error:
            raise self._unreadable(error) from error
        if not isinstance(place, h5py.Dataset):
            raise self._absent(file, name)
        if place.external or place.is_virtual:
            raise BadInputError(
                f"{self._path.name!r}: the readings of {name!r} lie in another file",
                fix="import the file that holds them",
                path=self._path,
            )
        if place.chunks is not None:
            size = place.dtype.itemsize
            for length in place.chunks:
                size *= length
            if size > _CHUNK_BYTES:
                raise BadFileError(
                    f"{self._path.name!r}: a chunk of {name!r} holds {size / 1e6:.0f} MB",
                    fix="write the file again with smaller chunks, for example with h5repack",
                    path=self._path,
                )
        return place

    def _absent(self, file: Any, name: str) -> BadInputError:
        return BadInputError(
            f"{self._path.name!r} has no data set {name!r}",
            fix=f"its data sets are: {', '.join(map(repr, _names(file))) or 'none'}",
            path=self._path,
        )

    def _length(self, data: dict[str, Any]) -> int:
        lengths = {}
        for d in data.values():
            flat = d.ndim == 1 or (d.ndim == 2 and d.shape[1] == 1)
            if not flat:
                raise BadFileError(
                    f"{self._path.name!r}: {d.name!r} has the shape {d.shape}, a log has one value "
                    "a row",
                    fix="name a data set with one dimension",
                    path=self._path,
                )
            lengths[d.name] = int(d.shape[0])
        if len(set(lengths.values())) > 1:
            listing = ", ".join(f"{name!r} {count}" for name, count in sorted(lengths.items()))
            raise BadFileError(
                f"{self._path.name!r}: the data sets have different lengths: {listing}",
                fix="import columns with another time axis as a series of their own",
                path=self._path,
            )
        return next(iter(lengths.values()))

    def _read(self, data: Any, piece: slice) -> NDArray[Any]:
        try:
            found: NDArray[Any] = data[piece]
        except (OSError, RuntimeError, ValueError) as error:
            raise self._unreadable(error) from error
        return found.reshape(-1)

    def _numbers(self, data: Any, piece: slice) -> NDArray[np.float64]:
        import numpy as np

        found = self._read(data, piece)
        if found.dtype.kind not in "biuf":
            raise BadFileError(
                f"{self._path.name!r}: {data.name!r} holds no numbers but {found.dtype}",
                fix="name a data set of numbers",
                path=self._path,
            )
        return found.astype(np.float64)

    def _time(self, data: Any, piece: slice) -> Any:
        if self._plan.time.kind != "absolute":
            return self._numbers(data, piece)
        import pandas as pd

        texts = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v)
                 for v in self._read(data, piece)]  # fmt: skip
        return pd.Series(texts, dtype=object).str.strip()

    def _refused(self, name: str, status: Any, piece: slice) -> NDArray[np.bool_]:
        import numpy as np

        column = self._plan.columns[name].status
        assert column is not None
        found = self._read(status, piece)
        good = set(column.good)
        said = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in found]
        return np.array([text not in good for text in said], dtype=bool)


def _names(file: Any) -> list[str]:
    """List up to twenty data sets."""
    import h5py

    names: list[str] = []

    def visit(name: str, item: Any) -> object:
        if isinstance(item, h5py.Dataset):
            names.append(name)
        return True if len(names) >= 20 else None

    file.visititems(visit)
    return names
