"""Numbers stand on one strip only where a verdict holds them against each other."""

from __future__ import annotations

from types import ModuleType

from consilience.model.verdict import Verdict
from consilience.report.rows import _once
from consilience.report.strips import strip_figures


def verdict(*findings: str, key: str = "v-1") -> Verdict:
    return Verdict(
        id=key,
        kind="composition",
        subject=None,
        samples=["needle"],
        findings=list(findings),
        verdict="undecided",
        reason="for a test",
    )


def fraction(samples: ModuleType, element: str, value: float, region: str):
    return samples.finding(
        "composition",
        samples.Subject(element=element),
        "needle",
        [],
        value=value,
        unit="1",
        evidence={"region": region},
    )


def test_regions_that_nothing_compared_get_no_strip(report_samples: ModuleType) -> None:
    found = [
        fraction(report_samples, element, value, region)
        for region, shift in (("cap", 0.0), ("bulk", 0.4))
        for element, value in (("Li", 0.1 + shift), ("Pt", 0.5 - shift))
    ]
    cap, bulk = [f.id for f in found[:2]], [f.id for f in found[2:]]
    against_phase = [verdict(*cap, key="v-1"), verdict(*bulk, key="v-2")]
    assert strip_figures(found, against_phase, {}, {}) == []
    against_each_other = [verdict(*cap, *bulk)]
    titles = [f.title for f in strip_figures(found, against_each_other, {}, {})]
    assert titles == ["Composition, Li", "Composition, Pt"]


def test_one_doubt_of_three_elements_is_said_once(report_samples: ModuleType) -> None:
    doubts = [
        report_samples.Caveat(
            finding=f"f-{element}",
            rule="custody.frozen-warmed",
            effect="doubt",
            message="it was warmer than 136 K",
            citation="a paper",
        )
        for element in ("Li", "Pt", "Cr")
    ]
    assert [c.finding for c in _once(doubts)] == ["f-Li"]
