"""From metrics of a finding to caveats.

A metric is a number the core derives from measurements (and, with custody, from
steps, series and dose).  What is not known is no number: it has a metric of its own,
such as ``dose_unknown``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from consilience.model.finding import Finding
from consilience.model.measurement import MeasurementRecord
from consilience.model.verdict import Caveat
from consilience.rules.model import Rule

__all__ = ["caveats_for", "metrics"]


def metrics(measurements: Sequence[MeasurementRecord]) -> dict[str, float | str]:
    """Return the metrics of a finding from the measurements that it rests on."""
    faults = [n for m in measurements for n in m.notices if n.severity == "fault"]
    undosed = [m for m in measurements if m.origin == "measured" and not _dosed(m)]
    return {
        "data_faults": float(len(faults)),
        "fault_names": ", ".join(sorted({n.code for n in faults})),
        "dose_unknown": float(len(undosed)),
    }


def _dosed(record: MeasurementRecord) -> bool:
    return bool(record.exposures) and all(
        e.fluence is not None and e.fluence_rate is not None and e.energy is not None
        for e in record.exposures
    )


def caveats_for(
    findings: Iterable[Finding],
    measurements: Mapping[str, MeasurementRecord],
    rules: Sequence[Rule],
) -> list[Caveat]:
    """Apply every rule to every finding in its scope."""
    caveats = []
    for finding in findings:
        behind = [measurements[m] for m in finding.measurements if m in measurements]
        if not behind:
            continue
        numbers = metrics(behind)
        for rule in rules:
            if not _in_scope(rule, finding, behind):
                continue
            number = numbers.get(rule.metric)
            if isinstance(number, float) and rule.holds(number):
                caveats.append(
                    Caveat(
                        finding=finding.id,
                        rule=rule.id,
                        effect=rule.effect,
                        message=rule.words.format_map(
                            {k: f"{v:g}" if isinstance(v, float) else v for k, v in numbers.items()}
                        ),
                        citation=rule.citation,
                        numbers={rule.metric: number},
                        clear=rule.clear,
                    )
                )
    return caveats


def _in_scope(rule: Rule, finding: Finding, behind: Sequence[MeasurementRecord]) -> bool:
    scope = rule.scope
    element = finding.subject.element if finding.subject else None
    return (
        (not scope.modality or any(m.modality in scope.modality for m in behind))
        and (not scope.kind or finding.kind in scope.kind)
        and (not scope.element or element in scope.element)
    )
