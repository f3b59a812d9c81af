"""Which edge of an element to use, and its windows; what else may lie there."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consilience_eels.spectra import LossAxis

__all__ = ["EdgePlan", "Onsets", "neighbours", "plan_edges"]

Onsets = Mapping[str, float]
"""Edge, such as ``"O_K"``, to its onset in eV; one element's."""

SHELLS = ("K", "L3", "L23", "M5", "M45", "M4", "M3", "M23", "M2", "N5", "N45")
"""What a family of edges begins with, in the order in which they are preferred."""
GAP = 0.02
"""Between the window of the background and a tabulated onset, in parts of the onset, 2 to 12 eV.

Axes are off by some electron volts, edges shift with bonding, and one that begins in the window
of its background hides itself.
"""
NARROWEST = 10.0
"""eV of a window that says something."""
DELTA = 50.0
"""eV of the window of an edge, if nothing stands in its way."""
WIDTH = 0.15
"""Of the background's window, in parts of the onset; at least `LEAST_WIDTH`."""
LEAST_WIDTH = 20.0
AFTER = 30.0
"""eV after an onset until which its fine structure forbids a power law."""
NEAR, NEAR_CORE = 8.0, 15.0
"""eV within which an onset may be taken for another, below 150 eV and from there on."""


@dataclass(frozen=True)
class EdgePlan:
    """One element's edge with its windows in eV, or `reason` why there is none to use."""

    element: str
    edge: str | None
    onset: float | None
    before: tuple[float, float] | None
    inside: tuple[float, float] | None
    reason: str | None = None


def plan_edges(
    elements: Sequence[str],
    tables: Mapping[str, Onsets],
    axis: LossAxis,
    given: Mapping[str, tuple[float, float, float, float]] | None = None,
    lowest: float = 0.0,
) -> list[EdgePlan]:
    """Return a plan for each element.

    Parameters
    ----------
    elements : sequence of str
        What is asked for.
    tables : mapping
        Element to its major edges.
    axis : LossAxis
    given : mapping, optional
        Edge to the ends of the background's window and of its own, eV, to be used as they are.
    lowest : float
        eV below which no background can be a power law: the zero loss, or the plasmons.
    """
    given = given or {}
    known = {e: tables.get(e, {}) for e in elements}
    every = {edge: onset for table in known.values() for edge, onset in table.items()}
    return [_plan(e, known[e], every, axis, given, lowest) for e in elements]


def _plan(
    element: str,
    table: Onsets,
    every: Onsets,
    axis: LossAxis,
    given: Mapping[str, tuple[float, float, float, float]],
    lowest: float,
) -> EdgePlan:
    for edge, four in given.items():
        if edge.partition("_")[0] == element:
            return EdgePlan(element, edge, table.get(edge), four[:2], four[2:])
    if not table:
        return EdgePlan(element, None, None, None, None, "exSpy lists no major edge of it")
    ordered = sorted(
        (e for e in table if e.partition("_")[2] in SHELLS),
        key=lambda e: SHELLS.index(e.partition("_")[2]),
    )
    said = []
    for edge in ordered:
        plan = _windows(element, edge, table[edge], every, axis, lowest)
        if plan.reason is None:
            return plan
        said.append(f"{edge} at {table[edge]:g} eV: {plan.reason}")
    return EdgePlan(element, None, None, None, None, "; ".join(said) or "no edge heads a family")


def _windows(
    element: str, edge: str, onset: float, every: Onsets, axis: LossAxis, lowest: float
) -> EdgePlan:
    def no(reason: str) -> EdgePlan:
        return EdgePlan(element, edge, onset, None, None, reason)

    if not axis.low < onset < axis.high:
        return no(f"outside the axis, {axis.low:g} to {axis.high:g} eV")
    gap = min(max(2.0, GAP * onset), 12.0)
    near = _near(onset)
    others = [e for name, e in every.items() if name.partition("_")[0] != element]
    # one that begins just before hides in the same edge: the window ends before both
    first = min([onset, *(e for e in others if 0 <= onset - e <= near)])
    high = first - gap
    low = max(axis.low, lowest, high - max(LEAST_WIDTH, WIDTH * onset))
    earlier = [e for e in others if low - AFTER < e <= high]
    if earlier:
        low = max(low, max(earlier) + AFTER)
    if high - low < max(NARROWEST, 8 * axis.step):
        return no(
            f"only {max(0.0, high - low):.3g} eV before it for a background"
            + (f", after the edge at {max(earlier):g} eV" if earlier else "")
        )
    end = min(onset + DELTA, axis.high)
    later = [e for e in others if onset + near < e < end + gap]
    if later:
        end = min(later) - gap
    if end - onset < max(NARROWEST, 4 * axis.step):
        return no(
            f"only {max(0.0, end - onset):.3g} eV of it"
            + (f", before the edge at {min(later):g} eV" if later else ", before the axis ends")
        )
    return EdgePlan(element, edge, onset, (low, high), (onset, end))


def _near(onset: float) -> float:
    return NEAR_CORE if onset >= 150.0 else NEAR


def neighbours(plan: EdgePlan, tables: Mapping[str, Onsets]) -> list[tuple[str, str, float, str]]:
    """Return other elements whose edges begin in the windows of an edge.

    Returns
    -------
    list of (element, edge, onset, where)
        `where` is "at the onset" within `NEAR` or `NEAR_CORE` of it, else "in its window" or
        "before it".
    """
    if plan.onset is None or plan.before is None or plan.inside is None:
        return []
    found = []
    for element, table in tables.items():
        for edge, onset in table.items():
            if element == plan.element:
                continue
            if abs(onset - plan.onset) <= _near(plan.onset):
                found.append((element, edge, onset, "at the onset"))
            elif plan.inside[0] < onset < plan.inside[1]:
                found.append((element, edge, onset, "in its window"))
            elif plan.before[0] < onset <= plan.before[1]:
                found.append((element, edge, onset, "before it"))
    return sorted(found, key=lambda one: abs(one[2] - float(plan.onset or 0.0)))
