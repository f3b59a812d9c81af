"""Faults of the demonstration's solid-state cell: spectra, tomograms, entered tables and figures.

Which signs count for a fault was written down before any of them was planted.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.faults.fault import NOTICED, Fault
from benchmarks.faults.twin import Claims

__all__ = ["FAULTS"]

SLOW, FAST = "simulated cell at 0.1 C", "simulated cell at 1 C"
CHARGED = "spectra/cell-0.1-C-3-end-of-charge-region-{}.h5"
TOMOGRAM, FAST_TOMOGRAM = "anode-slow/anode_end_of_charge.tif", "anode-fast/anode_pristine.tif"
WHOLE = ("cell at 0.1 C", "cell at 1 C")

# ----------------------------------------------------------------- spectra, tomograms


def _shifted(kilo_electron_volts: float, claims: Claims) -> None:
    def edit(path: Path) -> None:
        import h5py

        with h5py.File(path, "r+") as file:
            file["spectra_bins"][...] = file["spectra_bins"][...] + kilo_electron_volts

    claims.edit(CHARGED.format(1), edit)


def _regions(claims: Claims) -> None:
    """What was measured in region 2 goes by the name of region 1, and the other way round."""

    def exchange(path: Path) -> None:
        other = path.with_name(Path(CHARGED.format(2)).name)
        one, two = path.read_bytes(), other.read_bytes()
        path.write_bytes(two)
        other.write_bytes(one)

    claims.edit(CHARGED.format(1), exchange)
    claims.edit(CHARGED.format(2), Path.touch)  # it was changed with the other


def _same_twice(claims: Claims) -> None:
    def take(path: Path) -> None:
        shutil.copyfile(path.with_name(Path(CHARGED.format(3)).name), path)

    claims.edit(CHARGED.format(1), take)


def _voxel(file: str, micrometres: str, claims: Claims) -> None:
    table = next(t for t in claims.study["measurement"] if t["file"] == file)
    table["options"] = {"voxel_um": micrometres}


def _beam(claims: Claims) -> None:
    """The slits were wider open than the analysis is told: the regions mix differently."""
    for table in claims.study["analysis"]:
        if SLOW in (table.get("samples") or ()):
            table["params"]["beam"] = 150.0


def _simulated(
    name: str, where: str, plant: Callable[[Claims], None], sample: str, *files: str
) -> Fault:
    return Fault(name, where, plant, (sample,), files or (sample,), NOTICED)


SIMULATED = (
    _simulated(
        "energy scale of Compton spectra off by 0.3 keV",
        "region 1 at the end of charge",
        partial(_shifted, 0.3),
        SLOW,
        CHARGED.format(1),
    ),
    _simulated(
        "wrong regions named (1 and 2 exchanged)",
        "end of charge at 0.1 C",
        _regions,
        SLOW,
        CHARGED.format(1),
        CHARGED.format(2),
    ),
    _simulated(
        "one recording under two regions",
        "regions 1 and 3 at the end of charge",
        _same_twice,
        SLOW,
        CHARGED.format(1),
    ),
    _simulated(
        "wrong height of the beam (150 for 250 µm)",
        "parameters of the slow cell",
        _beam,
        SLOW,
        *(f"spectra/cell-0.1-C-1-pristine-region-{number}.h5" for number in (1, 2, 3)),
    ),
    _simulated(
        "wrong voxel size by a factor of 2",
        "one tomogram of the fast cell",
        partial(_voxel, FAST_TOMOGRAM, "6.5"),
        FAST,
        FAST_TOMOGRAM,
    ),
    _simulated(
        "unit mistaken: voxels in mm for µm",
        "one tomogram of the fast cell",
        partial(_voxel, FAST_TOMOGRAM, "0.00325"),
        FAST,
        FAST_TOMOGRAM,
    ),
)

# ----------------------------------------------------------------- what was entered


def _table(claims: Claims, title: str) -> dict[str, Any]:
    found: dict[str, Any] = next(t for t in claims.study["table"] if t["title"] == title)
    return found


def _mistyped(title: str, column: str, row: int, value: float, claims: Claims) -> None:
    _table(claims, title)["columns"][column]["values"][row] = value


def _rows(claims: Claims) -> None:
    values = _table(claims, "anode at 0.1 C, Table 2")["columns"]["roughness"]["values"]
    values[0], values[2] = values[2], values[0]


def _nanometres(claims: Claims) -> None:
    """Numbers in nm under a column of µm; a column that says nm would be refused."""
    column = _table(claims, "anode at 1 C, Table 2")["columns"]["roughness"]
    column["values"] = [1000.0 * value for value in column["values"]]


def _energy(claims: Claims) -> None:
    claim = next(c for c in claims.study["claim"] if c["title"] == "Compton peak")
    claim["terms"]["beam"]["value"] = "151"


def _entered(
    name: str, where: str, plant: Callable[[Claims], None], group: str, about: str
) -> Fault:
    return Fault(name, where, plant, (group,), WHOLE, ("disagree", "lost", "failed"), about=about)


ENTERED = (
    _entered(
        "entered value mistyped (6.01 for 6.10)",
        "table of the anode at 0.1 C",
        partial(_mistyped, "anode at 0.1 C, Table 2", "roughness", 4, 6.01),
        "anode at 0.1 C",
        "in stripping at 0.1 C",
    ),
    _entered(
        "rows exchanged (pristine and end of charge)",
        "table of the anode at 0.1 C",
        _rows,
        "anode at 0.1 C",
        "anode.*0.1 C",
    ),
    _entered(
        "entered value mistyped (0.62 for 0.26)",
        "lithium of the cathode at 0.1 C",
        partial(_mistyped, "cathode at 0.1 C, Tables 1 and 2", "li_content", 2, 0.62),
        "cathode at 0.1 C",
        "lithium|by the line of 0.1 C",
    ),
    _entered(
        "unit mistaken: nm for µm",
        "roughness of the anode at 1 C",
        _nanometres,
        "anode at 1 C",
        "anode over that of the cathode, least",
    ),
    _entered(
        "entered value mistyped (151 for 115 keV)",
        "energy of the beam in a stated figure",
        _energy,
        "figure",
        "Compton peak",
    ),
)

FAULTS = (*SIMULATED, *ENTERED)
