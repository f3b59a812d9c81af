"""Expected X-rays of each pixel: lines of the lamella, its continuum, what comes from elsewhere."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience_eels.library import lines_of
from consilience_eels.physics.xray import (
    Detector,
    emission_cross_section,
    mass_absorption,
    shells_of,
)
from consilience_eels.simulation.interphase_params import InterphaseParams
from consilience_eels.simulation.interphase_scene import Scene

__all__ = ["Lines", "expected_edx_rows", "families", "line_counts"]

BARN_NM2 = 1e-10


@dataclass(frozen=True)
class Lines:
    """Lines of one shell: names as exSpy has them, energies in keV, shares that sum to 1."""

    symbol: str
    shell: str
    names: tuple[str, ...]
    energies: tuple[float, ...]
    shares: tuple[float, ...]


def families(symbol: str, beam_energy: float) -> list[Lines]:
    """Return the families of lines of an element that a beam (keV) excites."""
    found = []
    known = lines_of(symbol)
    for shell in shells_of(symbol):
        own = {n: v for n, v in known.items() if n.split("_")[1].startswith(shell) and v[1] > 0}
        total = sum(weight for _, weight in own.values())
        if not own or max(energy for energy, _ in own.values()) >= beam_energy:
            continue
        found.append(
            Lines(
                symbol,
                shell,
                tuple(own),
                tuple(energy for energy, _ in own.values()),
                tuple(weight / total for _, weight in own.values()),
            )
        )
    return found


def line_counts(
    scene: Scene, params: InterphaseParams, detector: Detector
) -> dict[str, NDArray[np.float64]]:
    """Return line to expected net counts of each pixel, shape (ny, nx), artefacts included."""
    atoms = scene.atoms()
    shape = scene.thickness.shape
    electrons = params.electrons * params.edx_live_share
    aperture = params.edx_solid_angle / (4.0 * math.pi)
    found: dict[str, NDArray[np.float64]] = {}
    for symbol in sorted({*atoms, *params.stray}):
        column = atoms.get(symbol, np.zeros(shape))
        groups = families(symbol, params.beam_energy)
        strongest = max(groups, key=lambda g: g.energies[0], default=None)
        for group in groups:
            sigma = emission_cross_section(symbol, group.shell, params.beam_energy) * BARN_NM2
            energies = np.array(group.energies)
            seen = detector.efficiency(energies)
            stray = params.stray.get(symbol, 0.0) if group is strongest else 0.0
            for i, name in enumerate(group.names):
                leaves = _leaves(atoms, energies[i], params) if params.absorption else 1.0
                counts = electrons * aperture * sigma * group.shares[i] * seen[i] * column * leaves
                main = max(group.shares)
                found[name] = counts + stray * group.shares[i] / main
    return found


def expected_edx_rows(
    scene: Scene, params: InterphaseParams, detector: Detector
) -> Iterator[NDArray[np.float64]]:
    """Yield the expected counts of each row of pixels, shape (nx, channels)."""
    energy = params.edx_dispersion * np.arange(params.edx_channels, dtype=np.float64)
    counts = line_counts(scene, params, detector)
    known = {n: v[0] for symbol in {n.split("_")[0] for n in counts} for n, v in _of(symbol)}
    names = list(counts)
    shapes = np.array([_line(energy, known[name], params) for name in names])
    continuum = _continuum(energy, params, detector)
    weight = _mean_z2(scene)
    for row in range(scene.nm.shape[0]):
        lines = np.stack([counts[name][row] for name in names], axis=1)
        yield lines @ shapes + weight[row][:, None] * continuum


def _of(symbol: str) -> list[tuple[str, tuple[float, float]]]:
    return list(lines_of(symbol).items())


def _leaves(
    atoms: dict[str, NDArray[np.float64]], energy: float, params: InterphaseParams
) -> NDArray[np.float64]:
    """Share of X-rays that leave the lamella: (1 − e^−χ)/χ, made evenly through the depth."""
    import periodictable

    chi = np.zeros(next(iter(atoms.values())).shape)
    for symbol, column in atoms.items():
        mass = float(getattr(periodictable, symbol).mass)
        density = column * mass / 6.02214076e23 * 1e14  # g/cm²
        chi = chi + density * float(mass_absorption(symbol, np.array([energy]))[0])
    chi = chi / math.sin(math.radians(params.take_off))
    return np.where(chi > 1e-9, -np.expm1(-chi) / np.where(chi > 1e-9, chi, 1.0), 1.0)


def _mean_z2(scene: Scene) -> NDArray[np.float64]:
    """Σ atoms × Z², per nm²: what the continuum is proportional to."""
    import periodictable

    shape = scene.thickness.shape
    total = np.zeros(shape)
    for symbol, column in scene.atoms().items():
        total = total + column * float(getattr(periodictable, symbol).number) ** 2
    return total


def _continuum(
    energy: NDArray[np.float64], params: InterphaseParams, detector: Detector
) -> NDArray[np.float64]:
    """Counts per channel for each Σ Z²: Kramers' law, scaled on silicon."""
    safe = np.clip(energy, 0.05, None)
    shape = np.clip(params.beam_energy - safe, 0.0, None) / safe * detector.efficiency(safe)
    shape = np.where(energy > 0.1, shape, 0.0)
    sigma = emission_cross_section("Si", "K", params.beam_energy) * BARN_NM2
    electrons = params.electrons * params.edx_live_share
    lines = electrons * params.edx_solid_angle / (4.0 * math.pi) * sigma
    scale = lines / params.edx_peak_to_background / 14.0**2
    return np.asarray(scale * shape / shape.sum())


def _line(energy: NDArray[np.float64], at: float, params: InterphaseParams) -> NDArray[np.float64]:
    """A line of one count: noise, and 2.5 eV for each eV over Mn Kα, as exSpy has it."""
    fwhm = 1e-3 * math.sqrt(max(params.edx_resolution**2 + 2.5e3 * (at - 5.8987), 900.0))
    sigma = fwhm / 2.3548
    step = params.edx_dispersion
    scale = step / (sigma * math.sqrt(2.0 * math.pi))
    line = scale * np.exp(-0.5 * ((energy - at) / sigma) ** 2)
    if params.model == "second":
        tail = np.where(energy < at, np.exp((energy - at) / 0.4), 0.0)
        line = 0.97 * line + 0.03 * tail / max(float(tail.sum()), 1e-300)
    return np.asarray(line)
