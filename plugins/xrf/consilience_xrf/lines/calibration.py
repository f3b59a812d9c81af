"""Zero, gain and resolution of a detector from lines of known elements.

References
----------
.. [1] G. H. Golub, V. Pereyra, SIAM Journal on Numerical Analysis 10 (1973) 413: amounts are
   eliminated, and only what is not linear is searched for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import least_squares, minimize_scalar

from consilience.errors import BadInputError
from consilience_xrf.fitting.background import snip_of_sum, spline_columns
from consilience_xrf.fitting.design import build_design
from consilience_xrf.fitting.linear import fit_poisson
from consilience_xrf.fitting.nonnegative import nonnegative
from consilience_xrf.lines.elements import Family
from consilience_xrf.lines.geometry import Geometry
from consilience_xrf.lines.response import FWHM, Response

__all__ = ["Calibration", "calibrate", "fitted_response", "noise_of_peaks"]

Array = NDArray[np.float64]

FANO = 0.115
"""Of silicon; taken where one line cannot tell noise from Fano's factor."""
NAMES = ("zero", "gain", "noise", "fano")
FAR = 4.0
"""Standard deviations beyond which a channel's misfit counts less and less."""
MISFIT = 0.02
"""Share of a channel's counts by which the shape of lines is not known."""


@dataclass(frozen=True)
class Calibration:
    """An energy axis and a resolution with errors.

    Parameters
    ----------
    zero, gain : float
        keV of channel 0, keV a channel.
    response : Response
    names : tuple of str
        Which of zero, gain, noise, fano were fitted.
    covariance : ndarray, shape (len(names), len(names))
        By counting, multiplied by χ² where that is above 1.
    chi2 : float
        Reduced.
    lines : int
        Families that the fit rests on.
    """

    zero: float
    gain: float
    response: Response
    names: tuple[str, ...]
    covariance: Array
    chi2: float
    lines: int

    def std(self, name: str) -> float | None:
        """Return the standard deviation of a parameter; None where it was not fitted."""
        if name not in self.names:
            return None
        i = self.names.index(name)
        return float(np.sqrt(self.covariance[i, i]))

    def energy(self, channels: int) -> Array:
        """Return the axis, keV."""
        return self.zero + self.gain * np.arange(channels, dtype=np.float64)


def calibrate(
    counts: Array,
    zero: float,
    gain: float,
    families: Sequence[Family],
    geometry: Geometry,
    *,
    response: Response | None = None,
    fit: Sequence[str] = NAMES,
    low: float | None = None,
    high: float | None = None,
) -> Calibration:
    """Fit zero, gain, noise and Fano factor to a spectrum of known elements.

    Parameters
    ----------
    counts : ndarray, shape (channels,)
    zero, gain : float
        First values, right to about half a line's width: keV of channel 0, keV a channel.
    families : sequence of Family
        Known to be there.
    geometry : Geometry
        With an incident energy the elastic line and the Compton peak are fitted too, as far as
        `high` takes them in.
    response : Response, optional
        First values.
    fit : sequence of str
        Which of ``zero``, ``gain``, ``noise``, ``fano`` are free.
    low, high : float, optional
        keV that are used.

    Raises
    ------
    BadInputError
        No known line, or an unknown parameter's name.
    """
    unknown = [name for name in fit if name not in NAMES]
    if unknown or not fit:
        raise BadInputError(
            f"cannot fit {', '.join(unknown) or 'nothing'}", fix=f"name some of {', '.join(NAMES)}"
        )
    if not families:
        raise BadInputError(
            "a calibration needs elements that are known to be there", fix="name two or more"
        )
    start = response or Response(detector=geometry.detector.material)
    channel = np.arange(counts.size, dtype=np.float64)
    axis = zero + gain * channel
    first, last = (
        int(i)
        for i in np.searchsorted(
            axis,
            [low if low is not None else max(0.5, axis[0]), high if high is not None else axis[-1]],
        )
    )
    used = slice(first, last)
    y = np.asarray(counts[used], dtype=np.float64)
    under = snip_of_sum(axis[used], y, start)
    columns = spline_columns(axis[used], under, start) if under.any() else None
    values = dict(zip(NAMES, (zero, gain, start.noise, start.fano), strict=True))
    scale = {"zero": gain, "gain": gain / counts.size, "noise": 0.01, "fano": 0.01}
    smooth = np.maximum(under + np.convolve(y, np.ones(5) / 5.0, "same"), 1.0)
    spread = 1.0 / np.sqrt(smooth + (MISFIT * smooth) ** 2)

    def matrix_of(v: dict[str, float]) -> Array:
        width = replace(start, noise=abs(v["noise"]), fano=abs(v["fano"]))
        energy = v["zero"] + v["gain"] * channel[used]
        return build_design(energy, families, width, geometry, background=columns).matrix

    def residual(x: Array) -> Array:
        now = dict(values)
        for name, value in zip(fit, x, strict=True):
            now[name] = values[name] + float(value) * scale[name]
        matrix = matrix_of(now)
        weighted = matrix * (spread**2)[:, None]
        amounts = nonnegative(weighted.T @ matrix, (y @ weighted)[None])[0]
        return np.asarray((y - matrix @ amounts) * spread)

    # what the model has no lines for must not bend the axis
    found = least_squares(
        residual, np.zeros(len(fit)), loss="soft_l1", f_scale=FAR, x_scale=1.0, max_nfev=40
    )
    final = dict(values)
    for name, value in zip(fit, found.x, strict=True):
        final[name] = values[name] + float(value) * scale[name]
    steps = np.array([scale[name] for name in fit])
    freedom = max(y.size - len(fit) - len(families), 1)
    chi2 = 2.0 * float(found.cost) / freedom
    slopes = np.asarray(found.jac)
    inverse = np.linalg.pinv(slopes.T @ slopes)
    covariance = inverse * steps[:, None] * steps[None, :] * max(chi2, 1.0)
    return Calibration(
        final["zero"],
        final["gain"],
        replace(start, noise=abs(final["noise"]), fano=abs(final["fano"])),
        tuple(fit),
        covariance,
        chi2,
        len(families),
    )


