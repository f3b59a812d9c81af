"""Low and core loss of one place, brought together for the fit of references."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience.model.measurement import Measurement
from consilience_eels.fingerprint.region import RegionSpectra
from consilience_eels.fingerprint.stretches import LowLoss, Stretch, cut_stretch
from consilience_eels.lowloss.zero_loss import NoZeroLossError, find_zero_loss
from consilience_eels.spectra import LossAxis, blocks_of_rows

__all__ = ["Cube", "Place", "estimate_gain", "gain_of_bins", "places_of", "region_spectra"]

Array = NDArray[np.float64]

SHALLOW = (45.0, 200.0)
"""eV: from beyond what the plasmons of the field do, to before the first deep edge."""

DEEP = (250.0, 850.0)
"""eV: from before C K to beyond Xe M and Cr L."""

WIDTHS = (0.5, 2.0)
"""eV of the bins in the two."""


@dataclass(frozen=True)
class Cube:
    """One measurement with its axis; `values` has energy last."""

    measurement: Measurement
    axis: LossAxis
    values: NDArray[Any]
    dims: tuple[str, ...]
    dwell: float | None

    @property
    def pixels(self) -> tuple[int, ...]:
        """Shape without energy."""
        return self.values.shape[:-1]

    def sum_of(self, mask: NDArray[np.bool_]) -> Array:
        """Return the sum of the spectra of some pixels, a block of rows at a time."""
        chosen = mask.ravel()
        total = np.zeros(self.values.shape[-1])
        for place, block in blocks_of_rows(self.values):
            part = chosen[place]
            if part.any():
                total += block[part].sum(axis=0, dtype=np.float64)
        return total


@dataclass(frozen=True)
class Place:
    """What was measured at one place: at most one low loss, and core losses."""

    low: Cube | None
    core: tuple[Cube, ...]

    @property
    def cubes(self) -> tuple[Cube, ...]:
        """All of them."""
        return self.core if self.low is None else (self.low, *self.core)

    @property
    def pixels(self) -> tuple[int, ...]:
        """Shape of the map; empty for one spectrum."""
        return self.cubes[0].pixels

    def coordinates(self) -> dict[str, xr.Variable]:
        """Return the coordinates of the map."""
        data, dims = self.cubes[0].measurement.data, self.cubes[0].dims
        return {d: data[d].variable for d in dims if d in data.coords}


def places_of(measurements: Sequence[Measurement]) -> list[Place]:
    """Bring together the spectra of the same pixels and state.

    Raises
    ------
    BadInputError
        Two low losses of the same pixels and state: which belongs to which cannot be told.
    """
    groups: dict[tuple[Any, ...], list[Cube]] = {}
    for measurement in measurements:
        cube = _cube(measurement)
        region = measurement.record.region
        key = (
            cube.pixels,
            tuple(
                (d, float(measurement.data[d][0]), float(measurement.data[d][-1]))
                for d in cube.dims
                if d in measurement.data.coords
            ),
            str(sorted(measurement.record.state.items())),
            None if region is None else region.model_dump_json(),
        )
        groups.setdefault(key, []).append(cube)
    found = []
    for cubes in groups.values():
        lows = [c for c in cubes if c.axis.low < 0.0 < c.axis.high]
        core = tuple(c for c in cubes if c not in lows)
        if len(lows) > 1 and core:
            names = ", ".join(c.measurement.record.name for c in lows)
            raise BadInputError(
                f"{names}: several low losses of the same pixels and state, and core losses",
                fix="give them states that differ, or analyse a sample with one of them",
            )
        if len(lows) > 1:
            found += [Place(low, ()) for low in lows]
        else:
            found.append(Place(lows[0] if lows else None, core))
    return found


def _cube(measurement: Measurement) -> Cube:
    data = measurement.data
    array = data["counts" if "counts" in data else "intensity"].transpose(..., "energy_loss")
    dwell = measurement.metadata.get("dwell_time")
    frames = measurement.metadata.get("frames")
    time = None
    if isinstance(dwell, Mapping) and isinstance(dwell.get("value"), (int, float)):
        many = frames.get("value") if isinstance(frames, Mapping) else 1.0
        time = float(str(dwell["value"])) * float(str(many or 1.0))
    return Cube(
        measurement,
        LossAxis.of(data),
        array.values,
        tuple(str(d) for d in array.dims[:-1]),
        time,
    )


def estimate_gain(axis: LossAxis, spectrum: Array) -> float | None:
    """Return counts for one electron from the scatter of neighbouring channels.

    Second differences of a smooth curve vanish, those of Poisson's noise have six times its
    variance.  None where there are too few channels beyond the plasmons, or no scatter.
    """
    use = axis.energy > max(40.0, float(axis.energy[0]))
    values = spectrum[use]
    if values.size < 100:
        return None
    seconds = values[2:] - 2.0 * values[1:-1] + values[:-2]
    mean = np.maximum(values[1:-1], 1.0)
    ratio = float(np.median(seconds**2 / mean)) / (6.0 * 0.4549364231)
    return ratio if ratio > 0 else None


def gain_of_bins(axis: LossAxis, spectrum: Array, width: float) -> float | None:
    """Return counts for one electron in bins of `width` eV.

    A camera spreads an electron over channels; single ones then scatter less than the bins that
    are fitted.  The scatter of bins is taken where it is larger by more than its own error.
    """
    single = estimate_gain(axis, spectrum)
    each = max(1, round(width / axis.step))
    many = axis.size // each
    if single is None or each == 1 or many < 100:
        return single
    energy = axis.energy[: many * each].reshape(many, each).mean(axis=1)
    joined = estimate_gain(LossAxis.of(energy), spectrum[: many * each].reshape(many, each).sum(1))
    if joined is None or joined < single * (1.0 + 10.0 / many**0.5):
        return single
    return joined


def region_spectra(
    place: Place, mask: NDArray[np.bool_], gain: float | None, ranges: Sequence[tuple[float, float]]
) -> tuple[RegionSpectra, float, bool]:
    """Return the stretches of a region, the gain used, and whether it was estimated.

    Parameters
    ----------
    place : Place
    mask : ndarray of bool, shape of the map
    gain : float, optional
        Counts for one electron.
    ranges : sequence of (float, float)
        eV; those outside all spectra are left out, and by default `SHALLOW` and `DEEP`.

    Raises
    ------
    BadInputError
        No range lies within a spectrum.
    """
    low_loss = None
    shift = 0.0
    sums = {id(c): c.sum_of(mask) for c in place.cubes}
    if place.low is not None:
        whole = sums[id(place.low)]
        try:
            peak = find_zero_loss(place.low.axis.energy, whole)
            near = np.abs(place.low.axis.energy - peak.position) <= peak.fwhm
            weight = np.clip(whole[near], 0.0, None)
            shift = float((place.low.axis.energy[near] * weight).sum() / weight.sum())
            low_loss = LowLoss(place.low.axis.energy - shift, whole)
        except NoZeroLossError:
            low_loss = None
    estimated = gain is None
    stretches: list[Stretch] = []
    for cube in place.cubes:
        axis = LossAxis.of(cube.axis.energy - shift)
        for wanted in ranges or (SHALLOW, DEEP):
            low, high = max(wanted[0], axis.low), min(wanted[1], axis.high)
            width = WIDTHS[0] if low < 200.0 else WIDTHS[1]
            if high - low < 12.0 * max(width, axis.step):
                continue
            exposure = 1.0
            if place.low is not None and cube.dwell and place.low.dwell:
                exposure = cube.dwell / place.low.dwell
            stretches.append(
                cut_stretch(
                    axis,
                    sums[id(cube)],
                    low,
                    high,
                    width,
                    name=cube.measurement.record.name,
                    gain=gain or gain_of_bins(cube.axis, sums[id(cube)], width) or 1.0,
                    exposure=exposure,
                )
            )
    if not stretches:
        spans = ", ".join(f"{c.axis.low:.4g} to {c.axis.high:.4g} eV" for c in place.cubes)
        raise BadInputError(
            f"no range to fit lies within the spectra ({spans})",
            fix="give 'ranges' within them, such as [[45, 105]]",
        )
    used = float(np.mean([one.gain for one in stretches]))
    return RegionSpectra(tuple(stretches), low_loss), used, estimated
