"""What an EMSA header says, with the units of the format's definition.

References
----------
ISO 22029:2022, EMSA/MAS standard file format for spectral-data exchange.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from consilience.model.base import Quantity
from consilience.model.measurement import Exposure, Notice

__all__ = ["exposure", "header_lines", "is_simulated", "microscope", "start"]

QUANTITIES: dict[str, tuple[str, str]] = {
    "BEAMKV": ("beam_energy", "keV"),
    "PROBECUR": ("probe_current", "nA"),
    "BEAMDIAM": ("beam_diameter", "nm"),
    "EMISSION": ("emission_current", "uA"),
    "CONVANGLE": ("convergence_angle", "mrad"),
    "COLLANGLE": ("collection_angle", "mrad"),
    "INTEGTIME": ("integration_time", "ms"),
    "DWELLTIME": ("dwell_time", "ms"),
    "THICKNESS": ("thickness", "nm"),
    "MAGCAM": ("magnification", "1"),
    "XTILTSTGE": ("tilt_x", "degree"),
    "YTILTSTGE": ("tilt_y", "degree"),
    "ELEVANGLE": ("elevation_angle", "degree"),
    "AZIMANGLE": ("azimuth_angle", "degree"),
    "SOLIDANGLE": ("solid_angle", "sr"),
    "SOLIDANGL": ("solid_angle", "sr"),
    "LIVETIME": ("live_time", "s"),
    "REALTIME": ("real_time", "s"),
}
"""Keyword to name and the unit that the standard fixes for it."""

SAID_UNITS = {
    "kv": "keV",
    "kev": "keV",
    "mr": "mrad",
    "mrad": "mrad",
    "ms": "ms",
    "s": "s",
    "na": "nA",
    "pa": "pA",
    "ua": "uA",
    "nm": "nm",
    "um": "um",
    "dg": "degree",
    "deg": "degree",
    "sr": "sr",
}
"""Units as files write them behind a hyphen, as in ``#BEAMKV   -kV:``."""


def header_lines(text: str) -> list[str]:
    """Return all lines that start with ``#``, whole."""
    return [line.rstrip() for line in text.splitlines() if line.startswith("#")]


def microscope(parameters: Mapping[str, Any], notices: list[Notice]) -> dict[str, Any]:
    """Return name to ``{"value", "unit"}`` of what the header says of the microscope.

    A unit that the file writes behind the keyword wins over that of the standard; one that
    is not known leaves the quantity out, with a notice.
    """
    found: dict[str, Any] = {}
    for key, value in parameters.items():
        keyword, _, said = (part.strip() for part in str(key).partition("-"))
        if keyword not in QUANTITIES:
            continue
        try:
            number = float(value)
        except (TypeError, ValueError):  # a text
            continue
        name, unit = QUANTITIES[keyword]
        if said:
            if said.lower() not in SAID_UNITS:
                notices.append(
                    Notice(
                        code="unknown-unit",
                        message=f"#{keyword} is in {said!r}, which is not known; it was left out",
                        where=f"#{keyword}",
                        fix=f"write it in {unit}, the unit of the standard",
                    )
                )
                continue
            unit = SAID_UNITS[said.lower()]
        if math.isfinite(number):
            found[name] = {"value": number, "unit": unit}
    return found


def exposure(quantities: Mapping[str, Any]) -> Exposure:
    """Return the electrons that this spectrum cost, as far as the header says."""

    def quantity(name: str) -> Quantity | None:
        return Quantity(**quantities[name]) if name in quantities else None

    return Exposure(
        particle="electron",
        energy=quantity("beam_energy"),
        duration=quantity("integration_time") or quantity("real_time"),
    )


def start(metadata: Mapping[str, Any]) -> str | None:
    """Return date and time of the header as ISO 8601 without offset; None without a date."""
    general = metadata.get("General", {})
    date, time = general.get("date"), general.get("time")
    if not date:
        return None
    return f"{date}T{time}" if time else str(date)


def is_simulated(lines: list[str]) -> bool:
    """Return True if a ``#COMMENT`` says ``origin: simulated``."""
    said = re.compile(r"#COMMENT\s*:.*\borigin:\s*simulated\b", re.IGNORECASE)
    return any(map(said.match, lines))
