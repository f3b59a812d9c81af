"""The ledger as rows: irradiations, and what each measured region received."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from consilience.custody.dose.entries import DoseEntry
from consilience.custody.dose.ledger import DoseLedger, DoseSum
from consilience.custody.dose.units import FLUENCE_UNITS, Particle, shown
from consilience.lineage import ancestors
from consilience.model.finding import Region
from consilience.model.measurement import MeasurementRecord

__all__ = ["entries_of", "listing_json", "sum_rows", "sums_of", "table_rows"]


def entries_of(ledger: DoseLedger, sample: str | None = None) -> list[DoseEntry]:
    """Return the irradiations of a sample and its ancestors, or all."""
    if sample is None:
        return list(ledger.entries)
    line = {sample, *ancestors(ledger.custody.samples, sample)}
    return [entry for entry in ledger.entries if entry.sample in line]


def table_rows(entries: Sequence[DoseEntry]) -> list[list[str | None]]:
    """Return a row for each irradiation; None is unknown."""
    return [
        [
            entry.sample,
            entry.title or entry.id,
            f"{entry.species} {entry.particle}".strip(),
            None if entry.energy is None else f"{entry.energy:g} keV",
            None if entry.fluence is None else shown(entry.fluence, entry.unit),
            None if entry.fluence_rate is None else shown(entry.fluence_rate, f"{entry.unit}/s"),
            _temperature(entry),
            entry.source,
            "; ".join([*entry.formulas, *([entry.problem] if entry.problem else [])]),
        ]
        for entry in entries
    ]


def sums_of(ledger: DoseLedger, record: MeasurementRecord) -> list[DoseSum]:
    """Return the sums of a measured region: one for each particle that its line has seen."""
    seen = {share.entry.particle for share in ledger.shares(record)}
    order: tuple[Particle, ...] = ("electron", "photon", "ion")
    # the sum of ions is over species that mill a surface away: they are listed, not added
    return [ledger.sum(record, particle) for particle in order[:2] if particle in seen]


def sum_rows(ledger: DoseLedger, sample: str | None = None) -> list[list[str]]:
    """Return a row for each measured region and particle."""
    rows = []
    for record in ledger.custody.records.values():
        if sample is not None and record.sample != sample:
            continue
        for total in sums_of(ledger, record):
            inherited = {s.inherited_from for s in total.shares if s.counts and s.inherited_from}
            rows.append(
                [
                    record.id,
                    record.sample,
                    _region(record.region),
                    total.particle,
                    total.text if total.value != 0.0 or inherited else "none recorded",
                    ", ".join(sorted(inherited)),
                    total.why,
                ]
            )
    return rows


def listing_json(ledger: DoseLedger, sample: str | None = None) -> dict[str, Any]:
    """Return irradiations and sums for scripts."""
    return {
        "entries": [
            {
                "id": entry.id,
                "sample": entry.sample,
                "title": entry.title,
                "measurements": list(entry.measurements),
                "step": entry.step,
                "particle": entry.particle,
                "species": entry.species,
                "energy_kev": entry.energy,
                "fluence": entry.fluence,
                "fluence_rate": entry.fluence_rate,
                "unit": entry.unit,
                "temperature_kelvin": list(entry.temperature),
                "region": None if entry.region is None else entry.region.to_json(),
                "source": entry.source,
                "derived": list(entry.derived),
                "formulas": list(entry.formulas),
                "problem": entry.problem,
                "simulated": entry.simulated,
            }
            for entry in entries_of(ledger, sample)
        ],
        "sums": [
            {
                "measurement": record.id,
                "sample": record.sample,
                "particle": total.particle,
                "energy_kev": total.energy,
                "fluence": total.value,
                "at_least": total.at_least,
                "unit": FLUENCE_UNITS[total.particle],
                "why": total.why,
                "shares": [
                    {
                        "id": share.entry.id,
                        "kept": share.kept,
                        "why": share.why,
                        "inherited_from": share.inherited_from,
                    }
                    for share in total.shares
                ],
                "beside": [share.entry.id for share in total.beside],
            }
            for record in ledger.custody.records.values()
            if sample is None or record.sample == sample
            for total in sums_of(ledger, record)
        ],
    }


def _temperature(entry: DoseEntry) -> str | None:
    low, high = entry.temperature
    if low is not None and low == high:
        return f"{low:g} K"
    if high is not None:
        return f"up to {high:g} K"
    return None if low is None else f"from {low:g} K"


def _region(region: Region | None) -> str:
    if region is None:
        return "not recorded"
    return region.label or f"{region.shape} in {region.frame}"
