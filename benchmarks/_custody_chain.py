"""The chain that faults of custody are planted into: a lamella of lithium and a needle of NMC.

Times, temperatures, pressures, gas contents and doses are drawn anew for each repeat, written as
steps and as CSV logs, and go the way that every study goes.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np

from consilience.study import Study

__all__ = ["Plan", "lamella", "leaking", "needle", "stuck", "warmed", "with_gap"]

DAY = datetime(2026, 3, 1, tzinfo=UTC)
GAP = "30 s"


@dataclass
class Plan:
    """A chain before it is written: what a fault changes.

    Parameters
    ----------
    rng : Generator
    material : str
        Of the anode.
    store_hours : float or None
        In the glovebox; None: 50 to 200 h go by, and the step says neither when nor how long.
    frozen : dict
        What differs in the conditions of the freeze; None takes one away.
    warm_kelvin : float, optional
        It is warmed to that on the way, and frozen again.
    stored_in_suitcase : bool
        The suitcase waits, with its log, before the lift-out.
    undated_air : bool
        A step in air that says nothing of when.
    mill : tuple
        Ion, and temperature in K.
    coated, milled_off : bool
        Of the needle.
    measured_before_cut, overlap : bool
    zone_hours : int
        By which the log of the first transfer is wrong.
    prior_fluence : float, optional
        Electrons per square angstrom that the region took before.
    prior : {"region", "step", "focus", "parent"}
        Where that stands: as a measurement with its region; as a step without one; as a step
        within the session; as a measurement of the anode whose image has the frame's name too.
    prior_kev : float
    dose_known : bool
    session_kelvin, session_fluence : float, optional
        What the step of the session states, where that is not what its measurement says.
    log : callable
        What the sensors of the suitcase saw.
    """

    rng: np.random.Generator
    material: str = "Li metal"
    store_hours: float | None = 3.0
    frozen: dict[str, str | None] = field(default_factory=dict)
    warm_kelvin: float | None = None
    stored_in_suitcase: bool = False
    undated_air: bool = False
    mill: tuple[str, float] = ("Ar", 90.0)
    coated: bool = True
    milled_off: bool = False
    measured_before_cut: bool = False
    overlap: bool = False
    zone_hours: int = 0
    prior_fluence: float | None = None
    prior: str = "region"
    prior_kev: float = 200.0
    dose_known: bool = True
    session_kelvin: float | None = None
    session_fluence: float | None = None
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


def stuck(time: np.ndarray, plan: Plan) -> dict[str, np.ndarray]:
    """The thermometer stops within the first half, and shows the same from then on."""
    log = clean_log(time, plan)
    first = int(plan.rng.integers(1, time.size // 2))
    log["T"][first:] = log["T"][first]
    return log


def lamella(study: Study, plan: Plan, data: Path, folder: Path) -> str:
    """Write the lamella's chain; returns the ID of its measurement."""
    rng, clock = plan.rng, _Clock(plan.rng)
    study.add_sample("anode", materials=[plan.material], elements=["Li", "F", "C", "O"])
    study.add_sample("lamella", parent="anode")
    cold = f"{rng.uniform(85, 95):.2f} K"
    _frozen(study, plan, clock)
    _logged(study, plan, clock, "anode", folder, plan.log)
    if plan.stored_in_suitcase:
        _logged(study, plan, clock, "anode", folder, leaking, kind="store")
    if plan.warm_kelvin is not None:
        warm = {"temperature": f"{plan.warm_kelvin:.1f} K", "atmosphere": "N2"}
        _step(study, "anode", "warm", clock.span(10), conditions=warm)
        _step(study, "anode", "freeze", clock.span(2), conditions=FROZEN)
    low = data / "eels_edx" / "lowloss_spectrum.msa"
    if plan.prior_fluence is not None and plan.prior == "parent":
        searched = clock.span(10)
        earlier = _exposure(plan.prior_fluence, cold, _box(rng.uniform(40, 60), 90), plan.prior_kev)
        known = {"modality": "eels", "temperature": cold}
        _step(study, "anode", "measure", searched, conditions=known)
        _measured(study, low, "anode", searched[0] + timedelta(minutes=1), [earlier])
    mill = {"ion": plan.mill[0], "temperature": f"{plan.mill[1]:.2f} K", "voltage": "30 kV"}
    cut = clock.span(40)
    _step(study, "anode", "lift_out", cut, derives="lamella", conditions=mill)
    _step(study, "lamella", "mill", clock.span(45), conditions=mill)
    if plan.overlap:
        clock.back(rng.uniform(10, 30))
    _logged(study, plan, clock, "lamella", folder, clean_log)
    if plan.prior_fluence is not None and plan.prior in ("region", "step"):
        _searched(study, plan, clock, low, cold)
    return _session(study, plan, clock, cut[0], cold, data)


FROZEN = {"method": "plunge", "liquid": "LiPF6 in EC/DMC", "temperature": "77 K"}


