"""Crystallite size and microstrain from the breadths of lines, with what else broadens them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = [
    "LineBreadth",
    "SampleBreadth",
    "SizeEstimate",
    "WilliamsonHall",
    "orders_of",
    "sample_breadth",
    "scherrer",
    "williamson_hall",
]

SIGNIFICANT = 3.0
"""Standard deviations by which a line has to be broader than the instrument's."""
K_SPREAD = 0.1
"""Relative standard deviation of Scherrer's constant for crystallites of unknown shape."""
BOUND = 1.645
"""One-sided quantile of 95 %."""


@dataclass(frozen=True)
class LineBreadth:
    """A line of one phase: hkl, place q and integral breadths [1/angstrom].

    `observed_std` and `observed_sys` are statistical and systematic; `instrument` None where
    no calibrant was measured.
    """

    hkl: tuple[int, ...]
    q: float
    observed: float
    observed_std: float
    observed_sys: float
    instrument: float | None
    instrument_std: float = 0.0
    label: str = ""


@dataclass(frozen=True)
class SampleBreadth:
    """What the sample adds to a line's breadth [1/angstrom]; `significant`: it is there."""

    value: float
    std_stat: float
    std_sys: float
    significant: bool
    most: float


@dataclass(frozen=True)
class SizeEstimate:
    """Volume-weighted length of the crystallites along the reflecting planes' normal [nm].

    Where the line is not significantly broader than the instrument's, `value` is None and only
    `least`, the 95 % lower bound, is known.
    """

    value: float | None
    std_stat: float | None
    std_sys: float | None
    least: float


@dataclass(frozen=True)
class WilliamsonHall:
    """Size and strain from orders of one reflection.

    Attributes
    ----------
    direction : tuple of int
        The first order.
    size : SizeEstimate
    strain, strain_std_stat, strain_std_sys : float
        Upper-limit microstrain e = breadth / (2 q).
    strain_most : float
        95 % upper bound.
    significant : bool
        Whether breadth grows with the order by more than `SIGNIFICANT` deviations.
    intercept, slope : float
        Of the straight line: breadth [1/angstrom] at q = 0, and per q.
    orders : int
    """

    direction: tuple[int, ...]
    size: SizeEstimate
    strain: float
    strain_std_stat: float
    strain_std_sys: float
    strain_most: float
    significant: bool
    intercept: float
    slope: float
    orders: int


def sample_breadth(line: LineBreadth) -> SampleBreadth:
    """Take the instrument's breadth out of a line's.

    Notes
    -----
    Lorentzians subtract, B - b, Gaussians subtract in squares; the parabolic B - b^2/B lies
    between them and holds for the profiles of powders.  Its distance from the farther of the two is
    the half width of a rectangular distribution, a systematic error.  Without an instrument the
    whole breadth is the most that the sample can have.

    References
    ----------
    .. [1] N. C. Halder, C. N. J. Wagner, Acta Cryst. 20 (1966) 312, eq. 4.
    """
    wide, b = line.observed, line.instrument
    if b is None:
        most = wide + BOUND * math.hypot(line.observed_std, line.observed_sys)
        return SampleBreadth(wide, line.observed_std, line.observed_sys, False, most)
    total = math.hypot(line.observed_std, math.hypot(line.observed_sys, line.instrument_std))
    significant = wide - b > SIGNIFICANT * total
    ratio = min(b / wide, 1.0)
    value = max(wide - b * ratio, 0.0)
    by_wide, by_b = 1 + ratio**2, 2 * ratio
    linear, square = max(wide - b, 0.0), math.sqrt(max(wide**2 - b**2, 0.0))
    method = max(value - linear, square - value) / math.sqrt(3.0)
    stat = by_wide * line.observed_std
    sys = math.sqrt(
        (by_wide * line.observed_sys) ** 2 + (by_b * line.instrument_std) ** 2 + method**2
    )
    # the Gaussian difference is the largest that the sample may have
    most = math.sqrt(max((wide + BOUND * total) ** 2 - b**2, 0.0))
    return SampleBreadth(value, stat, sys, significant, most)


