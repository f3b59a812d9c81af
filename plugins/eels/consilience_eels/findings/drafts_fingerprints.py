"""Answers of the fit of references as findings."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience.model.finding import Covariance, FindingDraft, Interval, Region, Rival, Subject
from consilience_eels.fingerprint.fit import Fit
from consilience_eels.fingerprint.observability import Answer
from consilience_eels.fingerprint.region import RegionResult
from consilience_eels.fingerprint.rivals import TOLD, Exchange, named_rivals
from consilience_eels.fingerprint.species import Library

__all__ = ["element_draft", "phase_draft", "region_of"]

METHOD = (
    "non-negative fit of references folded with the low loss, weighted by counting and by what the "
    "references may be wrong by; limit by Currie (α = β = 0.05) from the same covariance"
)


def phase_draft(
    said: Answer,
    result: RegionResult,
    library: Library,
    exchanges: Sequence[Exchange],
    common: Mapping[str, Any],
    index: int,
) -> FindingDraft:
    """Return what is said of a phase: its share of the volume, with rivals."""
    name = said.question.name
    reference = library.references[name]
    own = reference.units_per_volume()
    share = stat = sys = None
    if own is not None:
        share, stat, sys = _share(name, result.fit, library)
    held = _held(name, result.fit, library) if said.status == "present" else {}
    rivals: list[Rival] = []
    if said.status != "absent_below_limit":
        rivals = [_rival(one, said) for one in exchanges]
        rivals += named_rivals(name, result.fit.design)
    return _draft(
        said,
        result.fit,
        kind="phase",
        subject=Subject(formula=reference.formula, label=name),
        numbers=(share, stat, sys),
        rivals=rivals,
        common=common,
        index=index,
        extra={
            **({"share_of": held} if held else {}),
            "thickness_nm": result.nm.get(name),
            "edges": [e.name for e in reference.edges],
            "reference": f"{reference.origin}: {reference.source}",
        },
    )


def element_draft(
    said: Answer, result: RegionResult, library: Library, common: Mapping[str, Any]
) -> FindingDraft:
    """Return what is said of an element: its share of the atoms that the fit holds."""
    element = said.question.name
    fit = result.broad
    atoms = [library.references[n].atoms for n in fit.design.species]
    own = np.array([a.get(element, 0.0) for a in atoms])
    numbers = _ratio(fit, own, np.array([sum(a.values()) for a in atoms]))
    rivals = [
        Rival(
            subject=Subject(formula=library.references[n].formula, label=n),
            live=True,
            explains=["the same range of energy, when the element is left out"],
            decided_by=["another edge of the element", "EDX, where the element has a line"],
        )
        for n in said.replaced
        if said.status == "not_observable" and n in {c.species for c in said.causes[:3]}
    ]
    return _draft(
        said,
        fit,
        kind="element",
        subject=Subject(element=element),
        numbers=numbers,
        rivals=rivals,
        common=common,
        index=None,
        extra={"held_by": list(said.question.group)},
    )


def _draft(
    said: Answer,
    fit: Fit,
    *,
    kind: str,
    subject: Subject,
    numbers: tuple[float | None, float | None, float | None],
    rivals: Sequence[Rival],
    common: Mapping[str, Any],
    index: int | None,
    extra: Mapping[str, Any],
) -> FindingDraft:
    share, stat, sys = numbers
    hidden = said.status == "not_observable"
    limit = said.limit_fraction
    known = stat is not None and sys is not None
    spread = math.hypot(stat or 0.0, sys or 0.0)
    interval = None
    if share is not None and known and not hidden:
        interval = Interval(
            low=max(0.0, share - 1.96 * spread), high=min(1.0, share + 1.96 * spread), level=0.95
        )
    asked = said.question.asked / said.per
    evidence: dict[str, Any] = {
        "significance": _round(said.significance),
        "asked": said.question.words,
        "asked_fraction": _round(asked / (1.0 + asked)),
        "limit_fraction": _round(limit),
        "causes": [
            {"words": c.words, "limit": _round(_fraction(c.limit, said.per))} for c in said.causes
        ],
        "taking_its_place": sorted(said.replaced),
        "chi_square": _round(fit.chi_square),
        "degrees_of_freedom": fit.degrees,
        "largest_residual": _round(float(np.abs(fit.residual).max())),
        **common["evidence"],
        **extra,
    }
    return FindingDraft(
        kind=kind,
        subject=subject,
        region=common["region"],
        value=share if said.status == "present" else None,
        unit="1",
        std_stat=None if hidden or common["gain_unknown"] else stat,
        std_sys=None if hidden else sys,
        interval=interval,
        covariance=None if index is None else Covariance(array=common["covariance"], index=index),
        array=common["map"],
        status=said.status,
        limit=None if hidden else limit,
        reason=said.reason,
        rivals=list(rivals),
        evidence=evidence,
        assumptions=list(common["assumptions"]),
        method=METHOD,
        measurements=common["measurements"],
    )


def _per_volume(library: Library, name: str) -> float:
    """Formula units per nm³; infinite, so that it takes no volume, where no density is known."""
    known = library.references[name].units_per_volume()
    return math.inf if known is None else known


def _share(name: str, fit: Fit, library: Library) -> tuple[float, float, float]:
    """Share of the volume, and its errors from counting and from references."""
    volumes = 1.0 / np.array(
        [_per_volume(library, n) for n in fit.design.species], dtype=np.float64
    )
    own = np.zeros(len(volumes))
    own[fit.design.species.index(name)] = volumes[fit.design.species.index(name)]
    return _ratio(fit, own, volumes)


def _held(name: str, fit: Fit, library: Library) -> dict[str, float]:
    """Least share (95 %) of the atoms of each element in the fit that a phase holds.

    Other species that the fit puts at zero count with their errors: they may hold some of it.
    """
    made = {}
    own = np.array([float(n == name) for n in fit.design.species])
    for element in sorted(set(library.references[name].atoms) - {"H"}):
        atoms = np.array(
            [library.references[n].atoms.get(element, 0.0) for n in fit.design.species]
        )
        share, stat, sys = _ratio(fit, own * atoms, atoms, free=True)
        made[element] = float(f"{share - 1.645 * math.hypot(stat, sys):.4g}")
    return {element: share for element, share in made.items() if share > 0}


def _ratio(
    fit: Fit, part: NDArray[np.float64], whole: NDArray[np.float64], *, free: bool = False
) -> tuple[float, float, float]:
    """``part·a / whole·a`` of the amounts a, with its errors from counting and from references.

    Species at zero that are no part of the question are held there, unless they are `free`.
    """
    total = float(whole @ fit.amounts)
    if total <= 0:
        return 0.0, 0.0, 0.0
    share = float(part @ fit.amounts) / total
    slope = np.where(free | (fit.amounts > 0) | (part > 0), (part - share * whole) / total, 0.0)
    parts = []
    for matrix in (fit.covariance_stat, fit.covariance_sys):
        finite = np.where(np.isfinite(matrix), matrix, 0.0)
        parts.append(math.sqrt(max(0.0, float(slope @ finite @ slope))))
    return share, parts[0], parts[1]


def _rival(one: Exchange, said: Answer) -> Rival:
    live = one.growth < TOLD
    return Rival(
        subject=Subject(label=" + ".join(one.species)),
        live=live,
        explains=[f"what {said.question.name} explains, with χ² higher by {one.growth:.3g}"],
        missing=[] if live else ["the form of the edges"],
        decided_by=list(one.decided_by),
        note=one.note,
    )


def _fraction(limit: float, per: float) -> float | None:
    ratio = limit / per
    return ratio / (1.0 + ratio) if math.isfinite(ratio) else None


def _round(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.4g}")


def region_of(name: str, box: tuple[float, float, float, float] | None, frame: str) -> Region:
    """Return a region from x0, x1, y0, y1 in nm; the whole where there is no box."""
    if box is None:
        return Region(shape="whole", unit="nm", frame=frame, label=name)
    x0, x1, y0, y1 = box
    return Region(shape="box", coordinates=[[x0, y0], [x1, y1]], unit="nm", frame=frame, label=name)
