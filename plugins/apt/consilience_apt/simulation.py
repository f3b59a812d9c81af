"""The smallest simulator of a needle: enough to try the reader and the report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from consilience_apt.probe import SIMULATED

__all__ = ["NeedleParams", "Peak", "simulate_needle"]


class Peak(BaseModel):
    """Ions of one mass-to-charge ratio (Da); `cap` of them (0 to 1) lie in the cap."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mass: Annotated[float, Field(gt=0.5, le=400.0)]
    share: Annotated[float, Field(gt=0.0)]
    cap: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1


class NeedleParams(BaseModel):
    """Parameters of `simulate_needle`; lengths in nm.

    A cylinder with the axis along z, its cap at the top (z = 0, depths are negative).
    `noise` is the share of ions with a random mass-to-charge ratio.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ions: Annotated[int, Field(ge=1, le=100_000_000)] = 3000
    radius: Annotated[float, Field(gt=0.0, le=500.0)] = 20.0
    depth: Annotated[float, Field(gt=1.0, le=4000.0)] = 75.0
    cap_depth: Annotated[float, Field(gt=0.0)] = 10.0
    width: Annotated[float, Field(gt=0.0, le=1.0)] = 0.03
    noise: Annotated[float, Field(ge=0.0, le=1.0)] = 0.05
    peaks: tuple[Peak, ...] = (
        Peak(mass=1.008, share=0.05),
        Peak(mass=13.988, share=0.80),
        Peak(mass=57.935, share=0.15, cap=0.95),
    )


def simulate_needle(params: NeedleParams, seed: int, folder: Path) -> list[Path]:
    """Write ``simulated.pos``; its first record is the mark that `read_pos` knows."""
    import numpy as np

    chance = np.random.default_rng(seed)
    shares = np.array([p.share for p in params.peaks])
    kind = chance.choice(len(params.peaks), params.ions, p=shares / shares.sum())
    mass = np.array([p.mass for p in params.peaks])[kind]
    mass = mass + chance.normal(0.0, params.width, params.ions)
    random = chance.random(params.ions) < params.noise
    mass[random] = chance.uniform(0.5, 100.0, int(random.sum()))
    in_cap = chance.random(params.ions) < np.array([p.cap for p in params.peaks])[kind]
    cap = min(params.cap_depth, 0.9 * params.depth)
    low, high = np.where(in_cap, 0.0, cap), np.where(in_cap, cap, params.depth)
    radius = params.radius * np.sqrt(chance.random(params.ions))
    angle = chance.uniform(0.0, 2 * np.pi, params.ions)
    ions = np.stack(
        [radius * np.cos(angle), radius * np.sin(angle), -chance.uniform(low, high), mass], axis=1
    )
    path = folder / "simulated.pos"
    path.write_bytes(SIMULATED + ions.astype(">f4").tobytes())
    return [path]
