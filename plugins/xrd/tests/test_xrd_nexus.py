"""NeXus: layouts understood, axes that lie, and links that must not be followed."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from consilience.errors import BadFileError, BadInputError
from consilience_xrd.files.nexus import find_signals
from consilience_xrd.files.nexus_links import linked_files
from consilience_xrd.files.nexus_open import open_nexus
from consilience_xrd.files.reading import read_nexus


def basic(file: h5py.File, axis: str = "q", unit: object = "1/angstrom", points: int = 20) -> None:
    entry = file.create_group("entry")
    entry.attrs["NX_class"] = np.array([b"NXentry"])
    data = entry.create_group("data")
    data.attrs["NX_class"] = "NXdata"
    data.attrs["signal"] = b"data"
    data.attrs["axes"] = np.array([axis.encode()])
    data["data"] = np.arange(20.0)
    data[axis] = np.linspace(1, 3, points)
    if unit is not None:
        data[axis].attrs["units"] = unit


@pytest.mark.parametrize(
    ("axis", "unit", "name", "first"),
    [
        ("q", "1/angstrom", "q", 1.0),
        ("q", np.array([b"nm^-1"]), "q", 0.1),
        ("two_theta", b"degrees", "two_theta", 1.0),
        ("two_theta", "rad", "two_theta", 57.2958),
        ("d", "nm", "d", 10.0),
    ],
)
def test_axes_and_units(tmp_path: Path, axis: str, unit: object, name: str, first: float) -> None:
    path = tmp_path / "a.nxs"
    with h5py.File(path, "w") as file:
        basic(file, axis, unit)
    (signal,) = read_nexus(path, {}, {})
    assert signal.data is not None
    assert float(signal.data[name][0]) == pytest.approx(first, rel=1e-5)
    assert {n.code for n in signal.notices} >= {"no-wavelength", "no-monitor"}


def test_older_layout_with_signal_1(tmp_path: Path) -> None:
    path = tmp_path / "a.nxs"
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry1")
        entry.attrs["NX_class"] = "NXentry"
        entry["definition"] = "NXmonopd"
        group = entry.create_group("data")
        group["counts"] = np.arange(5)
        group["counts"].attrs["signal"] = 1
        group["counts"].attrs["axes"] = "polar_angle"
        group["counts"].attrs["units"] = "counts"
        group["polar_angle"] = np.linspace(10, 20, 5)
        group["polar_angle"].attrs["units"] = "deg"
        beam = entry.create_group("instrument/beam")
        beam.attrs["NX_class"] = "NXbeam"
        beam["incident_energy"] = 18.0
        beam["incident_energy"].attrs["units"] = "keV"
    (found,) = find_signals(path)
    assert found.unit == "count"
    assert found.wavelength == pytest.approx(0.6888, abs=1e-4)
    assert found.axes[0].name == "two_theta"


def test_pyfai_azimuthal_result(tmp_path: Path) -> None:
    path = tmp_path / "azint.h5"
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["definition"] = "NXazint1d"
        mono = entry.create_group("monochromator")
        mono.attrs["NX_class"] = "NXmonochromator"
        mono["wavelength"] = 0.4066
        mono["wavelength"].attrs["units"] = "angstrom"
        data = entry.create_group("data")
        data.attrs.update({"NX_class": "NXdata", "signal": "I"})
        data.attrs["axes"] = ["radial_axis"]
        data["I"] = np.ones(10)
        data["I_errors"] = np.full(10, 0.1)
        data["radial_axis"] = np.linspace(1, 2, 10)
        data["radial_axis"].attrs.update({"units": "1/angstrom", "long_name": "q"})
    (signal,) = read_nexus(path, {}, {})
    assert signal.data is not None
    assert signal.data["intensity_std"].values == pytest.approx(0.1)
    assert signal.metadata["wavelength"]["value"] == pytest.approx(0.4066)


def test_a_map_stays_in_the_file_and_opens_lazily(tmp_path: Path) -> None:
    path = tmp_path / "map.nxs"
    values = np.random.default_rng(0).random((4, 5, 30))
    with h5py.File(path, "w") as file:
        basic(file, points=30)
        del file["entry/data/data"]
        file["entry/data/data"] = values
        file["entry/data"].attrs["axes"] = ["y", "x", "q"]
        file["entry/data/x"] = np.arange(9.0)
    (signal,) = read_nexus(path, {}, {})
    assert signal.data is None
    assert signal.lazy is not None
    codes = {n.code: n for n in signal.notices}
    assert "first 5 values" in codes["axis-longer-than-data"].fix
    assert "axis-missing" in codes
    with open_nexus(path, {}, signal.lazy) as data:
        assert not data["intensity"].variable._in_memory
        assert data["intensity"].dims == ("y", "x", "q")
        assert data["intensity"][1, 2].values == pytest.approx(values[1, 2])


def test_missing_unit_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.nxs"
    with h5py.File(path, "w") as file:
        basic(file, unit=None)
    with pytest.raises(BadInputError, match=r"entry/data/q has no unit") as caught:
        find_signals(path)
    assert "--option unit" in caught.value.fix
    assert find_signals(path, "1/nm")[0].axes[0].factor == 0.1


def test_axis_and_unit_that_contradict(tmp_path: Path) -> None:
    path = tmp_path / "a.nxs"
    with h5py.File(path, "w") as file:
        basic(file, unit="deg")
    with pytest.raises(BadFileError, match="is in deg, which no q is"):
        find_signals(path)


def test_links_inside_the_folder_are_listed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["values"] = np.arange(20.0)
    path = tmp_path / "master.nxs"
    with h5py.File(path, "w") as file:
        basic(file)
        del file["entry/data/data"]
        file["entry/data/data"] = h5py.ExternalLink("data.h5", "/values")
        file["entry/gone"] = h5py.ExternalLink("missing.h5", "/x")
    assert linked_files(path) == ["data.h5"]
    (found,) = find_signals(path)
    assert found.shape == (20,)
    assert found.path == "/entry/data/data"
    (signal,) = read_nexus(path, {}, {})
    assert signal.data is not None
    assert signal.data["intensity"].values == pytest.approx(np.arange(20.0))
    assert any(
        code == "broken-link" and "missing.h5" in text for code, text, _, _ in found.warnings
    )


@pytest.mark.parametrize("target", ["../secret.h5", "/etc/hostname"])
def test_links_that_leave_are_refused(tmp_path: Path, target: str) -> None:
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["values"] = np.arange(20.0)
    folder = tmp_path / "scan"
    folder.mkdir()
    path = folder / "master.nxs"
    with h5py.File(path, "w") as file:
        basic(file)
        file["entry/data/more"] = h5py.ExternalLink(target, "/values")
    for look in (find_signals, linked_files):
        with pytest.raises(BadFileError, match="outside the file's own folder"):
            look(path)


def test_external_storage_virtual_sources_and_absurd_shapes(tmp_path: Path) -> None:
    raw = tmp_path / "raw.bin"
    raw.write_bytes(np.arange(20.0).tobytes())
    path = tmp_path / "a.nxs"
    with h5py.File(path, "w") as file:
        basic(file)
        file.create_dataset(
            "entry/raw", (20,), dtype="f8", external=[(str(raw), 0, h5py.h5f.UNLIMITED)]
        )
    with pytest.raises(BadFileError, match="external raw file"):
        find_signals(path)
    path = tmp_path / "b.nxs"
    with h5py.File(path, "w") as file:
        basic(file)
        layout = h5py.VirtualLayout((20,), "f8")
        layout[:] = h5py.VirtualSource("/etc/somewhere.h5", "x", (20,))
        file.create_virtual_dataset("entry/virtual", layout)
    with pytest.raises(BadFileError, match="outside the file's own folder"):
        find_signals(path)
    path = tmp_path / "c.nxs"
    with h5py.File(path, "w") as file:
        basic(file)
        file.create_dataset("entry/big", (10**7, 10**7), dtype="f8", chunks=(10, 10))
    with pytest.raises(BadFileError, match="cannot be real"):
        find_signals(path)


def test_cut_off_and_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.nxs"
    with h5py.File(path, "w") as file:
        basic(file)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadFileError, match=r"cut off|damaged"):
        find_signals(path)
    path.write_bytes(b"")
    with pytest.raises(BadFileError, match="empty"):
        find_signals(path)
