"""Spacings of the phases of the interphase, for naming rings.

References
----------
.. [1] Crystallography Open Database and the cells of the project's reference list; at 20 °C.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from consilience.errors import BadInputError

__all__ = ["LATTICES", "Lattice", "Line", "lattice_of", "lines_of_lattice"]


@dataclass(frozen=True)
class Lattice:
    """A cubic cell: `a` in Å; centring P, I or F, or D for diamond."""

    formula: str
    space_group: int
    a: float
    centring: str


@dataclass(frozen=True)
class Line:
    """A family of planes: hkl and d in Å."""

    hkl: tuple[int, int, int]
    d: float

    @property
    def label(self) -> str:
        """Such as ``(111)``."""
        return "(" + "".join(str(i) for i in self.hkl) + ")"


LATTICES: dict[str, Lattice] = {
    one.formula: one
    for one in (
        Lattice("LiF", 225, 4.0263, "F"),
        Lattice("Pt", 225, 3.9231, "F"),
        Lattice("Li2O", 225, 4.614, "F"),
        Lattice("Li", 229, 3.51, "I"),
        Lattice("Cr", 229, 2.885, "I"),
        Lattice("Si", 227, 5.4310, "D"),
        Lattice("Au", 225, 4.0786, "F"),
        Lattice("Al", 225, 4.0495, "F"),
    )
}
"""Formula to cell; phases that are not cubic are not in the list."""


def lattice_of(formula: str) -> Lattice:
    """Return a cell of the list.

    Raises
    ------
    BadInputError
        It is not in the list.
    """
    try:
        return LATTICES[formula]
    except KeyError:
        raise BadInputError(
            f"the cell of {formula!r} is not known here", fix=f"name one of {', '.join(LATTICES)}"
        ) from None


def lines_of_lattice(lattice: Lattice, smallest: float) -> tuple[Line, ...]:
    """Return the allowed lines with d of `smallest` Å and more, from the largest d on."""
    top = int(lattice.a / smallest) + 1
    found = []
    for h, k, l in itertools.product(range(top + 1), repeat=3):  # noqa: E741
        if h >= k >= l and h > 0 and _allowed(lattice.centring, (h, k, l)):
            d = lattice.a / math.sqrt(h * h + k * k + l * l)
            if d >= smallest:
                found.append(Line((h, k, l), d))
    return tuple(sorted(found, key=lambda line: (-line.d, line.hkl)))


def _allowed(centring: str, hkl: tuple[int, int, int]) -> bool:
    total = sum(hkl)
    if centring == "I":
        return total % 2 == 0
    if centring in ("F", "D"):
        one_kind = len({i % 2 for i in hkl}) == 1
        if centring == "D" and all(i % 2 == 0 for i in hkl):
            return one_kind and total % 4 == 0
        return one_kind
    return True
