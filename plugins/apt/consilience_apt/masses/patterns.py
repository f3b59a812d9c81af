"""Isotope patterns held against a spectrum: windows, expected shares, one fit, all errors.

Windows lie around every isotopologue; counts in them are modelled as amounts of ions times the
abundances that fall into each window.  Windows have the same width relative to the mass, because
peaks do, so that the share of a peak that a window catches cancels in ratios.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError
from consilience_apt.amounts.abundances import abundance_std
from consilience_apt.amounts.likelihood import LinearFit, fit_counts
from consilience_apt.ions import Ion, Stated, isotopes, isotopologues
from consilience_apt.masses.background import RangeBackground, flight_background, quiet_windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_apt.masses.spectrum import MassSpectrum
    from consilience_apt.masses.tails import Tails
    from consilience_apt.ranges import RangeTable

__all__ = [
    "PatternCounts",
    "PatternFit",
    "abundance_std",
    "count_patterns",
    "fit_patterns",
    "pattern_windows",
]

FLOOR = 2e-4
"""Isotopologues rarer than this get no window of their own."""
_ISOTOPE = re.compile(r"(\d+)([A-Z][a-z]?)")


@dataclass(frozen=True)
class PatternCounts:
    """Counts in the windows of some ions.

    Parameters
    ----------
    ions : list of Ion
    windows : array of shape (w, 2)
        Da, on the edges of bins.
    counts : array of shape (w,)
    background : RangeBackground
        Of the windows.
    shares : array of shape (w, ions)
        Part of an ion's isotopologues that lie in each window.
    changes : array of shape (isotopes, w, ions)
        How `shares` change when one natural abundance is larger by its standard deviation.
    lines : list of list of str
        Labels of the isotopologues in each window, with 1 % of the ion or more.
    spill : array of shape (w, ions) or None
        Part of `shares` that comes from tails of lines in lighter windows.
    spill_changes : array of shape (3, w, ions) or None
        Standard deviations of `spill`: of the number of late ions, their delay, and the tail's
        shape.
    """

    ions: list[Ion]
    windows: NDArray[np.float64]
    counts: NDArray[np.float64]
    background: RangeBackground
    shares: NDArray[np.float64]
    changes: NDArray[np.float64]
    lines: list[list[str]]
    spill: NDArray[np.float64] | None = None
    spill_changes: NDArray[np.float64] | None = None

    @property
    def claims(self) -> NDArray[np.float64]:
        """`shares` without what tails bring."""
        return self.shares if self.spill is None else self.shares - self.spill

    @property
    def net(self) -> NDArray[np.float64]:
        """Counts above background."""
        return np.asarray(self.counts - self.background.expected)

    def part(
        self, windows: NDArray[np.bool_] | None = None, columns: Sequence[int] | None = None
    ) -> PatternCounts:
        """Return some of the windows and some of the ions."""
        rows = np.flatnonzero(np.ones(len(self.counts), bool) if windows is None else windows)
        kept = list(range(len(self.ions)) if columns is None else columns)
        background = replace(
            self.background,
            expected=self.background.expected[rows],
            covariance=self.background.covariance[np.ix_(rows, rows)],
        )
        return PatternCounts(
            [self.ions[k] for k in kept],
            self.windows[rows],
            self.counts[rows],
            background,
            self.shares[rows][:, kept],
            self.changes[:, rows][:, :, kept],
            [self.lines[row] for row in rows],
            None if self.spill is None else self.spill[rows][:, kept],
            None if self.spill_changes is None else self.spill_changes[:, rows][:, :, kept],
        )


@dataclass(frozen=True)
class PatternFit:
    """Amounts of ions from their isotope patterns.

    Parameters
    ----------
    fit : LinearFit
        Values are counts of each ion over all its isotopologues that have a window.
    covariance : array of shape (ions, ions) or None
        Statistical, with that of the background.
    systematic : array of shape (ions, ions) or None
        Natural abundances and, where they were measured, tails and width of the windows.
    chi2, dof : float, int
        With the model's variances, the background's, the abundances' and the windows'; amounts at
        their bound of zero take no degree of freedom.
    """

    fit: LinearFit
    covariance: NDArray[np.float64] | None
    systematic: NDArray[np.float64] | None
    chi2: float
    dof: int

    @property
    def values(self) -> NDArray[np.float64]:
        """Counts of each ion."""
        return self.fit.values


def pattern_windows(
    ions: Sequence[Ion],
    resolving: float,
    *,
    shift: float = 0.0,
    floor: float = FLOOR,
    widen: float = 1.0,
    extra: Sequence[float] = (),
    stated: Stated = (),
) -> NDArray[np.float64]:
    """Return windows around the isotopologues of ions.

    Parameters
    ----------
    ions : sequence of Ion
        With their charges.
    resolving : float
        m/Δm at a tenth of the maximum; a window reaches 0.75 Δm to either side.
    shift : float
        Relative: a line lies at ``m (1 + shift)``.
    floor : float
        Rarer isotopologues get no window.
    widen : float
        Factor of the windows' widths.
    extra : sequence of float
        Da; further peaks, as observed, that get a window.
    stated : Stated
        Abundances of enriched or depleted elements.

    Returns
    -------
    array of shape (w, 2)
        Da.  Lines nearer than half a window share one; neighbours are cut midway.
    """
    masses = sorted(
        [
            one.mass_to_charge * (1 + shift)
            for ion in ions
            for one in isotopologues(ion, floor, stated)
        ]
        + list(extra)
    )
    groups: list[list[float]] = []
    for mass in masses:
        if groups and mass - groups[-1][0] < 0.75 * mass / resolving:
            groups[-1].append(mass)
        else:
            groups.append([mass])
    # which lines share a window does not depend on `widen`, so that fits can be compared
    reach = 0.75 * widen / resolving
    windows = np.array([(g[0] * (1 - reach), g[-1] * (1 + reach)) for g in groups])
    for at in range(len(windows) - 1):
        if windows[at, 1] > windows[at + 1, 0]:
            windows[at, 1] = windows[at + 1, 0] = (groups[at][-1] + groups[at + 1][0]) / 2
    return windows


def count_patterns(
    spectrum: MassSpectrum,
    ions: Sequence[Ion],
    windows: NDArray[np.float64],
    *,
    shift: float = 0.0,
    table: RangeTable | None = None,
    quiet: NDArray[np.float64] | None = None,
    tails: Tails | None = None,
    stated: Stated = (),
) -> PatternCounts:
    """Count the windows and work out what each ion puts into them.

    Parameters
    ----------
    spectrum : MassSpectrum
    ions : sequence of Ion
        With their charges.
    windows : array of shape (w, 2)
        Da, as from `pattern_windows`.
    shift : float
        As there.
    table : RangeTable, optional
        Ranges that the background stays away from.
    quiet : array of shape (q, 2), optional
        Da; windows without peaks, as from `quiet_windows`; those within a third of the mass are
        used for a background that is constant in time of flight.  Looked for unless given.
    tails : Tails, optional
        As from `consilience_apt.masses.tails.measure_tails`: what lines bring into heavier windows.
    stated : Stated
        Abundances of enriched or depleted elements.

    Raises
    ------
    BadInputError
        An ion has no charge, the spectrum does not reach the windows.
    """
    found = [spectrum.window(float(low), float(high)) for low, high in windows]
    if not found or windows[-1, 1] > spectrum.edges[-1]:
        raise BadInputError(
            f"the spectrum ends at {spectrum.edges[-1]:g} Da, before the isotopes that are needed",
            fix="count it over a larger range of masses",
        )
    counts = np.array([n for n, _, _ in found], float)
    used = np.array([(low, high) for _, low, high in found])
    low, high = used[0, 0] / 1.35, used[-1, 1] * 1.35
    if quiet is None:
        near = quiet_windows(spectrum, table, low=low, high=high)
    else:
        near = quiet[(quiet[:, 0] >= low) & (quiet[:, 1] <= high)]
        near = near if len(near) else quiet
    background = flight_background(spectrum, used, near)
    symbols = list(dict.fromkeys(symbol for ion in ions for symbol, _ in ion.elements))
    moved = [
        (symbol, place)
        for symbol in symbols
        for place, std in enumerate(abundance_std(symbol, stated))
        if std > 0 and len(isotopes(symbol, stated)) > 1
    ]
    shares = np.zeros((len(used), len(ions)))
    changes = np.zeros((len(moved), *shares.shape))
    lines: list[list[str]] = [[] for _ in used]
    late = np.zeros((5, *shares.shape))
    for column, ion in enumerate(ions):
        for one in isotopologues(ion, FLOOR / 10, stated):
            mass = one.mass_to_charge * (1 + shift)
            at = int(np.searchsorted(windows[:, 0], mass, side="right")) - 1
            if tails is not None:
                after = used[:, 0] > mass
                delays = (used[after, 0] - mass) / mass, (used[after, 1] - mass) / mass
                for row, tail in enumerate((tails.tail, *tails.variants)):
                    late[row, after, column] += one.abundance * tail.between(*delays)
            if at < 0 or mass >= windows[at, 1]:
                continue
            shares[at, column] += one.abundance
            if one.abundance >= 0.01:
                lines[at].append(f"{one.label}{'+' * (ion.charge or 0)}")
            for row, (symbol, place) in enumerate(moved):
                grown = _grown(one.label, symbol, place, stated)
                changes[row, at, column] += one.abundance * (grown - 1)
    if tails is None:
        return PatternCounts(list(ions), used, counts, background, shares, changes, lines)
    spread = np.array([late[1] - late[0], (late[3] - late[2]) / 2, (late[4] - late[0]) / 12**0.5])
    return PatternCounts(
        list(ions), used, counts, background, shares + late[0], changes, lines, late[0], spread
    )


def _grown(label: str, symbol: str, place: int, stated: Stated) -> float:
    """Factor of an isotopologue's abundance when one isotope is more abundant by its std."""
    known = isotopes(symbol, stated)
    std = abundance_std(symbol, stated)[place]
    factor = 1.0
    for number, element in _ISOTOPE.findall(label):
        if element != symbol:
            continue
        mine = known[place][0] == int(number)
        abundance = known[place][2]
        # the others make room, each in proportion
        factor *= 1 + std / abundance if mine else 1 - std / max(1 - abundance, 1e-12)
    return max(factor, 0.0)


