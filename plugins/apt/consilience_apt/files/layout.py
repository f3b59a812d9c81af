"""Where the numbers of each ion stand in a flat binary file, and their blocks.

All of .pos, .epos, .ato and .apt are tables of records of one length.  A `Layout` says where
the tables are; `FileSource` goes over them through one buffer for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.errors import BadFileError
from consilience_apt.files.stream import BlockSource

if TYPE_CHECKING:
    from io import FileIO

    from numpy.typing import NDArray

    from consilience.model.base import Json

__all__ = ["UNITS", "Field", "FileSource", "Layout", "in_order"]

UNITS: dict[str, str] = {
    "x": "nm",
    "y": "nm",
    "z": "nm",
    "mass_to_charge": "Da",
    "time_of_flight": "ns",
    "voltage": "V",
    "pulse_voltage": "V",
    "detector_x": "mm",
    "detector_y": "mm",
    "pulses_since": "1",
    "ions_per_pulse": "1",
}
"""Columns that ions can have, with their units."""
_CHUNK = 1 << 20
"""Bytes read at once: they are still in the cache when the columns are taken from them."""


def in_order(fields: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return fields in the order of `UNITS`: canonical JSON sorts them by name."""
    return sorted(fields.items(), key=lambda pair: list(UNITS).index(pair[0]))


@dataclass(frozen=True)
class Field:
    """One number of an ion: in the table that starts at `offset`, `at` bytes into the record.

    Parameters
    ----------
    offset : int
        Bytes before the first record.
    record : int
        Bytes from one record to the next.
    at : int
        Bytes within the record.
    dtype : str
        numpy's name with the byte order, such as ``>f4``.
    scale : float
        Factor to the column's unit.
    """

    offset: int
    record: int
    at: int
    dtype: str
    scale: float = 1.0

    @property
    def kept(self) -> np.dtype[Any]:
        """The dtype in which a data set shows it: float32, or whole numbers as they are."""
        plain = np.dtype(self.dtype)
        whole = plain.kind in "iu" and self.scale == 1.0
        return plain.newbyteorder("=") if whole else np.dtype(np.float32)


@dataclass(frozen=True)
class Layout:
    """How many ions, and where their columns are."""

    ions: int
    fields: Mapping[str, Field]

    def only(self, names: Sequence[str]) -> Layout:
        """Return the layout without the other columns."""
        return Layout(self.ions, {name: self.fields[name] for name in names})

    def to_json(self) -> dict[str, Json]:
        """Return plain values; `from_json` gives an equal layout."""
        return {
            "ions": self.ions,
            "fields": {
                name: [one.offset, one.record, one.at, one.dtype, one.scale]
                for name, one in self.fields.items()
            },
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Layout:
        """Return the layout that `to_json` wrote."""
        fields = {
            str(name): Field(int(o), int(r), int(a), str(d), float(s))
            for name, (o, r, a, d, s) in in_order(value["fields"])
        }
        return cls(int(value["ions"]), fields)


class _Table:
    """One open table: reads records into its buffer, of which the fields are views."""

    def __init__(self, path: Path, offset: int, record: int, most: int, file: FileIO) -> None:
        self.path, self.offset, self.record, self.file = path, offset, record, file
        self.buffer = np.empty(most * record, np.uint8)
        self.bytes = memoryview(self.buffer.data).cast("B")

    def view(self, field: Field) -> NDArray[Any]:
        most = self.buffer.size // self.record
        return np.ndarray(
            (most,), np.dtype(field.dtype), self.buffer.data, field.at, (self.record,)
        )

    def read(self, first: int, number: int) -> None:
        place = self.offset + first * self.record
        self.file.seek(place)
        wanted = number * self.record
        got = 0
        while got < wanted:
            more = self.file.readinto(self.bytes[got:wanted])
            if not more:
                raise BadFileError(
                    f"{self.path.name!r} ends at byte {place + got}, "
                    f"{place + wanted} were expected",
                    fix="the file changed since it was registered; run consilience verify",
                    path=self.path,
                    offset=place + got,
                )
            got += more


class FileSource(BlockSource):
    """The ions of a flat binary file, an `consilience_apt.files.stream.IonSource`.

    Parameters
    ----------
    path : Path
    layout : Layout
    """

    layout: Layout

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path, self.layout = path, layout

    @contextmanager
    def _filling(
        self, out: Mapping[str, NDArray[Any]], most: int
    ) -> Iterator[Callable[[int, int], None]]:
        fields = {name: self.layout.fields[name] for name in out}
        places = {(one.offset, one.record) for one in fields.values()}
        piece = max(1, min(most, _CHUNK // max(record for _, record in places)))
        with ExitStack() as stack:
            tables = {
                place: _Table(
                    self.path,
                    *place,
                    piece,
                    stack.enter_context(self.path.open("rb", buffering=0)),
                )
                for place in places
            }
            views = [
                (out[name], tables[one.offset, one.record].view(one), one.scale)
                for name, one in fields.items()
            ]

            def fill(first: int, number: int) -> None:
                for low in range(0, number, piece):
                    part = min(piece, number - low)
                    for table in tables.values():
                        table.read(first + low, part)
                    for target, view, scale in views:
                        here = target[low : low + part]
                        if scale == 1.0:
                            np.copyto(here, view[:part], casting="unsafe")
                        else:
                            np.multiply(view[:part], scale, out=here, casting="unsafe")

            yield fill
