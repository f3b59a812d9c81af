"""A simulated interphase in cross-section: EELS, EDX and dark field of one lamella.

``model="first"`` has edges from optical tables and Poisson's noise; ``"second"`` is another
forward model, for tests that must not share theirs with the fitter: hydrogenic edges, another
background, fine structure that is moved, a zero loss that wanders and has a tail, and noise with
more variance than counts.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience_eels.physics.near_edge import Perturbation
from consilience_eels.physics.xray import Detector
from consilience_eels.simulation.interphase_edx import expected_edx_rows, line_counts
from consilience_eels.simulation.interphase_eels import EnergyGrid, Spread, expected_rows
from consilience_eels.simulation.interphase_files import write_interphase
from consilience_eels.simulation.interphase_params import InterphaseParams, Layer
from consilience_eels.simulation.interphase_scene import Scene, beam_of, build_scene

__all__ = [
    "Interphase",
    "InterphaseParams",
    "Layer",
    "make_interphase",
    "simulate_interphase",
    "truth_of",
]

DETECTOR = Detector()
FANO = 1.3
"""Variance over mean in electrons, of the second model's spectrometer."""

PATTERN = 0.003
"""Relative standard deviation of the second model's channels, the same in all pixels."""

STRAY = 2e-7
"""Share of the beam that the second model scatters into each eV, falling slowly."""


@dataclass(frozen=True)
class Interphase:
    """What was simulated.

    Attributes
    ----------
    params : InterphaseParams
    scene : Scene
        What was planted.
    low, core : ndarray of float32, shape (ny, nx, channels)
        Counts of the spectrometer.
    edx : ndarray of float32, shape (ny, nx, channels)
        X-rays.
    image : ndarray of float32, shape (ny, nx)
        Dark field.
    frames : ndarray of float32, shape (image_frames, ny, nx)
        Its frames, with drift.
    low_energy, core_energy : ndarray
        eV at the centres of the channels.
    edx_energy : ndarray
        keV.
    """

    params: InterphaseParams
    scene: Scene
    low: NDArray[np.float32]
    core: NDArray[np.float32]
    edx: NDArray[np.float32]
    image: NDArray[np.float32]
    frames: NDArray[np.float32]
    low_energy: NDArray[np.float64]
    core_energy: NDArray[np.float64]
    edx_energy: NDArray[np.float64]


def make_interphase(params: InterphaseParams, seed: int) -> Interphase:
    """Return the arrays of a simulated interphase; the same seed gives the same noise."""
    scene = build_scene(params, seed)
    random = np.random.default_rng([seed, 2])
    low_grid = EnergyGrid(params.low_offset, params.low_dispersion, params.low_channels)
    core_grid = EnergyGrid(params.core_offset, params.core_dispersion, params.core_channels)
    moves = _wander(params, random)
    perturbation = _perturbation(params, random)
    low = _eels(params, scene, low_grid, random, moves, perturbation)
    core = _eels(params, scene, core_grid, random, moves, perturbation)
    image, frames = _dark_field(params, seed, scene, random)
    return Interphase(
        params,
        scene,
        low,
        core,
        _edx(params, scene, random),
        image,
        frames,
        low_grid.energy,
        core_grid.energy,
        params.edx_dispersion * np.arange(params.edx_channels, dtype=np.float64),
    )


def simulate_interphase(params: InterphaseParams, seed: int, folder: Path) -> list[Path]:
    """Write ``simulated_interphase_*.hspy``: low and core loss, X-rays, dark field.

    The notes of each say ``origin: simulated``.  With ``params.truth`` what was planted is
    written to ``simulated_interphase-truth.json``, which is not in the returned list.
    """
    made = make_interphase(params, seed)
    if params.truth:
        text = json.dumps(truth_of(made, seed), indent=1, sort_keys=True)
        (folder / "simulated_interphase-truth.json").write_text(text + "\n", encoding="utf-8")
    return write_interphase(
        folder,
        params,
        seed,
        low=made.low,
        core=made.core,
        edx=made.edx,
        image=made.image,
        frames=made.frames,
        elements=sorted(set(made.scene.atoms()) | set(params.stray)),
    )


def truth_of(made: Interphase, seed: int) -> dict[str, Any]:
    """Return what was planted, in plain values.

    Notes
    -----
    ``layers`` has, for each layer, which columns lie wholly in it (more than 2 roughnesses and
    a pixel from its interfaces), its materials in nm of the first row and atoms in nm⁻².
    """
    params, scene = made.params, made.scene
    atoms = scene.atoms()
    ratio = scene.t_over_lambda(beam_of(params))
    counts = line_counts(scene, params, DETECTOR) if params.edx_channels else {}
    layers = []
    for index, layer in enumerate(params.layers):
        columns = _inside(params, scene, index)
        here = np.array(columns, dtype=np.int64)
        entry: dict[str, Any] = {"name": layer.name, "columns": columns}
        if columns:
            nm = scene.nm[:, here].mean(axis=(0, 1))
            entry["materials_nm"] = dict(zip(scene.materials, nm.tolist(), strict=True))
            entry["atoms_per_nm2"] = {s: float(a[:, here].mean()) for s, a in atoms.items()}
            entry["t_over_lambda"] = float(ratio[:, here].mean())
            entry["edx_counts_per_pixel"] = {n: float(c[:, here].mean()) for n, c in counts.items()}
        layers.append(entry)
    return {
        "origin": "simulated",
        "seed": seed,
        "parameters": json.loads(params.model_dump_json()),
        "electrons_per_pixel": params.electrons,
        "dose_per_square_angstrom": params.dose,
        "boundaries_nm": list(scene.boundaries),
        "layers": layers,
        "thickness_nm": scene.thickness.tolist(),
        "t_over_lambda": ratio.tolist(),
        "layer_of_pixel": scene.layer.tolist(),
        "frame_shifts_nm": scene.shifts.tolist(),
    }


