"""Each pixel's energy scale by the detector's own lines, found anew for the momentum analyses."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience.model.measurement import Measurement
from consilience_compton.calibration.pixels import calibrate, line_table
from consilience_compton.calibration.sums import sums_of
from consilience_compton.findings.calibration_params import CalibrationParams
from consilience_compton.findings.momentum_params import MomentumParams
from consilience_compton.findings.spectra_input import beam_of, image_of, nominal_edges

__all__ = ["OwnLines", "own_lines"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class OwnLines:
    """Energy scales as `compton.calibration` finds them.

    Parameters
    ----------
    edges : ndarray, shape (n + 1,)
        Of the axis that they are relative to, keV.
    scale, shift : ndarray, shape (rows, columns)
        Energy = scale × that of the axis + shift (keV); NaN for pixels that may not be used.
    std : float or None
        Of the mean scale at the Compton peak, keV, counting and systematic together; None where
        too few lines are seen to tell the systematic part.
    """

    edges: Array
    scale: Array
    shift: Array
    std: float | None


def own_lines(measurement: Measurement, params: MomentumParams) -> OwnLines:
    """Fit the detector's lines in each pixel of an image.

    Raises
    ------
    BadInputError
        The axis is in channels and no nominal gain is given, or does not hold the lines; fewer
        than two groups of lines are seen; no pixel can be used.
    """
    asked = CalibrationParams(
        incident_energy=params.incident_energy,
        scattering_angle=params.scattering_angle,
        nominal_gain=params.nominal_gain,
        nominal_offset=params.nominal_offset,
    )
    edges = nominal_edges(measurement.data, asked)
    sums = sums_of(image_of(measurement.data), edges)
    table = line_table(sums, asked.elements)
    if table is None:
        raise BadInputError(
            "fewer than two groups of the detector's lines are seen: no energy scale by them",
            fix="count longer, or say energy_scale=stated",
        )
    energy = float(beam_of(measurement, asked)[2]["compton_peak"]["value"])
    found = calibrate(sums, table, energy, asked.wanted, asked.elements)
    usable = found.good & np.isfinite(found.scale)
    if not usable.any():
        raise BadInputError(
            "no pixel has enough counts in the detector's lines for an energy scale",
            fix="count longer, or say energy_scale=stated",
        )
    straight = table.straightness(energy)
    counting = float(table.fit.at(energy)[1][0])
    return OwnLines(
        edges,
        np.where(usable, found.scale, np.nan),
        np.where(usable, found.shift, np.nan),
        None if straight is None else math.hypot(counting, straight, table.shape(energy)),
    )
