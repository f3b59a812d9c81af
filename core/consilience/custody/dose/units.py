"""Units of dose: each particle's fluence in the unit of its field, and text as people write it."""

from __future__ import annotations

import re
from typing import Literal

from consilience.errors import BadInputError
from consilience.model.base import Quantity
from consilience.quantities import convert, parse_quantity

__all__ = ["FLUENCE_UNITS", "Particle", "energy_in_kev", "number_in", "quantity_in", "shown"]

Particle = Literal["electron", "photon", "ion"]

FLUENCE_UNITS: dict[str, str] = {
    "electron": "1/angstrom^2",
    "photon": "1/um^2",
    "ion": "1/nm^2",
}
"""Particle to the unit in which its fluence is added up; a rate has ``/s`` behind it."""

_COUNTED = re.compile(r"^\s*(?:e⁻|e-|e|electrons?|photons?|ions?|ph)\s*(?=/)", re.IGNORECASE)
_SIGNS = str.maketrans({"Å": "angstrom", "²": "^2", "µ": "u", "μ": "u", "⁻": "-", "·": "/"})
_SHOWN = {
    "1/angstrom^2": "e/Å²",
    "1/angstrom^2/s": "e/Å²/s",
    "1/um^2": "photons/µm²",
    "1/um^2/s": "photons/µm²/s",
    "1/nm^2": "ions/nm²",
    "1/nm^2/s": "ions/nm²/s",
    "1": "",
}


def _plain(unit: str) -> str:
    """Return a unit as pint reads it: ``e/Å²/s`` counts electrons, not elementary charges."""
    return _COUNTED.sub("1", unit).translate(_SIGNS)


def quantity_in(said: Quantity | str, unit: str) -> Quantity:
    """Return a quantity in `unit`; text such as ``"17 pA"`` or ``"100 e/Å²/s"`` is read.

    Raises
    ------
    BadInputError
        No number with a unit, or a unit that measures something else.
    """
    if isinstance(said, str):
        match = re.match(r"^\s*(\S+)\s+(.+)$", said)
        said = parse_quantity(said if match is None else f"{match[1]} {_plain(match[2])}")
    source = _plain(said.unit)
    if source == unit:
        return said.model_copy(update={"unit": unit})
    text = f"{said.value:g} {said.unit}"
    scale = convert(1.0, source, unit, text) if _linear(source) else None
    return Quantity(
        value=convert(said.value, source, unit, text),
        unit=unit,
        std_stat=None if said.std_stat is None or scale is None else said.std_stat * abs(scale),
        std_sys=None if said.std_sys is None or scale is None else said.std_sys * abs(scale),
    )


def _linear(unit: str) -> bool:
    return unit not in ("degC", "degF", "celsius", "fahrenheit")


def number_in(said: Quantity | str | None, unit: str) -> float | None:
    """Return the number of a quantity in `unit`; None stays None."""
    return None if said is None else quantity_in(said, unit).value


def energy_in_kev(said: Quantity | str | None, particle: Particle) -> float | None:
    """Return a particle's energy in keV; a voltage is one of a singly charged particle."""
    if said is None:
        return None
    quantity = parse_quantity(said) if isinstance(said, str) else said
    try:
        return number_in(quantity, "keV")
    except BadInputError:
        if particle == "photon":
            raise
        return number_in(quantity, "kV")


def shown(value: float | None, unit: str) -> str:
    """Return a number with its unit as the field writes it: ``1750 e/Å²``, ``unknown``."""
    if value is None:
        return "unknown"
    name = _SHOWN.get(unit, unit)
    text = f"{value:.4g}"
    if "e+" in text and abs(value) < 1e7:
        text = f"{float(text):.0f}"
    return f"{text} {name}".rstrip()
