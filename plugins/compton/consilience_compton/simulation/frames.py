"""The smallest simulator of frames: enough to try the reader and the report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["FrameParams", "simulate_frames"]


class FrameParams(BaseModel):
    """Parameters of `simulate_frames`; values in adu.

    `rate` is the expected number of hits on a pixel in a frame; hits are Gaussian in
    `energy` with `width`, other pixels hold the absolute value of noise of `noise`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: Annotated[int, Field(ge=1, le=100_000)] = 4
    modules_down: Annotated[int, Field(ge=1, le=6)] = 1
    modules_across: Annotated[int, Field(ge=1, le=6)] = 1
    rate: Annotated[float, Field(ge=0.0, le=10.0)] = 0.02
    energy: Annotated[float, Field(gt=0.0, le=60000.0)] = 3200.0
    width: Annotated[float, Field(ge=0.0, le=5000.0)] = 30.0
    noise: Annotated[float, Field(ge=0.0, le=1000.0)] = 8.0


def simulate_frames(params: FrameParams, seed: int, folder: Path) -> list[Path]:
    """Write ``simulated.h5`` with ``raw_frames`` and the attribute ``origin = simulated``."""
    import h5py
    import numpy as np

    chance = np.random.default_rng(seed)
    shape = (params.frames, 80 * params.modules_down, 80 * params.modules_across)
    values = np.abs(chance.normal(0.0, params.noise, shape))
    hits = chance.poisson(params.rate, shape)
    energies = hits * params.energy + np.sqrt(hits) * chance.normal(0.0, params.width, shape)
    frames = np.clip(np.rint(values + energies), 0, 65535).astype(np.uint16)
    path = folder / "simulated.h5"
    with h5py.File(path, "w") as file:
        file.attrs["origin"] = "simulated"
        file.attrs["seed"] = seed
        file.create_dataset("raw_frames", data=frames, track_times=False)
    return [path]
