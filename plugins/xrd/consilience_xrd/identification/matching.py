"""Peaks against phases: tolerances with all their parts, and every candidate kept."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from consilience_xrd.axes import two_theta_to_q
from consilience_xrd.identification.shift import Shift, ShiftModel, fit_shift, shift_in_q, shift_law
from consilience_xrd.references.reference import Line, ReferencePattern, forbidden_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consilience_xrd.lines.peakfit import Peak
    from consilience_xrd.lines.peaks import PeakFit
    from consilience_xrd.pattern import Pattern

__all__ = [
    "Candidate",
    "MatchSettings",
    "Matched",
    "ObservedPeak",
    "Pairing",
    "inflation",
    "match_peaks",
    "observed_from_fit",
    "tolerance",
]


FORBIDDEN = 0.01
"""Distance [1/angstrom] within which a peak is said to lie where a forbidden line would be."""

LOOSE = 0.003
"""Relative cell std from which a common change of the cell is sought before lines are matched."""


@dataclass(frozen=True)
class ObservedPeak:
    """A peak as matching needs it, on the q axis.

    Attributes
    ----------
    q, std : float
        Position and the standard deviation [1/angstrom] that matching works with, misfit of the
        profile or an assumed value included.
    area, area_std, fwhm : float
        Area in the pattern's unit, NaN if unknown; fwhm [1/angstrom].
    significance : float
        NaN if unknown.
    fit_std : float or None
        Statistical part of `std` [1/angstrom]; None where neither fit nor source gives one.
    profile_std : float or None
        Systematic part [1/angstrom], of a wrong profile; None if unknown.
    fwhm_known : bool
        False: `fwhm` is a working value that the source does not give.
    """

    q: float
    std: float
    area: float
    area_std: float | None
    fwhm: float
    significance: float
    flags: tuple[str, ...] = ()
    fit_std: float | None = None
    profile_std: float | None = None
    fwhm_known: bool = True


@dataclass(frozen=True)
class Candidate:
    """One line of one phase that a peak may be: delta = observed - reference [1/angstrom]."""

    phase: str
    line: Line
    q: float
    delta: float
    sigmas: float
    within: bool


@dataclass(frozen=True)
class Matched:
    """A peak with all lines that it may be, nearest first, and forbidden ones that it is not."""

    peak: ObservedPeak
    candidates: tuple[Candidate, ...]
    forbidden: tuple[tuple[str, Line], ...] = ()


@dataclass(frozen=True)
class MatchSettings:
    """How peaks are matched.

    Attributes
    ----------
    k : float
        Width of the tolerance in standard deviations.
    plain : float or None
        A plain tolerance [1/angstrom] in place of k standard deviations (0.01 in the notebook of
        the platinum-anode study).
    shift : {"none", "zero", "displacement"}
    shift_limit : float
        Largest shift looked for [deg].
    apply_shift : bool
        False: the shift is fitted and reported but not corrected.
    profile_std : float
        Part of a peak's width by which its position may be off for want of a right profile.
    shift_prior : float
        Standard deviation of the common shift where none could be fitted [deg]; nothing is then
        called absent that has anything within `shift_limit` of its place.  0: the axis is trusted.
    """

    k: float = 3.0
    plain: float | None = None
    shift: ShiftModel = "zero"
    shift_limit: float = 0.5
    apply_shift: bool = True
    profile_std: float = 0.05
    near: float = 2.5
    shift_prior: float = 0.1


@dataclass(frozen=True)
class Pairing:
    """All peaks with their candidates, the shift, and each phase's lines where they should be."""

    peaks: tuple[Matched, ...]
    references: tuple[ReferencePattern, ...]
    shift: Shift
    settings: MatchSettings
    wavelength: float | None
    q_range: tuple[float, float]
    notes: tuple[str, ...] = field(default=())

    def place(self, reference: ReferencePattern, line: Line) -> tuple[float, float]:
        """Where `line` should appear (q with shift and cell change) and its std [1/angstrom]."""
        return _place(reference, line, self.shift, self.wavelength)

    @property
    def shift_unknown(self) -> bool:
        """Whether no common shift could be fitted and the axis is not trusted either."""
        return self.shift.std is None and self.settings.shift_prior > 0

    def shift_std(self, q: float) -> float:
        """Standard deviation of the place of a line at `q` by the shift [1/angstrom]."""
        return _shift_std(self.settings, self.shift, q, self.wavelength)

    def less_shift(self, q: float) -> float:
        """Where a peak at `q` would be without the common shift, if that is used [1/angstrom]."""
        return q - float(shift_in_q(self.shift, np.array([q]), self.wavelength)[0])

    def search(self, q: float) -> float:
        """How far from `q` the largest shift considered may move a line [1/angstrom]."""
        return _law(self.shift, q, self.wavelength) * _limit(self.settings, self.wavelength)


