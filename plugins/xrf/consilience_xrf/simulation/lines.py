"""The smallest simulator of a spectrum: enough to try the reader and the report."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Line", "LineParams", "simulate_lines"]


class Line(BaseModel):
    """One fluorescence line: energy in keV and its expected counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    energy: Annotated[float, Field(gt=0.0, le=200.0)]
    counts: Annotated[float, Field(ge=0.0, le=1e12)]


class LineParams(BaseModel):
    """Parameters of `simulate_lines`; energies in keV.

    `fano` and `noise` give the width: FWHM² = noise² + 8·ln 2·fano·ε·E with
    ε = 3.66 eV an electron-hole pair in silicon.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: Annotated[int, Field(ge=64, le=65536)] = 1024
    zero: float = -0.02
    gain: Annotated[float, Field(gt=0.0, le=1.0)] = 0.01
    fano: Annotated[float, Field(gt=0.0, le=1.0)] = 0.114
    noise: Annotated[float, Field(ge=0.0, le=5.0)] = 0.08
    background: Annotated[float, Field(ge=0.0, le=1e9)] = 20.0
    lines: tuple[Line, ...] = (
        Line(energy=4.51, counts=4000.0),
        Line(energy=6.40, counts=20000.0),
        Line(energy=7.06, counts=3000.0),
        Line(energy=9.44, counts=6000.0),
    )


def simulate_lines(params: LineParams, seed: int, folder: Path) -> list[Path]:
    """Write ``simulated.mca``: Gaussian lines on a falling background, Poisson noise.

    The file says ``origin: simulated`` and states its calibration with the unit.
    """
    import numpy as np

    channel = np.arange(params.channels)
    energy = params.zero + params.gain * channel
    expected = params.background * np.exp(-np.clip(energy, 0.0, None) / 8.0)
    for line in params.lines:
        variance = params.noise**2 / (8 * math.log(2)) + params.fano * 0.00366 * line.energy
        shape = np.exp(-((energy - line.energy) ** 2) / (2 * variance))
        expected += line.counts * params.gain / math.sqrt(2 * math.pi * variance) * shape
    counts = np.random.default_rng(seed).poisson(expected)
    head = [
        "# origin: simulated",
        f"# seed: {seed}",
        "# energy unit: keV",
        f"#@CALIB {params.zero!r} {params.gain!r} 0.0",
    ]
    path = folder / "simulated.mca"
    path.write_text("\n".join([*head, *map(str, counts.tolist())]) + "\n", encoding="ascii")
    return [path]
