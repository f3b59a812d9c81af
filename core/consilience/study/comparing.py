"""Comparing what a study found, and saying who could have spoken."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from consilience.declarations import Analysis, Kind, Modality
from consilience.kinds import STATED
from consilience.study.claim_section import claim_blocks
from consilience.study.silent_pairs import silent_blocks
from consilience.view import Block, Cell, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consilience.compare.reach import Reach
    from consilience.model.finding import Finding
    from consilience.model.verdict import Verdict
    from consilience.report import Section
    from consilience.study.study import Study

__all__ = ["agreement_sections", "modalities_of", "reach"]

MOST_QUANTITIES = 100
"""In the table of what is said of what; the verdicts themselves are all listed."""
SAID = 3
"""How many findings of one technique a line of that table tells."""


def modalities_of(study: Study, findings: Sequence[Finding]) -> dict[str, str]:
    """Return for each finding ID its technique, or who entered it."""
    records = study.custody().records
    return {
        f.id: records[f.measurements[0]].modality
        if f.measurements and f.kind != STATED
        else f.entered_by
        for f in findings
    }


def reach(study: Study, findings: Sequence[Finding] | None = None) -> list[list[Reach]]:
    """Return kinds against techniques; see `consilience.compare.reach.reach_of`."""
    from consilience.compare.reach import reach_of

    found = study.findings() if findings is None else findings
    found = [f for f in found if f.kind != STATED]  # no technique can give what a text says
    return reach_of(
        {k.name: k for k in study.registry.all(Kind)},
        {m.key: m for m in study.registry.all(Modality)},
        study.registry.all(Analysis),
        study.current_runs().values(),
        list(study.custody().records.values()),
        found,
        modalities_of(study, found),
    )


def agreement_sections(
    study: Study, findings: Sequence[Finding], verdicts: Sequence[Verdict]
) -> list[Section]:
    """Return the sections before the details: what is said of what, and who can speak of what."""
    from consilience.report import Section

    parts: list[tuple[str, list[Block]]] = [
        ("What the text states, computed again", claim_blocks(findings, verdicts)),
        ("What is said of what", _statements(study, findings, verdicts)),
        (
            "What is not compared",
            silent_blocks(study, findings, verdicts, modalities_of(study, findings)),
        ),
        ("Who can speak of what", _reach(study, findings)),
    ]
    return [Section(title, blocks, "core", "agreement") for title, blocks in parts if blocks]


def _statements(
    study: Study, findings: Sequence[Finding], verdicts: Sequence[Verdict]
) -> list[Block]:
    """Return each quantity that was compared, with a line for each technique."""
    from consilience.report.rows import statement, worst_first
    from consilience.report.words import ANSWERS

    by_id = {f.id: f for f in findings}
    techniques = modalities_of(study, findings)
    kinds = {k.name: k for k in study.registry.all(Kind)}
    presence = {k.name for k in kinds.values() if k.about == "presence"}
    symbol = {w.answer: f"{w.symbol} {w.word}" for w in ANSWERS}
    lines: dict[tuple[str, str], dict[str, list[str]]] = {}
    answers: dict[tuple[str, str], Counter[str]] = {}
    for verdict in worst_first([v for v in verdicts if v.kind != STATED]):
        keys = set()
        for one in (by_id[i] for i in verdict.findings if i in by_id):
            key = (one.kind, one.subject.label if one.subject else "")
            keys.add(key)
            region = f", {one.region.label}" if one.region and one.region.label else ""
            said = f"{one.sample}{region}: {statement(one, presence)}"
            cell = lines.setdefault(key, {}).setdefault(techniques[one.id], [])
            if said not in cell:
                cell.append(said)
        for key in keys:
            answers.setdefault(key, Counter())[symbol[verdict.verdict]] += 1
    if not lines:
        return []
    rows: list[list[Cell]] = []
    for (kind, label), line in list(lines.items())[:MOST_QUANTITIES]:
        counts = answers[kind, label]
        words = ", ".join(f"{word} ×{n}" if n > 1 else word for word, n in counts.items())
        title = kinds[kind].title if kind in kinds else kind
        what = f"{label}: {title}" if label else title
        for technique in sorted(line):
            rows.append([what, technique, _short(line[technique]), words])
            what = words = ""
    note = (
        ""
        if len(lines) <= MOST_QUANTITIES
        else f"the first {MOST_QUANTITIES} of {len(lines)} quantities"
    )
    return [
        Table(
            ("of what", "technique", "what it says", "verdicts"),
            rows,
            "Each quantity that was compared, worst first, with what every technique says of it; "
            "a technique that is not named says nothing of it",
            note,
        )
    ]


def _short(said: Sequence[str]) -> str:
    """Return what a cell has room for; the findings have all of it."""
    words = [s if len(s) <= 120 else f"{s[:118]}…" for s in said[:SAID]]
    more = f" and {len(said) - SAID} more" if len(said) > SAID else ""
    return " / ".join(words) + more


def _reach(study: Study, findings: Sequence[Finding]) -> list[Block]:
    from consilience.report.probed import sizes_table

    table = reach(study, findings)
    if not table or len(table[0]) < 2:
        return []
    kinds = {k.name: k.title for k in study.registry.all(Kind)}
    marks: dict[str, int] = {}
    rows: list[list[Cell]] = []
    for row in table:
        cells: list[Cell] = [kinds.get(row[0].kind, row[0].kind)]
        for cell in row:
            if cell.findings:
                cells.append(cell.said or str(cell.findings))
            else:
                cells.append(f"– ({marks.setdefault(cell.reason, len(marks) + 1)})")
        rows.append(cells)
    blocks: list[Block] = [
        Table(
            ("kind", *(c.technique for c in table[0])),
            rows,
            "How many findings of each kind each technique gives",
        )
    ]
    if marks:
        why: list[list[Cell]] = [[f"({n})", reason] for reason, n in marks.items()]
        blocks.append(Table(("cell", "why it is empty"), why, "Why cells are empty"))
    told = [f for f in findings if f.kind != STATED]  # a text is of no size
    sizes = sizes_table(told, modalities_of(study, told))
    return blocks if sizes is None else [*blocks, sizes]
