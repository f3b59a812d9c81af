"""A composition contradicts a phase or is consistent with it; it never proves one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from composition_findings import composition, counted, finding, judge, phase

from consilience.errors import BadInputError
from consilience.model import Homogeneity, fractions_of_formula
from consilience.study import Study

BOX = {
    "shape": "box",
    "coordinates": [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]],
    "unit": "nm",
    "frame": "tip",
}
LITHIUM, PLATINUM = 14_412, 14_984
"""Counts of the analysed volume of the PtAnode needle."""


def only(verdicts: list[Any]) -> Any:
    assert len(verdicts) == 1, [v.reason for v in verdicts]
    return verdicts[0]


def needle(sys: float | None, li: float | None = None) -> list[Any]:
    """Return Li and Pt as the atom probe counted them, or shifted to a fraction `li`."""
    total = LITHIUM + PLATINUM
    value = LITHIUM / total if li is None else li
    stat = (value * (1 - value) / total) ** 0.5
    return composition({"Li": value, "Pt": 1 - value}, stat=stat, sys=sys)


HERE = {"sample": "needle"}


def test_counting_alone_does_not_reject_lipt() -> None:
    said, arrays = counted({"Li": LITHIUM, "Pt": PLATINUM}, sys=None)
    answer = only(judge(said, [phase(**HERE)], arrays=arrays))
    assert answer.verdict == "consistent"
    assert "Li 49.03 ± 0.29 where LiPt has 50" in answer.reason
    assert "does not contradict LiPt, and cannot prove it" in answer.reason
    assert "the systematic standard deviation of apt on needle is unknown" in answer.reason
    assert "the systematic standard deviation of apt on needle" in answer.settle
    assert answer.subject.formula == "LiPt"
    assert answer.std is None
    # counting alone is 3.3 deviations off: the number that a tool without the term would use
    (li,) = [answer.numbers["elements"]["Li"]]
    assert (0.5 - li["composition"]) / li["std_stat"] == pytest.approx(3.34, abs=0.01)


@pytest.mark.parametrize(
    ("li", "sys", "said"),
    [
        (None, 0.02, "consistent"),
        (0.40, 0.02, "disagree"),
        (0.40, None, "undecided"),
        (0.46, 0.02, "undecided"),
        (None, 0.10, "undecided"),
    ],
)
def test_the_systematic_term_decides(li: float | None, sys: float | None, said: str) -> None:
    answer = only(judge(needle(sys, li), [phase(**HERE)]))
    assert answer.verdict == said, answer.reason
    if said == "disagree":
        assert "the composition contradicts LiPt" in answer.reason
        assert answer.std == pytest.approx(0.0202, abs=1e-4)  # opposite errors: not 0.02 / √2


def test_unknown_range_is_not_comparable() -> None:
    answer = only(judge(needle(0.02, 0.2), [phase(**HERE, evidence={})]))
    assert answer.verdict == "not_comparable"
    assert "the homogeneity range of LiPt is not known" in answer.reason
    assert "the range of compositions in which LiPt exists" in answer.settle


def test_a_range_is_inside_itself() -> None:
    wide = {"homogeneity": {"ranges": {"Li": [0.38, 0.52]}, "citation": "a test"}}
    answer = only(judge(needle(0.01, 0.40), [phase(**HERE, evidence=wide)]))
    assert answer.verdict == "consistent"
    assert "LiPt has 38 to 52" in answer.reason


def test_a_whole_volume_is_not_the_region_of_the_phase() -> None:
    answer = only(judge(needle(0.02), [phase(**HERE, region=BOX)]))
    assert answer.verdict == "not_comparable"
    assert "larger volume" in answer.reason
    other = {**BOX, "frame": "stage"}
    part = composition({"Li": 0.5, "Pt": 0.5}, region=other)
    answer = only(judge(part, [phase(**HERE, region=BOX)]))
    assert "not known to be the one" in answer.reason
    here = composition({"Li": 0.40, "Pt": 0.60}, region=BOX)
    assert only(judge(here, [phase(**HERE, region=BOX)])).verdict == "disagree"


@pytest.mark.parametrize(("li", "said"), [(0.49, "consistent"), (0.20, "not_comparable")])
def test_a_part_can_fit_but_not_contradict_what_the_whole_holds(li: float, said: str) -> None:
    parts = {"Li": li, "Pt": 1 - li}
    region = composition(parts, region=BOX)
    answer = only(judge(region, [phase(**HERE)]))
    assert answer.verdict == said, answer.reason
    # the needle was cut from the chip in which diffraction found the phase
    elsewhere = only(judge(composition(parts), [phase(sample="chip")]))
    assert elsewhere.verdict == said
    # the phase of a needle and the composition of the whole chip: never
    chip = only(judge(composition(parts, sample="chip"), [phase(**HERE)]))
    assert chip.verdict == "not_comparable"


def test_a_second_phase_of_the_same_elements_excuses_the_difference() -> None:
    pt = phase("Pt", subject={"formula": "Pt", "space_group": 225}, **HERE)
    lif = phase("LiF", subject={"formula": "LiF", "space_group": 225}, **HERE)
    answer = only(judge(needle(0.02, 0.40), [phase(**HERE), pt]))
    assert answer.subject.formula == "LiPt"
    assert answer.verdict == "not_comparable"
    assert "not LiPt alone: xrd on needle finds Pt there too" in answer.reason
    fits = {v.subject.formula: v for v in judge(needle(0.02), [phase(**HERE), lif])}
    assert fits["LiPt"].verdict == "consistent"


def test_a_live_rival_takes_the_contradiction() -> None:
    rival = {"subject": {"formula": "Li2CO3"}, "decided_by": ["line 002"]}
    answer = only(judge(needle(0.02, 0.40), [phase(**HERE, rivals=[rival])]))
    assert answer.verdict == "undecided"
    assert "allows Li2CO3 instead" in answer.reason
    assert answer.settle == "line 002"


def test_elements_that_are_not_seen_are_named_and_the_others_held() -> None:
    blind = finding(subject={"element": "Li"}, status="not_observable", reason="Pt O covers it")
    seen = composition({"C": 0.25, "O": 0.75})
    answer = only(judge([*seen, blind], [phase("Li2CO3", subject={"formula": "Li2CO3"}, **HERE)]))
    assert answer.verdict == "consistent"
    assert "left out: Li (not observable: Pt O covers it)" in answer.reason
    assert "O 75.00 ± 0.30 where Li2CO3 has 75" in answer.reason


@pytest.mark.parametrize("li", [0.0, 0.5])
def test_a_phase_of_one_element_has_no_ratio_and_is_not_asked(li: float) -> None:
    pt = phase("Pt", subject={"formula": "Pt", "space_group": 225}, **HERE)
    assert judge(composition({"Li": li, "Pt": 1 - li}), [pt]) == []
    # of two elements, one unseen: that is worth saying
    lif = phase("LiF", subject={"formula": "LiF"}, **HERE)
    answer = only(judge(composition({"F": 0.5, "Pt": 0.5}), [lif]))
    assert answer.verdict == "not_comparable"
    assert "gives F alone, and a ratio needs two elements" in answer.reason


def test_what_is_not_found_or_of_other_elements_is_not_asked() -> None:
    absent = phase(**HERE, status="absent_below_limit", limit=0.01, unit="1")
    sio2 = phase("SiO2", subject={"formula": "SiO2"}, **HERE)
    assert judge(needle(0.02), [absent, sio2]) == []


@pytest.mark.parametrize(
    ("formula", "fractions"),
    [
        ("LiPt", {"Li": 0.5, "Pt": 0.5}),
        ("Li2CO3", {"Li": 2 / 6, "C": 1 / 6, "O": 3 / 6}),
        ("Ca(OH)2", {"Ca": 0.2, "O": 0.4, "H": 0.4}),
        ("LiNi0.6Mn0.2Co0.2O2", {"Li": 0.25, "Ni": 0.15, "Mn": 0.05, "Co": 0.05, "O": 0.5}),
        ("Cu3(CO3)2(OH)2", {"Cu": 3 / 15, "C": 2 / 15, "O": 8 / 15, "H": 2 / 15}),
        ("LixNiO2", None),
        ("(LiPt", None),
        ("LiPt)", None),
        ("Zz", None),
        ("", None),
    ],
)
def test_formulas(formula: str, fractions: dict[str, float] | None) -> None:
    found = fractions_of_formula(formula)
    assert found == (None if fractions is None else pytest.approx(fractions))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"line_compound": True}, "citation"),
        ({"citation": "x"}, "either 'line_compound' or has 'ranges'"),
        ({"citation": "x", "ranges": {"O": [0.1, 0.2]}}, "the elements of LiPt are Li, Pt"),
        ({"citation": "x", "ranges": {"Zz": [0.1, 0.2]}}, "no element symbol"),
        ({"citation": "x", "ranges": {"Li": [0.6, 0.2]}}, "no range of fractions"),
        ({"citation": "x", "ranges": {"Li": [0.2]}}, "Field required"),
        ({"citation": "x", "ranges": {"Li": [0.2, 0.3], "Pt": [0.2, 0.3]}}, "cannot sum to one"),
        ({"citation": "x", "ranges": {"Li": [0.2, 1.3]}}, "less than or equal to 1"),
    ],
)
def test_bad_ranges_are_refused(said: dict[str, Any], message: str) -> None:
    answer = only(judge(needle(0.02), [phase(**HERE, evidence={"homogeneity": said})]))
    assert answer.verdict == "not_comparable"
    assert answer.reason.startswith("the comparison core.stoichiometry failed: the homogeneity of")
    assert message in answer.reason


def test_the_range_of_the_last_element_follows() -> None:
    said = Homogeneity(citation="x", ranges={"Li": (0.2, 0.3), "O": (0.5, 0.5)})
    assert said.of("LiCoO2")["Co"] == pytest.approx((0.2, 0.3))
    short = Homogeneity(citation="x", ranges={"Li": (0.2, 0.3)})
    with pytest.raises(ValueError, match="leave out Co and O"):
        short.of("LiCoO2")


def test_the_study_states_the_range_and_a_conflict_is_named() -> None:
    solid = {"LiPt": Homogeneity(ranges={"Li": (0.38, 0.52)}, citation="the study")}
    silent = only(judge(needle(0.01, 0.40), [phase(**HERE, evidence={})], homogeneity=solid))
    assert silent.verdict == "consistent"
    assert "range of LiPt from the study" in silent.reason
    line = only(judge(needle(0.01, 0.40), [phase(**HERE)], homogeneity=solid))
    assert line.verdict == "consistent"
    assert "the finding itself has another range, from a test" in line.reason


def test_a_study_keeps_and_uses_its_ranges(tmp_path: Path) -> None:
    said = Homogeneity(line_compound=True, citation="lab book 4, p. 3")
    with Study.create(tmp_path / "study") as study:
        study.add_sample("needle")
        assert study.set_homogeneity("LiPt", said).new
        assert not study.set_homogeneity("LiPt", said).new
        assert study.homogeneity() == {"LiPt": said}
        with pytest.raises(BadInputError, match="the elements of LiF are Li, F"):
            study.set_homogeneity("LiF", Homogeneity(ranges={"O": (0.1, 0.2)}, citation="x"))
        for element, value in (("Li", 0.4), ("Pt", 0.6)):
            study.add_finding(
                {
                    "kind": "composition",
                    "subject": {"element": element},
                    "value": value,
                    "unit": "1",
                    "std_stat": 0.003,
                    "std_sys": 0.01,
                    "method": "counted",
                },
                sample="needle",
                citation="a paper",
                modality="apt",
            )
        study.add_finding(
            {
                "kind": "phase",
                "subject": {"formula": "LiPt"},
                "status": "present",
                "method": "seen",
            },
            sample="needle",
            citation="a paper",
            modality="xrd",
        )
        (verdict,) = study.compare()
    assert verdict.verdict == "disagree"
    assert "range of LiPt from lab book 4, p. 3" in verdict.reason
    assert len(verdict.findings) == 3


def test_a_place_without_the_elements_of_a_phase_has_no_ratio_of_them() -> None:
    said, arrays = counted({"Cr": 8000.0, "Li": 1.0, "Pt": 2.0})
    (verdict,) = judge(said, [phase()], arrays=arrays)
    assert verdict.verdict == "not_comparable"
    assert "Li and Pt together 0.037 ± 0.022 at.%" in verdict.reason
    assert "nothing has no ratio" in verdict.reason
    said, arrays = counted({"Cr": 8000.0, "Li": 100.0, "Pt": 100.0})
    (verdict,) = judge(said, [phase()], arrays=arrays)
    assert verdict.verdict != "not_comparable"
