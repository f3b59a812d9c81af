"""Presence verdicts: rivals, limits, other volumes, and lists of what was weighed in."""

from __future__ import annotations

from typing import Any

import pytest
from plain_findings import plain_finding

from consilience.compare import compare_findings
from consilience.model import Caveat, Finding, Sample, Source, Step
from consilience.registry import Registry
from consilience.study.entering import findings_of_step

SAMPLES = {
    "mix": Sample(id="mix"),
    "lamella": Sample(id="lamella", parent="mix"),
    "blank": Sample(id="blank", control_of="mix"),
}
REGISTRY = Registry()


@pytest.fixture(scope="module", autouse=True)
def _core_only() -> None:
    from consilience import builtin
    from consilience.registry import Candidate

    assert REGISTRY.load(Candidate("core", lambda: builtin)) or "core" in REGISTRY.plugins


def phase(formula: str, **more: Any) -> Finding:
    content: dict[str, Any] = {"subject": {"formula": formula}, "unit": "1", "status": "present"}
    return plain_finding(
        **{"kind": "phase", "technique": "xrd", "sample": "mix", **content, **more}
    )


def rival(formula: str) -> dict[str, Any]:
    return {"subject": {"formula": formula}, "decided_by": ["O K edge"]}


def weighed(*parts: tuple[str, float], complete: bool = True) -> list[Finding]:
    step = Step(
        id="st-1",
        sample="mix",
        type="prepare",
        complete=complete,
        citation="lab book, p. 3",
        constituents=[
            {"subject": {"formula": f}, "mass_fraction": x, "std_stat": 0.001, "std_sys": 0.001}
            for f, x in parts
        ],
    )
    return [f for f in findings_of_step(step) if f.kind == "phase"]


def judge(*findings: Finding, **more: Any) -> list[Any]:
    modalities = {
        f.id: {"m-xrd": "xrd", "m-eels": "eels"}.get(
            f.measurements[0] if f.measurements else "", "weighed in"
        )
        for f in findings
    }
    return compare_findings(REGISTRY, SAMPLES, list(findings), modalities, **more)


def only(verdicts: list[Any]) -> Any:
    assert len(verdicts) == 1
    return verdicts[0]


def test_found_and_weighed_in_agree() -> None:
    answer = only(judge(phase("LiF"), *weighed(("LiF", 0.5))))
    assert answer.verdict == "agree"
    assert answer.reason == "xrd on mix and weighed in on mix both find LiF"


def test_one_phase_with_two_ranges_of_composition_is_a_conflict() -> None:
    line = {"homogeneity": {"line_compound": True, "citation": "phase diagram"}}
    solution = {"homogeneity": {"ranges": {"Li": [0.2, 0.8]}, "citation": "cycling"}}
    eels = Source(plugin="eels", version="0", analysis="eels.fingerprints").to_json()
    two: dict[str, Any] = {"measurements": ["m-eels"], "source": eels}
    answer = only(judge(phase("LiPt", evidence=line), phase("LiPt", evidence=solution, **two)))
    assert answer.verdict == "disagree"
    assert "a line compound (phase diagram)" in answer.reason
    assert "Li 20 to 80 at.%, Pt 20 to 80 at.% (cycling)" in answer.reason
    same = only(judge(phase("LiPt", evidence=line), phase("LiPt", evidence=line, **two)))
    assert same.verdict == "agree"


def test_a_live_rival_makes_it_consistent_and_says_what_decides() -> None:
    answer = only(
        judge(phase("LiF", rivals=[rival("Li2O")]), *weighed(("LiF", 0.5), complete=False))
    )
    assert answer.verdict == "consistent"
    assert "but the data allow Li2O instead" in answer.reason
    assert answer.settle == "O K edge"


def test_a_rival_that_explains_only_part_of_the_evidence_is_not_in_the_way() -> None:
    partial = {**rival("Li2O"), "live": False}
    answer = only(judge(phase("LiF", rivals=[partial]), *weighed(("LiF", 0.5), complete=False)))
    assert answer.verdict == "agree"


def test_a_complete_list_settles_the_rival() -> None:
    answer = only(judge(phase("LiF", rivals=[rival("Li2O")]), *weighed(("LiF", 0.5))))
    assert answer.verdict == "agree"
    assert "the rival Li2O is not on the complete list" in answer.reason


