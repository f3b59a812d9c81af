"""From measurements to findings: peaks, phases with rivals, cells, and what is left over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft
from consilience.model.measurement import Measurement, Notice
from consilience_xrd.axes import check_wavelength
from consilience_xrd.files.reading import pattern_of
from consilience_xrd.findings.drafts import drafts_of
from consilience_xrd.findings.fit_record import fit_dataset, misfit_notes, peak_evidence
from consilience_xrd.findings.params import PeakParams, PhaseParams
from consilience_xrd.identification.identify import area_limit, identify
from consilience_xrd.identification.listed import listed_peaks
from consilience_xrd.identification.matching import (
    MatchSettings,
    Pairing,
    observed_from_fit,
)
from consilience_xrd.identification.shift import ShiftModel
from consilience_xrd.lines.peaks import PeakFit, fit_peaks
from consilience_xrd.pattern import Pattern, Source
from consilience_xrd.references.phases import (
    PhaseCell,
    elements_of,
    library,
    library_phase,
    phase_from_cif,
)
from consilience_xrd.references.reference import reference_pattern

if TYPE_CHECKING:
    from consilience_xrd.identification.phaseid import PhaseResult

__all__ = ["run_listed", "run_peaks", "run_phases"]

NOMINAL = 0.7
"""Wavelength [angstrom] for lines of a list in q without one: only intensities depend on it."""


def run_peaks(
    measurements: Sequence[Measurement], params: PeakParams, context: AnalysisContext
) -> AnalysisOutput:
    """Find and fit all peaks; one finding for each, on the q axis."""
    del context
    pattern, fit = _fitted(measurements[0], params)
    findings = [
        FindingDraft(
            kind="diffraction_line",
            value=peak.q,
            unit="1/angstrom",
            std_stat=peak.fit_std,
            std_sys=None,
            array="fit",
            evidence=peak_evidence(one, fit.noise_known),
            assumptions=misfit_notes(fit),
            method=_method(fit),
        )
        for peak, one in zip(observed_from_fit(fit, pattern, 0.0), fit.peaks, strict=True)
    ]
    return AnalysisOutput(findings, {"fit": fit_dataset(pattern, fit)}, _notices(pattern, fit))


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
    pattern, fit = _fitted(measurement, params)
    lam = pattern.source.wavelength if pattern.source else None
    q = pattern.q()
    low, high = _used_range(pattern, q, params)
    context.progress(1, 3, "computing reference lines")
    phases, notices = _phases(params, context)
    references = [
        reference_pattern(p, lam or NOMINAL, (max(0.5 * low, 0.2), high + 1.0), context.cache)
        for p in phases
    ]
    context.progress(2, 3, "matching phases")
    settings = _settings(params, measurement.metadata.get("geometry"), lam)
    pairing, results = identify(
        observed_from_fit(fit, pattern, params.profile_std),
        references,
        (low, high),
        lam,
        settings,
        area_limit(pattern, fit),
        params.least_share,
        params.greatest_chance,
    )
    notices += _notices(pattern, fit)
    findings = drafts_of(pairing, results, "fit", _method(fit), misfit_notes(fit))
    return AnalysisOutput(
        findings, {"fit": fit_dataset(pattern, fit)}, [*notices, *_shift_notice(pairing, results)]
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
    phases, notices = _phases(params, context)
    references = [
        reference_pattern(p, lam or NOMINAL, (max(0.5 * low, 0.2), high + 1.0), context.cache)
        for p in phases
    ]
    settings = _settings(params, None, lam)
    pairing, results = identify(
        peaks, references, (low, high), lam, settings, None, params.least_share,
        params.greatest_chance,
    )  # fmt: skip
    findings = drafts_of(pairing, results, None, "matching of a list of peaks", assumptions)
    return AnalysisOutput(findings, {}, [*notices, *_shift_notice(pairing, results)])


def _fitted(measurement: Measurement, params: PeakParams) -> tuple[Pattern, PeakFit]:
    origin = measurement.record.origin
    pattern = pattern_of(
        measurement.data, measurement.metadata, "simulated" if origin == "simulated" else "measured"
    )
    if params.wavelength is not None:
        old = pattern.source
        if old is not None and abs(old.wavelength / params.wavelength - 1) > 1e-4:
            raise BadInputError(
                f"the measurement has a wavelength of {old.wavelength:.6g} angstrom, the "
                f"parameter says {params.wavelength:.6g}",
                fix="leave the parameter out, or register the file with the right wavelength",
            )
        if old is None:
            pattern = Pattern(**{**pattern.__dict__, "source": Source(params.wavelength)})
    if pattern.axis == "two_theta":
        check_wavelength(pattern.source.wavelength if pattern.source else None)
    if not np.any(pattern.intensity > 0):
        raise BadInputError(
            "every intensity is zero or below, so there is nothing to fit",
            fix="check the measurement; its notices say what is wrong",
        )
    fit = fit_peaks(
        pattern,
        significance=params.significance,
        method=params.baseline,
        lam=params.lam,
        p=params.p,
        shape=params.shape,
        low=params.axis_min,
        high=params.axis_max,
    )
    return pattern, fit


def _used_range(pattern: Pattern, q: Any, params: PeakParams) -> tuple[float, float]:
    keep = np.ones(len(q), bool)
    if params.axis_min is not None:
        keep &= pattern.x >= params.axis_min
    if params.axis_max is not None:
        keep &= pattern.x <= params.axis_max
    return float(q[keep][0]), float(q[keep][-1])


def _phases(params: PhaseParams, context: AnalysisContext) -> tuple[list[PhaseCell], list[Notice]]:
    """The library and the study's CIFs; a CIF replaces the library's entry of the same phase.

    Where the sample says which elements can be in it, phases of the library with others are
    left out; what the user names or registers is always considered.
    """
    notices: list[Notice] = []
    if params.phases is not None:
        chosen = [library_phase(name) for name in params.phases]
    else:
        chosen = list(library().values())
        allowed = set(context.sample.elements)
        if allowed:
            left_out = [p.label for p in chosen if not elements_of(p.formula) <= allowed]
            chosen = [p for p in chosen if elements_of(p.formula) <= allowed]
            if left_out:
                notices.append(
                    Notice(
                        code="phases-left-out",
                        message=f"not considered, because {context.sample.id!r} is said to hold "
                        f"only {', '.join(context.sample.elements)}: {', '.join(left_out)}",
                        severity="info",
                    )
                )
    if not params.use_references:
        return chosen, notices
    for reference in context.references:
        if not reference.name.lower().endswith(".cif"):
            continue
        phase = phase_from_cif(reference.path, label=reference.title or None, name=reference.name)
        replaced = [p for p in chosen if p.identity == phase.identity]
        if any(p.expanded and p.citation.startswith("CIF") for p in replaced):
            notices.append(
                Notice(
                    code="reference-twice",
                    message=f"{reference.name} is the same phase as another CIF and is left out",
                    fix="keep one reference for each phase",
                )
            )
            continue
        if replaced:
            chosen = [p for p in chosen if p.identity != phase.identity]
            notices.append(
                Notice(
                    code="library-replaced",
                    message=f"{reference.name} replaces the library's cell of "
                    f"{replaced[0].label} (a {replaced[0].cell[0]:.4f} angstrom) by a "
                    f"{phase.cell[0]:.4f} angstrom",
                    severity="info",
                )
            )
        taken = {p.key for p in chosen}
        if phase.key in taken:
            phase = PhaseCell(**{**phase.__dict__, "key": f"{phase.key} (CIF)"})
        chosen.append(phase)
    return chosen, notices


def _settings(params: PhaseParams, geometry: object, lam: float | None) -> MatchSettings:
    shift: ShiftModel = "zero"
    if params.shift in ("zero", "displacement"):
        shift = params.shift
    elif geometry == "bragg-brentano":
        shift = "displacement"
    # without correction the shift is fitted all the same, so that it can be said
    apply = params.apply_shift and params.shift != "none"
    if lam is None and shift == "displacement":
        shift = "zero"
    return MatchSettings(
        k=params.k,
        plain=params.plain_tolerance,
        shift=shift,
        shift_limit=params.shift_limit,
        apply_shift=apply,
        profile_std=params.profile_std,
        shift_prior=params.shift_prior,
    )


def _method(fit: PeakFit) -> str:
    base = fit.baseline.parameters
    return (
        f"{base['method']} baseline (lam {base['lam']:.3g}, {base['lam_chosen']}), pseudo-Voigt "
        "peaks fitted in groups, "
        + ("Poisson or stated weights" if fit.noise_known else "weights from the scatter")
    )


def _notices(pattern: Pattern, fit: PeakFit) -> list[Notice]:
    notices = [Notice(code="fit", message=text, severity="info") for text in fit.notes]
    notices += [Notice(code="pattern", message=text, severity="info") for text in pattern.warnings]
    bad = [p for p in fit.peaks if {"hit_bound", "unresolved", "poor_fit"} & set(p.flags)]
    if bad:
        notices.append(
            Notice(
                code="peak-flags",
                message=f"{len(bad)} of {len(fit.peaks)} peaks sat on a bound, are not resolved or "
                "fit poorly; their flags say which",
                severity="info",
            )
        )
    return notices


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
