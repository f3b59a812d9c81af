"""Metrics from steps: numbers where the chain leaves no room, bounds and reasons where it does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.custody import Custody, Metric
from consilience.custody.conditions import checked
from consilience.model.measurement import DataSummary, MeasurementRecord
from consilience.model.sample import Sample, Step

DAY = datetime(2026, 3, 1, tzinfo=UTC)
SAMPLES = {
    "chip": Sample(id="chip"),
    "lamella": Sample(id="lamella", parent="chip"),
}
SUMS = ("air_seconds", "storage_hours", "hours_since_cut", "unaccounted_hours")


def at(minutes: float) -> str:
    return (DAY + timedelta(minutes=minutes)).isoformat()


def step(
    kind: str,
    begin: float | None = None,
    end: float | None = None,
    sample: str = "chip",
    *,
    name: str = "",
    sequence: int | None = None,
    derives: str | None = None,
    remains: str = "",
    **conditions: Any,
) -> Step:
    return Step(
        id=f"st-{name or kind}",
        sample=sample,
        type=kind,  # type: ignore[arg-type]
        start=None if begin is None else at(begin),
        end=None if end is None else at(end),
        sequence=sequence,
        derives=derives,
        remains=remains,
        conditions=checked(kind, conditions),
    )


def record(minutes: float | None = None, sample: str = "chip", **more: Any) -> MeasurementRecord:
    fields: dict[str, Any] = {
        "id": "m-1",
        "name": "signal",
        "modality": "eels",
        "sample": sample,
        "state": {},
        "origin": "measured",
        "stored": {},
        "reader": "x",
        "plugin": "x",
        "version": "0",
        "array": None,
        "lazy": None,
        "summary": DataSummary(variables={}, coordinates={}),
        "start": None if minutes is None else at(minutes),
    }
    return MeasurementRecord.model_validate({**fields, **more})


def ask(
    name: str,
    steps: list[Step],
    measured: MeasurementRecord | None = None,
    parameter: float | None = None,
) -> Metric:
    one = measured or record(600)
    return Custody(SAMPLES, steps, records={one.id: one}).metric(name, one, parameter)


WHOLE = [
    step("prepare", 0, 10, atmosphere="Ar"),
    step("store", 10, 130, atmosphere="Ar"),
    step("expose", 130, 130.25),
    step("transfer", 130.25, 600, carrier="suitcase", pressure="1e-9 mbar"),
]


def test_a_chain_without_gaps_gives_numbers() -> None:
    assert ask("air_seconds", WHOLE).value == 15.0
    assert ask("storage_hours", WHOLE).value == 2.0
    assert ask("unaccounted_hours", WHOLE).value == 0.0


def test_a_gap_is_never_good_but_bounds_what_it_can_be() -> None:
    gapped = [s for s in WHOLE if s.type != "store"]
    air = ask("air_seconds", gapped)
    assert (air.value, air.at_least, air.at_most) == (None, 15.0, 15.0 + 7200.0)
    assert air.holds(">", 10.0) is True
    assert air.holds(">", 60.0) is None
    assert air.holds(">", 8000.0) is False
    assert "7200 s between the steps are not accounted for" in air.why
    assert ask("unaccounted_hours", gapped).value == 2.0


def test_an_unstated_atmosphere_may_be_air() -> None:
    steps = [*WHOLE[:3], step("transfer", 130.25, 600, carrier="bag")]
    air = ask("air_seconds", steps)
    assert (air.value, air.at_least) == (None, 15.0)
    assert air.at_most == pytest.approx(15.0 + 469.75 * 60)
    assert "not known whether in air: transfer (st-transfer)" in air.why


def test_nothing_recorded_is_unknown_for_every_metric() -> None:
    from consilience.custody.metrics.steps import __all__ as names

    for name in sorted(set(names) - {"time_contradictions", "value_contradictions"}):
        found = ask(name, [], parameter=273.15 if name == "warm_reactive_mills" else None)
        assert (found.value, found.at_least, found.at_most) == (None, None, None), name
        assert found.why


def test_store_counts_from_the_last_preparation_disassembly_or_cut() -> None:
    steps = [
        step("store", 0, 100, name="old", atmosphere="Ar"),
        step("disassemble", 100, 120, atmosphere="Ar"),
        step("store", 120, 180, name="new", atmosphere="Ar"),
        step("lift_out", 180, 240, derives="lamella", ion="Xe"),
        step("store", 240, 300, "lamella", name="lamella", atmosphere="Ar"),
    ]
    assert ask("storage_hours", steps, record(180)).value == 1.0
    assert ask("storage_hours", steps, record(300, "lamella")).value == 1.0
    assert ask("hours_since_cut", steps, record(300, "lamella")).value == 1.0
    assert ask("unaccounted_hours", steps, record(300, "lamella")).value == 0.0


def test_store_before_any_known_beginning_is_a_lower_bound() -> None:
    found = ask("storage_hours", [WHOLE[1]], record(130))
    assert (found.value, found.at_least, found.at_most) == (None, 2.0, None)


def test_an_undated_chain_is_ordered_by_its_sequence() -> None:
    steps = [
        step("freeze", sequence=1, method="poured LN2", liquid="LP40", atmosphere="Ar"),
        step("mill", sequence=2, ion="Ga+", temperature="90 K"),
        step("lift_out", sequence=3, derives="lamella", ion="Xe", temperature="90 K"),
        step("freeze", sequence=4, name="later", method="plunge", liquid="none"),
        step("store", None, None, "lamella", sequence=1, duration="2 h", atmosphere="Ar"),
        step("measure", None, None, "lamella", sequence=2, modality="eels", temperature="77 K"),
    ]
    lamella = record(None, "lamella")
    assert ask("frozen_liquid", steps, lamella).value == 1.0
    assert ask("slow_freezes", steps, lamella).value == 1.0
    assert ask("warm_reactive_mills", steps, lamella, 273.15).value == 0.0
    assert ask("temperature", steps, lamella).value == 77.0
    stored = ask("storage_hours", steps, lamella)
    assert (stored.value, stored.at_least, stored.at_most) == (None, 2.0, None)
    since = ask("hours_since_cut", steps, lamella)
    assert since.value is None
    assert "time of the measurement is not known" in since.why


def test_ga_is_counted_only_where_ion_and_temperature_are_known() -> None:
    warm = step("mill", 0, 10, name="warm", ion="Ga", temperature="20 degC")
    cold = step("mill", 10, 20, name="cold", ion="Ga", temperature="90 K")
    xenon = step("mill", 20, 30, name="xe", ion="Xe")
    silent = step("mill", 30, 40, name="silent", ion="Ga")
    assert ask("warm_reactive_mills", [warm, cold, xenon], None, 273.15).value == 1.0
    found = ask("warm_reactive_mills", [warm, silent], None, 273.15)
    assert (found.value, found.at_least, found.at_most) == (None, 1.0, 2.0)
    lifted = ask("warm_reactive_mills", [step("lift_out", 0, 5)], None, 273.15)
    assert lifted.value is None
    assert "no mill and no ion is recorded" in lifted.why


def test_a_bound_is_used_as_a_bound() -> None:
    below = step("mill", 0, 10, ion="Ga", temperature="< -170 degC")
    assert below.conditions["temperature"] == "< 103.15 K"
    assert ask("warm_reactive_mills", [below], None, 273.15).value == 0.0
    seen = step("measure", 590, 610, modality="eels", temperature="< -170 degC")
    found = ask("temperature", [seen])
    assert found.value is None
    assert found.at_most == pytest.approx(103.15)
    assert found.holds("<=", 103.15) is True
    assert found.holds(">", 120.0) is False
    assert found.holds("<=", 90.0) is None


def test_frozen_liquid_says_unknown_where_nobody_said_what_froze() -> None:
    assert ask("frozen_liquid", [step("freeze", 0, 1)]).value is None
    assert ask("frozen_liquid", [step("freeze", 0, 1, liquid="none")]).value == 0.0
    wet = step("freeze", 0, 1, liquid="1 M LiPF6 in EC:DEC")
    assert ask("frozen_liquid", [wet]).value == 1.0
    assert ask("frozen_liquid", [wet, step("warm", 2, 3, temperature="293 K")]).value == 1.0
    assert ask("frozen_liquid", [wet, step("dry", 2, 3)]).value == 0.0
    assert ask("frozen_liquid", [step("store", 0, 1, temperature="77 K")]).value is None
    assert ask("frozen_liquid", [step("store", 0, 1)]).value == 0.0


def test_a_coat_that_was_milled_since_is_no_coat_to_rely_on() -> None:
    coat = step("coat", 10, 20, material="Cr")
    assert ask("coated", [step("mill", 0, 5, ion="Ga"), coat]).value == 1.0
    assert ask("coated", [coat, step("mill", 30, 40, ion="Ga")]).value is None
    assert ask("coated", [step("mill", 0, 5, ion="Ga")]).value == 0.0


def test_a_transfer_is_cold_and_in_vacuum_only_where_both_are_said() -> None:
    cold = step("transfer", 10, 20, temperature="83 K", pressure="1e-9 mbar")
    gas = step("transfer", 10, 20, temperature="83 K", cover_gas="N2")
    silent = step("transfer", 10, 20, pressure="1e-9 mbar")
    assert ask("cryo_uhv_transfer", [cold]).value == 1.0
    assert ask("cryo_uhv_transfer", [gas]).value == 0.0
    assert ask("cryo_uhv_transfer", [silent]).value is None
    milled = step("mill", 30, 40, ion="Ga")
    assert ask("cryo_uhv_transfer", [cold, milled]).value is None


def test_temperatures_that_differ_are_not_averaged() -> None:
    said = [
        step("measure", 590, 610, name="one", temperature="77 K"),
        step("measure", 580, 620, name="two", temperature="293 K"),
    ]
    found = ask("temperature", said)
    assert (found.value, found.at_least, found.at_most) == (None, 77.0, 293.0)
    assert "these differ" in found.why


def test_a_stated_duration_beside_other_times_leaves_an_interval() -> None:
    air = ask("air_seconds", [step("expose", 599, 600, duration="15 s")])
    assert (air.value, air.at_least, air.at_most) == (None, 15.0, 60.0)


# ------------------------------------------------------------------------------------- properties

KINDS = {
    "store": [{"atmosphere": "Ar"}, {"atmosphere": "air"}, {}],
    "expose": [{}, {"atmosphere": "N2"}],
    "transfer": [{"pressure": "1e-9 mbar"}, {"cover_gas": "Ar"}, {}],
    "mill": [{"ion": "Xe"}, {"ion": "Ga"}, {}],
    "prepare": [{}],
}


@st.composite
def chains(draw: st.DrawFn) -> list[Step]:
    steps, now = [], 0
    for number in range(draw(st.integers(1, 5))):
        now += draw(st.sampled_from([0, 0, 7]))
        kind = draw(st.sampled_from(sorted(KINDS)))
        length = draw(st.integers(2, 90))
        steps.append(
            step(
                kind,
                now,
                draw(st.sampled_from([now + length] * 4 + [None])),
                name=str(number),
                **draw(st.sampled_from(KINDS[kind])),
            )
        )
        now += length
    return steps


def split(one: Step, minutes: int) -> list[Step]:
    """Return a step as two that join."""
    middle = (datetime.fromisoformat(one.start or "") + timedelta(minutes=minutes)).isoformat()
    return [
        one.model_copy(update={"id": f"{one.id}a", "end": middle}),
        one.model_copy(update={"id": f"{one.id}b", "start": middle}),
    ]


@settings(max_examples=150, deadline=None)
@given(chains(), st.data())
def test_splitting_a_step_changes_nothing_that_sums(steps: list[Step], data: st.DataObject) -> None:
    dated = [s for s in steps if s.end is not None]
    moment = record(data.draw(st.integers(0, 400)))
    if not dated:
        return
    one = data.draw(st.sampled_from(dated))
    length = datetime.fromisoformat(one.end or "") - datetime.fromisoformat(one.start or "")
    parts = split(one, data.draw(st.integers(1, int(length.total_seconds() // 60) - 1)))
    halved = [part for s in steps for part in (parts if s is one else [s])]
    for name in SUMS:
        whole, sum_of_parts = ask(name, steps, moment), ask(name, halved, moment)
        for field in ("value", "at_least", "at_most"):
            before, after = getattr(whole, field), getattr(sum_of_parts, field)
            if before is None or after is None:
                assert before == after, (name, field)
            else:
                assert after == pytest.approx(before, abs=1e-9), (name, field)


@settings(max_examples=100, deadline=None)
@given(chains(), st.data())
def test_unknown_never_becomes_a_number(steps: list[Step], data: st.DataObject) -> None:
    """Taking a fact away never makes a new number and never narrows what can be."""
    moment = record(data.draw(st.integers(0, 400)))
    number = data.draw(st.integers(0, len(steps) - 1))
    one = steps[number]
    what = data.draw(st.sampled_from(["end", "times", "conditions"]))
    taken = {
        "end": {"end": None},
        "times": {"start": None, "end": None},
        "conditions": {"conditions": {}},
    }[what]
    if one.type == "expose" and what == "conditions":
        return  # an expose step without a gas is one to air, by definition
    poorer = [*steps[:number], one.model_copy(update=taken), *steps[number + 1 :]]
    for name in ("air_seconds", "storage_hours", "unaccounted_hours"):
        known, less = ask(name, steps, moment), ask(name, poorer, moment)
        if known.value is None:
            assert less.value is None or one.type == "prepare", (name, what)
        low = known.value if known.value is not None else known.at_least
        high = known.value if known.value is not None else known.at_most
        if less.value is not None and known.value is not None:
            assert less.value == pytest.approx(known.value)
        if one.type == "prepare":
            continue  # the beginning of the count moves
        if low is not None and (less.at_least or less.value) is not None:
            assert (less.at_least or less.value or 0.0) <= low + 1e-9, (name, what)
        if less.at_most is not None:
            assert high is not None
            assert less.at_most >= high - 1e-9, (name, what)


def test_to_freeze_again_does_not_undo_a_warm_up() -> None:
    wet = step("freeze", 0, 1, liquid="LP40", temperature="77 K")
    warm = step("transfer", 1, 31, temperature="250 K", carrier="vacuum suitcase")
    cold = {"temperature": "85 K", "carrier": "vacuum suitcase"}
    for liquid in ({"liquid": "none"}, {}, {"liquid": "LP40"}):
        again = step("freeze", 31, 32, name="again", **liquid)
        steps = [wet, warm, again, step("transfer", 32, 60, name="on", **cold)]
        assert ask("frozen_liquid", steps, record(60)).value == 1.0
        assert ask("seconds_above", steps, record(60), 136.0).value == 1800.0
        assert ask("peak_temperature", steps, record(60)).value == 250.0
        rinsed = [*steps[:2], step("rinse", 30, 31), *steps[2:]]
        assert ask("seconds_above", rinsed, record(60), 136.0).value == 0.0
    silent = [step("freeze", 0, 1, liquid="none"), step("freeze", 2, 3, name="silent")]
    assert ask("frozen_liquid", silent, record(60)).value is None


def test_a_mill_at_the_temperature_itself_is_not_warmer() -> None:
    mill = step("mill", 0, 10, ion="Ga", temperature="-170 degC")
    assert ask("warm_reactive_mills", [mill], None, 103.15).value == 0.0


def test_zero_degrees_is_a_temperature() -> None:
    icy = record(60).model_copy(
        update={"metadata": {"temperature": {"value": 0.0, "unit": "degC"}}}
    )
    assert ask("temperature", [], icy).value == pytest.approx(273.15)


def test_a_suitcase_whose_sensor_saw_vacuum_was_not_in_air() -> None:
    from custody_logs import custody_of, log
    from custody_logs import step as logged

    carry = logged(0, 600, id="st-carry", conditions={"carrier": "suitcase"})
    seen = log(carry, range(0, 601, 5), pressure=[1e-6] * 121)
    late = log(carry, range(100, 601, 5), pressure=[1e-6] * 101)
    moment = record(10, "chip").model_copy(update={"start": "2026-03-01T10:10:00+00:00"})
    for series, value in (([seen], 0.0), ([late], None), ([], None)):
        known = custody_of([carry], series, [moment])
        assert known.metric("air_seconds", moment).value == value
