"""What a user gave a reader as ``--option name=value``, made into numbers and choices.

An option comes as text from the command line and as a number or a boolean from TOML or
Python; each function takes both, and refuses what is neither.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from consilience.errors import BadInputError

__all__ = [
    "BEAM_OPTION",
    "SIZE_OPTIONS",
    "choice_option",
    "flag_option",
    "length_option",
    "number_option",
]

BEAM_OPTION = {
    "beam_size": 'size of the beam across, as in "2 um", where the file states none or a wrong one',
}
SIZE_OPTIONS = {
    **BEAM_OPTION,
    "path_length": 'how much of the sample a beam in transmission goes through, as in "25 um"',
}
"""What readers of any technique may be told of the beam; see `consilience.sizes`."""


def number_option(
    options: Mapping[str, object],
    name: str,
    example: str,
    low: float = -math.inf,
    high: float = math.inf,
) -> float | None:
    """Return a finite number within ``[low, high]``, or None if the option is not given.

    Parameters
    ----------
    example : str
        A value that makes sense, for the message.

    Raises
    ------
    BadInputError
        Not a number, not finite, or out of range.
    """
    if name not in options:
        return None
    given = options[name]
    value = math.nan
    if isinstance(given, str | int | float) and not isinstance(given, bool):
        try:
            value = float(given)
        except (ValueError, OverflowError):
            value = math.nan
    if not math.isfinite(value) or not low <= value <= high:
        bounds = "" if low == -math.inf and high == math.inf else f" from {low:g} to {high:g}"
        raise BadInputError(
            f"option {name}={given!r} is not a number{bounds}",
            fix=f"give a plain number, for example --option {name}={example}",
        )
    return value


def length_option(options: Mapping[str, object], name: str) -> dict[str, float | str] | None:
    """Return a length above 0 as metadata hold it, or None if the option is not given.

    Returns
    -------
    dict or None
        ``{"value", "unit"}``, in the unit that was written.

    Raises
    ------
    BadInputError
        No number with a unit of length, or not above 0.
    """
    from consilience.quantities import convert, parse_quantity

    if name not in options:
        return None
    given = options[name]
    try:
        found = parse_quantity(given if isinstance(given, str) else "")
        metres = convert(found.value, found.unit, "m")
    except BadInputError:
        metres = 0.0
    if not 0.0 < metres < math.inf:
        raise BadInputError(
            f"option {name}={given!r} is no length above 0 with its unit",
            fix=f'write for example --option {name}="2 um"',
        )
    return {"value": found.value, "unit": found.unit}


def flag_option(options: Mapping[str, object], name: str) -> bool:
    """Return True or False (the default).

    Raises
    ------
    BadInputError
        Neither ``true`` nor ``false``.
    """
    given = options.get(name, False)
    if isinstance(given, bool):
        return given
    if isinstance(given, str) and given.lower() in ("true", "false"):
        return given.lower() == "true"
    raise BadInputError(
        f"option {name}={given!r} is neither true nor false", fix=f"write --option {name}=true"
    )


def choice_option(options: Mapping[str, object], name: str, choices: Sequence[str]) -> str | None:
    """Return one of `choices`, or None if the option is not given.

    Raises
    ------
    BadInputError
        Something else was given.
    """
    if name not in options:
        return None
    given = options[name]
    if isinstance(given, str) and given in choices:
        return given
    raise BadInputError(
        f"option {name}={given!r} is none of {', '.join(choices)}",
        fix=f"write for example --option {name}={choices[0]}",
    )
