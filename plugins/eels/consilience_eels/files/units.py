"""Units as microscopes write them, and the one of each sort that measurements have."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import NamedTuple

__all__ = ["ENERGY", "Known", "known_unit"]


class Known(NamedTuple):
    """A unit of the same dimension to convert to, and the factor; `sort` names the dimension."""

    unit: str
    factor: float
    sort: str


_LENGTH = {
    "pm": 1e-3,
    "å": 0.1,
    "a": 0.1,
    "angstrom": 0.1,
    "nm": 1.0,
    "um": 1e3,
    "mm": 1e6,
    "cm": 1e7,
    "m": 1e9,
}
_TIME = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "us": 1e-6}
_RECIPROCAL = {
    "1/nm": 1.0,
    "nm^-1": 1.0,
    "nm-1": 1.0,
    "1/å": 10.0,
    "å^-1": 10.0,
    "1/a": 10.0,
    "1/angstrom": 10.0,
    "1/um": 1e-3,
    "um^-1": 1e-3,
    "1/pm": 1e3,
    "1/m": 1e-9,
}
_ANGLE = {"mrad": 1.0, "rad": 1e3}
ENERGY = {"ev": 1.0, "kev": 1e3}
"""In eV."""


def known_unit(said: object) -> Known | None:
    """Return what a stated unit means; None if it says nothing or is not known.

    Examples
    --------
    >>> known_unit("µm")
    Known(unit='nm', factor=1000.0, sort='length')
    >>> known_unit("furlong") is None
    True
    """
    if not isinstance(said, str):
        return None
    text = said.strip().replace("µ", "u").replace("μ", "u").replace(" ", "")
    name = text.lower() if text != "A" else "a"
    for table, unit, sort in (
        (_LENGTH, "nm", "length"),
        (_TIME, "s", "time"),
        (_RECIPROCAL, "1/nm", "reciprocal"),
        (_ANGLE, "mrad", "angle"),
        (ENERGY, "eV", "energy"),
    ):
        if name in table:
            return Known(unit, table[name], sort)
    return None
