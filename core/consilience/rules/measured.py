"""What rules say of measurements, whatever was found: before there is any finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from consilience.custody.conflicts.contradictions import Contradiction, touching
from consilience.model.base import Json
from consilience.model.measurement import DataSummary, MeasurementRecord
from consilience.model.sample import Step
from consilience.rules.engine import cannot_judge, judge
from consilience.rules.scope import is_one_of, materials_of

if TYPE_CHECKING:
    from consilience.custody import Custody
    from consilience.rules.model import Rule
    from consilience.rules.scope import Scope

__all__ = ["Checked", "Spoken", "check_measurements"]


@dataclass(frozen=True)
class Spoken:
    """A rule that fires on a measurement, or cannot be judged and wants that said."""

    rule: str
    effect: Literal["note", "doubt", "veto"]
    message: str
    citation: str
    clear: str
    numbers: Mapping[str, Json]
    evidence: Sequence[str]


@dataclass(frozen=True)
class Checked:
    """What speaks against a measurement; `waiting` are rules that ask what a finding is about.

    `measurement` is the ID of a registered measurement, or of the *measure* step of one that is
    not; `name` is its file, or the step's title.
    """

    measurement: str
    name: str
    sample: str
    modality: str
    contradictions: tuple[Contradiction, ...]
    rules: tuple[Spoken, ...]
    waiting: tuple[str, ...]

    @property
    def grave(self) -> bool:
        """True if something contradicts itself, or a rule doubts or vetoes."""
        return bool(self.contradictions) or any(r.effect != "note" for r in self.rules)

    def to_json(self) -> dict[str, Any]:
        """Return what a script reads."""
        return {
            "measurement": self.measurement,
            "name": self.name,
            "sample": self.sample,
            "modality": self.modality,
            "contradictions": [c.to_json() for c in self.contradictions],
            "rules": [asdict(r) for r in self.rules],
            "waiting": list(self.waiting),
        }


def check_measurements(
    custody: Custody, rules: Sequence[Rule], sample: str | None = None
) -> list[Checked]:
    """Ask every rule of every measurement that it can concern, without any finding.

    Parameters
    ----------
    custody : Custody
    rules : sequence of Rule
        As they hold for the study.
    sample : str, optional
        Only measurements of this sample.

    Notes
    -----
    A rule whose scope asks for a subject (a phase, an element, a kind of finding, a status) has
    nothing to ask before something is found; it is listed as waiting where the rest of its scope
    fits.  A *measure* step that is no registered measurement is asked too: its past is known.
    """
    told = {s.id for r in custody.records.values() for s in custody.measure_steps(r)}
    alone = [
        _of_step(s)
        for s in custody.steps
        if s.type == "measure"
        and s.id not in told
        and isinstance(s.conditions.get("modality"), str)
    ]
    # with them the ledger takes each step for one irradiation
    asked = custody.beside(alone) if alone else custody
    return [
        _checked(custody, asked, record, rules)
        for record in asked.records.values()
        if sample is None or record.sample == sample
    ]


def _of_step(step: Step) -> MeasurementRecord:
    modality = str(step.conditions["modality"])
    return MeasurementRecord(
        id=step.id,
        name=step.title or modality,
        modality=modality,
        sample=step.sample,
        state={},
        origin="simulated" if step.origin == "simulated" else "measured",
        stored={},
        reader="",
        plugin="core",
        version="",
        array=None,
        lazy=None,
        summary=DataSummary(variables={}, coordinates={}),
        start=step.start,
        citation=step.citation,
    )


def _checked(
    custody: Custody, asked: Custody, record: MeasurementRecord, rules: Iterable[Rule]
) -> Checked:
    materials = materials_of(record.sample, custody.samples, custody.steps)
    spoken, waiting = [], []
    for rule in rules:
        if rule.effect == "off" or not _fits(rule.scope, record, materials):
            continue
        if _asks_for_subject(rule.scope):
            waiting.append(rule.id)
            continue
        said = _spoken(rule, record, asked)
        if said is not None:
            spoken.append(said)
    worst = {"veto": 0, "doubt": 1, "note": 2}
    return Checked(
        measurement=record.id,
        name=record.file_name,
        sample=record.sample,
        modality=record.modality,
        contradictions=tuple(touching(custody, record)),
        rules=tuple(sorted(spoken, key=lambda s: (worst[s.effect], s.rule))),
        waiting=tuple(waiting),
    )


def _spoken(rule: Rule, record: MeasurementRecord, custody: Custody) -> Spoken | None:
    outcome = judge(rule, record, custody)
    effect = rule.effect
    message = ""
    if outcome.says == "fires":
        message = rule.filled(outcome.metrics)
    # a simulation has no history to be unknown
    elif outcome.says == "unknown" and rule.if_unknown != "nothing" and record.origin == "measured":
        effect, message = rule.if_unknown, cannot_judge(rule, outcome)
    if not message or effect == "off":
        return None
    if rule.overrides:
        message += f" [this study changed the rule: {rule.overrides}]"
    return Spoken(
        rule.id, effect, message, rule.cited, rule.clear, outcome.numbers, outcome.evidence
    )


def _asks_for_subject(scope: Scope) -> bool:
    return bool(scope.material or scope.subject or scope.element or scope.kind or scope.status)


def _fits(scope: Scope, record: MeasurementRecord, materials: frozenset[str]) -> bool:
    """Return whether a measurement is in the part of a scope that asks for no finding."""
    return (
        (not scope.modality or record.modality in scope.modality)
        and (not scope.origin or record.origin in scope.origin)
        and (not scope.sample_material or is_one_of(materials, scope.sample_material))
        and not is_one_of(materials, scope.not_sample_material)
    )
