"""Which elements are there, from ranges that were held against the isotopes.

A label that isotopes contradict is no evidence for its elements; one that no ratio could test is
evidence with rivals; an element without a range is looked for where its isotopes lie, and if
something else lies there it cannot be observed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from consilience.errors import BadInputError
from consilience_apt.amounts.ambiguity import known_rivals
from consilience_apt.amounts.traces import Trace, trace_of
from consilience_apt.ions import Ion, has_isotopes, isotopologues
from consilience_apt.masses.background import flight_background, quiet_windows

if TYPE_CHECKING:
    from consilience_apt.masses.audit import RangeAudit
    from consilience_apt.masses.background import RangeBackground
    from consilience_apt.masses.identify import Match
    from consilience_apt.masses.peaks import Peak
    from consilience_apt.masses.spectrum import MassSpectrum
    from consilience_apt.ranges import RangeTable

__all__ = ["Other", "Presence", "RangeUse", "convincing_rivals", "elements_present", "range_uses"]

Weight = Literal["proved", "position", "doubted", "contradicted", "empty"]
SEEN = 0.005
LOWEST = 0.5
"""Da; below it nothing is calibrated."""
MOST_OTHERS = 5
MOST_NAMED = 6
"""Other ions that a finding names; the ranges in its evidence have all."""


@dataclass(frozen=True)
class Other:
    """Another ion that lies where an element was labelled.

    `live`: it can take the label's place; `where` says in which range; `decided_by` what can tell.
    """

    ion: Ion
    live: bool
    where: str
    decided_by: str


@dataclass(frozen=True)
class RangeUse:
    """How much a range says of its label's elements."""

    audit: RangeAudit
    weight: Weight
    counts: float
    background: float
    others: list[Other]


@dataclass(frozen=True)
class Presence:
    """What is known of one element.

    Attributes
    ----------
    element : str
    status : {"present", "absent_below_limit", "not_observable"} or None
        None: its only evidence is contradicted, or is a peak that isotopes cannot prove.
    limit : float or None
        Detection limit: ions with the element over all ranged atoms (0 to 1).
    reason : str
    trace : Trace or None
    uses : list of RangeUse
        Ranges whose label has the element.
    others : list of Other
    searched : list of dict
        Where an element without a range was looked for.
    """

    element: str
    status: Literal["present", "absent_below_limit", "not_observable"] | None
    limit: float | None
    reason: str
    trace: Trace | None = None
    uses: list[RangeUse] = field(default_factory=list)
    others: list[Other] = field(default_factory=list)
    searched: list[dict[str, object]] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)


def convincing_rivals(audit: RangeAudit) -> list[Match]:
    """Return other ions of which three lines with the main one agree, best first."""
    return [
        one
        for one in audit.rivals
        if one.proven
        and one.tested > 2
        and one.chi2 < 10 * one.dof
        and bool(one.own[one.used].sum() > 0.5 * one.own.sum())
    ]


def range_uses(
    audits: Sequence[RangeAudit],
    spectrum: MassSpectrum,
    background: RangeBackground | None,
    elements: Sequence[str],
) -> list[RangeUse]:
    """Return what each range is worth, with the ions that could lie there instead."""
    assert spectrum.ranged is not None
    made = []
    for place, audit in enumerate(audits):
        expected = 0.0 if background is None else float(background.expected[place])
        rivals = convincing_rivals(audit)
        weight: Weight = {
            "supported": "proved",
            "contradicted": "contradicted",
            "empty": "empty",
            "untested": "position",
            "undecided": "doubted",
        }[audit.verdict]  # type: ignore[assignment]
        others = [] if audit.range.ion is None else _others(audit, rivals, weight, elements)
        made.append(RangeUse(audit, weight, float(spectrum.ranged[place]), expected, others))
    return made


def _others(
    audit: RangeAudit, rivals: Sequence[Match], weight: Weight, elements: Sequence[str]
) -> list[Other]:
    where = audit.range.text
    found = [
        Other(one.ion, True, f"{where}: isotope pattern of {one.ion.name} fits", _decides(one.ion))
        for one in rivals[:2]
    ]
    if weight in ("proved", "contradicted", "empty"):
        return found if weight == "contradicted" else []
    ion = audit.range.ion
    assert ion is not None
    named = {one.ion for one in found}
    found += [
        Other(other, True, f"{where}: {other.name} lies on it", _decides(ion, other))
        for other in known_rivals(ion, elements)
        if other not in named
    ]
    near = [one for one in audit.rivals if not one.missing and one.ion not in named]
    near = [one for one in near if (one.ion.charge or 1) <= 2]  # more needs an atomic ion
    for match in near[: MOST_OTHERS - len(found)]:
        if {symbol for symbol, _ in match.ion.elements} <= set(elements):
            text = f"{where}: a peak of {match.ion.name} lies there"
            found.append(Other(match.ion, True, text, _decides(ion, match.ion)))
    return found


