"""Lines followed from state to state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.identification.matching import ObservedPeak

__all__ = ["Track", "follow"]


@dataclass
class Track:
    """One line: which peak it is in each state.

    Attributes
    ----------
    peaks : list of int or None
        Index of its peak in each state, None where it was not found.
    doubtful : list of bool
        Whether another peak, or another line, could as well have been meant there.
    """

    peaks: list[int | None] = field(default_factory=list)
    doubtful: list[bool] = field(default_factory=list)

    @property
    def states(self) -> list[int]:
        """Where it was found."""
        return [i for i, peak in enumerate(self.peaks) if peak is not None]


@dataclass
class _Course:
    """Where a line was seen last and the time before: x, q and std of q."""

    x: float
    q: float
    std: float
    slope: float = 0.0

    def seen(self, x: float, q: float, std: float) -> _Course:
        return _Course(x, q, std, (q - self.q) / (x - self.x) if x != self.x else 0.0)

    def expected(self, x: float) -> float:
        return self.q + self.slope * (x - self.x)


def follow(
    states: Sequence[Sequence[ObservedPeak]],
    x: Sequence[float],
    gate: float = 0.01,
    k: float = 3.0,
) -> list[Track]:
    """Assign the peaks of each state to the lines of the states before, at the least total way.

    Parameters
    ----------
    states : sequence of sequence of ObservedPeak
        In order.
    x : sequence of float
        Where each state is along the series; a line is expected to go on as it went.
    gate : float
        Farthest relative change of q from where a line was last seen.
    k : float
        The gate is never narrower than so many standard deviations of both positions.

    Returns
    -------
    list of Track
        By the q at which they were first seen.  A line that is not found stays where it was, and
        may be found again.
    """
    from scipy.optimize import linear_sum_assignment

    tracks: list[Track] = []
    last: list[_Course] = []
    for number, peaks in enumerate(states):
        taken: dict[int, int] = {}
        ways, gates = _ways(last, peaks, x[number], gate, k)
        if ways.size:
            # a pair beyond its gate costs more than leaving every line without a peak
            cost = np.where(np.isfinite(ways), ways / gates, 1e3)
            rows, columns = linear_sum_assignment(cost)
            taken = {
                int(c): int(r)
                for r, c in zip(rows, columns, strict=True)
                if np.isfinite(ways[r, c])
            }
        meant = {row: column for column, row in taken.items()}
        for row, track in enumerate(tracks):
            found = meant.get(row)
            track.peaks.append(found)
            track.doubtful.append(found is not None and _doubtful(ways, gates, row, found))
        for column, peak in enumerate(peaks):
            if column in taken:
                row = taken[column]
                last[row] = last[row].seen(x[number], peak.q, peak.std)
            else:
                before: list[int | None] = [None] * number
                tracks.append(Track([*before, column], [False] * (number + 1)))
                last.append(_Course(x[number], peak.q, peak.std))
    first = [states[t.states[0]][t.peaks[t.states[0]] or 0].q for t in tracks]
    return [tracks[i] for i in np.argsort(first, kind="stable")]


def _ways(
    last: Sequence[_Course], peaks: Sequence[ObservedPeak], x: float, gate: float, k: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Way of each line to each peak from where it is expected; infinite beyond the gate."""
    ways = np.full((len(last), len(peaks)), np.inf)
    gates = np.ones_like(ways)
    for i, course in enumerate(last):
        for j, peak in enumerate(peaks):
            gates[i, j] = max(gate * course.q, k * math.hypot(course.std, peak.std))
            if abs(peak.q - course.q) <= gates[i, j]:
                ways[i, j] = abs(peak.q - course.expected(x))
    return ways, gates


def _doubtful(ways: NDArray[np.float64], gates: NDArray[np.float64], row: int, column: int) -> bool:
    """Whether another peak or line lies within the gate and not twice as far."""
    mine = ways[row, column]
    within = np.isfinite(ways)
    beside = np.append(
        ways[row][within[row] & (np.arange(ways.shape[1]) != column)],
        ways[:, column][within[:, column] & (np.arange(ways.shape[0]) != row)],
    )
    return bool(np.any(beside < 2 * mine + 0.1 * gates[row, column]))
