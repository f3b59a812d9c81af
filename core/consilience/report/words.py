"""The sentences of the report: the banner, and what the report cannot say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from consilience.model.finding import Finding
from consilience.model.measurement import MeasurementRecord
from consilience.model.verdict import Answer, Verdict
from consilience.report.content import ReportContent

__all__ = [
    "ANSWERS",
    "AnswerWord",
    "Banner",
    "banner",
    "dose_known",
    "general_reason",
    "limits",
    "without_rules",
]


@dataclass(frozen=True)
class AnswerWord:
    """How a verdict is written: symbol, word, and what it means."""

    answer: Answer
    symbol: str
    word: str
    meaning: str


ANSWERS: tuple[AnswerWord, ...] = (
    AnswerWord("disagree", "✗", "disagree", "different beyond the margin"),
    AnswerWord("undecided", "?", "undecided", "the uncertainties are too large to tell"),
    AnswerWord("not_comparable", "—", "not comparable", "they cannot speak of the same thing"),
    AnswerWord(
        "consistent", "≈", "consistent", "one could have contradicted the other and does not"
    ),
    AnswerWord("agree", "✓", "agree", "equivalent within the stated margin"),
)
"""Worst first."""


@dataclass(frozen=True)
class Banner:
    """The first thing a reader sees.  `tone`: bad, open or good, said by `headline` in words."""

    tone: str
    headline: str
    lines: tuple[str, ...]


def _count(n: int, one: str, many: str = "") -> str:
    return f"{n} {one if n == 1 else many or one + 's'}"


def _has(n: int) -> str:
    return "has" if n == 1 else "have"


def _joined(names: Sequence[str], most: int = 5) -> str:
    shown = list(names[:most])
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def banner(content: ReportContent) -> Banner:
    """Say in words what the comparisons came to, and what the reader must know first."""
    lines = [*_named_lines(content), _origin_line(content), _multiplicity_line(content.verdicts)]
    lines += _caveat_lines(content)
    lines += _record_lines(content)
    faulty = [m.name for m in content.measurements if any(n.severity == "fault" for n in m.notices)]
    if faulty:
        lines.append(
            f"{_count(len(faulty), 'measurement')} with a fault, data that contradict themselves: "
            f"{_joined(faulty)}."
        )
    noticed = Counter(n.severity for n in content.notices)
    grave = [_count(noticed[s], s) for s in ("fault", "warning") if noticed[s]]
    if grave:
        lines.append(f"{' and '.join(grave)} about the study as a whole: see “Noticed on the way”.")
    missing = []
    if content.failed_plugins:
        missing.append(_count(len(content.failed_plugins), "plugin") + " did not load")
    if content.failed_views:
        missing.append(_count(len(content.failed_views), "section") + " could not be made")
    if missing:
        lines.append(f"{' and '.join(missing)}: this report may lack what they would have said.")
    tone, headline = _headline(content.verdicts, len(content.findings))
    return Banner(tone, headline, tuple(line for line in lines if line))


def _headline(verdicts: Sequence[Verdict], findings: int) -> tuple[str, str]:
    total = len(verdicts)
    if not total:
        if findings < 2:
            return "open", f"Nothing was compared: there {_are(findings, 'finding')}."
        return "open", f"Nothing was compared, though there {_are(findings, 'finding')}."
    counts = Counter[str](v.verdict for v in verdicts)
    bad = counts["disagree"]
    of = f"of {total} comparisons" if total > 1 else "of 1 comparison"
    first = (
        f"{bad} {of} {'disagrees' if bad == 1 else 'disagree'}" if bad else f"None {of} disagrees"
    )
    rest = [
        f"{counts[answer]} {said}"
        for answer, said in (
            ("not_comparable", "cannot be made"),
            ("undecided", "undecided"),
            ("consistent", "consistent"),
            ("agree", "agree" if counts["agree"] != 1 else "agrees"),
        )
        if counts[answer]
    ]
    tone = "bad" if bad else "good" if counts["agree"] + counts["consistent"] == total else "open"
    return tone, "; ".join([first, *rest]) + "."


_NAMED = 6
_COMMONEST = 3


def _named_lines(content: ReportContent) -> list[str]:
    """Name what disagrees and what agrees, and why most of the rest cannot be compared."""
    titles = {k.name: k.title for k in content.kinds}
    lines = []
    for answer, word in (("disagree", "Disagree"), ("agree", "Agree")):
        names = Counter[str]()
        for verdict in content.verdicts:
            if verdict.verdict == answer:
                kind = titles.get(verdict.kind, verdict.kind.replace("_", " "))
                subject = verdict.subject
                what = kind if subject is None else f"{subject.label}, {kind}"
                if subject is not None and not (subject.element or subject.formula):
                    what = subject.label  # it says itself what it is
                names[f"{what} ({', '.join(verdict.samples)})"] += 1
        shown = [f"{name} ×{n}" if n > 1 else name for name, n in list(names.items())[:_NAMED]]
        more = f"; and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        if shown:
            lines.append(f"{word}: {'; '.join(shown)}{more}.")
    unmade = [v for v in content.verdicts if v.verdict == "not_comparable"]
    reasons = Counter(
        general_reason(v).replace(v.subject.label, "…") if v.subject else general_reason(v)
        for v in unmade
    ).most_common(_COMMONEST)
    if len(reasons) > 1:
        said = "; ".join(f"{reason} (×{n})" for reason, n in reasons)
        lines.append(f"Cannot be compared, most often because: {said}.")
    return lines


def general_reason(verdict: Verdict) -> str:
    """Return a reason without what it says of the single case: names, and what its colon tells."""
    reason = verdict.reason.partition(": ")[0].partition("; ")[0]
    for name in sorted(verdict.samples, key=len, reverse=True):
        reason = reason.replace(name, "…")
    return reason


def _are(n: int, what: str) -> str:
    if n == 0:
        return f"are no {what}s"
    return f"is 1 {what}" if n == 1 else f"are {n} {what}s"


def _origin_line(content: ReportContent) -> str:
    counts = content.origins
    what = "measurement" if content.measurements else "finding"
    total = sum(counts.values())
    if not total:
        return "No measurement is registered."
    single = next((origin for origin, n in counts.items() if n == total), None)
    every = f"The only {what} is" if total == 1 else f"All {total} {what}s are"
    if single == "simulated":
        return f"{every} simulated: no instrument recorded anything in this report."
    if single == "entered":
        return f"{every} entered by hand from a cited source: no instrument file was read."
    if single == "measured":
        line = f"{every} measured: read from instrument files, none simulated."
        entered = sum(f.origin == "entered" for f in content.findings)
        return line + (f" {_count(entered, 'finding')} entered by hand." if entered else "")
    parts = [f"{n} {origin}" for origin, n in counts.items() if n]
    return f"Of {total} {what}s, {_joined(parts)}. Each is marked where it is used."


def _multiplicity_line(verdicts: Sequence[Verdict]) -> str:
    """Say that many comparisons were made, and what that costs."""
    tests = sum(v.p_value is not None and v.verdict != "not_comparable" for v in verdicts)
    weak = sum("false_discovery_rate" in v.numbers for v in verdicts)
    stand = sum(v.verdict == "disagree" and v.p_value is not None for v in verdicts)
    if not weak and (tests < 2 or not stand):
        return ""
    parts = []
    if stand:
        one = stand == 1
        parts.append(
            f"{_count(stand, 'disagreement')} of numbers {'stands' if one else 'stand'}"
            f" among {tests} tests at a false discovery rate of 5 %"
        )
    if weak:
        verb = "does" if weak == 1 else "do"
        parts.append(
            f"{weak} that would disagree alone {verb} not and {'is' if weak == 1 else 'are'} "
            "undecided"
        )
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}."


_CAUSES = (
    ("dose", "dose"),
    ("storage.", "how the sample was stored"),
    ("core.data", "faults in the data"),
)
"""What a rule's ID tells of why it speaks; any other speaks of what happened to the sample."""


