"""From measurements to findings: peaks, phases with rivals, cells, and what is left over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.model.measurement import Measurement, Notice
from consilience_xrd.findings.drafts import drafts_of
from consilience_xrd.findings.fit_record import fit_dataset, misfit_notes
from consilience_xrd.findings.labels import label_drafts
from consilience_xrd.findings.params import PhaseParams
from consilience_xrd.findings.patterns import (
    fit_notices,
    fitted_peaks,
    match_settings,
    method_sentence,
    phases_considered,
    used_range,
)
from consilience_xrd.findings.second_opinion import (
    fraction_drafts,
    second_opinion,
    with_second_opinion,
)
from consilience_xrd.identification.both import identify_pattern
from consilience_xrd.identification.identify import identify
from consilience_xrd.identification.listed import listed_labels, listed_peaks
from consilience_xrd.identification.matching import (
    Pairing,
    observed_from_fit,
)
from consilience_xrd.references.reference import reference_pattern

if TYPE_CHECKING:
    from consilience_xrd.identification.phaseid import PhaseResult

__all__ = ["run_listed", "run_phases"]

NOMINAL = 0.7
"""Wavelength [angstrom] for lines of a list in q without one: only intensities depend on it."""


def run_phases(
    measurements: Sequence[Measurement], params: PhaseParams, context: AnalysisContext
) -> AnalysisOutput:
    """Say which phases explain the peaks of a pattern, or of a list of peaks."""
    if measurements[0].has("center"):
        return run_listed(measurements, params, context)
    if not measurements[0].has("intensity"):
        text = "detector frames give no phases before they are integrated"
        return AnalysisOutput([], {}, [Notice(code="frames", message=text, severity="info")])
    context.progress(0, 3, "fitting peaks")
    measurement = measurements[0]
    pattern, fit = fitted_peaks(measurement, params)
    lam = pattern.source.wavelength if pattern.source else None
    q = pattern.q()
    low, high = used_range(pattern, q, params)
    context.progress(1, 3, "computing reference lines")
    phases, notices = phases_considered(params, context)
    references = [
        reference_pattern(p, lam or NOMINAL, (max(0.5 * low, 0.2), high + 1.0), context.cache)
        for p in phases
    ]
    context.progress(2, 3, "matching phases")
    settings = match_settings(params, measurement.metadata.get("geometry"), lam)
    pairing, results, whole = identify_pattern(
        pattern,
        fit,
        observed_from_fit(fit, pattern, params.profile_std),
        references,
        (low, high),
        settings,
        params.least_share,
        params.greatest_chance,
        params.whole_pattern,
    )
    notices += fit_notices(pattern, fit)
    findings = drafts_of(pairing, results, "fit", method_sentence(fit), misfit_notes(fit))
    said: list[Notice] = []
    if whole is not None:
        said = second_opinion(whole, pairing, results)
        findings = with_second_opinion(findings, whole, pairing, results)
        findings += fraction_drafts(pattern, fit, pairing, results, findings, whole, params, "fit")
    return AnalysisOutput(
        findings,
        {"fit": fit_dataset(pattern, fit)},
        [*notices, *said, *_shift_notice(pairing, results)],
    )


def run_listed(
    measurements: Sequence[Measurement], params: PhaseParams, context: AnalysisContext
) -> AnalysisOutput:
    """Match an entered or measured list of peaks: nothing is called absent without data."""
    measurement = measurements[0]
    peaks, lam, assumptions = listed_peaks(measurement, params)
    span = [p.q for p in peaks]
    stated = measurement.metadata.get("range")
    if isinstance(stated, list | tuple) and len(stated) == 2:
        low, high = float(stated[0]), float(stated[1])
    else:
        low, high = min(span) - 0.1, max(span) + 0.1
        assumptions.append(
            "the range of the data is not stated; lines are expected only between the first and "
            "last entered peak"
        )
    phases, notices = phases_considered(params, context)
    references = [
        reference_pattern(p, lam or NOMINAL, (max(0.5 * low, 0.2), high + 1.0), context.cache)
        for p in phases
    ]
    settings = match_settings(params, None, lam)
    pairing, results = identify(
        peaks, references, (low, high), lam, settings, None, params.least_share,
        params.greatest_chance,
    )  # fmt: skip
    findings = drafts_of(pairing, results, None, "matching of a list of peaks", assumptions)
    labels = listed_labels(measurement)
    if any(labels):
        findings += label_drafts(pairing, labels, "published labels against all lines", assumptions)
    return AnalysisOutput(findings, {}, [*notices, *_shift_notice(pairing, results)])


def _shift_notice(pairing: Pairing, results: Sequence[PhaseResult]) -> list[Notice]:
    del results
    shift = pairing.shift
    return [
        Notice(
            code="line-shift",
            message=shift.sentence(),
            severity="warning" if shift.significant else "info",
            fix=""
            if shift.applied or not shift.significant
            else "run with apply_shift = true, or correct the zero of the axis",
        )
    ]
