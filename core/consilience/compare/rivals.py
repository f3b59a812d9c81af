"""What rules out a rival: an element that it cannot be without, and that is not there.

A rival would stand in the place of the phase that was named, and hold the atoms that are ascribed
to it.  It is out where another technique, on the same volume and in the same state, has less of an
element for each atom of another than the rival must bring.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from consilience.compare.compositions.ratios import (
    AtMost,
    at_most,
    atoms_words,
    least_ratios,
    one_volume,
    share_held,
)
from consilience.compare.context import ComparisonContext
from consilience.model.base import Json
from consilience.model.finding import Finding, Need, Rival

__all__ = ["Ruling", "needs_of", "ruling_on"]


@dataclass(frozen=True)
class Ruling:
    """What is known against a rival; elsewhere it settles nothing."""

    rival: Rival
    need: Need
    share: float
    limit: AtMost
    here: bool

    def words(self, phase: str, context: ComparisonContext) -> str:
        """Say technique, limit and ratio."""
        need = self.need
        least = f"at least {atoms_words(need.at_least, need.element, need.per)}"
        limit = self.limit.words(context)
        if not self.here:
            return (
                f"{limit}, where this rival needs {least}, but that is another volume or state and "
                "does not rule it out"
            )
        held = (
            f", and {phase}, in whose place it would be, holds {100 * self.share:.0f} % or more of "
            f"the {need.per}"
            if self.share < 0.995
            else ""
        )
        return (
            f"on {self.limit.absent.sample} the rival {self.rival.subject.label} is ruled out: "
            f"{limit}, where this rival needs {least} ({need.citation}){held}"
        )

    def to_json(self) -> dict[str, Json]:
        """Return what a verdict keeps of it in its numbers."""
        return {
            "rival": self.rival.subject.label,
            "element": self.need.element,
            "per": self.need.per,
            "needs_at_least": self.need.at_least,
            "citation": self.need.citation,
            "share_held": self.share,
            "at_most": self.limit.ratio,
            "findings": [self.limit.absent.id, self.limit.beside.id],
        }


def needs_of(rival: Rival, context: ComparisonContext) -> Sequence[Need]:
    """Return the least ratios of a rival: its own, or those of the range that the study states.

    A formula without a known range has none: how far it may deviate is not known.
    """
    formula = rival.subject.formula
    if rival.needs or formula is None or formula not in context.homogeneity:
        return rival.needs
    return least_ratios(formula, context.homogeneity[formula])


def ruling_on(rival: Rival, finding: Finding, context: ComparisonContext) -> Ruling | None:
    """Return what rules a rival out of a finding; None if nothing does, here or elsewhere.

    Parameters
    ----------
    rival : Rival
        A live one of the finding.
    finding : Finding
        Of a phase.  How much of an element it holds must be known: a compound that holds a tenth
        of the fluorine brings a tenth of the phosphorus.
    context : ComparisonContext
    """
    elsewhere = None
    for need in needs_of(rival, context):
        share = share_held(finding, need.per)
        if share is None:
            continue
        for absent in _looked_for(need.element, finding, context):
            here = one_volume(absent, finding)
            limit = at_most(absent, need.per, context)
            if limit is None or limit.ratio >= need.at_least * share:
                continue
            found = Ruling(rival, need, share, limit, here)
            if here and not _seen(need.element, finding, context):
                return found
            elsewhere = elsewhere or (None if here else found)
    return elsewhere


def _looked_for(element: str, finding: Finding, context: ComparisonContext) -> Iterable[Finding]:
    """Yield where other techniques looked for an element on one line of samples, this one first."""
    technique = context.modalities.get(finding.id)
    for sample in sorted(context.elements, key=lambda s: (s != finding.sample, s)):
        for one in context.elements[sample]:
            if one.subject is None or one.subject.element != element:
                continue
            if context.modalities.get(one.id) == technique:
                continue
            if (one.origin == "simulated") != (finding.origin == "simulated"):
                continue
            if context.relation(finding, one) not in ("unrelated", "control"):
                yield one


def _seen(element: str, finding: Finding, context: ComparisonContext) -> bool:
    """Return True if any technique finds the element in this volume: then its absence is open."""
    return any(
        _there(one)
        and one.subject is not None
        and one.subject.element == element
        and one.id not in context.unsound
        and one_volume(one, finding)
        for one in context.elements.get(finding.sample, ())
    )


def _there(one: Finding) -> bool:
    """Return True for what is present, and for a fraction above three of its own deviations."""
    if one.status is not None or one.value is None:
        return one.status == "present"
    return one.value > 3.0 * (one.std_stat or 0.0)
