"""Claims: the figure of a text against its formula, over tables, findings and digits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consilience import Study
from consilience.declarations import Modality
from consilience.errors import BadInputError
from consilience.model import Finding, Verdict
from consilience.study.building import build
from consilience.study.study_file import read_study_file
from consilience.study.why import Ground, why

SOURCE = "a paper, p. 3"
ROUNDING = 0.005 / 3**0.5


class Technique:
    """A stand-in for a plugin: tables need a modality."""

    modality = Modality("toy", "toy", {}, {})


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    with Study.create(tmp_path / "study", "claims") as made:
        made.registry._by_type.setdefault(Modality, {})["toy"] = Technique.modality
        made.add_sample("cell")
        made.add_table(
            "cell",
            "toy",
            {"x": {"unit": "1", "values": [1.01, 0.26, 0.66, ""], "std": ROUNDING}},
            "a paper, Table 1",
            title="Table 1",
            labels=["pristine", "slow", "fast", "lost"],
            metadata={"std_is": "rounding"},
        )
        yield made


def cell(row: str) -> dict[str, str]:
    return {"table": "Table 1", "column": "x", "row": row}


def claim(**fields: Any) -> dict[str, Any]:
    return {
        "title": "more taken out",
        "value": "61",
        "unit": "%",
        "formula": "100 * ((first - slow) / (first - fast) - 1)",
        "terms": {"first": cell("pristine"), "slow": cell("slow"), "fast": cell("fast")},
        **fields,
    }


def verdict(study: Study, **fields: Any) -> Verdict:
    study.add_claim(claim(**fields), "cell", SOURCE)
    (one,) = [v for v in study.compare() if v.kind == "stated_figure"]
    return one


def left(value: str, **fields: Any) -> dict[str, Any]:
    terms = {"slow": cell("slow"), "fast": cell("fast")}
    return {"value": value, "formula": "100 * (1 - slow / fast)", "terms": terms, **fields}


def test_a_figure_that_its_formula_does_not_give_and_the_one_that_does(study: Study) -> None:
    other = {"formula": "100 * (1 - slow / fast)", "means": "what is left"}
    found = verdict(study, otherwise=[other], quote="a 61% increase")
    assert found.verdict == "disagree"
    assert found.difference == pytest.approx(61 - 114.2857, abs=1e-3)
    # first stands in the formula twice, so that its enclosure is wider than the corners'
    assert found.numbers["low"] == pytest.approx(100 * (0.74 / 0.36 - 1), abs=0.1)
    for words in (
        "the text says 61 % (“a 61% increase”)",
        "100 × ((1.01 − 0.26)/(1.01 − 0.66) − 1) is 114.3 %",
        "read otherwise, 100 × (1 − 0.26/0.66) is 60.61 %",
        "what is left; that is what the text says",
    ):
        assert words in found.reason, words


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ("61", "agree"),
        ("60.6", "agree"),
        ("60", "consistent"),
        ("61.6", "consistent"),
        ("62", "consistent"),
        ("63", "disagree"),
        ("> 50", "agree"),
        ("> 60", "consistent"),
        ("< 50", "disagree"),
    ],
)
def test_digits_decide(study: Study, value: str, answer: str) -> None:
    found = verdict(study, **left(value))
    assert found.verdict == answer
    assert found.comparison == "core.stated"


def test_rounding_is_the_error_of_the_difference(study: Study) -> None:
    found = verdict(study, **left("60"))
    half = 0.5 * (float(str(found.numbers["high"])) - float(str(found.numbers["low"])))
    assert half == pytest.approx(1.055, abs=0.01)
    assert found.std == pytest.approx(((0.5**2 + half**2) / 3) ** 0.5)
    assert found.margin is not None
    assert found.margin.value == 0.5


def test_a_caution_keeps_both_from_a_strong_answer(study: Study) -> None:
    found = verdict(study, caution="two cells at two temperatures", settle="one cell")
    assert found.verdict == "undecided"
    assert "two cells at two temperatures" in found.reason
    assert found.settle == "one cell"


def test_counts_bring_their_own_error(study: Study) -> None:
    terms = {
        "li": {"value": "14412", "std": "counting"},
        "pt": {"value": "14984", "std": "counting"},
    }
    found = verdict(study, value="50", formula="100 * li / (li + pt)", terms=terms)
    assert found.numbers["computed"] == pytest.approx(49.03, abs=0.005)
    assert found.numbers["low"] == found.numbers["high"]
    assert found.statistic == pytest.approx((49.5 - 49.0271) / 0.2916, abs=0.01)
    assert found.p_value == pytest.approx(0.0524, abs=0.001)
    assert found.verdict == "consistent"  # 1.62 of 1.645 standard deviations
    far = {**terms, "li": {"value": "14300", "std": "counting"}}
    study.add_claim(
        claim(title="far", value="50", formula="100 * li / (li + pt)", terms=far), "cell", SOURCE
    )
    assert {v.subject.label: v.verdict for v in study.compare() if v.subject} == {
        "more taken out": "consistent",
        "far": "disagree",
    }


def test_a_finding_as_a_term(study: Study) -> None:
    draft = {
        "kind": "lattice_parameter",
        "subject": {"label": "c of LiPt"},
        "value": 4.217,
        "unit": "angstrom",
        "std_stat": 0.001,
        "evidence": {"lines": 3},
        "method": "lines",
    }
    study.add_finding(draft, "cell", "a paper, Fig. 2", "xrd")
    taken = {"c": {"kind": "lattice_parameter", "subject": "c of LiPt"}}
    found = verdict(study, value="1.490", unit="1/angstrom", formula="2 * pi / c", terms=taken)
    # 1.48997 ± 0.00035: 1.645 of that is more than half of the last digit printed
    assert found.verdict == "consistent"
    computed = next(f for f in study.findings() if f.source.analysis == "core.arithmetic")
    assert computed.std_stat == pytest.approx(1.490 / 4.217 * 0.001, rel=1e-3)
    assert "the systematic error of finding lattice_parameter" in " ".join(computed.assumptions)

    def walk(ground: Ground) -> Iterator[str]:
        yield ground.text
        for other in ground.because:
            yield from walk(other)

    told = list(walk(why(study, found.id)))
    assert any("lattice parameter, c of LiPt of cell" in text for text in told)
    assert any("core.arithmetic of plugin core" in text for text in told)
    assert any("entered by a person, from: a paper, Fig. 2" in text for text in told)


def test_a_finding_is_chosen_by_its_state_as_people_write_it(study: Study) -> None:
    for volts, value in ((3.7, 0.93), (4.3, 0.26)):
        state = {"voltage": {"value": volts, "unit": "V"}, "cycle": 1.0}
        draft = {"kind": "li_content", "state": state, "value": value, "unit": "1", "method": "m"}
        study.add_finding(draft, "cell", SOURCE, "toy")
    taken = {"x": {"kind": "li_content", "state": {"voltage": "4.3 V", "cycle": 1}}}
    assert verdict(study, value="26", formula="100 * x", terms=taken).verdict == "agree"


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        ({"a": {**cell("slow"), "table": "Table 9"}}, "there is no table 'Table 9' of 'cell'"),
        ({"a": {**cell("slow"), "column": "y"}}, "has no column 'y'"),
        ({"a": cell("charged")}, "has no one row 'charged'"),
        ({"a": cell("lost")}, "gives no x for 'lost'"),
        ({"a": {"kind": "strain"}}, "there is no finding strain of 'cell'"),
    ],
)
def test_a_term_without_a_number_is_undecided_and_said(
    study: Study, terms: dict[str, Any], says: str
) -> None:
    found = verdict(study, formula="a / 2", terms=terms)
    assert found.verdict == "undecided"
    assert says in found.reason


def test_a_divisor_that_can_be_zero_is_said(study: Study) -> None:
    terms = {"a": {"value": "1.0"}, "b": {"value": "1.00"}}
    found = verdict(study, formula="1 / (a - b)", terms=terms)
    assert found.verdict == "undecided"
    assert "the divisor can be zero" in found.reason


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"value": ""}, "either value or equals"),
        ({"equals": "first"}, "either value or equals"),
        ({"formula": "first - gone"}, "has no term 'gone'"),
        ({"formula": "first"}, "no formula uses the term 'fast'"),
        ({"formula": "slow +"}, "is no formula"),
        ({"value": "about 61"}, "no figure as a text prints it"),
        ({"terms": {"a": {"value": "1", "table": "Table 1"}}}, "one of: value, table, kind"),
        ({"terms": {"a": {"table": "Table 1"}}}, "needs column and row"),
        ({"terms": {"a": {"kind": "strain", "exact": True}}}, "std and exact go with a value"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_claims_that_are_none(study: Study, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInputError, match=says):
        study.add_claim(claim(**fields), "cell", SOURCE)


def test_figures_are_found_shown_and_taken_back(study: Study) -> None:
    added = study.add_claim(claim(), "cell", SOURCE)
    assert not study.add_claim(claim(), "cell", SOURCE).new
    figures = study.findings("stated_figure")
    assert len(figures) == 2
    computed: Finding = next(f for f in figures if f.measurements)
    assert study.findings("stated_figure", "cell") == figures
    assert study.findings("strain") == []
    assert study.show(computed.id)["evidence"]["claim"] == added.id
    assert not [row for row in study.reach() if row[0].kind == "stated_figure"]
    study.retract(added.id, "misread")
    assert study.findings() == []


def test_a_claim_of_study_toml(study: Study, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(
        """
