"""The table of published labels."""

from __future__ import annotations

from collections.abc import Sequence

from consilience.model.finding import Finding
from consilience.view import Cell, Table

__all__ = ["label_table"]


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits) + 0.0


def label_table(findings: Sequence[Finding]) -> Table | None:
    """Each published label with its verdict, rivals and missing lines; None without labels."""
    rows: list[list[Cell]] = []
    for f in sorted(
        (f for f in findings if f.evidence.get("label_verdict")), key=lambda f: f.value or 0.0
    ):
        e = f.evidence
        gone = list(e.get("strong_lines_missing", []))
        rows.append(
            [
                str(e["label"]),
                None if f.value is None else round(f.value, 4),
                _rounded(e.get("place"), 4),
                _rounded(e.get("delta"), 4),
                _rounded(e.get("sigmas"), 1),
                "yes" if e.get("within_plain") else "no",
                str(e["label_verdict"]),
                "; ".join(
                    f"{r.subject.label}: {r.explains[0].split(',')[0]}"
                    + (f", {len(r.missing)} strong lines missing" if r.missing else "")
                    for r in f.rivals[:5]
                )
                or "none",
                ", ".join(gone[:5]) + (f" and {len(gone) - 5} more" if len(gone) > 5 else "")
                or "none",
                "; ".join(dict.fromkeys(d for r in f.rivals[:2] for d in r.decided_by[-2:])) or "",
            ]
        )
    if not rows:
        return None
    return Table(
        [
            "published label",
            "q (Å⁻¹)",
            "computed place (Å⁻¹)",
            "difference (Å⁻¹)",
            "difference over its std (1)",
            "within ±0.01 Å⁻¹",
            "verdict",
            "other lines here",
            "strong lines of the label that have no peak",
            "what could decide",
        ],
        rows,
        title="Published labels and their rivals",
        note="A label is as good as its rivals are bad: 'has rivals' means that the position alone "
        "does not say which phase it is, 'forbidden' that the named reflection has no intensity.",
    )
