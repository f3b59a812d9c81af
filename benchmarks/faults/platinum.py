"""Faults of the demonstration's platinum anode, in which each technique measures once.

Only other techniques, controls, states, the chain, rules, readers and analyses can tell.  Which
signs count for a fault was written down before any of them was planted.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.faults.chain import transposed
from benchmarks.faults.fault import NOTICED, Fault, Size, header, params
from benchmarks.faults.platinum_chain import CHAIN
from benchmarks.faults.platinum_pieces import PIECES
from benchmarks.faults.platinum_powders import ENTERED, POWDERS
from benchmarks.faults.twin import Claims

__all__ = ["FAULTS"]

CYCLED, BEFORE = "xrd-cycle-20/xrd-cycle-20.xye", "xrd-before/xrd-before.xye"
SPECTRA = "xrf-spectra/xrf-spectra-xrf.nxs"
STATES = "0-before 1-lithiated 2-delithiated 3-cycle-10 4-cycle-15 5-cycle-20 6-cycle-50".split()
MAPS = tuple(f"xrf-maps/xrf-maps-xrf-{state}-maps.nxs" for state in STATES)

# a chip after 20 cycles meets lamella and needle: what is said of one of them can come of another
CHIP, CHIP_CUT = ("chip",), ("chip", "lamella A", "interphase A", "needle")

# ------------------------------------------------------- chip and controls: diffraction


def _states(claims: Claims) -> None:
    one, other = claims.measurement("xrd-cycle-20"), claims.measurement("xrd-before")
    one["state"], other["state"] = other["state"], one["state"]


def _after_cycling(claims: Claims) -> None:
    claims.measurement("xrd-before")["start"] += timedelta(days=2, hours=1)


def _blank_for_chip(claims: Claims) -> None:
    chip, blank = claims.measurement("xrd-before"), claims.measurement("xrd-blank")
    for key in ("sample", "state", "start"):
        old = chip.pop(key)
        if key in blank:
            chip[key] = blank.pop(key)
        blank[key] = old


def _removed(name: str, claims: Claims) -> None:
    claims.study["measurement"].remove(claims.measurement(name))


def _platinum_in_electrolyte(claims: Claims) -> None:
    claims.params("xrf-electrolyte")["lines"] += [
        {"energy": 9.44, "counts": 60000.0},
        {"energy": 11.07, "counts": 30000.0},
    ]


DIFFRACTION = (
    Fault(
        "wrong wavelength by 3 % (Mo Kα), chip",
        "header of the pattern after 20 cycles",
        partial(header, CYCLED, r"^# wavelength: 0\.6888", "# wavelength: 0.70932"),
        CHIP_CUT,
        (CYCLED,),
        NOTICED,
        about="core.presence|core.control|xrd.phases",
    ),
    Fault(
        "phase swapped in one technique (Li2CO3 for LiF)",
        "pattern after 20 cycles",
        partial(params, "xrd-cycle-20", {"phases": {"LiPt": 15000.0, "Li2CO3": 5000.0}}),
        CHIP_CUT,
        (CYCLED,),
        about="phase LiF$|phase Li2CO3$",
    ),
    Fault(
        "state mislabelled (before and cycle 20 exchanged)",
        "patterns of the chip",
        _states,
        CHIP_CUT,
        (CYCLED, BEFORE),
        about="core.presence",
    ),
    Fault(
        "clock wrong: first pattern dated after cycling",
        "start of the pattern as deposited",
        _after_cycling,
        CHIP,
        (BEFORE,),
        ("disagree", "lost", "doubt", "note"),
        about="core.presence phase Pt$|time-contradiction",
    ),
    Fault(
        "swapped samples (blank for chip)",
        "pattern as deposited, pattern of the blank",
        _blank_for_chip,
        ("chip", "blank"),
        (BEFORE,),
        about="phase Pt",
    ),
    Fault(
        "control contaminated with LiF",
        "pattern of the electrolyte",
        partial(params, "xrd-electrolyte", {"phases": {"LiF": 5000.0}}),
        CHIP,
        ("electrolyte",),
        about="core.control phase LiF",
    ),
    Fault(
        "control missing",
        "pattern of the electrolyte",
        partial(_removed, "xrd-electrolyte"),
        CHIP,
        ("electrolyte",),
        about="core.control phase",
    ),
)

# ----------------------------------------------------------------------- fluorescence


def _stretched(factor: float, claims: Claims) -> None:
    def edit(path: Path) -> None:
        import h5py

        with h5py.File(path, "r+") as file:
            axis = file["entry1/fluo_entry/data/energy"]
            axis[...] = axis[...] * factor

    claims.edit(SPECTRA, edit)


def _maps(change: Callable[[Any, str], Any], claims: Claims) -> None:
    """Change map or axis of each line in the maps of all states."""

    def edit(path: Path) -> None:
        import h5py

        with h5py.File(path, "r+") as file:
            found = file["processed/auxiliary/0-XRF Elemental Maps from ROIs"]
            for line in found.values():
                for name in ("data", "x"):
                    line[name][...] = change(line[name][...], name)

    for name in MAPS:
        claims.edit(name, edit)


def _of_film(
    name: str, change: Callable[[Any, str], Any], size: Size = "beyond", where: str = "XRF maps"
) -> Fault:
    return Fault(
        name,
        f"{where} of the film, all states",
        partial(_maps, change),
        ("film",),
        ("film", *MAPS),
        ("disagree", "lost"),
        about="core.maps",
        size=size,
    )


def _moved(values: Any, name: str) -> Any:
    return values + 2.4 if name == "x" else values


def _turned(values: Any, name: str) -> Any:
    return transposed(values) if name == "data" else values


def _mirrored(values: Any, name: str) -> Any:
    return values[..., ::-1] if name == "data" else values


FLUORESCENCE = (
    Fault(
        "energy scale of XRF off by 3 %",
        "axis of the chip's spectra",
        partial(_stretched, 1.03),
        ("xrf", *CHIP_CUT[1:]),
        (SPECTRA,),
        NOTICED,
        about="element|xrf.elements",
    ),
    Fault(
        "control contaminated with platinum",
        "fluorescence of the electrolyte",
        _platinum_in_electrolyte,
        ("xrf",),
        ("electrolyte",),
        about="core.control element Pt",
    ),
    _of_film("shifted map, by 2.4 µm", _moved, where="XRF maps: their origin,"),
    _of_film("map with rows and columns exchanged", _turned),
    _of_film("map mirrored", _mirrored),
)

FAULTS = (*CHAIN, *DIFFRACTION, *PIECES, *POWDERS, *FLUORESCENCE, *ENTERED)
