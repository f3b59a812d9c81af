"""The analysis of edges: real files, planted elements, and every way it can refuse."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from eels_models import CONTEXT, measurement

from consilience.analysis import AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft
from consilience.model.sample import Sample
from consilience_eels.files.microscope_files import read_microscope
from consilience_eels.files.reading import read_msa
from consilience_eels.findings.edges_run import EdgesParams, run_edges
from consilience_eels.library import edge_cross_section
from eels_coverage.edge_models import AXIS, BEAM, GAIN, READOUT, drawn, planted

BOTH = (("N_K", 4.0), ("O_K", 8.0))
ANGLES: dict[str, Any] = {
    "beam_energy": BEAM[0],
    "convergence_angle": BEAM[1],
    "collection_angle": BEAM[2],
}
KNOWN = {"counts_per_electron": GAIN, "readout_std": READOUT, **ANGLES}


def run(data: Any, *elements: str, **params: Any) -> AnalysisOutput:
    return run_edges([data], EdgesParams(elements=elements, **params), CONTEXT)


def of(output: AnalysisOutput, kind: str, label: str) -> FindingDraft:
    return next(
        f for f in output.findings if f.kind == kind and f.subject and label in f.subject.label
    )


def cube(*, oxygen: float = 8.0, shape: tuple[int, int] = (6, 8), level: float = 400.0) -> Any:
    made = planted("first", level, (("N_K", 4.0), ("O_K", oxygen)))
    counts = drawn(made, "first", np.random.default_rng(1), shape[0] * shape[1])
    return measurement(counts.reshape(*shape, AXIS.size), AXIS.energy, "eels")


def test_planted_fractions_are_found_with_their_errors() -> None:
    output = run(cube(), "N", "O", **KNOWN)
    oxygen, nitrogen = (of(output, "composition", e) for e in ("O", "N"))
    assert oxygen.value is not None
    assert oxygen.std is not None
    assert oxygen.value == pytest.approx(2 / 3, abs=2.5 * oxygen.std)
    assert oxygen.value + (nitrogen.value or 0.0) == pytest.approx(1.0)
    assert oxygen.covariance is not None
    joint = output.arrays["covariance"]
    parts = oxygen.evidence["std_sys_parts"]
    assert isinstance(parts, dict)
    assert parts["cross_section"] == pytest.approx(oxygen.value * (1 - oxygen.value) * 0.1 * 2**0.5)
    index = oxygen.covariance.index
    assert oxygen.std_stat == pytest.approx(joint["statistical"].values[index, index] ** 0.5)
    assert joint["statistical"].values.sum() == pytest.approx(0.0, abs=1e-12)
    maps = output.arrays["edges"]
    assert maps["fraction_O"].shape == (6, 8)
    away = (maps["fraction_O"] - oxygen.value) / maps["fraction_std_O"]
    assert float(away.std()) == pytest.approx(1.0, abs=0.3)
    intensity = of(output, "edge_intensity", "O_K")
    assert intensity.evidence["sum_of_the_map"] == pytest.approx(intensity.value, rel=0.01)
    window = AXIS.window(532.0, 582.0)
    sigma = edge_cross_section("O_K", *BEAM, float(AXIS.energy[window.start]), 0.5, 100)
    assert oxygen.evidence["cross_section_barn"] == pytest.approx(sigma)


def test_presence_absence_and_what_is_out_of_reach() -> None:
    output = run(cube(oxygen=0.0), "N", "O", "C", "Pt", **KNOWN)
    nitrogen, oxygen, carbon = (of(output, "element", e) for e in ("N", "O", "C"))
    assert (nitrogen.status, oxygen.status) == ("present", "absent_below_limit")
    assert oxygen.limit is not None
    assert oxygen.evidence["critical_counts"] < oxygen.evidence["limit_counts"]
    assert carbon.status == "not_observable"
    assert carbon.reason == "C_K at 284 eV: outside the axis, 329.75 to 629.75 eV"
    assert of(output, "element", "Pt").status == "not_observable"


def test_the_gain_is_estimated_and_said() -> None:
    output = run(cube(), "O", **ANGLES)
    found = of(output, "edge_intensity", "O_K")
    (said,) = [a for a in found.assumptions if "counts for one electron" in a]
    assert "estimated from the scatter of neighbouring channels" in said
    # read-out adds to it: g + v / b
    assert float(said.split()[0]) == pytest.approx(GAIN + READOUT**2 / (GAIN * 300.0), rel=0.06)
    unknown = run(cube(), "O", counts_per_electron=None)
    intensity = of(unknown, "edge_intensity", "O_K")
    assert intensity.std_stat is None
    assert intensity.evidence["std_stat_at_one_count_per_electron"] > 0
    assert of(unknown, "element", "O").reason == (
        "the counting error is not known, so no limit can be stated"
    )


def test_missing_angles_leave_out_the_composition() -> None:
    output = run(cube(), "N", "O")
    assert not [f for f in output.findings if f.kind == "composition"]
    assert (
        "no composition: the beam energy and the convergence angle and the collection angle of "
        "this measurement are not known" in output.notices[0].message
    )
    stated = cube()
    stated.metadata = {name: {"value": value, "unit": "mrad"} for name, value in ANGLES.items()}
    assert of(run(stated, "N", "O"), "composition", "O").value is not None


def test_windows_outside_the_range_are_refused() -> None:
    with pytest.raises(BadInputError, match="600 to 700 eV is not within the energy axis"):
        run(cube(), windows={"O_K": (460.0, 520.0, 600.0, 700.0)})
    with pytest.raises(ValueError, match="the background comes before the edge"):
        EdgesParams(windows={"O_K": (532.0, 582.0, 460.0, 520.0)})
    with pytest.raises(ValueError, match="'O-K' is no edge"):
        EdgesParams(windows={"O-K": (460.0, 520.0, 532.0, 582.0)})


def test_an_axis_in_channels_and_no_elements_give_notices() -> None:
    data = cube(shape=(1, 1))
    data.data["energy_loss"].attrs["units"] = "1"
    assert "the energy axis is in '1', not in eV" in run(data, "O").notices[0].message
    assert "no element is named" in run(cube()).notices[0].message
    sample = SimpleNamespace(sample=Sample(id="sample", elements=["O"]))
    output = run_edges([cube()], EdgesParams(**KNOWN), sample)  # type: ignore[arg-type]
    assert of(output, "element", "O").status == "present"


def test_negative_counts_have_no_background() -> None:
    data = cube(shape=(1, 1))
    data.data["counts"] = data.data["counts"] - 1e5
    found = of(run(data, "O", **KNOWN), "edge_intensity", "O_K")
    assert found.status == "not_observable"
    assert found.reason is not None
    assert "no background can be fitted in" in found.reason
    assert of(run(data, "O", **KNOWN), "element", "O").status == "not_observable"


def test_one_pixel_is_a_spectrum() -> None:
    output = run(cube(shape=(1, 1), level=2e4), "N", "O", **KNOWN)
    assert of(output, "composition", "O").value == pytest.approx(2 / 3, abs=0.15)
    assert not [v for v in output.arrays["edges"].data_vars if str(v).startswith("net_")]


def test_an_edge_at_the_same_onset_is_a_live_rival() -> None:
    energy = 560.0 + 0.5 * np.arange(400)
    counts = 1e4 * (energy / 600.0) ** -3.0 + np.where(energy >= 685.0, 800.0, 0.0)
    data = measurement(np.random.default_rng(3).poisson(counts), energy, "eels")
    alone = of(run(data, "F"), "element", "F")
    assert alone.status == "present"
    assert ("Xe", False) in [(r.subject.label, r.live) for r in alone.rivals]
    both = of(run(data, "F", "Xe"), "element", "F")
    assert both.status == "not_observable"
    assert both.reason is not None
    assert "F_K cannot be told from Xe" in both.reason


def test_layers_that_differ_need_a_box() -> None:
    flat = planted("first", 4000.0, (("O_K", 8.0),)).whole
    steep = 30.0 * 4000.0 * (AXIS.energy / 450.0) ** -9.0
    expected = np.where(np.arange(8)[None, :, None] < 4, flat, steep)
    counts = np.random.default_rng(4).poisson(np.broadcast_to(expected, (6, 8, AXIS.size)))
    data = measurement(counts, AXIS.energy, "eels")
    whole = of(run(data, "O", counts_per_electron=1.0), "edge_intensity", "O_K")
    assert abs(whole.evidence["curvature_sigma"]) > 5.0
    boxed = run(data, "O", counts_per_electron=1.0, box=(-1.0, -1.0, 6.1, 20.0))
    found = of(boxed, "edge_intensity", "O_K")
    assert found.evidence["pixels"] == 24
    assert found.region is not None
    assert found.region.coordinates == [[-1.0, -1.0], [6.1, 20.0]]
    assert of(boxed, "element", "O").status == "present"
    with pytest.raises(BadInputError, match="the box holds no pixel: x 90 to 99"):
        run(data, "O", box=(90.0, 0.0, 99.0, 20.0))


def test_shared_exponents_leave_less_noise_where_counts_are_few() -> None:
    data = cube(level=6.0)
    own, shared = (
        run(data, "O", background=name, **KNOWN).arrays["edges"]
        for name in ("power law", "linear combination")
    )
    assert float(shared["net_O_K"].std()) < 1.05 * float(own["net_O_K"].std())


@pytest.mark.data
def test_real_core_losses(shared_data: Path) -> None:
    (signal,) = read_msa(shared_data / "eels_edx" / "coreloss_spectrum.msa", {}, {})
    data = SimpleNamespace(
        data=signal.data,
        modality="eels",
        metadata=signal.metadata,
        record=SimpleNamespace(name="core", notices=()),
    )
    output = run(data, "O", "Mn", "C")
    assert of(output, "element", "O").status == of(output, "element", "Mn").status == "present"
    assert of(output, "element", "C").status == "not_observable"
    for label, share in (("O_K", 0.33), ("Mn_L3", 0.3)):
        found = of(output, "edge_intensity", label)
        assert found.value is not None
        assert found.value / found.evidence["background_counts"] == pytest.approx(share, abs=0.06)


@pytest.mark.data
def test_real_strontium_titanate(shared_data: Path) -> None:
    """Three atoms of oxygen for one of titanium, within the stated errors."""
    signals = read_microscope(shared_data / "eels_edx" / "EELS_STO.dm3", {}, {})
    signal = next(s for s in signals if s.modality == "eels")
    data = SimpleNamespace(
        data=signal.data,
        modality="eels",
        metadata=signal.metadata,
        record=SimpleNamespace(name="sto", notices=()),
    )
    found = of(run(data, "O", "Ti", "Sr"), "composition", "O")
    assert found.value is not None
    assert found.std is not None
    assert abs(found.value - 0.75) < 1.5 * found.std
    assert found.std < 0.12


def test_params_load_nothing_heavy() -> None:
    code = (
        "import sys, consilience_eels.plugin; "
        "print([m for m in ('numpy', 'hyperspy', 'exspy', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.data
def test_real_aluminium_is_below_what_can_be_seen(shared_data: Path) -> None:
    """What lies at 1560 eV depends on the window: nothing is claimed beyond a limit of a fifth."""
    signals = read_microscope(shared_data / "eels_edx" / "EELS_SI.dm4", {}, {})
    signal = next(s for s in signals if s.modality == "eels")
    data = SimpleNamespace(
        data=signal.data,
        modality="eels",
        metadata=signal.metadata,
        record=SimpleNamespace(name="si", notices=()),
    )
    output = run(data, "O", "Al")
    net = of(output, "edge_intensity", "Al_K")
    assert net.value is not None
    assert net.std is not None
    assert abs(net.value) < 3.0 * net.std
    assert any("channels hang together" in line for line in net.assumptions)
    said = of(output, "element", "Al")
    assert said.status == "absent_below_limit"
    assert said.unit == "1"
    assert said.limit is not None
    assert said.limit > 0.15


@pytest.mark.data
def test_real_edges_that_are_off_are_said(shared_data: Path) -> None:
    """In the shared titanate oxygen begins 8.6 eV too early: said, and in the error."""
    signals = read_microscope(shared_data / "eels_edx" / "EELS_STO.dm3", {}, {})
    signal = next(s for s in signals if s.modality == "eels")
    data = SimpleNamespace(
        data=signal.data,
        modality="eels",
        metadata=signal.metadata,
        record=SimpleNamespace(name="sto", notices=()),
    )
    output = run(data, "O", "Ti")
    (notice,) = [n for n in output.notices if "begin elsewhere" in n.message]
    assert "O_K by -8.6 eV" in notice.message
    oxygen = of(output, "composition", "O")
    assert oxygen.evidence["std_sys_parts"]["onset"] > 0.05
    assert oxygen.value is not None
    assert oxygen.std is not None
    assert abs(oxygen.value - 0.75) < 2.0 * oxygen.std


def test_an_axis_that_is_off_is_said_and_in_the_error() -> None:
    made = planted("first", 4000.0, (("N_K", 4.0), ("O_K", 8.0)))
    counts = drawn(made, "first", np.random.default_rng(5), 40).reshape(5, 8, AXIS.size)
    parts = []
    for off in (0.0, -9.0):
        output = run(measurement(counts, AXIS.energy + off, "eels"), "N", "O", **KNOWN)
        said = [n.message for n in output.notices if "begin elsewhere" in n.message]
        assert len(said) == (1 if off else 0)
        oxygen = of(output, "composition", "O")
        assert oxygen.value is not None
        assert oxygen.std is not None
        assert oxygen.value == pytest.approx(2 / 3, abs=2.5 * oxygen.std)
        seen = of(output, "edge_intensity", "O_K").evidence["onset_off_eV"]
        assert seen == pytest.approx(off, abs=1.5)
        share = oxygen.evidence["std_sys_parts"]["onset"]
        matrix = output.arrays["covariance"]["systematic_onset"].values
        index = oxygen.covariance.index if oxygen.covariance else -1
        assert share == pytest.approx(matrix[index, index] ** 0.5)
        parts.append(share)
    assert parts[1] > 3.0 * parts[0]


def test_a_background_that_falls_too_fast_shows_no_weak_edge() -> None:
    """An exponent of ten is the far side of something else, not what single losses leave."""
    energy = AXIS.energy
    steep = 4000.0 * (energy / 500.0) ** -10.0
    counts = np.random.default_rng(6).poisson(steep).astype(np.float64)
    oxygen = of(
        run(measurement(counts, energy, "eels"), "O", counts_per_electron=1.0), "element", "O"
    )
    assert oxygen.status == "not_observable"
    assert "falls as E to the -10.0" in str(oxygen.reason)
