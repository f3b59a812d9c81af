"""Raw scans in NeXus: what is read, what is told, and that nothing is mended unasked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from xrf_files import spectra, write_cube

from consilience.declarations import Claim
from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import Signal
from consilience.probing import probe_file
from consilience_xrf.files.cube import open_cube
from consilience_xrf.files.nexus import read_nexus
from consilience_xrf.files.probe import probe_nexus

SHAPE = (3, 4)


@pytest.fixture(scope="module")
def counts() -> Any:
    return spectra(SHAPE)


@pytest.fixture
def places() -> dict[str, Any]:
    return {"y": 0.5 * np.arange(3), "x": 1.0 + np.arange(4)}


def read(path: Path, **options: object) -> tuple[Signal, Any]:
    (signal,) = read_nexus(path, options, {})
    assert signal.lazy is not None
    return signal, open_cube(path, {}, signal.lazy)


def codes(signal: Signal) -> set[str]:
    return {n.code for n in signal.notices}


def test_a_scan_is_read_lazily_with_its_axes(
    tmp_path: Path, counts: Any, places: dict[str, Any]
) -> None:
    path = write_cube(tmp_path / "a.nxs", counts, ["y", "x", "energy"], places)
    assert probe_nexus(probe_file(path)) is Claim.YES
    signal, data = read(path)
    assert signal.modality == "xrf"
    assert signal.origin == "simulated"
    assert signal.exposures == []
    assert signal.notices == []
    assert data["counts"].dims == ("y", "x", "channel")
    assert (data["counts"].values == counts).all()
    assert data["energy"].attrs["units"] == "keV"
    assert data["x"].attrs["units"] == "mm"
    assert data["x"].values.tolist() == [1, 2, 3, 4]
    assert signal.metadata["incident_energy"]["value"] == pytest.approx(11.0)
    assert "elastic peak lies at 11.0" in str(signal.metadata["energy_check"])


@pytest.mark.parametrize("key", [np.s_[1], np.s_[:, 2:, 5:9], np.s_[::-1, 1, ::3], np.s_[[2, 0]]])
def test_parts_are_those_of_the_whole(tmp_path: Path, counts: Any, key: Any) -> None:
    y, x = np.meshgrid(np.arange(3.0), np.arange(4.0), indexing="ij")
    x[1] = x[1, ::-1].copy()
    stored = counts.copy()
    stored[1] = stored[1, ::-1]
    path = write_cube(tmp_path / "a.nxs", stored, ["y", "x", "energy"], {"y": y, "x": x})
    signal, data = read(path)
    assert codes(signal) == {"snake"}
    assert (data["counts"][key].values == counts[key]).all()


def test_a_list_of_points_is_put_on_its_grid(tmp_path: Path, counts: Any) -> None:
    y, x = (p.ravel() for p in np.meshgrid(np.arange(3.0), np.arange(4.0), indexing="ij"))
    flat = counts.reshape(12, -1)[:10]
    live = np.arange(1.0, 11.0)
    path = write_cube(
        tmp_path / "a.nxs",
        flat,
        [".", "energy"],
        {"y": y[:10], "x": x[:10]},
        more={"live_time": (live, "ms")},
    )
    signal, data = read(path)
    assert codes(signal) == {"scan-incomplete"}
    assert data["measured"].values[2].tolist() == [1, 1, 0, 0]
    assert (data["counts"].values[:2] == counts[:2]).all()
    assert (data["counts"].values[2, 2:] == 0).all()
    assert (data["counts"][1:, 1:3].values == data["counts"].values[1:, 1:3]).all()
    assert data["live_time"].values[0].tolist() == pytest.approx([0.001, 0.002, 0.003, 0.004])


def test_elements_of_a_detector_are_summed_or_chosen(
    tmp_path: Path, counts: Any, places: dict[str, Any]
) -> None:
    both = np.stack([counts, 2 * counts], axis=2)
    live = np.ones((3, 4, 2)) * [0.1, 0.3]
    path = write_cube(
        tmp_path / "a.nxs",
        both,
        ["y", "x", ".", "energy"],
        places,
        more={"live_time": (live, "s")},
    )
    signal, data = read(path)
    assert "detector-elements" in codes(signal)
    assert (data["counts"].values == 3 * counts).all()
    assert data["live_time"].values == pytest.approx(0.2)
    _, second = read(path, detector="1")
    assert (second["counts"].values == 2 * counts).all()
    with pytest.raises(BadInputError, match="has 2 elements, number 2 was asked for"):
        read(path, detector=2)


def test_leading_directions_stay(tmp_path: Path, counts: Any, places: dict[str, Any]) -> None:
    turned = np.stack([counts, counts + 1])
    path = write_cube(
        tmp_path / "a.nxs", turned, ["theta", "y", "x", "energy"], {**places, "theta": [-42.0, 63]}
    )
    _, data = read(path)
    assert data["counts"].dims == ("theta", "y", "x", "channel")
    assert data["theta"].values.tolist() == [-42, 63]
    assert (data["counts"].isel(theta=1, y=2).values == turned[1, 2]).all()


@pytest.mark.parametrize(("wrong", "scale"), [(2.0, 0.5), (0.5, 2.0), (1000.0, 0.001)])
def test_a_wrong_scale_is_told_and_mended_only_when_asked(
    tmp_path: Path, counts: Any, places: dict[str, Any], wrong: float, scale: float
) -> None:
    axis = 0.05 * np.arange(256) * wrong
    path = write_cube(tmp_path / "a.nxs", counts, ["y", "x", "energy"], places, energy=axis)
    signal, data = read(path)
    assert data["energy"].values == pytest.approx(axis), "nothing is applied unasked"
    (notice,) = [n for n in signal.notices if n.code == "energy-scale"]
    assert notice.fix == f"--option energy_scale={scale:g}"
    assert "nothing was changed" in notice.message
    assert "Fe 6.4" in notice.message
    mended, right = read(path, energy_scale=scale)
    assert codes(mended) == set()
    assert right["energy"].values == pytest.approx(axis * scale)
    assert "as asked" in right["energy"].attrs["source"]


def test_a_right_axis_raises_nothing_and_a_wrong_option_is_told(
    tmp_path: Path, counts: Any, places: dict[str, Any]
) -> None:
    path = write_cube(tmp_path / "a.nxs", counts, ["y", "x", "energy"], places)
    signal, _ = read(path, energy_scale=0.5)
    (notice,) = [n for n in signal.notices if n.code == "energy-scale"]
    assert notice.fix == "--option energy_scale=1"


def test_an_axis_without_unit_stays_in_channels(
    tmp_path: Path, counts: Any, places: dict[str, Any]
) -> None:
    axes = ["y", "x", "energy"]
    path = write_cube(tmp_path / "a.nxs", counts, axes, places, energy_unit=None)
    signal, data = read(path)
    assert "energy" not in data.coords
    (notice,) = [n for n in signal.notices if n.code == "energy-without-unit"]
    assert notice.fix == "--option energy_unit=keV"
    _, said = read(path, energy_unit="keV")
    assert said["energy"].values[-1] == pytest.approx(12.75)
    volts = write_cube(
        tmp_path / "b.nxs", counts, axes, places, energy=100.0 * np.arange(256), energy_unit=None
    )
    (notice,) = [n for n in read(volts)[0].notices if n.code == "energy-without-unit"]
    assert notice.fix == "--option energy_unit=eV --option energy_scale=0.5"


def test_without_a_beam_the_axis_is_not_held_against_anything(
    tmp_path: Path, counts: Any, places: dict[str, Any]
) -> None:
    path = write_cube(tmp_path / "a.nxs", counts, ["y", "x", "energy"], places, beam=None)
    assert codes(read(path)[0]) == {"no-incident-energy"}
    said, _ = read(path, incident_energy="11")
    assert codes(said) == set()


def test_a_falling_axis_is_refused(tmp_path: Path, counts: Any, places: dict[str, Any]) -> None:
    axis = 0.05 * np.arange(256)[::-1]
    path = write_cube(tmp_path / "a.nxs", counts, ["y", "x", "energy"], places, energy=axis)
    with pytest.raises(BadFileError, match=r"falls, from 12.75 to 0"):
        read(path)
    _, data = read(path, zero=0, gain=0.05)
    assert data["energy"].values[1] == pytest.approx(0.05)


def test_odd_values_are_told(tmp_path: Path, counts: Any, places: dict[str, Any]) -> None:
    odd = counts.astype(float)
    odd[1, 2] = 0.0
    odd[0, 0, 3] = -2.0
    odd[0, 0, 4] = 1.5
    live = np.full((3, 4), 0.1)
    live[2, 2] = 0.0
    path = write_cube(
        tmp_path / "a.nxs",
        odd,
        ["y", "x", "energy"],
        places,
        more={"live_time": (live, "s"), "dead_time": (np.full((3, 4), 120.0), "%")},
    )
    signal, _ = read(path)
    said = {n.code: n for n in signal.notices}
    assert set(said) == {
        "negative-counts",
        "counts-not-whole",
        "empty-points",
        "live-time-zero",
        "dead-time-range",
    }
    assert "1 of 12 points" in said["empty-points"].message
    assert said["empty-points"].where == "first at row 1, column 2"
    assert "the least -2" in said["negative-counts"].message
    assert "at 1 of 12 points" in said["live-time-zero"].message


def test_a_scan_without_counts_is_a_fault(
    tmp_path: Path, counts: Any, places: dict[str, Any]
) -> None:
    path = write_cube(tmp_path / "a.nxs", 0 * counts, ["y", "x", "energy"], places)
    signal, _ = read(path)
    assert {n.severity for n in signal.notices if n.code == "no-counts"} == {"fault"}


def test_positions_get_one_unit_and_none_is_made_up(tmp_path: Path, counts: Any) -> None:
    plain = {"y": 0.5 * np.arange(3), "x": 1.0 + np.arange(4)}
    path = write_cube(tmp_path / "a.nxs", counts, ["y", "x", "energy"], plain, unit=None)
    signal, data = read(path)
    assert codes(signal) == {"positions-without-unit"}
    assert data["x"].attrs["units"] == "1"
    _, said = read(path, position_unit="um")
    assert said["x"].attrs["units"] == "um"
    other = write_cube(tmp_path / "b.nxs", counts, ["y", "x", "energy"], plain)
    with h5py.File(other, "r+") as file:
        file["entry1/fluo_entry/data/y"].attrs["units"] = "nm"
    _, mixed = read(other)
    assert mixed["x"].values.tolist() == [1000, 2000, 3000, 4000]
    assert mixed["y"].values == pytest.approx([0, 5e-4, 1e-3])


def test_files_without_fluorescence_say_what_they_hold(tmp_path: Path) -> None:
    path = tmp_path / "a.nxs"
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["definition"] = "NXxrd"
        data = entry.create_group("data")
        data.attrs.update({"NX_class": "NXdata", "signal": "data"})
        data["data"] = np.ones((3, 200))
    with pytest.raises(BadFileError, match="its definition is NXxrd"):
        read_nexus(path, {}, {})
    assert probe_nexus(probe_file(path)) is Claim.NO


def test_links_that_leave_the_folder_are_refused(tmp_path: Path, counts: Any) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_cube(tmp_path / "outside.nxs", counts, ["y", "x", "energy"], {})
    path = folder / "a.nxs"
    with h5py.File(path, "w") as file:
        file["entry"] = h5py.ExternalLink("../outside.nxs", "/entry1")
    with pytest.raises(BadFileError, match="outside the file's own folder"):
        read_nexus(path, {}, {})


def test_a_link_inside_the_folder_is_followed(tmp_path: Path, counts: Any) -> None:
    places = {"y": np.arange(3.0), "x": np.arange(4.0)}
    write_cube(tmp_path / "raw.nxs", counts, ["y", "x", "energy"], places)
    path = tmp_path / "a.nxs"
    with h5py.File(path, "w") as file:
        file["entry"] = h5py.ExternalLink("raw.nxs", "/entry1")
    signal, data = read(path)
    assert signal.linked == ["raw.nxs"]
    assert signal.origin == "simulated"
    assert (data["counts"].values == counts).all()
    assert data["x"].values.tolist() == [0, 1, 2, 3]


@pytest.mark.data
def test_the_measured_scans_as_their_readme_says(shared_data: Path) -> None:
    folder = shared_data / "xrf"
    signal, data = read(folder / "testfluo2.nxs")
    (notice,) = [n for n in signal.notices if n.code == "energy-scale"]
    assert notice.fix == "--option energy_scale=0.5"
    for line in ("Ar 2.9", "Ca 3.69", "Fe 6.40", "Cu 8.04", "Zn 8.6"):
        assert line in notice.message
    assert data["energy"].values[-1] == pytest.approx(40.91)
    assert data["counts"].shape == (18, 18, 512)
    assert data["monitor"].shape == (18, 18)
    assert data["x"].values[[0, -1]] == pytest.approx([0.28907, 0.35518], abs=1e-5)
    assert data["y"].values[[0, -1]] == pytest.approx([2.909, 2.977], abs=1e-5)
    _, right = read(folder / "testfluo2.nxs", energy_scale=0.5)
    assert right["energy"].values[-1] == pytest.approx(20.455)
    signal, data = read(folder / "mm.nxs")
    assert "energy" not in data.coords
    said = {n.code: n for n in signal.notices}
    assert said["energy-without-unit"].fix == "--option energy_unit=keV"
    assert "elastic peak lies at 16.99 keV" in said["energy-without-unit"].message
    assert {"axis-longer-than-data", "monitor-shape"} <= set(said)
    assert data["counts"].dims == ("theta", "y", "x", "channel")
    signal, doubled = read(folder / "fluo.nxs")
    assert (doubled["counts"].values == data["counts"].values).all()
    (notice,) = [n for n in signal.notices if n.code == "energy-scale"]
    assert notice.fix == "--option energy_scale=0.5"
    assert len(signal.exposures) == 1
