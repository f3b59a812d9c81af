"""Simulated cells as measurements in memory: expected counts once, noise for each repeat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience.model.sample import Sample
from consilience_compton.model.cell import Cell
from consilience_compton.momentum.kinematics import Geometry
from consilience_compton.simulation.forward import FIRST, SECOND, Model
from consilience_compton.simulation.spectra import (
    default_geometry,
    even_edges,
    noisy,
    region_counts,
)
from consilience_compton.spectra import spectra_dataset

__all__ = ["CONTEXT", "MODELS", "as_measurement", "expected", "measured_state"]

Array = NDArray[np.float64]
MODELS: dict[str, Model] = {"first": FIRST, "second": SECOND}
CONTEXT: Any = SimpleNamespace(sample=Sample(id="sample"), progress=lambda *_: None)
COUNTS = 4e6
"""Of lithium alone in all pixels: some 5e6 of the cathode, twice what ± 0.05 of x takes."""


@dataclass(frozen=True)
class Expected:
    """Noiseless counts of the three regions, (3, rows, columns, bins)."""

    counts: Array
    edges: Array
    geometry: Geometry


@lru_cache(maxsize=64)
def expected(model: str, x: float) -> Expected:
    """Return the expected counts of a state, on 2 × 2 pixels."""
    geometry, edges = default_geometry(2, 2), even_edges()
    cell = Cell(x=x)
    counts = np.array(
        [
            region_counts(cell, region, edges, geometry, counts=COUNTS / 4, model=MODELS[model])
            for region in (1, 2, 3)
        ]
    )
    return Expected(counts, edges, geometry)


def as_measurement(counts: Array, edges: Array, geometry: Geometry, **state: Any) -> Any:
    """Return counts of one region as what an analysis takes."""
    data = spectra_dataset(counts, edges, ("row", "column"))
    told = {
        "incident_energy": {"value": geometry.incident_energy, "unit": "keV"},
        "scattering_angle": {"value": geometry.angle, "unit": "deg"},
        "distance": {"value": geometry.distance, "unit": "mm"},
        "pixel_pitch": {"value": geometry.pitch, "unit": "um"},
        "angle_direction": geometry.direction,
    }
    name = " ".join(str(value) for value in state.values())
    summary = SimpleNamespace(variables={"counts": SimpleNamespace(dims=list(data["counts"].dims))})
    return SimpleNamespace(
        id=f"m-{name}",
        data=data,
        metadata=told,
        sample="sample",
        modality="compton",
        has=lambda *names: all(n in data for n in names),
        record=SimpleNamespace(
            name=name, state=dict(state), summary=summary, origin="simulated", notices=()
        ),
    )


def measured_state(
    model: str, x: float, chance: np.random.Generator | None, **state: Any
) -> Sequence[Any]:
    """Return the three regions of one state as measurements; without noise if `chance` is None."""
    clean = expected(model, x)
    counts = clean.counts if chance is None else noisy(clean.counts, chance, MODELS[model])
    return [
        as_measurement(counts[n], clean.edges, clean.geometry, region=n + 1, **state)
        for n in range(3)
    ]
