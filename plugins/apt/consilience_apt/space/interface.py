"""Where an interface is, and how wide, from a profile: a binomial fit with checked errors.

The fit is that of `consilience_apt.space.step_likelihood`.  Errors come from the expected curvature
of the likelihood, that of the location from the likelihood over all widths (see
`consilience_apt.space.step_posterior`), and are held against fits of simulated profiles.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError
from consilience.progress import Progress, no_progress
from consilience_apt.space.counting import Basis
from consilience_apt.space.profile import Profile
from consilience_apt.space.step_likelihood import StepLikelihood
from consilience_apt.space.step_posterior import Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["WIDTH_10_90", "InterfaceFit", "Shape", "fit_interface"]

WIDTH_10_90: dict[str, float] = {"erf": 2 * 1.2815515655446004, "logistic": 2 * math.log(9.0)}
"""Width from 10 to 90 % in units of the shape's own scale (σ, or s of a logistic)."""


@dataclass(frozen=True)
class InterfaceFit:
    """One shape fitted to a profile.

    Attributes
    ----------
    shape : {"erf", "logistic"}
    location : float
        nm.
    location_std_stat, location_std_sys : float or None
        Over all widths that the counts allow, because a width that came out small by chance
        makes the curvature's error too small; and from the depth scale, None where that is unknown.
    width : float
        From 10 to 90 % of the step, nm.
    width_std_stat, width_std_sys : float or None
        `width_std_stat` is None where the width is at its lower bound: see `width_interval`.
    width_interval : tuple of float
        Where twice the log-likelihood (over the dispersion) is within one of its highest: 68.3 %.
    before, after : float
        Fractions on the side of small and of large distances.
    before_std_stat, after_std_stat : float or None
        None where the fraction is at a bound, 0 or 1.
    location_std_curvature : float
        What the curvature alone gives: the same at many ions, too small at few.
    covariance : array of shape (4, 4)
        Of location, width, before, after; zero for parameters at a bound.
    simulated_std : dict or None
        Standard deviations of location, width, before and after over simulated profiles.
    log_likelihood : float
    deviance, degrees : float, int
    p_value : float or None
        Share of simulated profiles with at least that deviance: small if the shape does not fit.
    dispersion : float
        By how much atoms fluctuate more than a binomial count.
    """

    shape: Shape
    location: float
    location_std_stat: float
    location_std_sys: float | None
    width: float
    width_std_stat: float | None
    width_std_sys: float | None
    width_interval: tuple[float, float]
    before: float
    after: float
    before_std_stat: float | None
    after_std_stat: float | None
    location_std_curvature: float
    covariance: NDArray[np.float64]
    simulated_std: dict[str, float] | None
    log_likelihood: float
    deviance: float
    degrees: int
    p_value: float | None
    dispersion: float

    @property
    def bic(self) -> float:
        """Bayesian information criterion, 4 parameters; only differences mean something."""
        trials = self.degrees + 4
        return 4 * math.log(trials) - 2 * self.log_likelihood / self.dispersion


def fit_interface(
    profile: Profile,
    what: str,
    basis: Basis = "atomic",
    between: tuple[float, float] | None = None,
    shapes: Sequence[Shape] = ("erf", "logistic"),
    depth_relative_std: float | None = None,
    fixed: float = 0.0,
    simulations: int = 100,
    seed: int = 0,
    progress: Progress = no_progress,
) -> list[InterfaceFit]:
    """Fit a step of each shape and return all of them, the more likely first.

    Parameters
    ----------
    profile : Profile
        In bins clearly narrower than the interface, if its width is of interest.
    what, basis
        Element or species, and of what it is a fraction.
    between : two floats, optional
        Only bins wholly between these distances, nm: there should be one interface there.
    shapes : sequence of {"erf", "logistic"}
    depth_relative_std : float, optional
        Relative standard deviation of the distances' scale; unknown if not given.
    fixed : float
        Distance that the scale does not move, nm: the apex.
    simulations : int
        Profiles simulated from the fit, to check its errors; 0 for none.
    seed : int
    progress : callable

    Raises
    ------
    BadInputError
        Fewer than five bins with ions, or an element that is everywhere or nowhere.
    """
    k, n, dispersion = profile.binomial(what, basis)
    edges = profile.edges
    used = n > 0
    if between is not None:
        used &= (edges[:-1] >= min(between)) & (edges[1:] <= max(between))
    places = np.flatnonzero(used)
    if places.size < 5:
        raise BadInputError(
            f"{places.size} bins with ions, an interface takes at least five",
            fix="take narrower bins, or a wider stretch of the profile",
        )
    k, n = k[places], n[places]
    if not 0 < k.sum() < n.sum():
        raise BadInputError(
            f"{what} makes up {'nothing' if not k.sum() else 'all'} of the ions there: there is "
            "no interface to see",
            fix="choose another element or another stretch",
        )
    bins = (edges[places], edges[places + 1])
    found = []
    rng = np.random.default_rng(seed)
    for shape in shapes:
        fit = StepLikelihood(shape, bins, k, n, dispersion)
        best = fit.best()
        scale = depth_relative_std
        simulated, p_value = None, None
        if simulations:
            simulated, p_value = fit.simulate(best, simulations, rng, progress)
        found.append(_result(fit, best, simulated, p_value, scale, fixed))
    return sorted(found, key=lambda one: -one.log_likelihood)


def _result(
    fit: StepLikelihood,
    theta: NDArray[np.float64],
    simulated: NDArray[np.float64] | None,
    p_value: float | None,
    depth: float | None,
    fixed: float,
) -> InterfaceFit:
    from scipy.special import xlogy

    p = np.clip(fit.model(theta), 1e-12, 1 - 1e-12)
    deviance = float((fit.residuals(theta, fit.k) ** 2).sum())
    factor = np.array([1.0, WIDTH_10_90[fit.shape], 1.0, 1.0])
    covariance = fit.covariance(theta) * np.outer(factor, factor)
    std = np.sqrt(np.diag(covariance))
    bound = fit.at_bound(theta)
    interval = fit.scale_interval(theta, deviance)
    stds = [None if at else float(value) for at, value in zip(bound, std, strict=True)]
    if stds[0] is None:
        raise BadInputError(
            "the most likely interface lies at the end of the profile",
            fix="take a stretch that goes beyond the interface on both sides",
        )
    width = float(theta[1] * factor[1])
    curvature = stds[0]
    stds[0] = fit.location_std(theta, curvature)
    turn = np.array([stds[0] / curvature, 1.0, 1.0, 1.0])
    covariance = covariance * np.outer(turn, turn)
    return InterfaceFit(
        shape=fit.shape,
        location=float(theta[0]),
        location_std_stat=stds[0],
        location_std_sys=None if depth is None else abs(float(theta[0]) - fixed) * depth,
        width=width,
        width_std_stat=stds[1],
        width_std_sys=None if depth is None else width * depth,
        width_interval=(interval[0] * float(factor[1]), interval[1] * float(factor[1])),
        before=float(theta[2]),
        after=float(theta[3]),
        before_std_stat=stds[2],
        after_std_stat=stds[3],
        location_std_curvature=curvature,
        covariance=covariance,
        simulated_std=None
        if simulated is None
        else dict(
            zip(
                ("location", "width", "before", "after"),
                (simulated * factor).tolist(),
                strict=True,
            )
        ),
        log_likelihood=float((xlogy(fit.k, p) + xlogy(fit.n - fit.k, 1 - p)).sum()),
        deviance=deviance,
        degrees=len(fit.k) - 4,
        p_value=p_value,
        dispersion=fit.dispersion,
    )
