"""Where a rule holds: what the finding is about, how it was made, and of what the sample is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from consilience.lineage import ancestors
from consilience.model.base import FrozenModel, OneLine, Origin
from consilience.model.elements import SYMBOLS
from consilience.model.finding import Finding, Status
from consilience.model.measurement import MeasurementRecord
from consilience.model.sample import Sample, Step
from consilience.model.stoichiometry import fractions_of_formula

if TYPE_CHECKING:
    from consilience.rules.model import Rule

__all__ = [
    "LITHIUM",
    "NMC",
    "Scope",
    "concerns",
    "is_one_of",
    "known_words",
    "materials_of",
    "no_rule_knows",
]

_SYMBOL = re.compile(r"[A-Z][a-z]?")

LITHIUM: dict[str, str] = {
    "Li": "Li metal",
    "Li foil": "Li metal",
    "Li anode": "Li metal",
    "metallic Li": "Li metal",
    "plated Li": "Li metal",
    "electrodeposited Li": "Li metal",
    "bi-salt": "Li metal",
    "Gen 2": "Li metal",
    "low-efficiency Li": "Li metal",
}
"""Words for a sample's material that say more than they name: all of these are lithium metal.

``bi-salt`` and ``Gen 2`` mean lithium that was plated from that electrolyte; a trace of electrolyte
on something else is no material of the sample.
"""


FAMILY = "NMC"
NMC: tuple[str, ...] = ("NMC", "NMC111", "NMC532", "NMC622", "NMC811")
"""Words for layered nickel-manganese-cobalt oxide: each is NMC, and so is each formula of it."""
_NMC = re.compile(r"^(nmc|ncm)(\d{3})?$")
_METAL_SLACK, _MOST_LI = 0.05, 0.65
"""LiNixMnyCozO2: metal to oxygen 1 : 2 within what is written, and no more Li than 1.3 to 2 O."""


class Scope(FrozenModel):
    """Where a rule holds; an empty list means everywhere, lists are joined by *and*.

    Parameters
    ----------
    material : list of str
        The finding is about one of these phases; or it is about no phase, the sample is made of one
        of these, and an element that it is about belongs to that.
    subject : list of str
        The finding is about one of these formulas, elements or labels.
    element : list of str
        The finding is about one of these elements; a composition is about all.
    modality, kind : list of str
    status : list of str
        What a finding of presence says: ``present``, ``absent_below_limit``, ``not_observable``.
    sample_material : list of str
        The sample is made of one of these.
    not_sample_material : list of str
        The sample is made of none of these.
    origin : list of str
        Of the measurement.
    """

    material: list[OneLine] = []
    subject: list[OneLine] = []
    element: list[OneLine] = []
    modality: list[OneLine] = []
    kind: list[OneLine] = []
    status: list[Status] = []
    sample_material: list[OneLine] = []
    not_sample_material: list[OneLine] = []
    origin: list[Origin] = []

    def words(self) -> str:
        """Return the scope as a sentence's part; ``everything`` if nothing narrows it."""
        parts = [
            f"{title} {' or '.join(values)}"
            for title, values in (
                ("findings about", self.subject),
                ("material", self.material),
                ("element", self.element),
                ("technique", self.modality),
                ("kind", self.kind),
                ("status", [s.replace("_", " ") for s in self.status]),
                ("samples made of", self.sample_material),
                ("but not of", self.not_sample_material),
                ("origin", list(self.origin)),
            )
            if values
        ]
        return ", ".join(parts) or "everything"


def materials_of(
    sample: str, samples: Mapping[str, Sample], steps: Sequence[Step]
) -> frozenset[str]:
    """Return of what a sample is made: its own words, its ancestors', and what was weighed in."""
    line = {sample, *ancestors(samples, sample)}
    words = [word for s in line if s in samples for word in samples[s].materials]
    words += [
        part.subject.formula
        for step in steps
        if step.sample in line
        for part in step.constituents
        if part.subject.formula is not None
    ]
    words += [FAMILY for word in words if _is_nmc(word)]
    implied = {_plain(word): more for word, more in LITHIUM.items()}
    words += [implied[_plain(word)] for word in words if _plain(word) in implied]
    return frozenset(_plain(word) for word in words)


