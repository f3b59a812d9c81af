"""Where a number came from: verdict, findings, analysis, measurement, files, sample and chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.custody.account.phrases import conditions_text
from consilience.errors import BadInputError, NotFoundError
from consilience.notation import measured, number, state, unit_text

if TYPE_CHECKING:
    from consilience.model.finding import Finding
    from consilience.model.measurement import MeasurementRecord
    from consilience.model.sample import Step
    from consilience.model.verdict import Caveat, Verdict
    from consilience.study.study import Study

__all__ = ["Ground", "why"]

MOST_STEPS = 40
"""Steps of one chain that are listed."""


@dataclass(frozen=True)
class Ground:
    """Something that a statement rests on, and what that rests on in turn.

    Attributes
    ----------
    what : str
        "verdict", "finding", "analysis", "measurement", "file", "sample", "chain" or "step".
    id : str
        Its ID or hash; empty where it has none.
    text : str
        What it says, in one sentence.
    facts : tuple of str
        Further lines: reasons, assumptions, parameters.
    because : tuple of Ground
    """

    what: str
    id: str
    text: str
    facts: tuple[str, ...] = ()
    because: tuple[Ground, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {
            "what": self.what,
            "id": self.id,
            "text": self.text,
            "facts": list(self.facts),
            "because": [ground.to_json() for ground in self.because],
        }


def why(study: Study, record_id: str) -> Ground:
    """Walk from a verdict, finding or measurement back to files, sample and chain.

    Parameters
    ----------
    record_id : str
        The ID, or an unambiguous beginning of it.

    Raises
    ------
    NotFoundError
        Nothing that rests on anything has such an ID.
    BadInputError
        Several have.
    """
    return _Walk(study).start(record_id)


def _behind(verdict: Verdict) -> list[str]:
    """Return the findings of a verdict, and those that ruled a rival out."""
    said = verdict.numbers.get("ruled_out")
    rulings = said if isinstance(said, list) else []
    return list(dict.fromkeys([*verdict.findings, *(f for r in rulings for f in r["findings"])]))


class _Walk:
    def __init__(self, study: Study) -> None:
        self.study = study
        self.custody = study.custody()
        self.records = self.custody.records
        self.found = {f.id: f for f in study.findings()}
        self.caveats: dict[str, list[Caveat]] = {}
        for caveat in study.caveats(list(self.found.values())):
            self.caveats.setdefault(caveat.finding, []).append(caveat)

    def start(self, record_id: str) -> Ground:
        known = [*self.found, *self.records]
        hits = [i for i in known if i == record_id] or [i for i in known if i.startswith(record_id)]
        verdicts: dict[str, Verdict] = {}
        if not hits:
            verdicts = {v.id: v for v in self.study.compare() if v.id.startswith(record_id)}
            hits = list(verdicts)
        if not hits:
            raise NotFoundError(
                f"no verdict, finding or measurement has an ID that starts with {record_id!r}",
                fix="list IDs with 'consilience compare', 'findings' or 'measurements'",
            )
        if len(hits) > 1:
            raise BadInputError(
                f"{record_id!r} is the beginning of {len(hits)} IDs: {', '.join(hits[:8])}",
                fix="write more of it",
            )
        one = hits[0]
        if one in verdicts:
            return self.verdict(verdicts[one])
        if one in self.found:
            return self.finding(self.found[one])
        return self.measurement(self.records[one])

    def verdict(self, verdict: Verdict) -> Ground:
        about = verdict.subject.label if verdict.subject else verdict.kind
        facts = [verdict.reason]
        if verdict.test:
            said = [f"{verdict.test}"]
            if verdict.statistic is not None:
                said.append(f"statistic {number(verdict.statistic, 4)}")
            if verdict.p_value is not None:
                said.append(f"p {number(verdict.p_value, 3)}")
            facts.append("test: " + ", ".join(said))
        if verdict.margin is not None:
            margin = verdict.margin
            facts.append(
                f"margin: {number(margin.value)} "
                f"{'relative ' if margin.relative else f'{unit_text(margin.unit)} '.lstrip()}"
                f"({margin.reason})"
            )
        facts += [self._caveat(c) for c in verdict.caveats]
        return Ground(
            "verdict",
            verdict.id,
            f"{about} of {', '.join(verdict.samples)}: {verdict.verdict.replace('_', ' ')}",
            tuple(facts),
            tuple(self.finding(self.found[i]) for i in _behind(verdict) if i in self.found),
        )

    def finding(self, finding: Finding) -> Ground:
        about = finding.subject.label if finding.subject else finding.kind.replace("_", " ")
        facts = [f"method: {finding.method}"]
        if finding.reason:
            facts.append(f"reason: {finding.reason}")
        facts += [f"taken for granted: {text}" for text in finding.assumptions]
        facts += [f"live rival: {r.subject.label}" for r in finding.rivals if r.live]
        facts += [self._caveat(c) for c in self.caveats.get(finding.id, [])]
        return Ground(
            "finding",
            finding.id,
            f"{finding.kind.replace('_', ' ')}, {about} of {finding.sample}: {_says(finding)}",
            tuple(facts),
            (self._analysis(finding), *self._others(finding), *self._measurements(finding)),
        )

    def _others(self, finding: Finding) -> list[Ground]:
        """Return the findings that a computed figure takes numbers from."""
        named = finding.evidence.get("rests_on")
        taken = named if isinstance(named, list) else []
        return [self.finding(self.found[i]) for i in taken if i in self.found]

    def _analysis(self, finding: Finding) -> Ground:
        source = finding.source
        if source.citation and source.analysis in ("entered", "step.prepare"):
            return Ground("entry", "", f"entered by a person, from: {source.citation}")
        facts = tuple(f"{k} = {v!r}" for k, v in sorted(source.parameters.items()))
        return Ground(
            "analysis",
            source.analysis,
            f"{source.analysis} of plugin {source.plugin} {source.version}, "
            + (f"{len(facts)} parameters" if facts else "no parameters"),
            facts,
        )

    def _measurements(self, finding: Finding) -> list[Ground]:
        known = [self.records[m] for m in finding.measurements if m in self.records]
        if known:
            return [self.measurement(record) for record in known]
        return [self._sample(finding.sample, None)]

    def measurement(self, record: MeasurementRecord) -> Ground:
        facts = [f"read by {record.reader} of plugin {record.plugin} {record.version}"]
        facts += [f"option {k} = {v!r}" for k, v in sorted(record.options.items())]
        if record.state:
            facts.append(f"state: {state(record.state)}")
        facts.append(f"started: {record.start or 'unknown'}")
        facts += [f"noticed: {n.message}" for n in record.notices]
        files = tuple(
            Ground("file", file.sha256, f"{file.role}: {file.name}, {file.size} bytes, SHA-256")
            for file in record.files
        )
        return Ground(
            "measurement",
            record.id,
            f"{record.modality}, {record.origin}: {record.file_name}, {record.name}",
            tuple(facts),
            (*files, self._sample(record.sample, record)),
        )

    def _sample(self, sample: str, record: MeasurementRecord | None) -> Ground:
        line = [sample]
        while (parent := self.study.sample(line[-1]).parent) is not None and parent not in line:
            line.append(parent)
        lineage = "".join(f", cut from {parent}" for parent in line[1:])
        because: tuple[Ground, ...] = ()
        if record is not None:
            links = [k for k in self.custody.chain(record).links if k.order != "after"]
            steps = tuple(
                Ground("step", k.step.id, _step(k.step, k.order, k.inherited_from))
                for k in links[:MOST_STEPS]
            )
            more = len(links) - len(steps)
            text = f"{len(links)} step{'' if len(links) == 1 else 's'} before the measurement"
            unsure = sum(k.order == "unknown" for k in links)
            if unsure == len(links):
                text = text.replace("before", "before or after")
            elif unsure:
                text += f", {unsure} of them perhaps after it"
            if not links:
                text = "nothing is recorded of what happened before the measurement"
            facts = (f"{more} more steps are not listed",) if more else ()
            because = (Ground("chain", "", text, facts, steps),)
        return Ground("sample", sample, f"{sample}{lineage}", (), because)

    def _caveat(self, caveat: Caveat) -> str:
        return f"{caveat.effect} by rule {caveat.rule}: {caveat.message}"


def _says(finding: Finding) -> str:
    said = []
    if finding.status:
        said.append(finding.status.replace("_", " "))
    if finding.limit is not None:
        said.append(f"limit {number(finding.limit, 3)} {unit_text(finding.unit)}".rstrip())
    if finding.value is not None:
        said.append(measured(finding.value, finding.unit, finding.std_stat, finding.std_sys))
    elif finding.sentence:
        said.append(finding.sentence)
    return ", ".join(said) or ("cannot be told" if finding.reason else "a map or profile")


def _step(step: Step, order: str, inherited_from: str | None) -> str:
    where = f" of {inherited_from}" if inherited_from else ""
    what = f"{step.type}{where}" + (f": {step.title}" if step.title else "")
    conditions = conditions_text(step)
    when = step.start or ("time unknown" if step.sequence is None else f"number {step.sequence}")
    doubt = "; before or after is not known" if order == "unknown" else ""
    return f"{what}{f' ({conditions})' if conditions else ''}, {when}{doubt}"
