"""Quantities at the edge: text such as ``"90 K"`` or ``"-190 degC"`` to a number in one unit.

Pint does the units; nothing of it goes further than this module, because what is
stored is a number beside the name of its unit.
"""

from __future__ import annotations

import re
from functools import cache
from tokenize import TokenError
from typing import TYPE_CHECKING, Any

from consilience.errors import BadInputError
from consilience.model.base import Quantity

if TYPE_CHECKING:
    import pint

__all__ = ["UNITS", "convert", "parse_quantity", "parse_value"]

UNITS: dict[str, str] = {
    "temperature": "K",
    "pressure": "Pa",
    "duration": "s",
    "energy": "keV",
    "voltage": "V",
    "current": "A",
    "length": "nm",
}
"""The one unit in which each kind of condition is stored."""

_QUANTITY = re.compile(
    r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?:\s+(?=1\s*/)|\s*(?!\d))(\S.*?)\s*$"
)
_TOWER = re.compile(r"(?:\*\*|\^)\s*[-+(]*\s*(?:\d{3}|[\d.]*\s*\)*\s*(?:\*\*|\^))")
"""Powers of powers, and exponents of three digits: a number that takes for ever to work out."""
_COUNTED = re.compile(r"^(?:e|e-|e⁻|electrons?|ph|photons?|ions?)\s*/\s*")
_NAMES = {
    "Å": "angstrom",
    "Å⁻¹": "1/angstrom",
    "µm": "um",
    "°C": "degC",
    "°": "deg",
    "%": "percent",
}


@cache
def _registry() -> pint.UnitRegistry[Any]:
    import pint

    registry: pint.UnitRegistry[Any] = pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
    registry.define("ppm = 1e-6")
    return registry


def parse_quantity(text: str, unit: str | None = None) -> Quantity:
    """Read a number with its unit, converted to `unit` where one is given.

    Parameters
    ----------
    text : str
        Such as ``"90 K"``, ``"-190 degC"``, ``"1e-9 mbar"``.
    unit : str, optional
        Unit to convert to; the given one is kept otherwise.

    Raises
    ------
    BadInputError
        No number, no unit, an unknown unit, or one of another dimension.

    Examples
    --------
    >>> parse_quantity("-190 degC", "K").value
    83.15
    """
    match = _QUANTITY.match(text)
    if match is None:
        raise BadInputError(
            f"{text!r} is not a quantity with a unit",
            fix=f"write number, space, unit, for example '90 {unit or 'K'}'",
        )
    number, name = float(match[1]), _NAMES.get(match[2], match[2])
    if unit is not None and unit.startswith("1/"):
        name = _COUNTED.sub("1/", name)  # "40 e/Å^2": what is counted is no unit
    if unit is None:
        _unit(name, text)
        return Quantity(value=number, unit=name)
    return Quantity(value=convert(number, name, unit, text), unit=unit)


def convert(value: float, unit: str, to: str, text: str | None = None) -> float:
    """Convert a number from one unit to another; rounding noise of the last digits is removed.

    Raises
    ------
    BadInputError
        A unit is unknown, or the two have different dimensions.
    """
    import pint

    if unit == to:
        return value
    source, target = _unit(unit, text or unit), _unit(to, to)
    try:
        answer = _registry().Quantity(value, source).to(target).magnitude
    except pint.DimensionalityError as error:
        raise BadInputError(
            f"{text or f'{value} {unit}'!r} cannot be converted to {to}: {unit} measures something "
            "else",
            fix=f"give a quantity in a unit like {to}",
        ) from error
    return float(f"{answer:.12g}")


def _unit(name: str, text: str) -> pint.Unit:
    import pint

    try:
        if len(name) > 60 or _TOWER.search(name):
            raise ValueError("no unit is written so")
        return _registry().Unit(name)
    except (
        pint.UndefinedUnitError,
        pint.DefinitionSyntaxError,
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        SyntaxError,
        TokenError,
        TypeError,
        ValueError,
    ) as error:
        raise BadInputError(
            f"{text!r}: the unit {name!r} is not known",
            fix="write units as in 'K', 'degC', 'mbar', '1/angstrom', 'nm', 'keV', 'ppm', 's'",
        ) from error


def parse_value(text: str) -> str | bool | int | float | Quantity:
    """Read what stands right of ``=`` in ``--state`` and ``--option``: number, quantity or text."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        pass
    else:
        return number if number - number == 0.0 else text
    if _QUANTITY.match(text):
        try:
            return parse_quantity(text)
        except BadInputError:
            return text
    return text
