"""Formulas as atomic fractions, and the range of compositions in which a phase exists."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import Field, model_validator

from consilience.model.base import FrozenModel
from consilience.model.elements import SYMBOLS

__all__ = ["Homogeneity", "Ranges", "fractions_of_formula"]

_TOKEN = re.compile(r"([A-Z][a-z]?|\(|\))(\d+(?:\.\d+)?|\.\d+)?")

Ranges = dict[str, tuple[float, float]]
Fraction = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]


def fractions_of_formula(formula: str) -> dict[str, float] | None:
    """Return atomic fractions of a formula, or None if it is not written with element symbols.

    Examples
    --------
    >>> fractions_of_formula("Li2(CO3)")["Li"]
    0.3333333333333333
    """
    text = formula.replace(" ", "")
    stack: list[dict[str, float]] = [{}]
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            return None
        place = match.end()
        what, times = match[1], float(match[2] or 1.0)
        if what == "(":
            if match[2]:
                return None
            stack.append({})
            continue
        if what == ")":
            if len(stack) == 1:
                return None
            inner = stack.pop()
        elif what in SYMBOLS:
            inner = {what: 1.0}
        else:
            return None
        for element, amount in inner.items():
            stack[-1][element] = stack[-1].get(element, 0.0) + amount * times
    total = sum(stack[0].values())
    if len(stack) > 1 or not total > 0:
        return None
    return {element: amount / total for element, amount in stack[0].items()}


class Homogeneity(FrozenModel):
    """Compositions in which a phase exists, with where that is from.

    Parameters
    ----------
    line_compound : bool
        It exists at the composition of its formula only.
    ranges : dict of str to (float, float)
        Least and largest atomic fraction in the phase, of all its elements or of all but one.
    citation : str

    Raises
    ------
    ValueError
        Neither or both of the first two; a range that is none; no citation.
    """

    line_compound: bool = False
    ranges: dict[str, tuple[Fraction, Fraction]] = {}
    citation: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if self.line_compound == bool(self.ranges):
            raise ValueError("a homogeneity is either 'line_compound' or has 'ranges'")
        for element, (low, high) in self.ranges.items():
            if element not in SYMBOLS:
                raise ValueError(f"{element!r} is no element symbol")
            if low > high:
                raise ValueError(f"{element}: {low:g} to {high:g} is no range of fractions")
        return self

    def of(self, formula: str) -> Ranges:
        """Return the range of the fraction of each element of a phase.

        Raises
        ------
        ValueError
            The formula is not written with element symbols, or the ranges are of other
            elements, or leave out more than one.
        """
        stated = fractions_of_formula(formula)
        if stated is None:
            raise ValueError(f"{formula!r} is no formula of element symbols")
        if self.line_compound:
            return {e: (x, x) for e, x in stated.items()}
        if not set(self.ranges) <= set(stated):
            raise ValueError(f"the elements of {formula} are {', '.join(stated)}")
        ranges: Ranges = dict(self.ranges)
        rest = [e for e in stated if e not in ranges]
        if len(rest) > 1:
            raise ValueError(f"the ranges leave out {' and '.join(rest)}: give all but one")
        least = sum(low for low, _ in ranges.values())
        most = sum(high for _, high in ranges.values())
        if least > 1.0 + 1e-9 or (not rest and most < 1.0 - 1e-9):
            raise ValueError(f"the fractions of {formula} cannot sum to one in these ranges")
        for e in rest:
            ranges[e] = (max(1.0 - most, 0.0), max(1.0 - least, 0.0))
        return ranges
