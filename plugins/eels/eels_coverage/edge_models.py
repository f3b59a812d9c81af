"""Two forward models of ionisation edges: the fitter's own, and another one.

The first: one power law, edges as exSpy's hydrogenic model has them, Poisson's noise.  The second
shares none of that: two power laws and an exponential, edges with white lines and an oscillating
fine structure at an onset that is moved, plural scattering, and noise with more variance than
counts.  In both, atoms scatter more or less than their tabulated cross section says, by the
systematic error that is stated for it.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from consilience_eels.library import edge_shape
from consilience_eels.spectra import LossAxis

__all__ = ["AXIS", "BEAM", "GAIN", "READOUT", "WINDOWS", "Planted", "drawn", "planted"]

Array = NDArray[np.float64]
STEP = 0.5
AXIS = LossAxis.of(330.0 + STEP * np.arange(600))
BEAM = (300.0, 20.0, 60.0)
"""keV, and semi-angles in mrad."""
GAIN, READOUT = 3.0, 2.0
"""Counts of one electron, and the standard deviation of reading a channel, counts."""
WINDOWS = {
    "N_K": ((340.0, 393.0), (401.0, 451.0)),
    "O_K": ((460.0, 521.0), (532.0, 582.0)),
}
"""Background and edge, eV; nitrogen's edge leaves oxygen a background 59 eV after its onset."""
ONSETS = {"N_K": 401.0, "O_K": 532.0}
THICKNESS = 0.4
"""t/λ of the second model."""
EXCESS = 1.3
"""Variance over mean of the second model's electrons."""


@dataclass(frozen=True)
class Planted:
    """Expected electrons of each channel, and those of each edge."""

    whole: Array
    edges: dict[str, Array]

    def counts(self, edge: str) -> float:
        """Expected counts of an edge in its window."""
        return GAIN * float(self.edges[edge][AXIS.window(*WINDOWS[edge][1])].sum())


@lru_cache(maxsize=8)
def hydrogenic(edge: str) -> Array:
    """Return barn per eV over the axis."""
    return np.asarray(edge_shape(edge, *BEAM, float(AXIS.energy[0]), STEP, AXIS.size))


@lru_cache(maxsize=64)
def planted(
    model: str, level: float, atoms: tuple[tuple[str, float], ...], moved: float = 0.0
) -> Planted:
    """Return expected electrons.

    Parameters
    ----------
    model : {"first", "second"}
    level : float
        Electrons of a channel of the background at 450 eV.
    atoms : tuple of (edge, number)
        Electrons of the edge in a channel of 1 barn/eV, as a part of `level`, times 1000.
    moved : float
        eV by which the second model's edges begin later.
    """
    energy = AXIS.energy
    if model == "first":
        under = level * (energy / 450.0) ** -3.0
    else:
        parts = 0.6 * (energy / 450.0) ** -2.5 + 0.35 * (energy / 450.0) ** -3.6
        under = level * (parts + 0.05 * np.exp(-(energy - 450.0) / 130.0))
    edges = {}
    for edge, number in atoms:
        shape = number * level * 1e-3 * hydrogenic(edge)
        edges[edge] = shape if model == "first" else _dressed(shape, edge, moved)
    return Planted(under + sum(edges.values(), np.zeros(AXIS.size)), edges)


def _dressed(shape: Array, edge: str, moved: float) -> Array:
    """Fine structure that keeps the integral of 50 eV, a moved onset, and plural scattering."""
    energy = AXIS.energy
    after = energy - ONSETS[edge] - moved
    smooth = np.interp(energy - moved, energy, shape)
    smooth[after < 0] = 0.0
    white = 0.8 * np.exp(-0.5 * ((after - 4.0) / 1.8) ** 2)
    with np.errstate(over="ignore"):
        wave = 0.12 * np.sin(after / 4.5) * np.exp(-np.clip(after, 0.0, None) / 25.0)
    fine = smooth * (1.0 + white + wave)
    window = (after >= 0) & (after < 50.0)
    fine[window] *= smooth[window].sum() / fine[window].sum()
    return _plural(fine)


def _plural(edge: Array) -> Array:
    """The edge convolved with plasmons of 22 eV, at a thickness of `THICKNESS`."""
    loss = STEP * np.arange(AXIS.size)
    share = np.zeros(AXIS.size)
    for n in range(1, 6):
        width = 3.0 * n**0.5
        peak = np.exp(-0.5 * ((loss - 22.0 * n) / width) ** 2)
        poisson = np.exp(-THICKNESS) * THICKNESS**n / float(np.prod(np.arange(1, n + 1)))
        share += poisson * peak / peak.sum()
    share[0] += np.exp(-THICKNESS)
    return np.asarray(np.convolve(edge, share)[: AXIS.size])


def drawn(made: Planted, model: str, chance: np.random.Generator, spectra: int = 1) -> Array:
    """Return measured counts, shape (spectra, channels)."""
    if model == "first":
        electrons = chance.poisson(made.whole, (spectra, AXIS.size)).astype(np.float64)
    else:
        # gamma-mixed Poisson counts: their variance is EXCESS times the mean
        mean = np.broadcast_to(made.whole, (spectra, AXIS.size))
        electrons = chance.poisson(chance.gamma(mean / (EXCESS - 1.0), EXCESS - 1.0)).astype(
            np.float64
        )
    return GAIN * electrons + chance.normal(0.0, READOUT, electrons.shape)
