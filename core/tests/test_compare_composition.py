"""Compositions meet as wholes: one verdict for two, numbers for each element, nothing invented."""

from __future__ import annotations

from typing import Any

import pytest
from composition_findings import REGISTRY, composition, counted, finding, judge

from consilience.compare.compositions.vectors import PRIOR
from consilience.compare.groups import groups_of, place_of
from consilience.declarations import Comparison
from consilience.model import Caveat, Margin, Region

BOX = {
    "shape": "box",
    "coordinates": [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]],
    "unit": "nm",
    "frame": "tip",
}


def only(verdicts: list[Any]) -> Any:
    assert len(verdicts) == 1, [v.reason for v in verdicts]
    return verdicts[0]


def test_one_verdict_for_two_compositions_with_numbers_for_each_element() -> None:
    first = composition({"Li": 0.40, "Pt": 0.40, "O": 0.20})
    second = composition({"Li": 0.41, "Pt": 0.40, "O": 0.19}, technique="edx")
    answer = only(judge(first, second))
    assert (answer.verdict, answer.kind, answer.subject) == ("agree", "composition", None)
    assert set(answer.findings) == {f.id for f in (*first, *second)}
    assert set(answer.numbers["elements"]) == {"Li", "O", "Pt"}
    sign = 1 if answer.findings[0] in {f.id for f in first} else -1
    assert answer.numbers["elements"]["Li"]["difference"] == pytest.approx(-0.01 * sign)
    assert abs(answer.difference) == pytest.approx(0.01)
    assert answer.test.startswith("two one-sided tests")
    assert "χ² = " in answer.reason
    assert "5 at.%" in answer.reason
    # what decides is Li or O: stated 0.3 % twice on both sides, opposite parts kept
    assert answer.std == pytest.approx(0.006, rel=0.01)
    assert answer.smallest_detectable > 0.05 + 2 * 1.645 * answer.std


def test_elements_of_one_composition_do_not_meet() -> None:
    """What is entered rests on no measurement, so nothing else would keep its elements apart."""
    said = composition({"Li": 0.4, "Pt": 0.6}, measurements=[])
    assert judge(said) == []
    other = composition({"Li": 0.4, "Pt": 0.6}, measurements=[], technique="edx")
    assert only(judge(said, other)).verdict == "agree"


def test_order_of_the_findings_does_not_matter() -> None:
    first = composition({"Li": 0.40, "Pt": 0.60})
    second = composition({"Li": 0.50, "Pt": 0.50}, technique="edx")
    one, other = only(judge(first, second)), only(judge(second[::-1], first[::-1]))
    assert one == other


def test_difference_beyond_the_margin_disagrees_and_between_is_undecided() -> None:
    first = composition({"Li": 0.40, "Pt": 0.60})
    far = only(judge(first, composition({"Li": 0.50, "Pt": 0.50}, technique="edx")))
    assert far.verdict == "disagree"
    assert abs(far.difference) == pytest.approx(0.10)
    assert far.p_value < 1e-6
    near = only(judge(first, composition({"Li": 0.45, "Pt": 0.55}, technique="edx")))
    assert near.verdict == "undecided"
    assert "would have been seen" in near.reason
    assert "standard deviation of the difference" in near.settle


def test_the_joint_covariance_is_used() -> None:
    """Counts of two elements: σ² = pq/N of both, which independent errors would halve."""
    first, arrays = counted({"Li": 480, "Pt": 520})
    second, more = counted({"Li": 2000, "Pt": 2000}, technique="edx")
    answer = only(judge(first, second, arrays={**arrays, **more}))
    assert answer.std == pytest.approx((0.48 * 0.52 / 1000 + 0.25 / 4000) ** 0.5, rel=1e-6)
    assert "no joint covariance" not in answer.reason
    alone = only(judge(first, second))
    assert "apt on needle gives no joint covariance" in alone.reason
    # two parts that sum to one: the deviations alone say the same
    assert alone.std == pytest.approx(answer.std, rel=1e-6)


