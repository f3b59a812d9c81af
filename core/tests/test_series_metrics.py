"""Metrics of sensor series over a chain: numbers where all is recorded, bounds where not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from custody_logs import at, custody_of, log, step
from dose_samples import record as record_of

from consilience.custody import Custody
from consilience.model import Step


def measured(time: float | None, **more: Any) -> Any:
    return record_of("m", "chip", time=None, **more, start=None if time is None else at(time))


def ask(
    steps: list[Step], logs: Any, name: str, when: float, parameter: float | None = None
) -> Any:
    record = measured(when)
    custody: Custody = custody_of(steps, logs, [record])
    return custody.metric(name, record, parameter)


ARGON = {"atmosphere": "Ar"}
FREEZE = step(0, 10, type="freeze", id="st-freeze")
CARRY = step(
    10, 3610, id="st-carry", conditions={"atmosphere": "vacuum", "carrier": "vacuum suitcase"}
)


def cold(of: Step, **columns: Any) -> Any:
    return log(of, np.arange(0, 3611, 10), "60 s", **columns)


def test_oxygen_adds_over_the_steps_that_state_or_measure_it() -> None:
    store = step(0, 7200, type="store", conditions={**ARGON, "o2": (0.5, "ppm")})
    carry = step(7200, 7200 + 1800, conditions=ARGON)
    series = log(carry, np.arange(7200, 9001, 10), "60 s", o2=np.full(181, 4.0))
    found = ask([store, carry], [series], "o2_ppm_hours", 9000)
    assert found.value == pytest.approx(0.5 * 2 + 4.0 * 0.5)
    assert found.evidence == (store.id, carry.id, series[0].id)
    assert "as stated" in found.why
    assert "by its sensor" in found.why


def test_a_minute_of_air_is_dry_air_where_nobody_measured() -> None:
    air = step(0, 60, type="expose")
    assert ask([air], [], "o2_ppm_hours", 60).value == pytest.approx(209390 / 60)
    water = ask([air], [], "h2o_ppm_hours", 60)
    assert (water.value, water.at_least) == (None, None)
    assert "not recorded, nothing known for 60 s" in water.why


def test_vacuum_and_sealed_cells_are_no_exposure_to_a_gas() -> None:
    cycle = step(0, 100, type="cycle")
    vacuum = step(100, 200, conditions={"atmosphere": "vacuum"})
    assert ask([cycle, vacuum], [], "o2_ppm_hours", 200).value == 0.0


def test_an_argon_step_without_a_figure_leaves_the_sum_unknown() -> None:
    store = step(0, 3600, type="store", conditions={**ARGON, "o2": (2.0, "ppm")})
    box = step(3600, 7200, type="store", conditions=ARGON)
    found = ask([store, box], [], "o2_ppm_hours", 7200)
    assert (found.value, found.at_least, found.at_most) == (None, 2.0, None)
    assert found.holds(">", 1.0) is True
    assert found.holds(">", 3.0) is None


def test_a_stated_bound_answers_what_it_can() -> None:
    box = step(0, 3600, type="store", conditions={**ARGON, "o2": "< 0.1 ppm"})
    found = ask([box], [], "o2_ppm_hours", 3600)
    assert (found.value, found.at_least, found.at_most) == (None, None, pytest.approx(0.1))
    assert found.holds(">", 16.8) is False


def test_time_between_the_steps_leaves_the_sum_unknown() -> None:
    one = step(0, 3600, type="store", conditions={"o2": (1.0, "ppm")})
    two = step(3700, 7300, type="store", conditions={"o2": (1.0, "ppm")})
    found = ask([one, two], [], "o2_ppm_hours", 7300)
    assert (found.value, found.at_least) == (None, 2.0)
    assert "100 s between the steps are not accounted for" in found.why


def test_steps_that_overlap_are_not_simply_added() -> None:
    one = step(0, 3600, type="store", conditions={"o2": (1.0, "ppm")})
    two = step(1800, 5400, type="store", conditions={"o2": (3.0, "ppm")})
    found = ask([one, two], [], "o2_ppm_hours", 5400)
    assert (found.value, found.at_least, found.at_most) == (None, 3.0, 4.0)
    assert "overlap" in found.why


def test_a_suitcase_that_warmed_for_ten_minutes_is_found() -> None:
    time = np.arange(0, 3611, 10)
    kelvin = np.where((time >= 1000) & (time <= 1600), 160.0, 95.0)
    series = cold(CARRY, temperature=kelvin)
    found = ask([FREEZE, CARRY], [series], "seconds_above", 3610, 136.0)
    ramps = 2 * 10.0 * (160.0 - 136.0) / (160.0 - 95.0)
    assert found.value == pytest.approx(600.0 + ramps)
    assert found.evidence == (CARRY.id, series[0].id)
    peak = ask([FREEZE, CARRY], [series], "peak_temperature", 3610)
    assert peak.value == 160.0


def test_what_was_warm_before_the_last_freeze_does_not_count() -> None:
    warm = step(-3600, 0, type="store", conditions={"temperature": (298.0, "K")})
    series = cold(CARRY, temperature=np.full(362, 95.0))
    assert ask([warm, FREEZE, CARRY], [series], "seconds_above", 3610, 136.0).value == 0.0


def test_a_sensor_gap_is_unknown_and_bounded() -> None:
    time = np.arange(0, 3611, 10)
    keep = (time <= 1000) | (time >= 1600)
    kelvin = np.full(362, 95.0)
    series = log(CARRY, time[keep], "60 s", temperature=kelvin[keep])
    found = ask([FREEZE, CARRY], [series], "seconds_above", 3610, 136.0)
    assert (found.value, found.at_least, found.at_most) == (None, None, 600.0)
    blind = ask([FREEZE, CARRY], [series], "unrecorded_seconds", 3610)
    assert blind.value == pytest.approx(600.0)
    peak = ask([FREEZE, CARRY], [series], "peak_temperature", 3610)
    assert (peak.value, peak.at_least) == (None, 95.0)


def test_a_clean_chain_has_nothing_unrecorded() -> None:
    series = cold(CARRY, temperature=np.full(362, 95.0), pressure=np.full(362, 1e-6))
    steps = [FREEZE, CARRY]
    assert ask(steps, [series], "unrecorded_seconds", 3610).value == 0.0
    assert ask(steps, [series], "peak_pressure", 3610).value == 1e-6


def test_a_leak_shows_in_the_peak_of_pressure() -> None:
    pressure = np.full(362, 1e-6)
    pressure[200] = 30.0
    found = ask([FREEZE, CARRY], [cold(CARRY, pressure=pressure)], "peak_pressure", 3610)
    assert found.value == 30.0


def test_pressure_without_any_figure_is_unknown() -> None:
    found = ask([FREEZE, CARRY], [], "peak_pressure", 3610)
    assert (found.value, found.at_least, found.at_most) == (None, None, None)
    assert found.holds(">", 1e-4) is None
    none = ask([FREEZE], [], "peak_pressure", 10)
    assert none.value is None
    assert none.why == "no transfer or store in vacuum is recorded"


def test_never_frozen_is_said_and_no_number() -> None:
    for name, parameter in (("seconds_above", 136.0), ("peak_temperature", None)):
        found = ask([CARRY], [], name, 3610, parameter)
        assert (found.value, found.why) == (None, "no freeze is recorded")


def test_a_chain_without_times_gives_what_is_certain() -> None:
    freeze = step(None, None, type="freeze", sequence=1, id="st-f")
    warm = step(
        None, None, sequence=2, id="st-w", conditions={"temperature": (300.0, "K"),
                                                      "duration": (60.0, "s")},
    )  # fmt: skip
    look = step(None, None, type="measure", sequence=3, id="st-m")
    record = measured(None)
    custody = custody_of([freeze, warm, look], [], [record])
    found = custody.metric("seconds_above", record, 136.0)
    assert (found.value, found.at_least) == (None, 60.0)
    peak = custody.metric("peak_temperature", record)
    assert (peak.value, peak.at_least) == (None, 300.0)


def test_without_any_step_nothing_is_known() -> None:
    for name in ("o2_ppm_hours", "peak_pressure", "peak_temperature", "unrecorded_seconds"):
        found = ask([], [], name, 0)
        assert found.value is None
        assert "no step" in found.why


def test_a_log_is_gone_over_once_for_all_measurements_after_its_step() -> None:
    series, data = cold(CARRY, temperature=np.full(362, 95.0))
    custody = custody_of([FREEZE, CARRY], [(series, data)])
    opened = []

    def opening(which: Any) -> Any:
        opened.append(which.id)
        return data

    custody._open_series = opening
    after = step(3610, 9000, type="store", conditions={"temperature": (90.0, "K")})
    custody.steps = [FREEZE, CARRY, after]
    found = []
    for i, when in enumerate((3610, 4000, 5000)):
        record = record_of(f"m{i}", "chip", time=None, start=at(when))
        found.append(custody.metric("seconds_above", record, 92.0).value)
    assert found == pytest.approx([3600.0] * 3)
    assert opened == [series.id]
    during = record_of("during", "chip", time=None, start=at(1010))
    assert custody.metric("seconds_above", during, 92.0).value == pytest.approx(1000.0)
    assert opened == [series.id] * 2


def test_a_leak_while_it_waits_in_the_suitcase_is_seen() -> None:
    wait = step(10, 3610, type="store", id="st-wait", conditions={"carrier": "suitcase"})
    pascal = np.full(362, 1e-7)
    pascal[100:] = 5.0
    series = log(wait, np.arange(0, 3611, 10)[: len(pascal)], "60 s", pressure=pascal)
    assert ask([FREEZE, wait], [series], "peak_pressure", 3610).value == 5.0
    glovebox = step(10, 3610, type="store", id="st-box", conditions=ARGON)
    assert ask([FREEZE, glovebox], [], "peak_pressure", 3610).at_least is None


def test_a_sensor_that_looks_stuck_is_counted_where_a_metric_reads_it() -> None:
    logs = cold(CARRY, temperature=np.full(362, 90.0))
    stuck = [(logs[0].model_copy(update={"suspect": ["temperature", "voltage"]}), *logs[1:])]
    found = ask([CARRY], stuck, "suspect_sensors", 3610)
    assert found.value == 1.0
    assert found.why == f"temperature in {logs[0].file}"
    assert found.evidence == (logs[0].id, CARRY.id)
    assert ask([CARRY], [logs], "suspect_sensors", 3610).value == 0.0
    later = step(4000, 5000, id="st-later")
    assert ask([later], stuck, "suspect_sensors", 3610).value == 0.0
