"""Dose by photons in gray: needs the material, and a library that knows how it absorbs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consilience.custody.dose.coefficients import is_formula
from consilience.custody.dose.formulas import photon_dose
from consilience.custody.dose.ledger import DoseLedger, Share
from consilience.custody.dose.units import FLUENCE_UNITS
from consilience.errors import BadInputError
from consilience.lineage import ancestors
from consilience.model.base import Quantity
from consilience.model.measurement import MeasurementRecord

if TYPE_CHECKING:
    from consilience.custody.custody import Custody

__all__ = ["dose_in_gray", "material_of"]


def material_of(custody: Custody, sample: str) -> str | dict[str, float] | None:
    """Return the one material of a sample, as formula or mass fractions; None if not known.

    What was weighed in decides where nothing else was, else the one formula among the words of
    `Sample.materials`; the nearest sample of the line that says either counts.
    """
    for name in [sample, *ancestors(custody.samples, sample)]:
        for step in custody.steps:
            if step.sample != name or not step.complete or not step.constituents:
                continue
            parts = {p.subject.formula or p.subject.element or "": p for p in step.constituents}
            if "" in parts:
                return None
            if len(parts) == 1:
                return next(iter(parts))
            fractions = {f: p.mass_fraction for f, p in parts.items()}
            known = {f: v for f, v in fractions.items() if v is not None}
            complete = len(known) == len(parts) and abs(sum(known.values()) - 1.0) < 0.02
            return known if complete else None
        words = custody.samples[name].materials if name in custody.samples else []
        formulas = [word for word in words if is_formula(word)]
        if words:
            return formulas[0] if len(words) == len(formulas) == 1 else None
    return None


def dose_in_gray(
    custody: Custody, ledger: DoseLedger, record: MeasurementRecord
) -> tuple[float | None, float | None, str, tuple[str, ...]]:
    """Return dose, its certain part, why, and the IDs behind it.

    Gray adds up over energies, which fluence does not.
    """
    shares = [
        s
        for s in ledger.shares(record)
        if s.entry.particle == "photon" and s.kept not in ("outside", "after")
    ]
    evidence = tuple(dict.fromkeys(s.entry.id for s in shares))
    if not shares and not ledger.sum(record, "photon").why.startswith("none"):
        return None, None, "the dose of this measurement is not recorded", (record.id,)
    if not shares:
        return 0.0, None, "no photons are recorded on this region", ()
    try:
        material = material_of(custody, record.sample)
    except BadInputError as error:
        return None, None, error.what, evidence
    if material is None:
        why = "the one material of the sample is not known, so its absorption is not"
        return None, None, why, evidence
    parts: list[tuple[Share, float]] = []
    lines: list[str] = []
    unknown: list[str] = []
    for share in shares:
        entry = share.entry
        name = entry.title or entry.id
        if share.kept == "unplaced":
            unknown.append(f"{name}: {share.left_out}, because {share.why}")
        elif entry.fluence is None or entry.energy is None:
            lacks = "fluence" if entry.fluence is None else "energy"
            unknown.append(f"{name}: its {lacks} is not recorded")
        else:
            try:
                made = photon_dose(
                    Quantity(value=entry.fluence, unit=FLUENCE_UNITS["photon"]),
                    Quantity(value=entry.energy, unit="keV"),
                    material,
                )
            except BadInputError as error:
                unknown.append(f"{name}: {error.what}")
                continue
            parts.append((share, made.value))
            lines.append(made.formula)
    total, doubt = ledger.highest(record, parts)
    if doubt:
        unknown.append(doubt)
    if unknown:
        return None, total if parts else None, "; ".join(unknown), evidence
    return total, None, "; ".join(lines), evidence