def test_only_what_both_see_is_compared_and_the_rest_is_named() -> None:
    first = composition(
        {"Li": 0.30, "Pt": 0.30, "O": 0.40},
        each={"O": {"status": None, "reason": None}},
    )
    blind = finding(
        subject={"element": "Li"}, technique="edx", status="not_observable", reason="54 eV"
    )
    second = composition({"Pt": 0.43, "O": 0.56, "C": 0.01}, technique="edx")
    answer = only(judge(first, [*second, blind]))
    assert set(answer.numbers["elements"]) == {"O", "Pt"}
    assert answer.verdict == "agree"
    assert "Li (edx on needle: not observable: 54 eV)" in answer.reason
    assert "C (apt on needle: does not speak of it)" in answer.reason
    assert sorted(answer.numbers["shares"]) == pytest.approx([0.70, 0.99])


def test_one_common_element_has_no_ratio() -> None:
    answer = only(
        judge(
            composition({"Li": 0.3, "Pt": 0.7}), composition({"Pt": 0.9, "O": 0.1}, technique="e")
        )
    )
    assert answer.verdict == "not_comparable"
    assert "only Pt is given by both" in answer.reason


@pytest.mark.parametrize(
    ("li", "said", "word"),
    [
        (0.41, "consistent", "of it would change nothing"),
        (0.60, "undecided", "by what is known of the errors; but the systematic"),
        (0.45, "undecided", "at least"),
    ],
)
def test_unknown_systematic_is_never_agreement_nor_contradiction(
    li: float, said: str, word: str
) -> None:
    answer = only(
        judge(
            composition({"Li": 0.40, "Pt": 0.60}, sys=None),
            composition({"Li": li, "Pt": 1 - li}, technique="edx"),
        )
    )
    assert answer.verdict == said
    assert "the systematic standard deviation of apt on needle is unknown" in answer.reason
    assert word in answer.reason
    assert answer.settle.startswith("the systematic standard deviation of apt on needle")
    assert (answer.std, answer.p_value, answer.smallest_detectable) == (None, None, None)


def test_unknown_statistical_error_leaves_it_undecided() -> None:
    answer = only(
        judge(
            composition({"Li": 0.4, "Pt": 0.6}, stat=None),
            composition({"Li": 0.4, "Pt": 0.6}, technique="edx"),
        )
    )
    assert answer.verdict == "undecided"
    assert "the statistical standard deviation of apt on needle is unknown" in answer.reason
    assert "no χ²" in answer.reason


def test_zero_counts_take_the_prior_and_never_a_logarithm_of_zero() -> None:
    first, arrays = counted({"Li": 1000, "Pt": 1000, "F": 0})
    second, more = counted({"Li": 1000, "Pt": 1000, "F": 4}, technique="edx")
    answer = only(judge(first, second, arrays={**arrays, **more}))
    test = answer.numbers["no_difference"]
    assert test["elements"] == ["F", "Li", "Pt"]
    assert PRIOR in test["prior"]
    # 0 against 4 counts: exact two-sided binomial p = 2 / 2**4 = 0.125; for two degrees about 0.3
    assert 0.2 < test["p_value"] < 0.6
    assert answer.verdict == "agree"


def test_zero_counts_that_should_be_many_are_found() -> None:
    first, arrays = counted({"Li": 1000, "Pt": 1000, "F": 0})
    second, more = counted({"Li": 1000, "Pt": 1000, "F": 300}, technique="edx")
    answer = only(judge(first, second, arrays={**arrays, **more}))
    assert answer.verdict == "disagree"
    assert answer.numbers["decided_by"] == "F"
    assert answer.numbers["no_difference"]["p_value"] < 1e-3


def test_traces_without_counts_are_left_out_of_the_log_ratios_only() -> None:
    first = composition({"Li": 0.5, "Pt": 0.495, "F": 0.0}, stat=0.004)
    second = composition({"Li": 0.5, "Pt": 0.493, "F": 0.007}, stat=0.004, technique="edx")
    answer = only(judge(first, second))
    assert "without the trace F" in answer.reason
    assert answer.numbers["no_difference"]["left_out"] == ["F"]
    assert "F" in answer.numbers["elements"]


def test_a_limit_without_a_number_is_a_stated_prior() -> None:
    first = [
        *composition({"Li": 0.5, "Pt": 0.5}),
        finding(subject={"element": "F"}, status="absent_below_limit", limit=0.01),
    ]
    second = composition({"Li": 0.3, "Pt": 0.3, "F": 0.4}, technique="edx")
    answer = only(judge(first, second))
    assert "F below a limit of 1 at.% is taken as half of it" in answer.reason
    assert answer.verdict == "disagree"


