"""Expected electrons in each channel of each pixel: zero loss, plasmons, edges, plural losses.

References
----------
.. [1] R. F. Egerton, *Electron Energy-Loss Spectroscopy in the Electron Microscope*, 3rd ed.,
   Springer (2011), equation 4.8: the transform of the spectrum is that of the zero loss times
   the exponential of that of single scattering.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq

from consilience_eels.physics.beam import Beam
from consilience_eels.physics.cross_sections import EdgeSource
from consilience_eels.physics.low_loss import BARN_NM2, atom_losses, single_scattering
from consilience_eels.physics.materials import material_of
from consilience_eels.physics.mean_free_path import mean_free_path
from consilience_eels.physics.near_edge import Perturbation
from consilience_eels.simulation.interphase_scene import Scene

__all__ = ["EnergyGrid", "Spread", "expected_rows"]


@dataclass(frozen=True)
class EnergyGrid:
    """Channels: the first one's centre and the step in eV, and their number."""

    offset: float
    step: float
    channels: int

    @property
    def energy(self) -> NDArray[np.float64]:
        """Centres, eV."""
        return self.offset + self.step * np.arange(self.channels, dtype=np.float64)


@dataclass(frozen=True)
class Spread:
    """Zero loss: full width in eV; share and decay (eV) of a tail towards losses."""

    fwhm: float
    tail: float = 0.0
    decay: float = 1.0


def expected_rows(
    scene: Scene,
    beam: Beam,
    grid: EnergyGrid,
    electrons: float,
    spread: Spread,
    *,
    shifts: NDArray[np.float64] | None = None,
    perturbation: Perturbation | None = None,
    source: EdgeSource | None = None,
) -> Iterator[NDArray[np.float64]]:
    """Yield the expected electrons of each row of pixels, shape (nx, channels).

    Parameters
    ----------
    scene : Scene
    beam : Beam
    grid : EnergyGrid
    electrons : float
        That reach the spectrometer, for each pixel.
    spread : Spread
    shifts : ndarray, shape (ny, nx), optional
        Where the zero loss is, eV.
    perturbation, source : optional
        Of the edges; see `near_edge`.

    Notes
    -----
    The transform is taken over three times the axis and more, with single scattering cut off at
    its third, so that neither double nor triple losses come back at the beginning.  A channel is
    the integral over its width.
    """
    fine = max(1, math.ceil(grid.step / (spread.fwhm / 5.0)))
    step = grid.step / fine
    top = grid.offset + grid.step * grid.channels
    reach = max(top, -2.0 * grid.offset, 100.0) + 20.0
    count = next_fast_len(3 * math.ceil((reach - min(grid.offset, 0.0)) / step), real=True)
    energy = step * np.arange(count, dtype=np.float64)
    cut = energy < count * step / 3.0
    frequency = rfftfreq(count, step)
    names = [*scene.materials, *scene.implanted]
    kernels = np.empty((len(names), frequency.size), dtype=np.complex128)
    for i, name in enumerate(names):
        if i < len(scene.materials):
            loss = single_scattering(material_of(name), energy, beam, perturbation, source)
        else:
            loss = BARN_NM2 * atom_losses(name, energy, beam)
        kernels[i] = rfft(np.where(cut, loss, 0.0) * step)
    free = [1.0 / mean_free_path(material_of(n).density, beam) for n in scene.materials]
    extra = [
        float(BARN_NM2 * np.trapezoid(atom_losses(n, _WIDE, beam), _WIDE)) for n in scene.implanted
    ]
    decay = np.array([*free, *extra])
    sigma = spread.fwhm / (2.0 * math.sqrt(2.0 * math.log(2.0)))
    zero = np.exp(-2.0 * (np.pi * sigma * frequency) ** 2).astype(np.complex128)
    if spread.tail:
        zero *= 1.0 - spread.tail + spread.tail / (1.0 + 2j * np.pi * frequency * spread.decay)
    first = grid.offset - 0.5 * (fine - 1) * step
    zero *= electrons * np.exp(2j * np.pi * frequency * first)
    amounts = np.concatenate(
        [scene.nm, *(column[..., None] for column in scene.implanted.values())], axis=-1
    )
    for row in range(amounts.shape[0]):
        exponent = amounts[row] @ kernels - (amounts[row] @ decay)[:, None]
        if shifts is not None:
            exponent = exponent - 2j * np.pi * frequency * shifts[row][:, None]
        spectra = irfft(zero * np.exp(exponent), n=count, axis=-1)[:, : fine * grid.channels]
        binned = spectra.reshape(spectra.shape[0], grid.channels, fine).sum(axis=2)
        yield np.clip(binned, 0.0, None)


_WIDE = np.concatenate([np.arange(10.0, 200.0, 0.1), np.geomspace(200.0, 20000.0, 2000)])