def inflation(peak: Peak, noise_known: bool) -> float:
    """Factor by which a peak's errors grow for the misfit of its group: sqrt(chi2/dof) above 1.

    1 where the noise is unknown: there the fit has scaled its errors by the scatter already.
    """
    if not noise_known or not math.isfinite(peak.chi2_reduced):
        return 1.0
    return math.sqrt(max(peak.chi2_reduced, 1.0))


def observed_from_fit(
    fit: PeakFit, pattern: Pattern, profile_std: float = 0.05
) -> list[ObservedPeak]:
    """Fitted peaks on the q axis, with the error of an imperfect profile added in quadrature.

    A position without standard deviation (it sat on its bound), or not resolved from the next,
    counts as known to a quarter of its width, and its `fit_std` is None.  The errors of positions
    and areas are multiplied by `inflation`.
    """
    out: list[ObservedPeak] = []
    lam = pattern.source.wavelength if pattern.source else None
    for peak in fit.peaks:
        std = peak.center_std
        loose = std is None or "unresolved" in peak.flags
        factor = inflation(peak, fit.noise_known)
        own = None if loose or std is None else std * factor
        profile = profile_std * peak.fwhm
        std = math.hypot(0.25 * peak.fwhm if own is None else own, profile)
        area_std = None if peak.area_std is None else peak.area_std * factor
        if pattern.axis == "two_theta":
            assert lam is not None  # the analysis asks for it before it fits
            q = float(two_theta_to_q(peak.center, lam))
            law = float(shift_law(np.array([q]), lam, "zero")[0])
        else:
            q, law = peak.center, 1.0
        out.append(
            ObservedPeak(
                q, std * law, peak.area, area_std, peak.fwhm * law, peak.significance,
                peak.flags, None if own is None else own * law,
                profile * law if profile_std > 0 else None,
            )
        )  # fmt: skip
    return out


UNKNOWN_IN_Q = 0.01
"""Std [1/angstrom] of an unknown shift where no wavelength is known to convert an angle."""

LIMIT_IN_Q = 0.03
"""Largest shift sought [1/angstrom] where no wavelength is known."""


def _limit(settings: MatchSettings, wavelength: float | None) -> float:
    return settings.shift_limit if wavelength is not None else LIMIT_IN_Q


def _law(shift: Shift, q: float, wavelength: float | None) -> float:
    model: ShiftModel = shift.model if shift.model != "none" else "zero"
    return abs(float(shift_law(np.array([q]), wavelength, model)[0]))


def _shift_std(settings: MatchSettings, shift: Shift, q: float, wavelength: float | None) -> float:
    """Error of the place of a line by the shift: the fitted one, or the prior if none is known."""
    if shift.std is not None:
        std = min(shift.std, _limit(settings, wavelength))
    elif wavelength is not None:
        std = settings.shift_prior
    else:
        std = min(UNKNOWN_IN_Q, settings.shift_prior)
    return _law(shift, q, wavelength) * std


def tolerance(settings: MatchSettings, peak_std: float, shift_std: float, cell_std: float) -> float:
    """Half width of a match [1/angstrom]: k sqrt(fit^2 + shift^2 + cell^2), or the plain one."""
    if settings.plain is not None:
        return settings.plain
    return settings.k * math.sqrt(peak_std**2 + shift_std**2 + cell_std**2)


def _place(
    reference: ReferencePattern, line: Line, shift: Shift, wavelength: float | None
) -> tuple[float, float]:
    scale, std = 0.0, line.q_std
    loose = max(reference.phase.cell_std) >= LOOSE
    if (shift.applied or loose) and reference.phase.key in shift.scales:
        # half of the cell's std is kept: its axes need not change together
        scale, scale_std = shift.scales[reference.phase.key]
        std = math.hypot(line.q * scale_std, 0.0 if reference.phase.cubic else 0.5 * line.q_std)
    q = line.q * (1 + scale)
    q += float(shift_in_q(shift, np.array([line.q]), wavelength)[0])
    return q, std


