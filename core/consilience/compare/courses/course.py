"""Numbers of one technique over the states of a sample, and two such courses side by side."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consilience.compare.context import ComparisonContext
from consilience.compare.groups import region_key
from consilience.lineage import ancestors
from consilience.model.canonical import canonical_json
from consilience.model.finding import Finding, Subject
from consilience.states import state_json

__all__ = [
    "Course",
    "Pair",
    "Point",
    "courses_of",
    "pairs_of",
    "pooled",
    "shared_recording",
    "title_of",
]

FEWEST = 3
"""States below which there is no course."""


@dataclass(frozen=True)
class Point:
    """What one technique says in one state; repeats are averaged.

    Parameters
    ----------
    state : mapping
        In JSON form.
    value : float
    stat, sys : float or None
        Standard deviations.
    findings : tuple of Finding
    """

    state: Mapping[str, Any]
    value: float
    stat: float | None
    sys: float | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Course:
    """One quantity of one technique on one line of samples, as it was found; not yet by state."""

    kind: str
    subject: Subject | None
    unit: str
    technique: str
    analysis: str
    region: bytes
    simulated: bool
    line: str
    findings: tuple[Finding, ...]

    @property
    def samples(self) -> tuple[str, ...]:
        """IDs of the samples, sorted."""
        return tuple(sorted({f.sample for f in self.findings}))

    @property
    def ids(self) -> frozenset[str]:
        """IDs of the findings."""
        return frozenset(f.id for f in self.findings)


@dataclass(frozen=True)
class Pair:
    """Two courses over their common states, point by point.

    `missing` names the state variables that only one of the two states.
    """

    first: Course
    second: Course
    points: tuple[tuple[Point, Point], ...]
    missing: tuple[str, ...]


def courses_of(findings: Sequence[Finding], context: ComparisonContext) -> list[Course]:
    """Return all courses of three or more states.

    One kind, subject, unit, technique, analysis and region make one course; those on one sample
    where it passed three states, else those on the pieces of one line of samples.
    """
    alike: dict[tuple[Any, ...], list[Finding]] = defaultdict(list)
    for one in findings:
        if one.value is None or one.unit is None or one.weighed_in:
            continue
        subject = one.subject.key if one.subject else ""
        line = [one.sample, *ancestors(context.samples, one.sample)][-1]
        technique = context.modalities.get(one.id, "?")
        place = canonical_json(region_key(one.region))
        simulated = one.origin == "simulated"
        analysis = one.source.analysis
        key = (one.kind, subject, one.unit, technique, analysis, place, simulated, line)
        alike[key].append(one)
    found = []
    for key in sorted(alike):
        kind, _, unit, technique, analysis, place, simulated, line = key
        about = (unit, technique, analysis, place, simulated, line)
        found += [
            Course(kind, group[0].subject, *about, tuple(group)) for group in _by_sample(alike[key])
        ]
    return found


def _by_sample(findings: Sequence[Finding]) -> Iterator[list[Finding]]:
    samples: dict[str, list[Finding]] = defaultdict(list)
    for one in sorted(findings, key=lambda f: f.id):
        samples[one.sample].append(one)
    pieces: list[Finding] = []
    for sample in sorted(samples):
        if _states(samples[sample]) >= FEWEST:
            yield samples[sample]
        else:
            pieces += samples[sample]
    if len({f.sample for f in pieces}) > 1 and _states(pieces) >= FEWEST:
        yield pieces


def _states(findings: Sequence[Finding]) -> int:
    return len({canonical_json(state_json(f)) for f in findings})


def pairs_of(first: Course, second: Course) -> list[Pair]:
    """Put two courses side by side.

    States are the same if the variables that both techniques state are equal.  Variables that
    one of them states alone are held: each of their values makes a pair of its own.
    """
    one, other = _state_list(first), _state_list(second)
    mine, theirs = ({k for s, _ in listed for k in s} for listed in (one, other))
    shared = mine & theirs
    found = []
    for a in _held(one, shared):
        for b in _held(other, shared):
            common = [key for key in a if key in b]
            if len(common) >= FEWEST:
                points = tuple((pooled(a[key], shared), pooled(b[key], shared)) for key in common)
                found.append(Pair(first, second, points, tuple(sorted(mine ^ theirs))))
    return found


def _state_list(course: Course) -> list[tuple[dict[str, Any], Finding]]:
    return [(state_json(f), f) for f in course.findings]


def _held(
    listed: Sequence[tuple[dict[str, Any], Finding]], shared: set[str]
) -> list[dict[bytes, list[Finding]]]:
    """Split by what is held; each part maps a state to its findings."""
    parts: dict[bytes, dict[bytes, list[Finding]]] = defaultdict(lambda: defaultdict(list))
    for state, finding in listed:
        held = canonical_json({k: v for k, v in state.items() if k not in shared})
        key = canonical_json({k: v for k, v in state.items() if k in shared})
        parts[held][key].append(finding)
    return [parts[held] for held in sorted(parts)]


def pooled(findings: Sequence[Finding], shared: Collection[str]) -> Point:
    """Average repeats: their statistical errors average out, their systematic one does not.

    Parameters
    ----------
    findings : sequence of Finding
        With values in one unit.
    shared : collection of str
        State variables that the point keeps.
    """
    n = len(findings)
    stats = [f.std_stat for f in findings if f.std_stat is not None]
    syss = [f.std_sys for f in findings if f.std_sys is not None]
    state = {k: v for k, v in state_json(findings[0]).items() if k in shared}
    return Point(
        state=state,
        value=sum(f.value for f in findings if f.value is not None) / n,
        stat=math.sqrt(sum(s * s for s in stats)) / n if len(stats) == n else None,
        sys=sum(syss) / n if len(syss) == n else None,
        findings=tuple(findings),
    )


def shared_recording(pair: Pair) -> bool:
    """Return True if both rest on one measurement or one data file: no two witnesses."""
    sides = []
    for side in (0, 1):
        findings = [f for point in pair.points for f in point[side].findings]
        made = {m for f in findings for m in f.measurements}
        files = {x.sha256 for f in findings for x in f.source.files if x.role == "data"}
        sides.append(made | files)
    return bool(sides[0] & sides[1])


def title_of(course: Course, context: ComparisonContext) -> str:
    """Return kind, subject and technique in words."""
    kind = context.kinds.get(course.kind)
    title = kind.title if kind else course.kind.replace("_", " ")
    label = course.subject.label if course.subject else ""
    return f"{title} of {label}" if label else title
