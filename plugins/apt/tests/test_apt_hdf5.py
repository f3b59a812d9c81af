"""Ions in HDF5: tables that pandas wrote, NXapm, raw events, and files that lead astray."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from apt_files import points

from consilience.declarations import Claim
from consilience.errors import BadFileError
from consilience.model.measurement import Signal
from consilience.probing import probe_file
from consilience_apt.files.lazy import open_hdf5
from consilience_apt.files.probe import probe_hdf5
from consilience_apt.files.reading_hdf5 import read_hdf5
from consilience_apt.files.stream import source_of

NXAPM = "entry1/atom_probe"


def table(path: Path, signal: Signal) -> np.ndarray:
    assert signal.lazy is not None
    data = open_hdf5(path, {}, signal.lazy)
    return np.stack([data[name].values for name in ("x", "y", "z", "mass_to_charge")], axis=1)


def write_frame(path: Path, columns: dict[str, np.ndarray]) -> Path:
    """Write a table as PyCCAPT does: pandas, fixed format, blocks of one dtype."""
    with h5py.File(path, "w") as file:
        frame = file.create_group("df")
        frame.attrs["pandas_type"] = np.bytes_(b"frame")
        frame["axis0"] = np.array(list(columns), "S")
        frame["axis1"] = np.arange(len(next(iter(columns.values()))))
        kinds = sorted({c.dtype.str for c in columns.values()})
        for i, kind in enumerate(kinds):
            names = [n for n, c in columns.items() if c.dtype.str == kind]
            frame[f"block{i}_items"] = np.array(names, "S")
            frame[f"block{i}_values"] = np.stack([columns[n] for n in names], axis=1)
        file.attrs["origin"] = "simulated"
    return path


def frame_of(ions: np.ndarray) -> dict[str, np.ndarray]:
    plain = ions.astype(np.float64)
    return {
        "x (nm)": plain[:, 0],
        "y (nm)": plain[:, 1],
        "z (nm)": plain[:, 2],
        "mc (Da)": plain[:, 3],
        "high_voltage (V)": np.full(len(ions), 5000.0),
        "x_det (cm)": plain[:, 0] / 20.0,
        "multi": np.ones(len(ions), np.uint32),
    }


def write_nxapm(path: Path, ions: np.ndarray, unit: str | None = "nm") -> Path:
    with h5py.File(path, "w") as file:
        group = file.create_group(NXAPM)
        xyz = group.create_dataset("reconstruction/reconstructed_positions", data=ions[:, :3])
        mass = group.create_dataset(
            "mass_to_charge_conversion/mass_to_charge", data=ions[:, 3:], compression="gzip"
        )
        if unit:
            xyz.attrs["units"] = unit
        mass.attrs["units"] = "Da"
        file["entry1"].attrs["NX_class"] = "NXentry"
        file["entry1/definition"] = "NXapm"
    return path


def test_table_of_pyccapt(tmp_path: Path) -> None:
    ions = points()
    path = write_frame(tmp_path / "a.h5", frame_of(ions))
    assert probe_hdf5(probe_file(path)) is Claim.YES
    (signal,) = read_hdf5(path, {}, {})
    assert signal.origin == "simulated"
    assert signal.notices == []
    np.testing.assert_array_equal(table(path, signal), ions)
    assert signal.lazy is not None
    data = open_hdf5(path, {}, signal.lazy)
    np.testing.assert_allclose(data["detector_x"].values, ions[:, 0] / 2.0, rtol=1e-6)
    assert data["ions_per_pulse"].dtype == np.uint32
    found = [b["z"].copy() for _, b in source_of(data).blocks(["z"], 3, 33, size=8)]
    np.testing.assert_array_equal(np.concatenate(found), ions[3:33, 2])
    np.testing.assert_array_equal(data["z"][30:2:-3].values, ions[30:2:-3, 2])


def test_table_that_pandas_itself_wrote(tmp_path: Path) -> None:
    """In a process of its own: PyTables and h5py share one HDF5 library badly."""
    path, ions = tmp_path / "p.h5", points()
    np.save(tmp_path / "ions.npy", ions.astype(float))
    code = (
        "import sys, numpy as np, pandas as pd\n"
        "ions = np.load(sys.argv[1])\n"
        "names = ['x (nm)', 'y (nm)', 'z (nm)', 'mc (Da)']\n"
        "frame = pd.DataFrame(dict(zip(names, ions.T)))\n"
        "frame['multi'] = np.ones(len(frame), 'uint32')\n"
        "frame.to_hdf(sys.argv[2], key='df', mode='w')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "ions.npy"), str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode and ("No module named" in ran.stderr or "ImportError" in ran.stderr):
        pytest.skip("pandas with PyTables is not installed")
    assert ran.returncode == 0, ran.stderr
    assert probe_hdf5(probe_file(path)) is Claim.YES
    (signal,) = read_hdf5(path, {}, {})
    np.testing.assert_array_equal(table(path, signal), ions)


def test_nxapm(tmp_path: Path) -> None:
    ions = points()
    path = write_nxapm(tmp_path / "a.nxs", ions)
    assert probe_hdf5(probe_file(path)) is Claim.YES
    (signal,) = read_hdf5(path, {}, {})
    np.testing.assert_array_equal(table(path, signal), ions)
    assert signal.raw_metadata == {"layout": "NXapm", "entry": "entry1", "definition": "NXapm"}


def test_nxapm_in_angstrom(tmp_path: Path) -> None:
    ions = points()
    path = write_nxapm(tmp_path / "a.nxs", ions, "angstrom")
    (signal,) = read_hdf5(path, {}, {})
    np.testing.assert_allclose(table(path, signal)[:, :3], ions[:, :3] / 10.0, rtol=1e-6)


@pytest.mark.parametrize("unit", [None, "furlong"])
def test_nxapm_without_a_known_unit(tmp_path: Path, unit: str | None) -> None:
    with pytest.raises(BadFileError, match=f"is in {unit!r}, expected one of nm"):
        read_hdf5(write_nxapm(tmp_path / "a.nxs", points(), unit), {}, {})


@pytest.mark.data
def test_raw_events_are_no_reconstruction(shared_data: Path) -> None:
    path = shared_data / "environment_log" / "AL_data_b.h5"
    assert probe_hdf5(probe_file(path)) is Claim.MAYBE
    with pytest.raises(BadFileError, match="1000 raw detector events of PyCCAPT") as caught:
        read_hdf5(path, {}, {})
    assert "no position in the needle" in caught.value.what
    assert "reconstruct it with PyCCAPT" in caught.value.fix


def test_a_table_before_reconstruction(tmp_path: Path) -> None:
    columns = frame_of(points())
    del columns["z (nm)"], columns["mc (Da)"]
    with pytest.raises(BadFileError, match="table of PyCCAPT without z, mass_to_charge; it has"):
        read_hdf5(write_frame(tmp_path / "a.h5", columns), {}, {})
    columns = frame_of(points())
    for name in ("x (nm)", "y (nm)", "z (nm)"):
        columns[name][:] = 0.0
    (signal,) = read_hdf5(write_frame(tmp_path / "b.h5", columns), {}, {})
    assert [n.code for n in signal.notices] == ["no-extent"]


def test_a_position_beyond_float32_is_refused(tmp_path: Path) -> None:
    columns = frame_of(points())
    columns["x (nm)"][5] = 1e60
    with pytest.raises(BadFileError, match=r"1 of 40 ions are NaN or infinite \(x\), first ion 5"):
        read_hdf5(write_frame(tmp_path / "a.h5", columns), {}, {})


def test_no_ions(tmp_path: Path) -> None:
    path = write_nxapm(tmp_path / "a.nxs", points())
    with h5py.File(path, "a") as file:
        for name in (
            "reconstruction/reconstructed_positions",
            "mass_to_charge_conversion/mass_to_charge",
        ):
            units, width = file[f"{NXAPM}/{name}"].attrs["units"], 3 if "pos" in name else 1
            del file[f"{NXAPM}/{name}"]
            made = file.create_dataset(f"{NXAPM}/{name}", (0, width), np.float32)
            made.attrs["units"] = units
    with pytest.raises(BadFileError, match="holds no ion"):
        read_hdf5(path, {}, {})


def test_other_hdf5_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["spectrum"] = np.arange(3)
    assert probe_hdf5(probe_file(path)) is Claim.NO
    with pytest.raises(BadFileError, match=r"neither 'df' of PyCCAPT nor .* only 'spectrum'"):
        read_hdf5(path, {}, {})


def test_nothing_is_followed_out_of_the_file(tmp_path: Path) -> None:
    other = write_nxapm(tmp_path / "other.nxs", points())
    path = tmp_path / "a.nxs"
    with h5py.File(path, "w") as file:
        group = file.create_group(f"{NXAPM}/reconstruction")
        group["reconstructed_positions"] = h5py.ExternalLink(
            other.name, f"/{NXAPM}/reconstruction/reconstructed_positions"
        )
    with pytest.raises(BadFileError, match="is a ExternalLink, which may lead out of the file"):
        read_hdf5(path, {}, {})
    raw = tmp_path / "raw.h5"
    with h5py.File(raw, "w") as file:
        file.create_dataset(
            "df/block0_values", (2, 4), np.float64, external=[("/etc/hostname", 0, 64)]
        )
        file["df/block0_items"] = np.array(["x (nm)", "y (nm)", "z (nm)", "mc (Da)"], "S")
    with pytest.raises(BadFileError, match="keeps its values in other files"):
        read_hdf5(raw, {}, {})


def test_an_absurd_shape_is_refused(tmp_path: Path) -> None:
    path = write_nxapm(tmp_path / "a.nxs", points())
    with h5py.File(path, "a") as file:
        name = f"{NXAPM}/reconstruction/reconstructed_positions"
        del file[name]
        file.create_dataset(name, (10**12, 3), np.float32, chunks=(1000, 3))
    with pytest.raises(BadFileError, match="claims 12000000000000 bytes in a file of"):
        read_hdf5(path, {}, {})
