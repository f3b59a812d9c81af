"""Simulated lattices: an image of grains, a powder pattern of a nanobeam, and a series of doses."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from consilience_eels.diffraction.lattices import lattice_of, lines_of_lattice

__all__ = ["LatticeParams", "lattice_image", "lattice_pattern", "simulate_lattice"]


class LatticeParams(BaseModel):
    """Parameters of `simulate_lattice`.

    Parameters
    ----------
    formula : str
        A cubic phase of `diffraction.lattices`.
    what : {"image", "pattern", "both"}
    pixels : int
        Along each side of the image and of the pattern.
    step : float
        nm from pixel to pixel of the image.
    k_step : float
        1/nm for each pixel of the pattern.
    grains : int
        Of the image; for a pattern, grains for each ring; 0 makes even rings.
    scan : (int, int)
        Positions of the beam along y and x; their patterns are of different grains.
    smallest : float
        Å, of the lines that are drawn.
    electrons : float
        In each pattern, or mean in each pixel of the image.
    beam : float
        Radius of the disks, 1/nm.
    stretch : float
        Relative difference of the scales along the diagonals: an ellipse.
    off_centre : (float, float)
        Pixels by which the direct beam is off the middle, along rows and columns.
    strain : float
        All spacings are 1 + strain times those of the cell.
    doses : tuple of float
        e/Å²; one file of each kind for each of them, with all spacings longer by `swelling`.
    swelling : float
        Relative change of spacings for each e/Å².
    beam_energy : float
        keV.
    noise, truth : bool
        As for the interphase.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    formula: str = "LiF"
    what: Literal["image", "pattern", "both"] = "both"
    pixels: Annotated[int, Field(ge=64, le=2048)] = 256
    step: Annotated[float, Field(gt=0.0, le=1.0)] = 0.04
    k_step: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    grains: Annotated[int, Field(ge=0, le=1000)] = 30
    scan: tuple[Annotated[int, Field(ge=1, le=64)], Annotated[int, Field(ge=1, le=64)]] = (2, 3)
    smallest: Annotated[float, Field(gt=0.3, le=5.0)] = 1.1
    electrons: Annotated[float, Field(gt=0.0, le=1e9)] = 2e5
    beam: Annotated[float, Field(gt=0.0, le=5.0)] = 0.15
    stretch: Annotated[float, Field(ge=-0.2, le=0.2)] = 0.0
    off_centre: tuple[float, float] = (3.3, -2.7)
    strain: Annotated[float, Field(ge=-0.1, le=0.1)] = 0.0
    doses: tuple[Annotated[float, Field(ge=0.0, le=1e7)], ...] = ()
    swelling: Annotated[float, Field(ge=-1e-2, le=1e-2)] = 0.0
    beam_energy: Annotated[float, Field(gt=1.0, le=1000.0)] = 200.0
    noise: bool = True
    truth: bool = False


def lattice_image(params: LatticeParams, random: np.random.Generator) -> NDArray[np.float32]:
    """Return an image of grains with the lines of one lattice, shape (pixels, pixels).

    Notes
    -----
    Each grain shows one family of planes at one angle, as a wave of half the mean's height; the
    finest lines that four pixels hold are left out.
    """
    lines = [
        line
        for line in lines_of_lattice(lattice_of(params.formula), params.smallest)
        if line.d * 0.1 > 2.5 * params.step
    ]
    size = params.pixels
    y, x = params.step * np.mgrid[:size, :size]
    count = max(params.grains, 1)
    seeds = random.uniform(0.0, size * params.step, (count, 2))
    nearest = np.argmin(
        (y[..., None] - seeds[:, 0]) ** 2 + (x[..., None] - seeds[:, 1]) ** 2, axis=-1
    )
    image = np.full((size, size), 1.0)
    for grain in range(count):
        if not lines:
            break
        line = lines[grain % min(len(lines), 3)]
        k = 10.0 / (line.d * (1.0 + params.strain))
        angle, phase = random.uniform(0.0, math.pi), random.uniform(0.0, 2.0 * math.pi)
        wave = np.cos(2.0 * math.pi * k * (x * math.cos(angle) + y * math.sin(angle)) + phase)
        image = np.where(nearest == grain, 1.0 + 0.5 * wave, image)
    mean = params.electrons / 1e4 * image
    return np.asarray(random.poisson(mean) if params.noise else mean, dtype=np.float32)


