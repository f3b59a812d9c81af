"""Findings of entered lists, references that replace the library, views and export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from consilience.analysis import AnalysisContext, AnalysisOutput, ReferenceFile
from consilience.errors import BadInputError
from consilience.model.finding import Finding, Source
from consilience.model.measurement import Measurement
from consilience.model.sample import Sample
from consilience.testing import reading, target
from consilience.testing.samples import SampleFile
from consilience.view import Figure, Table, ViewContext
from consilience_xrd.drawing.views import pattern_view
from consilience_xrd.files.export import write_xye
from consilience_xrd.files.text import read_text_pattern
from consilience_xrd.findings.analyses import run_phases
from consilience_xrd.findings.params import PhaseParams
from consilience_xrd.simulation.powder import SimulationParams, run

pytestmark = pytest.mark.filterwarnings("ignore")


class Listed:
    """An entered list of positions, as the host registers one."""

    def __init__(self, centers: list[float], **metadata: object) -> None:
        self.metadata = {"axis": "q", **metadata}
        self.data = xr.Dataset({"center": ("peak", np.array(centers), {"units": "1/angstrom"})})

    def has(self, *names: str) -> bool:
        return all(n in self.data for n in names)


def of_list(centers: list[float], tmp_path: Path, **params: object) -> AnalysisOutput:
    context = AnalysisContext(Sample(id="s"), tmp_path)
    measurement = Listed(centers, energy="18 keV", range=[1.0, 4.8])
    return run_phases([measurement], PhaseParams(**params), context)  # type: ignore[arg-type, list-item]


def finding(output: AnalysisOutput, label: str):
    return next(
        f for f in output.findings if f.kind == "phase" and f.subject and f.subject.label == label
    )


def test_published_labels_have_rivals(tmp_path: Path) -> None:
    """Delithiated: one broad line near 1.50, labelled LiPt(0001), is carbonate's 110 as well."""
    output = of_list([1.498], tmp_path, plain_tolerance=0.0125)
    lipt, carbonate = finding(output, "LiPt"), finding(output, "Li2CO3")
    assert lipt.status is None
    assert "Li2CO3" in {r.subject.label for r in lipt.rivals}
    assert "LiPt" in {r.subject.label for r in carbonate.rivals}
    assert lipt.evidence["lines_missing"] >= 3
    assert any("0.005" in a for a in lipt.assumptions)


def test_a_list_calls_nothing_absent_and_keeps_what_is_left(tmp_path: Path) -> None:
    output = of_list([2.774, 3.2032, 4.53, 3.60], tmp_path)
    pt = finding(output, "Pt")
    assert all(f.status != "absent_below_limit" for f in output.findings)
    left = [f for f in output.findings if f.kind == "diffraction_line"]
    assert any(f.value == pytest.approx(3.60) for f in left)
    assert pt.evidence["lines_found"] == 3


def test_forbidden_label_reaches_the_finding(tmp_path: Path) -> None:
    output = of_list([2.5316, 3.1005], tmp_path)
    said = " ".join(finding(output, "Li").evidence["forbidden"])
    assert "111 is forbidden for Li" in said


def simulated(tmp_path: Path) -> Measurement:
    params = SimulationParams(phases={"Pt": 9000.0, "LiF": 6000.0}, points=2500)
    path = run(params, 4, tmp_path)[0]
    registry = target.load([target.find_target("xrd")])
    sample = SampleFile(path, "xrd.text")
    (signal,) = reading.read_sample(registry, sample)
    return reading.measurement_of(registry, sample, signal)


def test_view_shows_pattern_phases_and_rivals(tmp_path: Path) -> None:
    measurement = simulated(tmp_path)
    output = run_phases(
        [measurement], PhaseParams(), AnalysisContext(Sample(id="s"), tmp_path / "cache")
    )
    source = Source(plugin="xrd", version="0", analysis="xrd.phases")
    findings = [
        Finding.identified(
            {
                **{k: v for k, v in d.to_json().items() if k != "measurements"},
                "sample": "s",
                "state": {},
                "origin": "simulated",
                "measurements": [measurement.id],
                "source": source,
            }
        )
        for d in output.findings
    ]
    blocks = pattern_view([measurement], findings, ViewContext(output.arrays.__getitem__))
    figure = next(b for b in blocks if isinstance(b, Figure))
    assert "SIMULATED" in figure.caption
    assert "LiF" in figure.alt
    titles = [b.title for b in blocks if isinstance(b, Table)]
    assert titles[:2] == ["Phases considered", "Rivals of the phases present"]
    present = {f.subject.label for f in findings if f.status == "present" and f.subject}
    assert present == {"Pt", "LiF"}


