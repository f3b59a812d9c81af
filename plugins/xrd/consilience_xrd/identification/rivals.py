"""Which other phases explain the same peaks, and what could tell them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.identification.linestates import chance_of, plausible, states_of
from consilience_xrd.identification.results import STRONG, RivalFor, Work

if TYPE_CHECKING:
    from consilience_xrd.identification.matching import Candidate, Matched, Pairing

__all__ = ["rivals_of", "technique_hints"]


def rivals_of(
    work: Work, works: list[Work], pairing: Pairing, greatest_chance: float
) -> list[RivalFor]:
    """Other phases with a line within tolerance of the strong lines that this one explains.

    A rival is *live* if none of its own strong lines is missing and if without the peaks that
    it can account for this phase would not be established (an accidental match of the rest is more
    probable than `greatest_chance`).
    """
    key = work.reference.phase.key
    mine = {i for _, _, i, _ in work.lines if i is not None}
    strong = {i for line, _, i, _ in work.lines if i is not None and line.intensity >= STRONG}
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
        if not shared or (not shared & strong and mine - shared):
            continue  # a weak line beside others of its own is no evidence that could be shared
        missing = [
            f"{s.line.label} at {s.q:.4f} 1/angstrom"
            for s in states_of(other, pairing, {}, None)
            if s.state == "missing"
        ]
        complete = not missing and other.share > 0.7 and mine <= shared
        # a weak line of the other cannot account for a strong peak
        able = {
            i
            for i in shared
            if (there := _first(pairing.peaks[i], name)) is not None
            and plausible(there.line, i, other, pairing)
        }
        rest = chance_of(pairing, work, only_unclaimed=dict.fromkeys(able, name))
        live = complete or (not missing and rest > greatest_chance)
        out.append(
            RivalFor(
                name, tuple(explains), tuple(missing[:6]),
                tuple(_deciders(work, other, pairing)), complete, live,
            )
        )  # fmt: skip
    out.sort(key=lambda r: (not r.live, not r.indistinguishable, len(r.missing), -len(r.explains)))
    return out


def _first(matched: Matched, key: str) -> Candidate | None:
    return next((c for c in matched.candidates if c.phase == key and c.within), None)


def _deciders(work: Work, other: Work, pairing: Pairing) -> list[str]:
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
