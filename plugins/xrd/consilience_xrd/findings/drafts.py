"""From results of matching to findings, in words that a reader can check."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.model.finding import FindingDraft, Rival, Subject, Unassigned
from consilience_xrd.identification.matching import LIMIT_IN_Q, UNKNOWN_IN_Q, Matched, Pairing
from consilience_xrd.identification.results import STRONG, PhaseResult
from consilience_xrd.identification.shift import ShiftModel, shift_law
from consilience_xrd.references.phases import PhaseCell

if TYPE_CHECKING:
    from numpy.typing import NDArray

LIMIT_MEANS = (
    "the limit is the area of its strongest line in range relative to the strongest peak, found in "
    "95 % of trials; it is no mass fraction"
)
SYSTEMATIC_MEANS = (
    "systematic error: a wrong profile that moves all lines one way, and the change of a under "
    "another law of the common shift, or, where no shift is fitted with it, when one is; the "
    "wavelength is taken as exact"
)
SHIFT_UNKNOWN = "the systematic error is not known, because the shift of the lines is not"
PROFILE_MEANS = (
    "statistical error: of the fit; systematic error: of a profile that is not quite right"
)

__all__ = ["LIMIT_UNIT", "drafts_of", "lattice_parameter", "subject_of"]

LIMIT_UNIT = "relative area"
"""Unit of a limit: area of a line over that of the strongest peak, which is no mass fraction."""


def subject_of(phase: PhaseCell) -> Subject:
    """Formula, space group and label."""
    return Subject(formula=phase.formula, space_group=phase.space_group, label=phase.label)


def drafts_of(
    pairing: Pairing,
    results: Sequence[PhaseResult],
    array: str | None,
    method: str,
    assumptions: Sequence[str],
) -> list[FindingDraft]:
    """Findings of phases, of the cells of cubic phases present, and of unassigned peaks."""
    phases = {r.phase.key: r.phase for r in pairing.references}
    present = {r.phase: r.scale for r in results if r.status == "present"}
    left = [(i, m) for i, m in enumerate(pairing.peaks) if not _explained(m, present)]
    rest = _unassigned(pairing, [m for _, m in left])
    how = f"{method}; {_tolerance_text(pairing)}"
    common = [*assumptions, *_shift_assumption(pairing)]
    out: list[FindingDraft] = []
    for result in results:
        phase = phases[result.phase]
        out.append(
            FindingDraft(
                kind="phase",
                subject=subject_of(phase),
                unit=LIMIT_UNIT,
                status=result.status,  # type: ignore[arg-type]
                limit=result.limit if result.status == "absent_below_limit" else None,
                reason=result.reason or None,
                rivals=[
                    Rival(
                        subject=subject_of(phases[r.phase]),
                        live=r.live,
                        explains=list(r.explains),
                        missing=list(r.missing),
                        decided_by=list(r.decided_by),
                        note="cannot be told apart with these data" if r.indistinguishable else "",
                    )
                    for r in result.rivals
                ],
                unassigned=rest if result.status == "present" else None,
                array=array,
                evidence=_evidence(result, pairing, [m for _, m in left]),
                assumptions=[
                    *common,
                    *phase.assumptions,
                    *(
                        [LIMIT_MEANS, *([result.limit_widths] if result.limit_widths else [])]
                        if result.status == "absent_below_limit"
                        else []
                    ),
                ],
                method=how,
            )
        )  # fmt: skip
        if result.status == "present" and phase.cubic:
            cell = lattice_parameter(pairing, result)
            if cell is not None:
                value, stat, sys, count = cell
                out.append(
                    FindingDraft(
                        kind="lattice_parameter",
                        subject=subject_of(phase),
                        value=value,
                        unit="angstrom",
                        std_stat=stat,
                        std_sys=sys,
                        array=array,
                        evidence={"lines": count, "reference_cell": phase.cell[0]},
                        assumptions=[
                            *common,
                            SYSTEMATIC_MEANS if sys is not None else SHIFT_UNKNOWN,
                        ],
                        method=f"{method}; weighted fit of a and a common shift to lines that the "
                        "phase has for itself",
                    )
                )
    out.extend(_peak_draft(m, array, how, common) for _, m in left)
    return out


def _shift_assumption(pairing: Pairing) -> list[str]:
    """What was taken for granted of the shift where none could be fitted."""
    if pairing.shift.std is not None:
        return []
    settings = pairing.settings
    if settings.shift_prior == 0:
        return ["no common shift of the lines could be fitted; the axis is taken as right"]
    in_angle = pairing.wavelength is not None
    prior, limit, unit = (
        (settings.shift_prior, settings.shift_limit, "deg")
        if in_angle
        else (min(UNKNOWN_IN_Q, settings.shift_prior), LIMIT_IN_Q, "1/angstrom")
    )
    text = (
        "the shift of the lines is not known: a standard deviation of "
        f"{prior:g} {unit} is assumed for it, and no phase is called absent that has anything "
        f"within {limit:g} {unit} of the place of its strongest line"
    )
    return [text]


def _explained(matched: Matched, present: Mapping[str, float | None]) -> bool:
    """Whether a line of a present phase is there that is not far too weak for the peak."""
    for c in matched.candidates:
        if not c.within or c.phase not in present:
            continue
        scale, area = present[c.phase], matched.peak.area
        if c.line.intensity >= 2 or scale is None or not math.isfinite(area):
            return True
        # computed intensities of weak lines are good to an order of magnitude at best
        if scale * c.line.intensity >= 0.1 * area:
            return True
    return False


def _unassigned(pairing: Pairing, left: Sequence[Matched]) -> Unassigned:
    total = sum(m.peak.area for m in pairing.peaks if math.isfinite(m.peak.area))
    area = sum(m.peak.area for m in left if math.isfinite(m.peak.area))
    share = float(area / total) if total > 0 else None
    places = ", ".join(f"{m.peak.q:.4f}" for m in left[:12])
    return Unassigned(
        value=share,
        unit="1",
        note=f"{len(left)} of {len(pairing.peaks)} peaks"
        + (f", at {places} 1/angstrom" if left else "")
        + ("; share of the summed areas" if share is not None else "; areas unknown"),
    )


def _tolerance_text(pairing: Pairing) -> str:
    settings = pairing.settings
    how = (
        f"lines within {settings.plain:g} 1/angstrom"
        if settings.plain is not None
        else f"lines within {settings.k:g} sqrt(fit^2 + shift^2 + cell^2)"
    )
    return f"{how}; {pairing.shift.sentence()}"


def _candidate(c: Any) -> dict[str, Any]:
    return {
        "phase": c.phase, "hkl": c.line.label, "q": round(c.q, 6), "delta": round(c.delta, 6),
        "sigmas": round(c.sigmas, 3), "within": c.within,
    }  # fmt: skip


def _evidence(result: PhaseResult, pairing: Pairing, left: Sequence[Matched]) -> dict[str, Any]:
    lines = [
        {
            "hkl": s.line.label,
            "q": round(s.q, 6),
            "intensity": round(s.line.intensity, 2),
            "state": s.state,
            "peak_q": None if s.peak is None else round(pairing.peaks[s.peak].peak.q, 6),
            "note": s.note,
        }
        for s in result.lines
    ]
    states = [s.state for s in result.lines]
    forbidden = [
        f"{line.label} is forbidden for {key}; a peak that no present phase explains lies at "
        f"{m.peak.q:.4f} 1/angstrom, where it would be ({line.q:.4f})"
        for m in left
        for key, line in m.forbidden
        if key == result.phase and states.count("found") + states.count("shared") > 0
    ]
    reference = next(r for r in pairing.references if r.phase.key == result.phase)
    low, high = pairing.q_range
    weak = [
        {"hkl": line.label, "q": round(place, 6), "intensity": round(line.intensity, 2)}
        for line in reference.lines
        if 3 <= line.intensity < STRONG
        for place in [pairing.place(reference, line)[0]]
        if low <= place <= high
    ]
    return {
        "lines": lines,
        "weak_lines": weak if result.status == "present" else [],
        "lines_found": states.count("found") + states.count("shared"),
        "lines_missing": states.count("missing"),
        "lines_hidden": states.count("hidden"),
        "found_share": round(result.found_share, 4),
        "chance": float(f"{result.chance:.3g}"),
        "intensity_agreement": None
        if result.intensity_agreement is None
        else round(result.intensity_agreement, 4),
        "score": round(max(result.score, 0.0), 4),
        "shift": {
            "model": pairing.shift.model,
            "amount": pairing.shift.amount,
            "std": pairing.shift.std,
            "unit": pairing.shift.unit,
            "applied": pairing.shift.used,
            "sentence": pairing.shift.sentence(),
        },
        "forbidden": forbidden,
        "own_peaks": [round(pairing.peaks[i].peak.q, 6) for i in result.unique_peaks],
    }


def _peak_draft(
    matched: Matched, array: str | None, method: str, assumptions: Sequence[str]
) -> FindingDraft:
    peak = matched.peak
    near = [_candidate(c) for c in matched.candidates[:8]]
    within = [c for c in matched.candidates if c.within]
    said = (
        "lines of phases that are not established lie within tolerance: "
        + ", ".join(f"{c.phase} {c.line.label}" for c in within[:6])
        if within
        else "no line of any phase considered lies within tolerance"
    )
    if matched.forbidden:
        said += "; forbidden reflections here: " + ", ".join(
            f"{key} {line.label}" for key, line in matched.forbidden[:6]
        )
    return FindingDraft(
        kind="diffraction_line",
        value=peak.q,
        unit="1/angstrom",
        std_stat=peak.fit_std,
        std_sys=peak.profile_std,
        reason=f"unassigned: {said}",
        array=array,
        evidence={
            "unassigned": True,
            "candidates": near,
            "area": peak.area if math.isfinite(peak.area) else None,
            "area_std": peak.area_std,
            "fwhm": peak.fwhm if peak.fwhm_known else None,
            "matched_with_std": peak.std,
            "significance": peak.significance if math.isfinite(peak.significance) else None,
            "flags": list(peak.flags),
        },
        assumptions=[*assumptions, *([PROFILE_MEANS] if peak.profile_std is not None else [])],
        method=method,
    )


def lattice_parameter(
    pairing: Pairing, result: PhaseResult
) -> tuple[float, float, float | None, int] | None:
    """Fit the cell length of a cubic phase from lines that it has for itself.

    Returns
    -------
    (a, std_stat, std_sys, lines) or None
        [angstrom]; None with fewer than two lines.  From three lines on, a common shift is
        fitted along with a.

    Notes
    -----
    Lines weigh by their whole error, std_stat holds that of their fits alone, and that of the
    shift where it is fitted with them.  std_sys adds in quadrature the profile's part, which does
    not average down since asymmetry moves all lines one way, and what another law of the shift
    changes (a zero or a displacement); where the shift is not fitted with the cell, what fitting
    it would change and its error.  It is None where the common shift is unknown.
    """
    rows = []
    for state in result.lines:
        if state.state != "found" or state.peak is None:
            continue
        peak = pairing.peaks[state.peak].peak
        if {"unresolved", "at_edge", "broad"} & set(peak.flags):
            continue
        order = math.sqrt(sum(i * i for i in state.line.hkl))
        # a working error without parts is all that is known of a line's fit
        own = peak.std if peak.fit_std is None else peak.fit_std
        rows.append((peak.q, peak.std, own, peak.profile_std or 0.0, 2 * math.pi * order))
    if len(rows) < 2:
        return None
    q, std, own_std, profile, scale = (np.array(column) for column in zip(*rows, strict=True))
    model = pairing.shift.model if pairing.shift.model != "none" else "zero"
    law = shift_law(q, pairing.wavelength, model)

    def fit(with_shift: bool, law: NDArray[np.float64] = law) -> tuple[float, float, float]:
        columns = [scale / std] + ([law / std] if with_shift else [])
        matrix = np.stack(columns, axis=1)
        estimator = np.linalg.pinv(matrix)
        by_line = estimator[0] / std * profile
        answer = estimator @ (q / std)
        variance = float(np.sum((estimator[0] * own_std / std) ** 2))
        dof = len(q) - matrix.shape[1]
        residual = q / std - matrix @ answer
        chi2 = float(residual @ residual) / dof if dof > 0 else 1.0
        inverse = float(answer[0])
        # a wrong profile moves all lines one way, alike or less and less towards high angles
        fading = (q.max() - q) / max(float(np.ptp(q)), 1e-12)
        moved = max(abs(float(by_line.sum())), abs(float(by_line @ fading)))
        error = math.sqrt(variance * max(chi2, 1.0))
        return 1 / inverse, error / inverse**2, moved / inverse**2

    plain, plain_std, by_profile = fit(False)
    value, stat, change = plain, plain_std, 0.0
    by_shift = value * float(np.mean(np.abs(law) / q)) * (pairing.shift.std or 0.0)
    if len(rows) < 3:
        change = float(plain * np.mean(np.abs(law) / q)) * abs(pairing.shift.amount)
    else:
        shifted, shifted_std, shifted_profile = fit(True)
        change = abs(shifted - plain)
        if pairing.shift.significant or len(rows) >= 4:
            # fitted together, the shift's error is in the statistical one; its law is in doubt
            value, stat, by_profile, by_shift = shifted, shifted_std, shifted_profile, 0.0
            other: ShiftModel = "zero" if model == "displacement" else "displacement"
            change = (
                0.0
                if pairing.wavelength is None
                else abs(fit(True, shift_law(q, pairing.wavelength, other))[0] - shifted)
            )
    if pairing.shift.std is None:
        return value, stat, None, len(rows)
    return value, stat, math.sqrt(change**2 + by_shift**2 + by_profile**2), len(rows)
