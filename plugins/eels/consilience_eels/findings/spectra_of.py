"""What analyses of energy losses take from a measurement: axis, counts with energy last, sums."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.model.measurement import Measurement
from consilience_eels.spectra import LossAxis

__all__ = ["loss_array", "spectrum_dataset", "whole_of"]

ROWS = 1024


def loss_array(measurement: Measurement) -> tuple[LossAxis, xr.DataArray]:
    """Return the axis, and ``counts`` or ``intensity`` with the energy last."""
    data = measurement.data
    name = "counts" if "counts" in data else "intensity"
    return LossAxis.of(data), data[name].transpose(..., "energy_loss")


def whole_of(cube: NDArray[Any], rows: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """Return the sum of all spectra, or of the chosen pixels, without a copy of them.

    Parameters
    ----------
    cube : ndarray, shape (..., n)
    rows : ndarray of bool, shape (...), optional
    """
    flat = cube.reshape(-1, cube.shape[-1])
    if rows is None:
        total: NDArray[np.float64] = flat.sum(axis=0, dtype=np.float64)
        return total
    chosen = rows.ravel()
    total = np.zeros(flat.shape[1])
    for first in range(0, len(flat), ROWS):
        total += flat[first : first + ROWS][chosen[first : first + ROWS]].sum(
            axis=0, dtype=np.float64
        )
    return total


def spectrum_dataset(
    energy: NDArray[np.float64],
    values: dict[str, tuple[NDArray[Any], NDArray[np.float64] | None]],
    like: xr.DataArray | None = None,
) -> xr.Dataset:
    """Return spectra as a data set: name to values and standard deviations, all in counts.

    Parameters
    ----------
    energy : ndarray, shape (n,)
    values : dict
        One-dimensional, or with the pixels of `like` first.
    like : xarray.DataArray, optional
        Pixels and their coordinates, energy last.
    """
    made: dict[str, Any] = {}
    coordinates: dict[str, Any] = {"energy_loss": ("energy_loss", energy, {"units": "eV"})}
    for name, (array, std) in values.items():
        dims: tuple[Any, ...] = ("energy_loss",)
        if array.ndim > 1 and like is not None:
            dims = (*like.dims[:-1], "energy_loss")
            coordinates |= {str(d): like[d].variable for d in like.dims[:-1]}
        attrs: dict[str, Any] = {"units": "count"}
        if std is not None:
            attrs["ancillary_variables"] = f"{name}_std"
            made[f"{name}_std"] = (("energy_loss",), std, {"units": "count"})
        made[name] = (dims, array, attrs)
    return xr.Dataset(made, coordinates)
