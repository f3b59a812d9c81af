"""Peaks and whole pattern together: the shift where peaks give none, and labels that both hold."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.identification.detection import area_limit
from consilience_xrd.identification.identify import identify
from consilience_xrd.identification.matching import MatchSettings, Pairing
from consilience_xrd.identification.shift import Shift
from consilience_xrd.identification.wholepattern import (
    WholePattern,
    fit_whole_pattern,
)
from consilience_xrd.identification.wholeshift import scan_shift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consilience_xrd.identification.matching import ObservedPeak
    from consilience_xrd.identification.results import PhaseResult
    from consilience_xrd.lines.peaks import PeakFit
    from consilience_xrd.pattern import Pattern
    from consilience_xrd.references.reference import ReferencePattern

__all__ = ["identify_pattern", "shift_of_whole"]

LEAST_STD = 0.01
"""Least error of a shift from the whole pattern [deg]: its profile is a simple one."""
MOST_LEFT = 0.25
"""Share of the areas of all peaks that the sum may leave, for its shift to count."""
MUCH = 400.0
"""Loss of chi-square over its degrees of freedom from which the whole pattern vouches."""
LARGE = 0.05
"""Share of the fitted areas from which it does."""
LIKELY = 0.05
"""Largest chance of an accident of the peaks with which it may."""
VOUCHED = "all its strong lines meet peaks, and without it the whole pattern cannot be fitted"


def shift_of_whole(
    pattern: Pattern, fit: PeakFit, pairing: Pairing, settings: MatchSettings
) -> Shift | None:
    """Common shift that a sum of reference patterns needs, where it explains the pattern.

    Returns
    -------
    Shift or None
        None where the axis is no angle, too much is left over, or two shifts do as well.

    Notes
    -----
    Cells and a shift can stand for each other, so the error holds what the cells' standard
    deviations are worth at the lines of the phases that the sum needs.
    """
    if pattern.axis != "two_theta" or pairing.wavelength is None or settings.shift_limit <= 0:
        return None
    found = scan_shift(pattern, fit, pairing, settings.shift_limit)
    if found is None:
        return None
    model = settings.shift if settings.shift != "none" else "zero"
    shift = Shift(model, found.amount, found.std, "deg", max(len(pairing.peaks), 4), {}, True)
    whole = fit_whole_pattern(pattern, fit, replace(pairing, shift=shift))
    if whole is None or whole.left > MOST_LEFT:
        return None
    cells = [
        max(r.phase.cell_std)
        for r in pairing.references
        if (said := whole.of(r.phase.key)) is not None and said.taken
    ]
    if not cells:
        return None
    middle = math.radians(float(np.median([p.center for p in fit.peaks]))) / 2
    by_cells = math.degrees(2 * math.tan(middle)) / math.sqrt(sum(c**-2 for c in cells))
    return replace(shift, std=math.hypot(found.std, LEAST_STD, by_cells))


def identify_pattern(
    pattern: Pattern,
    fit: PeakFit,
    peaks: Sequence[ObservedPeak],
    references: Sequence[ReferencePattern],
    q_range: tuple[float, float],
    settings: MatchSettings,
    least_share: float = 0.7,
    greatest_chance: float = 1e-3,
    whole_pattern: bool = True,
) -> tuple[Pairing, list[PhaseResult], WholePattern | None]:
    """Identify by peaks, ask the whole pattern, and identify again where it knows more.

    Parameters
    ----------
    whole_pattern : bool
        False: by the peaks alone.

    Notes
    -----
    Where the peaks give no common shift, that of the whole-pattern fit is taken, if the fit
    explains the pattern.  A phase that the peaks call present and the whole pattern does not need
    is not called present; its peaks are then free for the phase that explains them better.  A
    phase whose strong lines, three at least, all meet peaks, but with too large a chance of
    accident, is called present where the whole pattern cannot do without it.
    """
    lam = pattern.source.wavelength if pattern.source else None
    probe = area_limit(pattern, fit)

    def by_peaks(
        fallback: Shift | None, barred: dict[str, str], admitted: dict[str, str]
    ) -> tuple[Pairing, list[PhaseResult]]:
        return identify(
            peaks, references, q_range, lam, settings, probe, least_share, greatest_chance,
            fallback, barred, admitted,
        )  # fmt: skip

    pairing, results = by_peaks(None, {}, {})
    if not whole_pattern:
        return pairing, results, None
    fallback = None
    barred: dict[str, str] = {}
    admitted: dict[str, str] = {}
    for _ in range(3):
        if fallback is None and pairing.shift.std is None and settings.shift_prior > 0:
            fallback = shift_of_whole(pattern, fit, pairing, settings)
            if fallback is not None:
                pairing, results = by_peaks(fallback, barred, admitted)
        whole = fit_whole_pattern(pattern, fit, pairing)
        if whole is None:
            return pairing, results, None
        known = len(barred) + len(admitted)
        barred |= {
            r.phase: _why(whole, r.phase)
            for r in results
            if r.status == "present" and not _needed(whole, r.phase)
        }
        admitted |= {
            r.phase: f"{VOUCHED} (chi-square over its degrees of freedom falls by {gain:.0f})"
            for r in results
            if _candidate(r, whole, pairing, barred)
            and (gain := _gain(pattern, fit, pairing, whole, r.phase)) >= MUCH
        }
        if len(barred) + len(admitted) == known:
            break
        before = {r.phase for r in results if r.status == "present"}
        pairing, results = by_peaks(fallback, barred, admitted)
        if before == {r.phase for r in results if r.status == "present"}:
            break
    return pairing, results, whole


def _candidate(
    result: PhaseResult, whole: WholePattern, pairing: Pairing, barred: dict[str, str]
) -> bool:
    """Whether all strong lines of an undecided phase are there and the whole pattern wants it."""
    said = whole.of(result.phase)
    states = [s.state for s in result.lines if s.state != "out_of_range"]
    found = states.count("found") + states.count("shared")
    return (
        result.status is None
        and result.phase not in barred
        and said is not None
        and said.taken
        and said.gain >= MUCH
        and said.share >= LARGE
        and pairing.shift.std is not None
        and found >= 3
        and "missing" not in states
        and result.chance <= LIKELY
    )


def _gain(pattern: Pattern, fit: PeakFit, pairing: Pairing, whole: WholePattern, key: str) -> float:
    """What the fit loses without a phase when cells and widths of all others may answer."""
    others = [r.phase.key for r in pairing.references if r.phase.key != key]
    without = fit_whole_pattern(pattern, fit, pairing, others)
    if without is None:
        return math.inf
    return (without.chi2 - whole.chi2) / max(whole.chi2_reduced, 1.0)


def _needed(whole: WholePattern, key: str) -> bool:
    """Whether the fit cannot do without a phase, or has none to put in its place."""
    said = whole.of(key)
    others = any(p.taken for p in whole.phases if p.phase != key)
    return said is None or said.taken or not others


def _why(whole: WholePattern, key: str) -> str:
    said = whole.of(key)
    share = 0.0 if said is None or not np.isfinite(said.share) else said.share
    taken = ", ".join(p.phase for p in whole.phases if p.taken and p.phase != key)
    return (
        "its lines meet peaks, but a fit of the whole pattern does not need it "
        f"({share:.1%} of the fitted areas)" + (f" beside {taken}" if taken else "")
    )
