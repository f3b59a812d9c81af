"""From a measurement of spectra and parameters to what the momentum analysis works on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience.model.measurement import Measurement
from consilience_compton.findings.momentum_params import MomentumParams
from consilience_compton.findings.own_lines import OwnLines, own_lines
from consilience_compton.momentum.background import Sides, free_sides
from consilience_compton.momentum.collect import Settings
from consilience_compton.momentum.kinematics import Direction, Geometry
from consilience_compton.momentum.peak import check_range
from consilience_compton.momentum.response import Detector, Layer
from consilience_compton.momentum.windows import Windows
from consilience_compton.spectra import (
    blocks_of_rows,
    energy_edges_of,
    number_of,
    pixel_scale_of,
)

__all__ = ["Spectra", "settings_of", "spectra_of"]

Array = NDArray[np.float64]
DIRECTIONS: tuple[Direction, ...] = ("+column", "-column", "+row", "-row")


@dataclass(frozen=True)
class Spectra:
    """Spectra with all that places them, checked.

    Parameters
    ----------
    counts : xarray.DataArray, shape (..., n)
        Still in the file where they are large.
    edges : ndarray, shape (n + 1,)
        keV.
    geometry : Geometry
    angles : ndarray, shape (...)
        Degrees.
    good : ndarray of bool, shape (...)
    scale : (scale, shift) or None
    names : tuple of str
        Of the spectra, where they are not pixels; else empty.
    scale_std : float or None
        Of the energy scale at the peak, keV, where the detector's own lines gave it.
    """

    counts: xr.DataArray
    edges: Array
    geometry: Geometry
    angles: Array
    good: NDArray[np.bool_]
    scale: tuple[Array, Array] | None
    names: tuple[str, ...]
    scale_std: float | None = None

    @property
    def is_map(self) -> bool:
        """Whether the spectra are pixels of a detector."""
        return not self.names

    def blocks(self) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Walk through the counts along the first dimension."""
        return blocks_of_rows(self.counts)


def spectra_of(measurement: Measurement, params: MomentumParams) -> Spectra:
    """Return the spectra of a measurement, ready to be walked through.

    Raises
    ------
    BadInputError
        Axis in channels, energy of the beam or angle not known, windows beyond the axis.
    """
    data = measurement.data
    is_map = {"row", "column"} <= set(data["counts"].dims)
    by_lines: OwnLines | None = None
    if params.energy_scale == "lines":
        if not is_map:
            raise BadInputError(
                "the detector's own lines give the scale of each pixel, and these are no pixels",
                fix="give spectra over row and column, or say energy_scale=stated",
            )
        by_lines = own_lines(measurement, params)
    edges = energy_edges_of(data) if by_lines is None else by_lines.edges
    last = "energy" if "energy" in data["counts"].dims else "channel"
    counts = data["counts"].transpose(..., last)
    lead = counts.dims[:-1]
    if set(lead) == {"row", "column"}:
        counts = counts.transpose("row", "column", last)
    elif len(lead) > 1:
        raise BadInputError(
            f"counts over {', '.join(map(str, lead))} are neither pixels nor a list of spectra",
            fix="give (row, column, energy), (region, energy), (state, energy) or (energy,)",
        )
    else:
        counts = counts if lead else counts.expand_dims("spectrum")
    geometry = _geometry(measurement, params, counts.shape[:-1] if is_map else (1, 1))
    angles = geometry.angles() if is_map else np.full(counts.shape[:-1], geometry.angle)
    good = np.ones(counts.shape[:-1], dtype=np.bool_)
    if is_map and "good" in data:
        good = np.asarray(data["good"].transpose("row", "column").values) > 0
    scale = pixel_scale_of(data) if is_map else None
    if by_lines is not None:
        scale = by_lines.scale, by_lines.shift
    if scale is not None:
        good = good & np.isfinite(scale[0]) & np.isfinite(scale[1]) & (scale[0] > 0.0)
    if not good.any():
        raise BadInputError(
            "no pixel of the detector may be used", fix="look at what marks the pixels as bad"
        )
    windows = Windows(params.low, params.high)
    check_range(edges, geometry.incident_energy, angles[good], windows.span)
    names = _names(counts, is_map=is_map)
    std = None if by_lines is None else by_lines.std
    return Spectra(counts, edges, geometry, angles, good, scale, names, std)


def _names(counts: xr.DataArray, *, is_map: bool) -> tuple[str, ...]:
    if is_map:
        return ()
    dim = str(counts.dims[0])
    if dim == "spectrum":
        return ("spectrum",)
    if dim in counts.coords:
        return tuple(f"{dim} {value}" for value in counts[dim].values.tolist())
    return tuple(f"{dim} {i + 1}" for i in range(counts.shape[0]))


def _geometry(measurement: Measurement, params: MomentumParams, shape: tuple[int, ...]) -> Geometry:
    metadata = measurement.metadata

    def either(given: float | None, name: str, unit: str) -> float | None:
        return given if given is not None else number_of(metadata, name, unit)

    incident = either(params.incident_energy, "incident_energy", "keV")
    angle = either(params.scattering_angle, "scattering_angle", "deg")
    missing = [
        name
        for name, value in (("incident_energy", incident), ("scattering_angle", angle))
        if value is None
    ]
    if incident is None or angle is None:
        raise BadInputError(
            f"{' and '.join(missing)} not known: momentum needs the energy of the beam and the "
            "scattering angle",
            fix="say " + " and ".join(f"{name}=…" for name in missing) + " (keV, degrees)",
        )
    direction: Any = params.angle_direction or metadata.get("angle_direction") or "+column"
    if direction not in DIRECTIONS:
        raise BadInputError(
            f"angle_direction {direction!r} is none of {', '.join(DIRECTIONS)}",
            fix="say where on the detector the scattering angle grows",
        )
    return Geometry(
        incident_energy=incident,
        angle=angle,
        distance=either(params.distance, "distance", "mm"),
        pitch=either(params.pixel_pitch, "pixel_pitch", "um"),
        rows=int(shape[0]),
        columns=int(shape[1]),
        direction=direction,
        aperture=params.aperture,
        incident_energy_std=params.incident_energy_std,
        angle_std=params.scattering_angle_std,
    )


def settings_of(params: MomentumParams, spectra: Spectra) -> Settings:
    """Return the settings, with sides through which a background could be drawn.

    Raises
    ------
    BadInputError
        A linear background is wanted, and there is nowhere to draw it through.
    """
    windows = Windows(params.low, params.high)
    angles = spectra.angles[spectra.good]
    offset_std = params.energy_offset_std
    incident = spectra.geometry.incident_energy
    if params.sides is not None:
        sides: Sides | None = Sides(*params.sides)
    else:
        sides = free_sides(spectra.edges, incident, angles, windows, params.resolution)
    if params.background == "linear" and sides is None:
        raise BadInputError(
            "the axis has no stretch free of lines on both sides of the Compton peak",
            fix="give sides=[[from, to], [from, to]] in keV, or say background='none'",
        )
    return Settings(
        windows=windows,
        resolution=params.resolution,
        resolution_std=params.resolution_std,
        sides=sides,
        subtract=params.background == "linear",
        composition=params.composition,
        escape=params.escape,
        correct=params.correct,
        polarisation=params.polarisation,
        detector=None if params.sensor is None else Detector(thickness=params.sensor),
        layers=tuple(Layer(a.formula, a.density, a.thickness) for a in params.absorbers),
        energy_offset_std=spectra.scale_std if offset_std is None else offset_std,
        own_lines=params.energy_scale == "lines",
        multiple_scattering=params.multiple_scattering,
    )
