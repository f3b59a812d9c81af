"""Findings about published labels: what else a peak could be, and which label cannot be right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from consilience.model.finding import FindingDraft, Rival
from consilience_xrd.findings.drafts import subject_of
from consilience_xrd.identification.labels import PAPER_TOLERANCE, LabelCheck, check_labels
from consilience_xrd.identification.rivals import technique_hints

if TYPE_CHECKING:
    from consilience_xrd.identification.matching import Pairing

__all__ = ["label_drafts"]


def label_drafts(
    pairing: Pairing, labels: Sequence[str], method: str, assumptions: Sequence[str]
) -> list[FindingDraft]:
    """One finding for each labelled peak, with the label's verdict as reason.

    Parameters
    ----------
    labels : sequence of str
        In the order of the peaks of `pairing`.
    """
    return [_draft(c, pairing, method, assumptions) for c in check_labels(pairing, labels)]


def _verdict(check: LabelCheck) -> tuple[str, str]:
    """A word for the label, and a sentence."""
    others = ", ".join(f"{r.phase} {r.hkl} ({r.delta:+.4f})" for r in check.rivals[:6])
    if not check.phase:
        said = f"the label {check.text!r} names no phase considered"
        return "not checked", said + (f"; lines here: {others}" if others else "")
    name = f"{check.phase} {check.hkl}".strip()
    if check.forbidden:
        said = f"{name} is a forbidden reflection: it can have no intensity"
        return "forbidden", said + (f"; lines here: {others}" if others else "; no line is here")
    if not check.hkl:
        said = f"the label {check.text!r} has no indices"
        return "not checked", said + (f"; lines here: {others}" if others else "")
    plain = "within" if check.within_plain else "beyond"
    where = (
        f"{name} is computed at {check.place:.4f} 1/angstrom, {check.delta:+.4f} away "
        f"({check.sigmas:.1f} std), {plain} the plain {PAPER_TOLERANCE:g}"
    )
    gone = f"{len(check.missing)} of {check.strong} strong lines of {check.phase} have no peak here"
    if not check.within:
        return "beyond tolerance", f"{where}" + (f"; nearer: {others}" if others else "")
    if check.rivals:
        return "has rivals", f"{where}; also here: {others}; {gone}"
    return "alone", f"{where}; no other phase considered has a line here; {gone}"


def _draft(
    check: LabelCheck, pairing: Pairing, method: str, assumptions: Sequence[str]
) -> FindingDraft:
    phases = {r.phase.key: r.phase for r in pairing.references}
    peak = pairing.peaks[check.peak].peak
    word, sentence = _verdict(check)
    own = phases.get(check.phase)
    rivals = [
        Rival(
            subject=subject_of(phases[r.phase]),
            live=not r.missing,
            explains=[
                (
                    f"{r.hkl} at {r.q:.4f} 1/angstrom, {r.delta:+.4f} away ({r.sigmas:.1f} std), "
                    f"relative intensity {r.intensity:.0f}"
                )
            ],
            missing=[f"{line} 1/angstrom" for line in r.missing[:6]],
            decided_by=_deciders(check, r.phase, r.missing, pairing),
        )
        for r in check.rivals
    ]
    evidence: dict[str, Any] = {
        "label": check.text,
        "label_verdict": word,
        "place": _number(check.place),
        "delta": _number(check.delta),
        "sigmas": _number(check.sigmas, 3),
        "within": check.within,
        "within_plain": check.within_plain,
        "strong_lines": check.strong,
        "strong_lines_missing": list(check.missing),
    }
    return FindingDraft(
        kind="diffraction_line",
        subject=None if own is None else subject_of(own),
        value=peak.q,
        unit="1/angstrom",
        std_stat=peak.fit_std,
        std_sys=peak.profile_std,
        reason=f"published label, {word}: {sentence}",
        rivals=rivals,
        evidence=evidence,
        assumptions=list(assumptions),
        method=method,
    )


def _number(value: float, digits: int = 5) -> float | None:
    return round(value, digits) if math.isfinite(value) else None


def _deciders(check: LabelCheck, rival: str, missing: Sequence[str], pairing: Pairing) -> list[str]:
    """The strong lines that either phase should show besides, then other techniques."""
    phases = {r.phase.key: r.phase for r in pairing.references}
    out = [f"line {line} 1/angstrom of {rival}" for line in missing[:2]]
    if check.phase:
        out = [f"line {line} 1/angstrom of {check.phase}" for line in check.missing[:2]] + out
        out += technique_hints(phases[check.phase].formula, phases[rival].formula)
    return out
