"""What a study says, as signs that do not hang on noise; this module never sees the truth.

A sign is a kind of statement about a sample, a file, a rule or a quantity, without any number: the
signs of two studies can be held against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from consilience.model import Finding, Verdict
from consilience.study import Study
from consilience.study.building import BuildSummary

__all__ = ["ALARMS", "Answer", "Sign", "answer_of", "new_signs"]

ALARMS = ("disagree", "doubt", "veto", "note", "notice", "refused", "failed", "verify")
"""Signs that something is wrong; besides them an agreement may be *lost*."""


@dataclass(frozen=True)
class Sign:
    """One statement: what kind, about what, and whom it names."""

    what: str
    about: str
    who: frozenset[str]

    def __str__(self) -> str:
        return f"{self.what}: {self.about}"


@dataclass
class Answer:
    """All that a study says against its parts, and all in which its parts support each other."""

    alarms: set[Sign] = field(default_factory=set)
    support: set[Sign] = field(default_factory=set)


def answer_of(
    study: Study, summary: BuildSummary, names: Mapping[str, str], verify: bool = False
) -> Answer:
    """Ask a built study.

    Parameters
    ----------
    study : Study
    summary : BuildSummary
    names : mapping
        Measurement ID to the name of its file.
    verify : bool
        Hash all that is stored, too.
    """
    answer = Answer()
    findings = {f.id: f for f in study.findings()}
    who = {
        i: frozenset({f.sample, *(names[m] for m in f.measurements)}) for i, f in findings.items()
    }
    for verdict in study.compare():
        _add_verdict(answer, verdict, findings, who)
    for caveat in study.caveats(list(findings.values())):
        answer.alarms.add(Sign(caveat.effect, caveat.rule, who[caveat.finding]))
    for record in study.measurement_records():
        for notice in record.notices:
            named = frozenset({record.sample, names[record.id]})
            answer.alarms.add(Sign("notice", f"{notice.code} at registration", named))
    for (analysis, behind), run in study.current_runs().items():
        named = frozenset(names[m] for m in behind)
        for notice in run["notices"]:
            answer.alarms.add(Sign("notice", f"{notice['code']} of {analysis}", named))
    for refusal in summary.refused:
        answer.alarms.add(Sign("refused", "file", frozenset({refusal.file})))
    for part in summary.analyses:
        for failure in part.failures:
            named = frozenset(names[m] for m in failure.measurements)
            answer.alarms.add(Sign("failed", failure.analysis, named))
    if verify:
        _add_verified(answer, study, names)
    return answer


def _add_verdict(
    answer: Answer,
    verdict: Verdict,
    findings: Mapping[str, Finding],
    who: Mapping[str, frozenset[str]],
) -> None:
    named = frozenset().union(*(who[i] for i in verdict.findings))
    kinds = sorted({findings[i].kind for i in verdict.findings})
    subjects = (verdict.subject, *(findings[i].subject for i in verdict.findings))
    labels = sorted({s.label for s in subjects if s is not None})
    # which region it is of is left out: how many points it has hangs on noise
    about = " ".join([verdict.comparison, *kinds, *labels])
    if verdict.verdict == "disagree":
        answer.alarms.add(Sign("disagree", about, named))
    elif verdict.verdict in ("agree", "consistent"):
        answer.support.add(Sign("support", about, named))


def _add_verified(answer: Answer, study: Study, names: Mapping[str, str]) -> None:
    hashes = {
        file.sha256: names[r.id] for r in study.measurement_records() for file in r.stored.values()
    }
    for problem in study.verify().problems:
        if problem.severity != "note":
            words = f"{problem.what} {problem.where}"
            named = {name for sha, name in hashes.items() if sha in words}
            answer.alarms.add(Sign("verify", problem.kind, frozenset(named)))


def new_signs(
    answer: Answer, clean: Answer, affected: Iterable[str], how: Iterable[str]
) -> list[Sign]:
    """Return what an answer says of affected samples or files and a clean one does not.

    Parameters
    ----------
    answer, clean : Answer
    affected : iterable of str
        Samples and files.
    how : iterable of str
        Kinds of signs that count; ``"lost"`` is a support that the clean answer gives.
    """
    wanted, kinds = set(affected), set(how)
    found = [s for s in answer.alarms - clean.alarms if s.what in kinds and s.who & wanted]
    if "lost" in kinds:
        lost = (s for s in clean.support - answer.support if s.who & wanted)
        found += [Sign("lost", s.about, s.who) for s in lost]
    return sorted(found, key=str)
