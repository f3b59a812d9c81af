"""Planted faults of custody: is each found, and does a clean chain raise nothing?

A lithium anode is opened, stored, frozen, carried, cut into a lamella, milled, carried and looked
at by EELS; a needle of a layered oxide is coated, carried and measured by atom probe.  Times,
temperatures, pressures, gas contents and doses are drawn anew for each repeat, written as steps
and as CSV logs, and go the way that every study goes.  The measurement files are real ones of the
shared data, which know nothing of this chain: only what the rules make of steps, sensors and dose
is scored.

    python benchmarks/custody_faults.py [REPEATS] [SEED]
"""

from __future__ import annotations

import csv
import math
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np

from consilience.model import Finding
from consilience.model.verdict import Caveat
from consilience.study import Study

__all__ = ["CLEAN", "FAULTS", "main", "trial"]

DAY = datetime(2026, 3, 1, tzinfo=UTC)
GAP = "30 s"
Chain = dict[str, Any]


@dataclass
class Plan:
    """A chain before it is written: what a fault changes."""

    rng: np.random.Generator
    store_hours: float = 3.0
    mill: tuple[str, float] = ("Ar", 90.0)
    coated: bool = True
    measured_before_cut: bool = False
    overlap: bool = False
    zone_hours: int = 0
    prior_fluence: float | None = None
    prior_placed: bool = True
    dose_known: bool = True
    log: Callable[[np.ndarray, Plan], dict[str, np.ndarray]] = field(
        default_factory=lambda: clean_log
    )


def clean_log(time: np.ndarray, plan: Plan) -> dict[str, np.ndarray]:
    """A suitcase as it should be: 83 K and 1e-9 mbar, with noise and drift."""
    kelvin = 83.0 + plan.rng.uniform(-3, 3) + plan.rng.normal(0, 0.2, time.size)
    mbar = 1e-9 * np.exp(plan.rng.normal(0, 0.1, time.size) + plan.rng.uniform(-1, 1))
    return {"t": time, "T": kelvin, "p": mbar}


def warmed(time: np.ndarray, plan: Plan) -> dict[str, np.ndarray]:
    """Ten minutes between 145 K and 200 K."""
    log = clean_log(time, plan)
    begin = plan.rng.uniform(300, time[-1] - 900)
    inside = (time > begin) & (time < begin + 600)
    log["T"][inside] = plan.rng.uniform(145, 200) + plan.rng.normal(0, 0.5, int(inside.sum()))
    return log


def with_gap(time: np.ndarray, plan: Plan) -> dict[str, np.ndarray]:
    """Some minutes in which nothing was recorded."""
    log = clean_log(time, plan)
    begin, length = plan.rng.uniform(200, time[-1] - 900), plan.rng.uniform(120, 600)
    keep = (time < begin) | (time > begin + length)
    return {name: values[keep] for name, values in log.items()}


def leaking(time: np.ndarray, plan: Plan) -> dict[str, np.ndarray]:
    """Air comes in: the pressure rises above 1e-5 mbar and stays."""
    log = clean_log(time, plan)
    begin = plan.rng.uniform(200, time[-1] - 300)
    top = 10 ** plan.rng.uniform(-5, 0)
    log["p"] = log["p"] + np.where(time > begin, top * (1 - np.exp(-(time - begin) / 60)), 0.0)
    return log


