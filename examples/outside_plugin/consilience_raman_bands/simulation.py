"""A simulator: files to try the plugin with, which say that they are simulated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from consilience_raman_bands.probe import MAGIC

__all__ = ["SpectrumParams", "simulate_spectrum"]

Height = Annotated[float, Field(ge=0.0, le=1e6)]


class SpectrumParams(BaseModel):
    """Parameters of `simulate_spectrum`; shifts in 1/cm, heights in counts.

    Parameters
    ----------
    heights : dict
        Label of a phase of the library to the height of its strongest band.
    offset : float
        True less stated shift, the same for all points.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    heights: dict[str, Height] = {"Li2CO3": 400.0}
    first: Annotated[float, Field(ge=10.0, le=4000.0)] = 150.0
    last: Annotated[float, Field(ge=20.0, le=5000.0)] = 2000.0
    step: Annotated[float, Field(gt=0.0, le=50.0)] = 2.0
    width: Annotated[float, Field(gt=0.0, le=100.0)] = 8.0
    background: Height = 200.0
    fluorescence: Height = 300.0
    offset: Annotated[float, Field(ge=-50.0, le=50.0)] = 0.0
    shift_std_sys: Annotated[float, Field(ge=0.0, le=20.0)] = 1.0
    laser_power: Annotated[float, Field(gt=0.0, le=1e4)] = 1.0
    exposure: Annotated[float, Field(gt=0.0, le=1e5)] = 10.0


def simulate_spectrum(params: SpectrumParams, seed: int, folder: Path) -> list[Path]:
    """Write ``simulated.raman``: bands on a background that falls, Poisson noise.

    The bands are Gaussian where the analysis fits Lorentzians, and their heights relative to the
    strongest vary by a quarter: what is found must not hang on the simulator's own model.
    """
    import numpy as np

    from consilience_raman_bands.library import phases

    known = {phase.subject.label: phase for phase in phases()}
    unknown = sorted(set(params.heights) - set(known))
    if unknown:
        raise ValueError(f"there is no phase {unknown[0]!r}; there are {', '.join(known)}")
    rng = np.random.default_rng(seed)
    shift = np.arange(params.first, params.last + 0.5 * params.step, params.step)
    mean = params.background + params.fluorescence * np.exp(-(shift - params.first) / 800.0)
    sigma = params.width / 2.3548
    for label, height in sorted(params.heights.items()):
        for band in known[label].bands:
            share = 1.0 if band.relative == 1.0 else band.relative * rng.uniform(0.75, 1.25)
            place = band.shift - params.offset
            mean += height * share * np.exp(-((shift - place) ** 2) / (2 * sigma**2))
    counts = rng.poisson(mean)
    lines = [
        MAGIC,
        "# origin: simulated",
        f"# seed: {seed}",
        f"# points: {len(shift)}",
        f"# shift_std_sys_per_cm: {params.shift_std_sys}",
        "# laser_wavelength_nm: 532",
        f"# laser_power_mW: {params.laser_power}",
        f"# exposure_s: {params.exposure}",
        "# spot_um: 1.0",
        *(f"{a:.4f} {b}" for a, b in zip(shift.tolist(), counts.tolist(), strict=True)),
    ]
    path = folder / "simulated.raman"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return [path]
