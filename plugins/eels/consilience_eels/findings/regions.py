"""Boxes of a map that the user names: their pixels, and how a finding says where it is."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from consilience.errors import BadInputError
from consilience.model.finding import Region

__all__ = ["Box", "region_of", "selected"]


class Box(BaseModel):
    """A named box of a map, in the map's own coordinates.

    Parameters
    ----------
    name : str
    x : tuple of float
        From and to, in nm (in pixels where the map is not calibrated); both ends belong to it.
    y : tuple of float, optional
        The same; None for line scans, and for boxes of the whole height.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=80)]
    x: tuple[float, float]
    y: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for name, pair in (("x", self.x), ("y", self.y)):
            if pair is not None and pair[0] > pair[1]:
                raise ValueError(f"{name}: from {pair[0]:g} to {pair[1]:g} is backwards")
        return self


def selected(array: xr.DataArray, box: Box) -> NDArray[np.bool_]:
    """Return which pixels of ``array`` (energy last) lie in the box, shape (..., y, x).

    Raises
    ------
    BadInputError
        The data have no such dimension, or no pixel lies in the box.
    """
    dims = array.dims[:-1]
    mask = np.ones(array.shape[:-1], dtype=np.bool_)
    for name, pair in (("x", box.x), ("y", box.y)):
        if pair is None:
            continue
        if name not in dims:
            raise BadInputError(
                f"region {box.name!r} is a box in {name}, which the data do not have",
                fix="leave the region out: a single spectrum has none"
                if not dims
                else f"name a box in {', '.join(map(str, dims))} alone",
            )
        at = array[name].values
        inside = (at >= pair[0]) & (at <= pair[1])
        shape = [1] * len(dims)
        shape[dims.index(name)] = at.size
        mask &= inside.reshape(shape)
    if not mask.any():
        spans = ", ".join(
            f"{d} {float(array[d].values.min()):g} to {float(array[d].values.max()):g}"
            for d in dims
        )
        raise BadInputError(
            f"no pixel lies in region {box.name!r}",
            fix=f"name a box within the map: {spans}",
        )
    return mask


def region_of(array: xr.DataArray, box: Box, frame: str) -> Region:
    """Return the box as findings name it."""
    unit = str(array["x"].attrs.get("units", "1"))
    y: Sequence[float] | None = box.y
    if y is None and "y" in array.dims:
        at = array["y"].values
        y = (float(at.min()), float(at.max()))
    if y is None:
        return Region(
            shape="line",
            coordinates=[[box.x[0]], [box.x[1]]],
            unit=unit,
            frame=frame,
            label=box.name,
        )
    return Region(
        shape="box",
        coordinates=[[box.x[0], y[0]], [box.x[1], y[1]]],
        unit=unit,
        frame=frame,
        label=box.name,
    )
