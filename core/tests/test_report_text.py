"""Numbers, units and hostile text as the report writes them."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import pytest

from consilience.model import Quantity
from consilience.notation import cell, interval, measured, number, unit_text
from consilience.report.evidence import facts
from consilience.report.rows import statement
from consilience.report.text import visible
from consilience.report.timeline import written


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((3.92314, "angstrom", 0.00123, 0.0041), "3.9231 ± 0.0012 (stat) ± 0.0041 (sys) Å"),
        ((3.92314, "angstrom", 1e-7, 0.0041), "3.9231 ± < 0.0001 (stat) ± 0.0041 (sys) Å"),
        ((1.35123, "1", 0.00019, 0.029), "1.351 ± < 0.001 (stat) ± 0.029 (sys)"),
        ((1.35123, "1", 0.0029, 0.029), "1.3512 ± 0.0029 (stat) ± 0.0290 (sys)"),
        ((31234.0, "count", 1234.0, 3.0), "31200 ± 1200 (stat) ± < 100 (sys) counts"),
        ((12.0, "nm", None, None), "12 nm, uncertainty unknown"),
        ((12.0, "nm", 0.5, None), "12.00 ± 0.50 (stat) ± unknown (sys) nm"),
        ((12.0, "nm", 0.5, 0.0), "12.00 ± 0.50 (stat) ± 0 (sys) nm"),
        ((None, "nm", 0.5, 0.1), "unknown"),
        ((1.2e-9, "mbar", 1e-10, None), "(1.20 ± 0.10 (stat) ± unknown (sys)) × 10⁻⁹ mbar"),
        ((31234.0, "count", 1234.0, None), "31200 ± 1200 (stat) ± unknown (sys) counts"),
        ((-0.0996, "1", 0.0996, None), "−0.10 ± 0.10 (stat) ± unknown (sys)"),
        ((90.0, "deg", 0.3, None), "90.00 ± 0.30 (stat) ± unknown (sys)°"),
    ],
)
def test_measured_numbers_are_rounded_to_their_deviation(given: tuple, said: str) -> None:
    assert measured(*given) == said


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ("1/angstrom", "Å⁻¹"),
        ("1/nm**2", "nm⁻²"),
        ("e/angstrom**2", "e⁻/Å²"),
        ("photon/um^2", "photon/µm²"),
        ("um", "µm"),
        ("ohm*cm**2", "Ω cm²"),
        ("W m-2", "W m⁻²"),
        ("1", ""),
        (None, ""),
        ("furlong", "furlong"),
        ("<b>", "<b>"),
    ],
)
def test_units(unit: str | None, said: str) -> None:
    assert unit_text(unit) == said


def test_unknown_is_a_word_and_never_zero() -> None:
    assert number(None) == "unknown"
    assert cell(None) == "unknown"
    assert cell({"value": None, "unit": "K"}) == "unknown K"
    assert cell([1, None]) == "1, unknown"
    assert number(math.nan) == "not a number"
    assert facts({"dose": None}).pairs == (("dose", None),)


def test_quantities_in_metadata_have_their_unit() -> None:
    assert cell({"value": 18.0, "unit": "keV"}) == "18 keV"
    assert cell(Quantity(value=1e-9, unit="mbar")) == "1 × 10⁻⁹ mbar"
    assert cell({"value": 4.2, "unit": "angstrom", "std_stat": 0.01, "std_sys": 0.02}) == (
        "4.200 ± 0.010 (stat) ± 0.020 (sys) Å"
    )
    assert interval(None, 2.0, 0.95, "nm") == "95 % interval: below 2 nm"


def test_what_hides_or_reorders_is_made_visible() -> None:
    assert visible("a\u202eb") == "a‹U+202E›b"
    assert visible("\x00\x1b[31m") == "‹U+0000›‹U+001B›[31m"
    assert visible("\ud800\u200b\u2028") == "‹U+D800›‹U+200B›‹U+2028›"
    assert visible("日本 é\n") == "日本 é\n"
    visible("".join(map(chr, range(0x110000)))).encode("utf-8")


def test_deep_and_long_values_are_cut_and_say_so() -> None:
    deep: object = 1
    for _ in range(2000):
        deep = [deep]
    assert cell(deep) == "…"
    (_, said), *_ = facts({"raw": "x" * 9000}).pairs
    assert said is not None
    assert said.endswith("(7000 more characters; the study has all)")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, None),
        ("2025-03-05T09:20+01:00", "2025‑03‑05 09:20 +01:00"),
        ("2025-03-05T09:20:11-05:00", "2025‑03‑05 09:20:11 −05:00"),
        ("2025-03-05T09:20:11Z", "2025‑03‑05 09:20:11 UTC"),
        ("2025-03-05", "2025‑03‑05 (time zone unknown)"),
        ("yesterday", "yesterday (no date between 1900 and 2200)"),
        ("0001-01-01T00:00+14:00", "0001-01-01T00:00+14:00 (no date between 1900 and 2200)"),
    ],
)
def test_times_say_what_they_leave_out(text: str | None, said: str | None) -> None:
    assert written(text) == said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"array": "arrays/fit"}, "a map or profile"),
        ({"array": "arrays/fit", "reason": "humps of 45%"}, "no number; humps of 45%"),
        ({}, "value unknown"),
        ({"reason": "no scale", "status": "not_observable"}, "not observable: no scale"),
    ],
)
def test_a_finding_without_a_number_says_why(
    report_samples: ModuleType, more: dict[str, Any], said: str
) -> None:
    finding = report_samples.finding("phase_fraction", None, "chip", [], **more)
    assert statement(finding, set()) == said
