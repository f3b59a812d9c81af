"""A phase against a composition: contradicted, or consistent; never proved.

A composition of 50:50 fits an ordered compound, a mixture and a disordered alloy alike.  What it
can do is lie outside the range of compositions that a phase has, in a volume that holds
nothing else of its elements.

The range of homogeneity is the study's own ([homogeneity] of the study file), else what the
finding states in ``evidence["homogeneity"]``, as in `consilience.model.Homogeneity`.  Without one
nothing is compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from consilience.compare.compositions.decision import Closed, capped, closed, percent, verdict_on
from consilience.compare.compositions.vectors import TRACE, Vector, vector_of
from consilience.compare.context import ComparisonContext
from consilience.compare.groups import place_of
from consilience.compare.outcome import Outcome
from consilience.compare.rivals import ruling_on
from consilience.errors import BadInputError
from consilience.model.finding import Finding
from consilience.model.stoichiometry import Homogeneity, Ranges, fractions_of_formula
from consilience.model.verdict import Margin, Verdict

__all__ = ["compare", "homogeneity_of", "own_range"]

KEY = "core.stoichiometry"


def homogeneity_of(
    phase: Finding, context: ComparisonContext
) -> tuple[Homogeneity | None, Homogeneity | None]:
    """Return the homogeneity range that holds for a phase, and the finding's own if it differs.

    Raises
    ------
    BadInputError
        What the finding states is no range.
    """
    formula = (phase.subject.formula if phase.subject else None) or ""
    own = own_range(phase)
    stated = context.homogeneity.get(formula)
    if stated is None:
        return own, None
    same = own is None or own.of(formula) == stated.of(formula)
    return stated, None if same else own


def own_range(phase: Finding) -> Homogeneity | None:
    """Return the homogeneity range that a finding states itself.

    Raises
    ------
    BadInputError
        What it states is no range.
    """
    said = phase.evidence.get("homogeneity")
    if said is None:
        return None
    formula = (phase.subject.formula if phase.subject else None) or ""
    try:
        own = Homogeneity.model_validate(said)
        own.of(formula)
    except ValueError as error:
        raise BadInputError(
            f"the homogeneity of {formula} in finding {phase.id} is none: {error}",
            fix="write {'line_compound': true, 'citation': …} or "
            "{'ranges': {'Li': [0.48, 0.52]}, 'citation': …}",
        ) from error
    return own


def compare(first: Finding, second: Finding, context: ComparisonContext) -> Verdict | None:
    """Hold a phase that was found against a composition.

    None if the phase was not found, or is of one element alone: closed to that element every
    composition is the same, so that none could contradict it.
    """
    phase, whole = (first, second) if first.kind == "phase" else (second, first)
    if phase.status != "present" or phase.subject is None:
        return None
    stated = fractions_of_formula(phase.subject.formula or "")
    if stated is None or len(stated) < 2:
        return None
    vector = vector_of(whole, context)
    if not set(stated) & {*vector.elements, *vector.left_out}:
        return None
    margin = context.margin("composition")
    outcome = _outcome(phase, whole, vector, stated, margin, context)
    group = context.group(whole)
    said = [phase, *group] if phase is first else [*group, phase]
    made = verdict_on(KEY, "phase", said, outcome, margin)
    return made.model_copy(update={"subject": phase.subject})


def _outcome(
    phase: Finding,
    whole: Finding,
    vector: Vector,
    stated: Mapping[str, float],
    margin: Margin | None,
    context: ComparisonContext,
) -> Outcome:
    label = phase.subject.label if phase.subject else phase.kind
    place = _place(phase, whole, context)
    if place == "larger":
        return Outcome(
            "not_comparable",
            f"{vector.name} speaks of a larger volume than the region where "
            f"{context.name(phase)} finds {label}: its composition is not that of the region",
            "a composition of that region",
        )
    if place == "other":
        return Outcome(
            "not_comparable",
            f"{context.name(phase)} finds {label} in a region that is not known to be the one "
            f"whose composition {vector.name} gives",
            "both on one region, or the place of one in the frame of the other",
        )
    common = [e for e in vector.elements if e in stated]
    blind = [f"{e} ({vector.left_out.get(e, 'not given')})" for e in stated if e not in common]
    if len(common) < 2:
        return Outcome(
            "not_comparable",
            f"of {label}, {vector.name} gives {common[0] if common else 'nothing'} alone, and a "
            f"ratio needs two elements{'; left out: ' if blind else ''}{', '.join(blind)}",
        )
    stated_range, differs = homogeneity_of(phase, context)
    if stated_range is None:
        return Outcome(
            "not_comparable",
            f"the homogeneity range of {label} is not known, so no composition can contradict it",
            f"the range of compositions in which {label} exists, with its source: [homogeneity] "
            "of the study file",
        )
    part = closed(vector, common)
    if part is None:
        return Outcome("not_comparable", f"{vector.name} found nothing of {', '.join(common)}")
    values, stat, sys, _ = vector.part(common)
    total, std = float(values.sum()), float(np.sqrt(max((stat + sys).sum(), 0.0)))
    if total < TRACE * std:
        return Outcome(
            "not_comparable",
            f"{vector.name} gives {' and '.join(common)} together {percent(total, std)} at.%, "
            "which is no more than nothing, and nothing has no ratio",
        )
    formula = (phase.subject.formula if phase.subject else None) or ""
    ranges = stated_range.of(formula)
    sources = [f"range of {label} from {stated_range.citation}"]
    if differs is not None:
        sources.append(f"the finding itself has another range, from {differs.citation}")
    return _held(phase, whole, vector, part, common, ranges, blind, margin, context, place, sources)


def _systematic(
    whole: Finding, part: Closed, common: Sequence[str], context: ComparisonContext
) -> list[str]:
    """Say what is known of the systematic errors, and their causes where findings list them."""
    if not part.std_sys.any():
        return []
    said = ", ".join(
        f"{e} ± {percent(0.0, s).split()[-1]}" for e, s in zip(common, part.std_sys, strict=True)
    )
    causes: dict[str, None] = {}
    for finding in context.group(whole):
        terms = finding.evidence.get("terms")
        for term in terms if isinstance(terms, list) else []:
            if isinstance(term, dict) and term.get("known") and term.get("name"):
                causes[str(term["name"])] = None
    return [f"systematic: {said}{' by ' if causes else ''}{', '.join(causes)}"]


def _held(
    phase: Finding,
    whole: Finding,
    vector: Vector,
    part: Closed,
    common: Sequence[str],
    ranges: Ranges,
    blind: Sequence[str],
    margin: Margin | None,
    context: ComparisonContext,
    place: Literal["same", "part"],
    sources: Sequence[str],
) -> Outcome:
    label = phase.subject.label if phase.subject else phase.kind
    allowed = _narrowed(ranges, common)
    low, high = (np.array([allowed[e][k] for e in common]) for k in (0, 1))
    nearest = np.clip(part.fractions, low, high)
    story = [
        f"at.% of {', '.join(common)} alone (± statistical) by {vector.name}: "
        + ", ".join(
            f"{e} {percent(x, s)} where {label} has {_words(allowed[e])}"
            for e, x, s in zip(common, part.fractions, part.std_stat, strict=True)
        ),
        *_systematic(whole, part, common, context),
        *sources,
        *([f"left out: {', '.join(blind)}"] if blind else []),
        *vector.notes,
    ]
    if part.share < 0.98:
        story.append(f"these are {100 * part.share:.3g} at.% of what {vector.name} counted")
    numbers = {
        "elements": {
            e: {
                "composition": float(part.fractions[i]),
                "low": float(low[i]),
                "high": float(high[i]),
                "std_stat": float(part.std_stat[i]),
                "std_sys_known": float(part.std_sys[i]),
            }
            for i, e in enumerate(common)
        }
    }
    found = capped(
        common, part.fractions - nearest, part.std_stat, part.std_sys, [vector], margin, story,
        context.level, numbers, nearest,
    )  # fmt: skip
    if found.answer in ("agree", "consistent"):
        where = " of that region" if place == "part" else ""
        found.answer = "consistent"
        found.reason = (
            f"the composition{where} does not contradict {label}, and cannot prove it: a mixture "
            f"or another phase of this composition would look the same; {found.reason}"
        )
    elif found.answer == "disagree":
        _excused(found, phase, common, context, place)
    return found


def _excused(
    found: Outcome,
    phase: Finding,
    common: Sequence[str],
    context: ComparisonContext,
    place: Literal["same", "part"],
) -> None:
    """A composition outside the range contradicts a phase only where nothing else can be."""
    label = phase.subject.label if phase.subject else phase.kind
    others = sorted(
        f.subject.label
        for f in context.group(phase)
        if f.id != phase.id and f.status == "present" and f.subject is not None
        if set(fractions_of_formula(f.subject.formula or "") or common) & set(common)
    )
    rulings = [(r, ruling_on(r, phase, context)) for r in phase.rivals if r.live]
    open_ = [r for r, ruling in rulings if ruling is None or not ruling.here]
    live = sorted({r.subject.label for r in open_})
    if place == "part":
        found.answer = "not_comparable"
        found.reason = (
            f"this part of the sample is not {label}, but {context.name(phase)} speaks of another "
            f"or a larger volume; {found.reason}"
        )
        found.settle = f"the region where {label} is"
    elif others:
        found.answer = "not_comparable"
        found.reason = (
            f"not {label} alone: {context.name(phase)} finds {', '.join(others)} there too; "
            f"{found.reason}"
        )
        found.settle = "the fractions of the phases"
    elif live:
        found.answer = "undecided"
        found.reason = (
            f"the composition contradicts {label}, but the finding allows {', '.join(live)} "
            f"instead; {found.reason}"
        )
        found.settle = " or ".join(sorted({d for r in open_ for d in r.decided_by}))
    else:
        out = [ruling for _, ruling in rulings if ruling is not None]
        said = [ruling.words(label, context) for ruling in out]
        found.reason = "; ".join([f"the composition contradicts {label}", *said, found.reason])
        if out:
            found.numbers["ruled_out"] = [ruling.to_json() for ruling in out]


def _place(
    phase: Finding, whole: Finding, context: ComparisonContext
) -> Literal["same", "part", "larger", "other"]:
    """Return what the volume of the composition is to that of the phase."""
    relation = context.relation(phase, whole)
    if relation == "same":
        return place_of(phase.region, whole.region)
    # a region of a parent can be in its child or not: nothing says so yet
    if place_of(phase.region, None) != "same":
        return "other"
    return "larger" if relation == "parent" else "part"


def _narrowed(ranges: Ranges, common: Sequence[str]) -> Ranges:
    """Return the ranges of fractions of some elements among themselves."""
    made = {}
    for e in common:
        low, high = ranges[e]
        more = sum(ranges[o][1] for o in common if o != e)
        less = sum(ranges[o][0] for o in common if o != e)
        made[e] = (low / (low + more) if low + more > 0 else 0.0,
                   high / (high + less) if high + less > 0 else 1.0)  # fmt: skip
    return made


def _words(pair: tuple[float, float]) -> str:
    low, high = (f"{100 * x:.4g}" for x in pair)
    return low if low == high else f"{low} to {high}"
