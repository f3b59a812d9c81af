"""Columns of any length into an array of the store, in blocks of bounded memory."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.series.flags import FLAGS, GOOD, STUCK, flag_name
from consilience.store.arrays import CHUNK_BYTES, write_dataset
from consilience.store.durable import mapped_os_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BLOCK_ROWS", "SeriesWriter"]

BLOCK_ROWS = CHUNK_BYTES // 8
"""So many rows are held, and make one chunk of the store."""


class SeriesWriter:
    """Takes rows in order and writes them as `consilience.store.write_dataset` would.

    Parameters
    ----------
    folder : Path
        In the staging folder of the study; must not be there yet.
    units : mapping
        Column to unit.
    block_rows : int
        Rows of a chunk.
    """

    def __init__(
        self, folder: Path, units: Mapping[str, str], block_rows: int = BLOCK_ROWS
    ) -> None:
        self._folder = folder
        self._units = dict(units)
        self._block = block_rows
        self._held: dict[str, list[NDArray[Any]]] = {}
        self._waiting = 0
        self._written = 0
        self._arrays: dict[str, Any] = {}

    @property
    def rows(self) -> int:
        """How many rows were added."""
        return self._written + self._waiting

    def add(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Add rows: ``time``, and each column with its flags."""
        for name, values in columns.items():
            self._held.setdefault(name, []).append(values)
        self._waiting += len(columns["time"])
        while self._waiting > self._block:
            self._flush(self._block)

    def mark_stuck(self, column: str, first: int, last: int) -> int:
        """Flag the good readings of rows `first` to `last` (excluded); return their number."""
        count = 0
        for at in range(first, min(last, self._written), self._block):
            rows = slice(at, min(at + self._block, last, self._written))
            flags = self._arrays[flag_name(column)][rows]
            values = self._arrays[column][rows]
            count += _mark(values, flags)
            self._arrays[flag_name(column)][rows] = flags
            self._arrays[column][rows] = values
        if last > self._written:
            values, flags = self._joined(column), self._joined(flag_name(column))
            inside = slice(max(first - self._written, 0), last - self._written)
            count += _mark(values[inside], flags[inside])
            self._held[column], self._held[flag_name(column)] = [values], [flags]
        return count

    def finish(self, notes: list[tuple[float, str]]) -> None:
        """Write what is left, and the notes with their times."""
        import numpy as np
        import xarray as xr

        variables: dict[str, Any] = {}
        if notes:
            times = np.array([t for t, _ in notes], float)
            variables["note_time"] = ("note", times, {"units": "s"})
            variables["note_text"] = ("note", np.array([text for _, text in notes], dtype=object))
        if not self._written:
            for name in self._held:
                variables[name] = ("time", self._joined(name), self._attrs(name))
            write_dataset(xr.Dataset(variables).set_coords("time"), self._folder)
            return
        self._flush(self._waiting)
        if notes:
            remarks = xr.Dataset(variables)
            beside = self._folder.with_name(f"{self._folder.name}-notes")
            write_dataset(remarks, beside)
            for note in variables:
                (beside / note).rename(self._folder / note)
            shutil.rmtree(beside)

    def _joined(self, name: str) -> NDArray[Any]:
        import numpy as np

        return np.concatenate(self._held[name]) if self._held[name] else np.empty(0)

    def _attrs(self, name: str) -> dict[str, Any]:
        if name == "time":
            return {"units": "s"}
        if name in self._units:
            missing = f"no evidence; {flag_name(name)} says why"
            return {"units": self._units[name], "missing": missing}
        return {"flag_values": list(FLAGS), "flag_meanings": " ".join(FLAGS.values())}

    def _flush(self, rows: int) -> None:
        import zarr
        from zarr.codecs import Crc32cCodec

        with mapped_os_errors("write the series", self._folder):
            if not self._arrays:
                group = zarr.create_group(self._folder, zarr_format=3)
                for name, pieces in self._held.items():
                    self._arrays[name] = group.create_array(
                        name,
                        shape=(0,),
                        dtype=pieces[0].dtype,
                        chunks=(self._block,),
                        compressors=[Crc32cCodec()],
                        dimension_names=["time"],
                        attributes=self._attrs(name),
                        config={"write_empty_chunks": True},
                    )
            for name in list(self._held):
                values = self._joined(name)
                array = self._arrays[name]
                array.resize((self._written + rows,))
                array[self._written :] = values[:rows]
                self._held[name] = [values[rows:].copy()]
        self._written += rows
        self._waiting -= rows


def _mark(values: NDArray[Any], flags: NDArray[Any]) -> int:
    import numpy as np

    good = flags == GOOD
    flags[good] = STUCK
    values[good] = np.nan
    return int(np.count_nonzero(good))
