"""From metrics to caveats: what holds, what does not, and what cannot be known."""

from __future__ import annotations

from typing import Any

import pytest

from consilience.custody import METRICS, Custody, Metric
from consilience.model.finding import Finding, Source, Subject
from consilience.model.measurement import DataSummary, MeasurementRecord
from consilience.model.sample import Sample
from consilience.model.verdict import Caveat
from consilience.rules import Rule, RuleChange, apply_changes, caveats_for


class Told(Custody):
    """A custody whose metrics are said beforehand; what is not said is unknown."""

    def __init__(self, materials: tuple[str, ...] = (), **numbers: Any) -> None:
        super().__init__({"s": Sample(id="s", materials=list(materials))}, ())
        self.numbers = numbers

    def metric(
        self, name: str, record: MeasurementRecord, parameter: float | None = None
    ) -> Metric:
        value = self.numbers.get(name)
        unit = METRICS[name].unit
        if isinstance(value, Metric):
            return value
        return Metric(name, value, unit, why=f"{name} was told", evidence=(f"st-{name}",))


def record(number: int = 1, **fields: Any) -> MeasurementRecord:
    content: dict[str, Any] = {
        "id": f"m{number}",
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
    }
    return MeasurementRecord.model_validate({**content, **fields})


def finding(subject: Subject | None = None, kind: str = "phase", **fields: Any) -> Finding:
    empty = dict.fromkeys(
        ("region", "value", "unit", "std_stat", "std_sys", "interval", "covariance", "array")
    )
    empty |= dict.fromkeys(("probe", "limit", "reason", "unassigned"))
    content: dict[str, Any] = {
        **empty,
        "kind": kind,
        "subject": subject or Subject(formula="LiF"),
        "sample": "s",
        "state": {},
        "status": "present",
        "rivals": [],
        "evidence": {},
        "assumptions": [],
        "method": "m",
        "origin": "measured",
        "measurements": ["m1"],
        "source": Source(plugin="eels", version="1", analysis="eels.a"),
    }
    return Finding.identified({**content, **fields})


def rule(**fields: Any) -> Rule:
    content = {
        "id": "test.air",
        "effect": "doubt",
        "metric": "air_seconds",
        "op": ">",
        "value": "15 s",
        "words": "{air_seconds} s of air",
        "clear": "no air",
        "citation": "somebody",
        "arxiv": "2412.19376",
    }
    return Rule.model_validate({**content, **fields})


def said(rules: Rule | list[Rule], custody: Custody, *found: Finding, **more: Any) -> list[Caveat]:
    measured = {"m1": record(1, **more), "m2": record(2, **more)}
    listed = rules if isinstance(rules, list) else [rules]
    return caveats_for(found or [finding()], measured, listed, custody)


def test_a_rule_fires_with_its_numbers_evidence_and_citation() -> None:
    (caveat,) = said(rule(), Told(air_seconds=20.0))
    assert caveat.message == "20 s of air"
    assert caveat.numbers == {"air_seconds": 20.0}
    assert caveat.evidence == ["st-air_seconds"]
    assert caveat.citation == "somebody, arXiv:2412.19376"
    assert caveat.clear == "no air"


def test_what_does_not_hold_or_is_unknown_says_nothing() -> None:
    assert said(rule(), Told(air_seconds=10.0)) == []
    assert said(rule(), Told()) == []


def test_the_unknown_is_said_where_the_rule_asks_for_it_and_never_as_a_number() -> None:
    (caveat,) = said(rule(if_unknown="note"), Told())
    assert caveat.effect == "note"
    assert caveat.message == (
        "it cannot be judged whether air_seconds > 15 s. Not known is the time in air: air_seconds "
        "was told"
    )
    assert caveat.numbers == {"air_seconds": None}
    assert said(rule(if_unknown="doubt"), Told())[0].effect == "doubt"


def test_a_lower_bound_is_enough_to_fire() -> None:
    at_least = Metric("air_seconds", None, "s", 30.0)
    (caveat,) = said(rule(), Told(air_seconds=at_least))
    assert caveat.message == "at least 30 s of air"
    assert said(rule(), Told(air_seconds=Metric("air_seconds", None, "s", 10.0))) == []


@pytest.mark.parametrize("origin", ["simulated", "entered"])
def test_a_simulation_and_an_entered_number_have_no_unknown_history(origin: str) -> None:
    told = rule(if_unknown="note")
    assert said(told, Told(), origin=origin) == []
    assert len(said(told, Told(air_seconds=20.0), origin=origin)) == 1
    assert said(rule(scope={"origin": ["measured"]}), Told(air_seconds=20.0), origin=origin) == []


def test_where_has_to_be_known_to_hold() -> None:
    told = rule(where=[{"metric": "frozen_liquid", "op": "==", "value": 1}], if_unknown="note")
    assert said(told, Told(air_seconds=20.0, frozen_liquid=0.0)) == []
    assert said(told, Told()) == []
    assert said(told, Told(air_seconds=1.0)) == []
    assert len(said(told, Told(air_seconds=20.0, frozen_liquid=1.0))) == 1
    assert said(told, Told(frozen_liquid=1.0))[0].effect == "note"


def test_a_rule_that_holds_where_it_may_not_matter_is_said_to_be_open() -> None:
    where = [{"metric": "frozen_liquid", "op": "==", "value": 1}]
    (caveat,) = said(rule(where=where, if_unknown="note"), Told(air_seconds=20.0))
    assert caveat.effect == "note"
    assert caveat.message.startswith(
        "air_seconds > 15 s, but it cannot be judged whether frozen_liquid == 1. Not known is"
    )
    assert said(rule(where=where), Told(air_seconds=20.0)) == []


