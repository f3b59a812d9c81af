"""From the content to what the template walks through: sorted, grouped, linked, drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from consilience.declarations import PluginInfo
from consilience.model.finding import Finding
from consilience.model.measurement import MeasurementRecord, Notice
from consilience.model.sample import Sample, SensorSeries
from consilience.model.verdict import Answer, Verdict
from consilience.notation import state
from consilience.registry import FailedPlugin
from consilience.report.blocks import Budget, Shown, ShownCloud, show
from consilience.report.content import FailedView, ReportContent, Section
from consilience.report.drawing import SVG_BUDGET
from consilience.report.evidence import facts
from consilience.report.figures import (
    activity_of,
    chain_figures,
    lineage_figures,
    strip_figures,
    subject_blocks,
    techniques_of,
    timeline_blocks,
)
from consilience.report.folding import Folded, fold, gathered
from consilience.report.lineage import forest, natural
from consilience.report.methods import analyses_used, analysis_key, readers_used
from consilience.report.printing import Printed, printed_of
from consilience.report.rows import (
    Anchors,
    Card,
    FindingRow,
    KindGroup,
    Method,
    SampleGroup,
    ShownSection,
    Told,
    VerdictRow,
    in_common,
    same_rivals,
    statement,
    told_once,
    verdict_row,
    worst_first,
)
from consilience.report.words import ANSWERS, AnswerWord, Banner, banner, dose_known, limits
from consilience.view import Figure, Text

__all__ = ["Page", "arrange"]

COLLAPSE_CARDS = 20
COLLAPSE_SAMPLES = 60
DETAILED_FINDINGS = 1_000
"""With more, evidence and assumptions are printed of those alone that decide what is open."""
MOST_CHAINS = 24
OPEN_CHAINS = 6
_SUBJECT_ROWS = 2_400
_STRIP_PICTURES = 1_600_000
_CHAIN_PICTURES = 1_200_000


@dataclass
class Page:
    """Everything the template needs."""

    content: ReportContent
    banner: Banner
    counts: list[tuple[AnswerWord, int]]
    verdicts: list[VerdictRow]
    folded: list[Folded]
    subjects: list[Shown]
    strips: list[Shown]
    lineage: list[Shown]
    chains: list[Shown]
    more_chains: list[Shown]
    timeline: list[Shown]
    custody: list[ShownSection]
    agreement: list[ShownSection]
    cards: list[Card]
    cards_open: bool
    groups: list[SampleGroup]
    groups_open: bool
    brief: int
    printed: Printed
    study_sections: list[ShownSection]
    analyses: list[Method]
    readers: list[Method]
    limits: list[str]
    notices: list[tuple[Notice, int]]
    series: list[tuple[SensorSeries, str]]
    plugins: list[PluginInfo]
    failed_plugins: list[FailedPlugin]
    failed_views: list[FailedView]
    anchors: Anchors = field(default_factory=Anchors)

    @property
    def has_clouds(self) -> bool:
        """True if there is a cloud of points to turn."""
        sections = [
            *self.study_sections,
            *(s for card in self.cards for s in card.sections),
            *(s for group in self.groups for s in group.sections),
        ]
        return any(isinstance(b, ShownCloud) for s in sections for b in s.blocks)


def arrange(content: ReportContent) -> Page:
    """Sort, group, link and draw a report's content."""
    anchors = Anchors()
    order = _sample_order(content.samples)
    titles = {k.name: k.title for k in content.kinds}
    techniques = {m.key: m.title for m in content.modalities}
    records = sorted(
        content.measurements,
        key=lambda m: (order.get(m.sample, 10**9), m.modality, natural(m.title), m.id),
    )
    findings = sorted(
        content.findings,
        key=lambda f: (
            order.get(f.sample, 10**9),
            f.sample,
            f.kind,
            f.subject.key if f.subject else "",
            _place(f),
            natural(state(f.state)),
            f.id,
        ),
    )
    verdicts = worst_first(content.verdicts)
    content = replace(
        content,
        samples=sorted(content.samples, key=lambda s: (order.get(s.id, 10**9), natural(s.id))),
        measurements=records,
        findings=findings,
        verdicts=verdicts,
    )
    listed, folded = fold(verdicts, anchors, titles)
    for prefix, keys in (
        ("sample", [s.id for s in content.samples]),
        ("measurement", [m.id for m in records]),
        ("finding", [f.id for f in findings]),
        ("verdict", [v.id for v in listed]),
    ):
        for key in keys:
            anchors.add(prefix, key)

    budget = Budget.among(sum(isinstance(b, Figure) for s in content.sections for b in s.blocks))
    by_id = {f.id: f for f in findings}
    modality_of = techniques_of(findings, records)
    activity = activity_of(records)
    here = {m.id for m in records}
    sections_of = _by_place(content.sections, here, {f.sample for f in findings})
    counts = Counter(v.verdict for v in verdicts)
    detailed = _detailed(findings, listed)
    told: Told = {}
    chains = _chains(content)

    return Page(
        content=content,
        banner=banner(content),
        counts=[(word, counts[word.answer]) for word in ANSWERS],
        verdicts=gathered(
            [verdict_row(v, by_id, anchors, titles, modality_of, told) for v in listed]
        ),
        folded=folded,
        subjects=_subjects(content),
        strips=_strips(strip_figures(findings, verdicts, titles, modality_of)),
        lineage=[
            show(f, "core", table_open=True)
            for f in lineage_figures(content.samples, content.steps, activity)
        ],
        chains=chains[:OPEN_CHAINS],
        more_chains=chains[OPEN_CHAINS:],
        timeline=[
            show(b, "core", table_open=True) for b in timeline_blocks(content.steps, records)
        ],
        custody=_shown(content.custody, Budget()),
        agreement=_shown(content.agreement, Budget()),
        cards=[
            _card(r, anchors, techniques, _shown(sections_of.get(("m", r.id), ()), budget))
            for r in records
        ],
        cards_open=len(records) <= COLLAPSE_CARDS,
        groups=_groups(
            content, findings, records, anchors, titles, techniques, sections_of, budget, detailed
        ),
        groups_open=len(findings) <= COLLAPSE_SAMPLES,
        brief=len(findings) - len(detailed),
        printed=printed_of(findings, records, listed),
        study_sections=_shown(sections_of.get(("", ""), ()), budget),
        analyses=analyses_used(findings, anchors),
        readers=readers_used(records, anchors),
        limits=limits(content),
        notices=_notices(content.notices),
        series=_series(content),
        plugins=sorted(content.plugins, key=lambda p: p.name),
        failed_plugins=sorted(content.failed_plugins, key=lambda p: p.name),
        failed_views=sorted(
            content.failed_views,
            key=lambda f: (f.plugin, f.view, f.measurement or "", f.sample or ""),
        ),
        anchors=anchors,
    )


