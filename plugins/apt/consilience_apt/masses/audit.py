"""A range file held against the isotopes: do the labels and the ratios agree?"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from consilience.errors import BadInputError
from consilience.model.elements import SYMBOLS
from consilience_apt.ions import Ion, isotopes, isotopologues
from consilience_apt.masses.background import quiet_windows
from consilience_apt.masses.identify import SEEN, Match, position_scatter, score_pattern
from consilience_apt.masses.peaks import Peak, find_peaks, resolution

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from consilience_apt.masses.spectrum import MassSpectrum
    from consilience_apt.ranges import Range, RangeTable

__all__ = ["RangeAudit", "audit_ranges", "known_elements"]

Verdict = Literal["supported", "contradicted", "undecided", "untested", "empty"]
STRONGER = 25.0
"""χ² by which a rival has to be better than the label: five standard deviations."""


@dataclass(frozen=True)
class RangeAudit:
    """What the isotopes say about one range.

    Parameters
    ----------
    range : Range
    peaks : list of Peak
        Found in it.
    stated : list of Match
        Of its label, for each charge that puts an isotopologue on its highest peak, or without
        one for each that puts one into the range; best first.
    rivals : list of Match
        Other ions that do so, best first.
    verdict : str
        ``supported``: ratios were tested and agree, no rival does as well.  ``contradicted``: the
        label does not fit, or has no isotopologue there, and a rival fits.  ``undecided``: the
        label or several readings fit about as well, or none does.  ``untested``: only one
        isotopologue can be seen, so that no ratio was tested.  ``empty``: no peak.
    message : str
        In one or two sentences.
    """

    range: Range
    peaks: list[Peak]
    stated: list[Match]
    rivals: list[Match]
    verdict: Verdict
    message: str


def known_elements() -> list[str]:
    """Return the elements that have natural isotopes."""
    found = []
    for symbol in sorted(SYMBOLS):
        try:
            isotopes(symbol)
        except BadInputError:  # no natural isotopes: not what an unknown peak is
            continue
        found.append(symbol)
    return found


def audit_ranges(
    spectrum: MassSpectrum,
    table: RangeTable,
    *,
    elements: Sequence[str] | None = None,
    charges: Sequence[int] = (1, 2, 3, 4),
    resolving: float | None = None,
    reach: float | None = None,
) -> list[RangeAudit]:
    """Hold every label of a range file against the isotopes of its peaks.

    Parameters
    ----------
    spectrum : MassSpectrum
    table : RangeTable
    elements : sequence of str, optional
        Rivals are single atoms of these, all natural elements unless given, and molecules of
        two or three atoms of the table's elements and hydrogen.
    charges : sequence of int
    resolving : float, optional
        m/Δm at a tenth of the maximum; measured from the spectrum unless given.
    reach : float, optional
        Da by which an isotopologue may be off the highest peak; three times the rms of
        `position_scatter` unless given, half the width of a peak at least.

    Returns
    -------
    list of RangeAudit
        In the order of the ranges.

    Raises
    ------
    BadInputError
        No resolved peak in the spectrum and no `resolving` given.

    Notes
    -----
    A pattern is tested wherever its isotopologues lie, in the range or not.  Outside the range
    more counts than expected do not speak against it, fewer do.  The hydride XH may take part
    with an amount of its own, for labels and rivals alike.
    """
    peaks = find_peaks(spectrum)
    power = resolving if resolving is not None else resolution(peaks)[1]
    if power is None:
        raise BadInputError(
            "no peak of the spectrum has a width", fix="state the resolution at a tenth"
        )
    scatter = position_scatter(peaks, table.elements)
    quiet = quiet_windows(spectrum, table)
    rivals = _rivals(table, known_elements() if elements is None else elements, charges)
    audits = []
    for one in table.ranges:
        inside = [peak for peak in peaks if one.low <= peak.position < one.high]
        if not inside:
            audits.append(
                RangeAudit(one, [], [], [], "empty", f"{one.text}: no peak stands out of it")
            )
            continue
        top = max(inside, key=lambda peak: peak.counts)
        far = reach if reach is not None else max(3 * (scatter or 0.0), top.position / power / 2)
        stated_ions = [] if one.ion is None else _charged(one.ion, charges)
        shapes = _Scorer(spectrum, inside, top, far, power, quiet, one)
        stated = shapes.all(stated_ions) or shapes.all(stated_ions, anywhere=True)
        others = shapes.all(
            [ion for ion in rivals if one.ion is None or ion.elements != one.ion.elements]
        )
        audits.append(_judge(one, inside, stated, others))
    return audits


def _charged(ion: Ion, charges: Sequence[int]) -> list[Ion]:
    return [ion] if ion.charge is not None else [ion.with_charge(charge) for charge in charges]


def _rivals(table: RangeTable, elements: Sequence[str], charges: Sequence[int]) -> list[Ion]:
    atoms: dict[tuple[tuple[str, int], ...], None] = {}
    for symbol in dict.fromkeys([*elements, *table.elements]):
        atoms[Ion(((symbol, 1),)).elements] = None
    names = list(dict.fromkeys([*table.elements, "H"]))
    for number in (2, 3):
        for chosen in itertools.combinations_with_replacement(names, number):
            atoms[Ion(tuple((symbol, 1) for symbol in chosen)).elements] = None
    return [Ion(each, charge) for each in atoms for charge in charges]


@dataclass(frozen=True)
class _Scorer:
    spectrum: MassSpectrum
    peaks: list[Peak]
    top: Peak
    reach: float
    power: float
    quiet: NDArray[np.float64]
    range: Range

    def all(self, ions: Sequence[Ion], *, anywhere: bool = False) -> list[Match]:
        """Scores of the ions with a main isotopologue on the highest peak, best first.

        `anywhere`: it may lie anywhere in the range instead.
        """
        found = [match for ion in ions if (match := self.one(ion, anywhere)) is not None]
        return sorted(found, key=_rank)

    def one(self, ion: Ion, anywhere: bool) -> Match | None:
        lines = isotopologues(ion, 1e-3)
        main = max(line.abundance for line in lines)
        strong = [line for line in lines if line.abundance >= 0.02 * main]
        if anywhere:
            if not any(self.range.low <= line.mass_to_charge < self.range.high for line in strong):
                return None
            shift = 0.0
        else:
            line = min(strong, key=lambda each: abs(each.mass_to_charge - self.top.position))
            if abs(line.mass_to_charge - self.top.position) > self.reach:
                return None
            shift = (self.top.position - line.mass_to_charge) / line.mass_to_charge
        # an amount of its own for the hydride needs ratios to spare
        several = sum(line.abundance >= SEEN for line in lines) > 2
        hydride = [Ion((*ion.elements, ("H", 1)), ion.charge)] if several else []
        return score_pattern(
            self.spectrum,
            ion,
            self.power,
            shift=shift,
            peaks=[peak.position for peak in self.peaks],
            companions=hydride,
            keep=(self.range.low, self.range.high),
            quiet=self.quiet,
        )


def _rank(match: Match) -> tuple[bool, bool, float, int]:
    return (bool(match.missing), match.tested < 2, match.chi2, match.ion.atoms)


def _convincing(match: Match) -> bool:
    """Two lines agree by chance with some ion or other; three, with the main one, do not."""
    main = match.own[match.used].sum() > 0.5 * match.own.sum()
    return match.proven and match.tested > 2 and bool(main) and match.chi2 < 10 * match.dof


def _judge(one: Range, peaks: list[Peak], stated: list[Match], rivals: list[Match]) -> RangeAudit:
    mine = stated[0] if stated else None
    good = [match for match in rivals if _convincing(match)]
    best = good[0] if good else None
    text = f"{one.text}: "
    verdict: Verdict
    if one.ion is None:
        verdict = "undecided"
        text += "unidentified"
        if best:
            text += f"; it holds the isotope pattern of {_pattern(best)}"
    elif mine is None:
        verdict = "contradicted" if best else "undecided"
        text += f"no isotope of {one.ion.formula} of any charge tried lies on its highest peak"
        text += f"; it holds the isotope pattern of {_pattern(best)}" if best else ""
    elif best is not None and best.chi2 < mine.chi2 - STRONGER and not mine.proven:
        verdict = "contradicted"
        text += (
            f"the label, as {mine.ion.name}, is not supported by the isotopes (χ² {mine.chi2:.0f} "
            f"for {mine.dof} degrees of freedom, {100 * mine.misplaced:.0f} % of the counts "
            "misplaced"
            + (f", missing {', '.join(mine.missing[:3])}" if mine.missing else "")
            + f"); it holds the isotope pattern of {_pattern(best)}"
        )
    elif mine.proven:
        equal = [match for match in good if match.chi2 < mine.chi2 + 9]
        verdict = "undecided" if equal else "supported"
        text += f"the ratios are those of {mine.ion.name} ({100 * mine.misplaced:.1f} % misplaced)"
        if equal:
            text += f", and as well of {', '.join(match.ion.name for match in equal[:4])}"
    elif mine.tested < 2 or mine.dof < 1:
        verdict = "undecided" if best else "untested"
        text += f"no ratio of {mine.ion.name} could be tested"
        text += f"; it fits the isotope pattern of {_pattern(best)}" if best else ""
    else:
        verdict = "undecided"
        text += (
            f"{mine.ion.name} does not explain the ratios (χ² {mine.chi2:.0f} for {mine.dof} "
            f"degrees of freedom, {100 * mine.misplaced:.0f} % misplaced), and no single rival "
            "with three lines or more does"
        )
    return RangeAudit(one, peaks, stated, rivals, verdict, text)


def _pattern(match: Match) -> str:
    """An ion with the natural shares of its isotopologues and those that were measured."""
    natural = ", ".join(f"{100 * line.abundance:.2f}" for line in isotopologues(match.ion, 1e-3))
    seen = match.observed[match.own > 0.001]
    measured = ", ".join(f"{100 * value / seen.sum():.2f}" for value in seen)
    return (
        f"{match.ion.name} (natural {natural} %; measured {measured} %; χ² {match.chi2:.0f} for "
        f"{match.dof})"
    )
