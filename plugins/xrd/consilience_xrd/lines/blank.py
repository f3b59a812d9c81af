"""Baseline from a measured blank: the halo of a liquid or the holder, its scale fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError
from consilience_xrd.lines.baseline import fit_baseline
from consilience_xrd.lines.peaks import components_of, tails_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.lines.peaks import PeakFit
    from consilience_xrd.pattern import Pattern

__all__ = ["BlankFit", "fit_blank"]

CLEAR = 4.0
"""Distance from a peak, in widths, from which a point counts as background."""
LEAST = 20
"""Points of background that a scale is fitted to, at least."""


@dataclass(frozen=True)
class BlankFit:
    """A blank under a pattern.

    Attributes
    ----------
    baseline : ndarray, shape (n,)
        Scaled, smoothed blank and a smooth rest, over the whole pattern [intensity].
    scale, scale_std : float
        Factor on the blank, with its error from the scatter of the residuals.
    chi2_reduced : float or None
        Of the background under the scaled blank and a straight line; None if the noise of the
        pattern is unknown.
    covered : float
        Share of the pattern's points that the blank covers.
    """

    baseline: NDArray[np.float64]
    scale: float
    scale_std: float
    chi2_reduced: float | None
    covered: float

    def sentence(self, name: str) -> str:
        """Say what was fitted."""
        chi2 = (
            ""
            if self.chi2_reduced is None
            else f"; chi-square of the background per degree of freedom {self.chi2_reduced:.3g}"
        )
        return (
            f"the blank {name} times {self.scale:.4g} +/- {self.scale_std:.2g} is one of the "
            f"baselines{chi2}; it covers {self.covered:.0%} of the points"
        )


def fit_blank(pattern: Pattern, blank: Pattern, fit: PeakFit) -> BlankFit:
    """Scale a blank to the background of a pattern.

    Parameters
    ----------
    pattern : Pattern
    blank : Pattern
        Over the same axis; it has to overlap the range that the fit used.
    fit : PeakFit
        Of the pattern: where peaks are, and how smooth a baseline is.

    Notes
    -----
    The scale and a straight line are fitted by least squares, weighted with the model's
    variance, to the pattern less its peaks, at least `CLEAR` widths from every one.  The blank is
    smoothed as finely as peaks are wide, since its noise would be taken for the pattern's; what
    the scaled blank leaves between the peaks is followed by the baseline in use.

    Raises
    ------
    BadInputError
        No overlap; too little background between the peaks; a blank without intensity.
    """
    x = pattern.x
    components, in_angle = components_of(pattern.source), pattern.axis == "two_theta"
    without = pattern.intensity - tails_of(x, fit.peaks, components, in_angle)
    inside = (x >= blank.x[0]) & (x <= blank.x[-1])
    used = np.zeros(len(x), bool)
    used[fit.used] = True
    clear = inside & used & np.isfinite(fit.noise)
    for peak in fit.peaks:
        if "broad" not in peak.flags:
            clear &= np.abs(x - peak.center) > CLEAR * peak.fwhm
    if np.count_nonzero(clear) < LEAST:
        raise BadInputError(
            f"Only {np.count_nonzero(clear)} points of background lie within the blank; at least "
            f"{LEAST} are needed.",
            fix="Give a blank over the range of the pattern.",
        )
    if not np.any(blank.intensity > 0):
        raise BadInputError(
            "Every intensity of the blank is zero or below.", fix="Give another blank."
        )
    step = float(np.median(np.diff(blank.x)))
    points = fit.fwhm_points * float(np.median(np.diff(x))) / step
    from scipy.ndimage import gaussian_filter1d

    halo = np.interp(x, blank.x, gaussian_filter1d(blank.intensity, max(points / 2, 1.0)))
    t = (x - x[0]) / (x[-1] - x[0])
    matrix = np.stack([halo, np.ones_like(x), t], axis=1)
    weight = 1 / fit.noise[clear]
    rows = matrix[clear] * weight[:, None]
    answer, *_ = np.linalg.lstsq(rows, without[clear] * weight, rcond=None)
    residual = without[clear] * weight - rows @ answer
    dof = int(np.count_nonzero(clear)) - 3
    unit = float(residual @ residual) / dof
    variance = float(np.linalg.pinv(rows.T @ rows)[0, 0])
    under = np.where(inside, matrix @ answer, fit.baseline.values)
    made = fit.baseline.parameters
    left = np.interp(x, x[clear], (without - under)[clear])
    rest = fit_baseline(left[fit.used], made["method"], made["lam"], made.get("p", 0.01))
    baseline = under.copy()
    baseline[fit.used] += rest.values
    return BlankFit(
        baseline,
        float(answer[0]),
        float(np.sqrt(variance * max(unit, 1.0))),
        unit if fit.noise_known else None,
        float(np.mean(inside)),
    )
