"""What a user states of beam, geometry and time, because no HEXITEC file does.

The ``.hxt`` files that the project simulates carry the same statements in the text of their
prefix, after the word ``simulated``: ``simulated;bins=keV;E1=115;angle=90;dist=130;…``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from consilience.options import choice_option, number_option

__all__ = ["NAMES", "SHORT", "setting_of", "simulated_words"]

NUMBERS: dict[str, tuple[str, str, float, float]] = {
    "incident_energy": ("keV", "115", 1.0, 1000.0),
    "scattering_angle": ("deg", "90", 0.0, 180.0),
    "distance": ("mm", "130", 0.1, 1e5),
    "pixel_pitch": ("um", "250", 1.0, 1e5),
    "live_time": ("s", "3600", 1e-9, 1e9),
    "monitor": ("1", "1.0", 1e-30, 1e30),
}
"""Name: unit, example, least, largest."""
DIRECTIONS = ("+row", "-row", "+column", "-column")

NAMES = (*NUMBERS, "angle_direction")
"""What can be stated."""

SHORT = {
    "incident_energy": "E1",
    "scattering_angle": "angle",
    "distance": "dist",
    "pixel_pitch": "pitch",
    "live_time": "live",
    "monitor": "mon",
    "angle_direction": "dir",
}
"""Names in the prefix of a simulated ``.hxt``, which has no more than 100 bytes."""


def setting_of(options: Mapping[str, object], stated: Mapping[str, object]) -> dict[str, Any]:
    """Return the metadata of beam, geometry and time; a user's word wins over the file's.

    Parameters
    ----------
    options : mapping
        Of the reader; other names are left alone.
    stated : mapping
        What the file says, in the same units.

    Returns
    -------
    dict
        Only what is known.

    Raises
    ------
    BadInputError
        Not a number, or out of range.
    """
    both = {**stated, **options}
    found: dict[str, Any] = {}
    for name, (unit, example, low, high) in NUMBERS.items():
        value = number_option(both, name, example, low, high)
        if value is not None:
            found[name] = value if unit == "1" else {"value": value, "unit": unit}
    direction = choice_option(both, "angle_direction", DIRECTIONS)
    if direction is not None:
        found["angle_direction"] = direction
    return found


def simulated_words(prefix: str) -> dict[str, str] | None:
    """Return what the prefix of a simulated file states by long name, or None if it is none."""
    words = [word.strip() for word in prefix.split(";")]
    if not words or words[0].lower() != "simulated":
        return None
    long = {short: name for name, short in SHORT.items()} | {"bins": "bin_unit"}
    pairs = (word.split("=", 1) for word in words[1:] if "=" in word)
    return {long[key]: value for key, value in pairs if key in long}
