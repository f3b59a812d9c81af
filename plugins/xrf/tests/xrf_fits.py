"""Spectra with known counts for the tests of fits."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.model.sample import Sample
from consilience_xrf.fitting.design import build_design
from consilience_xrf.lines.elements import Family, family
from consilience_xrf.lines.geometry import Geometry
from consilience_xrf.lines.response import Response

Array = NDArray[np.float64]

ENERGY: Array = 0.02 + 0.02 * np.arange(720, dtype=np.float64)
RESPONSE = Response(noise=0.1)
GEOMETRY = Geometry(13.5, 90.0)


def families(*names: str) -> list[Family]:
    """Families such as ``"Fe_K"`` for the beam of `GEOMETRY`."""
    found = [family(*name.split("_"), GEOMETRY.incident_energy) for name in names]
    return [f for f in found if f is not None]


def expected(amounts: Mapping[str, float], level: float = 20.0) -> Array:
    """Mean counts of each channel: lines, scatter, and a falling background."""
    lines = [name for name in amounts if name not in ("elastic", "compton")]
    design = build_design(ENERGY, families(*lines), RESPONSE, GEOMETRY)
    values = np.array([amounts.get(name, 0.0) for name in design.names])
    return np.asarray(design.matrix @ values + level * np.exp(-ENERGY / 6.0))


def measurement(
    counts: Array, energy: Array | None = ENERGY, dims: tuple[str, ...] = ("channel",), **more: Any
) -> Any:
    """What an analysis is given, without a study around it."""
    data = xr.Dataset(
        {"counts": (dims, counts, {"units": "count"})},
        {"channel": ("channel", np.arange(counts.shape[-1], dtype=float), {"units": "1"})},
    )
    if energy is not None:
        data = data.assign_coords(energy=("channel", energy, {"units": "keV"}))
    record = SimpleNamespace(name="spectrum", file_name="a.mca", origin="measured")
    return SimpleNamespace(
        id="m-1",
        data=data,
        metadata={"incident_energy": {"value": 13.5, "unit": "keV"}} | more,
        record=record,
    )


def context(*elements: str) -> Any:
    """A sample that may hold these elements."""
    return SimpleNamespace(sample=Sample(id="film", elements=list(elements)))