FAULTS: dict[str, tuple[Callable[[Plan], None], str]] = {
    "suitcase warmed for 10 minutes": (lambda p: _change(p, log=warmed), "custody.frozen-warmed"),
    "sensor gap in the suitcase": (lambda p: _change(p, log=with_gap), "custody.sensor-gap"),
    "air leak in the suitcase": (lambda p: _change(p, log=leaking), "custody.li-vacuum-lost"),
    "stale glovebox storage, 3 to 9 days": (
        lambda p: _change(p, store_hours=p.rng.uniform(72, 216)),
        "storage.li-two-days-before-cut",
    ),
    "overdose of the region before EELS": (
        lambda p: _change(p, prior_fluence=10 ** p.rng.uniform(4.05, 6)),
        "eels.lif-dose-cold",
    ),
    "overdose before EELS, its region not recorded": (
        lambda p: _change(p, prior_fluence=10 ** p.rng.uniform(4.05, 6), prior_placed=False),
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
}
"""Name of the fault to what it changes, and the rule that must say it."""
CLEAN = "clean chain"


def _change(plan: Plan, **values: Any) -> None:
    for name, value in values.items():
        setattr(plan, name, value)


def trial(fault: str | None, rng: np.random.Generator, data: Path, folder: Path) -> list[Caveat]:
    """Write one study with one planted fault (None: clean) and return its caveats."""
    plan = Plan(rng)
    if fault is not None:
        FAULTS[fault][0](plan)
    with Study.create(folder / "study", "planted") as study:
        eels = _lamella(study, plan, data, folder)
        apt = _needle(study, plan, data)
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


def _lamella(study: Study, plan: Plan, data: Path, folder: Path) -> str:
    rng = plan.rng
    study.add_sample("anode", materials=["Li metal"], elements=["Li", "F", "C", "O"])
    study.add_sample("lamella", parent="anode")
    clock = _Clock(rng)
    cold = f"{rng.uniform(85, 95):.2f} K"
    glovebox = {"atmosphere": "Ar", "o2": f"{rng.uniform(0.02, 0.1):.3f} ppm",
                "h2o": f"{rng.uniform(0.02, 0.1):.3f} ppm"}  # fmt: skip
    _step(study, "anode", "disassemble", clock.span(20), conditions=glovebox)
    _step(study, "anode", "store", clock.span(60 * plan.store_hours), conditions=glovebox)
    frozen = {"method": "plunge", "liquid": "LiPF6 in EC/DMC", "temperature": "77 K"}
    _step(study, "anode", "freeze", clock.span(2), conditions=frozen)
    _carried(study, plan, clock, "anode", folder, first=True)
    mill = {"ion": plan.mill[0], "temperature": f"{plan.mill[1]:.2f} K", "voltage": "30 kV"}
    cut = clock.span(40)
    _step(study, "anode", "lift_out", cut, derives="lamella", conditions=mill)
    thinned = clock.span(45)
    _step(study, "lamella", "mill", thinned, conditions=mill)
    if plan.overlap:
        clock.back(rng.uniform(10, 30))
    _carried(study, plan, clock, "lamella", folder, first=False)
    if plan.prior_fluence is not None:
        searched = clock.span(10)
        known = {"modality": "eels", "temperature": cold}
        if plan.prior_placed:
            earlier = _exposure(plan.prior_fluence, cold, _box(rng.uniform(0, 20), 40))
            file = data / "eels_edx" / "lowloss_spectrum.msa"
            _measured(study, file, "lamella", searched[0] + timedelta(minutes=1), [earlier])
        else:
            dose = {"fluence": f"{plan.prior_fluence:.4g} 1/angstrom^2", "energy": "200 keV"}
            known |= {**dose, "modality": "stem"}
        _step(study, "lamella", "measure", searched, conditions=known)
    measured = clock.span(60)
    start = measured[0] + timedelta(minutes=1)
    if plan.measured_before_cut:
        start = cut[0] - timedelta(minutes=rng.uniform(5, 600))
    else:
        known = {"modality": "eels", "temperature": cold}
        _step(study, "lamella", "measure", measured, conditions=known)
    exposures = []
    if plan.dose_known:
        exposures = [_exposure(rng.uniform(100, 1500), cold, _box(25, 30), rng.uniform(10, 90))]
    return _measured(
        study, data / "eels_edx" / "coreloss_spectrum.msa", "lamella", start, exposures
    )


def _box(low: float, high: float) -> dict[str, Any]:
    corners = [[low, low], [high, high]]
    return {"shape": "box", "coordinates": corners, "unit": "nm", "frame": "lamella"}


def _exposure(
    fluence: float, kelvin: str, region: dict[str, Any], rate: float = 50.0
) -> dict[str, Any]:
    return {
        "particle": "electron",
        "energy": {"value": 200.0, "unit": "keV"},
        "fluence": {"value": fluence, "unit": "1/angstrom^2"},
        "fluence_rate": {"value": rate, "unit": "1/angstrom^2/s"},
        "temperature": {"value": float(kelvin.split()[0]), "unit": "K"},
        "region": region,
        "source": "user",
    }


def _needle(study: Study, plan: Plan, data: Path) -> str:
    study.add_sample("cathode", materials=["NMC811"], elements=["Li", "Ni", "Mn", "Co", "O"])
    study.add_sample("needle", parent="cathode")
    clock = _Clock(plan.rng)
    _step(study, "cathode", "disassemble", clock.span(20), conditions={"atmosphere": "Ar"})
    mill = {"ion": "Xe", "temperature": "90 K"}
    _step(study, "cathode", "lift_out", clock.span(60), derives="needle", conditions=mill)
    _step(study, "needle", "mill", clock.span(60), conditions=mill)
    if plan.coated:
        coat = {"material": "Cr", "thickness": f"{plan.rng.uniform(20, 60):.0f} nm"}
        _step(study, "needle", "coat", clock.span(20), conditions=coat)
    carried = {"carrier": "suitcase", "temperature": "83 K", "pressure": "1e-9 mbar"}
    _step(study, "needle", "transfer", clock.span(30), conditions=carried)
    measured = clock.span(300)
    known = {"modality": "apt", "temperature": "50 K"}
    _step(study, "needle", "measure", measured, conditions=known)
    return _measured(
        study, data / "apt" / "Si.pos", "needle", measured[0] + timedelta(minutes=2), []
    )


def _measured(
    study: Study, file: Path, sample: str, start: datetime, exposures: list[dict[str, Any]]
) -> str:
    from consilience.model.measurement import Exposure

    (added, *_) = study.add(
        file,
        sample,
        start=start.isoformat(),
        exposures=[Exposure.model_validate(e) for e in exposures],
        link=True,
    )
    return added.id


class _Clock:
    """Time that passes; a step begins when the one before it ends, so that nothing is unknown."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.now = DAY + timedelta(minutes=float(rng.uniform(0, 600)))

    def span(self, minutes: float) -> tuple[datetime, datetime]:
        start = self.now
        self.now = start + timedelta(minutes=minutes * float(self.rng.uniform(0.9, 1.1)))
        return start, self.now

    def back(self, minutes: float) -> None:
        self.now -= timedelta(minutes=float(minutes))


def _step(
    study: Study, sample: str, kind: str, span: tuple[datetime, datetime], **more: Any
) -> str:
    # people write the time of the place where they are
    zone = timezone(timedelta(hours=1))
    times = {
        "start": span[0].astimezone(zone).isoformat(),
        "end": span[1].astimezone(UTC).isoformat(),
    }
    return study.add_step({"sample": sample, "type": kind, **times, **more})[0].id


def _carried(
    study: Study, plan: Plan, clock: _Clock, sample: str, folder: Path, *, first: bool
) -> None:
    span = clock.span(45)
    step = _step(study, sample, "transfer", span, conditions={"carrier": "suitcase"})
    seconds = (span[1] - span[0]).total_seconds()
    time = np.arange(0.0, seconds + 1.0, 2.0)
    log = (plan.log if first else clean_log)(time, plan)
    path = folder / f"{sample}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(log)
        writer.writerows(zip(*log.values(), strict=True))
    start = span[0] + timedelta(hours=plan.zone_hours if first else 0)
    mapping = {
        "gap": GAP,
        "time": {"column": "t", "unit": "s", "start": start.isoformat()},
        "columns": {
            "temperature": {"column": "T", "unit": "K"},
            "pressure": {"column": "p", "unit": "mbar"},
        },
    }
    study.add_series(path, step, mapping)


def wilson(found: int, of: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share."""
    z = 1.959964
    share = found / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return middle - half, middle + half


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    data = os.environ.get("CONSILIENCE_DATA")
    if data is None:
        print("set CONSILIENCE_DATA to the folder of shared data: two real files carry the chain")
        return
    print(
        f"{repeats} repeats, seed {seed}; found: the rule named fired; others: caveats beside it\n"
    )
    print("| planted | rule | found | 95 % interval | other rules that fired |")
    print("|---|---|---|---|---|")
    for name in [CLEAN, *FAULTS]:
        found, others = 0, set()
        for repeat in range(repeats):
            rng = np.random.default_rng([seed, repeat, sum(name.encode())])
            with tempfile.TemporaryDirectory() as folder:
                caveats = trial(None if name == CLEAN else name, rng, Path(data), Path(folder))
            fired = {c.rule for c in caveats}
            rule = "" if name == CLEAN else FAULTS[name][1]
            found += not fired if name == CLEAN else rule in fired
            others |= fired - {rule}
        low, high = wilson(found, repeats)
        what = f"{found} of {repeats}" + (" silent" if name == CLEAN else "")
        print(
            f"| {name} | {rule and f'`{rule}`'} | {what} | {low:.3f} to {high:.3f} "
            f"| {', '.join(f'`{o}`' for o in sorted(others)) or 'none'} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
