"""Species of which there is little or nothing: intervals and detection limits, in appm too."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from consilience.errors import BadInputError
from consilience_apt.amounts.intervals import Limits, currie, feldman_cousins

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from consilience_apt.masses.background import RangeBackground
    from consilience_apt.ranges import RangeTable

__all__ = ["Trace", "trace_of", "traces"]


@dataclass(frozen=True)
class Trace:
    """A species of which there is little or nothing.

    Parameters
    ----------
    name : str
    counts : int
        In its ranges, background included.
    background, background_std : float
    interval : tuple of float
        Feldman and Cousins, net counts, with the background anywhere within one standard
        deviation.
    fraction : tuple of float
        The same as a fraction of the total (0 to 1); times 1e6 it is appm.
    limits : Limits
        Currie's, net counts.
    detection : float
        Detection limit as a fraction of the total.
    level : float
    status : {"present", "absent_below_limit"}
        Net counts above Currie's critical level, or not.
    """

    name: str
    counts: int
    background: float
    background_std: float
    interval: tuple[float, float]
    fraction: tuple[float, float]
    limits: Limits
    detection: float
    level: float
    status: Literal["present", "absent_below_limit"]


def trace_of(
    name: str,
    counts: int,
    background: float,
    background_std: float,
    total: float,
    *,
    level: float = 0.95,
    alpha: float = 0.05,
    beta: float = 0.05,
) -> Trace:
    """Return interval and limits of a trace.

    Parameters
    ----------
    name : str
    counts : int
        In its ranges.
    background, background_std : float
        Expected counts, and how well they are known.
    total : float
        Counts that the fraction refers to.
    level : float
        Of the interval.
    alpha, beta : float
        As in `currie`.

    Raises
    ------
    BadInputError
        A total of nothing, or counts or a background that make no sense.
    """
    if not total > 0:
        raise BadInputError(f"{name}: a fraction of {total:g} counts", fix="check the ranges")
    ends = [
        feldman_cousins(counts, max(background + shift, 0.0), level)
        for shift in {-background_std, 0.0, background_std}
    ]
    interval = (min(low for low, _ in ends), max(high for _, high in ends))
    limits = currie(background, background_std**2, alpha, beta)
    return Trace(
        name,
        counts,
        background,
        background_std,
        interval,
        (interval[0] / total, interval[1] / total),
        limits,
        limits.detection / total,
        level,
        "present" if counts - background > limits.critical else "absent_below_limit",
    )


def traces(
    table: RangeTable,
    counts: ArrayLike,
    background: RangeBackground,
    *,
    level: float = 0.95,
) -> Mapping[str, Trace]:
    """Return interval and limits of every species of a range table, by formula.

    Parameters
    ----------
    table : RangeTable
    counts : array of shape (ranges,)
        Ions in each range, background included.
    background : RangeBackground
        Of the ranges.
    level : float
        Of the intervals.
    """
    n = np.asarray(counts, float)
    total = float(np.sum((n - background.expected)[table.species[1:] > 0]))
    spread = background.covariance
    if background.systematic is not None:
        spread = spread + background.systematic
    found = {}
    for number, ion in enumerate(table.ions, start=1):
        mine = (table.species[1:] == number).astype(float)
        found[ion.formula] = trace_of(
            ion.formula,
            round(float(n @ mine)),
            max(float(background.expected @ mine), 0.0),
            math.sqrt(max(float(mine @ spread @ mine), 0.0)),
            total,
            level=level,
        )
    return found
