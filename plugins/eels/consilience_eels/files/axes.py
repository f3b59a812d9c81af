"""Axes of HyperSpy's from coordinates, and whether those that were kept still hold."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from consilience_eels.files.units import known_unit

__all__ = ["axes_hold", "axis_of"]


def axes_hold(axes: list[dict[str, Any]], array: xr.DataArray) -> bool:
    """Return whether the axes that were kept are still those of the data: it may have been cut."""
    if [axis.get("size") for axis in axes] != list(array.shape):
        return False
    for axis, dim in zip(axes, array.dims, strict=True):
        if "axis" in axis:
            values = np.asarray(axis["axis"], dtype=np.float64)
        else:
            values = axis["offset"] + axis["scale"] * np.arange(axis["size"])
        known = known_unit(axis.get("units"))
        found = array[dim].values
        unit = array[dim].attrs.get("units")
        factor = 1.0
        if known is not None and unit != "1":
            factor = known.factor / (1e3 if unit == "keV" else 1.0)
        scale = float(np.max(np.abs(found))) or 1.0
        if not np.allclose(values * factor, found, rtol=0, atol=1e-9 * scale):
            return False
    return True


def axis_of(array: xr.DataArray, dim: str, *, navigate: bool) -> dict[str, Any]:
    """Return an axis from a coordinate: uniform where it is."""
    values = np.asarray(array[dim].values, dtype=np.float64)
    unit = array[dim].attrs.get("units")
    common = {
        "name": dim,
        "units": None if unit == "1" else unit,
        "navigate": navigate,
        "is_binned": not navigate and dim in ("energy", "energy_loss"),
    }
    step = float(values[-1] - values[0]) / max(1, values.size - 1)
    line = values[0] + step * np.arange(values.size)
    if values.size == 1 or np.allclose(values, line, rtol=0, atol=1e-6 * abs(step)):
        return {
            **common,
            "size": values.size,
            "offset": float(values[0]),
            "scale": step or 1.0,
        }
    return {**common, "axis": values}
