"""One pass over a log: from its file to an array of the store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.errors import BadFileError, BadInputError
from consilience.series.blocks import PIECE_ROWS, Log
from consilience.series.checking import ColumnChecker, GapCounter
from consilience.series.clock import Clock
from consilience.series.csv_log import CsvLog
from consilience.series.flags import flag_name
from consilience.series.hdf5_log import Hdf5Log, is_hdf5
from consilience.series.mapping import SeriesMapping
from consilience.series.writing import BLOCK_ROWS, SeriesWriter

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Imported", "import_log"]

NOTES = 10_000
"""So many notes are kept; further ones stay in the file only."""


@dataclass(frozen=True)
class Imported:
    """What a log turned out to be: its rows, when second 0 was, units, and what was noticed.

    `suspect` names the columns that look stuck though the mapping sets no limit.
    """

    rows: int
    start: str | None
    units: dict[str, str]
    problems: list[str]
    suspect: list[str]


def import_log(
    stored: Path,
    path: Path,
    plan: SeriesMapping,
    folder: Path,
    *,
    piece_rows: int = PIECE_ROWS,
    block_rows: int = BLOCK_ROWS,
) -> Imported:
    """Read a log once, in bounded memory, and write its columns into a folder for the store.

    Parameters
    ----------
    stored : Path
        The bytes.
    path : Path
        What the user calls the file; messages name it.
    plan : SeriesMapping
    folder : Path
        To be made; `consilience.store.Store.adopt` takes it over.
    piece_rows, block_rows : int
        Rows parsed and rows written at a time; the numbers do not depend on them.

    Raises
    ------
    BadFileError
        The log is empty or damaged, holds what is no number, or its time runs back.
    BadInputError
        The mapping does not fit the file.
    """
    log: Log = Hdf5Log(stored, path, plan) if is_hdf5(stored) else CsvLog(stored, path, plan)
    checkers = _checkers(log, path, plan)
    clock = Clock(log, path, plan)
    gaps = GapCounter(plan.seconds(plan.gap))
    writer = SeriesWriter(folder, {name: c.unit for name, c in checkers.items()}, block_rows)
    notes: list[tuple[float, str]] = []
    unkept = 0
    for block in log.blocks(piece_rows):
        time = clock.seconds(block)
        gaps.add(time)
        columns: dict[str, NDArray[Any]] = {"time": time}
        patches = []
        for name, checker in checkers.items():
            values, flags, patch = checker.check(
                time, block.values[name], block.refused.get(name), block.row
            )
            columns |= {name: values, flag_name(name): flags}
            if patch is not None:
                patches.append((name, patch))
        for name, (first, last) in patches:
            checkers[name].recount(writer.mark_stuck(name, first, last))
        writer.add(columns)
        room = NOTES - len(notes)
        notes += [(float(time[i]), text) for i, text in block.notes[:room]]
        unkept += max(0, len(block.notes) - room)
    if not writer.rows:
        raise BadFileError(
            f"{path.name!r} holds no rows", fix="export the log again", path=path, offset=0
        )
    clock.finish()
    problems = [*gaps.problems(), *clock.problems]
    for checker in checkers.values():
        problems += checker.problems(writer.rows)
    if unkept:
        problems.append(f"{unkept} further note(s) stand in the file only")
    writer.finish(notes)
    units = {n: c.unit for n, c in checkers.items()}
    suspect = [n for n, c in checkers.items() if c.suspect]
    return Imported(writer.rows, clock.start, units, problems, suspect)


def _checkers(log: Log, path: Path, plan: SeriesMapping) -> dict[str, ColumnChecker]:
    stated = log.stated() if plan.notes is not None else {}
    checkers = {}
    for name, column in plan.columns.items():
        unit = log.unit_of(column.column)
        if column.unit_note is not None:
            unit = stated.get(column.unit_note)
            if unit is None:
                raise BadInputError(
                    f"{path.name!r} has no note {column.unit_note!r}",
                    fix=f"notes near its beginning: {', '.join(map(repr, stated)) or 'none'}",
                    path=path,
                )
        checkers[name] = ColumnChecker(path, name, column, unit, plan.unit_words)
    return checkers
