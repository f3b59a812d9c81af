"""From matched peaks to phases: present, absent, not observable, or not to be told."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from consilience_xrd.identification.linestates import (
    chance_of,
    hidden,
    plausible,
    reach_of,
    scale_of,
    states_of,
)
from consilience_xrd.identification.results import CHANCE, STRONG, AreaProbe, PhaseResult, Work
from consilience_xrd.identification.rivals import rivals_of
from consilience_xrd.identification.texture import agreement_of
from consilience_xrd.references.reference import Line, ReferencePattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consilience_xrd.identification.matching import ObservedPeak, Pairing

__all__ = ["AreaProbe", "PhaseResult", "evaluate"]

LONE_CHANCE = 0.01
"""Largest chance of an accidental match of the lines that a phase has for itself."""


def evaluate(
    pairing: Pairing,
    probe: AreaProbe | None = None,
    least_share: float = 0.7,
    greatest_chance: float = 1e-3,
    barred: Mapping[str, str] | None = None,
    admitted: Mapping[str, str] | None = None,
) -> list[PhaseResult]:
    """Judge each phase.

    Parameters
    ----------
    pairing : Pairing
    probe : AreaProbe, optional
        From the noise; without it nothing is called absent.
    least_share : float
        Share of the strong intensity that must be found for "present".
    greatest_chance : float
        Largest probability of an accidental match for "present", for the whole list of phases.
    barred : dict of str to str, optional
        Phases that are not called present, with the reason.
    admitted : dict of str to str, optional
        Phases for which another argument than improbable accidents holds, with it; their lines
        still have to be found, and some of them by peaks that no other phase explains.

    Notes
    -----
    Phases are accepted in order of their score.  One whose peaks are all explained by phases
    accepted before it is a rival of those and not present.
    """
    works = [_prepare(pairing, reference) for reference in pairing.references]
    cap = greatest_chance / max(len(works), 1)
    order = sorted(works, key=lambda w: -w.score)
    claimed: dict[int, str] = {}
    present: list[str] = []
    unique: dict[str, tuple[int, ...]] = {}
    refused = barred or {}
    vouched = admitted or {}
    for work in order:
        if work.reference.phase.key in refused:
            continue
        known = work.reference.phase.key in vouched
        if work.share < least_share or not _strongest_found(work, pairing):
            continue
        if work.chance > cap and not known:
            continue
        own = [
            (line.intensity, i)
            for line, _, i, _ in work.lines
            if i is not None and i not in claimed and line.intensity >= STRONG
        ]
        total = sum(
            line.intensity
            for line, _, i, _ in work.lines
            if i is not None and line.intensity >= STRONG
        )
        lone = chance_of(pairing, work, only_unclaimed=claimed)
        if not own or sum(v for v, _ in own) < 0.3 * total:
            continue
        if lone > max(cap, LONE_CHANCE) and not known:
            continue
        key = work.reference.phase.key
        present.append(key)
        for line, _, i, _ in work.lines:
            if i is not None and plausible(line, i, work, pairing):
                claimed.setdefault(i, key)
        unique[key] = tuple(sorted({i for _, i in own}))
    largest = max((m.peak.area for m in pairing.peaks if math.isfinite(m.peak.area)), default=0.0)
    found = [_result(w, works, pairing, present, claimed, unique, probe, largest) for w in works]
    return [
        replace(r, status=None, limit=None, reason=refused[r.phase])
        if r.phase in refused
        else replace(r, reason=vouched[r.phase])
        if r.phase in vouched and r.status == "present"
        else r
        for r in found
    ]


def _prepare(pairing: Pairing, reference: ReferencePattern) -> Work:
    low, high = pairing.q_range
    rows: list[tuple[Line, float, int | None, tuple[int, ...]]] = []
    for line in reference.lines:
        q, _ = pairing.place(reference, line)
        hits = [
            (candidate.sigmas, i)
            for i, matched in enumerate(pairing.peaks)
            for candidate in matched.candidates
            if candidate.within
            and candidate.phase == reference.phase.key
            and candidate.line.hkl == line.hkl
        ]
        hits.sort()
        rows.append((line, q, hits[0][1] if hits else None, tuple(i for _, i in hits)))
    work = Work(reference, rows)
    inside = [row for row in rows if low <= row[1] <= high]
    strong = [row for row in inside if row[0].intensity >= STRONG]
    work.strong_in_range = len(strong)
    if not strong:
        return work
    work.scale, work.agreement = scale_of(strong, pairing)
    met: dict[int, list[int]] = {}
    for index, row in enumerate(rows):
        if row[2] is not None and row[0].intensity >= CHANCE:
            met.setdefault(row[2], []).append(index)
    # texture moves intensity between lines and is no reason to doubt a phase
    agreement = agreement_of(
        reference, [(lines, pairing.peaks[i].peak.area) for i, lines in met.items()]
    )
    if agreement is not None and work.agreement is not None:
        work.agreement = max(work.agreement, agreement.allowed)
    counted = [
        row for row in strong if row[2] is not None or not hidden(row[1], row[0], work, pairing)
    ]
    total = sum(row[0].intensity for row in counted)
    work.share = (
        sum(row[0].intensity for row in counted if row[2] is not None) / total if total else 0.0
    )
    work.chance = chance_of(pairing, work)
    quality = 0.5 + 0.5 * (work.agreement if work.agreement is not None else 0.5)
    work.score = work.share * quality * min(1.0, -math.log10(max(work.chance, 1e-12)) / 6)
    # found intensity decides between phases that fit equally well
    areas = [pairing.peaks[row[2]].peak.area for row in counted if row[2] is not None]
    largest = max((m.peak.area for m in pairing.peaks if math.isfinite(m.peak.area)), default=1.0)
    if areas and all(math.isfinite(a) for a in areas) and largest > 0:
        work.score *= 0.8 + 0.2 * math.sqrt(min(max(areas) / largest, 1.0))
    return work


def _strongest_found(work: Work, pairing: Pairing) -> bool:
    low, high = pairing.q_range
    inside = [row for row in work.lines if low <= row[1] <= high]
    if not inside:
        return False
    top = max(inside, key=lambda row: row[0].intensity)
    return top[2] is not None or hidden(top[1], top[0], work, pairing)


def _widths(probe: AreaProbe | None) -> str:
    if probe is None or probe.widths is None:
        return ""
    return (
        f"the limit holds for lines of {probe.widths[0]:.3g} to {probe.widths[1]:.3g} {probe.unit} "
        "full width at half maximum (1 to 4 times the median of the peaks found); broader ones "
        "are not excluded"
    )


def _unknown_shift(pairing: Pairing, q: float, probe: AreaProbe | None) -> str | None:
    """Why a line cannot be said to be missing at `q` while the shift of the lines is unknown."""
    if not pairing.shift_unknown:
        return None
    search = pairing.search(q)
    near = [m.peak for m in pairing.peaks if abs(m.peak.q - q) <= search + 0.5 * m.peak.fwhm]
    said = "the shift of the lines is not known"
    if near:
        nearest = min(near, key=lambda p: abs(p.q - q))
        return (
            f"{said}, and the peak at {nearest.q:.4f} 1/angstrom lies within the largest shift "
            f"considered of its place at {q:.4f}"
        )
    hint = probe.excess(q, search) if probe else None
    if probe is not None and hint is not None and hint > probe.decision:
        return (
            f"{said}, and {hint:.1f} standard deviations are left over within the largest shift "
            f"considered of its place at {q:.4f} 1/angstrom"
        )
    return None


def _broad_in(pairing: Pairing, reach: tuple[float, float]) -> float | None:
    """Place of a broad peak over `reach`: it is no candidate, and the fit leaves nothing of it."""
    over = [m.peak for m in pairing.peaks if "broad" in m.peak.flags]
    return _nearest([p for p in over if _meets(p, reach)], reach)


def _peak_in(pairing: Pairing, reach: tuple[float, float]) -> float | None:
    """Place of any other peak in `reach`: it may be the line, or hide it."""
    over = [m.peak for m in pairing.peaks if "broad" not in m.peak.flags]
    return _nearest([p for p in over if _meets(p, reach)], reach)


def _meets(peak: ObservedPeak, reach: tuple[float, float]) -> bool:
    return reach[0] - 0.5 * peak.fwhm <= peak.q <= reach[1] + 0.5 * peak.fwhm


def _nearest(peaks: list[ObservedPeak], reach: tuple[float, float]) -> float | None:
    middle = 0.5 * (reach[0] + reach[1])
    return min((p.q for p in peaks), key=lambda q: abs(q - middle), default=None)


def _largest_limit(probe: AreaProbe, reach: tuple[float, float]) -> float | None:
    """The limit at the least favourable place; None where one has none."""
    limits = [probe.limit(q) for q in (reach[0], 0.5 * (reach[0] + reach[1]), reach[1])]
    known = [one for one in limits if one is not None]
    return max(known) if len(known) == len(limits) else None


def _result(
    work: Work,
    works: list[Work],
    pairing: Pairing,
    present: list[str],
    claimed: dict[int, str],
    unique: dict[str, tuple[int, ...]],
    probe: AreaProbe | None,
    largest: float,
) -> PhaseResult:
    key = work.reference.phase.key
    lines = tuple(states_of(work, pairing, claimed, probe))
    low, high = pairing.q_range
    status: str | None = None
    limit = None
    if key in present:
        status = "present"
        reason = ""
    elif work.strong_in_range == 0:
        status = "not_observable"
        reason = f"none of its strong lines lies between {low:.3g} and {high:.3g} 1/angstrom"
    else:
        inside = [s for s in lines if s.state != "out_of_range"]
        top = max(inside, key=lambda s: s.line.intensity)
        free = top.state in ("missing", "below_detection") and not hidden(
            top.q, top.line, Work(work.reference, []), pairing
        )
        reach = reach_of(pairing, work, top.line)
        least = _largest_limit(probe, reach) if free and probe else None
        middle, half = 0.5 * (reach[0] + reach[1]), 0.5 * (reach[1] - reach[0])
        hint = probe.excess(middle, half) if free and probe else None
        other = _peak_in(pairing, reach) if free else None
        moved = pairing.shift.significant and not pairing.shift.applied
        unknown = _unknown_shift(pairing, top.q, probe) if free else None
        broad = _broad_in(pairing, reach) if free else None
        if broad is not None:
            reason = (
                f"its strongest line {top.line.label} was not assigned, but a broad peak at "
                f"{broad:.4f} 1/angstrom covers its place at {top.q:.4f}"
            )
        elif unknown is not None:
            reason = f"its strongest line {top.line.label} was not assigned, but {unknown}"
        elif other is not None:
            reason = (
                f"its strongest line {top.line.label} was not assigned, but the peak at "
                f"{other:.4f} 1/angstrom lies within what its cell may be"
            )
        elif free and moved:
            reason = (
                f"its strongest line {top.line.label} was not seen at {top.q:.4f} 1/angstrom, but "
                "the lines are shifted and the correction is switched off"
            )
        elif free and probe is not None and hint is not None and hint > probe.decision:
            reason = (
                f"no peak was found for its strongest line {top.line.label} at {top.q:.4f} "
                f"1/angstrom, but {hint:.1f} standard deviations are left over there"
            )
        elif free and least is not None and largest > 0:
            status = "absent_below_limit"
            limit = least / largest
            reason = f"its strongest line {top.line.label} is not at {top.q:.4f} 1/angstrom"
        elif free:
            reason = (
                f"its strongest line {top.line.label} was not seen at {top.q:.4f} 1/angstrom, but "
                "no detection limit is known"
            )
        else:
            met = [s for s in inside if s.peak is not None]
            others = sorted({claimed[s.peak] for s in met if s.peak in claimed})
            if met and others and all(s.peak in claimed for s in met):
                reason = f"every peak that it would explain is explained by {', '.join(others)}"
            elif not met:
                reason = "its strongest line would lie under another peak"
            elif len(met) < 2 or work.chance > 1e-3 / max(len(works), 1):
                reason = (
                    f"{len(met)} of {len(inside)} strong lines meet a peak, which happens by "
                    f"accident with a probability of {work.chance:.2g}"
                )
            else:
                reason = f"only {work.share:.0%} of its strong intensity was found"
    # what is absent explains nothing, so nothing can rival it
    rivals = (
        ()
        if status in ("absent_below_limit", "not_observable")
        else tuple(rivals_of(work, works, pairing, LONE_CHANCE))
    )
    return PhaseResult(
        key, status, reason, lines, work.share, work.chance, work.agreement, work.score, limit,
        unique.get(key, ()), work.scale, rivals, _widths(probe) if limit is not None else "",
    )  # fmt: skip
