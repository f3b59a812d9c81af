"""A phase beside its elements by a technique that sees no phases: never more than consistent."""

from __future__ import annotations

from typing import Any

import pytest
from test_compare_ruled_out import REGISTRY, SALT, SAMPLES, TECHNIQUES, edx, said

from consilience.compare import compare_findings
from consilience.compare.presence.elements_of_phase import KEY
from consilience.model import Caveat, Finding, Homogeneity
from consilience.model.verdict import Verdict

LINE = {"LiF": Homogeneity(line_compound=True, citation="rock salt")}


@pytest.fixture(scope="module", autouse=True)
def _core_only() -> None:
    from consilience import builtin
    from consilience.registry import Candidate

    assert REGISTRY.load(Candidate("core", lambda: builtin)) or "core" in REGISTRY.plugins


def judge(*findings: Finding, **more: Any) -> list[Verdict]:
    modalities = {f.id: TECHNIQUES[f.measurements[0]] for f in findings}
    made = compare_findings(REGISTRY, SAMPLES, list(findings), modalities, **more)
    return [v for v in made if v.comparison == KEY]


def fluoride(share: float | None = 0.9, **more: Any) -> Finding:
    held = {} if share is None else {"share_of": {"Li": share, "F": share}}
    return said("phase", {"formula": "LiF"}, "eels", **{"evidence": held, **more})


def element(symbol: str, technique: str = "apt", **more: Any) -> Finding:
    return said("element", {"element": symbol}, technique, **more)


def absent(symbol: str, limit_per: dict[str, float] | None = None, **more: Any) -> Finding:
    stated = {} if limit_per is None else {"evidence": {"limit_per": limit_per}}
    below = {"status": "absent_below_limit", "limit": 20.0, "unit": "count"}
    return element(symbol, **{**below, **stated, **more})


def test_an_element_that_is_there_is_consistent_and_no_proof() -> None:
    blind = element("Li", "edx", status="not_observable", reason="no line")
    (answer,) = judge(fluoride(), *edx(), blind)
    assert answer.verdict == "consistent"
    assert answer.reason == (
        "eels on place finds LiF; edx on place finds F there, which others may hold as well; "
        "edx on place cannot tell whether Li is there"
    )
    assert answer.subject is not None
    assert answer.subject.label == "LiF"


def test_there_is_one_verdict_for_each_technique_not_for_each_element() -> None:
    found = judge(fluoride(), element("Li"), element("F"), *edx())
    assert len(found) == 2
    assert sorted(len(v.findings) for v in found) == [2, 3]


def test_a_technique_that_can_tell_nothing_of_the_elements_makes_no_verdict() -> None:
    blind = element("Li", status="not_observable", reason="no line")
    assert judge(fluoride(), blind, element("P")) == []


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"sample": "lamella"},
        {"state": {"cycle": 50}},
        {"region": {"shape": "box", "coordinates": [[0.0, 0.0], [1.0, 1.0]], "frame": "map"}},
        {"origin": "simulated"},
    ],
)
def test_another_volume_or_state_makes_no_verdict(elsewhere: dict[str, Any]) -> None:
    assert judge(fluoride(), element("F", **elsewhere)) == []


def test_a_phase_that_is_not_there_and_one_technique_alone_make_none() -> None:
    gone = fluoride(None, status="absent_below_limit", limit=0.1)
    assert judge(gone, element("F")) == []
    assert judge(fluoride(), element("F", "eels", measurements=["m-eels"])) == []


def test_too_little_of_an_element_contradicts_the_phase() -> None:
    """At most 1 F for 50 Li, where nine tenths of the lithium is said to be LiF."""
    found = [element("Li"), absent("F", {"Li": 0.02})]
    (answer,) = judge(fluoride(), *found, homogeneity=LINE)
    assert answer.verdict == "disagree"
    assert "apt on place has at most 1 F for 50 Li, where LiF has at least 1 F for 1 Li" in (
        answer.reason
    )
    assert "holds 90 % or more of the Li" in answer.reason


@pytest.mark.parametrize("share", [None, 0.01])
def test_an_absent_element_of_unknown_or_small_amount_is_undecided(share: float | None) -> None:
    found = [element("Li"), absent("F", {"Li": 0.02})]
    (answer,) = judge(fluoride(share), *found, homogeneity=LINE)
    assert answer.verdict == "undecided"
    assert "does not see F down to its limit of 20 count" in answer.reason
    assert "how much of it this LiF would bring is not known" in answer.reason
    assert answer.settle


def test_without_a_range_or_a_limit_of_the_ratio_it_is_undecided() -> None:
    found = [element("Li"), absent("F", {"Li": 0.02})]
    assert judge(fluoride(), *found)[0].verdict == "undecided"
    bare = [element("Li"), absent("F")]
    assert judge(fluoride(), *bare, homogeneity=LINE)[0].verdict == "undecided"


def test_a_live_rival_may_be_what_is_meant_and_one_that_is_out_is_told() -> None:
    vague = {"subject": {"formula": "Li2O"}, "decided_by": ["O K"]}
    found = [element("Li"), absent("F", {"Li": 0.02})]
    (answer,) = judge(fluoride(rivals=[vague]), *found, homogeneity=LINE)
    assert answer.verdict == "undecided"
    assert "the data of eels on place allow Li2O instead" in answer.reason
    (beside,) = judge(fluoride(rivals=[vague]), *edx())
    assert beside.verdict == "consistent"
    assert beside.reason.endswith("but the data of eels on place allow Li2O instead")
    (out,) = judge(fluoride(rivals=[SALT]), *edx())
    assert "the rival LixPFy is ruled out" in out.reason
    assert out.numbers["ruled_out"]


def test_a_composition_that_speaks_of_the_phase_says_it_once() -> None:
    fractions = [
        said("composition", {"element": e}, "apt", **number)
        for e, number in (
            ("Li", {"status": None, "value": 0.5, "std_stat": 0.01, "std_sys": 0.0}),
            ("F", {"status": None, "value": 0.5, "std_stat": 0.01, "std_sys": 0.0}),
        )
    ]
    assert judge(fluoride(), *fractions, element("F"), homogeneity=LINE) == []
    assert len(judge(fluoride(), *fractions, element("F"))) == 1  # no range, so it said nothing


def test_a_doubt_reaches_the_verdict_and_a_veto_leaves_the_finding_out() -> None:
    found = element("F")
    caveat = Caveat(finding=found.id, rule="r", effect="doubt", message="warm", citation="x")
    (answer,) = judge(fluoride(), found, caveats=[caveat])
    assert answer.verdict == "undecided"
    assert "doubted by rule r" in answer.reason
    veto = caveat.model_copy(update={"effect": "veto"})
    assert judge(fluoride(), found, caveats=[veto]) == []
