"""How far spectra of two states are shifted, and whether the electronics or the angle moved.

The detector's lines move with its electronics alone.  The Compton peak moves with them and with
the scattering angle, −0.300 keV a degree at 115 keV and 90°.  What is left of the peak's shift
after the lines' is taken off is a movement of the detector, or of the beam's energy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from consilience.errors import BadInputError
from consilience_compton.calibration.pixels import LineTable
from consilience_compton.momentum.kinematics import compton_energy
from consilience_compton.spectra import centres

__all__ = ["Drift", "Shift", "angle_slope", "drift_between", "peak_shift"]

Array = NDArray[np.float64]
ROUNDS = 30
FEWEST = 1000.0
"""Counts of the peak in each state; below, its shape is too noisy to be a template."""


@dataclass(frozen=True)
class Shift:
    """Shift of one spectrum against another.

    Parameters
    ----------
    value, std : float
        keV, positive towards higher energy; `std` from the counts of both.
    factor : float
        Counts of the second for one of the first.
    misfit : float
        χ² for each degree of freedom after the shift: above 1, the shapes differ.
    """

    value: float
    std: float
    factor: float
    misfit: float


@dataclass(frozen=True)
class Drift:
    """What moved between a reference and another state.

    Parameters
    ----------
    peak : Shift
        Of the Compton peak.
    lines, lines_std : float or None
        Of the energy scale at the peak, from the detector's lines, keV; None where they are not
        seen in both.
    energy : float
        Of the peak, keV.
    slope : float
        keV a degree.
    """

    peak: Shift
    lines: float | None
    lines_std: float | None
    energy: float
    slope: float

    @property
    def rest(self) -> float | None:
        """Shift of the peak that the lines do not share, keV."""
        return None if self.lines is None else self.peak.value - self.lines

    @property
    def rest_std(self) -> float | None:
        """Its standard deviation, keV."""
        return None if self.lines_std is None else math.hypot(self.peak.std, self.lines_std)

    @property
    def angle(self) -> float | None:
        """The rest as a change of the scattering angle, degrees."""
        return None if self.rest is None else self.rest / self.slope

    @property
    def angle_std(self) -> float | None:
        """Its standard deviation, degrees."""
        return None if self.rest_std is None else self.rest_std / abs(self.slope)


def angle_slope(incident: float, angle: float) -> float:
    """Return dE₂/dθ of the Compton peak in keV a degree, negative.

    Parameters
    ----------
    incident, angle : float
        keV, degrees.
    """
    low, high = compton_energy(incident, np.array([angle - 0.01, angle + 0.01]))
    return float((high - low) / 0.02)


def peak_shift(first: Array, second: Array, edges: Array, span: tuple[float, float]) -> Shift:
    """Fit the first spectrum, shifted and scaled on a straight line, to the second.

    Parameters
    ----------
    first, second : ndarray, shape (n,)
        Counts on the same edges.
    edges : ndarray, shape (n + 1,)
        keV.
    span : (float, float)
        keV; where the second is fitted.

    Returns
    -------
    Shift

    Notes
    -----
    Of both directions (first to second and back) half the difference is taken: counting noise in
    the template makes either too small by the same part.

    Raises
    ------
    BadInputError
        The axis does not hold the span, or too few counts lie in it.
    """
    low, high = span
    inside = (edges[:-1] > low) & (edges[1:] < high)
    if inside.sum() < 12 or edges[0] > low - 2.0 or edges[-1] < high + 2.0:
        raise BadInputError(
            f"no Compton peak in range: the axis, {edges[0]:g} to {edges[-1]:g} keV, does not "
            f"hold {low - 2:g} to {high + 2:g} keV in at least 12 bins",
            fix="give spectra around the peak; check incident energy and angle",
        )
    if min(first[inside].sum(), second[inside].sum()) < FEWEST:
        raise BadInputError(
            f"fewer than {FEWEST:g} counts between {low:g} and {high:g} keV",
            fix="sum more pixels or states",
        )
    there = _one_way(first, second, edges, inside)
    back = _one_way(second, first, edges, inside)
    value = 0.5 * (there.value - back.value)
    return Shift(value, max(there.std, back.std), there.factor, there.misfit)


def _one_way(first: Array, second: Array, edges: Array, inside: NDArray[np.bool_]) -> Shift:
    running = np.concatenate([[0.0], np.cumsum(first)])
    smooth = PchipInterpolator(edges, running)
    density = smooth.derivative()
    low, high = edges[:-1][inside], edges[1:][inside]
    width, middle = high - low, centres(edges)[inside]
    x = (middle - middle.mean()) / np.ptp(middle)
    n = second[inside]
    delta, factor = 0.0, float(n.sum() / max(first[inside].sum(), 1.0))
    design = np.zeros((4, n.size))
    design[2:] = width, width * x
    level = np.zeros(2)
    info = np.eye(4)
    for _ in range(ROUNDS):
        shape = smooth(high - delta) - smooth(low - delta)
        moved = -(density(high - delta) - density(low - delta))
        mu = np.maximum(factor * shape + level @ design[2:], 1e-3)
        var = np.maximum(mu * (1.0 + factor), 1.0)  # of the second, and of the scaled first
        design[0], design[1] = factor * moved, shape
        info = (design / var) @ design.T
        step = np.linalg.lstsq(info, (design / var) @ (n - mu), rcond=None)[0]
        delta += float(np.clip(step[0], -0.5, 0.5))
        factor += float(step[1])
        level = level + step[2:]
        if abs(step[0]) < 1e-7:
            break
    shape = smooth(high - delta) - smooth(low - delta)
    mu = np.maximum(factor * shape + level @ design[2:], 1e-3)
    misfit = float(np.sum((n - mu) ** 2 / np.maximum(mu * (1.0 + factor), 1.0)) / (n.size - 4))
    std = math.sqrt(max(float(np.linalg.pinv(info, hermitian=True)[0, 0]), 0.0))
    return Shift(delta, std, factor, misfit)


def drift_between(
    first: tuple[Array, LineTable | None],
    second: tuple[Array, LineTable | None],
    edges: Array,
    incident: float,
    angle: float,
    half: float = 4.0,
) -> Drift:
    """Return what moved between two states.

    Parameters
    ----------
    first, second : (ndarray of shape (n,), LineTable or None)
        Sum spectrum, and the lines fitted to it.
    edges : ndarray, shape (n + 1,)
        keV, of both.
    incident, angle : float
        keV, degrees.
    half : float
        Half the span around the predicted peak, keV.
    """
    energy = float(compton_energy(incident, angle))
    peak = peak_shift(first[0], second[0], edges, (energy - half, energy + half))
    lines = lines_std = None
    if first[1] is not None and second[1] is not None:
        # E_true − E_stated at the peak: where it falls, the lines have moved up
        a, a_std = first[1].fit.at(energy)
        b, b_std = second[1].fit.at(energy)
        lines = float(a[0] - b[0])
        lines_std = float(math.hypot(a_std[0], b_std[0]))
    return Drift(peak, lines, lines_std, energy, angle_slope(incident, angle))
