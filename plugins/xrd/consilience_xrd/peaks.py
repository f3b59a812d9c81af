"""Peak fitting: overlapping groups of pseudo-Voigts with Poisson weights from the model."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from consilience_xrd.baseline import Baseline, fit_baseline
from consilience_xrd.peakfind import Candidate, estimate_noise, find_candidates, typical_width
from consilience_xrd.profiles import (
    Components,
    doublet_center,
    peak_height_per_area,
    pseudo_voigt,
    pseudo_voigt_jacobian,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.pattern import Pattern, Source

__all__ = ["GroupFit", "Peak", "PeakFit", "fit_group", "fit_peaks"]

Shape = Literal["auto", "free", "shared"]


@dataclass(frozen=True)
class Peak:
    """One fitted peak; positions and widths in the axis' unit, standard deviations beside them.

    Attributes
    ----------
    center, center_std : float
        Of K-alpha 1 where there is a doublet.
    area, height : float
        Area of all components [intensity x axis], height of the first [intensity].
    fwhm, eta : float
        Full width at half maximum and Lorentzian fraction of each component.
    r2 : float
        Share of the scatter within two widths that the fit explains.
    chi2, dof : float, int
        Of the group that the peak was fitted in.
    significance : float
        Area over its standard deviation.
    flags : tuple of str
        Among at_edge, unresolved, hit_bound, few_points, poor_fit, broad.
    group : int
        Peaks with the same number were fitted together.

    A standard deviation is None where a parameter sat on its bound.
    """

    center: float
    center_std: float | None
    area: float
    area_std: float | None
    height: float
    height_std: float | None
    fwhm: float
    fwhm_std: float | None
    eta: float
    eta_std: float | None
    r2: float
    chi2: float
    dof: int
    significance: float
    flags: tuple[str, ...]
    group: int

    @property
    def chi2_reduced(self) -> float:
        """chi-square per degree of freedom."""
        return self.chi2 / self.dof if self.dof > 0 else math.nan


@dataclass(frozen=True)
class GroupFit:
    """Peaks fitted together over one window, with the covariance of all free parameters."""

    peaks: tuple[Peak, ...]
    covariance: NDArray[np.float64]
    model: NDArray[np.float64]
    window: slice


@dataclass(frozen=True)
class PeakFit:
    """All peaks of a pattern with the curves that a plot needs.

    `noise_known` False: the errors were scaled by the scatter of the residuals.
    """

    axis: str
    peaks: tuple[Peak, ...]
    baseline: Baseline
    model: NDArray[np.float64]
    noise: NDArray[np.float64]
    noise_known: bool
    fwhm_points: float
    notes: tuple[str, ...] = ()


@dataclass
class _Layout:
    """Where each parameter sits in the vector of a group."""

    count: int
    shared_fwhm: bool
    shared_eta: bool
    line: bool
    area: list[int] = field(init=False)
    center: list[int] = field(init=False)
    fwhm: list[int] = field(init=False)
    eta: list[int] = field(init=False)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        n = self.count
        self.area = list(range(n))
        self.center = list(range(n, 2 * n))
        at = 2 * n
        self.fwhm = [at] * n if self.shared_fwhm else list(range(at, at + n))
        at += 1 if self.shared_fwhm else n
        self.eta = [at] * n if self.shared_eta else list(range(at, at + n))
        at += 1 if self.shared_eta else n
        self.size = at + (2 if self.line else 0)


def _components(source: Source | None) -> Components:
    if source is None or not source.doublet:
        return ((1.0, 1.0),)
    assert source.wavelength2 is not None
    assert source.ratio is not None
    share = 1 / (1 + source.ratio)
    return ((1.0, share), (source.wavelength2 / source.wavelength, 1 - share))


def fit_group(
    x: NDArray[np.float64],
    intensity: NDArray[np.float64],
    candidates: list[Candidate],
    baseline: NDArray[np.float64],
    sigma: NDArray[np.float64] | None,
    counts: bool,
    components: Components = ((1.0, 1.0),),
    in_angle: bool = False,
    shape: Shape = "auto",
    line: bool = True,
    group: int = 0,
    reweight: int = 4,
    shift_limit: float = 1.0,
) -> GroupFit:
    """Fit overlapping peaks over one window.

    Parameters
    ----------
    x, intensity, baseline : ndarray, shape (n,)
        The window; the model is baseline + straight line + peaks.
    candidates : list of Candidate
        Starting values.
    sigma : ndarray or None
        Known standard deviations.  None with `counts`: Poisson, variance = model, fitted again
        until it settles.  None without: equal weights, errors scaled by chi2/dof.
    shape : {"auto", "free", "shared"}
        Width and Lorentzian fraction of each peak free or one for the group; auto: free for a
        lone peak, else own widths and a common fraction.
    line : bool
        Whether a straight line is fitted on top of the baseline.

    Notes
    -----
    Variances from observed counts bias areas low by about one count a point, hence the model's.
    """
    from scipy.optimize import least_squares

    n = len(candidates)
    shared = {"auto": (False, n > 1), "free": (False, False), "shared": (True, True)}[shape]
    layout = _Layout(n, shared[0], shared[1], line)
    middle, span = float(x.mean()), float(max(np.ptp(x) / 2, 1e-12))
    t = (x - middle) / span
    widths = np.array([c.fwhm for c in candidates])
    start = np.zeros(layout.size)
    low = np.full(layout.size, -np.inf)
    high = np.full(layout.size, np.inf)
    step = float(np.median(np.diff(x)))
    for i, c in enumerate(candidates):
        eta0 = 0.5
        start[layout.area[i]] = c.height / peak_height_per_area(c.fwhm, eta0) / components[0][1]
        low[layout.area[i]] = 0.0
        start[layout.center[i]] = c.center
        # neighbours must not swap
        room = shift_limit * c.fwhm
        for j, other in enumerate(candidates):
            if j != i:
                room = min(room, max(0.5 * abs(other.center - c.center), 0.2 * c.fwhm))
        low[layout.center[i]], high[layout.center[i]] = c.center - room, c.center + room
        at = layout.fwhm[i]
        start[at] = c.fwhm if not shared[0] else float(np.median(widths))
        low[at] = min(0.8 * step, 0.5 * start[at])
        high[at] = max(2.5 * start[at], 3 * step)
        start[layout.eta[i]], low[layout.eta[i]], high[layout.eta[i]] = eta0, 0.0, 1.0
    scale = np.maximum(np.abs(start), 1e-12)
    for i in range(n):
        scale[layout.center[i]] = widths[i]
        scale[layout.eta[i]] = 0.3
    amplitude = max(float(np.max(intensity - baseline)), 1e-12)
    if line:
        scale[-2:] = 0.1 * amplitude

    def model(v: NDArray[np.float64]) -> NDArray[np.float64]:
        out = baseline + (v[-2] + v[-1] * t if line else 0.0)
        for i in range(n):
            out = out + v[layout.area[i]] * pseudo_voigt(
                x, v[layout.center[i]], v[layout.fwhm[i]], v[layout.eta[i]], components, in_angle
            )
        return np.asarray(out)

    def jacobian(v: NDArray[np.float64]) -> NDArray[np.float64]:
        out = np.zeros((len(x), layout.size))
        for i in range(n):
            area = v[layout.area[i]]
            value, by_c, by_w, by_e = pseudo_voigt_jacobian(
                x, v[layout.center[i]], v[layout.fwhm[i]], v[layout.eta[i]], components, in_angle
            )
            out[:, layout.area[i]] += value
            out[:, layout.center[i]] += area * by_c
            out[:, layout.fwhm[i]] += area * by_w
            out[:, layout.eta[i]] += area * by_e
        if line:
            out[:, -2] = 1.0
            out[:, -1] = t
        return out

    def weighted_residual(v: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray[np.float64]:
        return (model(v) - intensity) * w

    def weighted_jacobian(v: NDArray[np.float64], w: NDArray[np.float64]) -> NDArray[np.float64]:
        return jacobian(v) * w[:, None]

    if sigma is not None:
        weight = 1 / sigma
    elif counts:
        weight = 1 / np.sqrt(np.maximum(intensity, 1.0))
    else:
        weight = np.ones_like(x)
    v = np.clip(start, low + 1e-9 * scale, high - 1e-9 * scale)
    for _ in range(reweight if counts and sigma is None else 1):
        solved = least_squares(
            weighted_residual,
            v,
            jac=weighted_jacobian,
            args=(weight,),
            bounds=(low, high),
            x_scale=scale,
            xtol=1e-11,
            ftol=1e-11,
            gtol=1e-11,
            max_nfev=200,
        )
        moved = float(np.max(np.abs(solved.x - v) / scale))
        v = solved.x
        if counts and sigma is None:
            weight = 1 / np.sqrt(np.maximum(model(v), 0.5))
            if moved < 1e-7:
                break
    fitted = model(v)
    residual = (fitted - intensity) * weight
    chi2 = float(residual @ residual)
    bound = ((v - low) < 1e-6 * scale) | ((high - v) < 1e-6 * scale)
    free = ~bound
    dof = int(len(x) - np.count_nonzero(free))
    covariance = np.full((layout.size, layout.size), np.nan)
    weighted = (jacobian(v) * weight[:, None])[:, free] * scale[free]
    inverse = np.linalg.pinv(weighted.T @ weighted, rcond=1e-14)
    inverse = inverse * np.outer(scale[free], scale[free])
    known = sigma is not None or counts
    if not known:
        inverse *= chi2 / max(dof, 1)
    covariance[np.ix_(free, free)] = inverse
    peaks = tuple(
        _peak(i, v, covariance, layout, bound, x, intensity, fitted, chi2, dof,
              components, group, step, known)
        for i in range(n)
    )  # fmt: skip
    return GroupFit(peaks, covariance, fitted, slice(0, len(x)))


def _std(covariance: NDArray[np.float64], at: int) -> float | None:
    value = float(covariance[at, at])
    return math.sqrt(value) if math.isfinite(value) and value > 0 else None


def _peak(
    i: int,
    v: NDArray[np.float64],
    covariance: NDArray[np.float64],
    layout: _Layout,
    bound: NDArray[np.bool_],
    x: NDArray[np.float64],
    intensity: NDArray[np.float64],
    fitted: NDArray[np.float64],
    chi2: float,
    dof: int,
    components: Components,
    group: int,
    step: float,
    known: bool,
) -> Peak:
    ia, ic, iw, ie = layout.area[i], layout.center[i], layout.fwhm[i], layout.eta[i]
    area, center, fwhm, eta = float(v[ia]), float(v[ic]), float(v[iw]), float(v[ie])
    per_area = peak_height_per_area(fwhm, eta) * components[0][1]
    gradient = np.zeros(len(v))
    gradient[ia] = per_area
    gradient[iw] = -area * per_area / fwhm
    gradient[ie] = (
        area
        * (peak_height_per_area(fwhm, 1.0) - peak_height_per_area(fwhm, 0.0))
        * components[0][1]
    )
    free = ~np.isnan(np.diag(covariance))
    variance = float(gradient[free] @ covariance[np.ix_(free, free)] @ gradient[free])
    near = np.abs(x - center) <= 2 * fwhm
    flags: list[str] = []
    if np.count_nonzero(near) < 6 or fwhm < 2.5 * step:
        flags.append("few_points")
    if center - x[0] < fwhm or x[-1] - center < fwhm:
        flags.append("at_edge")
    if bound[[ia, ic, iw, ie]].any():
        flags.append("hit_bound")
    for j in range(layout.count):
        other = abs(v[layout.center[j]] - center)
        if j != i and other < 0.6 * (fwhm + v[layout.fwhm[j]]) / 2:
            flags.append("unresolved")
            break
    r2 = math.nan
    if np.count_nonzero(near) > 2:
        total = float(np.sum((intensity[near] - intensity[near].mean()) ** 2))
        r2 = 1 - float(np.sum((intensity[near] - fitted[near]) ** 2)) / total if total > 0 else 0.0
    if known and dof > 0 and chi2 / dof > 4:
        flags.append("poor_fit")
    area_std = _std(covariance, ia)
    return Peak(
        center=center,
        center_std=_std(covariance, ic),
        area=area,
        area_std=area_std,
        height=area * per_area,
        height_std=math.sqrt(variance) if variance > 0 else None,
        fwhm=fwhm,
        fwhm_std=_std(covariance, iw),
        eta=eta,
        eta_std=_std(covariance, ie),
        r2=r2,
        chi2=chi2,
        dof=dof,
        significance=area / area_std if area_std else 0.0,
        flags=tuple(flags),
        group=group,
    )


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
    components = _components(pattern.source)
    if ss is not None:
        ss = np.where(np.isfinite(ss), ss, noise)
    groups = _groups(candidates, window, max_group)
    fitted = _fit_groups(
        xs, ys, base.values, ss, counts, components, in_angle, shape, groups, window, significance
    )
    peaks, model = _assemble(xs, base.values, fitted, components, in_angle)
    if len(xs) != len(x):
        full_model, full_base = np.full(len(x), np.nan), np.full(len(x), np.nan)
        full_noise = np.full(len(x), np.nan)
        part = slice(offset, offset + len(xs))
        full_model[part], full_base[part], full_noise[part] = model, base.values, noise
        model, noise, base = full_model, full_noise, replace(base, values=full_base)
        notes.append(f"data outside {xs[0]:g} to {xs[-1]:g} {pattern.unit} were left out")
    peaks.sort(key=lambda peak: peak.center)
    return PeakFit(pattern.axis, tuple(peaks), base, model, noise, known, points, tuple(notes))


def _tails(
    x: NDArray[np.float64], peaks: tuple[Peak, ...], components: Components, in_angle: bool
) -> NDArray[np.float64]:
    out = np.zeros_like(x)
    for peak in peaks:
        near = np.abs(x - peak.center) < 30 * peak.fwhm
        out[near] += peak.area * pseudo_voigt(
            x[near], peak.center, peak.fwhm, peak.eta, components, in_angle
        )
    return out


def _fit_groups(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    base: NDArray[np.float64],
    sigma: NDArray[np.float64] | None,
    counts: bool,
    components: Components,
    in_angle: bool,
    shape: Shape,
    groups: list[list[Candidate]],
    window: float,
    significance: float,
) -> list[GroupFit]:
    """Fit all groups twice: the second time with the tails of the other groups' peaks."""
    fits: dict[int, GroupFit] = {}
    for turn in range(2):
        everything = sum((_tails(x, g.peaks, components, in_angle) for g in fits.values()), base)
        for number, members in enumerate(groups):
            if turn and number not in fits:
                continue
            own = _tails(x, fits[number].peaks, components, in_angle) if turn else 0.0
            if turn:
                members = [
                    Candidate(p.center, p.height, p.fwhm, p.significance)
                    for p in fits[number].peaks
                ]
            left = -np.inf
            right = np.inf
            if number:
                before = groups[number - 1][-1]
                left = before.center + _middle(before, groups[number][0])
            if number + 1 < len(groups):
                after = groups[number + 1][0]
                right = after.center - _middle(after, groups[number][-1])
            got = _fit_members(
                x, y, everything - own, sigma, counts, components, in_angle, shape, members,
                window, number, significance, left, right,
            )  # fmt: skip
            if got is not None and turn:
                got = _with_shoulders(
                    x, y, everything - own, sigma, counts, components, in_angle, shape,
                    number, significance, got,
                )  # fmt: skip
            if got is None:
                fits.pop(number, None)
            else:
                fits[number] = got
    return [fits[k] for k in sorted(fits)]


