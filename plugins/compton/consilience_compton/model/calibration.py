"""From the momentum ratio to lithium: a line through points with errors in both variables.

The line is fitted by orthogonal distances (ODRPACK, through odrpack), which for a straight line
with independent errors minimises the same sum as York's equations.  Errors come from the stated
errors of the points; where χ² says that these are too small, the standard deviations are also given
scaled, beside the unscaled ones.

References
----------
.. [1] D. York, Can. J. Phys. 44 (1966) 1079; D. York et al., Am. J. Phys. 72 (2004) 367.
.. [2] J. W. Zwolak et al., ACM Trans. Math. Softw. 33 (2007) 27 (ODRPACK95).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, t

from consilience.errors import BadInputError

__all__ = ["Calibration", "Content", "Point", "fit_calibration", "plain_line"]

Array = NDArray[np.float64]
_FEWEST = 2
_BEYOND = 0.32
_TWO_SIGMA = 0.97725


@dataclass(frozen=True)
class Point:
    """One state whose lithium is known some other way.

    Parameters
    ----------
    emr, x : float
    emr_std, x_std : float or None
        Standard deviations; None where the source gives none.
    label : str
    source : str
        Where x comes from: ICP, capacity, as made.
    """

    emr: float
    x: float
    emr_std: float | None = None
    x_std: float | None = None
    label: str = ""
    source: str = ""


@dataclass(frozen=True)
class Content:
    """x from a ratio: the point's own error, the calibration's, and whether it lies beyond it."""

    x: float
    std_ratio: float | None
    std_calibration: float | None
    extrapolated: bool


@dataclass(frozen=True)
class Calibration:
    """x = intercept + slope · EMR.

    Parameters
    ----------
    intercept, slope : float
    covariance : ndarray, shape (2, 2), or None
        Of intercept and slope, by the stated errors; None where the points have none, or
        where two points leave nothing that could show them wrong but have no errors either.
    points : tuple of Point
    residuals : ndarray
        x found less x given, along x.
    chi2 : float or None
        Weighted sum of squares; None without stated errors.
    freedom : int
        Points less two.
    from_scatter : bool
        The covariance is from the scatter about the line, because no errors are stated.
    """

    intercept: float
    slope: float
    covariance: Array | None
    points: tuple[Point, ...]
    residuals: Array
    chi2: float | None
    freedom: int
    from_scatter: bool = False

    @property
    def p_value(self) -> float | None:
        """Chance of a χ² as large as this where the errors are right."""
        if self.chi2 is None or self.freedom < 1:
            return None
        return float(chi2.sf(self.chi2, self.freedom))

    @property
    def scale(self) -> float:
        """What the line's standard deviations are to be multiplied by.

        Where the points scatter more than stated (χ² beyond its central 68 %), or state nothing,
        their own scatter is the error, and a few points know it badly: Student's t at two
        standard deviations over the normal distribution's makes up for that.
        """
        if self.freedom < 1:
            return 1.0
        student = float(t.ppf(_TWO_SIGMA, self.freedom)) / 2.0
        if self.chi2 is None:
            return student
        found = math.sqrt(self.chi2 / self.freedom)
        beyond = self.p_value is not None and self.p_value < _BEYOND
        return max(1.0, found * student if beyond else found)

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest ratio that was calibrated."""
        ratios = [point.emr for point in self.points]
        return min(ratios), max(ratios)

    def content(self, emr: float, emr_std: float | None = None) -> Content:
        """Return x of a ratio that was measured apart from the calibration's points.

        The calibration's error is scaled by `scale`.
        """
        low, high = self.range
        own = None if emr_std is None else abs(self.slope) * emr_std
        line = None
        if self.covariance is not None:
            at = np.array([1.0, emr])
            line = math.sqrt(max(0.0, float(at @ self.covariance @ at))) * self.scale
        reach = 0.02 * (high - low)
        outside = not low - reach <= emr <= high + reach
        return Content(self.intercept + self.slope * emr, own, line, outside)


