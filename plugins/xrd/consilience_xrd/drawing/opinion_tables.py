"""What the whole-pattern fit says beside the peaks, and mass fractions or why there are none."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.model.finding import Finding
from consilience.view import Block, Cell, Table, Text

__all__ = ["opinion_tables"]

_WORDS = {
    "present": "present",
    "absent_below_limit": "absent below limit",
    "not_observable": "not observable",
    None: "undecided",
}


def opinion_tables(findings: Sequence[Finding]) -> list[Block]:
    """Tables of both opinions on each phase that either of them knows, and of mass fractions."""
    blocks: list[Block] = []
    rows: list[list[Cell]] = []
    for f in findings:
        whole = f.evidence.get("whole_pattern") if f.kind == "phase" else None
        if not isinstance(whole, dict) or not (whole["taken"] or f.status == "present"):
            continue
        record = f.evidence.get("texture")
        texture = record if isinstance(record, dict) else None
        rows.append(
            [
                f.subject.label if f.subject else "",
                _WORDS[f.status],
                "needed" if whole["taken"] else "not needed",
                whole["share_of_areas"],
                whole["gain"],
                None if texture is None else texture["agreement"],
                None if texture is None else texture["texture"] or "none seen",
                f.evidence.get("disagreement") or "none",
            ]
        )
    if rows:
        blocks.append(
            Table(
                [
                    "phase",
                    "status",
                    "in the whole-pattern fit",
                    "share of the fitted areas (1)",
                    "rise of χ² over its degrees of freedom without it (1)",
                    "intensity agreement (1)",
                    "texture",
                    "disagreement",
                ],
                rows,
                title="Second opinion: a fit of the whole pattern",
            )
        )
    fractions = [f for f in findings if f.kind == "phase_fraction"]
    given = [f for f in fractions if f.value is not None]
    if given:
        blocks.append(
            Table(
                ["phase", "mass fraction (1)", "statistical std (1)", "systematic std (1)"],
                [
                    [
                        f.subject.label if f.subject else "",
                        round(f.value or 0.0, 4),
                        None if f.std_stat is None else float(f"{f.std_stat:.2g}"),
                        None if f.std_sys is None else float(f"{f.std_sys:.2g}"),
                    ]
                    for f in given
                ],
                title="Mass fractions of the crystalline phases",
                note="; ".join(given[0].assumptions[:2]),
            )
        )
    elif fractions:
        reason = fractions[0].reason or ""
        blocks.append(Text(f"{reason[0].upper()}{reason[1:]}.", tone="doubt"))
    return blocks
