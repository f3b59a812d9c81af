"""Edges that do not begin where they are tabulated: what that is worth, and that it is said."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_eels.edges.intensity import edge_counts
from consilience_eels.edges.onset import seen_onset
from consilience_eels.findings.edges_measured import MeasuredEdge, MeasuredEdges

__all__ = ["OFF", "by_onsets", "offset_of", "said_of_offsets"]

OFF = 5.0
"""eV: bonds move an edge by less, so that more is the axis, or another edge."""
STRONG = 5.0
"""Times the critical level from which an edge is strong enough to show where it begins."""


def offset_of(edge: MeasuredEdge, measured: MeasuredEdges) -> float | None:
    """Return seen less tabulated onset in eV; None of an edge too weak to show it."""
    if edge.plan.onset is None or not edge.net > STRONG * float(edge.total.critical()[0]):
        return None
    found = seen_onset(measured.axis, measured.spectrum, edge.plan.onset)
    return None if found is None else found - edge.plan.onset


def by_onsets(
    chosen: Sequence[MeasuredEdge], measured: MeasuredEdges, values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the covariance of fractions by windows that stand off where edges begin.

    Both windows of each edge are moved to where it is seen to begin; the change of the fractions
    counts as one standard deviation.

    Parameters
    ----------
    chosen : sequence of MeasuredEdge
    measured : MeasuredEdges
    values : ndarray, shape (k,)
        Fractions.
    """
    change = np.zeros(len(chosen))
    for i, edge in enumerate(chosen):
        by = offset_of(edge, measured)
        if by is None:
            continue
        before, inside = ((low + by, high + by) for low, high in (edge.before, edge.inside))
        try:
            moved = edge_counts(measured.axis, measured.spectrum[None], before, inside)
        except BadInputError:  # the axis ends there: the next best is what fits on it
            continue
        net = float(moved.net[0])
        change[i] = np.log(net / edge.net) if net > 0 else -1.0
    away = values * (change - values @ change)
    return np.outer(away, away)


def said_of_offsets(edges: Sequence[MeasuredEdge], measured: MeasuredEdges) -> str | None:
    """Return that edges begin elsewhere than tabulated, or None."""
    found = {e.edge: offset_of(e, measured) for e in edges}
    far = {edge: by for edge, by in found.items() if by is not None and abs(by) > OFF}
    if not far:
        return None
    words = ", ".join(f"{edge} by {by:+.1f} eV" for edge, by in found.items() if by is not None)
    return (
        f"edges begin elsewhere than tabulated: {words}; bonds move them by less than {OFF:g} eV, "
        "so the energy axis is off, or the edge is another element's"
    )
