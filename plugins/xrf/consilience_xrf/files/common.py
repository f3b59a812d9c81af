"""What the readers of all layouts need: units of positions, the beam, the start."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from consilience.hdf5 import text_of
from consilience.model.base import Origin, Quantity
from consilience.model.measurement import Exposure, Notice
from consilience_xrf.files.nexus_facts import LENGTH

__all__ = ["beam_of", "place_index", "same_unit", "start_of"]


def place_index(
    data: Any, name: str, length: str | None, said: list[Notice]
) -> dict[str, Any] | None:
    """Path, unit and factor of the positions of one direction."""
    if data is None:
        return None
    stated = text_of(data.attrs.get("units")) or text_of(data.attrs.get("unit")) or ""
    unit, factor = LENGTH.get(stated.strip().lower(), ("1", 1.0))
    if unit == "1":
        known = f"has the unit {stated!r}, no length" if stated.strip() else "names no unit"
        if length is not None and not stated.strip():
            return {"unit": length, "factor": 1.0}
        said.append(
            Notice(
                code="positions-without-unit",
                message=f"the position {name} {known}; it is kept as plain numbers",
                where=str(data.name),
                fix="--option position_unit=mm (or um) if it is known",
            )
        )
    return {"unit": unit, "factor": factor}


def same_unit(places: Mapping[str, dict[str, Any] | None]) -> None:
    """Make x and y of one scan have one unit: micrometres, where one is in millimetres."""
    units = {p["unit"] for p in places.values() if p is not None}
    if units == {"um", "mm"}:
        for place in places.values():
            if place is not None and place["unit"] == "mm":
                place |= {"unit": "um", "factor": place["factor"] * 1e3}


def beam_of(incident: float | None, origin: Origin) -> list[Exposure]:
    """The exposure that a measurement with this beam was; none for simulations."""
    if incident is None or origin != "measured":
        return []
    energy = Quantity(value=incident, unit="keV")
    return [Exposure(particle="photon", species="X-ray", energy=energy)]


def start_of(text: object) -> str | None:
    """The start as ISO 8601, None where the text is none."""
    if not isinstance(text, str):
        return None
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return None
    return text