def _with_shoulders(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    base: NDArray[np.float64],
    sigma: NDArray[np.float64] | None,
    counts: bool,
    components: Components,
    in_angle: bool,
    shape: Shape,
    number: int,
    significance: float,
    got: GroupFit,
    rounds: int = 3,
) -> GroupFit:
    """Add peaks where a group's residual stands out: shoulders that have no maximum of their own.

    Kept only where chi-square falls by more than 40 times its value per degree of freedom for
    the three or four new parameters, half a width or more away from the next peak, and with at
    least 3 % of its height (closer or weaker ones are more likely misfit of the profile).
    """
    from scipy.ndimage import gaussian_filter1d

    for _ in range(rounds):
        first = got.peaks[0]
        if first.dof <= 0 or (first.chi2_reduced < 2 and (sigma is not None or counts)):
            break
        part = got.window
        xs = x[part]
        width = float(np.median([p.fwhm for p in got.peaks]))
        points = max(width / float(np.median(np.diff(xs))) / 2.355, 0.8)
        residual = gaussian_filter1d(y[part] - got.model, points / 1.5)
        allowed = np.ones(len(xs), bool)
        floor = np.full(len(xs), 0.0)
        for p in got.peaks:
            allowed &= np.abs(xs - p.center) > 0.5 * p.fwhm
            floor = np.maximum(
                floor, np.where(np.abs(xs - p.center) < 3 * p.fwhm, 0.03 * p.height, 0)
            )
        allowed &= (xs - xs[0] > 0.5 * width) & (xs[-1] - xs > 0.5 * width)
        score = np.where(allowed & (residual > floor), residual, 0.0)
        at = int(np.argmax(score))
        if score[at] <= 0:
            break
        members = [Candidate(p.center, p.height, p.fwhm, p.significance) for p in got.peaks]
        members.append(Candidate(float(xs[at]), float(residual[at]), 0.8 * width, 0.0))
        members.sort(key=lambda c: c.center)
        wider = fit_group(
            xs, y[part], members, base[part],
            None if sigma is None else sigma[part], counts, components, in_angle, shape,
            group=number,
        )  # fmt: skip
        gain = first.chi2 - wider.peaks[0].chi2
        if (
            len(wider.peaks) != len(got.peaks) + 1
            or gain < 40 * max(wider.peaks[0].chi2_reduced, 1e-300)
            or min(p.significance for p in wider.peaks) < significance
        ):
            break
        got = replace(wider, window=part)
    return got


