"""Rules as they are written: units, words, citations, and every problem at once."""

from __future__ import annotations

import pytest

from consilience.custody import Metric
from consilience.errors import BadInputError
from consilience.rules import Rule, RuleChange, apply_changes, read_rules

GOOD = """
[[rule]]
id = "test.dose"
effect = "doubt"
metric = "electron_fluence"
op = ">"
value = 200.0
unit = "1/angstrom^2"
words = "took {electron_fluence} e/Å² ({electron_fluence.why})"
clear = "less"
citation = "somebody"
arxiv = "2412.19376"
"""


def rule(**fields: object) -> Rule:
    (shipped,), problems = read_rules(GOOD, "good.toml")
    assert problems == []
    return Rule.model_validate({**shipped.to_json(), **fields})


def test_thresholds_are_kept_in_the_unit_of_the_metric() -> None:
    told = rule(metric="storage_hours", value="2 d", unit="", words="stored")
    assert (told.value, told.unit) == (48.0, "h")
    assert rule(value=2.0, unit="1/nm^2").value == 0.02
    warm = rule(metric="electron_fluence_warm", at="-170 degC", words="warm")
    assert warm.at == 103.15
    assert warm.text() == "electron_fluence_warm (at 103.15 K) > 200 1/angstrom^2"


def test_a_rule_survives_json() -> None:
    told = rule(metric="seconds_above", at="136 K", value="1 min", unit="", words="warm")
    assert Rule.model_validate_json(told.model_dump_json()) == told


def test_words_are_filled_with_numbers_and_reasons() -> None:
    metric = Metric("electron_fluence", None, "1/angstrom^2", 300.0, "two maps, one unknown")
    filled = rule().filled({"electron_fluence": metric})
    assert filled == "took at least 300 e/Å² (two maps, one unknown)"
    unknown = Metric("electron_fluence", None, "1/angstrom^2")
    assert rule().filled({"electron_fluence": unknown}) == "took unknown e/Å² (no reason recorded)"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('metric = "electron_fluenc"', "did you mean 'electron_fluence'"),
        ('value = "200 K"', "measures something else"),
        ('value = "many"', "is not a quantity with a unit"),
        ('unit = ""', "needs a unit beside it"),
        ('at = "90 K"', "takes no 'at'"),
        ('words = "{air_seconds}"', "which is no metric of this rule"),
        ('words = "{electron_fluence.__class__}"', "which is no metric of this rule"),
        ('arxiv = "yes"', "is not of the form 2412.19376"),
        ('arxiv = ""', "needs 'doi', 'arxiv' or 'journal'"),
        ('arxiv = ""\njournal = "somewhere"', "write journal, volume, (year), page"),
        ('doi = "doi.org/10"', "is not of the form 10.1234/abc"),
        ('clear = " "', "it is empty"),
        ('effect = "panic"', "'note', 'doubt', 'veto' or 'off'"),
        ('op = "~"', "Input should be '>'"),
        ("colour = 1", "colour: nothing of that name is known"),
        ('id = "Dose!"', "write plugin.name"),
    ],
)
def test_what_is_wrong_is_named(wrong: str, said: str) -> None:
    key = wrong.split(" = ")[0]
    lines = [line for line in GOOD.splitlines() if not line.startswith(f"{key} ")]
    rules, problems = read_rules("\n".join([*lines, wrong]), "bad.toml")
    assert rules == []
    assert len(problems) == 1
    assert problems[0].startswith("bad.toml, rule 1 (")
    assert said in problems[0]


def test_all_problems_of_a_file_come_at_once_with_their_numbers() -> None:
    second = GOOD.replace("test.dose", "test.two").replace('"doubt"', '"doubts"')
    second = second.replace("2412.19376", "24")
    third = GOOD.replace("test.dose", "test.three").replace('clear = "less"', "")
    rules, problems = read_rules(GOOD + second + third, "three.toml")
    assert [r.id for r in rules] == ["test.dose"]
    assert [p.split(":")[0] for p in problems] == [
        "three.toml, rule 2 (test.two)",
        "three.toml, rule 2 (test.two)",
        "three.toml, rule 3 (test.three)",
    ]


def test_a_file_that_is_no_toml_or_has_other_tables_is_refused() -> None:
    assert "it is not TOML" in read_rules("[[rule]", "x.toml")[1][0]
    assert "no table [[rules]]" in read_rules("[[rules]]\nid = 1", "x.toml")[1][0]
    assert "two brackets" in read_rules("[rule]\nid = 1", "x.toml")[1][0]
    assert "stands there twice" in read_rules(GOOD + GOOD, "x.toml")[1][0]


def test_a_study_changes_fields_and_says_why() -> None:
    change = RuleChange(id="test.dose", fields={"value": "500 1/angstrom^2"}, reason="thin film")
    (changed,) = apply_changes([rule()], [change])
    assert changed.value == 500.0
    assert changed.overrides == "value 200 → 500; reason: thin film"
    off = RuleChange(id="test.dose", fields={"effect": "off"}, reason="blank")
    assert apply_changes([rule()], [off])[0].effect == "off"


def test_a_scope_is_changed_where_it_is_named_and_kept_elsewhere() -> None:
    before = rule(scope={"material": ["LiF"], "modality": ["eels"]})
    change = RuleChange(id="test.dose", fields={"scope": {"modality": ["apt"]}}, reason="r")
    (after,) = apply_changes([before], [change])
    assert (after.scope.material, after.scope.modality) == (["LiF"], ["apt"])


def test_a_study_has_rules_of_its_own() -> None:
    fields = {k: v for k, v in rule().to_json().items() if k not in ("id", "overrides")}
    own = RuleChange(id="study.dose", fields=fields, reason="ours")
    assert [r.id for r in apply_changes([rule()], [own])] == ["study.dose", "test.dose"]


def test_wrong_changes_are_all_listed() -> None:
    changes = [
        RuleChange(id="test.dos", fields={}, reason="r"),
        RuleChange(id="test.dose", fields={"value": "1 K"}, reason="r"),
        RuleChange(id="test.dose", fields={}, reason=" "),
    ]
    with pytest.raises(BadInputError) as caught:
        apply_changes([rule()], changes)
    assert "3 problem(s)" in caught.value.what
    assert "did you mean 'test.dose'" in caught.value.what
    assert "measures something else" in caught.value.what
    assert "no reason is given" in caught.value.what


def test_a_paper_without_a_number_is_named_by_its_place() -> None:
    told = rule(arxiv="", journal="J. Power Sources 124 (2003) 518-525")
    assert told.cited == "somebody, J. Power Sources 124 (2003) 518-525"
    assert told.link == ""
