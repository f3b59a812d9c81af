"""Quantities at the edge: text such as ``"90 K"`` or ``"-190 degC"`` to a number in one unit.

Pint does the units; nothing of it goes further than this module, because what is
stored is a number beside the name of its unit.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
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
    r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
    r"(?:\s+(?=1\s*/)|\s*(?![\d.]))(\S.*?)\s*$"
)
_NUMBER = r"(?>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
_RANGE = re.compile(
    rf"^\s*{_NUMBER}\s*(?:[^\W\d]+\s*)?(?:\bto\b|–|—|\.\.+|…)\s*{_NUMBER}"
    rf"|^\s*{_NUMBER}\s*-\s*\d"
    rf"|^\s*between\b"
)
_DEVIATION = re.compile(rf"^\s*{_NUMBER}\s*(?:[^\W\d]+\s*)?(?:±|\+/-)")
_COMMA = re.compile(r"^\s*[-+]?\d+,\d")
_NO_UNIT = re.compile(r"[^\w\s°ÅΩ⁻¹²³·×./*^()+-]")
"""Characters that are in no unit; pint drops some of them, and ``0,1 ppm`` would be 0 ppm."""
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
    "Torr": "torr",
    "mTorr": "mtorr",
    "deg C": "degC",
    "℃": "degC",
}
_PLAIN: dict[tuple[str, str], tuple[float, float]] = {
    ("degC", "K"): (1.0, 273.15),
    ("min", "s"): (60.0, 0.0),
    ("h", "s"): (3600.0, 0.0),
    ("d", "s"): (86400.0, 0.0),
    ("d", "h"): (24.0, 0.0),
    ("mbar", "Pa"): (100.0, 0.0),
    ("Pa", "mbar"): (0.01, 0.0),
    ("kV", "V"): (1e3, 0.0),
    ("mm", "m"): (1e-3, 0.0),
    ("um", "m"): (1e-6, 0.0),
    ("nm", "m"): (1e-9, 0.0),
}
"""Factor and zero of what rules and steps need most: pint takes 0.4 s to start."""
_MEANT = {
    **dict.fromkeys(("C", "c", "oC"), "degC"),
    **dict.fromkeys(("F", "f", "oF", "deg F"), "degF"),
    **dict.fromkeys(("k", "Kelvin", "deg K", "degK", "°K"), "K"),
    **dict.fromkeys(("PA", "pa"), "Pa"),
    **dict.fromkeys(("Mbar", "mBar", "MBAR", "mbr"), "mbar"),
    **dict.fromkeys(("TORR",), "torr"),
    **dict.fromkeys(("KeV", "kev", "KEV"), "keV"),
    **dict.fromkeys(("KV", "kv"), "kV"),
    **dict.fromkeys(("M", "m", "Min", "mins."), "min"),
    **dict.fromkeys(("H", "hr.", "Hours"), "h"),
    **dict.fromkeys(("D", "Days"), "d"),
    **dict.fromkeys(("S", "Sec", "secs"), "s"),
    **dict.fromkeys(("PPM",), "ppm"),
}
"""What is written for a unit, and the unit that was meant if that one has the right dimension."""


@cache
def _registry() -> pint.UnitRegistry[Any]:
    import pint

    registry: pint.UnitRegistry[Any] = pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
    registry.define("ppm = 1e-6")
    registry.define("ppb = 1e-9")
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
    text = text.replace("\N{MINUS SIGN}", "-")
    if _RANGE.match(text) or _DEVIATION.match(text):
        between = _RANGE.match(text) is not None
        raise BadInputError(
            f"{text!r} is a {'range' if between else 'number with a deviation'}, not one quantity",
            fix="write one number with its unit; a condition also takes a bound, such as '< 100 K'"
            if between
            else "write the number alone, '90 K'; in study.toml a table takes the deviation: "
            '{ value = 90, unit = "K", std_stat = 2 }',
        )
    if _COMMA.match(text):
        raise BadInputError(
            f"{text!r}: a comma in a number can be a decimal point or a separator of thousands",
            fix="write a decimal point, and no separators: '0.1 ppm', '1000 s'",
        )
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
    if unit == to:
        return value
    if (unit, to) in _PLAIN:
        scale, zero = _PLAIN[unit, to]
        return float(f"{value * scale + zero:.12g}")
    import pint

    source, target = _unit(unit, text or unit), _unit(to, to)
    try:
        answer = _registry().Quantity(value, source).to(target).magnitude
    except pint.DimensionalityError as error:
        raise BadInputError(
            f"{text or f'{value} {unit}'!r} cannot be converted to {to}: {unit} measures something "
            "else",
            fix=_meant(unit, target) or f"give a quantity in a unit like {to}",
        ) from error
    return float(f"{answer:.12g}")


@lru_cache(maxsize=512)
def _parsed(name: str) -> pint.Unit:
    return _registry().Unit(name)


def _unit(name: str, text: str) -> pint.Unit:
    import pint

    try:
        if len(name) > 60 or _TOWER.search(name) or _NO_UNIT.search(name):
            raise ValueError("no unit is written so")
        return _parsed(name)
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
            fix=_meant(name)
            or "write units as in 'K', 'degC', 'mbar', '1/angstrom', 'nm', 'keV', 'ppm', 's'",
        ) from error


def _meant(name: str, to: pint.Unit | None = None) -> str | None:
    """Return a hint at the unit that `name` stands for, if it has the dimension of `to`."""
    meant = _MEANT.get(name)
    if to is not None:
        if meant is not None and not _registry().Unit(meant).is_compatible_with(to):
            meant = None
        if meant is None and "angstrom" in str(to):
            angstrom = re.sub(r"\bA(?![a-zA-Z])", "angstrom", name)
            if angstrom != name and _unit(angstrom, name).is_compatible_with(to):
                return "A is the ampere: write Å or angstrom"
        if meant is None and str(to).endswith("electron_volt") and name.endswith("V"):
            return f"write {name[:-1]}eV: an electron accelerated by 1 kV has 1 keV"
    return None if meant is None else f"did you mean {meant}?"


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
    if _QUANTITY.match(text.replace("\N{MINUS SIGN}", "-")):
        try:
            return parse_quantity(text)
        except BadInputError:
            return text
    return text