def fit_patterns(seen: PatternCounts, other_widths: Sequence[PatternCounts] = ()) -> PatternFit:
    """Fit amounts of ions to the windows' counts by Poisson likelihood.

    Parameters
    ----------
    seen : PatternCounts
    other_widths : sequence of PatternCounts
        The same windows, narrower and wider.  The spread of the amounts, each scaled to the
        same sum, is one systematic term; what wider windows gain in sum is another, common to
        all ions, for tails that no window holds.

    Returns
    -------
    PatternFit
    """
    fit = fit_counts(seen.shares, seen.counts, seen.background.expected)
    mu = np.maximum(fit.expected, 1e-9)
    spread = [change @ fit.values for change in seen.changes]
    if seen.spill_changes is not None:
        spread += [change @ fit.values for change in seen.spill_changes]
    covariance = systematic = None
    if fit.covariance is not None:
        gain = fit.covariance @ seen.shares.T / mu
        covariance = fit.covariance + gain @ seen.background.covariance @ gain.T
        shifts = [gain @ change for change in spread]
        total = fit.values.sum()
        others = [
            fit_counts(each.shares, each.counts, each.background.expected).values
            for each in other_widths
        ]
        if others:
            scaled = [fit.values, *(v * (total / max(v.sum(), 1e-9)) for v in others)]
            shifts.append(np.ptp(scaled, axis=0) / np.sqrt(12.0))
            # what wider windows gain in all is as much as the windows may have missed
            gained = max(max(float(v.sum()) for v in others) - total, 0.0)
            shifts.append(fit.values * (gained / max(total, 1e-9)))
        systematic = np.zeros_like(covariance)
        for shift in shifts:
            systematic += np.outer(shift, shift)
    used = (seen.shares.sum(axis=1) > 0) | (seen.background.expected > 0)
    variance = np.diag(mu) + seen.background.covariance
    for change in spread:
        variance += np.outer(change, change)
    if other_widths:
        nets = [seen.net] + [
            each.net * (seen.net.sum() / max(float(each.net.sum()), 1.0)) for each in other_widths
        ]
        variance += np.diag((np.max(nets, axis=0) - np.min(nets, axis=0)) ** 2 / 12.0)
    rest = (seen.counts - fit.expected)[used]
    chi2 = float(rest @ np.linalg.solve(variance[np.ix_(used, used)], rest))
    # an amount at its bound of zero fits nothing
    active = fit.values > 1e-9 * max(float(fit.values.sum()), 1e-9)
    fitted = int(np.linalg.matrix_rank(seen.shares[used][:, active])) if active.any() else 0
    return PatternFit(fit, covariance, systematic, chi2, int(used.sum()) - fitted)
