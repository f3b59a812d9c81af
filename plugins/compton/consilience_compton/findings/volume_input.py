"""A volume as the analyses take it: values, voxel, unit, and which part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from consilience.model.finding import Region
from consilience.model.measurement import Measurement
from consilience_compton.findings.surface_params import Box

__all__ = ["MOST_VOXELS", "TooLargeError", "Volume", "volume_of"]

AXES = ("z", "y", "x")
MOST_VOXELS = 400_000_000
"""Voxels that are taken into memory at once."""


class TooLargeError(ValueError):
    """The volume does not fit; the text says what to do."""


@dataclass(frozen=True)
class Volume:
    """Values over (z, y, x); `voxel` in `unit`, "um" or "1" where the size is unknown.

    `origin` is the coordinate of the first voxel along each axis.
    """

    values: NDArray[Any]
    labels: bool
    voxel: tuple[float, float, float]
    unit: str
    origin: tuple[float, float, float]
    region: Region | None


def volume_of(measurement: Measurement, box: Box | None) -> Volume | None:
    """Return a volume, or a part of it; None of a measurement that holds projections.

    Raises
    ------
    TooLargeError
        More voxels than `MOST_VOXELS`.
    ValueError
        The box holds no voxel.
    """
    data = measurement.data
    name = next((n for n in ("labels", "grey") if n in data), None)
    if name is None:
        return None
    array = data[name].transpose(*AXES)
    slices = {}
    for axis in AXES:
        wanted = None if box is None else getattr(box, axis)
        if wanted is None:
            continue
        inside = np.flatnonzero(
            (array[axis].values >= wanted[0]) & (array[axis].values <= wanted[1])
        )
        if inside.size < 2:
            low, high = array[axis].values[[0, -1]]
            raise ValueError(
                f"the box along {axis}, {wanted[0]:g} to {wanted[1]:g}, holds {inside.size} voxels "
                f"of {low:g} to {high:g}"
            )
        slices[axis] = slice(int(inside[0]), int(inside[-1]) + 1)
    array = array.isel(slices)
    if array.size > MOST_VOXELS:
        raise TooLargeError(
            f"{array.size} voxels are more than the {MOST_VOXELS} that are taken at once; choose a "
            "part with the parameter box"
        )
    steps = [float(data[a].values[1] - data[a].values[0]) for a in AXES]
    first = [float(array[a].values[0]) for a in AXES]
    unit = str(data["z"].attrs.get("units", "1"))
    region = None
    if box is not None and slices:
        corners = [[float(array[a].values[i]) for a in AXES] for i in (0, -1)]
        region = Region(
            shape="box",
            coordinates=corners,
            unit=unit,
            frame=measurement.record.name,
            label=box.name,
        )
    return Volume(
        array.values,
        name == "labels",
        (steps[0], steps[1], steps[2]),
        unit,
        (first[0], first[1], first[2]),
        region,
    )