def lattice_pattern(params: LatticeParams, random: np.random.Generator) -> NDArray[np.float32]:
    """Return one pattern: direct beam, diffuse background, and rings of one lattice."""
    size = params.pixels
    middle = 0.5 * (size - 1)
    rows, columns = np.mgrid[:size, :size].astype(np.float64)
    y = (rows - middle - params.off_centre[0]) * params.k_step
    x = (columns - middle - params.off_centre[1]) * params.k_step
    u, v = (x + y) / math.sqrt(2.0), (x - y) / math.sqrt(2.0)
    k = np.hypot(u * (1.0 + 0.5 * params.stretch), v * (1.0 - 0.5 * params.stretch))
    angle = np.arctan2(y, x)
    shape = 40.0 * np.exp(-0.5 * (k / (0.6 * params.beam)) ** 2)
    shape += 0.25 / (1.0 + (k / 2.0) ** 2) ** 1.5
    for line in lines_of_lattice(lattice_of(params.formula), params.smallest):
        at = 10.0 / (line.d * (1.0 + params.strain))
        ring = np.exp(-0.5 * ((k - at) / (0.6 * params.beam)) ** 2)
        strength = 0.6 * (2.0 / (1.0 + (at / 5.0) ** 2))
        if params.grains:
            turn = np.linspace(-math.pi, math.pi, 7201)
            around = np.zeros(turn.size)
            width = 0.6 * params.beam / at
            for place in random.uniform(-math.pi, math.pi, params.grains):
                for one in (place, place - math.pi):
                    away = np.abs((turn - one + math.pi) % (2.0 * math.pi) - math.pi)
                    around += np.exp(-0.5 * (away / width) ** 2)
            around = np.interp(angle, turn, around)
            ring = ring * around
        shape += strength * ring
    mean = params.electrons * shape / shape.sum()
    return np.asarray(random.poisson(mean) if params.noise else mean, dtype=np.float32)


def simulate_lattice(params: LatticeParams, seed: int, folder: Path) -> list[Path]:
    """Write ``simulated_lattice_image.hspy`` and ``simulated_lattice_pattern.hspy``.

    With doses there is one file for each, ``…_0.hspy`` and so on.  The notes of each say
    ``origin: simulated``; with ``params.truth`` what was planted is in
    ``simulated_lattice-truth.json``, which is not in the returned list.
    """
    paths: list[Path] = []
    doses: tuple[float | None, ...] = params.doses or (None,)
    for index, dose in enumerate(doses):
        strain = params.strain + (dose or 0.0) * params.swelling
        one = params.model_copy(update={"strain": strain})
        suffix = "" if dose is None else f"_{index}"
        random = np.random.default_rng([seed, index])
        said = f"origin: simulated, seed {seed}" + ("" if dose is None else f", {dose:g} e/Å²")
        if params.what in ("image", "both"):
            axes = [_axis(n, "nm", 0.0, params.step, params.pixels) for n in ("y", "x")]
            path = folder / f"simulated_lattice_image{suffix}.hspy"
            _write(path, lattice_image(one, random), axes, "simulated lattice image", said, params)
            paths.append(path)
        if params.what in ("pattern", "both"):
            ny, nx = params.scan
            cube = np.array(
                [[lattice_pattern(one, random) for _ in range(nx)] for _ in range(ny)],
                dtype=np.float32,
            )
            low = -0.5 * (params.pixels - 1) * params.k_step
            axes = [
                *(_axis(n, "nm", 0.0, 4.2, s) for n, s in (("y", ny), ("x", nx))),
                *(_axis(n, "1/nm", low, params.k_step, params.pixels) for n in ("ky", "kx")),
            ]
            path = folder / f"simulated_lattice_pattern{suffix}.hspy"
            _write(path, cube, axes, "simulated nanobeam patterns", said, params)
            paths.append(path)
    if params.truth:
        cell = lattice_of(params.formula)
        lines = [
            {"hkl": list(line.hkl), "d": line.d * (1.0 + params.strain)}
            for line in lines_of_lattice(cell, params.smallest)
        ]
        truth = {
            "origin": "simulated",
            "seed": seed,
            "parameters": json.loads(params.model_dump_json()),
            "lines": lines,
        }
        text = json.dumps(truth, indent=1, sort_keys=True) + "\n"
        (folder / "simulated_lattice-truth.json").write_text(text, encoding="utf-8")
    return paths


def _axis(name: str, unit: str, offset: float, step: float, size: int) -> dict[str, Any]:
    return {"name": name, "units": unit, "offset": offset, "scale": step, "size": size}


def _write(
    path: Path,
    values: NDArray[np.float32],
    axes: list[dict[str, Any]],
    title: str,
    said: str,
    params: LatticeParams,
) -> None:
    from consilience_eels.library import write_hspy

    signal = len(axes) - 2
    write_hspy(
        path,
        values,
        [{**axis, "navigate": i < signal} for i, axis in enumerate(axes)],
        {
            "General": {"title": title, "notes": said},
            "Signal": {"signal_type": ""},
            "Acquisition_instrument": {"TEM": {"beam_energy": params.beam_energy}},
        },
    )