[study]
name = "claims"
[[sample]]
id = "cell"
[[claim]]
sample = "cell"
title = "sum"
value = "4"
formula = "a + b"
citation = "a paper"
terms = { a = { value = "2", exact = true }, b = { value = "2", exact = true } }
[[claim]]
sample = "cell"
title = "of a finding that is not there"
equals = "2 * a"
formula = "a"
citation = "a paper"
terms = { a = { kind = "strain" } }
""",
        encoding="utf-8",
    )
    build(study, read_study_file(tmp_path / "study.toml"), tmp_path)
    found = {v.subject.label: v.verdict for v in study.compare() if v.subject}
    assert found == {"sum": "agree", "of a finding that is not there": "undecided"}
    page = study.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "What the text states, computed again" in page
    assert "2 + 2" in page
    assert "2 * a" in page


def test_techniques_that_nothing_compares_are_listed_with_what_they_say(study: Study) -> None:
    from consilience.study.comparing import modalities_of
    from consilience.study.silent_pairs import silent_pairs

    study.registry._by_type[Modality]["other"] = Modality("other", "other", {}, {})
    rows = {"y": {"unit": "1", "values": [1.0]}}
    study.add_table("cell", "other", rows, "a paper, Table 2", title="Table 2", labels=["a"])
    draft = {"kind": "strain", "value": 0.1, "unit": "1", "method": "read off"}
    study.add_finding(draft, "cell", SOURCE, "toy")

    def pairs() -> list[tuple[str, str, str, str]]:
        found = study.findings()
        return silent_pairs(study, found, study.compare(), modalities_of(study, found))

    ((sample, first, second, why_not),) = pairs()
    assert (sample, first, second) == ("cell", "other", "toy")
    assert why_not == "other gives no finding: no analysis of it was run; toy gives strain"
    study.add_finding({**draft, "value": 0.2}, "cell", SOURCE, "other")
    assert pairs() == []  # the two strains have a verdict
