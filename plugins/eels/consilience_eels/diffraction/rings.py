"""Rings in a pattern: peaks of its mean over the angle, and spots told from rings."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from scipy.optimize import OptimizeWarning, curve_fit

from consilience_eels.diffraction.patterns import Pattern
from consilience_eels.diffraction.profiles import Profile

__all__ = ["Ring", "find_rings"]

WIDEST = 0.2
"""Full width over k, beyond which a hump is no ring of a lattice."""

SAMPLED = 0.05
"""Pixels by which a single spot is off through its shape on the grid; rings average that away."""

CENTRED = 0.003
"""Pixels by which a ring is off through its centre."""

CORRELATED = 1.5
"""Neighbouring radii share pixels, so that the scatter of the fit understates its errors."""

Shape = Literal["ring", "spots", "between"]
SPOTS, EVEN = 0.6, 0.4
"""Share of a ring's excess in the brightest tenth of its angles: above, spots; below, a ring."""


@dataclass(frozen=True)
class Ring:
    """One ring, or the spots at one distance; k and its errors in 1/nm.

    Attributes
    ----------
    k, k_std : float
        Position, and its standard deviation from the fit.
    k_spread : float or None
        Standard deviation over four sectors of a ring beyond what counting makes: an ellipse,
        or a centre that is off; None where fewer than three sectors show it.
    fwhm, height, significance : float
        1/nm; over the background; area over its error.
    shape : {"ring", "spots", "between"}
    brightest_tenth : float
        Share of the excess intensity in a tenth of the angles.
    angles : tuple of float
        Degrees of the brightest spots from the column axis; empty for a ring.
    """

    k: float
    k_std: float
    k_spread: float | None
    fwhm: float
    height: float
    significance: float
    shape: Shape
    brightest_tenth: float
    angles: tuple[float, ...]

    @property
    def d(self) -> float:
        """Spacing in Å."""
        return 10.0 / self.k


def find_rings(
    pattern: Pattern,
    profile: Profile,
    d_range: tuple[float, float],
    *,
    least: float = 5.0,
    most: int = 12,
) -> tuple[Ring, ...]:
    """Return rings whose area is `least` times its error or more, from small k to large.

    Parameters
    ----------
    pattern : Pattern
    profile : Profile
        Of `radial_profile`.
    d_range : (float, float)
        Å, smallest and largest spacing that is looked for.
    least : float
        Significance; with a few hundred radii looked at, 5 leaves one false ring in thousands of
        patterns of plain noise.
    most : int
        The most significant ones are kept.
    """
    excess = profile.mean - profile.background
    inside = (profile.k >= 10.0 / d_range[1]) & (profile.k <= 10.0 / d_range[0])
    inside &= profile.k >= 6.0 * pattern.step
    inside[-3:] = False
    ripple = _ripple(excess, inside)
    error = np.hypot(profile.std, ripple)
    score = np.where(inside, excess / error, -np.inf)
    found: list[Ring] = []
    taken = np.zeros(score.size, dtype=np.bool_)
    for at in np.argsort(score)[::-1]:
        if score[at] < 0.5 * least or len(found) >= 2 * most:
            break
        near = slice(max(int(at) - 1, 0), int(at) + 2)
        if taken[at] or excess[at] < excess[near].max():
            continue
        ring, width = _fit(pattern, profile, error, int(at))
        taken[max(int(at) - width, 0) : int(at) + width + 1] = True
        if ring is not None and ring.significance >= least and _apart(ring, found):
            found.append(ring)
    found += _spotted(pattern, profile, inside, found, most)
    found.sort(key=lambda one: -one.significance)
    kept = sorted(found[:most], key=lambda one: one.k)
    return tuple(_together(profile, kept, pattern.step))


def _spotted(
    pattern: Pattern,
    profile: Profile,
    inside: NDArray[np.bool_],
    found: list[Ring],
    most: int,
) -> list[Ring]:
    """Spots whose mean over the angle does not stand out: few, on a circle of noise.

    The excess over the median of the circle is counted in its own robust scatter.  The power of
    noise has an exponential tail, so one piece asks for a larger excess than many.
    """
    middle = np.median(profile.polar, axis=0)
    scatter = 1.4826 * np.median(np.abs(profile.polar - middle), axis=0)
    scatter = np.maximum(scatter, 1e-9 * max(float(profile.mean.max()), 1e-300))
    high = (profile.polar - middle) / scatter
    least = 10.0 + (24.0 / math.sqrt(pattern.pieces) if pattern.spectrum else 0.0)
    top = np.where(inside, high.max(axis=0), 0.0)
    made: list[Ring] = []
    for at in np.argsort(top)[::-1]:
        if top[at] < least or len(made) >= most:
            break
        near = slice(max(int(at) - 2, 0), int(at) + 3)
        k = float(profile.k[at])
        others = [*found, *made]
        if any(abs(k - one.k) < max(one.fwhm, 2.0 * pattern.step) for one in others):
            continue
        rows = np.flatnonzero(high[:, near].max(axis=1) > 0.5 * top[at])
        own = Profile(
            profile.k,
            profile.polar[rows].mean(axis=0),
            scatter / math.sqrt(rows.size),
            profile.background,
            profile.polar,
        )
        ring, _ = _fit(pattern, own, own.std, int(at))
        if ring is not None and ring.significance >= 5.0:
            made.append(ring)
    return made


