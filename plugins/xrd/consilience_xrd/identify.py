"""Peaks and references in, phases out: matching and judging, twice, with limits from the noise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.axes import q_to_two_theta
from consilience_xrd.matching import MatchSettings, ObservedPeak, Pairing, match_peaks
from consilience_xrd.phaseid import Limit, PhaseResult, evaluate
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
    limit_at: Limit | None = None,
    least_share: float = 0.7,
    greatest_chance: float = 1e-3,
) -> tuple[Pairing, list[PhaseResult]]:
    """Match, judge, fit the shift again from the phases that are there, match and judge again.

    The first round always corrects the shift, so that with the correction switched off its size
    is still known from the right phases.
    """
    chosen = settings or MatchSettings()
    first = replace(chosen, apply_shift=True)
    if first.shift == "none":
        first = replace(first, shift="zero")
    pairing = match_peaks(peaks, references, q_range, wavelength, first)
    found = evaluate(pairing, limit_at, least_share, greatest_chance)
    present = [r.phase for r in found if r.status == "present"]
    for _ in range(2):
        pairing = match_peaks(
            peaks, references, q_range, wavelength, chosen, shift_from=present or None
        )
        found = evaluate(pairing, limit_at, least_share, greatest_chance)
        again = [r.phase for r in found if r.status == "present"]
        if not again or again == present:
            break
        present = again
    return pairing, found


def area_limit(pattern: Pattern, fit: PeakFit, significance: float = 5.0) -> Limit:
    """Least area of a peak that is found in 95 of 100 trials, as a function of q [1/angstrom].

    Parameters
    ----------
    significance : float
        Decision level in standard deviations that the peak search used.

    Notes
    -----
    Currie's detection limit with the decision level in use in place of 1.645: area =
    (significance + 1.645) x std of the area of a peak of known place and median width on the
    fitted background, for a false-negative rate of 5 %.

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

    def limit(q: float) -> float | None:
        if pattern.axis == "two_theta":
            if pattern.source is None:
                return None
            at = float(q_to_two_theta(q, pattern.source.wavelength))
        else:
            at = q
        near = np.abs(pattern.x - at) < 3 * width
        near &= np.isfinite(noise)
        if np.count_nonzero(near) < 5:
            return None
        shape = pseudo_voigt(pattern.x[near], at, width, 0.5)
        # the level under the peak is fitted with it, which costs information
        information = np.array(
            [
                [np.sum(shape**2 / noise[near] ** 2), np.sum(shape / noise[near] ** 2)],
                [np.sum(shape / noise[near] ** 2), np.sum(1 / noise[near] ** 2)],
            ]
        )
        std = float(np.sqrt(np.linalg.inv(information)[0, 0]))
        return (significance + 1.645) * std + (2.71 * step if fit.noise_known else 0.0)

    return limit
