"""Consensus of three or more techniques, and disagreements that stand among many comparisons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from plain_findings import plain_finding
from scipy.stats import false_discovery_control, norm

from consilience.compare.engine import compare_findings
from consilience.compare.multiplicity import kept, with_false_discoveries_controlled
from consilience.compare.numbers.random_effects import consensus_of
from consilience.model import Caveat, Finding, Sample, Verdict
from consilience.registry import Registry

# log relative risks and variances of thirteen trials of the BCG vaccine (G. A. Colditz et al.,
# JAMA 271 (1994) 698), the usual example of a random-effects analysis
RISKS = [-0.8893, -1.5854, -1.3481, -1.4416, -0.2175, -0.7861, -1.6209]
RISKS += [0.0120, -0.4694, -1.3713, -0.3394, 0.4459, -0.0173]
VARIANCES = [0.3256, 0.1946, 0.4154, 0.0200, 0.0512, 0.0069, 0.2230]
VARIANCES += [0.0040, 0.0564, 0.0730, 0.0124, 0.5325, 0.0714]


def number(technique: str, value: float, std: float | None = 0.001, **more: Any) -> Finding:
    content: dict[str, Any] = {
        "subject": {"formula": "LiF", "space_group": 225},
        "value": value,
        "unit": "angstrom",
        "std_stat": std,
        "std_sys": 0.0,
        "measurements": [f"m-{technique}-{value}"],
    }
    return plain_finding("lattice_parameter", technique, **{**content, **more})


def verdicts(registry: Registry, findings: list[Finding], **more: Any) -> list[Verdict]:
    techniques = {f.id: f.source.plugin for f in findings}
    return compare_findings(registry, {"chip": Sample(id="chip")}, findings, techniques, **more)


def consensus(found: list[Verdict]) -> Verdict:
    (one,) = [v for v in found if v.comparison == "core.consensus"]
    return one


def test_published_trials_give_what_statsmodels_gives() -> None:
    """statsmodels 0.15.0, combine_effects(method_re="iterated", use_t=True), to all digits."""
    found = consensus_of(np.array(RISKS), np.sqrt(VARIANCES))
    assert found.between**2 == pytest.approx(0.31808243987504614, rel=1e-9)
    assert found.value == pytest.approx(-0.7149703054401032, rel=1e-9)
    assert found.std == pytest.approx(0.18089453337148503, rel=1e-9)
    assert (found.low, found.high) == pytest.approx((-1.10910564, -0.32083498), abs=1e-8)
    assert found.homogeneity / 2.42785949899e-26 == pytest.approx(1.0, rel=1e-6)


def test_the_interval_covers_as_stated_with_three_results() -> None:
    rng = np.random.default_rng(20261122)
    for between in (0.0, 1.0):
        inside = 0
        for _ in range(1000):
            std = rng.uniform(0.5, 1.5, 3)
            found = consensus_of(rng.normal(0.0, np.hypot(std, between)), std)
            inside += found.low < 0.0 < found.high
        assert inside >= 930  # 95 % less three standard deviations of the count


def test_results_that_agree_have_no_variance_between_them() -> None:
    found = consensus_of(np.array([1.0, 1.0, 1.0]), np.array([0.1, 0.2, 0.2]))
    assert found.between == 0.0
    assert found.std == pytest.approx(1 / np.sqrt(100 + 25 + 25))


def test_two_results_are_refused() -> None:
    with pytest.raises(ValueError, match="2 results: a variance between methods needs three"):
        consensus_of(np.array([1.0, 2.0]), np.array([0.1, 0.1]))


def test_three_techniques_have_a_consensus_beside_the_pairs(registry: Registry) -> None:
    findings = [number("xrd", 4.026), number("eels", 4.027), number("apt", 4.026)]
    found = verdicts(registry, findings)
    assert len(found) == 4
    one = consensus(found)
    assert one.verdict == "agree"
    assert set(one.findings) == {f.id for f in findings}
    assert "consensus of 3 techniques (apt 4.0260 ± 0.0010, eels" in one.reason
    assert one.numbers["consensus"] == pytest.approx(4.026333, abs=1e-6)


def test_cycle_fifty_is_one_state_with_a_point_or_without(registry: Registry) -> None:
    cycles = {"xrd": 50, "eels": 50.0, "apt": 50}
    findings = [number(t, 4.026, state={"cycle": c}) for t, c in cycles.items()]
    assert consensus(verdicts(registry, findings)).verdict == "agree"


def test_the_odd_one_out_is_named(registry: Registry) -> None:
    findings = [number("xrd", 4.026), number("eels", 4.027), number("apt", 4.076)]
    one = consensus(verdicts(registry, findings))
    assert one.verdict == "disagree"
    assert one.reason.startswith("apt is off by 0.0495 ± 0.0012 angstrom from the consensus")


def test_repeats_of_one_technique_are_one_result(registry: Registry) -> None:
    findings = [number("xrd", 4.026 + 0.001 * i) for i in range(3)]
    found = verdicts(registry, [*findings, number("apt", 4.027)])
    assert not [v for v in found if v.comparison == "core.consensus"]


def test_a_common_systematic_error_is_not_averaged_away(registry: Registry) -> None:
    findings = [number("xrd", 4.026 + 0.001 * i, std_sys=0.01) for i in range(4)]
    findings += [number("apt", 4.027), number("eels", 4.027)]
    xrd = next(
        r
        for r in consensus(verdicts(registry, findings)).to_json()["numbers"]["results"]
        if r["technique"] == "xrd"
    )
    assert xrd["findings"] == 4
    assert xrd["std"] == pytest.approx(np.hypot(0.0005, 0.01))


def test_an_unknown_deviation_is_left_out_and_named(registry: Registry) -> None:
    findings = [number("xrd", 4.026), number("eels", 4.027), number("apt", 4.026)]
    one = consensus(verdicts(registry, [*findings, number("edx", 4.1, None)]))
    assert one.verdict == "agree"
    assert "left out, because a standard deviation is unknown: edx on chip" in one.reason


def test_a_vetoed_finding_is_left_out_and_what_it_would_change_is_said(registry: Registry) -> None:
    findings = [number("xrd", 4.026), number("eels", 4.027), number("apt", 4.026)]
    warm = number("edx", 4.3)
    veto = Caveat(
        finding=warm.id, rule="custody.warm", effect="veto", message="it warmed", citation="here"
    )
    one = consensus(verdicts(registry, [*findings, warm], caveats=[veto]))
    assert one.verdict == "agree"
    assert "left out by a rule: edx on chip; with it: disagree" in one.reason


def test_simulated_numbers_take_no_part(registry: Registry) -> None:
    findings = [number("xrd", 4.026), number("eels", 4.027)]
    found = verdicts(registry, [*findings, number("apt", 4.026, origin="simulated")])
    assert not [v for v in found if v.comparison == "core.consensus"]


def test_the_step_up_rule_on_the_published_example() -> None:
    """Benjamini and Hochberg 1995, section 4: fifteen p-values, four are kept at 0.05."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    assert kept(p, 15) == [True] * 4 + [False] * 5


