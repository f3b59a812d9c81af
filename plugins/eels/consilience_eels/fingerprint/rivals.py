"""What else could be read from the same edges: species exchanged in the fit, and known overlaps."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from consilience.model.finding import Need, Rival, Subject
from consilience_eels.fingerprint.design import Design
from consilience_eels.fingerprint.fit import Fit, solve, weights_for
from consilience_eels.fingerprint.limits import CALIBRATION, Z95
from consilience_eels.fingerprint.observability import Answer
from consilience_eels.fingerprint.species import Library

__all__ = ["KNOWN", "TOLD", "Exchange", "exchanges", "named_rivals", "told_apart"]


TOLD = (2.0 * Z95) ** 2
"""Growth of χ² from which two readings are told apart in 95 % of trials by a test of 5 %."""


@dataclass(frozen=True)
class Exchange:
    """Species that take the place of another, and by how much χ² is higher then."""

    species: tuple[str, ...]
    growth: float
    decided_by: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Known:
    """A published overlap: who lies on whose edge, what decides, and what the rival must hold."""

    rival: str
    formula: str | None
    element: str | None
    explains: str
    decided_by: tuple[str, ...]
    needs: tuple[Need, ...] = ()


_SALT = Need(
    element="P",
    per="F",
    at_least=1.0 / 6.0,
    citation="LiPF6, and fewer in PF5 and POF3, into which it falls: Yang, Zhuang and Ross, "
    "Thermal stability of LiPF6 salt, escholarship.org/uc/item/7j3826wj",
)
"""Of LiPF6 and of all fluorophosphates that come from it."""

_XENON = Known(
    "Xe",
    None,
    "Xe",
    "Xe N4,5 67.5/69.5 eV on the Li K doublet, Xe M4,5 677/689 eV on F K",
    ("Xe L in EDX", "Xe M4,5 fine structure against F K"),
)
_CHROMIUM = Known(
    "Cr", None, "Cr", "Cr M2,3 at 42 eV under Li K", ("Cr L2,3 at 575 eV", "Cr K in EDX")
)
_PLATINUM = Known(
    "Pt",
    None,
    "Pt",
    "Pt O2,3 at 52 to 65 eV and N6,7 at 71/74.5 eV on the Li K doublet",
    ("Pt M in EDX", "F K, O K or C K of the lithium compound"),
)

KNOWN: Mapping[str, tuple[Known, ...]] = {
    "LiF": (
        _CHROMIUM,
        _PLATINUM,
        _XENON,
        Known(
            "LiPF6",
            "LiPF6",
            None,
            "F without C: F K and Li K of the salt",
            ("P L2,3 at 132 eV", "P K in EDX where no Pt M lies on it"),
            (_SALT,),
        ),
        Known(
            "LixPFy, LixPOyFz",
            None,
            None,
            "F without C: F K and Li K of what the salt falls into",
            (
                "P L2,3 at 132 eV",
                "P K in EDX where no Pt M lies on it",
                "fine structure of F K",
            ),
            (_SALT,),
        ),
    ),
    "Li2CO3": (_CHROMIUM, _PLATINUM, _XENON),
    "Li2O": (_CHROMIUM, _PLATINUM, _XENON),
    "LiOH": (_CHROMIUM, _PLATINUM, _XENON),
    "Li": (_CHROMIUM, _PLATINUM, _XENON),
}
"""Overlaps of the field, by the phase that they may be taken for."""


def exchanges(name: str, fit: Fit, broad: Fit, library: Library) -> list[Exchange]:
    """Return what takes the place of a phase in the fit, best first.

    Two questions: other species of the fit, and the phase's own elements in any bond.  χ² is of
    counting and wrong references together, over `CALIBRATION` squared.
    """
    found: list[Exchange] = []
    amounts = fit.amounts.copy()
    i = fit.design.species.index(name)
    if amounts[i] <= 0:
        return []
    growth, instead = _growth(fit.design, [name], fit, [])
    if instead:
        found.append(
            Exchange(
                instead,
                growth,
                ("an edge that these do not have",),
                "other species of the fit, in whatever amounts",
            )
        )
    elements = [library.bare[e] for e in library.references[name].atoms if e in library.bare]
    bare = [n for n in elements if n in broad.design.species and n != name]
    if bare:
        growth, instead = _growth(broad.design, [name], broad, bare)
        if instead:
            found.append(
                Exchange(
                    tuple(bare),
                    growth,
                    ("near-edge structure with measured references", "X-ray diffraction"),
                    "the same elements in another bond, or side by side",
                )
            )
    return sorted(found, key=lambda e: e.growth)


def told_apart(said: Answer, swaps: Sequence[Exchange]) -> Answer:
    """Take back that a phase is present where something else does as well.

    Its edges are there, but what they belong to is not seen: F K alone is every fluoride.
    """
    if said.status != "present" or not swaps or swaps[0].growth >= TOLD:
        return said
    best = swaps[0]
    reason = (
        f"{said.question.name} cannot be told from {' + '.join(best.species)}: in its place χ² is "
        f"higher by {best.growth:.2g} only; {best.decided_by[0]} could decide"
    )
    return replace(said, status="not_observable", reason=reason, causes=())


def _growth(
    design: Design, left_out: Sequence[str], fit: Fit, added: Sequence[str]
) -> tuple[float, tuple[str, ...]]:
    own = design.index(left_out)
    known = fit.amounts.copy()
    known[own] = 0.0
    weights = weights_for(design, np.maximum(fit.expected, 1.0), known, fit.heights)
    counts = design.counts
    bare_off = [n for n in design.species if " in " in n and n not in added]
    with_all, _, best = solve(design.without(bare_off), counts, weights)
    less = design.without([*left_out, *bare_off])
    without, _, worse = solve(less, counts, weights)
    base = dict(zip(design.without(bare_off).species, with_all, strict=True))
    grown = tuple(
        n
        for n, a in zip(less.species, without, strict=True)
        if a > 1.2 * base.get(n, 0.0) and a > 0.02 * float(fit.amounts[own].sum())
    )
    return max(0.0, worse - best) / CALIBRATION**2, grown


def named_rivals(name: str, design: Design) -> list[Rival]:
    """Return the published overlaps of a phase as rivals.

    A rival whose reference is in the fit took part in it, and is not live for itself; one without
    a reference stays live.
    """
    made = []
    for one in KNOWN.get(name, ()):
        fitted = (one.formula or one.element) in design.species
        if one.element:
            subject = Subject(element=one.element)
        elif one.formula:
            subject = Subject(formula=one.formula)
        else:
            subject = Subject(label=one.rival)
        made.append(
            Rival(
                subject=subject,
                live=not fitted,
                explains=[one.explains],
                decided_by=list(one.decided_by),
                needs=list(one.needs),
                note="fitted beside it, so its share is taken off"
                if fitted
                else "no reference of it was in the fit",
            )
        )
    return made