def _frozen(study: Study, plan: Plan, clock: _Clock) -> None:
    """Open, store and freeze the anode."""
    rng = plan.rng
    glovebox = {
        "atmosphere": "Ar",
        "o2": f"{rng.uniform(0.02, 0.1):.3f} ppm",
        "h2o": f"{rng.uniform(0.02, 0.1):.3f} ppm",
    }
    _step(study, "anode", "disassemble", clock.span(20), conditions=glovebox)
    if plan.undated_air:
        study.add_step({"sample": "anode", "type": "expose", "conditions": {"duration": "40 s"}})
    if plan.store_hours is None:
        clock.span(60 * rng.uniform(50, 200))
        study.add_step({"sample": "anode", "type": "store", "conditions": glovebox})
    else:
        _step(study, "anode", "store", clock.span(60 * plan.store_hours), conditions=glovebox)
    said = {**FROZEN, **plan.frozen}
    frozen = {name: value for name, value in said.items() if value is not None}
    _step(study, "anode", "freeze", clock.span(2), conditions=frozen)


def _searched(study: Study, plan: Plan, clock: _Clock, file: Path, cold: str) -> None:
    """Put a dose on the lamella before its session."""
    searched = clock.span(10)
    known = {"modality": "eels", "temperature": cold}
    assert plan.prior_fluence is not None
    if plan.prior == "region":
        box = _box(plan.rng.uniform(0, 20), 40)
        earlier = _exposure(plan.prior_fluence, cold, box, plan.prior_kev)
        _measured(study, file, "lamella", searched[0] + timedelta(minutes=1), [earlier])
    else:
        dose = {"fluence": f"{plan.prior_fluence:.4g} 1/angstrom^2", "energy": "200 keV"}
        known |= {**dose, "modality": "stem"}
    _step(study, "lamella", "measure", searched, conditions=known)


def _session(study: Study, plan: Plan, clock: _Clock, cut: datetime, cold: str, data: Path) -> str:
    """Measure the lamella."""
    rng, measured = plan.rng, clock.span(60)
    start = measured[0] + timedelta(minutes=1)
    fluence = rng.uniform(100, 1500)
    if plan.measured_before_cut:
        start = cut - timedelta(minutes=rng.uniform(5, 600))
    else:
        known = {"modality": "eels", "temperature": cold}
        if plan.session_kelvin is not None:
            known["temperature"] = f"{plan.session_kelvin:.2f} K"
        if plan.session_fluence is not None:
            known["fluence"] = f"{fluence * plan.session_fluence:.6g} 1/angstrom^2"
        _step(study, "lamella", "measure", measured, conditions=known)
    if plan.prior_fluence is not None and plan.prior == "focus":
        dose = {"fluence": f"{plan.prior_fluence:.4g} 1/angstrom^2", "energy": "200 keV"}
        known = {"modality": "eels", "temperature": cold, "reason": "focusing", **dose}
        _step(study, "lamella", "measure", measured, title="focusing", conditions=known)
    exposures = []
    if plan.dose_known:
        exposures = [_exposure(fluence, cold, _box(25, 30), rate=rng.uniform(10, 90))]
    file = data / "eels_edx" / "coreloss_spectrum.msa"
    return _measured(study, file, "lamella", start, exposures)


def _box(low: float, high: float) -> dict[str, Any]:
    corners = [[low, low], [high, high]]
    return {"shape": "box", "coordinates": corners, "unit": "nm", "frame": "image"}


def _exposure(
    fluence: float, kelvin: str, region: dict[str, Any], kev: float = 200.0, rate: float = 50.0
) -> dict[str, Any]:
    return {
        "particle": "electron",
        "energy": {"value": kev, "unit": "keV"},
        "fluence": {"value": fluence, "unit": "1/angstrom^2"},
        "fluence_rate": {"value": rate, "unit": "1/angstrom^2/s"},
        "temperature": {"value": float(kelvin.split()[0]), "unit": "K"},
        "region": region,
        "source": "user",
    }


def needle(study: Study, plan: Plan, data: Path) -> str:
    """Write the needle's chain; returns the ID of its measurement."""
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
    if plan.milled_off:
        _step(study, "needle", "mill", clock.span(15), conditions=mill)
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


def _logged(
    study: Study,
    plan: Plan,
    clock: _Clock,
    sample: str,
    folder: Path,
    seen: Callable[[np.ndarray, Plan], dict[str, np.ndarray]],
    kind: str = "transfer",
) -> None:
    """Carry or keep a sample in the suitcase, with a log of its sensors."""
    span = clock.span(45)
    carrier = "suitcase" if kind == "transfer" else "vacuum suitcase"
    step = _step(study, sample, kind, span, conditions={"carrier": carrier})
    seconds = (span[1] - span[0]).total_seconds()
    time = np.arange(0.0, seconds + 1.0, 2.0)
    log = seen(time, plan)
    path = folder / f"{sample}_{kind}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(log)
        writer.writerows(zip(*log.values(), strict=True))
    wrong = plan.zone_hours if (sample, kind) == ("anode", "transfer") else 0
    mapping = {
        "gap": GAP,
        "time": {
            "column": "t",
            "unit": "s",
            "start": (span[0] + timedelta(hours=wrong)).isoformat(),
        },
        "columns": {
            "temperature": {"column": "T", "unit": "K"},
            "pressure": {"column": "p", "unit": "mbar"},
        },
    }
    study.add_series(path, step, mapping)
