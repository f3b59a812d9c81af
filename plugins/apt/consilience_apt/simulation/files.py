"""Simulated needles as files of the field: .pos, .epos and .rrng."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience_apt.files.probe import EPOS_RECORD, RECORD, simulated_mark
from consilience_apt.ranges import Range, RangeTable
from consilience_apt.simulation.composition import (
    cluster_shares,
    depth_density,
    expected_shares,
    interfaces,
    needle_shares,
)
from consilience_apt.simulation.lines import lines_of
from consilience_apt.simulation.needle import BACKGROUND, SimulatedIons, ion_blocks
from consilience_apt.simulation.params import NeedleParams

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "EPOS",
    "atomic_shares",
    "needle_ranges",
    "profile_truth",
    "range_file_text",
    "simulate_needle",
    "truth_of",
]

EPOS = np.dtype(
    [
        (name, ">f4")
        for name in (
            "x",
            "y",
            "z",
            "mass_to_charge",
            "time_of_flight",
            "voltage",
            "pulse_voltage",
            "detector_x",
            "detector_y",
        )
    ]
    + [("pulses_since", ">u4"), ("ions_per_pulse", ">u4")]
)
"""One ion of an .epos."""
COLOURS = ("0072B2", "D55E00", "009E73", "CC79A7", "E69F00", "56B4E9", "F0E442", "000000")
RARE = 0.002
"""Isotopologues below this share get no range."""


def simulate_needle(params: NeedleParams, seed: int, folder: Path) -> list[Path]:
    """Write a simulated needle; the first record of its ions is the mark of simulated data.

    Returns
    -------
    list of Path
        ``simulated.pos``, ``.epos`` and ``.rrng`` as ``params.files`` asks.  The truth is written
        beside them when asked for, but is none of the data.
    """
    paths = [folder / f"simulated.{suffix}" for suffix in params.files]
    pos = folder / "simulated.pos" if "pos" in params.files else None
    epos = folder / "simulated.epos" if "epos" in params.files else None
    if pos is not None:
        pos.write_bytes(simulated_mark(RECORD))
    if epos is not None:
        epos.write_bytes(simulated_mark(EPOS_RECORD))
    counts = np.zeros(len(params.species) + 1, dtype=np.int64)
    for ions in ion_blocks(params, seed):
        counts += np.bincount(ions.species - BACKGROUND, minlength=len(counts))
        records = _records(ions)
        if pos is not None:
            with pos.open("ab") as file:
                columns = [records[name] for name in ("x", "y", "z", "mass_to_charge")]
                # stacking turns numbers into the order of this machine
                file.write(np.stack(columns, axis=1).astype(">f4").tobytes())
        if epos is not None:
            with epos.open("ab") as file:
                file.write(records.tobytes())
    if "rrng" in params.files:
        (folder / "simulated.rrng").write_text(
            range_file_text(needle_ranges(params)), encoding="ascii"
        )
    if params.truth:
        (folder / "simulated-truth.json").write_text(
            json.dumps(truth_of(params, seed, counts), indent=1, sort_keys=True) + "\n",
            encoding="utf-8",
        )
    return paths


def _records(ions: SimulatedIons) -> NDArray[Any]:
    records = np.empty(len(ions), dtype=EPOS)
    for name in EPOS.names or ():
        records[name] = getattr(ions, name)
    return records


def needle_ranges(
    params: NeedleParams, left: float = 1.7, right: float = 3.0, ions: Sequence[str] | None = None
) -> RangeTable:
    """Return ranges about the lines of the ions that occur.

    Ranges of one species that touch are joined; where two species would share ions, the range of
    the line that is expected to be weaker gives way.

    Parameters
    ----------
    params : NeedleParams
    left, right : float
        How far a range goes below and above its line, in full widths at half maximum.
    ions : sequence of str, optional
        By default all species.
    """
    shares = dict(zip(params.species, needle_shares(params), strict=True))
    wanted: list[tuple[float, float, float, str]] = []
    for name in params.species if ions is None else ions:
        lines = lines_of(name)
        for mass, abundance in zip(lines.mass, lines.abundance, strict=True):
            if abundance >= RARE:
                width = float(mass) / params.resolution
                weight = shares.get(name, 0.0) * float(abundance)
                wanted.append((weight, mass - left * width, mass + right * width, name))
    taken: list[tuple[float, float, str]] = []
    for _, low, high, name in sorted(wanted, reverse=True):
        from_, to = low, high
        for other_low, other_high, other in taken:
            if other != name and from_ < other_high and to > other_low:
                if from_ < other_low:
                    to = min(to, other_low)
                else:
                    from_ = max(from_, other_high)
        if to > from_:
            taken.append((from_, to, name))
    joined: list[tuple[float, float, str]] = []
    for low, high, name in sorted(taken):
        if joined and joined[-1][2] == name and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]), name)
        else:
            joined.append((low, high, name))
    # range files know four decimals
    rounded = [(round(low, 4), round(high, 4), name) for low, high, name in joined]
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(params.species)}
    return RangeTable(
        [
            Range(
                low=low,
                high=high,
                ion=lines_of(name).ion,
                colour=f"#{colours.get(name, '888888')}",
                label=name,
            )
            for low, high, name in rounded
            if high > low
        ],
        source="simulated ranges",
    )


def range_file_text(table: RangeTable) -> str:
    """Return ranges as a .rrng file; charge states have no place in it."""
    lines = ["[Ions]", f"Number={len(table.elements)}"]
    lines += [f"Ion{i}={symbol}" for i, symbol in enumerate(table.elements, 1)]
    lines += ["[Ranges]", f"Number={len(table.ranges)}"]
    for i, one in enumerate(table.ranges, 1):
        assert one.ion is not None
        atoms = " ".join(f"{symbol}:{number}" for symbol, number in one.ion.elements)
        volume = 0.0 if one.volume is None else one.volume
        lines.append(
            f"Range{i}={one.low:.4f} {one.high:.4f} Vol:{volume:.5f} {atoms} "
            f"Color:{one.colour.lstrip('#').upper()}"
        )
    return "\n".join(lines) + "\n"


def atomic_shares(params: NeedleParams, shares: NDArray[np.float64]) -> dict[str, float]:
    """Return the atomic composition (sums to 1) that shares of ions stand for."""
    atoms: dict[str, float] = {}
    for name, share in zip(params.species, shares, strict=True):
        for symbol, number in lines_of(name).ion.elements:
            atoms[symbol] = atoms.get(symbol, 0.0) + float(share) * number
    total = sum(atoms.values())
    return {symbol: number / total for symbol, number in atoms.items()}


def truth_of(params: NeedleParams, seed: int, counts: NDArray[np.int64]) -> dict[str, Any]:
    """Return what was planted, for a scorer; no reader or analysis looks at it."""
    edges = interfaces(params)
    # within a layer, what the layer is: the blur of a step belongs to its interface
    layers = []
    for i, layer in enumerate(params.layers):
        alone = NeedleParams(layers=(layer.model_copy(update={"blur": 0.0}),))
        ends = expected_shares(alone, np.array([0.0, layer.thickness]))
        layers.append(
            {
                "name": layer.name,
                "from_depth": float(edges[i]),
                "to_depth": float(edges[i + 1]),
                "gradient": layer.bottom is not None,
                "top": atomic_shares(alone, ends[0]),
                "bottom": atomic_shares(alone, ends[1]),
                "mean": atomic_shares(alone, needle_shares(alone)),
            }
        )
    truth: dict[str, Any] = {
        "simulated": True,
        "seed": seed,
        "unit_of_length": "nm",
        "parameters": params.model_dump(mode="json"),
        "layers": layers,
        "interfaces": [
            {"depth": float(edges[i + 1]), "blur": layer.blur}
            for i, layer in enumerate(params.layers[:-1])
        ],
        "ions": dict(zip(("background", *params.species), counts.tolist(), strict=True)),
        "whole_needle": atomic_shares(params, counts[1:] / max(int(counts[1:].sum()), 1))
        if counts[1:].any()
        else None,
        "homogeneous": params.clusters is None,
    }
    if params.clusters is not None:
        truth["clusters"] = atomic_shares(params, cluster_shares(params))
    return truth


def profile_truth(params: NeedleParams, edges: NDArray[np.float64]) -> list[dict[str, float]]:
    """Return the atomic composition expected between depths, one dict for each bin of `edges`."""
    found = []
    for low, high in pairwise(edges.tolist()):
        depth = np.linspace(low, high, 41)
        middle = 0.5 * (depth[1:] + depth[:-1])
        weight = depth_density(params, middle)
        shares = weight @ expected_shares(params, middle) / weight.sum()
        found.append(atomic_shares(params, np.asarray(shares)))
    return found
