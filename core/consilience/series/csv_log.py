"""A log in CSV, parsed in pieces by pandas' C parser."""

from __future__ import annotations

import csv
import itertools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from consilience.errors import BadFileError, BadInputError
from consilience.series.blocks import Block
from consilience.series.mapping import SeriesMapping

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["CsvLog"]

_EMPTY = ["", "NaN", "nan"]
_HEAD_ROWS = 1000
"""So many rows are looked at for notes that state units and the start."""


class CsvLog:
    """A CSV file, with the mapping that explains it.

    Parameters
    ----------
    stored : Path
        The bytes.
    path : Path
        What the user calls the file; messages name it.
    plan : SeriesMapping
    """

    def __init__(self, stored: Path, path: Path, plan: SeriesMapping) -> None:
        self._stored = stored
        self._path = path
        self._plan = plan
        with self._opened() as file:
            self._header, self._units = self._head(file)
        times = {"time": plan.time.column, "date": plan.time.date_column}
        clock = {"hour": plan.time.hour, "minute": plan.time.minute, "second": plan.time.second}
        self._times = {k: self._place(v) for k, v in (times | clock).items() if v is not None}
        self._places = {n: self._place(c.column) for n, c in plan.columns.items()}
        self._statuses = {
            n: self._place(c.status.column) for n, c in plan.columns.items() if c.status is not None
        }
        self._note = None if plan.notes is None else self._place(plan.notes)

    def unit_of(self, column: str) -> str | None:
        """Return the unit in the row below the header, if the mapping says there is one."""
        text = self._units[self._place(column)] if self._units else ""
        return text or None

    def stated(self) -> dict[str, str]:
        """Return what notes ``name = value`` near the beginning state."""
        found: dict[str, str] = {}
        if self._note is None:
            return found
        with self._opened() as file:
            self._head(file)
            reader = csv.reader(file, delimiter=self._plan.delimiter)
            for row in itertools.islice(_rows(reader), _HEAD_ROWS):
                text = row[self._note] if self._note < len(row) else ""
                name, sign, value = text.partition("=")
                if sign:
                    found.setdefault(name.strip(), value.strip())
        return found

    def blocks(self, rows: int) -> Iterator[Block]:
        """Read it once, `rows` at a time.

        Raises
        ------
        BadFileError
            A cell is not a number (its line is named), or the file is no table.
        BadInputError
            It is not text in the encoding of the mapping.
        """
        row = 0
        with self._opened() as file:
            self._head(file)
            for frame in self._frames(file, rows):
                block = self._block(frame, row)
                if block is not None:
                    row += block.rows
                    yield block

    def _frames(self, file: TextIO, rows: int) -> Iterator[pd.DataFrame]:
        import pandas as pd

        used, texts = self._used()
        try:
            with warnings.catch_warnings():
                # cells beyond the header belong to no column that the mapping could name
                warnings.simplefilter("ignore", pd.errors.ParserWarning)
                reader = pd.read_csv(
                    file,
                    sep=self._plan.delimiter,
                    decimal=self._plan.decimal,
                    header=None,
                    names=list(range(len(self._header))),
                    usecols=used,
                    index_col=False,
                    dtype={p: object if p in texts else "float64" for p in used},
                    na_values={p: [] if p in texts else _EMPTY for p in used},
                    keep_default_na=False,
                    skipinitialspace=True,
                    chunksize=rows,
                )
                yield from reader
        except pd.errors.EmptyDataError:
            return
        except UnicodeDecodeError:
            raise
        except (ValueError, pd.errors.ParserError) as error:
            self._blame(error)

    def _used(self) -> tuple[list[int], set[int]]:
        plan = self._plan
        texts = set(self._statuses.values())
        texts |= {p for n, p in self._places.items() if plan.columns[n].missing}
        if plan.time.kind == "absolute":
            texts |= set(self._times.values())
        if self._note is not None:
            texts.add(self._note)
        used = {*self._times.values(), *self._places.values(), *texts}
        return sorted(used), texts

    def _block(self, frame: pd.DataFrame, row: int) -> Block | None:
        """Return a piece as a block, rows left out in which nothing stands."""
        import numpy as np

        _, texts = self._used()
        for place in texts:
            frame[place] = frame[place].fillna("").astype(str).str.strip()
        empty = np.ones(len(frame), bool)
        for place in {*self._times.values(), *self._places.values()}:
            column = frame[place]
            empty &= (column == "" if place in texts else column.isna()).to_numpy()
        if empty.all():
            return None
        if empty.any():
            frame = frame[~empty]
        values, refused = {}, {}
        for name, place in self._places.items():
            values[name], said = self._readings(name, frame[place], row)
            if name in self._statuses:
                good = self._plan.columns[name].status
                assert good is not None
                bad = ~frame[self._statuses[name]].isin(good.good).to_numpy()
                said = bad if said is None else said | bad
            if said is not None:
                refused[name] = said
        notes = []
        if self._note is not None:
            remarks = frame[self._note].to_numpy()
            notes = [(int(i), str(remarks[i])) for i in np.flatnonzero(remarks != "")]
        return Block(row, self._time(frame), values, refused, notes)

    def _time(self, frame: pd.DataFrame) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for role, place in self._times.items():
            found[role] = frame[place] if role in ("time", "date") else frame[place].to_numpy()
        if self._plan.time.kind == "elapsed":
            return {"time": found["time"].to_numpy()}
        if "date" in found:
            return {"time": found["date"] + " " + found["time"]}
        return found

    def _readings(
        self, name: str, column: pd.Series[Any], row: int
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
        import numpy as np

        words = self._plan.columns[name].missing
        if not words:
            return column.to_numpy(np.float64), None
        said = column.isin(words).to_numpy()
        texts = column.to_numpy()
        numbers = np.full(len(texts), np.nan)
        for i in np.flatnonzero(~said & ~column.isin(_EMPTY).to_numpy()):
            text = str(texts[i]).replace(self._plan.decimal, ".")
            try:
                numbers[i] = float(text)
            except ValueError as error:
                raise self._no_number(str(texts[i]), name, row + int(i)) from error
        return numbers, said

    def _no_number(self, text: str, name: str, row: int) -> BadFileError:
        return BadFileError(
            f"{self._path.name!r}: {text!r} in column {self._plan.columns[name].column!r} is not a "
            f"number, row {row + 1}",
            fix="mend the cell or leave it empty; an empty cell counts as unknown",
            path=self._path,
        )

    def _blame(self, error: Exception) -> None:
        """Find the cell that is no number, and say where it stands."""
        _, texts = self._used()
        numbers = sorted({*self._times.values(), *self._places.values()} - texts)
        with self._opened() as file:
            self._head(file)
            reader = csv.reader(file, delimiter=self._plan.delimiter)
            before = self._plan.skip_rows + 1 + bool(self._units)
            for row in _rows(reader):
                for place in numbers:
                    cell = row[place].strip() if place < len(row) else ""
                    if cell not in _EMPTY and not _plain(cell, self._plan.decimal):
                        raise BadFileError(
                            f"{self._path.name!r}: {cell!r} in column {self._header[place]!r} is "
                            "not a number",
                            fix="mend the cell or leave it empty; an empty cell counts as unknown",
                            path=self._path,
                            line=before + reader.line_num,
                        ) from error
        raise BadFileError(
            f"{self._path.name!r} cannot be read as a table: {error}",
            fix="check 'delimiter', 'decimal' and 'skip_rows' of the mapping, and quotation marks",
            path=self._path,
        ) from error

    @contextmanager
    def _opened(self) -> Iterator[TextIO]:
        plan = self._plan
        try:
            with self._stored.open(encoding=plan.encoding, newline="") as file:
                yield file
        except (UnicodeDecodeError, LookupError) as error:
            raise BadInputError(
                f"{self._path.name!r} is not text in {plan.encoding}: {error}",
                fix="say encoding = 'latin-1' or what it is in the mapping",
                path=self._path,
            ) from error

    def _head(self, file: TextIO) -> tuple[list[str], list[str]]:
        """Read up to the first row of readings; return header and units."""
        reader = csv.reader(file, delimiter=self._plan.delimiter)
        for _ in range(self._plan.skip_rows):
            next(_rows(reader), None)
        header = [cell.strip() for cell in next(_rows(reader), [])]
        if header:
            header[0] = header[0].removeprefix("\ufeff").strip()
        units: list[str] = []
        if self._plan.units_row:
            units = [cell.strip() for cell in next(_rows(reader), [])]
            units += [""] * (len(header) - len(units))
        return header, units

    def _place(self, column: str) -> int:
        if column not in self._header:
            raise BadInputError(
                f"{self._path.name!r} has no column {column!r}",
                fix=f"its columns are: {', '.join(repr(h) for h in self._header if h) or 'none'}",
                path=self._path,
            )
        return self._header.index(column)


def _rows(reader: Any) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise BadFileError(
            f"the log cannot be read as a table: {error}",
            fix="check 'delimiter' of the mapping, and quotation marks in the file",
        ) from error


def _plain(text: str, decimal: str) -> bool:
    try:
        float(text.replace(decimal, "."))
    except ValueError:
        return False
    return "_" not in text
