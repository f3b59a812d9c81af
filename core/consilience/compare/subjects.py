"""What two subjects are to each other: one thing, or a phase and an element of it."""

from __future__ import annotations

from consilience.model.finding import Subject
from consilience.model.stoichiometry import fractions_of_formula

__all__ = ["phase_and_element", "same_subject"]


def same_subject(first: Subject | None, second: Subject | None) -> bool:
    """Return True if both name the same thing; an unknown space group matches any."""
    if first is None or second is None:
        return first is second
    if first.element is not None or second.element is not None:
        return first.element == second.element
    if first.formula is None or second.formula is None:
        return first.label == second.label
    groups = {first.space_group, second.space_group} - {None}
    return first.formula == second.formula and len(groups) <= 1


def phase_and_element(first: Subject, second: Subject) -> bool:
    """Return True if one is a phase and the other an element of it."""
    return any(
        phase.formula is not None
        and other.element is not None
        and other.element in (fractions_of_formula(phase.formula) or {})
        for phase, other in ((first, second), (second, first))
    )
