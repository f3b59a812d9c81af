"""What a strip's caption says of verdicts: on it, on a whole that it is part of, or none."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from consilience.report.subjects import subject_strips
from consilience.view import Figure


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


def test_a_phase_without_a_lattice_stands_with_the_only_one_known_of_its_formula(
    report_samples: ModuleType,
) -> None:
    make, subject = report_samples.finding, report_samples.Subject
    seen = {"status": "present"}
    rock = make("phase", subject(formula="LiF", space_group=225), "chip", [], **seen)
    bare = make("phase", subject(formula="LiF"), "lamella", [], **seen)
    verdict = report_samples.verdict("phase", bare.subject, [bare, rock], "consistent", "both")
    (caption,) = captions([rock, bare], [verdict])
    assert caption.startswith("Verdicts on it: 1 consistent. 2 of 2")
    other = make("phase", subject(formula="LiF", space_group=221), "chip", [], **seen)
    assert captions([rock, bare, other], []) == []  # which of the two it means is not known


def test_elements_that_were_held_against_a_phase_stand_in_its_strip(
    report_samples: ModuleType,
) -> None:
    make, subject = report_samples.finding, report_samples.Subject
    phase = make("phase", subject(formula="LiF"), "lamella", [], status="present")
    element = make("element", subject(element="F"), "lamella", [], status="present")
    verdict = report_samples.verdict("phase", phase.subject, [phase, element], "consistent", "both")
    beside = verdict.model_copy(update={"comparison": "core.elements_of_phase"})
    techniques = {phase.id: "eels", element.id: "edx"}
    found = [phase, element]
    assert subject_strips(found, [verdict], {}, techniques, [], {"element", "phase"}) == []
    (strip,) = subject_strips(found, [beside], {}, techniques, [], {"element", "phase"})
    assert isinstance(strip, Figure)
    assert strip.title == "LiF, phase"
    assert [row[2] for row in strip.table.rows] == ["element F", "phase"]
    assert texts(strip, "F present") == ["F present"]


def texts(figure: Figure, wanted: str) -> list[str]:
    """Return what is written in the drawn figure as wanted."""
    import matplotlib.figure
    from matplotlib.text import Text as Written

    drawn = matplotlib.figure.Figure(figsize=figure.size)
    figure.draw(drawn)
    return [t.get_text() for t in drawn.findobj(Written) if t.get_text() == wanted]
