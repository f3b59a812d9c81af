"""How much of one element there can be for each atom of another, by what a technique does not see.

A limit of detection alone says nothing of a compound: that phosphorus is below 20 counts rules no
phosphate out.  A ratio does, where one run quantifies another element of the compound beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from consilience.compare.context import ComparisonContext
from consilience.compare.groups import region_key
from consilience.model.finding import Finding, Need
from consilience.model.stoichiometry import Homogeneity
from consilience.states import state_json

__all__ = ["AtMost", "at_most", "atoms_words", "least_ratios", "one_volume", "share_held"]


@dataclass(frozen=True)
class AtMost:
    """An upper limit of atoms of one element for each atom of another, and who says so."""

    ratio: float
    element: str
    per: str
    absent: Finding
    beside: Finding

    def words(self, context: ComparisonContext) -> str:
        """Say it as a reader would."""
        atoms = atoms_words(self.ratio, self.element, self.per)
        said = f"{context.name(self.absent)} has at most {atoms}"
        if "limit_per" not in self.absent.evidence:
            limit, amount = 100 * (self.absent.limit or 0.0), 100 * (self.beside.value or 0.0)
            said += f" ({self.element} below {limit:.2g} at.% beside {amount:.3g} at.% {self.per})"
        return said


def at_most(absent: Finding, per: str, context: ComparisonContext) -> AtMost | None:
    """Return what a finding of absence makes of a ratio; None if it makes nothing of it.

    The run itself states it in ``evidence["limit_per"]``, by element, with all its errors; else
    the limit of an atomic fraction is divided by the least fraction of `per` in one composition.
    What a rule doubts or leaves out makes nothing, nor does a fraction of unknown error.
    """
    element = absent.subject.element if absent.subject else None
    if absent.status != "absent_below_limit" or element is None or absent.id in context.unsound:
        return None
    if "limit_per" in absent.evidence:
        said = absent.evidence["limit_per"]
        ratio = _positive(said.get(per)) if isinstance(said, Mapping) else None
        beside = next((f for f in _beside(absent, per, context) if f.status == "present"), None)
        if ratio is None or beside is None:
            return None
        return AtMost(ratio, element, per, absent, beside)
    if context.kinds[absent.kind].about != "composition" or absent.unit != "1":
        return None  # of mass, of counts, of the area of a peak: no ratio of atoms
    if absent.limit is None or absent.std_sys is None:
        return None
    for one in context.group(absent):
        known = one.subject is not None and one.subject.element == per and one.unit == "1"
        if not known or one.id in context.unsound or one.value is None or one.std is None:
            continue
        least, most = one.value - context.z * one.std, absent.limit + context.z * absent.std_sys
        if one.status in (None, "present") and least > 0:
            return AtMost(most / least, element, per, absent, one)
    return None


def _beside(absent: Finding, per: str, context: ComparisonContext) -> Iterator[Finding]:
    """Yield what the same run says of another element in the same volume and state."""
    for one in context.elements.get(absent.sample, ()):
        if one.id in context.unsound or one.subject is None or one.subject.element != per:
            continue
        one_run = (one.source, set(one.measurements)) == (absent.source, set(absent.measurements))
        if one_run and one_volume(one, absent):
            yield one


def one_volume(first: Finding, second: Finding) -> bool:
    """Return True if both speak of one sample, region and state, and of one world."""
    return (
        first.sample == second.sample
        and region_key(first.region) == region_key(second.region)
        and state_json(first) == state_json(second)
        and (first.origin == "simulated") == (second.origin == "simulated")
    )


def share_held(phase: Finding, element: str) -> float | None:
    """Return the least share of the atoms of an element in the volume that a phase holds.

    It is stated in ``evidence["share_of"]``; None if it is not known.
    """
    said = phase.evidence.get("share_of")
    share = _positive(said.get(element)) if isinstance(said, Mapping) else None
    return None if share is None else min(share, 1.0)


def least_ratios(formula: str, stated: Homogeneity) -> list[Need]:
    """Return the least ratio of each two elements in the range of compositions of a phase."""
    ranges = stated.of(formula)
    return [
        Need(element=e, per=a, at_least=low / high, citation=stated.citation)
        for e, (low, _) in ranges.items()
        for a, (_, high) in ranges.items()
        if e != a and low > 0 and high > 0
    ]


def atoms_words(ratio: float, element: str, per: str) -> str:
    """Say a ratio of atoms: ``1 P for 6 F``."""
    if ratio < 1.0:
        return f"1 {element} for {1.0 / ratio:.2g} {per}"
    return f"{ratio:.2g} {element} for 1 {per}"


def _positive(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value > 0 else None
