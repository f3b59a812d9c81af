"""A sensor series thinned for a picture: lowest and highest reading in each slice of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from consilience.errors import BadInputError
from consilience.model.sample import SensorSeries, Step
from consilience.quantities import parse_quantity

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Trace", "covers", "extremes_of", "trace_of"]

_ROWS = 1 << 18


@dataclass(frozen=True)
class Trace:
    """One sensor of a series, in slices of equal length.

    Parameters
    ----------
    series, step, column, unit : str
    start : str or None
        When the first slice begins, ISO 8601 with offset.
    slice_seconds : float
        Length of a slice.
    low, high : tuple of float or None
        Lowest and highest reading in each slice; None where there is none.
    gap_seconds : float or None
        Pauses longer than this are gaps; None: the mapping does not say.
    """

    series: str
    step: str
    column: str
    unit: str
    start: str | None
    slice_seconds: float
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    gap_seconds: float | None = None


def trace_of(series: SensorSeries, data: xr.Dataset, column: str, slices: int = 400) -> Trace:
    """Return one column of a series, thinned in one pass of bounded memory.

    Parameters
    ----------
    series : SensorSeries
    data : xarray.Dataset
        ``time`` (s since the series' start, increasing) and `column` over ``time``.
    slices : int
        How many slices the picture can show.

    Raises
    ------
    BadInputError
        The series has no such column.
    """
    import numpy as np

    _check(series, data, column)
    rows = int(data.sizes["time"])
    first = float(data["time"][0])
    last = float(data["time"][rows - 1])
    width = max((last - first) / slices, 1e-9)
    low = np.full(slices, np.inf)
    high = np.full(slices, -np.inf)
    for begin in range(0, rows, _ROWS):
        time = data["time"][begin : begin + _ROWS].to_numpy()
        values = data[column][begin : begin + _ROWS].to_numpy()
        known = np.isfinite(values)
        place = np.minimum(((time[known] - first) / width).astype(np.int64), slices - 1)
        np.minimum.at(low, place, values[known])
        np.maximum.at(high, place, values[known])
    return Trace(
        series=series.id,
        step=series.step,
        column=column,
        unit=series.columns[column],
        start=_shifted(series.start, first),
        slice_seconds=width,
        low=tuple(float(v) if np.isfinite(v) else None for v in low),
        high=tuple(float(v) if np.isfinite(v) else None for v in high),
        gap_seconds=_gap_seconds(series),
    )


def extremes_of(
    series: SensorSeries, data: xr.Dataset, column: str, step: Step
) -> tuple[float, float] | None:
    """Return the lowest and highest reading of a column while a step lasted.

    Parameters
    ----------
    series : SensorSeries
        Without a place in time, all of it counts for its step.
    data : xarray.Dataset
        As for `trace_of`.
    column : str
    step : Step
        Without start or end, that side of the log is not cut off.

    Returns
    -------
    tuple of float or None
        In the unit of the column; None where there is no reading.

    Raises
    ------
    BadInputError
        The series has no such column.
    """
    import numpy as np

    _check(series, data, column)
    begins, ends = (_since(series.start, at) for at in (step.start, step.end))
    lows, highs = [], []
    for begin in range(0, int(data.sizes["time"]), _ROWS):
        time = data["time"][begin : begin + _ROWS].to_numpy()
        values = data[column][begin : begin + _ROWS].to_numpy()
        seen = values[
            np.isfinite(values)
            & (time >= (-np.inf if begins is None else begins))
            & (time <= (np.inf if ends is None else ends))
        ]
        if seen.size:
            lows.append(float(seen.min()))
            highs.append(float(seen.max()))
    return (min(lows), max(highs)) if lows else None


def covers(series: SensorSeries, data: xr.Dataset, step: Step) -> bool:
    """Return False where a log begins after its step or ends before it, by more than `gap`.

    What has no place in time counts for its step as a whole.
    """
    rows = int(data.sizes["time"])
    begins, ends = (_since(series.start, at) for at in (step.start, step.end))
    gap = _gap_seconds(series) or 0.0
    if rows == 0:
        return False
    late = begins is not None and float(data["time"][0]) > begins + gap
    early = ends is not None and float(data["time"][rows - 1]) < ends - gap
    return not (late or early)


def _gap_seconds(series: SensorSeries) -> float | None:
    gap = series.mapping.get("gap")
    return None if gap is None else parse_quantity(str(gap), "s").value


def _check(series: SensorSeries, data: xr.Dataset, column: str) -> None:
    if column not in data.data_vars:
        raise BadInputError(
            f"series {series.id} ({series.file}) has no column {column!r}",
            fix=f"its columns are: {', '.join(sorted(str(n) for n in data.data_vars))}",
        )


def _since(start: str | None, at: str | None) -> float | None:
    from consilience.custody.chain import instant

    first, then = instant(start), instant(at)
    return None if first is None or then is None else (then - first).total_seconds()


def _shifted(start: str | None, seconds: float) -> str | None:
    from datetime import datetime, timedelta

    if start is None or seconds == 0.0:
        return start
    return (datetime.fromisoformat(start) + timedelta(seconds=seconds)).isoformat()