def _with_loose_cells(
    shift: Shift,
    peaks: Sequence[ObservedPeak],
    references: Sequence[ReferencePattern],
    wavelength: float | None,
) -> Shift:
    """Find one common change of each loosely known cell, so that its lines cannot float singly."""
    scales = dict(shift.scales)
    q = np.array([p.q for p in peaks])
    std = np.array([p.std for p in peaks])
    if not len(q):
        return shift
    for reference in references:
        loose = max(reference.phase.cell_std)
        if loose < LOOSE or reference.phase.key in scales:
            continue
        lines = [line for line in reference.lines if line.intensity >= 10]
        lq = np.array([line.q for line in lines])
        li = np.array([line.intensity for line in lines])
        if not len(lq):
            continue
        off = shift_in_q(shift, lq, wavelength)
        best, best_score = 0.0, -1.0
        for scale in np.linspace(-3 * loose, 3 * loose, 61):
            place = lq * (1 + scale) + off
            pull = np.abs(q[:, None] - place[None, :]) / np.hypot(std[:, None], 0.1 * loose * lq)
            near = np.exp(-0.5 * pull**2).max(axis=0)
            score = float(np.sum(li * near)) * float(np.exp(-0.05 * (scale / loose) ** 2))
            if score > best_score + 1e-9:
                best, best_score = float(scale), score
        scales[reference.phase.key] = (best, 0.2 * loose)
    return replace(shift, scales=scales)


def match_peaks(
    peaks: Sequence[ObservedPeak],
    references: Sequence[ReferencePattern],
    q_range: tuple[float, float],
    wavelength: float | None = None,
    settings: MatchSettings | None = None,
    least_intensity: float = 0.2,
    shift_from: Sequence[str] | None = None,
    fallback: Shift | None = None,
) -> Pairing:
    """Give every peak all lines of all phases within tolerance.

    Parameters
    ----------
    peaks : sequence of ObservedPeak
    references : sequence of ReferencePattern
    q_range : (float, float)
        Range of the data [1/angstrom].
    wavelength : float, optional
        [angstrom]; without it a shift is sought as a constant in q.
    least_intensity : float
        Lines weaker than this, relative to the strongest = 100, are not candidates.
    shift_from : sequence of str, optional
        Keys of the phases from which the shift is fitted; all by default.
    fallback : Shift, optional
        Taken where the peaks alone give no shift.

    Returns
    -------
    Pairing
        Candidates beyond the tolerance, up to ``settings.near`` times it, are kept with
        ``within=False``.
    """
    chosen = settings or MatchSettings()
    model: ShiftModel = chosen.shift if chosen.shift != "none" else "zero"
    limit = _limit(chosen, wavelength)
    shift = fit_shift(
        peaks,
        [r for r in references if shift_from is None or r.phase.key in shift_from],
        wavelength,
        model,
        limit,
        chosen.apply_shift and chosen.shift != "none",
    )
    if shift.std is None and fallback is not None:
        shift = replace(fallback, applied=chosen.apply_shift and chosen.shift != "none")
    matched: list[Matched] = []
    shift = _with_loose_cells(shift, peaks, references, wavelength)
    forbidden = [
        (r.phase.key, line)
        for r in references
        for line in forbidden_lines(r.phase, q_range[1], limit=2)
    ]
    for peak in peaks:
        if "broad" in peak.flags:
            # a halo or a poor baseline: no line of a crystal
            matched.append(Matched(peak, ()))
            continue
        shift_std = _shift_std(chosen, shift, peak.q, wavelength)
        found: list[Candidate] = []
        for reference in references:
            for line in reference.lines:
                if line.intensity < least_intensity or abs(line.q - peak.q) > 0.3:
                    continue
                q, cell_std = _place(reference, line, shift, wavelength)
                delta = peak.q - q
                room = tolerance(chosen, peak.std, shift_std, cell_std)
                if abs(delta) <= chosen.near * room:
                    sigma = math.sqrt(peak.std**2 + shift_std**2 + cell_std**2)
                    found.append(
                        Candidate(
                            reference.phase.key, line, q, delta, abs(delta) / sigma,
                            abs(delta) <= room,
                        )
                    )  # fmt: skip
        found.sort(key=lambda c: (not c.within, c.sigmas))
        off = float(shift_in_q(shift, np.array([peak.q]), wavelength)[0])
        not_these = tuple(
            (key, line)
            for key, line in forbidden
            if abs(line.q + off - peak.q)
            <= min(tolerance(chosen, peak.std, shift_std, line.q_std), FORBIDDEN)
        )
        matched.append(Matched(peak, tuple(found), not_these))
    return Pairing(tuple(matched), tuple(references), shift, chosen, wavelength, q_range)
