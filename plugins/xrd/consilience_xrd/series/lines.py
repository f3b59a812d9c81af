"""A line over the states as numbers: where it was, what it may be, and whether it moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consilience_xrd.series.cells import relative_change
from consilience_xrd.series.change import constant, trend

if TYPE_CHECKING:
    from consilience_xrd.identification.matching import ObservedPeak, Pairing
    from consilience_xrd.series.change import Trend
    from consilience_xrd.series.states import StateAxis
    from consilience_xrd.series.tracks import Track

__all__ = ["LineSeries", "candidates_of", "line_series"]


@dataclass(frozen=True)
class LineSeries:
    """One followed line.

    Attributes
    ----------
    peaks : tuple of ObservedPeak or None
        In each state.
    candidates : tuple of tuple of str
        Lines within the tolerance of each state's peak, as "LiPt 001", nearest first.
    doubtful : tuple of bool
    places : tuple of float
        Of `seen` [1/angstrom], less the common shift of each state where one is used.
    spacing_change, spacing_change_std : float, float or None
        d(last)/d(first) − 1 from `places`, with the fits' errors only.
    chi2 : (float, int) or None
        Of one place in all states, with the fits' errors only.
    trend : Trend or None
    """

    peaks: tuple[ObservedPeak | None, ...]
    candidates: tuple[tuple[str, ...], ...]
    doubtful: tuple[bool, ...]
    places: tuple[float, ...]
    spacing_change: float
    spacing_change_std: float | None
    chi2: tuple[float, int] | None
    trend: Trend | None

    @property
    def states(self) -> list[int]:
        """Where it was found."""
        return [i for i, peak in enumerate(self.peaks) if peak is not None]

    @property
    def seen(self) -> list[ObservedPeak]:
        """Its peaks, in order."""
        return [peak for peak in self.peaks if peak is not None]

    @property
    def lost(self) -> list[str]:
        """Lines that it may have been at first and may not be at last."""
        first, last = (self.candidates[self.states[i]] for i in (0, -1))
        return [name for name in first if name not in last]

    @property
    def others(self) -> list[str]:
        """Lines of other phases that its last peak may be, beside what it most likely is at first.

        Such a line may have come while the first one went.
        """
        first, last = (self.candidates[self.states[i]] for i in (0, -1))
        phase = first[0].rpartition(" ")[0] if first else ""
        return [name for name in last if name.rpartition(" ")[0] != phase]


def candidates_of(pairing: Pairing, index: int) -> tuple[str, ...]:
    """Return the lines that peak `index` may be, nearest first."""
    labels = {r.phase.key: r.phase.label for r in pairing.references}
    found = [c for c in pairing.peaks[index].candidates if c.within]
    return tuple(dict.fromkeys(f"{labels[c.phase]} {c.line.label}" for c in found))


def line_series(
    track: Track,
    axis: StateAxis,
    peaks: Sequence[Sequence[ObservedPeak]],
    pairings: Sequence[Pairing],
) -> LineSeries:
    """Return the numbers of a track."""
    mine: list[ObservedPeak | None] = []
    names: list[tuple[str, ...]] = []
    for state, index in enumerate(track.peaks):
        mine.append(None if index is None else peaks[state][index])
        names.append(() if index is None else candidates_of(pairings[state], index))
    seen = [(axis.values[i], p) for i, p in enumerate(mine) if p is not None]
    first, last = seen[0][1], seen[-1][1]
    # a zero or a height that differs from state to state is no strain
    places = [pairings[i].less_shift(p.q) for i, p in enumerate(mine) if p is not None]
    # d is 1/q: its relative change is that of q the other way round
    change, std = relative_change(places[-1], last.fit_std, places[0], first.fit_std)
    return LineSeries(
        tuple(mine),
        tuple(names),
        tuple(track.doubtful),
        tuple(places),
        change,
        std,
        constant(places, [p.fit_std for _, p in seen]),
        trend([x for x, _ in seen], places, [p.fit_std for _, p in seen]) if axis.numeric else None,
    )
