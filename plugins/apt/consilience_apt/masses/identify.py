"""What a peak is: ions whose isotopes lie where the peaks lie, in the ratios that the peaks have.

Every candidate keeps its score, so that rivals stay visible.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import chi2 as chi2_distribution

from consilience.errors import BadInputError
from consilience_apt.ions import Ion, isotopes, isotopologues
from consilience_apt.masses.background import quiet_windows
from consilience_apt.masses.patterns import count_patterns, fit_patterns, pattern_windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_apt.masses.peaks import Peak
    from consilience_apt.masses.spectrum import MassSpectrum
    from consilience_apt.ranges import RangeTable

__all__ = ["Candidate", "Match", "candidates", "identify", "position_scatter", "score_pattern"]

SEEN = 0.005
"""Isotopologues rarer than this are not asked for in a ratio."""
FITS = 0.05
"""Part of the counts that may lie elsewhere: tails and what lies below keep ratios from more."""
MOST_CANDIDATES = 400_000


@dataclass(frozen=True)
class Match:
    """An isotope pattern held against the counts.

    Parameters
    ----------
    ion : Ion
    amount, amount_std : float, float or None
        Counts of the ion over its isotopologues with windows.
    windows : array of shape (w, 2)
        Da.
    expected, observed, observed_std : array of shape (w,)
        Counts above background; the standard deviation is the model's.
    chi2, dof, p_value : float, int, float or None
        Of the ratios; p None with one window only, where no ratio is tested.
    misplaced : float
        Part of the counts that would have to move for the pattern to fit (0 to 1): half the sum of
        the absolute differences between observed and expected shares.
    missing : list of str
        Isotopologues that should be there by more than three standard deviations and are not.
    companions : list of Ion
        Ions with amounts of their own in the same fit, such as the hydride.
    tested : int
        Windows that took part in which the ion puts more than three standard deviations of the
        background: a ratio is tested from two on.
    used : array of bool, shape (w,)
        Windows that took part; others hold more than this ion can explain.
    own : array of shape (w,)
        Part of the ion's isotopologues in each window, companions left out.
    """

    ion: Ion
    amount: float
    amount_std: float | None
    windows: NDArray[np.float64]
    expected: NDArray[np.float64]
    observed: NDArray[np.float64]
    observed_std: NDArray[np.float64]
    chi2: float
    dof: int
    p_value: float | None
    misplaced: float
    missing: list[str]
    companions: list[Ion]
    tested: int
    used: NDArray[np.bool_]
    own: NDArray[np.float64]

    @property
    def proven(self) -> bool:
        """Whether at least one ratio was tested and 5 % of the counts at most lie elsewhere."""
        return self.tested > 1 and self.dof > 0 and not self.missing and self.misplaced < FITS


@dataclass(frozen=True)
class Candidate:
    """An ion that may explain a peak.

    Parameters
    ----------
    ion : Ion
    label : str
        Which isotopologue lies on the peak.
    abundance : float
        Of that isotopologue, 0 to 1.
    shift : float
        Peak less isotopologue, Da.
    position_chi2 : float
        Shift over its standard deviation, squared.
    match : Match or None
        Of the ratios; None where the spectrum ends before the isotopes.
    score : float
        χ² of position plus χ² of ratios a degree of freedom; smaller is better.  Patterns whose
        ratios were tested and fit come before those of which only the position is known.
    live : bool
        Not excluded: position within three standard deviations, no isotopologue missing.
    """

    ion: Ion
    label: str
    abundance: float
    shift: float
    position_chi2: float
    match: Match | None
    score: float
    live: bool


def candidates(
    elements: Sequence[str],
    most_atoms: int = 4,
    charges: Sequence[int] = (1, 2, 3, 4),
) -> Iterator[Ion]:
    """Yield every ion of these elements with up to `most_atoms` atoms and these charges.

    Raises
    ------
    BadInputError
        More than 400 000 ions, no element, or no atoms.
    """
    names = list(dict.fromkeys(elements))
    number = sum(math.comb(len(names) + n - 1, n) for n in range(1, most_atoms + 1)) * len(charges)
    if not names or most_atoms < 1 or not charges or number > MOST_CANDIDATES:
        raise BadInputError(
            f"{number} ions of {len(names)} elements with up to {most_atoms} atoms",
            fix="name the elements that may be there; fewer of them, or fewer atoms",
        )
    for atoms in range(1, most_atoms + 1):
        for chosen in itertools.combinations_with_replacement(names, atoms):
            for charge in charges:
                yield Ion(tuple((symbol, chosen.count(symbol)) for symbol in set(chosen)), charge)


def position_scatter(
    peaks: Sequence[Peak], elements: Sequence[str], reach: float = 0.1
) -> float | None:
    """Return how far the strongest peaks lie from the nearest isotope of a single element, rms.

    This is what the calibration of the mass scale is worth in the spectrum at hand, in Da; None
    where no peak has an isotope within `reach`.
    """
    lines = np.array(
        sorted(
            (mass - charge * 5.4858e-4) / charge
            for symbol in elements
            for _, mass, abundance in isotopes(symbol)
            for charge in (1, 2, 3)
            if abundance > 0.05
        )
    )
    found = []
    for peak in sorted(peaks, key=lambda one: -one.counts)[:12]:
        far = float(np.min(np.abs(lines - peak.position)))
        if far <= reach:
            found.append(far)
    return float(np.sqrt(np.mean(np.square(found)))) if found else None


def score_pattern(
    spectrum: MassSpectrum,
    ion: Ion,
    resolving: float,
    *,
    shift: float = 0.0,
    peaks: Sequence[float] = (),
    companions: Sequence[Ion] = (),
    table: RangeTable | None = None,
    keep: tuple[float, float] | None = None,
    quiet: NDArray[np.float64] | None = None,
) -> Match | None:
    """Hold the isotope pattern of an ion against the spectrum.

    Parameters
    ----------
    spectrum : MassSpectrum
    ion : Ion
        With its charge.
    resolving : float
        m/Δm at a tenth of the maximum.
    shift : float
        Relative shift of the mass scale here.
    peaks : sequence of float
        Da; peaks that the ion has to explain, with windows of their own if it does not.
    companions : sequence of Ion
        Ions that may be there too, each with an amount of its own.
    table : RangeTable, optional
        Ranges that the background stays away from.
    keep : tuple of float, optional
        Da; outside these masses more counts than expected are no argument against the
        ion (something else may lie there), fewer are.
    quiet : array of shape (q, 2), optional
        Da; windows without peaks, looked for unless given.

    Returns
    -------
    Match or None
        None where the spectrum ends before the isotopes.
    """
    ions = [ion, *companions]
    counted = []
    for widen in (1.0, 0.75, 1.33):
        windows = pattern_windows(
            ions, resolving, shift=shift, floor=SEEN, widen=widen, extra=peaks
        )
        if windows[-1, 1] > spectrum.edges[-1]:
            return None
        counted.append(
            count_patterns(spectrum, ions, windows, shift=shift, table=table, quiet=quiet)
        )
    seen = counted[0]
    used = np.ones(len(seen.counts), bool)
    for _ in range(4):
        found = fit_patterns(seen.part(used), [other.part(used) for other in counted[1:]])
        if keep is None:
            break
        expected = seen.shares @ found.values + seen.background.expected
        middle = seen.windows.mean(axis=1)
        outside = (middle < keep[0]) | (middle > keep[1])
        excess = seen.counts > expected + 2 * np.sqrt(np.maximum(expected, 1.0))
        kept = ~(outside & excess)
        if np.array_equal(kept, used) or not kept.any():
            break
        used = kept
    model = seen.shares @ found.values
    deviation = np.sqrt(np.maximum(model + seen.background.expected, 1e-9))
    net = seen.net
    own_lines = {f"{one.label}{'+' * (ion.charge or 0)}" for one in isotopologues(ion, SEEN)}
    missing = [
        line
        for at in range(len(net))
        for line in seen.lines[at]
        if line in own_lines
        and net[at] < model[at] - 3 * deviation[at]
        and net[at] < 0.5 * model[at]
    ]
    shown, wanted = np.maximum(net, 0.0)[used], model[used]
    apart = float(np.abs(shown / max(shown.sum(), 1e-9) - wanted / max(wanted.sum(), 1e-9)).sum())
    own = seen.shares[:, 0] * found.values[0]
    tested = int(((own > 3 * np.sqrt(np.maximum(seen.background.expected, 1.0))) & used).sum())
    p_value = None
    if tested > 1 and found.dof > 0:
        p_value = float(chi2_distribution.sf(found.chi2, found.dof))
    std = None if found.covariance is None else float(np.sqrt(found.covariance[0, 0]))
    return Match(
        ion, float(found.values[0]), std, seen.windows, model, net, deviation,
        found.chi2, found.dof, p_value, apart / 2, missing, list(companions), tested, used,
        seen.shares[:, 0],
    )  # fmt: skip


def identify(
    spectrum: MassSpectrum,
    peaks: Sequence[Peak],
    elements: Sequence[str],
    resolving: float,
    *,
    most_atoms: int = 4,
    charges: Sequence[int] = (1, 2, 3, 4),
    position_std: float | None = None,
    rare: float = 0.02,
    most: int = 8,
    table: RangeTable | None = None,
) -> list[list[Candidate]]:
    """Return candidates for each peak, best first.

    Parameters
    ----------
    spectrum : MassSpectrum
    peaks : sequence of Peak
    elements : sequence of str
        Only these are looked for.
    resolving : float
        m/Δm at a tenth of the maximum.
    most_atoms, charges
        As in `candidates`.
    position_std : float, optional
        Da; systematic standard deviation of a position.  `position_scatter`, and where that is
        not known the standard deviation of the peak's own width, unless given.
    rare : float
        An isotopologue below this part of the ion's most abundant one is not what a peak is
        named after.
    most : int
        Candidates kept for each peak.
    table : RangeTable, optional
        Ranges that the background stays away from.

    Returns
    -------
    list of list of Candidate
        One list a peak, empty where nothing of these elements lies near it.

    Notes
    -----
    More atoms explain any peak.  Formulas are not made less likely for their length: what position
    and ratios cannot tell apart stays side by side, the one with fewer atoms first.
    """
    known = position_std if position_std is not None else position_scatter(peaks, elements)
    lines: list[tuple[float, float, str, Ion]] = []
    for ion in candidates(elements, most_atoms, charges):
        found = isotopologues(ion, 1e-3)
        top = max(one.abundance for one in found)
        lines += [
            (one.mass_to_charge, one.abundance, one.label, ion)
            for one in found
            if one.abundance >= rare * top
        ]
    lines.sort(key=lambda line: line[0])
    masses = np.array([line[0] for line in lines])
    quiet = quiet_windows(spectrum, table)
    out: list[list[Candidate]] = []
    for peak in peaks:
        scatter = known if known is not None else (peak.fwhm or 0.05) / 2.355
        error = math.hypot(scatter, peak.position_std)
        first, last = np.searchsorted(
            masses, [peak.position - 3 * error, peak.position + 3 * error]
        )
        near = lines[first:last]
        rough = sorted(near, key=lambda line: (line[3].atoms, abs(line[0] - peak.position)))
        kept: list[Candidate] = []
        for mass, abundance, label, ion in rough[: 6 * most]:
            shift = peak.position - mass
            match = score_pattern(
                spectrum, ion, resolving, shift=shift / mass, table=table, quiet=quiet
            )
            # with one line no ratio was tested: as good as a ratio that fits as expected
            ratio = match.chi2 / match.dof if match and match.tested > 1 and match.dof else 1.0
            place = (shift / error) ** 2
            kept.append(
                Candidate(
                    ion, label, abundance, shift, place, match, place + ratio,
                    not (match and match.missing),
                )
            )  # fmt: skip
        kept.sort(
            key=lambda one: (
                not one.live,
                not (one.match and one.match.proven),
                round(one.score, 1),
                one.ion.atoms,
            )
        )
        unique: dict[Ion, Candidate] = {}
        for one in kept:
            unique.setdefault(one.ion, one)
        out.append(list(unique.values())[:most])
    return out
