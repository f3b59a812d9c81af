"""From measurements to findings: peaks, phases with rivals, cells, and what is left over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.model.measurement import Measurement, Notice
from consilience_xrd.findings.drafts import drafts_of
from consilience_xrd.findings.fit_record import fit_dataset, misfit_notes
from consilience_xrd.findings.labels import label_drafts
from consilience_xrd.findings.one_state import FittedPattern, OneState, state_of
from consilience_xrd.findings.params import PhaseParams
from consilience_xrd.findings.patterns import fit_notices, method_sentence
from consilience_xrd.findings.probed import of_pattern
from consilience_xrd.findings.second_opinion import (
    fraction_drafts,
    second_opinion,
    with_second_opinion,
)
from consilience_xrd.identification.listed import listed_labels

if TYPE_CHECKING:
    from consilience_xrd.identification.matching import Pairing

__all__ = ["run_phases"]


def run_phases(
    measurements: Sequence[Measurement], params: PhaseParams, context: AnalysisContext
) -> AnalysisOutput:
    """Say which phases explain the peaks of a pattern, or of a list of peaks."""
    measurement = measurements[0]
    if not (measurement.has("center") or measurement.has("intensity")):
        text = "detector frames give no phases before they are integrated"
        return AnalysisOutput([], {}, [Notice(code="frames", message=text, severity="info")])
    state = state_of(measurement, params, context, context.progress)
    if state.fitted is None:
        return _of_list(state)
    return _of_pattern(state, state.fitted, params)


def _of_pattern(state: OneState, fitted: FittedPattern, params: PhaseParams) -> AnalysisOutput:
    pattern, fit, whole = fitted.pattern, fitted.fit, fitted.whole
    pairing, results = state.pairing, state.results
    findings = drafts_of(pairing, results, "fit", method_sentence(fit), misfit_notes(fit))
    said: list[Notice] = []
    if whole is not None:
        said = second_opinion(whole, pairing, results)
        findings = with_second_opinion(findings, whole, pairing, results)
        findings += fraction_drafts(pattern, fit, pairing, results, findings, whole, params, "fit")
    record = fit_dataset(pattern, fit)
    if "blank" in pattern.extra:
        about = {"units": pattern.intensity_unit, "title": "blank taken away from the intensity"}
        record["blank"] = (pattern.axis, pattern.extra["blank"], about)
    return AnalysisOutput(
        of_pattern(findings, state.measurement),
        {"fit": record},
        [*state.notices, *fit_notices(pattern, fit), *said, _shift_notice(pairing)],
    )


def _of_list(state: OneState) -> AnalysisOutput:
    assumed = state.assumptions
    findings = drafts_of(state.pairing, state.results, None, "matching of a list of peaks", assumed)
    labels = listed_labels(state.measurement)
    if any(labels):
        method = "published labels against all lines"
        findings += label_drafts(state.pairing, labels, method, assumed)
    findings = of_pattern(findings, state.measurement)
    return AnalysisOutput(findings, {}, [*state.notices, _shift_notice(state.pairing)])


def _shift_notice(pairing: Pairing) -> Notice:
    shift = pairing.shift
    return Notice(
        code="line-shift",
        message=shift.sentence(),
        severity="warning" if shift.significant else "info",
        fix=""
        if shift.applied or not shift.significant
        else "run with apply_shift = true, or correct the zero of the axis",
    )
