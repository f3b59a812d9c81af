"""What is printed of a study: all of a small one, of a large one what decides."""

from __future__ import annotations

from types import ModuleType

from consilience.report.printing import (
    MOST_EVIDENCE,
    MOST_FINDINGS,
    MOST_MEASUREMENTS,
    printed_of,
)
from consilience.report.rows import worst_first


def test_of_a_small_study_everything_is_printed(report_samples: ModuleType) -> None:
    content = report_samples.many(MOST_EVIDENCE // 2, per=2)
    printed = printed_of(content.findings, content.measurements, ())
    assert printed.findings == printed.evidence == {f.id for f in content.findings}
    assert len(content.measurements) <= MOST_MEASUREMENTS
    assert printed.measurements == {r.id for r in content.measurements}


def test_of_a_large_study_what_disagrees_comes_first(report_samples: ModuleType) -> None:
    content = report_samples.many(400)
    verdicts = worst_first(content.verdicts)
    printed = printed_of(content.findings, content.measurements, verdicts)
    assert len(printed.findings) == MOST_FINDINGS
    assert len(printed.evidence) == MOST_EVIDENCE
    assert len(printed.measurements) == MOST_MEASUREMENTS
    assert printed.evidence < printed.findings
    disagreeing = {i for v in verdicts if v.verdict == "disagree" for i in v.findings}
    assert printed.evidence < disagreeing
    unmade = {i for v in verdicts if v.verdict == "not_comparable" for i in v.findings}
    others = {i for v in verdicts if v.verdict != "not_comparable" for i in v.findings}
    assert unmade - others
    assert not printed.findings & (unmade - others)
    measured = {f.id: set(f.measurements) for f in content.findings}
    assert all(any(m in measured[i] for i in disagreeing) for m in printed.measurements)


def test_where_nothing_was_compared_the_first_are_printed(report_samples: ModuleType) -> None:
    content = report_samples.many(400)
    printed = printed_of(content.findings, content.measurements, ())
    assert printed.findings == {f.id for f in content.findings[:MOST_FINDINGS]}
