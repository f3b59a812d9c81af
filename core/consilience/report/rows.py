"""The parts of the page as the template walks through them, and the lines of its tables."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from consilience.model.finding import Finding, Rival, SourceFile
from consilience.model.measurement import MeasurementRecord
from consilience.model.verdict import Caveat, Verdict
from consilience.notation import measured, number, quantity, state, unit_text
from consilience.report.blocks import Shown
from consilience.report.evidence import Facts
from consilience.report.words import ANSWERS, AnswerWord, without_rules

__all__ = [
    "Anchors",
    "Card",
    "FindingRow",
    "KindGroup",
    "Method",
    "SampleGroup",
    "ShownSection",
    "Told",
    "VerdictRow",
    "gravest_effects",
    "in_common",
    "same_rivals",
    "statement",
    "told_once",
    "verdict_row",
    "worst_first",
]


MOST_LINKS = 4
"""Findings of one verdict that are linked one by one; of more, those of each technique at once."""


class Anchors:
    """Safe ``id`` attributes: content IDs as they are, anything else by number."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}
        self._counts: Counter[str] = Counter()

    def add(self, prefix: str, key: str) -> str:
        """Return the anchor of `key`, made on first use."""
        if (prefix, key) not in self._known:
            safe = re.fullmatch(r"[a-z]{1,3}-[0-9a-f]{16}", key) is not None
            self._counts[prefix] += 1
            self._known[prefix, key] = key if safe else f"{prefix}-{self._counts[prefix]}"
        return self._known[prefix, key]

    def alias(self, prefix: str, key: str, anchor: str) -> None:
        """Let links to `key` lead to an anchor that is there already."""
        self._known[prefix, key] = anchor

    def get(self, prefix: str, key: str) -> str | None:
        """Return the anchor of `key`, or None if it is not on the page."""
        return self._known.get((prefix, key))


Told = dict[tuple[str, str, str], str]
"""Effect, rule and message of a caveat to the anchor where it stands in full."""


def told_once(
    caveats: Sequence[Caveat], anchor: str, told: Told
) -> tuple[list[Caveat], list[tuple[Caveat, str]]]:
    """Return what is told in full here, and what is told elsewhere already, with where."""
    full, again = [], []
    for caveat in caveats:
        key = (caveat.effect, caveat.rule, caveat.message)
        place = told.setdefault(key, anchor)
        if place == anchor:
            full.append(caveat)
        else:
            again.append((caveat, place))
    return full, again


@dataclass(frozen=True)
class ShownSection:
    """A plugin's section, drawn."""

    title: str
    maker: str
    blocks: list[Shown]


@dataclass(frozen=True)
class VerdictRow:
    """One line of the table of verdicts."""

    verdict: Verdict
    anchor: str
    word: AnswerWord
    what: str
    why: str
    """The reason; of a verdict that rules changed the one that it would have without them."""
    difference: str | None
    margin: str | None
    detectable: str | None
    findings: list[tuple[str | None, str]]
    other_samples: list[str]
    doubts: list[Caveat]
    noted: list[tuple[str | None, str, list[str]]]
    again: list[tuple[Caveat, str]]
    """Doubts that stand in full at an earlier verdict, with its anchor."""
    without: AnswerWord | None = None
    """What it would be without the rules that changed it."""
    tails: list[tuple[str | None, str]] = field(default_factory=list)
    """The same findings by state and region, to tell rows apart that are alike."""
    alike: list[tuple[str, list[tuple[str | None, str]]]] = field(default_factory=list)
    """Of all rows that say the same of other findings: anchor, and what tells them apart."""


@dataclass(frozen=True)
class FindingRow:
    """One finding with what stands beside it."""

    finding: Finding
    anchor: str
    label: str
    said: str
    technique: str
    where: list[tuple[str | None, str]]
    caveats: list[Caveat]
    again: list[tuple[Caveat, str]]
    verdicts: list[tuple[str, AnswerWord, int]]
    """Where each leads, its word, and how many it stands for."""
    assumptions: list[str]
    rivals: list[Rival]
    evidence: Facts
    method: str
    files: list[SourceFile]
    brief: bool = False
    """Evidence and assumptions stand in the export only: there are too many findings."""


@dataclass(frozen=True)
class KindGroup:
    """Findings of one kind on one sample; what all assume, and rivals of all, are said once."""

    title: str
    rows: list[FindingRow]
    common: list[str]
    rivals: list[Rival]


