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
from scipy.optimize import least_squares

from consilience.errors import BadInputError
from consilience_xrf.fitting.background import snip_of_sum, spline_columns
from consilience_xrf.fitting.design import build_design
from consilience_xrf.fitting.linear import fit_poisson, weights_of
from consilience_xrf.fitting.nonnegative import nonnegative
from consilience_xrf.lines.elements import Family
from consilience_xrf.lines.geometry import Geometry
from consilience_xrf.lines.response import Response

__all__ = ["Calibration", "calibrate", "fitted_response"]

Array = NDArray[np.float64]

FANO = 0.115
"""Of silicon; taken where one line cannot tell noise from Fano's factor."""
NAMES = ("zero", "gain", "noise", "fano")
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
        With an incident energy the elastic line and the Compton peak are fitted too.
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

    found = least_squares(residual, np.zeros(len(fit)), method="trf", x_scale=1.0, max_nfev=40)
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


def fitted_response(
    energy: Array, counts: Array, families: Sequence[Family], geometry: Geometry
) -> Response:
    """Return the resolution of a spectrum on a known axis: noise fitted, Fano's factor assumed.

    Parameters
    ----------
    energy, counts : ndarray, shape (channels,)
    families : sequence of Family
        The fit decides how much of each there is; none may be there.
    geometry : Geometry
    """
    start = Response(noise=0.1, fano=FANO, detector=geometry.detector.material)
    step = float(energy[-1] - energy[0]) / (energy.size - 1)
    best, least = start, np.inf
    for noise in np.geomspace(max(0.04, 0.5 * step), 0.6, 12):
        trial = replace(start, noise=float(noise))
        under = snip_of_sum(energy, counts, trial)
        columns = spline_columns(energy, under, start) if under.any() else None
        matrix = build_design(energy, families, trial, geometry, background=columns).matrix
        amounts = fit_poisson(counts, matrix)
        model = matrix @ amounts
        away = float(np.sum((counts - model) ** 2 * weights_of(np.maximum(model, 1.0))))
        if away < least:
            best, least = trial, away
    return best
