"""One-dimensional composition profiles, in bins of one width or of one number of ions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError
from consilience.progress import Progress, no_progress
from consilience_apt.space.counting import (
    BackgroundShare,
    Basis,
    Counts,
    Fraction,
    Selects,
    empty_region,
    labelled_blocks,
)
from consilience_apt.space.roi import Direction, unit_vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_apt.files.stream import IonSource
    from consilience_apt.ranges import RangeTable

__all__ = ["Profile", "profile", "profile_by_counts"]

MOST_BINS = 100_000
_ZERO = 1 << 24
"""Added to bin numbers before they are cut to integers, so that cutting rounds down."""


@dataclass(frozen=True)
class Profile:
    """Counts along an axis, or against the distance to a surface.

    Parameters
    ----------
    edges : array of shape (bins + 1,)
        nm, rising.
    counts : Counts
        One row a bin.
    axis : str
        What the distance is measured along, in words.
    direction : three floats or None
        Unit vector; None for a distance to a surface.
    """

    edges: NDArray[np.float64]
    counts: Counts
    axis: str
    direction: tuple[float, float, float] | None = None

    @property
    def centres(self) -> NDArray[np.float64]:
        """nm, shape (bins,)."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    def fraction(self, what: str, basis: Basis = "atomic") -> Fraction:
        """Return the fraction of an element or species in each bin, with errors."""
        return self.counts.fraction(what, basis)

    def binomial(
        self, what: str, basis: Basis = "atomic"
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Return successes, trials and dispersion in each bin; see `Counts.binomial`."""
        return self.counts.binomial(what, basis)

    def edges_std_sys(self, relative: float | None, fixed: float = 0.0) -> NDArray[np.float64]:
        """Return the systematic error of the edges from a relative error of the scale.

        Parameters
        ----------
        relative : float or None
            Relative standard deviation of the depth, as
            `consilience_apt.space.reconstruction.ScaleErrors.depth` gives it.
        fixed : float
            Where zero is, which the scale does not move; nm.

        Returns
        -------
        array of shape (bins + 1,)
            nm; NaN if the scale's error is unknown.
        """
        if relative is None:
            return np.full(self.edges.shape, np.nan)
        return np.abs(self.edges - fixed) * relative


def profile(
    source: IonSource,
    table: RangeTable,
    axis: Direction = "z",
    width: float = 0.5,
    region: Selects | None = None,
    background: BackgroundShare | None = None,
    progress: Progress = no_progress,
) -> Profile:
    """Count all species in bins of one width, in one pass.

    Parameters
    ----------
    source : IonSource
    table : RangeTable
    axis : {"x", "y", "z"} or three floats
        Direction; zero is the origin of the reconstruction.
    width : float
        nm.  Edges are the multiples of it, half-open as in ``[k·width, (k+1)·width)``.
    region : Selects, optional
        Only ions inside.
    background : BackgroundShare, optional
    progress : callable

    Returns
    -------
    Profile
        From the first bin that holds an ion to the last.

    Raises
    ------
    BadInputError
        No ion in the region, a width that makes no sense, or too many bins.
    """
    if not (math.isfinite(width) and width > 0):
        raise BadInputError(f"bins of {width:g} nm", fix="give a positive width in nm")
    vector = unit_vector(axis)
    columns = [name for name, factor in zip("xyz", vector, strict=True) if factor]
    lut = table.species.astype(np.intp)
    number = len(table.ions) + 1
    counts = np.zeros((0, number), np.int64)
    lowest = 0
    for block, labels in labelled_blocks(source, table, columns, region, progress, "profile"):
        if not labels.size:
            continue
        places = _places(block, vector, columns, 1 / width)
        low, high = int(places.min()), int(places.max())
        counts, lowest = _grown(counts, lowest, low, high, width)
        places -= lowest
        places *= number
        places += lut[labels]
        first, size = (low - lowest) * number, (high - low + 1) * number
        flat = counts.reshape(-1)
        if size > 4 * places.size:  # adding up empty bins would cost more than the ions
            np.add.at(flat, places, np.int64(1))
            continue
        if first:
            places -= first
        flat[first : first + size] += np.bincount(places, minlength=size)
    if not len(counts):
        raise empty_region(source)
    edges = np.arange(lowest - _ZERO, lowest - _ZERO + len(counts) + 1, dtype=np.float64) * width
    return Profile(edges, Counts(counts, table, background), _axis_name(axis), _tuple(vector))


def _tuple(vector: NDArray[np.float64]) -> tuple[float, float, float]:
    return (float(vector[0]), float(vector[1]), float(vector[2]))


def _axis_name(axis: Direction) -> str:
    if isinstance(axis, str):
        return axis
    return "(" + ", ".join(f"{value:.4g}" for value in axis) + ")"


def _places(
    block: dict[str, NDArray[np.float32]],
    vector: NDArray[np.float64],
    columns: list[str],
    scale: float,
) -> NDArray[np.intp]:
    """Return bin numbers, moved up so that none is negative."""
    at: NDArray[np.float64] | None = None
    for name in columns:
        part = np.multiply(block[name], vector["xyz".index(name)] * scale, dtype=np.float64)
        at = part if at is None else at + part
    assert at is not None
    at += _ZERO
    return at.astype(np.intp)


def _grown(
    counts: NDArray[np.int64], lowest: int, low: int, high: int, width: float
) -> tuple[NDArray[np.int64], int]:
    """Make room for bins from `low` to `high`."""
    if not len(counts):
        lowest = low
    before, after = max(lowest - low, 0), max(high + 1 - lowest - len(counts), 0)
    if not (before or after):
        return counts, lowest
    if before + len(counts) + after > MOST_BINS:
        raise BadInputError(
            f"bins of {width:g} nm would be {before + len(counts) + after} and more",
            fix="take wider bins, or a region: some ions may lie far from the others",
        )
    return np.pad(counts, ((before, after), (0, 0))), lowest - before


def profile_by_counts(
    source: IonSource,
    table: RangeTable,
    axis: Direction = "z",
    counts: int = 1000,
    region: Selects | None = None,
    background: BackgroundShare | None = None,
    resolution: float = 0.01,
    progress: Progress = no_progress,
) -> Profile:
    """Count all species in bins with at least as many ranged ions each, in one pass.

    Parameters
    ----------
    counts : int
        Ranged ions in a bin.  What is left over at the end goes to the last bin.
    resolution : float
        nm; edges are multiples of it, so that bins hold a few ions more than asked for.
    source, table, axis, region, background, progress
        As in `profile`.

    Raises
    ------
    BadInputError
        There are fewer ranged ions than one bin takes; or as in `profile`.
    """
    if counts < 1:
        raise BadInputError(f"bins of {counts} ions", fix="give a positive number")
    fine = profile(source, table, axis, resolution, region, background, progress)
    ranged = fine.counts.ranged
    if int(ranged.sum()) < counts:
        raise BadInputError(
            f"{int(ranged.sum())} ranged ions, fewer than the {counts} of a bin",
            fix="take fewer ions a bin, or a larger region",
        )
    stops, held = [0], 0
    for place, number in enumerate(ranged.tolist(), start=1):
        held += number
        if held >= counts:
            stops.append(place)
            held = 0
    stops[-1] = len(ranged) if held or stops[-1] < len(ranged) else stops[-1]
    summed = np.add.reduceat(fine.counts.ions, stops[:-1], axis=0)
    return Profile(fine.edges[stops], Counts(summed, table, background), fine.axis, fine.direction)
