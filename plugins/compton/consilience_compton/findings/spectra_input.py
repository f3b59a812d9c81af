"""What the analyses of calibration and drift take of a measurement: counts, edges, the beam."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience.model.measurement import Measurement
from consilience_compton.findings.calibration_params import CalibrationParams, DriftParams
from consilience_compton.momentum.kinematics import compton_energy
from consilience_compton.spectra import energy_edges_of, number_of

__all__ = ["ASSUMED_BEAM", "beam_of", "image_of", "nominal_edges"]

Array = NDArray[np.float64]
ASSUMED_BEAM = (115.0, 90.0)
"""keV and degrees, where neither the file nor the user says anything: those of the XCS-CT study."""


def nominal_edges(data: xr.Dataset, params: CalibrationParams | DriftParams) -> Array:
    """Return the edges of the bins in keV, with the nominal gain where the axis is in channels.

    Raises
    ------
    BadInputError
        The axis is in channels and no nominal gain is given.
    """
    if "channel" not in data["counts"].dims:
        return energy_edges_of(data)
    if params.nominal_gain is None:
        raise BadInputError(
            "the energy axis is in channels, and no nominal gain is known to begin with",
            fix="say nominal_gain (keV a channel) and nominal_offset (keV at channel 0), or add "
            "the file with the unit of its bins",
        )
    n = data.sizes["channel"]
    return np.asarray(params.nominal_offset + params.nominal_gain * np.arange(n + 1.0))


def image_of(data: xr.Dataset) -> xr.DataArray:
    """Return the counts over (row, column, bin); a list of spectra is one column of pixels."""
    counts = data["counts"]
    last = "channel" if "channel" in counts.dims else "energy"
    if {"row", "column"} <= set(counts.dims):
        return counts.transpose("row", "column", last)
    lead = [d for d in counts.dims if d != last]
    if not lead:
        return counts.expand_dims(("row", "column"))
    return counts.transpose(*lead, last).expand_dims("column", axis=-2)


def beam_of(
    measurement: Measurement, params: CalibrationParams | DriftParams
) -> tuple[float, float, dict[str, Any]]:
    """Return incident energy (keV), angle (degrees), and from where they are known."""
    said: dict[str, Any] = {}
    found = []
    for name, unit, assumed in (
        ("incident_energy", "keV", ASSUMED_BEAM[0]),
        ("scattering_angle", "deg", ASSUMED_BEAM[1]),
    ):
        given = getattr(params, name)
        stated = number_of(measurement.metadata, name, unit)
        value, source = (given, "the user") if given is not None else (stated, "the measurement")
        if value is None:
            value, source = assumed, "assumed, as nothing is stated"
        said[name] = {"value": float(value), "unit": unit, "from": source}
        found.append(float(value))
    said["compton_peak"] = {"value": float(compton_energy(*found)), "unit": "keV"}
    return found[0], found[1], said
