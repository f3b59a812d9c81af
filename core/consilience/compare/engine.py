"""Which findings meet, and which comparison decides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING

from consilience.compare.context import ComparisonContext
from consilience.compare.courses.verdicts import course_verdicts
from consilience.compare.groups import gathered, groups_of, region_key
from consilience.compare.multiplicity import with_false_discoveries_controlled
from consilience.compare.numbers.consensus import consensus_verdicts
from consilience.compare.presence.control import against_controls, qualified
from consilience.compare.presence.elements_of_phase import phases_and_elements
from consilience.compare.presence.presence import unlisted
from consilience.compare.qualified import (
    as_far_as_known,
    in_one_state,
    of_one_world,
    while_unaltered,
    with_caveats,
)
from consilience.declarations import Comparison, Kind
from consilience.errors import ConsilienceError, PluginError
from consilience.model.association import AssociationRequest
from consilience.model.canonical import canonical_json, content_id
from consilience.model.finding import Finding
from consilience.model.sample import Sample, Step
from consilience.model.stoichiometry import Homogeneity
from consilience.model.verdict import Caveat, Margin, Verdict
from consilience.registry import Registry
from consilience.states import state_json

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["compare_findings"]


_Asked = dict[tuple[str, str, str], tuple[Verdict | None, bool]]
"""What comparisons said so far, by key and the two findings that were put to them."""


def compare_findings(
    registry: Registry,
    samples: Mapping[str, Sample],
    findings: Sequence[Finding],
    modalities: Mapping[str, str],
    *,
    caveats: Sequence[Caveat] = (),
    margins: Mapping[str, Margin] | None = None,
    steps: Sequence[Step] = (),
    starts: Mapping[str, str | None] | None = None,
    sequences: Mapping[str, int | None] | None = None,
    level: float = 0.05,
    homogeneity: Mapping[str, Homogeneity] | None = None,
    open_array: Callable[[str], xr.Dataset] | None = None,
    associations: Sequence[AssociationRequest] = (),
) -> list[Verdict]:
    """Compare all findings that can meet and return the verdicts, sorted by ID.

    Parameters
    ----------
    registry : Registry
    samples : mapping
        By ID.
    findings : sequence of Finding
    modalities : mapping
        Finding ID to modality.
    caveats : sequence of Caveat
        A veto leaves the finding out of the verdict, a doubt qualifies it.
    margins : mapping, optional
        The study's own margins by kind.
    steps : sequence of Step
        What happened to the samples: what was weighed in holds until a step alters it.
    starts : mapping, optional
        Measurement ID to when it started, ISO 8601 with offset.
    sequences : mapping, optional
        Measurement ID to its place in the chain of its sample, where there are no times.
    level : float
        One-sided level of each test.
    homogeneity : mapping, optional
        Formula to the range of compositions that the study states for a phase.
    open_array : callable, optional
        Opens an array that a finding names: joint covariances of compositions.
    associations : sequence of AssociationRequest, optional
        Pairs of quantities that the study asks to be held against each other over states.

    Notes
    -----
    Of two findings the first is that of the technique whose name comes first, then of the sample;
    what was weighed in comes last.
    Two findings meet if they have kinds that one comparison serves, are on one
    sample or one line of samples, and do not rest on the same measurement.  Two
    findings of one modality meet only in one state: several states are a series.  Two techniques
    that follow one sample over three or more states have a verdict on their courses besides.
    A comparison of scope "group" is asked once for two compositions, whatever the number
    of their elements.  A phase is held once against its elements by each other technique.  Numbers
    that three or more techniques state have a consensus beside the pairs.  What a control of the
    sample shows, too, is held against it, and qualifies the other verdicts on it.  Of all
    disagreements that rest on a test, those are kept that stand at a false discovery rate of
    `level`; after that caveats are applied.
    """
    kinds = {kind.name: kind for kind in registry.all(Kind)}
    listed = _complete_lists(findings)
    context = ComparisonContext(
        samples=samples,
        kinds=kinds,
        modalities=modalities,
        margins=margins or {},
        level=level,
        listed=listed,
        steps=steps,
        starts=starts or {},
        sequences=sequences or {},
        groups=groups_of(findings),
        homogeneity=homogeneity or {},
        open_array=None if open_array is None else cache(open_array),
        associations=associations,
        maps=_maps(findings),
        elements=_elements(findings, kinds),
        unsound={c.finding for c in caveats if c.effect in ("doubt", "veto")},
    )
    by_finding = defaultdict(list)
    for caveat in caveats:
        by_finding[caveat.finding].append(caveat)
    serving = _serving(registry)
    verdicts: dict[str, Verdict] = {}
    met: set[str] = set()
    asked: _Asked = {}
    order = _order(findings, modalities)
    for first, second in combinations(sorted(findings, key=lambda f: order[f.id]), 2):
        if not _can_meet(first, second, context):
            continue
        verdict = _decide(first, second, serving, context, asked, order)
        if verdict is not None:
            met.update(verdict.findings)
            _keep(verdicts, verdict)
    for finding in findings:
        if finding.weighed_in or finding.sample not in listed or finding.kind != "phase":
            continue
        verdict = unlisted(finding, listed[finding.sample], context)
        if verdict is not None:
            verdict = of_one_world(verdict, finding, listed[finding.sample][0], context)
            verdict = while_unaltered(verdict, finding, context)
            met.update(verdict.findings[:1])
            _keep(verdicts, verdict)
    vetoed = {c.finding for c in caveats if c.effect == "veto"}
    for verdict in consensus_verdicts(findings, context, vetoed):
        _keep(verdicts, verdict)
    for verdict in course_verdicts(findings, context, vetoed):
        _keep(verdicts, verdict)
    for verdict in phases_and_elements(findings, context, list(verdicts.values()), vetoed):
        _keep(verdicts, verdict)
    for verdict in _alone(findings, met, context):
        _keep(verdicts, verdict)
    controls = against_controls(findings, context, vetoed)
    made = [*qualified(list(verdicts.values()), controls), *controls.verdicts]
    sure = with_false_discoveries_controlled(made, level)
    told = {v.id: with_caveats(v, by_finding) for v in sure}
    return [told[key] for key in sorted(told)]


def _order(findings: Sequence[Finding], modalities: Mapping[str, str]) -> dict[str, int]:
    """Return the place of each finding: a difference is the earlier one minus the later one.

    What instruments say comes before what was weighed in; then the names of technique and sample,
    state and region decide.  IDs, which change with a version, do so only where these are alike.
    """

    def key(one: Finding) -> tuple[bool, str, str, bytes, str]:
        where = canonical_json([state_json(one), region_key(one.region)])
        return one.weighed_in, modalities.get(one.id, "?"), one.sample, where, one.id

    return {f.id: place for place, f in enumerate(sorted(findings, key=key))}


def _keep(verdicts: dict[str, Verdict], verdict: Verdict) -> None:
    verdicts[verdict.id] = verdict


def _complete_lists(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    lists: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.weighed_in and finding.kind == "phase" and finding.evidence.get("complete"):
            lists[finding.sample].append(finding)
    # one preparation that leaves it open what else went in opens the whole list
    opened = {f.sample for f in findings if f.weighed_in and not f.evidence.get("complete")}
    return {
        sample: sorted(items, key=lambda f: f.id)
        for sample, items in lists.items()
        if sample not in opened
    }


def _maps(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    """Return by sample what names a map, so that few are looked at for each pair."""
    maps: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.array is not None and "variable" in finding.evidence:
            maps[finding.sample].append(finding)
    return maps


def _elements(findings: Sequence[Finding], kinds: Mapping[str, Kind]) -> dict[str, list[Finding]]:
    """Return by sample what speaks of an element, so that few are looked at for each pair."""
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in sorted(findings, key=lambda f: f.id):
        of_element = finding.subject is not None and finding.subject.element is not None
        if of_element and kinds[finding.kind].about in ("presence", "composition"):
            found[finding.sample].append(finding)
    return found


def _serving(registry: Registry) -> dict[frozenset[str], list[Comparison]]:
    serving: dict[frozenset[str], list[Comparison]] = defaultdict(list)
    for item in registry.all(Comparison):
        for pair in item.kinds:
            serving[frozenset(pair)].append(item)
    for items in serving.values():
        items.sort(key=lambda c: (-c.priority, c.key))
    return serving


def _can_meet(first: Finding, second: Finding, context: ComparisonContext) -> bool:
    if set(first.measurements) & set(second.measurements):
        return False
    if first.weighed_in and second.weighed_in:
        return False
    if context.relation(first, second) in ("unrelated", "control"):
        return False
    if not context.repeat(first, second):
        return True
    if _data_files(first) & _data_files(second):
        return False  # one recording read in two ways is one witness
    # one technique twice: another state is a series, and nothing seen twice is no evidence
    about = {context.kinds[f.kind].about for f in (first, second)}
    seen = "presence" not in about or "present" in (first.status, second.status)
    return seen and first.state == second.state


def _data_files(finding: Finding) -> set[str]:
    return {file.sha256 for file in finding.source.files if file.role == "data"}


def _decide(
    first: Finding,
    second: Finding,
    serving: Mapping[frozenset[str], Sequence[Comparison]],
    context: ComparisonContext,
    asked: _Asked,
    order: Mapping[str, int],
) -> Verdict | None:
    for item in serving.get(frozenset((first.kind, second.kind)), ()):
        one, other = first, second
        if item.scope == "group":
            leaders = [_leader(f, context) for f in (first, second)]
            one, other = sorted(leaders, key=lambda f: order[f.id])
            if one.id == other.id:
                continue  # two elements of one composition
            key = (item.key, one.id, other.id)
            if key not in asked:
                asked[key] = _ask(item, one, other, context)
            verdict, broken = asked[key]
        else:
            verdict, broken = _ask(item, one, other, context)
        if verdict is None:
            continue
        if broken:
            return verdict
        verdict = of_one_world(verdict, one, other, context)
        if one.weighed_in or other.weighed_in:
            return while_unaltered(verdict, other if one.weighed_in else one, context)
        return as_far_as_known(in_one_state(verdict, one, other), one, other, context)
    return None


def _leader(finding: Finding, context: ComparisonContext) -> Finding:
    """Return the one finding that stands for all that are compared at once."""
    return gathered(finding, context.groups, context.kinds)[0]


def _ask(
    item: Comparison, first: Finding, second: Finding, context: ComparisonContext
) -> tuple[Verdict | None, bool]:
    """Return what a comparison says, and whether it broke down."""
    try:
        verdict = item.run.load()(first, second, context)
    except Exception as error:  # noqa: BLE001  one bad comparison never stops the rest
        return _failed(item, first, second, error), True
    if verdict is not None and not isinstance(verdict, Verdict):
        raise PluginError(
            f"comparison {item.key!r} returned a {type(verdict).__name__}, expected Verdict or "
            "None",
            fix="mend the plugin that declares it",
        )
    return verdict, False


def _failed(item: Comparison, first: Finding, second: Finding, error: Exception) -> Verdict:
    """Say that a comparison broke down, in place of its verdict."""
    said = error.what if isinstance(error, ConsilienceError) else f"{type(error).__name__}: {error}"
    return Verdict(
        id=content_id("v", {"failed": item.key, "findings": sorted([first.id, second.id])}),
        kind=first.kind,
        subject=first.subject,
        samples=sorted({first.sample, second.sample}),
        findings=[first.id, second.id],
        verdict="not_comparable",
        reason=f"the comparison {item.key} failed: {said}",
        settle="report it to the plugin's author",
        comparison=item.key,
    )


def _alone(
    findings: Sequence[Finding], met: set[str], context: ComparisonContext
) -> Iterable[Verdict]:
    """Say which entered findings nothing else speaks of: a comparison that cannot be made."""
    measured = {f.sample for f in findings if not f.weighed_in}
    for finding in findings:
        if not finding.weighed_in or finding.id in met or finding.sample not in measured:
            continue
        label = finding.subject.label if finding.subject else finding.kind
        title = context.kinds[finding.kind].title
        others = sorted(
            {
                context.modalities.get(f.id, "?")
                for f in findings
                if f.sample == finding.sample and not f.weighed_in
            }
        )
        yield Verdict(
            id=content_id("v", {"alone": finding.id}),
            kind=finding.kind,
            subject=finding.subject,
            samples=[finding.sample],
            findings=[finding.id],
            verdict="not_comparable",
            reason=(
                f"{title} of {label} was weighed in, but nothing measured speaks of it "
                f"(there is {', '.join(others)})"
            ),
            unit=finding.unit,
            settle=f"an analysis that gives the {title} of {label}",
            comparison="core.alone",
        )
