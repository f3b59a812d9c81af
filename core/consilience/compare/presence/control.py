"""A sample against its control: is it more than the blank, the dry cell, the raw electrolyte?"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any, Literal

from consilience.compare.context import ComparisonContext
from consilience.compare.courses.course import Point, pooled
from consilience.compare.courses.verdicts import KEY as COURSES
from consilience.compare.groups import region_key
from consilience.compare.subjects import same_subject
from consilience.lineage import ancestors
from consilience.model.canonical import content_id
from consilience.model.finding import Finding, Subject
from consilience.model.stoichiometry import fractions_of_formula
from consilience.model.verdict import Answer, Margin, Verdict
from consilience.states import contradicting, state_json, state_words
from consilience.text import in_unit

__all__ = ["KEY", "Controlled", "against_controls", "qualified"]

KEY = "core.control"
TEST = "difference to the control beyond the margin, one-sided"
MOST_TOLD = 3
"""States whose amounts a reason gives one by one; the verdict's ``numbers`` have all."""
_EXPOSED = ("count", "count/s")
"""Units whose numbers hang on time, current and area of a measurement as much as on the sample."""


@dataclass
class Controlled:
    """Verdicts against controls, and which findings cannot be told from one.

    `shared` maps a finding's ID to technique, label, sample and control.
    """

    verdicts: list[Verdict] = field(default_factory=list)
    shared: dict[str, tuple[str, str, str, str]] = field(default_factory=dict)


@dataclass
class _Told:
    """What one state of the sample comes to.

    *more*: than the control; *shared*: not told from what the control shows; *open*: the control
    could not have shown it, or does not say; *blind*: it cannot see it.
    """

    what: Literal["more", "shared", "open", "blind"]
    words: str
    p_value: float | None = None
    difference: float | None = None
    std: float | None = None
    statistic: float | None = None
    smallest: float | None = None


_Group = tuple[str, str, str, str]
"""Sample, kind, subject, technique."""


def against_controls(
    findings: Sequence[Finding],
    context: ComparisonContext,
    vetoed: Collection[str] = (),
) -> Controlled:
    """Hold what was found on samples against their controls, by the same technique.

    Presence, compositions and kinds that are amounts are asked: of them alone *more* is meant.
    One verdict for each sample, control, kind, subject and technique speaks of all states.

    Parameters
    ----------
    findings : sequence of Finding
    context : ComparisonContext
    vetoed : collection of str
        Findings that a rule leaves out; a control that is vetoed shows nothing.
    """
    groups: dict[_Group, list[Finding]] = defaultdict(list)
    for one in findings:
        if _askable(one, context):
            subject = one.subject.key if one.subject else ""
            key = (one.sample, one.kind, subject, context.modalities.get(one.id, "?"))
            groups[key].append(one)
    found = Controlled()
    for (sample, kind, _, technique), mine in sorted(groups.items()):
        for control in sorted(_controls_of(sample, context)):
            theirs = [
                f
                for (other, its, _, by), members in groups.items()
                if (other, its, by) == (control, kind, technique)
                for f in members
                if same_subject(f.subject, mine[0].subject)
                and (f.origin == "simulated") == (mine[0].origin == "simulated")
            ]
            if theirs:
                _compare(mine, theirs, control, context, vetoed, found)
    return found


def qualified(verdicts: Sequence[Verdict], controlled: Controlled) -> list[Verdict]:
    """Let a verdict say no more than the sample's controls allow.

    What a control shows, too, is no evidence of the sample's own: *agree* becomes *consistent*,
    *disagree* becomes *undecided*, and the reason says so and what it would be.  Changes over
    states are none of it: what the control adds to every state it does not change.
    """
    return [_qualified(v, controlled.shared) for v in verdicts]


def _qualified(verdict: Verdict, shared: Mapping[str, tuple[str, str, str, str]]) -> Verdict:
    labels: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for technique, label, sample, control in dict.fromkeys(
        shared[f] for f in verdict.findings if f in shared
    ):
        labels[technique, sample, control].append(label)
    words = [
        f"{technique} does not tell {', '.join(found)} on {sample} from its control {control}, so "
        f"that it is no evidence of what is {sample}'s own"
        for (technique, sample, control), found in labels.items()
    ]
    if not words or verdict.verdict == "not_comparable" or verdict.comparison == COURSES:
        return verdict
    weaker: dict[Answer, Answer] = {"agree": "consistent", "disagree": "undecided"}
    answer = weaker.get(verdict.verdict, verdict.verdict)
    without = "" if answer == verdict.verdict else f"; without the control: {verdict.verdict}"
    settle = "amounts in sample and control, with errors"
    return verdict.model_copy(
        update={
            "verdict": answer,
            "reason": f"{verdict.reason}; but {'; '.join(words)}{without}",
            "settle": "; ".join(s for s in (verdict.settle, settle) if s),
        }
    )


