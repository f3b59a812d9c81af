"""The published windows of dose come out of the rules, and apply where they were measured."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from consilience.custody import Custody
from consilience.model.base import Quantity
from consilience.model.finding import Finding, Source, Subject
from consilience.model.measurement import DataSummary, Exposure, MeasurementRecord
from consilience.model.sample import Sample
from consilience.registry import Registry
from consilience.rules import DoseLimit, Rule, caveats_for, dose_limits, load_rules
from consilience.rules.explain import explained


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    return [r for r in load_rules(Registry.discover()) if r.id.startswith("eels.")]


def limit(rules: list[Rule], phase: str, kelvin: float) -> DoseLimit:
    (found,) = [x for x in dose_limits(rules, phase) if x.covers(kelvin)]
    return found


@pytest.mark.parametrize(
    ("phase", "kelvin", "seconds", "relation"),
    [
        ("LiF", 293.15, 2.0, "="),
        ("LiF", 103.15, 100.0, "="),
        ("Li2CO3", 293.15, 1.0, "<"),
        ("Li2CO3", 90.0, 20.0, "="),
        ("LiF", 103.2, 2.0, "="),
        ("Li2CO3", 150.0, 1.0, "<"),
    ],
)
def test_published_windows_at_100_electrons(
    rules: list[Rule], phase: str, kelvin: float, seconds: float, relation: str
) -> None:
    found = limit(rules, phase, kelvin)
    assert found.fluence / 100.0 == seconds
    assert (found.relation, found.energy, found.fluence_rate) == (relation, 200.0, 100.0)


def test_lithium_metal_has_a_dose_that_was_shown_harmless_and_no_limit(rules: list[Rule]) -> None:
    (found,) = dose_limits(rules, "Li metal")
    assert (found.fluence, found.harmless, found.relation) == (1750.0, True, ">=")


def test_stated_and_derived_gain_by_cooling_are_both_printed(rules: list[Rule]) -> None:
    by_id = {r.id: r for r in rules}
    carbonate = "\n".join(explained(by_id["eels.li2co3-dose-cold"]))
    assert "stated as more than 300 times" in carbonate
    assert "give more than 20 times" in carbonate
    fluoride = "\n".join(explained(by_id["eels.lif-dose-cold"]))
    assert "stated as two orders of magnitude" in fluoride
    assert "give 50 times" in fluoride
    assert "https://arxiv.org/abs/2412.19376" in fluoride


def fired(
    rules: list[Rule],
    formula: str,
    fluence: float | None,
    celsius: float | None,
    *,
    rate: float | None = 50.0,
    energy: float | None = 200.0,
    materials: tuple[str, ...] = (),
    status: str = "present",
) -> dict[str, str]:
    def quantity(value: float | None, unit: str) -> Quantity | None:
        return None if value is None else Quantity(value=value, unit=unit)

    kelvin = None if celsius is None else celsius + 273.15
    exposure = Exposure(
        particle="electron",
        energy=quantity(energy, "keV"),
        fluence=quantity(fluence, "1/angstrom^2"),
        fluence_rate=quantity(rate, "1/angstrom^2/s"),
        temperature=quantity(kelvin, "K"),
    )
    content: dict[str, Any] = {
        "id": "m1",
        "name": "map",
        "modality": "eels",
        "sample": "s",
        "state": {},
        "origin": "measured",
        "stored": {},
        "reader": "eels.msa",
        "plugin": "eels",
        "version": "1",
        "array": None,
        "lazy": None,
        "summary": DataSummary(variables={}, coordinates={}),
        "exposures": [exposure],
        "start": "2026-03-01T10:00:00+00:00",
    }
    record = MeasurementRecord.model_validate(content)
    empty = ("region", "value", "unit", "std_stat", "std_sys", "interval", "covariance", "array")
    more = ("probe", "limit", "reason", "unassigned")
    reason = "overlap" if status == "not_observable" else None
    about = Finding.identified(
        {
            **dict.fromkeys((*empty, *more)),
            "kind": "phase",
            "subject": Subject(formula=formula),
            "sample": "s",
            "state": {},
            "status": status,
            "reason": reason,
            "rivals": [],
            "evidence": {},
            "assumptions": [],
            "method": "m",
            "origin": "measured",
            "measurements": ["m1"],
            "source": Source(plugin="eels", version="1", analysis="eels.a"),
        }
    )
    custody = Custody({"s": Sample(id="s", materials=list(materials))}, (), (), {"m1": record})
    caveats = caveats_for([about], {"m1": record}, rules, custody)
    return {c.rule: f"{c.effect}: {c.message}" for c in caveats}


def test_a_full_and_gentle_dose_raises_nothing(rules: list[Rule]) -> None:
    assert fired(rules, "LiF", 5000.0, -175.0) == {}
    assert fired(rules, "LiF", 150.0, 20.0) == {}
    assert fired(rules, "Li2CO3", 1500.0, -175.0) == {}
    assert fired(rules, "Li", 1500.0, 20.0, rate=3500.0) == {}


@pytest.mark.parametrize(
    ("formula", "fluence", "celsius", "rule"),
    [
        ("LiF", 250.0, 20.0, "eels.lif-dose-warm"),
        ("LiF", 250.0, -160.0, "eels.lif-dose-warm"),
        ("LiF", 11000.0, -175.0, "eels.lif-dose-cold"),
        ("LiF", 11000.0, 20.0, "eels.lif-dose-warm"),
        ("Li2CO3", 120.0, 20.0, "eels.li2co3-dose-warm"),
        ("Li2CO3", 50.0, 20.0, "eels.li2co3-dose-warm-open"),
        ("Li2CO3", 2500.0, -175.0, "eels.li2co3-dose-cold"),
        ("Li2O", 150.0, 20.0, "eels.li2o-product-warm"),
        ("Li2O", 2500.0, -175.0, "eels.li2o-product-cold"),
        ("Li", 2000.0, 20.0, "eels.li-metal-dose"),
    ],
)
def test_overdoses_are_found_by_one_rule_each(
    rules: list[Rule], formula: str, fluence: float, celsius: float, rule: str
) -> None:
    found = fired(rules, formula, fluence, celsius)
    assert set(found) == {rule}
    assert f"{fluence:g} e/Å²" in found[rule]


def test_no_limit_is_published_between_room_temperature_and_cold(rules: list[Rule]) -> None:
    said = fired(rules, "LiF", 250.0, -160.0)["eels.lif-dose-warm"]
    assert "no limit is published between room temperature and -170 °C" in said


def test_lithium_oxide_is_only_suspect_where_it_was_seen_and_not_put_in(rules: list[Rule]) -> None:
    assert fired(rules, "Li2O", 150.0, 20.0, materials=("Li2O",)) == {}
    assert fired(rules, "Li2O", 150.0, 20.0, status="not_observable") == {}


def test_other_voltage_and_rate_are_noted_as_extrapolation(rules: list[Rule]) -> None:
    found = fired(rules, "LiF", 150.0, 20.0, energy=300.0, rate=1e6)
    assert set(found) == {"eels.dose-limit-other-voltage", "eels.dose-limit-other-rate"}
    assert "at 300 keV they are an extrapolation" in found["eels.dose-limit-other-voltage"]


def test_a_missing_dose_is_noted_and_never_taken_as_fine(rules: list[Rule]) -> None:
    found = fired(rules, "LiF", None, None, rate=None, energy=None)
    assert found["eels.dose-unknown"].startswith("note: dose unknown")
    assert found["eels.lif-dose-cold"].startswith("note: it cannot be judged")
    assert fired(rules, "Li2O", None, 20.0)["eels.li2o-product-warm"].startswith("note: it cannot")


def test_an_unknown_temperature_leaves_the_warm_limit_open_but_not_the_cold(
    rules: list[Rule],
) -> None:
    between = fired(rules, "LiF", 500.0, None)
    assert between["eels.lif-dose-warm"].startswith("note: it cannot be judged")
    beyond = fired(rules, "LiF", 11000.0, None)
    assert beyond["eels.lif-dose-cold"].startswith("doubt: LiF took 11000")
