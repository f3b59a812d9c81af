"""Humps of the baseline, which an amorphous part or a liquid makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.lines.peaks import PeakFit
    from consilience_xrd.pattern import Pattern

__all__ = ["above_hull", "halo_share"]


def above_hull(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Height of a curve above its lower convex hull: zero for any decaying background.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        `x` strictly increasing.
    """
    hull: list[int] = []
    for i in range(len(x)):
        while len(hull) > 1:
            a, b = hull[-2], hull[-1]
            if (x[b] - x[a]) * (y[i] - y[a]) > (y[b] - y[a]) * (x[i] - x[a]):
                break
            hull.pop()
        hull.append(i)
    return np.asarray(y - np.interp(x, x[hull], y[hull]))


def halo_share(pattern: Pattern, fit: PeakFit) -> float:
    """Area of the baseline above its lower hull, over that of all peaks.

    Infinite where there are no peaks.
    """
    used = np.isfinite(fit.baseline.values)
    x, base = pattern.x[used], fit.baseline.values[used]
    if len(x) < 3:
        return 0.0
    peaks = sum(p.area for p in fit.peaks if np.isfinite(p.area) and p.area > 0)
    hump = float(np.trapezoid(above_hull(x, base), x))
    return hump / peaks if peaks > 0 else float("inf")
