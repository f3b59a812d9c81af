"""Planted faults of custody: is each found, and does a clean chain raise nothing?

A lithium anode is opened, stored, frozen, carried, cut into a lamella, milled, carried and looked
at by EELS; a needle of a layered oxide is coated, carried and measured by atom probe.  Times,
temperatures, pressures, gas contents and doses are drawn anew for each repeat (see
`benchmarks._custody_chain`).  The measurement files are real ones of the shared data, which know
nothing of this chain: only what the rules make of steps, sensors and dose is scored.

    python -m benchmarks.custody_faults [REPEATS] [SEED]
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._custody_chain import Plan, lamella, leaking, needle, stuck, warmed, with_gap
from benchmarks._wilson import wilson
from consilience.model import Finding
from consilience.model.verdict import Caveat
from consilience.study import Study

__all__ = ["CLEAN", "FAULTS", "main", "trial"]


def _overdose(plan: Plan, **more: Any) -> None:
    _change(plan, prior_fluence=10 ** plan.rng.uniform(4.05, 6), **more)


def _change(plan: Plan, **values: Any) -> None:
    for name, value in values.items():
        setattr(plan, name, value)


FAULTS: dict[str, tuple[Callable[[Plan], None], str]] = {
    "suitcase warmed for 10 minutes": (lambda p: _change(p, log=warmed), "custody.frozen-warmed"),
    "sensor gap in the suitcase": (lambda p: _change(p, log=with_gap), "custody.sensor-gap"),
    "air leak in the suitcase": (lambda p: _change(p, log=leaking), "custody.li-vacuum-lost"),
    "stale glovebox storage, 3 to 9 days": (
        lambda p: _change(p, store_hours=p.rng.uniform(72, 216)),
        "storage.li-two-days-before-cut",
    ),
    "overdose of the region before EELS": (
        _overdose,
        "eels.lif-dose-cold",
    ),
    "overdose before EELS, its region not recorded": (
        lambda p: _overdose(p, prior="step"),
        "eels.lif-dose-cold",
    ),
    "dose missing": (lambda p: _change(p, dose_known=False), "eels.dose-unknown"),
    "Ga⁺ on lithium at room temperature": (
        lambda p: _change(p, mill=("Ga", p.rng.uniform(288, 300))),
        "custody.li-gallium-warm",
    ),
    "needle of NMC uncoated after cold vacuum transfer": (
        lambda p: _change(p, coated=False),
        "apt.nmc-cryo-uhv",
    ),
    "measurement dated before its sample existed": (
        lambda p: _change(p, measured_before_cut=True),
        "custody.time-contradiction",
    ),
    "overlapping steps": (lambda p: _change(p, overlap=True), "custody.time-contradiction"),
    "log in the wrong time zone": (
        lambda p: _change(p, zone_hours=int(p.rng.choice([-8, -5, 1, 2, 9]))),
        "custody.time-contradiction",
    ),
    "overdose of the region at another voltage": (
        lambda p: _overdose(p, prior_kev=float(p.rng.choice([60, 80, 120, 300]))),
        "eels.lif-dose-cold",
    ),
    "overdose by focusing, beside the dose of the file": (
        lambda p: _overdose(p, prior="focus"),
        "eels.lif-dose-cold",
    ),
    "overdose of the anode in another image with the same name of frame": (
        lambda p: _overdose(p, prior="parent"),
        "eels.lif-dose-cold",
    ),
    "step of the session states another dose": (
        lambda p: _change(p, session_fluence=p.rng.choice([0.1, 0.5, 0.9, 1.1, 2.0, 10.0])),
        "custody.value-contradiction",
    ),
    "file at 90 K, step of the session at 20 °C": (
        lambda p: _change(p, session_kelvin=p.rng.uniform(288, 298)),
        "custody.value-contradiction",
    ),
    "warmed, then frozen again": (
        lambda p: _change(p, warm_kelvin=p.rng.uniform(145, 290)),
        "custody.frozen-warmed",
    ),
    "leak while stored in the suitcase": (
        lambda p: _change(p, stored_in_suitcase=True),
        "custody.li-vacuum-lost",
    ),
    "thermometer stuck in the suitcase": (
        lambda p: _change(p, log=stuck),
        "custody.sensor-stuck",
    ),
    "Gen 2 stored 26 to 70 h before the cut": (
        lambda p: _change(p, material="Gen 2", store_hours=p.rng.uniform(27, 70)),
        "storage.low-efficiency-hours-before-cut",
    ),
    "store without times and length, in 45 to 220 h": (
        lambda p: _change(p, store_hours=None),
        "storage.li-two-days-before-cut",
    ),
    "air without a date": (lambda p: _change(p, undated_air=True), "custody.li-air-unplaced"),
    "poured freeze that names no liquid": (
        lambda p: _change(p, frozen={"method": "poured", "liquid": None}),
        "custody.salt-segregation",
    ),
    "coat milled off again": (lambda p: _change(p, milled_off=True), "apt.nmc-cryo-uhv"),
}
"""Name of the fault to what it changes, and the rule that must say it."""
CLEAN = "clean chain"


def trial(fault: str | None, rng: np.random.Generator, data: Path, folder: Path) -> list[Caveat]:
    """Write one study with one planted fault (None: clean) and return its caveats."""
    plan = Plan(rng)
    if fault is not None:
        FAULTS[fault][0](plan)
    with Study.create(folder / "study", "planted") as study:
        eels = lamella(study, plan, data, folder)
        apt = needle(study, plan, data)
        findings = [
            _finding("phase", {"formula": "LiF", "space_group": 225}, "lamella", eels),
            _finding("element", {"element": "Li"}, "lamella", eels),
            _finding("element_amount", {"element": "Li"}, "needle", apt),
        ]
        return study.caveats(findings)


def _finding(kind: str, subject: dict[str, Any], sample: str, measurement: str) -> Finding:
    amount = {"value": 0.25, "unit": "1"} if kind == "element_amount" else {}
    empty = dict.fromkeys(set(Finding.model_fields) - {"id"})
    return Finding.identified(
        {
            **empty,
            "kind": kind,
            "subject": subject,
            "sample": sample,
            "state": {},
            "status": None if amount else "present",
            "rivals": [],
            "evidence": {},
            "assumptions": [],
            "method": "planted",
            "origin": "simulated",
            "measurements": [measurement],
            "source": {"plugin": "core", "version": "0", "analysis": "planted"},
            **amount,
        }
    )


def main() -> None:
    """Print the table."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    data = os.environ.get("CONSILIENCE_DATA")
    if data is None:
        print("set CONSILIENCE_DATA to the folder of shared data: real files carry the chain")
        return
    print(f"{repeats} repeats, seed {seed}\n")
    print("| planted | rule | found | 95 % interval | as | other rules that fired |")
    print("|---|---|---|---|---|---|")
    for name in [CLEAN, *FAULTS]:
        found, others, effects = 0, set(), set()
        for repeat in range(repeats):
            rng = np.random.default_rng([seed, repeat, sum(name.encode())])
            with tempfile.TemporaryDirectory() as folder:
                caveats = trial(None if name == CLEAN else name, rng, Path(data), Path(folder))
            fired = {c.rule for c in caveats}
            rule = "" if name == CLEAN else FAULTS[name][1]
            found += not fired if name == CLEAN else rule in fired
            effects |= {c.effect for c in caveats if c.rule == rule}
            others |= fired - {rule}
        low, high = wilson(found, repeats)
        what = f"{found} of {repeats}" + (" silent" if name == CLEAN else "")
        print(
            f"| {name} | {rule and f'`{rule}`'} | {what} | {low:.3f} to {high:.3f} "
            f"| {', '.join(sorted(effects))} "
            f"| {', '.join(f'`{o}`' for o in sorted(others)) or 'none'} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