def test_a_rival_that_was_weighed_in_too_stays_alive() -> None:
    verdicts = judge(phase("LiF", rivals=[rival("Li2O")]), *weighed(("LiF", 0.5), ("Li2O", 0.5)))
    answers = {v.subject.label: v.verdict for v in verdicts}
    assert answers == {"LiF": "consistent", "Li2O": "not_comparable"}


def test_a_phase_that_was_not_weighed_in_disagrees() -> None:
    verdicts = judge(phase("LiF"), phase("Cr"), *weighed(("LiF", 1.0)))
    answers = {v.subject.label: v for v in verdicts}
    assert answers["Cr"].verdict == "disagree"
    assert "is not among what was weighed in (LiF)" in answers["Cr"].reason


def test_an_unlisted_phase_whose_rival_is_listed_is_undecided() -> None:
    verdicts = judge(phase("Cr", rivals=[rival("LiF")]), *weighed(("LiF", 1.0)))
    answers = {v.subject.label: v.verdict for v in verdicts}
    assert answers == {"Cr": "undecided", "LiF": "not_comparable"}


def test_an_amount_above_a_limit_is_held_to_the_level_of_the_study() -> None:
    """Two deviations above it: beyond 1.645 of them at 5 %, not beyond 2.33 at 1 %."""
    seen = phase("LiF", value=0.14, std_stat=0.02, std_sys=0.0)
    unseen = phase("LiF", status="absent_below_limit", limit=0.1, measurements=["m-eels"])
    assert only(judge(seen, unseen)).verdict == "disagree"
    assert only(judge(seen, unseen, level=0.01)).verdict == "undecided"


def test_absent_above_what_was_weighed_in_disagrees_below_is_consistent() -> None:
    absent = {"status": "absent_below_limit", "limit": 0.02, "unit": "1"}
    assert only(judge(phase("LiF", **absent), *weighed(("LiF", 0.5)))).verdict == "disagree"
    low = only(judge(phase("LiF", **absent), *weighed(("LiF", 0.01))))
    assert low.verdict == "consistent"
    assert low.smallest_detectable == 0.02
    near = only(judge(phase("LiF", **absent), *weighed(("LiF", 0.021))))
    assert near.verdict == "undecided"


def test_limit_in_another_unit_is_undecided() -> None:
    absent = {"status": "absent_below_limit", "limit": 0.02, "unit": "count"}
    assert only(judge(phase("LiF", **absent), *weighed(("LiF", 0.5)))).verdict == "undecided"


def test_not_observable_is_not_comparable_with_its_reason() -> None:
    blind = phase("Li", status="not_observable", reason="Pt O2,3 lies 3 eV below Li K")
    answer = only(judge(blind, *weighed(("Li", 0.5))))
    assert answer.verdict == "not_comparable"
    assert "Pt O2,3 lies 3 eV below Li K" in answer.reason


def test_not_seen_without_a_limit_is_undecided() -> None:
    answer = only(judge(phase("Li", status=None), *weighed(("Li", 0.5))))
    assert answer.verdict == "undecided"
    assert "a detection limit of Li for xrd on mix" in answer.settle


def test_nothing_measured_about_what_was_weighed_in_cannot_be_compared() -> None:
    verdicts = judge(phase("LiF"), *weighed(("LiF", 0.5), ("ZrO2", 0.5)))
    answers = {v.subject.label: v for v in verdicts}
    assert answers["ZrO2"].verdict == "not_comparable"
    assert "nothing measured speaks of it (there is xrd)" in answers["ZrO2"].reason


def test_child_and_parent_are_consistent_never_agreed() -> None:
    answer = only(judge(phase("LiF"), phase("LiF", sample="lamella", measurements=["m-eels"])))
    assert answer.verdict == "consistent"
    assert "different volumes" in answer.reason


def test_a_control_is_not_compared_as_if_it_were_the_sample() -> None:
    assert judge(phase("LiF"), phase("LiF", sample="blank", measurements=["m-eels"])) == []


