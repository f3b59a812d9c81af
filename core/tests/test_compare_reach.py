"""Who can speak of what: no cell of kinds against techniques is empty without a reason."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consilience import Study
from consilience.cli.app import app

NEEDLE = {
    "kind": "element_amount",
    "subject": {"element": "Li"},
    "value": 0.49,
    "unit": "1",
    "std_stat": 0.01,
    "std_sys": 0.01,
    "method": "counts in ranges",
}


@pytest.fixture(scope="module")
def study_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spectrum, a peak list by diffraction that matched nothing, and entered findings."""
    folder = tmp_path_factory.mktemp("reach")
    spectrum = folder / "spectrum.mca"
    spectrum.write_text("\n".join(["3"] * 64) + "\n")
    with Study.create(folder / "study", "Reach") as study:
        study.add_sample("chip")
        study.add(spectrum, "chip")
        study.add_finding(NEEDLE, "chip", "a paper", "apt")
        phase = {"kind": "phase", "subject": {"formula": "LiF"}, "method": "lines"}
        study.add_finding({**phase, "status": "present"}, "chip", "a paper", "xrd")
        study.add_finding(
            {**phase, "status": "not_observable", "reason": "no Li edge"}, "chip", "a paper", "eels"
        )
    return folder / "study"


def test_every_empty_cell_has_a_reason(study_folder: Path) -> None:
    with Study.open(study_folder) as study:
        rows = study.reach()
    assert [row[0].kind for row in rows] == ["element_amount", "phase"]
    assert [c.technique for c in rows[0]] == ["apt", "eels", "xrd", "xrf"]
    for cell in (c for row in rows for c in row):
        assert bool(cell.findings) != bool(cell.reason)
    said = {(c.kind, c.technique): c for row in rows for c in row}
    assert said["phase", "xrd"].said == "1 present"
    assert said["phase", "eels"].said == "1 not observable"
    assert "no file of it is here" in said["phase", "apt"].reason
    assert "no analysis of it gives this; blind to: lithium" in said["phase", "xrf"].reason


def test_the_program_prints_it(study_folder: Path) -> None:
    done = CliRunner().invoke(app, ["-C", str(study_folder), "reach", "--json"])
    cells = json.loads(done.stdout)
    assert {c["technique"] for c in cells} == {"apt", "eels", "xrd", "xrf"}


def test_the_report_says_who_says_what(study_folder: Path, tmp_path: Path) -> None:
    with Study.open(study_folder) as study:
        page = study.report(tmp_path / "report.html").read_text("utf-8")
    assert "Who can speak of what" in page
    text = re.sub(r"<[^>]+>", " ", page)
    said = r"LiF: phase\s+eels\s+chip: not observable: no Li edge\s.*?xrd\s+chip: present"
    assert re.search(said, text, re.DOTALL)
    assert "why it is empty" in text
