"""What several doubts and vetoes make of a verdict."""

from __future__ import annotations

from consilience.compare.qualified import with_caveats
from consilience.model.verdict import Caveat, Verdict


def verdict() -> Verdict:
    return Verdict(
        id="v",
        kind="phase",
        subject=None,
        samples=["s"],
        findings=["f1", "f2"],
        verdict="agree",
        reason="both see it",
    )


def caveat(rule: str, effect: str, clear: str) -> Caveat:
    return Caveat.model_validate(
        {
            "finding": "f1",
            "rule": rule,
            "effect": effect,
            "message": f"{rule} spoke",
            "citation": "c",
            "clear": clear,
        }
    )


def test_all_doubts_are_said_with_the_verdict_without_them() -> None:
    doubts = [caveat("a.one", "doubt", "clear one"), caveat("b.two", "doubt", "clear two")]
    answer = with_caveats(verdict(), {"f1": doubts})
    assert answer.verdict == "undecided"
    assert answer.reason == (
        "doubted by rule a.one: a.one spoke; doubted by rule b.two: b.two spoke; "
        "without these rules: agree, both see it"
    )
    assert answer.settle == "clear one; clear two"


def test_a_veto_is_stronger_than_a_doubt_and_a_note_changes_nothing() -> None:
    both = [caveat("a.one", "doubt", "x"), caveat("b.two", "veto", "coat it")]
    answer = with_caveats(verdict(), {"f1": both})
    assert answer.verdict == "not_comparable"
    assert (
        answer.reason == "left out by rule b.two: b.two spoke; without the rule: agree, both see it"
    )
    assert [c.rule for c in answer.caveats] == ["a.one", "b.two"]
    noted = with_caveats(verdict(), {"f1": [caveat("c.three", "note", "y")]})
    assert (noted.verdict, noted.reason) == ("agree", "both see it")
    assert len(noted.caveats) == 1
