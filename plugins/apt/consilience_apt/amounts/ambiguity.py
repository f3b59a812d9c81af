"""Which ions of a range table lie on others, and what every reading makes of the composition.

Two sources: groups that are known to lie on each other [1]_, as far as their elements can be there,
and ranges that hold isotopologues of other ranges' ions, or a pattern that an audit found.

References
----------
.. [1] B. Gault, M. P. Moody, J. M. Cairney, S. P. Ringer, Atom Probe Microscopy, Springer (2012),
   sec. 7.3 and appendix: isobars and common molecular ions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError
from consilience_apt.amounts.likelihood import fit_counts
from consilience_apt.amounts.overlaps import Overlap, solve_overlap
from consilience_apt.ions import Ion, isotopologues

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_apt.masses.peaks import Peak
    from consilience_apt.masses.spectrum import MassSpectrum
    from consilience_apt.ranges import RangeTable

__all__ = ["KNOWN", "Ambiguity", "Amounts", "known_rivals", "overlap_groups", "resolve"]

KNOWN: tuple[tuple[str, ...], ...] = (
    ("Si++", "N+", "CO++", "N2++"),
    ("Si+", "CO+", "N2+"),
    ("F+", "H3O+", "LiC+"),
    ("P+", "SiH3+"),
    ("P++", "SiH3++"),
    ("Li2C+", "C2H2+"),
    ("S+", "O2+"),
    ("Fe++", "SiAl++"),
    ("Ti++", "C2+"),
    ("Al+", "C2H3+"),
)
"""Ions that lie on each other within some hundredths of a Da."""
PART = 0.01
"""Part of an ion's isotopologues from which it lies in another's range."""
MARGIN = 0.25
"""Part of a width by which an isotopologue may lie outside of a range and still reach in."""


@dataclass(frozen=True)
class Amounts:
    """Counts of ions under one reading."""

    name: str
    counts: Mapping[Ion, float]


@dataclass(frozen=True)
class Ambiguity:
    """One group of ions on each other, held against the isotopes.

    Attributes
    ----------
    ions : tuple of Ion
    places : tuple of int
        Ranges (numbers) whose counts the group shares.
    overlap : Overlap or None
        None where it could not be posed: see `why`.
    readings : list of Amounts
        Each ambiguous ion at the lower and at the upper end of its interval, with the others
        fitted to what it leaves; empty for a solved group.
    why : str
        In one sentence.
    """

    ions: tuple[Ion, ...]
    places: tuple[int, ...]
    overlap: Overlap | None
    readings: list[Amounts]
    why: str

    @property
    def solved(self) -> bool:
        """Whether isotopes prove and count, or exclude, every ion of the group."""
        return self.overlap is not None and self.overlap.solved

    @property
    def names(self) -> str:
        """The ions in words."""
        return ", ".join(ion.name for ion in self.ions)


def known_rivals(ion: Ion, elements: Sequence[str]) -> list[Ion]:
    """Return ions that are known to lie on this one and consist of these elements."""
    found: list[Ion] = []
    for group in KNOWN:
        if ion.name in group:
            others = [Ion.parse(name) for name in group if name != ion.name]
            found += [one for one in others if {s for s, _ in one.elements} <= set(elements)]
    return found


def overlap_groups(
    table: RangeTable,
    elements: Sequence[str],
    power: float,
    also: Sequence[Ion] = (),
) -> list[tuple[tuple[Ion, ...], tuple[int, ...]]]:
    """Return the groups of ions that share ranges.

    Parameters
    ----------
    table : RangeTable
        With charges, where they are known.
    elements : sequence of str
        What can be there.
    power : float
        m/Δm at a tenth of the maximum.
    also : sequence of Ion
        Ions that are there although no range names them.

    Returns
    -------
    list of (ions, ranges)
        Only groups of two or more; the numbers count ``table.ranges`` from 0.
    """
    named = [one.ion for one in table.ranges if one.ion is not None and one.ion.charge is not None]
    members = list(dict.fromkeys([*named, *also]))
    for ion in list(members):
        members += [one for one in known_rivals(ion, elements) if one not in members]
    reach = {ion: _places(ion, table, power) for ion in members}
    groups: list[tuple[set[Ion], set[int]]] = []
    for ion in members:
        places = reach[ion]
        if not places:
            continue
        mine, mine_places = {ion}, set(places)
        rest = []
        for ions, shared in groups:
            if shared & mine_places:
                mine, mine_places = mine | ions, mine_places | shared
            else:
                rest.append((ions, shared))
        groups = [*rest, (mine, mine_places)]
    return [
        (tuple(ion for ion in members if ion in ions), tuple(sorted(places)))
        for ions, places in groups
        if len(ions) > 1
    ]


def _places(ion: Ion, table: RangeTable, power: float) -> list[int]:
    found = []
    lines = [one for one in isotopologues(ion, 1e-3) if one.abundance >= PART]
    for place, one in enumerate(table.ranges):
        slack = MARGIN * one.low / power
        if any(one.low - slack <= line.mass_to_charge < one.high + slack for line in lines):
            found.append(place)
    return found


def resolve(
    spectrum: MassSpectrum,
    table: RangeTable,
    peaks: Sequence[Peak],
    ions: tuple[Ion, ...],
    places: tuple[int, ...],
    power: float,
    level: float,
) -> Ambiguity:
    """Hold one group against the isotopes, and bound it where they do not decide.

    Parameters
    ----------
    spectrum : MassSpectrum
    table : RangeTable
    peaks : sequence of Peak
    ions, places
        One of `overlap_groups`.
    power : float
        m/Δm at a tenth of the maximum.
    level : float
        Of the intervals.
    """
    shift = _shift(ions[0], peaks, power)
    try:
        overlap = solve_overlap(spectrum, ions, power, shift=shift, table=table, level=level)
    except BadInputError as error:
        return Ambiguity(ions, places, None, [], error.what)
    if overlap.solved:
        said = "; ".join(f"{one.ion.name}: {one.status}" for one in overlap.shares)
        said = said.replace("_", " ")
        return Ambiguity(ions, places, overlap, [], said)
    why = "; ".join(f"{one.ion.name}: {one.why}" for one in overlap.shares)
    return Ambiguity(ions, places, overlap, _readings(overlap), why)


def _shift(ion: Ion, peaks: Sequence[Peak], power: float) -> float:
    """Relative shift of the mass scale at the ion's main isotopologue."""
    main = max(isotopologues(ion, 1e-3), key=lambda one: one.abundance).mass_to_charge
    near = [one for one in peaks if abs(one.position - main) < 2 * main / power]
    if not near:
        return 0.0
    top = max(near, key=lambda one: one.counts)
    return (top.position - main) / main


