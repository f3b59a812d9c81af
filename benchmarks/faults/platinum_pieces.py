"""Faults of lamellae and needle of the demonstration: electrons and atom probe."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.faults.fault import NOTICED, Fault, Size, header
from benchmarks.faults.twin import Claims

__all__ = ["PIECES"]

NEEDLE, RANGES = "needle/needle.epos", "needle/needle.rrng"
LAMELLA = tuple(f"lamella-a/lamella-a_interphase_{part}.hspy" for part in ("low", "core", "edx"))
CUT = ("lamella A", "interphase A", "needle")
"""What meets a lamella: its spot and its needle."""

# ---------------------------------------------------------------- electrons, atom probe


def _axis(file: str, claims: Claims, add: float = 0.0, factor: float = 1.0) -> None:
    """Add to all energies that the file gives, or multiply them."""

    def edit(path: Path) -> None:
        import h5py

        with h5py.File(path, "r+") as file:
            signal = next(iter(file["Experiments"].values()))
            axes = (signal[name].attrs for name in signal if name.startswith("axis-"))
            axis = next(a for a in axes if str(a["name"]).startswith("Energy"))
            axis["offset"] = np.float64(axis["offset"] * factor + add)
            axis["scale"] = np.float64(axis["scale"] * factor)

    claims.edit(file, edit)


def _spectrum(
    name: str, where: str, plant: Callable[[Claims], None], file: str, about: str
) -> Fault:
    # what is said of its spot and of it can come of either
    return Fault(name, where, plant, CUT[:2], (file,), NOTICED, about=about)


def _dispersion(claims: Claims) -> None:
    """All energy losses are 5 % too large, and no loss is none."""
    for file in LAMELLA[:2]:
        _axis(file, claims, factor=1.05)


def _carbonate(claims: Claims) -> None:
    claims.params("lamella-a")["layers"][1]["materials"] = {"Li2CO3": 1.0}


def _lamellae(claims: Claims) -> None:
    _named_anew({"lamella-a/": "lamella B", "lamella-b/": "lamella A"}, claims)


def _needle_for_lamella(claims: Claims) -> None:
    _named_anew({"lamella-a/": "needle", "needle/": "lamella A"}, claims)


def _named_anew(samples: dict[str, str], claims: Claims) -> None:
    for table in claims.study["measurement"]:
        for start, sample in samples.items():
            if table["file"].startswith(start):
                table["sample"] = sample


def _region_two(off: int, size: Size) -> Fault:
    def plant(claims: Claims) -> None:
        # lithium and platinum share 99 % of region 2, 49 to 51; platinum is Pt++ to nine tenths
        lithium = 0.99 * (0.49 - off / 100)
        platinum = 0.99 - lithium
        claims.params("needle")["layers"][2]["top"] = {
            "Li+": lithium,
            "Pt++": 0.9 * platinum,
            "Pt+": 0.1 * platinum,
            "H+": 0.01,
        }

    return Fault(
        f"composition off by {off} at.% (atom probe)",
        "region 2 of the needle",
        plant,
        ("needle",),
        (NEEDLE,),
        about="core.stoichiometry",
        size=size,
    )


def _other_ranges(claims: Claims) -> None:
    text = (
        "[Ions]\nNumber=2\nIon1=Si\nIon2=P\n[Ranges]\nNumber=2\n"
        "Range1=13.9 15.1 Vol:0.0 Si:1 Color:0072B2\nRange2=30.8 31.2 Vol:0.0 P:1 Color:D55E00\n"
    )

    def edit(path: Path) -> None:
        path.write_text(text, encoding="utf-8")

    claims.edit(RANGES, edit)


def _ranges(name: str, plant: Callable[[Claims], None]) -> Fault:
    return Fault(
        name,
        "ranges of the needle",
        plant,
        ("needle", "lamella A"),
        ("needle", NEEDLE),
        NOTICED,
    )


PIECES = (
    _spectrum(
        "energy scale of EELS off by 20 eV",
        "axis of lamella A's core losses",
        partial(_axis, LAMELLA[1], add=20.0),
        LAMELLA[1],
        "core.presence|eels|at registration",
    ),
    _spectrum(
        "dispersion of EELS off by 5 %",
        "axes of lamella A's low and core losses",
        _dispersion,
        LAMELLA[1],
        "core.presence|eels|at registration",
    ),
    _spectrum(
        "energy scale of EDX off by 3 %",
        "axis of lamella A's X-rays",
        partial(_axis, LAMELLA[2], factor=1.03),
        LAMELLA[2],
        "core.presence|eels|at registration",
    ),
    _spectrum(
        "phase swapped (Li2CO3 for LiF)",
        "interphase of lamella A",
        _carbonate,
        LAMELLA[1],
        "core.presence",
    ),
    Fault(
        "swapped samples (lamella A for B)",
        "all files of both",
        _lamellae,
        (*CUT, "lamella B"),
        ("lamella A", "lamella B", *LAMELLA),
        ("disagree", "lost", "doubt", "note"),
    ),
    Fault(
        "swapped samples (needle for lamella)",
        "all files of lamella A and needle",
        _needle_for_lamella,
        CUT,
        ("lamella A", "needle", NEEDLE, *LAMELLA),
        ("disagree", "lost", "doubt", "note", "failed"),
    ),
    _region_two(3, "below"),
    _region_two(5, "at"),
    _region_two(10, "beyond"),
    _ranges("wrong range file (of another alloy)", _other_ranges),
    _ranges("range file without ⁷Li", partial(header, RANGES, r"^Range3=.*\n", "")),
)
