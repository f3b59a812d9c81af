"""Peaks and references in, phases out: matching and judging, twice, with limits from the noise."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.axes import q_to_two_theta
from consilience_xrd.identification.matching import (
    MatchSettings,
    ObservedPeak,
    Pairing,
    match_peaks,
)
from consilience_xrd.identification.phaseid import AreaProbe, PhaseResult, evaluate
from consilience_xrd.lines.baseline import fit_baseline
from consilience_xrd.lines.profiles import pseudo_voigt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from consilience_xrd.identification.shift import Shift
    from consilience_xrd.lines.peaks import PeakFit
    from consilience_xrd.pattern import Pattern
    from consilience_xrd.references.reference import ReferencePattern

__all__ = ["WIDTHS", "area_limit", "identify"]

WIDTHS = (1.0, 2.0, 4.0)
"""Widths, in median widths of the peaks found, for which a line is looked for and a limit holds."""

LIMIT_MARGIN = 1.15
"""What noise and the baseline's share vary by from one pattern to the next of the same powder."""

LEAST_LEFT = 0.2
"""Least share of a line that the baseline has to leave for a limit to be stated."""


def identify(
    peaks: Sequence[ObservedPeak],
    references: Sequence[ReferencePattern],
    q_range: tuple[float, float],
    wavelength: float | None = None,
    settings: MatchSettings | None = None,
    probe: AreaProbe | None = None,
    least_share: float = 0.7,
    greatest_chance: float = 1e-3,
    fallback: Shift | None = None,
    barred: Mapping[str, str] | None = None,
    admitted: Mapping[str, str] | None = None,
) -> tuple[Pairing, list[PhaseResult]]:
    """Match, judge, fit the shift again from the phases that are there, match and judge again.

    The first round always corrects the shift, so that with the correction switched off its size
    is still known from the right phases.  Where no phase is present the shift is not known: one
    that lines of phases fit which are not there says nothing.

    Parameters
    ----------
    fallback : Shift, optional
        Taken where the peaks alone give no shift.
    barred : dict of str to str, optional
        Phases that are not called present, with the reason.
    admitted : dict of str to str, optional
        Phases for which another argument than improbable accidents holds, with it.
    """
    chosen = settings or MatchSettings()
    first = replace(chosen, apply_shift=True)
    if first.shift == "none":
        first = replace(first, shift="zero")
    pairing = match_peaks(peaks, references, q_range, wavelength, first, fallback=fallback)
    found = evaluate(pairing, probe, least_share, greatest_chance, barred, admitted)
    present = [r.phase for r in found if r.status == "present"]
    for _ in range(2):
        pairing = match_peaks(
            peaks, references, q_range, wavelength, chosen, shift_from=present, fallback=fallback
        )
        found = evaluate(pairing, probe, least_share, greatest_chance, barred, admitted)
        again = [r.phase for r in found if r.status == "present"]
        # uncorrected, phases get lost; the shift stays that of the phases found with correction
        if not again or again == present or not chosen.apply_shift:
            break
        present = again
    return pairing, found


def _baseline_with(
    pattern: Pattern, fit: PeakFit, used: NDArray[np.bool_], added: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Fit the baseline as `fit` did, to the data and something `added`; NaN outside the range."""
    about = fit.baseline.parameters
    out = np.full(len(pattern.x), np.nan)
    out[used] = fit_baseline(
        (pattern.intensity + added)[used], fit.baseline.method, about["lam"], about.get("p", 0.01)
    ).values
    return out


def area_limit(pattern: Pattern, fit: PeakFit, decision: float = 3.0) -> AreaProbe:
    """Look for a line at a known place in what the fit left over, and say what would be seen.

    Parameters
    ----------
    decision : float
        Level in standard deviations from which an excess forbids "absent".

    Notes
    -----
    At a place q the area of a peak is fitted to data minus model by linear least squares, together
    with a level; its standard deviation sigma_A comes from the noise.  The limit is Currie's with
    `decision` in place of 1.645: (decision + 1.645) sigma_A, plus 2.71 counts for Poisson data, so
    that a line at the limit is missed in at most 5 % of trials.  Both are done for `WIDTHS` times
    the median width; the limit is the largest, divided by the share of such a line that the
    baseline leaves and multiplied by `LIMIT_MARGIN`, and the excess is the largest.

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

    def fitted(at: float, wide: float, data: NDArray[np.float64]) -> tuple[float, float] | None:
        i, j = np.searchsorted(pattern.x, [at - 3 * wide, at + 3 * wide])
        near = np.isfinite(noise[i:j]) & np.isfinite(data[i:j])
        if np.count_nonzero(near) < 5:
            return None
        weight = 1 / noise[i:j][near] ** 2
        values = data[i:j][near]
        shape = pseudo_voigt(pattern.x[i:j][near], at, wide, 0.5)
        # the level under the peak is fitted with it, which costs information
        ww, ws, wss = weight.sum(), (weight * shape).sum(), (weight * shape * shape).sum()
        information = float(wss - ws * ws / ww)
        if information <= 1e-9 * float(wss):
            return None
        area = ((weight * shape * values).sum() - ws / ww * (weight * values).sum()) / information
        return float(area), float(1 / np.sqrt(information))

    used = np.isfinite(fit.model)
    ends = (float(pattern.x[used][0]), float(pattern.x[used][-1])) if used.any() else (0.0, 0.0)

    def plain(got: tuple[float, float]) -> float:
        return (decision + 1.645) * got[1] + (2.71 * step if fit.noise_known else 0.0)

    @cache
    def left(place: int, wide: float) -> float:
        """Share of a line's area that is fitted after the baseline has taken its part.

        At steps of eight median widths, since it hardly changes over less.
        """
        inner = min(3 * wide, 0.4 * (ends[1] - ends[0]))
        at = min(max(8 * place * width, ends[0] + inner), ends[1] - inner)
        here = fitted(at, wide, residual)
        if here is None:
            return 0.0
        area = plain(here)
        added = area * pseudo_voigt(pattern.x, at, wide, 0.5)
        taken = _baseline_with(pattern, fit, used, added) - fit.baseline.values
        got = fitted(at, wide, added - taken)
        return 0.0 if got is None else min(got[0] / area, 1.0)

    def limit(q: float) -> float | None:
        at = axis_of(q)
        if at is None:
            return None
        least: list[float] = []
        for times in WIDTHS:
            got = fitted(at, times * width, residual)
            if got is None:
                return None
            share = left(round(at / (8 * width)), times * width)
            if share < LEAST_LEFT:
                return None
            least.append(plain(got) / share)
        return LIMIT_MARGIN * max(least)

    def excess(q: float, room: float) -> float | None:
        ends = [axis_of(max(q - room, 1e-6)), axis_of(q + room)]
        if ends[0] is None or ends[1] is None or not np.all(np.isfinite([ends[0], ends[1]])):
            return None
        found: list[float] = []
        for times in WIDTHS:
            wide = times * width
            places = np.arange(ends[0], ends[1] + step, max(0.25 * wide, step))
            for at in map(float, places):
                got = fitted(at, wide, residual)
                if got is not None:
                    found.append(got[0] / got[1])
        return max(found) if found else None

    widths = (WIDTHS[0] * width, WIDTHS[-1] * width)
    return AreaProbe(limit, excess, decision, widths, pattern.unit)
