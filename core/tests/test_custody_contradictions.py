"""What cannot be true together is found, named with both readings, and a clean chain is silent."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from consilience.custody import Custody
from consilience.custody.conflicts.contradictions import Contradiction, touching
from consilience.model.base import Quantity
from consilience.model.finding import Region
from consilience.model.measurement import MeasurementRecord
from consilience.model.sample import Sample, SensorSeries, Step

_spec = importlib.util.spec_from_file_location(
    "custody_steps_helpers", Path(__file__).with_name("test_custody_steps.py")
)
assert _spec is not None
assert _spec.loader is not None
helpers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(helpers)
at, record, step = helpers.at, helpers.record, helpers.step

BOX = Region(shape="box", coordinates=[[10, 4], [22, 9]], unit="um", frame="map")
SAMPLES = {
    "chip": Sample(id="chip"),
    "lamella": Sample(id="lamella", parent="chip", cut=BOX),
    "needle": Sample(id="needle", parent="lamella"),
}
CLEAN = [
    step("prepare", 0, 10, atmosphere="Ar"),
    step("store", 10, 130, atmosphere="Ar"),
    step("freeze", 130, 131, method="plunge", liquid="none"),
    step("transfer", 131, 160, name="in", carrier="suitcase"),
    step("lift_out", 160, 240, derives="lamella", ion="Xe"),
    step("mill", 240, 300, "lamella", ion="Xe"),
    step("transfer", 300, 330, "lamella", name="out", duration="30 min"),
    step("measure", 330, 500, "lamella", modality="eels"),
]


def found(
    steps: list[Step], *records: MeasurementRecord, series: Any = (), data: Any = None
) -> list[Contradiction]:
    custody = Custody(SAMPLES, steps, series, {r.id: r for r in records}, data)
    return list(custody.contradictions)


def codes(*args: Any, **more: Any) -> list[str]:
    return [c.code for c in found(*args, **more)]


def test_a_clean_chain_raises_nothing() -> None:
    assert found(CLEAN, record(340, "lamella"), record(5, "chip", id="m-2")) == []


def test_measured_before_its_sample_existed() -> None:
    measured = record(100, "lamella")
    (one,) = found(CLEAN, measured)
    assert one.code == "measured-before-sample"
    assert set(one.evidence) == {"m-1", "st-lift_out"}
    assert at(100) in one.readings[0]
    assert at(160) in one.readings[1]
    custody = Custody(SAMPLES, CLEAN, records={"m-1": measured})
    metric = custody.metric("time_contradictions", measured)
    assert (metric.value, metric.evidence) == (1.0, ("m-1", "st-lift_out"))
    assert custody.metric("hours_since_cut", measured).value is None


def test_measured_before_it_was_prepared() -> None:
    assert codes(CLEAN, record(-30, "chip")) == ["measured-before-sample"]


def test_steps_of_a_child_before_the_cut() -> None:
    early = step("store", 100, 120, "lamella", name="early")
    assert codes([*CLEAN, early]) == ["step-before-sample"]


def test_a_parent_that_was_used_up_cannot_be_used() -> None:
    cut = step("mill", 500, 520, "lamella", name="cut", derives="needle", remains="nothing")
    later = step("store", 530, 540, "lamella", name="later")
    assert (
        codes([*CLEAN, cut, later], record(600, "lamella", modality="xrd"))
        == ["used-after-consumed"] * 2
    )
    kept = cut.model_copy(update={"remains": "half of it"})
    assert codes([*CLEAN, kept, later], record(600, "lamella", modality="xrd")) == []


def test_the_region_that_was_cut_out_is_gone() -> None:
    inside = Region(shape="point", coordinates=[[12, 5]], unit="um", frame="map")
    beside = inside.model_copy(update={"coordinates": [[1.0, 1.0]]})
    (one,) = found(CLEAN, record(400, "chip", region=inside))
    assert (one.code, one.about) == ("used-after-consumed", "place")
    assert codes(CLEAN, record(400, "chip", region=beside)) == []
    assert codes(CLEAN, record(140, "chip", region=inside, modality="xrd")) != [
        "used-after-consumed"
    ]


def test_a_sample_is_not_in_two_places_at_once() -> None:
    twice = step("transfer", 100, 140, name="twice")
    (one, *rest) = found([*CLEAN, twice])
    assert one.code == "steps-overlap"
    assert "overlap by 30 min" in one.words
    assert [c.code for c in rest] == ["steps-overlap"]
    operando = [step("bias", 0, 100), step("measure", 10, 50, modality="xrd")]
    simultaneous = step("measure", 10, 50, name="xrf", modality="xrf")
    assert found([*operando, simultaneous]) == []


def test_a_measurement_that_is_hours_off_looks_like_a_time_zone() -> None:
    (one,) = found(CLEAN, record(560, "lamella"))
    assert one.code == "measurement-outside-step"
    assert "moved by -1 h: looks like a time zone" in one.words


def test_measured_while_it_was_carried() -> None:
    (one,) = found(CLEAN[:-1], record(310, "lamella"))
    assert one.code == "measured-elsewhere"


def logged(begin: float, minutes: float) -> tuple[SensorSeries, Any]:
    series = SensorSeries(
        id="se-1",
        step="st-out",
        sample="lamella",
        file="log.csv",
        sha256="0" * 64,
        array="a",
        columns={"temperature": "K"},
        rows=2,
        start=at(begin),
    )
    data = xr.Dataset(coords={"time": ("time", np.array([0.0, minutes * 60.0]))})
    return series, lambda _: data


@pytest.mark.parametrize(("begin", "hours"), [(360, -1), (240, 1), (-60, 6)])
def test_a_log_off_by_whole_hours_looks_like_a_time_zone(begin: float, hours: int) -> None:
    series, data = logged(begin, 30)
    (one,) = found(CLEAN, series=[series], data=data)
    assert one.code == "series-outside-step"
    assert f"moved by {hours:+d} h: looks like a time zone" in one.words
    assert set(one.evidence) == {"se-1", "st-out"}


def test_a_log_may_run_longer_or_shorter_than_its_step() -> None:
    for begin, minutes in ((200, 300), (305, 10), (290, 30), (301, 30)):
        series, data = logged(begin, minutes)
        assert found(CLEAN, series=[series], data=data) == [], (begin, minutes)
    series, data = logged(400, 30)
    (one,) = found(CLEAN, series=[series], data=data)
    assert "time zone" not in one.words


def test_a_long_step_with_a_log_one_hour_off() -> None:
    long = step("transfer", 300, 420, "lamella", name="out")
    series, data = logged(360, 120)
    (one,) = found([long], series=[series], data=data)
    assert "moved by -1 h: looks like a time zone" in one.words


def test_a_stated_duration_against_start_and_end() -> None:
    (one,) = found([step("store", 0, 180, duration="2 h")])
    assert one.code == "duration-differs"
    assert "states 2 h, but its start and end are 3 h apart: looks like a time zone" in one.words
    assert found([step("store", 0, 121, duration="2 h")]) == []


def test_values_and_orders_that_cannot_be() -> None:
    cold = Step(
        id="st-x",
        sample="chip",
        type="store",
        conditions={"temperature": Quantity(value=-4.0, unit="K")},
    )
    (one,) = found([cold])
    assert (one.code, one.about) == ("impossible-value", "value")
    backwards = Step(id="st-y", sample="chip", type="store", start=at(10), end=at(0))
    assert codes([backwards]) == ["end-before-start"]
    swapped = [step("store", 0, 10, sequence=2), step("dry", 20, 30, sequence=1)]
    assert codes(swapped) == ["order-differs"]


def test_contradictions_of_later_steps_and_other_measurements_do_not_touch() -> None:
    first, second = record(100, "lamella"), record(340, "lamella", id="m-2")
    late = step("transfer", 600, 700, "lamella", name="late", duration="1 h")
    custody = Custody(SAMPLES, [*CLEAN, late], records={"m-1": first, "m-2": second})
    assert len(custody.contradictions) == 2
    assert touching(custody, second) == []
    assert [c.code for c in touching(custody, first)] == ["measured-before-sample"]
    assert all(c.to_json()["readings"] for c in custody.contradictions)


def test_a_measure_step_dated_before_the_preparation_is_a_contradiction() -> None:
    early = step("measure", -60, -30, "chip", name="early", modality="xrd")
    (one,) = found([*CLEAN, early])
    assert one.code == "step-before-sample"
    assert one.evidence == ("st-early", "st-prepare")
    assert one.fix == "correct one of the times"
    bought = step("store", -90, -70, "chip", name="bought")
    assert codes([*CLEAN, early, bought]) == [], "what was there before it was prepared again"
