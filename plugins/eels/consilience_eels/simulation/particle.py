"""A simulated EDX spectrum image of two metals, and the picture of the particle that they form."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["LINES", "EdxParams", "simulate_edx"]

LINES: dict[str, tuple[tuple[float, float], ...]] = {
    "Fe_Ka": ((6.4039, 1.0), (7.0579, 0.13)),
    "Pt_La": ((9.4421, 1.0), (11.0707, 0.6), (2.0505, 3.0), (8.268, 0.05)),
}
"""Line to energies (keV) and intensities of its element, relative to that line."""


class EdxParams(BaseModel):
    """Parameters of `simulate_edx`.

    `iron` and `platinum` are mean net counts of Fe Kα and Pt Lα in the whole map, `background`
    those under the whole spectrum; `step` in nm; `resolution` at Mn Kα in eV.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pixels: Annotated[int, Field(ge=2, le=256)] = 4
    channels: Annotated[int, Field(ge=600, le=4096)] = 640
    step: Annotated[float, Field(gt=0.0, le=1e4)] = 2.0
    iron: Annotated[float, Field(ge=0.0, le=1e8)] = 3000.0
    platinum: Annotated[float, Field(ge=0.0, le=1e8)] = 15000.0
    background: Annotated[float, Field(ge=0.0, le=1e8)] = 20000.0
    resolution: Annotated[float, Field(gt=0.0, le=1000.0)] = 130.0
    current: Annotated[float, Field(gt=0.0, le=1000.0)] = 0.1
    dwell: Annotated[float, Field(gt=0.0, le=1e4)] = 0.5


def simulate_edx(params: EdxParams, seed: int, folder: Path) -> list[Path]:
    """Write ``simulated_edx.hspy`` (map) and ``simulated_image.hspy`` (dark field).

    The notes of both say ``origin: simulated``.
    """
    import numpy as np

    from consilience_eels.library import write_hspy

    random = np.random.default_rng(seed)
    scale = 0.02
    energy = 0.1 + scale * np.arange(params.channels)
    expected = np.exp(-energy / 4.0) * (1.0 - np.exp(-energy / 0.4))
    expected *= params.background / expected.sum()
    for line, counts in (("Fe_Ka", params.iron), ("Pt_La", params.platinum)):
        for at, ratio in LINES[line]:
            expected += counts * ratio * _line(energy, at, params.resolution)
    size = params.pixels
    y, x = np.mgrid[:size, :size] - 0.5 * (size - 1)
    particle = 0.2 + 1.0 * (x**2 + y**2 < (0.4 * size) ** 2)
    share = particle / particle.sum()
    cube = random.poisson(share[:, :, None] * expected).astype(np.uint32)
    image = random.normal(2000.0 * particle, 40.0).astype(np.float32)
    space: list[dict[str, Any]] = [
        {"name": name, "units": "nm", "offset": 0.0, "scale": params.step, "size": size}
        for name in ("y", "x")
    ]
    axis = {
        "name": "Energy",
        "units": "keV",
        "offset": 0.1,
        "scale": scale,
        "size": params.channels,
        "navigate": False,
        "is_binned": True,
    }
    edx, dark = folder / "simulated_edx.hspy", folder / "simulated_image.hspy"
    detector = {
        "EDS": {"energy_resolution_MnKa": params.resolution, "elevation_angle": 20.0},
    }
    column = {"beam_energy": 200.0, "beam_current": params.current}
    write_hspy(
        edx,
        cube,
        [*({**one, "navigate": True} for one in space), axis],
        {
            **_said("simulated FePt particle", seed, "EDS_TEM"),
            "Acquisition_instrument": {
                "TEM": {
                    **column,
                    "Detector": {**detector, "EELS": {"dwell_time": params.dwell}},
                }
            },
            "Sample": {"elements": ["Fe", "Pt"]},
        },
    )
    write_hspy(
        dark,
        image,
        [{**one, "navigate": False} for one in space],
        {
            **_said("simulated dark field", seed, ""),
            "Acquisition_instrument": {"TEM": column},
        },
    )
    return [edx, dark]


def _said(title: str, seed: int, kind: str) -> dict[str, Any]:
    return {
        "General": {"title": title, "notes": f"origin: simulated, seed {seed}"},
        "Signal": {"signal_type": kind},
    }


def _line(energy: Any, at: float, resolution: float) -> Any:
    """A line of one count; its width is that of the detector's noise and of counting pairs."""
    import numpy as np

    fwhm = 1e-3 * np.sqrt(resolution**2 + 2.5e3 * (at - 5.8987))
    sigma = fwhm / 2.3548
    step = energy[1] - energy[0]
    return step / (sigma * np.sqrt(2 * np.pi)) * np.exp(-((energy - at) ** 2) / (2 * sigma**2))
