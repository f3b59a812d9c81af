"""Single scattering of a material: a plasmon, joined to what the atoms do above it.

References
----------
.. [1] R. F. Egerton, *Electron Energy-Loss Spectroscopy in the Electron Microscope*, 3rd ed.,
   Springer (2011), equation 3.43 (Drude plasmon, single scattering), section 4.1 (plural
   scattering: the spectrum is the zero loss convolved with the exponential of S).
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from consilience_eels.physics.beam import Beam
from consilience_eels.physics.cross_sections import EdgeSource, atom_cross_section
from consilience_eels.physics.materials import Material
from consilience_eels.physics.mean_free_path import mean_free_path
from consilience_eels.physics.near_edge import Perturbation, material_cross_section

__all__ = ["BARN_NM2", "JOIN", "atom_losses", "drude", "single_scattering"]

JOIN = 36.0
"""eV, about which the plasmon gives way to the atoms."""

BARN_NM2 = 1e-10
"""nm² of a barn."""


def drude(energy: NDArray[np.float64], plasmon: float, width: float) -> NDArray[np.float64]:
    """Return the energy-loss function Im(−1/ε) of free electrons; 0 at and below 0 eV."""
    e = np.clip(energy, 0.0, None)
    p2 = plasmon**2
    return np.asarray(e * width * p2 / ((e**2 - p2) ** 2 + (e * width) ** 2))


def single_scattering(
    material: Material,
    energy: NDArray[np.float64],
    beam: Beam,
    perturbation: Perturbation | None = None,
    source: EdgeSource | None = None,
) -> NDArray[np.float64]:
    """Return the probability of a loss per nm and eV, which sums to 1/λ over all energies.

    Parameters
    ----------
    material : Material
    energy : ndarray
        In eV.
    beam : Beam
    perturbation, source : optional
        For a forward model that is not the fitter's; see `near_edge.edge_in`.

    Notes
    -----
    Above `JOIN` these are cross sections times the number of atoms, absolute; the plasmon's
    height is what is left of 1/λ.
    """
    grid = np.concatenate([np.arange(0.025, 200.0, 0.05), np.geomspace(200.0, 20000.0, 4000)])
    rate = material.units_per_nm3 * BARN_NM2
    high_grid = (
        rate * _high(grid) * material_cross_section(material, grid, beam, perturbation, source)
    )
    plasmon_grid = _plasmon(material, grid, beam)
    inverse = 1.0 / mean_free_path(material.density, beam)
    left = inverse - float(np.trapezoid(high_grid, grid))
    scale = max(left, 0.0) / float(np.trapezoid(plasmon_grid, grid))
    at = np.asarray(energy, dtype=np.float64)
    high = rate * _high(at) * material_cross_section(material, at, beam, perturbation, source)
    return np.asarray(scale * _plasmon(material, at, beam) + high)


def atom_losses(symbol: str, energy: NDArray[np.float64], beam: Beam) -> NDArray[np.float64]:
    """Return dσ/dE (barn/eV) of an atom in a host, whose valence electrons it shares."""
    at = np.asarray(energy, dtype=np.float64)
    return _high(at) * atom_cross_section(symbol, at, beam)


def _plasmon(material: Material, energy: NDArray[np.float64], beam: Beam) -> NDArray[np.float64]:
    safe = np.where(energy > 0.5, energy, 1.0)
    angle = np.log1p((beam.cutoff(safe) / beam.theta_e(safe)) ** 2)
    shape = drude(energy, material.plasmon, material.width) * angle * (1.0 - _high(energy))
    return np.where(energy > 0.5, shape, 0.0)


def _high(energy: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio = (np.clip(energy, 0.0, None) / JOIN) ** 8
    return np.asarray(ratio / (1.0 + ratio))
