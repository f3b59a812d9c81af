"""Thousands of verdicts: what decides is listed, the rest counted, and every link leads."""

from __future__ import annotations

import re
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest

from consilience.report import arrange as arranging
from consilience.report import folding, render
from consilience.report.words import banner


def study(samples: ModuleType, pairs: int) -> Any:
    found = [
        samples.finding(
            "size",
            samples.Subject(element="Pt"),
            f"chip-{i % 12}",
            [],
            value=float(i),
            unit="nm",
            std_stat=0.1,
            assumptions=[f"assumption of number {i}"],
            evidence={"counted": i},
        )
        for i in range(pairs + 1)
    ]
    answers = ["not_comparable", "agree", "disagree"]
    verdicts = [
        samples.verdict(
            "size",
            one.subject,
            [one, other],
            answers[0 if i % 4 else 1 + i // 4 % 2],
            f"different states: {i} against {i + 1}" if i % 4 else f"reason {i}",
        )
        for i, (one, other) in enumerate(pairwise(found))
    ]
    return samples.ReportContent(study="s", findings=found, verdicts=verdicts)


def check_links(page: str) -> None:
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets - set(re.findall(r'id="([^"]+)"', page)) == set()


def test_few_verdicts_have_a_line_each(report_samples: ModuleType) -> None:
    page = render(study(report_samples, 20))
    assert "Counted together" not in page
    assert len(re.findall(r'<tr role="row" id="v-', page)) == 20
    assert page.count("assumption of number") == 21


def test_of_many_the_decided_are_listed_and_the_rest_counted(
    report_samples: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "MOST_ROWS", 20)
    monkeypatch.setattr(arranging, "DETAILED_FINDINGS", 30)
    content = study(report_samples, 120)  # 90 cannot be made, 15 agree, 15 disagree
    page = render(content)
    line = r'<tr role="row" id="v-[0-9a-f]+">\s*<td role="cell"><span class="verdict (\w+)'
    listed = re.findall(line, page)
    assert listed == ["disagree"] * 15 + ["agree"] * 5
    assert "Counted together: the other 100 of 120 comparisons." in page
    assert re.search(r"not comparable</span> ×90", page)
    assert re.search(r"agree</span> ×10", page)
    assert "different states</span> (×90)" in page
    assert "and 4 more" in page  # of twelve samples eight are named
    assert re.search(r"15 of 120 comparisons disagree; 90 cannot be made", page)
    (brief,) = re.findall(r"There are 121 findings. Evidence and assumptions of (\d+) of", page)
    assert int(brief) == 106
    assert page.count("assumption of number") == 15
    check_links(page)


def test_a_finding_counts_verdicts_that_have_no_line(
    report_samples: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "MOST_ROWS", 1)
    found = [
        report_samples.finding("size", None, "chip", [], value=float(i), unit="nm")
        for i in range(4)
    ]
    verdicts = [
        report_samples.verdict("size", None, [found[0], other], "not_comparable", f"why: {i}")
        for i, other in enumerate(found[1:])
    ]
    page = render(report_samples.ReportContent(study="s", findings=found, verdicts=verdicts))
    assert page.count("×3") >= 1
    check_links(page)


def test_one_doubt_of_many_is_told_in_full_once(report_samples: ModuleType) -> None:
    content = study(report_samples, 6)
    doubts = [
        report_samples.Caveat(
            finding=f.id, rule="x.warm", effect="doubt", message="it was warm", citation="a paper"
        )
        for f in content.findings
    ]
    verdicts = [v.model_copy(update={"caveats": doubts[:2]}) for v in content.verdicts]
    told = report_samples.ReportContent(
        study="s", findings=content.findings, verdicts=verdicts, caveats=doubts
    )
    page = render(told)
    assert page.count("it was warm") == 2  # at the first verdict, and at the first finding
    assert page.count("told in full above") == 5 + 6
    check_links(page)


def test_what_is_said_in_the_same_words_stands_in_one_line(report_samples: ModuleType) -> None:
    lif = report_samples.LIF
    found = [
        report_samples.finding("phase", lif, sample, [], status="present", state={"cycle": cycle})
        for sample in ("chip", "film")
        for cycle in (10, 20)
    ]
    why = "both find LiF"
    verdicts = [
        report_samples.verdict("phase", lif, [found[i], found[2 + j]], "consistent", words)
        for i, j, words in ((0, 0, why), (0, 1, why), (1, 0, why), (1, 1, "something else"))
    ]
    page = render(report_samples.ReportContent(study="s", findings=found, verdicts=verdicts))
    assert len(re.findall(r'<tr role="row" id="v-', page)) == 2
    assert page.count(why) == 1
    assert "consistent</span> ×3" in page
    for verdict in verdicts:  # every link to a verdict still leads
        assert f'id="{verdict.id}"' in page
    row = page[page.index("×3") :].partition("</tr>")[0]
    text = re.sub(r"<[^>]+>", "", row)
    for first, second in ((10, 10), (10, 20), (20, 10)):
        assert f"cycle: {first} against cycle: {second}" in text
    assert "cycle: 20 against cycle: 20" not in text
    check_links(page)


def test_numbers_stand_in_lines_of_their_own(report_samples: ModuleType) -> None:
    found = [
        report_samples.finding(
            "size", report_samples.PT, "chip", [], value=v, unit="nm", std_stat=0.1
        )
        for v in (1.0, 2.0, 3.0)
    ]
    verdicts = [
        report_samples.verdict(
            "size",
            report_samples.PT,
            list(two),
            "undecided",
            "too uncertain",
            difference=d,
            unit="nm",
        )
        for two, d in zip(pairwise(found), (1.0156833, 1.0156834), strict=True)
    ]
    page = render(report_samples.ReportContent(study="s", findings=found, verdicts=verdicts))
    assert len(re.findall(r'<tr role="row" id="v-', page)) == 2
    assert "1.02 ± unknown nm" in page


def test_the_first_lines_name_what_disagrees_and_why_most_cannot_be_compared(
    report_samples: ModuleType,
) -> None:
    make = report_samples.finding
    found = [
        make("size", report_samples.PT, f"chip-{i}", [], value=1.0, unit="nm", std_stat=0.1)
        for i in range(9)
    ]
    answers = ["disagree", "agree", *["not_comparable"] * 6]
    reasons = ["too far", "equal", *["chip-4 was in another state: x"] * 4, *["no number"] * 2]
    verdicts = [
        report_samples.verdict("size", report_samples.PT, list(two), answer, reason)
        for two, answer, reason in zip(pairwise(found), answers, reasons, strict=True)
    ]
    lines = banner(report_samples.ReportContent(study="s", findings=found, verdicts=verdicts)).lines
    assert lines[0] == "Disagree: Pt, size (chip-0, chip-1)."
    assert lines[1] == "Agree: Pt, size (chip-1, chip-2)."
    assert lines[2].startswith("Cannot be compared, most often because: ")
    assert "no number (×2)" in lines[2]
    said = report_samples.Subject(label="the 61 %")
    verdicts = [report_samples.verdict("size", said, found[:2], "disagree", "too far")]
    content = report_samples.ReportContent(study="s", findings=found, verdicts=verdicts)
    assert banner(content).lines[0] == "Disagree: the 61 % (chip-0, chip-1)."
