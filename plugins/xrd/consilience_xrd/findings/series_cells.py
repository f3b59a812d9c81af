"""Findings of a series: lengths of the cells of phases, state by state, and their change."""

from __future__ import annotations

import math
from collections.abc import Sequence

from consilience.errors import BadInputError
from consilience.model.finding import FindingDraft, Rival, Subject
from consilience_xrd.findings.one_state import OneState
from consilience_xrd.findings.series_drafts import (
    ANOTHER_COMPOSITION,
    FITS_ONLY,
    READING,
    other_lines,
    place_std,
)
from consilience_xrd.identification.phaseid import PhaseResult
from consilience_xrd.references.phases import PhaseCell
from consilience_xrd.series.cells import cell_lengths, relative_change
from consilience_xrd.series.lines import LineSeries
from consilience_xrd.series.states import StateAxis

__all__ = ["cell_drafts", "followed_drafts"]

Length = tuple[float, float | None, float | None]
"""Value, statistical and systematic standard deviation [angstrom]."""

BAD = {"unresolved", "at_edge", "broad"}


def cell_drafts(axis: StateAxis, states: Sequence[OneState]) -> list[FindingDraft]:
    """Return the cell lengths of phases that are present in two states or more."""
    out: list[FindingDraft] = []
    phases = {r.phase.key: r.phase for s in states for r in s.pairing.references}
    for key, phase in phases.items():
        found: dict[str, dict[int, Length]] = {}
        lines: dict[int, list[str]] = {}
        for i, state in enumerate(states):
            result = next((r for r in state.results if r.phase == key), None)
            if result is None or result.status != "present":
                continue
            lengths, used = _lengths(state, result, phase)
            lines[i] = used
            for name, length in lengths.items():
                found.setdefault(name, {})[i] = length
        for name, by_state in found.items():
            if len(by_state) > 1:
                label = f"{name} of {phase.label}"
                out += _drafts(axis, states, name, label, by_state, lines, [], [])
    return out


def followed_drafts(
    wanted: Sequence[str],
    gate: float,
    axis: StateAxis,
    states: Sequence[OneState],
    lines: Sequence[LineSeries],
) -> list[FindingDraft]:
    """Return the cell lengths that follow if a moving line keeps its label, as asked.

    Raises
    ------
    BadInputError
        A phase or line that is not among the references.
    """
    out: list[FindingDraft] = []
    for text in wanted:
        phase, hkl, q = _asked(text, states)
        near = [s for s in lines if abs(s.seen[0].q - q) <= gate * q]
        if not near:
            continue
        line = min(near, key=lambda s: abs(s.seen[0].q - q))
        by_state: dict[int, Length] = {}
        name = ""
        absent: list[str] = []
        for i in line.states:
            peak = line.peaks[i]
            if peak is None:
                continue
            said = next((r for r in states[i].results if r.phase == phase.key), None)
            if said is not None and said.status == "absent_below_limit":
                absent.append(axis.labels[i])
                continue
            q_here = states[i].pairing.less_shift(peak.q)
            got = cell_lengths(phase.space_group, [hkl], [q_here], [peak.fit_std])
            if len(got) != 1:
                continue
            place = place_std(states[i], peak.q, peak.profile_std)
            sys = None if place is None else got[0].value * place / peak.q
            name, by_state[i] = got[0].name, (got[0].value, got[0].std, sys)
        if len(by_state) < 2:
            continue
        keeps = f"the line is taken as {text} in every state, because that was asked for"
        if absent:
            keeps += f", but for those in which {phase.label} is absent: {', '.join(absent)}"
        at = line.states[-1]
        if text not in line.candidates[at]:
            keeps += (
                f"; at {axis.labels[at]} its place, {line.seen[-1].q:.3f} Å⁻¹, is beyond the "
                f"tolerance of {text} ({q:.4f} Å⁻¹)"
            )
        used = {i: [text] for i in by_state}
        label = f"{name} of {phase.label}, {text.rpartition(' ')[2]} followed"
        out += _drafts(axis, states, name, label, by_state, used, [keeps], other_lines(line))
    return out


