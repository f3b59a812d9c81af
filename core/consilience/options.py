"""What a user gave a reader as ``--option name=value``, made into numbers and choices.

An option comes as text from the command line and as a number or a boolean from TOML or
Python; each function takes both, and refuses what is neither.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from consilience.errors import BadInputError

__all__ = ["choice_option", "flag_option", "number_option"]


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
