"""Quantities and times: read with their units and zones, or refused with both readings shown."""

from __future__ import annotations

import pytest

from consilience.errors import BadInputError
from consilience.quantities import _PLAIN, convert, parse_quantity, parse_value
from consilience.times import parse_time


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("90 K", "K", 90.0),
        ("-190 degC", "K", 83.15),
        ("-190 °C", "K", 83.15),
        ("1e-9 mbar", "Pa", 1e-7),
        ("738.5 torr", "Pa", 98458.5688),
        ("738.5 Torr", "Pa", 98458.5688),
        ("\N{MINUS SIGN}190 °C", "K", 83.15),
        ("50 ppb", "ppm", 0.05),
        ("1.5406 Å", "nm", 0.15406),
        ("10 min", "s", 600.0),
    ],
)
def test_quantity_is_converted(text: str, unit: str, value: float) -> None:
    quantity = parse_quantity(text, unit)
    assert quantity.unit == unit
    assert quantity.value == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("90", "not a quantity with a unit"),
        ("cold", "not a quantity with a unit"),
        ("90 nm", "cannot be converted to K"),
        ("90 wibbles", "the unit 'wibbles' is not known"),
    ],
)
def test_bad_quantity_says_why(text: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message) as caught:
        parse_quantity(text, "K")
    assert caught.value.fix


@pytest.mark.parametrize("text", ["0,1 ppm", "1,000 ppm", "-0,1 ppm", "5 , ppm", "5 ppm?", "5 nm%"])
def test_a_comma_is_never_dropped(text: str) -> None:
    """Pint drops it: ``0,1 ppm`` would be 0 ppm."""
    with pytest.raises(BadInputError):
        parse_quantity(text)
    assert isinstance(parse_value(text), str)


def test_a_decimal_comma_is_named() -> None:
    with pytest.raises(BadInputError, match="'0,1 ppm': a comma in a number can be") as caught:
        parse_quantity("0,1 ppm", "ppm")
    assert caught.value.fix == "write a decimal point, and no separators: '0.1 ppm', '1000 s'"


@pytest.mark.parametrize(
    ("text", "unit", "fix"),
    [
        ("-190 C", "K", "did you mean degC?"),
        ("90 Kelvin", "K", "did you mean K?"),
        ("10 m", "s", "did you mean min?"),
        ("1e-9 mbr", "Pa", "did you mean mbar?"),
        ("200 KeV", "keV", "did you mean keV?"),
        ("300 kV", "keV", "write keV: an electron accelerated by 1 kV has 1 keV"),
        ("50 1/A^2/s", "1/angstrom^2/s", "A is the ampere: write Å or angstrom"),
        ("90 C", "Pa", "give a quantity in a unit like Pa"),
        ("0.4", "percent", "write number, space, unit, for example '90 percent'"),
    ],
)
def test_the_unit_that_was_meant_is_named(text: str, unit: str, fix: str) -> None:
    with pytest.raises(BadInputError) as caught:
        parse_quantity(text, unit)
    assert caught.value.fix == fix


def test_a_temperature_difference_of_one_scale_is_not_mixed_with_the_other() -> None:
    assert convert(25.0, "degC", "K") == pytest.approx(298.15)
    assert convert(77.0, "K", "degC") == pytest.approx(-196.15)


def test_values_of_the_command_line() -> None:
    assert parse_value("3") == 3
    assert parse_value("3.5") == 3.5
    assert parse_value("true") is True
    assert parse_value("lithiated") == "lithiated"
    assert parse_value("nan") == "nan"
    assert parse_value("0.5 V").unit == "V"  # type: ignore[union-attr]
    assert parse_value("2 theta scan") == "2 theta scan"


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("11.12.20", ["2020-12-11", "2020-11-12", "2011-12-20"]),
        ("03/04/2026 10:00", ["2026-04-03", "2026-03-04"]),
    ],
)
def test_ambiguous_date_is_refused_with_all_readings(text: str, readings: list[str]) -> None:
    with pytest.raises(BadInputError, match="ambiguous") as caught:
        parse_time(text, "UTC")
    for reading in readings:
        assert reading in caught.value.what


def test_date_that_can_be_read_in_one_way_is_taken() -> None:
    assert parse_time("25.12.2020 10:00", "UTC") == "2020-12-25T10:00:00+00:00"


def test_time_zone_is_asked_for_and_applied() -> None:
    with pytest.raises(BadInputError, match="no time zone"):
        parse_time("2026-03-01T10:00:00")
    assert parse_time("2026-07-01T10:00:00", "Europe/London").endswith("+01:00")
    assert parse_time("2026-07-01T10:00:00+02:00", "UTC").endswith("+02:00")
    with pytest.raises(BadInputError, match="time zone 'Mars/Base' is not known"):
        parse_time("2026-07-01T10:00:00", "Mars/Base")


def test_the_hour_that_comes_twice_is_refused() -> None:
    with pytest.raises(BadInputError, match="change of the clocks") as caught:
        parse_time("2026-10-25T01:30:00", "Europe/London")
    assert "+01:00" in caught.value.what
    assert "+00:00" in caught.value.what


@pytest.mark.parametrize("pair", _PLAIN, ids="-".join)
def test_what_is_converted_without_pint_is_converted_alike(pair: tuple[str, str]) -> None:
    import pint

    registry = pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
    for value in (-40.0, 0.0, 1.0, 36.6, 1e5):
        theirs = registry.Quantity(value, pair[0]).to(pair[1]).magnitude
        assert convert(value, *pair) == pytest.approx(theirs, rel=1e-11, abs=1e-9)
