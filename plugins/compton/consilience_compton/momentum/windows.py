"""The electron momentum ratio: counts at low momentum over counts at high momentum.

EMR = ∫J over the low windows / ∫J over the high windows, each spectrum at its own angle.  What lies
under the peak is taken off before the ratio is made (`background`), what the instrument does to the
two windows after it (`response`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from consilience.errors import BadInputError
from consilience_compton.momentum.cells import Cells
from consilience_compton.momentum.kinematics import energy_of_momentum

__all__ = [
    "FEWEST",
    "EmrResult",
    "Windows",
    "plain_emr",
    "ratio",
    "window_counts",
    "window_energies",
]

Array = NDArray[np.float64]
Interval = tuple[float, float]
FEWEST = 10.0
"""Counts that each side of a ratio must have; below, its error is not that of a normal law."""


@dataclass(frozen=True)
class Windows:
    """Intervals of p_z in atomic units whose counts are compared.

    Parameters
    ----------
    low, high : tuple of (first, last)
        Numerator and denominator; none may overlap.

    Raises
    ------
    BadInputError
        An interval without width, or two that overlap.
    """

    low: tuple[Interval, ...] = ((-1.0, 1.0),)
    high: tuple[Interval, ...] = ((-5.0, -1.0), (1.0, 5.0))

    def __post_init__(self) -> None:
        if not self.low or not self.high:
            raise BadInputError(
                "a ratio needs a window of low and one of high momentum", fix="give both"
            )
        ordered = sorted((*self.low, *self.high))
        for first, last in ordered:
            if not (math.isfinite(first) and math.isfinite(last) and last > first):
                raise BadInputError(
                    f"the window from {first:g} to {last:g} a.u. has no width",
                    fix="give the lower end first",
                )
        for one, other in pairwise(ordered):
            if other[0] < one[1]:
                raise BadInputError(
                    f"the windows from {one[0]:g} to {one[1]:g} and from {other[0]:g} to "
                    f"{other[1]:g} a.u. overlap",
                    fix="counts must not stand above and below the line; separate the windows",
                )

    @property
    def edges(self) -> Array:
        """All ends, rising, each once."""
        return np.unique(np.array([*self.low, *self.high], dtype=np.float64).ravel())

    @property
    def span(self) -> Interval:
        """Lowest and highest end."""
        return float(self.edges[0]), float(self.edges[-1])

    def members(self) -> Array:
        """Which cells between `edges` belong to what, shape (2, m): low, high."""
        edges = self.edges
        middle = 0.5 * (edges[1:] + edges[:-1])
        found = np.zeros((2, middle.size))
        for row, parts in enumerate((self.low, self.high)):
            for first, last in parts:
                found[row, (middle > first) & (middle < last)] = 1.0
        return found


def window_energies(
    windows: Windows,
    incident: float,
    angles: ArrayLike,
    scale: ArrayLike | None = None,
    shift: ArrayLike | None = None,
) -> Array:
    """Return where the windows' edges lie on the stated energy axis, shape (..., m + 1) in keV.

    Parameters
    ----------
    windows : Windows
    incident : float
        keV.
    angles : array_like, shape (...)
        Degrees.
    scale, shift : array_like, shape (...), optional
        Energy = scale × that of the axis + shift (keV).
    """
    at = energy_of_momentum(windows.edges, incident, np.asarray(angles, np.float64)[..., None])
    if shift is not None:
        at = at - np.asarray(shift, dtype=np.float64)[..., None]
    if scale is not None:
        at = at / np.asarray(scale, dtype=np.float64)[..., None]
    return at


@dataclass(frozen=True)
class EmrResult:
    """A ratio, or an array of them, with what it was made of.

    Parameters
    ----------
    value, std_stat : ndarray
        NaN where a window holds fewer than `FEWEST` counts or nothing is left of it.
    low, high : ndarray
        Counts of the windows, background off, as recorded (no response).
    covariance : ndarray, shape (..., 2, 2)
        Of low and high, from counting.
    std_sys_parts : dict
        One standard deviation each, None where it is not known; empty until asked for.
    """

    value: Array
    std_stat: Array
    low: Array
    high: Array
    covariance: Array
    std_sys_parts: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def std_sys(self) -> float | None:
        """All known parts in quadrature; None where nothing is known."""
        known = [part for part in self.std_sys_parts.values() if part is not None]
        return math.sqrt(sum(part**2 for part in known)) if known else None


def ratio(low: ArrayLike, high: ArrayLike, covariance: Array, factor: float = 1.0) -> EmrResult:
    """Return factor × low / high with its statistical error.

    Parameters
    ----------
    low, high : array_like, shape (...)
        Counts.
    covariance : ndarray, shape (..., 2, 2)
    factor : float
        Response of the high windows over that of the low ones.

    Returns
    -------
    EmrResult
    """
    above = np.asarray(low, dtype=np.float64)
    below = np.asarray(high, dtype=np.float64)
    # counts as good as `FEWEST`: net counts of a large background have no meaning either
    var_low, var_high = covariance[..., 0, 0], covariance[..., 1, 1]
    usable = (above >= FEWEST) & (below >= FEWEST) & (below**2 >= FEWEST * var_high)
    safe_low = np.where(usable, above, 1.0)
    safe_high = np.where(usable, below, 1.0)
    value = factor * safe_low / safe_high
    relative = (
        var_low / safe_low**2
        + var_high / safe_high**2
        - 2.0 * covariance[..., 0, 1] / (safe_low * safe_high)
    )
    std = np.abs(value) * np.sqrt(np.maximum(relative, 0.0))
    nothing = np.nan
    return EmrResult(
        np.where(usable, value, nothing), np.where(usable, std, nothing), above, below, covariance
    )


def window_counts(cells: Cells, windows: Windows) -> tuple[Array, Array]:
    """Return low and high counts, shape (..., 2), and their covariance, shape (..., 2, 2)."""
    member = windows.members()
    counts = cells.counts @ member.T
    covariance = member @ cells.covariance() @ member.T
    return counts, covariance


def plain_emr(cells: Cells, windows: Windows) -> EmrResult:
    """Return the ratio as the windows' counts have it: no background, no response."""
    counts, covariance = window_counts(cells, windows)
    return ratio(counts[..., 0], counts[..., 1], covariance)
