"""Spectra made from free-atom profiles, for tests of the momentum analysis."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from consilience.progress import no_progress
from consilience_compton.model.profiles import broadened
from consilience_compton.momentum.kinematics import Geometry, momentum, momentum_slope
from consilience_compton.momentum.response import kinematic_factor
from consilience_compton.spectra import spectra_dataset

NMC = "LiNi0.6Mn0.2Co0.2O2"


def expected(
    geometry: Geometry,
    energy_edges: np.ndarray,
    composition: str = NMC,
    total: float = 1e6,
    background: float = 0.0,
    fwhm: float = 0.8,
) -> np.ndarray:
    """Mean counts (rows, columns, n): `total` Compton photons a pixel, `background` a keV."""
    grid = np.linspace(-60.0, 60.0, 9601)
    slope = float(momentum_slope(geometry.compton_peak, geometry.incident_energy, geometry.angle))
    shape = broadened(composition, grid, fwhm * slope)
    shape = shape * kinematic_factor(grid, geometry.incident_energy, geometry.angle)
    running = np.concatenate([[0.0], np.cumsum(0.5 * (shape[1:] + shape[:-1]) * np.diff(grid))])
    running /= running[-1]
    angles = geometry.angles()
    p = momentum(energy_edges, geometry.incident_energy, angles[..., None])
    counts = total * np.diff(np.interp(p, grid, running), axis=-1)
    return counts + background * np.diff(energy_edges)


def uneven_edges(first: float, last: float, step: float) -> np.ndarray:
    """Edges whose steps grow by half along the axis."""
    t = np.linspace(0.0, 1.0, int((last - first) / step) + 1)
    return first + (last - first) * (0.8 * t + 0.2 * t**2)


def measurement(
    counts: np.ndarray,
    edges: np.ndarray | None,
    dims: tuple[str, ...] = ("row", "column"),
    *,
    name: str = "spectra",
    state: dict[str, Any] | None = None,
    good: np.ndarray | None = None,
    origin: str = "simulated",
    **metadata: Any,
) -> Any:
    """What an analysis is given, without a study around it."""
    data = spectra_dataset(counts, edges, dims, good=good)
    about = SimpleNamespace(dims=list(data["counts"].dims), shape=list(data["counts"].shape))
    summary = SimpleNamespace(variables={"counts": about})
    record = SimpleNamespace(
        name=name, title=name, state=state or {}, summary=summary, origin=origin, start=None
    )
    return SimpleNamespace(
        id=f"m-{name}", data=data, modality="compton", metadata=metadata, record=record,
        has=lambda *names: all(n in data for n in names),
    )  # fmt: skip


CONTEXT: Any = SimpleNamespace(sample=None, progress=no_progress)
"""For analyses that ask for no more than to say how far they are."""
SETTING = {
    "incident_energy": {"value": 115.0, "unit": "keV"},
    "scattering_angle": {"value": 90.0, "unit": "deg"},
    "distance": {"value": 60.0, "unit": "mm"},
    "pixel_pitch": {"value": 250.0, "unit": "um"},
}