def _askable(finding: Finding, context: ComparisonContext) -> bool:
    kind = context.kinds.get(finding.kind)
    if kind is None or finding.weighed_in:
        return False
    if kind.about == "presence":
        return finding.subject is not None
    return finding.value is not None and (kind.about == "composition" or kind.amount)


def _controls_of(sample: str, context: ComparisonContext) -> Iterator[str]:
    """Yield controls of a sample and of what it was cut from, and pieces of such controls."""
    line = {sample, *ancestors(context.samples, sample)}
    for name in context.samples:
        up = [name, *ancestors(context.samples, name)]
        if name not in line and any(context.samples[s].control_of in line for s in up):
            yield name


def _compare(
    mine: Sequence[Finding],
    theirs: Sequence[Finding],
    control: str,
    context: ComparisonContext,
    vetoed: Collection[str],
    found: Controlled,
) -> None:
    sound = [f for f in theirs if f.id not in vetoed]
    shown = sound or theirs  # none is left: rules then speak of the verdict
    told: dict[str, _Told] = {}
    used: dict[str, list[Finding]] = {}
    states = _by_state(mine, context)
    for name, members in states.items():
        others = _in_its_state(members[0], shown)
        answer = _state(members, others, context, len(states))
        if answer is None:
            continue
        told[name], used[name] = answer, [*members, *others]
        own = _put_in(members[0], context)
        if answer.what == "shared" and sound and not own:
            label = members[0].subject.label if members[0].subject else members[0].kind
            technique = context.modalities.get(members[0].id, "?")
            for f in members:
                found.shared[f.id] = (technique, label, f.sample, control)
    if told:
        found.verdicts.append(_verdict(told, used, control, context))


def _by_state(mine: Sequence[Finding], context: ComparisonContext) -> dict[str, list[Finding]]:
    """Return what speaks in each state: of the whole sample if anything does, else of regions.

    Numbers of several regions are no number of the sample; presence in one of them is presence.
    """
    states: dict[str, list[Finding]] = defaultdict(list)
    for one in sorted(mine, key=lambda f: f.id):
        states[state_words(state_json(one))].append(one)
    made = {}
    for name in sorted(states):
        whole = [f for f in states[name] if region_key(f.region) is None]
        chosen = whole or states[name]
        if context.kinds[chosen[0].kind].about == "presence":
            present = [f for f in chosen if f.status == "present"]
            if present:
                made[name] = present
        elif whole or len(chosen) == 1:
            made[name] = chosen
    return made


def _in_its_state(one: Finding, theirs: Sequence[Finding]) -> list[Finding]:
    """Return what the control shows in the state of the sample, or in any if in none of that."""
    return [f for f in theirs if not contradicting(one, f)] or list(theirs)


def _put_in(one: Finding, context: ComparisonContext) -> bool:
    """Return True if it was put into the sample: then it is the sample's own, blank or not."""
    if one.subject is None:
        return False
    line = {one.sample, *ancestors(context.samples, one.sample)}
    put = [
        item.subject
        for step in context.steps
        if step.sample in line and step.type == "prepare"
        for item in step.constituents
    ]
    if one.subject.element is not None:
        return any(
            one.subject.element in ({s.element} | set(fractions_of_formula(s.formula or "") or {}))
            for s in put
        )
    return any(same_subject(one.subject, s) for s in put)


def _state(
    mine: Sequence[Finding], theirs: Sequence[Finding], context: ComparisonContext, tests: int
) -> _Told | None:
    """Return what is more than the control in one state; None if there is nothing to tell."""
    kind = context.kinds[mine[0].kind]
    level = context.level / tests
    margin = context.margin(mine[0].kind)
    amounts = _amounts(mine, theirs, margin, level)
    if kind.about != "presence":
        return amounts
    seen = [f for f in theirs if f.status == "present"]
    if seen:
        if amounts is None:
            return _Told("shared", "the control shows it, too, and no amounts tell the two apart")
        return amounts
    absent = [f for f in theirs if f.status == "absent_below_limit"]
    if absent:
        return _absent(mine, absent)
    if any(f.status is None for f in theirs):
        return _Told("open", "the control states no limit below which it is absent")
    reason = next((f.reason for f in theirs if f.reason), "")
    return _Told("blind", f"not observable in the control: {reason}")


def _absent(mine: Sequence[Finding], absent: Sequence[Finding]) -> _Told:
    limits = [(f.limit, f.unit) for f in absent if f.limit is not None]
    limit, unit = min(limits, key=lambda pair: pair[0])
    values = [f.value for f in mine if f.value is not None and f.unit == unit]
    below = f"absent in the control below {in_unit(f'{limit:.3g}', unit)}"
    if unit not in _EXPOSED and values and max(values) <= limit:
        most = in_unit(f"{max(values):.3g}", unit)
        said = f"{below}, which the amount of {most} would not have reached"
        return _Told("open", said)
    return _Told("more", below)


