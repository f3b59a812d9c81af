"""Crystallite size and microstrain from the breadths of lines, with what else broadens them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    no calibrant was measured.  `changes` says what each other choice of the fit did to the
    breadth, where that is known: choices do alike to all lines.
    """

    hkl: tuple[int, ...]
    q: float
    observed: float
    observed_std: float
    observed_sys: float
    instrument: float | None
    instrument_std: float = 0.0
    label: str = ""
    changes: Mapping[str, float] = field(default_factory=dict)


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


def _moved(
    lines: Sequence[LineBreadth], breadths: Sequence[SampleBreadth], estimator: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Systematic errors of intercept and slope from the breadths."""
    wide = np.array([s.observed for s in lines])
    own = np.array([s.instrument or 0.0 for s in lines])
    value = np.array([b.value for b in breadths])
    ratio = np.minimum(own / wide, 1.0)

    def either_way(error: NDArray[np.float64]) -> NDArray[np.float64]:
        against = error * np.linspace(-1.0, 1.0, len(lines))
        return np.asarray(np.maximum(np.abs(estimator @ error), np.abs(estimator @ against)))

    parts: dict[str, NDArray[np.float64]] = {}
    for name in sorted({n for s in lines for n in s.changes}):
        change = (1 + ratio**2) * np.array([s.changes.get(name, 0.0) for s in lines])
        source = name.split()[0]
        parts[source] = np.maximum(parts.get(source, np.zeros(2)), np.abs(estimator @ change))
    linear = np.maximum(wide - own, 0.0)
    square = np.sqrt(np.maximum(wide**2 - own**2, 0.0))
    parts["method"] = np.maximum(
        np.abs(estimator @ (linear - value)), np.abs(estimator @ (square - value))
    )
    total = sum((v**2 for v in parts.values()), np.zeros(2)) / 3.0
    total = total + either_way(2 * ratio * np.array([s.instrument_std for s in lines])) ** 2
    if not any(s.changes for s in lines):
        total = total + either_way((1 + ratio**2) * np.array([s.observed_sys for s in lines])) ** 2
    return np.asarray(np.sqrt(total))


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
    is used and the difference of the second carried as systematic error, as is that of the two
    ways to take out the instrument.  Other choices of the fit act on all orders together; where
    only the size of a line's systematic error is known, and for the instrument's, all orders
    alike and the orders against each other are tried, whichever moves more.

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
    moved = _moved(lines, breadths, estimator)
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
