"""A figure as a text prints it: a number with its digits, or a bound."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal

from consilience.errors import BadInputError

__all__ = ["Stated"]

_NUMBER = re.compile(r"^[+-]?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,2})?$")
_BOUND = re.compile(r"^(<=|>=|<|>)\s*(.+)$")


@dataclass(frozen=True)
class Stated:
    """What a text says of a number: every number from `low` to `high` is printed so.

    Parameters
    ----------
    text : str
    low, high : float
        Infinite on the open side of a bound.
    value : float
        The number, or the bound.
    half : float
        Half a unit of the last digit; 0 for a bound.
    strict : bool
        Of a bound: it does not count itself.
    """

    text: str
    low: float
    high: float
    value: float
    half: float
    strict: bool = False

    @classmethod
    def read(cls, text: str) -> Stated:
        """Read ``"61"``, ``"-0.0132"``, ``"1.75e-4"``, ``"> 2"`` or ``"<= 0.01"``.

        Raises
        ------
        BadInputError
        """
        plain = text.strip().replace("\N{MINUS SIGN}", "-")
        bound = _BOUND.match(plain)
        digits = bound[2].strip() if bound else plain
        if not _NUMBER.match(digits):
            raise BadInputError(
                f"{text!r} is no figure as a text prints it",
                fix="write the digits as they are printed, '61' or '0.0132', or a bound, '> 2'",
            )
        value = float(digits)
        if bound:
            up = bound[1].startswith(">")
            low, high = (value, math.inf) if up else (-math.inf, value)
            return cls(f"{bound[1]} {digits}", low, high, value, 0.0, len(bound[1]) == 1)
        exponent = Decimal(digits).as_tuple().exponent
        half = 0.5 * 10.0 ** int(exponent)
        return cls(digits, value - half, value + half, value, half)

    @property
    def bound(self) -> bool:
        """Whether it is a bound."""
        return math.isinf(self.low) or math.isinf(self.high)

    def holds(self, value: float) -> bool:
        """Return whether a number would be printed so; the edges count."""
        slack = 0.0 if self.strict else 1e-9 * max(abs(self.value), abs(value), self.half)
        if self.strict and value == self.value:
            return False
        return self.low - slack <= value <= self.high + slack

    def reached(self, low: float, high: float) -> bool:
        """Return whether any number from low to high would be printed so."""
        if self.strict and low == high == self.value:
            return False
        slack = 1e-9 * max(abs(self.value), abs(low), abs(high), self.half)
        return low <= self.high + slack and high >= self.low - slack

    def gap(self, low: float, high: float) -> float:
        """Return how far an interval lies from it; 0 where they meet."""
        return max(0.0, low - self.high, self.low - high)
