"""From matched peaks to phases: what is found, missing, hidden, present, absent, and its rivals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from consilience_xrd.reference import Line, ReferencePattern

if TYPE_CHECKING:
    from consilience_xrd.matching import Candidate, Matched, Pairing

__all__ = ["LineState", "PhaseResult", "RivalFor", "evaluate", "technique_hints"]

STRONG = 20.0
"""Relative intensity from which a line counts as strong."""
CHANCE = 8.0
"""Relative intensity from which a line that was found counts against chance."""

State = Literal["found", "shared", "hidden", "below_detection", "missing", "out_of_range"]


@dataclass(frozen=True)
class AreaProbe:
    """What the data allow to be said of a place where no peak was found.

    Attributes
    ----------
    limit : callable
        Least detectable area at q [1/angstrom], or None where unknown.
    excess : callable
        ``excess(q, room)``: largest area over its std within q +/- room, left over by the fit.
    decision : float
        Excess from which a phase is not called absent.
    """

    limit: Callable[[float], float | None]
    excess: Callable[[float, float], float | None]
    decision: float = 3.0


@dataclass(frozen=True)
class LineState:
    """A strong line of a phase: where it should be and whether it is there.

    `peak` is the index of the matched peak; `expected` the area expected from the other lines.
    """

    line: Line
    q: float
    state: State
    peak: int | None
    note: str = ""
    expected: float | None = None


@dataclass(frozen=True)
class RivalFor:
    """Another phase that explains the same peaks."""

    phase: str
    explains: tuple[str, ...]
    missing: tuple[str, ...]
    decided_by: tuple[str, ...]
    indistinguishable: bool


@dataclass(frozen=True)
class PhaseResult:
    """What the peaks say of one phase.

    Attributes
    ----------
    status : {"present", "absent_below_limit", "not_observable"} or None
        None: these data cannot tell; `reason` says why.
    found_share : float
        Share of the intensity of the strong, observable lines that was found.
    chance : float
        Probability that so many strong lines meet peaks by accident.
    intensity_agreement : float or None
        exp(-rms log ratio) of found to computed areas: 1 is perfect, texture lowers it.
    limit : float or None
        Least area of its strongest line that would have been found, relative to the strongest peak.
    """

    phase: str
    status: str | None
    reason: str
    lines: tuple[LineState, ...]
    found_share: float
    chance: float
    intensity_agreement: float | None
    score: float
    limit: float | None
    unique_peaks: tuple[int, ...]
    rivals: tuple[RivalFor, ...] = ()


@dataclass
class _Work:
    reference: ReferencePattern
    lines: list[tuple[Line, float, int | None, tuple[int, ...]]]
    share: float = 0.0
    chance: float = 1.0
    agreement: float | None = None
    scale: float | None = None
    score: float = 0.0
    strong_in_range: int = 0


def evaluate(
    pairing: Pairing,
    probe: AreaProbe | None = None,
    least_share: float = 0.7,
    greatest_chance: float = 1e-3,
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
    for work in order:
        if work.share < least_share or work.chance > cap or not _strongest_found(work, pairing):
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
        lone = _chance(pairing, work, only_unclaimed=claimed)
        if not own or sum(v for v, _ in own) < 0.3 * total or lone > max(cap, 0.01):
            continue
        key = work.reference.phase.key
        present.append(key)
        for line, _, i, _ in work.lines:
            if i is not None and _plausible(line, i, work, pairing):
                claimed.setdefault(i, key)
        unique[key] = tuple(sorted({i for _, i in own}))
    largest = max((m.peak.area for m in pairing.peaks if math.isfinite(m.peak.area)), default=0.0)
    return [_result(w, works, pairing, present, claimed, unique, probe, largest) for w in works]


def _prepare(pairing: Pairing, reference: ReferencePattern) -> _Work:
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
    work = _Work(reference, rows)
    inside = [row for row in rows if low <= row[1] <= high]
    strong = [row for row in inside if row[0].intensity >= STRONG]
    work.strong_in_range = len(strong)
    if not strong:
        return work
    work.scale, work.agreement = _scale(strong, pairing)
    counted = [
        row for row in strong if row[2] is not None or not _hidden(row[1], row[0], work, pairing)
    ]
    total = sum(row[0].intensity for row in counted)
    work.share = (
        sum(row[0].intensity for row in counted if row[2] is not None) / total if total else 0.0
    )
    work.chance = _chance(pairing, work)
    quality = 0.5 + 0.5 * (work.agreement if work.agreement is not None else 0.5)
    work.score = work.share * quality * min(1.0, -math.log10(max(work.chance, 1e-12)) / 6)
    # found intensity decides between phases that fit equally well
    areas = [pairing.peaks[row[2]].peak.area for row in counted if row[2] is not None]
    largest = max((m.peak.area for m in pairing.peaks if math.isfinite(m.peak.area)), default=1.0)
    if areas and all(math.isfinite(a) for a in areas) and largest > 0:
        work.score *= 0.8 + 0.2 * math.sqrt(min(max(areas) / largest, 1.0))
    return work


def _scale(
    strong: list[tuple[Line, float, int | None, tuple[int, ...]]], pairing: Pairing
) -> tuple[float | None, float | None]:
    """Median area per unit of computed intensity, and how well the ratios agree.

    Lines of the phase that fall on one peak add up.
    """
    per_peak: dict[int, float] = {}
    for line, _, i, _ in strong:
        if i is not None:
            per_peak[i] = per_peak.get(i, 0.0) + line.intensity
    ratios = [
        pairing.peaks[i].peak.area / intensity
        for i, intensity in per_peak.items()
        if math.isfinite(pairing.peaks[i].peak.area) and pairing.peaks[i].peak.area > 0
    ]
    if not ratios:
        return None, None
    scale = float(np.median(ratios))
    if len(ratios) < 2:
        return scale, None
    logs = np.log(np.array(ratios) / scale)
    return scale, float(np.exp(-np.sqrt(np.mean(np.minimum(logs**2, 9.0)))))


def _hidden(q: float, line: Line, work: _Work, pairing: Pairing) -> bool:
    """Whether a line would vanish under a peak that is not its own."""
    expected = None if work.scale is None else work.scale * line.intensity
    for matched in pairing.peaks:
        peak = matched.peak
        if "broad" in peak.flags:
            continue
        if abs(peak.q - q) < 1.0 * peak.fwhm and (
            expected is None or not math.isfinite(peak.area) or peak.area > 0.7 * expected
        ):
            return True
    return False


def _coverage(pairing: Pairing, work: _Work, least_area: float) -> float:
    """Share of the range within tolerance of a peak of at least `least_area`."""
    low, high = pairing.q_range
    cell = max(work.reference.phase.cell_std)
    fitted = (pairing.shift.applied or cell >= 0.003) and (
        work.reference.phase.key in pairing.shift.scales
    )
    edges = []
    for matched in pairing.peaks:
        peak = matched.peak
        if "broad" in peak.flags or (math.isfinite(peak.area) and peak.area < least_area):
            continue
        room = (
            pairing.settings.plain
            if pairing.settings.plain is not None
            else pairing.settings.k * math.hypot(peak.std, (0.3 if fitted else 1.0) * cell * peak.q)
        )
        edges.append((max(peak.q - room, low), min(peak.q + room, high)))
    edges.sort()
    covered, end = 0.0, low
    for a, b in edges:
        covered += max(0.0, b - max(a, end))
        end = max(end, b)
    return min(0.98, covered / max(high - low, 1e-9))


def _chance(pairing: Pairing, work: _Work, only_unclaimed: dict[int, str] | None = None) -> float:
    """Probability of at least so many lines meeting peaks if the lines fell at random.

    A line counts as met only by a peak of at least a fifth of the area that it should have, so
    that strong lines on strong peaks are worth more than on any of many weak ones.
    """
    low, high = pairing.q_range
    rows = [
        row
        for row in work.lines
        if row[0].intensity >= CHANCE
        and low <= row[1] <= high
        and (row[2] is not None or not _hidden(row[1], row[0], work, pairing))
        and (row[2] is not None or row[0].intensity >= STRONG)
    ]
    if only_unclaimed is not None:
        rows = [row for row in rows if row[2] is None or row[2] not in only_unclaimed]
    # lines closer than a peak's width are one chance, not two
    width = float(np.median([m.peak.fwhm for m in pairing.peaks])) if pairing.peaks else 0.0
    distinct: list[list[tuple[Line, float, int | None, tuple[int, ...]]]] = []
    for row in rows:
        if distinct and row[1] - distinct[-1][-1][1] < width:
            distinct[-1].append(row)
        else:
            distinct.append([row])
    found = 0
    spread = np.array([1.0])  # distribution of the number of accidental hits
    for group in distinct:
        intensity = sum(row[0].intensity for row in group)
        least = 0.0 if work.scale is None else 0.2 * work.scale * intensity
        hit = {row[2] for row in group if row[2] is not None}
        areas = [pairing.peaks[i].peak.area for i in hit]
        if any(not math.isfinite(a) or a >= least for a in areas):
            found += 1
        cover = _coverage(pairing, work, least)
        spread = np.convolve(spread, [1 - cover, cover])
    if not found:
        return 1.0
    return float(min(1.0, spread[found:].sum()))


def _strongest_found(work: _Work, pairing: Pairing) -> bool:
    low, high = pairing.q_range
    inside = [row for row in work.lines if low <= row[1] <= high]
    if not inside:
        return False
    top = max(inside, key=lambda row: row[0].intensity)
    return top[2] is not None or _hidden(top[1], top[0], work, pairing)


def _plausible(line: Line, peak: int, work: _Work, pairing: Pairing) -> bool:
    """Whether the phase can account for a good part of the peak's area (texture allowed)."""
    area = pairing.peaks[peak].peak.area
    if work.scale is None or not math.isfinite(area):
        return True
    return work.scale * line.intensity > 0.15 * area