def _decides(*ions: Ion) -> str:
    for ion in ions:
        if sum(one.abundance >= SEEN for one in isotopologues(ion, 1e-3)) > 1:
            return f"isotope ratios of {ion.name} with more counts or a better resolution"
    return "another technique: it has one isotope, or too few counts in the others"


def elements_present(
    table: RangeTable,
    spectrum: MassSpectrum,
    background: RangeBackground | None,
    uses: Sequence[RangeUse],
    peaks: Sequence[Peak],
    power: float | None,
    wanted: Sequence[str],
    level: float,
) -> list[Presence]:
    """Return what is known of every element: ranged, found by isotopes, or asked for.

    Parameters
    ----------
    table : RangeTable
    spectrum : MassSpectrum
    background : RangeBackground or None
    uses : sequence of RangeUse
        From `range_uses`.
    peaks : sequence of Peak
    power : float or None
        m/Δm at a tenth of the maximum.
    wanted : sequence of str
        Elements that can be in the sample.
    level : float
        Of intervals.
    """
    total = _total_atoms(uses)
    found = [_ranged(symbol, background, uses, total, level) for symbol in table.elements]
    patterns = _patterns(uses, set(table.elements))
    found += [
        Presence(
            symbol,
            "present",
            None,
            f"its isotope pattern lies in {matches[0][0].audit.range.text}, under another label",
            others=[
                Other(
                    use.audit.range.ion, False, f"label of {use.audit.range.text}", "decided: "
                    "isotopes contradict the label"
                )
                for use, _ in matches
                if use.audit.range.ion is not None and use.weight == "contradicted"
            ],
            matches=[match for _, match in matches],
        )
        for symbol, matches in patterns.items()
    ]  # fmt: skip
    known = {one.element for one in found}
    for symbol in wanted:
        if symbol not in known and has_isotopes(symbol):
            found.append(_sought(symbol, table, spectrum, peaks, power, total, level))
            known.add(symbol)
    return found


def _total_atoms(uses: Sequence[RangeUse]) -> float:
    atoms = (
        (use.counts - use.background) * use.audit.range.ion.atoms
        for use in uses
        if use.audit.range.ion is not None
    )
    return max(math.fsum(atoms), 1.0)


def _patterns(uses: Sequence[RangeUse], known: set[str]) -> dict[str, list[tuple[RangeUse, Match]]]:
    found: dict[str, list[tuple[RangeUse, Match]]] = {}
    for use in uses:
        if use.weight not in ("contradicted", "doubted"):
            continue
        for match in convincing_rivals(use.audit)[:1]:
            for symbol, _ in match.ion.elements:
                if symbol not in known:
                    found.setdefault(symbol, []).append((use, match))
    return found


def _ranged(
    symbol: str,
    background: RangeBackground | None,
    uses: Sequence[RangeUse],
    total: float,
    level: float,
) -> Presence:
    mine = [
        use
        for use in uses
        if use.audit.range.ion is not None and symbol in dict(use.audit.range.ion.elements)
    ]
    against = [use for use in mine if use.weight == "contradicted"]
    counted = [use for use in mine if use.weight != "contradicted"]
    others = _unique(
        [
            one
            for use in sorted(mine, key=lambda use: use.weight != "contradicted")
            for one in use.others
            if symbol not in dict(one.ion.elements)
        ]
    )
    if not counted:
        names = ", ".join(dict.fromkeys(other.ion.name for other in others))
        return Presence(
            symbol, None, None,
            f"every range with {symbol} holds the isotope pattern of something else ({names})",
            uses=mine, others=others,
        )  # fmt: skip
    trace = _trace(symbol, background, uses, counted, total, level)
    doubt = (
        "; its labels "
        + ", ".join(use.audit.range.text for use in against)
        + " are contradicted by the isotopes and do not count"
        if against
        else ""
    )
    if trace.status == "absent_below_limit":
        return Presence(
            symbol, "absent_below_limit", trace.detection,
            f"{trace.counts} counts over a background of {trace.background:.0f}{doubt}",
            trace, mine, others,
        )  # fmt: skip
    proved = [use for use in counted if use.weight == "proved" and use.counts > use.background]
    if proved:
        others = [Other(o.ion, False, o.where, o.decided_by) for o in others]
        how = f"isotope ratios in {proved[0].audit.range.text}"
    else:
        how = "counts at its place; no isotope ratio could be tested, or none is convincing"
    return Presence(symbol, "present", None, how + doubt, trace, mine, others)


