"""Small files of each format, written from the formats' descriptions alone, and ifes's readers."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from consilience_apt.files.probe import EPOS_RECORD, simulated_mark

EPOS = np.dtype(
    [(name, ">f4") for name in ("x", "y", "z", "m", "tof", "dc", "pulse", "dx", "dy")]
    + [("since", ">u4"), ("hits", ">u4")]
)


def epos_ions(number: int = 60, seed: int = 1) -> np.ndarray:
    """Ions of which every third pulse gives two; voltages in V."""
    chance = np.random.default_rng(seed)
    ions = np.zeros(number, EPOS)
    for name in ("x", "y"):
        ions[name] = chance.normal(0.0, 10.0, number)
    ions["z"] = -chance.uniform(0.0, 50.0, number)
    ions["m"] = chance.choice([13.99, 27.98, 57.9], number)
    ions["tof"] = 300.0 + 40.0 * np.sqrt(ions["m"])
    ions["dc"] = np.linspace(4000.0, 5000.0, number)
    ions["dx"], ions["dy"] = chance.uniform(-15.0, 15.0, (2, number))
    ions["since"] = chance.integers(1, 3000, number)
    ions["hits"] = 1
    ions["hits"][::4], ions["hits"][1::4] = 2, 0
    ions["since"][1::4] = 0
    return ions


def write_epos(path: Path, ions: np.ndarray, *, simulated: bool = False) -> Path:
    """Write an .epos, marked as simulated if asked for."""
    path.write_bytes((simulated_mark(EPOS_RECORD) if simulated else b"") + ions.tobytes())
    return path


def points(number: int = 40, seed: int = 2) -> np.ndarray:
    """x, y, z (nm) and m/z (Da), float32, on a grid that every format can hold."""
    chance = np.random.default_rng(seed)
    xyz = np.round(chance.uniform(-30.0, 30.0, (number, 3)), 2)
    return np.column_stack([xyz, chance.choice([13.99, 27.98], number)]).astype(np.float32)


def write_ato(path: Path, version: int, ions: np.ndarray, order: str = "<") -> Path:
    """Write an .ato of version 3 (14 float32) or 5 (40 bytes after a header of 5000)."""
    head = struct.pack("<2I", 0, version)
    if version == 3:
        table = np.zeros((len(ions), 14), f"{order}f4")
        table[:, :3], table[:, 3] = 10.0 * ions[:, :3], ions[:, 3]
        path.write_bytes(head + table.tobytes())
        return path
    rows = np.zeros(len(ions), [("xy", "<i2", 2), ("z", "<f4"), ("m", "<f4"), ("rest", "u1", 28)])
    rows["xy"], rows["z"], rows["m"] = np.rint(100.0 * ions[:, :2]), 10.0 * ions[:, 2], ions[:, 3]
    path.write_bytes(head.ljust(5000, b"\0") + rows.tobytes())
    return path


def apt_section(
    name: str, unit: str, data: np.ndarray, records: int | None = None, before: bytes = b""
) -> bytes:
    """One section of an .apt; `before` is counted to the header, as positions have it."""
    kind = {"i": 1, "u": 2, "f": 3}[data.dtype.kind]
    width = data.dtype.itemsize * (data.shape[1] if data.ndim == 2 else 1)
    return (
        struct.pack(
            "<4sii64siIIIii32sQQ",
            b"SEC\0",
            148 + len(before),
            2,
            name.encode("utf-16-le"),
            1,
            1,
            1,
            kind,
            8 * data.dtype.itemsize,
            width,
            unit.encode("utf-16-le"),
            len(data) if records is None else records,
            data.nbytes,
        )
        + before
        + data.tobytes()
    )


def write_apt(
    path: Path, ions: np.ndarray, *more: bytes, stated: int | None = None, mass: str = "Mass"
) -> Path:
    """Write an .apt with positions, masses and further sections."""
    head = struct.pack(
        "<4sii512sQQ",
        b"APT\0",
        540,
        2,
        "needle.apt".encode("utf-16-le"),
        133_000_000_000_000_000,
        len(ions) if stated is None else stated,
    )
    bounds = np.stack([ions[:, :3].min(axis=0), ions[:, :3].max(axis=0)], axis=1)
    path.write_bytes(
        head
        + apt_section(
            "Position", "nm", ions[:, :3].astype("<f4"), None, bounds.astype("<f4").tobytes()
        )
        + apt_section(mass, "Da", ions[:, 3].astype("<f4"))
        + b"".join(more)
    )
    return path


_IFES = """
import sys
import importlib
import numpy as np
module, name, path, out = sys.argv[1:5]
reader = getattr(importlib.import_module("ifes_apt_tc_data_modeling." + module), name)(path)
found = {}
for call in sys.argv[5:]:
    value = getattr(reader, call)()
    found[call] = np.asarray(getattr(value, "magnitude", value))
np.savez(out, **found)
"""


def ifes(tmp_path: Path, module: str, name: str, path: Path, *calls: str) -> dict[str, np.ndarray]:
    """Return what a reader of ifes_apt_tc_data_modeling says of a file.

    In a process of its own: importing it opens a log file in the current folder.
    """
    out = tmp_path / "ifes.npz"
    ran = subprocess.run(
        [sys.executable, "-c", _IFES, module, name, str(path), str(out), *calls],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    if "No module named 'ifes_apt_tc_data_modeling'" in ran.stderr:
        pytest.skip("ifes-apt-tc-data-modeling is not installed")
    assert ran.returncode == 0, ran.stderr
    with np.load(out) as found:
        return dict(found)
