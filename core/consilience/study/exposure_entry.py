"""Exposures as people write them: quantities as text, in the units of the ledger of dose."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from consilience.errors import BadInputError
from consilience.model.base import Quantity
from consilience.model.measurement import Exposure
from consilience.quantities import parse_quantity
from consilience.study.entering import validated

__all__ = ["exposure_from"]

_PER_AREA = {"electron": "1/angstrom^2", "photon": "1/um^2", "ion": "1/nm^2"}
_UNITS = {"energy": "keV", "duration": "s", "temperature": "K"}


def exposure_from(content: Mapping[str, Any] | Exposure) -> Exposure:
    """Build an exposure from what a person wrote; its source is the user.

    Parameters
    ----------
    content : mapping
        Fields of `Exposure`; quantities may be text (``"40 e/Å^2"``, ``"200 keV"``).

    Raises
    ------
    BadInputError
        The particle is not known, a quantity has no unit or one of another dimension, or it is
        negative.
    """
    if isinstance(content, Exposure):
        return content
    fields = {"source": "user", **content}
    particle = fields.get("particle")
    area = _PER_AREA.get(str(particle))
    if area is None:
        raise BadInputError(
            f"exposure: the particle is {particle!r}", fix=f"use one of: {', '.join(_PER_AREA)}"
        )
    units = {**_UNITS, "fluence": area, "fluence_rate": f"{area}/s"}
    for name, unit in units.items():
        value = fields.get(name)
        if isinstance(value, str):
            quantity = _read(name, value, unit, str(particle))
            if quantity.value < 0:
                raise BadInputError(
                    f"exposure: {name} {value!r} is negative, which cannot be",
                    fix="correct the number or its unit",
                )
            fields[name] = quantity.to_json()
        elif isinstance(value, int | float):
            raise BadInputError(
                f"exposure: {name} is {value!r}, without a unit",
                fix=f"write it with its unit, for example {name} = '{value} {unit}'",
            )
    return validated(Exposure, fields, f"exposure to {particle}s")


def _read(name: str, value: str, unit: str, particle: str) -> Quantity:
    try:
        return parse_quantity(value, unit)
    except BadInputError as error:
        volts = None
        if name == "energy" and particle == "electron":
            with suppress(BadInputError):
                volts = parse_quantity(value, "kV").value
        if volts is None:
            raise
        raise BadInputError(
            f"exposure: energy {value!r} is a voltage",
            fix=f"write energy = '{volts:g} keV', which is what {volts:g} kV gives an electron",
        ) from error
