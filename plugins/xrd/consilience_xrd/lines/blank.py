"""Baseline from a measured blank: the halo of a liquid or the holder, its scale fitted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError
from consilience_xrd.lines.baseline import fit_baseline
from consilience_xrd.lines.peaks import components_of, tails_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from consilience_xrd.lines.peaks import PeakFit
    from consilience_xrd.pattern import Pattern

__all__ = ["BlankFit", "fit_blank", "less_blank", "smoothed_blank"]

ROUNDS = 4
"""Fits of a scale, each with the peaks that the one before has left."""

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
    halo : ndarray, shape (n,)
        The smoothed blank on the pattern's points, not scaled; 0 where it was not measured.
    """

    baseline: NDArray[np.float64]
    scale: float
    scale_std: float
    chi2_reduced: float | None
    covered: float
    halo: NDArray[np.float64]

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
    # a broad peak may be the halo itself
    lines = tuple(p for p in fit.peaks if "broad" not in p.flags)
    without = pattern.intensity - tails_of(x, lines, components, in_angle)
    inside = (x >= blank.x[0]) & (x <= blank.x[-1])
    used = np.zeros(len(x), bool)
    used[fit.used] = True
    clear = inside & used & np.isfinite(fit.noise)
    for peak in lines:
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
    points = fit.fwhm_points * float(np.median(np.diff(x)))
    halo = smoothed_blank(blank, x, points)
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
        np.where(inside, halo, 0.0),
    )


def smoothed_blank(blank: Pattern, x: NDArray[np.float64], fwhm: float) -> NDArray[np.float64]:
    """Blank at the points `x`, smoothed by half of `fwhm`, both in the axis' unit.

    Beyond the blank its first and last values go on.
    """
    from scipy.ndimage import gaussian_filter1d

    step = float(np.median(np.diff(blank.x)))
    smooth = gaussian_filter1d(blank.intensity, max(fwhm / step / 2, 1.0))
    return np.asarray(np.interp(x, blank.x, smooth))


def less_blank(
    pattern: Pattern, blank: Pattern, peaks: Callable[[Pattern], PeakFit], name: str
) -> tuple[Pattern, PeakFit]:
    """Pattern with the scaled, smoothed blank taken away, and its peaks.

    Parameters
    ----------
    pattern, blank
        As of `fit_blank`.
    peaks : callable
        Finds the peaks of a pattern.
    name : str
        Of the blank, for the note.

    Returns
    -------
    Pattern
        With `sigma` from the model and the noise of the blank, where either is known; the scaled
        blank stands in ``extra["blank"]``.  A scale below zero takes nothing away.
    PeakFit
        Of that pattern.

    Notes
    -----
    A halo may be narrow enough to be taken for a peak at first, so that scale and peaks are found
    in turn.  The smoothing makes the noise of the blank smooth and no smaller in an area, so its
    variance is that of the single points, times the ratio of the steps.
    """
    fit = peaks(pattern)
    less, taken, before = pattern, np.zeros_like(pattern.x), -1.0
    for _ in range(ROUNDS):
        found = fit_blank(pattern, blank, fit)
        scale = max(found.scale, 0.0)
        sigma = _sigma_less(pattern, blank, fit.model + taken, found.halo, scale)
        taken = scale * found.halo
        less = replace(pattern, intensity=pattern.intensity - taken, sigma=sigma)
        fit = peaks(less)
        if abs(scale - before) < 0.3 * found.scale_std:
            break
        before = scale
    said = (
        f"the blank {name} times {scale:.4g} +/- {found.scale_std:.2g}, smoothed, was taken away "
        f"before peaks were sought; it covers {found.covered:.0%} of the points"
    )
    return replace(
        less, extra={**pattern.extra, "blank": taken}, warnings=(*pattern.warnings, said)
    ), fit


def _sigma_less(
    pattern: Pattern,
    blank: Pattern,
    model: NDArray[np.float64],
    halo: NDArray[np.float64],
    scale: float,
) -> NDArray[np.float64] | None:
    """Standard deviation of a pattern less a blank; None where the pattern's is not known."""
    if pattern.sigma is not None and np.isfinite(pattern.sigma).any():
        own = np.square(pattern.sigma)
    elif pattern.intensity_unit == "count":
        own = np.maximum(np.where(np.isfinite(model), model, pattern.intensity), 0.5)
    else:
        return None
    steps = float(np.median(np.diff(blank.x)) / np.median(np.diff(pattern.x)))
    theirs = np.zeros_like(pattern.x)
    if blank.sigma is not None:
        theirs = np.interp(pattern.x, blank.x, np.square(blank.sigma))
    elif blank.intensity_unit == "count":
        theirs = np.maximum(halo, 0.0)
    return np.asarray(np.sqrt(own + np.where(halo != 0, scale**2 * theirs * steps, 0.0)))
