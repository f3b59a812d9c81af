"""A study from Python: steps, series, references, margins, export, and building from a file."""

from __future__ import annotations

import csv
import json
import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consilience import Study
from consilience.errors import BadFileError, BadInputError, NotFoundError
from consilience.model import Margin, MeasurementRecord, Notice
from consilience.rules import caveats_for, load_rules
from consilience.study.building import build, build_study
from consilience.study.study_file import StudyFile, read_study_file

PATTERN = "# axis: q, unit: 1/angstrom\n" + "".join(
    f"{1 + i / 100:.2f} {100 + i % 7}\n" for i in range(200)
)
MAPPING: dict[str, Any] = {
    "gap": "60 s",
    "time": {"column": "t", "unit": "min", "start": "2026-03-01T10:00:00", "time_zone": "UTC"},
    "columns": {
        "temperature": {"column": "T", "unit": "degC"},
        "pressure": {"column": "p", "unit": "mbar"},
    },
}


@pytest.fixture
def study(tmp_path: Path) -> Any:
    with Study.create(tmp_path / "study", "whole") as made:
        made.add_sample("chip", elements=["Pt", "Li"])
        yield made


def transfer(study: Study) -> str:
    added = study.add_step(
        {
            "sample": "chip",
            "type": "transfer",
            "start": "2026-03-01T10:00:00",
            "time_zone": "Europe/London",
            "conditions": {"carrier": "suitcase", "temperature": "-190 degC", "dose": "3 mC"},
        }
    )
    return added[0].id


# --- steps -----------------------------------------------------------------------------------


def test_a_step_keeps_quantities_in_one_unit_and_times_with_their_zone(study: Study) -> None:
    step = study.step(transfer(study))
    assert step.start == "2026-03-01T10:00:00+00:00"
    assert step.conditions["temperature"].value == pytest.approx(83.15)  # type: ignore[union-attr]
    assert step.conditions["temperature"].unit == "K"  # type: ignore[union-attr]
    assert step.conditions["dose"].unit == "mC"  # type: ignore[union-attr]
    assert step.conditions["carrier"] == "suitcase"


def test_the_same_step_twice_changes_nothing(study: Study) -> None:
    transfer(study)
    head = study.head
    transfer(study)
    assert study.head == head


def test_an_unknown_type_of_step_lists_the_known_ones(study: Study) -> None:
    with pytest.raises(BadInputError, match="'prepare'"):
        study.add_step({"sample": "chip", "type": "teleport"})


def test_what_was_weighed_in_needs_a_citation_unless_it_is_simulated(study: Study) -> None:
    step = {
        "sample": "chip",
        "type": "prepare",
        "constituents": [{"formula": "Pt", "space_group": 225, "mass_fraction": 0.4}],
    }
    with pytest.raises(BadInputError, match="citation"):
        study.add_step(step)
    study.add_step({**step, "origin": "simulated"})
    assert {f.origin for f in study.findings()} == {"simulated"}
    assert {f.kind for f in study.findings()} == {"phase", "phase_fraction"}
    assert all(f.std is None for f in study.findings())


def test_all_problems_of_a_step_are_said_at_once(study: Study) -> None:
    with pytest.raises(BadInputError) as caught:
        study.add_step({"sample": "chip", "type": "transfer", "title": "a\nb", "colour": "red"})
    assert "title" in caught.value.what
    assert "colour" in caught.value.what


# --- series ---------------------------------------------------------------------------------


