"""Elements put into words: present, absent below a limit, not observable, or not settled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from consilience.model.finding import Covariance, FindingDraft, Rival, Subject
from consilience_xrf.fitting.fitted_scale import Scale
from consilience_xrf.fitting.intervals import bounded_interval
from consilience_xrf.fitting.linear import ALPHA
from consilience_xrf.fitting.maps import MapFit
from consilience_xrf.fitting.search import FoundElement
from consilience_xrf.fitting.systematics import SystematicErrors
from consilience_xrf.lines.geometry import escape_lines

__all__ = ["Whole", "element_draft", "intensity_drafts", "unseen_draft"]

METHOD = (
    "weighted linear fit of line families, scatter, escape, pile-up and splines to the summed "
    "spectrum; Currie's limits, α = β = 0.05"
)
K = float(norm.isf(ALPHA))
INSEPARABLE = 0.95
"""Correlation from which the counts of two elements can be exchanged for each other."""
OVERLAP = 0.3
SCATTERED = 0.8
"""Of the energy where a spectrum ends: what may be the beam itself if its energy is unknown."""
STRONG = 0.05
"""Share of a family from which a line is a strong one."""
SINGLE_K = 10.0
"""Standard deviations from which a K family with one group of lines (light elements, whose α and
β are not told apart) is taken for what it looks like."""


@dataclass(frozen=True)
class Whole:
    """The fit of the summed spectrum with all errors.

    `spectra` is how many were summed; `named` what was asked for.
    """

    fit: MapFit
    errors: SystematicErrors
    scale: Scale
    spectra: int
    named: frozenset[str]

    def decision(self, i: int) -> tuple[float, float, float]:
        """Return counts, critical level and detection limit of a column, systematic errors in."""
        sys = float(self.errors.total[i])
        critical = float(self.fit.critical[i])
        limit = float(self.fit.limit[i])
        level = math.hypot(critical, K * sys)
        return float(self.fit.free[i]), level, level + math.hypot(limit - critical, K * sys)


def element_draft(found: FoundElement, whole: Whole) -> FindingDraft:
    """Return whether an element is there."""
    fit = whole.fit
    index = [fit.names.index(f.name) for f in found.families if f.name in fit.names]
    if not index:
        return unseen_draft(found.element, "its lines lie in the noise at the end of the axis")
    subject = Subject(element=found.element)
    # the family that would show it best
    best = max(index, key=lambda i: _significance(whole, i))
    net, critical, limit = whole.decision(best)
    rivals = [*_rivals(found), *_overlaps(whole, best)]
    evidence: dict[str, Any] = {
        "line": fit.names[best],
        "energy_keV": fit.design.families[best].main,
        "net_counts": net,
        "critical_counts": critical,
        "limit_counts": limit,
        "interval_counts": _interval(whole, best),
        "score_sigma": found.score,
        "named_beforehand": found.named,
        "lines_found": list(found.lines.found),
        "lines_missing": list(found.lines.missing),
        "chi_square": float(fit.chi2),
        "spectra": whole.spectra,
    }
    common: dict[str, Any] = {
        "kind": "element",
        "subject": subject,
        "rivals": rivals,
        "evidence": evidence,
        "assumptions": _assumptions(whole),
        "method": METHOD,
        "array": "fit",
    }
    twin = _twin(whole, best)
    if twin is not None and net <= critical:
        return FindingDraft(
            **common,
            status="not_observable",
            reason=f"{fit.names[best]} cannot be told from {twin}: their counts are exchanged "
            f"for each other (correlation {fit.correlation[best, fit.of(twin)]:.2f})",
        )
    if net < -critical and net < -3.0 * float(fit.std[best]):
        return FindingDraft(
            **common,
            status="not_observable",
            reason=f"the fit asks for {net:.4g} counts of {fit.names[best]}, which is less than "
            "nothing: background or lines of others are wrong there",
        )
    if net <= critical and found.named:
        return FindingDraft(**common, status="absent_below_limit", limit=limit, unit="count")
    open_question = _unsettled(found, whole)
    if open_question:
        evidence["sentence"] = open_question
        return FindingDraft(**common)
    return FindingDraft(**common, status="present", limit=limit, unit="count")


def _interval(whole: Whole, i: int) -> list[float]:
    """Counts that 68.3 % of repeats would hold, none of them negative (Feldman and Cousins)."""
    std = np.array(math.hypot(float(whole.fit.std[i]), float(whole.errors.total[i])))
    low, high = bounded_interval(np.array(float(whole.fit.free[i])), std)
    return [float(low), float(high)]


def _significance(whole: Whole, i: int) -> float:
    net, critical, _ = whole.decision(i)
    return net / critical if critical > 0 else 0.0


def _unsettled(found: FoundElement, whole: Whole) -> str:
    """Say why counts do not make an element; empty if they do."""
    main = found.families[0]
    if found.named:
        lacks = ", ".join(found.lines.missing)
        if not lacks:
            return ""
        return f"counts are there as of {found.element} {main.shell}, but {lacks} is missing"
    peak = f"a peak at {main.main:.2f} keV is as {found.element} {main.shell} would have it"
    if whole.fit.design.geometry.incident_energy is None and main.main > SCATTERED * _end(whole):
        return (
            f"{peak}, but the energy of the beam is unknown, and photons that the sample scatters "
            "may lie there"
        )
    live = [r.element for r in found.rivals if r.live]
    if live:
        return f"{peak}, but {', '.join(live)} would explain it as well"
    others = whole.fit
    # softer families, which lie on those of other elements, do not speak for it alone
    if main.name not in others.names or _significance(whole, others.names.index(main.name)) <= 1:
        return f"{peak}, but no higher than ratios of lines, axis and background leave open"
    seen = sum(
        _significance(whole, others.names.index(f.name)) > 1.0
        for f in found.families
        if f.name in others.names
    )
    sure = len(found.lines.found) >= 2 or seen >= 2
    if not sure and not (main.shell == "K" and found.lines.score >= SINGLE_K):
        return f"{peak}, but it is the only one, which settles no element that nobody expected"
    if found.lines.missing:
        return f"{peak}, but {', '.join(found.lines.missing)} is missing"
    escaped = _escape_of_scatter(main.main, whole) if len(found.lines.found) < 2 else None
    if escaped is not None:
        return (
            f"{peak}, but scattered photons that lose a line of the detector lie there, at "
            f"{escaped:.2f} keV, and how many do is not well known"
        )
    beside = _unexplained_beside(found, whole) if main.shell != "K" else []
    if beside:
        said = ", ".join(f"{e:.2f} keV" for e in beside)
        return f"{peak}, but what lies beside its lines, at {said}, no element explains"
    return ""


def _escape_of_scatter(at: float, whole: Whole) -> float | None:
    """Energy of an escape peak of the elastic or Compton peak nearer than a line's width."""
    design = whole.fit.design
    geometry = design.geometry
    for energy in (geometry.incident_energy, geometry.compton_energy()):
        for place, _ in escape_lines(geometry.detector.material, energy) if energy else ():
            if abs(place - at) < design.response.fwhm(at):
                return place
    return None


