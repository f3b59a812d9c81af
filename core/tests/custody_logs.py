"""Steps with logs in memory, for tests of exposure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import xarray as xr

from consilience.custody import Custody
from consilience.custody.chain import Link, Moment, chain_of
from consilience.custody.past.exposure import Window
from consilience.custody.past.spans import Past
from consilience.model import MeasurementRecord, Quantity, Sample, SensorSeries, Step

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
UNITS = {"temperature": "K", "pressure": "Pa", "o2": "ppm", "h2o": "ppm"}


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def step(begin: float | None, end: float | None, **fields: Any) -> Step:
    """A step from `begin` to `end` seconds; conditions as (number, unit) or text."""
    conditions = {
        key: value if isinstance(value, str) else Quantity(value=value[0], unit=value[1])
        for key, value in fields.pop("conditions", {}).items()
    }
    return Step(
        **{
            "id": f"st-{begin}-{end}",
            "sample": "chip",
            "type": "transfer",
            "start": None if begin is None else at(begin),
            "end": None if end is None else at(end),
            "conditions": conditions,
            **fields,
        }
    )


def log(
    of: Step,
    time: Any,
    gap: str | None = "10 s",
    *,
    start: str | None = at(0),
    name: str = "log",
    source: str | None = None,
    **columns: Any,
) -> tuple[SensorSeries, xr.Dataset]:
    """A series with its data; ``o2_flag`` and the like are flags."""
    data = xr.Dataset(
        {k: ("time", np.asarray(v)) for k, v in columns.items()},
        coords={"time": np.asarray(time, float)},
    )
    readings = [k for k in columns if not k.endswith("_flag")]
    series = SensorSeries(
        id=f"se-{of.id}-{name}",
        step=of.id,
        sample=of.sample,
        file="log.csv",
        sha256="0" * 64,
        array=None,
        columns={k: UNITS[k] for k in readings},
        rows=len(data["time"]),
        start=start,
        mapping={
            "gap": gap,
            "columns": {k: {"column": source or k, "unit": UNITS[k]} for k in readings},
        },
    )
    return series, data


def custody_of(
    steps: list[Step],
    logs: list[tuple[SensorSeries, xr.Dataset]],
    records: list[MeasurementRecord] | None = None,
) -> Custody:
    data = {series.id: dataset for series, dataset in logs}
    return Custody(
        {"chip": Sample(id="chip")},
        steps,
        [series for series, _ in logs],
        {r.id: r for r in records or []},
        lambda series: data[series.id],
    )


def window(custody: Custody, of: Step, until: float = 1e6) -> Window:
    """The step as it lies before a moment."""
    chain = chain_of(Moment("chip", at(until)), custody.samples, custody.steps)
    past = Past(chain, custody.samples, custody.steps)
    link: Link = next(k for k in chain.links if k.step.id == of.id)
    return Window(link, past)
