"""examples/real: published measurement files, from the file to the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consilience import Study
from consilience.study.building import build
from consilience.study.study_file import read_study_file

ROOT = Path(__file__).parents[1]
pytestmark = [
    pytest.mark.data,
    pytest.mark.slow,
    pytest.mark.xdist_group("real-study"),
    # spglib warns of its own default whenever pymatgen reads a CIF
    pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING to false:DeprecationWarning"),
]

REFUSED = {
    "4dstem/Single_9_Frame_CounterDepth_12_Rows_256.hdr",
    "apt/R31_06365-v02.rrng",
    "apt/SeHoKim_R5076_44076_v02.rng",
    "apt/Si.RNG",
    "cif/COD_9008283_Li2CO3.cif",
    "cif/Li2O_sg225_LithiumOxide.ncmat",
    "cif/LiF_sg225_LithiumFlouride.ncmat",
    "cif/Pt_sg225.ncmat",
    "electrochem/gcpl.issue_175.mpr",
    "electrochem/gcpl.pr_182.1.mpr",
    "electrochem/gcpl.pr_182.1.mpt",
    "electrochem/ocv.mpr",
    "electrochem/ocv.mpt",
    "electrochem/peis.issue_149.mpr",
    "electrochem/peis.issue_149.mpt",
    "environment_log/AL_data_b.h5",
    "hexitec/gain_epac1005.txt",
    "hexitec/intercept_epac1005.txt",
    "xct/k11-18014/k11-18014-imaging.h5",
    "xct/k11-18014/k11-18014-pcompPanda.h5",
    "xrd/LaB6_calibration_output.nxs",
}


@pytest.fixture(scope="module")
def real(
    shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Study, Any]]:
    plan = read_study_file(ROOT / "examples" / "real" / "study.toml")
    with Study.create(tmp_path_factory.mktemp("real") / "study", plan.study.name) as study:
        yield study, build(study, plan, shared_data)


def verdicts(study: Study, sample: str) -> dict[tuple[str, str], Any]:
    return {
        (v.kind, v.subject.label): v
        for v in study.compare()
        if v.samples == [sample] and v.subject is not None
    }


def phases(study: Study, sample: str, status: str = "present") -> set[str]:
    return {
        f.subject.formula
        for f in study.findings("phase", sample)
        if f.measurements and f.status == status and f.subject is not None and f.subject.formula
    }


def test_nothing_is_swallowed(real: tuple[Study, Any]) -> None:
    study, summary = real
    assert summary.unexpected == []
    assert {r.file for r in summary.refused} == REFUSED
    assert [f for a in summary.analyses for f in a.failures] == []
    plan = read_study_file(ROOT / "examples" / "real" / "study.toml")
    # a file of several signals gives a measurement for each
    read = {m.file for m in plan.measurement} - REFUSED
    found = {r.stored["data"].name for r in study.measurement_records()}
    assert found == {Path(name).name for name in read}
    assert {r.modality for r in study.measurement_records()} == {
        "xrd",
        "xrf",
        "compton",
        "eels",
        "edx",
        "ediff",
        "stem",
        "apt",
        "xct",
    }
    assert all(r.origin == "measured" for r in study.measurement_records())


def test_every_file_of_the_data_is_accounted_for(shared_data: Path) -> None:
    plan = read_study_file(ROOT / "examples" / "real" / "study.toml")
    named = {m.file for m in plan.measurement} | {r.file for r in plan.reference}
    named |= {series.file for series in plan.series}
    named |= {name for m in plan.measurement for name in m.companions.values()}
    there = {f.relative_to(shared_data).as_posix() for f in shared_data.rglob("*") if f.is_file()}
    assert named == there - {"README.md"}


def test_a_second_build_adds_nothing(real: tuple[Study, Any], shared_data: Path) -> None:
    study, _ = real
    head = study.head
    again = build(study, read_study_file(ROOT / "examples" / "real" / "study.toml"), shared_data)
    assert again.new == 0
    assert study.head == head
    assert study.verify().ok


def test_raw_files_are_kept_to_the_byte(real: tuple[Study, Any], shared_data: Path) -> None:
    study, _ = real
    for record in study.measurement_records():
        stored = study._stored(record, "data")
        original = next(shared_data.rglob(record.stored["data"].name))
        assert study.store.open_path(stored).read_bytes() == original.read_bytes()


def test_ceo2_integration_gives_the_shipped_pattern(shared_data: Path, tmp_path: Path) -> None:
    """The shipped pattern was made without a mask; the study's own has the gaps masked."""
    shipped = np.loadtxt(shared_data / "xrd" / "CeO2_Pilatus1M.xy")
    options = {"flip": "up-down", "npt": 1512, "unit": "deg", "polarization_factor": 0.99}
    with Study.create(tmp_path / "study") as study:
        study.add_sample("CeO2")
        (added,) = study.add(
            shared_data / "xrd" / "CeO2_Pilatus1M.tif",
            "CeO2",
            companions={"geometry": shared_data / "xrd" / "CeO2_Pilatus1M.poni"},
            options={**options, "mask_negative": "no"},
        )
        data = study.measurement(added.id).data
        mine = data["intensity"].to_numpy()
        angle = data["two_theta"].to_numpy()
    assert mine.shape == shipped[:, 1].shape
    part = slice(60, 1450)
    residual = mine[part] - shipped[part, 1]
    assert np.sqrt(np.mean(residual**2)) / np.sqrt(np.mean(shipped[part, 1] ** 2)) <= 1e-4
    np.testing.assert_allclose(angle[part], shipped[part, 0], atol=1e-4)


