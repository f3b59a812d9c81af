"""Where ions of each species come to lie in the mass spectrum, and how widely.

Both forward models give random masses and the same distribution without noise, so that either
can be held against the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr
from scipy.stats import exponnorm, t

from consilience_apt.ions import Ion, isotopologues
from consilience_apt.simulation.composition import needle_shares
from consilience_apt.simulation.params import NeedleParams

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "LOWEST_MASS",
    "Lines",
    "background_below",
    "expected_spectrum",
    "lines_of",
    "peak_below",
]

LOWEST_MASS = 0.2
"""Da; no flight is so fast that a background ion lies below it."""
FWHM = 2.3548200450309493
"""Full width at half maximum of a Gaussian over its standard deviation."""
FREEDOM = 4.0
"""Degrees of freedom of the second model's peaks: wider wings than a Gaussian."""
STUDENT_FWHM = 2.0 * (FREEDOM * (2.0 ** (2.0 / (FREEDOM + 1.0)) - 1.0)) ** 0.5
"""Full width at half maximum of that Student distribution, of scale 1."""
POWER = 3.0
"""Exponent of the second model's tails, 1/(1 + delay)^(POWER + 1)."""
FALLING = 0.35
"""Share of the second model's background that falls with mass …"""
FALL = 40.0
"""… and over how many Da it falls by e."""


@dataclass(frozen=True)
class Lines:
    """Lines of one species: `mass` (Da) and natural `abundance` (sums to 1)."""

    ion: Ion
    mass: NDArray[np.float64]
    abundance: NDArray[np.float64]


def lines_of(name: str, floor: float = 1e-5) -> Lines:
    """Return the isotopologues of an ion such as ``Pt++``; those below `floor` are left out."""
    ion = Ion.parse(name)
    found = isotopologues(ion, floor)
    abundance = np.array([one.abundance for one in found])
    return Lines(ion, np.array([one.mass_to_charge for one in found]), abundance / abundance.sum())


def scale_of(params: NeedleParams, mass: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the scale of a peak (Da) that gives the wanted full width at half maximum."""
    width = FWHM if params.model == "first" else STUDENT_FWHM
    return np.asarray(mass / (params.resolution * width))


def draw_peak(
    params: NeedleParams, mass: NDArray[np.float64], chance: np.random.Generator
) -> NDArray[np.float64]:
    """Return masses as they are measured, for ions of exact mass-to-charge ratios (Da)."""
    scale = scale_of(params, mass)
    number = len(mass)
    late = chance.random(number) < params.tail
    if params.model == "first":
        measured = mass + scale * chance.standard_normal(number)
        delay = chance.exponential(1.0, number)
        return np.asarray(np.where(late, measured + delay * params.tail_length * mass, measured))
    measured = mass + scale * chance.standard_t(FREEDOM, number)
    # Lomax with the mean of the exponential above; it starts at the line itself
    delay = chance.pareto(POWER, number) * (POWER - 1.0)
    return np.asarray(np.where(late, mass * (1.0 + delay * params.tail_length), measured))


def peak_below(
    params: NeedleParams, mass: float, upper: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share of a line's ions that are measured below each of `upper` (Da)."""
    scale = float(scale_of(params, np.array([mass]))[0])
    away = upper - mass
    tail = params.tail_length * mass
    if params.model == "first":
        prompt, late = ndtr(away / scale), exponnorm.cdf(away, tail / scale, scale=scale)
    else:
        prompt = t.cdf(away / scale, FREEDOM)
        delay = np.clip(away, 0.0, None) / tail
        late = 1.0 - (1.0 + delay / (POWER - 1.0)) ** -POWER
    return np.asarray((1.0 - params.tail) * prompt + params.tail * late)


def draw_background(
    params: NeedleParams, number: int, chance: np.random.Generator
) -> NDArray[np.float64]:
    """Return masses of ions that come at any time."""
    low, high = LOWEST_MASS**0.5, params.longest_mass**0.5
    masses = chance.uniform(low, high, number) ** 2
    if params.model == "second":
        falling = chance.random(number) < FALLING
        span = -np.expm1(-(params.longest_mass - LOWEST_MASS) / FALL)
        fallen = LOWEST_MASS - FALL * np.log1p(-chance.random(number) * span)
        masses = np.where(falling, fallen, masses)
    return np.asarray(masses)


def background_below(params: NeedleParams, upper: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of background ions below each of `upper` (Da)."""
    inside = np.clip(upper, LOWEST_MASS, params.longest_mass)
    low, high = LOWEST_MASS**0.5, params.longest_mass**0.5
    flat = (np.sqrt(inside) - low) / (high - low)
    if params.model == "first":
        return np.asarray(flat)
    span = np.expm1(-(params.longest_mass - LOWEST_MASS) / FALL)
    fallen = np.expm1(-(inside - LOWEST_MASS) / FALL) / span
    return np.asarray((1.0 - FALLING) * flat + FALLING * fallen)


def expected_spectrum(
    params: NeedleParams,
    edges: NDArray[np.float64],
    shares: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the counts expected in bins of mass-to-charge ratio, without noise.

    Parameters
    ----------
    params : NeedleParams
    edges : float[bins + 1]
        Da, increasing.
    shares : float[species], optional
        Of each species; by default those of the whole needle without clusters.

    Returns
    -------
    float[bins]
        They sum to ``params.ions`` less what lies outside.
    """
    shares = needle_shares(params) if shares is None else shares
    below = params.background * background_below(params, edges)
    for name, share in zip(params.species, shares, strict=True):
        lines = lines_of(name)
        for mass, abundance in zip(lines.mass, lines.abundance, strict=True):
            weight = (1.0 - params.background) * share * abundance
            below = below + weight * peak_below(params, float(mass), edges)
    return np.asarray(params.ions * np.diff(below))
