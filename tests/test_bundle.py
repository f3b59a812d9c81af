"""A study goes into a bundle and comes out again: whole, the same, and found out where altered."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from consilience import Study
from consilience.bundle import rerun, words_of
from consilience.bundle.manifest import Manifest, seal
from consilience.cli.app import app
from consilience.declarations import Analysis
from consilience.errors import BadInputError, NotFoundError, VerifyError
from consilience.model import Margin
from consilience.model.canonical import canonical_json
from consilience.registry import Registry
from consilience.study.analysing import checked_parameters
from consilience_xrd.simulation.powder import SimulationParams, run

LOG = "t,T\n" + "".join(f"{i},{-180 + i % 3}\n" for i in range(50))
MAPPING: dict[str, Any] = {
    "gap": "10 min",
    "time": {"column": "t", "unit": "min", "start": "2026-03-01T10:00:00", "time_zone": "UTC"},
    "columns": {"temperature": {"column": "T", "unit": "degC"}},
}


def enter(study: Study, data: Path, folder: Path) -> None:
    """Register one of each thing that a study can hold."""
    study.add_sample("jar", elements=["Li", "F"])
    study.add_sample("powder", parent="jar", elements=["Li", "F"], title="before")
    study.add_sample("powder", parent="jar", elements=["Li", "F"], title="revised", revise=True)
    study.add_sample("=blank", control_of="powder")
    weighed = {"mass_fraction": 1.0, "std_stat": 0.0, "std_sys": 0.005}
    study.add_step(
        {
            "type": "prepare",
            "sample": "powder",
            "complete": True,
            "constituents": [{"formula": "LiF", "space_group": 225, **weighed}],
            "citation": "lab book 4, p. 12",
        }
    )
    moved = study.add_step(
        {
            "type": "transfer",
            "sample": "powder",
            "start": "2026-03-01T10:00:00+00:00",
            "conditions": {"carrier": "suitcase", "temperature": "-180 degC"},
        }
    )[0].id
    log = folder / "suitcase log.csv"
    log.write_text(LOG, encoding="utf-8")
    study.add_series(log, moved, MAPPING)
    cell = folder / "LiF.cif"
    cell.write_text("data_LiF\n_cell_length_a 4.026\n", encoding="utf-8")
    study.retract(study.add_reference(cell, "a cell").id, "its symmetry is missing")
    wrong = study.add_step({"type": "rinse", "sample": "powder", "title": "never happened"})[0].id
    study.retract(wrong, "another sample was rinsed")
    study.set_margin("thickness", Margin(value=0.2, unit="1", relative=True, reason="three loads"))
    study.set_rule("core.data-fault", "doses are known by another way", effect="off")
    study.add_finding(
        {
            "kind": "thickness",
            "value": 0.3,
            "unit": "nm",
            "std_stat": 0.1,
            "method": "ellipsometry",
        },
        "powder",
        "a paper, Table 1",
        "ellipsometry",
    )
    study.add_finding(
        {"kind": "thickness", "value": 0.35, "unit": "nm", "std_stat": 0.1, "method": "a ruler"},
        "powder",
        "another paper",
        "profilometry",
    )
    study.add_peak_list(
        "powder",
        "xrd",
        "q",
        "1/angstrom",
        [{"center": 2.7, "center_std": 0.01, "label": "LiF(111)"}],
        "a paper, Fig. 6",
        state={"cycle": 50},
    )
    study.add_table(
        "powder",
        "compton",
        {"emr": {"unit": "1", "values": [1.21, 0.31], "std": 0.005}},
        "a paper, Table 2",
        labels=["pristine", "charged"],
    )
    added = study.add(data, "powder", start="2026-03-02T12:00:00+00:00", link=True)
    study.analyse(["xrd.peaks"], params={"significance": 4.0}, measurements=[added[0].id])
    study.analyse(["xrd.peaks"], params={"significance": 6.0}, measurements=[added[0].id])


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    params = SimulationParams.model_validate({"weights": {"LiF": 1.0}, "points": 900})
    data, _ = run(params, 4, folder)
    with Study.create(folder / "original", "A study to hand on") as study:
        enter(study, data, folder)
        study.export(folder / "out")
    # the other machine has neither the study nor the linked file
    shutil.rmtree(folder / "original")
    data.unlink()
    return folder / "out"


@pytest.fixture
def altered(bundle: Path, tmp_path: Path) -> Path:
    shutil.copytree(bundle, tmp_path / "bundle")
    for path in (tmp_path / "bundle").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return tmp_path / "bundle"


def resealed(root: Path) -> None:
    """Write the manifest anew, as a forger would."""
    known = Manifest.read(root)
    seal(root, known.study, (known.head["seq"], known.head["hash"]))


def test_a_rerun_elsewhere_gives_the_same_bytes_and_loses_nothing(
    bundle: Path, tmp_path: Path
) -> None:
    before = {p: p.read_bytes() for p in bundle.rglob("*") if p.is_file()}
    result = rerun(bundle, tmp_path / "again")
    lines = words_of(result)
    assert lines[0] == "the same, byte for byte", lines
    assert result.same_environment
    assert (result.runs, result.failures, result.altered) == (1, [], [])
    assert result.findings.identical > 3
    assert result.verdicts.identical >= 1
    assert (result.measurements.identical, result.series.identical) == (3, 1)
    assert before == {p: p.read_bytes() for p in bundle.rglob("*") if p.is_file()}
    with Study.open(tmp_path / "again") as study:
        assert study.verify().ok
        assert study.name == "A study to hand on"
        stated = json.loads((bundle / "statements.json").read_text(encoding="utf-8"))
        assert [n for n in study.notes() if n["about"] != "read"] == stated
        assert {n["about"] for n in stated} >= {"margin", "rule", "retracted"}
        assert study.samples()["powder"].title == "revised"
        steps = json.loads((bundle / "steps.json").read_text(encoding="utf-8"))
        assert [s.to_json() for s in study.steps()] == steps
        assert [s.type for s in study.steps()] == ["prepare", "transfer"]
        assert len(study.store.index.history("sample", "powder")) == 2
        (link,) = [r for r in study.measurement_records() if r.reader.startswith("xrd")]
        assert link.start == "2026-03-02T12:00:00+00:00"
        findings = [f.to_json() for f in study.findings()]
    assert findings == json.loads((bundle / "findings.json").read_text(encoding="utf-8"))
    assert json.loads((tmp_path / "again" / "rerun.json").read_text(encoding="utf-8"))["same"]


def test_parameters_are_used_in_the_order_in_which_they_are_kept() -> None:
    analysis = Registry.discover().get(Analysis, "eels.fingerprints")
    regions = {"interphase": [0.0, 1.0, 0.0, 1.0], "LiPt": [1.0, 2.0, 0.0, 1.0]}
    first = checked_parameters(analysis, {"regions": regions}).model_dump(mode="json")
    again = checked_parameters(analysis, json.loads(canonical_json(first))).model_dump(mode="json")
    # regions are numbered in this order, in the maps too
    assert list(first["regions"]) == list(again["regions"]) == ["LiPt", "interphase"]


def test_a_bundle_is_read_without_the_program(bundle: Path) -> None:
    from openpyxl import load_workbook  # type: ignore[import-untyped]

    readme = (bundle / "README.txt").read_text(encoding="utf-8")
    assert "consilience rerun" in readme
    (run,) = json.loads((bundle / "analyses.json").read_text(encoding="utf-8"))
    assert run["parameters"]["significance"] == 6.0  # the run that counts
    assert run["environment"]["packages"]["numpy"]
    book = load_workbook(bundle / "tables.xlsx")
    assert book.sheetnames[:2] == ["verdicts", "findings"]
    samples = list(book["samples"].values)
    assert ("'=blank", None, None, "powder", None, None) in samples
    assert all(cell.data_type != "f" for sheet in book for row in sheet.rows for cell in row)
    with (bundle / "findings.csv").open(encoding="utf-8", newline="") as file:
        in_csv = [row["id"] for row in csv.DictReader(file)]
    assert in_csv == [row[0] for row in list(book["findings"].values)[1:]]
    with (bundle / "raw-files.csv").open(encoding="utf-8", newline="") as file:
        raw = {row["name"]: row for row in csv.DictReader(file)}
    kept = bundle / "study" / "objects" / "raw"
    for row in raw.values():
        path = kept / row["sha256"][:2] / row["sha256"]
        assert path.stat().st_size == int(row["size"])
    assert raw["suitcase log.csv"]["role"] == "series"
    figures = {p.suffix for p in (bundle / "figures").iterdir()}
    assert {".svg", ".txt"} <= figures
    assert (bundle / "report.html").stat().st_size > 10_000


def test_an_altered_raw_file_is_named_and_nothing_is_run(altered: Path, tmp_path: Path) -> None:
    with (altered / "raw-files.csv").open(encoding="utf-8", newline="") as file:
        (row,) = [r for r in csv.DictReader(file) if r["left at"]]
    path = altered / "study" / "objects" / "raw" / row["sha256"][:2] / row["sha256"]
    data = path.read_bytes()
    path.write_bytes(data[:200] + bytes([data[200] ^ 1]) + data[201:])
    for forge in (lambda: None, lambda: resealed(altered)):
        forge()
        with pytest.raises(VerifyError, match="not what was registered") as caught:
            rerun(altered, tmp_path / "again")
        assert f"{row['name']!r} of sample 'powder' is changed" in caught.value.what
        assert not (tmp_path / "again").exists()
    result = CliRunner().invoke(app, ["rerun", str(altered), "--out", str(tmp_path / "again")])
    assert result.exit_code == 6
    path.unlink()
    with pytest.raises(VerifyError, match="is lost in the bundle"):
        rerun(altered, tmp_path / "again")


def test_an_altered_finding_a_forged_verdict_and_other_versions_are_named(
    altered: Path, tmp_path: Path
) -> None:
    findings = json.loads((altered / "findings.json").read_text(encoding="utf-8"))
    target = next(f for f in findings if f["kind"] == "diffraction_line")
    target["value"] *= 1.001
    (altered / "findings.json").write_text(json.dumps(findings), encoding="utf-8")
    verdicts = json.loads((altered / "verdicts.json").read_text(encoding="utf-8"))
    told = verdicts[0]["verdict"]
    verdicts[0]["verdict"] = "disagree"
    (altered / "verdicts.json").write_text(json.dumps(verdicts), encoding="utf-8")
    ran = json.loads((altered / "environment.json").read_text(encoding="utf-8"))
    ran["packages"]["numpy"] = "1.0.0"
    ran["plugins"][-1]["version"] = "0.0.9"
    (altered / "environment.json").write_text(json.dumps(ran), encoding="utf-8")
    arguments = ["--progress", "none", "rerun", str(altered), "--out", str(tmp_path / "again")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 10
    lines = result.stdout.splitlines()
    assert lines[0].startswith("NOT the same")
    (said,) = [line for line in lines if line.startswith("finding differs")]
    assert target["id"] in said
    assert "value: " in said
    assert "(relative 0.001)" in said
    assert any(f"verdict: disagree in the bundle, {told} now" in line for line in lines)
    assert any(line.startswith("version differs: numpy 1.0.0 in the bundle, ") for line in lines)
    assert any(f"{ran['plugins'][-1]['name']} 0.0.9 in the bundle" in line for line in lines)
    for name in ("environment", "findings", "verdicts"):
        assert f"changed since the export: {name}.json" in lines


def test_a_rewritten_journal_and_an_unfinished_bundle_are_refused(
    altered: Path, tmp_path: Path
) -> None:
    with pytest.raises(VerifyError, match="cut off or rewritten"):
        rerun(altered, tmp_path / "again", head="0123456789abcdef")
    journal = altered / "study" / "journal" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-2]))
    resealed(altered)
    with pytest.raises(VerifyError, match="cut off or rewritten"):
        rerun(altered, tmp_path / "again")
    (altered / "manifest.json").unlink()
    with pytest.raises(NotFoundError, match="no bundle"):
        rerun(altered, tmp_path / "again")


def test_tables_only_says_that_it_cannot_be_run_again(tmp_path: Path) -> None:
    with Study.create(tmp_path / "study") as study:
        study.add_sample("chip")
        written = {p.name for p in study.export(tmp_path / "out", tables_only=True)}
        with pytest.raises(BadInputError, match="not empty"):
            study.export(tmp_path / "out")
    assert {"findings.csv", "tables.xlsx", "manifest.json"} <= written
    assert not (tmp_path / "out" / "study").exists()
    with pytest.raises(NotFoundError, match="tables and figures only"):
        rerun(tmp_path / "out", tmp_path / "again")


def test_names_that_are_no_utf_8_are_exported(tmp_path: Path) -> None:
    name = b"Messung \xfc.cif".decode("utf-8", "surrogateescape")  # as a Latin-1 disk has it
    with Study.create(tmp_path / "study") as study:
        study.add_sample("chip", title=name)
        study.export(tmp_path / "out", tables_only=True)
    assert "Messung \\udcfc.cif" in (tmp_path / "out" / "samples.csv").read_text(encoding="utf-8")


def test_no_bundle_is_made_of_a_study_that_is_not_whole(tmp_path: Path) -> None:
    log = tmp_path / "cell.cif"
    log.write_text("data_x\n", encoding="utf-8")
    with Study.create(tmp_path / "study") as study:
        study.add_reference(log)
        (path,) = (p for p in study.store.layout.raw.rglob("*") if p.is_file())
        path.unlink()
        with pytest.raises(NotFoundError):
            study.export(tmp_path / "out")
        assert not (tmp_path / "out" / "manifest.json").exists()
