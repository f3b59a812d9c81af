"""From a total of spectra to EMR with all its errors.

The ratio is made of net counts and corrected for the response; then every input is moved by its
error, and what the ratio does is kept with its sign, part by part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_compton.momentum.background import (
    Escape,
    escape_excess,
    line_under,
    net_operator,
    observed,
)
from consilience_compton.momentum.cells import Cells
from consilience_compton.momentum.collect import Settings, Total
from consilience_compton.momentum.kinematics import Geometry, energy_of_momentum, momentum
from consilience_compton.momentum.peak import Peak
from consilience_compton.momentum.rebin import Profile
from consilience_compton.momentum.response import Detector, response
from consilience_compton.momentum.sensitivity import smooth_curve
from consilience_compton.momentum.windows import EmrResult, Windows, ratio

__all__ = ["Evaluated", "evaluate", "shape_of"]

Array = NDArray[np.float64]
DEFAULT_DETECTOR = Detector(thickness=1000.0)
"""What stands for an undescribed sensor where its effect is estimated."""
BEND_LEFT = 0.4
"""Share of the effect of cut bins that may be left after it is taken off, for bins of 1 a.u."""


@dataclass(frozen=True)
class Evaluated:
    """EMR of one total with everything that stands beside it.

    Parameters
    ----------
    result : EmrResult
    signed : dict
        Systematic parts with their signs, for correlations between results.
    gradient : ndarray, shape (m + 2,)
        dEMR by (cells, side below, side above).
    factor : float
        Response of the high windows over that of the low ones; 1 where not corrected.
    without_background, with_line : float or None
        EMR without and with a straight background through the sides, tails not counted.
    escapes : tuple of Escape
    """

    result: EmrResult
    signed: Mapping[str, float | None]
    gradient: Array
    factor: float
    without_background: float | None
    with_line: float | None
    escapes: tuple[Escape, ...]


def evaluate(
    total: Total,
    geometry: Geometry,
    settings: Settings,
    peak: Peak | None = None,
) -> Evaluated:
    """Return EMR of a total with statistical error and systematic parts.

    Parameters
    ----------
    total : Total
    geometry : Geometry
    settings : Settings
    peak : Peak, optional
        Of the same or a stronger spectrum; its deviation stands for an energy offset that nobody
        states.
    """
    windows, incident = settings.windows, geometry.incident_energy
    known = total.sides
    if not settings.subtract:
        total = replace(total, sides=None)
    operator = net_operator(total.cells, windows, total.sides, total.tails)
    seen, matrix = observed(total.cells, total.sides)
    net = operator @ seen
    covariance = operator @ matrix @ operator.T
    fwhm = settings.resolution_momentum(incident, total.angle)
    shape = shape_of(total, incident, settings)
    bare = _without_line(total, incident)
    looked: list[Escape] | None = None
    if settings.escape != "ignore":
        looked = escape_excess(
            bare, windows, incident, total.angle, fwhm, shape, total.angle_spread
        )
    escapes = looked or []
    factor = _factor(total, windows, shape) if settings.correct else 1.0
    result = ratio(net[0], net[1], covariance, factor)
    if not np.isfinite(result.value):
        nothing: dict[str, float | None] = {}
        return Evaluated(result, nothing, np.zeros(seen.size), factor, None, None, tuple(escapes))
    shift = _escape_shift(escapes, net, windows, geometry, total.angle)
    value = float(result.value)
    if settings.escape == "subtract":
        value *= 1.0 + shift[0]
        result = replace(result, value=np.asarray(value))
    slope = factor * np.array([1.0 / net[1], -net[0] / net[1] ** 2])
    free = value if total.sides is None else _line(total, windows, None, factor)
    line = None if known is None else _line(total, windows, known, factor)
    relative = _moved(total, geometry, settings, peak, fwhm, bare)
    relative["escape_line"] = shift[1] if settings.escape == "subtract" else shift[2]
    if looked is None:
        relative["escape_line"] = None
    relative["response"] = _response_error(total, incident, settings)
    relative["background"] = _background(value, free, line, total)
    signed = {name: None if one is None else one * value for name, one in relative.items()}
    parts = {name: None if one is None else abs(one) for name, one in signed.items()}
    result = replace(result, std_sys_parts=parts)
    return Evaluated(result, signed, slope @ operator, factor, free, line, tuple(escapes))


def _without_line(total: Total, incident: float) -> Profile:
    """The profile less the line that was fitted under it, at the mean angle."""
    one = total.profile
    if total.sides is None:
        return one
    energies = energy_of_momentum(one.edges, incident, total.angle)
    under = line_under(total.cells, total.sides, total.tails, energies, one.pixels)
    return replace(one, counts=one.counts - under)


def shape_of(total: Total, incident: float, settings: Settings) -> Array:
    """Response at the bins of the total's profile; ones where nothing is corrected."""
    p = total.profile.centres
    if not settings.correct:
        return np.ones(p.size)
    knots = np.linspace(p[0], p[-1], 41)
    found = response(
        knots, incident, total.angle, settings.polarisation, settings.detector, settings.layers
    )
    return np.interp(p, knots, found)


