"""All peaks of a pattern: found, grouped, fitted together, shoulders added."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from consilience_xrd.lines.baseline import Baseline, fit_baseline
from consilience_xrd.lines.grouping import groups_of, middle
from consilience_xrd.lines.humps import humps
from consilience_xrd.lines.members import fit_members, with_shoulders
from consilience_xrd.lines.peakfind import Candidate, estimate_noise, find_candidates, typical_width
from consilience_xrd.lines.peakfit import GroupFit, Peak, Shape, fit_group
from consilience_xrd.lines.profiles import Components, doublet_center, pseudo_voigt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.pattern import Pattern, Source

__all__ = [
    "GroupFit",
    "Peak",
    "PeakFit",
    "components_of",
    "fit_group",
    "fit_peaks",
    "tails_of",
    "without_peaks",
]

TURNS = 3
"""Fits of each group, the later ones with the tails of others and a baseline without peaks."""
LOWEST = 0.5
"""Least share of the first baseline that what is left beside the peaks may be."""
CORE = 1.5
"""Distance from a maximum, in widths, within which the noise is that of the peak."""


@dataclass(frozen=True)
class PeakFit:
    """All peaks of a pattern with the curves that a plot needs.

    `noise_known` False: the errors were scaled by the scatter of the residuals.  `used` are the
    points of the pattern between the limits of the axis; windows of `groups` count from its start.
    """

    axis: str
    peaks: tuple[Peak, ...]
    baseline: Baseline
    model: NDArray[np.float64]
    noise: NDArray[np.float64]
    noise_known: bool
    fwhm_points: float
    notes: tuple[str, ...] = ()
    groups: tuple[GroupFit, ...] = ()
    used: slice = field(default_factory=lambda: slice(None))
    shape: Shape = "auto"


def components_of(source: Source | None) -> Components:
    """Wavelength over that of K-alpha 1 and share of the area, of each component."""
    if source is None or not source.doublet:
        return ((1.0, 1.0),)
    assert source.wavelength2 is not None
    assert source.ratio is not None
    share = 1 / (1 + source.ratio)
    return ((1.0, share), (source.wavelength2 / source.wavelength, 1 - share))


def fit_peaks(
    pattern: Pattern,
    significance: float = 5.0,
    method: str = "arpls",
    lam: float | None = None,
    p: float = 0.01,
    shape: Shape = "auto",
    window: float = 4.0,
    low: float | None = None,
    high: float | None = None,
    max_group: int = 8,
) -> PeakFit:
    """Find and fit all peaks of a pattern.

    Parameters
    ----------
    significance : float
        Least height over noise after a matched filter, and least area over its std.
    method, lam, p
        Of the baseline; lam None: from the peaks' width.
    window : float
        Data within this many widths of a peak take part in its fit.
    low, high : float, optional
        Limits of the axis, in its unit; data outside are left out.
    max_group : int
        Longest run of peaks fitted together; a longer one is cut at its widest gap.
    """
    x, y, sigma = pattern.x, pattern.intensity, pattern.sigma
    keep = np.ones(len(x), bool)
    if low is not None:
        keep &= x >= low
    if high is not None:
        keep &= x <= high
    offset = int(np.argmax(keep)) if keep.any() else 0
    xs, ys = x[keep], y[keep]
    ss = None if sigma is None else sigma[keep]
    if ss is not None and not np.isfinite(ss).any():
        ss = None
    counts = pattern.intensity_unit == "count"
    noise = estimate_noise(ys, ss, counts)
    known = ss is not None or counts
    notes: list[str] = []
    if not known:
        notes.append(
            "the standard deviation of the intensity is unknown: errors are scaled by the scatter "
            "of the residuals"
        )
    first = fit_baseline(ys, method, lam, p)
    points = typical_width(ys - first.values, noise)
    base = fit_baseline(ys, method, lam, p, fwhm_points=points)
    in_angle = pattern.axis == "two_theta"
    candidates = find_candidates(
        xs, ys - base.values, noise, points, significance, pattern.source, in_angle
    )
    components = components_of(pattern.source)
    if ss is not None and not np.isfinite(ss).all():
        silent = ~np.isfinite(ss)
        notes.append(
            f"{int(silent.sum())} points without a stated standard deviation take no part in the "
            "fits of peaks"
        )
        ss = np.where(silent, np.inf, ss)  # weight zero
        noise = np.where(silent, np.nan, noise)
    groups = groups_of(candidates, window, max_group)
    # thousands of small decompositions: threads of the BLAS only wait for each other
    with threadpool_limits(limits=1, user_api="blas"):
        fitted, base = _fit_groups(
            xs, ys, base, ss, counts, components, in_angle, shape, groups, window, significance,
        )  # fmt: skip
    peaks, model = _assemble(xs, base.values, fitted, components, in_angle)
    notes += humps(xs, ys, model, noise, points, pattern.unit)
    if len(xs) != len(x):
        full_model, full_base = np.full(len(x), np.nan), np.full(len(x), np.nan)
        full_noise = np.full(len(x), np.nan)
        part = slice(offset, offset + len(xs))
        full_model[part], full_base[part], full_noise[part] = model, base.values, noise
        model, noise, base = full_model, full_noise, replace(base, values=full_base)
        notes.append(f"data outside {xs[0]:g} to {xs[-1]:g} {pattern.unit} were left out")
    peaks.sort(key=lambda peak: peak.center)
    return PeakFit(
        pattern.axis, tuple(peaks), base, model, noise, known, points, tuple(notes),
        groups=tuple(fitted), used=slice(offset, offset + len(xs)), shape=shape,
    )  # fmt: skip


def tails_of(
    x: NDArray[np.float64], peaks: tuple[Peak, ...], components: Components, in_angle: bool
) -> NDArray[np.float64]:
    """Sum of peaks as far as thirty widths from their centres."""
    out = np.zeros_like(x)
    for peak in peaks:
        near = np.abs(x - peak.center) < 30 * peak.fwhm
        out[near] += peak.area * pseudo_voigt(
            x[near], peak.center, peak.fwhm, peak.eta, components, in_angle, peak.asymmetry
        )
    return out


def _fit_groups(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    first: Baseline,
    sigma: NDArray[np.float64] | None,
    counts: bool,
    components: Components,
    in_angle: bool,
    shape: Shape,
    groups: list[list[Candidate]],
    window: float,
    significance: float,
) -> tuple[list[GroupFit], Baseline]:
    """Fit all groups `TURNS` times, with tails of other groups and a baseline without peaks."""
    fits: dict[int, GroupFit] = {}
    base = first
    for turn in range(TURNS):
        tails = sum(
            (tails_of(x, g.peaks, components, in_angle) for g in fits.values()), np.zeros_like(x)
        )
        if fits:
            base = _below(x, y, first, fits.values(), tails, components, in_angle)
        everything = base.values + tails
        for number, group in enumerate(groups):
            if turn and number not in fits:
                continue
            members = group
            own = tails_of(x, fits[number].peaks, components, in_angle) if turn else 0.0
            if turn:
                members = [
                    Candidate(p.center, p.height, p.fwhm, p.significance)
                    for p in fits[number].peaks
                ]
            left = -np.inf
            right = np.inf
            if number:
                before = groups[number - 1][-1]
                left = before.center + middle(before, groups[number][0])
            if number + 1 < len(groups):
                after = groups[number + 1][0]
                right = after.center - middle(after, groups[number][-1])
            got = fit_members(
                x, y, everything - own, sigma, counts, components, in_angle, shape, members,
                window, number, significance, left, right,
            )  # fmt: skip
            if got is not None and turn:
                got = with_shoulders(
                    x, y, everything - own, sigma, counts, components, in_angle, shape,
                    number, significance, got,
                )  # fmt: skip
            if got is None:
                fits.pop(number, None)
            else:
                fits[number] = got
    return [fits[k] for k in sorted(fits)], base


def _below(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    first: Baseline,
    fits: Iterable[GroupFit],
    tails: NDArray[np.float64],
    components: Components,
    in_angle: bool,
) -> Baseline:
    """Baseline of the pattern without its peaks, whose tails had lifted the first one."""
    left, _ = without_peaks(x, y, first.values, fits, tails, components, in_angle)
    made = first.parameters
    again = fit_baseline(left, made["method"], made["lam"], made.get("p", 0.01))
    told = {**made, "iterations": again.parameters["iterations"], "peaks_taken_out": True}
    return Baseline(again.values, first.method, told)


def without_peaks(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    instead: NDArray[np.float64],
    fits: Iterable[GroupFit],
    tails: NDArray[np.float64],
    components: Components,
    in_angle: bool,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return what a baseline is drawn under, and where that is not the data.

    Near the maxima, where the noise is the peaks', the background of the group's fit stands in
    for the data; over the whole of a group that fits poorly, and where hardly anything is left,
    `instead`.
    """
    left, replaced = y - tails, np.zeros(len(x), bool)
    for got in fits:
        part = got.window
        if "poor_fit" in got.peaks[0].flags or not got.peaks[0].dof:
            left[part], replaced[part] = instead[part], True
            continue
        xs = x[part]
        core = np.zeros(len(xs), bool)
        for peak in got.peaks:
            for ratio, _ in components:
                place, _ = doublet_center(peak.center, ratio, in_angle)
                core |= np.abs(xs - place) < CORE * peak.fwhm
        background = got.model - tails_of(xs, got.peaks, components, in_angle)
        left[part] = np.where(core, background, left[part])
        replaced[part] |= core
    # tails that are too long, or a level that makes up for them, are no background
    low = left < LOWEST * instead
    return np.where(low, instead, left), replaced | low


def _assemble(
    x: NDArray[np.float64],
    base: NDArray[np.float64],
    fits: list[GroupFit],
    components: Components,
    in_angle: bool,
) -> tuple[list[Peak], NDArray[np.float64]]:
    model = base.copy()
    peaks: list[Peak] = []
    for got in fits:
        model += tails_of(x, got.peaks, components, in_angle)
        peaks.extend(got.peaks)
    for got in fits:
        model[got.window] = got.model
    widths = [peak.fwhm for peak in peaks]
    limit = 5 * float(np.median(widths)) if widths else 0.0
    return [replace(p, flags=(*p.flags, "broad")) if p.fwhm > limit else p for p in peaks], model
