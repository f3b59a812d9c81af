"""Small simulated files in which analyses have something to say, beside those of simulators."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rsciio.blockfile import file_writer
from scipy import ndimage

from consilience_eels.diffraction.patterns import wavelength
from consilience_eels.library import write_hspy
from consilience_eels.simulation.lattice import LatticeParams, lattice_pattern

__all__ = ["write_frames", "write_pair", "write_patterns"]


def _axes(
    shape: tuple[int, ...], energy: tuple[float, float] | None, *, image: bool
) -> list[dict[str, Any]]:
    names = ["t", "y", "x"][-(len(shape) - (energy is not None)) :]
    made = [
        {
            "name": name,
            "size": size,
            "navigate": not image or name == "t",
            "offset": 0.0,
            "scale": 0.5,
            "units": "s" if name == "t" else "nm",
        }
        for name, size in zip(names, shape, strict=False)
    ]
    if energy is not None:
        made.append(
            {
                "name": "Energy loss",
                "size": shape[-1],
                "navigate": False,
                "offset": energy[0],
                "scale": energy[1],
                "units": "eV",
                "is_binned": True,
            }
        )
    return made


def _write(
    path: Path, values: NDArray[Any], title: str, energy: tuple[float, float] | None = None
) -> Path:
    metadata = {
        "General": {"title": title, "notes": "origin: simulated"},
        "Signal": {
            "signal_type": "" if energy is None else "EELS",
            "quantity": "Electrons (Counts)",
        },
    }
    axes = _axes(values.shape, energy, image=energy is None)
    write_hspy(path, values.astype(np.float32), axes, metadata)
    return path


def write_frames(folder: Path, seed: int = 1) -> tuple[Path, Path]:
    """Write a drifting series of images, and one of spectrum images."""
    random = np.random.default_rng(seed)
    base = ndimage.gaussian_filter(random.normal(size=(50, 50)), 2.0)
    base = 100.0 * (base - base.min()) / np.ptp(base) + 20.0
    shifts = [(0.0, 0.0), (0.7, -0.4), (1.5, -0.9), (2.1, -1.6)]
    frames = np.stack([ndimage.shift(base, s, order=3, mode="nearest") for s in shifts])
    frames = np.clip(frames[:, 9:-9, 9:-9], 0.0, None)
    energy = -10.0 + 0.5 * np.arange(64)
    spectrum = np.exp(-0.5 * (energy / 0.8) ** 2) + 0.1 * np.exp(-0.5 * ((energy - 14) / 3) ** 2)
    cube = random.poisson(8.0 * frames[..., None] * spectrum / spectrum.max())
    return (
        _write(folder / "frames.hspy", random.poisson(frames), "frames"),
        _write(folder / "frames_spectra.hspy", cube, "frames of spectra", (-10.0, 0.5)),
    )


def write_pair(folder: Path, seed: int = 2) -> tuple[Path, Path]:
    """Write a low loss and a core loss of one line of three pixels; they overlap."""
    random = np.random.default_rng(seed)
    energy = -20.0 + 0.5 * np.arange(500)
    low = 1e6 * np.exp(-0.5 * (energy / 0.8) ** 2) / 4.0
    low += 4e4 * np.exp(-0.5 * ((energy - 20.0) / 3.0) ** 2)
    low += 2e7 * np.clip(energy, 30.0, None) ** -2.0
    higher = 150.0 + 0.5 * np.arange(600)
    core = 2e8 * higher**-2.0 * np.where(higher > 284.0, 1.5, 1.0)
    return (
        _write(folder / "pair_low.hspy", random.poisson(low, (3, 500)), "pair low", (-20.0, 0.5)),
        _write(
            folder / "pair_core.hspy", random.poisson(core, (3, 600)), "pair core", (150.0, 0.5)
        ),
    )


def write_patterns(folder: Path, rows: int = 2, seed: int = 3) -> Path:
    """Write a block file of patterns of lithium fluoride, two to a row, 0.2 m from the specimen."""
    params = LatticeParams(pixels=128, k_step=0.2, grains=0, off_centre=(0.0, 0.0))
    random = np.random.default_rng(seed)
    cube = np.stack([[lattice_pattern(params, random) for _ in range(2)] for _ in range(rows)])
    bytes_ = np.clip(cube, 0, 255).astype(np.uint8)
    length = 0.2
    pixel = 1e2 * params.k_step * length * wavelength(params.beam_energy)
    axes = [
        {"name": name, "size": size, "scale": scale, "offset": 0.0, "units": unit, "navigate": nav}
        for name, size, scale, unit, nav in (
            ("y", rows, 4.0, "nm", True),
            ("x", 2, 4.0, "nm", True),
            ("dy", params.pixels, pixel, "cm", False),
            ("dx", params.pixels, pixel, "cm", False),
        )
    ]
    header = {
        "Beam_energy": 1e3 * params.beam_energy,
        "Camera_length": 1e4 * length,
        "Note": "origin: simulated",
    }
    path = folder / "simulated_patterns.blo"
    file_writer(
        str(path),
        {
            "data": bytes_,
            "axes": axes,
            "metadata": {},
            "original_metadata": {"blockfile_header": header},
            "attributes": {"_lazy": False},
        },
    )
    return path