def _cause(rule: str) -> str:
    return next((said for word, said in _CAUSES if word in rule), "what happened to the sample")


def _caveat_lines(content: ReportContent) -> list[str]:
    """Say how many findings are left out or doubted, why, and what the verdicts were without it."""
    caveats = [*content.caveats, *(c for v in content.verdicts for c in v.caveats)]
    lines = []
    for effect, said in (
        ("veto", "left out of the verdict"),
        ("doubt", "doubted"),
    ):
        causes: dict[str, tuple[set[str], set[str]]] = {}
        for caveat in caveats:
            if caveat.effect == effect:
                found, rules = causes.setdefault(_cause(caveat.rule), (set(), set()))
                found.add(caveat.finding)
                rules.add(caveat.rule)
        if not causes:
            continue
        concerned = set().union(*(found for found, _ in causes.values()))
        verb = "is" if len(concerned) == 1 else "are"
        why = [
            f"{f'{len(found)} ' if len(causes) > 1 else ''}because of {cause} "
            f"(rule{'s' if len(rules) > 1 else ''} {_joined(sorted(rules))})"
            for cause, (found, rules) in sorted(
                causes.items(), key=lambda item: (-len(item[1][0]), item[0])
            )
        ]
        colon = ":" if len(causes) > 1 else ""
        lines.append(f"{_count(len(concerned), 'finding')} {verb} {said}{colon} {'; '.join(why)}.")
    return [*lines, *_without_rules(content.verdicts)]


