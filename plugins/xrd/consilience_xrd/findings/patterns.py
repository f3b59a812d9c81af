"""What every analysis of patterns begins with: peaks fitted, phases chosen, tolerances set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from consilience.analysis import AnalysisContext, ReferenceFile
from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import Measurement, Notice
from consilience_xrd.axes import check_wavelength
from consilience_xrd.files.calibrant import reference_file_pattern
from consilience_xrd.files.reading import pattern_of
from consilience_xrd.findings.params import PeakParams, PhaseParams
from consilience_xrd.identification.matching import MatchSettings
from consilience_xrd.identification.shift import ShiftModel
from consilience_xrd.lines.blank import less_blank
from consilience_xrd.lines.peaks import PeakFit, fit_peaks
from consilience_xrd.pattern import Pattern, Source
from consilience_xrd.references.phases import (
    PhaseCell,
    elements_of,
    library,
    library_phase,
    phase_from_cif,
)
from consilience_xrd.references.reference import ReferencePattern, reference_pattern

__all__ = [
    "fit_notices",
    "fitted_peaks",
    "match_settings",
    "method_sentence",
    "phases_considered",
    "references_for",
    "used_range",
]

NOMINAL = 0.7
"""Wavelength [angstrom] for lines in q without one: only intensities depend on it."""


def fitted_peaks(
    measurement: Measurement, params: PeakParams, references: Sequence[ReferenceFile] = ()
) -> tuple[Pattern, PeakFit]:
    """Return the pattern of a measurement, less a blank where one is named, and its peaks.

    Parameters
    ----------
    references : sequence of ReferenceFile
        Of the study, among which the blank is.

    Raises
    ------
    BadInputError
        Wavelength missing or contradicted; no intensity above zero; a blank that is not there or
        does not overlap.
    """
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
    if isinstance(params, PhaseParams) and params.blank is not None:
        blank = reference_file_pattern(params.blank, references, pattern, "blank")
        return less_blank(pattern, blank, lambda one: _peaks(one, params), params.blank)
    return pattern, _peaks(pattern, params)


def _peaks(pattern: Pattern, params: PeakParams) -> PeakFit:
    """Peaks found as the parameters say."""
    return fit_peaks(
        pattern,
        significance=params.significance,
        method=params.baseline,
        lam=params.lam,
        p=params.p,
        shape=params.shape,
        low=params.axis_min,
        high=params.axis_max,
    )


def used_range(pattern: Pattern, q: Any, params: PeakParams) -> tuple[float, float]:
    """Return the lowest and highest q [1/angstrom] that the parameters let take part."""
    keep = np.ones(len(q), bool)
    if params.axis_min is not None:
        keep &= pattern.x >= params.axis_min
    if params.axis_max is not None:
        keep &= pattern.x <= params.axis_max
    return float(q[keep][0]), float(q[keep][-1])


def phases_considered(
    params: PhaseParams, context: AnalysisContext
) -> tuple[list[PhaseCell], list[Notice]]:
    """Return the phases of the library and of the study's CIFs, which replace the library's.

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
        label = reference.title or None
        try:
            phase = phase_from_cif(reference.path, label=label, name=reference.name)
        except BadFileError as error:
            # one that cannot be read must not keep the others from being looked for
            text = f"{reference.name} is left out: {error.what}"
            notices.append(Notice(code="reference-unread", message=text, fix=error.fix))
            continue
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


def references_for(
    phases: Sequence[PhaseCell],
    wavelength: float | None,
    q_range: tuple[float, float],
    context: AnalysisContext,
) -> list[ReferencePattern]:
    """Return the lines of phases over a range of q [1/angstrom] and somewhat beyond."""
    low, high = q_range
    return [
        reference_pattern(
            p, wavelength or NOMINAL, (max(0.5 * low, 0.2), high + 1.0), context.cache
        )
        for p in phases
    ]


def match_settings(params: PhaseParams, geometry: object, lam: float | None) -> MatchSettings:
    """Return how peaks are matched in this geometry, from the parameters."""
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


def method_sentence(fit: PeakFit) -> str:
    """Say how peaks were found and fitted."""
    base = fit.baseline.parameters
    return (
        f"{base['method']} baseline (lam {base['lam']:.3g}, {base['lam_chosen']}), pseudo-Voigt "
        "peaks fitted in groups, "
        + ("Poisson or stated weights" if fit.noise_known else "weights from the scatter")
    )


def fit_notices(pattern: Pattern, fit: PeakFit) -> list[Notice]:
    """Return what the fit and the pattern have to say."""
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
