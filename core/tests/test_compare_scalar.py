"""Scalar verdicts: the error rates are those that the two one-sided tests promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from plain_findings import plain_finding

from consilience.compare.context import ComparisonContext
from consilience.compare.margins import Decision, decide
from consilience.compare.numbers.scalar import compare
from consilience.kinds import CORE_KINDS
from consilience.model import Finding, Margin, Sample

SAMPLES = {
    "chip": Sample(id="chip"),
    "lamella": Sample(id="lamella", parent="chip"),
}


def finding(value: float | None, **more: Any) -> Finding:
    content: dict[str, Any] = {
        "kind": "lattice_parameter",
        "subject": {"formula": "LiF", "space_group": 225},
        "value": value,
        "unit": "angstrom",
        "std_stat": 0.0005,
        "std_sys": 0.0005,
    }
    return plain_finding(technique="xrd", **{**content, **more})


def context(first: Finding, second: Finding, **more: Any) -> ComparisonContext:
    return ComparisonContext(
        samples=SAMPLES,
        kinds={k.name: k for k in CORE_KINDS},
        modalities={first.id: "xrd", second.id: "eels"},
        **more,
    )


def verdict(first: Finding, second: Finding, **more: Any) -> Any:
    return compare(first, second, context(first, second, **more))


def one(difference: float, std: float) -> Decision:
    return decide(np.array([difference]), np.array([std]), np.array([1.0]))


@pytest.mark.parametrize("std", [0.1, 0.3])
def test_at_the_margin_agreement_is_claimed_at_the_stated_level(std: float) -> None:
    """At a true difference equal to the margin, 5 % are called agree and 5 % disagree."""
    rng = np.random.default_rng(20261122)
    answers = [one(d, std).answer for d in rng.normal(1.0, std, 20_000)]
    for answer in ("agree", "disagree"):
        # the lower bound -margin takes a negligible share of the draws at these widths
        assert answers.count(answer) / 20_000 == pytest.approx(0.05, abs=0.006)


def test_smallest_detectable_is_found_with_the_stated_power() -> None:
    rng = np.random.default_rng(3)
    smallest = one(0.0, 0.4).smallest
    answers = [one(d, 0.4).answer for d in rng.normal(smallest, 0.4, 20_000)]
    assert answers.count("disagree") / 20_000 == pytest.approx(0.95, abs=0.006)


def test_huge_uncertainty_is_never_agreement() -> None:
    answer = verdict(finding(4.03, std_stat=1.0), finding(4.03, std_stat=1.0))
    assert answer.verdict == "undecided"
    assert answer.smallest_detectable > 4.0
    assert "standard deviation of the difference below" in answer.settle


def test_small_difference_agrees_and_large_one_disagrees() -> None:
    same = verdict(finding(4.0260), finding(4.0265))
    assert (same.verdict, same.difference) == ("agree", pytest.approx(-0.0005))
    assert same.std == pytest.approx(0.001)
    other = verdict(finding(4.026), finding(4.05))
    assert other.verdict == "disagree"
    assert "0.2 %" in other.reason
    assert other.p_value < 0.001


def test_unknown_sigma_leaves_it_undecided_and_is_named() -> None:
    answer = verdict(finding(4.02, std_sys=None), finding(4.02))
    assert answer.verdict == "undecided"
    assert answer.reason == "the systematic standard deviation of xrd on chip is unknown"
    assert answer.std is None
    assert answer.difference == pytest.approx(0.0)


def test_other_volume_is_not_comparable() -> None:
    answer = verdict(finding(4.02), finding(4.02, sample="lamella"))
    assert answer.verdict == "not_comparable"
    assert "different volumes" in answer.reason


def test_without_a_margin_nothing_is_said_to_agree() -> None:
    answer = verdict(
        finding(1.0, kind="strain", unit="1"), finding(1.0, kind="strain", unit="1", method="b")
    )
    assert answer.verdict == "undecided"
    assert "no margin is stated for strain" in answer.reason


def test_study_margin_overrides_the_default() -> None:
    margin = Margin(value=0.1, unit="angstrom", reason="asked for")
    answer = verdict(finding(4.02), finding(4.06), margins={"lattice_parameter": margin})
    assert answer.verdict == "agree"
    assert answer.margin == margin


def test_a_deviation_of_zero_is_no_uncertainty() -> None:
    answer = verdict(
        finding(4.02, std_stat=0.0, std_sys=0.0), finding(4.02, std_stat=0.0, std_sys=0.0)
    )
    assert answer.verdict == "undecided"
    assert "which no measurement has" in answer.reason
    with pytest.raises(ValueError, match="no uncertainty"):
        one(0.0, 0.0)


def test_a_number_that_is_not_given_says_why() -> None:
    lacking = finding(None, reason="humps of the baseline hold 45% of the areas")
    answer = verdict(lacking, finding(4.02))
    assert answer.verdict == "not_comparable"
    assert "gives no number: humps of the baseline hold 45% of the areas" in answer.reason
