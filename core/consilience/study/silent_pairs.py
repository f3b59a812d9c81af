"""Techniques that were used on one sample and of which nothing is compared, with the reason.

A comparison that is not made leaves no verdict.  So that it is not passed over, each pair of
techniques on one sample that no verdict joins is listed, with what each of the two has to say.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from consilience.declarations import Kind
from consilience.kinds import STATED
from consilience.view import Block, Cell, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from consilience.model.finding import Finding
    from consilience.model.verdict import Verdict
    from consilience.study.study import Study

__all__ = ["silent_blocks", "silent_pairs"]

MOST_KINDS = 4
MOST_NOTICES = 2
MOST_ROWS = 100


def silent_pairs(
    study: Study,
    findings: Sequence[Finding],
    verdicts: Sequence[Verdict],
    techniques: Mapping[str, str],
) -> list[tuple[str, str, str, str]]:
    """Return sample, two techniques and the reason, for each pair that no verdict joins.

    Parameters
    ----------
    techniques : mapping
        Finding ID to technique.
    """
    sample_of = {f.id: f.sample for f in findings}
    joined: set[tuple[str, str, str]] = set()
    for verdict in verdicts:
        sides = [(sample_of[i], techniques[i]) for i in verdict.findings if i in sample_of]
        for (one, first), (other, second) in combinations(sides, 2):
            if one == other:
                joined |= {(one, first, second), (one, second, first)}
    used: dict[str, set[str]] = {}
    for record in study.custody().records.values():
        used.setdefault(record.sample, set()).add(record.modality)
    titles = {k.name: k.title for k in study.registry.all(Kind)}
    found = []
    for sample in sorted(used):
        for first, second in combinations(sorted(used[sample]), 2):
            if (sample, first, second) in joined:
                continue
            said = [_says(study, sample, t, findings, techniques, titles) for t in (first, second)]
            found.append((sample, first, second, "; ".join(said)))
    return found


def _says(
    study: Study,
    sample: str,
    technique: str,
    findings: Sequence[Finding],
    techniques: Mapping[str, str],
    titles: Mapping[str, str],
) -> str:
    kinds = {
        f.kind
        for f in findings
        if f.sample == sample and techniques[f.id] == technique and f.kind != STATED
    }
    if kinds:
        named = sorted(titles.get(kind, kind) for kind in kinds)
        more = f" and {len(named) - MOST_KINDS} more" if len(named) > MOST_KINDS else ""
        return f"{technique} gives {', '.join(named[:MOST_KINDS])}{more}"
    records = study.custody().records
    mine = {r.id for r in records.values() if r.sample == sample and r.modality == technique}
    runs = [r for r in study.current_runs().values() if mine.intersection(r["measurements"])]
    if not runs:
        return f"{technique} gives no finding: no analysis of it was run"
    notices = [str(n["message"]) for run in runs for n in run.get("notices", [])]
    why = "; ".join(list(dict.fromkeys(notices))[:MOST_NOTICES])
    return f"{technique} gives no finding" + (f" ({why})" if why else "")


def silent_blocks(
    study: Study,
    findings: Sequence[Finding],
    verdicts: Sequence[Verdict],
    techniques: Mapping[str, str],
) -> list[Block]:
    """Return the table of what is not compared, empty where every pair has a verdict."""
    pairs = silent_pairs(study, findings, verdicts, techniques)
    if not pairs:
        return []
    rows: list[list[Cell]] = [[sample, f"{a}, {b}", why] for sample, a, b, why in pairs]
    note = "" if len(rows) <= MOST_ROWS else f"the first {MOST_ROWS} of {len(rows)} lines"
    return [
        Table(
            ("sample", "techniques", "what each has to say"),
            rows[:MOST_ROWS],
            "Techniques that were used on one sample and of which no findings meet",
            note,
        )
    ]