def _unique(others: Sequence[Other]) -> list[Other]:
    kept: dict[Ion, Other] = {}
    for one in others:
        kept.setdefault(one.ion, one)
    return list(kept.values())[:MOST_NAMED]


def _trace(
    symbol: str,
    background: RangeBackground | None,
    uses: Sequence[RangeUse],
    counted: Sequence[RangeUse],
    total: float,
    level: float,
) -> Trace:
    chosen = {id(use) for use in counted}
    mine = np.array([1.0 if id(use) in chosen else 0.0 for use in uses])
    number = round(math.fsum(use.counts for use in counted))
    expected = spread = 0.0
    if background is not None:
        expected = max(float(background.expected @ mine), 0.0)
        covariance = background.covariance
        if background.systematic is not None:
            covariance = covariance + background.systematic
        spread = math.sqrt(max(float(mine @ covariance @ mine), 0.0))
    return trace_of(symbol, number, expected, spread, total, level=level)


def _sought(
    symbol: str,
    table: RangeTable,
    spectrum: MassSpectrum,
    peaks: Sequence[Peak],
    power: float | None,
    total: float,
    level: float,
) -> Presence:
    """Look for an element without a range where the main isotope of its single ions lies."""
    if power is None:
        return Presence(
            symbol, "not_observable", None,
            "no peak of the spectrum has a width, so nobody knows how near another ion may lie",
        )  # fmt: skip
    try:
        quiet = quiet_windows(spectrum, table)
    except BadInputError as error:
        return Presence(symbol, "not_observable", None, f"no background is known: {error.what}")
    searched: list[dict[str, object]] = []
    hidden: list[str] = []
    seen: list[tuple[Trace, str]] = []
    for charge in (1, 2):
        ion = Ion(((symbol, 1),), charge)
        line = max(isotopologues(ion), key=lambda one: one.abundance)
        mass = line.mass_to_charge
        half = 1.5 * mass / power
        if mass - half <= LOWEST or mass + half > spectrum.edges[-1]:
            continue
        over = [
            one.text for one in table.ranges if one.low < mass + half and one.high > mass - half
        ]
        over += [
            f"the peak at {one.position:.3f} Da"
            for one in peaks
            if abs(one.position - mass) < 2 * half
        ]
        if over:
            hidden.append(f"{ion.name} at {mass:.3f} Da lies on {over[0]}")
            searched.append({"ion": ion.name, "mass": round(mass, 4), "hidden_by": over[0]})
            continue
        counts, low, high = spectrum.window(mass - half, mass + half)
        flight = flight_background(spectrum, np.array([[low, high]]), quiet)
        made = trace_of(
            symbol, counts, float(flight.expected[0]), float(flight.std[0]),
            total * line.abundance, level=level,
        )  # fmt: skip
        seen.append((made, ion.name))
        searched.append(
            {"ion": ion.name, "mass": round(mass, 4), "counts": counts,
             "background": round(float(flight.expected[0]), 2), "limit": made.detection}
        )  # fmt: skip
    if hidden or not seen:
        reason = "; ".join(hidden) or "its ions lie outside of the spectrum"
        return Presence(symbol, "not_observable", None, reason, searched=searched)
    above = [(trace, name) for trace, name in seen if trace.status == "present"]
    if above:
        trace, name = above[0]
        return Presence(
            symbol, None, None,
            f"{trace.counts} counts lie where {name} would be, over a background of "
            f"{trace.background:.0f}, and are no peak: a tail, or a little of it",
            trace, searched=searched,
        )  # fmt: skip
    trace, _ = max(seen, key=lambda pair: pair[0].detection)
    names = " and ".join(name for _, name in seen)
    return Presence(
        symbol, "absent_below_limit", trace.detection,
        f"looked for as {names}; ions of several atoms were not looked for",
        trace, searched=searched,
    )  # fmt: skip
