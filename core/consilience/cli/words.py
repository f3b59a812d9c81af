"""Reading ``name=value`` words of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from consilience.errors import BadInputError

__all__ = [
    "companions",
    "constituents",
    "listed",
    "options",
    "pairs",
    "params",
    "reading",
    "region",
    "values",
]


_EXAMPLES = {
    "--option": "axis=two_theta",
    "--with": "geometry=detector.poni",
    "--state": "cycle=50",
    "--condition": '"temperature=-190 degC"',
    "--param": "k=3.0",
}


def pairs(words: list[str] | None, option: str) -> dict[str, str]:
    """Split ``name=value`` words.

    Raises
    ------
    BadInputError
        A word has no ``=``, or a name comes twice.
    """
    found: dict[str, str] = {}
    for word in words or []:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise BadInputError(
                f"{option} {word!r} is not of the form name=value",
                fix=f"write for example {option} {_EXAMPLES.get(option, 'name=value')}",
            )
        if name in found:
            raise BadInputError(f"{option} {name!r} is given twice", fix="give it once")
        found[name] = value
    return found


def values(words: list[str] | None, option: str) -> dict[str, Any]:
    """Split ``name=value`` words, with numbers and quantities read as such."""
    from consilience.quantities import parse_value

    return {name: parse_value(value) for name, value in pairs(words, option).items()}


def options(words: list[str] | None) -> dict[str, Any]:
    """Split reader options; numbers and true/false are read as such, all else stays text."""
    from consilience.model.base import Quantity
    from consilience.quantities import parse_value

    found: dict[str, Any] = {}
    for name, text in pairs(words, "--option").items():
        value = parse_value(text)
        found[name] = text if isinstance(value, Quantity) else value
    return found


def companions(words: list[str] | None) -> dict[str, Path]:
    """Split ``role=FILE`` words."""
    return {role: Path(name) for role, name in pairs(words, "--with").items()}


def listed(text: str) -> list[str]:
    """Split words at commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


@contextmanager
def reading(option: str, example: str) -> Iterator[None]:
    """Name the option whose text cannot be used, and give an example that fits it."""
    try:
        yield
    except BadInputError as error:
        generic = error.fix.startswith(("write number, space, unit", "give a quantity in a unit"))
        write = f"write for example {option} {example}"
        raise BadInputError(
            f"{option}: {error.what}", fix=write if generic else f"{error.fix}; {write}"
        ) from error


def constituents(words: list[str] | None) -> list[dict[str, Any]]:
    """Split ``formula[:space group][=mass fraction]`` words."""
    found = []
    for word in words or []:
        subject, _, fraction = word.partition("=")
        formula, _, group = subject.partition(":")
        part: dict[str, Any] = {"formula": formula}
        try:
            if group:
                part["space_group"] = int(group)
            if fraction:
                part["mass_fraction"] = float(fraction)
        except ValueError as error:
            raise BadInputError(
                f"--constituent {word!r} is not of the form formula:space-group=mass-fraction",
                fix="write for example --constituent LiF:225=0.25",
            ) from error
        found.append(part)
    return found


def region(text: str | None, frame: str | None) -> dict[str, Any] | None:
    """Read where something was cut: shape, points, unit; and the frame they stand in."""
    if text is None:
        return None
    shape, *rest = text.split()
    if frame is None:
        raise BadInputError(
            f"--cut {text!r} does not say in which frame",
            fix='name the map or image that the coordinates belong to: --frame "chip map"',
        )
    try:
        *points, unit = rest
        coordinates = [[float(x) for x in point.split(",")] for point in points]
    except ValueError as error:
        raise BadInputError(
            f"--cut {text!r} is not of the form: shape, points, unit",
            fix='write for example --cut "box 10,4 22,9 um" --frame "chip map"',
        ) from error
    return {"shape": shape, "coordinates": coordinates, "unit": unit, "frame": frame}


def params(words: list[str] | None) -> dict[str, Any]:
    """Split parameters: TOML values such as 3.0, true, [1, 2], or text; ``fit.low`` is in a table.

    Raises
    ------
    BadInputError
        A word has no ``=``, or a name comes twice, or as a value and as a table.
    """
    import tomllib

    found: dict[str, Any] = {}
    for name, text in pairs(words, "--param").items():
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        *parts, last = name.split(".")
        table: Any = found
        for part in parts:
            table = table.setdefault(part, {}) if isinstance(table, dict) else None
        if not isinstance(table, dict) or last in table:
            raise BadInputError(
                f"--param {name!r} stands beside another that gives all or part of it",
                fix=f"give {name.partition('.')[0]!r} once, or only its parts",
            )
        table[last] = value
    return found
