"""Did a line move, and how far: change against error, and trend over the states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Trend", "constant", "trend"]

DESCRIBES = (
    "states of one sample follow each other, so the p-value of the order only describes: it is "
    "no test of a cause"
)
"""Science of series: autocorrelated and ordered states."""


@dataclass(frozen=True)
class Trend:
    """How values run with a state variable.

    Attributes
    ----------
    slope, slope_std : float
        Of the weighted straight line, per unit of the variable; std None where unknown.
    tau, p : float or None
        Kendall's rank correlation and its exact two-sided p-value; None below four states.
    least_p : float or None
        The least p that so many states can give.
    """

    slope: float
    slope_std: float | None
    tau: float | None
    p: float | None
    least_p: float | None


def constant(values: Sequence[float], std: Sequence[float | None]) -> tuple[float, int] | None:
    """Return χ² and degrees of freedom of "all states have one value"; None where unknown."""
    if len(values) < 2 or any(s is None or s <= 0 for s in std):
        return None
    v, w = np.asarray(values, float), 1 / np.square(np.array(std, dtype=float))
    mean = float(np.sum(w * v) / np.sum(w))
    return float(np.sum(w * (v - mean) ** 2)), len(values) - 1


def trend(x: Sequence[float], values: Sequence[float], std: Sequence[float | None]) -> Trend | None:
    """Fit a straight line by weighted least squares, and rank the values against the states.

    Returns
    -------
    Trend or None
        None below three states, or where the variable has one value.
    """
    from math import factorial

    from scipy.stats import kendalltau

    at, v = np.asarray(x, float), np.asarray(values, float)
    if len(at) < 3 or np.ptp(at) == 0:
        return None
    known = all(s is not None and s > 0 for s in std)
    w = 1 / np.square(np.array(std, dtype=float)) if known else np.ones_like(v)
    centre = np.sum(w * at) / np.sum(w)
    spread = float(np.sum(w * (at - centre) ** 2))
    slope = float(np.sum(w * (at - centre) * v) / spread)
    tau = p = least = None
    if len(at) >= 4:
        found = kendalltau(
            at, v, method="exact" if len(set(at)) == len(at) == len(set(v)) else "auto"
        )
        tau, p = float(found.statistic), float(found.pvalue)
        least = 2 / factorial(len(at))
    return Trend(slope, spread**-0.5 if known else None, tau, p, least)