def test_ceo2_is_found_and_its_cell_is_the_published_one(real: tuple[Study, Any]) -> None:
    study, _ = real
    assert phases(study, "CeO2 calibrant") == {"CeO2"}
    cells = [
        f
        for f in study.findings("lattice_parameter", "CeO2 calibrant")
        if f.subject is not None and f.subject.formula == "CeO2"
    ]
    assert len(cells) == 2
    for cell in cells:
        assert cell.std is not None
        assert cell.value == pytest.approx(5.4115, abs=3 * cell.std)
    # image and shipped pattern against the step and against each other
    found = [
        v.verdict
        for v in study.compare()
        if v.kind == "phase" and v.subject is not None and v.subject.formula == "CeO2"
    ]
    assert "agree" in found
    assert set(found) <= {"agree", "consistent"}


def test_lif_and_mn2o3_are_found(real: tuple[Study, Any]) -> None:
    study, _ = real
    assert phases(study, "Mn2O3 + LiF") == {"LiF", "Mn2O3"}
    found = verdicts(study, "Mn2O3 + LiF")
    assert found["phase", "LiF"].verdict == "agree"
    assert found["phase", "Mn2O3"].verdict == "agree"


def test_both_weighed_phases_are_found_with_the_displacement(real: tuple[Study, Any]) -> None:
    study, _ = real
    sample = "Li2CO3 + ZrO2"
    assert phases(study, sample) == {"Li2CO3", "ZrO2"}
    found = verdicts(study, sample)
    assert found["phase", "Li2CO3"].verdict in ("agree", "consistent")
    finding = next(
        f
        for f in study.findings("phase", sample)
        if f.measurements and f.subject is not None and f.subject.formula == "Li2CO3"
    )
    shift = finding.evidence["shift"]
    assert shift["model"] == "displacement"
    assert shift["applied"]
    # +0.18 degrees is what the lines' maxima show; the fit shares it between shift and cells
    assert shift["amount"] == pytest.approx(0.18, abs=2 * shift["std"])
    assert 0.005 < shift["std"] < 0.03


def test_with_the_correction_off_the_shift_is_said(real: tuple[Study, Any]) -> None:
    study, _ = real
    (pattern,) = [
        m for m in study.measurements() if m.sample == "Li2CO3 + ZrO2" and m.modality == "xrd"
    ]
    summary = study.analyse(["xrd.phases"], params={"shift": "none"}, measurements=[pattern.id])
    said = " ".join(n.message for n in summary.notices)
    assert "shifted" in said
    study.analyse(["xrd.phases"], measurements=[pattern.id])


def test_an_unnamed_powder_gets_no_label_from_the_library(real: tuple[Study, Any]) -> None:
    study, _ = real
    assert phases(study, "918-16 (10)") == set()
    assert len(study.findings("diffraction_line", "918-16 (10)")) > 10


def test_files_that_contradict_themselves_carry_the_fault(real: tuple[Study, Any]) -> None:
    study, _ = real

    def said(file: str) -> str:  # of all measurements of a file: mm.nxs has patterns and spectra
        records = [r for r in study.measurement_records() if r.stored["data"].name == file]
        return " ".join(n.message for r in records for n in r.notices)

    assert "has 2083 values, the data 100" in said("mm.nxs")
    assert "0.8" in said("lowloss_spectrum.msa")


