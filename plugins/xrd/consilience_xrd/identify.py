"""Peaks and references in, phases out: matching and judging, twice, with limits from the noise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.axes import q_to_two_theta
from consilience_xrd.matching import MatchSettings, ObservedPeak, Pairing, match_peaks
from consilience_xrd.phaseid import AreaProbe, PhaseResult, evaluate
from consilience_xrd.profiles import pseudo_voigt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consilience_xrd.pattern import Pattern
    from consilience_xrd.peaks import PeakFit
    from consilience_xrd.reference import ReferencePattern

__all__ = ["area_limit", "identify"]


def identify(
    peaks: Sequence[ObservedPeak],
    references: Sequence[ReferencePattern],
    q_range: tuple[float, float],
    wavelength: float | None = None,
    settings: MatchSettings | None = None,
    probe: AreaProbe | None = None,
    least_share: float = 0.7,
    greatest_chance: float = 1e-3,
) -> tuple[Pairing, list[PhaseResult]]:
    """Match, judge, fit the shift again from the phases that are there, match and judge again.

    The first round always corrects the shift, so that with the correction switched off its size
    is still known from the right phases.  Where no phase is present the shift is not known: one
    that lines of phases fit which are not there says nothing.
    """
    chosen = settings or MatchSettings()
    first = replace(chosen, apply_shift=True)
    if first.shift == "none":
        first = replace(first, shift="zero")
    pairing = match_peaks(peaks, references, q_range, wavelength, first)
    found = evaluate(pairing, probe, least_share, greatest_chance)
    present = [r.phase for r in found if r.status == "present"]
    for _ in range(2):
        pairing = match_peaks(peaks, references, q_range, wavelength, chosen, shift_from=present)
        found = evaluate(pairing, probe, least_share, greatest_chance)
        again = [r.phase for r in found if r.status == "present"]
        # uncorrected, phases get lost; the shift stays that of the phases found with correction
        if not again or again == present or not chosen.apply_shift:
            break
        present = again
    return pairing, found


def area_limit(pattern: Pattern, fit: PeakFit, decision: float = 3.0) -> AreaProbe:
    """Look for a line at a known place in what the fit left over, and say what would be seen.

    Parameters
    ----------
    decision : float
        Level in standard deviations from which an excess forbids "absent".

    Notes
    -----
    At a place q the area of a peak of median width is fitted to data minus model by linear least
    squares, together with a level; its standard deviation sigma_A comes from the noise.  The limit
    is Currie's with `decision` in place of 1.645: (decision + 1.645) sigma_A, plus 2.71 counts for
    Poisson data, so that a line at the limit is missed in at most 5 % of trials.

    References
    ----------
    .. [1] L. A. Currie, Anal. Chem. 40 (1968) 586, eq. 4 and 5.
    """
    clean = [p.fwhm for p in fit.peaks if not {"broad", "unresolved"} & set(p.flags)]
    step = float(np.median(np.diff(pattern.x)))
    width = float(np.median(clean)) if clean else fit.fwhm_points * step
    if pattern.intensity_unit == "count" and pattern.sigma is None:
        noise = np.sqrt(np.maximum(fit.model, 1.0))
    else:
        noise = fit.noise
    residual = pattern.intensity - fit.model

    def axis_of(q: float) -> float | None:
        if pattern.axis != "two_theta":
            return q
        if pattern.source is None:
            return None
        return float(q_to_two_theta(q, pattern.source.wavelength))

    def fitted(at: float) -> tuple[float, float] | None:
        near = np.abs(pattern.x - at) < 3 * width
        near &= np.isfinite(noise) & np.isfinite(residual)
        if np.count_nonzero(near) < 5:
            return None
        weight = 1 / noise[near]
        shape = pseudo_voigt(pattern.x[near], at, width, 0.5)
        # the level under the peak is fitted with it, which costs information
        matrix = np.stack([shape * weight, weight], axis=1)
        inverse = np.linalg.pinv(matrix.T @ matrix)
        area = inverse @ (matrix.T @ (residual[near] * weight))
        return float(area[0]), float(np.sqrt(inverse[0, 0]))

    def limit(q: float) -> float | None:
        at = axis_of(q)
        got = None if at is None else fitted(at)
        if got is None:
            return None
        return (decision + 1.645) * got[1] + (2.71 * step if fit.noise_known else 0.0)

    def excess(q: float, room: float) -> float | None:
        ends = [axis_of(max(q - room, 1e-6)), axis_of(q + room)]
        if ends[0] is None or ends[1] is None or not np.all(np.isfinite([ends[0], ends[1]])):
            return None
        places = np.arange(ends[0], ends[1] + step, max(0.25 * width, step))
        found = [got[0] / got[1] for got in map(fitted, map(float, places)) if got is not None]
        return max(found) if found else None

    return AreaProbe(limit, excess, decision)