def test_export_comes_back_the_same(tmp_path: Path) -> None:
    measurement = simulated(tmp_path)
    out = tmp_path / "out.xye"
    write_xye(measurement, out)
    again = read_text_pattern(out)
    assert again.origin == "simulated"
    assert again.x == pytest.approx(measurement.data["two_theta"].values)
    assert again.intensity == pytest.approx(measurement.data["intensity"].values)
    assert again.source is not None
    assert again.source.wavelength == pytest.approx(0.6888)


def test_references_of_the_study_replace_the_library(tmp_path: Path) -> None:
    cif = tmp_path / "cold.cif"
    cif.write_text(
        "data_li\n_space_group_IT_number 229\n_symmetry_space_group_name_H-M 'I m -3 m'\n"
        "_cell_length_a 3.491\n_cell_length_b 3.491\n_cell_length_c 3.491\n"
        "_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\n"
        "loop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n"
        "_atom_site_fract_y\n_atom_site_fract_z\nLi1 Li 0 0 0\n"
    )
    context = AnalysisContext(
        Sample(id="s"), tmp_path / "cache", [ReferenceFile("cold.cif", cif, "0" * 64)]
    )
    output = run_phases(
        [Listed([2.5453, 3.0], energy="18 keV")],  # type: ignore[list-item]
        PhaseParams(phases=["Li", "Pt"]),
        context,
    )
    assert any(n.code == "library-replaced" for n in output.notices)
    li = [f for f in output.findings if f.subject and f.subject.formula == "Li"]
    assert len(li) == 1
    assert li[0].evidence["lines"][0]["q"] == pytest.approx(2.5453, abs=1e-4)


def test_wavelength_missing_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.xy"
    x = np.linspace(10, 20, 200)
    rows = "\n".join(f"{a} {100 + 50 * (abs(a - 15) < 0.2)}" for a in x)
    path.write_text(f"# origin: simulated\n# 2theta\n{rows}\n")
    registry = target.load([target.find_target("xrd")])
    sample = SampleFile(path, "xrd.text")
    (signal,) = reading.read_sample(registry, sample)
    measurement = reading.measurement_of(registry, sample, signal)
    with pytest.raises(BadInputError, match="wavelength is not known"):
        run_phases([measurement], PhaseParams(), AnalysisContext(Sample(id="s"), tmp_path))


def test_export_leaves_out_errors_that_are_not_known(tmp_path: Path) -> None:
    measurement = simulated(tmp_path)
    name = str(measurement.data["intensity"].attrs["ancillary_variables"])
    measurement.data[name].values[5] = np.nan
    out = tmp_path / "out.xye"
    write_xye(measurement, out)
    text = out.read_text()
    assert "it is not known for 1 of 2500 points" in text
    assert read_text_pattern(out).sigma is None
    assert all(len(r.split()) == 2 for r in text.splitlines() if not r.startswith("#"))


def test_a_broken_cif_is_left_out_and_the_others_are_looked_for(tmp_path: Path) -> None:
    from consilience import Study
    from consilience_xrd.simulation.powder import SimulationParams, run

    params = SimulationParams.model_validate({"phases": {"LiF": 9000.0, "Pt": 20000.0}})
    data, _ = run(params, 1, tmp_path)
    broken = tmp_path / "broken.cif"
    broken.write_text("data_x\n_cell_length_a nonsense\n")
    with Study.create(tmp_path / "study") as study:
        study.add_sample("powder", elements=["Li", "F", "Pt"])
        study.add(data, "powder")
        study.add_reference(broken)
        summary = study.analyse(["xrd.phases"])
        found = {f.subject.label for f in study.findings("phase") if f.subject and f.status}
    assert not summary.failures
    (said,) = [n for n in summary.notices if n.code == "reference-unread"]
    assert said.message.startswith("broken.cif is left out: ")
    assert "LiF" in found
