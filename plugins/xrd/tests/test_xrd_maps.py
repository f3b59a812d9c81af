"""Maps: from a scan to maps of phases, stopped and taken up again; and scans that are bad."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from consilience.errors import BadInputError
from consilience.study import Study
from consilience_xrd.simulation.maps import MapParams, places_of, run

FEW = {"phases": ["Pt", "LiF", "Li2O"]}
SMALL = {"rows": 8, "columns": 14, "points": 500}


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("map")
    return run(
        MapParams(**SMALL, phases={"Pt": 500, "LiF": 300}, places={"Pt": "left"}), 3, folder
    )[0]


def study_of(folder: Path, path: Path, **options: object) -> Study:
    study = Study.create(folder / "study", "maps")
    study.add_sample("S1")
    study.add(path, "S1", **options)
    return study


def maps_of(study: Study):
    found = [f for f in study.findings() if f.source.analysis == "xrd.maps"]
    return found, study.store.open_dataset(next(f.array for f in found if f.array)).load()


@pytest.fixture(scope="module")
def analysed(scan: Path, tmp_path_factory: pytest.TempPathFactory):
    """What `xrd.maps` finds in the scan, its maps, and the steps it told of."""
    told: list[str] = []
    with study_of(tmp_path_factory.mktemp("analysed"), scan) as study:
        done = study.analyse(["xrd.maps"], params=FEW, progress=lambda *e: told.append(e[2]))
        assert not done.failures
        return *maps_of(study), told


def test_phases_strain_and_regions_of_a_simulated_map(scan: Path, analysed) -> None:
    found, maps, told = analysed
    assert any("fitting" in what for what in told)
    with h5py.File(scan) as file:
        left = file["entry/truth/scale_Pt"][()] > 0
        strain = file["entry/truth/strain"][()]
    names = list(maps["phase_name"].values)
    pt, lif = names.index("Pt"), names.index("LiF")
    detected = maps["phase_detected"].values.astype(bool)
    assert detected[pt][left].all()
    assert np.count_nonzero(detected[pt][~left]) <= 2
    assert detected[lif].mean() > 0.97
    # the unbiased intensity where there is nothing scatters as its error says
    nothing = (maps["phase_intensity"] / maps["phase_intensity_std"]).values[pt][~left]
    assert abs(np.mean(nothing)) < 4 / np.sqrt(nothing.size)
    assert 0.7 < np.std(nothing) < 1.3
    seen = maps["phase_strain"].values[pt]
    good = left & np.isfinite(seen)
    assert np.count_nonzero(good) > 40
    slope = np.polyfit(strain[good], seen[good], 1)[0]
    assert slope == pytest.approx(1, abs=0.25)
    assert {f.origin for f in found} == {"simulated"}
    here = [f for f in found if f.kind == "phase" and f.subject.label == "Pt"]
    assert {f.status for f in here} == {"present", "absent_below_limit"}
    assert all(f.region is not None and "region" in f.region.label for f in here)
    assert set(np.unique(maps["region"].values[left])).isdisjoint(
        np.unique(maps["region"].values[~left])
    )


def test_stopped_and_taken_up_again_gives_the_same(
    scan: Path, analysed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from consilience_xrd.findings import map_job as module
    from consilience_xrd.maps import scan as reading

    monkeypatch.setattr(reading, "BLOCK_POINTS", 500 * 16)
    fitted: list[int] = []
    real = module.fit_block

    def counted(block, *rest):
        fitted.append(len(block.intensity))
        return real(block, *rest)

    monkeypatch.setattr(module, "fit_block", counted)

    def stop(done: int, total: int, what: str) -> None:
        if "fitting" in what and len(fitted) == 3:
            raise KeyboardInterrupt

    with study_of(tmp_path, scan) as study:
        with pytest.raises(KeyboardInterrupt):
            study.analyse(["xrd.maps"], params=FEW, progress=stop)
        assert not study.findings()
        assert len(fitted) == 3
        study.analyse(["xrd.maps"], params=FEW)
        _, resumed = maps_of(study)
    assert sum(fitted) == 8 * 14
    assert len(fitted) == 7
    assert resumed.identical(analysed[1])


def test_frames_with_the_geometry_of_the_file_or_of_a_poni(tmp_path: Path) -> None:
    params = MapParams(
        rows=3, columns=4, what="frames", phases={"Pt": 900}, places={}, strain=0.0, fwhm=0.1,
        q_max=6.0, detector=160,
    )  # fmt: skip
    path, _, poni = run(params, 5, tmp_path)
    answers = []
    for name, companions in (("file", {}), ("poni", {"geometry": poni})):
        (tmp_path / name).mkdir()
        with study_of(tmp_path / name, path, companions=companions) as study:
            about = {**FEW, "npt": 150, "q_min": 1.2, "q_max": 5.9}
            done = study.analyse(["xrd.maps"], params=about)
            assert not done.failures, done.failures
            text = " ".join(n.message for n in done.notices)
            found, maps = maps_of(study)
        assert "2 dead" in text
        assert "12 saturated" in text  # one pixel in each frame
        assert maps["phase_detected"].values.all()
        answers.append((found, maps))
    cell = next(f for f in answers[0][0] if f.kind == "lattice_parameter")
    assert cell.value == pytest.approx(3.9231, abs=3 * np.hypot(cell.std_stat, cell.std_sys))
    first, second = (a[1]["phase_intensity"].values for a in answers)
    assert first == pytest.approx(second, rel=1e-3)


def test_frames_without_geometry_say_what_to_give(tmp_path: Path) -> None:
    path = run(MapParams(rows=2, columns=2, what="frames", detector=64), 1, tmp_path)[0]
    with h5py.File(path, "a") as file:
        del file["entry/instrument/detector"]
    with study_of(tmp_path, path) as study:
        summary = study.analyse(["xrd.maps"], params=FEW)
    assert not summary.failures
    (said,) = [n for n in summary.notices if n.code == "no-geometry"]
    assert "no geometry" in said.message
    assert "geometry=FILE.poni" in said.fix


def changed(scan: Path, folder: Path, change) -> Path:
    path = folder / "changed.nxs"
    path.write_bytes(scan.read_bytes())
    with h5py.File(path, "a") as file:
        change(file["entry"])
    return path


def replaced(entry: h5py.Group, values: np.ndarray) -> None:
    attrs = dict(entry["data/intensity"].attrs)
    del entry["data/intensity"]
    entry["data/intensity"] = values
    entry["data/intensity"].attrs.update(attrs)


def test_a_map_of_one_point_is_no_map(tmp_path: Path) -> None:
    path = run(MapParams(rows=1, columns=1, points=300), 1, tmp_path)[0]
    with study_of(tmp_path, path) as study:
        done = study.analyse(["xrd.maps"], params=FEW)
        assert not done.failures
        assert not done.findings
        assert "one point" in done.notices[0].message
        assert "xrd.phases" in done.notices[0].fix


def test_a_map_of_zeros_and_one_with_dark_points(scan: Path, tmp_path: Path) -> None:
    zeros = changed(scan, tmp_path, lambda e: replaced(e, np.zeros((8, 14, 500), np.int32)))
    with study_of(tmp_path, zeros) as study:
        (failure,) = study.analyse(["xrd.maps"], params=FEW).failures
        assert "every intensity of the map is zero" in failure.what

    def dark(entry: h5py.Group) -> None:
        values = entry["data/intensity"][()]
        values[0, :3] = 0
        replaced(entry, values)

    (tmp_path / "dark").mkdir()
    path = changed(scan, tmp_path / "dark", dark)
    with study_of(tmp_path / "dark", path) as study:
        done = study.analyse(["xrd.maps"], params=FEW)
        assert not done.failures
        assert any("3 of 112 points hold no intensity" in n.message for n in done.notices)
        _, maps = maps_of(study)
    assert np.isnan(maps["phase_intensity"].values[:, 0, :3]).all()
    assert np.isfinite(maps["phase_intensity"].values[:, 1:]).all()
    assert np.all(maps["region"].values[0, :3] == 0)


def test_q_in_inverse_nanometres_is_the_same_map(scan: Path, tmp_path: Path) -> None:
    def scaled(entry: h5py.Group) -> None:
        entry["data/q"][...] = entry["data/q"][()] * 10
        entry["data/q"].attrs["units"] = "1/nm"

    path = changed(scan, tmp_path, scaled)
    with study_of(tmp_path, path) as study:
        study.analyse(["xrd.maps"], params=FEW)
        _, maps = maps_of(study)
    assert {"Pt", "LiF"} <= set(maps["phase_name"].values)
    assert maps["line"].attrs["units"] == "1/angstrom"
    assert np.abs(maps["line"].values - 2.774).min() < 0.02


def test_two_theta_without_wavelength_asks_for_it(scan: Path, tmp_path: Path) -> None:
    def angles(entry: h5py.Group) -> None:
        entry.move("data/q", "data/two_theta")
        entry["data/two_theta"][...] = np.linspace(6, 30, 500)
        entry["data/two_theta"].attrs["units"] = "deg"
        entry["data"].attrs["axes"] = ["y", "x", "two_theta"]
        del entry["instrument/monochromator"]

    path = changed(scan, tmp_path, angles)
    with study_of(tmp_path, path) as study:
        (failure,) = study.analyse(["xrd.maps"], params=FEW).failures
    assert "wavelength is not known" in failure.what


def test_a_mask_of_everything(tmp_path: Path) -> None:
    path = run(MapParams(rows=2, columns=2, what="frames", detector=64), 1, tmp_path)[0]
    with h5py.File(path, "a") as file:
        file["entry/instrument/detector/pixel_mask"][...] = 1
    with study_of(tmp_path, path) as study:
        (failure,) = study.analyse(["xrd.maps"], params=FEW).failures
    assert "every pixel of the frames is masked" in failure.what


def test_regions_of_the_user(scan: Path, tmp_path: Path) -> None:
    with study_of(tmp_path, scan) as study:
        done = study.analyse(
            ["xrd.maps"], params={**FEW, "regions": {"west": [0, 8, 0, 7], "east": [0, 8, 7, 14]}}
        )
        assert not done.failures
        found, maps = maps_of(study)
        (failure,) = study.analyse(
            ["xrd.maps"], params={**FEW, "regions": {"far": [0, 9, 0, 7]}}
        ).failures
    assert "covers rows 0 to 9" in failure.what
    status = {
        (f.region.label.split(":")[0], f.subject.label): f.status
        for f in found
        if f.kind == "phase"
    }
    assert status[("west", "Pt")] == "present"
    assert status[("east", "Pt")] == "absent_below_limit"
    numbers = maps["region"].values  # in the order of the names
    assert np.all(numbers[:, :7] == 2)
    assert np.all(numbers[:, 7:] == 1)


def test_places_of_phases_that_are_not_there() -> None:
    from consilience_xrd.simulation.maps import places_of

    with pytest.raises(BadInputError, match="no phase of the map"):
        places_of(MapParams(phases={"Pt": 10}, places={"LiF": "disc"}))


def test_a_film_and_its_rim_lie_in_the_middle_and_the_file_need_not_tell(tmp_path: Path) -> None:
    params = MapParams.model_validate(
        {
            "rows": 14,
            "columns": 19,
            "step": 400.0,
            "origin": [-2600.0, -3600.0],
            "phases": {"LiPt": 900.0, "LiF": 500.0},
            "places": {"LiPt": "film", "LiF": "rim"},
            "axes": {"LiPt": [0.0, 0.0, -0.003]},
            "strained": None,
            "points": 100,
            "told": False,
        }
    )
    places = places_of(params)
    # 4 by 6 um at steps of 400 nm: rows of y within 2000 nm of the middle
    assert places["LiPt"].sum() == 10 * 15
    assert ((places["LiF"] > 0) <= (places["LiPt"] > 0)).all()
    assert places["LiF"].sum() == 10 * 15 - 8 * 13
    written, told = run(params, 3, tmp_path)
    with h5py.File(written) as file:
        assert "truth" not in file["entry"]
        assert file["entry/data/x"][0] == -3600.0
        assert file["entry/data/y"][-1] == 2600.0
    lines = json.loads(told.read_text(encoding="utf-8"))["lines"]["LiPt"]
    first = next(line["q"] for line in lines if line["hkl"] == "0001")
    assert first == pytest.approx(2 * np.pi / (4.226 * 0.997), rel=1e-9)
    with pytest.raises(BadInputError, match="axes is given for Pt"):
        run(params.model_copy(update={"axes": {"Pt": (0.0, 0.0, 0.0)}}), 3, tmp_path)
