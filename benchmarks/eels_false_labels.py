"""False labels by EELS: how often is a phase called present that is not there, or absent that is?

Random interphases in cross-section: cap, interphase of one or two lithium phases, film of platinum
or LiPt, random thickness, dose and xenon from the mill.  In half of them the forward model is not
the fitter's: hydrogenic K edges, near edges that are moved, another background, a zero loss that
wanders, noise with more variance than counts.  Each region is answered for from its sum.

    python -m benchmarks.eels_false_labels [INTERPHASES] [SEED] [JSON]
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from consilience_eels.findings.fingerprints_input import DEEP, SHALLOW, WIDTHS, estimate_gain
from consilience_eels.fingerprint.design import ModelError
from consilience_eels.fingerprint.region import Asked, RegionSpectra, describe_region
from consilience_eels.fingerprint.species import Library, make_library
from consilience_eels.fingerprint.stretches import LowLoss, cut_stretch
from consilience_eels.simulation.interphase import (
    InterphaseParams,
    Layer,
    make_interphase,
    truth_of,
)
from consilience_eels.simulation.interphase_scene import beam_of
from consilience_eels.spectra import LossAxis

PLANTED = ("LiF", "Li2CO3", "Li2O", "LiOH")
ASKED = Asked(0.1, {}, 0.05, {"Li": "LiPt"})
ELEMENTS = ("Li", "C", "O", "F")
TRACE = 1e-3
HEADINGS = (
    "forward model",
    "region",
    "asked",
    "not planted",
    "false *present*",
    "of them *not observable*",
    "planted above the limit",
    "false *absent*",
    "planted",
    "of them *not observable*",
)


def params_of(rng: np.random.Generator, model: str) -> InterphaseParams:
    """Return a random interphase."""
    count = int(rng.integers(1, 3))
    chosen = [str(n) for n in rng.choice(PLANTED, count, replace=False)]
    share = 1.0 - float(np.exp(rng.uniform(math.log(0.01), math.log(0.5))))
    inside = {chosen[0]: 1.0} if count == 1 else {chosen[0]: share, chosen[1]: 1.0 - share}
    film = "LiPt" if rng.random() < 0.5 else "Pt"
    layers = (
        Layer(name="Cr", materials={"Cr": 1.0}, thickness=48.0),
        Layer(name="SEI", materials=inside, thickness=48.0),
        Layer(name="Pt", materials={film: 1.0}, thickness=48.0),
        Layer(name="SiN", materials={"SiN": 1.0}, thickness=48.0),
    )
    return InterphaseParams.model_validate(
        {
            "layers": layers,
            "model": model,
            "pixels": (1, 24),
            "step": 8.0,
            "lamella": (thick := float(rng.uniform(30.0, 110.0))),
            "lamella_end": thick,
            "frames": int(np.exp(rng.uniform(math.log(2.0), math.log(80.0)))),
            "implanted": {"Xe": float(rng.uniform(0.0, 0.01))} if rng.random() < 0.5 else {},
            "edx_channels": 0,
        }
    )


def score(
    params: InterphaseParams, seed: int, library: Library, error: ModelError
) -> list[dict[str, Any]]:
    """Return question, truth and answer of all regions of one interphase."""
    made = make_interphase(params, seed)
    truth = truth_of(made, seed)
    rows = []
    for layer in truth["layers"]:
        columns = layer["columns"]
        low = made.low[:, columns].sum(axis=(0, 1), dtype=np.float64)
        core = made.core[:, columns].sum(axis=(0, 1), dtype=np.float64)
        near = np.abs(made.low_energy - made.low_energy[low.argmax()]) < params.resolution
        shift = float((made.low_energy[near] * low[near]).sum() / low[near].sum())
        first, second = LossAxis.of(made.low_energy - shift), LossAxis.of(made.core_energy - shift)
        guesses = [estimate_gain(first, low), estimate_gain(second, core)]
        gain = float(np.mean([g for g in guesses if g is not None]))
        spectra = RegionSpectra(
            (
                cut_stretch(first, low, SHALLOW[0], first.high, WIDTHS[0], gain=gain),
                cut_stretch(second, core, *DEEP, WIDTHS[1], gain=gain),
            ),
            LowLoss(first.energy, low),
        )
        result = describe_region(spectra, library, ASKED, error, ELEMENTS, explain=False)
        total = sum(layer["materials_nm"].values())
        atoms = sum(layer["atoms_per_nm2"].values())
        for said in (*result.phases, *result.elements):
            name = said.question.name
            element = said in result.elements
            planted = layer["materials_nm"].get(name, 0.0) / total
            if element:
                planted = layer["atoms_per_nm2"].get(name, 0.0) / atoms
            rows.append(
                {
                    "model": params.model,
                    "region": layer["name"],
                    "about": f"element {name}" if element else name,
                    "planted": planted,
                    "status": said.status,
                    "z": said.significance,
                    "limit": said.limit_fraction,
                    "seed": seed,
                }
            )
    return rows


def table(rows: list[dict[str, Any]]) -> list[str]:
    """Return a table of rates as lines of Markdown."""
    lines = [
        f"| {' | '.join(HEADINGS)} |",
        f"| {' | '.join('---' for _ in HEADINGS)} |",
    ]
    keys = sorted({(r["model"], r["region"], r["about"]) for r in rows})
    keys += [(m, "all", a) for m in ("first", "second") for a in ("phases", "elements")]
    for model, region, about in keys:
        some = [
            r
            for r in rows
            if r["model"] == model
            and region in ("all", r["region"])
            and (
                r["about"] == about
                or about == ("elements" if r["about"].startswith("element") else "phases")
            )
        ]
        none = [r for r in some if r["planted"] < TRACE]
        there = [r for r in some if r["planted"] >= TRACE]
        false_present = sum(r["status"] == "present" for r in none)
        above = [r for r in there if r["planted"] >= r["limit"]]
        false_absent = sum(r["status"] == "absent_below_limit" for r in above)
        blind, hidden = (
            Counter(r["status"] for r in rows_of)["not_observable"] for rows_of in (none, there)
        )
        cells = (
            model,
            region,
            about,
            len(none),
            _rate(false_present, len(none)),
            blind,
            len(above),
            _rate(false_absent, len(above)),
            len(there),
            hidden,
        )
        lines.append(f"| {' | '.join(str(c) for c in cells)} |")
    return lines


def _rate(count: int, of: int) -> str:
    return "" if of == 0 else f"{count} ({100.0 * count / of:.1f} %)"


def main(many: int = 200, seed: int = 7, out: str = "") -> None:
    """Run and print."""
    rng = np.random.default_rng(seed)
    library = make_library(beam_of(InterphaseParams()), alloys=dict(ASKED.alloys))
    error = ModelError()
    rows: list[dict[str, Any]] = []
    start = time.perf_counter()
    for index in range(many):
        params = params_of(rng, "second" if index % 2 else "first")
        rows += score(params, seed * 1000 + index, library, error)
        if out:
            Path(out).write_text(json.dumps(rows), encoding="utf-8")
    print(f"{many} interphases, seed {seed}, {time.perf_counter() - start:.0f} s\n")
    print("\n".join(table(rows)))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(
        int(arguments[0]) if arguments else 200,
        int(arguments[1]) if len(arguments) > 1 else 7,
        arguments[2] if len(arguments) > 2 else "",
    )
