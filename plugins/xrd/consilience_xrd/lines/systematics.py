"""How far peaks move under other choices that the data would bear as well.

A fit's covariance holds the counting noise alone.  Another smoothness of the baseline, another
profile or another window are choices; each group is fitted again under each, and what changes is
carried as a systematic standard deviation beside the statistical one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from consilience_xrd.lines.baseline import fit_baseline
from consilience_xrd.lines.peakfind import Candidate
from consilience_xrd.lines.peakfit import GroupFit, Shape, fit_group
from consilience_xrd.lines.peaks import PeakFit, components_of, tails_of
from consilience_xrd.lines.profiles import (
    PEARSON_VII,
    PSEUDO_VOIGT,
    Components,
    Profile,
    doublet_center,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.pattern import Pattern

__all__ = ["QUANTITIES", "PeakSystematics", "baseline_variants", "systematic_errors"]

QUANTITIES = ("center", "area", "height", "fwhm", "breadth")
SOFTER, STIFFER = 2.0**-4, 2.0**4
"""Factors on lam: half and twice the shortest period that the baseline follows."""
TOP = 0.6
"""Distance from the maximum, in widths, that is called the top of a line."""
LEAST = 0.003
"""Standard deviation of a centre, in widths, below which its meaning is in doubt: the maximum, the
middle at half height and the centroid of a real line lie that far apart."""
NARROW, WIDE = 0.6, 1.4
"""Margins of other windows beyond the outermost peaks, over those of the fit."""


@dataclass(frozen=True)
class PeakSystematics:
    """Systematic standard deviations of one peak, in the units of `Peak`.

    Attributes
    ----------
    center, area, height, fwhm, breadth : float
        Root of the sum of squares over the sources.  The largest change of a source is taken as
        half the width of a rectangular distribution.  That of a centre holds `LEAST` besides.
    changes : dict of str to dict
        What each other choice changed, by quantity: variant minus fit.  Of a profile that fits
        worse than the one in use, the part of it that the data bear.
    """

    center: float
    area: float
    height: float
    fwhm: float
    breadth: float
    changes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def baseline_variants(
    intensity: NDArray[np.float64], method: str, lam: float, p: float
) -> dict[str, NDArray[np.float64]]:
    """Baselines that one might have drawn as well.

    Parameters
    ----------
    intensity : ndarray, shape (n,)
    method : str
        Of the baseline in use.
    lam, p : float
        Its smoothness, and the asymmetry of asls.

    Returns
    -------
    dict of str to ndarray
        Half and twice the shortest period that is followed, and another weighting of the points.
    """
    other = "arpls" if method != "arpls" else "asls"
    return {
        "baseline that follows half the period": fit_baseline(
            intensity, method, lam * SOFTER, p
        ).values,
        "baseline that follows twice the period": fit_baseline(
            intensity, method, lam * STIFFER, p
        ).values,
        f"baseline by {other}": fit_baseline(intensity, other, lam, p).values,
    }


def systematic_errors(
    pattern: Pattern,
    fit: PeakFit,
    baselines: Mapping[str, NDArray[np.float64]] | None = None,
) -> tuple[PeakSystematics, ...]:
    """Fit each group again under other baselines, profiles and windows.

    Parameters
    ----------
    pattern : Pattern
    fit : PeakFit
        Of that pattern.
    baselines : mapping of str to ndarray, optional
        Other baselines over the points that the fit used; by default `baseline_variants`.

    Returns
    -------
    tuple of PeakSystematics
        One for each of `fit.peaks`, in that order.

    Notes
    -----
    The spread over choices is taken whole, the noise that both fits share not deducted: where
    noise hides which profile is right, it also hides how wrong the one in use is.

    References
    ----------
    .. [1] JCGM 100:2008, Guide to the expression of uncertainty in measurement, eq. 7.
    """
    x, y = pattern.x[fit.used], pattern.intensity[fit.used]
    if baselines is None:
        made = fit.baseline.parameters
        baselines = baseline_variants(y, made["method"], made["lam"], made.get("p", 0.01))
    components = components_of(pattern.source)
    in_angle = pattern.axis == "two_theta"
    sigma = _weights(pattern, fit)
    nominal = fit.baseline.values[fit.used]
    everything = {n: tails_of(x, g.peaks, components, in_angle) for n, g in enumerate(fit.groups)}
    total = sum(everything.values(), np.zeros_like(x))
    found: dict[tuple[float, float], PeakSystematics] = {}
    with threadpool_limits(limits=1, user_api="blas"):
        for number, group in enumerate(fit.groups):
            others = total - everything[number]
            skewed = group.peaks[0].asymmetry != 0
            start = [Candidate(p.center, p.height, p.fwhm, p.significance) for p in group.peaks]

            def again(
                base: NDArray[np.float64],
                part: slice,
                asymmetry: bool,
                profile: Profile,
                start: list[Candidate] = start,
                group: GroupFit = group,
            ) -> GroupFit:
                return fit_group(
                    x[part], y[part], start, base[part],
                    None if sigma is None else sigma[part], False, components, in_angle,
                    fit.shape, group=group.peaks[0].group, asymmetry=asymmetry, profile=profile,
                )  # fmt: skip

            unit = _scatter(y[group.window] - group.model, sigma, group.window)
            changes = _changes(again, x, group, baselines, nominal, others, skewed, unit)
            top = _tops(x, y, group, sigma, components, in_angle, fit.shape)
            if top is not None:
                changes["top of the line alone"] = [
                    {**dict.fromkeys(QUANTITIES, 0.0), "center": moved} for moved in top
                ]
            for i, peak in enumerate(group.peaks):
                found[peak.center, peak.area] = _combined(
                    {k: v[i] for k, v in changes.items()}, peak.fwhm
                )
    return tuple(found[p.center, p.area] for p in fit.peaks)


def _weights(pattern: Pattern, fit: PeakFit) -> NDArray[np.float64] | None:
    """Standard deviations that the fit has used, the model's for counts."""
    sigma = None if pattern.sigma is None else pattern.sigma[fit.used]
    if sigma is not None and np.isfinite(sigma).any():
        return np.where(np.isfinite(sigma), sigma, np.inf)
    if pattern.intensity_unit == "count":
        return np.asarray(np.sqrt(np.maximum(fit.model[fit.used], 0.5)))
    return None


