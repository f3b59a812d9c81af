"""What a fit of overlapping lines gives: each peak with its errors and flags."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience_xrd.lines.profiles import Components, Profile

__all__ = ["GroupFit", "Layout", "Peak", "covariance_of", "peak_of", "within_bounds"]

NEAR = 2.0
"""Standard deviations from a bound within which the bound tells something of the parameter."""


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
    asymmetry : float
        By how much the side below the centre is wider, -1 to 1; 0 and without deviation where a
        symmetric profile was enough.
    breadth : float
        Integral breadth of each component: its area over its height.
    r2 : float
        Share of the scatter within two widths that the fit explains.
    chi2, dof : float, int
        Of the group that the peak was fitted in.
    significance : float
        Area over its standard deviation, parameters on bounds held there.
    flags : tuple of str
        Among at_edge, unresolved, hit_bound, few_points, poor_fit, broad.
    group : int
        Peaks with the same number were fitted together.

    A standard deviation is None where a parameter sat on its bound.  Others then have the error
    that they would have with it free between its bounds.
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
    asymmetry: float = 0.0
    asymmetry_std: float | None = None
    breadth: float = math.nan
    breadth_std: float | None = None

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


@dataclass
class Layout:
    """Where each parameter sits in the vector of a group."""

    count: int
    shared_fwhm: bool
    shared_eta: bool
    line: bool
    skewed: bool = False
    area: list[int] = field(init=False)
    center: list[int] = field(init=False)
    fwhm: list[int] = field(init=False)
    eta: list[int] = field(init=False)
    asymmetry: int | None = field(init=False)
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
        self.asymmetry = at if self.skewed else None
        at += 1 if self.skewed else 0
        self.size = at + (2 if self.line else 0)


def covariance_of(
    weighted: NDArray[np.float64],
    free: NDArray[np.bool_],
    scale: NDArray[np.float64],
    unit: float,
) -> NDArray[np.float64]:
    """Covariance of the free parameters, NaN for others.

    Parameters
    ----------
    weighted : ndarray, shape (n, k)
        Derivatives of the model over the standard deviation of each point.
    free : ndarray of bool, shape (k,)
    scale : ndarray, shape (k,)
        Sizes of the parameters, for a well conditioned inverse.
    unit : float
        Variance of a point of unit weight: 1 where the noise is known.
    """
    columns = weighted[:, free] * scale[free]
    inverse = np.linalg.pinv(columns.T @ columns, rcond=1e-14)
    out = np.full((len(scale), len(scale)), np.nan)
    out[np.ix_(free, free)] = unit * inverse * np.outer(scale[free], scale[free])
    return out


def within_bounds(covariance: NDArray[np.float64], at: int, value: float) -> NDArray[np.float64]:
    """Covariance with what is known of parameter `at`: that it lies between 0 and 1.

    Its variance becomes the mean square distance from `value` of a normal distribution cut off
    at the bounds, and those of the others follow by regression.  Away from both bounds by
    `NEAR` standard deviations nothing changes.

    Notes
    -----
    A shape near its bound is no Gaussian variable.  Taken as fixed there, it makes the errors
    of areas too small by half; taken as free beyond, too large.
    """
    variance = float(covariance[at, at])
    if not (math.isfinite(variance) and variance > 0):
        return covariance
    std = math.sqrt(variance)
    low, high = -value / std, (1.0 - value) / std
    if low < -NEAR and high > NEAR:
        return covariance

    def below(z: float) -> float:
        return 0.5 * math.erfc(-z / math.sqrt(2))

    def density(z: float) -> float:
        return math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)

    # second moment about `value` of a normal distribution between the bounds
    if high - low < 0.01:
        ratio = (high**3 - low**3) / (3 * (high - low))
    else:
        edges = high * density(high) - low * density(low)
        ratio = 1.0 - edges / (below(high) - below(low))
    row = covariance[at] / variance
    return np.asarray(covariance + (ratio - 1.0) * variance * np.outer(row, row))


def _std(covariance: NDArray[np.float64], at: int) -> float | None:
    value = float(covariance[at, at])
    return math.sqrt(value) if math.isfinite(value) and value > 0 else None


def peak_of(
    i: int,
    v: NDArray[np.float64],
    covariance: NDArray[np.float64],
    layout: Layout,
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
    profile: Profile,
    held: NDArray[np.float64],
) -> Peak:
    """Peak `i` of the solution `v`, with errors from the covariance and flags."""
    ia, ic, iw, ie = layout.area[i], layout.center[i], layout.fwhm[i], layout.eta[i]
    area, center, fwhm, eta = float(v[ia]), float(v[ic]), float(v[iw]), float(v[ie])
    per_area = profile.height(fwhm, eta) * components[0][1]
    gradient = np.zeros(len(v))
    gradient[ia] = per_area
    gradient[iw] = -area * per_area / fwhm
    up, down = min(eta + 1e-4, 1.0), max(eta - 1e-4, 0.0)
    by_eta = (profile.height(fwhm, up) - profile.height(fwhm, down)) / (up - down)
    gradient[ie] = area * by_eta * components[0][1]
    # height per unit area is the inverse of the breadth, which has the width and shape in it
    breadth = 1 / profile.height(fwhm, eta)
    by_breadth = np.zeros(len(v))
    by_breadth[iw], by_breadth[ie] = breadth / fwhm, -(breadth**2) * by_eta
    free = ~np.isnan(np.diag(covariance))
    breadth_variance = float(by_breadth[free] @ covariance[np.ix_(free, free)] @ by_breadth[free])
    variance = float(gradient[free] @ covariance[np.ix_(free, free)] @ gradient[free])
    near = np.abs(x - center) <= 2 * fwhm
    flags: list[str] = []
    if np.count_nonzero(near) < 6 or fwhm < 2.5 * step:
        flags.append("few_points")
    if center - x[0] < fwhm or x[-1] - center < fwhm:
        flags.append("at_edge")
    used = [ia, ic, iw, ie, *([] if layout.asymmetry is None else [layout.asymmetry])]
    if bound[used].any():
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
    area_std, held_std = _std(covariance, ia), _std(held, ia)
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
        eta_std=None if bound[ie] else _std(covariance, ie),
        r2=r2,
        chi2=chi2,
        dof=dof,
        significance=area / held_std if held_std else 0.0,
        flags=tuple(flags),
        group=group,
        asymmetry=0.0 if layout.asymmetry is None else float(v[layout.asymmetry]),
        asymmetry_std=None if layout.asymmetry is None else _std(covariance, layout.asymmetry),
        breadth=breadth,
        breadth_std=math.sqrt(breadth_variance) if breadth_variance > 0 and free[iw] else None,
    )
