"""Labels that a source has put on its peaks, held against all lines of all phases."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consilience_xrd.identification.matching import FORBIDDEN, Candidate, Pairing, tolerance
from consilience_xrd.identification.results import STRONG
from consilience_xrd.references.reference import hkl_text, is_allowed, line_q

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consilience_xrd.references.phases import PhaseCell
    from consilience_xrd.references.reference import ReferencePattern

__all__ = ["PAPER_TOLERANCE", "LabelCheck", "LabelRival", "check_labels", "parse_label"]

PAPER_TOLERANCE = 0.01
"""Tolerance [1/angstrom] that labels in common use are given with."""


@dataclass(frozen=True)
class LabelRival:
    """Another line at the peak: its distance, and its phase's strong lines without a peak."""

    phase: str
    hkl: str
    q: float
    delta: float
    sigmas: float
    intensity: float
    strong: int
    missing: tuple[str, ...]


@dataclass(frozen=True)
class LabelCheck:
    """One label.

    Attributes
    ----------
    peak : int
        Index of the peak in the pairing.
    phase, hkl : str
        What the label says; phase empty where it names none of the phases considered.
    forbidden : bool
        Whether the reflection can have no intensity.
    place, delta, sigmas : float
        Computed place and observed minus computed [1/angstrom], and that over its error; NaN
        where the label has no indices.
    within, within_plain : bool
        Within k standard deviations, and within the plain tolerance of common use.
    strong : int
        Strong lines of the labelled phase in range.
    missing : tuple of str
        Those of them that no peak of the list can be.
    rivals : tuple of LabelRival
        Lines of other phases that fit, nearest first.
    """

    peak: int
    text: str
    phase: str
    hkl: str
    forbidden: bool
    place: float
    delta: float
    sigmas: float
    within: bool
    within_plain: bool
    strong: int
    missing: tuple[str, ...]
    rivals: tuple[LabelRival, ...]


def parse_label(text: str, phases: Sequence[PhaseCell]) -> tuple[PhaseCell, tuple[int, ...]] | None:
    """Phase and indices of a label such as ``LiPt(0001)``, ``Li2CO3 (020)`` or ``Pt 111``.

    Returns
    -------
    (PhaseCell, hkl) or None
        The indices are empty where the label has none; None where it names no phase considered.
    """
    found = re.fullmatch(r"\s*([A-Za-z0-9]+)\s*[( ]?\s*([-0-9 ]*)\s*\)?\s*", text)
    if found is None:
        return None
    name, digits = found.groups()
    phase = next((p for p in phases if name in (p.label, p.key, p.formula)), None)
    if phase is None:
        return None
    parts = digits.split() if " " in digits.strip() else re.findall(r"-?\d", digits)
    hkl = tuple(int(i) for i in parts)
    if len(hkl) not in (0, 3, 4) or (len(hkl) == 4 and hkl[0] + hkl[1] + hkl[2] != 0):
        return None
    return phase, hkl


def _missing(pairing: Pairing, reference: ReferencePattern) -> tuple[int, tuple[str, ...]]:
    """Strong lines in range, and those that no peak can be."""
    low, high = pairing.q_range
    strong = 0
    out = []
    for line in reference.lines:
        q, _ = pairing.place(reference, line)
        if line.intensity < STRONG or not low <= q <= high:
            continue
        strong += 1
        met = any(
            c.within and c.phase == reference.phase.key and c.line.hkl == line.hkl
            for m in pairing.peaks
            for c in m.candidates
        )
        if not met:
            out.append(f"{line.label} at {q:.4f}")
    return strong, tuple(out)


def check_labels(pairing: Pairing, labels: Sequence[str]) -> list[LabelCheck]:
    """Hold each label against the cells, and name what else lies at its peak.

    Parameters
    ----------
    labels : sequence of str
        One for each peak of `pairing`, in its order; empty ones are passed over.
    """
    references = {r.phase.key: r for r in pairing.references}
    phases = [r.phase for r in pairing.references]
    missing = {key: _missing(pairing, r) for key, r in references.items()}
    out = []
    for i, (matched, text) in enumerate(zip(pairing.peaks, labels, strict=True)):
        if not text.strip():
            continue
        named = parse_label(text, phases)
        key = named[0].key if named else ""
        best: dict[str, Candidate] = {}
        for c in matched.candidates:
            # a line that no pattern shows is no rival
            if c.within and c.phase != key and c.line.intensity >= 2:
                best.setdefault(c.phase, c)
        rivals = tuple(
            LabelRival(c.phase, c.line.label, c.q, c.delta, c.sigmas, c.line.intensity,
                       *missing[c.phase])
            for c in sorted(best.values(), key=lambda c: c.sigmas)
        )  # fmt: skip
        if named is None or not named[1]:
            out.append(
                LabelCheck(i, text, key, "", False, math.nan, math.nan, math.nan, False, False,
                           *(missing[key] if key else (0, ())), rivals)
            )  # fmt: skip
            continue
        phase, hkl = named
        three = (hkl[0], hkl[1], hkl[-1])
        forbidden = not is_allowed(phase, three)
        place = line_q(phase, three)
        peak = matched.peak
        cell = max(phase.cell_std) * place
        shift = pairing.shift_std(peak.q)
        delta = peak.q - place
        error = math.sqrt(peak.std**2 + shift**2 + cell**2)
        room = tolerance(pairing.settings, peak.std, shift, cell)
        within = abs(delta) <= (min(room, FORBIDDEN) if forbidden else room)
        out.append(
            LabelCheck(i, text, phase.key, hkl_text(hkl), forbidden, place, delta,
                       abs(delta) / error, within, abs(delta) <= PAPER_TOLERANCE,
                       *missing[phase.key], rivals)
        )  # fmt: skip
    return out
