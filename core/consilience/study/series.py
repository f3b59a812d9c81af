"""Sensor series from CSV, with a column mapping that a person writes."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from consilience.errors import BadFileError, BadInputError, NotFoundError
from consilience.model.base import FrozenModel
from consilience.model.canonical import content_id
from consilience.model.sample import SensorSeries, Step
from consilience.quantities import UNITS, convert, parse_quantity
from consilience.study.added import Added
from consilience.study.entering import validated
from consilience.times import parse_time

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from consilience.study.entry import Entry

__all__ = ["SeriesMapping", "register_series"]

STUCK_ROWS = 100
"""So many equal readings of a sensor in a row are pointed out."""


class TimeColumn(FrozenModel):
    """Where the time stands: seconds (or another unit) since `start`, or absolute times."""

    column: str
    unit: str | None = None
    start: str | None = None
    time_zone: str | None = None
    clock_offset: str = "0 s"


class SensorColumn(FrozenModel):
    """A sensor: its column in the file, and the unit of the numbers there."""

    column: str
    unit: str


class SeriesMapping(FrozenModel):
    """How a CSV file is to be read; nothing of it is guessed.

    ``columns`` maps names such as ``temperature``, ``pressure``, ``o2``, ``h2o``,
    ``humidity`` to columns of the file.  A pause longer than `gap` is a gap: unknown,
    never good.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    skip_rows: int = Field(default=0, ge=0)
    gap: str | None = None
    time: TimeColumn
    columns: dict[str, SensorColumn] = Field(min_length=1)


def register_series(
    study: Entry, path: Path, step: Step, mapping: Mapping[str, Any], *, link: bool = False
) -> Added:
    """Import a CSV file onto a step; see `consilience.study.Study.add_series`.

    Raises
    ------
    BadInputError
        The mapping is incomplete or names a column or unit that does not exist.
    BadFileError
        The file is empty, or its time does not increase.
    """
    import xarray as xr

    plan = validated(SeriesMapping, mapping, f"mapping for {path.name!r}")
    if not path.is_file():
        raise NotFoundError(f"there is no file {str(path)!r}", fix="check the path", path=path)
    stored = study.store.put_file(path, link=link)
    identity = {"sha256": stored.sha256, "step": step.id, "mapping": plan.to_json()}
    series_id = content_id("se", identity)
    if study.holds("series", series_id):
        return Added("series", series_id, False, path.name)
    time, start, values, empty = _read(study.store.open_path(stored), path, plan)
    problems = _problems(time, values, empty, plan)
    data = xr.Dataset(coords={"time": ("time", time, {"units": "s"})})
    units = {}
    for name, numbers in values.items():
        unit = UNITS.get(name, plan.columns[name].unit)
        units[name] = unit
        data[name] = ("time", numbers, {"units": unit, "missing": "the log has no reading"})
    record = SensorSeries(
        id=series_id,
        step=step.id,
        sample=step.sample,
        file=stored.name,
        sha256=stored.sha256,
        array=study.store.put_dataset(data),
        columns=units,
        rows=len(time),
        start=start,
        time_zone=plan.time.time_zone,
        problems=problems,
        mapping=plan.to_json(),
    )
    appended = study.store.append_unless(
        lambda _: study.holds("series", series_id), [("series", record.to_json())]
    )
    return Added("series", series_id, bool(appended), path.name)


@contextmanager
def _rows(stored: Path, path: Path, plan: SeriesMapping) -> Iterator[Iterator[list[str]]]:
    try:
        with stored.open(encoding=plan.encoding, newline="") as file:
            reader = csv.reader(file, delimiter=plan.delimiter)
            for _ in range(plan.skip_rows):
                next(reader, None)
            yield reader
    except (UnicodeDecodeError, LookupError) as error:
        raise BadInputError(
            f"{path.name!r} is not text in {plan.encoding}: {error}",
            fix="say encoding = 'latin-1' or what it is in the mapping",
            path=path,
        ) from error