def _together(profile: Profile, rings: list[Ring], step: float) -> list[Ring]:
    """Fit even rings again that stand on each other's flanks, all of a group at once."""
    groups: list[list[Ring]] = []
    for ring in rings:
        close = groups and ring.k - groups[-1][-1].k < 1.3 * (ring.fwhm + groups[-1][-1].fwhm)
        if close and ring.shape != "spots" and groups[-1][-1].shape != "spots":
            groups[-1].append(ring)
        else:
            groups.append([ring])
    excess = profile.mean - profile.background
    done: list[Ring] = []
    for group in groups:
        low = round((group[0].k - 1.5 * group[0].fwhm) / step)
        high = round((group[-1].k + 1.5 * group[-1].fwhm) / step)
        use = slice(max(low, 3), min(high + 1, excess.size))
        k, values, std = profile.k[use], excess[use], profile.std[use]
        if len(group) == 1 or k.size < 3 * len(group) + 4:
            done += group
            continue
        start = [v for ring in group for v in (ring.k, ring.fwhm / 2.3548, ring.height)]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", OptimizeWarning)
                best, cov = curve_fit(
                    _gausses, k, values, [*start, 0.0, 0.0], std, True, maxfev=4000
                )
        except (RuntimeError, ValueError, OptimizeWarning):
            done += group
            continue
        chi2 = float((((values - _gausses(k, *best)) / std) ** 2).sum()) / (k.size - best.size)
        errors = np.sqrt(np.diag(cov)) * CORRELATED * math.sqrt(chi2)
        places = best[0:-2:3]
        moved = np.abs(places - np.array([ring.k for ring in group]))
        if not np.isfinite(errors).all() or (moved > [ring.fwhm for ring in group]).any():
            done += group
            continue
        done += [
            replace(
                ring,
                k=float(best[3 * i]),
                k_std=math.hypot(float(errors[3 * i]), CENTRED * step),
                fwhm=2.3548 * abs(float(best[3 * i + 1])),
                height=float(best[3 * i + 2]),
            )
            for i, ring in enumerate(group)
        ]
    return done


def _gausses(k: NDArray[np.float64], *values: float) -> NDArray[np.float64]:
    total = values[-2] + values[-1] * (k - k[0])
    for at, sigma, height in zip(values[0:-2:3], values[1:-2:3], values[2:-2:3], strict=True):
        total = total + height * np.exp(-0.5 * ((k - at) / sigma) ** 2)
    return np.asarray(total)