def _result(
    work: _Work,
    works: list[_Work],
    pairing: Pairing,
    present: list[str],
    claimed: dict[int, str],
    unique: dict[str, tuple[int, ...]],
    probe: AreaProbe | None,
    largest: float,
) -> PhaseResult:
    key = work.reference.phase.key
    lines = tuple(_states(work, pairing, claimed, probe))
    low, high = pairing.q_range
    rivals = tuple(_rivals(work, works, pairing))
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
        free = top.state in ("missing", "below_detection") and not _hidden(
            top.q, top.line, _Work(work.reference, []), pairing
        )
        least = probe.limit(top.q) if probe else None
        hint = probe.excess(top.q, _room(pairing, work, top.line)) if probe else None
        moved = pairing.shift.significant and not pairing.shift.applied
        if free and moved:
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
    return PhaseResult(
        key, status, reason, lines, work.share, work.chance, work.agreement, work.score, limit,
        unique.get(key, ()), rivals,
    )  # fmt: skip


def _room(pairing: Pairing, work: _Work, line: Line) -> float:
    """How far from its place a line may be [1/angstrom]."""
    if pairing.settings.plain is not None:
        return pairing.settings.plain
    _, cell = pairing.place(work.reference, line)
    stds = [m.peak.std for m in pairing.peaks]
    std = float(np.median(stds)) if stds else 0.0
    return min(pairing.settings.k * math.hypot(std, cell), 0.03)


