"""Edges in a solid: a model of their fine structure, with the atom's strength conserved."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, expit

from consilience_eels.physics.beam import Beam
from consilience_eels.physics.cross_sections import (
    EDGES,
    EdgeSource,
    edge_cross_section,
    onset_of,
    remainder_cross_section,
)
from consilience_eels.physics.materials import Material, NearEdge, Peak

__all__ = ["CONSERVED", "Perturbation", "edge_in", "material_cross_section", "material_edges"]

CONSERVED = 50.0
"""eV past the onset over which the fine structure leaves the atom's strength as it is."""


@dataclass(frozen=True)
class Perturbation:
    """How far a near-edge shape is moved from the model: eV, and factors of width and height."""

    shift: float = 0.0
    width: float = 1.0
    height: float = 1.0


def edge_in(
    material: Material,
    symbol: str,
    shell: str,
    energy: NDArray[np.float64],
    beam: Beam,
    perturbation: Perturbation | None = None,
    source: EdgeSource | None = None,
) -> NDArray[np.float64]:
    """Return dσ/dE of one edge of one atom within a material, in barn/eV.

    Parameters
    ----------
    material : Material
    symbol, shell : str
        As in `cross_sections.EDGES`.
    energy : ndarray
        Energy loss in eV, any order.
    beam : Beam
    perturbation : Perturbation, optional
        For a forward model that is not the fitter's.
    source : EdgeSource, optional
        Edges of the atom from elsewhere; by default `edge_cross_section`.

    Notes
    -----
    The atom's edge is cut off below the compound's onset and shaped by its peaks; a factor gives
    back the atom's integral over `CONSERVED` past its own onset.  Far from the edge the shape
    tends to the atom's.
    """
    near = material.near_edges.get((symbol, shell))
    edge = source or edge_cross_section
    atom = edge(symbol, shell, energy, beam)
    if near is None:
        return atom
    near = _moved(near, perturbation)
    onset = onset_of(symbol, shell)
    grid = np.arange(min(onset, near.onset) - 5.0, near.onset + CONSERVED, 0.05)
    plain = edge(symbol, shell, grid, beam)
    before = plain[grid <= onset + CONSERVED].sum()
    after = (_held(edge, symbol, shell, grid, beam) * _shape(grid, near, 1.0)).sum()
    factor = before / after if after > 0 else 1.0
    held = _held(edge, symbol, shell, energy, beam)
    return held * _shape(energy, near, factor)


def material_edges(material: Material) -> list[tuple[str, str, float]]:
    """Return element, shell and onset (eV, of the compound where the model has one)."""
    found = []
    for symbol in material.atoms:
        for shell, (onset, _) in EDGES.get(symbol, {}).items():
            near = material.near_edges.get((symbol, shell))
            found.append((symbol, shell, near.onset if near else onset))
    return sorted(found, key=lambda one: one[2])


def material_cross_section(
    material: Material,
    energy: NDArray[np.float64],
    beam: Beam,
    perturbation: Perturbation | None = None,
    source: EdgeSource | None = None,
) -> NDArray[np.float64]:
    """Return dσ/dE of a formula unit of a material, in barn/eV: edges with their fine structure.

    Notes
    -----
    0 below 10 eV; valence losses below about 35 eV are not those of free atoms, see `low_loss`.
    """
    at = np.asarray(energy, dtype=np.float64)
    total = np.zeros(at.shape)
    for symbol, count in material.atoms.items():
        total += count * remainder_cross_section(symbol, at, beam)
        for shell in EDGES.get(symbol, {}):
            total += count * edge_in(material, symbol, shell, at, beam, perturbation, source)
    return total


def _moved(near: NearEdge, by: Perturbation | None) -> NearEdge:
    if by is None:
        return near
    peaks = tuple(
        Peak(p.at + by.shift, p.width * by.width, p.height * by.height) for p in near.peaks
    )
    return NearEdge(near.onset + by.shift, near.rise * by.width, peaks)


def _held(
    edge: EdgeSource, symbol: str, shell: str, energy: NDArray[np.float64], beam: Beam
) -> NDArray[np.float64]:
    """The atom's edge without the table's own step: below it, the level just above it."""
    onset = onset_of(symbol, shell)
    return edge(symbol, shell, np.maximum(energy, onset + 1.0), beam)


def _shape(energy: NDArray[np.float64], near: NearEdge, factor: float) -> NDArray[np.float64]:
    """A step at the onset with peaks; `factor` fades out past the conserved range."""
    step = 0.5 * (1.0 + erf((energy - near.onset) / (np.sqrt(2.0) * near.rise)))
    shape = np.ones(energy.shape)
    for peak in near.peaks:
        sigma = peak.width / 2.3548
        shape = shape + peak.height * np.exp(-0.5 * ((energy - peak.at) / sigma) ** 2)
    fade = expit(-(energy - near.onset - CONSERVED) / 5.0)
    return np.asarray(step * shape * (factor * fade + (1.0 - fade)))