def _ripple(excess: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Scatter of the excess over stretches of the axis that no ring fills: what is no peak."""
    left = np.where(inside, np.abs(excess), 0.0)
    size = max(15, 2 * (excess.size // 8) + 1)
    return np.asarray(1.4826 * median_filter(left, size=size, mode="nearest"))


def _apart(ring: Ring, found: list[Ring]) -> bool:
    return all(abs(ring.k - one.k) > 0.5 * max(ring.fwhm, one.fwhm) for one in found)


def _gauss(
    k: NDArray[np.float64], at: float, sigma: float, height: float, level: float, slope: float
) -> NDArray[np.float64]:
    return np.asarray(height * np.exp(-0.5 * ((k - at) / sigma) ** 2) + level + slope * (k - k[0]))


def _fit(
    pattern: Pattern, profile: Profile, error: NDArray[np.float64], at: int
) -> tuple[Ring | None, int]:
    """A Gaussian on a sloping level about one maximum; and how many radii it takes."""
    excess = profile.mean - profile.background
    half = 0.5 * excess[at]
    wide = 1
    while wide < 40 and at + wide < excess.size and at - wide > 0:
        if min(excess[at - wide], excess[at + wide]) < half:
            break
        wide += 1
    reach = max(5, 4 * wide)
    left = _valley(excess, error, at, -1, reach)
    use = slice(max(left, 3), _valley(excess, error, at, 1, reach) + 1)
    k, values = profile.k[use], excess[use]
    std = np.full(k.size, float(np.sqrt(np.mean(profile.std[use] ** 2))))
    if k.size < 6:
        return None, wide
    step = pattern.step
    try:
        best, cov = _solve(k, values, std, (float(profile.k[at]), wide * step / 1.2, excess[at]))
    except (RuntimeError, ValueError, OptimizeWarning):
        return None, wide
    centre, sigma, height = float(best[0]), abs(float(best[1])), float(best[2])
    errors = np.sqrt(np.diag(cov))
    chi2 = float((((values - _gauss(k, *best)) / std) ** 2).sum()) / max(k.size - 5, 1)
    stretch = CORRELATED * math.sqrt(chi2)
    area_error = math.hypot(
        errors[2] / max(height, 1e-300),
        errors[1] / max(sigma, 1e-300),
        float(error[at]) / max(height, 1e-300) / math.sqrt(max(2.5 * sigma / step, 1.0)),
    )
    good = height > 0 and use.start <= centre / step <= use.stop and sigma < reach * step
    if not good or not np.isfinite(errors).all() or area_error == 0.0:
        return None, wide
    shape, share, angles = _shape(profile, centre, sigma, step)
    if share == 0.0 or 2.3548 * sigma > WIDEST * centre + 4.0 * step:
        return None, wide
    ring = Ring(
        k=centre,
        k_std=math.hypot(
            float(errors[0]) * stretch, step * (SAMPLED if shape == "spots" else CENTRED)
        ),
        k_spread=_spread(profile, use, best, step) if shape != "spots" else None,
        fwhm=2.3548 * sigma,
        height=height,
        significance=1.0 / area_error,
        shape=shape,
        brightest_tenth=share,
        angles=angles,
    )
    return ring, max(wide, round(2.0 * sigma / step))


def _valley(
    excess: NDArray[np.float64], error: NDArray[np.float64], at: int, way: int, reach: int
) -> int:
    """The index where a neighbour begins to rise, or `reach` away, or the end of the axis."""
    lowest = at
    for index in range(at + way, at + way * (reach + 1), way):
        if not 0 <= index < excess.size:
            break
        if excess[index] < excess[lowest]:
            lowest = index
        elif excess[index] - excess[lowest] > 3.0 * error[index]:
            return lowest
    return min(max(at + way * reach, 0), excess.size - 1)


def _solve(
    k: NDArray[np.float64],
    values: NDArray[np.float64],
    std: NDArray[np.float64],
    start: tuple[float, float, float],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", OptimizeWarning)
        best, cov = curve_fit(
            _gauss, k, values, p0=(*start, 0.0, 0.0), sigma=std, absolute_sigma=True, maxfev=2000
        )
    return np.asarray(best), np.asarray(cov)


def _shape(
    profile: Profile, centre: float, sigma: float, step: float
) -> tuple[Shape, float, tuple[float, ...]]:
    """Where the excess of a ring lies around the circle."""
    low, high = (round((centre + way * 1.5 * sigma) / step) for way in (-1, 1))
    band = slice(max(low, 1), max(high, low + 1) + 1)
    around = profile.polar[:, band].sum(axis=1) - profile.background[band].sum()
    count = around.size
    smooth = max(1, count // 72)
    around = around[: count // smooth * smooth].reshape(-1, smooth).mean(axis=1)
    total = float(around.sum())
    if total <= 0:
        return "between", 0.0, ()
    order = np.argsort(around)[::-1]
    share = float(around[order[: max(1, around.size // 10)]].sum()) / total
    shape: Shape = "spots" if share > SPOTS else "ring" if share < EVEN else "between"
    if shape == "ring":
        return shape, share, ()
    peaks = [
        int(i)
        for i in order[: max(1, around.size // 10)]
        if around[i] >= around[i - 1] and around[i] >= around[(i + 1) % around.size]
    ]
    return shape, share, tuple(sorted(round(i * 360.0 / around.size, 1) for i in peaks[:12]))


def _spread(profile: Profile, use: slice, best: NDArray[np.float64], step: float) -> float | None:
    """Scatter of the position over sectors that face each other, beyond their own errors."""
    count = profile.polar.shape[0]
    eighth = count // 8
    found: list[tuple[float, float]] = []
    for sector in range(4):
        rows = np.concatenate(
            [
                np.arange(sector * eighth, (sector + 1) * eighth),
                np.arange(sector * eighth + count // 2, (sector + 1) * eighth + count // 2),
            ]
        )
        values = profile.polar[rows, use].mean(axis=0) - profile.background[use]
        std = 2.0 * profile.std[use]
        try:
            own, cov = _solve(
                profile.k[use], values, std, (float(best[0]), float(best[1]), float(best[2]))
            )
        except (RuntimeError, ValueError, OptimizeWarning):
            continue
        error = math.sqrt(float(cov[0, 0])) if np.isfinite(cov[0, 0]) else math.inf
        if own[2] > 0 and abs(own[0] - best[0]) < 10.0 * step and error < 5.0 * step:
            found.append((float(own[0]), error))
    if len(found) < 3:
        return None
    places = np.array([one for one, _ in found])
    own_variance = float(np.mean([error**2 for _, error in found]))
    return math.sqrt(max(float(places.var(ddof=1)) - own_variance, 0.0))
