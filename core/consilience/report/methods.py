"""Which analyses and readers were used, each once with its parameters."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from consilience.model.finding import Finding
from consilience.model.measurement import MeasurementRecord
from consilience.report.evidence import facts
from consilience.report.rows import Anchors, Method

__all__ = ["analyses_used", "analysis_key", "readers_used"]


def analysis_key(finding: Finding) -> str:
    """Return what makes two runs one line of the table: analysis, version and parameters."""
    source = finding.source
    return _key([source.plugin, source.analysis, source.version, source.parameters])


def analyses_used(findings: Sequence[Finding], anchors: Anchors) -> list[Method]:
    """Return each analysis with its parameters once, and how many findings it gave."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(analysis_key(finding), []).append(finding)
    return [
        Method(
            anchor=anchors.add("method", key),
            name=members[0].source.analysis,
            plugin=members[0].source.plugin,
            version=members[0].source.version,
            parameters=facts(members[0].source.parameters),
            uses=len(members),
            citations=sorted({f.source.citation for f in members if f.source.citation}),
        )
        for key, members in sorted(groups.items())
    ]


def readers_used(records: Sequence[MeasurementRecord], anchors: Anchors) -> list[Method]:
    """Return each reader with its options once, and how many measurements it gave."""
    groups: dict[str, list[MeasurementRecord]] = {}
    for record in records:
        key = _key([record.plugin, record.reader, record.version, record.options])
        groups.setdefault(key, []).append(record)
    return [
        Method(
            anchor=anchors.add("reader", key),
            name=members[0].reader,
            plugin=members[0].plugin,
            version=members[0].version,
            parameters=facts(members[0].options),
            uses=len(members),
            citations=sorted({r.citation for r in members if r.citation}),
        )
        for key, members in sorted(groups.items())
    ]


def _key(values: list[Any]) -> str:
    """Equal parameters, equal text."""
    return json.dumps(values, sort_keys=True, default=str)