def _inside(params: InterphaseParams, scene: Scene, index: int) -> list[int]:
    x = params.step * np.arange(params.pixels[1])
    ends = [-np.inf, *scene.boundaries, np.inf]
    margin = 2.0 * params.roughness + params.step
    good = (x > ends[index] + margin) & (x < ends[index + 1] - margin)
    return [int(i) for i in np.flatnonzero(good)]


def _wander(params: InterphaseParams, random: np.random.Generator) -> NDArray[np.float64] | None:
    if params.model == "first":
        return None
    ny, nx = params.pixels
    steps = random.normal(0.0, 0.03, ny * nx)
    return np.asarray(0.2 + np.cumsum(steps) - steps.sum() / 2.0).reshape(ny, nx)


def _perturbation(params: InterphaseParams, random: np.random.Generator) -> Perturbation | None:
    if params.model == "first":
        return None
    shift, width, height = random.normal(0.0, [0.2, 0.1, 0.15])
    return Perturbation(float(shift), float(np.exp(width)), float(np.exp(height)))


def _eels(
    params: InterphaseParams,
    scene: Scene,
    grid: EnergyGrid,
    random: np.random.Generator,
    moves: NDArray[np.float64] | None,
    perturbation: Perturbation | None,
) -> NDArray[np.float32]:
    ny, nx = params.pixels
    cube = np.empty((ny, nx, grid.channels), dtype=np.float32)
    if grid.channels == 0:
        return cube
    second = params.model == "second"
    spread = Spread(params.resolution, 0.05, 0.8) if second else Spread(params.resolution)
    source = _hydrogenic if second else None
    rows = expected_rows(
        scene,
        beam_of(params),
        grid,
        params.electrons,
        spread,
        shifts=moves,
        perturbation=perturbation,
        source=source,
    )
    pattern = np.ones(grid.channels)
    stray = np.zeros(grid.channels)
    if second:
        pattern = np.exp(random.normal(0.0, PATTERN, grid.channels))
        e = np.clip(grid.energy, 1.0, None)
        stray = params.electrons * STRAY * grid.step * (1.0 + e / 50.0) ** -0.7
        stray = np.where(grid.energy > 1.0, stray, 0.0)
    for row, expected in enumerate(rows):
        mean = (expected + stray) * pattern
        cube[row] = params.counts_per_electron * _detected(mean, random, params)
        if params.noise and params.readout:
            width = params.readout * np.sqrt(params.frames)
            cube[row] += random.normal(0.0, width, mean.shape)
    return cube


def _detected(
    mean: NDArray[np.float64], random: np.random.Generator, params: InterphaseParams
) -> NDArray[np.float64]:
    if not params.noise:
        return mean
    if params.model == "second":
        extra = FANO - 1.0  # a gamma of variance `extra` × mean makes the sum's FANO × mean
        mean = random.gamma(np.clip(mean, 1e-12, None) / extra, extra)
    return np.asarray(random.poisson(mean), dtype=np.float64)


def _hydrogenic(symbol: str, shell: str, energy: Any, beam: Any) -> Any:
    from consilience_eels.physics.cross_sections import edge_cross_section
    from consilience_eels.simulation.hydrogenic import hydrogenic_edge

    if shell != "K" or symbol in ("H", "He"):
        return edge_cross_section(symbol, shell, energy, beam)
    return hydrogenic_edge(symbol, energy, beam)


def _edx(
    params: InterphaseParams, scene: Scene, random: np.random.Generator
) -> NDArray[np.float32]:
    ny, nx = params.pixels
    cube = np.empty((ny, nx, params.edx_channels), dtype=np.float32)
    if params.edx_channels:
        for row, expected in enumerate(expected_edx_rows(scene, params, DETECTOR)):
            cube[row] = random.poisson(expected) if params.noise else expected
    return cube


def _dark_field(
    params: InterphaseParams, seed: int, scene: Scene, random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Counts go as Σ atoms Z^1.7; grains of the film give each frame something to hold on to."""
    import periodictable

    def bright(one: Scene) -> NDArray[np.float64]:
        weights = [
            column * float(getattr(periodictable, symbol).number) ** 1.7
            for symbol, column in one.atoms().items()
        ]
        return np.asarray(sum(weights, np.zeros(one.thickness.shape)))

    ny, nx = params.pixels
    image = bright(scene)
    scale = 2000.0 / float(image.max())
    grains = np.random.default_rng([seed, 3])
    waves = [(*grains.normal(0.0, 0.35 / params.step, 2), grains.uniform(0, 6.28)) for _ in "12345"]

    def texture(dy: float, dx: float) -> NDArray[np.float64]:
        y = params.step * np.arange(ny)[:, None] + dy
        x = params.step * np.arange(nx)[None, :] + dx
        total = sum((np.sin(a * y + b * x + c) for a, b, c in waves), np.zeros((ny, nx)))
        return np.asarray(1.0 + 0.05 * total)

    def seen(mean: NDArray[np.float64]) -> NDArray[np.float32]:
        values = random.poisson(mean) if params.noise else mean
        return np.asarray(values, dtype=np.float32)

    still = params.model_copy(update={"corrected": True, "drift": 0.0, "image_frames": 0})
    frames = np.empty((params.image_frames, ny, nx), dtype=np.float32)
    for index in range(params.image_frames):
        dy, dx = scene.shifts[index]
        moved = bright(build_scene(still, seed, float(dx)))
        frames[index] = seen(scale / 10.0 * moved * texture(float(dy), float(dx)))
    return seen(scale * image * texture(0.0, 0.0)), frames
