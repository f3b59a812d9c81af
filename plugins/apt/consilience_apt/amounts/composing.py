"""Composition of a volume from its ranges, with overlaps shared out or bounded.

A solved overlap replaces labels by the shares that isotopes give; one that isotopes leave open
keeps the labels, and every reading of it bounds the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience_apt.amounts.ambiguity import Ambiguity
from consilience_apt.amounts.composition import Composition, Fractions, compose, fractions_of
from consilience_apt.amounts.systematics import (
    SystematicTerm,
    multiples_term,
    ranging_term,
    unknown_terms,
)
from consilience_apt.amounts.traces import Trace, trace_of
from consilience_apt.ions import Ion, isotopologues

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_apt.masses.background import RangeBackground
    from consilience_apt.masses.spectrum import MassSpectrum
    from consilience_apt.ranges import RangeTable

__all__ = ["Composed", "compose_volume", "stated_term", "systematic_terms"]

FEW = 1000
"""Counts up to which an interval for few counts is given besides the standard deviation."""
RARE = 0.1
"""Fraction up to which the same holds: an interval of Poisson counts knows no upper end of 1."""


@dataclass(frozen=True)
class Composed:
    """Composition of one volume.

    Attributes
    ----------
    elements : list of str
        Those of the ranges, then those that only readings of an overlap have.
    atomic : Fractions
        Molecular ions taken apart, background subtracted if it was given, solved overlaps shared
        out.
    raw : Fractions
        As labelled and as counted.
    labelled : Composition
        As labelled, background subtracted if it was given.
    bounds : dict of str to (float, float)
        Smallest and largest fraction under any reading, with the counting error at `level`;
        only elements that ambiguous overlaps move.
    readings : dict of str to dict of str to float
        Fractions of those elements under each reading.
    groups : list of Ambiguity
    traces : dict of str to Trace
        Of elements with few counts, as ions that hold them.
    level : float
    """

    elements: list[str]
    atomic: Fractions
    raw: Fractions
    labelled: Composition
    bounds: dict[str, tuple[float, float]]
    readings: dict[str, dict[str, float]]
    groups: list[Ambiguity]
    traces: dict[str, Trace]
    level: float

    @property
    def complete(self) -> bool:
        """Whether the size of every systematic term is known."""
        return not self.labelled.unknown


def stated_term(
    name: str, relative: float, table: RangeTable, counts: NDArray[np.float64]
) -> SystematicTerm:
    """Return a systematic term that the user states: independent between species.

    Parameters
    ----------
    name : str
        One of `unknown_terms`, which it takes the place of.
    relative : float
        Standard deviation of one species' counts against the others'.
    table : RangeTable
    counts : array of shape (ranges,)
    """
    species = table.species[1:]
    same = (species[:, None] == species[None, :]) & (species[:, None] > 0)
    return SystematicTerm(
        name,
        relative**2 * np.outer(counts, counts) * same,
        f"stated: {100 * relative:g} % of each species, independent between them",
    )


def systematic_terms(
    spectrum: MassSpectrum,
    table: RangeTable,
    power: float | None,
    single: NDArray[np.int64] | None,
    stated: dict[str, float],
) -> list[SystematicTerm]:
    """Return every systematic effect: computed, stated, or unknown.

    Parameters
    ----------
    spectrum : MassSpectrum
    table : RangeTable
    power : float or None
        m/Δm at half maximum.
    single : array of shape (ranges + 1,) or None
        Ions that came alone, by label.
    stated : dict
        Relative standard deviations by the name of the term.
    """
    assert spectrum.ranged is not None
    counts = spectrum.ranged.astype(float)
    known: list[SystematicTerm] = []
    if power is not None:
        known.append(ranging_term(spectrum, table, power))
    if single is not None and single[1:].sum() > 0:
        known.append(multiples_term(counts, single[1:]))
    known += [stated_term(name, size, table, counts) for name, size in stated.items()]
    return unknown_terms(known)


def compose_volume(
    spectrum: MassSpectrum,
    table: RangeTable,
    background: RangeBackground | None,
    terms: Sequence[SystematicTerm],
    groups: Sequence[Ambiguity] = (),
    level: float = 0.95,
) -> Composed:
    """Return the composition of a volume.

    Parameters
    ----------
    spectrum : MassSpectrum
        Of the volume, counted with `table`.
    table : RangeTable
    background : RangeBackground, optional
    terms : sequence of SystematicTerm
    groups : sequence of Ambiguity
        Held against this spectrum.
    level : float
        Of intervals.

    Raises
    ------
    BadInputError
        Nothing was counted in any range.
    """
    assert spectrum.ranged is not None
    counts = spectrum.ranged.astype(float)
    labelled = compose(table, counts, background, terms)
    raw = compose(table, counts).atomic
    net = counts if background is None else counts - background.expected
    covariance = np.diag(counts)
    if background is not None:
        # where less was counted than background was expected, the expected number fluctuates
        covariance = np.diag(np.maximum(counts, background.expected)) + background.covariance
    known = [term.covariance for term in labelled.terms if term.covariance is not None]
    systematic = None if not known else np.sum(known, axis=0)
    extra = [ion for group in groups for ion in group.ions]
    elements = list(
        dict.fromkeys([*table.elements, *(symbol for ion in extra for symbol, _ in ion.elements)])
    )
    turn = _by_label(table, elements)
    spread = np.zeros((len(elements), len(elements)))
    for group in groups:
        if group.solved:
            turn, more = _shared(turn, group, table, elements, net)
            spread += more
    used = [*table.elements]
    used += [one for row, one in enumerate(elements) if one not in used and turn[row].any()]
    kept = [elements.index(one) for one in used]
    rows = turn[kept]
    stat = rows @ covariance @ rows.T + spread[np.ix_(kept, kept)]
    # nothing counted is not nothing there: one count could have come
    stat += np.diag(np.maximum(1.0 - np.diag(stat), 0.0))
    atomic = fractions_of(
        used,
        rows @ net,
        stat,
        None if systematic is None else rows @ systematic @ rows.T,
    )
    readings = _every_reading(turn, groups, table, elements, net)
    bounds = _bounds(elements, atomic, readings, level)
    traces = _traces(table, elements, counts, background, float((rows @ net).sum()), level)
    return Composed(
        elements, atomic, raw, labelled, bounds,
        {one: readings[one] for one in bounds}, list(groups), traces, level,
    )  # fmt: skip


def _by_label(table: RangeTable, elements: Sequence[str]) -> NDArray[np.float64]:
    """Atoms of each element in an ion of each range, shape (elements, ranges)."""
    made = np.zeros((len(elements), len(table)))
    for place, one in enumerate(table.ranges):
        if one.ion is not None:
            made[:, place] = _atoms(one.ion, elements)
    return made


def _atoms(ion: Ion, elements: Sequence[str]) -> NDArray[np.float64]:
    counted = dict(ion.elements)
    return np.array([float(counted.get(symbol, 0)) for symbol in elements])


def _inside(ion: Ion, table: RangeTable, places: Sequence[int]) -> float:
    """Part of an ion's isotopologues that lies in (or touches) some ranges."""
    total = 0.0
    for line in isotopologues(ion, 1e-4):
        mass = line.mass_to_charge
        if any(table.ranges[at].low - 0.05 <= mass < table.ranges[at].high + 0.05 for at in places):
            total += line.abundance
    return total


