"""Verdicts on two courses over the states of a sample: asked for, declared, or one quantity."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

from consilience.compare.context import ComparisonContext
from consilience.compare.courses.answer import (
    BY_MARGIN,
    Numbers,
    Said,
    equal_state_by_state,
    gone_together,
)
from consilience.compare.courses.course import (
    FEWEST,
    Course,
    Pair,
    Point,
    courses_of,
    pairs_of,
    shared_recording,
    title_of,
)
from consilience.compare.courses.state_order import order_of
from consilience.compare.margins import Decision
from consilience.compare.subjects import phase_and_element, same_subject
from consilience.lineage import relation
from consilience.model.association import AssociationRequest, SeriesChoice
from consilience.model.canonical import content_id
from consilience.model.finding import Finding, Subject
from consilience.model.verdict import Margin, Verdict
from consilience.states import state_words, value_words

__all__ = ["KEY", "KIND", "course_verdicts"]

KEY = "core.courses"
KIND = "course_over_states"


@dataclass(frozen=True)
class _Asked:
    """Two courses that are to be compared, and who asks; None: declared, or one quantity."""

    first: Course
    second: Course
    request: AssociationRequest | None

    @property
    def one_quantity(self) -> bool:
        one, other = self.first, self.second
        alike = one.kind == other.kind and one.unit == other.unit
        return alike and same_subject(one.subject, other.subject)


def course_verdicts(
    findings: Sequence[Finding],
    context: ComparisonContext,
    vetoed: Collection[str] = (),
) -> Iterator[Verdict]:
    """Give one verdict for each two courses of numbers that are to be held against each other.

    Compared are: one quantity by two techniques; kinds that declare each other
    (`consilience.declarations.Kind.goes_with`); and what the study asks for.  Never all pairs.

    Parameters
    ----------
    findings : sequence of Finding
    context : ComparisonContext
    vetoed : collection of str
        Findings that a rule leaves out; the reason says what they would change.
    """
    courses = courses_of(findings, context)
    done: list[frozenset[str]] = []
    for request in context.associations:
        chosen = list(_requested(request, courses))
        done += [asked.first.ids | asked.second.ids for asked in chosen]
        made = [v for asked in chosen for v in _compared(asked, context, vetoed)]
        yield from made or [_nothing(request, findings, chosen)]
    declared = {
        frozenset((kind.name, name)) for kind in context.kinds.values() for name in kind.goes_with
    }
    for one, other in combinations(courses, 2):
        if _by_itself(one, other, declared, context) and one.ids | other.ids not in done:
            yield from _compared(_Asked(one, other, None), context, vetoed)


def _requested(request: AssociationRequest, courses: Sequence[Course]) -> Iterator[_Asked]:
    firsts, seconds = (
        [course for whole in courses if (course := _chosen(whole, choice)) is not None]
        for choice in (request.first, request.second)
    )
    seen: set[frozenset[str]] = set()
    for first, second in product(firsts, seconds):
        pair = first.ids | second.ids
        same_line = (first.line, first.simulated) == (second.line, second.simulated)
        if not same_line or pair in seen or first.ids & second.ids:
            continue
        seen.add(pair)
        yield _Asked(first, second, request)


def _chosen(course: Course, choice: SeriesChoice) -> Course | None:
    """Return the part of a course that a choice means, or None."""
    subject = course.subject
    names = {subject.label, subject.element, subject.formula} if subject else set()
    if (
        course.kind != choice.kind
        or choice.subject not in {None, *names}
        or choice.technique not in {None, course.technique}
    ):
        return None
    kept = tuple(
        f
        for f in course.findings
        if choice.sample in (None, f.sample)
        and all(value_words(f.state.get(k)) == value_words(v) for k, v in choice.state.items())
    )
    return replace(course, findings=kept) if kept else None


def _by_itself(
    one: Course, other: Course, declared: Collection[frozenset[str]], context: ComparisonContext
) -> bool:
    """Return True if two courses are compared although the study does not ask for it."""
    if (
        one.technique == other.technique
        or (one.line, one.region, one.simulated) != (other.line, other.region, other.simulated)
        or not _one_piece_from_another(one, other, context)
    ):
        return False
    if one.kind == other.kind:
        about = context.kinds[one.kind].about if one.kind in context.kinds else ""
        same = same_subject(one.subject, other.subject) and one.unit == other.unit
        return same and about == "scalar"
    return frozenset((one.kind, other.kind)) in declared and _related(one.subject, other.subject)


def _one_piece_from_another(one: Course, other: Course, context: ComparisonContext) -> bool:
    return all(
        relation(context.samples, a, b) in ("same", "parent", "child")
        for a in one.samples
        for b in other.samples
    )


def _related(one: Subject | None, other: Subject | None) -> bool:
    """Return True for one subject, a phase and its element, or where one is no substance."""
    if one is None or other is None or same_subject(one, other):
        return True
    if phase_and_element(one, other):
        return True
    substances = [s for s in (one, other) if s.element is not None or s.formula is not None]
    return len(substances) == 1 or one.label == other.label


def _compared(
    asked: _Asked, context: ComparisonContext, vetoed: Collection[str]
) -> Iterator[Verdict]:
    for pair in pairs_of(asked.first, asked.second):
        recorded = shared_recording(pair)
        if recorded and asked.request is None:
            continue
        sound = tuple(
            points
            for points in pair.points
            if not any(f.id in vetoed for point in points for f in point.findings)
        )
        out = [points for points in pair.points if points not in sound]
        if len(sound) < FEWEST:  # nothing is left: rules then speak of the whole
            sound, out = pair.points, []
        verdict = _judged(replace(pair, points=sound), asked, context, recorded)
        if out:
            named = ", ".join(state_words(one.state) for one, _ in out)
            other = _judged(pair, asked, context, recorded).verdict.replace("_", " ")
            count = "that state" if len(out) == 1 else "those states"
            reason = f"{verdict.reason}; left out by a rule: {named}; with {count}: {other}"
            verdict = verdict.model_copy(update={"reason": reason})
        yield verdict


def _judged(pair: Pair, asked: _Asked, context: ComparisonContext, recorded: bool) -> Verdict:
    request = asked.request
    measured = [[point[side].findings for point in pair.points] for side in (0, 1)]
    states = [one.state for one, _ in pair.points]
    stated = request.order if request else None
    places, how = order_of(states, measured, context, stated)
    points = pair.points if places is None else tuple(pair.points[i] for i in places)
    numbers = _numbers(points)
    common = request is not None and request.systematic == "common"
    if request is not None and request.expect is not None:
        said = gone_together(numbers, request.expect, common, context.level)
    elif asked.one_quantity:
        one = "one quantity must go"
        said = gone_together(numbers, "same", common, context.level, one)
    else:
        said = gone_together(numbers, None, common, context.level, ordered=places is not None)
    decided: Decision | None = None
    margin = context.margin(pair.first.kind) if asked.one_quantity else None
    if margin is not None and _same_piece(points):
        widths = [_width(margin, one.value, other.value) for one, other in points]
        names = f"{pair.first.technique} less {pair.second.technique} is"
        said, decided = _with_margin(said, numbers, widths, margin, context.level, names)
    if recorded:
        said.reason = f"both rest on one recording, so that their errors are one; {said.reason}"
        said.answer, said.test, said.settle = "not_comparable", None, "two recordings"
    if pair.missing and said.answer == "agree":
        said.answer = "consistent"
        said.reason += f"; but only one of them states {', '.join(pair.missing)}"
    told = [said.reason, *(_course(points, side, pair, context, places) for side in (0, 1))]
    told.append(f"states in order {how}" if places is not None else f"no order: {how}")
    if request is not None and request.reason:
        told.append(f"asked for: {request.reason}")
    return _verdict(pair, points, said, decided, margin, told, asked, context)


def _with_margin(
    said: Said,
    numbers: Numbers,
    widths: Sequence[float],
    margin: Margin,
    level: float,
    names: str,
) -> tuple[Said, Decision | None]:
    """Let the differences state by state decide where they can."""
    found = equal_state_by_state(numbers, widths, level)
    if found is None:
        return said, None
    decided, told = found
    words = {
        "agree": "equal within the margin in every state",
        "disagree": "different beyond the margin in at least one state",
        "undecided": "the differences decide nothing against the margin",
    }[decided.answer]
    differ = f"; {names} {told}" if told else ""
    reason = f"{words} ({margin.reason}){differ}; {said.reason}"
    if decided.answer == "undecided" and said.answer == "disagree":
        said.reason = reason
        return said, None
    made = Said(decided.answer, reason, numbers=said.numbers)
    made.test, made.statistic, made.p_value = BY_MARGIN, decided.statistic, decided.p_value
    if decided.answer == "undecided":
        made.settle = f"a standard deviation of the differences below {decided.needed:.2g}"
    return made, decided


def _numbers(points: Sequence[tuple[Point, Point]]) -> Numbers:
    columns = zip(*points, strict=True)
    first, second = ([*column] for column in columns)
    return Numbers(
        [p.value for p in first],
        [p.value for p in second],
        [p.stat for p in first],
        [p.stat for p in second],
        [p.sys for p in first],
        [p.sys for p in second],
    )


def _same_piece(points: Sequence[tuple[Point, Point]]) -> bool:
    return all(
        {f.sample for f in one.findings} == {f.sample for f in other.findings}
        for one, other in points
    )


def _width(margin: Margin, one: float, other: float) -> float:
    return margin.value * (0.5 * (abs(one) + abs(other)) if margin.relative else 1.0)


def _course(
    points: Sequence[tuple[Point, Point]],
    side: int,
    pair: Pair,
    context: ComparisonContext,
    places: list[int] | None,
) -> str:
    """Say how far one quantity goes: from the first to the last state, and its extremes."""
    course = (pair.first, pair.second)[side]
    mine = [point[side] for point in points]
    low, high = min(mine, key=lambda p: p.value), max(mine, key=lambda p: p.value)
    name = f"{title_of(course, context)} ({course.technique})"
    unit = "" if course.unit == "1" else f" {course.unit}"
    reach = (
        f"{low.value:.4g} ({state_words(low.state)}) to {high.value:.4g} "
        f"({state_words(high.state)}){unit}"
    )
    if places is None:
        return f"{name} from {reach}: {_change(low, high, unit)}"
    return f"{name} {_change(mine[0], mine[-1], unit)} from first to last, within {reach}"


def _change(one: Point, other: Point, unit: str) -> str:
    parts = (one.stat, other.stat, one.sys, other.sys)
    change = f"{other.value - one.value:+.3g}"
    if any(part is None for part in parts):
        return f"{change}{unit} (error not known)"
    return f"{change} ± {math.hypot(*(p for p in parts if p is not None)):.2g}{unit}"


def _verdict(
    pair: Pair,
    points: Sequence[tuple[Point, Point]],
    said: Said,
    decided: Decision | None,
    margin: Margin | None,
    told: Sequence[str],
    asked: _Asked,
    context: ComparisonContext,
) -> Verdict:
    first, second = pair.first, pair.second
    ids = [f.id for side in (0, 1) for point in points for f in point[side].findings]
    one, other = (title_of(course, context) for course in (first, second))
    label = f"{one}, {first.technique} and {second.technique}"
    if not asked.one_quantity:
        label = f"{one} and {other}"
    findings = [f for point in points for p in point for f in p.findings]
    body = {
        "comparison": KEY,
        "findings": sorted(ids),
        "request": None if asked.request is None else asked.request.to_json(),
        "verdict": said.answer,
        "margin": None if margin is None else margin.to_json(),
    }
    at = None if decided is None else points[decided.at]
    std = None
    if at is not None:
        std = math.hypot(*(s or 0.0 for p in at for s in (p.stat, p.sys)))
    return Verdict(
        id=content_id("v", body),
        kind=KIND,
        subject=Subject(label=label),
        samples=sorted({f.sample for f in findings}),
        findings=ids,
        verdict=said.answer,
        reason="; ".join(told),
        difference=None if at is None else at[0].value - at[1].value,
        std=std,
        unit=first.unit if at is not None else None,
        test=said.test,
        statistic=None if said.test is None else said.statistic,
        p_value=None if said.test is None else said.p_value,
        margin=margin if decided is not None else None,
        smallest_detectable=None if decided is None else decided.smallest,
        settle=said.settle,
        comparison=KEY,
        numbers={
            **said.numbers,
            "course": [
                {
                    "state": state_words(a.state),
                    "first": a.value,
                    "first_std_stat": a.stat,
                    "first_std_sys": a.sys,
                    "second": b.value,
                    "second_std_stat": b.stat,
                    "second_std_sys": b.sys,
                }
                for a, b in points
            ],
        },
    )


def _nothing(
    request: AssociationRequest,
    findings: Sequence[Finding],
    chosen: Sequence[_Asked],
) -> Verdict:
    """Say why what the study asks for cannot be compared."""
    if chosen:
        said = f"they have fewer than {FEWEST} states in common"
        settle = f"both in the same {FEWEST} or more states"
        samples = {s for asked in chosen for s in (*asked.first.samples, *asked.second.samples)}
    else:
        kinds = (request.first.kind, request.second.kind)
        samples = {f.sample for f in findings if f.kind in kinds}
        said = f"no sample has both in {FEWEST} or more states as asked for"
        settle = "numbers of both over states, or other words in [[association]]"
    known = sorted({f.kind for f in findings if f.value is not None})
    unknown = [c.kind for c in (request.first, request.second) if c.kind not in known]
    if unknown:
        said += f"; there is no number of kind {' or '.join(repr(k) for k in unknown)}"
    return Verdict(
        id=content_id("v", {"comparison": KEY, "nothing": request.to_json()}),
        kind=KIND,
        subject=Subject(label=request.name),
        samples=sorted(samples),
        findings=[],
        verdict="not_comparable",
        reason=said,
        settle=settle,
        comparison=KEY,
    )
