"""One pattern, or one list of peaks: its peaks and the phases they may be of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consilience.analysis import AnalysisContext
from consilience.model.measurement import Measurement, Notice
from consilience_xrd.findings.params import PhaseParams
from consilience_xrd.findings.patterns import (
    fitted_peaks,
    match_settings,
    phases_considered,
    references_for,
    used_range,
)
from consilience_xrd.identification.both import identify_pattern
from consilience_xrd.identification.identify import identify
from consilience_xrd.identification.listed import listed_peaks
from consilience_xrd.identification.matching import observed_from_fit

if TYPE_CHECKING:
    from consilience_xrd.identification.matching import ObservedPeak, Pairing
    from consilience_xrd.identification.results import PhaseResult
    from consilience_xrd.identification.wholepattern import WholePattern
    from consilience_xrd.lines.peaks import PeakFit
    from consilience_xrd.pattern import Pattern

__all__ = ["FittedPattern", "OneState", "state_of"]


@dataclass(frozen=True)
class FittedPattern:
    """A pattern, its peaks as fitted, and the sum of reference patterns if one was fitted."""

    pattern: Pattern
    fit: PeakFit
    whole: WholePattern | None


@dataclass(frozen=True)
class OneState:
    """A measurement of one state with its peaks matched to phases.

    `fitted` is None for a list of peaks; `assumptions` are those that a list needs.
    """

    measurement: Measurement
    peaks: list[ObservedPeak]
    pairing: Pairing
    results: list[PhaseResult]
    assumptions: list[str]
    notices: list[Notice]
    fitted: FittedPattern | None = None


def state_of(
    measurement: Measurement,
    params: PhaseParams,
    context: AnalysisContext,
    tell: Callable[[int, int, str], None] | None = None,
) -> OneState:
    """Fit or read the peaks of a measurement and match them to phases; `tell` hears the steps."""
    if measurement.has("center"):
        return _listed(measurement, params, context)
    if tell is not None:
        tell(0, 3, "fitting peaks")
    pattern, fit = fitted_peaks(measurement, params, context.references)
    peaks = observed_from_fit(fit, pattern, params.profile_std)
    lam = pattern.source.wavelength if pattern.source else None
    q_range = used_range(pattern, pattern.q(), params)
    if tell is not None:
        tell(1, 3, "computing reference lines")
    phases, notices = phases_considered(params, context)
    references = references_for(phases, lam, q_range, context)
    if tell is not None:
        tell(2, 3, "matching phases")
    pairing, results, whole = identify_pattern(
        pattern,
        fit,
        peaks,
        references,
        q_range,
        match_settings(params, measurement.metadata.get("geometry"), lam),
        params.least_share,
        params.greatest_chance,
        params.whole_pattern,
    )
    fitted = FittedPattern(pattern, fit, whole)
    return OneState(measurement, peaks, pairing, results, [], notices, fitted)


def _listed(measurement: Measurement, params: PhaseParams, context: AnalysisContext) -> OneState:
    """Match an entered or measured list of peaks: nothing is called absent without data."""
    peaks, lam, assumptions = listed_peaks(measurement, params)
    stated = measurement.metadata.get("range")
    if isinstance(stated, list | tuple) and len(stated) == 2:
        low, high = float(stated[0]), float(stated[1])
    else:
        low, high = min(p.q for p in peaks) - 0.1, max(p.q for p in peaks) + 0.1
        assumptions.append(
            "the range of the data is not stated; lines are expected only between the first and "
            "last entered peak"
        )
    phases, notices = phases_considered(params, context)
    pairing, results = identify(
        peaks,
        references_for(phases, lam, (low, high), context),
        (low, high),
        lam,
        match_settings(params, measurement.metadata.get("geometry"), lam),
        None,
        params.least_share,
        params.greatest_chance,
    )
    return OneState(measurement, peaks, pairing, results, assumptions, notices)
