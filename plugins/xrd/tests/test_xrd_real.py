"""Real measurements: what the shared files are known to hold comes out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadFileError, BadInputError
from consilience.model.finding import FindingDraft
from consilience.model.measurement import Measurement
from consilience.model.sample import Sample
from consilience.testing import reading, target
from consilience.testing.samples import SampleFile
from consilience_xrd.files.frames import IntegrationOptions, integrate_image
from consilience_xrd.files.nexus import find_signals
from consilience_xrd.files.xrdml import read_xrdml
from consilience_xrd.findings.analyses import run_phases
from consilience_xrd.findings.params import PhaseParams
from consilience_xrd.lines.humps import humps
from consilience_xrd.lines.peaks import fit_peaks

pytestmark = [pytest.mark.data, pytest.mark.filterwarnings("ignore")]


def measured(sample: SampleFile) -> Measurement:
    registry = target.load([target.find_target("xrd")])
    (signal,) = reading.read_sample(registry, sample)
    return reading.measurement_of(registry, sample, signal)


def analysed(
    sample: SampleFile, cache: Path, params: Mapping[str, object] | None = None
) -> AnalysisOutput:
    context = AnalysisContext(Sample(id="s"), cache)
    return run_phases([measured(sample)], PhaseParams.model_validate(params or {}), context)


def phases(output: AnalysisOutput, status: str | None) -> set[str]:
    return {
        f.subject.label
        for f in output.findings
        if f.kind == "phase" and f.status == status and f.subject
    }


def phase(output: AnalysisOutput, label: str) -> FindingDraft:
    return next(
        f for f in output.findings if f.kind == "phase" and f.subject and f.subject.label == label
    )


def test_integration_gives_the_shipped_pattern(shared_data: Path) -> None:
    image, poni = (shared_data / f"xrd/CeO2_Pilatus1M.{s}" for s in ("tif", "poni"))
    options = IntegrationOptions("up-down", 1512, "deg", False, 0.99, "none", "bbox")
    pattern = integrate_image(image, poni, options)
    shipped = np.loadtxt(shared_data / "xrd/CeO2_Pilatus1M.xy")
    part = slice(60, 1450)
    difference = pattern.intensity[part] - shipped[part, 1]
    relative = np.sqrt(np.mean(difference**2)) / np.sqrt(np.mean(shipped[part, 1] ** 2))
    assert relative <= 1e-4
    assert pattern.metadata["pixels"]["negative"] == 73560
    assert any("73560 pixels are negative" in w for w in pattern.warnings)
    with pytest.raises(BadInputError, match="gives no pattern without its geometry") as caught:
        integrate_image(image, None)
    assert "--with geometry=FILE" in caught.value.fix


def test_ceria_is_found_in_the_image(shared_data: Path, tmp_path: Path) -> None:
    sample = SampleFile(
        shared_data / "xrd/CeO2_Pilatus1M.tif",
        "xrd.image",
        {"flip": "up-down", "npt": 1512, "unit": "deg", "polarization_factor": 0.99},
        {"geometry": shared_data / "xrd/CeO2_Pilatus1M.poni"},
    )
    output = analysed(sample, tmp_path)
    assert phases(output, "present") == {"CeO2"}
    cell = next(f for f in output.findings if f.kind == "lattice_parameter")
    assert cell.value == pytest.approx(5.4115, abs=0.005)
    assert cell.std is not None
    assert abs(cell.value - 5.4115) < 3 * cell.std


@pytest.mark.parametrize("extra", [{}, {"ka2": "1.5444 angstrom, 0.5", "intensity_unit": "count"}])
def test_lif_and_mn2o3_are_found(extra: dict[str, str], shared_data: Path, tmp_path: Path) -> None:
    options = {"axis": "two_theta", "wavelength": "1.5406 angstrom", **extra}
    output = analysed(SampleFile(shared_data / "xrd/Mn2O3+LiF.xy", "xrd.text", options), tmp_path)
    assert phases(output, "present") == {"LiF", "Mn2O3"}


WEIGHED = "xrd/Li2CO3_0p9001-ZrO2_0p1000--8min.xrdml"


def test_weighed_mixture_with_its_displacement(shared_data: Path, tmp_path: Path) -> None:
    output = analysed(SampleFile(shared_data / WEIGHED, "xrd.xrdml"), tmp_path)
    assert phases(output, "present") == {"Li2CO3", "ZrO2 (baddeleyite)"}
    shift = phase(output, "Li2CO3").evidence["shift"]
    assert shift["model"] == "displacement"
    assert shift["applied"]
    # K-alpha 1 of symmetric profiles lies 0.14 deg high, the maxima of the lines 0.18 deg
    assert 0.10 < shift["amount"] < 0.20
    assert shift["amount"] > 5 * shift["std"]
    li = phase(output, "Li")
    assert li.status is None
    assert "Li2CO3" in (li.reason or "")
    assert "Li2CO3" in {r.subject.label for r in li.rivals}


def test_without_correction_the_shift_is_said(shared_data: Path, tmp_path: Path) -> None:
    output = analysed(
        SampleFile(shared_data / WEIGHED, "xrd.xrdml"), tmp_path, {"apply_shift": False}
    )
    (notice,) = [n for n in output.notices if n.code == "line-shift"]
    assert notice.severity == "warning"
    assert "the lines are shifted by +0.1" in notice.message
    assert "switched off" in notice.message


def test_quartz_is_none_of_the_library(shared_data: Path, tmp_path: Path) -> None:
    (pattern,) = read_xrdml(shared_data / "xrd/XRD-918-16_10.xrdml")
    assert len(pattern.x) == 5027
    assert pattern.x[int(np.argmax(pattern.intensity))] == pytest.approx(26.617, abs=0.01)
    output = analysed(SampleFile(shared_data / "xrd/XRD-918-16_10.xrdml", "xrd.xrdml"), tmp_path)
    assert phases(output, "present") == set()
    rest = [f for f in output.findings if f.kind == "diffraction_line"]
    assert len(rest) > 20
    assert all("unassigned" in (f.reason or "") for f in rest)


def test_calibration_is_refused_with_its_use(shared_data: Path) -> None:
    with pytest.raises(BadFileError, match="is a calibration") as caught:
        find_signals(shared_data / "xrd/LaB6_calibration_output.nxs")
    assert "geometry" in caught.value.fix


def test_frames_of_the_multimodal_scan(shared_data: Path) -> None:
    (found,) = find_signals(shared_data / "xrf/mm.nxs")
    assert found.kind == "frame"
    assert found.shape == (2, 2, 2, 100, 1000)
    assert found.wavelength == pytest.approx(0.70060, abs=1e-5)
    wrong = [text for code, text, _, _ in found.warnings if code == "axis-longer-than-data"]
    assert len(wrong) == 2
    assert "4150 values, the data 1000" in " ".join(wrong)


def test_the_baseline_follows_the_data_between_strong_lines(shared_data: Path) -> None:
    """Tails of a line of 1e5 counts once took the whole background beside it away."""
    pattern = read_xrdml(shared_data / "xrd" / "XRD-918-16_10.xrdml")[0]
    fit = fit_peaks(pattern)
    below = pattern.intensity < np.quantile(pattern.intensity, 0.3)
    assert fit.baseline.values.min() > 0.6 * np.median(pattern.intensity[below])
    assert not fit.notes


def test_a_hump_that_the_baseline_does_not_follow_is_said() -> None:
    x = np.linspace(5, 60, 4000)
    hump = 4000 * np.exp(-0.5 * ((x - 12) / 1.5) ** 2) * (x > 10)
    level = np.full_like(x, 100.0)
    said = humps(x, level + hump, level, np.sqrt(level), 10.0, "deg")
    assert len(said) == 1
    assert said[0].startswith("between 10 and 16.")
    assert not humps(x, level, level, np.sqrt(level), 10.0, "deg")
