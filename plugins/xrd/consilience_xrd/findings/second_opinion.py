"""The whole-pattern fit beside the matching of peaks, and mass fractions where they may be said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.model.finding import FindingDraft
from consilience.model.measurement import Notice
from consilience_xrd.findings.drafts import subject_of
from consilience_xrd.identification.fractions import (
    Condition,
    Fractions,
    FractionSettings,
    conditions_of,
    mass_fractions,
)
from consilience_xrd.identification.groups import groups_of
from consilience_xrd.identification.halo import halo_share
from consilience_xrd.identification.texture import Agreement, agreement_of, own_areas
from consilience_xrd.identification.wholepattern import (
    WholePattern,
    disagreements,
    fit_whole_pattern,
)
from consilience_xrd.references.intensity import cell_content

if TYPE_CHECKING:
    from consilience_xrd.findings.params import PhaseParams
    from consilience_xrd.identification.matching import Pairing
    from consilience_xrd.identification.results import PhaseResult
    from consilience_xrd.lines.peaks import PeakFit
    from consilience_xrd.pattern import Pattern

__all__ = ["fraction_drafts", "second_opinion", "with_second_opinion"]

METHOD = (
    "mass fractions from absolute scales: area V^2 rho / (|F|^2 m LP), areas from a non-negative "
    "fit of the whole pattern by the phases present"
)
ASSUMED = (
    "no amorphous part beyond what a hump of the baseline would show, and no crystalline phase "
    "below its limit; both would lower every fraction"
)


def second_opinion(
    whole: WholePattern, pairing: Pairing, results: Sequence[PhaseResult]
) -> list[Notice]:
    """Say where the fit of the whole pattern by all phases considered disagrees."""
    labels = {r.phase.key: r.phase.label for r in pairing.references}
    differ = disagreements(whole, results)
    return [
        Notice(
            code="not-told-apart",
            message=f"these data cannot tell apart {', '.join(labels[k] for k in group.phases)}; "
            f"could decide: {'; '.join(group.decided_by[:6]) or 'nothing in this range'}",
            severity="warning",
            fix="measure what is named, or say which elements the sample can hold",
        )
        for group in groups_of(results)
    ] + [
        Notice(
            code="second-opinion",
            message=f"{labels[key]}: {text}",
            severity="warning",
            fix="look at the pattern; both opinions stand in the finding",
        )
        for key, text in differ.items()
    ]


def with_second_opinion(
    drafts: Sequence[FindingDraft],
    whole: WholePattern,
    pairing: Pairing,
    results: Sequence[PhaseResult],
) -> list[FindingDraft]:
    """Put what the whole-pattern fit and the texture say into the evidence of each phase."""
    by_subject = {subject_of(r.phase).key: r for r in pairing.references}
    present = [r.phase for r in results if r.status == "present"]
    differ = disagreements(whole, results)
    grouped = {key: g for g in groups_of(results) for key in g.phases}
    out: list[FindingDraft] = []
    for draft in drafts:
        reference = by_subject.get(draft.subject.key) if draft.subject else None
        if draft.kind != "phase" or reference is None:
            out.append(draft)
            continue
        key = reference.phase.key
        more: dict[str, Any] = {"disagreement": differ.get(key)}
        said = whole.of(key)
        if said is not None:
            more["whole_pattern"] = {
                "taken": said.taken,
                "share_of_areas": round(said.share, 5),
                "gain": round(said.gain, 1),
                "cell_change": round(said.cell_change, 6),
                "broader": round(said.broader, 3),
            }
        if key in grouped:
            more["group"] = {
                "phases": list(grouped[key].phases),
                "decided_by": list(grouped[key].decided_by),
            }
        if key in present:
            more["texture"] = _texture_record(
                agreement_of(reference, own_areas(pairing, reference, present))
            )
        out.append(draft.model_copy(update={"evidence": {**draft.evidence, **more}}))
    return out


def _texture_record(agreement: Agreement | None) -> dict[str, Any] | None:
    if agreement is None:
        return None
    return {
        "agreement": round(agreement.plain, 3),
        "agreement_with_texture": round(agreement.allowed, 3),
        "peaks": agreement.lines,
        "texture": None if agreement.texture is None else agreement.texture.sentence,
    }


def _unassigned_share(drafts: Sequence[FindingDraft]) -> float | None:
    for draft in drafts:
        if draft.kind == "phase" and draft.unassigned is not None:
            return draft.unassigned.value
    return None


def _doubtful(pairing: Pairing, results: Sequence[PhaseResult], whole: WholePattern) -> list[str]:
    labels = {r.phase.key: r.phase.label for r in pairing.references}
    present = {r.phase for r in results if r.status == "present"}
    out = [
        f"{labels[v.phase]} as rival of {labels[r.phase]}"
        for r in results
        if r.status == "present"
        for v in r.rivals
        if v.live and v.phase not in present
    ]
    out.extend(
        f"{labels[key]} (the whole-pattern fit disagrees)" for key in disagreements(whole, results)
    )
    return out


def fraction_drafts(
    pattern: Pattern,
    fit: PeakFit,
    pairing: Pairing,
    results: Sequence[PhaseResult],
    drafts: Sequence[FindingDraft],
    whole: WholePattern,
    params: PhaseParams,
    array: str | None,
) -> list[FindingDraft]:
    """Mass fractions of the phases present, or why none is given.

    Returns
    -------
    list of FindingDraft
        One for each phase present where there are at least two; without a value, and with the
        conditions that fail as reason, where they may not be stated.
    """
    present = [r.phase for r in results if r.status == "present"]
    if len(present) < 2:
        return []
    references = [next(r for r in pairing.references if r.phase.key == key) for key in present]
    agreements = {r.phase.key: agreement_of(r, own_areas(pairing, r, present)) for r in references}
    tube = pattern.source is not None and pattern.source.doublet
    settings = FractionSettings(
        grain_size=params.grain_size,
        polarisation=params.polarisation,
        least_polarisation=FractionSettings.least_polarisation if tube else 0.0,
    )
    conditions = conditions_of(
        settings, present, _unassigned_share(drafts), halo_share(pattern, fit), agreements,
        _doubtful(pairing, results, whole), pairing.wavelength is not None,
    )  # fmt: skip
    failed = [c for c in conditions if not c.holds]
    told = [
        f"{c.name}: {c.said}" + ("" if c.holds else " - this does not hold") for c in conditions
    ]
    alone = None if failed else fit_whole_pattern(pattern, fit, pairing, present)
    if alone is None or pairing.wavelength is None or any(p.scale <= 0 for p in alone.phases):
        return [_refused(r.phase.key, pairing, failed, told, array) for r in references]
    order = [next(r for r in references if r.phase.key == p.phase) for p in alone.phases]
    scales = np.array([p.scale for p in alone.phases])
    others = [agreements[r.phase.key] for r in order]
    got = mass_fractions(
        order, scales, alone.covariance, pairing.wavelength, settings,
        [0.0 if a is None else a.scatter / np.sqrt(a.lines) for a in others],
        np.array([0.0 if a is None else 100 * a.scale for a in others]),
        unassigned=_unassigned_share(drafts) or 0.0,
    )  # fmt: skip
    return [_given(i, order[i].phase.key, got, pairing, settings, told, array)
            for i in range(len(order))]  # fmt: skip


def _refused(
    key: str, pairing: Pairing, failed: Sequence[Condition], told: list[str], array: str | None
) -> FindingDraft:
    phase = next(r.phase for r in pairing.references if r.phase.key == key)
    why = "; ".join(f"{c.name}: {c.said}" for c in failed) or "the whole-pattern fit failed"
    return FindingDraft(
        kind="phase_fraction",
        subject=subject_of(phase),
        unit="1",
        reason=f"no mass fraction is given, because a condition does not hold. {why}",
        array=array,
        evidence={"conditions": told},
        method=METHOD,
    )


def _given(
    i: int,
    key: str,
    got: Fractions,
    pairing: Pairing,
    settings: FractionSettings,
    told: list[str],
    array: str | None,
) -> FindingDraft:
    phase = next(r.phase for r in pairing.references if r.phase.key == key)
    content = cell_content(phase)
    grain = (
        f"grains of {settings.grain_size:g} um: micro-absorption corrected by "
        f"{got.correction[i]:.3f}"
        if settings.grain_size is not None
        else f"size of the grains unknown: not corrected for micro-absorption, whose error allows "
        f"for up to {settings.assumed_grain:g} um"
    )
    if got.std_sys is None:
        grain = "micro-absorption cannot be judged, because attenuation is not known here"
    return FindingDraft(
        kind="phase_fraction",
        subject=subject_of(phase),
        value=float(got.value[i]),
        unit="1",
        std_stat=float(got.std_stat[i]),
        std_sys=None if got.std_sys is None else float(got.std_sys[i]),
        array=array,
        evidence={
            "conditions": told,
            "volume": round(content.volume, 4),
            "density": round(content.density, 4),
            "systematic": {name: float(f"{part[i]:.3g}") for name, part in got.parts.items()},
        },
        assumptions=[
            ASSUMED,
            grain,
            f"thermal parameter {settings.b_iso:g} +/- {settings.b_std:g} angstrom^2 for all atoms",
            "polarisation not stated: an unpolarised beam without monochromator is taken, and the "
            f"error allows for 1 + {settings.least_polarisation:g} cos^2 2theta"
            if settings.polarisation is None
            else f"polarisation factor 1 + {settings.polarisation:g} cos^2 2theta",
        ],
        method=METHOD,
    )
