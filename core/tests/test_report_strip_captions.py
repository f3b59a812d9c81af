"""What a strip's caption says of verdicts: on it, on a whole that it is part of, or none."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from consilience.report.subjects import subject_strips


def captions(found: list[Any], verdicts: list[Any]) -> list[str]:
    names = ("apt", "eels")
    techniques = {f.id: names[i % 2] for i, f in enumerate(found)}
    strips = subject_strips(found, verdicts, {}, techniques, [], {"element"})
    return [strip.caption for strip in strips]  # type: ignore[union-attr]


def test_verdicts_on_a_whole_composition_are_told_as_such(report_samples: ModuleType) -> None:
    lithium = report_samples.Subject(element="Li")
    share = {"value": 0.48, "unit": "1", "std_stat": 0.01}
    found = [
        report_samples.finding("composition", lithium, sample, [], **share)
        for sample in ("needle", "lamella")
    ]
    own = report_samples.verdict("composition", lithium, found, "disagree", "they differ")
    whole = report_samples.verdict("composition", None, found, "agree", "all elements together")
    (caption,) = captions(found, [whole])
    assert caption.startswith(
        "Verdicts on a whole that it is part of (a composition, a phase): 1 agree."
    )
    (caption,) = captions(found, [own, whole])
    assert caption.startswith("Verdicts on it: 1 disagree. Verdicts on a whole")
    (caption,) = captions(found, [own])
    assert "whole" not in caption
    (caption,) = captions(found, [])
    assert caption.startswith("It was compared with nothing")
