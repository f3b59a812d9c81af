"""Conditions as the field writes them."""

from __future__ import annotations

import pytest

from consilience.custody.account.phrases import condition_text
from consilience.custody.conditions import checked
from consilience.model import Quantity, Step
from consilience.notation import time_text
from consilience.report.timeline import timeline_blocks
from consilience.view import Table


@pytest.mark.parametrize(
    ("step", "name", "said", "shown"),
    [
        ("mill", "voltage", "30 kV", "30 kV"),
        ("mill", "voltage", "500 V", "500 V"),
        ("mill", "current", "50 pA", "50 pA"),
        ("mill", "current", "4 nA", "4 nA"),
        ("measure", "fluence_rate", "100 e/Å²/s", "100 e/Å²/s"),
        ("measure", "fluence", "2000 e/Å²", "2000 e/Å²"),
        ("mill", "fluence", "5 1/nm^2", "0.05 Å⁻²"),
        ("store", "temperature", "-190 degC", "−190 °C (83.15 K)"),
        ("store", "temperature", "90 K", "90 K (−183.15 °C)"),
        ("store", "temperature", "< -150 degC", "below −150 °C (123.15 K)"),
        ("store", "pressure", "1e-9 mbar", "1 × 10⁻⁹ mbar (1 × 10⁻⁷ Pa)"),
        ("store", "duration", "60 min", "1 h"),
        ("store", "duration", "90 min", "90 min"),
        ("store", "o2", "< 5 ppm", "below 5 ppm"),
        ("store", "atmosphere", "argon", "Ar"),
    ],
)
def test_conditions_are_written_as_the_field_does(
    step: str, name: str, said: str, shown: str
) -> None:
    value = checked(step, {name: said})[name]
    assert condition_text(name, value, step) == shown


def test_a_condition_with_a_deviation_keeps_it() -> None:
    value = Quantity(value=90.0, unit="K", std_stat=2.0)
    assert condition_text("temperature", value) == "90.0 ± 2.0 (stat) ± unknown (sys) K"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(60.0, "1 min"), (3600.0, "1 h"), (5400.0, "90 min"), (86400.0, "1 d"), (0.5, "0.5 s")],
)
def test_durations_keep_their_numbers_small(seconds: float, shown: str) -> None:
    assert time_text(seconds) == shown


def test_the_table_of_the_report_has_them() -> None:
    conditions = checked("mill", {"voltage": "30 kV", "current": "50 pA", "ion": "Ga"})
    (table,) = timeline_blocks([Step(id="st-1", sample="a", type="mill", conditions=conditions)])
    assert isinstance(table, Table)
    assert table.rows[0][-1] == "current: 50 pA; ion: Ga; voltage: 30 kV"