@pytest.mark.parametrize("digits", [2, 6])
def test_what_is_kept_is_what_scipy_keeps(digits: int) -> None:
    """Ties, too; those above the level are no candidates, but count as tests."""
    rng = np.random.default_rng(digits)
    for tests in (1, 7, 40):
        for _ in range(50):
            p = np.round(np.where(rng.random(tests) < 0.4, 0.02, 1.0) * rng.random(tests), digits)
            outside = false_discovery_control(p) <= 0.05
            candidates = p <= 0.05
            assert kept(p[candidates].tolist(), tests) == outside[candidates].tolist()
            assert not outside[~candidates].any()


def test_the_share_of_false_disagreements_is_what_is_said() -> None:
    """Ninety differences at the margin, ten well beyond it: at most 5 % of those kept are false."""
    rng = np.random.default_rng(7)
    share = []
    for _ in range(400):
        off = np.concatenate([rng.normal(0.0, 1.0, 90), rng.normal(4.0, 1.0, 10)])
        p = norm.sf(off)
        found = [i for i in range(100) if p[i] < 0.05]
        stays = kept([float(p[i]) for i in found], 100)
        false = sum(stay and i < 90 for i, stay in zip(found, stays, strict=True))
        share.append(false / max(sum(stays), 1))
    assert 0.03 < np.mean(share) < 0.05


def test_a_disagreement_that_chance_would_give_is_undecided_and_says_so(
    registry: Registry,
) -> None:
    """4.026 against 4.0365: p = 0.02 by itself, not among ten pairs and their course."""
    last: dict[str, Any] = {"state": {"cycle": 50}}
    pair = [number("xrd", 4.026, 0.0008, **last), number("apt", 4.0365, 0.0008, **last)]
    (alone,) = verdicts(registry, pair)
    assert alone.verdict == "disagree"
    assert alone.p_value == pytest.approx(0.0163, abs=0.002)
    others = [number(t, 5.0, state={"cycle": i}) for i in range(9) for t in ("xrd", "apt")]
    found = verdicts(registry, [*pair, *others])
    (same,) = [v for v in found if set(v.findings) == {f.id for f in pair}]
    assert same.verdict == "undecided"
    assert "among 11 comparisons with a test it does not stand" in same.reason


def test_verdicts_without_a_test_are_left_alone() -> None:
    plain = Verdict(
        id="v-1",
        kind="phase",
        subject=None,
        samples=["chip"],
        findings=["f-1", "f-2"],
        verdict="disagree",
        reason="one sees it",
    )
    assert with_false_discoveries_controlled([plain]) == [plain]