def _shares(
    amounts: NDArray[np.float64], ions: Sequence[Ion], table: RangeTable, places: Sequence[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of each ion in the counts of the group's ranges, and d(share)/d(amount)."""
    inside = np.array([_inside(ion, table, places) for ion in ions])
    total = float(amounts @ inside)
    if total <= 0:
        return np.zeros(len(ions)), np.zeros((len(ions), len(ions)))
    share = amounts * inside / total
    return share, (np.diag(inside) - np.outer(share, inside)) / total


def _shared(
    turn: NDArray[np.float64],
    group: Ambiguity,
    table: RangeTable,
    elements: Sequence[str],
    net: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Replace the labels of a solved group's ranges by its shares; and what that adds."""
    overlap = group.overlap
    assert overlap is not None
    amounts = np.array([one.counts or 0.0 for one in overlap.shares])
    share, slope = _shares(amounts, group.ions, table, group.places)
    atoms = np.array([_atoms(ion, elements) for ion in group.ions]).T
    made = turn.copy()
    if share.any():
        made[:, group.places] = (atoms @ share)[:, None]
    if overlap.covariance is None:
        return made, np.zeros((len(elements), len(elements)))
    spread = overlap.covariance
    if overlap.systematic is not None:
        spread = spread + overlap.systematic
    total = float(net[list(group.places)].sum())
    push = total * atoms @ slope
    return made, push @ spread @ push.T


def _every_reading(
    turn: NDArray[np.float64],
    groups: Sequence[Ambiguity],
    table: RangeTable,
    elements: Sequence[str],
    net: NDArray[np.float64],
) -> dict[str, dict[str, float]]:
    """Fractions of all elements as labelled and under each reading of each ambiguous group."""
    found: dict[str, dict[str, float]] = {one: {} for one in elements}

    def keep(name: str, rows: NDArray[np.float64]) -> None:
        atoms = rows @ net
        if atoms.sum() > 0:
            for one, value in zip(elements, (atoms / atoms.sum()).tolist(), strict=True):
                found[one][name] = value

    keep("as labelled", turn)
    for group in groups:
        if group.solved:
            continue
        atoms = np.array([_atoms(ion, elements) for ion in group.ions]).T
        for reading in group.readings:
            amounts = np.array([reading.counts.get(ion, 0.0) for ion in group.ions])
            share, _ = _shares(amounts, group.ions, table, group.places)
            if not share.any():
                continue
            rows = turn.copy()
            rows[:, group.places] = (atoms @ share)[:, None]
            keep(reading.name, rows)
    return found


def _bounds(
    elements: Sequence[str],
    atomic: Fractions,
    readings: dict[str, dict[str, float]],
    level: float,
) -> dict[str, tuple[float, float]]:
    from scipy.special import ndtri

    k = float(ndtri(0.5 + level / 2))
    std = dict(zip(atomic.names, atomic.std_stat.tolist(), strict=True))
    made = {}
    for one in elements:
        values = list(readings[one].values())
        if len(values) > 1 and max(values) - min(values) > 1e-9:
            error = k * std.get(one, 0.0)
            made[one] = (max(min(values) - error, 0.0), min(max(values) + error, 1.0))
    return made


def _traces(
    table: RangeTable,
    elements: Sequence[str],
    counts: NDArray[np.float64],
    background: RangeBackground | None,
    total: float,
    level: float,
) -> dict[str, Trace]:
    if background is None or total <= 0:
        return {}
    spread = background.covariance
    if background.systematic is not None:
        spread = spread + background.systematic
    found = {}
    for row, one in enumerate(elements):
        mine = (_by_label(table, elements)[row] > 0).astype(float)
        number = round(float(counts @ mine))
        if not mine.any() or number > min(FEW, RARE * total):
            continue
        found[one] = trace_of(
            one,
            number,
            max(float(background.expected @ mine), 0.0),
            float(np.sqrt(max(float(mine @ spread @ mine), 0.0))),
            total,
            level=level,
        )
    return found