def test_iron_and_platinum_are_those_of_the_user_guide(real: tuple[Study, Any]) -> None:
    study, _ = real
    found = {
        f.subject.element: f
        for f in study.findings("composition", "FePt nanoparticles")
        if f.subject is not None
    }
    assert found["Fe"].value == pytest.approx(0.1541, abs=5e-5)
    assert found["Pt"].value == pytest.approx(0.8459, abs=5e-5)
    assert found["Fe"].std_stat == pytest.approx(0.0034, abs=1e-4)
    assert found["Fe"].std_sys is None
    assert found["Fe"].covariance is not None
    assert found["Pt"].covariance is not None
    assert found["Fe"].covariance.array == found["Pt"].covariance.array


def test_elements_of_the_fluorescence_scans_are_found(real: tuple[Study, Any]) -> None:
    study, _ = real
    for sample, wanted in (
        ("catalyst capillary", {"Fe", "Cu", "Zn"}),
        ("testfluo2", {"Ar", "Ca", "Fe", "Cu", "Zn"}),
        ("thin multi-element standard", {"Co", "Fe", "Cu", "Zn", "Pb", "Se"}),
    ):
        present = {
            f.subject.element
            for f in study.findings("element", sample)
            if f.status == "present" and f.measurements and f.subject is not None
        }
        assert wanted <= present
    by_sample = {r.sample: r for r in study.measurement_records() if r.modality == "xrf"}
    assert "energy_check" in by_sample["testfluo2"].metadata
    assert "16.99 keV" in str(by_sample["catalyst capillary"].metadata["energy_check"])


def test_a_file_without_a_beam_says_so(real: tuple[Study, Any]) -> None:
    study, _ = real
    records = [r for r in study.measurement_records() if r.sample == "no beam"]
    assert len(records) == 18
    for record in records:
        assert ("no-beam" in {n.code for n in record.notices}) == (record.modality != "stem")
    (thickness,) = study.findings("t_over_lambda", "no beam")
    assert thickness.status == "not_observable"


def test_the_report_is_one_safe_file(real: tuple[Study, Any], tmp_path: Path) -> None:
    study, _ = real
    page = study.report(tmp_path / "report.html")
    text = page.read_text(encoding="utf-8")
    assert page.stat().st_size < 10_000_000
    # the one script is the report's own, which turns the cloud of ions and is named by its hash
    assert text.count("<script") == 1
    assert "script-src 'sha256-" in text
    assert 'src="http' not in text
    assert study.head[1] in text
    for sample in study.samples():
        assert sample.replace("&", "&amp;") in text


def test_which_comparisons_come_out(real: tuple[Study, Any]) -> None:
    study, _ = real
    verdicts = study.compare()

    def of(sample: str, kind: str) -> list[Any]:
        return [v for v in verdicts if v.samples == [sample] and v.kind == kind]

    # weighed mixtures against diffraction
    for sample in ("Mn2O3 + LiF", "Li2CO3 + ZrO2"):
        assert {v.verdict for v in of(sample, "phase")} == {"agree"}
    fractions = of("Li2CO3 + ZrO2", "phase_fraction")
    assert {v.verdict for v in fractions} == {"undecided"}
    assert all(abs(v.difference) < 0.005 for v in fractions)
    assert all("weighed in on Li2CO3 + ZrO2 is unknown" in v.reason for v in fractions)
    # energy losses against X-rays of one file: neither had a beam, and that is said
    mixed = of("no beam", "element")
    assert {v.subject.element for v in mixed if v.subject} == {"O", "Fe", "Co"}
    assert {v.verdict for v in mixed} == {"not_comparable"}
    assert any("recorded with no usable beam" in v.reason for v in mixed)
    # X-rays of particles against what is given for them
    figures = {v.subject.label: v for v in of("FePt nanoparticles", "stated_figure") if v.subject}
    guide = figures["iron of the iron-platinum particles"]
    assert guide.verdict == "consistent"
    assert guide.difference == pytest.approx(0.0, abs=0.005)
    equal = figures["iron and platinum in equal parts, as FePt is written"]
    assert equal.verdict == "undecided"
    assert equal.difference == pytest.approx(34.59, abs=0.005)


def test_fluorescence_and_diffraction_of_one_scan_cannot_be_compared_and_it_says_why(
    real: tuple[Study, Any],
) -> None:
    from consilience.study.comparing import modalities_of
    from consilience.study.silent_pairs import silent_pairs

    study, _ = real
    findings = study.findings()
    found = silent_pairs(study, findings, study.compare(), modalities_of(study, findings))
    (why,) = [w for sample, *pair, w in found if pair == ["xrd", "xrf"]]
    assert "the frames have no geometry" in why
    assert "xrf gives" in why
