"""Where what is: nanometres of each material under each pixel."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from consilience_eels.physics.beam import Beam
from consilience_eels.physics.materials import material_of
from consilience_eels.physics.mean_free_path import mean_free_path
from consilience_eels.simulation.damage import damaged, oxide_per_salt
from consilience_eels.simulation.interphase_params import InterphaseParams

__all__ = ["Scene", "beam_of", "build_scene"]


@dataclass(frozen=True)
class Scene:
    """Nanometres of material along the beam for each pixel, and atoms of each element.

    Attributes
    ----------
    materials : tuple of str
    nm : ndarray, shape (ny, nx, materials)
    implanted : dict
        Element to atoms per nm², shape (ny, nx).
    boundaries : tuple of float
        x of the interfaces, nm from the first pixel's centre.
    layer : ndarray of int, shape (ny, nx)
        Index of the layer that holds most of the pixel.
    shifts : ndarray, shape (frames, 2)
        Planted shift of each frame along y and x, nm; the first is 0.
    """

    materials: tuple[str, ...]
    nm: NDArray[np.float64]
    implanted: dict[str, NDArray[np.float64]]
    boundaries: tuple[float, ...]
    layer: NDArray[np.int64]
    shifts: NDArray[np.float64]

    @property
    def thickness(self) -> NDArray[np.float64]:
        """Solid under each pixel in nm, shape (ny, nx)."""
        return np.asarray(self.nm.sum(axis=-1))

    def t_over_lambda(self, beam: Beam) -> NDArray[np.float64]:
        """Return the mean number of losses, all energies, shape (ny, nx); implants left out."""
        free = [mean_free_path(material_of(name).density, beam) for name in self.materials]
        return np.asarray(self.nm @ (1.0 / np.array(free)))

    def atoms(self) -> dict[str, NDArray[np.float64]]:
        """Return element to atoms per nm² of each pixel, shape (ny, nx)."""
        found: dict[str, NDArray[np.float64]] = {}
        for index, name in enumerate(self.materials):
            material = material_of(name)
            for symbol, count in material.atoms.items():
                column = self.nm[..., index] * (material.units_per_nm3 * count)
                found[symbol] = found.get(symbol, 0.0) + column
        for symbol, column in self.implanted.items():
            found[symbol] = found.get(symbol, 0.0) + column
        return found


def beam_of(params: InterphaseParams) -> Beam:
    """Return the beam of the parameters."""
    return Beam(params.beam_energy, params.convergence, params.collection)


def build_scene(params: InterphaseParams, seed: int, moved: float = 0.0) -> Scene:
    """Return the scene, its x shifted by `moved` nm; the seed is for the drift alone."""
    random = np.random.default_rng([seed, 1])
    count = max(params.image_frames, 1 if params.corrected else min(params.frames, 40))
    steps = random.normal(0.0, params.drift, (count, 2)) if params.drift else np.zeros((count, 2))
    steps[0] = 0.0
    shifts = np.cumsum(steps, axis=0)
    ny, nx = params.pixels
    x = params.step * np.arange(nx) + moved
    path = [0.0] if params.corrected or not params.drift else shifts[:, 1].tolist()
    shares = np.mean([_layer_shares(params, x + shift) for shift in path], axis=0)
    rows = np.linspace(params.lamella, params.lamella_end, ny)
    names, fractions = _materials(params)
    column = shares @ fractions
    nm = rows[:, None, None] * column[None, :, :]
    boundaries = tuple(_boundaries(params))
    layer = np.broadcast_to(shares.argmax(axis=1), (ny, nx)).copy()
    scene = Scene(names, nm, {}, boundaries, layer, shifts)
    total = sum(scene.atoms().values(), np.zeros((ny, nx)))
    implanted = {symbol: share * total for symbol, share in params.implanted.items()}
    return Scene(names, nm, implanted, boundaries, layer, shifts)


def _boundaries(params: InterphaseParams) -> list[float]:
    ends = np.cumsum([layer.thickness for layer in params.layers])[:-1]
    return [float(end - 0.5 * params.step) for end in ends]


def _layer_shares(params: InterphaseParams, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each layer in each column: interfaces are error functions, averaged over a pixel."""
    fine = x[:, None] + params.step * (np.arange(8) - 3.5)[None, :] / 8.0
    past = [np.ones(fine.shape)]
    for at in _boundaries(params):
        if params.roughness > 0:
            past.append(0.5 * (1.0 + erf((fine - at) / (math.sqrt(2.0) * params.roughness))))
        else:
            past.append((fine >= at).astype(np.float64))
    past.append(np.zeros(fine.shape))
    shares = [(a - b).mean(axis=1) for a, b in itertools.pairwise(past)]
    return np.asarray(np.clip(np.stack(shares, axis=1), 0.0, None))


def _materials(params: InterphaseParams) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Names, and volume of each material in a volume of each layer."""
    each: list[dict[str, float]] = []
    for layer in params.layers:
        content: dict[str, float] = {}
        for name, fraction in layer.materials.items():
            material_of(name)
            lost = damaged(name, params.dose, params.temperature) if params.damage else 0.0
            content[name] = content.get(name, 0.0) + fraction * (1.0 - lost)
            if lost > 0:
                oxide = fraction * lost * oxide_per_salt(name)
                content["Li2O"] = content.get("Li2O", 0.0) + oxide
        each.append({name: share for name, share in content.items() if share > 1e-9})
    names = tuple(dict.fromkeys(name for content in each for name in content))
    table = np.array([[content.get(name, 0.0) for name in names] for content in each])
    return names, table
