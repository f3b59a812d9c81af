"""Two techniques over the states of one sample: what goes together, and what is equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from plain_findings import plain_finding

from consilience.compare import compare_findings
from consilience.compare.courses.verdicts import KEY
from consilience.model import Caveat, Finding, Sample, Verdict
from consilience.model.association import AssociationRequest
from consilience.registry import Registry

SAMPLES = {
    "chip": Sample(id="chip"),
    "lamella": Sample(id="lamella", parent="chip"),
    "other": Sample(id="other"),
    **{f"piece {i}": Sample(id=f"piece {i}", parent="chip") for i in range(8)},
}
CYCLES = (1, 2, 5, 10, 15, 20, 30, 50)
LATTICE = (4.000, 4.010, 4.030, 4.020, 4.050, 4.045, 4.080, 4.060)
LITHIUM = (0.10, 0.20, 0.50, 0.40, 0.90, 0.85, 1.40, 1.10)


def finding(technique: str, kind: str, value: float, cycle: Any, **more: Any) -> Finding:
    unit = {"lattice_parameter": "angstrom", "roughness": "um", "thickness": "nm"}.get(kind, "1")
    content: dict[str, Any] = {
        "subject": {"label": "film"},
        "state": {"cycle": cycle},
        "value": value,
        "unit": unit,
        "std_stat": 0.001,
        "std_sys": 0.0,
        "measurements": [f"m-{technique}-{cycle}-{more.get('sample', '')}"],
    }
    return plain_finding(kind, technique, **{**content, **more})


def course(
    technique: str,
    kind: str,
    values: Sequence[float],
    cycles: Sequence[Any] = CYCLES,
    **more: Any,
) -> list[Finding]:
    return [finding(technique, kind, v, c, **more) for v, c in zip(values, cycles, strict=False)]


def judged(
    registry: Registry, findings: Sequence[Finding], *requests: dict[str, Any], **more: Any
) -> list[Verdict]:
    found = compare_findings(
        registry,
        SAMPLES,
        findings,
        {f.id: f.source.plugin for f in findings},
        associations=[AssociationRequest.of(r) for r in requests],
        **more,
    )
    return [v for v in found if v.comparison == KEY]


def both(second: Sequence[float] = LITHIUM, **more: Any) -> list[Finding]:
    return [
        *course("xrd", "lattice_parameter", LATTICE, **more),
        *course("eels", "li_content", second, **more),
    ]


def test_declared_kinds_that_go_together_are_consistent_and_never_more(registry: Registry) -> None:
    (one,) = judged(registry, both())
    assert one.verdict == "consistent"
    assert one.p_value == pytest.approx(2 / 5040)  # both orders of seven steps that are as high
    assert one.numbers["p_permutation"] == pytest.approx(2 / 40320)
    assert one.numbers["least_p"] == pytest.approx(2 / 40320)
    assert one.numbers["steps"]["least_p"] == pytest.approx(2 / 5040)
    assert one.numbers["spearman"] == pytest.approx(1.0)
    assert "states in order by cycle" in one.reason
    assert "+0.06 ± 0.0014 angstrom from first to last, within 4 (cycle 1) to 4.08" in one.reason
    assert "8 states can give no less than 5e-05" in one.reason
    assert "no proof of more" in one.reason
    assert [c["state"] for c in one.numbers["course"]] == [f"cycle {c}" for c in CYCLES]


def test_two_drifts_are_not_told_from_each_other(registry: Registry) -> None:
    """Five states have too few steps; eight of two smooth drifts have steps that tell nothing."""
    (five,) = judged(registry, [f for f in both() if f.state["cycle"] <= 15])  # type: ignore[operator]
    assert five.verdict == "undecided"
    assert "5 states have too few steps to tell" in five.reason
    drift = [0.1 + 0.1 * i + 0.01 * (i % 3) for i in range(8)]
    (eight,) = judged(registry, both(drift))
    assert eight.numbers["p_permutation"] < 0.01
    assert eight.verdict == "undecided"
    assert "as two drifts that have nothing in common would" in eight.reason


def test_few_states_cannot_tell(registry: Registry) -> None:
    few = [f for f in both() if f.state["cycle"] in (1, 2, 50)]
    (one,) = judged(registry, few)
    assert one.verdict == "undecided"
    assert "but 3 states cannot tell that from chance" in one.reason
    assert "no less than 0.33" in one.reason
    assert judged(registry, [f for f in both() if f.state["cycle"] in (1, 2)]) == []


def test_a_claim_is_contradicted_by_changes_beyond_the_errors(registry: Registry) -> None:
    asked = {"first": "lattice_parameter", "second": {"kind": "li_content"}, "reason": "a paper"}
    (kept,) = judged(registry, both(), {**asked, "expect": "same"})
    assert kept.verdict == "consistent"
    (broken,) = judged(registry, both(), {**asked, "expect": "opposite"})
    assert broken.verdict == "disagree"
    assert broken.p_value is not None
    assert broken.p_value < 1e-9
    assert "asked for: a paper" in broken.reason
    flat = [0.1, 0.1005, 0.0995, 0.1, 0.1002, 0.0998, 0.1, 0.1001]
    (open_,) = judged(registry, both(flat), {**asked, "expect": "same"})
    assert open_.verdict == "undecided"
    assert "not beyond their errors" in open_.reason


def test_systematic_errors_count_unless_the_study_says_they_are_common(registry: Registry) -> None:
    asked = {"first": "lattice_parameter", "second": "li_content", "reason": "one calibration"}
    wide = both(std_sys=0.5)
    (apart,) = judged(registry, wide, {**asked, "expect": "same"})
    assert apart.verdict == "undecided"
    assert "if systematic errors are the same in all states, they go the same way" in apart.reason
    (common,) = judged(registry, wide, {**asked, "expect": "same", "systematic": "common"})
    assert common.verdict == "consistent"
    unknown = both(std_sys=None)
    (without,) = judged(registry, unknown)
    assert without.verdict == "undecided"
    assert "standard deviation is unknown" in without.reason
    assert "Spearman ρ = 1.00" in without.reason


def test_kinds_that_nobody_asks_for_do_not_meet(registry: Registry) -> None:
    pair = [*course("xrd", "size", LATTICE), *course("eels", "thickness", LITHIUM)]
    assert judged(registry, pair) == []
    (one,) = judged(registry, pair, {"first": "size", "second": "thickness"})
    assert one.verdict == "consistent"


def test_one_quantity_by_two_techniques_is_held_against_the_margin(registry: Registry) -> None:
    """0.2 % of 4 Å is 0.008 Å."""
    first = course("xrd", "lattice_parameter", LATTICE)
    near = course("eels", "lattice_parameter", [v + 0.002 for v in LATTICE])
    (equal,) = judged(registry, [*first, *near])
    assert equal.verdict == "agree"
    assert "equal within the margin in every state" in equal.reason
    assert "eels less xrd is 0.002 ± 0.0005 on the average" in equal.reason
    assert "changes from state to state by no more than the statistical errors" in equal.reason
    off = course("eels", "lattice_parameter", [*LATTICE[:7], 4.1])
    (different,) = judged(registry, [*first, *off])
    assert different.verdict == "disagree"
    assert different.difference == pytest.approx(0.04)
    assert "changes from state to state by more than the statistical errors" in different.reason
    systematic = [
        *course("xrd", "lattice_parameter", LATTICE, std_stat=0.0, std_sys=0.001),
        *course("eels", "lattice_parameter", LATTICE, std_stat=0.0, std_sys=0.001),
    ]
    (mute,) = judged(registry, systematic)  # nothing is said of changes without statistical errors
    assert mute.verdict == "agree"
    assert "on the average" not in mute.reason
    assert "eels less xrd is" not in mute.reason


def test_one_quantity_at_the_margin_is_undecided_whichever_way_it_goes(registry: Registry) -> None:
    first = course("xrd", "lattice_parameter", LATTICE)
    (near,) = judged(
        registry, [*first, *course("eels", "lattice_parameter", [v + 0.008 for v in LATTICE])]
    )
    assert near.verdict == "undecided"
    assert "decide nothing against the margin" in near.reason
    assert "one quantity must go the same way, and do by" in near.reason
    assert near.settle.startswith("a standard deviation of the differences below")


def test_one_quantity_without_a_margin_must_go_the_same_way(registry: Registry) -> None:
    first = course("compton", "li_content", LITHIUM)
    (same,) = judged(registry, [*first, *course("eels", "li_content", [v * 2 for v in LITHIUM])])
    assert same.verdict == "consistent"
    (against,) = judged(registry, [*first, *course("eels", "li_content", [1 - v for v in LITHIUM])])
    assert against.verdict == "disagree"


def test_the_order_is_that_of_time_or_said_to_be_unknown(registry: Registry) -> None:
    words = ("pristine", "charged", "discharged", "rested")
    pair = [
        *course("xrd", "lattice_parameter", LATTICE, words),
        *course("eels", "li_content", LITHIUM, words),
    ]
    (unknown,) = judged(registry, pair)
    assert "no order: neither a number in each state nor times" in unknown.reason
    starts = {
        m: f"2026-03-0{1 + words.index(str(f.state['cycle']))}T10:00:00+00:00"
        for f in pair
        for m in f.measurements
    }
    (timed,) = judged(registry, pair, starts=starts)
    assert "states in order by the time of measurement" in timed.reason
    backwards = {m: s for m, s in starts.items() if "xrd" in m}
    backwards |= {f"m-eels-{w}-": f"2026-03-0{9 - i}T10:00:00+00:00" for i, w in enumerate(words)}
    (mixed,) = judged(registry, pair, starts=backwards)
    assert "passed the states in different orders" in mixed.reason
    request = {"first": "lattice_parameter", "second": "li_content", "order": list(words)}
    (stated,) = judged(registry, pair, request)
    assert "states in order as the study states it" in stated.reason
    (chained,) = judged(registry, pair, sequences={m: 1 + i % 4 for i, m in enumerate(starts)})
    assert "states in order by the place in the chain" in chained.reason


def test_a_variable_that_one_technique_states_alone_is_held(registry: Registry) -> None:
    ratio = [
        finding("compton", "momentum_ratio", v, c, state={"cycle": c, "place": p}, measurements=[m])
        for p in ("anode", "cathode")
        for v, c in zip(LITHIUM, CYCLES, strict=True)
        for m in [f"m-{p}-{c}"]
    ]
    found = judged(
        registry, [*ratio, *course("xct", "roughness", LATTICE, [float(c) for c in CYCLES])]
    )
    assert len(found) == 2
    assert all(v.numbers["states"] == 8 for v in found)


def test_pieces_of_one_line_make_a_course(registry: Registry) -> None:
    pieces = [
        finding("eels", "li_content", v, c, sample=f"piece {i}")
        for i, (v, c) in enumerate(zip(LITHIUM, CYCLES, strict=True))
    ]
    (one,) = judged(registry, [*course("xrd", "lattice_parameter", LATTICE), *pieces])
    assert one.verdict == "consistent"
    assert len(one.samples) == 9
    stranger = [
        finding("eels", "li_content", v, c, sample="other")
        for v, c in zip(LITHIUM, (1, 2, 5), strict=False)
    ]
    assert judged(registry, [*course("xrd", "lattice_parameter", LATTICE), *stranger]) == []


def test_repeats_of_a_state_are_averaged(registry: Registry) -> None:
    again = course("eels", "li_content", [v + 0.01 for v in LITHIUM], measurements=["m-again"])
    (one,) = judged(registry, [*both(), *again])
    assert one.numbers["course"][0]["second"] == pytest.approx(0.105)
    assert one.numbers["course"][0]["second_std_stat"] == pytest.approx(0.001 / 2**0.5)


def test_one_recording_is_no_two_witnesses(registry: Registry) -> None:
    shared = [
        *course("xrd", "lattice_parameter", LATTICE, measurements=["m-1"]),
        *course("eels", "li_content", LITHIUM, measurements=["m-1"]),
    ]
    assert judged(registry, shared) == []
    (one,) = judged(registry, shared, {"first": "li_content", "second": "lattice_parameter"})
    assert one.verdict == "not_comparable"
    assert "both rest on one recording" in one.reason
    assert "Spearman" in one.reason


def test_simulation_and_reality_make_no_course(registry: Registry) -> None:
    mixed = [
        *course("xrd", "lattice_parameter", LATTICE),
        *course("eels", "li_content", LITHIUM, origin="simulated"),
    ]
    assert judged(registry, mixed) == []


def test_what_is_asked_for_and_not_there_is_said(registry: Registry) -> None:
    (none,) = judged(registry, both(), {"first": "size", "second": "li_content"})[:1]
    assert none.verdict == "not_comparable"
    assert "there is no number of kind 'size'" in none.reason
    late = [f for f in both() if f.kind == "li_content" or f.state["cycle"] in (1, 2, 5)]
    late = [f for f in late if f.kind != "li_content" or f.state["cycle"] in (5, 10, 50)]
    request = {"first": "lattice_parameter", "second": "li_content"}
    (few,) = judged(registry, late, request)
    assert few.reason.startswith("they have fewer than 3 states in common")


def test_a_state_that_a_rule_leaves_out_is_left_out_and_told(registry: Registry) -> None:
    findings = both([*LITHIUM[:7], -9.0])
    bad = next(f for f in findings if f.kind == "li_content" and f.state["cycle"] == 50)
    veto = Caveat(finding=bad.id, rule="r", effect="veto", message="burnt", citation="x")
    request = {
        "first": "lattice_parameter",
        "second": "li_content",
        "expect": "same",
        "reason": "a paper",
    }
    (one,) = judged(registry, findings, request, caveats=[veto])
    assert one.verdict == "consistent"
    assert "left out by a rule: cycle 50; with that state: disagree" in one.reason
    assert bad.id not in one.findings


def test_a_doubt_makes_a_course_undecided_and_says_what_it_would_be(registry: Registry) -> None:
    findings = both()
    doubt = Caveat(finding=findings[0].id, rule="r", effect="doubt", message="warm", citation="x")
    (one,) = judged(registry, findings, caveats=[doubt])
    assert one.verdict == "undecided"
    assert "without the rule: consistent, " in one.reason


@pytest.mark.parametrize("field", [{"expect": "same"}, {"systematic": "common"}])
def test_a_claim_needs_its_reason(field: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="needs its 'reason'"):
        AssociationRequest.of({"first": "size", "second": "strain", **field})
