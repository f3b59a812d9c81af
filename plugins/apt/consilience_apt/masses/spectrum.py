"""Mass spectrum and counts of ranges in one pass over the ions.

One multiplication, one conversion and one count an ion.  Range counts are exact, not those of
bins: only ions that fall into a bin with an edge in it are compared with that edge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from consilience.errors import BadInputError
from consilience.progress import Progress, no_progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_apt.files.stream import IonSource
    from consilience_apt.ranges import RangeTable

__all__ = ["MassSpectrum", "measure_spectrum"]

MOST_BINS = 4_000_000
Spacing = Literal["linear", "log"]


@dataclass(frozen=True)
class MassSpectrum:
    """Counts over mass-to-charge ratio.

    Parameters
    ----------
    edges : array of float64, shape (n + 1,)
        Da; a bin holds ``edge ≤ m/z < next edge``.
    counts : array of int64, shape (n,)
    spacing : {"linear", "log"}
        Of the edges.
    below, above, not_finite : int
        Ions outside the edges, and those without a number.
    table : RangeTable or None
        Ranges that were counted.
    ranged : array of int64, shape (ranges,), or None
        Ions in each range of `table`, exact.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    spacing: Spacing = "linear"
    below: int = 0
    above: int = 0
    not_finite: int = 0
    table: RangeTable | None = None
    ranged: NDArray[np.int64] | None = None

    @property
    def ions(self) -> int:
        """All ions, inside the edges or not."""
        return int(self.counts.sum()) + self.below + self.above + self.not_finite

    @cached_property
    def centres(self) -> NDArray[np.float64]:
        """Middle of each bin in Da."""
        return np.asarray((self.edges[:-1] + self.edges[1:]) / 2)

    @cached_property
    def _cumulative(self) -> NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(self.counts)])

    def _nearest(self, mass: float) -> int:
        after = int(np.searchsorted(self.edges, mass))
        if after == 0:
            return 0
        if after == self.edges.size or mass - self.edges[after - 1] <= self.edges[after] - mass:
            return after - 1
        return after

    def bins(self, low: float, high: float) -> slice:
        """Return the bins whose edges are nearest to `low` and `high`; at least one."""
        first, last = (self._nearest(edge) for edge in (low, high))
        first = min(first, self.counts.size - 1)
        return slice(first, max(last, first + 1))

    def window(self, low: float, high: float) -> tuple[int, float, float]:
        """Return the counts of `bins`, and the edges they really have (Da)."""
        part = self.bins(low, high)
        counts = int(self._cumulative[part.stop] - self._cumulative[part.start])
        return counts, float(self.edges[part.start]), float(self.edges[part.stop])

    def counts_below(self, mass: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return ions below a mass (Da), with a bin's ions spread evenly over it."""
        return np.asarray(np.interp(mass, self.edges, self._cumulative.astype(float)))

    def rebinned(self, factor: int) -> MassSpectrum:
        """Return the spectrum with `factor` bins in one; bins left over at the end are dropped.

        Raises
        ------
        BadInputError
            `factor` is no number of bins.
        """
        if not 1 <= factor <= self.counts.size:
            raise BadInputError(
                f"{factor} bins in one, of {self.counts.size}", fix="give 1 or more, not all"
            )
        whole = self.counts.size // factor
        kept = self.counts[: whole * factor].reshape(whole, factor).sum(axis=1)
        return MassSpectrum(
            self.edges[: whole * factor + 1 : factor],
            kept,
            self.spacing,
            self.below,
            self.above + int(self.counts[whole * factor :].sum()),
            self.not_finite,
            self.table,
            self.ranged,
        )


def measure_spectrum(
    source: IonSource,
    table: RangeTable | None = None,
    *,
    width: float = 0.01,
    low: float | None = None,
    high: float = 300.0,
    spacing: Spacing = "linear",
    start: int = 0,
    stop: int | None = None,
    progress: Progress = no_progress,
) -> MassSpectrum:
    """Count ions over mass, and in ranges, in one pass.

    Parameters
    ----------
    source : IonSource
    table : RangeTable, optional
        Ranges to count exactly, wherever they are.
    width : float
        Width of a bin in Da; with ``spacing="log"`` the ratio of neighbouring edges minus one.
    low, high : float
        First and last edge in Da; 0 to 300, or from 0.5 with logarithmic bins.
    spacing : {"linear", "log"}
        Of the edges.
    start, stop : int
        Which ions.
    progress : callable
        ``progress(done, total, what)``, also the place where it can be interrupted.

    Returns
    -------
    MassSpectrum

    Raises
    ------
    BadInputError
        Edges that make no bins, or more than 4 million; no ion at all.
    """
    first = (0.0 if spacing == "linear" else 0.5) if low is None else low
    counter = _Counter(first, high, width, spacing, table)
    end = source.ions if stop is None else min(stop, source.ions)
    if end <= start:
        raise BadInputError("there are no ions to count", fix="give a measurement with ions")
    done = 0
    for number, columns in source.blocks(("mass_to_charge",), start, end):
        mass = columns["mass_to_charge"]
        counter.add(mass)
        if number >= done:
            progress(number + mass.size - start, end - start, "counting ions over mass")
            done = number + (1 << 20)
    return counter.result()


class _Counter:
    """One pass, with its buffers."""

    def __init__(
        self, low: float, high: float, width: float, spacing: Spacing, table: RangeTable | None
    ) -> None:
        good = all(map(math.isfinite, (low, high, width))) and width > 0 and high > low
        if not good or (spacing == "log" and low <= 0):
            raise BadInputError(
                f"no {spacing} bins of {width:g} from {low:g} to {high:g} Da",
                fix="give a positive width and edges that increase, logarithmic ones from above 0",
            )
        self.spacing: Spacing = spacing
        if spacing == "linear":
            # the grid starts at a whole number of widths and covers all ranges; cut afterwards
            self.scale = _reciprocal(width)
            number = math.ceil(round((high - low) * self.scale, 6))
        else:
            self.scale = 1 / math.log1p(width)
            number = math.ceil(round(math.log(high / low) * self.scale, 6))
        if number > MOST_BINS:
            raise BadInputError(f"{number} bins are too many", fix="take wider ones")
        self.low, self.number = low, number
        steps = np.arange(number + 1)
        self.edges = (
            low + steps / self.scale if spacing == "linear" else low * np.exp(steps / self.scale)
        )
        self.table = table
        self.counts = np.zeros(number, np.int64)
        self.outside = np.zeros(3, np.int64)
        self.ranged = None if table is None else np.zeros(len(table) + 1, np.int64)
        self._by_bins = table is not None and spacing == "linear" and self._mark_edges(table)
        self._size = 0

    def _mark_edges(self, table: RangeTable) -> bool:
        """Note which bins hold an edge; False if some range reaches beyond the bins."""
        near = table.edges.astype(np.float32)
        # m ≥ e for a float32 m and a float64 e: compare with the smallest float32 not below e
        up = np.where(near < table.edges, np.nextafter(near, np.float32(np.inf)), near)
        self._cuts: NDArray[np.float32] = np.unique(up.astype(np.float32))
        places = (self._cuts.astype(np.float64) - self.low) * self.scale
        if places[0] < 0 or places[-1] >= self.number:
            return False
        self._cells = places.astype(np.intp)
        self._marked = np.zeros(self.number, bool)
        self._marked[self._cells] = True
        self._before = np.zeros(self._cuts.size, np.int64)
        self._up = np.searchsorted(self._cuts, up.astype(np.float32))
        return True

    def _buffers(self, size: int) -> None:
        if size > self._size:
            self._place = np.empty(size, np.float64)
            self._index = np.empty(size, np.intp)
            self._hit = np.empty(size, bool)
            self._size = size

    def add(self, mass: NDArray[np.float32]) -> None:
        """Count one block."""
        self._buffers(mass.size)
        place = self._place[: mass.size]
        if self.spacing == "linear":
            if self.low:
                np.subtract(mass, self.low, out=place, dtype=np.float64)
                np.multiply(place, self.scale, out=place)
            else:
                np.multiply(mass, self.scale, out=place, dtype=np.float64)
        else:
            with np.errstate(invalid="ignore", divide="ignore"):
                np.divide(mass, self.low, out=place, dtype=np.float64)
                np.log(place, out=place)
            place *= self.scale
        if not self._by_bins and self.table is not None and self.ranged is not None:
            self.ranged += np.bincount(self.table.labels(mass), minlength=self.ranged.size)
        # NaN makes both comparisons false
        if not (place.min(initial=0.0) >= 0.0 and place.max(initial=0.0) < self.number):
            finite = np.isfinite(mass)
            low = finite & ~(place >= 0.0)
            high = finite & (place >= self.number)
            self.outside += (low.sum(), high.sum(), mass.size - finite.sum())
            kept = finite & ~low & ~high
            mass, place = mass[kept], place[kept]
        index = self._index[: mass.size]
        np.copyto(index, place, casting="unsafe")
        self.counts += np.bincount(index, minlength=self.number)
        if self._by_bins:
            hit = self._hit[: mass.size]
            np.take(self._marked, index, out=hit, mode="clip")
            near = np.flatnonzero(hit)
            if near.size:
                self._at_edges(mass[near], index[near])

    def _at_edges(self, mass: NDArray[np.float32], index: NDArray[np.intp]) -> None:
        """Count, for each edge, the ions of its bin that lie before it."""
        order = np.sort(mass)
        sorted_index = np.sort(index)  # the same order: the index never falls with the mass
        before = np.searchsorted(order, self._cuts, side="left")
        self._before += before - np.searchsorted(sorted_index, self._cells, side="left")

    def result(self) -> MassSpectrum:
        """Return the spectrum."""
        ranged: NDArray[np.int64] | None = None
        if self._by_bins:
            total = np.concatenate([[0], np.cumsum(self.counts)])
            below: Any = total[self._cells] + self._before
            ranged = below[self._up[:, 1]] - below[self._up[:, 0]]
        elif self.ranged is not None:
            ranged = self.ranged[1:]
        below_, above, bad = (int(number) for number in self.outside)
        return MassSpectrum(
            self.edges, self.counts, self.spacing, below_, above, bad, self.table, ranged
        )


def _reciprocal(width: float) -> float:
    """1/width, as a whole number where that is meant: 0.01 Da gives 100 exactly."""
    near = round(1 / width)
    return float(near) if near and abs(near * width - 1) < 1e-12 else 1 / width