def test_rivals_of_counts_hold_both_answers_back() -> None:
    rival = {"rivals": [{"subject": {"element": "C"}, "decided_by": ["more counts"]}]}
    first = composition({"Li": 0.40, "Pt": 0.60}, each={"Li": rival})
    same = only(judge(first, composition({"Li": 0.40, "Pt": 0.60}, technique="edx")))
    assert (same.verdict, "could be C in part" in same.reason) == ("consistent", True)
    far = only(judge(first, composition({"Li": 0.60, "Pt": 0.40}, technique="edx")))
    assert far.verdict == "undecided"
    wide = {"interval": {"low": 0.2, "high": 0.5, "level": 0.95}}
    open_ = composition({"Li": 0.40, "Pt": 0.60}, each={"Li": wide})
    answer = only(judge(open_, composition({"Li": 0.40, "Pt": 0.60}, technique="edx")))
    assert answer.verdict == "consistent"
    assert "may lie anywhere from 20 to 50 at.%" in answer.reason


def test_a_whole_is_not_a_region_and_another_sample_is_another_volume() -> None:
    whole = composition({"Li": 0.4, "Pt": 0.6})
    part = composition({"Li": 0.4, "Pt": 0.6}, technique="edx", region=BOX)
    answer = only(judge(whole, part))
    assert answer.verdict == "not_comparable"
    assert "the composition of a whole volume is not that of a region in it" in answer.reason
    assert "χ²" in answer.reason  # the numbers stand there all the same
    other = only(judge(whole, composition({"Li": 0.4, "Pt": 0.6}, technique="e", sample="chip")))
    assert other.verdict == "not_comparable"
    assert "different volumes" in other.reason
    same = only(
        judge(
            composition({"Li": 0.4, "Pt": 0.6}, region={**BOX, "label": "region 2"}),
            composition({"Li": 0.4, "Pt": 0.6}, technique="edx", region=BOX),
        )
    )
    assert same.verdict == "agree"


def test_regions_and_parameters_make_groups() -> None:
    one = composition({"Li": 0.4, "Pt": 0.6}, region=BOX)
    moved = {**BOX, "coordinates": [[0.0, 0.0, 0.0], [1.0, 1.0, 2.0]]}
    other = composition({"Li": 0.4, "Pt": 0.6}, region=moved)
    groups = groups_of([*one, *other])
    assert {f.id for f in groups[one[0].id]} == {f.id for f in one}
    first, arrays = counted({"Li": 10, "Pt": 10})
    # a second volume whose region is the same text but whose covariance is another array
    again = [
        f.identified({**f.to_json(), "value": 0.5, "covariance": {"array": "b", "index": 0}})
        for f in first[:1]
    ]
    assert len(groups_of([*first, *again])[again[0].id]) == 1
    assert arrays
    region = Region.model_validate(BOX)
    assert place_of(None, region) == "part"
    assert place_of(region, Region(shape="whole", frame="tip")) == "larger"
    assert place_of(region, Region.model_validate(moved)) == "other"


def test_the_study_has_its_own_margin() -> None:
    first = composition({"Li": 0.40, "Pt": 0.60})
    second = composition({"Li": 0.44, "Pt": 0.56}, technique="edx")
    wide = Margin(value=0.10, unit="1", reason="coarse question")
    tight = Margin(value=0.01, unit="1", reason="fine question")
    assert only(judge(first, second, margins={"composition": wide})).verdict == "agree"
    answer = only(judge(first, second, margins={"composition": tight}))
    assert answer.verdict == "disagree"
    assert answer.margin == tight
    relative = Margin(value=0.1, unit="1", relative=True, reason="a tenth")
    assert only(judge(first, second, margins={"composition": relative})).verdict == "undecided"


def test_several_systematic_parts_add_up() -> None:
    first, arrays = counted({"Li": 480, "Pt": 520}, sys=0.02)
    second, more = counted({"Li": 2000, "Pt": 2000}, technique="edx")
    plain = only(judge(first, second, arrays={**arrays, **more}))
    (name,) = arrays
    half = arrays[name]["systematic"] * 0.5
    parts = arrays[name].drop_vars("systematic")
    arrays[name] = parts.assign(systematic_ranging=half, systematic_k_factors=half)
    assert only(judge(first, second, arrays={**arrays, **more})).std == pytest.approx(plain.std)
    assert plain.std > 0.5 * 0.02 / 2**0.5