def _amounts(
    mine: Sequence[Finding], theirs: Sequence[Finding], margin: Margin | None, level: float
) -> _Told | None:
    """Return whether the amount is beyond that of the control by margin and error."""
    valued = [f for f in mine if f.value is not None]
    control = [f for f in theirs if f.value is not None]
    units = {f.unit for f in [*valued, *control]}
    if not valued or not control or len(units) > 1:
        return None
    unit = units.pop()
    if unit in _EXPOSED:
        return None
    one, other = pooled(valued, {}), pooled(control, {})
    difference = one.value - other.value
    shown = in_unit(f"{difference:+.3g}", unit)
    std = _std(one, other)
    if std is None:
        said = f"{shown} against the control, with a standard deviation that is unknown"
        return _Told("shared", said, difference=difference)
    width = 0.0
    if margin is not None:
        width = margin.value
        width *= 0.5 * (abs(one.value) + abs(other.value)) if margin.relative else 1.0
    statistic = (difference - width) / std
    p = 0.5 * math.erfc(statistic / math.sqrt(2.0))
    bar = NormalDist().inv_cdf(1.0 - level)
    beyond = f"{shown} ± {std:.2g} against the control"
    at = f"the margin of {width:.3g} ({margin.reason})" if margin is not None else "0 (no margin)"
    words = f"{beyond}, beyond {at}" if p < level else f"{beyond}, not beyond {at}"
    smallest = width + 2.0 * bar * std
    return _Told("more" if p < level else "shared", words, p, difference, std, statistic, smallest)


def _std(one: Point, other: Point) -> float | None:
    parts = (one.stat, one.sys, other.stat, other.sys)
    if any(part is None for part in parts):
        return None
    return math.hypot(*(part for part in parts if part is not None)) or None


def _verdict(
    told: Mapping[str, _Told],
    used: Mapping[str, Sequence[Finding]],
    control: str,
    context: ComparisonContext,
) -> Verdict:
    first = next(iter(used.values()))[0]
    label = first.subject.label if first.subject else ""
    by_what: dict[str, list[str]] = defaultdict(list)
    for name, t in told.items():
        by_what[t.what].append(name)
    answer: Answer = "undecided"
    if by_what["more"]:
        answer = "consistent"
    elif all(t.what == "blind" for t in told.values()):
        answer = "not_comparable"
    technique = context.modalities.get(first.id, "?")
    amounts = any(t.difference is not None for t in told.values())
    found = "finds more of" if amounts else "finds"
    head = {
        "consistent": f"{technique} {found} {label} on {first.sample} "
        f"{'than in' if amounts else 'and not in'} its control {control}: the sample's own",
        "undecided": f"{technique} does not tell {label} on {first.sample} from its control "
        f"{control}",
        "not_comparable": f"the control {control} cannot say what of {label} is {first.sample}'s "
        "own",
    }[answer]
    named = "; ".join(
        f"{word} in {' / '.join(by_what[what])}"
        for what, word in (("more", "more"), ("shared", "not told apart"))
        if by_what[what] and sum(map(bool, by_what.values())) > 1
    )
    by_words: dict[str, list[str]] = defaultdict(list)
    for name, t in told.items():
        by_words[t.words].append(name)
    each = "; ".join(
        words if len(by_words) == 1 else f"{words} ({' / '.join(names)})"
        for words, names in by_words.items()
    )
    off = [t.difference for t in told.values() if t.difference is not None]
    if len(by_words) > MOST_TOLD and len(off) == len(told):
        unit = "" if first.unit == "1" else f" {first.unit}"
        each = f"by {min(off):+.3g} to {max(off):+.3g}{unit} over {len(off)} states"
    tested = [t for t in told.values() if t.p_value is not None]
    best = max(tested, key=lambda t: t.statistic or 0.0) if tested else None
    margin = context.margin(first.kind)
    findings = list({f.id: f for group in used.values() for f in group}.values())
    body: dict[str, Any] = {
        "comparison": KEY,
        "kind": first.kind,
        "findings": sorted(f.id for f in findings),
        "verdict": answer,
        "margin": None if margin is None else margin.to_json(),
    }
    return Verdict(
        id=content_id("v", body),
        kind=first.kind,
        subject=Subject(label=f"{label}, more than in its control {control}?"),
        samples=sorted({first.sample, control}),
        findings=[f.id for f in findings],
        verdict=answer,
        reason=": ".join([head, each]) + (f" [{named}]" if named else ""),
        difference=None if best is None else best.difference,
        std=None if best is None else best.std,
        unit=first.unit if best is not None else None,
        test=None if best is None else TEST,
        statistic=None if best is None else best.statistic,
        p_value=None
        if best is None or best.p_value is None
        else min(1.0, len(tested) * best.p_value),
        margin=margin if best is not None else None,
        smallest_detectable=None if best is None else best.smallest,
        settle="amounts in sample and control, with errors" if answer != "consistent" else "",
        comparison=KEY,
        numbers={"states": [{"state": n, "is": t.what, "why": t.words} for n, t in told.items()]},
    )
