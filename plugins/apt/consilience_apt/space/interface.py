"""Where an interface is, and how wide, from a profile: a binomial fit with checked errors.

The model's fraction is averaged over each bin in closed form, so that wide bins do not widen the
interface.  Errors come from the expected curvature of the likelihood, that of the location from
the likelihood over all widths (see `consilience_apt.space.step_posterior`), and are held against
fits of simulated profiles.
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
from consilience_apt.space.step_posterior import Shape, StepBins, step_posterior

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["WIDTH_10_90", "InterfaceFit", "Shape", "fit_interface", "interface_fraction"]

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


def interface_fraction(
    shape: Shape, edges: NDArray[np.float64], location: float, scale: float, low: float, high: float
) -> NDArray[np.float64]:
    """Return the model averaged over bins.

    Parameters
    ----------
    shape : {"erf", "logistic"}
    edges : array of shape (bins + 1,)
        nm.
    location, scale : float
        nm; `scale` is σ of the error function or s of the logistic.
    low, high : float
        Fractions far before and far after.
    """
    from scipy.special import ndtr

    u = (edges - location) / scale
    if shape == "erf":
        whole = u * ndtr(u) + np.exp(-0.5 * u**2) / math.sqrt(2 * math.pi)
    else:
        whole = np.logaddexp(0.0, u)
    step = np.diff(whole) / np.diff(u)
    found: NDArray[np.float64] = low + (high - low) * np.clip(step, 0.0, 1.0)
    return found


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
        fit = _Fit(shape, bins, k, n, dispersion)
        best = fit.best()
        scale = depth_relative_std
        simulated, p_value = None, None
        if simulations:
            simulated, p_value = fit.simulate(best, simulations, rng, progress)
        found.append(fit.result(best, simulated, p_value, scale, fixed))
    return sorted(found, key=lambda one: -one.log_likelihood)


class _Fit:
    """The likelihood of one shape; parameters are location, scale, before, after."""

    def __init__(
        self,
        shape: Shape,
        bins: tuple[NDArray[np.float64], NDArray[np.float64]],
        k: NDArray[np.float64],
        n: NDArray[np.float64],
        dispersion: float,
    ) -> None:
        self.shape, self.bins, self.k, self.n = shape, bins, k, n
        self.dispersion = dispersion
        self.width = float((bins[1] - bins[0]).min())
        low, high = float(bins[0][0]), float(bins[1][-1])
        # below a tenth of a bin the width cannot be told from zero
        self.bounds = np.array([(low, high), (0.1 * self.width, high - low), (0, 1), (0, 1)]).T

    def model(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        a, b = self.bins
        if np.array_equal(a[1:], b[:-1]):
            return interface_fraction(self.shape, np.append(a, b[-1]), *theta.tolist())
        pairs = np.column_stack([a, b]).ravel()
        return interface_fraction(self.shape, pairs, *theta.tolist())[::2]

    def residuals(self, theta: NDArray[np.float64], k: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return signed roots of the deviance: their squares add up to it."""
        from scipy.special import xlogy

        p = np.clip(self.model(theta), 1e-12, 1 - 1e-12)
        miss = self.n - k
        deviance = xlogy(k, k / (self.n * p)) + xlogy(miss, miss / (self.n * (1 - p)))
        found: NDArray[np.float64] = np.sign(k - self.n * p) * np.sqrt(
            2 * np.maximum(deviance, 0.0)
        )
        return found

    def minimise(
        self, start: NDArray[np.float64], k: NDArray[np.float64], fixed: int | None = None
    ) -> tuple[NDArray[np.float64], float]:
        from scipy.optimize import least_squares

        low, high = self.bounds
        free = [i for i in range(4) if i != fixed]
        inner = low + 1e-6 * (high - low), high - 1e-6 * (high - low)
        begin = np.clip(start, *inner)

        def run(theta: NDArray[np.float64]) -> NDArray[np.float64]:
            whole = start.copy()
            whole[free] = theta
            return self.residuals(whole, k)

        made = least_squares(
            run, begin[free], bounds=(low[free], high[free]), x_scale=(high - low)[free]
        )
        best = start.copy()
        best[free] = made.x
        return best, 2 * float(made.cost)

    def best(self) -> NDArray[np.float64]:
        """Start at each of the steepest places and keep the deepest end."""
        a, b = self.bins
        middle = (a + b) / 2
        before = np.cumsum(self.k)[:-1] / np.cumsum(self.n)[:-1]
        after = (self.k.sum() - np.cumsum(self.k)[:-1]) / (self.n.sum() - np.cumsum(self.n)[:-1])
        reach = max((b[-1] - a[0]) / 20, self.width)
        from scipy.special import xlogy

        weight = np.cumsum(self.n)[:-1], self.n.sum() - np.cumsum(self.n)[:-1]
        gain = sum(
            w * (xlogy(p, p) + xlogy(1 - p, 1 - p))
            for w, p in zip(weight, (before, after), strict=True)
        )
        ends = []
        place = int(np.argmax(gain))
        for scale in (reach / 4, reach, 4 * reach):
            start = np.array(
                [(middle[place] + middle[place + 1]) / 2, scale, before[place], after[place]]
            )
            ends.append(self.minimise(start, self.k))
        return min(ends, key=lambda end: end[1])[0]

    def information(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the expected curvature of the log-likelihood."""
        jacobian = np.empty((len(self.k), 4))
        steps = np.array([1e-4 * self.width, 1e-4 * theta[1], 1e-6, 1e-6])
        for place, step in enumerate(steps.tolist()):
            move = np.zeros(4)
            move[place] = step
            jacobian[:, place] = (self.model(theta + move) - self.model(theta - move)) / (2 * step)
        p = np.clip(self.model(theta), 1e-9, 1 - 1e-9)
        made: NDArray[np.float64] = (jacobian.T * (self.n / (p * (1 - p)))) @ jacobian
        return made

    def at_bound(self, theta: NDArray[np.float64]) -> NDArray[np.bool_]:
        low, high = self.bounds
        near = 1e-3 * np.array([1.0, theta[1], 1e-2, 1e-2])
        near[0] = 1e-3 * self.width
        found: NDArray[np.bool_] = (theta - low < near) | (high - theta < near)
        return found

    def covariance(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        free = np.flatnonzero(~self.at_bound(theta))
        found = np.zeros((4, 4))
        part = self.information(theta)[np.ix_(free, free)]
        found[np.ix_(free, free)] = np.linalg.pinv(part) * self.dispersion
        return found

    def simulate(
        self, theta: NDArray[np.float64], repeats: int, rng: np.random.Generator, progress: Progress
    ) -> tuple[NDArray[np.float64], float]:
        """Return standard deviations of refitted parameters, and a p-value of the deviance."""
        p = np.clip(self.model(theta), 0.0, 1.0)
        trials = np.maximum(np.round(self.n / self.dispersion), 1).astype(np.int64)
        seen = float((self.residuals(theta, self.k) ** 2).sum()) / self.dispersion
        ends, worse = [], 0
        for repeat in range(repeats):
            # rounding must not make more successes than trials
            k = np.minimum(rng.binomial(trials, p) * (self.n / trials), self.n)
            end, deviance = self.minimise(theta, k)
            ends.append(end)
            worse += deviance / self.dispersion >= seen
            progress(repeat + 1, repeats, "checking the interface's errors")
        return np.std(ends, axis=0, ddof=1), (worse + 1) / (repeats + 1)

    def scale_interval(self, theta: NDArray[np.float64], deviance: float) -> tuple[float, float]:
        """Return where the profile deviance of the scale rises by one dispersion."""
        from scipy.optimize import brentq

        def above(scale: float) -> float:
            start = theta.copy()
            start[1] = scale
            return self.minimise(start, self.k, fixed=1)[1] - deviance - self.dispersion

        low, high = float(self.bounds[0, 1]), float(self.bounds[1, 1])
        best = float(np.clip(theta[1], low, high))
        down = 0.0 if best <= low * 1.001 or above(low) < 0 else brentq(above, low, best, rtol=1e-3)
        far = best
        while far < high:
            far = min(far * 1.5, high)
            if above(far) > 0:
                return float(down), float(brentq(above, best, far, rtol=1e-3))
        return float(down), high

    def location_std(self, theta: NDArray[np.float64], curvature: float) -> float:
        """Return the error of the location over all widths, about the most likely place."""
        bins = StepBins(*self.bins, self.k, self.n, self.dispersion)
        limits = (float(self.bounds[0, 0]), float(self.bounds[1, 0]))
        scales = (float(self.bounds[0, 1]), float(self.bounds[1, 1]))
        found = step_posterior(self.shape, bins, float(theta[0]), curvature, scales, limits)
        return found.std(float(theta[0]))

    def result(
        self,
        theta: NDArray[np.float64],
        simulated: NDArray[np.float64] | None,
        p_value: float | None,
        depth: float | None,
        fixed: float,
    ) -> InterfaceFit:
        from scipy.special import xlogy

        p = np.clip(self.model(theta), 1e-12, 1 - 1e-12)
        deviance = float((self.residuals(theta, self.k) ** 2).sum())
        factor = np.array([1.0, WIDTH_10_90[self.shape], 1.0, 1.0])
        covariance = self.covariance(theta) * np.outer(factor, factor)
        std = np.sqrt(np.diag(covariance))
        bound = self.at_bound(theta)
        interval = self.scale_interval(theta, deviance)
        stds = [None if at else float(value) for at, value in zip(bound, std, strict=True)]
        if stds[0] is None:
            raise BadInputError(
                "the most likely interface lies at the end of the profile",
                fix="take a stretch that goes beyond the interface on both sides",
            )
        width = float(theta[1] * factor[1])
        curvature = stds[0]
        stds[0] = self.location_std(theta, curvature)
        turn = np.array([stds[0] / curvature, 1.0, 1.0, 1.0])
        covariance = covariance * np.outer(turn, turn)
        return InterfaceFit(
            shape=self.shape,
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
            log_likelihood=float((xlogy(self.k, p) + xlogy(self.n - self.k, 1 - p)).sum()),
            deviance=deviance,
            degrees=len(self.k) - 4,
            p_value=p_value,
            dispersion=self.dispersion,
        )
