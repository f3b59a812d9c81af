"""The species that a region may hold: phases asked for, what else is there, and bare elements.

Bare elements stand for *another compound of it*: another fluoride, another oxide.  A phase is
tested among phases; whether its elements alone, in any bond, would do as well is a rival.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from consilience.errors import BadInputError
from consilience_eels.fingerprint.references import (
    Reference,
    model_reference,
    on_scale,
    valence_reference,
)
from consilience_eels.physics.beam import Beam
from consilience_eels.physics.cross_sections import EDGES

__all__ = ["MATRIX", "PHASES", "Library", "make_library"]

PHASES = ("LiF", "Li2CO3", "Li2O", "LiOH", "Li")
"""Asked for by default."""

MATRIX = ("LiPF6", "Cr", "Pt", "Si", "Si3N4", "C", "Xe")
"""What the lamella may hold beside: electrolyte, cap, film, chip, contamination, mill."""

LOW, HIGH = 15.0, 2500.0
"""Range of the models, eV."""


@dataclass(frozen=True)
class Library:
    """References by name, and which of them are what.

    Parameters
    ----------
    references : dict of str to Reference
        Of all species.
    phases, matrix : tuple of str
        Asked for, and what is there beside.
    bare : dict of str to str
        Element to the species that stands for it in any bond.
    valence : tuple of Reference
        Other shells of all elements.
    """

    references: dict[str, Reference]
    phases: tuple[str, ...]
    matrix: tuple[str, ...]
    bare: dict[str, str]
    valence: tuple[Reference, ...] = field(default=())

    @property
    def elements(self) -> tuple[str, ...]:
        """Elements of all species, sorted."""
        found = {e for r in self.references.values() for e in r.atoms}
        return tuple(sorted(found - {"H"}))

    def holding(self, element: str) -> tuple[str, ...]:
        """Return the species with an element in them."""
        return tuple(n for n, r in self.references.items() if element in r.atoms)

    def extra(self) -> tuple[str, ...]:
        """Return bare elements that are no phase and no part of the matrix by themselves."""
        known = {*self.phases, *self.matrix}
        return tuple(n for n in self.bare.values() if n not in known)


def make_library(
    beam: Beam,
    phases: Sequence[str] = PHASES,
    matrix: Sequence[str] = MATRIX,
    given: Mapping[str, Reference] | None = None,
    alloys: Mapping[str, str] | None = None,
    high: float = HIGH,
) -> Library:
    """Return models of all species, with given references in their place.

    Parameters
    ----------
    beam : Beam
    phases, matrix : sequence of str
        Formulas.
    given : mapping of str to Reference, optional
        Measured references by formula; in arbitrary units they get the model's integral.
    alloys : mapping of str to str, optional
        Element to the compound in which it is asked for, such as ``{"Li": "LiPt"}``: its edge is
        that of the compound.
    high : float
        eV, up to which models are made.

    Raises
    ------
    BadInputError
        A species is asked for twice; a formula that is none.
    """
    twice = set(phases) & set(matrix)
    if twice:
        raise BadInputError(
            f"{', '.join(sorted(twice))}: both asked for and part of the matrix",
            fix="name each species once",
        )
    measured = dict(given or {})
    references: dict[str, Reference] = {}
    for formula in (*phases, *matrix):
        model = model_reference(formula, LOW, high, beam)
        own = measured.pop(formula, None)
        references[formula] = model if own is None else on_scale(own, model)
    if measured:
        raise BadInputError(
            f"references of {', '.join(measured)} are given, but these species are not asked for",
            fix="name them under 'phases' or 'matrix' as well",
        )
    elements = {e for r in references.values() for e in r.atoms} | set(alloys or {})
    bare: dict[str, str] = {}
    for element in sorted(elements & EDGES.keys()):
        compound = (alloys or {}).get(element)
        if compound is not None:
            name = f"{element} in {compound}"
            curve = model_reference(compound, LOW, high, beam, elements=[element])
            share = curve.atoms[element]
            references[name] = Reference(
                name,
                element,
                curve.energy,
                curve.intensity / share,
                curve.edges,
                "model",
                curve.source,
            )
        elif element in references:
            name = element
        else:
            name = f"{element} in any bond"
            atom = model_reference(element, LOW, high, beam)
            references[name] = Reference(
                name, element, atom.energy, atom.intensity, atom.edges, "model", atom.source
            )
        bare[element] = name
    valence = tuple(valence_reference(e, 30.0, 260.0, beam) for e in sorted(elements - {"H"}))
    return Library(references, tuple(phases), tuple(matrix), bare, valence)
