"""Conditions of steps: one unit each, bounds kept as bounds, near-misses refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.custody.conditions import (
    ASKED,
    GLOSSARY,
    OWN,
    bounds,
    checked,
    missing,
    out_of_bounds,
    unusual,
)
from consilience.errors import BadInputError
from consilience.model.base import Quantity
from consilience.model.sample import STEP_TYPES, Step
from consilience.quantities import parse_quantity
from consilience.study.steps import step_from


def one(kind: str = "store", **conditions: object) -> object:
    (value,) = checked(kind, conditions).values()
    return value


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("temperature", "-190 degC", 83.15),
        ("pressure", "1e-9 mbar", 1e-7),
        ("duration", "2 d", 172800.0),
        ("o2", "0.1 ppm", 0.1),
        ("humidity", "40 %", 40.0),
        ("thickness", "0.2 um", 200.0),
        ("current", "3 nA", 3e-9),
        ("fluence", "40 e/Å^2", 40.0),
        ("fluence_rate", "3.5e3 e-/angstrom^2/s", 3500.0),
    ],
)
def test_quantities_are_stored_in_one_unit(name: str, text: str, value: float) -> None:
    stored = one(**{name: text})
    assert isinstance(stored, Quantity)
    assert (stored.value, stored.unit) == (pytest.approx(value), GLOSSARY[name].unit)


def test_a_quantity_with_standard_deviations_is_converted_with_them() -> None:
    stored = one(temperature={"value": -190.0, "unit": "degC", "std_stat": 2.0})
    assert stored == Quantity(value=83.15, unit="K", std_stat=2.0)


def test_a_bound_stays_a_bound() -> None:
    assert one(o2="<5 ppm") == "< 5 ppm"
    assert one(temperature="below -170 degC") == "< 103.15 K"
    assert bounds("< 5 ppm", "ppm") == (None, 5.0)
    assert bounds(">= 1e-9 mbar", "Pa") == (pytest.approx(1e-7), None)
    assert bounds("unknown", "K") == bounds(None, "K") == (None, None)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("temprature", "temperature"),
        ("Temperature", "temperature"),
        ("temp", "temperature"),
        ("temperature_C", "temperature"),
        ("pressure_mbar", "pressure"),
        ("O2", "o2"),
        ("moisture", "h2o"),
        ("atmoshpere", "atmosphere"),
        ("cover gas", "cover_gas"),
        ("ions", "ion"),
    ],
)
def test_a_name_that_nearly_is_a_known_one_is_refused(name: str, meant: str) -> None:
    with pytest.raises(BadInputError, match=f"{name!r} is nearly {meant!r}") as caught:
        checked("store", {name: "1"})
    assert f"write {meant!r}" in caught.value.fix


@pytest.mark.parametrize("name", ["dose", "operator", "iron", "co2", "temperature_end", "tilt"])
def test_other_names_are_kept(name: str) -> None:
    assert checked("store", {name: "some words"}) == {name: "some words"}


def test_all_problems_come_at_once() -> None:
    with pytest.raises(BadInputError) as caught:
        checked("mill", {"ion": "Gx", "temperature": 90, "pressure": "3 K", "current": "much"})
    for part in ("ion 'Gx' is not known", "temperature is 90, without a unit", "'3 K'", "'much'"):
        assert part in caught.value.what
    assert "temperature = '90 K'" in caught.value.fix


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("temperature", "-300 degC"),
        ("temperature", "0 K"),
        ("pressure", "0 mbar"),
        ("humidity", "140 %"),
        ("o2", "-1 ppm"),
        ("h2o", "2e6 ppm"),
        ("duration", "-3 s"),
        ("thickness", "0 nm"),
    ],
)
def test_what_cannot_be_is_refused(name: str, text: str) -> None:
    with pytest.raises(BadInputError, match="which cannot be"):
        one(**{name: text})


def test_words_become_those_that_rules_know() -> None:
    assert one("freeze", method="poured LN2") == "poured"
    assert one("freeze", method="plunge-frozen") == "plunge"
    assert one("mill", ion="Ga⁺") == one("mill", ion="gallium") == "Ga"
    assert one("mill", ion="xenon ions") == "Xe"
    assert one(atmosphere="argon") == "Ar"
    assert one(atmosphere="forming gas") == "forming gas"
    assert one("measure", modality="EELS") == "eels"
    with pytest.raises(BadInputError, match="nearly 'suitcase'"):
        one("transfer", carrier="suitcsae")
    with pytest.raises(BadInputError, match="'dipped' is not known") as caught:
        one("freeze", method="dipped")
    assert "plunge, poured" in caught.value.fix


def test_every_type_of_step_knows_and_asks_for_known_conditions() -> None:
    assert set(ASKED) == set(OWN) == set(STEP_TYPES)
    for kind in STEP_TYPES:
        asked = {name for ask in ASKED[kind] for name in ask.split(" or ")}
        assert asked <= set(GLOSSARY)
        assert OWN[kind] <= set(GLOSSARY)


def test_what_was_not_said_is_named() -> None:
    step = step_from({"sample": "s", "type": "store", "conditions": {"o2": "1 ppm", "ion": "Ga"}})
    assert missing(step) == ["atmosphere", "h2o", "duration"]
    assert unusual(step) == ["ion"]
    times = {"start": "2026-03-01T10:00Z", "end": "2026-03-01T11:00Z"}
    assert "duration" not in missing(step_from({"sample": "s", "type": "store", **times}))


def test_a_stored_value_that_cannot_be_is_found_later() -> None:
    assert out_of_bounds("temperature", Quantity(value=-5.0, unit="K")) is not None
    assert out_of_bounds("temperature", Quantity(value=3.0, unit="mbar")) is not None
    assert out_of_bounds("temperature", "< 5 K") is None
    assert out_of_bounds("own", Quantity(value=-5.0, unit="K")) is None


def test_an_ambiguous_date_is_refused_with_both_readings() -> None:
    with pytest.raises(BadInputError, match="2026-04-03 or 2026-03-04"):
        step_from({"sample": "s", "type": "store", "start": "03.04.2026 10:00", "time_zone": "UTC"})


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=20), max_size=3))
def test_any_words_are_stored_or_refused_well(conditions: dict[str, str]) -> None:
    try:
        stored = checked("transfer", conditions)
    except BadInputError:
        with pytest.raises(BadInputError, match=r".+"):
            checked("transfer", conditions)
        return
    assert set(stored) == set(conditions)
    again = checked("transfer", stored)
    assert again == stored
    Step(sample="s", type="transfer", conditions=stored)


@pytest.mark.parametrize("unit", ["0{", "K**9**9**9", "K^(9^9)^9", "m**999", "(", "K" * 80, "\\"])
def test_what_is_no_unit_is_refused_at_once(unit: str) -> None:
    with pytest.raises(BadInputError, match=r"unit|quantity"):
        parse_quantity(f"1 {unit}", "K")


def test_what_is_worked_out_is_no_condition_and_the_way_to_say_it_is_named() -> None:
    with pytest.raises(BadInputError, match="'air_seconds' is worked out from the steps") as error:
        one(air_seconds="10 s")
    assert error.value.fix == (
        "enter a step of type 'expose' with its duration, for example duration = '10 s'"
    )
    with pytest.raises(BadInputError, match="'data_faults' is worked out"):
        one(data_faults="3")


def test_a_voltage_stated_as_an_energy_is_refused_with_what_to_write() -> None:
    with pytest.raises(BadInputError, match="kV measures something else") as error:
        one("measure", energy="200 kV")
    assert error.value.fix == (
        "write voltage = '200 kV', or for electrons energy = '200 keV', which is what 200 kV "
        "gives them"
    )


def test_a_value_that_cannot_be_is_named_as_it_was_written() -> None:
    with pytest.raises(BadInputError, match=r"temperature '-300 degC' is -26\.85 K, which"):
        one(temperature="-300 degC")