def _unexplained_beside(found: FoundElement, whole: Whole) -> list[float]:
    """Peaks that nothing explains, nearer than two widths to a strong line of an element.

    Where one of several lines of a heavy element meets what is not understood, another heavy
    element may be what is there.
    """
    main = found.families[0]
    strong = main.energies[main.weights > STRONG]
    return [
        energy
        for energy, _ in whole.scale.search.unexplained
        if np.abs(strong - energy).min() < 2.0 * whole.fit.design.response.fwhm(energy)
    ]


def _end(whole: Whole) -> float:
    """Energy below which nearly all counts lie, keV."""
    below = np.cumsum(whole.fit.mean)
    return float(whole.fit.design.energy[np.searchsorted(below, 0.995 * below[-1])])


def _rivals(found: FoundElement) -> list[Rival]:
    main = found.families[0]
    return [
        Rival(
            subject=Subject(element=r.element),
            live=r.live,
            explains=[f"{r.share:.0%} of what {found.element} {main.shell} explains"],
            missing=list(r.missing),
            decided_by=[f"another family of {r.element}", f"another family of {found.element}"],
            note=f"{r.element} {r.shell} instead of {found.element} in the fit",
        )
        for r in found.rivals
    ]


def _overlaps(whole: Whole, i: int) -> list[Rival]:
    """Elements in the fit whose counts hang together with these."""
    fit = whole.fit
    own = fit.names[i].split("_")[0]
    made = []
    for j in range(fit.elements):
        both = float(fit.correlation[i, j])
        other = fit.names[j].split("_")[0]
        if other != own and both < -OVERLAP and float(fit.amounts[j]) > 0:
            made.append(
                Rival(
                    subject=Subject(element=other),
                    live=both < -INSEPARABLE,
                    explains=[f"counts of {fit.names[i]} (correlation {both:.2f})"],
                    decided_by=[f"another family of {other}"],
                    note="both are in the fit, and their errors are shared",
                )
            )
    return made


