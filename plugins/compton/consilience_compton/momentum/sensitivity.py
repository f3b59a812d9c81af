"""How much EMR moves when what it was computed with moves: the systematic errors, with their signs.

All is computed on a smooth curve through the pooled profile, so that counting does not enter twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, make_lsq_spline

from consilience.errors import BadInputError
from consilience_compton.momentum.kinematics import energy_of_momentum, momentum
from consilience_compton.momentum.rebin import Profile
from consilience_compton.momentum.windows import Windows

__all__ = ["Curve", "smooth_curve"]

Array = NDArray[np.float64]
KNOTS = 0.7
"""Distance of the spline's knots, atomic units."""
FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))


@dataclass(frozen=True)
class Curve:
    """Counts per atomic unit as a smooth function of p_z, and what EMR makes of it.

    Parameters
    ----------
    spline : BSpline
    windows : Windows
    incident, angle : float
        keV, degrees (mean of the pixels).
    """

    spline: BSpline
    windows: Windows
    incident: float
    angle: float

    def emr(self, edges: Array | None = None) -> float:
        """Return the ratio, with the windows' edges moved to `edges` (a.u.)."""
        at = self.windows.edges if edges is None else edges
        low, high = self.windows.members() @ np.diff(self.spline.antiderivative()(at))
        return float(low / high)

    def slope(self, at: Array) -> Array:
        """Derivative in counts per atomic unit squared."""
        return np.asarray(self.spline.derivative()(at))

    def by_offset(self, std: float) -> float:
        """Relative change of EMR if true energies are higher than the axis says, by `std` keV."""
        return self._both(lambda d: self._energies(self.incident, self.angle) - d, std)

    def by_incident(self, std: float) -> float:
        """Relative change of EMR for an incident energy that is `std` keV higher."""
        return self._both(lambda d: self._energies(self.incident + d, self.angle), std)

    def by_angle(self, std: float) -> float:
        """Relative change of EMR for a scattering angle that is `std` degrees larger."""
        return self._both(lambda d: self._energies(self.incident, self.angle + d), std)

    def by_resolution(self, fwhm: float, std: float) -> float:
        """Relative change of EMR for a resolution worse by `std` than `fwhm`, atomic units."""
        variance = ((fwhm + std) ** 2 - fwhm**2) / FWHM**2
        edges = self.windows.edges
        member = self.windows.members()
        low, high = member @ np.diff(self.spline.antiderivative()(edges))
        # a wider Gaussian adds half its extra variance times the second derivative
        more = member @ np.diff(0.5 * variance * self.slope(edges))
        return float(more[0] / low - more[1] / high)

    def by_bins(self, width: float) -> float:
        """Relative change of EMR by sharing out bins of `width` (a.u.) evenly, uncorrected.

        Where edges fall anywhere in a bin, as they do from pixel to pixel, a cumulated count is off
        by the density's slope times width²/12 on the average: as by a wider resolution.
        """
        edges = self.windows.edges
        member = self.windows.members()
        low, high = member @ np.diff(self.spline.antiderivative()(edges))
        more = member @ np.diff(self.slope(edges) * width**2 / 12.0)
        return float(more[0] / low - more[1] / high)

    def by_even_share(self, share: float) -> float:
        """Relative change of EMR if this share of all counts, spread evenly, were not Compton's."""
        edges = self.windows.edges
        member = self.windows.members()
        low, high = member @ np.diff(self.spline.antiderivative()(edges))
        width = member @ np.diff(edges)
        total = share * float(np.diff(self.spline.antiderivative()(np.array(self.windows.span)))[0])
        per = total / (edges[-1] - edges[0])
        return float((low - per * width[0]) / (high - per * width[1]) * high / low - 1.0)

    def _energies(self, incident: float, angle: float) -> Array:
        return energy_of_momentum(self.windows.edges, incident, angle)

    def _both(self, energies: Callable[[float], Array], std: float) -> float:
        """Root of the mean square for a normal law: a linear and a square term; sign of the first.

        E[(aδ + bδ²)²] = a² + 3b² for δ of variance 1.
        """
        base = self.emr()
        up, down = (
            self.emr(momentum(energies(d), self.incident, self.angle)) / base - 1.0
            for d in (std, -std)
        )
        linear, square = 0.5 * (up - down), 0.5 * (up + down)
        return math.copysign(math.hypot(linear, math.sqrt(3.0) * square), linear)


def smooth_curve(
    profile: Profile, windows: Windows, incident: float, angle: float, under: Array | None = None
) -> Curve:
    """Return a cubic spline through the profile, knots 0.7 a.u. apart.

    Parameters
    ----------
    profile : Profile
    windows : Windows
        The spline reaches 1.5 a.u. beyond their ends, or to the end of the profile.
    incident, angle : float
        keV, degrees.
    under : ndarray, shape (m,), optional
        Background per atomic unit at the profile's bins, taken off.

    Raises
    ------
    BadInputError
        The profile does not hold the windows, or has too few bins.
    """
    first, last = windows.span
    low = max(first - 1.5, float(profile.edges[0]))
    high = min(last + 1.5, float(profile.edges[-1]))
    p = profile.centres
    inside = (p > low) & (p < high)
    if low > first or high < last or inside.sum() < 12:
        raise BadInputError(
            f"the profile goes from {profile.edges[0]:.2f} to {profile.edges[-1]:.2f} a.u. only",
            fix="give narrower windows, or a profile that reaches beyond them",
        )
    step = float(np.diff(profile.edges).max())
    pieces = max(2, int((high - low) / max(KNOTS, 2.0 * step)))
    inner = np.linspace(low, high, pieces + 1)
    knots = np.concatenate([[low] * 3, inner, [high] * 3])
    density = profile.density if under is None else profile.density - under
    weight = 1.0 / np.sqrt(np.maximum(np.convolve(profile.counts, np.ones(9) / 9, "same"), 1.0))
    spline = make_lsq_spline(p[inside], density[inside], knots, k=3, w=weight[inside])
    return Curve(spline, windows, incident, angle)
