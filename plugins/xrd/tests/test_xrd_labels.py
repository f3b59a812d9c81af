"""Published labels against their rivals, tables of lines, controls, and both opinions together."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from consilience.analysis import AnalysisContext
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft
from consilience.model.sample import Sample
from consilience.view import Table, Text, ViewContext
from consilience_xrd.axes import two_theta_to_q
from consilience_xrd.drawing.control_view import control_view
from consilience_xrd.findings.analyses import run_phases
from consilience_xrd.findings.params import PhaseParams
from consilience_xrd.identification.both import identify_pattern
from consilience_xrd.identification.controls import PlacedPeak, compare_with_control
from consilience_xrd.identification.groups import groups_of
from consilience_xrd.identification.labels import parse_label
from consilience_xrd.identification.matching import MatchSettings, observed_from_fit
from consilience_xrd.identification.results import PhaseResult, RivalFor
from consilience_xrd.lines.peaks import fit_peaks
from consilience_xrd.lines.profiles import pseudo_voigt
from consilience_xrd.pattern import Pattern, Source
from consilience_xrd.references.phases import library
from consilience_xrd.references.reference import compute_pattern
from consilience_xrd.references.table import COLUMNS, main, write_table

pytestmark = pytest.mark.filterwarnings("ignore")

LAM = 0.6888


class Listed:
    """An entered list of labelled positions, as the host registers one."""

    def __init__(self, peaks: dict[float, str], **metadata: object) -> None:
        self.metadata = {
            "axis": "q", "labels": list(peaks.values()), "energy": "18 keV", "range": [1.0, 4.8],
            **metadata,
        }  # fmt: skip
        self.data = xr.Dataset(
            {
                "center": ("peak", np.array(list(peaks)), {"units": "1/angstrom"}),
                "center_std": ("peak", np.full(len(peaks), 0.005), {"units": "1/angstrom"}),
            }
        )

    def has(self, *names: str) -> bool:
        return all(n in self.data for n in names)


def labelled(peaks: dict[float, str], tmp_path: Path, **params: object) -> dict[str, FindingDraft]:
    held = ["Pt", "Li", "C", "O", "F", "P", "H"]
    context = AnalysisContext(Sample(id="s", elements=held), tmp_path)
    output = run_phases([Listed(peaks)], PhaseParams(**params), context)  # type: ignore[arg-type, list-item]
    return {str(f.evidence["label"]): f for f in output.findings if f.evidence.get("label")}


def test_labels_are_parsed() -> None:
    phases = list(library().values())
    for text, key, hkl in (
        ("LiPt(0001)", "LiPt", (0, 0, 0, 1)),
        ("Li2CO3 (020)", "Li2CO3", (0, 2, 0)),
        ("Pt 111", "Pt", (1, 1, 1)),
        ("Li2CO3(20-2)", "Li2CO3", (2, 0, -2)),
        ("LiPt7(3 1 1)", "LiPt7", (3, 1, 1)),
        ("Pt", "Pt", ()),
    ):
        found = parse_label(text, phases)
        assert found is not None, text
        assert (found[0].key, found[1]) == (key, hkl)
    assert parse_label("Unobtainium(111)", phases) is None
    assert parse_label("LiPt(1111)", phases) is None


def test_published_labels_get_their_rivals(tmp_path: Path) -> None:
    found = labelled(
        {
            1.510: "LiPt(0001)", 2.525: "Li2CO3(020)", 2.6559: "LiPt7(311)", 3.1005: "Li(111)",
            2.3612: "Li2Pt(0001)",
        },
        tmp_path,
        plain_tolerance=0.01,
    )  # fmt: skip
    # the paper's own tolerance rejects LiPt at the end of the shift and takes the carbonate
    lipt = found["LiPt(0001)"]
    assert lipt.evidence["label_verdict"] == "beyond tolerance"
    assert not lipt.evidence["within_plain"]
    assert [r.subject.label for r in lipt.rivals] == ["Li2CO3"]
    carbonate = found["Li2CO3(020)"]
    assert carbonate.evidence["label_verdict"] == "has rivals"
    assert "Li" in {r.subject.label for r in carbonate.rivals}
    assert len(carbonate.evidence["strong_lines_missing"]) >= 4
    assert any("EELS" in d for r in carbonate.rivals for d in r.decided_by)
    assert {r.subject.label for r in found["LiPt7(311)"].rivals} == {"LiPt"}
    assert "Li2O" in {r.subject.label for r in found["Li2Pt(0001)"].rivals}
    forbidden = found["Li(111)"]
    assert forbidden.evidence["label_verdict"] == "forbidden"
    assert "can have no intensity" in (forbidden.reason or "")


def test_labels_follow_their_peaks_whatever_the_axis(tmp_path: Path) -> None:
    given = Listed({3.2032: "Pt(200)", 2.774: "Pt(111)"})
    spacing = given.data.copy()
    spacing["center"] = ("peak", 2 * np.pi / given.data["center"].values, {"units": "angstrom"})
    spacing["center_std"] = ("peak", np.full(2, 0.003), {"units": "angstrom"})
    given.data = spacing
    context = AnalysisContext(Sample(id="s"), tmp_path)
    output = run_phases([given], PhaseParams(), context)  # type: ignore[list-item]
    labels = {f.evidence["label"]: f.value for f in output.findings if f.evidence.get("label")}
    assert labels["Pt(200)"] == pytest.approx(3.2032)
    assert labels["Pt(111)"] == pytest.approx(2.774)


def test_tables_of_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    patterns = [compute_pattern(library()[k], LAM, (0.5, 4.8)) for k in ("Pt", "LiPt")]
    path = write_table(patterns, tmp_path / "lines.csv")
    rows = list(csv.reader(path.open(encoding="utf-8")))
    assert rows[0] == list(COLUMNS)
    assert rows[1][:2] == ["Pt", "111"]
    assert float(rows[1][4]) == pytest.approx(2.774, abs=1e-4)
    assert len(rows) == 1 + sum(len(p.lines) for p in patterns)
    with pytest.raises(BadInputError, match=r"cannot be written as '\.pdf'"):
        write_table(patterns, tmp_path / "lines.pdf")
    with pytest.raises(BadInputError, match="No phase was given"):
        write_table([], tmp_path / "lines.csv")
    assert main(["Pt", "--energy", "18", "--out", str(tmp_path / "pt.csv")]) == 0
    assert main(["ZrO2", "--energy", "18", "--out", str(tmp_path / "zr.csv")]) == 2
    assert "formula of ZrO2-monoclinic" in capsys.readouterr().err


def test_tables_as_excel(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    twice = [compute_pattern(library()[k], LAM, (0.5, 4.8)) for k in ("Pt", "Pt", "LiF")]
    book = openpyxl.load_workbook(write_table(twice, tmp_path / "lines.xlsx"))
    assert book.sheetnames == ["Pt", "Pt source", "Pt 2", "Pt source 2", "LiF", "LiF source"]
    assert book["LiF"]["A2"].value == "111"
    assert "4.0263" in str(book["LiF source"]["B5"].value)


def test_a_control_tells_what_is_not_the_samples() -> None:
    sample = [PlacedPeak(2.0, 0.002), PlacedPeak(3.0, 0.002), PlacedPeak(6.0, 0.002)]
    control = [PlacedPeak(2.004, 0.002), PlacedPeak(4.0, 0.002)]
    found = compare_with_control(sample, control, (1.0, 5.0))
    assert [c.verdict for c in found] == [
        "in the control too", "not in the control", "outside the control's range"
    ]  # fmt: skip
    assert found[0].delta == pytest.approx(-0.004)
    strict = compare_with_control(sample, control, (1.0, 5.0), k=1.0)
    assert strict[0].verdict == "not in the control"


def entered(name: str, sample: str, **metadata: object) -> SimpleNamespace:
    return SimpleNamespace(
        id=name, modality="xrd", sample=sample, record=SimpleNamespace(name=name),
        metadata={"range": [1.0, 5.0], **metadata}, has=lambda *names: False,
    )  # fmt: skip


def said(measurement: str, kind: str, **fields: object) -> SimpleNamespace:
    empty = {"value": None, "status": None, "subject": None, "std_stat": None, "evidence": {}}
    return SimpleNamespace(**{"measurements": [measurement], "kind": kind, **empty, **fields})


def test_the_report_holds_a_wet_cell_against_the_dry_one() -> None:
    samples = {
        "wet": Sample(id="wet"),
        "dry": Sample(id="dry", control_of="wet"),
        "else": Sample(id="else"),
    }
    pt = SimpleNamespace(key="Pt#225", label="Pt")
    odd = {"unassigned": True, "matched_with_std": 0.002}
    findings = [
        said("a", "phase", subject=pt, status="present"),
        said("a", "diffraction_line", value=2.0, evidence=odd),
        said("a", "diffraction_line", value=3.5, evidence=odd),
        said("b", "phase", subject=pt, status=None, evidence={"lines": [{"peak_q": 2.001}]}),
    ]
    blocks = control_view(
        [entered("a", "wet"), entered("b", "dry"), entered("c", "else")],  # type: ignore[list-item]
        findings,  # type: ignore[arg-type]
        ViewContext(open_array=lambda _: xr.Dataset(), samples=samples),
    )
    peaks, text = blocks
    assert isinstance(peaks, Table)
    assert [row[1] for row in peaks.rows] == ["in the control too", "not in the control"]
    assert isinstance(text, Text)
    assert "1 of 2 unassigned peaks of wet are in its control dry too" in text.text


def result(phase: str, status: str | None, *twins: str) -> PhaseResult:
    rivals = tuple(RivalFor(t, (), (), (f"line of {t}",), True, True) for t in twins)
    return PhaseResult(phase, status, "", (), 1.0, 0.0, None, 1.0, None, (), None, rivals)


def test_phases_that_cannot_be_told_apart_are_one_group() -> None:
    found = groups_of(
        [
            result("A", "present", "B"), result("B", None, "A", "C"), result("C", None),
            result("D", "present"), result("E", "absent_below_limit"), result("F", None, "E"),
        ]
    )  # fmt: skip
    assert [g.phases for g in found] == [("A", "B", "C")]
    assert found[0].decided_by == ("line of B", "line of C")


def powder(parts: dict[str, float], seed: int, shift: float = 0.0, cell: float = 0.0) -> Pattern:
    rng = np.random.default_rng(seed)
    x = np.linspace(6.0, 30.0, 3000)
    y = 150 * (1 - 0.3 * (x - 6) / 24)
    for key, top in parts.items():
        phase = library()[key]
        a, b, c, *angles = phase.cell
        moved = replace(
            phase, cell=(a * (1 + cell), b * (1 + cell), c * (1 + cell), *angles), content=""
        )
        for line in compute_pattern(moved, LAM, (0.8, 4.9)).lines:
            area = top * line.intensity / 100 * 0.1
            y += area * pseudo_voigt(x, line.two_theta + shift, 0.1, 0.5)
    counts = rng.poisson(y).astype(float)
    return Pattern("two_theta", x, counts, None, "count", Source(LAM), origin="simulated")


def both_say(pattern: Pattern, whole_pattern: bool = True) -> dict[str, str | None]:
    fit = fit_peaks(pattern)
    q = two_theta_to_q(pattern.x, LAM)
    references = [compute_pattern(p, LAM, (0.5, 5.5)) for p in library().values()]
    _, results, _ = identify_pattern(
        pattern, fit, observed_from_fit(fit, pattern), references, (float(q[0]), float(q[-1])),
        MatchSettings(), whole_pattern=whole_pattern,
    )  # fmt: skip
    return {r.phase: r.status for r in results}


def test_the_whole_pattern_takes_a_label_from_its_look_alike() -> None:
    """LiPt7 has platinum's lines and weak ones of its own, which peaks alone pass over."""
    pattern = powder({"LiPt7": 9000.0}, 10)
    said = both_say(pattern)
    assert said["Pt"] != "present"
    assert said["LiPt7"] == "present"


def test_the_whole_pattern_vouches_for_a_loosely_known_cell() -> None:
    pattern = powder({"Si": 6000.0, "LiH": 4000.0, "Mn2O3": 9000.0}, 4, cell=0.0002)
    alone, together = both_say(pattern, whole_pattern=False), both_say(pattern)
    assert together["LiH"] == "present"
    assert {k for k, v in together.items() if v == "present"} == {"Si", "LiH", "Mn2O3"}
    assert {k for k, v in alone.items() if v == "present"} <= {"Si", "LiH", "Mn2O3"}
