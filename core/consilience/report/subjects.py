"""One strip for each element and phase: what every technique says of it, with what it probed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from consilience.compare.presence.elements_of_phase import KEY as ELEMENTS
from consilience.model.base import StateValue
from consilience.model.finding import Finding, Subject
from consilience.model.verdict import Caveat, Verdict
from consilience.notation import state
from consilience.report.lineage import natural
from consilience.report.probed import Probed, probed, probed_by
from consilience.report.rows import gravest_effects, statement
from consilience.report.subject_drawing import SubjectDrawing
from consilience.report.words import ANSWERS
from consilience.view import Block, Figure, Table, Text

__all__ = ["Line", "Panel", "subject_strips"]

MOST_STRIPS = 20
MOST_LINES = 30


@dataclass(frozen=True)
class Line:
    """One line of a strip: one finding, or several of one technique on one sample and quantity."""

    label: str
    technique: str
    findings: tuple[Finding, ...]
    said: str
    probed: Probed
    effect: str = ""

    @property
    def one(self) -> Finding:
        """The finding, or the first of several."""
        return self.findings[0]


@dataclass(frozen=True)
class Panel:
    """Lines of one quantity on one axis; without unit they are words."""

    title: str
    unit: str | None
    lines: tuple[Line, ...] = field(default=())


def subject_strips(
    findings: Sequence[Finding],
    verdicts: Sequence[Verdict],
    titles: Mapping[str, str],
    techniques: Mapping[str, str],
    caveats: Sequence[Caveat],
    presence: set[str],
    most: int = MOST_STRIPS,
) -> list[Block]:
    """Return a strip for each element and phase of which two or more techniques speak.

    Parameters
    ----------
    findings, verdicts, caveats : sequences
        Of the whole study; what is doubted or left out by a rule is drawn so.
    titles : mapping
        Kind to what a reader calls it.
    techniques : mapping
        Finding ID to the technique.
    presence : set of str
        Kinds that say whether something is there.
    most : int
        So many strips; the rest is named.

    Returns
    -------
    list of Figure
        Subjects that disagree first; a Text names those that are not drawn.
    """
    groups = _space_groups(findings)
    said: dict[str, list[Finding]] = {}
    for finding in findings:
        subject = finding.subject
        if subject is not None and (subject.element or subject.formula) and _speaks(finding):
            said.setdefault(_key(subject, groups), []).append(finding)
    subject_of = {f.id: key for key, group in said.items() for f in group}
    _beside_their_phase(said, findings, verdicts, groups)
    spoken = {
        key: group for key, group in said.items() if len({techniques[f.id] for f in group}) > 1
    }
    answers: dict[str, Counter[str]] = {}
    as_part: dict[str, Counter[str]] = {}
    for verdict in verdicts:
        own = None if verdict.subject is None else _key(verdict.subject, groups)
        if own is not None:
            answers.setdefault(own, Counter())[verdict.verdict] += 1
        for key in {subject_of[i] for i in verdict.findings if i in subject_of} - {own}:
            as_part.setdefault(key, Counter())[verdict.verdict] += 1
    order: dict[str, int] = {word.answer: i for i, word in enumerate(ANSWERS)}
    worst = {key: min((order[a] for a in counts), default=9) for key, counts in answers.items()}
    ranked = sorted(spoken, key=lambda k: (worst.get(k, 9), -len(spoken[k]), k))
    effects = gravest_effects(caveats)
    blocks: list[Block] = [
        _strip(
            spoken[key],
            _verdicts_said(answers.get(key, Counter()), as_part.get(key, Counter())),
            titles,
            techniques,
            effects,
            presence,
        )
        for key in ranked[:most]
    ]
    if ranked[most:]:
        left = ", ".join(_label(spoken[key]) for key in ranked[most:])
        blocks.append(Text(f"Several techniques also speak of {left}; see Findings."))
    return blocks


def _beside_their_phase(
    said: dict[str, list[Finding]],
    findings: Sequence[Finding],
    verdicts: Sequence[Verdict],
    groups: Mapping[str, set[int]],
) -> None:
    """Add to a phase what a technique that sees no phases says of its elements in one place."""
    by_id = {f.id: f for f in findings}
    for verdict in verdicts:
        if verdict.comparison != ELEMENTS or verdict.subject is None:
            continue
        group = said.get(_key(verdict.subject, groups), [])
        known = {f.id for f in group}
        group += [by_id[i] for i in verdict.findings if i in by_id and i not in known]


def _space_groups(findings: Sequence[Finding]) -> dict[str, set[int]]:
    """Return by formula the space groups that are known of it."""
    known: dict[str, set[int]] = {}
    for finding in findings:
        subject = finding.subject
        if subject is not None and subject.formula and subject.space_group:
            known.setdefault(subject.formula, set()).add(subject.space_group)
    return known


def _key(subject: Subject, groups: Mapping[str, set[int]]) -> str:
    """Return what makes a subject: who sees no lattice means the only phase known of a formula."""
    if subject.formula and subject.space_group is None:
        known = groups.get(subject.formula, set())
        if len(known) == 1:
            return subject.model_copy(update={"space_group": min(known)}).key
    return subject.key


def _speaks(finding: Finding) -> bool:
    """Return True if a finding says something that a strip can show."""
    if finding.status is not None:
        return True
    return finding.value is not None and finding.unit is not None


def _label(group: Sequence[Finding]) -> str:
    own = _element(group[0])  # elements in the strip of a phase come after it
    labels = Counter(f.subject.label for f in group if f.subject is not None and _element(f) == own)
    return min(labels, key=lambda label: (-labels[label], label))


def _verdicts_said(own: Counter[str], as_part: Counter[str]) -> str:
    """Return what was decided of a subject, and of compositions and phases that it is part of."""
    said = [
        f"{start}: {', '.join(f'{found[w.answer]} {w.word}' for w in ANSWERS if found[w.answer])}."
        for start, found in (
            ("Verdicts on it", own),
            ("Verdicts on a whole that it is part of (a composition, a phase)", as_part),
        )
        if found
    ]
    return " ".join(said) or "It was compared with nothing: see Verdicts and What is not compared."


def _strip(
    group: Sequence[Finding],
    caption: str,
    titles: Mapping[str, str],
    techniques: Mapping[str, str],
    effects: Mapping[str, str],
    presence: set[str],
) -> Figure:
    label = _label(group)
    subject = group[0].subject
    what = "element" if subject is not None and subject.element else "phase"
    common = _common_state(group)
    panels, left_out = _panels(
        group, titles, techniques, effects, presence, common, named=what == "phase"
    )
    drawing = SubjectDrawing(panels)
    lines = [line for panel in panels for line in panel.lines]
    if any(len(line.findings) > 1 for line in lines):
        caption += " A line of several values shows each as a dot."
    if common:
        caption += f" Where a state is stated, it is {state(common)}."
    if left_out:
        caption += f" {left_out} more lines are not drawn; Findings has all."
    simulated = sum(f.origin == "simulated" for f in group)
    if simulated:
        caption += f" {simulated} of {len(group)} findings are simulated."
    return Figure(
        title=f"{label}, {what}",
        caption=caption,
        alt=f"{label}: {len(lines)} lines of {len({x.technique for x in lines})} techniques.",
        draw=drawing.draw,
        table=_table(group, titles, techniques, effects, presence),
        size=drawing.size,
    )


def _common_state(group: Sequence[Finding]) -> Mapping[str, StateValue] | None:
    """Return the state of all findings that have one, which is said once and not on each line."""
    states = [one.state for one in group if one.state]
    return states[0] if len(states) > 1 and all(one == states[0] for one in states) else None


def _panels(
    group: Sequence[Finding],
    titles: Mapping[str, str],
    techniques: Mapping[str, str],
    effects: Mapping[str, str],
    presence: set[str],
    common: Mapping[str, StateValue] | None,
    *,
    named: bool,
) -> tuple[list[Panel], int]:
    """Return the lines by quantity, presence first, at most `MOST_LINES`; and how many are left."""
    by_kind: dict[tuple[bool, str, str | None], list[Finding]] = {}
    for finding in group:
        words = finding.kind in presence or finding.status == "not_observable"
        unit = None if words else finding.unit
        by_kind.setdefault((not words, finding.kind, unit), []).append(finding)
    ordered = sorted(
        by_kind.items(),
        key=lambda item: (item[0][0], named and _element(item[1][0]) != "", str(item[0])),
    )
    for level in ("finding", "sample", "technique"):  # the finest at which all lines have room
        drawn = [_lines(f, techniques, effects, presence, common, level, named) for _, f in ordered]
        if sum(map(len, drawn)) <= MOST_LINES:
            break
    panels: list[Panel] = []
    room, left = MOST_LINES, 0
    for ((_, kind, unit), _), lines in zip(ordered, drawn, strict=True):
        left += len(lines[max(room, 0) :])
        shown = tuple(lines[: max(room, 0)])
        room -= len(shown)
        if shown:
            title = titles.get(kind, kind.replace("_", " "))
            panels.append(Panel(title[:1].upper() + title[1:], unit, shown))
    return panels, left


def _lines(
    members: Sequence[Finding],
    techniques: Mapping[str, str],
    effects: Mapping[str, str],
    presence: set[str],
    common: Mapping[str, StateValue] | None,
    level: str,
    named: bool,
) -> list[Line]:
    """Return a line for each finding, or for all of one technique on one sample, or on all.

    Elements in the strip of a phase are `named`.
    """
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for f in members:
        place = f.sample if level != "technique" else ""
        key: tuple[str, ...] = (techniques[f.id], place, f.status or "", effects.get(f.id, ""))
        key += (_element(f) if named else "",)
        groups.setdefault((*key, f.id) if level == "finding" else key, []).append(f)
    ordered = sorted(
        groups.items(),
        key=lambda item: (item[0][:2], _by_state(item[1][0]), item[1][0].value or 0.0, item[0]),
    )
    lines = []
    for _, found in ordered:
        place = found[0].region.label if found[0].region is not None else ""
        own = "" if found[0].state == common else state(found[0].state)
        extra = (own, place) if len(found) == 1 else (f"{len(found)} values",)
        samples = {f.sample for f in found}
        where = found[0].sample if len(samples) == 1 else f"{len(samples)} samples"
        label = " · ".join(part for part in (techniques[found[0].id], where, *extra) if part)
        said = statement(found[0], presence)
        if len(found) > 1:
            said = said.partition(";")[0] if found[0].status else f"{len(found)} values"
        said = f"{_element(found[0])} {said}".strip() if named else said
        effect = effects.get(found[0].id, "")
        lines.append(
            Line(label, techniques[found[0].id], tuple(found), said, probed_by(found), effect)
        )
    return lines


def _element(finding: Finding) -> str:
    return (finding.subject.element if finding.subject else None) or ""


def _by_state(finding: Finding) -> tuple[list[float], tuple[tuple[int, int, str], ...]]:
    """Return where a state stands: by its numbers, then by its words."""
    values = (getattr(v, "value", v) for _, v in sorted(finding.state.items()))
    numbers = [float(v) for v in values if isinstance(v, int | float)]
    return numbers, natural(state(finding.state))


def _table(
    group: Sequence[Finding],
    titles: Mapping[str, str],
    techniques: Mapping[str, str],
    effects: Mapping[str, str],
    presence: set[str],
) -> Table:
    words = {"veto": "left out", "doubt": "doubted"}
    headings = ["technique", "sample, state", "quantity", "says", "probed", "rules", "finding"]
    ordered = sorted(group, key=lambda f: (techniques[f.id], f.sample, f.kind, _by_state(f), f.id))
    named = len({_element(f) for f in group}) > 1

    def quantity(f: Finding) -> str:
        title = titles.get(f.kind, f.kind.replace("_", " "))
        return f"{title} {_element(f)}".strip() if named else title

    rows = [
        [
            techniques[f.id] + ("" if f.origin == "measured" else f", {f.origin}"),
            ", ".join(part for part in (f.sample, state(f.state)) if part),
            titles.get(f.kind, f.kind.replace("_", " "))
            + (f" {_element(f)}" if named and _element(f) else ""),
            statement(f, presence),
            probed(f).words,
            words.get(effects.get(f.id, ""), ""),
            f.id,
        ]
        for f in ordered
    ]
    if not any(row[5] for row in rows):  # an empty column takes room from the others
        rows = [row[:5] + row[6:] for row in rows]
        headings.remove("rules")
    return Table(headings=headings, rows=rows)
