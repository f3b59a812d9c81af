"""Cold and ultra-high vacuum is not always good: NMC in the atom probe."""

from __future__ import annotations

from typing import Any

import pytest

from consilience.custody import Custody
from consilience.custody.conditions import checked
from consilience.model.finding import Finding, Source, Subject
from consilience.model.measurement import DataSummary, MeasurementRecord
from consilience.model.sample import Sample, Step
from consilience.registry import Registry
from consilience.rules import Rule, caveats_for, load_rules


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    return [r for r in load_rules(Registry.discover()) if r.id.startswith("apt.nmc")]


def step(kind: str, hour: int, minutes: int = 60, **conditions: str) -> Step:
    end = f"{hour:02d}:59:59" if minutes == 60 else f"{hour:02d}:{minutes:02d}:00"
    return Step.model_validate(
        {
            "id": f"st-{kind}-{hour}",
            "sample": "needle",
            "type": kind,
            "start": f"2026-03-01T{hour:02d}:00:00+00:00",
            "end": f"2026-03-01T{end}+00:00",
            "conditions": checked(kind, conditions),
        }
    )


MILL = step("mill", 8, ion="Xe", temperature="90 K", pressure="1e-5 Pa")
COAT = step("coat", 9, material="Cr", thickness="10 nm", atmosphere="vacuum")
COLD = step("transfer", 10, temperature="90 K", pressure="1e-7 Pa", carrier="vacuum suitcase")
THROUGH_AIR = step("transfer", 10, 5, temperature="20 degC", atmosphere="air")


def fired(rules: list[Rule], steps: list[Step], start: int = 11, **fields: Any) -> dict[str, str]:
    record = MeasurementRecord(
        id="m1",
        name="ions",
        modality="apt",
        sample="needle",
        state={},
        origin="measured",
        stored={},
        reader="apt.pos",
        plugin="apt",
        version="1",
        array=None,
        lazy=None,
        summary=DataSummary(variables={}, coordinates={}),
        start=f"2026-03-01T{start}:00:00+00:00",
    )
    empty = ("region", "std_stat", "std_sys", "interval", "covariance", "array")
    more = ("probe", "limit", "reason", "unassigned", "status")
    about = Finding.identified(
        {
            **dict.fromkeys((*empty, *more)),
            "kind": "element_amount",
            "subject": Subject(element="Li"),
            "value": 0.2,
            "unit": "1",
            "sample": "needle",
            "state": {},
            "rivals": [],
            "evidence": {},
            "assumptions": [],
            "method": "m",
            "origin": "measured",
            "measurements": ["m1"],
            "source": Source(plugin="apt", version="1", analysis="apt.a"),
            **fields,
        }
    )
    samples = {"needle": Sample(id="needle", materials=["NMC811"])}
    custody = Custody(samples, steps, (), {"m1": record})
    caveats = caveats_for([about], {"m1": record}, rules, custody)
    return {c.rule: c.effect for c in caveats}


def test_an_uncoated_needle_carried_cold_in_vacuum_is_left_out(rules: list[Rule]) -> None:
    assert fired(rules, [MILL, COLD]) == {"apt.nmc-cryo-uhv": "veto"}


def test_a_coat_cures_it(rules: list[Rule]) -> None:
    assert fired(rules, [MILL, COAT, COLD]) == {}


def test_a_short_way_through_air_cures_it(rules: list[Rule]) -> None:
    assert fired(rules, [MILL, THROUGH_AIR]) == {}


def test_without_a_coat_it_stays_doubtful_where_the_way_is_not_recorded(rules: list[Rule]) -> None:
    assert fired(rules, [MILL]) == {"apt.nmc-uncoated": "doubt", "apt.nmc-cryo-uhv": "note"}


def test_air_before_the_needle_was_milled_does_not_shield_it(rules: list[Rule]) -> None:
    stored = step("store", 5, atmosphere="air")
    assert fired(rules, [stored, MILL, COLD]) == {"apt.nmc-cryo-uhv": "veto"}
    on_the_way = step("expose", 10, 1)
    later = step("transfer", 11, temperature="90 K", pressure="1e-7 Pa", carrier="vacuum suitcase")
    assert fired(rules, [stored, MILL, on_the_way, later], start=12) == {}


def test_a_coat_that_may_be_milled_away_is_no_coat_for_certain(rules: list[Rule]) -> None:
    cap = step("coat", 7, material="Pt", thickness="500 nm")
    assert fired(rules, [cap, MILL, COLD]) == {"apt.nmc-cryo-uhv": "note"}


def test_nothing_recorded_is_noted_as_unknown(rules: list[Rule]) -> None:
    assert fired(rules, []) == {"apt.nmc-uncoated": "note"}


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": Subject(element="Ni")},
        {"kind": "element", "status": "present", "value": None, "unit": None},
    ],
)
def test_other_elements_and_mere_presence_are_not_touched(
    rules: list[Rule], fields: dict[str, Any]
) -> None:
    assert fired(rules, [MILL, COLD], **fields) == {}


def test_the_sources_are_the_two_papers(rules: list[Rule]) -> None:
    assert [r.arxiv for r in rules] == ["2110.03716", "2309.07842"]
