"""``consilience dose`` and ``custody completeness`` and ``methods``, on a study with a spectrum."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consilience import Study
from consilience.cli.app import app
from consilience.model.base import Quantity
from consilience.model.finding import Region
from consilience.model.measurement import Exposure

SPECTRUM = """#FORMAT      : EMSA/MAS Spectral Data File
#VERSION     : 1.0
#TITLE       : {title}
#NPOINTS     : 4
#NCOLUMNS    : 1
#XUNITS      : eV
#YUNITS      : counts
#DATATYPE    : Y
#XPERCHAN    : 1.0
#OFFSET      : 50.0
#SIGNALTYPE  : ELS
#BEAMKV   -kV: 200.0
#SPECTRUM    : Spectral Data Starts Here
1.0
2.0
3.0
2.0
#ENDOFDATA   :
"""
CUT = {"shape": "box", "coordinates": [[10, 10], [20, 12]], "unit": "um", "frame": "stage"}
IMAGE = Region(shape="box", coordinates=[[0, 0], [1, 1]], unit="um", frame="image")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chip that was searched, a lamella cut from it, two spectra of one place."""
    root = tmp_path_factory.mktemp("dose")
    with Study.create(root / "study", "Dose") as study:
        study.add_sample("chip")
        study.add_sample("lamella", parent="chip", cut=CUT, materials=["LiF"])
        for name, time, fluence in (("a", "12:00", 2500.0), ("b", "13:00", 1500.0)):
            file = root / f"{name}.msa"
            file.write_text(SPECTRUM.format(title=name))
            exposure = Exposure(
                particle="electron",
                fluence=Quantity(value=fluence, unit="1/angstrom^2"),
                fluence_rate=Quantity(value=100.0, unit="1/angstrom^2/s"),
                temperature=Quantity(value=100.0, unit="K"),
                source="user",
            )
            study.add(
                file,
                "lamella",
                start=f"2026-03-01T{time}:00+00:00",
                region=IMAGE,
                exposures=[exposure],
            )
        study.add_step(
            {
                "sample": "chip",
                "type": "lift_out",
                "start": "2026-03-01T10:00:00+00:00",
                "derives": "lamella",
                "conditions": {"temperature": "90 K"},
            }
        )
        study.add_step(
            {
                "sample": "chip",
                "type": "measure",
                "title": "search",
                "start": "2026-03-01T09:00:00+00:00",
                "conditions": {"modality": "sem", "energy": "5 keV", "fluence": "3 1/angstrom^2"},
            }
        )
    return root / "study"


def run(folder: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["--study", str(folder), *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_ledger_lists_and_adds(folder: Path) -> None:
    text = run(folder, "dose", "ledger")
    assert "search" in text
    assert "2500 + 1500 = 4000 e/Å²" in text
    assert "not added because the energy is unlike: 3 e/Å² at 5 keV" in text
    body = json.loads(run(folder, "dose", "ledger", "--sample", "lamella", "--json"))
    assert [entry["fluence"] for entry in body["entries"]] == [2500.0, 1500.0, 3.0]
    assert [total["fluence"] for total in body["sums"]] == [2500.0, 4000.0]


def test_the_plan_takes_off_what_was_used(folder: Path) -> None:
    text = run(
        folder,
        *("dose", "plan", "--phase", "LiF", "--rate", "100", "--temperature", "-170 degC"),
        *("--sample", "lamella"),
    )
    assert "100 s (10000 e/Å²)" in text
    assert text.count("left there: 60 s") == 2, "both spectra are of one place"
    with Study.open(folder) as study:
        first = study.measurement_records()[0]
        plan = study.dose_plan("LiF", 100, temperature="20 degC", measurement=first.id)
        assert plan.lines[0].left == 0.0
        metric = study.custody().metric("electron_fluence", first)
        assert metric.at_least == 2500.0, "until the measurement; the plan counts all so far"
        assert metric.at_most == 2503.0, "the search at another energy is not added, nor forgotten"


def test_the_plan_needs_no_study(tmp_path: Path) -> None:
    body = json.loads(run(tmp_path, "dose", "plan", "--phase", "Li2CO3", "--rate", "100", "--json"))
    assert [(x["relation"], x["seconds"]) for x in body["lines"]] == [("<", 1.0), ("=", 20.0)]
    done = CliRunner().invoke(app, ["dose", "plan", "--phase", "Fe", "--rate", "100"])
    assert done.exit_code != 0
    assert "limits are known for: Li metal, Li2CO3, LiF" in done.output


def test_the_scan_prints_its_formulas(tmp_path: Path) -> None:
    words = ["dose", "stem", "--current", "17 pA", "--dwell", "0.05 s", "--frames", "40"]
    text = run(tmp_path, *words, "--step", "14.6 nm")
    assert "× 40 / 1.602e-19 C = 2.122e+08" in text
    assert "step-limited fluence: N/s² = 2.122e+08 / (146 Å)² = 9955 e/Å²" in text
    assert "highest fluence: unknown" in text
    body = json.loads(run(tmp_path, *words, "--step", "4 nm", "--probe", "0.1 nm", "--json"))
    assert body["highest fluence"] == body["probe-limited fluence"]


def test_completeness_counts_what_was_reported(folder: Path) -> None:
    text = run(folder, "custody", "completeness")
    assert "57 %, 4 of 7 fields" in text
    first = json.loads(run(folder, "custody", "completeness", "--json"))[0]
    assert first["fields"]["dose"] == {"status": "given", "text": "2500 e/Å²"}
    assert first["fields"]["transfer"]["status"] == "missing"


def test_the_methods_paragraph(folder: Path) -> None:
    text = run(folder, "custody", "methods", "--sample", "lamella")
    assert (
        "Sample lamella was cut from chip by lift-out at 90 K; the place of the cut is box" in text
    )
    assert "dose 2500 e/Å²; dose rate 100 e/Å²/s; temperature 100 K" in text
    assert "atmosphere is not recorded" in text
    assert "2500 e/Å² of like energy before it on the same region" in text