def test_two_numbers_for_one_element_and_a_false_covariance_are_refused() -> None:
    twice = [*composition({"Li": 0.4, "Pt": 0.6}), *composition({"Li": 0.41})]
    answer = only(judge(twice, composition({"Li": 0.4, "Pt": 0.6}, technique="edx")))
    assert answer.verdict == "not_comparable"
    assert "apt on needle gives Li twice" in answer.reason
    first, arrays = counted({"Li": 480, "Pt": 520})
    second, more = counted({"Li": 2000, "Pt": 2000}, technique="edx")
    (name,) = arrays
    arrays[name] = arrays[name] * 4.0
    answer = only(judge(first, second, arrays={**arrays, **more}))
    assert "contradicts its findings' deviations" in answer.reason
    arrays[name] = arrays[name].rename({"statistical": "variance"})
    answer = only(judge(first, second, arrays={**arrays, **more}))
    assert "has no 'statistical'" in answer.reason


def test_a_repeat_is_no_second_witness_and_states_must_be_one() -> None:
    first = composition({"Li": 0.4, "Pt": 0.6})
    again = composition({"Li": 0.4, "Pt": 0.6}, measurements=["m-apt-2"])
    assert only(judge(first, again)).verdict == "consistent"
    other = composition({"Li": 0.4, "Pt": 0.6}, technique="edx", state={"cycle": 50})
    here = composition({"Li": 0.4, "Pt": 0.6}, state={"cycle": 1})
    assert only(judge(here, other)).verdict == "not_comparable"


def test_a_doubted_element_reaches_the_one_verdict_once() -> None:
    first = composition({"Li": 0.4, "Pt": 0.6})
    second = composition({"Li": 0.4, "Pt": 0.6}, technique="edx")
    caveat = Caveat(
        finding=first[0].id, rule="r.x", effect="doubt", message="warm", citation="a book"
    )
    answer = only(judge(first, second, caveats=[caveat]))
    assert answer.verdict == "undecided"
    assert answer.caveats == [caveat]
    assert "without the rule: agree" in answer.reason


@pytest.mark.parametrize(
    ("over", "value", "said"),
    [
        (["Li", "Pt"], 0.47, "undecided"),
        (["Li", "Pt"], 0.50, "agree"),
        (["Li", "Pt"], 0.30, "disagree"),
        (["Li", "Pt", "O"], 0.40, "agree"),
        (["Li", "Pt", "Si"], 0.40, "not_comparable"),
        (None, 0.40, "consistent"),
        (None, 0.60, "undecided"),
    ],
)
def test_one_amount_against_a_composition(over: list[str] | None, value: float, said: str) -> None:
    whole = composition({"Li": 0.4, "Pt": 0.4, "O": 0.2})
    amount = finding(
        kind="element_amount",
        technique="eels",
        value=value,
        std_stat=0.003,
        std_sys=0.01,
        evidence={} if over is None else {"normalised_over": over},
    )
    answer = only(judge(whole, [amount]))
    assert answer.verdict == said, answer.reason
    assert answer.kind == "element_amount"
    assert answer.subject.element == "Li"
    if said != "not_comparable":
        assert "3 at.%" in answer.reason


def test_an_amount_of_an_element_that_the_composition_cannot_see() -> None:
    blind = finding(subject={"element": "Li"}, status="not_observable", reason="54 eV is too soft")
    whole = [*composition({"Pt": 0.5, "O": 0.5}), blind]
    amount = finding(kind="element_amount", technique="eels", value=0.5)
    answer = only(judge(whole, [amount]))
    assert answer.verdict == "not_comparable"
    assert "54 eV is too soft" in answer.reason
    other = finding(kind="element_amount", technique="eels", value=0.5, subject={"element": "Xe"})
    assert judge(whole, [other]) == []


def test_only_comparisons_of_compositions_are_asked_for_groups() -> None:
    groups = {c.key for c in REGISTRY.all(Comparison) if c.scope == "group"}
    assert groups == {"core.composition", "core.stoichiometry"}