def test_a_series_is_converted_and_its_gaps_are_said(study: Study, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("t,T,p\n0,-190,1e-9\n0.5,,2e-9\n10,-180,1e-8\n")
    added = study.add_series(log, transfer(study), MAPPING)
    (series,) = study.series()
    assert series.id == added.id
    assert series.rows == 3
    assert series.columns == {"temperature": "K", "pressure": "Pa"}
    assert "1 gap(s) of 570 s in all: unknown, not good" in series.problems
    assert "temperature: 1 of 3 readings are missing" in series.problems
    assert series.array is not None
    data = study.store.open_dataset(series.array)
    np.testing.assert_allclose(data["time"], [0.0, 30.0, 600.0])
    np.testing.assert_allclose(data["temperature"], [83.15, np.nan, 93.15])
    np.testing.assert_allclose(data["pressure"], [1e-7, 2e-7, 1e-6])
    assert not study.add_series(log, series.step, MAPPING).new


def test_a_stuck_sensor_is_pointed_out(study: Study, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    rows = [f"{i / 10},{-190},{1e-9 * (1 + i)}" for i in range(150)]
    log.write_text("\n".join(["t,T,p", *rows]))
    study.add_series(log, transfer(study), MAPPING)
    (series,) = study.series()
    assert "temperature: the same reading 150 times in a row; is it stuck?" in series.problems


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("t,T,p\n", BadFileError, "holds no rows"),
        ("t,T,p\n0,1,2\n2,1,2\n1,1,2\n", BadFileError, "time goes back"),
        ("t,T,p\n0,warm,2\n", BadFileError, "'warm' in column 'T' is not a number"),
        ("t,temp,p\n0,1,2\n", BadInputError, "has no column 'T'"),
    ],
)
def test_a_bad_log_says_where(
    study: Study, tmp_path: Path, text: str, error: type[Exception], says: str
) -> None:
    log = tmp_path / "log.csv"
    log.write_text(text)
    with pytest.raises(error, match=says):
        study.add_series(log, transfer(study), MAPPING)
    assert study.series() == []


