"""Peaks of thousands of windows fitted at once: Levenberg-Marquardt over all of them in numpy.

Each window has its own pseudo-Voigts on a straight line, its own damping and its own end; windows
that have settled leave the work.  A parameter on a bound that pushes outwards is held there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from consilience.errors import BadInputError
from consilience_xrd.lines.batch_algebra import (
    damped_step,
    inverse_square,
    inverted,
    normal_equations,
)
from consilience_xrd.lines.batch_profile import (
    add_profiles,
    heights_per_area,
    windows_model,
)
from consilience_xrd.lines.profiles import Components

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BatchFit", "Weights", "fit_windows"]

Weights = Literal["given", "poisson", "equal"]
BLOCK = 128
"""Windows fitted together: what they need stays in the second cache."""
MOST_STEPS = 200
FTOL = 1e-13
"""Relative fall of chi-square below which an accepted step is the last."""


@dataclass(frozen=True)
class BatchFit:
    """Fits of m windows with k peaks each.

    Attributes
    ----------
    values, std : ndarray, shape (m, 4 k + 2)
        Areas, centres, widths, Lorentzian fractions of the k peaks, level and slope of the line
        (over half the window).  std is NaN where a parameter was held, sat on a bound or is not
        determined by the data.
    covariance : ndarray, shape (m, 4 k + 2, 4 k + 2)
        NaN as std.
    chi2, dof : ndarray, shape (m,)
    converged : ndarray of bool, shape (m,)
    at_bound : ndarray of bool, shape (m, 4 k + 2)
    model : ndarray, shape (m, n)
        Without the baseline that was given.
    steps : ndarray of int, shape (m,)
    """

    peaks: int
    values: NDArray[np.float64]
    std: NDArray[np.float64]
    covariance: NDArray[np.float64]
    chi2: NDArray[np.float64]
    dof: NDArray[np.int64]
    converged: NDArray[np.bool_]
    at_bound: NDArray[np.bool_]
    model: NDArray[np.float64]
    steps: NDArray[np.int64]

    def _part(self, array: NDArray[np.float64], which: int) -> NDArray[np.float64]:
        return array[:, which * self.peaks : (which + 1) * self.peaks]

    @property
    def area(self) -> NDArray[np.float64]:
        """Areas, shape (m, k)."""
        return self._part(self.values, 0)

    @property
    def area_std(self) -> NDArray[np.float64]:
        """Standard deviations of the areas."""
        return self._part(self.std, 0)

    @property
    def center(self) -> NDArray[np.float64]:
        """Centres, shape (m, k)."""
        return self._part(self.values, 1)

    @property
    def center_std(self) -> NDArray[np.float64]:
        """Standard deviations of the centres."""
        return self._part(self.std, 1)

    @property
    def fwhm(self) -> NDArray[np.float64]:
        """Full widths at half maximum, shape (m, k)."""
        return self._part(self.values, 2)

    @property
    def fwhm_std(self) -> NDArray[np.float64]:
        """Standard deviations of the widths."""
        return self._part(self.std, 2)

    @property
    def eta(self) -> NDArray[np.float64]:
        """Lorentzian fractions, shape (m, k)."""
        return self._part(self.values, 3)

    @property
    def height(self) -> NDArray[np.float64]:
        """Heights of the first component of unit share, shape (m, k)."""
        return self.area * heights_per_area(self.fwhm, self.eta)


def fit_windows(
    x: NDArray[np.float64],
    intensity: NDArray[np.float64],
    start: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    *,
    sigma: NDArray[np.float64] | None = None,
    weights: Weights = "given",
    gain: NDArray[np.float64] | float = 1.0,
    baseline: NDArray[np.float64] | None = None,
    vary: NDArray[np.bool_] | None = None,
    components: Components = ((1.0, 1.0),),
    in_angle: bool = False,
    reweight: int = 4,
) -> BatchFit:
    """Fit k pseudo-Voigts and a straight line in each of m windows.

    Parameters
    ----------
    x : ndarray, shape (n,) or (m, n)
        Axis, one for all windows or one for each.
    intensity : ndarray, shape (m, n)
    start, low, high : ndarray, shape (m, 4 k + 2) or (4 k + 2,)
        Areas, centres, widths, fractions, level, slope; bounds may be infinite.
    sigma : ndarray, shape (m, n), optional
        Standard deviations, infinite for points to be left out.
    weights : {"given", "poisson", "equal"}
        given: `sigma`.  poisson: variance = model / `gain`, fitted again until it settles, points
        of infinite `sigma` left out.  equal: errors scaled by chi2/dof.
    gain : float or ndarray, shape (n,) or (m, n)
        Counts for one unit of intensity, for poisson.
    baseline : ndarray, shape (m, n), optional
        Kept below the peaks and the line.
    vary : ndarray of bool, shape (4 k + 2,), optional
        What is fitted; the rest stays at `start`.
    reweight : int
        At most so many fits with weights from the last model.

    Raises
    ------
    BadInputError
        Shapes that do not fit, or "given" without `sigma`.

    References
    ----------
    .. [1] D. W. Marquardt, J. Soc. Ind. Appl. Math. 11 (1963) 431, eq. 16 to 30.
    """
    y = np.asarray(intensity, dtype=np.float64)
    if y.ndim != 2 or x.shape not in (y.shape, y.shape[1:]):
        raise BadInputError(
            f"The windows have shape {y.shape}, their axis {x.shape}.",
            fix="Give intensities (windows, points) and an axis (points,) or one for each window.",
        )
    m, n = y.shape
    size = np.shape(start)[-1]
    if size < 6 or (size - 2) % 4:
        raise BadInputError(
            f"{size} starting values are not four for each peak and two for the line.",
            fix="Give areas, centres, widths, fractions, level and slope.",
        )
    if weights == "given" and sigma is None:
        raise BadInputError(
            "Weights were to be given, and there is no standard deviation.",
            fix='Give sigma, or weights="poisson" or "equal".',
        )
    first, last = np.min(x, axis=-1, keepdims=True), np.max(x, axis=-1, keepdims=True)
    line = (x - (first + last) / 2) / np.maximum((last - first) / 2, 1e-300)
    free = np.ones(size, bool) if vary is None else np.asarray(vary, bool)
    out = _empty(m, n, size)
    lows, highs = np.broadcast_to(low, (m, size)), np.broadcast_to(high, (m, size))
    starts = np.clip(np.broadcast_to(start, (m, size)), lows, highs)
    counts = np.broadcast_to(gain, y.shape) if weights == "poisson" else None
    for at in range(0, m, BLOCK):
        part = slice(at, min(at + BLOCK, m))
        job = _Windows(
            x if x.ndim == 1 else x[part],
            line if x.ndim == 1 else line[part],
            y[part] if baseline is None else y[part] - baseline[part],
            None if sigma is None else sigma[part],
            None if counts is None else counts[part],
            None if baseline is None else baseline[part],
            lows[part], highs[part], free, components, in_angle,
        )  # fmt: skip
        job.run(starts[part], weights, reweight)
        job.store(out, part, weights)
    return BatchFit((size - 2) // 4, **out)


def _empty(m: int, n: int, size: int) -> dict[str, Any]:
    return {
        "values": np.empty((m, size)),
        "std": np.full((m, size), np.nan),
        "covariance": np.full((m, size, size), np.nan),
        "chi2": np.empty(m),
        "dof": np.empty(m, np.int64),
        "converged": np.zeros(m, bool),
        "at_bound": np.zeros((m, size), bool),
        "model": np.empty((m, n)),
        "steps": np.zeros(m, np.int64),
    }


class _Windows:
    """A block of windows on its way to the minimum."""

    def __init__(
        self,
        x: NDArray[np.float64],
        line: NDArray[np.float64],
        y: NDArray[np.float64],
        sigma: NDArray[np.float64] | None,
        gain: NDArray[np.float64] | None,
        baseline: NDArray[np.float64] | None,
        low: NDArray[np.float64],
        high: NDArray[np.float64],
        free: NDArray[np.bool_],
        components: Components,
        in_angle: bool,
    ) -> None:
        self.x, self.line, self.y = x, line, y
        self.sigma, self.gain, self.baseline = sigma, gain, baseline
        self.low, self.high, self.free = low, high, free
        self.components, self.in_angle = components, in_angle
        m = len(y)
        self.peaks = (low.shape[1] - 2) // 4
        self.values = np.empty(low.shape)
        self.chi2 = np.empty(m)
        self.converged = np.zeros(m, bool)
        self.steps = np.zeros(m, np.int64)
        self.weight = np.ones(y.shape)

    def model(
        self, values: NDArray[np.float64], live: NDArray[np.intp] | slice
    ) -> NDArray[np.float64]:
        """Peaks and line of the windows `live`."""
        x = self.x if self.x.ndim == 1 else self.x[live]
        line = self.line if self.line.ndim == 1 else self.line[live]
        return windows_model(x, values, line, self.components, self.in_angle)

    def jacobian(
        self, values: NDArray[np.float64], live: NDArray[np.intp] | slice
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Model (l, n) and derivatives (l, free parameters, n)."""
        x = self.x if self.x.ndim == 1 else self.x[live]
        line = self.line if self.line.ndim == 1 else self.line[live]
        k = self.peaks
        where = np.cumsum(self.free) - 1
        out = np.empty((len(values), int(self.free.sum()), self.y.shape[1]))
        model = values[:, -2, None] + values[:, -1, None] * line
        for i in range(k):
            rows = tuple(
                out[:, where[j * k + i]] if self.free[j * k + i] else None for j in range(4)
            )
            add_profiles(
                x, values[:, i], values[:, k + i], values[:, 2 * k + i], values[:, 3 * k + i],
                self.components, self.in_angle, model, rows,
            )  # fmt: skip
        if self.free[-2]:
            out[:, where[-2]] = 1.0
        if self.free[-1]:
            out[:, where[-1]] = line
        return model, out

    def run(self, start: NDArray[np.float64], weights: Weights, reweight: int) -> None:
        """Fit all windows; with poisson again until the weights have settled."""
        self.values[:] = start
        shown = np.ones(self.y.shape) if self.sigma is None else np.isfinite(self.sigma)
        everyone = np.arange(len(self.y))
        if weights != "poisson":
            self.weight = shown * 1.0 if weights == "equal" else inverse_square(self.sigma)
            self._descend(everyone)
            return
        assert self.gain is not None
        below = 0.0 if self.baseline is None else self.baseline
        # counts decide first; a count of zero weighs as one
        self.weight = shown * self.gain / np.maximum(self.y + below, 1 / self.gain)
        live = everyone
        for _ in range(reweight):
            before = self.values[live].copy()
            self._descend(live)
            moved = np.max(
                np.abs(self.values[live] - before)
                / np.maximum(np.abs(before), 1e-6 * np.abs(before).max(axis=1, keepdims=True)),
                axis=1,
            )
            model = self.model(self.values[live], live)
            model = model if self.baseline is None else model + self.baseline[live]
            gain = self.gain[live]
            self.weight[live] = shown[live] * gain / np.maximum(model, 0.5 / gain)
            self.chi2[live] = np.sum(
                self.weight[live] * (self.y[live] - self.model(self.values[live], live)) ** 2,
                axis=1,
            )
            live = live[moved > 1e-7]
            if not len(live):
                break

    def _descend(self, live: NDArray[np.intp]) -> None:
        """Levenberg-Marquardt until every window of `live` has settled."""
        free = np.flatnonzero(self.free)
        mu = np.full(len(live), 1e-3)
        values = self.values[live]
        model, rows = self.jacobian(values, live)
        residual = self.y[live] - model
        weight = self.weight[live]
        chi2 = np.einsum("mn,mn,mn->m", weight, residual, residual)
        normal, slope = normal_equations(rows, weight, residual)
        low, high = self.low[live][:, free], self.high[live][:, free]
        for _ in range(MOST_STEPS):
            here = values[:, free]
            step, held = damped_step(normal, slope, mu, here, low, high)
            trial = values.copy()
            trial[:, free] = np.clip(here + step, low, high)
            model, rows = self.jacobian(trial, live)
            residual = self.y[live] - model
            new = np.einsum("mn,mn,mn->m", weight, residual, residual)
            better = new <= chi2
            fall = chi2 - new
            small = np.abs(trial[:, free] - here) <= 1e-12 * (np.abs(here) + 1e-12)
            # close to the minimum rounding decides whether chi-square falls
            done = (np.abs(fall) <= FTOL * chi2) & (mu < 1) | small.all(axis=1) | (mu > 1e12)
            done |= held.all(axis=1)
            values = np.where(better[:, None], trial, values)
            chi2 = np.where(better, new, chi2)
            self.steps[live] += 1
            self.values[live], self.chi2[live] = values, chi2
            self.converged[live] = done
            fresh, turn = normal_equations(rows, weight, residual)
            normal = np.where(better[:, None, None], fresh, normal)
            slope = np.where(better[:, None], turn, slope)
            mu = np.where(better, np.maximum(mu / 10, 1e-12), mu * 8)
            if done.any():
                keep = ~done
                if not keep.any():
                    return
                live, mu, values, chi2 = live[keep], mu[keep], values[keep], chi2[keep]
                normal, slope, weight = normal[keep], slope[keep], weight[keep]
                low, high = low[keep], high[keep]

    def store(self, out: dict[str, Any], part: slice, weights: Weights) -> None:
        """Errors from the last normal matrix, and what belongs to the caller."""
        model, rows = self.jacobian(self.values, slice(None))
        normal, _ = normal_equations(rows, self.weight, self.y - model)
        free = np.flatnonzero(self.free)
        here, low, high = self.values[:, free], self.low[:, free], self.high[:, free]
        room = np.where(np.isfinite(high - low), high - low, np.inf)
        close = np.where(np.isfinite(room), 1e-6 * room, 0.0)
        bound = (here - low <= close) | (high - here <= close)
        covariance, known = inverted(normal, ~bound)
        used = np.count_nonzero(self.weight > 0, axis=1)
        dof = used - np.count_nonzero(known, axis=1)
        if weights == "equal":
            covariance *= (self.chi2 / np.maximum(dof, 1))[:, None, None]
        out["values"][part], out["chi2"][part], out["dof"][part] = self.values, self.chi2, dof
        out["converged"][part], out["steps"][part] = self.converged, self.steps
        out["model"][part] = model
        at_bound = np.zeros_like(self.values, bool)
        at_bound[:, free] = bound
        out["at_bound"][part] = at_bound
        size = len(self.low[0])
        whole = np.full((len(self.y), size, size), np.nan)
        whole[np.ix_(np.arange(len(self.y)), free, free)] = covariance
        out["covariance"][part] = whole
        diagonal = np.einsum("mii->mi", whole)
        out["std"][part] = np.sqrt(np.where(diagonal > 0, diagonal, np.nan))
