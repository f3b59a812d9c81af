"""One region from its spectra to amounts and answers."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from consilience.model.stoichiometry import fractions_of_formula
from consilience_eels.fingerprint.design import Design, ModelError, build_design
from consilience_eels.fingerprint.fit import Fit, fit_spectrum
from consilience_eels.fingerprint.limits import Null, null_of
from consilience_eels.fingerprint.observability import Answer, Question, answer
from consilience_eels.fingerprint.species import Library
from consilience_eels.fingerprint.stretches import ELASTIC, LowLoss, Stretch

__all__ = ["Asked", "RegionResult", "RegionSpectra", "describe_region", "thicknesses"]

Array = NDArray[np.float64]

MISFIT = 2.0
"""χ² for each degree of freedom, of counting and references together, above which a fit is none."""


@dataclass(frozen=True)
class RegionSpectra:
    """Stretches of one region, and the low loss that they are folded with."""

    stretches: tuple[Stretch, ...]
    low_loss: LowLoss | None

    @property
    def t_over_lambda(self) -> float | None:
        """``ln(I_t / I_0)`` of the low loss; None without one."""
        if self.low_loss is None:
            return None
        zero = float(self.low_loss.counts[self.low_loss.energy < ELASTIC].sum())
        return math.log(self.low_loss.total / zero) if zero > 0 else None


@dataclass(frozen=True)
class Asked:
    """At which amount presence is asked.

    Parameters
    ----------
    fraction : float
        Of the volume, for phases.
    fractions : dict of str to float
        The same for single phases.
    atoms : float
        Atomic fraction, for elements.
    alloys : dict of str to str
        Element to the compound at whose stoichiometry it is asked, where the compound's other
        elements are a fifth of the atoms or more.
    """

    fraction: float
    fractions: Mapping[str, float]
    atoms: float
    alloys: Mapping[str, str]


@dataclass(frozen=True)
class RegionResult:
    """What is said of a region.

    Parameters
    ----------
    fit : Fit
        With phases and matrix.
    broad : Fit
        With bare elements too.
    phases, elements : tuple of Answer
    nm : dict of str to float
        Projected thickness of each species of known density, from `fit`.
    t_over_lambda : float or None
    """

    fit: Fit
    broad: Fit
    phases: tuple[Answer, ...]
    elements: tuple[Answer, ...]
    nm: dict[str, float]
    t_over_lambda: float | None


def describe_region(
    spectra: RegionSpectra,
    library: Library,
    asked: Asked,
    error: ModelError | None = None,
    elements: Sequence[str] | None = None,
    *,
    explain: bool = True,
) -> RegionResult:
    """Fit a region and answer for each phase and element.

    Parameters
    ----------
    spectra : RegionSpectra
    library : Library
    asked : Asked
    error : ModelError, optional
    elements : sequence of str, optional
        Those to answer for; by default all of the library.
    explain : bool
        Say what keeps from being observed what is not.
    """
    references = list(library.references.values())
    whole = build_design(
        spectra.stretches, references, spectra.low_loss, error, valence=library.valence
    )
    single = None
    ratio = spectra.t_over_lambda
    if spectra.low_loss is not None and ratio is not None and ratio > 0.7 and explain:
        single = build_design(
            spectra.stretches,
            references,
            spectra.low_loss.single(),
            error,
            valence=library.valence,
        )
    narrow = whole.without(library.extra())
    fit = fit_spectrum(narrow)
    broad = fit_spectrum(whole)
    phases = [
        _ask(
            _phase_question(name, fit, library, asked),
            fit,
            library,
            ratio,
            None if single is None else single.without(library.extra()),
            explain,
        )
        for name in library.phases
    ]
    wanted = [e for e in (elements or library.elements) if e in library.bare]
    said = [
        _ask(
            _element_question(element, broad, library, asked),
            broad,
            library,
            ratio,
            single,
            explain,
        )
        for element in wanted
    ]
    phases = [_described(one, fit) for one in phases]
    said = [_described(one, broad) for one in said]
    return RegionResult(fit, broad, tuple(phases), tuple(said), thicknesses(fit, library), ratio)


def _described(said: Answer, fit: Fit) -> Answer:
    """Take an answer back where the fit leaves more than all its errors allow."""
    ratio = fit.chi_square / fit.degrees
    if ratio <= MISFIT:
        return said
    energy = np.concatenate([s.energy for s in fit.design.stretches])
    total = fit.weights.counting + np.diag(fit.weights.model)
    left = np.abs(fit.design.counts - fit.expected) / np.sqrt(total)
    reason = (
        f"what was fitted does not describe the spectrum: χ² is {ratio:.3g} times its degrees of "
        f"freedom, and most is left at {energy[int(left.argmax())]:.4g} eV; name what else is "
        "there under 'matrix', or fit narrower 'ranges'"
    )
    return replace(said, status="not_observable", reason=reason, causes=())


def thicknesses(fit: Fit, library: Library) -> dict[str, float]:
    """Return nm of each species that has a density, projected along the beam."""
    made = {}
    for name, amount in zip(fit.design.species, fit.amounts, strict=True):
        per = library.references[name].units_per_volume()
        if per is not None:
            made[name] = float(amount) / per
    return made


def _ask(
    question: tuple[Question, float, Null],
    fit: Fit,
    library: Library,
    t_over_lambda: float | None,
    single: Design | None,
    explain: bool,
) -> Answer:
    asked, per, null = question
    return answer(
        asked,
        fit.design,
        fit.design.counts,
        fit.amounts,
        fit.heights,
        library.references,
        null,
        t_over_lambda=t_over_lambda,
        single=single,
        per=per,
        explain=explain,
    )


def _phase_question(
    name: str, fit: Fit, library: Library, asked: Asked
) -> tuple[Question, float, Null]:
    """The phase at a share of the volume that all other species make up."""
    share = asked.fractions.get(name, asked.fraction)
    own = library.references[name].units_per_volume()
    null = null_of(fit.design, [name], fit.design.counts, fit.amounts, fit.heights)
    others = 0.0
    for other, amount in zip(fit.design.species, null.amounts, strict=True):
        per = library.references[other].units_per_volume()
        if per is not None:
            others += float(amount) / per
    units = (own or 1.0) * max(others, 1e-3)
    words = f"{100.0 * share:g} % of the volume"
    return Question(name, (name,), {name: 1.0}, units * share / (1.0 - share), words), units, null


def _element_question(
    element: str, fit: Fit, library: Library, asked: Asked
) -> tuple[Question, float, Null]:
    """The element at a stoichiometry, or at a share of the atoms."""
    group = library.holding(element)
    species = library.bare[element]
    null = null_of(fit.design, group, fit.design.counts, fit.amounts, fit.heights)
    atoms: dict[str, float] = {}
    for name, amount in zip(fit.design.species, null.amounts, strict=True):
        for symbol, count in library.references[name].atoms.items():
            atoms[symbol] = atoms.get(symbol, 0.0) + float(amount) * count
    total = max(sum(atoms.values()), 1e-3)
    compound = asked.alloys.get(element)
    if compound is not None:
        parts = fractions_of_formula(compound) or {}
        host = sum(atoms.get(e, 0.0) for e in parts if e != element)
        ratio = parts[element] / (1.0 - parts[element])
        if host >= 0.2 * total:
            hosts = "".join(e for e in parts if e != element)
            words = f"the stoichiometry of {compound}, {ratio:g} {element} for each {hosts}"
            question = Question(element, group, {species: 1.0}, ratio * host, words, hosts)
            return question, host, null
    share = asked.atoms
    words = f"{100.0 * share:g} % of the atoms"
    return (
        Question(element, group, {species: 1.0}, total * share / (1.0 - share), words),
        total,
        null,
    )