@dataclass(frozen=True)
class SampleGroup:
    """All findings on one sample, and the plugins' sections about it."""

    sample: str
    title: str
    anchor: str
    kinds: list[KindGroup]
    sections: list[ShownSection]
    count: int


@dataclass(frozen=True)
class Card:
    """One measurement."""

    record: MeasurementRecord
    anchor: str
    technique: str
    state: str
    sections: list[ShownSection]
    metadata: Facts
    options: Facts
    dose_known: bool
    faults: int
    warnings: int


@dataclass(frozen=True)
class Method:
    """An analysis or a reader with its parameters, and how often it was used."""

    anchor: str
    name: str
    plugin: str
    version: str
    parameters: Facts
    uses: int
    citations: list[str]


def worst_first(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return verdicts in the order of `ANSWERS`, within one by how many deviations they are off."""
    rank = {word.answer: i for i, word in enumerate(ANSWERS)}

    def by_how_much(verdict: Verdict) -> float:
        if verdict.difference is None or not verdict.std:
            return 0.0
        return -abs(verdict.difference) / verdict.std

    return sorted(
        verdicts,
        key=lambda v: (
            rank[v.verdict],
            by_how_much(v),
            v.kind,
            v.subject.key if v.subject else "",
            v.id,
        ),
    )


def _once(caveats: Sequence[Caveat]) -> list[Caveat]:
    """Return caveats without those that say the same of another element of one composition."""
    once: dict[tuple[str, str], Caveat] = {}
    for caveat in caveats:
        once.setdefault((caveat.rule, caveat.message), caveat)
    return list(once.values())


def verdict_row(
    verdict: Verdict,
    findings: Mapping[str, Finding],
    anchors: Anchors,
    titles: dict[str, str],
    modality_of: dict[str, str],
    told: Told,
) -> VerdictRow:
    """Return one line of the table of verdicts, with links to the findings on the page."""
    by_id = {key: findings[key] for key in verdict.findings if key in findings}
    labels = {key: f"{modality_of[key]}, {finding.sample}" for key, finding in by_id.items()}
    if len(set(labels.values())) < len(labels):
        for key, finding in by_id.items():
            labels[key] += f", {state(finding.state)}" if finding.state else f" ({key})"
    links = [(anchors.get("finding", key), labels.get(key, key)) for key in verdict.findings]
    tails = [(anchors.get("finding", key), _tail(by_id.get(key))) for key in verdict.findings]
    noted: list[tuple[str | None, str, list[str]]] = []
    for key, (anchor, label) in zip(verdict.findings, links, strict=True):
        rules = sorted({c.rule for c in verdict.caveats if c.finding == key and c.effect == "note"})
        if rules and (label, rules) not in [(said, same) for _, said, same in noted]:
            noted.append((anchor, label, rules))  # the elements of one composition speak once
    if any(f.kind == "composition" for f in by_id.values()):
        links = _wholes(verdict, by_id, anchors, modality_of)
    elif len(by_id) > MOST_LINKS:
        links = _sides(verdict, by_id, anchors, modality_of)
    named = {finding.sample for finding in by_id.values()}
    margin = None
    if verdict.margin is not None:
        m = verdict.margin
        margin = (
            f"{number(m.value * 100, 4)} % of the mean" if m.relative else quantity(m.value, m.unit)
        )
    difference = None
    if verdict.difference is not None:
        difference = (
            f"{number(verdict.difference, 3)} ± unknown {unit_text(verdict.unit)}".rstrip()
            if verdict.std is None
            else quantity(verdict.difference, verdict.unit, verdict.std, with_std=True)
        )
    detectable = None
    if verdict.smallest_detectable is not None:
        detectable = f"{number(verdict.smallest_detectable, 2)} {unit_text(verdict.unit)}".rstrip()
    kind = titles.get(verdict.kind, verdict.kind.replace("_", " "))
    anchor = anchors.add("verdict", verdict.id)
    doubts = _once([c for c in verdict.caveats if c.effect != "note"])
    full, again = told_once(doubts, anchor, told)
    return VerdictRow(
        verdict=verdict,
        anchor=anchor,
        word=next(word for word in ANSWERS if word.answer == verdict.verdict),
        what=f"{verdict.subject.label}: {kind}" if verdict.subject else kind,
        why=_why(verdict),
        doubts=full,
        again=again,
        noted=noted,
        difference=difference,
        margin=margin,
        detectable=detectable,
        findings=links,
        other_samples=[s for s in verdict.samples if s not in named],
        without=without_rules(verdict),
        tails=tails if len(tails) == len(links) else links,
    )


def _tail(finding: Finding | None) -> str:
    """Return state and region in a few words."""
    if finding is None:
        return ""
    region = finding.region.label.partition(":")[0] if finding.region else ""
    return ", ".join(part for part in (state(finding.state), region) if part)


def _why(verdict: Verdict) -> str:
    without = without_rules(verdict)
    reason = verdict.numbers.get("reason_without_rules")
    if without is None or not isinstance(reason, str):
        return verdict.reason
    return f"by the rule below; without it {without.word}: {reason}"


def _sides(
    verdict: Verdict, by_id: dict[str, Finding], anchors: Anchors, modality_of: dict[str, str]
) -> list[tuple[str | None, str]]:
    """Return one link for all findings of one kind by one technique on one sample."""
    sides: dict[tuple[str, str, str], list[str]] = {}
    for key in verdict.findings:
        if key in by_id:
            side = (modality_of[key], by_id[key].sample, by_id[key].kind)
            sides.setdefault(side, []).append(key)
    links: list[tuple[str | None, str]] = []
    for (technique, sample, _), keys in sides.items():
        states = {state(by_id[key].state) for key in keys}
        count = f"{len(keys)} states" if len(states) == len(keys) else f"{len(keys)} findings"
        label = f"{technique}, {sample}" + (f": {count}" if len(keys) > 1 else "")
        links.append((anchors.get("finding", keys[0]), label))
    return links


def _wholes(
    verdict: Verdict, by_id: dict[str, Finding], anchors: Anchors, modality_of: dict[str, str]
) -> list[tuple[str | None, str]]:
    """Return one link for each composition, with its elements, and one for each other finding."""
    firsts: dict[tuple[str, ...], str] = {}
    elements: dict[tuple[str, ...], list[str]] = {}
    for key in verdict.findings:
        one = by_id.get(key)
        if one is None:
            whole: tuple[str, ...] = (key,)
        elif one.kind != "composition":
            whole = (f"{modality_of[key]}, {one.sample}", key)
        else:
            run = f"{one.source.analysis} {one.source.parameters} {one.measurements}"
            whole = (f"{modality_of[key]}, {one.sample}", "composition", run)
        firsts.setdefault(whole, key)
        if one is not None and one.kind == "composition" and one.subject is not None:
            elements.setdefault(whole, []).append(one.subject.label)
    return [
        (
            anchors.get("finding", key),
            whole[0] + (f": {', '.join(sorted(elements[whole]))}" if whole in elements else ""),
        )
        for whole, key in firsts.items()
    ]


def statement(finding: Finding, presence: set[str]) -> str:
    """Return what a finding says, in words: presence first, then the number."""
    said = []
    if finding.status == "present":
        said.append("present")
    elif finding.status == "absent_below_limit":
        limit = None if finding.limit is None else float(f"{finding.limit:.3g}")
        said.append(f"absent below {quantity(limit, finding.unit)}")
    elif finding.status == "not_observable":
        said.append(f"not observable: {finding.reason}")
    elif finding.kind in presence:
        said.append("not decided")
    if finding.value is not None:
        said.append(measured(finding.value, finding.unit, finding.std_stat, finding.std_sys))
    elif not said:
        without = "a map or profile" if finding.array else "value unknown"
        said.append(finding.sentence or ("no number" if finding.reason else without))
    if finding.reason and finding.status != "not_observable":
        said.append(finding.reason)
    return "; ".join(said)


def in_common(lists: Sequence[Sequence[str]]) -> list[str]:
    """Return what stands in every list, in the order of the first."""
    return [item for item in dict.fromkeys(lists[0]) if all(item in other for other in lists[1:])]


def same_rivals(findings: Sequence[Finding]) -> list[Rival]:
    """Return the rivals of three or more findings that all have the same ones."""
    first = findings[0].rivals
    alike = len(findings) >= 3 and all(f.rivals == first for f in findings[1:])
    return list(first) if alike else []


def gravest_effects(caveats: Iterable[Caveat]) -> dict[str, str]:
    """Return finding ID to the gravest effect of a rule, notes left out."""
    found: dict[str, str] = {}
    for caveat in caveats:
        if caveat.effect == "veto" or (caveat.effect == "doubt" and caveat.finding not in found):
            found[caveat.finding] = caveat.effect
    return found
