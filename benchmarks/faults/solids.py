"""Faults of alloy, particle, cell and anode: atom probe, EDX, Compton scattering, tomography."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.faults.fault import Fault, Size, substituted
from benchmarks.faults.twin import Claims
from consilience.study import Study

__all__ = ["FAULTS", "altered", "lost"]

NEEDLE, RANGES = "needle/needle.epos", "needle/needle.rrng"
EDX = "particle/particle_edx.hspy"
CELL = "cell/cell-0.1-C-1-pristine-region-1.hxt"
CELL_2 = "cell-0.1-C-1-pristine-region-2.hxt"
OTHER = "cell-other/cell-0.1-C-1-pristine-region-1.hxt"
CT = "anode/anode_pristine.tif"


def _lithium(fraction: float, claims: Claims) -> None:
    claims.params("needle")["layers"][0]["top"] = {"Li+": fraction, "Pt++": 1.0 - fraction}


def _composition(off: int, size: Size) -> Fault:
    return Fault(
        f"composition off by {off} at.% (atom probe)",
        "first needle of the alloy",
        partial(_lithium, 0.5 + off / 100),
        ("alloy",),
        (NEEDLE,),
        about="composition",
        size=size,
    )


def _iron(off: int, claims: Claims) -> None:
    # k-factors of one by mass: counts are masses
    iron = 0.5 + off / 100
    masses = iron * 55.845, (1.0 - iron) * 195.084
    total = 20000.0 / sum(masses)
    claims.params("particle").update(iron=masses[0] * total, platinum=masses[1] * total)


def _edx(off: int, size: Size) -> Fault:
    return Fault(
        f"composition off by {off} at.% (EDX)",
        "first map of the particle",
        partial(_iron, off),
        ("particle",),
        (EDX,),
        about="composition",
        size=size,
    )


def _ranges(pattern: str, by: str, claims: Claims) -> None:
    claims.edit(RANGES, substituted(pattern, by))


def _other_ranges(claims: Claims) -> None:
    text = (
        "[Ions]\nNumber=2\nIon1=Si\nIon2=P\n[Ranges]\nNumber=2\n"
        "Range1=13.9 15.1 Vol:0.0 Si:1 Color:0072B2\nRange2=30.8 31.2 Vol:0.0 P:1 Color:D55E00\n"
    )

    def edit(path: Path) -> None:
        path.write_text(text, encoding="utf-8")

    claims.edit(RANGES, edit)


def _option(name: str, values: dict[str, Any], claims: Claims) -> None:
    claims.measurement(name)["options"] = values


def _energy(kilo_electron_volts: float, claims: Claims) -> None:
    """Shift the bins of a spectrum file (.hxt: their number is at byte 180, they follow)."""

    def edit(path: Path) -> None:
        data = bytearray(path.read_bytes())
        size = int.from_bytes(data[180:184], "little")
        bins = np.frombuffer(bytes(data[184 : 184 + 8 * size]), dtype="<f8")
        data[184 : 184 + 8 * size] = (bins + kilo_electron_volts).astype("<f8").tobytes()
        path.write_bytes(bytes(data))

    claims.edit(CELL, edit)


def _region(claims: Claims) -> None:
    """What was measured in region 2 goes by the name of region 1."""

    def take(path: Path) -> None:
        shutil.copyfile(path.with_name(CELL_2), path)

    claims.edit(CELL, take)


def _alpha(alpha: float, claims: Claims) -> None:
    tables = claims.study["analysis"]
    next(t for t in tables if t["key"] == "compton.regions")["params"]["alpha"] = alpha


def altered(name: str, study: Study) -> None:
    """Change one byte of a stored file; the copy of the clean study stays as it is."""
    from consilience.store.files import StoredFile

    record = next(r for r in study.measurement_records() if r.sample == name)
    stored = record.stored["data"]
    path = study.store.open_path(StoredFile.from_dict(stored.to_json()))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.unlink()
    path.write_bytes(bytes(data))


def _store(act: Callable[[Study], None], claims: Claims) -> None:
    claims.stored.append(act)


def lost(name: str, study: Study) -> None:
    from consilience.store.files import StoredFile

    record = next(r for r in study.measurement_records() if r.sample == name)
    study.store.open_path(StoredFile.from_dict(record.stored["data"].to_json())).unlink()


FAULTS = (
    _composition(3, "below"),
    _composition(5, "at"),
    _composition(10, "beyond"),
    _composition(15, "beyond"),
    _edx(3, "below"),
    _edx(5, "at"),
    _edx(10, "beyond"),
    _edx(20, "beyond"),
    Fault(
        "wrong range file (of another alloy)",
        "ranges of the first needle",
        _other_ranges,
        ("alloy",),
        ("alloy", NEEDLE),
        ("disagree", "lost", "notice", "failed", "refused"),
    ),
    Fault(
        "range file without ⁷Li",
        "ranges of the first needle",
        partial(_ranges, r"^Range2=.*\n", ""),
        ("alloy",),
        ("alloy", NEEDLE),
        ("disagree", "lost", "notice", "failed", "refused"),
    ),
    Fault(
        "wrong region named",
        "region 1 of the cell, first recording",
        _region,
        ("cell",),
        ("cell", CELL),
    ),
    Fault(
        "energy scale of Compton spectra off by 0.3 keV",
        "region 1 of the cell",
        partial(_energy, 0.3),
        ("cell",),
        ("cell", CELL),
        ("disagree", "lost", "notice", "refused"),
    ),
    Fault(
        "wrong α by 0.1",
        "region subtraction of the other cell",
        partial(_alpha, 0.78),
        ("other cell",),
        ("other cell", OTHER),
        ("disagree", "lost", "notice", "failed"),
    ),
    Fault(
        "wrong voxel size by a factor of 2",
        "first tomogram of the anode",
        partial(_option, "anode", {"voxel_um": "6.5"}),
        ("anode",),
        ("anode", CT),
        ("disagree", "lost", "notice", "refused"),
    ),
    Fault(
        "unit mistaken: voxels in mm for µm",
        "first tomogram of the anode",
        partial(_option, "anode", {"voxel_um": "0.00325"}),
        ("anode",),
        ("anode", CT),
        ("disagree", "lost", "notice", "refused"),
    ),
    Fault(
        "file altered after registration",
        "one byte of the particle's map",
        partial(_store, partial(altered, "particle")),
        ("particle",),
        ("particle", EDX),
        ("verify",),
        verify=True,
    ),
    Fault(
        "stored file lost after registration",
        "tomogram of the anode",
        partial(_store, partial(lost, "anode")),
        ("anode",),
        ("anode", CT),
        ("verify",),
        verify=True,
    ),
)
