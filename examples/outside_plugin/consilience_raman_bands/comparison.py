"""A Raman band against a phase that another technique finds or misses.

A band names bonds, diffraction names lattices: a carbonate without long-range order has the band
and no lines.  So a phase that is found supports one reading of the band; one that is missing
leaves the question open.
"""

from __future__ import annotations

from consilience.compare import ComparisonContext
from consilience.model.finding import Finding, Subject
from consilience.model.verdict import Answer, Verdict

__all__ = ["compare"]

KEY = "raman_bands.band_and_phase"


def compare(first: Finding, second: Finding, context: ComparisonContext) -> Verdict | None:
    """Compare a band with a phase, where the phase is one of the band's readings."""
    band, phase = (first, second) if first.kind == "raman_band" else (second, first)
    if context.repeat(band, phase) or phase.subject is None or band.subject is None:
        return None  # the phases of the same technique are read off the same bands
    live = [band.subject, *(rival.subject for rival in band.rivals if rival.live)]
    if not any(_same(one, phase.subject) for one in live):
        return None
    where = f"the band at {band.value:.1f} 1/cm" if band.value is not None else "the band"
    names = " or ".join(dict.fromkeys(one.label for one in live))
    seen, label = context.name(phase), phase.subject.label
    if phase.status == "present":
        others = [one.label for one in live if not _same(one, phase.subject)]
        told = f"{where} can be {names}, and {seen} finds {label}"
        if others:
            told += f", which does not rule out {', '.join(others)} beside it"
        return _verdict(band, phase, "consistent", told)
    if phase.status == "absent_below_limit":
        told = f"{where} can be {names}; {seen} finds no {label} down to its limit"
        fix = f"an amount of {label} in units of that limit, or a map of the spot"
        return _verdict(
            band, phase, "undecided", f"{told}, and would not see it if it had no lattice", fix
        )
    if phase.status == "not_observable":
        return _verdict(band, phase, "not_comparable", f"{seen} cannot observe {label}")
    why = phase.reason or "it states no limit"
    return _verdict(band, phase, "undecided", f"{where} can be {names}; {seen} cannot tell: {why}")


def _same(one: Subject, other: Subject) -> bool:
    groups = {one.space_group, other.space_group} - {None}
    return one.formula is not None and one.formula == other.formula and len(groups) <= 1


def _verdict(
    band: Finding, phase: Finding, answer: Answer, reason: str, settle: str = ""
) -> Verdict:
    return Verdict.between(KEY, band, phase, answer, reason, subject=phase.subject, settle=settle)