def _factor(total: Total, windows: Windows, shape: Array) -> float:
    """Response of the high windows over that of the low ones, weighted by the profile."""
    edges = total.profile.edges
    inside = np.searchsorted(windows.edges, total.profile.centres) - 1
    member = windows.members()
    counts = np.zeros(2)
    corrected = np.zeros(2)
    for cell in range(windows.edges.size - 1):
        here = (inside == cell) & (edges[1:] <= windows.edges[-1] + 1e-9)
        counts += member[:, cell] * total.profile.counts[here].sum()
        corrected += member[:, cell] * (total.profile.counts[here] / shape[here]).sum()
    if (counts <= 0.0).any() or (corrected <= 0.0).any():
        return 1.0
    mean = counts / corrected
    return float(mean[1] / mean[0])


def _line(total: Total, windows: Windows, sides: Cells | None, factor: float) -> float | None:
    low, high = net_operator(total.cells, windows, sides) @ observed(total.cells, sides)[0]
    return float(factor * low / high) if high > 0.0 else None


def _background(value: float, free: float | None, line: float | None, total: Total) -> float | None:
    """One standard deviation of what the background may do, relative.

    Not known where nothing lies beside the peak.  Where no background is taken off, a straight
    one bounds it: evenly distributed between the two, its mean square is a third of the distance's.
    Where one is, and the tails are known, a tenth of what was taken off; where they are not, the
    whole of it stands against the value without.
    """
    if line is None or free is None:
        return None
    if total.sides is None:
        return (line - value) / value / math.sqrt(3.0)
    if np.any(total.tails > 0.0):
        return 0.1 * (value - free) / value
    return (free - value) / value / math.sqrt(3.0)


def _moved(
    total: Total,
    geometry: Geometry,
    settings: Settings,
    peak: Peak | None,
    fwhm: float,
    bare: Profile,
) -> dict[str, float | None]:
    """Relative changes of EMR by what places the windows, and by the resolution."""
    windows, incident = settings.windows, geometry.incident_energy
    found: dict[str, float | None] = dict.fromkeys(
        ("energy_offset", "incident_energy", "scattering_angle", "resolution", "bins")
    )
    found["multiple_scattering"] = None
    try:
        curve = smooth_curve(bare, windows, incident, total.angle)
    except (BadInputError, ValueError):
        return found
    offset = settings.energy_offset_std
    if offset is None and peak is not None:
        offset = math.hypot(peak.deviation, peak.deviation_std)
    if offset is not None:
        found["energy_offset"] = curve.by_offset(offset)
    if geometry.incident_energy_std is not None:
        found["incident_energy"] = curve.by_incident(geometry.incident_energy_std)
    if geometry.angle_std is not None:
        found["scattering_angle"] = curve.by_angle(geometry.angle_std)
    per_kev = fwhm / settings.resolution
    found["resolution"] = curve.by_resolution(fwhm, settings.resolution_std * per_kev)
    # what is left after `sharing`, found on free atoms at any place of the edges in their bins
    left = min(1.0, BEND_LEFT * total.bin_width)
    found["bins"] = left * curve.by_bins(total.bin_width)
    if settings.multiple_scattering is not None:
        found["multiple_scattering"] = curve.by_even_share(settings.multiple_scattering)
    return found


def _escape_shift(
    escapes: Sequence[Escape], net: Array, windows: Windows, geometry: Geometry, angle: float
) -> tuple[float, float, float]:
    """Relative change of EMR by taking excesses off, its error, and the error if they stay."""
    taken, spread = np.zeros(2), 0.0
    for one in escapes:
        place = float(momentum(one.energy, geometry.incident_energy, angle))
        row = 0 if any(a <= place <= b for a, b in windows.low) else 1
        taken[row] += one.excess / net[row]
        spread += (one.std / net[row]) ** 2
    change = float((1.0 - taken[0]) / (1.0 - taken[1]) - 1.0) if taken[1] < 1.0 else 0.0
    std = math.sqrt(spread)
    # what is not taken off is an error of its size, where it stands out of chance
    stays = math.copysign(math.sqrt(max(change**2 - spread, 0.0)), change)
    return change, std, stays


def _response_error(total: Total, incident: float, settings: Settings) -> float:
    """Relative change of EMR by what is not known of the response, or by all of it if not used."""
    windows = settings.windows
    used = shape_of(total, incident, settings)
    detector = settings.detector or DEFAULT_DETECTOR
    thick = replace(detector, thickness=1.2 * detector.thickness)
    other = thick if settings.detector is not None else DEFAULT_DETECTOR
    knots = np.linspace(total.profile.edges[0], total.profile.edges[-1], 41)
    changed = response(
        knots, incident, total.angle, 1.0 - min(settings.polarisation, 1.0), other, settings.layers
    )
    shape = np.interp(total.profile.centres, knots, changed)
    return _factor(total, windows, shape) / _factor(total, windows, used) - 1.0
