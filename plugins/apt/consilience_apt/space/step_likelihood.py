"""The binomial likelihood of one step in a profile: its maximum, curvature and simulated repeats.

The model's fraction is averaged over each bin in closed form, so that wide bins do not widen the
step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from consilience.progress import Progress
from consilience_apt.space.step_posterior import Shape, StepBins, step_posterior, step_shares

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["StepLikelihood"]


class StepLikelihood:
    """Likelihood of one shape; parameters are location, scale, before, after.

    Parameters
    ----------
    shape : {"erf", "logistic"}
    bins : two arrays of shape (bins,)
        Lower and upper edges, nm.
    k, n : arrays of shape (bins,)
        Successes among trials.
    dispersion : float
        By how much atoms fluctuate more than a binomial count.
    """

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
        """Return the fraction averaged over each bin."""
        (step,) = step_shares(self.shape, *self.bins, theta[:1], theta[1:2])
        found: NDArray[np.float64] = theta[2] + (theta[3] - theta[2]) * step
        return found

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
        """Return the parameters of the least deviance from `start`, and that deviance."""
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
        """Return which parameters lie at an end of what they may be."""
        low, high = self.bounds
        near = 1e-3 * np.array([1.0, theta[1], 1e-2, 1e-2])
        near[0] = 1e-3 * self.width
        found: NDArray[np.bool_] = (theta - low < near) | (high - theta < near)
        return found

    def covariance(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the inverse of the information over the dispersion; zero at a bound."""
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
