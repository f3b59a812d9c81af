"""Two forward models of a powder pattern; the second shares no law with the fitter.

The first is what the fits suppose: pseudo-Voigts on a straight background, Poisson counts.  The
second has Voigts of a limited number of grains with a one-sided tail, a bent background with the
halo of a liquid and a beam that drifts, and counts that scatter more than Poisson's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import fftconvolve
from scipy.special import voigt_profile

from consilience_xrd.lines.profiles import doublet_center, pseudo_voigt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.lines.profiles import Components

__all__ = ["MODELS", "Line", "Truth", "simulate"]

MODELS = ("first", "second")
GRAINS = 300
"""Of a line of the second model, with exponentially distributed volumes."""
SPREAD = 0.15
"""Standard deviation of their positions, in widths."""
MOST_TAIL = 0.12
"""Longest mean of the one-sided tail, in widths."""
OVERDISPERSION = 0.3
"""Variance over mean of the second model's counts, less one."""
FINE = 40
"""Points per width when a line of the second model is built."""


@dataclass(frozen=True)
class Line:
    """A line to be simulated: centre, nominal width, Lorentzian fraction, area."""

    center: float
    fwhm: float
    eta: float
    area: float


@dataclass(frozen=True)
class Truth:
    """What a line of the noiseless pattern is.

    Attributes
    ----------
    center, fwhm : float
        Place of the maximum and full width at half maximum of one component, in the axis' unit.
    area : float
        Of all components.
    bragg : float
        Where Bragg's law puts the line; the maximum where the profile is symmetric.
    """

    center: float
    fwhm: float
    area: float
    bragg: float


def simulate(
    x: NDArray[np.float64],
    lines: list[Line],
    background: float,
    model: str,
    rng: np.random.Generator,
    components: Components = ((1.0, 1.0),),
    in_angle: bool = True,
) -> tuple[NDArray[np.float64], list[Truth]]:
    """Counts of a pattern, and what its lines are.

    Parameters
    ----------
    x : ndarray, shape (n,)
    lines : list of Line
    background : float
        Mean counts under the lines.
    model : {"first", "second"}
    """
    t = (x - x[0]) / (x[-1] - x[0])
    if model == "first":
        expected = background * (1.15 - 0.3 * t)
        for line in lines:
            expected = expected + line.area * pseudo_voigt(
                x, line.center, line.fwhm, line.eta, components, in_angle
            )
        truth = [Truth(s.center, s.fwhm, s.area, s.center) for s in lines]
        return rng.poisson(expected).astype(np.float64), truth
    expected = _bent(t, background, lines[0].fwhm / (x[-1] - x[0]), rng)
    tail = float(rng.uniform(0.0, MOST_TAIL))
    truth = []
    for line in lines:
        shape, found = _grains(line, tail, rng)
        truth.append(found)
        for ratio, share in components:
            place, _ = doublet_center(line.center, ratio, in_angle)
            expected = expected + line.area * share * np.interp(x - place, *shape)
    drift = 1 + 0.004 * np.sin(2 * np.pi * (rng.uniform(0.5, 2.0) * t + rng.uniform()))
    rate = rng.gamma(expected * drift / OVERDISPERSION, OVERDISPERSION)
    return rng.poisson(rate).astype(np.float64), truth


def _bent(
    t: NDArray[np.float64], background: float, width: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Falling background with a halo of fifteen to forty widths."""
    falling = np.exp(-rng.uniform(0.2, 1.0) * t) + 0.3 * (t - rng.uniform(0.2, 0.8)) ** 2
    halo_width = rng.uniform(15.0, 40.0) * width / 2.355
    halo = rng.uniform(0.2, 1.0) * np.exp(-0.5 * ((t - rng.uniform(0.1, 0.9)) / halo_width) ** 2)
    return np.asarray(background * (falling + halo))


def _grains(
    line: Line, tail: float, rng: np.random.Generator
) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], Truth]:
    """Profile of unit area about the line's place, and what its maximum and width are."""
    step = line.fwhm / FINE
    half = 80 * FINE
    at = np.asarray(np.arange(-half, half + 1) * step, dtype=np.float64)
    # widths of a Voigt's parts that give about the wanted width
    lorentz = line.eta * line.fwhm / 2
    gauss = np.sqrt(max((1 - line.eta) * line.fwhm**2, (0.2 * line.fwhm) ** 2)) / 2.355
    offsets = SPREAD * line.fwhm * rng.normal(size=GRAINS)
    weights = rng.exponential(size=GRAINS)
    edges = np.concatenate([at - step / 2, at[-1:] + step / 2])
    places = np.histogram(offsets, edges, weights=weights / weights.sum())[0]
    if tail > 0:
        decay = np.exp(np.minimum(at, 0.0) / (tail * line.fwhm)) * (at <= 0)
        places = fftconvolve(places, decay / decay.sum(), "same")
    profile = fftconvolve(voigt_profile(at, gauss, lorentz), places, "same")
    profile = np.maximum(profile, 0.0)  # round-off of the transform
    outside = 1 - float(np.sum(profile) * step)
    top = int(np.argmax(profile))
    a, b, c = profile[top - 1 : top + 2]
    center = at[top] + 0.5 * step * (a - c) / (a - 2 * b + c)
    level = 0.5 * profile[top]
    left = np.interp(level, profile[: top + 1], at[: top + 1])
    right = -np.interp(level, profile[top:][::-1], -at[top:][::-1])
    assert outside < 0.02
    truth = Truth(line.center + center, float(right - left), line.area, line.center)
    return (at, np.asarray(profile, dtype=np.float64)), truth
