"""Spectra made from free-atom profiles, for tests of the momentum analysis."""

from __future__ import annotations

import numpy as np

from consilience_compton.model.profiles import broadened
from consilience_compton.momentum.kinematics import Geometry, momentum, momentum_slope
from consilience_compton.momentum.response import kinematic_factor

NMC = "LiNi0.6Mn0.2Co0.2O2"


def expected(
    geometry: Geometry,
    energy_edges: np.ndarray,
    composition: str = NMC,
    total: float = 1e6,
    background: float = 0.0,
    fwhm: float = 0.8,
) -> np.ndarray:
    """Mean counts (rows, columns, n): `total` Compton photons a pixel, `background` a keV."""
    grid = np.linspace(-60.0, 60.0, 9601)
    slope = float(momentum_slope(geometry.compton_peak, geometry.incident_energy, geometry.angle))
    shape = broadened(composition, grid, fwhm * slope)
    shape = shape * kinematic_factor(grid, geometry.incident_energy, geometry.angle)
    running = np.concatenate([[0.0], np.cumsum(0.5 * (shape[1:] + shape[:-1]) * np.diff(grid))])
    running /= running[-1]
    angles = geometry.angles()
    p = momentum(energy_edges, geometry.incident_energy, angles[..., None])
    counts = total * np.diff(np.interp(p, grid, running), axis=-1)
    return counts + background * np.diff(energy_edges)


def uneven_edges(first: float, last: float, step: float) -> np.ndarray:
    """Edges whose steps grow by half along the axis."""
    t = np.linspace(0.0, 1.0, int((last - first) / step) + 1)
    return first + (last - first) * (0.8 * t + 0.2 * t**2)
