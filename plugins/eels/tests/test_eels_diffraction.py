"""Rings and spots: of simulated lattices, of noise, of real patterns, and over doses."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from eels_files import write_patterns
from numpy.typing import NDArray

from consilience.errors import BadFileError, BadInputError
from consilience.model.base import Quantity
from consilience.model.sample import Sample
from consilience.probing import choose_reader
from consilience.progress import no_progress
from consilience.registry import Registry
from consilience_eels.diffraction.lattices import lattice_of, lines_of_lattice
from consilience_eels.diffraction.patterns import Pattern, centre_of, of_image, of_sum, wavelength
from consilience_eels.diffraction.profiles import radial_profile
from consilience_eels.diffraction.rings import Ring, find_rings
from consilience_eels.files.diffraction_files import read_diffraction
from consilience_eels.files.microscope_files import read_microscope
from consilience_eels.findings.ring_series_run import follow_rings, run_ring_series, slope_of
from consilience_eels.findings.rings_params import RingParams, RingSeriesParams
from consilience_eels.findings.rings_run import run_rings
from consilience_eels.simulation.lattice import (
    LatticeParams,
    lattice_image,
    lattice_pattern,
    simulate_lattice,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
CONTEXT: Any = SimpleNamespace(sample=Sample(id="sample"), progress=no_progress)
LIF = [line.d for line in lines_of_lattice(lattice_of("LiF"), 1.1)]
DATA = os.environ.get("CONSILIENCE_DATA")


def rings(pattern: Pattern, smallest: float = 1.0) -> tuple[Ring, ...]:
    return find_rings(pattern, radial_profile(pattern), (smallest, 12.0))


def measurement(values: NDArray[Any], *, k_step: float | None = None, **record: Any) -> Any:
    """An image with pixels of 0.04 nm, or patterns with `k_step` 1/nm."""
    unit, step = ("nm", 0.04) if k_step is None else ("1/nm", k_step)
    names = ("y", "x") if k_step is None else ("ky", "kx")
    lead = [f"frame_{i}" for i in range(values.ndim - 2)]
    coordinates = {
        n: (n, step * np.arange(s), {"units": unit})
        for n, s in zip(names, values.shape[-2:], strict=True)
    }
    data = xr.Dataset({"intensity": ((*lead, *names), values, {"units": "1"})}, coordinates)
    said = {"name": "pattern", "origin": "simulated", "state": {}, "exposures": [], **record}
    return SimpleNamespace(data=data, metadata={}, record=SimpleNamespace(**said))


def patterns(count: int, seed: int = 1, **changes: Any) -> NDArray[np.float64]:
    params = LatticeParams(**changes)
    random = np.random.default_rng(seed)
    return np.sum([lattice_pattern(params, random) for _ in range(count)], axis=0, dtype=np.float64)


def test_the_lines_are_those_of_the_published_list() -> None:
    # q of LiF and Pt in the project's list of reference lines: 2π/d
    assert [2 * np.pi / d for d in LIF[:3]] == pytest.approx([2.7029, 3.1211, 4.4139], abs=2e-4)
    silicon = [line.label for line in lines_of_lattice(lattice_of("Si"), 1.3)]
    assert silicon == ["(111)", "(220)", "(311)", "(400)"]
    lithium = [line.label for line in lines_of_lattice(lattice_of("Li"), 1.4)]
    assert lithium == ["(110)", "(200)", "(211)"]


def test_wavelengths_are_the_tabulated_ones() -> None:
    # Williams and Carter, table 1.2: 100, 200 and 300 kV
    found = [wavelength(kv) for kv in (100.0, 200.0, 300.0)]
    assert found == pytest.approx([3.701e-3, 2.508e-3, 1.969e-3], rel=5e-4)


def test_even_rings_are_found_where_they_were_planted() -> None:
    pattern = of_sum(patterns(6, grains=0), 0.1)
    assert pattern.centre == pytest.approx((127.5 + 3.3, 127.5 - 2.7), abs=0.05)
    found = rings(pattern, 1.14)
    assert [ring.d for ring in found] == pytest.approx(LIF, rel=5e-4)
    for ring, planted in zip(found, LIF, strict=True):
        assert abs(ring.d - planted) < 4.0 * ring.d * ring.k_std / ring.k
        assert ring.shape == "ring"


def test_errors_of_rings_of_grains_cover_what_was_planted() -> None:
    pulls = []
    for seed in range(16):
        for ring in rings(of_sum(patterns(2, seed, grains=30), 0.1), 1.3):
            planted = min(LIF, key=lambda d: abs(d - ring.d))
            if abs(planted / ring.d - 1.0) < 0.01:
                pulls.append((ring.d - planted) / (ring.d * ring.k_std / ring.k))
    assert len(pulls) > 40
    assert abs(np.mean(pulls)) < 0.5
    assert 0.4 < np.std(pulls) < 1.2


def test_grains_of_an_image_are_found_as_spots() -> None:
    params = LatticeParams(grains=4, electrons=2e6)
    image = lattice_image(params, np.random.default_rng(3))
    found = rings(of_image(image, params.step))
    assert found
    for ring in found:
        assert min(abs(ring.d / d - 1.0) for d in LIF) < 0.006
        assert ring.shape == "spots"
        assert len(ring.angles) >= 2


def test_noise_has_no_rings() -> None:
    false = 0
    for seed in range(60):
        noise = np.random.default_rng(seed).poisson(20.0, (192, 192))
        false += len(rings(of_image(noise, 0.04))) + len(rings(of_image(noise, 0.04, 64)))
    assert false <= 2


def test_a_shifted_pattern_is_centred_by_its_symmetry() -> None:
    for off in ((0.0, 0.0), (-6.25, 4.5)):
        values = patterns(3, off_centre=off, grains=0)
        assert centre_of(values) == pytest.approx((127.5 + off[0], 127.5 + off[1]), abs=0.06)


def test_an_ellipse_goes_into_the_systematic_part() -> None:
    params = RingParams(calibration=0.005, smallest=1.3)
    parts = []
    for stretch in (0.0, 0.02):
        made = measurement(patterns(6, grains=0, stretch=stretch), k_step=0.1)
        first = run_rings([made], params, CONTEXT).findings[0]
        parts.append(first.evidence["std_sys_parts"]["ellipse_or_centre"])
        assert first.std_sys == pytest.approx(np.hypot(0.005 * first.value, parts[-1]))
    assert parts[0] < 0.002
    assert 0.008 < parts[1] < 0.03  # 2 % between the axes is ±1 % of 2.32 Å, about 0.016 Å


def test_stated_phases_give_names_cells_and_rivals() -> None:
    made = measurement(patterns(6, grains=0), k_step=0.1)
    output = run_rings([made], RingParams(phases=("LiF",), calibration=0.01), CONTEXT)
    spacings = [f for f in output.findings if f.kind == "d_spacing"]
    assert spacings[0].subject is not None
    assert spacings[0].subject.label == "LiF (111)"
    assert spacings[0].subject.space_group == 225
    assert spacings[0].evidence["q_per_angstrom"] == pytest.approx(2.7029, rel=1e-3)
    assert "Al" in {rival.subject.formula for rival in spacings[0].rivals}
    (cell,) = (f for f in output.findings if f.kind == "lattice_parameter")
    assert cell.value == pytest.approx(4.0263, rel=5e-4)
    assert cell.std_sys == pytest.approx(0.0403, rel=0.05)
    plain = run_rings([made], RingParams(), CONTEXT).findings
    assert {f.kind for f in plain} == {"d_spacing"}
    assert plain[0].std_sys is None
    assert plain[0].subject is not None
    assert plain[0].subject.label == "ring 1"
    assert "LiF (111)" in plain[0].evidence["lines_within_tolerance"]


def test_what_has_no_rings_says_why() -> None:
    flat = np.random.default_rng(0).poisson(10.0, (128, 128)).astype(float)
    (finding,) = run_rings([measurement(flat)], RingParams(), CONTEXT).findings
    assert finding.status == "not_observable"
    assert "no ring from" in str(finding.reason)
    small = run_rings([measurement(flat[:1, :1])], RingParams(), CONTEXT).findings[0]
    assert "1 × 1 pixels is too small for rings" in str(small.reason)
    bare = measurement(flat)
    for axis in ("y", "x"):
        bare.data[axis].attrs["units"] = "1"
    assert "not calibrated" in str(run_rings([bare], RingParams(), CONTEXT).findings[0].reason)
    unit = measurement(flat, k_step=1.0)
    for axis in ("ky", "kx"):
        unit.data[axis].attrs["units"] = "1"
    said = run_rings([unit], RingParams(), CONTEXT).findings[0].reason
    assert "'k_step' in 1/nm" in str(said)
    with pytest.raises(BadInputError, match="the cell of 'Li2CO3' is not known"):
        run_rings([unit], RingParams(phases=("Li2CO3",)), CONTEXT)


def test_a_planted_swelling_is_found_with_its_error_and_no_other() -> None:
    doses = (0.0, 250.0, 500.0, 750.0, 1000.0)
    for swelling in (0.0, 1e-5):
        states = [
            measurement(
                patterns(3, 10 + i, grains=0, strain=swelling * dose),
                k_step=0.1,
                state={"dose": Quantity(value=dose, unit="1/angstrom^2")},
            )
            for i, dose in enumerate(doses)
        ]
        bare = measurement(patterns(1, 9), k_step=0.1, name="bare")
        output = run_ring_series([*states, bare], RingSeriesParams(smallest=1.3), CONTEXT)
        assert output.notices[0].message.startswith("bare: no state variable 'dose'")
        assert len(output.findings) == 3
        for finding, d in zip(output.findings, LIF[:3], strict=True):
            assert finding.value is not None
            assert finding.std_stat is not None
            assert abs(finding.value - swelling * d) < 4.0 * finding.std_stat
            assert (abs(finding.value) > 5.0 * finding.std_stat) == (swelling > 0)
            assert finding.evidence["spacing_at_no_dose_angstrom"] == pytest.approx(d, rel=1e-3)
        assert output.arrays["series"]["spacing"].shape == (3, 5)


def test_a_series_without_doses_says_so() -> None:
    states = [measurement(patterns(1, i), k_step=0.1) for i in range(3)]
    (finding,) = run_ring_series(states, RingSeriesParams(), CONTEXT).findings
    assert finding.status == "not_observable"
    assert "neither a state variable 'dose' nor a fluence" in str(finding.reason)
    two = [
        measurement(patterns(1, i), k_step=0.1, state={"dose": float(i)}, name=f"p{i}")
        for i in range(2)
    ]
    (finding,) = run_ring_series(two, RingSeriesParams(), CONTEXT).findings
    assert "a slope needs three" in str(finding.reason)


def test_the_slope_is_numpys() -> None:
    dose = np.array([0.0, 10.0, 20.0, 40.0])
    spacing = np.array([2.0, 2.01, 2.03, 2.05])
    std = np.array([0.01, 0.02, 0.01, 0.02])
    (slope, start), cov = np.polyfit(dose, spacing, 1, w=1.0 / std, cov="unscaled")
    found = slope_of(dose, spacing, std)
    assert (found.slope, found.start) == pytest.approx((slope, start))
    assert found.chi2 < found.dof  # so that the errors are not stretched
    assert (found.slope_std, found.start_std) == pytest.approx(tuple(np.sqrt(np.diag(cov))))
    with pytest.raises(BadInputError, match="a slope needs three doses"):
        slope_of(dose[:2], spacing[:2], std[:2])


def test_rings_are_followed_over_a_gap() -> None:
    def ring(k: float) -> Ring:
        return Ring(k, 0.01, None, 0.1, 1.0, 9.0, "ring", 0.1, ())

    tracks = follow_rings([[ring(4.0), ring(5.0)], [ring(4.02)], [ring(4.03), ring(5.01)]], 0.02)
    assert [sorted(track) for track in tracks] == [[0, 1, 2], [0, 2]]


def test_simulated_lattices_say_so_and_are_read(tmp_path: Path) -> None:
    params = LatticeParams(pixels=128, doses=(0.0, 100.0), swelling=1e-5, truth=True)
    paths = simulate_lattice(params, 4, tmp_path)
    assert len(paths) == 4
    for path in paths:
        (signal,) = read_microscope(path, {}, {})
        assert signal.origin == "simulated"
        assert signal.modality == "stem"
        assert signal.data is not None
        assert signal.data["intensity"].dims[-1] == ("kx" if "pattern" in path.name else "x")
    assert (tmp_path / "simulated_lattice-truth.json").exists()


@pytest.mark.parametrize(("rows", "dims"), [(2, ("y", "x")), (1, ("frame",))])
def test_a_simulated_block_file_says_so_and_keeps_its_scale(
    tmp_path: Path, rows: int, dims: tuple[str, ...]
) -> None:
    path = write_patterns(tmp_path, rows=rows)
    (signal,) = read_diffraction(path, {}, {})
    assert signal.origin == "simulated"
    assert signal.data is not None
    assert signal.data["intensity"].dims == (*dims, "ky", "kx")
    assert float(np.diff(signal.data["kx"])[0]) == pytest.approx(0.2, rel=1e-3)
    assert float(np.diff(signal.data[dims[-1]])[0]) == pytest.approx(4.0)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5000])
    with pytest.raises(BadFileError, match="shorter than the patterns that its header announces"):
        read_diffraction(path, {}, {})
    no_size = whole[:50] + bytes(2) + whole[52:]  # pixels for each metre
    path.write_bytes(no_size)
    (signal,) = read_diffraction(path, {}, {})
    assert signal.notices[0].code == "uncalibrated"


@pytest.mark.skipif(DATA is None, reason="CONSILIENCE_DATA names no folder of shared data")
def test_the_shared_block_file_is_read_with_its_scale() -> None:
    path = Path(str(DATA)) / "4dstem" / "test1.blo"
    assert choose_reader(Registry.discover(), path).key == "eels.diffraction"
    (signal,) = read_diffraction(path, {}, {})
    assert signal.modality == "ediff"
    assert signal.data is not None
    array = signal.data["intensity"]
    assert array.dims == ("y", "x", "ky", "kx")
    assert array.shape == (3, 2, 144, 144)
    assert int(array.sum(dtype=np.int64)) == 5164570
    # 0.16062 mm at 0.2 m and 200 kV
    assert float(np.diff(array["kx"])[0]) == pytest.approx(0.16062e-3 / 0.2 / 2.5079e-3, rel=1e-3)
    assert float(np.diff(array["x"])[0]) == pytest.approx(12.8)
    assert any(notice.code == "camera-gamma" for notice in signal.notices)
    record = SimpleNamespace(name=signal.name)
    made = SimpleNamespace(data=signal.data, metadata=signal.metadata, record=record)
    found = run_rings([made], RingParams(), CONTEXT).findings
    assert all(f.kind == "d_spacing" for f in found)
    assert all(f.status == "not_observable" or f.value for f in found)
    (stated,) = read_diffraction(path, {"k_step": "0.5"}, {})
    assert stated.data is not None
    assert float(np.diff(stated.data["kx"])[0]) == pytest.approx(0.5)


@pytest.mark.skipif(DATA is None, reason="CONSILIENCE_DATA names no folder of shared data")
def test_the_shared_frames_have_no_scale_and_say_so(tmp_path: Path) -> None:
    path = Path(str(DATA)) / "4dstem" / "Single_9_Frame_CounterDepth_12_Rows_256.mib"
    (signal,) = read_diffraction(path, {}, {})
    assert signal.data is not None
    assert signal.data["intensity"].shape == (9, 256, 256)
    assert int(signal.data["intensity"].sum(dtype=np.int64)) == 260753
    assert signal.notices[0].code == "uncalibrated"
    assert str(path.parent) not in repr(signal.raw_metadata)
    record = SimpleNamespace(name=signal.name)
    made = SimpleNamespace(data=signal.data, metadata=signal.metadata, record=record)
    (finding,) = run_rings([made], RingParams(), CONTEXT).findings
    assert finding.status == "not_observable"
    cut = tmp_path / "cut.mib"
    cut.write_bytes(path.read_bytes()[:300])
    with pytest.raises(BadFileError, match=r"'cut\.mib' cannot be read"):
        read_diffraction(cut, {}, {})
    other = tmp_path / "other.blo"
    other.write_bytes(b"nothing of the kind")
    with pytest.raises(BadFileError, match="does not begin as a file of its suffix"):
        read_diffraction(other, {}, {})


@pytest.mark.skipif(DATA is None, reason="CONSILIENCE_DATA names no folder of shared data")
@pytest.mark.parametrize("name", ["Test_SI_16x16_215_kx.emd", "test_TEM.bcf"])
def test_the_shared_images_are_answered(name: str) -> None:
    for signal in read_microscope(Path(str(DATA)) / "eels_edx" / name, {}, {}):
        if signal.modality == "stem":
            made = SimpleNamespace(data=signal.data, metadata={}, record=SimpleNamespace())
            for finding in run_rings([made], RingParams(), CONTEXT).findings:
                assert finding.status == "not_observable"  # pixels of 0.8 nm and more