def _detailed(findings: Sequence[Finding], verdicts: Sequence[Verdict]) -> set[str]:
    """Return the findings that are shown with all their evidence; of very many, the first needed.

    Verdicts come worst first, and so do the findings behind them.
    """
    if len(findings) <= DETAILED_FINDINGS:
        return {f.id for f in findings}
    behind = dict.fromkeys(i for v in verdicts for i in v.findings)
    return set(list(behind)[: DETAILED_FINDINGS // 2])


def _strips(figures: Sequence[Figure]) -> list[Shown]:
    budget = Budget(svg=min(SVG_BUDGET, _STRIP_PICTURES // max(len(figures), 1)))
    return [show(figure, "core", budget) for figure in figures]


def _subjects(content: ReportContent) -> list[Shown]:
    blocks = subject_blocks(content)
    count = max(len(blocks), 1)
    budget = Budget(min(SVG_BUDGET, _STRIP_PICTURES // count), max(40, _SUBJECT_ROWS // count))
    return [show(block, "core", budget) for block in blocks]


def _series(content: ReportContent) -> list[tuple[SensorSeries, str]]:
    """Return the series, each with what a reader calls its step."""
    names = {s.id: s.type.replace("_", " ") + (f": {s.title}" if s.title else "")
             for s in content.steps}  # fmt: skip
    ordered = sorted(content.series, key=lambda s: (s.sample, s.file, s.id))
    return [(series, names.get(series.step, series.step)) for series in ordered]


def _chains(content: ReportContent) -> list[Shown]:
    figures = chain_figures(content.samples, content.steps, content.traces, content.thresholds)
    budget = Budget(svg=min(SVG_BUDGET, _CHAIN_PICTURES // max(len(figures[:MOST_CHAINS]), 1)))
    shown = [show(f, "core", budget) for f in figures[:MOST_CHAINS]]
    if len(figures) > MOST_CHAINS:
        left = len(figures) - MOST_CHAINS
        shown.append(show(Text(f"{left} more chains are not drawn; the table has all."), "core"))
    return shown


def _notices(notices: Sequence[Notice]) -> list[tuple[Notice, int]]:
    """Return each different notice once, worst first, with how often it was made."""
    counts = Counter(repr(n) for n in notices)
    once = {repr(n): n for n in notices}
    rank = {"fault": 0, "warning": 1, "info": 2}
    ordered = sorted(once.items(), key=lambda item: (rank[item[1].severity], item[0]))
    return [(notice, counts[key]) for key, notice in ordered]


def _place(finding: Finding) -> float:
    """Where a finding stands in its series, by its evidence; those that do not say so come last."""
    place = finding.evidence.get("place_in_series")
    return float(place) if isinstance(place, int | float) else float("inf")


def _sample_order(samples: Sequence[Sample]) -> dict[str, int]:
    rows = [row.sample.id for root in forest(samples) for row in root.rows()]
    return {key: i for i, key in enumerate(rows)}


def _by_place(
    sections: Sequence[Section], measurements: set[str], samples: set[str]
) -> dict[tuple[str, str], list[Section]]:
    places: dict[tuple[str, str], list[Section]] = {}
    for section in sections:
        if section.measurement in measurements and section.measurement is not None:
            place = ("m", section.measurement)
        elif (
            section.measurement is None and section.sample in samples and section.sample is not None
        ):
            place = ("s", section.sample)
        else:
            place = ("", "")
        places.setdefault(place, []).append(section)
    return places


def _shown(sections: Iterable[Section], budget: Budget) -> list[ShownSection]:
    shown = []
    for section in sections:
        maker = f"plugin {section.plugin}" + (f", view {section.view}" if section.view else "")
        blocks = [show(block, maker, budget) for block in section.blocks]
        shown.append(ShownSection(str(section.title), maker, blocks))
    return shown


def _card(
    record: MeasurementRecord,
    anchors: Anchors,
    techniques: dict[str, str],
    sections: list[ShownSection],
) -> Card:
    severities = Counter(n.severity for n in record.notices)
    return Card(
        record=record,
        anchor=anchors.add("measurement", record.id),
        technique=techniques.get(record.modality, record.modality),
        state=state(record.state),
        sections=sections,
        metadata=facts(record.metadata),
        options=facts(record.options),
        dose_known=dose_known(record),
        faults=severities["fault"],
        warnings=severities["warning"],
    )


def _groups(
    content: ReportContent,
    findings: Sequence[Finding],
    records: Sequence[MeasurementRecord],
    anchors: Anchors,
    titles: dict[str, str],
    techniques: dict[str, str],
    sections_of: dict[tuple[str, str], list[Section]],
    budget: Budget,
    detailed: set[str],
) -> list[SampleGroup]:
    names = {r.id: r.title for r in records}
    sample_titles = {s.id: s.title for s in content.samples}
    presence = {k.name for k in content.kinds if k.about == "presence"}
    modality_of = techniques_of(findings, records)
    words = {word.answer: word for word in ANSWERS}
    used: dict[str, Counter[tuple[str, Answer]]] = {}
    for verdict in content.verdicts:
        place = (anchors.add("verdict", verdict.id), verdict.verdict)
        for key in verdict.findings:
            used.setdefault(key, Counter())[place] += 1
    # files that a measurement's card lists are not listed again beside each finding
    listed = {(x.name, x.sha256) for r in records for x in r.files}
    grouped: dict[str, dict[str, list[Finding]]] = {}
    for finding in findings:
        grouped.setdefault(finding.sample, {}).setdefault(finding.kind, []).append(finding)
    caveats = {f.id: content.caveats_of(f.id) for f in findings}
    groups = []
    told: Told = {}
    for sample, kinds in grouped.items():
        shown_kinds = []
        for kind, members in kinds.items():
            common = in_common([f.assumptions for f in members]) if len(members) > 1 else []
            rivals = same_rivals(members)
            said_of = {
                f.id: told_once(caveats[f.id], anchors.add("finding", f.id), told) for f in members
            }
            rows = [
                FindingRow(
                    finding=f,
                    anchor=anchors.add("finding", f.id),
                    label=f.subject.label
                    if f.subject
                    else titles.get(kind, kind.replace("_", " ")),
                    said=statement(f, presence),
                    technique=", ".join(
                        techniques.get(key, key) for key in modality_of[f.id].split(", ")
                    ),
                    where=[
                        (anchors.get("measurement", m), names.get(m, m)) for m in f.measurements
                    ],
                    caveats=said_of[f.id][0],
                    again=said_of[f.id][1],
                    verdicts=[(at, words[a], n) for (at, a), n in used.get(f.id, {}).items()],
                    assumptions=[a for a in f.assumptions if a not in common],
                    rivals=[] if rivals else f.rivals,
                    evidence=facts(f.evidence if f.id in detailed else {}),
                    method=anchors.add("method", analysis_key(f)),
                    files=[x for x in f.source.files if (x.name, x.sha256) not in listed],
                    brief=f.id not in detailed,
                )
                for f in members
            ]
            title = titles.get(kind, kind.replace("_", " "))
            shown_kinds.append(KindGroup(title, rows, common, rivals))
        groups.append(
            SampleGroup(
                sample=sample,
                title=sample_titles.get(sample, ""),
                anchor=anchors.add("sample", sample),
                kinds=shown_kinds,
                sections=_shown(sections_of.get(("s", sample), ()), budget),
                count=sum(len(members) for members in kinds.values()),
            )
        )
    return groups
