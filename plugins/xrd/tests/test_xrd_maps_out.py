"""Maps as files and in the report."""

from __future__ import annotations

import csv
from pathlib import Path

import h5py
import numpy as np
import pytest

from consilience.study import Study
from consilience_xrd.simulation.maps import MapParams, run


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("out")
    params = MapParams(
        rows=5, columns=9, points=400, phases={"Pt": 600, "LiF": 300}, places={"Pt": "left"}
    )
    scan, _ = run(params, 2, folder)
    with Study.create(folder / "study", "maps") as made:
        made.add_sample("S1")
        made.add(scan, "S1")
        done = made.analyse(["xrd.maps"], params={"phases": ["Pt", "LiF", "Li"]})
        assert not done.failures
        yield made


def test_maps_as_nexus_csv_and_excel(study: Study, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    written = {p.name.partition("xrd.maps")[2]: p for p in study.export(tmp_path / "files")}
    maps = study.store.open_dataset(next(f.array for f in study.findings() if f.array)).load()
    with h5py.File(written[".maps.nxs"]) as file:
        entry = file["entry"]
        assert entry.attrs["origin"] == "simulated"
        group = entry[entry.attrs["default"]]
        assert group.attrs["NX_class"] == "NXdata"
        assert list(group.attrs["axes"]) == ["phase", "y", "x"]
        assert np.array_equal(group["data"][()], maps["phase_intensity"].values)
        assert np.array_equal(group["data_errors"][()], maps["phase_intensity_std"].values)
        assert group["x"].attrs["units"] == "nm"
        strain = entry["phase_strain/data"][()]
        assert np.isnan(strain).any()
    with written[".maps.csv"].open(newline="", encoding="utf-8") as file:
        origin, head, *rows = list(csv.reader(file))
    assert origin == ["origin: simulated"]
    assert len(rows) == 45
    assert head[:3] == ["y (nm)", "x (nm)", "region (1)"]
    at = head.index("Pt strain (1)")
    assert {row[at] for row in rows} > {"unknown"}
    book = openpyxl.load_workbook(written[".maps.xlsx"])
    assert book.sheetnames == ["points", "lines", "findings"]
    assert book["points"].max_row == 47
    assert book["points"]["A1"].value == "origin: simulated"


def test_peaks_as_csv_and_excel(study: Study, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    done = study.analyse(["xrd.phases"], params={"phases": ["Pt", "LiF"], "whole_pattern": False})
    assert not done.failures
    written = {p.name.partition("xrd.phases")[2]: p for p in study.export(tmp_path / "files")}
    with written[".peaks.csv"].open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert "center (1/angstrom)" in rows[1]
    assert len(rows) > 4
    book = openpyxl.load_workbook(written[".peaks.xlsx"])
    assert book.sheetnames == ["peaks", "findings"]
    kinds = {row[0].value for row in book["findings"].iter_rows(min_row=3)}
    assert "phase" in kinds


def test_the_report_shows_the_maps_and_says_that_they_are_simulated(
    study: Study, tmp_path: Path
) -> None:
    page = study.report(tmp_path / "report.html").read_text(encoding="utf-8")
    for text in ("Where the phases are", "Lattice strain", "Phases by region", "SIMULATED"):
        assert text in page
    assert "Drawing note" not in page
