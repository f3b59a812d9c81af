"""Faults of powders, alloy and particle: what was weighed in, measured twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.faults.fault import Fault, Size, substituted
from benchmarks.faults.twin import Claims

__all__ = ["FAULTS"]

A, B, C = ("powder A",), ("powder B",), ("powder C",)
BOTH = (*A, *B)
SURE = "^(?!.*phase_fraction)"
"""Anything but fractions: their errors are so near the margin that agreement comes and goes."""
FILE, FILE_C = "powder-a/powder-a.xye", "powder-c/powder-c.xye"


def _cell(change: float, claims: Claims) -> None:
    claims.params("powder-c")["cells"] = {"LiF": change, "Li2CO3": change}


def _swapped_powders(claims: Claims) -> None:
    one, other = claims.measurement("powder-a"), claims.measurement("powder-b")
    one["sample"], other["sample"] = other["sample"], one["sample"]


def _phase(name: str, params: str, phases: dict[str, float], claims: Claims) -> None:
    claims.params(name)[params] = phases


def _header(pattern: str, by: str, claims: Claims) -> None:
    claims.edit(FILE, substituted(pattern, by))


def _truncated(claims: Claims) -> None:
    def cut(path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        path.write_text(text[: len(text) // 2 + 5], encoding="utf-8")

    claims.edit(FILE, cut)


def _copy(source: str, target: str, claims: Claims) -> None:
    def take(path: Path) -> None:
        shutil.copyfile(path.parents[1] / source, path)

    claims.edit(target, take)


def _moles_as_mass(claims: Claims) -> None:
    lif, carbonate = 0.5 / 25.94, 0.5 / 73.89
    for part, moles in zip(claims.step("weigh C")["constituents"], (lif, carbonate), strict=True):
        part["mass_fraction"] = round(moles / (lif + carbonate), 4)


def _on(
    name: str, where: str, plant: Callable[[Claims], None], size: Size = "beyond", about: str = ""
) -> Fault:
    return Fault(name, where, plant, A, (*A, FILE), about=about, size=size)


def _lattice(percent: float, size: Size) -> Fault:
    return Fault(
        f"lattice parameters off by {percent:g} %",
        "first pattern of powder C",
        partial(_cell, percent / 100),
        C,
        (FILE_C,),
        about="lattice_parameter",
        size=size,
    )


def _weighed(off: int, size: Size) -> Fault:
    return Fault(
        f"weighed in wrongly by {off} wt.%",
        "powder C, both patterns",
        partial(_both_weights, 0.5 + off / 100),
        C,
        C,
        ("disagree",),
        about="phase_fraction",
        size=size,
    )


def _both_weights(lif: float, claims: Claims) -> None:
    for name in ("powder-c", "powder-c-again"):
        claims.params(name)["weights"] = {"LiF": lif, "Li2CO3": 1.0 - lif}


FAULTS = (
    _lattice(0.1, "below"),
    _lattice(0.2, "at"),
    _lattice(0.5, "beyond"),
    _lattice(1.0, "beyond"),
    _weighed(3, "below"),
    _weighed(10, "at"),
    _weighed(20, "beyond"),
    _weighed(30, "beyond"),
    Fault(
        "swapped samples",
        "powders A and B",
        _swapped_powders,
        BOTH,
        BOTH,
        about="core.presence",
    ),
    _on(
        "phase swapped in one technique (Li2O for Li2CO3)",
        "first pattern of powder A",
        partial(_phase, "powder-a", "weights", {"LiF": 0.5, "Li2O": 0.5}),
        about="core.presence",
    ),
    _on(
        "wrong wavelength by 0.5 %",
        "header of the first pattern of powder A",
        partial(_header, r"^# wavelength: 0\.6888", "# wavelength: 0.69224"),
        about="core.presence|lattice_parameter",
    ),
    _on(
        "wrong wavelength by 3 % (Mo Kα)",
        "header of the first pattern of powder A",
        partial(_header, r"^# wavelength: 0\.6888", "# wavelength: 0.70932"),
        about="core.presence|lattice_parameter",
    ),
    Fault(
        "axis in the wrong unit (q for 2θ)",
        "header of the first pattern of powder A",
        partial(_header, r"^# axis: two_theta, unit: deg", "# axis: q, unit: 1/angstrom"),
        A,
        (*A, FILE),
        ("disagree", "lost", "refused", "notice", "failed"),
        about=SURE,
    ),
    Fault(
        "file cut off in the middle",
        "first pattern of powder A",
        _truncated,
        A,
        (*A, FILE),
        ("refused", "notice", "failed", "lost"),
        about=SURE,
    ),
    Fault(
        "one file under two samples",
        "powder A's pattern for powder B's",
        partial(_copy, FILE, "powder-b/powder-b.xye"),
        BOTH,
        ("powder-b/powder-b.xye",),
        ("refused",),
    ),
    Fault(
        "one measurement twice under two names",
        "both patterns of powder A",
        partial(_copy, FILE, "powder-a-again/powder-a-again.xye"),
        A,
        ("powder-a-again/powder-a-again.xye",),
        ("refused", "notice", "lost"),
    ),
    Fault(
        "unit mistaken: mole fractions entered as mass fractions",
        "step that prepares powder C",
        _moles_as_mass,
        C,
        C,
        ("disagree",),
        about="phase_fraction",
    ),
)
