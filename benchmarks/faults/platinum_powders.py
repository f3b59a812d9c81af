"""Faults of the demonstration's powders, of entered values and of what is stored."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.faults.fault import NOTICED, Fault, Size, header, params
from benchmarks.faults.solids import altered, lost
from benchmarks.faults.twin import Claims

__all__ = ["ENTERED", "POWDERS"]

POWDER, POWDER_B = "mixture-a/mixture-a.xye", "mixture-b/mixture-b.xye"
NEEDLE = "needle/needle.epos"

# ----------------------------------------------------------------------------- powders


def _exchanged(one: str, other: str, claims: Claims) -> None:
    """Two files go by the name of each other's sample."""
    first, second = claims.measurement(one), claims.measurement(other)
    first["sample"], second["sample"] = second["sample"], first["sample"]


def _truncated(claims: Claims) -> None:
    def cut(path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        path.write_text(text[: len(text) // 2 + 5], encoding="utf-8")

    claims.edit(POWDER, cut)


def _moles_as_mass(claims: Claims) -> None:
    lif, carbonate = 0.5 / 25.94, 0.5 / 73.89
    step = next(s for s in claims.study["step"] if s["sample"] == "powder A")
    for part, moles in zip(step["constituents"], (lif, carbonate), strict=True):
        part["mass_fraction"] = round(moles / (lif + carbonate), 4)


def _weighed(off: int, size: Size) -> Fault:
    lif = 0.5 + off / 100
    return Fault(
        f"weighed in wrongly by {off} wt.%",
        "powder A",
        partial(params, "mixture-a", {"weights": {"LiF": lif, "Li2CO3": 1.0 - lif}}),
        ("powder A",),
        ("powder A",),
        ("disagree",),
        about="phase_fraction",
        size=size,
    )


def _copied(source: str, target: str, claims: Claims) -> None:
    def take(path: Path) -> None:
        shutil.copyfile(path.parents[1] / source, path)

    claims.edit(target, take)


def _powder(name: str, where: str, plant: Callable[[Claims], None], about: str = "") -> Fault:
    who = ("powder A", POWDER)
    return Fault(name, where, plant, ("powder A",), who, NOTICED, about=about)


POWDERS = (
    _powder(
        "phase swapped in one technique (Li2O for Li2CO3)",
        "powder A",
        partial(params, "mixture-a", {"weights": {"LiF": 0.5, "Li2O": 0.5}}),
        "core.presence",
    ),
    _powder(
        "wrong wavelength by 0.5 %",
        "header of powder A's pattern",
        partial(header, POWDER, r"^# wavelength: 0\.6888", "# wavelength: 0.69224"),
        "core.presence",
    ),
    _powder(
        "wrong wavelength by 3 % (Mo Kα)",
        "header of powder A's pattern",
        partial(header, POWDER, r"^# wavelength: 0\.6888", "# wavelength: 0.70932"),
        "core.presence",
    ),
    _powder(
        "axis in the wrong unit (q for 2θ)",
        "header of powder A's pattern",
        partial(header, POWDER, "^# axis: two_theta, unit: deg", "# axis: q, unit: 1/angstrom"),
    ),
    _powder("file cut off in the middle", "powder A's pattern", _truncated),
    _weighed(10, "at"),
    _weighed(30, "beyond"),
    Fault(
        "unit mistaken: mole fractions entered as mass fractions",
        "step that prepares powder A",
        _moles_as_mass,
        ("powder A",),
        ("powder A",),
        ("disagree",),
        about="phase_fraction",
    ),
    Fault(
        "swapped samples of one composition",
        "powders A and B",
        partial(_exchanged, "mixture-a", "mixture-b"),
        ("powder A", "powder B"),
        ("powder A", "powder B"),
        ("disagree", "lost"),
        about="core.presence",
        size="hidden",
    ),
    Fault(
        "one file under two samples",
        "powder A's pattern for powder B's",
        partial(_copied, POWDER, POWDER_B),
        ("powder A", "powder B"),
        (POWDER_B,),
        ("refused",),
    ),
)

# ------------------------------------------------------------- what is stored, what is entered


def _mistyped_fraction(claims: Claims) -> None:
    amounts = (
        f for f in claims.study["finding"] if f["kind"] == "composition" and f["value"] == 0.4903
    )
    next(amounts)["value"] = 0.9403


def _mistyped_count(claims: Claims) -> None:
    claim = next(c for c in claims.study["claim"] if c["title"].startswith("Li of Li and Pt"))
    claim["terms"]["li"]["value"] = "41412"


ENTERED = (
    Fault(
        "entered value mistyped (0.9403 for 0.4903)",
        "published composition",
        _mistyped_fraction,
        ("published",),
        ("published",),
        about="composition",
    ),
    Fault(
        "entered value mistyped (41412 for 14412)",
        "counts of a stated figure",
        _mistyped_count,
        ("published figure",),
        ("published",),
        about="Li of Li and Pt",
    ),
    Fault(
        "file altered after registration",
        "one byte of the needle's ions",
        lambda claims: claims.stored.append(partial(altered, "needle")),
        ("needle",),
        ("needle", NEEDLE),
        ("verify",),
        verify=True,
    ),
    Fault(
        "stored file lost after registration",
        "pattern of powder A",
        lambda claims: claims.stored.append(partial(lost, "powder A")),
        ("powder A",),
        ("powder A", POWDER),
        ("verify",),
        verify=True,
    ),
)