def _states(
    work: _Work, pairing: Pairing, claimed: dict[int, str], probe: AreaProbe | None
) -> list[LineState]:
    low, high = pairing.q_range
    key = work.reference.phase.key
    out: list[LineState] = []
    for line, q, peak, _ in work.lines:
        if line.intensity < STRONG:
            continue
        expected = None if work.scale is None else work.scale * line.intensity
        if not low <= q <= high:
            out.append(LineState(line, q, "out_of_range", None, "outside the data"))
        elif peak is not None:
            owner = claimed.get(peak)
            shared = owner is not None and owner != key
            out.append(
                LineState(
                    line, q, "shared" if shared else "found", peak,
                    f"peak also explained by {owner}" if shared else "", expected,
                )
            )  # fmt: skip
        elif _hidden(q, line, work, pairing):
            near = min(pairing.peaks, key=lambda m: abs(m.peak.q - q))
            at = pairing.peaks.index(near)
            who = claimed.get(at, "an unassigned phase")
            out.append(
                LineState(line, q, "hidden", None, f"under a peak at {near.peak.q:.4f} of {who}",
                          expected)
            )  # fmt: skip
        else:
            least = probe.limit(q) if probe else None
            # texture can weaken a line three times before its absence speaks against the phase
            if least is not None and expected is not None and expected < 3 * least:
                out.append(
                    LineState(line, q, "below_detection", None,
                              "too weak to be seen, as the other lines are", expected)
                )  # fmt: skip
            else:
                out.append(
                    LineState(line, q, "missing", None, "should be seen and is not", expected)
                )
    return out


