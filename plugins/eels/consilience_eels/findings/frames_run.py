"""The analyses ``eels.frames`` and ``eels.image_frames``: drift of a series, and its sum."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.model.finding import FindingDraft
from consilience.model.measurement import Measurement, Notice
from consilience_eels.alignment.frames import (
    FrameShifts,
    FrameSum,
    NoStructureError,
    measure_shifts,
    sum_frames,
)

__all__ = ["FramesParams", "run_frames"]

METHOD = (
    "cross-correlation of pairs of frames (scikit-image), solved for the shift of each frame by "
    "least squares"
)


class FramesParams(BaseModel):
    """Parameters of `run_frames`.

    Parameters
    ----------
    lags : int
        Each frame is compared with so many before it.
    subpixel : bool
        Read between pixels when frames are added; else move by whole pixels, which keeps the
        noise of pixels independent.
    energy_window : tuple of float, optional
        eV; of spectrum images, the losses whose sum is compared; by default all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lags: Annotated[int, Field(ge=1, le=40)] = 4
    subpixel: bool = True
    energy_window: tuple[float, float] | None = None


def run_frames(
    measurements: Sequence[Measurement], params: FramesParams, context: AnalysisContext
) -> AnalysisOutput:
    """Return the drift of one series of images or spectrum images, and the sum of its frames.

    Returns
    -------
    AnalysisOutput
        Nothing if there is one frame; else one finding of kind ``drift``: the largest distance
        of a frame from the first, with the shifts of all in ``drift`` and the sum of the frames
        in ``sum``.  Not observable where the frames show nothing by which to compare them.
    """
    del context
    (measurement,) = measurements
    data = measurement.data
    name = "counts" if "counts" in data else "intensity"
    spectral = "energy_loss" if "energy_loss" in data[name].dims else None
    last = ("y", "x", *([spectral] if spectral else []))
    stack = [d for d in data[name].dims if d not in last]
    if len(stack) != 1 or not {"y", "x"} <= set(data[name].dims) or data.sizes[stack[0]] < 2:
        return AnalysisOutput([])
    array = data[name].transpose(stack[0], *last)
    if min(data.sizes["y"], data.sizes["x"]) < 8:
        notice = Notice(
            code="too-small",
            message=f"{measurement.record.name}: frames of {data.sizes['y']} x {data.sizes['x']} "
            "pixels are too small to be compared",
            severity="info",
        )
        return AnalysisOutput([], notices=[notice])
    images = array.values if spectral is None else _images(array, params)
    try:
        found = measure_shifts(images, params.lags)
    except NoStructureError as fault:
        finding = FindingDraft(
            kind="drift",
            status="not_observable",
            reason=str(fault),
            evidence={"frames": len(images)},
            method=METHOD,
        )
        return AnalysisOutput([finding])
    done = sum_frames(array.values, found.shift, subpixel=params.subpixel)
    steps, unit = _steps(array)
    finding = _finding(found, done, steps, unit, params)
    arrays = {
        "drift": _drift_set(found, steps, unit),
        "sum": _sum_set(array, done, name, found),
    }
    return AnalysisOutput([finding], arrays)


def _images(array: xr.DataArray, params: FramesParams) -> NDArray[np.float64]:
    if params.energy_window is not None:
        low, high = params.energy_window
        array = array.sel(energy_loss=slice(low, high))
    return np.stack(
        [array[k].values.sum(axis=-1, dtype=np.float64) for k in range(array.sizes[array.dims[0]])]
    )


def _steps(array: xr.DataArray) -> tuple[NDArray[np.float64], str]:
    """Length of a pixel (y, x) and its unit."""
    lengths = [
        float(abs(array[d].values[1] - array[d].values[0])) if array.sizes[d] > 1 else 1.0
        for d in ("y", "x")
    ]
    return np.array(lengths), str(array["x"].attrs.get("units", "1"))


def _finding(
    found: FrameShifts,
    done: FrameSum,
    steps: NDArray[np.float64],
    unit: str,
    params: FramesParams,
) -> FindingDraft:
    moved = found.shift * steps
    distance = np.hypot(moved[:, 0], moved[:, 1])
    k = int(np.argmax(distance))
    known = bool(np.isfinite(found.std).all())
    part = moved[k] / distance[k] if distance[k] > 0 else np.array([1.0, 0.0])
    std = float(np.sqrt(np.sum((part * found.std[k] * steps) ** 2))) if known else None
    return FindingDraft(
        kind="drift",
        value=float(distance[k]),
        unit=unit,
        std_stat=std,
        std_sys=None,
        array="drift",
        evidence={
            "frames": len(found.shift),
            "frame_farthest": k,
            "pairs": found.pairs,
            "closure_pixels": found.closure,
            "correlation_of_neighbours": found.contrast,
            "correlation_of_noise": found.chance,
            "noise_factor_of_the_sum": done.noise_factor,
            "correlation_between_pixels": done.neighbour_correlation,
            "pixels_of_the_sum": [
                done.rows.stop - done.rows.start,
                done.columns.stop - done.columns.start,
            ],
            "subpixel": params.subpixel,
        },
        assumptions=[
            "frames are moved as a whole: no shear or stretch within one",
            "what stands still on the detector is weak beside the picture",
            (
                "the sum was read between pixels: neighbours share electrons, and the variance of "
                f"one is {done.noise_factor:.2f} of its counts'"
                if params.subpixel
                else "the sum was moved by whole pixels: noise stays independent"
            ),
        ],
        method=METHOD,
    )


def _drift_set(found: FrameShifts, steps: NDArray[np.float64], unit: str) -> xr.Dataset:
    variables: dict[str, Any] = {}
    for i, name in enumerate(("y", "x")):
        attrs: dict[str, Any] = {"units": unit, "long_name": f"shift along {name}"}
        if np.isfinite(found.std).all():
            variables[f"shift_{name}_std"] = ("frame", found.std[:, i] * steps[i], dict(attrs))
            attrs["ancillary_variables"] = f"shift_{name}_std"
        variables[f"shift_{name}"] = ("frame", found.shift[:, i] * steps[i], attrs)
    frames = np.arange(len(found.shift), dtype=np.float64)
    return xr.Dataset(variables, {"frame": ("frame", frames, {"units": "1"})})


def _sum_set(array: xr.DataArray, done: FrameSum, name: str, found: FrameShifts) -> xr.Dataset:
    kept = array.isel({array.dims[0]: 0, "y": done.rows, "x": done.columns})
    attrs = {
        "units": str(array.attrs.get("units", "1")),
        "frames": len(found.shift),
        "noise": f"variance {done.noise_factor:.3f} of that of the counts; neighbours correlate by "
        f"{done.neighbour_correlation:.3f}",
    }
    coordinates = {d: kept[d].variable for d in kept.dims}
    return xr.Dataset({name: (kept.dims, done.total, attrs)}, coordinates)
