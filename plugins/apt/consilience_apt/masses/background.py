"""Background of a mass spectrum: constant in time of flight, or fitted beside peaks.

Ions that leave the needle between pulses arrive at any time.  As ``m/z`` grows with the square of
the time of flight t, what is constant in t has a density of ``1/(2√m)`` over mass [1]_.

References
----------
.. [1] B. Gault, M. P. Moody, J. M. Cairney, S. P. Ringer, Atom Probe Microscopy, Springer (2012),
   sec. 7.2; D. Haley, A. J. London, M. P. Moody, Microsc. Microanal. 26 (2020) 964.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_apt.masses.spectrum import MassSpectrum
    from consilience_apt.ranges import RangeTable

__all__ = [
    "RangeBackground",
    "falling_background",
    "flight_background",
    "local_background",
    "quiet_windows",
    "with_model_spread",
]


@dataclass(frozen=True)
class RangeBackground:
    """Background expected in some intervals.

    Parameters
    ----------
    expected : array of shape (n,)
        Counts in each interval.
    covariance : array of shape (n, n)
        From the counts that the background was estimated from.
    systematic : array of shape (n, n) or None
        Covariance from the choice of the model; None: not known.
    method : str
        In one sentence.
    windows : array of shape (w, 2)
        Da; where the background was counted.
    chi2, dof : float, int
        Pearson's χ² over the windows, with the model's variances; dof 0 where nothing is left
        to test.
    """

    expected: NDArray[np.float64]
    covariance: NDArray[np.float64]
    systematic: NDArray[np.float64] | None
    method: str
    windows: NDArray[np.float64]
    chi2: float = 0.0
    dof: int = 0

    @property
    def std(self) -> NDArray[np.float64]:
        """Standard deviations from counting."""
        return np.sqrt(np.diag(self.covariance))


def quiet_windows(
    spectrum: MassSpectrum,
    table: RangeTable | None = None,
    *,
    low: float = 1.0,
    high: float | None = None,
    width: float = 0.25,
    margin: float = 0.1,
    most: float = 3.0,
) -> NDArray[np.float64]:
    """Return windows that hold nothing but what is constant in time of flight.

    Parameters
    ----------
    spectrum : MassSpectrum
    table : RangeTable, optional
        Ranges to stay away from, by `margin` (Da).
    low, high : float
        Da; where to look.  Unless given, to a quarter and 20 Da beyond the last range, or
        to the end of the spectrum.
    width : float
        Da; length of a window.
    most : float
        Windows that lie this many standard deviations (the model's) above the common rate are
        left out, again and again until none does: they hold peaks or tails.

    Returns
    -------
    array of shape (w, 2)
        Da.

    Raises
    ------
    BadInputError
        None is left.
    """
    end = float(spectrum.edges[-1])
    if high is not None:
        end = min(end, high)
    elif table is not None:
        end = min(end, 1.25 * float(table.edges.max()) + 20.0)
    starts = np.arange(low, end - width, width)
    windows = np.column_stack([starts, starts + width])
    if table is not None:
        edges = table.edges
        clash = (windows[:, None, 0] < edges[None, :, 1] + margin) & (
            windows[:, None, 1] > edges[None, :, 0] - margin
        )
        windows = windows[~clash.any(axis=1)]
    if not len(windows):
        raise BadInputError(
            f"no window between {low:g} and {end:g} Da is free of ranges",
            fix="name windows for the background",
        )
    counts, windows = _count(spectrum, windows)
    weights = _flight(windows)
    kept = np.ones(counts.size, bool)
    # the median rate is not moved by the windows that hold peaks
    rate = float(np.median(counts / weights))
    for _ in range(50):
        mean = rate * weights
        good = counts <= mean + most * np.sqrt(mean) + 1
        if not good.any():
            break
        rate = float(counts[good].sum() / weights[good].sum())
        if np.array_equal(good, kept):
            break
        kept = good
    return windows[kept]


def flight_background(
    spectrum: MassSpectrum,
    intervals: NDArray[np.float64],
    windows: NDArray[np.float64] | Sequence[tuple[float, float]],
) -> RangeBackground:
    """Return the background of intervals as one rate, constant in time of flight.

    Parameters
    ----------
    spectrum : MassSpectrum
    intervals : array of shape (n, 2)
        Da; ``RangeTable.edges`` for instance.
    windows : array of shape (w, 2)
        Da; free of peaks, as from `quiet_windows`.

    Returns
    -------
    RangeBackground
        Rate ``c = Σn/Σw`` with ``w = √high − √low`` is the maximum of the Poisson likelihood, its
        variance ``c/Σw``.

    Raises
    ------
    BadInputError
        No window.
    """
    given = np.atleast_2d(np.asarray(windows, float))
    if given.size == 0:
        raise BadInputError("no window for the background", fix="name one without peaks")
    counts, used = _count(spectrum, given)
    weights = _flight(used)
    rate = counts.sum() / weights.sum()
    # no count at all still leaves the rate uncertain: one count is what could have come
    variance = max(counts.sum(), 1.0) / weights.sum() ** 2
    spans = _flight(intervals)
    mean = rate * weights
    some = mean > 0
    return RangeBackground(
        rate * spans,
        variance * np.outer(spans, spans),
        None,
        f"constant in time of flight, {len(used)} windows with {counts.sum():.0f} ions",
        used,
        float(np.sum((counts[some] - mean[some]) ** 2 / mean[some])),
        int(some.sum()) - 1,
    )


def falling_background(
    spectrum: MassSpectrum,
    intervals: NDArray[np.float64],
    windows: NDArray[np.float64] | Sequence[tuple[float, float]],
) -> RangeBackground:
    """Return the background of intervals as a rate in time of flight that may change with mass.

    A rate that falls with mass, held to be constant, leaves too much background under light ions
    and too little under heavy ones; over many windows the slope costs hardly any certainty.

    Parameters
    ----------
    spectrum, intervals, windows
        As in `flight_background`.

    Returns
    -------
    RangeBackground
        Rate ``exp(a − b m)`` by Poisson likelihood over the windows, its covariance from the
        curvature.  Where fewer than three windows hold ions, or intervals lie further than
        half of the windows' stretch of masses beyond it, the constant rate.

    Raises
    ------
    BadInputError
        No window.
    """
    constant = flight_background(spectrum, intervals, windows)
    counts, used = _count(spectrum, np.atleast_2d(np.asarray(windows, float)))
    edges = np.atleast_2d(np.asarray(intervals, float))
    first, last = float(used.min()), float(used.max())
    reach = (last - first) / 2
    far = edges.size > 0 and (edges.min() < first - reach or edges.max() > last + reach)
    if np.count_nonzero(counts) < 3 or far:
        return constant
    weights = _flight(used)
    centre, length = used.mean(), max(last - first, 1e-6)
    slopes = (used.mean(axis=1) - centre) / length
    design = np.column_stack([np.ones_like(slopes), -slopes])
    at = np.array([np.log(counts.sum() / weights.sum()), 0.0])
    for _ in range(50):
        mean = weights * np.exp(design @ at)
        bend = design.T @ (mean[:, None] * design)
        step = np.clip(np.linalg.solve(bend, design.T @ (counts - mean)), -1.0, 1.0)
        at = at + step
        if np.abs(step).max() < 1e-9:
            break
    mean = weights * np.exp(design @ at)
    covariance = np.linalg.inv(design.T @ (mean[:, None] * design))
    turn = np.column_stack([np.ones(len(edges)), -(edges.mean(axis=1) - centre) / length])
    expected = _flight(edges) * np.exp(turn @ at)
    gradient = expected[:, None] * turn
    percent = 100 * float(at[1]) / length
    error = 100 * float(np.sqrt(covariance[1, 1])) / length
    return RangeBackground(
        expected,
        gradient @ covariance @ gradient.T,
        None,
        f"rate in time of flight that falls by {percent:.2f} ± {error:.2f} % a Da, {len(used)} "
        f"windows with {counts.sum():.0f} ions",
        used,
        float(np.sum((counts - mean) ** 2 / mean)),
        len(used) - 2,
    )


def local_background(
    spectrum: MassSpectrum,
    intervals: NDArray[np.float64],
    *,
    span: float = 0.3,
    gap: float = 0.0,
    avoid: NDArray[np.float64] | None = None,
) -> RangeBackground:
    """Return the background of each interval from the flanks beside it.

    Parameters
    ----------
    spectrum : MassSpectrum
    intervals : array of shape (n, 2)
        Da.
    span : float
        Da; length of a flank, shortened where another interval begins.
    gap : float
        Da left out between an interval and its flanks.
    avoid : array of shape (k, 2), optional
        Da; further intervals to stay out of.

    Returns
    -------
    RangeBackground
        The rate in time of flight goes straight from one flank to the other; with one flank
        it is constant.  A flank without ions has the variance of one ion.  Intervals that share
        (parts of) a flank are correlated.

    Raises
    ------
    BadInputError
        An interval has no flank, between two others.

    Notes
    -----
    A peak's tail in a flank counts as background: this is what "fitted around the peak" means, and
    why it is compared with `flight_background` (see `with_model_spread`).
    """
    edges = np.asarray(intervals, float)
    taken = edges if avoid is None else np.vstack([edges, np.asarray(avoid, float)])
    flanks: list[list[slice]] = []
    for low, high in edges:
        found = []
        for first, last in (
            (_trim(low - gap - span, low - gap, taken, -1)),
            (_trim(high + gap, high + gap + span, taken, 1)),
        ):
            part = slice(
                int(np.argmin(np.abs(spectrum.edges - first))),
                int(np.argmin(np.abs(spectrum.edges - last))),
            )
            if last > first and part.stop > part.start:
                found.append(part)
        if not found:
            raise BadInputError(
                f"no room for a background beside {low:g} to {high:g} Da",
                fix="use the background that is constant in time of flight",
            )
        flanks.append(found)
    cuts = np.unique([end for each in flanks for part in each for end in (part.start, part.stop)])
    total = np.concatenate([[0], np.cumsum(spectrum.counts)])
    pieces = np.diff(total[cuts]).astype(float)
    roots = np.sqrt(spectrum.edges)
    weights = np.zeros((len(edges), pieces.size))
    variance = np.zeros((len(edges), len(edges)))
    for row, ((low, high), parts) in enumerate(zip(edges, flanks, strict=True)):
        span_here = np.sqrt(high) - np.sqrt(low)
        lengths = [roots[part.stop] - roots[part.start] for part in parts]
        middles = [(roots[part.stop] + roots[part.start]) / 2 for part in parts]
        shares = [1.0]
        if len(parts) == 2:
            middle = (np.sqrt(high) + np.sqrt(low)) / 2
            share = (middle - middles[0]) / (middles[1] - middles[0])
            shares = [1 - share, share]
        for part, length, share in zip(parts, lengths, shares, strict=True):
            inside = (cuts[:-1] >= part.start) & (cuts[1:] <= part.stop)
            weights[row, inside] += share * span_here / length
            if total[part.stop] == total[part.start]:
                variance[row, row] += (share * span_here / length) ** 2
    windows = np.array(
        [
            (spectrum.edges[part.start], spectrum.edges[part.stop])
            for each in flanks
            for part in each
        ]
    )
    return RangeBackground(
        weights @ pieces,
        (weights * pieces) @ weights.T + variance,
        None,
        f"straight in time of flight between flanks of up to {span:g} Da beside each range",
        windows,
    )


def with_model_spread(first: RangeBackground, *others: RangeBackground) -> RangeBackground:
    """Return `first` with the differences to other models as systematic terms.

    Between two models the truth is taken to lie anywhere with equal chance, so that the standard
    deviation is their difference over √12; it is common to all ranges, and apart for each of the
    others.
    """
    systematic = np.zeros_like(first.covariance)
    for other in others:
        difference = (first.expected - other.expected) / np.sqrt(12.0)
        systematic += np.outer(difference, difference)
    said = "; and ".join(f"difference to {other.method}, over √12" for other in others)
    return replace(first, systematic=systematic, method=f"{first.method}; systematic: {said}")


def _flight(intervals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lengths in √m, which are proportional to those in time of flight."""
    edges = np.maximum(np.asarray(intervals, float), 0.0)
    return np.asarray(np.sqrt(edges[:, 1]) - np.sqrt(edges[:, 0]))


def _count(
    spectrum: MassSpectrum, windows: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Counts of windows, and the edges that they have on the grid of bins."""
    found = [spectrum.window(float(low), float(high)) for low, high in windows]
    return np.array([n for n, _, _ in found], float), np.array([(a, b) for _, a, b in found])


def _trim(first: float, last: float, taken: NDArray[np.float64], side: int) -> tuple[float, float]:
    """Shorten a flank so that it ends where the next interval begins."""
    first = max(first, 0.0)
    for low, high in taken:
        if low < last and high > first:
            if side < 0:
                first = max(first, float(high))
            else:
                last = min(last, float(low))
    return first, last
