"""The report's own figures: tree of samples, chains, steps in time, quantities lined up.

Each is a `consilience.view.Figure`, as a plugin's are, and goes the same way onto the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from consilience.model.finding import Finding
from consilience.model.measurement import MeasurementRecord
from consilience.report.chains import chain_figures
from consilience.report.content import ReportContent
from consilience.report.lineage import lineage_figures
from consilience.report.strips import strip_figures
from consilience.report.subjects import subject_strips
from consilience.report.timeline import timeline_blocks
from consilience.view import Block

__all__ = [
    "activity_of",
    "chain_figures",
    "figure_parts",
    "lineage_figures",
    "strip_figures",
    "subject_blocks",
    "techniques_of",
    "timeline_blocks",
]


def figure_parts(content: ReportContent) -> list[tuple[str, Sequence[Block]]]:
    """Return the core's own figures in the order of the page, each group with its name."""
    from consilience.report.rows import worst_first

    titles = {k.name: k.title for k in content.kinds}
    records = list(content.measurements)
    techniques = techniques_of(content.findings, records)
    verdicts = worst_first(content.verdicts)
    return [
        ("subject", subject_blocks(content)),
        ("quantity", strip_figures(content.findings, verdicts, titles, techniques)),
        ("lineage", lineage_figures(content.samples, content.steps, activity_of(records))),
        (
            "chain",
            chain_figures(content.samples, content.steps, content.traces, content.thresholds),
        ),
        ("steps", timeline_blocks(content.steps, records)),
    ]


def subject_blocks(content: ReportContent) -> list[Block]:
    """Return a strip for each element and phase of which several techniques speak."""
    return subject_strips(
        content.findings,
        content.verdicts,
        {k.name: k.title for k in content.kinds},
        techniques_of(content.findings, content.measurements),
        [c for f in content.findings for c in content.caveats_of(f.id)],
        {k.name for k in content.kinds if k.about == "presence"},
    )


def activity_of(records: Iterable[MeasurementRecord]) -> dict[str, str]:
    """Return for each sample by which techniques it was measured, and how often."""
    counts: dict[str, Counter[str]] = {}
    for record in records:
        counts.setdefault(record.sample, Counter())[record.modality] += 1
    return {
        sample: ", ".join(f"{key} ×{n}" if n > 1 else key for key, n in sorted(found.items()))
        for sample, found in counts.items()
    }


def techniques_of(
    findings: Iterable[Finding], records: Iterable[MeasurementRecord]
) -> dict[str, str]:
    """Return for each finding by which techniques it was made, or who entered it."""
    by_id = {r.id: r.modality for r in records}
    said = {}
    for finding in findings:
        found = sorted({by_id[m] for m in finding.measurements if m in by_id})
        said[finding.id] = ", ".join(found) or finding.entered_by
    return said
