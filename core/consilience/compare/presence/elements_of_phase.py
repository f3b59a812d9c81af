"""A phase by one technique beside its elements by another, which sees no phases.

That fluorine is there does not prove a fluoride: present elements are *consistent*, never *agree*.
One that is absent contradicts the phase if its limit is below what the phase must bring.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from consilience.compare.compositions.ratios import at_most, atoms_words, least_ratios, share_held
from consilience.compare.compositions.stoichiometry import KEY as STOICHIOMETRY
from consilience.compare.compositions.stoichiometry import homogeneity_of
from consilience.compare.context import ComparisonContext
from consilience.compare.groups import region_key
from consilience.compare.rivals import ruling_on
from consilience.model.canonical import canonical_json
from consilience.model.finding import Finding
from consilience.model.stoichiometry import fractions_of_formula
from consilience.model.verdict import Answer, Verdict
from consilience.states import state_json
from consilience.text import in_unit

__all__ = ["KEY", "phases_and_elements"]

KEY = "core.elements_of_phase"


def phases_and_elements(
    findings: Sequence[Finding],
    context: ComparisonContext,
    made: Iterable[Verdict],
    vetoed: Collection[str] = (),
) -> Iterator[Verdict]:
    """Give one verdict for each phase and each other technique that speaks of its elements there.

    Parameters
    ----------
    findings : sequence of Finding
    context : ComparisonContext
    made : iterable of Verdict
        What was said before: where a composition of that technique speaks of the phase, its
        elements are not asked again.
    vetoed : collection of str
        Findings that a rule leaves out.

    Yields
    ------
    Verdict
        Of one sample, region and state.  *Consistent*: what can be seen of its elements is there;
        *disagree*: one is absent below what the phase must bring; else *undecided*.
    """
    spoken = {
        (phase, technique)
        for verdict in made
        if verdict.comparison == STOICHIOMETRY and verdict.verdict != "not_comparable"
        for phase in verdict.findings
        for technique in {context.modalities.get(f) for f in verdict.findings}
    }
    places: dict[bytes, list[Finding]] = defaultdict(list)
    for one in sorted(findings, key=lambda f: (f.source.analysis, f.id)):
        if one.id not in vetoed and _about_presence(one, context):
            places[_place(one)].append(one)
    for here in places.values():
        told: set[tuple[str, str | None, str | None]] = set()
        by = _by_technique(here, context)
        for phase in here:
            own = context.modalities.get(phase.id)
            holds = _elements(phase)
            for technique in sorted(set(by) - {own}, key=str) if holds else ():
                its = {e: f for e, f in by[technique].items() if e in holds}
                key = (phase.subject.key if phase.subject else "", own, technique)
                if key in told or (phase.id, technique) in spoken:
                    continue
                verdict = _verdict(phase, its, context)
                if verdict is not None:
                    told.add(key)
                    yield verdict


def _about_presence(one: Finding, context: ComparisonContext) -> bool:
    about = context.kinds[one.kind].about
    return about == "presence" and not one.weighed_in and one.subject is not None


def _place(one: Finding) -> bytes:
    """Return what makes one volume in one state, simulated or not."""
    simulated = one.origin == "simulated"
    return canonical_json([one.sample, region_key(one.region), state_json(one), simulated])


def _by_technique(
    here: Sequence[Finding], context: ComparisonContext
) -> dict[str | None, dict[str, list[Finding]]]:
    """Return what each technique says of elements in one place."""
    found: dict[str | None, dict[str, list[Finding]]] = defaultdict(lambda: defaultdict(list))
    for one in here:
        if one.subject is not None and one.subject.element is not None:
            found[context.modalities.get(one.id)][one.subject.element].append(one)
    return found


def _elements(phase: Finding) -> set[str]:
    """Return the elements of a phase that was found; none of anything else."""
    if phase.status != "present" or phase.subject is None:
        return set()
    return set(fractions_of_formula(phase.subject.formula or "") or {})


def _verdict(
    phase: Finding, said: Mapping[str, Sequence[Finding]], context: ComparisonContext
) -> Verdict | None:
    """Return the verdict of one technique's elements; None if it can tell nothing of them."""
    label = phase.subject.label if phase.subject else phase.kind
    seen: dict[str, Finding] = {}
    unseen: dict[str, Finding] = {}
    silent: list[str] = []
    for element in sorted(said):
        present = [f for f in said[element] if f.status == "present"]
        absent = [f for f in said[element] if f.status == "absent_below_limit"]
        if present:
            seen[element] = present[0]
        elif absent:
            unseen[element] = absent[0]
        else:
            silent.append(element)
    used = [*seen.values(), *unseen.values()]
    if not used:
        return None
    technique = context.name(used[0])
    story = [f"{context.name(phase)} finds {label}"]
    if seen:
        story.append(f"{technique} finds {', '.join(seen)} there, which others may hold as well")
    if silent:
        story.append(f"{technique} cannot tell whether {', '.join(silent)} is there")
    rulings = [(r, ruling_on(r, phase, context)) for r in phase.rivals if r.live]
    out = [ruling for _, ruling in rulings if ruling is not None and ruling.here]
    live = sorted({r.subject.label for r, ruling in rulings if ruling not in out})
    story += dict.fromkeys(ruling.words(label, context) for ruling in out)
    answer, settle = _judged(phase, unseen, technique, live, story, context)
    made = Verdict.between(KEY, phase, used[0], answer, "; ".join(story), settle=settle)
    ruled_out = {"ruled_out": [ruling.to_json() for ruling in out]} if out else {}
    return made.model_copy(
        update={"findings": [phase.id, *(f.id for f in used)], "numbers": ruled_out}
    )


def _judged(
    phase: Finding,
    unseen: Mapping[str, Finding],
    technique: str,
    live: Sequence[str],
    story: list[str],
    context: ComparisonContext,
) -> tuple[Answer, str]:
    """Return the answer and what would settle it; tell the story on."""
    label = phase.subject.label if phase.subject else phase.kind
    against = [w for e in unseen if (w := _too_little(phase, unseen[e], context)) is not None]
    instead = f"the data of {context.name(phase)} allow {', '.join(live)} instead"
    if not unseen:
        story += [f"but {instead}"] if live else []
        return "consistent", ""
    if against:
        story += against
        story += [f"but {instead}"] if live else []
        return ("undecided", "what decides between them") if live else ("disagree", "")
    limits = ", ".join(
        f"{e} down to its limit of {in_unit(f'{f.limit:.3g}', f.unit)}" for e, f in unseen.items()
    )
    story.append(
        f"{technique} does not see {limits}; how much of it this {label} would bring is not known"
    )
    return "undecided", (
        f"the share of its elements that {label} holds, and a limit of {', '.join(unseen)} for "
        f"each atom of another of them by {technique}"
    )


def _too_little(phase: Finding, absent: Finding, context: ComparisonContext) -> str | None:
    """Say why there is too little of an element for the phase; None if that is not known."""
    formula = (phase.subject.formula if phase.subject else None) or ""
    stated, _ = homogeneity_of(phase, context)
    element = absent.subject.element if absent.subject else None
    for need in least_ratios(formula, stated) if stated is not None else ():
        share = share_held(phase, need.per)
        limit = at_most(absent, need.per, context) if need.element == element else None
        if share is None or limit is None or limit.ratio >= need.at_least * share:
            continue
        least = atoms_words(need.at_least, need.element, need.per)
        label = phase.subject.label if phase.subject else phase.kind
        return (
            f"{limit.words(context)}, where {label} has at least {least} ({need.citation}) and "
            f"holds {100 * share:.0f} % or more of the {need.per}"
        )
    return None
