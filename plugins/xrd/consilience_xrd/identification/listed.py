"""An entered peak list as observed peaks: what the source gives, and what has to be assumed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from consilience.model.measurement import Measurement
from consilience_xrd.axes import check_wavelength, parse_energy, parse_wavelength
from consilience_xrd.axes import energy_to_wavelength as to_wavelength
from consilience_xrd.findings.params import PhaseParams
from consilience_xrd.identification.matching import ObservedPeak

__all__ = ["listed_labels", "listed_peaks"]

WORKING_WIDTH = 0.02
"""Width [1/angstrom] that entered peaks without one are matched with; it is not reported."""


def listed_peaks(
    measurement: Measurement, params: PhaseParams
) -> tuple[list[ObservedPeak], float | None, list[str]]:
    """Return the peaks by increasing q, the wavelength if it is known, and the assumptions."""
    data, metadata = measurement.data, measurement.metadata
    lam = params.wavelength
    said = metadata.get("wavelength")
    energy = metadata.get("energy")
    if isinstance(said, dict):
        lam = float(said["value"])
    elif isinstance(said, str):
        lam = parse_wavelength(said)
    elif isinstance(energy, str):
        lam = to_wavelength(parse_energy(energy))
    elif isinstance(energy, dict):
        lam = to_wavelength(parse_energy(f"{energy['value']} {energy['unit']}"))
    unit = str(data["center"].attrs["units"])
    center = np.asarray(data["center"].values, dtype=np.float64)
    assumptions: list[str] = []

    def column(name: str) -> Any:
        return (
            np.asarray(data[name].values, dtype=np.float64)
            if name in data
            else np.full(len(center), np.nan)
        )

    std, fwhm = column("center_std"), column("fwhm")
    if unit == "deg":
        used = check_wavelength(lam)
        half = np.radians(center) / 2
        q = 4 * np.pi * np.sin(half) / used
        slope = 2 * np.pi / used * np.cos(half) * np.pi / 180
    elif unit == "angstrom":
        q, slope = 2 * np.pi / center, 2 * np.pi / center**2
    else:
        q, slope = center, np.ones_like(center)
    unknown = ~np.isfinite(std)
    if unknown.any():
        assumptions.append(
            f"{int(unknown.sum())} positions have no standard deviation; "
            f"{params.listed_std:g} 1/angstrom assumed"
        )
    error = np.where(unknown, params.listed_std, std * slope)
    width = np.where(np.isfinite(fwhm), fwhm * slope, WORKING_WIDTH)
    if not np.isfinite(fwhm).all():
        assumptions.append(
            f"{int(np.sum(~np.isfinite(fwhm)))} peaks have no width; {WORKING_WIDTH:g} 1/angstrom "
            "is used to tell lines apart"
        )
    area, area_std = column("area"), column("area_std")
    order = np.argsort(q)
    return (
        [
            ObservedPeak(
                float(q[i]), float(error[i]), float(area[i]),
                float(area_std[i]) if math.isfinite(area_std[i]) else None,
                float(width[i]), math.nan, (),
                None if unknown[i] else float(error[i]), None, bool(np.isfinite(fwhm[i])),
            )
            for i in order
        ],
        lam,
        assumptions,
    )  # fmt: skip


def listed_labels(measurement: Measurement) -> list[str]:
    """Labels of the source in the order of `listed_peaks`, empty where it gives none."""
    center = np.asarray(measurement.data["center"].values, dtype=np.float64)
    given = measurement.metadata.get("labels")
    labels = [str(v) for v in given] if isinstance(given, list | tuple) else [""] * len(center)
    # q falls with d
    order = np.argsort(
        -center if str(measurement.data["center"].attrs["units"]) == "angstrom" else center
    )
    return [labels[i] for i in order]
