"""From a measurement to a pattern in reciprocal space, or why there is none."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience.model.measurement import Measurement
from consilience_eels.diffraction.patterns import Pattern, of_image, of_sum, wavelength
from consilience_eels.findings.rings_params import RingParams

__all__ = ["Seen", "pattern_of"]


@dataclass(frozen=True)
class Seen:
    """A pattern, where it is from in words, and what was taken for granted."""

    pattern: Pattern
    source: str
    assumptions: tuple[str, ...]


def pattern_of(measurement: Measurement, params: RingParams) -> Seen:
    """Return the pattern of an image by its transform, or the sum of recorded patterns.

    Raises
    ------
    BadInputError
        It is not calibrated, its pixels are not square, or it is too small.
    """
    name = "counts" if "counts" in measurement.data else "intensity"
    array = measurement.data[name]
    if array.ndim < 2:
        raise BadInputError("this is no image and no pattern", fix="leave it out")
    rows, columns = str(array.dims[-2]), str(array.dims[-1])
    if rows.startswith("k") and columns.startswith("k"):
        return _recorded(array, measurement.metadata, params)
    return _imaged(array, params)


def _recorded(array: xr.DataArray, metadata: Mapping[str, Any], params: RingParams) -> Seen:
    lead = array.dims[:-2]
    count = int(np.prod([array.sizes[d] for d in lead])) if lead else 1
    whole = _summed(array)
    step, said = _k_step(array, metadata, params)
    if step is None:
        raise BadInputError(
            f"the pattern's axes are in {said}: pixels, no reciprocal length",
            fix="state it with the parameter 'k_step' in 1/nm for each pixel",
        )
    pattern = of_sum(whole, step, params.centre)
    where = "as stated" if params.centre else "found by symmetry"
    notes = (
        (
            f"the direct beam is at row {pattern.centre[0]:.2f} and column "
            f"{pattern.centre[1]:.2f}, {where}; {said}"
        ),
    )
    return Seen(pattern, f"sum of {count} patterns" if count > 1 else "one pattern", notes)


def _imaged(array: xr.DataArray, params: RingParams) -> Seen:
    steps = [_step(array, axis) for axis in (-2, -1)]
    unit = str(array[array.dims[-1]].attrs.get("units", "1"))
    if unit != "nm":
        raise BadInputError(
            "the image is not calibrated, so its rings have no length",
            fix="calibrate the image before lengths are read from it",
        )
    if min(array.shape[-2:]) > 1 and not 0.99 < steps[0] / steps[1] < 1.01:
        raise BadInputError(
            f"the image's pixels are {steps[0]:g} nm high and {steps[1]:g} nm wide",
            fix="export it with square pixels",
        )
    frames = array.values.reshape(-1, *array.shape[-2:])
    total: Pattern | None = None
    for frame in frames:
        one = of_image(frame, steps[1], params.tile)
        total = (
            one
            if total is None
            else Pattern(
                total.intensity + one.intensity,
                one.step,
                one.centre,
                total.pieces + one.pieces,
                spectrum=True,
            )
        )
    assert total is not None
    notes = (
        "the image's scale is that of its file",
        (
            f"power spectrum with a Hann window, {total.pieces} pieces of "
            f"{total.intensity.shape[0]} pixels a side"
        ),
    )
    return Seen(total, "transform of the image", notes)


def _summed(array: xr.DataArray) -> NDArray[np.float64]:
    """Sum over positions, row by row, so that no copy of all patterns is made."""
    values = array.values.reshape(-1, *array.shape[-2:])
    total = np.zeros(values.shape[1:])
    for one in values:
        total += one
    return total


def _k_step(
    array: xr.DataArray, metadata: Mapping[str, Any], params: RingParams
) -> tuple[float | None, str]:
    if params.k_step is not None:
        return params.k_step, f"{params.k_step:g} 1/nm for each pixel, as stated"
    unit = str(array[array.dims[-1]].attrs.get("units", "1"))
    steps = [_step(array, axis) for axis in (-2, -1)]
    if min(array.shape[-2:]) > 1 and not 0.99 < steps[0] / steps[1] < 1.01:
        raise BadInputError(
            f"the pattern's pixels are {steps[0]:g} and {steps[1]:g} {unit} apart",
            fix="export it with square pixels",
        )
    if unit == "1/nm":
        return steps[1], f"{steps[1]:.5g} 1/nm for each pixel, by its file"
    energy = metadata.get("beam_energy")
    if unit == "mrad" and isinstance(energy, Mapping):
        step = 1e-3 * steps[1] / wavelength(float(energy["value"]))
        return step, f"{steps[1]:.5g} mrad for each pixel at {energy['value']:g} keV"
    return None, repr(unit)


def _step(array: xr.DataArray, axis: int) -> float:
    values = array[array.dims[axis]].values
    return abs(float(values[-1] - values[0])) / (values.size - 1) if values.size > 1 else 1.0
