"""What diffraction looked at: beam, step, path and maps of cells; unknown where none says it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from consilience.model.base import Quantity
from consilience.model.finding import Finding
from consilience.sizes import BEAM, PATH, SIZES, STEP
from consilience.study import Study
from consilience_xrd.files.reading import read_nexus, read_xrdml_file
from consilience_xrd.simulation.maps import MapParams
from consilience_xrd.simulation.maps import run as simulate_map
from consilience_xrd.simulation.powder import SimulationParams
from consilience_xrd.simulation.powder import run as simulate_pattern

FEW = {"phases": ["Pt", "LiF", "Li2O"]}


def analysed(folder: Path, path: Path, key: str, params: dict[str, Any], **options: Any) -> Any:
    with Study.create(folder / "study", "probed") as study:
        study.add_sample("S1")
        study.add(path, "S1", options=options)
        assert not study.analyse([key], params=params).failures
        found = list(study.findings())
        maps = next((f.array for f in found if f.array), None)
        return found, None if maps is None else study.store.open_dataset(maps).load()


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pt in the left half, LiF everywhere, points 500 nm apart."""
    params = MapParams(
        rows=8, columns=12, points=500, phases={"Pt": 500, "LiF": 300}, places={"Pt": "left"}
    )
    return simulate_map(params, 3, tmp_path_factory.mktemp("map"))[0]


@pytest.fixture(scope="module")
def mapped(scan: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    regions = {"west": [0, 8, 0, 6], "east": [0, 8, 6, 12]}
    return analysed(tmp_path_factory.mktemp("s"), scan, "xrd.maps", {**FEW, "regions": regions})


def test_points_of_a_map_show_its_step_and_no_depth(mapped: Any, scan: Path) -> None:
    found, _ = mapped
    with h5py.File(scan) as file:
        x = file["entry/data/x"]
        step, unit = float(x[1] - x[0]), x.attrs["units"]
    assert {f.kind for f in found} >= {"phase", "lattice_parameter", "strain", "phase_map"}
    for one in found:
        assert one.probe is not None
        assert one.probe.lateral == Quantity(value=step, unit=unit)
        assert one.probe.depth is None
        assert one.evidence[SIZES] == {"lateral": STEP}


def test_cells_and_strains_name_the_maps_that_they_were_averaged_over(mapped: Any) -> None:
    found, maps = mapped
    cells = [f for f in found if f.kind == "lattice_parameter" and f.subject.label == "Pt"]
    (cell,) = (f for f in cells if f.region.label.startswith("west"))
    plane = maps[cell.evidence["variable"]].values[cell.evidence["variable_at"]]
    errors = maps[cell.evidence["variable_std"]].values[cell.evidence["variable_at"]]
    assert maps[cell.evidence["variable"]].attrs["units"] == "angstrom"
    west = plane[:, :6]
    assert np.isfinite(west).mean() > 0.8
    assert np.nanmedian(west) == pytest.approx(cell.value, rel=5e-4)
    # along a column nothing was planted, so that points scatter as their errors say
    scatter = np.nanstd(west - np.nanmean(west, axis=0))
    assert scatter == pytest.approx(np.nanmedian(errors[:, :6]), rel=0.4)
    assert cell.region.shape == "box", "it fills its box"
    (strain,) = (f for f in found if f.kind == "strain" and f.region == cell.region
                 and f.subject.label == "Pt")  # fmt: skip
    own = maps[strain.evidence["variable"]].values[strain.evidence["variable_at"]]
    assert np.nanmean(own[:, :6]) == pytest.approx(strain.value, abs=5 * strain.std_stat)


def test_regions_that_do_not_fill_their_box_are_masks(tmp_path: Path) -> None:
    params = MapParams(rows=8, columns=8, points=500, phases={"LiF": 800}, places={"LiF": "disc"})
    found, maps = analysed(
        tmp_path, simulate_map(params, 4, tmp_path)[0], "xrd.maps", {"phases": ["LiF"]}
    )
    shapes = {f.region.shape for f in found if f.kind == "phase" and f.region is not None}
    assert set(np.unique(maps["region"].values)) > {1}
    assert "mask" in shapes


def of_pattern(tmp_path: Path, **options: str) -> list[Finding]:
    params = SimulationParams(phases={"Pt": 3e4}, two_theta_min=15, two_theta_max=40, points=900)
    path = simulate_pattern(params, 3, tmp_path)[0]
    found, _ = analysed(tmp_path, path, "xrd.phases", {"phases": ["Pt"]}, **options)
    return list(found)


def test_a_pattern_says_what_the_user_states_and_else_nothing(tmp_path: Path) -> None:
    told = of_pattern(tmp_path, beam_size="5 um", path_length="0.2 mm")
    assert {f.kind for f in told} >= {"phase", "lattice_parameter"}
    for one in told:
        assert one.region is None
        assert one.probe is not None
        assert one.probe.lateral == Quantity(value=5.0, unit="um")
        assert one.probe.depth == Quantity(value=0.2, unit="mm")
        assert one.evidence[SIZES] == {"lateral": BEAM, "depth": PATH}
    (tmp_path / "other").mkdir()
    for one in of_pattern(tmp_path / "other"):
        assert one.probe is None


def test_nexus_states_beam_and_path(scan: Path, tmp_path: Path) -> None:
    copy = tmp_path / "stated.nxs"
    copy.write_bytes(scan.read_bytes())
    with h5py.File(copy, "a") as file:
        beam = file["entry/sample"].create_group("beam")
        beam.attrs["NX_class"] = "NXbeam"
        sample = file["entry/sample"]
        beam["extent"], sample["path_length"] = [1.5, 3.0], 40.0
        for field in (beam["extent"], sample["path_length"]):
            field.attrs["units"] = "um"
    (signal,) = read_nexus(copy, {}, {})
    assert signal.metadata["beam_size"] == {"value": 3.0, "unit": "um"}
    assert signal.metadata["path_length"] == {"value": 40.0, "unit": "um"}
    (told,) = read_nexus(copy, {"beam_size": "1 um"}, {})
    assert told.metadata["beam_size"] == {"value": 1.0, "unit": "um"}
    (silent,) = read_nexus(scan, {}, {})
    assert not {"beam_size", "path_length"} & set(silent.metadata)


def test_measured_files_that_state_no_beam_leave_it_unknown(shared_data: Path) -> None:
    files = sorted((shared_data / "xrd").rglob("*.xrdml"))
    for signal in read_xrdml_file(files[0], {}, {}):
        assert "beam_size" not in signal.metadata
    (first, *_) = read_xrdml_file(files[0], {"beam_size": "1 mm"}, {})
    assert first.metadata["beam_size"] == {"value": 1.0, "unit": "mm"}
