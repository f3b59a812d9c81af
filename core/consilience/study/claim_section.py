"""The report's section on what a text states: printed, computed, formula, verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consilience.kinds import STATED
from consilience.view import Block, Cell, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consilience.model.finding import Finding
    from consilience.model.verdict import Verdict

__all__ = ["claim_blocks"]


def claim_blocks(findings: Sequence[Finding], verdicts: Sequence[Verdict]) -> list[Block]:
    """Return one line for each figure that a text states, the worst verdict first."""
    from consilience.claims import ARITHMETIC, Claim
    from consilience.notation import number, unit_text
    from consilience.report.rows import worst_first
    from consilience.report.words import ANSWERS

    by_id = {f.id: f for f in findings}
    symbol = {w.answer: f"{w.symbol} {w.word}" for w in ANSWERS}
    rows: list[list[Cell]] = []
    for verdict in worst_first([v for v in verdicts if v.kind == STATED]):
        pair = (by_id[i] for i in verdict.findings)
        stated, computed = sorted(pair, key=lambda f: f.source.analysis == ARITHMETIC)
        told, claim = computed.evidence, Claim.model_validate(stated.evidence["claim"])
        shown = str(verdict.numbers.get("stated", claim.value or claim.equals))
        unit = unit_text(claim.unit)
        found = "–"
        if computed.value is not None and verdict.numbers:
            low, high = (number(float(str(verdict.numbers[k])), 4) for k in ("low", "high"))
            spread = f" ({low} to {high})" if low != high else ""
            error = "" if computed.std_stat is None else f" ± {number(computed.std_stat, 2)}"
            found = f"{number(computed.value, 4)}{error} {unit}{spread}"
        rows.append(
            [
                stated.subject.label if stated.subject else "",
                f"{shown} {unit}".replace("<=", "≤").replace(">=", "≥").strip(),
                found,
                str(told.get("printed") or told.get("formula")),
                symbol[verdict.verdict],
                stated.source.citation,
            ]
        )
    if not rows:
        return []
    return [
        Table(
            ("figure", "the text says", "computed", "formula", "verdict", "source"),
            rows,
            "Figures of the text against the formulas that they must follow; in brackets, what the "
            "digits of their terms leave open",
            "the verdicts say what else the words could mean, and what that would give",
        )
    ]
