"""Flat stretches that meet in steps of finite width: rivals of sharp steps and of gradients.

Each step is an error function with a place and a width of its own.  A diffuse step that only sharp
ones may describe comes out as a staircase, with errors that are too small.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from consilience_apt.space.segment_models import Model
from consilience_apt.space.step_posterior import step_shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from consilience_apt.space.segments import Bins

__all__ = ["ERF_10_90", "Steps", "diffuse_model", "fit_steps"]

ERF_10_90 = 2 * 1.2815515655446004
"""Width of an error function from 10 to 90 %, in units of its σ."""


@dataclass(frozen=True)
class Steps:
    """Flat stretches with diffuse steps between them.

    Attributes
    ----------
    places, scales : tuple of float
        nm, of each step; `scales` are σ.
    fractions, fraction_stds : tuple of float
        Of each stretch.
    log_likelihood : float
        Over the dispersion.
    """

    places: tuple[float, ...]
    scales: tuple[float, ...]
    fractions: tuple[float, ...]
    fraction_stds: tuple[float, ...]
    log_likelihood: float


def fit_steps(bins: Bins, stops: Sequence[int]) -> Steps:
    """Fit places, widths and fractions together, from sharp steps at some edges on.

    Parameters
    ----------
    bins : Bins
    stops : sequence of int
        Bins at which the inner stretches end, as found for sharp steps.
    """
    from scipy.optimize import least_squares
    from scipy.special import xlogy

    number = len(stops)
    edges, k, n = bins.edges, bins.k, bins.n
    span, fine = float(edges[-1] - edges[0]), float(np.diff(edges).min())
    cuts = [0, *stops, len(bins)]
    fractions = [float((k[a:b].sum() + 0.5) / (n[a:b].sum() + 1.0)) for a, b in pairwise(cuts)]
    room = min(float(edges[b] - edges[a]) for a, b in pairwise(cuts))
    low = np.concatenate([[edges[0]] * number, [0.1 * fine] * number, [0.0] * (number + 1)])
    high = np.concatenate([[edges[-1]] * number, [span] * number, [1.0] * (number + 1)])

    def model(theta: NDArray[np.float64]) -> NDArray[np.float64]:
        t = step_shares("erf", edges[:-1], edges[1:], theta[:number], theta[number : 2 * number])
        ends = theta[2 * number :]
        p = ends[0] + np.diff(ends) @ t
        return np.asarray(np.clip(p, 1e-6, 1 - 1e-6))

    def residuals(theta: NDArray[np.float64]) -> NDArray[np.float64]:
        p, miss = model(theta), n - k
        with np.errstate(divide="ignore", invalid="ignore"):
            deviance = np.where(
                n > 0, xlogy(k, k / (n * p)) + xlogy(miss, miss / (n * (1 - p))), 0.0
            )
        return np.asarray(np.sign(k - n * p) * np.sqrt(2 * np.maximum(deviance, 0.0)))

    ends = []
    for scale in (0.5 * fine, max(room / 6, fine)):
        start = np.concatenate([edges[list(stops)], [scale] * number, fractions])
        inner = low + 1e-6 * (high - low), high - 1e-6 * (high - low)
        ends.append(
            least_squares(
                residuals,
                np.clip(start, *inner),
                bounds=(low, high),
                x_scale=high - low,
                ftol=1e-6,
                max_nfev=40,
            )
        )
    best = min(ends, key=lambda end: float(end.cost))
    p = model(best.x)
    free = (best.x - low > 1e-6 * (high - low)) & (high - best.x > 1e-6 * (high - low))
    covariance = np.zeros((len(free), len(free)))
    slope = np.asarray(best.jac)[:, free]
    covariance[np.ix_(free, free)] = np.linalg.pinv(slope.T @ slope) * bins.dispersion
    stds = np.sqrt(np.maximum(np.diag(covariance)[2 * number :], 0.0))
    return Steps(
        tuple(best.x[:number].tolist()),
        tuple(best.x[number : 2 * number].tolist()),
        tuple(best.x[2 * number :].tolist()),
        tuple(stds.tolist()),
        float((xlogy(k, p) + xlogy(n - k, 1 - p)).sum()) / bins.dispersion,
    )


def diffuse_model(bins: Bins, sharp: Model, least: int) -> tuple[Model, Steps] | None:
    """Return the diffuse rival of a model of flat stretches with sharp steps.

    None where a stretch, once steps may be wide, has less than `least` bins or is flat over less
    than half of its length: many wide steps in a row are a gradient by another name.
    """
    steps = fit_steps(bins, sharp.stops[:-1])
    places = [int(np.argmin(np.abs(bins.edges - place))) for place in steps.places]
    cuts = [0, *places, len(bins)]
    widths = [0.0, *(ERF_10_90 * scale for scale in steps.scales), 0.0]
    ends = [float(bins.edges[0]), *steps.places, float(bins.edges[-1])]
    blurred = [(a + b) / 2 for a, b in pairwise(widths)]
    if min(np.diff(cuts)) < least or any(
        part > (high - low) / 2 for part, (low, high) in zip(blurred, pairwise(ends), strict=True)
    ):
        return None
    cost = math.log(max(float(bins.n.sum()) / bins.dispersion, 2.0))
    parameters = 3 * len(places) + 1
    made = Model(
        f"{sharp.name}, diffuse",
        sharp.kinds,
        (*places, len(bins)),
        steps.log_likelihood,
        parameters,
        parameters * cost - 2 * steps.log_likelihood,
        tuple(widths[1:-1]),
    )
    return made, steps