def _readings(overlap: Overlap) -> list[Amounts]:
    """Each ambiguous ion at either end of its interval, the others refitted."""
    seen = overlap.seen
    shapes, counts = np.asarray(seen.shares, float), np.asarray(seen.counts, float)
    known = np.asarray(seen.background.expected, float)
    made: list[Amounts] = []
    for column, share in enumerate(overlap.shares):
        if share.status != "ambiguous":
            continue
        for word, stated in (("least", share.low), ("most", share.high)):
            end = min(stated, _at_most(shapes[:, column], counts, known))
            rest = np.delete(shapes, column, axis=1)
            amounts: NDArray[np.float64] = np.zeros(len(seen.ions))
            amounts[column] = end
            if rest.shape[1]:
                others = fit_counts(rest, counts, known + end * shapes[:, column]).values
                amounts[np.arange(len(amounts)) != column] = others
            pairs = zip(seen.ions, amounts.tolist(), strict=True)
            made.append(Amounts(f"{word} {share.ion.name}", dict(pairs)))
    return made


def _at_most(
    shape: NDArray[np.float64], counts: NDArray[np.float64], known: NDArray[np.float64]
) -> float:
    """Counts of an ion with which no window holds more than was seen there by three sigma."""
    mine = shape >= PART
    if not mine.any():
        return float(max(counts.sum() - known.sum(), 0.0))
    room = counts[mine] + 3 * np.sqrt(counts[mine] + 1.0) - known[mine]
    return float(max((room / shape[mine]).min(), 0.0))
