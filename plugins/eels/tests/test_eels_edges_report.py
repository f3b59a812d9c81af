"""Edges and profiles in the report, from a simulated interphase."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from consilience import Study
from consilience.model.finding import Finding
from consilience_eels.simulation.interphase import InterphaseParams, simulate_interphase


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Finding]]:
    folder = tmp_path_factory.mktemp("interphase")
    files = simulate_interphase(InterphaseParams(pixels=(4, 40), image_frames=0), 1, folder)
    with Study.create(folder / "study") as study:
        study.add_sample("lamella", elements=["O", "F"])
        for file in files:
            if any(name in file.name for name in ("core", "edx", "image")):
                study.add(file, "lamella")
        study.analyse(["eels.edges"], params={"box": [38.0, -1.0, 66.0, 20.0]})
        two = [[0.0, 52.0], [52.0, 110.0]]
        study.analyse(["eels.profile"], params={"edges": ["F_K"], "between": two})
        study.analyse(["eels.profile_edx"], params={"lines": ["Pt_La"], "between": [[50.0, 100.0]]})
        study.analyse(["eels.profile_image"], params={"between": two})
        study.report(folder / "report.html")
        return (folder / "report.html").read_text(encoding="utf-8"), list(study.findings())


def test_the_planted_layers_are_found(told: tuple[str, list[Finding]]) -> None:
    _, findings = told
    said = {f.subject.element: f for f in findings if f.kind == "element" and f.subject}
    assert said["F"].status == "present"
    assert said["O"].status == "absent_below_limit"
    assert said["O"].unit == "1"
    assert said["O"].limit is not None
    assert said["O"].limit < 0.02
    places = {
        (f.subject.label, round(f.value / 10.0)): f
        for f in findings
        if f.kind == "interface_position" and f.subject and f.value is not None
    }
    # layers meet at 32 and 72 nm; the line begins in the middle of a pixel, at 2 nm
    for label, truth in (("F_K", 30.0), ("F_K", 70.0), ("Pt_La", 70.0), ("intensity", 70.0)):
        found = places[label, round(truth / 10.0)]
        assert found.value is not None
        assert found.std is not None
        assert abs(found.value - truth) < 3.0 * found.std
    for f in findings:
        if f.kind == "interface_width" and f.value is not None:
            assert f.interval is not None
            assert f.interval.high is not None
            assert f.interval.high < 6.0, "layers are rough by 1 nm, 2.6 nm from 10 to 90 %"
    assert {f.origin for f in findings} == {"simulated"}


def test_the_report_shows_them(told: tuple[str, list[Finding]]) -> None:
    text, _ = told
    for words in (
        "core loss: edges over their backgrounds",
        "core loss: net counts of F_K",
        "core loss: elements by their edges",
        "F_K along a line",
        "Pt_La along a line",
        "intensity along a line",
        "Interfaces along the line",
        "✗ absent below the limit",
        "SIMULATED",
    ):
        assert words in text, words
