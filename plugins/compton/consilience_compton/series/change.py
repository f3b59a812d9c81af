"""Changes between states, with errors, and what a published sentence means by them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from consilience.errors import BadInputError

__all__ = [
    "Change",
    "Extraction",
    "capacity_to_lithium",
    "extraction",
    "relative_change",
]

FARADAY = 96485.33212
"""C/mol (CODATA 2022)."""


@dataclass(frozen=True)
class Change:
    """(to − from) / from.

    Parameters
    ----------
    value : float
    std : float or None
        From independent errors of both ends; None where one is not known.
    """

    value: float
    std: float | None


def relative_change(
    first: float, second: float, first_std: float | None = None, second_std: float | None = None
) -> Change:
    """Return how much larger `second` is than `first`, relative to `first`.

    Raises
    ------
    BadInputError
        The first is 0, or a number is none.
    """
    if not (math.isfinite(first) and math.isfinite(second)) or first == 0.0:
        raise BadInputError(
            f"no relative change from {first:g} to {second:g}",
            fix="the first state needs a value other than 0",
        )
    ratio = second / first
    std = None
    if first_std is not None and second_std is not None:
        std = math.hypot(second_std / first, ratio * first_std / first)
    return Change(ratio - 1.0, std)


@dataclass(frozen=True)
class Extraction:
    """Lithium taken out at two rates, said in the two ways that it can be.

    Parameters
    ----------
    less_left : float
        1 − x(slow, end)/x(fast, end): how much less lithium is *left*.
    slow, fast : float
        Lithium taken out, x(first) − x(end).
    factor : float or None
        slow / fast; None where nothing was taken out at the fast rate.
    """

    less_left: float
    slow: float
    fast: float
    factor: float | None


def extraction(slow: tuple[float, float], fast: tuple[float, float]) -> Extraction:
    """Return what two cells say, each by x at first and at the end of charge."""
    if fast[1] == 0.0:
        raise BadInputError(
            "nothing is left at the fast rate: no ratio to it", fix="compare what was taken out"
        )
    out = slow[0] - slow[1], fast[0] - fast[1]
    factor = out[0] / out[1] if out[1] else None
    return Extraction(1.0 - slow[1] / fast[1], out[0], out[1], factor)


def capacity_to_lithium(capacity: float, molar_mass: float) -> float:
    """Return the change of x for a capacity: Δx = Q M / F.

    Parameters
    ----------
    capacity : float
        mAh per gram of the oxide as made (x = 1).
    molar_mass : float
        Of it, g/mol.
    """
    if not np.isfinite(capacity) or capacity < 0.0:
        raise BadInputError(f"a capacity of {capacity:g} mAh/g", fix="give 0 or more")
    return capacity * 3.6 * molar_mass / FARADAY