def scherrer(breadth: SampleBreadth, constant: float = 1.0) -> SizeEstimate:
    """Size from one line: D = 2 pi K / breadth, all broadening taken as of size.

    Parameters
    ----------
    breadth : SampleBreadth
        Integral, [1/angstrom].
    constant : float
        K; 1 gives the volume-weighted length of columns for any shape.  Its uncertainty for a
        size is a tenth.

    Notes
    -----
    Strain or a gradient of composition make a line broader still, so D is at least this.

    References
    ----------
    .. [1] A. R. Stokes, A. J. C. Wilson, Proc. Camb. Phil. Soc. 38 (1942) 313.
    .. [2] J. I. Langford, A. J. C. Wilson, J. Appl. Cryst. 11 (1978) 102, table 2 (K by shape).
    """
    factor = 2 * math.pi * constant / 10
    least = factor * (1 - BOUND * K_SPREAD) / max(breadth.most, 1e-12)
    if not breadth.significant or breadth.value <= 0:
        return SizeEstimate(None, None, None, least)
    size = factor / breadth.value
    relative = breadth.std_stat / breadth.value
    return SizeEstimate(
        size,
        size * relative,
        size * math.hypot(breadth.std_sys / breadth.value, K_SPREAD),
        least,
    )


def orders_of(lines: Sequence[LineBreadth]) -> list[list[LineBreadth]]:
    """Group lines by direction; only directions with two orders or more are returned."""
    found: dict[tuple[int, ...], list[LineBreadth]] = {}
    for line in lines:
        common = math.gcd(*line.hkl) or 1
        found.setdefault(tuple(i // common for i in line.hkl), []).append(line)
    groups = [sorted(group, key=lambda s: s.q) for group in found.values()]
    return [g for g in groups if len({s.hkl for s in g}) >= 2]


def williamson_hall(lines: Sequence[LineBreadth], constant: float = 1.0) -> WilliamsonHall:
    """Size and strain from at least two orders of one reflection.

    Parameters
    ----------
    lines : sequence of LineBreadth
        Orders of one reflection, with the instrument's breadths known.
    constant : float
        Scherrer's K.

    Notes
    -----
    breadth = 2 pi K / D + 2 e q for Lorentzian, the squares for Gaussian contributions.  The first
    is used and the difference of the second carried as systematic error.  The systematic errors
    of the breadths are taken once with all orders alike and once with the orders against each
    other, whichever moves more.

    References
    ----------
    .. [1] G. K. Williamson, W. H. Hall, Acta Metall. 1 (1953) 22, eq. 5.
    """
    breadths = [sample_breadth(s) for s in lines]
    q = np.array([s.q for s in lines])
    value = np.array([b.value for b in breadths])
    stat = np.array([max(b.std_stat, 1e-12) for b in breadths])
    sys = np.array([b.std_sys for b in breadths])
    total = np.hypot(stat, sys)
    matrix = np.stack([np.ones_like(q), q], axis=1)
    estimator = np.linalg.pinv(matrix / total[:, None]) / total
    intercept, slope = (float(v) for v in estimator @ value)
    stats = np.sqrt(((estimator * stat) ** 2).sum(axis=1))
    fading = sys * np.linspace(-1.0, 1.0, len(q))
    moved = np.maximum(np.abs(estimator @ sys), np.abs(estimator @ fading))
    squares = np.linalg.pinv(np.stack([np.ones_like(q), q**2], axis=1)) @ value**2
    gauss_a, gauss_b = (math.sqrt(max(float(v), 0.0)) for v in squares)
    sys_a = math.hypot(float(moved[0]), (gauss_a - intercept) / math.sqrt(3.0))
    sys_b = math.hypot(float(moved[1]), (gauss_b - slope) / math.sqrt(3.0))
    total_a, total_b = math.hypot(float(stats[0]), sys_a), math.hypot(float(stats[1]), sys_b)
    sized = SampleBreadth(
        max(intercept, 0.0), float(stats[0]), sys_a, intercept > SIGNIFICANT * total_a,
        max(intercept, 0.0) + BOUND * total_a,
    )  # fmt: skip
    first = lines[0].hkl
    common = math.gcd(*first) or 1
    return WilliamsonHall(
        tuple(i // common for i in first),
        scherrer(sized, constant),
        slope / 2,
        float(stats[1]) / 2,
        sys_b / 2,
        max(slope / 2 + BOUND * total_b / 2, 0.0),
        slope > SIGNIFICANT * total_b,
        intercept,
        slope,
        len(lines),
    )
