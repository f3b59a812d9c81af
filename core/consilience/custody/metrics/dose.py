"""Metrics of dose: what the region of a measurement received, from the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from consilience.custody.dose.ledger import DoseLedger, DoseSum, like
from consilience.custody.dose.units import FLUENCE_UNITS, shown
from consilience.custody.metric import METRICS, Metric
from consilience.model.measurement import MeasurementRecord

if TYPE_CHECKING:
    from consilience.custody.custody import Custody

__all__ = [
    "dose_unknown",
    "electron_energy",
    "electron_fluence",
    "electron_fluence_before",
    "electron_fluence_rate",
    "electron_fluence_warm",
    "ledger_of",
    "photon_dose",
    "photon_fluence",
]

_LEDGERS: WeakKeyDictionary[Custody, DoseLedger] = WeakKeyDictionary()


def ledger_of(custody: Custody) -> DoseLedger:
    """Return the ledger of a custody, made once."""
    if custody not in _LEDGERS:
        _LEDGERS[custody] = DoseLedger(custody)
    return _LEDGERS[custody]


def _metric(name: str, total: DoseSum) -> Metric:
    """Return a sum as a metric; beside particles of unlike energy it is an interval.

    The region took at least what one energy alone put there, and at most all together.
    """
    value, least, most = total.value, total.at_least, None
    if total.beside:
        apart = [share.entry.fluence for share in total.beside]
        if value is not None and None not in apart:
            most = value + sum(fluence or 0.0 for fluence in apart)
        value = value if most == value else None
        least = max(least or 0.0, total.beside_at_least or 0.0) or None
    return Metric(
        name,
        value,
        METRICS[name].unit,
        at_least=None if value is not None else least,
        why=total.why,
        evidence=total.evidence,
        at_most=None if value is not None else most,
    )


def dose_unknown(
    custody: Custody,
    record: MeasurementRecord,
    parameter: float | None,  # noqa: ARG001
) -> Metric:
    """Count what of fluence, rate, energy and temperature is not known of a measurement.

    A simulated or entered measurement irradiated nothing here: 0.
    """
    if record.origin != "measured":
        return Metric("dose_unknown", 0.0, "1", why=f"the measurement is {record.origin}")
    own = ledger_of(custody).own(record)
    missing = [
        title
        for title, name in (
            ("fluence", "fluence"),
            ("fluence rate", "fluence_rate"),
            ("energy", "energy"),
        )
        if not own or any(getattr(entry, name) is None for entry in own)
    ]
    if not own or any(entry.temperature == (None, None) for entry in own):
        missing.append("temperature")
    why = f"not recorded: {', '.join(missing)}" if missing else "all of them are recorded"
    evidence = tuple(dict.fromkeys(entry.id for entry in own)) or (record.id,)
    return Metric("dose_unknown", float(len(missing)), "1", why=why, evidence=evidence)


def electron_fluence(
    custody: Custody,
    record: MeasurementRecord,
    parameter: float | None,  # noqa: ARG001
) -> Metric:
    """Add up the electrons on the region, this measurement included."""
    return _metric("electron_fluence", ledger_of(custody).sum(record, "electron"))


def electron_fluence_before(
    custody: Custody,
    record: MeasurementRecord,
    parameter: float | None,  # noqa: ARG001
) -> Metric:
    """Add up the electrons on the region before this measurement."""
    return _metric("electron_fluence_before", ledger_of(custody).sum(record, "electron", own=False))


def electron_fluence_warm(
    custody: Custody, record: MeasurementRecord, parameter: float | None
) -> Metric:
    """Add up the electrons on the region while it was warmer than `parameter` (K)."""
    total = ledger_of(custody).sum(record, "electron", warmer_than=parameter)
    return _metric("electron_fluence_warm", total)


def electron_fluence_rate(
    custody: Custody,
    record: MeasurementRecord,
    parameter: float | None,  # noqa: ARG001
) -> Metric:
    """Return the highest electron fluence rate on the region, of like energy."""
    unit = f"{FLUENCE_UNITS['electron']}/s"
    total = ledger_of(custody).sum(record, "electron")
    beside = {share.entry.id for share in total.beside}
    rates, unknown = [], []
    if not ledger_of(custody).own(record) and "not recorded" in total.why:
        unknown.append("this measurement")
    for share in total.shares:
        if share.kept in ("outside", "after") or share.entry.id in beside:
            continue
        if share.entry.fluence_rate is None or not share.counts:
            unknown.append(share.entry.title or share.entry.id)
        else:
            rates.append(share.entry.fluence_rate)
    highest = max(rates, default=None)
    if unknown:
        why = f"the rate on this region is not recorded of {', '.join(dict.fromkeys(unknown))}"
        return Metric(
            "electron_fluence_rate", None, unit, at_least=highest, why=why, evidence=total.evidence
        )
    if highest is None:
        return Metric("electron_fluence_rate", 0.0, unit, why="no electrons are recorded")
    why = f"highest of {len(rates)}: {shown(highest, unit)}"
    return Metric("electron_fluence_rate", highest, unit, why=why, evidence=total.evidence)


def electron_energy(
    custody: Custody,
    record: MeasurementRecord,
    parameter: float | None,  # noqa: ARG001
) -> Metric:
    """Return the energy of the electrons of this measurement."""
    own = [e for e in ledger_of(custody).own(record) if e.particle == "electron"]
    energies = [e.energy for e in own if e.energy is not None]
    evidence = tuple(dict.fromkeys(e.id for e in own))
    if not own:
        why = "no electrons of this measurement are recorded"
    elif len(energies) < len(own):
        why = "the energy is not recorded"
    elif not like(min(energies), max(energies)):
        why = f"several energies: {', '.join(f'{e:g} keV' for e in sorted(set(energies)))}"
    else:
        return Metric(
            "electron_energy", max(energies), "keV", why=f"{max(energies):g} keV", evidence=evidence
        )
    least = min(energies, default=None)
    return Metric("electron_energy", None, "keV", at_least=least, why=why, evidence=evidence)


def photon_fluence(
    custody: Custody,
    record: MeasurementRecord,
    parameter: float | None,  # noqa: ARG001
) -> Metric:
    """Add up the photons on the region, this measurement included."""
    return _metric("photon_fluence", ledger_of(custody).sum(record, "photon"))


def photon_dose(
    custody: Custody,
    record: MeasurementRecord,
    parameter: float | None,  # noqa: ARG001
) -> Metric:
    """Add up the dose by photons, where material, energy and fluence are known."""
    from consilience.custody.dose.gray import dose_in_gray

    value, at_least, why, evidence = dose_in_gray(custody, ledger_of(custody), record)
    return Metric("photon_dose", value, "Gy", at_least=at_least, why=why, evidence=evidence)
