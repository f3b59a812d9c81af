"""Baselines through pybaselines, with every parameter written into the result."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.errors import BadInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["METHODS", "Baseline", "fit_baseline", "smoothing_for_width"]

METHODS = ("asls", "arpls", "iarpls", "aspls", "airpls", "drpls")
_WITH_P = {"asls"}


@dataclass(frozen=True)
class Baseline:
    """A baseline and how it was made.

    Attributes
    ----------
    values : ndarray, shape (n,)
        In the unit of the intensity.
    parameters : dict
        Method, lam, p, number of iterations and the criterion that chose lam.
    """

    values: NDArray[np.float64]
    method: str
    parameters: dict[str, Any] = field(default_factory=dict)


def smoothing_for_width(fwhm_points: float, factor: float = 25.0) -> float:
    """Smoothness lam of a Whittaker baseline from the width of the peaks.

    Parameters
    ----------
    fwhm_points : float
        Typical full width at half maximum, in points.
    factor : float
        The shortest period that the baseline follows, in widths.

    Returns
    -------
    float
        lam = (factor * fwhm_points / 2 pi)^4.

    Notes
    -----
    With a penalty on second differences the smoother passes half the amplitude of a wave
    of period P points at lam = (P / 2 pi)^4, so that lam goes with the fourth power of
    the number of points across a peak, whatever the step.

    References
    ----------
    .. [1] P. H. C. Eilers, A perfect smoother, Anal. Chem. 75 (2003) 3631, eq. 6.
    """
    return float((factor * max(fwhm_points, 1.0) / (2 * math.pi)) ** 4)


def fit_baseline(
    intensity: NDArray[np.float64],
    method: str = "arpls",
    lam: float | None = None,
    p: float = 0.01,
    iterations: int | None = None,
    fwhm_points: float | None = None,
    factor: float = 25.0,
) -> Baseline:
    """Fit a baseline under a pattern.

    Parameters
    ----------
    intensity : ndarray, shape (n,)
    method : str
        One of `METHODS`.
    lam : float, optional
        Smoothness; by default from `fwhm_points` through `smoothing_for_width`.
    p : float
        Asymmetry of asls, 0 to 1: weight of points above the baseline.
    iterations : int, optional
        Exact number of solves (asls as in the sparse-solve recipe); by default until the
        weights have settled.
    fwhm_points : float, optional
        Typical width of the peaks in points; a fiftieth of the pattern if unknown.

    Raises
    ------
    BadInputError
        Unknown method, lam not positive, p outside 0 to 1, fewer than 5 points.

    References
    ----------
    .. [1] P. H. C. Eilers, H. F. M. Boelens, Baseline correction with asymmetric least
       squares smoothing, 2005.
    .. [2] S.-J. Baek et al., Analyst 140 (2015) 250, eq. 8 to 11 (arPLS).
    """
    if method not in METHODS:
        raise BadInputError(
            f"The baseline method {method!r} is not known.", fix=f"Use one of {', '.join(METHODS)}."
        )
    y = np.asarray(intensity, dtype=np.float64)
    if y.ndim != 1 or len(y) < 5:
        raise BadInputError(
            f"A baseline needs one pattern of at least 5 points, not shape {y.shape}.",
            fix="Give one pattern with more points.",
        )
    chosen = "given by the user"
    if lam is None:
        width = fwhm_points if fwhm_points is not None else len(y) / 50
        lam = smoothing_for_width(width, factor)
        chosen = (
            f"follows nothing shorter than {factor:g} times the "
            + ("median peak width" if fwhm_points is not None else "fiftieth of the pattern")
            + f" ({width:.3g} points)"
        )
    if not (math.isfinite(lam) and lam > 0):
        raise BadInputError(f"lam = {lam:g} is not positive.", fix="Give a positive lam.")
    if not 0 < p < 1:
        raise BadInputError(f"p = {p:g} is not between 0 and 1.", fix="Give p between 0 and 1.")
    from consilience_xrd.lines._pybaselines import whittaker

    values, count = whittaker(y, method, lam, p if method in _WITH_P else None, iterations)
    parameters: dict[str, Any] = {
        "method": method,
        "lam": lam,
        "lam_chosen": chosen,
        "iterations": count,
    }
    if method in _WITH_P:
        parameters["p"] = p
    return Baseline(values, method, parameters)
