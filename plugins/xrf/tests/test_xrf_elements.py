"""xrf.elements: what is said of elements, their counts and maps, on simulated and on real data."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure as MatplotlibFigure
from xrf_fits import ENERGY, Array, context, expected, measurement

from consilience.analysis import AnalysisOutput
from consilience.model.finding import FindingDraft
from consilience.view import Figure, ViewContext
from consilience_xrf.drawing.elements_view import elements_view
from consilience_xrf.files.cube import open_cube
from consilience_xrf.files.mca import read_mca
from consilience_xrf.files.nexus import read_nexus
from consilience_xrf.findings.elements_params import ElementsParams
from consilience_xrf.findings.elements_run import run_elements
from consilience_xrf.fitting.systematics import PARTS

PLANTED = {"Ca_K": 3e4, "Fe_K": 8e4, "Cu_K": 2e4, "elastic": 5e4, "compton": 9e4}


def of(output: AnalysisOutput, kind: str) -> dict[str, FindingDraft]:
    return {f.subject.label: f for f in output.findings if f.kind == kind and f.subject}


@pytest.fixture(scope="module")
def spectrum() -> Array:
    return np.random.default_rng(2).poisson(expected(PLANTED, 500.0)).astype(float)


@pytest.fixture(scope="module")
def found(spectrum: Array) -> AnalysisOutput:
    return run_elements(
        [measurement(spectrum)], ElementsParams(elements=("Ti",)), context("Li", "Fe", "Mo")
    )


def test_each_element_has_one_of_three_answers(found: AnalysisOutput) -> None:
    said = of(found, "element")
    assert {name: f.status for name, f in said.items()} == {
        "Ti": "absent_below_limit",
        "Fe": "present",
        "Ca": "present",
        "Cu": "present",
        "Li": "not_observable",
        "Mo": "absent_below_limit",
    }
    assert "54.8 eV" in (said["Li"].reason or "")
    assert said["Mo"].evidence["line"] == "Mo_L", "13.5 keV do not reach its K edge"
    limit = said["Ti"].limit
    assert limit is not None
    assert 100 < limit < 3000
    assert said["Ti"].unit == "count"
    low, high = said["Ti"].evidence["interval_counts"]  # type: ignore[misc]
    assert 0.0 <= low < high < limit


def test_counts_come_with_errors_apart_and_a_joint_covariance(found: AnalysisOutput) -> None:
    counted = of(found, "line_intensity")
    assert set(counted) == {"Fe_K", "Ca_K", "Cu_K"}
    for name, f in counted.items():
        assert f.value is not None
        assert f.std is not None
        assert f.std_stat is not None
        assert abs(f.value - PLANTED[name]) < 4.0 * f.std, name
        parts: Any = f.evidence["std_sys_parts"]
        assert set(parts) == set(PARTS)
        assert f.std_sys == pytest.approx(np.sqrt(sum(p**2 for p in parts.values())))
        assert f.covariance is not None
        joint = found.arrays["covariance"]["statistical"].values
        i = f.covariance.index
        assert np.sqrt(joint[i, i]) == pytest.approx(f.std_stat, rel=0.01)


def test_the_fit_keeps_the_axis_it_was_made_on(found: AnalysisOutput) -> None:
    said = found.arrays["fit"].attrs
    for name, true in (("zero", 0.02), ("gain", 0.02), ("noise", 0.1)):
        std = said[f"{name}_std_keV"]
        assert 0.0 < std < 0.01
        assert abs(said[f"{name}_keV"] - true) < 4.0 * std, name
    assert 0.0 <= said["tail"] < 0.005, "none was planted"


def test_a_scan_gives_maps_with_its_coordinates(spectrum: Array) -> None:
    chance = np.random.default_rng(3)
    share = np.linspace(0.2, 1.8, 12).reshape(3, 4)
    mean = expected({"Fe_K": 300.0, "elastic": 100.0, "compton": 200.0}, 3.0)
    iron = expected({"Fe_K": 400.0}, 0.0)
    cube = chance.poisson(mean + share[..., None] * iron).astype(float)
    cube[0, 0] = 0.0
    scan = measurement(cube, dims=("y", "x", "channel"))
    scan.data = scan.data.assign_coords(x=("x", np.arange(4.0), {"units": "um"}))
    output = run_elements([scan], ElementsParams(), context("Fe"))
    maps = output.arrays["maps"]
    assert maps["Fe_K"].dims == ("y", "x")
    assert maps["x"].attrs["units"] == "um"
    assert maps["Fe_K"].attrs["element"] == "Fe"
    assert maps["Fe_K"].attrs["line"] == "K"
    away = (maps["Fe_K_unbounded"] - 300.0 - 400.0 * share) / maps["Fe_K_std"]
    assert np.isnan(away.values[0, 0])
    assert maps["mask"].values.sum() == 11
    of_sum = of(output, "line_intensity")["Fe_K"].std_sys
    assert of_sum is not None
    assert maps["Fe_K"].attrs["std_sys_of_mean_point"] == pytest.approx(of_sum / 11)
    fitted = maps["mask"].values > 0
    assert np.isnan(maps["at_bound"].values[~fitted]).all()
    others = [n for n in maps.data_vars if f"{n}_limit" in maps]
    zeros = sum((maps[n].values == 0.0).astype(int) for n in others)
    assert np.array_equal(maps["at_bound"].values[fitted], np.asarray(zeros)[fitted])
    assert np.nanmax(np.abs(away.values)) < 4.0
    assert "spectra-left-out" in [n.code for n in output.notices]
    assert of(output, "line_intensity")["Fe_K"].array == "maps"


def test_measurements_that_cannot_be_fitted_get_a_notice(spectrum: Array) -> None:
    def codes(made: Any, **params: Any) -> list[str]:
        output = run_elements([made], ElementsParams(**params), context())
        assert not output.findings
        return [n.code for n in output.notices]

    assert codes(measurement(spectrum, None)) == ["no-energy-axis"]
    assert codes(measurement(spectrum, ENERGY[::-1])) == ["energy-axis-unusable"]
    assert codes(measurement(spectrum, ENERGY - 50.0)) == ["energy-axis-unusable"]
    assert codes(measurement(np.zeros(720))) == ["no-fit"]
    assert codes(measurement(spectrum), elements=("Xx",)) == ["no-fit"]


def test_without_the_beams_energy_scattered_photons_are_no_element(spectrum: Array) -> None:
    output = run_elements(
        [measurement(spectrum, incident_energy=None)], ElementsParams(), context()
    )
    assert "no-incident-energy" in [n.code for n in output.notices]
    said = of(output, "element")
    assert {n for n, f in said.items() if f.status == "present"} == {"Fe", "Ca", "Cu"}
    for name in set(said) - {"Fe", "Ca", "Cu"}:
        assert said[name].status is None
        assert said[name].evidence["sentence"]


def test_one_line_settles_no_element_that_nobody_named() -> None:
    whole = expected({**PLANTED, "Cd_L": 8e3}, 500.0)
    counts = np.random.default_rng(8).poisson(whole).astype(float)
    said = of(run_elements([measurement(counts)], ElementsParams(), context()), "element")
    lone = [f for n, f in said.items() if n not in ("Ca", "Fe", "Cu")]
    assert lone
    assert all(f.status is None for f in lone)
    named = run_elements([measurement(counts)], ElementsParams(elements=("Cd",)), context())
    assert of(named, "element")["Cd"].status == "present"


def test_elements_that_cannot_be_told_apart_are_said_to_be(spectrum: Array) -> None:
    output = run_elements(
        [measurement(spectrum)], ElementsParams(elements=("S", "Mo"), high=8.0), context()
    )
    said = of(output, "element")
    assert said["S"].status == "absent_below_limit"
    assert said["Mo"].status == "not_observable", "what there is of the two may be either"
    assert "Mo_L cannot be told from S_K" in str(said["Mo"].reason)
    (rival,) = said["Mo"].rivals
    assert rival.subject.label == "S"
    assert "correlation -0.9" in rival.explains[0]


@pytest.mark.parametrize("origin", ["measured", "simulated"])
def test_the_figure_shows_fit_residuals_and_numbers(
    found: AnalysisOutput, spectrum: Array, origin: str
) -> None:
    made = measurement(spectrum)
    made.record.origin = origin
    source = SimpleNamespace(analysis="xrf.elements")
    findings: Any = [
        SimpleNamespace(**{**dict(f), "measurements": ["m-1"], "source": source, "sentence": None})
        for f in found.findings
    ]
    (block,) = elements_view([made], findings, ViewContext(lambda name: found.arrays[name]))
    assert isinstance(block, Figure)
    picture = MatplotlibFigure()
    block.draw(picture)
    upper, lower = picture.axes
    assert {t.get_text() for t in upper.texts} >= {"Fe K", "Ca K", "Cu K", "Ti K ✗", "elastic"}
    assert "σ" in lower.get_ylabel()
    assert ("SIMULATED" in block.title) == (origin == "simulated")
    assert {row[0] for row in block.table.rows} == {"Ti K", "Fe K", "Ca K", "Cu K", "Li", "Mo L"}


def _real(path: Path, options: dict[str, object]) -> Any:
    signal = next(s for s in read_nexus(path, options, {}) if s.modality == "xrf")
    data = signal.data if signal.data is not None else open_cube(path, {}, signal.lazy or {})
    record = SimpleNamespace(name=signal.name, file_name=path.name, origin="measured")
    return SimpleNamespace(id="m-1", data=data, metadata=signal.metadata, record=record)


@pytest.mark.data
def test_the_raster_map_shows_its_elements(shared_data: Path) -> None:
    made = _real(shared_data / "xrf" / "testfluo2.nxs", {"energy_scale": "0.5"})
    output = run_elements([made], ElementsParams(), context())
    said = of(output, "element")
    for name in ("Ar", "Ca", "Fe", "Cu", "Zn"):
        assert said[name].status == "present", name
        shown = output.arrays["maps"][f"{name}_K"]
        assert shown.shape == (18, 18)
        assert float(shown.mean()) > 3.0 * float(output.arrays["maps"][f"{name}_K_std"].mean())
    # 9.26 keV is what 11 keV leave behind where a silicon photon escapes; gallium's β lies under
    # the scattered photons, so that nothing speaks for it but that peak
    assert said["Ga"].status is None
    assert "lose a line of the detector" in str(said["Ga"].evidence["sentence"])


@pytest.mark.data
def test_the_multimodal_scan_shows_its_elements_and_the_beam(shared_data: Path) -> None:
    made = _real(shared_data / "xrf" / "mm.nxs", {"energy_unit": "keV", "positions": "first"})
    output = run_elements([made], ElementsParams(), context())
    said = of(output, "element")
    assert all(said[name].status == "present" for name in ("Fe", "Cu", "Zn"))
    # on the flanks of copper and zinc, with a peak at 9.46 keV that nothing explains
    heavy = [f for n, f in said.items() if n in ("W", "Ta", "Pt", "Au", "Yb", "Ag")]
    assert heavy
    assert all(f.status is None and f.evidence["sentence"] for f in heavy)
    fit = output.arrays["fit"]
    elastic = fit["part"].values[fit["column"].attrs["names"].index("elastic")]
    assert float(fit["energy"].values[elastic.argmax()]) == pytest.approx(17.0, abs=0.02)
    near = np.abs(fit["energy"].values - 17.0) < 0.05
    assert elastic[near].sum() > 0.5 * fit["counts"].values[near].sum()


@pytest.mark.data
def test_the_standard_shows_its_elements_and_its_axis(shared_data: Path) -> None:
    path = shared_data / "xrf" / "XRFSpectrum.mca"
    (signal,) = read_mca(path, {"zero": "-0.49", "gain": "0.00503"}, {})
    assert signal.data is not None
    record = SimpleNamespace(name="spectrum", file_name=path.name, origin="measured")
    made: Any = SimpleNamespace(id="m-1", data=signal.data, metadata={}, record=record)
    params = ElementsParams(incident_energy=17.5, high=16.0)
    output = run_elements([made], params, context("Sr"))
    said = of(output, "element")
    there = {name for name, f in said.items() if f.status == "present"}
    wanted = "Ar Ca Ti V Cr Mn Fe Co Ni Cu Zn As Se Sr Tl Pb".split()
    assert there == set(wanted), "those of the file's tutorial, but for the lone L lines of Cd, Sb"
    # within what lead's ratios leave open, or of a soft family alone: neither there nor absent
    lone = [said[name] for name in set(said) - there if name not in ("Cd", "Sb")]
    assert all(f.status is None and f.evidence["sentence"] for f in lone)
    (axis,) = [n for n in output.notices if n.code == "axis-calibrated"]
    assert "gain 5.02" in axis.message
