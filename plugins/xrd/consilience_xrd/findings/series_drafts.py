"""Findings of a series: when phases came and went, and where lines moved."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.stats import chi2 as chi_square

from consilience.model.finding import FindingDraft, Rival, Subject
from consilience_xrd.findings.drafts import subject_of
from consilience_xrd.findings.one_state import OneState
from consilience_xrd.series.change import DESCRIBES
from consilience_xrd.series.lines import LineSeries
from consilience_xrd.series.states import StateAxis

__all__ = [
    "ANOTHER_COMPOSITION",
    "FITS_ONLY",
    "history_drafts",
    "line_drafts",
    "other_lines",
    "place_std",
]

METHOD = "peaks of each state assigned to the lines of the states before, at the least total way"
FITS_ONLY = "the statistical error is that of the fits"
ANOTHER_COMPOSITION = Rival(
    subject=Subject(label="another composition of the phase"),
    live=True,
    decided_by=["a composition of the same place, by EDX or atom probe"],
    note="within a homogeneity range the cell follows the composition without any strain",
)

READING = "that it is a strain is one reading of it"
MOST_RIVALS = 3
"""So many other lines are named as rivals of a change, nearest first."""

WORDS = {
    "present": "present",
    "absent_below_limit": "absent below its limit",
    "not_observable": "not observable",
    None: "not told",
}


def history_drafts(axis: StateAxis, states: Sequence[OneState]) -> list[FindingDraft]:
    """Return for each phase that is present in some state what is said of it in every state."""
    out = []
    phases = {r.phase.key: r.phase for s in states for r in s.pairing.references}
    for key, phase in phases.items():
        found = [next((r for r in s.results if r.phase == key), None) for s in states]
        status = [None if r is None else r.status for r in found]
        if "present" not in status:
            continue
        said = [WORDS.get(s, "not told") for s in status]
        out.append(
            FindingDraft(
                kind="phase_history",
                subject=subject_of(phase),
                array="series",
                evidence={
                    "along": axis.name,
                    "unit": axis.unit,
                    "states": list(axis.labels),
                    "values": list(axis.values),
                    "status": list(status),
                    "limit": [None if r is None else r.limit for r in found],
                    "reason": [None if r is None else r.reason or None for r in found],
                    "sentence": _history(axis, said),
                },
                method="phases of each state by themselves",
                measurements=[s.measurement.id for s in states],
            )
        )
    return out


def _history(axis: StateAxis, said: Sequence[str]) -> str:
    """Say runs of equal answers: "absent below its limit at cycle 1; present from cycle 10"."""
    parts: list[str] = []
    start = 0
    for i in range(1, len(said) + 1):
        if i < len(said) and said[i] == said[start]:
            continue
        place = axis.labels[start]
        if i - 1 > start:
            place = f"{place} to {axis.labels[i - 1]}"
        parts.append(f"{said[start]} at {place}")
        start = i
    return "; ".join(parts)


def line_drafts(
    axis: StateAxis, states: Sequence[OneState], lines: Sequence[LineSeries]
) -> list[FindingDraft]:
    """Return for each followed line its course, and the relative change of its spacing."""
    out: list[FindingDraft] = []
    for number, line in enumerate(lines):
        first, last = line.seen[0], line.seen[-1]
        subject = Subject(label=f"line at {first.q:.3f} Å⁻¹")
        ids = [states[i].measurement.id for i in line.states]
        shared = {
            "line": number,
            "states": [axis.labels[i] for i in line.states],
            "candidates": [list(line.candidates[i]) for i in line.states],
        }
        out.append(
            FindingDraft(
                kind="peak_series",
                subject=subject,
                array="series",
                evidence={**shared, **_course(axis, line), "sentence": _sentence(axis, line)},
                assumptions=_doubts(axis, line),
                method=METHOD,
                measurements=ids,
            )
        )
        names = (axis.labels[line.states[0]], axis.labels[line.states[-1]])
        ends = (states[line.states[0]], states[line.states[-1]])
        places = [
            place_std(s, p.q, p.profile_std) for s, p in zip(ends, (first, last), strict=True)
        ]
        sys = None
        if places[0] is not None and places[1] is not None:
            sys = math.hypot(places[0] / first.q, places[1] / last.q)
        out.append(
            FindingDraft(
                kind="strain",
                subject=subject,
                value=line.spacing_change,
                unit="1",
                std_stat=line.spacing_change_std,
                std_sys=sys,
                rivals=[ANOTHER_COMPOSITION, *other_lines(line)],
                evidence={**shared, "first_q": first.q, "last_q": last.q},
                assumptions=[
                    f"relative change of the spacing from {names[0]} to {names[1]}; {READING}",
                    FITS_ONLY + "; " + _systematic(sys),
                    *_doubts(axis, line),
                ],
                method=METHOD + "; q(first)/q(last) − 1, less the common shift of each state",
                measurements=ids,
            )
        )
    return out


def place_std(state: OneState, q: float, profile: float | None) -> float | None:
    """Systematic error of a place [1/angstrom]: common shift and profile; None where unknown."""
    shift = state.pairing.shift
    if shift.std is None:
        return None
    return math.hypot(state.pairing.shift_std(q), profile or 0.0)


def _systematic(sys: float | None) -> str:
    if sys is None:
        return (
            "the systematic error is not known, because the common shift of the lines is not "
            "known in both states"
        )
    return "the systematic error holds the common shift of the lines and the profile, both states"


def _course(axis: StateAxis, line: LineSeries) -> dict[str, object]:
    run = line.trend
    return {
        "along": axis.name,
        "q": [p.q for p in line.seen],
        "q_less_shift": list(line.places),
        "q_std": [p.fit_std for p in line.seen],
        "not_found": [axis.labels[i] for i, p in enumerate(line.peaks) if p is None],
        "chi2_of_one_place": None if line.chi2 is None else list(line.chi2),
        "p_of_one_place": None if line.chi2 is None else float(chi_square.sf(*line.chi2)),
        "slope": None if run is None else run.slope,
        "slope_std": None if run is None else run.slope_std,
        "slope_unit": f"1/angstrom per {axis.unit or axis.name}",
        "kendall_tau": None if run is None else run.tau,
        "kendall_p": None if run is None else run.p,
        "kendall_least_p": None if run is None else run.least_p,
        "kendall_note": DESCRIBES,
    }


def _sentence(axis: StateAxis, line: LineSeries) -> str:
    first, last = line.seen[0], line.seen[-1]
    error = "" if line.spacing_change_std is None else f" ± {line.spacing_change_std:.2%}"
    if any(abs(at - p.q) > 0 for at, p in zip(line.places, line.seen, strict=True)):
        error += ", common shifts of the states taken away"
    return (
        f"from {first.q:.3f} to {last.q:.3f} Å⁻¹ between {axis.labels[line.states[0]]} and "
        f"{axis.labels[line.states[-1]]}: the spacing changes by {line.spacing_change:+.2%}{error}"
    )


def _doubts(axis: StateAxis, line: LineSeries) -> list[str]:
    out = []
    unsure = [axis.labels[i] for i in line.states if line.doubtful[i]]
    if unsure:
        out.append(f"another peak could as well be this line at {', '.join(unsure)}")
    if line.lost:
        out.append(
            f"at first it may be {', '.join(line.lost)}, at last not any more within the tolerance"
        )
    return out


def other_lines(line: LineSeries) -> list[Rival]:
    """Return what may have come in the place of a line that is taken to have moved."""
    return [
        Rival(
            subject=Subject(label=name),
            live=True,
            explains=[f"the peak at {line.seen[-1].q:.3f} Å⁻¹"],
            decided_by=["other lines of both phases", "a technique that sees the elements"],
            note="another line that comes while the first one goes, instead of one that moves",
        )
        for name in line.others[:MOST_RIVALS]
    ]
