"""Maps and matrices that the findings on a surface name."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience_compton.findings.surface_params import SurfaceParams
from consilience_compton.findings.volume_input import Volume
from consilience_compton.surface.measure import QUANTITIES, Surface
from consilience_compton.surface.parts import density_map

__all__ = ["correlation_array", "covariance_array", "surface_array"]

AXES = ("z", "y", "x")
TILES = 8
LAYER = (5.0, 95.0)
"""Percentiles of the heights between which the density of moss is told."""


def surface_array(surface: Surface, volume: Volume, params: SurfaceParams) -> xr.Dataset:
    """Return heights, heights above the form, masks, and the density of the rough layer."""
    axis = surface.facing.axis
    across = [a for i, a in enumerate(AXES) if i != axis]
    rows, columns = surface.heights.heights.shape
    starts = [o for i, o in enumerate(volume.origin) if i != axis]
    unit = volume.unit
    coordinates = {
        a: (a, start + np.arange(n) * step, {"units": unit})
        for a, start, n, step in zip(
            across, starts, (rows, columns), surface.heights.step, strict=True
        )
    }
    missing = "no interface in this column"
    variables: dict[str, Any] = {
        "height": (across, surface.heights.heights, {"units": unit, "missing": missing}),
        "above_form": (across, surface.residual, {"units": unit, "missing": missing}),
        "overhang": (across, surface.heights.overhangs.astype(np.uint8), {"units": "1"}),
    }
    low, high = (surface.areal.percentiles[p] for p in LAYER)
    density = density_map(
        surface.parts.solid,
        axis,
        surface.facing.side,
        surface.form.surface,
        volume.voxel[axis],
        low,
        high,
    )
    tiles, places = _tiled(density, surface, params)
    if tiles.size and np.isfinite(tiles).any():
        names = [f"tile_{a}" for a in across]
        for name, start, place in zip(names, starts, places, strict=True):
            coordinates[name] = (name, start + place, {"units": unit})
        variables["density"] = (
            names,
            tiles,
            {
                "units": "1",
                "missing": "the layer leaves the volume",
                "layer_low": low,
                "layer_high": high,
            },
        )
    return xr.Dataset(variables, coordinates)


def _tiled(
    density: NDArray[np.float64], surface: Surface, params: SurfaceParams
) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    step = surface.heights.step
    sides = [n * s for n, s in zip(density.shape, step, strict=True)]
    wanted = params.tile if params.tile is not None else min(sides) / TILES
    points = [max(1, min(n, round(wanted / s))) for n, s in zip(density.shape, step, strict=True)]
    number = [n // p for n, p in zip(density.shape, points, strict=True)]
    cut = density[: number[0] * points[0], : number[1] * points[1]]
    blocks = cut.reshape(number[0], points[0], number[1], points[1])
    there = np.isfinite(blocks)
    count = there.sum(axis=(1, 3))
    total = np.where(there, blocks, 0.0).sum(axis=(1, 3))
    tiles = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    places = [
        (np.arange(n) + 0.5) * p * s - 0.5 * s for n, p, s in zip(number, points, step, strict=True)
    ]
    return tiles, places


def correlation_array(surface: Surface) -> xr.Dataset:
    """Return the autocorrelation along both axes of the map."""
    found = surface.correlation
    unit = surface.heights.unit
    rows, columns = found.rows, found.columns
    step = surface.heights.step
    across = [a for i, a in enumerate(AXES) if i != surface.facing.axis]
    return xr.Dataset(
        {
            "along_rows": ("lag_rows", rows, {"units": "1", "axis": across[0]}),
            "along_columns": ("lag_columns", columns, {"units": "1", "axis": across[1]}),
        },
        {
            "lag_rows": ("lag_rows", np.arange(rows.size) * step[0], {"units": unit}),
            "lag_columns": ("lag_columns", np.arange(columns.size) * step[1], {"units": unit}),
        },
    )


def covariance_array(surface: Surface, unit: str) -> xr.Dataset:
    """Return the joint covariance of the roughnesses: statistical, and each systematic part."""
    matrix = surface.spread.covariance
    assert matrix is not None
    attrs = {"units": f"{unit}^2"}
    dims = ("quantity", "other")
    variables: dict[str, Any] = {"statistical": (dims, matrix, dict(attrs))}
    for name, part in surface.systematic.items():
        if part is not None:
            values = np.array(part)
            key = "systematic_" + name.replace(" ", "_")
            variables[key] = (dims, np.outer(values, values), dict(attrs))
    names = list(QUANTITIES)
    return xr.Dataset(
        variables,
        {
            "quantity": ("quantity", names, {"units": "1"}),
            "other": ("other", names, {"units": "1"}),
        },
    )
