"""From metrics of the measurements behind a finding to caveats.

Each comparison holds, does not hold, or cannot be known.  What is unknown never fires
a rule and never clears one; a rule says whether the unknown itself is worth a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from consilience.custody import METRICS, Custody, Metric
from consilience.model.base import Json
from consilience.model.finding import Finding
from consilience.model.measurement import MeasurementRecord
from consilience.model.verdict import Caveat
from consilience.rules.model import Comparator, Rule, said
from consilience.rules.scope import concerns, materials_of

__all__ = ["Outcome", "cannot_judge", "caveats_for", "judge"]


@dataclass(frozen=True)
class Outcome:
    """What a rule says of one measurement: it fires, is silent, or cannot be judged.

    `open` is the comparison that could not be made, where it cannot be judged.
    """

    says: Literal["fires", "silent", "unknown"]
    metrics: Mapping[str, Metric]
    open: Comparator | None = None

    @property
    def numbers(self) -> dict[str, Json]:
        """The metrics' values; text where only a bound is certain, None is unknown."""
        return {
            name: said(m) if m.value is None and m.at_least else m.value
            for name, m in self.metrics.items()
        }

    @property
    def evidence(self) -> list[str]:
        """IDs of the steps, series and measurements behind the numbers."""
        return sorted({e for metric in self.metrics.values() for e in metric.evidence})


def judge(rule: Rule, record: MeasurementRecord, custody: Custody) -> Outcome:
    """Ask one rule of one measurement, whatever its scope.

    Notes
    -----
    It fires where its comparison and all of `where` hold and none of `unless` does.  It cannot be
    judged where nothing clears it and either its own comparison is unknown though `where` holds, or
    it holds though `where` is unknown; where both are unknown, nothing speaks for the rule.
    """
    asked: dict[str, Metric] = {}

    def ask(comparator: Comparator) -> bool | None:
        metric = custody.metric(comparator.metric, record, comparator.at)
        asked[comparator.metric] = metric
        return comparator.holds(metric)

    if rule.effect == "off":
        return Outcome("silent", asked)
    matters = [(comparator, ask(comparator)) for comparator in rule.where]
    if any(answer is False for _, answer in matters):
        return Outcome("silent", asked)
    if any(ask(comparator) is True for comparator in rule.unless):
        return Outcome("silent", asked)
    answer = ask(rule)
    doubtful = next((comparator for comparator, known in matters if known is None), None)
    if answer is None and doubtful is None:
        return Outcome("unknown", asked, rule)
    if answer and doubtful is not None:
        return Outcome("unknown", asked, doubtful)
    return Outcome("fires" if answer else "silent", asked)


def caveats_for(
    findings: Iterable[Finding],
    measurements: Mapping[str, MeasurementRecord],
    rules: Sequence[Rule],
    custody: Custody | None = None,
    shipped: Mapping[str, Rule] | None = None,
) -> list[Caveat]:
    """Apply every rule to every finding in its scope.

    Parameters
    ----------
    findings : iterable of Finding
        What a person entered without a measurement has the past that its *measure* step has;
        without such a step it has none here, and no caveat.
    measurements : mapping
        By ID.
    rules : sequence of Rule
    custody : Custody, optional
        What is known of the samples; without it, of the measurements alone.
    shipped : mapping, optional
        Rule ID to the rule as shipped, where a study changed it: what it would have said is
        printed too.
    """
    known = custody or Custody({}, (), records=measurements)
    asked = list(findings)
    published = {f.id: record for f in asked if (record := known.told_of(f)) is not None}
    fresh = [r for r in published.values() if r.id not in known.records]
    if fresh:  # before any sum is made, so that each step is one irradiation
        known = known.beside(fresh)
    outcomes: dict[tuple[str, bool, str], Outcome] = {}
    materials: dict[str, frozenset[str]] = {}

    def behind(finding: Finding) -> list[MeasurementRecord]:
        if finding.id in published:
            return [published[finding.id]]
        return [measurements[m] for m in finding.measurements if m in measurements]

    def outcome(rule: Rule, record: MeasurementRecord, changed: bool = True) -> Outcome:
        key = (rule.id, changed, record.id)
        if key not in outcomes:
            outcomes[key] = judge(rule, record, known)
        return outcomes[key]

    def told_by(rule: Rule, finding: Finding, changed: bool = True) -> Caveat | None:
        found = []
        for record in behind(finding):
            if record.sample not in materials:
                materials[record.sample] = materials_of(record.sample, known.samples, known.steps)
            if concerns(rule.scope, finding, record, materials[record.sample]):
                found.append((record, outcome(rule, record, changed)))
        return _caveat(rule, finding, found)

    caveats = []
    for finding in asked:
        for rule in rules:
            caveat = told_by(rule, finding)
            if rule.overrides:
                before = (shipped or {}).get(rule.id)
                theirs = None if before is None else told_by(before, finding, changed=False)
                caveat = _both(rule, caveat, before, theirs)
            if caveat is not None:
                caveats.append(caveat)
    return caveats


def _caveat(
    rule: Rule, finding: Finding, found: Sequence[tuple[MeasurementRecord, Outcome]]
) -> Caveat | None:
    """Make one caveat of what a rule says of the measurements behind a finding."""
    fired = [(r, o) for r, o in found if o.says == "fires"]
    # a simulation has no history to be unknown, and an entered number's is in its source
    unknown = [(r, o) for r, o in found if o.says == "unknown" and r.origin == "measured"]
    if fired:
        record, outcome = fired[0]
        effect, message = rule.effect, rule.filled(outcome.metrics)
        if len(found) > 1:
            message = f"{message} ({len(fired)} of {len(found)} measurements, first {record.id})"
    elif unknown and rule.if_unknown != "nothing":
        record, outcome = unknown[0]
        effect = rule.if_unknown
        message = cannot_judge(rule, outcome)
    else:
        return None
    assert effect != "off"
    return Caveat(
        finding=finding.id,
        rule=rule.id,
        effect=effect,
        message=message,
        citation=rule.cited,
        numbers=outcome.numbers,
        evidence=outcome.evidence,
        clear=rule.clear,
    )


def cannot_judge(rule: Rule, outcome: Outcome) -> str:
    """Return what is not known, where a rule cannot be judged."""
    asked = outcome.open or rule
    metric = outcome.metrics[asked.metric]
    held = f"{rule.text()}, but " if asked is not rule else ""
    why = f": {metric.why}" if metric.why else ""
    title = METRICS[asked.metric].title
    return f"{held}it cannot be judged whether {asked.text()}. Not known is the {title}{why}"


def _both(
    rule: Rule, caveat: Caveat | None, before: Rule | None, theirs: Caveat | None
) -> Caveat | None:
    """Say beside a changed rule what it would have said as shipped."""
    if before is None:
        return caveat
    if caveat is None and theirs is None:
        return None
    changed = f"this study changed the rule: {rule.overrides}"
    if caveat is None:
        assert theirs is not None
        message = f"{changed}; as shipped it would be a {theirs.effect}: {theirs.message}"
        return theirs.model_copy(update={"effect": "note", "message": message})
    as_shipped = f"a {theirs.effect}: {theirs.message}" if theirs is not None else "silent"
    message = f"{caveat.message} [{changed}; as shipped it would be {as_shipped}]"
    return caveat.model_copy(update={"message": message})
