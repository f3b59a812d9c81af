"""What a reader must see one by one, what is told once for several, and what is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from consilience.model.verdict import Verdict
from consilience.report.rows import Anchors, VerdictRow
from consilience.report.words import ANSWERS, AnswerWord, general_reason

__all__ = ["MOST_ROWS", "Folded", "fold", "gathered"]

MOST_ROWS = 400
"""So many verdicts have a line each; more than that nobody reads, and no browser likes."""
MOST_NOT_COMPARABLE = 40
"""Of so many comparisons that cannot be made each has a line."""
_REASONS = 6
_SAMPLES = 8


@dataclass(frozen=True)
class Folded:
    """Verdicts of one answer on one quantity that have no line of their own."""

    anchor: str
    word: AnswerWord
    what: str
    count: int
    reasons: tuple[tuple[str, int], ...]
    more_reasons: int
    samples: str


def fold(
    verdicts: Sequence[Verdict], anchors: Anchors, titles: Mapping[str, str]
) -> tuple[list[Verdict], list[Folded]]:
    """Return the verdicts to list, and the others counted by answer, kind and subject.

    Comparisons that cannot be made are counted by their reasons where there are more than
    `MOST_NOT_COMPARABLE`, or more than `MOST_ROWS` of all; what decides is listed as far as there
    is room, worst first.  Links to a verdict without a line lead to its count.

    Parameters
    ----------
    verdicts : sequence of Verdict
        Worst first.
    anchors : Anchors
    titles : mapping
        Kind to what a reader calls it.
    """
    unmade = sum(v.verdict == "not_comparable" for v in verdicts)
    if len(verdicts) <= MOST_ROWS and unmade <= MOST_NOT_COMPARABLE:
        return list(verdicts), []
    shown: list[Verdict] = []
    groups: dict[tuple[str, str, str], list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.verdict != "not_comparable" and len(shown) < MOST_ROWS:
            shown.append(verdict)
        else:
            subject = verdict.subject.label if verdict.subject else ""
            groups.setdefault((verdict.verdict, verdict.kind, subject), []).append(verdict)
    words = {word.answer: word for word in ANSWERS}
    folded = []
    for (answer, kind, subject), members in groups.items():
        anchor = anchors.add("verdicts", f"{answer} {kind} {subject}")
        for verdict in members:
            anchors.alias("verdict", verdict.id, anchor)
        reasons = Counter(general_reason(verdict) for verdict in members)
        samples = sorted({name for verdict in members for name in verdict.samples})
        more = f" and {len(samples) - _SAMPLES} more" if len(samples) > _SAMPLES else ""
        title = titles.get(kind, kind.replace("_", " "))
        folded.append(
            Folded(
                anchor=anchor,
                word=next(w for a, w in words.items() if a == answer),
                what=f"{subject}: {title}" if subject else title,
                count=len(members),
                reasons=tuple(reasons.most_common(_REASONS)),
                more_reasons=max(len(reasons) - _REASONS, 0),
                samples=", ".join(samples[:_SAMPLES]) + more,
            )
        )
    return shown, sorted(folded, key=lambda f: (ANSWERS.index(f.word), -f.count, f.what))


def gathered(rows: Sequence[VerdictRow]) -> list[VerdictRow]:
    """Return one row for all that say the same of one thing, where the first of them stands.

    A row that tells a doubt in full, or that has a number, stands alone.
    """
    groups: dict[tuple[object, ...], list[VerdictRow]] = {}
    for number, row in enumerate(rows):
        key = (
            row.word.answer,
            row.what,
            row.why,
            row.without,
            row.detectable,
            tuple(sorted(c.rule for c in [*row.doubts, *(c for c, _ in row.again)])),
            tuple((name, *rules) for _, name, rules in row.noted),
            row.verdict.settle,
            len(row.tails),
            *row.verdict.samples,
        )
        alone = row.difference is not None or (row.doubts and key in groups)
        groups.setdefault((number,) if alone else key, []).append(row)
    made = []
    for group in groups.values():
        sides = range(len(group[0].tails))
        apart = [k for k in sides if len({row.tails[k][1] for row in group}) > 1] or list(sides)
        shared = {k: _shared([row.tails[k][1] for row in group]) for k in apart}
        alike = [
            (row.anchor, [(row.tails[k][0], _rest(row.tails[k][1], shared[k])) for k in apart])
            for row in group
        ]
        made.append(replace(group[0], alike=alike) if len(group) > 1 else group[0])
    return made


def _shared(tails: Sequence[str]) -> int:
    """Return with how many parts all begin."""
    parts = zip(*(tail.split(", ") for tail in tails), strict=False)
    return sum(1 for _ in takewhile(lambda same: len(set(same)) == 1, parts))


def _rest(tail: str, shared: int) -> str:
    return ", ".join(tail.split(", ")[shared:]) or tail or "whole"