def _middle(outer: Candidate, inner: Candidate) -> float:
    """How far from `outer` the window of `inner`'s group ends."""
    gap = abs(outer.center - inner.center)
    return gap * outer.fwhm / (outer.fwhm + inner.fwhm)


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
        model += _tails(x, got.peaks, components, in_angle)
        peaks.extend(got.peaks)
    for got in fits:
        model[got.window] = got.model
    widths = [peak.fwhm for peak in peaks]
    limit = 5 * float(np.median(widths)) if widths else 0.0
    return [replace(p, flags=(*p.flags, "broad")) if p.fwhm > limit else p for p in peaks], model


def _fit_members(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    base: NDArray[np.float64],
    sigma: NDArray[np.float64] | None,
    counts: bool,
    components: Components,
    in_angle: bool,
    shape: Shape,
    members: list[Candidate],
    window: float,
    group: int,
    significance: float,
    leftmost: float,
    rightmost: float,
) -> GroupFit | None:
    """Fit a group; peaks that turn out insignificant are taken out and the rest fitted again."""
    while members:
        left = min(c.center - window * c.fwhm for c in members)
        last = max(members, key=lambda c: c.center)
        right = max(c.center + window * c.fwhm for c in members)
        right += doublet_center(last.center, components[-1][0], in_angle)[0] - last.center
        left, right = max(left, leftmost), min(right, rightmost)
        i, j = int(np.searchsorted(x, left)), int(np.searchsorted(x, right))
        need = 4 * len(members) + 4
        if j - i < need:
            extra = (need - (j - i) + 1) // 2
            i, j = max(0, i - extra), min(len(x), j + extra)
        if j - i < need:
            return None
        part = slice(i, j)
        got = fit_group(
            x[part], y[part], members, base[part],
            None if sigma is None else sigma[part], counts, components, in_angle, shape,
            group=group,
        )  # fmt: skip
        weak = [k for k, peak in enumerate(got.peaks) if peak.significance < 0.8 * significance]
        if not weak:
            return replace(got, window=part)
        worst = min(weak, key=lambda k: got.peaks[k].significance)
        members = [c for k, c in enumerate(members) if k != worst]
    return None


def _groups(candidates: list[Candidate], window: float, longest: int) -> list[list[Candidate]]:
    """Runs of peaks whose windows overlap by half, cut where they are too long."""
    groups: list[list[Candidate]] = []
    for c in sorted(candidates, key=lambda c: c.center):
        if (
            groups
            and c.center - groups[-1][-1].center
            < 0.75 * window * (c.fwhm + groups[-1][-1].fwhm) / 2 * 2**0.5
        ):
            groups[-1].append(c)
        else:
            groups.append([c])
    out: list[list[Candidate]] = []
    for members in groups:
        out.extend(_cut(members, longest))
    return out


def _cut(members: list[Candidate], longest: int) -> list[list[Candidate]]:
    if len(members) <= longest:
        return [members]
    gaps = [b.center - a.center for a, b in zip(members, members[1:], strict=False)]
    at = max(range(len(gaps)), key=lambda i: gaps[i] / (1 + abs(i - len(gaps) / 2) / len(gaps)))
    return _cut(members[: at + 1], longest) + _cut(members[at + 1 :], longest)
