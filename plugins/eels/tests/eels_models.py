"""Measurements without a study around them, and the forward models of the coverage table."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.model.sample import Sample
from eels_coverage.models import ENERGY, ENERGY_LOSS, low_loss, x_rays

__all__ = ["CONTEXT", "ENERGY", "ENERGY_LOSS", "low_loss", "measurement", "x_rays"]

CONTEXT: Any = SimpleNamespace(sample=Sample(id="sample"))


def measurement(
    values: NDArray[Any], energy: NDArray[np.float64], modality: str, **metadata: Any
) -> Any:
    """What an analysis is given, without a study around it."""
    axis, unit = ("energy_loss", "eV") if modality == "eels" else ("energy", "keV")
    dims = ("y", "x")[2 - (values.ndim - 1) :]
    data = xr.Dataset(
        {"counts": ((*dims, axis), values, {"units": "count"})},
        {
            axis: (axis, energy, {"units": unit}),
            **{
                d: (d, 2.0 * np.arange(n), {"units": "nm"})
                for d, n in zip(dims, values.shape, strict=False)
            },
        },
    )
    return SimpleNamespace(
        data=data,
        modality=modality,
        metadata=metadata,
        record=SimpleNamespace(name="spectrum", notices=()),
    )
