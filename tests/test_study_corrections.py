"""Mistakes are corrected in view: retraction, revision, and what the journal keeps."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from consilience import Study
from consilience.cli.app import app
from consilience.errors import BadInputError, JournalError
from consilience.model import Margin
from consilience.study.building import build_study

PATTERN = "# axis: q, unit: 1/angstrom\n" + "".join(
    f"{1 + i / 100:.2f} {100 + i % 7}\n" for i in range(200)
)


@pytest.fixture
def study(tmp_path: Path) -> Any:
    with Study.create(tmp_path / "study", "corrections") as made:
        made.add_sample("chip", elements=["Pt", "Li"])
        made.add_sample("other")
        yield made


@pytest.fixture
def pattern(tmp_path: Path) -> Path:
    file = tmp_path / "pattern.xy"
    file.write_text(PATTERN)
    return file


def test_a_file_of_the_wrong_sample_can_be_taken_back(study: Study, pattern: Path) -> None:
    (added,) = study.add(pattern, "chip")
    study.analyse()
    assert study.findings("phase", "chip")
    with pytest.raises(BadInputError, match="of sample 'chip', not of 'other'") as caught:
        study.add(pattern, "other")
    assert "retract it with the reason" in caught.value.fix
    study.retract(added.id, "the holder of the other sample was in the beam")
    assert study.measurements() == []
    assert study.findings() == []
    (again,) = study.add(pattern, "other")
    assert again.new
    assert [m.sample for m in study.measurements()] == ["other"]
    study.analyse()
    assert {f.sample for f in study.findings()} == {"other"}
    assert len(study.store.index.entries("measurement")) == 2
    assert study.verify().ok


def test_a_retracted_preparation_takes_its_findings_along(study: Study, tmp_path: Path) -> None:
    step = {
        "sample": "chip",
        "type": "prepare",
        "constituents": [{"formula": "Pt", "space_group": 225, "mass_fraction": 0.5}],
        "citation": "p. 3",
    }
    added = study.add_step(step)
    study.retract(added[0].id[:8], "a slip: 0.6")
    assert study.steps() == []
    assert study.findings() == []
    step["constituents"] = [{"formula": "Pt", "space_group": 225, "mass_fraction": 0.6}]
    study.add_step(step)
    assert {f.value for f in study.findings()} == {0.6}
    page = study.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "was taken back: a slip: 0.6" in page


def test_a_retraction_needs_a_reason_and_one_target(study: Study) -> None:
    with pytest.raises(BadInputError, match="beginning of nothing"):
        study.retract("st-", "why")
    added = study.add_step({"sample": "chip", "type": "rinse"})
    with pytest.raises(BadInputError, match="no reason"):
        study.retract(added[0].id, " ")


def test_retract_and_steps_on_the_command_line(study: Study) -> None:
    added = study.add_step({"sample": "chip", "type": "rinse"})
    runner = CliRunner()
    listed = runner.invoke(app, ["-C", str(study.path), "steps"])
    assert added[0].id in listed.output
    done = runner.invoke(app, ["-C", str(study.path), "retract", added[0].id, "--reason", "slip"])
    assert done.exit_code == 0, done.output
    assert added[0].id not in runner.invoke(app, ["-C", str(study.path), "steps"]).output


def test_more_said_of_a_known_file_is_refused_not_dropped(study: Study, pattern: Path) -> None:
    study.add(pattern, "chip", start="2026-03-01T10:00:00+00:00")
    assert not study.add(pattern, "chip")[0].new
    with pytest.raises(BadInputError, match="with another start"):
        study.add(pattern, "chip", start="2026-03-02T10:00:00+00:00")


def test_a_margin_in_another_unit_is_refused(study: Study) -> None:
    with pytest.raises(BadInputError, match="the margin of phase_fraction is in 'percent'"):
        study.set_margin("phase_fraction", Margin(value=5.0, unit="percent", reason="x"))
    relative = Margin(value=0.002, unit="angstrom", relative=True, reason="x")
    with pytest.raises(BadInputError, match="expected '1'"):
        study.set_margin("lattice_parameter", relative)


def test_steps_that_cannot_be_are_refused(study: Study) -> None:
    step = {"sample": "chip", "type": "transfer", "time_zone": "UTC"}
    with pytest.raises(BadInputError, match="before it starts"):
        study.add_step({**step, "start": "2026-03-01T10:00", "end": "2026-03-01T09:00"})
    with pytest.raises(BadInputError, match="which cannot be"):
        study.add_step({**step, "conditions": {"temperature": "-300 degC"}})


def test_data_that_stay_in_the_file_open_again_and_again(study: Study, tmp_path: Path) -> None:
    ions = b"".join(struct.pack(">4f", x, x, -x, 14.0 + x / 100) for x in range(200))
    (tmp_path / "tip.pos").write_bytes(ions)
    (added,) = study.add(tmp_path / "tip.pos", "chip")
    for turn in range(2):
        with Study.open(study.path) as opened:
            assert len(opened.measurement(added.id).data["x"]) == 200
            page = opened.report(tmp_path / f"{turn}.html").read_text(encoding="utf-8")
            assert "could not be made" not in page


def test_what_one_exporter_cannot_write_does_not_stop_the_rest(
    study: Study, pattern: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from consilience_xrd.files import export

    def refuse(measurement: Any, path: Path) -> None:
        raise BadInputError("no pattern", fix="none")

    study.add(pattern, "chip")
    monkeypatch.setattr(export, "write_xye", refuse)
    names = {p.name for p in study.export(tmp_path / "out")}
    assert {"not-exported.json", "journal-head.json", "findings.csv"} <= names


def test_no_report_is_made_of_a_damaged_journal(study: Study, tmp_path: Path) -> None:
    for i in range(20):
        study.add_step({"sample": "chip", "type": "rinse", "title": f"rinse {i}"})
    study.close()
    journal = study.path / "journal" / "journal.jsonl"
    data = bytearray(journal.read_bytes())
    data[len(data) // 2] ^= 1
    journal.write_bytes(bytes(data))
    with Study.open(study.path) as opened, pytest.raises(JournalError):
        opened.report(tmp_path / "report.html")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[sample]]\nidd = 'a'", "number 1: id: Field required"),
        ("[[sample]]\nid = 'a'\n[[sample]]\nid = 'a'", "'a' stands there twice"),
        (
            "[[sample]]\nid = 'a'\n[[series]]\nstep = 'heat'\nfile = 'x'\nmapping = {}",
            "no \\[\\[step\\]\\] has the name 'heat'",
        ),
    ],
)
def test_a_slip_in_a_study_file_is_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "study.toml").write_text(f"[study]\nname = 'x'\n{text}\n")
    with pytest.raises(BadInputError, match=says):
        build_study(tmp_path / "study.toml", out=tmp_path / "built")


def test_an_edited_study_file_revises_its_samples(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text("[study]\nname = 'x'\n[[sample]]\nid = 'a'\nelements = ['Pt']\n")
    build_study(file, out=tmp_path / "built")
    file.write_text("[study]\nname = 'x'\n[[sample]]\nid = 'a'\nelements = ['Pt', 'Li']\n")
    build_study(file, out=tmp_path / "built")
    with Study.open(tmp_path / "built") as study:
        assert study.sample("a").elements == ["Pt", "Li"]


def test_a_refusal_goes_away_once_the_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text(
        "[study]\nname = 'x'\n[[sample]]\nid = 'a'\n[[measurement]]\nfile = 'p.xy'\nsample = 'a'\n"
    )
    (tmp_path / "p.xy").write_text("")
    _, _, page = build_study(file, out=tmp_path / "built")
    assert "p.xy was not registered" in page.read_text(encoding="utf-8")
    assert str(tmp_path) not in page.read_text(encoding="utf-8")
    (tmp_path / "p.xy").write_text(PATTERN)
    _, _, page = build_study(file, out=tmp_path / "built")
    assert "p.xy was not registered" not in page.read_text(encoding="utf-8")


def test_an_analysis_that_breaks_down_is_listed_and_the_others_go_on(
    study: Study, pattern: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from consilience_xrd.findings import analyses

    def broken(*_: Any) -> Any:
        raise KeyError("no such column")

    study.add(pattern, "chip")
    monkeypatch.setattr(analyses, "run_phases", broken)
    summary = study.analyse(["xrd.phases", "xrd.peaks"])
    (failure,) = summary.failures
    assert failure.analysis == "xrd.phases"
    assert "the analysis broke down: KeyError: 'no such column'" in failure.what
    assert "author of plugin 'xrd'" in failure.fix
    assert summary.runs == 1