def fit_calibration(points: Sequence[Point]) -> Calibration:
    """Fit x on EMR with errors in both variables.

    Parameters
    ----------
    points : sequence of Point
        Two or more, of different ratios.  Errors are used if every point has at least one above
        0; else all weigh alike and the scatter gives the errors.

    Raises
    ------
    BadInputError
        Fewer than two different ratios, numbers that are none, negative errors, or a fit that
        does not converge.
    """
    import odrpack

    _check(points)
    ratio = np.array([point.emr for point in points])
    x = np.array([point.x for point in points])
    stds = np.array([[p.emr_std or 0.0, p.x_std or 0.0] for p in points])
    intercept, slope = plain_line(ratio, x)
    freedom = len(points) - 2
    if not (stds.max(axis=1) > 0.0).all():
        return _from_scatter(points, ratio, x, intercept, slope)
    if not (stds > 0.0).all():
        # ODRPACK wants weights that are numbers: an exact variable is a millionth of its spread
        floor = 1e-6 * np.array([np.ptp(ratio), max(np.ptp(x), 1e-6)])
        stds = np.maximum(stds, floor)

    def line(at: Array, beta: Array) -> Array:
        return np.asarray(beta[0] + beta[1] * at, dtype=np.float64)

    def by_beta(at: Array, beta: Array) -> Array:
        del beta
        return np.vstack([np.ones_like(at), at])

    def by_at(at: Array, beta: Array) -> Array:
        return np.full_like(at, beta[1])

    found = odrpack.odr_fit(
        line,
        ratio,
        x,
        np.array([intercept, slope]),
        weight_x=stds[:, 0] ** -2,
        weight_y=stds[:, 1] ** -2,
        jac_beta=by_beta,
        jac_x=by_at,
        maxit=500,
        sstol=1e-14,
        partol=1e-12,
    )
    if not found.success:
        raise BadInputError(
            f"the line through {len(points)} points does not converge: {found.stopreason}",
            fix="look at the points' errors: they may differ by many orders of magnitude",
        )
    intercept, slope = float(found.beta[0]), float(found.beta[1])
    return Calibration(
        intercept,
        slope,
        np.asarray(found.cov_beta, dtype=np.float64),
        tuple(points),
        x - intercept - slope * ratio,
        float(found.sum_square),
        freedom,
    )


def plain_line(ratio: Array, x: Array) -> tuple[float, float]:
    """Return intercept and slope of ordinary least squares of x on the ratio."""
    centred = ratio - ratio.mean()
    slope = float(centred @ (x - x.mean()) / (centred @ centred))
    return float(x.mean() - slope * ratio.mean()), slope


def _from_scatter(
    points: Sequence[Point], ratio: Array, x: Array, intercept: float, slope: float
) -> Calibration:
    residuals = x - intercept - slope * ratio
    freedom = len(points) - 2
    covariance = None
    if freedom > 0:
        design = np.vstack([np.ones_like(ratio), ratio])
        variance = float(residuals @ residuals) / freedom
        covariance = variance * np.linalg.inv(design @ design.T)
    return Calibration(
        intercept, slope, covariance, tuple(points), residuals, None, freedom, freedom > 0
    )


def _check(points: Sequence[Point]) -> None:
    for number, point in enumerate(points, start=1):
        name = point.label or str(number)
        if not (math.isfinite(point.emr) and math.isfinite(point.x)):
            raise BadInputError(
                f"point {name} of the calibration is ({point.emr:g}, {point.x:g})",
                fix="leave out states that were not measured",
            )
        for std in (point.emr_std, point.x_std):
            if std is not None and not (math.isfinite(std) and std >= 0.0):
                raise BadInputError(
                    f"point {name} of the calibration has a standard deviation of {std:g}",
                    fix="give 0 or more, or leave it out where it is not known",
                )
    different = len({point.emr for point in points})
    if different < _FEWEST:
        raise BadInputError(
            f"{len(points)} points of {different} different ratio(s) fix no line",
            fix="calibrate with two or more states of different lithium",
        )