def test_unless_clears_only_what_is_known() -> None:
    told = rule(unless=[{"metric": "coated", "op": "==", "value": 1}])
    assert said(told, Told(air_seconds=20.0, coated=1.0)) == []
    assert len(said(told, Told(air_seconds=20.0, coated=0.0))) == 1
    assert len(said(told, Told(air_seconds=20.0))) == 1


def test_a_finding_without_measurement_has_no_past_here() -> None:
    assert said(rule(), Told(air_seconds=20.0), finding(measurements=[])) == []


def test_several_measurements_behind_a_finding_are_counted() -> None:
    both = finding(measurements=["m1", "m2"])
    (caveat,) = said(rule(), Told(air_seconds=20.0), both)
    assert caveat.message == "20 s of air (2 of 2 measurements, first m1)"


@pytest.mark.parametrize(
    ("scope", "subject", "inside"),
    [
        ({"material": ["LiF"]}, Subject(formula="LiF"), True),
        ({"material": ["LiF"]}, Subject(formula="Li2O"), False),
        ({"material": ["LiF"]}, Subject(element="F"), True),
        ({"material": ["LiF"]}, Subject(element="Pt"), False),
        ({"material": ["Li2CO3"]}, Subject(element="O"), False),
        ({"subject": ["Li2O", "O"]}, Subject(element="O"), True),
        ({"element": ["Li"]}, Subject(element="F"), False),
        ({"sample_material": ["lif"]}, Subject(element="Pt"), True),
        ({"not_sample_material": ["LiF"]}, Subject(element="Pt"), False),
        ({"sample_material": ["Li metal"]}, Subject(element="Li"), True),
        ({"kind": ["element"]}, Subject(element="Li"), False),
        ({"modality": ["apt"]}, Subject(element="Li"), False),
        ({"status": ["not_observable"]}, Subject(element="Li"), False),
    ],
)
def test_scopes(scope: dict[str, list[str]], subject: Subject, inside: bool) -> None:
    custody = Told(("LiF", "gen2"), air_seconds=20.0)
    assert bool(said(rule(scope=scope), custody, finding(subject))) is inside


def test_materials_come_from_ancestors_and_from_what_was_weighed_in() -> None:
    from consilience.model.sample import Constituent, Step
    from consilience.rules import materials_of

    samples = {"a": Sample(id="a", materials=["Li foil"]), "b": Sample(id="b", parent="a")}
    part = Constituent(subject=Subject(formula="Li2CO3"))
    step = Step(sample="b", type="prepare", constituents=[part], citation="p. 1")
    assert materials_of("b", samples, [step]) == {"lifoil", "limetal", "li2co3"}
    assert materials_of("a", samples, [step]) == {"lifoil", "limetal"}


def changed(**fields: Any) -> tuple[list[Rule], dict[str, Rule]]:
    shipped = rule()
    change = RuleChange(id=shipped.id, fields=fields, reason="measured here")
    return apply_changes([shipped], [change]), {shipped.id: shipped}


def test_a_changed_rule_prints_both() -> None:
    rules, shipped = changed(value="5 s")
    measured = {"m1": record()}
    (caveat,) = caveats_for([finding()], measured, rules, Told(air_seconds=10.0), shipped)
    assert caveat.effect == "doubt"
    assert "value 15 → 5; reason: measured here" in caveat.message
    assert "as shipped it would be silent" in caveat.message


def test_a_changed_threshold_is_not_told_in_words_that_name_the_shipped_one() -> None:
    rules, shipped = changed(value="5 s")
    (caveat,) = caveats_for([finding()], {"m1": record()}, rules, Told(air_seconds=10.0), shipped)
    assert caveat.message.startswith(
        "time in air: 10 s (air_seconds was told), beyond this study's own threshold, "
        "air_seconds > 5 s [this study changed the rule"
    )
    assert caveat.clear.startswith("stay within this study's own threshold, air_seconds > 5 s; as")
    own, _ = changed(value="5 s", words="{air_seconds} s here", clear="start anew")
    assert (own[0].words, own[0].clear) == ("{air_seconds} s here", "start anew")
    effect, shipped = changed(effect="note")
    assert effect[0].words == next(iter(shipped.values())).words


def test_the_parameter_stands_in_what_a_changed_rule_says() -> None:
    known = rule(metric="seconds_above", at="136 K", value="0 s", words="warmer than 136 K")
    (own,) = apply_changes([known], [RuleChange(id=known.id, fields={"at": "160 K"}, reason="DSC")])
    assert own.words.startswith("time above 160 K since it was frozen: {seconds_above} s (")


def test_the_numbers_of_a_caveat_keep_what_is_certain() -> None:
    least = Metric("air_seconds", None, "s", at_least=20.0)
    (caveat,) = caveats_for([finding()], {"m1": record()}, [rule()], Told(air_seconds=least))
    assert caveat.numbers == {"air_seconds": "at least 20"}


def test_a_rule_that_a_study_switches_off_is_still_shown_as_a_note() -> None:
    rules, shipped = changed(effect="off")
    measured = {"m1": record()}
    (caveat,) = caveats_for([finding()], measured, rules, Told(air_seconds=20.0), shipped)
    assert caveat.effect == "note"
    assert "effect doubt → off; reason: measured here" in caveat.message
    assert "as shipped it would be a doubt: 20 s of air" in caveat.message
    assert caveats_for([finding()], measured, rules, Told(air_seconds=1.0), shipped) == []