def _twin(whole: Whole, i: int) -> str | None:
    fit = whole.fit
    for j in range(fit.elements):
        if j != i and float(fit.correlation[i, j]) < -INSEPARABLE and float(fit.amounts[j]) > 0:
            return fit.names[j]
    return None


def intensity_drafts(found: FoundElement, whole: Whole, array: str) -> list[FindingDraft]:
    """Return the counts of each family of an element that is there."""
    made = []
    fit = whole.fit
    for family in found.families:
        if family.name not in fit.names:
            continue
        i = fit.names.index(family.name)
        if float(fit.free[i]) <= whole.decision(i)[1]:
            continue
        parts = {name: float(part[i]) for name, part in whole.errors.parts.items()}
        # others were held against the first family alone
        rivals = [*(_rivals(found) if family is found.families[0] else ()), *_overlaps(whole, i)]
        made.append(
            FindingDraft(
                kind="line_intensity",
                subject=Subject(element=found.element, label=family.name),
                value=float(fit.free[i]),
                unit="count",
                std_stat=float(fit.std[i]),
                std_sys=float(whole.errors.total[i]),
                covariance=Covariance(array="covariance", index=i),
                array=array,
                rivals=rivals,
                evidence={
                    "line": family.name,
                    "energy_keV": family.main,
                    "std_sys_parts": parts,
                    "limit_counts": whole.decision(i)[2],
                    "chi_square": float(fit.chi2),
                    "spectra": whole.spectra,
                },
                assumptions=_assumptions(whole),
                method=METHOD,
            )
        )
    return made


def unseen_draft(name: str, why: str) -> FindingDraft:
    """Return that an element that was asked for cannot be observed, and why."""
    element, _, shell = name.partition("_")
    return FindingDraft(
        kind="element",
        subject=Subject(element=element, label=f"{element} {shell}" if shell else element),
        status="not_observable",
        reason=why,
        method="lines that the beam excites and the axis holds",
    )


def _assumptions(whole: Whole) -> list[str]:
    scale = whole.scale
    geometry = scale.geometry
    said = []
    if geometry.incident_energy is None:
        said.append("the energy of the beam is unknown: every line counts as excited")
    if scale.calibration is None:
        said.append("the energy axis is that of the file")
    if not geometry.path:
        said.append("nothing between sample and detector changes the ratios of a family's lines")
    tail = whole.fit.design.response.tail
    if tail > 0:
        said.append(f"{tail:.1%} of each line, in its tail to low energies, is not in its counts")
    said.append("ratios of lines as tabulated: K to 3 %, L to 10 %, M to 20 %")
    return said