def _is_nmc(word: str) -> bool:
    """Return whether a word names layered nickel-manganese-cobalt oxide, or is its formula."""
    if _NMC.match(_plain(word)):
        return True
    parts = fractions_of_formula(word)
    if parts is None or set(parts) != {"Li", "Ni", "Mn", "Co", "O"}:
        return False
    metal = (parts["Ni"] + parts["Mn"] + parts["Co"]) / parts["O"]
    return abs(metal - 0.5) <= _METAL_SLACK and parts["Li"] / parts["O"] <= _MOST_LI


def known_words(rules: Iterable[Rule]) -> list[str]:
    """Return the words and formulas for materials that rules ask for, or that imply one."""
    asked = {
        word
        for rule in rules
        for scope in [rule.scope]
        for word in (*scope.material, *scope.sample_material, *scope.not_sample_material)
    }
    return sorted({*asked, *LITHIUM, *NMC}, key=str.casefold)


def no_rule_knows(word: str, rules: Iterable[Rule]) -> bool:
    """Return whether a word for a sample's material touches no rule at all."""
    return not is_one_of([word], known_words(rules)) and not _is_nmc(word)


def concerns(
    scope: Scope, finding: Finding, record: MeasurementRecord, materials: frozenset[str]
) -> bool:
    """Return whether a finding, by one of its measurements, is in the scope.

    Parameters
    ----------
    materials : frozenset of str
        As from `materials_of`.
    """
    subject = finding.subject
    named = [w for w in (subject.element, subject.formula, subject.label) if w] if subject else []
    return (
        (not scope.modality or record.modality in scope.modality)
        and (not scope.kind or finding.kind in scope.kind)
        and (not scope.origin or record.origin in scope.origin)
        and (not scope.status or finding.status in scope.status)
        and (not scope.element or _about(finding, scope.element))
        and (not scope.subject or is_one_of(named, scope.subject))
        and (not scope.sample_material or is_one_of(materials, scope.sample_material))
        and not is_one_of(materials, scope.not_sample_material)
        and (not scope.material or _of_material(finding, scope.material, materials))
    )


def _about(finding: Finding, elements: Sequence[str]) -> bool:
    """Return whether a finding is about an element; a composition is about all of them."""
    element = finding.subject.element if finding.subject else None
    if element is not None:
        return element in elements
    return finding.kind == "composition" or (finding.kind == "li_content" and "Li" in elements)


def _of_material(finding: Finding, wanted: Sequence[str], materials: frozenset[str]) -> bool:
    """Return whether a phase is one of the materials, or anything else was found in one of them."""
    subject = finding.subject
    if subject is not None and subject.formula is not None:
        return is_one_of([subject.formula, subject.label], wanted)
    there = [word for word in wanted if _plain(word) in materials]
    if subject is None or subject.element is None:
        return bool(there)
    # an element is touched where it belongs to the material that is
    return any(subject.element in _elements(word) for word in there)


def _elements(material: str) -> set[str]:
    """Return the elements of a formula or of the first word of a name (``Li metal``)."""
    return {e for e in _SYMBOL.findall(material.split()[0]) if e in SYMBOLS}


def is_one_of(words: Iterable[str], wanted: Iterable[str]) -> bool:
    """Return whether two lists of words share one, however it is spelt."""
    return not {_plain(w) for w in words}.isdisjoint(_plain(w) for w in wanted)


def _plain(word: str) -> str:
    """Bring spelling to one form: ``Gen 2``, ``gen2`` and ``Gen-2`` are one word, lithium is Li."""
    return "".join(c for c in word.casefold() if c.isalnum()).replace("lithium", "li")