def _rivals(work: _Work, works: list[_Work], pairing: Pairing) -> list[RivalFor]:
    """Other phases with a line within tolerance of the peaks that this one explains."""
    key = work.reference.phase.key
    mine = {i for _, _, i, _ in work.lines if i is not None}
    every = {i for _, _, _, all_of in work.lines for i in all_of}
    out: list[RivalFor] = []
    for other in works:
        name = other.reference.phase.key
        if name == key:
            continue
        explains: list[str] = []
        shared: set[int] = set()
        for i in sorted(every):
            here = _first(pairing.peaks[i], key)
            there = _first(pairing.peaks[i], name)
            if here is None or there is None:
                continue
            if max(here.line.intensity, there.line.intensity) < 10:
                continue
            shared.add(i)
            explains.append(
                f"peak at {pairing.peaks[i].peak.q:.4f} 1/angstrom: {there.line.label} of {name} "
                f"({there.sigmas:.1f} std) beside {here.line.label} of {key} "
                f"({here.sigmas:.1f} std)"
            )
        if not shared:
            continue
        missing = [
            f"{s.line.label} at {s.q:.4f} 1/angstrom"
            for s in _states(other, pairing, {}, None)
            if s.state == "missing"
        ]
        complete = not missing and other.share > 0.7 and mine <= shared
        out.append(
            RivalFor(
                name, tuple(explains), tuple(missing[:6]),
                tuple(_deciders(work, other, pairing)), complete,
            )
        )  # fmt: skip
    out.sort(key=lambda r: (not r.indistinguishable, len(r.missing), -len(r.explains)))
    return out


def _first(matched: Matched, key: str) -> Candidate | None:
    return next((c for c in matched.candidates if c.phase == key and c.within), None)


def _deciders(work: _Work, other: _Work, pairing: Pairing) -> list[str]:
    """The strongest lines of either phase that the other has nothing near, then techniques."""
    out: list[str] = []
    for one, two in ((work, other), (other, work)):
        theirs = np.array([q for line, q, _, _ in two.lines if line.intensity > 3] or [np.inf])
        width = float(np.median([m.peak.fwhm for m in pairing.peaks])) if pairing.peaks else 0.02
        for line, q, _, _ in sorted(one.lines, key=lambda row: -row[0].intensity):
            if line.intensity >= 10 and np.min(np.abs(theirs - q)) > 2 * width:
                inside = pairing.q_range[0] <= q <= pairing.q_range[1]
                out.append(
                    f"line {line.label} of {one.reference.phase.key} at {q:.4f} 1/angstrom"
                    + ("" if inside else " (needs a wider range)")
                )
                break
    out.extend(technique_hints(work.reference.phase.formula, other.reference.phase.formula))
    return out


def technique_hints(first: str, second: str) -> list[str]:
    """Other techniques that could tell two formulas apart, by the elements that differ."""
    from pymatgen.core.composition import Composition
    from pymatgen.core.periodic_table import Element

    one, two = Composition(first), Composition(second)
    differ = {str(e) for e in one} ^ {str(e) for e in two}
    hints = []
    heavy = sorted(e for e in differ if Element(e).Z >= 14)
    light = sorted(e for e in differ if 3 <= Element(e).Z < 14)
    if heavy:
        hints.append(f"XRF or EDX: {', '.join(heavy)} in only one of them")
    if light:
        hints.append(f"EELS: K edge of {', '.join(light)} in only one of them")
    if not differ:
        hints.append(
            "composition by atom probe"
            if one.reduced_formula != two.reduced_formula
            else "electron diffraction of single grains (same composition)"
        )
    return hints