def _without_rules(verdicts: Sequence[Verdict]) -> list[str]:
    """Say which verdicts rules have changed, and what they would be."""
    would = Counter(str(v.numbers["without_rules"]) for v in verdicts if without_rules(v))
    if not would:
        return []
    parts = [
        f"{would[w.answer]} would {'be ' if w.answer in _STATES else ''}{w.word}"
        for w in ANSWERS
        if would[w.answer]
    ]
    total = sum(would.values())
    changed = f"{_count(total, 'verdict')} that they change"
    return [f"Without these rules, of {changed}, {_joined(parts)}: said beside each."]


_STATES = ("undecided", "not_comparable", "consistent")


def without_rules(verdict: Verdict) -> AnswerWord | None:
    """Return what a verdict would be if no rule had spoken; None if no rule changed it."""
    said = verdict.numbers.get("without_rules")
    return next((w for w in ANSWERS if w.answer == said and said != verdict.verdict), None)


def _record_lines(content: ReportContent) -> list[str]:
    """Say what speaks against measurements whatever was found, and what contradicts itself."""
    lines = []
    for effect, said in (("veto", "would be left out of verdicts"), ("doubt", "doubted")):
        concerned = [m for m in content.unfounded if any(r.effect == effect for r in m.rules)]
        rules = {r.rule for m in concerned for r in m.rules if r.effect == effect}
        if concerned:
            verb = said if effect == "veto" else f"{'is' if len(concerned) == 1 else 'are'} {said}"
            lines.append(
                f"{_count(len(concerned), 'measurement')} that no finding rests on {verb} because "
                f"of what happened to the sample (rule{'s' if len(rules) > 1 else ''} "
                f"{_joined(sorted(rules))})."
            )
    if content.contradictions:
        lines.append(
            f"{_count(content.contradictions, 'contradiction')} in what is recorded of the "
            "samples: see “What cannot be true together”."
        )
    return lines


def dose_known(record: MeasurementRecord) -> bool:
    """Return True only if every exposure of a measurement names its fluence."""
    return bool(record.exposures) and all(e.fluence is not None for e in record.exposures)


def limits(content: ReportContent) -> list[str]:
    """Return what the report cannot say, each in one sentence with its reason."""
    used = {m.modality for m in content.measurements}
    said = [
        f"{m.title}: {m.blind.rstrip('.')}."
        for m in sorted(content.modalities, key=lambda m: m.key)
        if m.key in used and m.blind
    ]
    said += _blind_findings(content.findings)
    known = {m.id: dose_known(m) for m in content.measurements}
    asked = known if content.dose_known is None else content.dose_known
    unknown = [m.name for m in content.measurements if not asked.get(m.id, True)]
    if unknown:
        of = "" if len(asked) == len(known) else " whose technique asks for it"
        said.append(
            f"The dose is unknown for {len(unknown)} of {_count(len(asked), 'measurement')}{of} "
            f"({_joined(unknown)}): radiation damage can be neither excluded nor estimated there."
        )
    no_std = [f for f in content.findings if f.value is not None and f.std is None]
    if no_std:
        said.append(
            f"{_count(len(no_std), 'number')} of the findings {_has(len(no_std))} a standard "
            "deviation that is unknown, in whole or in part: no difference from such a number can "
            "be called significant."
        )
    said += _history(content)
    said.append(
        "A hash shows that a file is the one that was registered. It does not show that the file "
        "is right, nor that it came from the sample it is filed under."
    )
    return said


def _blind_findings(findings: Sequence[Finding]) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for finding in findings:
        if finding.status == "not_observable" and finding.reason:
            label = finding.subject.label if finding.subject else finding.kind
            place = reasons.setdefault(finding.reason, [])
            if f"{label} in {finding.sample}" not in place:
                place.append(f"{label} in {finding.sample}")
    return [
        f"Not observable, which is not the same as absent: {_joined(what)} ({reason.rstrip('.')})."
        for reason, what in sorted(reasons.items())
    ]


def _history(content: ReportContent) -> list[str]:
    said = []
    techniques: dict[str, set[str]] = {}
    for record in content.measurements:
        techniques.setdefault(record.sample, set()).add(record.modality)
    single = sorted(sample for sample, seen in techniques.items() if len(seen) == 1)
    if single:
        said.append(
            f"Measured by one technique only: {_joined(single)}. Within such a sample no second "
            "technique could have contradicted the first."
        )
    stepped = {s.sample for s in content.steps}
    without = sorted(s.id for s in content.samples if s.id not in stepped)
    if without:
        said.append(
            f"No step is recorded for {_joined(without)}: what happened to "
            f"{'it' if len(without) == 1 else 'them'} before the measurement is unknown."
        )
    undated = sum(s.start is None and s.end is None for s in content.steps)
    if undated:
        said.append(
            f"{undated} of {_count(len(content.steps), 'step')} {_has(undated)} no date: how long "
            "the sample waited, and in which order, is known only as far as the list tells."
        )
    return said