def noise_of_peaks(energy: Array, counts: Array, geometry: Geometry) -> float | None:
    """Return the electronic noise (FWHM, keV) that the widths of single peaks speak of.

    Parameters
    ----------
    energy, counts : ndarray, shape (channels,)
    geometry : Geometry

    Returns
    -------
    float or None
        From the narrowest quarter of all high peaks, as others are of several lines; None
        where no peak is high.
    """
    step = float(energy[-1] - energy[0]) / (energy.size - 1)
    start = Response(detector=geometry.detector.material)
    smooth = gaussian_filter1d(np.asarray(counts, dtype=np.float64), max(0.02 / step, 0.5))
    net = smooth - snip_of_sum(energy, counts, start)
    spread = np.sqrt(np.maximum(smooth, 1.0))
    found = []
    for k in np.flatnonzero((net[1:-1] >= net[:-2]) & (net[1:-1] > net[2:])) + 1:
        if net[k] * np.sqrt(max(0.1 / step, 1.0)) < 20.0 * spread[k]:
            continue
        half = 0.5 * net[k]
        left = np.flatnonzero(net[:k] < half)
        right = np.flatnonzero(net[k:] < half)
        if not (left.size and right.size):
            continue
        a, b = int(left[-1]), k + int(right[0])
        low = a + (half - net[a]) / (net[a + 1] - net[a])
        high = b - (half - net[b]) / (net[b - 1] - net[b])
        width = (high - low) * step
        excess = width**2 - (start.fwhm(float(energy[k])) ** 2 - start.noise**2)
        found.append(excess - (FWHM * max(0.02, 0.5 * step)) ** 2)
    if not found:
        return None
    return float(np.sqrt(np.clip(np.quantile(found, 0.25), 0.03**2, 0.5**2)))


def fitted_response(
    energy: Array, counts: Array, families: Sequence[Family], geometry: Geometry
) -> tuple[Response, Geometry]:
    """Return resolution and scattering angle from a spectrum on a known axis.

    The noise is fitted and Fano's factor assumed; the angle is fitted where the geometry has
    none and the Compton peak is on the axis.

    Parameters
    ----------
    energy, counts : ndarray, shape (channels,)
    families : sequence of Family
        The fit decides how much of each there is; none may be there.
    geometry : Geometry
    """
    first = noise_of_peaks(energy, counts, geometry) or 0.1
    start = Response(noise=first, fano=FANO, detector=geometry.detector.material)

    def misfit(response: Response, place: Geometry) -> float:
        under = snip_of_sum(energy, counts, response)
        columns = spline_columns(energy, under, response) if under.any() else None
        matrix = build_design(energy, families, response, place, background=columns).matrix
        model = matrix @ fit_poisson(counts, matrix, rounds=6, settled=1e-3)
        spread = np.maximum(model, 1.0)
        squares = (counts - model) ** 2 / (spread + (MISFIT * spread) ** 2)
        # lines of elements that nobody named must not widen all others
        return float(np.sum(np.log1p(squares / FAR**2)))

    def noise_of(place: Geometry, trials: Array) -> Response:
        some = [replace(start, noise=float(noise)) for noise in trials]
        return min(some, key=lambda response: misfit(response, place))

    incident = geometry.incident_energy
    free = geometry.scattering_angle is None and incident is not None
    free = free and energy[0] < incident < energy[-1] if incident is not None else False
    response = start
    if families:
        response = noise_of(geometry, first * np.geomspace(0.5, 2.0, 7))
    if free:
        some = [replace(geometry, scattering_angle=float(a)) for a in np.arange(40.0, 171.0, 13.0)]
        near = min(some, key=lambda place: misfit(response, place)).scattering_angle or 90.0

        def of_angle(angle: float) -> float:
            return misfit(response, replace(geometry, scattering_angle=float(angle)))

        # where Compton and elastic peak overlap, a degree moves more counts than they scatter
        best = minimize_scalar(
            of_angle, bounds=(near - 13.0, near + 13.0), method="bounded", options={"xatol": 0.1}
        )
        geometry = replace(geometry, scattering_angle=round(float(best.x), 2))
    if families:
        response = noise_of(geometry, response.noise * np.geomspace(0.82, 1.22, 5))
    return response, geometry
