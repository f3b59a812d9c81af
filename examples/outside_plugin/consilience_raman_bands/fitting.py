"""One band on a straight background: height, position, and what could have been missed.

Least squares with the Poisson variances of the model, the height's limits after Currie [1]_.

References
----------
.. [1] L. A. Currie, Anal. Chem. 40 (1968) 586, eqs. 3 and 5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

__all__ = ["BandFit", "fit_band", "lorentzian"]

Array = NDArray[np.float64]
REACH = 4.0
"""Half the window, in widths: what is fitted beside the band is background."""
FEWEST = 8


@dataclass(frozen=True)
class BandFit:
    """A band looked for within a window.

    Parameters
    ----------
    height, height_std : float
        Counts above the background at the best position.
    position, position_std : float
        1/cm.
    threshold, limit : float
        Heights above which a band counts as found, and that would be missed in 5 % of spectra.
    wing : bool
        The best place is the last that was tried, and stands out: the wing of a band further off,
        under which nothing can be said of this one.
    """

    height: float
    height_std: float
    position: float
    position_std: float
    threshold: float
    limit: float
    wing: bool

    @property
    def found(self) -> bool:
        """Whether it stands out, given all the places at which it was looked for."""
        return self.height > self.threshold and not self.wing


def lorentzian(shift: Array, centre: float, width: float) -> Array:
    """Return a line of height 1 and full width at half maximum `width`."""
    return 1.0 / (1.0 + ((shift - centre) / (0.5 * width)) ** 2)


def fit_band(
    shift: Array, counts: Array, centre: float, tolerance: float, width: float, level: float = 0.05
) -> BandFit | None:
    """Look for one line of a known width within centre ± tolerance.

    Parameters
    ----------
    shift, counts : ndarray, shape (n,)
        1/cm, rising; counts.
    centre, tolerance, width : float
        1/cm.
    level : float
        Chance of calling noise a band, over all positions that are tried.

    Returns
    -------
    BandFit or None
        None where the window is not wholly inside the spectrum, or holds too few points.
    """
    half = tolerance + REACH * width
    inside = (shift >= centre - half) & (shift <= centre + half)
    if shift[0] > centre - half or shift[-1] < centre + half or inside.sum() < FEWEST:
        return None
    x, n = shift[inside], counts[inside]
    step = width / 10.0
    places = centre + step * np.arange(
        -math.ceil(tolerance / step), math.ceil(tolerance / step) + 1
    )
    tried = [_at(x, n, place, width) for place in places]
    best = int(np.argmin([one[2] for one in tried]))
    height, std, _ = tried[best]
    normal = NormalDist()
    trials = max(1.0, 2.0 * tolerance / width)  # places that are independent of each other
    threshold = normal.inv_cdf(1.0 - level / trials) * std
    slope = abs(height) / width
    position_std = math.hypot(std / slope if slope > 0 else tolerance, step / math.sqrt(12.0))
    return BandFit(
        height,
        std,
        float(places[best]),
        min(position_std, tolerance + step),
        threshold,
        threshold + normal.inv_cdf(0.95) * std,
        height > threshold and best in (0, len(places) - 1),
    )


def _at(x: Array, n: Array, place: float, width: float) -> tuple[float, float, float]:
    """Return height, its standard deviation and χ² of a line at one place."""
    design = np.stack([np.ones_like(x), x - place, lorentzian(x, place, width)], axis=1)
    variance = np.maximum(n, 1.0)
    for _ in range(2):  # the second time with the variances of the model
        weight = 1.0 / variance
        normal = design.T @ (design * weight[:, None])
        covariance = np.linalg.inv(normal)
        parameters = covariance @ (design.T @ (weight * n))
        model = design @ parameters
        variance = np.maximum(model, 1.0)
    chi2 = float((((n - model) ** 2) / variance).sum())
    return float(parameters[2]), math.sqrt(float(covariance[2, 2])), chi2