def test_different_states_are_not_comparable() -> None:
    verdict = only(
        judge(
            phase("LiF", state={"cycle": 1}),
            phase("LiF", state={"cycle": 50}, measurements=["m-eels"]),
        )
    )
    assert verdict.verdict == "not_comparable"
    assert verdict.reason.startswith("the sample was in different states: cycle ")
    volts = [{"voltage": {"value": value, "unit": "V"}} for value in (4.3, 3.0)]
    charged = phase("LiF", state=volts[0])
    apart = only(judge(charged, phase("LiF", state=volts[1], measurements=["m-eels"]))).reason
    words = apart.removeprefix("the sample was in different states: voltage ").split(" against ")
    assert sorted(words) == ["3 V", "4.3 V"]


def caveat(finding: Finding, effect: str) -> Caveat:
    return Caveat.model_validate(
        {
            "finding": finding.id,
            "rule": "core.test",
            "effect": effect,
            "message": "overdosed",
            "citation": "a test",
        }
    )


def test_doubt_and_veto_reach_the_verdict_and_say_what_it_would_be() -> None:
    found = phase("LiF")
    findings = (found, *weighed(("LiF", 0.5)))
    doubted = only(judge(*findings, caveats=(caveat(found, "doubt"),)))
    assert doubted.verdict == "undecided"
    assert "without the rule: agree" in doubted.reason
    vetoed = only(judge(*findings, caveats=(caveat(found, "veto"),)))
    assert vetoed.verdict == "not_comparable"
    noted = only(judge(*findings, caveats=(caveat(found, "note"),)))
    assert noted.verdict == "agree"
    assert [c.effect for c in noted.caveats] == ["note"]


def test_verdicts_do_not_depend_on_the_order_of_findings() -> None:
    findings = [phase("LiF"), phase("Cr"), *weighed(("LiF", 0.5), ("ZrO2", 0.5))]
    forward = [v.to_json() for v in judge(*findings)]
    assert [v.to_json() for v in judge(*reversed(findings))] == forward


def stepped(*steps: dict[str, Any], start: str | None) -> Any:
    findings = [phase("LiF"), *weighed(("LiF", 0.5))]
    modalities = {f.id: "xrd" if f.measurements else "weighed in" for f in findings}
    made = [Step.model_validate({"sample": "mix", **s}) for s in steps]
    return only(
        compare_findings(
            REGISTRY, SAMPLES, findings, modalities, steps=made, starts={"m-xrd": start}
        )
    )


CYCLED = {"type": "cycle", "start": "2026-03-02T12:00:00+00:00"}


def test_what_was_weighed_in_holds_until_a_step_alters_the_sample() -> None:
    before = stepped(CYCLED, start="2026-03-02T13:00:00+02:00")
    assert before.verdict == "agree"
    after = stepped(CYCLED, start="2026-03-02T14:00:00+00:00")
    assert after.verdict == "not_comparable"
    assert "mix was cycled after it was prepared and before it was measured" in after.reason


def test_without_times_it_is_not_known_which_came_first() -> None:
    for step, start in [(CYCLED, None), ({"type": "rinse"}, "2026-03-02T14:00:00+00:00")]:
        answer = stepped(step, start=start)
        assert answer.verdict == "not_comparable"
        assert "not known whether mix was measured before or after" in answer.reason


def test_cold_storage_and_transfer_alter_nothing() -> None:
    assert stepped({"type": "store"}, {"type": "transfer"}, start=None).verdict == "agree"


def test_a_limit_in_peak_area_is_not_held_against_a_mass_fraction() -> None:
    absent = {"status": "absent_below_limit", "limit": 0.02, "unit": "relative area"}
    answer = only(judge(phase("LiF", **absent), *weighed(("LiF", 0.5))))
    assert answer.verdict == "undecided"
    assert "its limit of 0.02 relative area" in answer.reason


def other_technique(**more: Any) -> Finding:
    return phase("LiF", measurements=["m-eels"], method="another", **more)


def test_simulated_and_measured_never_agree() -> None:
    answer = only(judge(phase("LiF", origin="simulated"), other_technique()))
    assert answer.verdict == "not_comparable"
    assert "is simulated" in answer.reason