def test_a_time_of_a_log_without_zone_is_refused(study: Study, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("t,T,p\n0,1,2\n")
    time = {"column": "t", "unit": "s", "start": "2026-03-01T10:00:00"}
    with pytest.raises(BadInputError, match="no time zone"):
        study.add_series(log, transfer(study), {**MAPPING, "time": time})


# --- two at once ----------------------------------------------------------------------------


def register(folder: str, file: str, barrier: Any) -> None:
    with Study.open(folder) as study:
        barrier.wait()
        study.add(file, "chip")


def test_two_processes_register_one_file_once(study: Study, tmp_path: Path) -> None:
    file = tmp_path / "pattern.xy"
    file.write_text(PATTERN)
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    both = [
        context.Process(target=register, args=(str(study.path), str(file), barrier))
        for _ in range(2)
    ]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
    assert [p.exitcode for p in both] == [0, 0]
    assert len(study.store.index.entries("measurement")) == 1
    assert study.verify().ok


# --- margins, caveats, export ----------------------------------------------------------------


def test_a_margin_of_the_study_is_kept_and_said_once(study: Study) -> None:
    margin = Margin(value=0.1, unit="nm", reason="three loadings")
    assert study.set_margin("thickness", margin).new
    assert not study.set_margin("thickness", margin).new
    assert study.margins() == {"thickness": margin}
    with pytest.raises(NotFoundError, match="no kind is called 'thicknes'"):
        study.set_margin("thicknes", margin)


def test_a_fault_in_the_file_becomes_a_doubt(study: Study, tmp_path: Path) -> None:
    file = tmp_path / "pattern.xy"
    file.write_text(PATTERN)
    study.add(file, "chip")
    record = study.measurement_records()[0]
    fault = Notice(code="axis-doubled", message="twice too large", severity="fault")
    faulty: MeasurementRecord = record.model_copy(update={"notices": [fault]})
    study.analyse()
    findings = study.findings("phase")
    assert findings
    rules = load_rules(study.registry)
    assert caveats_for(findings, {record.id: record}, rules) == []
    caveats = caveats_for(findings, {record.id: faulty}, rules)
    assert {c.rule for c in caveats} == {"core.data-fault"}
    assert {c.effect for c in caveats} == {"doubt"}
    assert "contradicts itself in 1 place(s): axis-doubled" in caveats[0].message


def test_export_writes_tables_that_no_spreadsheet_executes(study: Study, tmp_path: Path) -> None:
    study.add_sample("=cmd|' /C calc'!A0".replace("/", "|"))
    study.add_step(
        {
            "sample": "=cmd|' |C calc'!A0",
            "type": "prepare",
            "constituents": [{"formula": "Pt", "mass_fraction": 0.5}],
            "citation": "p. 1",
        }
    )
    file = tmp_path / "pattern.xy"
    file.write_text(PATTERN)
    study.add(file, "chip")
    written = study.export(tmp_path / "out")
    assert {"findings.csv", "verdicts.json", "journal-head.json"} <= {p.name for p in written}
    assert any(p.suffix == ".xye" for p in written)
    with (tmp_path / "out" / "findings.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert rows[0]["sample"].startswith("'=cmd")
    assert rows[0]["std_stat"] == "unknown"
    head = json.loads((tmp_path / "out" / "journal-head.json").read_text())
    assert head["hash"] == study.head[1]
    with pytest.raises(BadInputError, match="not empty"):
        study.export(tmp_path / "out")


# --- from a file -----------------------------------------------------------------------------

STUDY_TOML = """
[study]
name = "From a file"

[[sample]]
id = "lamella"
parent = "chip"

[[sample]]
id = "chip"

[[measurement]]
file = "pattern.xy"
sample = "chip"
state = { cycle = 3, potential = "0.5 V" }

[[measurement]]
file = "broken.xy"
sample = "chip"
"""


def test_a_build_registers_what_it_can_and_lists_what_it_cannot(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY_TOML)
    (tmp_path / "pattern.xy").write_text(PATTERN)
    (tmp_path / "broken.xy").write_text("")
    folder = tmp_path / "built"
    summary, where, page = build_study(tmp_path / "study.toml", out=folder)
    assert where == folder
    assert [r.file for r in summary.unexpected] == ["broken.xy"]
    text = page.read_text(encoding="utf-8")
    assert "broken.xy was not registered" in text
    with Study.open(folder) as study:
        (record,) = study.measurement_records()
        assert record.state["potential"].value == 0.5  # type: ignore[union-attr]
        head = study.head
    again, _, _ = build_study(tmp_path / "study.toml", out=folder)
    assert again.new == 0
    with Study.open(folder) as study:
        assert study.head == head


def test_a_refusal_that_does_not_happen_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "pattern.xy").write_text(PATTERN)
    text = STUDY_TOML.replace('file = "broken.xy"', 'file = "pattern.xy"\nrefused = "broken"')
    (tmp_path / "study.toml").write_text(text.replace("state = ", "# state = "))
    with pytest.raises(BadInputError, match="the study file says it is refused"):
        build_study(tmp_path / "study.toml", out=tmp_path / "built")


def test_a_cyclic_lineage_in_a_file_is_shown(study: Study) -> None:
    plan = StudyFile.model_validate(
        {
            "study": {"name": "x"},
            "sample": [{"id": "a", "parent": "b"}, {"id": "b", "parent": "a"}],
        }
    )
    with pytest.raises(BadInputError, match="cyclic: a → b"):
        build(study, plan, study.path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[study]\nname = 'x'\n[[sampel]]\nid = 'a'", "sampel"),
        ("[study]", "study.name"),
        ("study = [", "is not TOML"),
    ],
)
def test_a_bad_study_file_says_where(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "study.toml").write_text(text)
    with pytest.raises((BadInputError, BadFileError), match=says):
        read_study_file(tmp_path / "study.toml")


def test_an_entered_peak_list_needs_its_citation_and_units(study: Study) -> None:
    peaks = [{"center": 1.49, "center_std": 0.005, "label": "LiPt(0001)"}]
    with pytest.raises(BadInputError, match="no citation"):
        study.add_peak_list("chip", "xrd", "q", "1/angstrom", peaks, " ")
    with pytest.raises(BadInputError, match="unit 'nm' is not allowed"):
        study.add_peak_list("chip", "xrd", "q", "nm", peaks, "a paper")
    with pytest.raises(BadInputError, match="peak 1: center is 'x'"):
        study.add_peak_list("chip", "xrd", "q", "1/angstrom", [{"center": "x"}], "a paper")
    added = study.add_peak_list("chip", "xrd", "q", "1/angstrom", peaks, "a paper, Fig. 6")
    record = study.measurement(added.id).record
    assert record.origin == "entered"
    assert record.citation == "a paper, Fig. 6"
    study.analyse()
    findings = [f for f in study.findings() if f.measurements == [added.id]]
    assert findings
    assert {f.origin for f in findings} == {"entered"}
    assert {f.source.citation for f in findings} == {"a paper, Fig. 6"}
