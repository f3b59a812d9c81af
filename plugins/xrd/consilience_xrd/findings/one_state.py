"""One pattern, or one list of peaks, as a series needs it: its peaks and what they may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from consilience.analysis import AnalysisContext
from consilience.model.measurement import Measurement, Notice
from consilience_xrd.findings.params import PhaseParams
from consilience_xrd.findings.patterns import (
    fitted_peaks,
    match_settings,
    phases_considered,
    used_range,
)
from consilience_xrd.identification.identify import area_limit, identify
from consilience_xrd.identification.listed import listed_peaks
from consilience_xrd.identification.matching import observed_from_fit
from consilience_xrd.references.reference import reference_pattern

if TYPE_CHECKING:
    from consilience_xrd.identification.matching import ObservedPeak, Pairing
    from consilience_xrd.identification.phaseid import PhaseResult
    from consilience_xrd.identification.results import AreaProbe
    from consilience_xrd.lines.peaks import PeakFit
    from consilience_xrd.pattern import Pattern

__all__ = ["NOMINAL", "OneState", "state_of"]

NOMINAL = 0.7
"""Wavelength [angstrom] for lines of a list in q without one: only intensities depend on it."""


@dataclass(frozen=True)
class OneState:
    """A measurement of one state with its peaks matched to phases.

    `pattern`, `fit` and `probe` are None for a list of peaks.
    """

    measurement: Measurement
    peaks: list[ObservedPeak]
    pairing: Pairing
    results: list[PhaseResult]
    wavelength: float | None
    pattern: Pattern | None
    fit: PeakFit | None
    probe: AreaProbe | None
    assumptions: list[str]
    notices: list[Notice]


def state_of(measurement: Measurement, params: PhaseParams, context: AnalysisContext) -> OneState:
    """Fit or read the peaks of a measurement and match them to phases."""
    pattern = fit = probe = None
    phases, notices = phases_considered(params, context)
    assumptions: list[str] = []
    if measurement.has("center"):
        peaks, lam, assumptions = listed_peaks(measurement, params)
        low, high = min(p.q for p in peaks) - 0.1, max(p.q for p in peaks) + 0.1
    else:
        pattern, fit = fitted_peaks(measurement, params)
        lam = pattern.source.wavelength if pattern.source else None
        low, high = used_range(pattern, pattern.q(), params)
        peaks = observed_from_fit(fit, pattern, params.profile_std)
        probe = area_limit(pattern, fit)
    references = [
        reference_pattern(p, lam or NOMINAL, (max(0.5 * low, 0.2), high + 1.0), context.cache)
        for p in phases
    ]
    pairing, results = identify(
        peaks,
        references,
        (low, high),
        lam,
        match_settings(params, measurement.metadata.get("geometry"), lam),
        probe,
        params.least_share,
        params.greatest_chance,
    )
    return OneState(
        measurement, peaks, pairing, results, lam, pattern, fit, probe, assumptions, notices
    )
