"""Fit one group of overlapping pseudo-Voigts, with Poisson weights from the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from consilience_xrd.lines.peak import (
    GroupFit,
    Layout,
    Peak,
    covariance_of,
    peak_of,
    within_bounds,
)
from consilience_xrd.lines.profiles import PSEUDO_VOIGT, Components, Profile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.lines.peakfind import Candidate

__all__ = ["GroupFit", "Peak", "Shape", "fit_group"]

MOST_ASYMMETRY = 0.8
GAIN = 40.0
"""By how many times its value per degree of freedom an asymmetry has to lower chi-square."""

Shape = Literal["auto", "free", "shared"]


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
    asymmetry: bool | None = None,
    profile: Profile = PSEUDO_VOIGT,
) -> GroupFit:
    """Fit overlapping peaks over one window.

    Parameters
    ----------
    x, intensity, baseline : ndarray, shape (n,)
        The window; the model is baseline + straight line + peaks.
    candidates : list of Candidate
        Starting values.
    sigma : ndarray or None
        Known standard deviations, infinite for points to be left out.  None with `counts`:
        Poisson, variance = model, fitted again until it settles.  None without: equal weights,
        errors scaled by chi2/dof.
    shape : {"auto", "free", "shared"}
        Width and Lorentzian fraction of each peak free or one for the group; auto: free for a
        lone peak, else own widths and a common fraction.
    line : bool
        Whether a straight line is fitted on top of the baseline.
    asymmetry : bool, optional
        Whether a common asymmetry of the group is fitted too; then the centre is the maximum of
        the line, which a symmetric fit would miss.  By default where it lowers chi-square by
        more than `GAIN` times its value per degree of freedom.
    profile : Profile
        Shape of the lines, by default a pseudo-Voigt.

    Notes
    -----
    Variances from observed counts bias areas low by about one count a point, hence the model's.
    """

    def fit(skewed: bool) -> GroupFit:
        return _fit(
            x, intensity, candidates, baseline, sigma, counts, components, in_angle, shape, line,
            group, reweight, shift_limit, skewed, profile,
        )  # fmt: skip

    if asymmetry is not None:
        return fit(skewed=asymmetry)
    first = fit(skewed=False)
    one = first.peaks[0]
    known = sigma is not None or counts
    if one.dof < 8 or (known and one.chi2_reduced < 2):
        return first
    skewed = fit(skewed=True)
    gain = one.chi2 - skewed.peaks[0].chi2
    return skewed if gain > GAIN * max(skewed.peaks[0].chi2_reduced, 1e-300) else first


def _fit(
    x: NDArray[np.float64],
    intensity: NDArray[np.float64],
    candidates: list[Candidate],
    baseline: NDArray[np.float64],
    sigma: NDArray[np.float64] | None,
    counts: bool,
    components: Components,
    in_angle: bool,
    shape: Shape,
    line: bool,
    group: int,
    reweight: int,
    shift_limit: float,
    skewed: bool,
    profile: Profile,
) -> GroupFit:
    """Fit once, with one common asymmetry if `skewed`; see `fit_group`."""
    from scipy.optimize import least_squares

    n = len(candidates)
    shared = {"auto": (False, n > 1), "free": (False, False), "shared": (True, True)}[shape]
    layout = Layout(n, shared[0], shared[1], line, skewed)
    middle, span = float(x.mean()), float(max(np.ptp(x) / 2, 1e-12))
    t = (x - middle) / span
    widths = np.array([c.fwhm for c in candidates])
    start = np.zeros(layout.size)
    low = np.full(layout.size, -np.inf)
    high = np.full(layout.size, np.inf)
    step = float(np.median(np.diff(x)))
    for i, c in enumerate(candidates):
        eta0 = 0.5
        start[layout.area[i]] = c.height / profile.height(c.fwhm, eta0) / components[0][1]
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
    skew = layout.asymmetry
    if skew is not None:
        start[skew], low[skew], high[skew] = 0.0, -MOST_ASYMMETRY, MOST_ASYMMETRY
    scale = np.maximum(np.abs(start), 1e-12)
    if skew is not None:
        scale[skew] = 0.3
    for i in range(n):
        scale[layout.center[i]] = widths[i]
        scale[layout.eta[i]] = 0.3
    amplitude = max(float(np.max(intensity - baseline)), 1e-12)
    if line:
        scale[-2:] = 0.1 * amplitude

    def model(v: NDArray[np.float64]) -> NDArray[np.float64]:
        out = baseline + (v[-2] + v[-1] * t if line else 0.0)
        for i in range(n):
            out = out + v[layout.area[i]] * profile.value(
                x, v[layout.center[i]], v[layout.fwhm[i]], v[layout.eta[i]], components, in_angle,
                0.0 if skew is None else v[skew],
            )  # fmt: skip
        return np.asarray(out)

    def jacobian(v: NDArray[np.float64]) -> NDArray[np.float64]:
        out = np.zeros((len(x), layout.size))
        for i in range(n):
            area = v[layout.area[i]]
            value, by_c, by_w, by_e, by_a = profile.jacobian(
                x, v[layout.center[i]], v[layout.fwhm[i]], v[layout.eta[i]], components, in_angle,
                0.0 if skew is None else v[skew],
            )  # fmt: skip
            out[:, layout.area[i]] += value
            out[:, layout.center[i]] += area * by_c
            out[:, layout.fwhm[i]] += area * by_w
            out[:, layout.eta[i]] += area * by_e
            if skew is not None:
                out[:, skew] += area * by_a
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
    # points without a stated deviation have no weight and are no degrees of freedom
    dof = int(np.count_nonzero(weight > 0) - np.count_nonzero(free))
    known = sigma is not None or counts
    unit = 1.0 if known else chi2 / max(dof, 1)
    weighted = jacobian(v) * weight[:, None]
    held = covariance_of(weighted, free, scale, unit)
    # a shape on its bound is not known any better than one beside it: its error goes into others'
    shapes = sorted(set(layout.eta))
    wider = free.copy()
    wider[shapes] = True
    covariance = covariance_of(weighted, wider, scale, unit)
    for at in shapes:
        covariance = within_bounds(covariance, at, float(v[at]))
    peaks = tuple(
        peak_of(i, v, covariance, layout, bound, x, intensity, fitted, chi2, dof,
              components, group, step, known, profile, held)
        for i in range(n)
    )  # fmt: skip
    return GroupFit(peaks, covariance, fitted, slice(0, len(x)))
