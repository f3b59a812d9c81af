"""Volumes of tomography: what is read, what is told of voxels, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile

from consilience.declarations import Claim
from consilience.errors import BadFileError, BadInputError
from consilience.probing import probe_file
from consilience_compton.files.ct_hdf5 import open_ct_hdf5, read_ct_hdf5
from consilience_compton.files.ct_probe import probe_ct_tiff
from consilience_compton.files.ct_tiff import linked_slices, open_ct_tiff, read_ct_tiff

VOLUME = (np.arange(6 * 5 * 4).reshape(6, 5, 4) // 40).astype(np.uint8)
GREY = np.random.default_rng(1).integers(0, 4000, (6, 5, 4)).astype(np.uint16)


def codes(signal: Any) -> set[str]:
    return {notice.code for notice in signal.notices}


def imagej(path: Path, volume: Any = VOLUME, **metadata: Any) -> Path:
    said = {"axes": "ZYX", "spacing": 2.0, "unit": "um", **metadata}
    tifffile.imwrite(path, volume, imagej=True, resolution=(1 / 3.25, 1 / 3.0), metadata=said)
    return path


def read(path: Path, **options: object) -> Any:
    (signal,) = read_ct_tiff(path, options, {})
    return signal


def opened(path: Path, signal: Any) -> Any:
    with open_ct_tiff(path, {}, signal.lazy) as data:
        return data.load()


def test_imagej_states_all_three_lengths(tmp_path: Path) -> None:
    path = imagej(tmp_path / "v.tif", origin="simulated")
    signal = read(path)
    assert probe_ct_tiff(probe_file(path)) is Claim.YES
    assert signal.modality == "xct"
    assert signal.origin == "simulated"
    np.testing.assert_allclose(signal.lazy["voxel_um"], [2.0, 3.0, 3.25])
    np.testing.assert_array_equal(opened(path, signal)["labels"].values, VOLUME)
    data = open_ct_tiff(path, {}, signal.lazy)
    np.testing.assert_array_equal(
        data["labels"][-1:0:-2, [3, 1], 2].values, VOLUME[-1:0:-2, [3, 1], 2]
    )
    np.testing.assert_array_equal(
        data["labels"][2, [3, 1], [0, 2]].values, VOLUME[2][[3, 1]][:, [0, 2]]
    )
    assert data["z"].attrs["units"] == "um"
    np.testing.assert_allclose(data["z"].values, np.arange(6) * 2.0)
    data.close()


def test_compressed_pages_are_decoded_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "v.tif"
    tifffile.imwrite(path, GREY, compression="zlib", photometric="minisblack")
    signal = read(path, voxel_um=1.5)
    assert "grey" in signal.summary.variables
    with open_ct_tiff(path, {}, signal.lazy) as data:
        np.testing.assert_array_equal(data["grey"][4].values, GREY[4])
    assert signal.metadata["voxel_size_from"] == "the user"


def test_an_unknown_voxel_size_stays_unknown(tmp_path: Path) -> None:
    path = tmp_path / "v.tif"
    tifffile.imwrite(path, VOLUME, photometric="minisblack")
    signal = read(path)
    assert "voxel-size-unknown" in codes(signal)
    assert signal.summary.coordinates["x"].unit == "1"
    assert "voxel_size" not in signal.metadata


def test_dots_of_a_printed_page_are_no_voxel_size(tmp_path: Path) -> None:
    path = tmp_path / "v.tif"
    tifffile.imwrite(path, VOLUME, resolution=(72, 72), resolutionunit=2, photometric="minisblack")
    signal = read(path)
    assert {"resolution-of-a-page", "voxel-size-unknown"} <= codes(signal)


def test_a_slice_distance_is_not_made_up(tmp_path: Path) -> None:
    path = tmp_path / "v.tif"
    tifffile.imwrite(
        path,
        VOLUME,
        resolution=(1e4 / 3.25, 1e4 / 3.25),
        resolutionunit=3,
        photometric="minisblack",
    )
    signal = read(path)
    assert "slice-distance-unknown" in codes(signal)
    assert signal.lazy["voxel_um"] is None


def test_an_option_that_contradicts_the_file_is_said(tmp_path: Path) -> None:
    signal = read(imagej(tmp_path / "v.tif"), voxel_um="3.25")
    assert "voxel-size-differs" in codes(signal)
    assert signal.lazy["voxel_um"] == [3.25, 3.25, 3.25]
    for wrong in ("0", "1,2", "-3", "nan", "wide"):
        with pytest.raises(BadInputError, match="expected one or three positive numbers"):
            read(tmp_path / "v.tif", voxel_um=wrong)


def test_slices_of_a_folder_are_one_volume(tmp_path: Path) -> None:
    for i, page in enumerate(GREY):
        tifffile.imwrite(tmp_path / f"s_{i + 9}.tif", page)  # 9, 10, 11: not in the order of text
    tifffile.imwrite(tmp_path / "other_9.tif", GREY[0])
    path = tmp_path / "s_11.tif"
    assert probe_ct_tiff(probe_file(path)) is Claim.NO, "one image may be anything"
    signal = read(path, voxel_um=2)
    assert len(linked_slices(path)) == 5
    assert signal.linked == linked_slices(path)
    np.testing.assert_array_equal(opened(path, signal)["grey"].values, GREY)
    (tmp_path / "s_12.tif").unlink()
    assert "slices-missing" in codes(read(path))
    tifffile.imwrite(tmp_path / "s_12.tif", GREY[0, :3])
    with pytest.raises(BadFileError, match=r"slice 's_12.tif' has shape \(3, 4\)"):
        read(path)


@pytest.mark.parametrize(
    ("name", "values", "extra", "match"),
    [
        ("colour", np.zeros((5, 8, 8, 3), np.uint8), {"photometric": "rgb"}, "in colour"),
        ("flat", np.zeros((8, 8), np.uint8), {}, "no volume"),
        ("complex", np.zeros((5, 8, 8), np.complex64), {}, "type complex64"),
        ("infinite", np.full((5, 8, 8), np.inf, np.float32), {}, "infinite values"),
        ("nothing", np.full((5, 8, 8), np.nan, np.float32), {}, "holds no value"),
    ],
)
def test_what_is_no_volume_is_refused(
    tmp_path: Path, name: str, values: Any, extra: dict[str, Any], match: str
) -> None:
    path = tmp_path / f"{name}.tif"
    tifffile.imwrite(path, values, **({"photometric": "minisblack"} | extra))
    with pytest.raises(BadFileError, match=match):
        read(path)


def test_cut_and_crafted_files_are_refused(tmp_path: Path) -> None:
    path = imagej(tmp_path / "v.tif", np.zeros((30, 40, 50), np.uint8))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadFileError):
        read(path)
    path.write_bytes(b"II*\x00nonsense")
    with pytest.raises(BadFileError, match="damaged"):
        read(path)


def test_labels_can_be_said_to_be_grey(tmp_path: Path) -> None:
    path = imagej(tmp_path / "v.tif")
    assert "taken-as-labels" in codes(read(path))
    assert "grey" in read(path, kind="grey").summary.variables
    with pytest.raises(BadInputError, match="are no labels"):
        read(imagej(tmp_path / "g.tif", GREY), kind="labels")
    with pytest.raises(BadInputError, match="expected labels or grey"):
        read(path, kind="colour")


def hdf5(path: Path, **attributes: Any) -> Path:
    with h5py.File(path, "w") as file:
        file["entry/data/volume"] = GREY.astype(np.float32)
        file["entry/data/volume"].attrs.update(attributes)
    return path


def test_hdf5_volumes_and_their_voxels(tmp_path: Path) -> None:
    path = hdf5(tmp_path / "v.h5", element_size_um=[2.0, 3.0, 3.25])
    (signal,) = read_ct_hdf5(path, {}, {})
    assert signal.lazy is not None
    assert signal.lazy["voxel_um"] == [2.0, 3.0, 3.25]
    data = open_ct_hdf5(path, {}, signal.lazy)
    np.testing.assert_array_equal(data["grey"][::-2, 1:3].values, GREY[::-2, 1:3])
    data.close()
    (other,) = read_ct_hdf5(hdf5(tmp_path / "n.h5", voxel_size=3.25, voxel_size_units="nm"), {}, {})
    assert other.metadata["voxel_size"] == {"value": pytest.approx(3.25e-3), "unit": "um"}
    (none,) = read_ct_hdf5(hdf5(tmp_path / "u.h5", voxel_size=3.25), {}, {})
    assert "voxel-size-unknown" in codes(none), "a length without a unit is none"


def test_axes_of_nexus_give_the_voxel(tmp_path: Path) -> None:
    path = tmp_path / "v.nxs"
    with h5py.File(path, "w") as file:
        group = file.create_group("entry/result")
        group.attrs["signal"] = "data"
        group.attrs["axes"] = ["z", "y", "x"]
        group["data"] = GREY
        file["entry/result2/data"] = GREY
        for axis, number in zip("zyx", GREY.shape, strict=True):
            group[axis] = np.arange(number) * 0.00325
            group[axis].attrs["units"] = "mm"
    (signal,) = read_ct_hdf5(path, {}, {})
    assert signal.lazy is not None
    assert signal.lazy["dataset"] == "/entry/result/data", "the only one that is a signal"
    np.testing.assert_allclose(signal.lazy["voxel_um"], 3.25)


def test_several_volumes_need_a_name(tmp_path: Path) -> None:
    path = hdf5(tmp_path / "v.h5")
    with h5py.File(path, "a") as file:
        file["entry/other"] = GREY
    with pytest.raises(BadInputError, match="holds 2 volumes"):
        read_ct_hdf5(path, {}, {})
    (signal,) = read_ct_hdf5(path, {"dataset": "entry/other"}, {})
    assert signal.lazy is not None
    assert signal.lazy["dataset"] == "/entry/other"
    with pytest.raises(BadInputError, match="has no volume 'entry/none'"):
        read_ct_hdf5(path, {"dataset": "entry/none"}, {})


def test_links_that_leave_the_folder_are_refused(tmp_path: Path) -> None:
    inner = tmp_path / "scan"
    inner.mkdir()
    hdf5(tmp_path / "secret.h5")
    with h5py.File(inner / "v.h5", "w") as file:
        file["a"] = h5py.ExternalLink("../secret.h5", "/entry/data/volume")
    with pytest.raises(BadFileError, match="outside the file's own folder"):
        read_ct_hdf5(inner / "v.h5", {}, {})


def test_raw_projections_are_called_so(tmp_path: Path) -> None:
    path = tmp_path / "scan.nxs"
    with h5py.File(path, "w") as file:
        group = file.create_group("entry/instrument/detector")
        group["data"] = GREY
        group["image_key"] = np.array([1, 0, 0, 0, 0, 2])
        file["entry/sample/rotation_angle"] = np.linspace(0.0, 180.0, 6)
        file["entry/sample/rotation_angle"].attrs["units"] = "deg"
        file["entry/lost"] = h5py.ExternalLink("gone.h5", "/x")
    (signal,) = read_ct_hdf5(path, {}, {})
    assert signal.name == "projections"
    assert {"projections", "broken-links"} == codes(signal)
    assert signal.lazy is not None
    data = open_ct_hdf5(path, {}, signal.lazy)
    np.testing.assert_array_equal(data["projections"].values, GREY)
    np.testing.assert_allclose(data["angle"].values[-1], 180.0)
    data.close()
    with pytest.raises(BadInputError, match="have no voxels"):
        read_ct_hdf5(path, {"voxel_um": 1}, {})


@pytest.mark.data
def test_real_files(shared_data: Path) -> None:
    signal = read(shared_data / "xct" / "electrode.tiff")
    counts = signal.metadata["voxels_of_value"]
    shares = [round(counts[v] / 256**3, 4) for v in ("0", "85", "170")]
    assert shares == [0.4499, 0.4005, 0.1496]
    assert signal.lazy["voxel_um"] is None
    (scan,) = read_ct_hdf5(shared_data / "xct" / "k11-18014.nxs", {}, {})
    assert scan.metadata["projections"] == 3001
    assert scan.linked == ["k11-18014/k11-18014-imaging.h5", "k11-18014/k11-18014-pcompPanda.h5"]
    assert {"projections", "broken-links", "angle-without-unit"} == codes(scan)


def test_one_slice_is_no_volume(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "slice.h5", "w") as file:
        file["entry/slice"] = VOLUME[:1]
    with pytest.raises(BadFileError, match=r"holds no volume: .* 4 or more numbers along each"):
        read_ct_hdf5(tmp_path / "slice.h5", {}, {})
