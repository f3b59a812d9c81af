"""A sample against its control: its own, not told apart, or not to be seen there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from plain_findings import plain_finding

from consilience.compare import compare_findings
from consilience.compare.presence.control import KEY
from consilience.model import Caveat, Constituent, Finding, Margin, Sample, Step, Verdict
from consilience.registry import Registry

SAMPLES = {
    "cell": Sample(id="cell"),
    "lamella": Sample(id="lamella", parent="cell"),
    "blank": Sample(id="blank", control_of="cell"),
    "piece of blank": Sample(id="piece of blank", parent="blank"),
    "stranger": Sample(id="stranger"),
}
LIF = {"formula": "LiF", "space_group": 225}
NUMBER = Margin(value=0.01, unit="1", reason="a test")


def finding(sample: str, technique: str = "xrd", **more: Any) -> Finding:
    content: dict[str, Any] = {
        "subject": LIF,
        "sample": sample,
        "status": "present",
        "measurements": [f"m-{sample}-{technique}-{more.get('state')}"],
    }
    return plain_finding(**{"kind": "phase", "technique": technique, **content, **more})


def amount(sample: str, value: float, std: float | None = 0.002, **more: Any) -> Finding:
    fields = {"kind": "phase_fraction", "status": None, "value": value, "unit": "1"}
    return finding(sample, **{**fields, "std_stat": std, "std_sys": 0.0, **more})


def absent(sample: str, limit: float = 0.01, **more: Any) -> Finding:
    return finding(sample, **{"status": "absent_below_limit", "limit": limit, "unit": "1", **more})


def judged(registry: Registry, *findings: Finding, **more: Any) -> tuple[list[Verdict], ...]:
    techniques = {f.id: f.source.plugin for f in findings}
    found = compare_findings(registry, SAMPLES, findings, techniques, **more)
    return [v for v in found if v.comparison == KEY], [v for v in found if v.comparison != KEY]


def test_what_the_control_does_not_show_is_the_samples_own(registry: Registry) -> None:
    (one,), _ = judged(registry, finding("cell"), absent("blank"))
    assert one.verdict == "consistent"
    assert "the sample's own: absent in the control below 0.01" in one.reason
    assert one.samples == ["blank", "cell"]


def test_what_both_show_cannot_be_told_apart_and_weakens_the_rest(registry: Registry) -> None:
    both = [finding("cell"), finding("cell", "eels")]
    (own, others) = judged(registry, *both)
    assert own == []
    assert [v.verdict for v in others] == ["agree"]
    (one,), (pair,) = judged(registry, *both, finding("blank"))
    assert one.verdict == "undecided"
    assert one.settle == "amounts in sample and control, with errors"
    assert pair.verdict == "consistent"
    assert "xrd does not tell LiF on cell from its control blank" in pair.reason
    assert pair.reason.endswith("without the control: agree")


def test_a_conflict_that_the_control_may_explain_is_undecided(registry: Registry) -> None:
    pair = [
        finding("cell", value=0.1, unit="1", std_stat=0.01, std_sys=0.0),
        absent("cell", technique="eels"),
    ]
    _, (alone,) = judged(registry, *pair)
    assert alone.verdict == "disagree"
    _, (weaker,) = judged(registry, *pair, finding("blank"))
    assert weaker.verdict == "undecided"
    assert "without the control: disagree" in weaker.reason


@pytest.mark.parametrize(
    ("value", "std", "verdict", "words"),
    [
        (0.30, 0.002, "consistent", "+0.1 ± 0.0028 against the control, beyond the margin of 0.05"),
        (0.24, 0.002, "undecided", "not beyond the margin of 0.05"),
        (0.26, 0.02, "undecided", "not beyond the margin of 0.05"),
        (0.10, 0.002, "undecided", "-0.1 ± 0.0028 against the control, not beyond"),
        (0.30, None, "undecided", "with a standard deviation that is unknown"),
    ],
)
def test_an_amount_must_be_beyond_that_of_the_control(
    registry: Registry, value: float, std: float | None, verdict: str, words: str
) -> None:
    (one,), _ = judged(registry, amount("cell", value, std), amount("blank", 0.2))
    assert one.verdict == verdict
    assert words in one.reason


def test_a_present_phase_with_amounts_beyond_the_control_is_the_samples_own(
    registry: Registry,
) -> None:
    known: dict[str, Any] = {"unit": "1", "std_stat": 0.002, "std_sys": 0.0}
    both = [finding("cell", value=0.3, **known), finding("blank", value=0.01, **known)]
    (one,), (pair,) = judged(registry, *both, finding("cell", "eels"))
    assert one.verdict == "consistent"
    assert "beyond 0 (no margin)" in one.reason
    assert pair.verdict == "agree"
    counts = [f.model_copy(update={"unit": "count"}) for f in both]
    (raw,), _ = judged(registry, *counts)
    assert raw.verdict == "undecided"  # counts hang on the exposure
    assert "no amounts tell the two apart" in raw.reason


def test_a_control_that_cannot_speak_says_nothing(registry: Registry) -> None:
    blind = finding("blank", status="not_observable", reason="the line is outside")
    (one,), _ = judged(registry, finding("cell"), blind)
    assert one.verdict == "not_comparable"
    assert "not observable in the control: the line is outside" in one.reason
    both = [finding("cell"), finding("cell", "eels"), finding("blank", status=None)]
    (open_,), (pair,) = judged(registry, *both)
    assert open_.verdict == "undecided"
    assert pair.verdict == "agree"
    small = finding("cell", value=0.004, unit="1", std_stat=0.001, std_sys=0.0)
    (below,), _ = judged(registry, small, absent("blank"))
    assert below.verdict == "undecided"
    assert "which the amount of 0.004 would not have reached" in below.reason


def test_states_of_one_sample_are_one_verdict(registry: Registry) -> None:
    states = [amount("cell", 0.2 + 0.1 * i, state={"cycle": i}) for i in range(3)]
    (one,), _ = judged(registry, *states, amount("blank", 0.2))
    assert one.verdict == "consistent"
    assert "more in cycle 1 / cycle 2; not told apart in cycle 0" in one.reason
    assert one.p_value == pytest.approx(0.0, abs=1e-9)
    assert one.difference == pytest.approx(0.2)


def test_the_control_is_taken_in_the_state_of_the_sample(registry: Registry) -> None:
    mine = [amount("cell", 0.3, state={"cycle": c}) for c in (1, 2)]
    theirs = [amount("blank", v, state={"cycle": c}) for c, v in ((1, 0.1), (2, 0.3))]
    (one,), _ = judged(registry, *mine, *theirs)
    assert "more in cycle 1; not told apart in cycle 2" in one.reason


def test_pieces_inherit_the_control_of_what_they_were_cut_from(registry: Registry) -> None:
    (one,), _ = judged(registry, finding("lamella"), finding("piece of blank"))
    assert one.samples == ["lamella", "piece of blank"]
    assert judged(registry, finding("lamella"), finding("stranger"))[0] == []
    assert judged(registry, finding("cell"), finding("blank", "eels"))[0] == []
    assert judged(registry, finding("cell"), finding("blank", origin="simulated"))[0] == []
    assert judged(registry, absent("cell"), finding("blank"))[0] == []


def test_what_was_put_in_is_the_samples_own(registry: Registry) -> None:
    step = Step(
        sample="cell",
        type="prepare",
        constituents=[Constituent.model_validate({"subject": LIF})],
        citation="lab book",
    )
    both = [finding("cell"), finding("cell", "eels"), finding("blank")]
    (one,), (pair,) = judged(registry, *both, steps=[step])
    assert one.verdict == "undecided"
    assert pair.verdict == "agree"


def test_a_control_that_a_rule_leaves_out_weakens_nothing(registry: Registry) -> None:
    both = [finding("cell"), finding("cell", "eels"), finding("blank")]
    veto = Caveat(finding=both[2].id, rule="r", effect="veto", message="dirty", citation="x")
    (one,), (pair,) = judged(registry, *both, caveats=[veto])
    assert one.verdict == "not_comparable"
    assert "without the rule: undecided" in one.reason
    assert pair.verdict == "agree"


def test_other_numbers_than_amounts_are_not_asked(registry: Registry) -> None:
    lattice: dict[str, Any] = {"kind": "lattice_parameter", "unit": "angstrom"}
    assert (
        judged(registry, amount("cell", 4.0, **lattice), amount("blank", 4.0, **lattice))[0] == []
    )


def test_equal_amounts_are_called_more_at_the_level(registry: Registry) -> None:
    """At the margin itself; three states share the level."""
    chance = np.random.default_rng(20261122)
    alarms = 0
    for _ in range(400):
        states = [
            amount("cell", float(0.21 + 0.01 * chance.normal()), 0.01, state={"cycle": i})
            for i in range(3)
        ]
        blank = amount("blank", float(0.2 + 0.01 * chance.normal()), 0.01)
        (one,), _ = judged(registry, *states, blank, margins={"phase_fraction": NUMBER})
        alarms += one.verdict == "consistent"
    assert alarms <= 33  # 5 % and three standard deviations of the count
