"""A sensor series thinned for a picture: lowest and highest reading in each slice of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from consilience.errors import BadInputError
from consilience.model.sample import SensorSeries
from consilience.quantities import parse_quantity

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Trace", "trace_of"]

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

    if column not in data.data_vars:
        raise BadInputError(
            f"series {series.id} ({series.file}) has no column {column!r}",
            fix=f"its columns are: {', '.join(sorted(str(n) for n in data.data_vars))}",
        )
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
    gap = series.mapping.get("gap")
    return Trace(
        series=series.id,
        step=series.step,
        column=column,
        unit=series.columns[column],
        start=_shifted(series.start, first),
        slice_seconds=width,
        low=tuple(float(v) if np.isfinite(v) else None for v in low),
        high=tuple(float(v) if np.isfinite(v) else None for v in high),
        gap_seconds=None if gap is None else parse_quantity(str(gap), "s").value,
    )


def _shifted(start: str | None, seconds: float) -> str | None:
    from datetime import datetime, timedelta

    if start is None or seconds == 0.0:
        return start
    return (datetime.fromisoformat(start) + timedelta(seconds=seconds)).isoformat()