def _read(
    stored: Path, path: Path, plan: SeriesMapping
) -> tuple[NDArray[np.float64], str | None, dict[str, NDArray[np.float64]], dict[str, int]]:
    import numpy as np

    names = list(plan.columns)
    absolute = plan.time.unit is None
    seconds = array("d")
    columns = [array("d") for _ in names]
    empty = dict.fromkeys(names, 0)
    origin: datetime | None = None
    with _rows(stored, path, plan) as rows:
        header = [cell.strip() for cell in next(rows, [])]
        places = [_place(path, header, plan.columns[n].column) for n in names]
        time_place = _place(path, header, plan.time.column)
        for number, row in enumerate(rows, start=plan.skip_rows + 2):
            if not any(cell.strip() for cell in row):
                continue
            cell = row[time_place].strip() if time_place < len(row) else ""
            if absolute:
                moment = datetime.fromisoformat(parse_time(cell, plan.time.time_zone))
                origin = origin or moment
                seconds.append((moment - origin).total_seconds())
            else:
                seconds.append(_number(path, cell, number, plan.time.column))
            for i, place in enumerate(places):
                text = row[place].strip() if place < len(row) else ""
                if text in ("", "NaN", "nan"):
                    empty[names[i]] += 1
                    columns[i].append(np.nan)
                else:
                    columns[i].append(_number(path, text, number, header[place]))
    if not seconds:
        raise BadFileError(
            f"{path.name!r} holds no rows", fix="export the log again", path=path, offset=0
        )
    time = np.frombuffer(seconds, dtype=np.float64).copy()
    if not absolute:
        assert plan.time.unit is not None
        time *= convert(1.0, plan.time.unit, "s")
    _increasing(path, time)
    values = {}
    for name, column in zip(names, columns, strict=True):
        numbers = np.frombuffer(column, dtype=np.float64).copy()
        unit = plan.columns[name].unit
        target = UNITS.get(name, unit)
        if target != unit:
            zero, one = convert(0.0, unit, target), convert(1.0, unit, target)
            numbers = zero + (one - zero) * numbers
        values[name] = numbers
    return time, _start(plan, origin), values, empty


def _start(plan: SeriesMapping, origin: datetime | None) -> str | None:
    if origin is None:
        if plan.time.start is None:
            return None
        origin = datetime.fromisoformat(parse_time(plan.time.start, plan.time.time_zone))
    offset = parse_quantity(plan.time.clock_offset, "s").value
    return (origin + timedelta(seconds=offset)).isoformat()


def _place(path: Path, header: list[str], column: str) -> int:
    if column not in header:
        raise BadInputError(
            f"{path.name!r} has no column {column!r}",
            fix=f"its columns are: {', '.join(repr(h) for h in header if h) or 'none'}",
            path=path,
        )
    return header.index(column)


def _number(path: Path, text: str, line: int, column: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise BadFileError(
            f"{path.name!r}: {text!r} in column {column!r} is not a number",
            fix="mend the cell or leave it empty; an empty cell counts as unknown",
            path=path,
            line=line,
        ) from error


def _increasing(path: Path, time: NDArray[np.float64]) -> None:
    import numpy as np

    back = np.flatnonzero(~(np.diff(time) >= 0.0))
    if back.size:
        row = int(back[0]) + 1
        raise BadFileError(
            f"{path.name!r}: time goes back from {time[row - 1]:g} s to {time[row]:g} s at row "
            f"{row + 1}",
            fix="sort the log, or split it where the clock was set",
            path=path,
        )


def _problems(
    time: NDArray[np.float64],
    values: Mapping[str, NDArray[np.float64]],
    empty: Mapping[str, int],
    plan: SeriesMapping,
) -> list[str]:
    import numpy as np

    problems = []
    if plan.gap is not None:
        limit = parse_quantity(plan.gap, "s").value
        gaps = np.flatnonzero(np.diff(time) > limit)
        total = float(np.diff(time)[gaps].sum())
        if gaps.size:
            problems.append(f"{gaps.size} gap(s) of {total:g} s in all: unknown, not good")
    else:
        problems.append("no 'gap' was stated, so gaps were not looked for")
    for name, numbers in values.items():
        if empty[name]:
            problems.append(f"{name}: {empty[name]} of {numbers.size} readings are missing")
        stuck = _longest_run(numbers)
        if stuck >= STUCK_ROWS:
            problems.append(f"{name}: the same reading {stuck} times in a row; is it stuck?")
    return problems


def _longest_run(numbers: NDArray[np.float64]) -> int:
    import numpy as np

    changes = np.flatnonzero(np.diff(numbers) != 0.0)
    edges = np.concatenate(([-1], changes, [numbers.size - 1]))
    return int(np.diff(edges).max())
