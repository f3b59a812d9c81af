"""Overlapping ions: solved by isotope ratios where they decide, else bounded.

References
----------
.. [1] A. J. London, Microsc. Microanal. 25 (2019) 378: maximum likelihood for overlaps in atom
   probe spectra, and their errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.stats import chi2 as chi2_distribution

from consilience.errors import BadInputError
from consilience_apt.amounts.abundances import abundance_notes
from consilience_apt.amounts.likelihood import profile_interval
from consilience_apt.ions import Ion, Stated, isotopologues
from consilience_apt.masses.patterns import (
    FLOOR,
    PatternCounts,
    PatternFit,
    count_patterns,
    fit_patterns,
    pattern_windows,
)
from consilience_apt.masses.tails import Tails, measure_tails

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_apt.masses.spectrum import MassSpectrum
    from consilience_apt.ranges import RangeTable

__all__ = ["Overlap", "Share", "solve_overlap"]

Status = Literal["resolved", "absent_below_limit", "consistent", "ambiguous"]


@dataclass(frozen=True)
class Share:
    """What one ion has of an overlap.

    Parameters
    ----------
    ion : Ion
    counts, std_stat, std_sys : float or None
        Counts over the windows of all its isotopologues, without late ions that lie beyond them
        (as many to a hundred of each ion); None where the system leaves them open.
    low, high : float
        Interval of the profile likelihood at `level`, widened by the systematic term; `high` is
        infinite where nothing bounds it.
    level : float
    status : str
        ``resolved``: isotopes prove and count it.  ``absent_below_limit``: not needed, at
        most `high`.  ``consistent``: it has one isotopologue that can be seen, so that position
        and counts agree with it but cannot prove it.  ``ambiguous``: ratios leave it open.
    why : str
    """

    ion: Ion
    counts: float | None
    std_stat: float | None
    std_sys: float | None
    low: float
    high: float
    level: float
    status: Status
    why: str


@dataclass(frozen=True)
class Overlap:
    """Solution of an overlap.

    Parameters
    ----------
    shares : list of Share
    covariance, systematic : array of shape (ions, ions) or None
    rank, condition : int, float
        Of the system of isotope ratios, weighted by its information, with columns of unit length.
    chi2, dof, p_value : float, int, float or None
        Do the named ions explain the ratios?  None without degrees of freedom.
    seen : PatternCounts
    tails : Tails or None
        Of the peaks around, carried with their errors; None where none were seen.
    abundances : list of str
        What was taken for elements whose abundances vary in nature, or were stated.
    """

    shares: list[Share]
    covariance: NDArray[np.float64] | None
    systematic: NDArray[np.float64] | None
    rank: int
    condition: float
    chi2: float
    dof: int
    p_value: float | None
    seen: PatternCounts
    tails: Tails | None = None
    abundances: list[str] = field(default_factory=list)

    @property
    def solved(self) -> bool:
        """Whether no ion is ambiguous."""
        return all(share.status != "ambiguous" for share in self.shares)

    @property
    def ambiguous(self) -> list[Ion]:
        """Ions that the ratios leave open."""
        return [share.ion for share in self.shares if share.status == "ambiguous"]


def solve_overlap(
    spectrum: MassSpectrum,
    ions: Sequence[Ion],
    resolving: float,
    *,
    shift: float = 0.0,
    table: RangeTable | None = None,
    level: float = 0.95,
    margin: float = 0.05,
    misfit: float = 1e-3,
    stated: Stated = (),
) -> Overlap:
    """Share out the counts of ions that lie on each other.

    Parameters
    ----------
    spectrum : MassSpectrum
    ions : sequence of Ion
        Everything that may be there, with charges.  What is not named cannot be found: `p_value`
        says whether the named ions suffice.
    resolving : float
        m/Δm at a tenth of the maximum.
    shift : float
        Relative shift of the mass scale.
    table : RangeTable, optional
        Ranges that the background stays away from.
    level : float
        Of the intervals.
    margin : float
        Equivalence margin of the composition (0 to 1); 5 at.% is that of atom probe.  An ion
        is resolved if its interval excludes zero and reaches to either side by no more than this
        share of all counts of the overlap, whatever the others have: what is left open then
        moves the overlap's composition by no more than what counts as equal.  It is absent below
        its limit if the interval begins at zero and ends within the margin.
    misfit : float
        Below this p-value the ions do not explain the ratios, and nothing counts as resolved.
    stated : Stated
        Abundances of enriched or depleted elements, as from
        `consilience_apt.amounts.abundances.stated_abundances`.

    Returns
    -------
    Overlap

    Raises
    ------
    BadInputError
        No ion, one named twice, one without a charge.
    """
    names = [ion.name for ion in ions]
    if not ions or len(set(names)) != len(names):
        raise BadInputError(
            f"an overlap of {', '.join(names) or 'no ions'}", fix="name each ion once"
        )
    wide = pattern_windows(ions, resolving, shift=shift, stated=stated)
    lines = [
        one.mass_to_charge * (1 + shift)
        for ion in ions
        for one in isotopologues(ion, FLOOR, stated)
    ]
    tails = measure_tails(
        spectrum, lines, resolving, float(wide[0, 0]) / 1.35, float(wide[-1, 1]) * 1.35
    )
    counted = [
        count_patterns(
            spectrum,
            ions,
            pattern_windows(ions, resolving, shift=shift, widen=widen, stated=stated),
            shift=shift,
            table=table,
            tails=tails,
            stated=stated,
        )
        for widen in (1.0, 0.75, 1.33)
    ]
    seen = counted[0]
    found = fit_patterns(seen, counted[1:])
    p_value = float(chi2_distribution.sf(found.chi2, found.dof)) if found.dof > 0 else None
    rise = float(chi2_distribution.ppf(level, 1))
    sizes = [
        _share(seen, found, column, rise, level, margin, stated) for column in range(len(ions))
    ]
    if p_value is not None and p_value < misfit:
        sizes = [
            share
            if share.status != "resolved"
            else Share(
                share.ion, share.counts, share.std_stat, share.std_sys, share.low, share.high,
                level, "ambiguous",
                f"the named ions do not explain the ratios (p = {p_value:.1e}): another one "
                "is there, or the windows hold tails",
            )
            for share in sizes
        ]  # fmt: skip
    sizes = _kept_apart(sizes, wide, resolving, shift, stated)
    return Overlap(
        sizes,
        found.covariance,
        found.systematic,
        found.fit.rank,
        found.fit.condition,
        found.chi2,
        found.dof,
        p_value,
        seen,
        tails,
        abundance_notes([symbol for ion in ions for symbol, _ in ion.elements], stated),
    )


def _kept_apart(
    shares: Sequence[Share],
    windows: NDArray[np.float64],
    resolving: float,
    shift: float,
    stated: Stated,
) -> list[Share]:
    """Call ambiguous what lines beside it leak into: windows that touch are cut midway.

    The flank of one line then counts for the other, by as much as the shape of the peak says, which
    no isotope ratio tells.
    """
    lines = [
        [one.mass_to_charge * (1 + shift) for one in isotopologues(s.ion, FLOOR, stated)]
        for s in shares
    ]
    cuts = [float(a[1]) for a, b in pairwise(windows) if a[1] == b[0]]
    kept = []
    for own, share in zip(lines, shares, strict=True):
        beside = {
            other.ion.name
            for cut in cuts
            for theirs, other in zip(lines, shares, strict=True)
            if other.ion != share.ion
            and any(
                (a - cut) * (b - cut) < 0 and abs(a - b) < 1.5 * cut / resolving
                for a in own
                for b in theirs
            )
        }
        if share.status == "resolved" and beside:
            why = (
                f"lines of {', '.join(sorted(beside))} lie so near that the flanks of their peaks "
                "count for it"
            )
            share = replace(share, status="ambiguous", why=why)  # noqa: PLW2901
        kept.append(share)
    return kept


def _share(
    seen: PatternCounts,
    found: PatternFit,
    column: int,
    rise: float,
    level: float,
    margin: float,
    stated: Stated,
) -> Share:
    ion = seen.ions[column]
    offset = seen.background.expected
    low, high = profile_interval(seen.shares, seen.counts, column, offset, rise)
    value = float(found.values[column])
    open_ = found.covariance is None or found.systematic is None
    stat = sys = None
    if found.covariance is not None and found.systematic is not None:
        stat = float(np.sqrt(found.covariance[column, column]))
        sys = float(np.sqrt(found.systematic[column, column]))
        # both ends carry the systematic term beside the statistical one
        far = np.sqrt(rise) * sys
        low = max(value - float(np.hypot(value - low, far)), 0.0)
        high = value + float(np.hypot(high - value, far))
    mine = seen.claims[:, column]
    # all that the overlap holds: what its composition is a share of
    room = margin * float(max(seen.net.sum(), 1.0))
    visible = [
        at for at in np.flatnonzero(mine > 0) if high * mine[at] > 3 * np.sqrt(max(offset[at], 1.0))
    ]
    single = sum(1 for one in isotopologues(ion, FLOOR, stated)) == 1
    counts = None if open_ else value
    if single or len(visible) < 2:
        what = "one isotope" if single else "one isotopologue above the background"
        others = [
            seen.ions[k].name
            for k in range(len(seen.ions))
            if k != column and (seen.claims[visible, k].sum() >= 0.01 if visible else False)
        ]
        rest = f", and {', '.join(others)} lie on it" if others else ""
        if low <= 0 and high <= room and not open_:
            return Share(ion, counts, stat, sys, low, high, level, "absent_below_limit",
                         f"not needed; at most {high:.0f} counts")  # fmt: skip
        if open_ or (low <= 0 and others):
            return Share(ion, counts, stat, sys, low, high, level, "ambiguous",
                         f"it has {what}{rest}")  # fmt: skip
        return Share(ion, counts, stat, sys, low, high, level, "consistent",
                     f"it has {what}: its isotopes cannot prove it{rest}")  # fmt: skip
    if open_:
        return Share(ion, None, None, None, low, high, level, "ambiguous",
                     f"rank {found.fit.rank} of ratios for {len(seen.ions)} ions")  # fmt: skip
    if high > room if low <= 0 else high - low > 2 * room:
        there = "from none" if low <= 0 else f"it is there, but from {low:.0f}"
        return Share(ion, counts, stat, sys, low, high, level, "ambiguous",
                     f"{there} to {high:.0f} counts are possible, more than {margin:.0%} of the "
                     f"overlap to either side; condition {found.fit.condition:.3g}")  # fmt: skip
    if low <= 0:
        return Share(ion, counts, stat, sys, low, high, level, "absent_below_limit",
                     f"not needed; at most {high:.0f} counts")  # fmt: skip
    return Share(ion, counts, stat, sys, low, high, level, "resolved",
                 f"{len(visible)} isotopologues")  # fmt: skip
