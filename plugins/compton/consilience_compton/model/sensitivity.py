"""What lithium costs: counts for a wanted error, and what a wrong input does to x.

The free-atom model of a layered cell stands in for a measurement: the published subtraction and
windows are applied to it, once as they are and once with one input moved.  The change of the
ratio, divided by the model's slope, is the change of x.  An error of energy or angle acts by its
square where it moves symmetric windows off a symmetric peak, so it is given for its size and not
as a slope.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_compton.model.cell import Cell
from consilience_compton.model.profiles import HIGH, LOW, Window, broadened
from consilience_compton.momentum.kinematics import (
    compton_energy,
    momentum,
    momentum_slope,
)

__all__ = ["Budget", "Sensitivity", "counts_needed", "sensitivity"]

Array = NDArray[np.float64]
_GRID = np.linspace(-9.0, 9.0, 3601)
_STEP_X = 0.05


@dataclass(frozen=True)
class Sensitivity:
    """The free-atom ratio of a cathode after the published subtraction, and what moves it.

    Parameters
    ----------
    emr : float
    slope : float
        d(EMR)/dx.
    cell : Cell
    fwhm : float
        a.u.
    incident, angle : float
        keV, degrees.
    """

    emr: float
    slope: float
    cell: Cell
    fwhm: float
    incident: float
    angle: float
    low: tuple[Window, ...]
    high: tuple[Window, ...]

    def by_geometry(self, um: float) -> float:
        """Δx if the lithium that is taken off, (α − β) × beam, is too thick by `um`."""
        return (self._emr(lithium=um) - self.emr) / self.slope

    def by_energy(self, electron_volts: float) -> float:
        """Δx if the energy axis reads too high by this."""
        slope = float(momentum_slope(compton_energy(*self._at), *self._at))
        return (self._emr(offset=slope * electron_volts * 1e-3) - self.emr) / self.slope

    def by_angle(self, degrees: float) -> float:
        """Δx if the scattering angle is taken too small by this."""
        there = compton_energy(self.incident, self.angle)
        offset = float(momentum(there, self.incident, self.angle + degrees))
        return (self._emr(offset=-offset) - self.emr) / self.slope

    def by_resolution(self, electron_volts: float) -> float:
        """Δx if the resolution is better than was taken, by this (FWHM)."""
        slope = float(momentum_slope(compton_energy(*self._at), *self._at))
        other = max(0.0, self.fwhm - slope * electron_volts * 1e-3)
        return (self._emr(fwhm=other) - self.emr) / self.slope

    @property
    def _at(self) -> tuple[float, float]:
        return self.incident, self.angle

    def _emr(
        self, *, lithium: float = 0.0, offset: float = 0.0, fwhm: float | None = None
    ) -> float:
        width = self.fwhm if fwhm is None else fwhm
        profile = _cathode(self.cell, width)
        if lithium:
            thin = _profile(self.cell, 3, width) / self.cell.beam
            profile = profile - lithium * thin
        return _ratio(profile, self.low, self.high, offset)


@dataclass(frozen=True)
class Budget:
    """Counts that an error of x asks for.

    Parameters
    ----------
    std_x : float
    relative_emr : float
        The error of the ratio that it needs, relative.
    cathode : float
        Net counts of the cathode in all windows, after the subtraction.
    region_1, region_2, region_3 : float
        Counts recorded in the windows, for equal live times.
    """

    std_x: float
    relative_emr: float
    cathode: float
    region_1: float
    region_2: float
    region_3: float


def sensitivity(
    cell: Cell | None = None,
    *,
    fwhm: float = 0.905,
    incident: float = 115.0,
    angle: float = 90.0,
    low: Sequence[Window] = LOW,
    high: Sequence[Window] = HIGH,
) -> Sensitivity:
    """Return the model's ratio and slope for a cell, from which errors of inputs follow.

    Parameters
    ----------
    cell : Cell, optional
        By default the published one, x = 1.01.
    fwhm : float
        a.u.
    incident, angle : float
        keV, degrees.
    low, high : sequence of windows, a.u.
    """
    cell = cell or Cell()
    lower = max(0.0, cell.x - _STEP_X)
    ends = [
        _ratio(_cathode(cell.with_x(x), fwhm), low, high) for x in (lower, lower + 2.0 * _STEP_X)
    ]
    emr = _ratio(_cathode(cell, fwhm), low, high)
    slope = (ends[1] - ends[0]) / (2.0 * _STEP_X)
    return Sensitivity(emr, slope, cell, fwhm, incident, angle, tuple(low), tuple(high))


def counts_needed(given: Sensitivity, std_x: float = 0.05) -> Budget:
    """Return the counts that x to `std_x` takes, if nothing but counting matters.

    Raises
    ------
    BadInputError
        An error that is not above 0.
    """
    if not std_x > 0.0 or not math.isfinite(std_x):
        raise BadInputError(f"a wanted error of {std_x:g}", fix="give one above 0")
    cell = given.cell
    alpha_beta = cell.alpha - cell.beta
    regions = [_profile(cell, n, given.fwhm) for n in (1, 2, 3)]
    sums = np.array([_sums(p, given.low, given.high) for p in regions])
    net = sums[0] - sums[1] + alpha_beta * sums[2]
    variance = sums[0] + sums[1] + alpha_beta**2 * sums[2]
    # for one count of net cathode signal in the windows
    relative = math.sqrt((variance / net**2).sum() * net.sum())
    needed = given.slope * std_x / given.emr
    cathode = (relative / needed) ** 2
    each = sums.sum(axis=1) / net.sum() * cathode
    return Budget(std_x, abs(needed), cathode, float(each[0]), float(each[1]), float(each[2]))


def _profile(cell: Cell, region: int, fwhm: float) -> Array:
    found = np.zeros_like(_GRID)
    for layer in cell.layers(region):
        found += layer.amount * broadened(layer.composition, _GRID, fwhm)
    return found


def _cathode(cell: Cell, fwhm: float) -> Array:
    """I_R1 − I_R2 + (α − β) I_R3, which leaves the cathode."""
    r1, r2, r3 = (_profile(cell, n, fwhm) for n in (1, 2, 3))
    return np.asarray(r1 - r2 + (cell.alpha - cell.beta) * r3, dtype=np.float64)


def _sums(
    profile: Array, low: Sequence[Window], high: Sequence[Window], offset: float = 0.0
) -> Array:
    sums = np.zeros(2)
    whole = np.concatenate([[0.0], np.cumsum(0.5 * (profile[1:] + profile[:-1]) * np.diff(_GRID))])
    for side, windows in enumerate((low, high)):
        for first, last in windows:
            ends = np.interp(np.array([first, last]) - offset, _GRID, whole)
            sums[side] += ends[1] - ends[0]
    return sums


def _ratio(
    profile: Array, low: Sequence[Window], high: Sequence[Window], offset: float = 0.0
) -> float:
    sums = _sums(profile, low, high, offset)
    return float(sums[0] / sums[1])