def _asked(text: str, states: Sequence[OneState]) -> tuple[PhaseCell, tuple[int, ...], float]:
    label, _, indices = text.rpartition(" ")
    known: dict[str, list[str]] = {}
    for state in states:
        for reference in state.pairing.references:
            if label not in (reference.phase.label, reference.phase.key):
                continue
            for line in reference.lines:
                if line.label == indices:
                    return reference.phase, line.hkl, line.q
            known[label] = [line.label for line in reference.lines]
    raise BadInputError(
        f"follow: no line {text!r} among the references",
        fix=f"lines of {label} in range: {', '.join(known[label])}"
        if label in known
        else "write the phase as it is called in the report and the indices, as in 'LiPt 001'",
    )


def _lengths(
    state: OneState, result: PhaseResult, phase: PhaseCell
) -> tuple[dict[str, Length], list[str]]:
    hkl, q, fit, place, used = [], [], [], [], []
    for line in result.lines:
        if line.state != "found" or line.peak is None:
            continue
        peak = state.pairing.peaks[line.peak].peak
        if BAD & set(peak.flags):
            continue
        hkl.append(line.line.hkl)
        q.append(state.pairing.less_shift(peak.q))
        fit.append(peak.fit_std)
        place.append(place_std(state, peak.q, peak.profile_std))
        used.append(f"{phase.label} {line.line.label}")
    got = cell_lengths(phase.space_group, hkl, q, fit)
    out: dict[str, Length] = {}
    for one in got:
        sys = None
        if all(p is not None for p in place):
            # a common shift moves all lines one way, so the parts do not average down
            moved = cell_lengths(
                phase.space_group, hkl, [a + (p or 0) for a, p in zip(q, place, strict=True)], fit
            )
            sys = next(abs(m.value - one.value) for m in moved if m.name == one.name)
        out[one.name] = (one.value, one.std, sys)
    return out, used


def _drafts(
    axis: StateAxis,
    states: Sequence[OneState],
    name: str,
    label: str,
    by_state: dict[int, Length],
    lines: dict[int, list[str]],
    assumptions: list[str],
    rivals: list[Rival],
) -> list[FindingDraft]:
    subject = Subject(label=label)
    out = [
        FindingDraft(
            kind="cell_length",
            subject=subject,
            state=states[i].measurement.record.state,
            value=value,
            unit="angstrom",
            std_stat=stat,
            std_sys=sys,
            rivals=rivals,
            evidence={"lines": list(lines[i]), "state": axis.labels[i]},
            assumptions=[FITS_ONLY, *assumptions],
            method=f"weighted least squares of 1/d² for {name}, less the common shift",
            measurements=[states[i].measurement.id],
        )
        for i, (value, stat, sys) in by_state.items()
    ]
    first, last = min(by_state), max(by_state)
    change, stat = relative_change(
        by_state[first][0], by_state[first][1], by_state[last][0], by_state[last][1]
    )
    parts = [by_state[i][2] for i in (first, last)]
    sys = None
    if parts[0] is not None and parts[1] is not None:
        sys = math.hypot(parts[0] / by_state[first][0], parts[1] / by_state[last][0])
    ends = f"{axis.labels[first]} to {axis.labels[last]}"
    out.append(
        FindingDraft(
            kind="strain",
            subject=subject,
            value=change,
            unit="1",
            std_stat=stat,
            std_sys=sys,
            array="series",
            rivals=[ANOTHER_COMPOSITION, *rivals],
            evidence={
                "from": by_state[first][0],
                "to": by_state[last][0],
                "unit": "angstrom",
                "states": [axis.labels[i] for i in by_state],
                "lengths": [by_state[i][0] for i in by_state],
                "lengths_std": [by_state[i][1] for i in by_state],
                "sentence": f"{label} from {by_state[first][0]:.3f} to "
                f"{by_state[last][0]:.3f} Å ({change:+.2%}), {ends}",
            },
            assumptions=[
                f"relative change of {name} from {ends}; {READING}",
                FITS_ONLY,
                *assumptions,
            ],
            method=f"{name}(last)/{name}(first) − 1",
            measurements=[states[i].measurement.id for i in by_state],
        )
    )
    return out
