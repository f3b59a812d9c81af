"""Thinned series: no extreme is lost, gaps stay empty, memory is bounded by slices."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from consilience.custody import traces
from consilience.custody.traces import trace_of
from consilience.errors import BadInputError
from consilience.model.sample import SensorSeries


def series_of(rows: int, **mapping) -> SensorSeries:
    return SensorSeries(
        id="se-1",
        step="st-1",
        sample="lamella",
        file="log.csv",
        sha256="0" * 64,
        array="a" * 64,
        columns={"temperature": "K"},
        rows=rows,
        start="2026-03-01T10:00:00+00:00",
        mapping=mapping,
    )


def data_of(time: np.ndarray, values: np.ndarray) -> xr.Dataset:
    return xr.Dataset({"temperature": ("time", values)}, coords={"time": time})


def test_one_reading_among_many_is_still_seen():
    time = np.arange(100_000.0)
    values = np.full(time.size, 90.0)
    values[51_234] = 163.0
    trace = trace_of(series_of(time.size), data_of(time, values), "temperature", slices=100)
    assert max(v for v in trace.high if v is not None) == 163.0
    assert trace.high[51] == 163.0
    assert trace.low[51] == 90.0


def test_a_gap_has_no_reading():
    time = np.concatenate([np.arange(0.0, 40.0), np.arange(60.0, 101.0)])
    trace = trace_of(
        series_of(time.size, gap="30 s"), data_of(time, np.full(time.size, 90.0)), "temperature", 10
    )
    assert trace.low[4:6] == (None, None)
    assert all(v == 90.0 for v in trace.low[:4] + trace.low[6:])
    assert trace.gap_seconds == 30.0


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch):
    generator = np.random.default_rng(3)
    time = np.cumsum(generator.exponential(1.0, 5_000))
    values = generator.normal(90.0, 1.0, time.size)
    values[::7] = np.nan
    whole = trace_of(series_of(time.size), data_of(time, values), "temperature")
    monkeypatch.setattr(traces, "_ROWS", 113)
    assert trace_of(series_of(time.size), data_of(time, values), "temperature") == whole


def test_the_first_slice_begins_where_the_log_does():
    time = np.arange(3600.0, 3700.0)
    trace = trace_of(series_of(100), data_of(time, np.ones(100)), "temperature")
    assert trace.start == "2026-03-01T11:00:00+00:00"


def test_an_unknown_column_is_named_with_those_there_are():
    data = data_of(np.arange(3.0), np.ones(3))
    with pytest.raises(BadInputError, match="no column 'pressure'") as caught:
        trace_of(series_of(3), data, "pressure")
    assert caught.value.fix == "its columns are: temperature"
