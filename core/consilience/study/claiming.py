"""Entering figures that a text states, with the formula that they must follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from consilience.claims import STATED, Claim, Stated, derived_findings
from consilience.claims.claim import BY_TEXT
from consilience.model.finding import FindingDraft, Subject
from consilience.study.added import Added
from consilience.study.entering import validated

if TYPE_CHECKING:
    from consilience.model.finding import Finding
    from consilience.study.contents import Contents
    from consilience.study.entry import Entry

__all__ = ["register_claim", "with_figures"]


def register_claim(
    study: Entry, claim: Claim | Mapping[str, Any], sample: str, citation: str
) -> Added:
    """Register a claim as an entered finding; see `Study.add_claim`."""
    known = (
        claim
        if isinstance(claim, Claim)
        else validated(Claim, claim, f"claim {claim.get('title', '')!r} of {sample!r}")
    )
    evidence: dict[str, Any] = {"claim": known.to_json()}
    value = std = None
    stated = Stated.read(known.value) if known.value else None
    if stated is not None and not stated.bound:
        value, std = stated.value, stated.half / 3.0**0.5
    else:
        evidence["sentence"] = f"{known.value or known.equals} {known.unit}".removesuffix(" 1")
    draft = FindingDraft(
        kind=STATED,
        subject=Subject(label=known.title),
        value=value,
        unit=None if value is None else known.unit,
        std_sys=std,
        evidence=evidence,
        assumptions=[] if std is None else ["the error is that of the printed digits alone"],
        method=known.quote or "as the cited text has it",
    )
    return study.add_finding(draft, sample, citation, BY_TEXT)


def with_figures(
    study: Contents, findings: list[Finding], kind: str | None, sample: str | None
) -> list[Finding]:
    """Return findings with what the formulas of claims give; computed once for a journal's head."""
    if kind not in (None, STATED):
        return findings
    if (kind, sample) != (None, None):  # a formula may take findings of other kinds and samples
        whole = study.findings()
        return [f for f in whole if kind in (None, f.kind) and sample in (None, f.sample)]
    if study.figures is None or study.figures[0] != study.head:
        study.figures = (study.head, derived_findings(findings, study.measurements))
    return [*findings, *study.figures[1]]