def _changes(
    again: Callable[[NDArray[np.float64], slice, bool, Profile], GroupFit],
    x: NDArray[np.float64],
    group: GroupFit,
    baselines: Mapping[str, NDArray[np.float64]],
    nominal: NDArray[np.float64],
    others: NDArray[np.float64],
    skewed: bool,
    unit: float,
) -> dict[str, list[dict[str, float]]]:
    """What each choice changes in each peak of a group."""
    part, base = group.window, nominal + others
    made: dict[str, GroupFit] = {
        name: again(values + others, part, skewed, PSEUDO_VOIGT)
        for name, values in baselines.items()
    }
    made["profile Pearson VII"] = again(base, part, skewed, PEARSON_VII)
    if part.stop - part.start - len(group.peaks) * 4 > 8:
        told = "profile without asymmetry" if skewed else "profile with asymmetry"
        made[told] = again(base, part, not skewed, PSEUDO_VOIGT)
    for told, factor in (("narrow", NARROW), ("wide", WIDE)):
        other = _window(x, group, factor)
        if other is not None:
            made[f"window {told}"] = again(base, other, skewed, PSEUDO_VOIGT)
    return {
        name: [
            {q: share * (getattr(new, q) - getattr(old, q)) for q in QUANTITIES}
            for new, old in zip(got.peaks, group.peaks, strict=True)
        ]
        for name, got in made.items()
        for share in [_borne(group, got, unit) if name.startswith("profile") else 1.0]
    }


def _tops(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    group: GroupFit,
    sigma: NDArray[np.float64] | None,
    components: Components,
    in_angle: bool,
    shape: Shape,
) -> list[float] | None:
    """How far centres move if only what lies near the maxima counts; None with few points."""
    part = group.window
    xs = x[part]
    near = np.zeros(len(xs), bool)
    for peak in group.peaks:
        for ratio, _ in components:
            place, _ = doublet_center(peak.center, ratio, in_angle)
            near |= np.abs(xs - place) < TOP * peak.fwhm
    if np.count_nonzero(near) < 6 * len(group.peaks):
        return None
    noise = np.full(len(xs), np.std(y[part] - group.model)) if sigma is None else sigma[part]
    start = [Candidate(p.center, p.height, p.fwhm, p.significance) for p in group.peaks]
    got = fit_group(
        xs, y[part], start, group.model - tails_of(xs, group.peaks, components, in_angle),
        np.where(near, noise, np.inf), False, components, in_angle, shape, line=False,
        asymmetry=group.peaks[0].asymmetry != 0,
    )  # fmt: skip
    return [new.center - old.center for new, old in zip(got.peaks, group.peaks, strict=True)]


def _scatter(
    residual: NDArray[np.float64], sigma: NDArray[np.float64] | None, part: slice
) -> float:
    """Variance of a point over the stated one, from neighbours' differences: misfit is smooth."""
    pull = residual if sigma is None else residual / sigma[part]
    second = pull[2:] - 2 * pull[1:-1] + pull[:-2]
    return float(np.mean(second**2) / 6.0)


def _borne(group: GroupFit, other: GroupFit, unit: float) -> float:
    """How much of the way to another profile the truth may lie.

    If chi-square beyond the noise grows with the square of the distance from the truth, the
    profile in use is off by this share of the distance to the other.  Where the other fits
    better, its whole distance counts as a standard deviation, and no more.  Twice the scatter of
    chi-square is always allowed.
    """
    mine, others = group.peaks[0], other.peaks[0]
    noise = unit * mine.dof
    scatter = 2.0 * unit * (2.0 * max(mine.dof, 1)) ** 0.5
    here = max(mine.chi2 - noise, 0.0) + scatter
    there = max(others.chi2 - noise, 0.0) + scatter
    return float(min(3.0, here / there) ** 0.5) if there > 0 else 1.0


def _window(x: NDArray[np.float64], group: GroupFit, factor: float) -> slice | None:
    """Window whose margins beyond the outermost peaks are stretched; None with too few points."""
    first, last = group.window.start, group.window.stop - 1
    left, right = (f(p.center for p in group.peaks) for f in (min, max))
    low = int(np.searchsorted(x, left - factor * max(left - float(x[first]), 0.0)))
    high = int(np.searchsorted(x, right + factor * max(float(x[last]) - right, 0.0))) + 1
    part = slice(max(low, 0), min(high, len(x)))
    return part if part.stop - part.start >= 4 * len(group.peaks) + 6 else None


def _combined(changes: Mapping[str, Mapping[str, float]], fwhm: float) -> PeakSystematics:
    """Standard deviations of rectangles as wide as the largest changes, in quadrature."""
    total: dict[str, float] = {}
    for quantity in QUANTITIES:
        largest: dict[str, float] = {}
        for name, change in changes.items():
            source = name.split()[0]
            largest[source] = max(largest.get(source, 0.0), abs(change[quantity]))
        total[quantity] = float(np.sqrt(sum(v * v for v in largest.values()) / 3.0))
    total["center"] = float(np.hypot(total["center"], LEAST * fwhm))
    return PeakSystematics(**total, changes={k: dict(v) for k, v in changes.items()})
