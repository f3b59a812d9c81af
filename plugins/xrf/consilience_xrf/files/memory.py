"""Spectra that were read whole, as a signal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from consilience.model.measurement import Notice, Signal
from consilience_xrf.files.common import beam_of
from consilience_xrf.files.energy_choice import EnergyOptions, StatedAxis, choose_energy
from consilience_xrf.files.look import look_at
from consilience_xrf.files.scan_grid import Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience.model.base import Origin

__all__ = ["memory_signal"]


def memory_signal(
    path: Path,
    name: str,
    counts: NDArray[np.float64],
    *,
    grid: Grid | None,
    units: dict[str, str],
    points: dict[str, tuple[NDArray[np.float64], str]],
    stated: StatedAxis | None,
    asked: EnergyOptions,
    metadata: dict[str, Any],
    raw: Any,
    said: list[Notice],
    origin: Origin,
    start: str | None = None,
) -> Signal:
    """Make a signal of spectra in memory.

    Parameters
    ----------
    counts : ndarray, shape (channels,) or (points, channels)
        Of one spectrum, or of each point of a scan as stored.
    grid : Grid or None
        How the points become rows and columns; None for one spectrum.
    units : dict
        Of the positions y and x.
    points : dict
        Values of each point as stored, with their unit.
    stated : StatedAxis or None
        Energies in the file.
    metadata, raw, said, origin, start
        As in `Signal`.
    """
    values = counts if grid is None else np.asarray(grid.arrange(counts), dtype=np.float64)
    dims = ["channel"] if grid is None else ["y", "x", "channel"]
    channel = np.arange(values.shape[-1], dtype=np.float64)
    data = xr.Dataset(
        {"counts": (dims, values, {"units": "count", "long_name": "counts"})},
        {"channel": ("channel", channel, {"units": "1", "long_name": "channel"})},
    )
    measured = None
    if grid is not None:
        for way, axis in (("y", grid.y), ("x", grid.x)):
            if axis is not None:
                data = data.assign_coords({way: (way, axis, {"units": units[way]})})
        if grid.places is not None:
            for way, plane in zip(("y", "x"), grid.places, strict=True):
                data[f"{way}_position"] = (("y", "x"), plane, {"units": units[way]})
        if grid.order is not None and (grid.order < 0).any():
            measured = grid.order >= 0
            data["measured"] = (("y", "x"), measured.astype(np.uint8), {"units": "1"})
        for key, (given, unit) in points.items():
            plane = np.asarray(grid.arrange(given), dtype=np.float64)
            data[key] = (("y", "x"), plane, {"units": unit})
        said = [*said, *(Notice(code=c, message=m, fix=f) for c, m, f in grid.said)]
    look = look_at(data["counts"], measured)
    choice = choose_energy(stated, asked, look.spectrum, asked.incident, path)
    if choice.energy is not None:
        about = {"units": "keV", "long_name": "energy", "source": choice.source}
        data = data.assign_coords(energy=("channel", choice.energy, about))
    if grid is None and look.whole and (values >= 0).all():
        std = np.sqrt(np.maximum(values, 1.0))
        data["counts_std"] = ("channel", std, {"units": "count"})
        data["counts"].attrs["ancillary_variables"] = "counts_std"
    metadata = {**metadata, "calibration": choice.source}
    if asked.incident is not None:
        metadata["incident_energy"] = {
            "value": asked.incident,
            "unit": "keV",
            "from": "given by the user",
        }
    if choice.check:
        metadata["energy_check"] = choice.check
    return Signal(
        name=name,
        modality="xrf",
        data=data,
        metadata=metadata,
        raw_metadata=raw,
        notices=[*said, *look.notices, *choice.notices],
        exposures=beam_of(asked.incident, origin),
        origin=origin,
        start=start,
    )