def test_one_technique_twice_is_a_repeat_and_no_second_witness() -> None:
    findings = [phase("LiF"), phase("LiF", measurements=["m-xrd-2"], method="again")]
    verdicts = compare_findings(REGISTRY, SAMPLES, findings, {f.id: "xrd" for f in findings})
    assert only(verdicts).verdict == "consistent"
    assert "no second witness" in only(verdicts).reason


def test_one_recording_read_in_two_ways_is_one_witness() -> None:
    data = {"role": "data", "name": "a.xy", "sha256": "0" * 64, "size": 1}
    source = {"plugin": "xrd", "version": "0", "analysis": "xrd.phases", "files": [data]}
    findings = [
        phase("LiF", source=source),
        phase("LiF", source=source, measurements=["m-xrd-2"], method="other options"),
    ]
    assert compare_findings(REGISTRY, SAMPLES, findings, {f.id: "xrd" for f in findings}) == []


def test_an_unknown_state_is_not_the_same_state() -> None:
    answer = only(judge(phase("LiF", state={"cycle": 50}), other_technique()))
    assert answer.verdict == "consistent"
    assert "cycle of eels on mix" in answer.reason
    known = judge(phase("LiF", state={"cycle": 50}), other_technique(state={"cycle": 50}))
    assert only(known).verdict == "agree"


def test_a_later_open_preparation_opens_the_list() -> None:
    findings = [phase("C"), *weighed(("LiF", 1.0)), *weighed(("Pt", 0.1), complete=False)]
    answers = {v.subject.label: v.verdict for v in judge(*findings)}
    assert "C" not in answers


def test_a_step_before_the_preparation_alters_nothing() -> None:
    prepared = {"type": "prepare", "start": "2026-03-02T09:00:00+00:00"}
    dried = {"type": "dry", "start": "2026-03-01T09:00:00+00:00"}
    assert stepped(prepared, dried, start="2026-03-02T14:00:00+00:00").verdict == "agree"


def test_the_latest_of_several_starts_is_a_moment_not_a_text() -> None:
    from consilience.compare.history import latest_of

    early, late = "2026-03-02T13:30:00+02:00", "2026-03-02T12:00:00+00:00"
    assert latest_of([early, late]) == late
    assert latest_of([early, None]) is None


def test_a_comparison_that_breaks_down_says_so_in_place_of_a_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from consilience.compare.presence import presence

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("no counts")

    monkeypatch.setattr(presence, "compare", broken)
    answer = only(judge(phase("LiF"), *weighed(("LiF", 0.5))))
    assert answer.verdict == "not_comparable"
    assert answer.reason == "the comparison core.presence failed: ZeroDivisionError: no counts"


def test_why_a_technique_cannot_tell_reaches_the_verdict() -> None:
    blind = phase("Li", status=None, reason="its peaks are all explained by Pt")
    answer = only(judge(blind, *weighed(("Li", 0.5))))
    assert answer.verdict == "undecided"
    assert answer.reason.endswith(
        "cannot tell whether Li is there: its peaks are all explained by Pt"
    )


def test_the_order_of_two_findings_is_that_of_their_techniques_whatever_their_ids() -> None:
    one = Source(plugin="eels", version="0", analysis="eels.fingerprints").to_json()
    seen = set()
    for version in range(8):  # IDs change with it, and with them the order that they would give
        eels = phase("LiF", measurements=["m-eels"], source={**one, "version": str(version)})
        xrd = phase("LiF")
        seen.add(eels.id < xrd.id)
        assert only(judge(xrd, eels)).findings == [eels.id, xrd.id]
    assert seen == {True, False}


def test_states_decide_the_order_where_technique_and_sample_are_one() -> None:
    for version in range(8):
        source = Source(plugin="xrd", version=str(version), analysis="xrd.phases").to_json()
        a = phase("LiF", measurements=["m-1"], region=_box(0.0), source=source)
        b = phase("LiF", measurements=["m-2"], region=_box(5.0), source=source)
        answer = only(compare_findings(REGISTRY, SAMPLES, [b, a], {a.id: "xrd", b.id: "xrd"}))
        assert answer.findings == [a.id, b.id]


def _box(at: float) -> dict[str, Any]:
    return {"shape": "box", "coordinates": [[at, 0.0], [at + 1.0, 1.0]], "frame": "stage"}
