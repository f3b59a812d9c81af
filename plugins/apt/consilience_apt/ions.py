"""Ions of the evaporated needle: what they consist of, and where their isotopes lie.

Isotope masses (of neutral atoms) and natural abundances are those of the ``periodictable``
package [1]_; the mass of the lost electrons is subtracted.

References
----------
.. [1] P. A. Kienzle, periodictable, Zenodo, doi:10.5281/zenodo.840347; masses from the atomic
   mass evaluation, abundances from the IUPAC table of isotopic compositions.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache, lru_cache

import periodictable

from consilience.errors import BadInputError
from consilience.model.elements import SYMBOLS

__all__ = [
    "ELECTRON_MASS",
    "Ion",
    "Isotopologue",
    "Stated",
    "has_isotopes",
    "isotopes",
    "isotopologues",
]

Stated = tuple[tuple[str, tuple[tuple[int, float, float], ...]], ...]
"""Abundances that are not natural: symbol, and mass number, fraction and its standard deviation of
each isotope; see `consilience_apt.amounts.abundances.stated_abundances`."""

ELECTRON_MASS = 5.485799090e-4
"""Da; CODATA 2018, rounded to what isotope masses can use."""

# IUPAC Red Book 2005, table VI: non-metals are written last, in this order
_WRITTEN_LAST = ["Ge", "B", "Si", "C", "Sb", "As", "P", "N", "H", "Te", "Se", "S", "I", "Br"]
_WRITTEN_LAST += ["Cl", "O", "F"]
_LEFT_OUT = {"U": {234: 0.000054, 235: 0.007204, 238: 0.992742}}
"""Natural abundances of the IUPAC commission that ``periodictable`` 2.1 leaves out."""
_PART = re.compile(r"([A-Z][a-z]?)(\d*)")
_CHARGE = re.compile(r"^(?P<formula>.*?)(?:\s*\^?(?<=[\s^])(?P<number>\d+)\+|(?P<signs>\++))$")


def _written(symbol: str) -> tuple[int, str]:
    late = symbol in _WRITTEN_LAST
    return (1 + _WRITTEN_LAST.index(symbol), "") if late else (0, symbol)


@dataclass(frozen=True)
class Ion:
    """An ion, or with `charge` None a species whose charge is not stated.

    Parameters
    ----------
    elements : tuple of (str, int)
        Symbol and number of atoms; put into the order in which a formula is written
        (metals first, each element once), so that equal ions are equal.
    charge : int or None
        Number of elementary charges, 1 or more.

    Raises
    ------
    BadInputError
        No atom, an unknown element, a number or a charge below one.
    """

    elements: tuple[tuple[str, int], ...]
    charge: int | None = None

    def __post_init__(self) -> None:
        counts: dict[str, int] = {}
        for symbol, number in self.elements:
            if symbol not in SYMBOLS:
                raise BadInputError(
                    f"{symbol!r} is no chemical element", fix="write its symbol, such as Si"
                )
            if number < 1:
                raise BadInputError(
                    f"an ion with {number} atoms of {symbol}", fix="give one or more of each"
                )
            counts[symbol] = counts.get(symbol, 0) + number
        if not counts:
            raise BadInputError("an ion without atoms", fix="name its elements, such as Cr2O")
        if self.charge is not None and self.charge < 1:
            raise BadInputError(
                f"an ion with a charge of {self.charge}", fix="charges are 1, 2, 3 …"
            )
        ordered = tuple(sorted(counts.items(), key=lambda pair: _written(pair[0])))
        object.__setattr__(self, "elements", ordered)

    @property
    def formula(self) -> str:
        """Elements with their numbers, such as ``Cr2O``; the charge is left out."""
        return "".join(
            f"{symbol}{number if number > 1 else ''}" for symbol, number in self.elements
        )

    @property
    def name(self) -> str:
        """Formula with one sign for each charge, such as ``Si++``."""
        return self.formula + "+" * (self.charge or 0)

    @property
    def atoms(self) -> int:
        """Number of atoms."""
        return sum(number for _, number in self.elements)

    def with_charge(self, charge: int | None) -> Ion:
        """Return the same atoms with another charge."""
        return Ion(self.elements, charge)

    @classmethod
    def parse(cls, text: str) -> Ion:
        """Read ``Cr2O``, ``Si++``, ``Si 2+``, ``Si^2+`` or, as in .rrng files, ``Cr:2 O:1``.

        ``Si2+`` is Si₂⁺: a number that touches an element counts atoms.

        Raises
        ------
        BadInputError
            It is none of these, or names no element.
        """
        rest, charge = text.strip(), None
        found = _CHARGE.match(rest)
        if found:
            rest = found["formula"].strip()
            charge = int(found["number"]) if found["number"] else len(found["signs"])
        if ":" in rest:
            parts: list[tuple[str, str]] = []
            for part in rest.split():
                symbol, colon, number = part.partition(":")
                if not colon or not re.fullmatch(r"[A-Z][a-z]?", symbol) or not number.isdecimal():
                    raise _unreadable(text)
                parts.append((symbol, number))
        else:
            joined = "".join(rest.split())
            parts = _PART.findall(joined)
            if "".join(symbol + number for symbol, number in parts) != joined:
                raise _unreadable(text)
        if not parts:
            raise _unreadable(text)
        return cls(tuple((symbol, int(number or 1)) for symbol, number in parts), charge)


def _unreadable(text: str) -> BadInputError:
    return BadInputError(f"{text!r} is no ion", fix="write it as Cr2O, Si++, 'Si 2+' or 'Cr:2 O:1'")


@dataclass(frozen=True)
class Isotopologue:
    """One combination of isotopes: `mass_to_charge` (Da), `abundance` (0 to 1), `label`."""

    mass_to_charge: float
    abundance: float
    label: str


@cache
def isotopes(symbol: str, stated: Stated = ()) -> tuple[tuple[int, float, float], ...]:
    """Return mass number, mass of the neutral atom (Da) and abundance (0 to 1) of each.

    Natural abundances, unless others are `stated` for this element.  The abundances of an
    element add up to one; isotopes that nature lacks, or that were stated as 0, are left out.

    Raises
    ------
    BadInputError
        Unknown element, or one without natural isotopes (Tc, Pm, Po …).
    """
    if symbol not in SYMBOLS:
        raise BadInputError(f"{symbol!r} is no chemical element", fix="write its symbol")
    element = getattr(periodictable, symbol)
    abundances = {int(n): float(element[n].abundance) for n in element.isotopes}
    if not any(abundances.values()):
        abundances = _LEFT_OUT.get(symbol, {})
    found = [
        (number, float(element[number].mass), abundance)
        for number, abundance in abundances.items()
        if abundance > 0
    ]
    if not found:
        raise BadInputError(
            f"{symbol} has no natural isotopes, so where its ions lie is not known",
            fix="leave it out of the ions that are looked for",
        )
    for name, given in stated:
        if name == symbol:
            named = {number: fraction for number, fraction, _ in given}
            found = [(n, mass, named.get(n, 0.0)) for n, mass, _ in found if named.get(n, 0.0) > 0]
    total = math.fsum(abundance for _, _, abundance in found)
    return tuple((number, mass, abundance / total) for number, mass, abundance in found)


def has_isotopes(symbol: str) -> bool:
    """Whether nature has isotopes of an element; Tc, Pm, Po … have none."""
    try:
        return bool(isotopes(symbol))
    except BadInputError:
        return False


@lru_cache(maxsize=4096)
def _combinations(
    elements: tuple[tuple[str, int], ...], floor: float, stated: Stated = ()
) -> tuple[tuple[float, float, str], ...]:
    """Mass (Da, neutral), abundance and label of each combination above `floor`."""
    # key: how many of each isotope; what is below the floor can only become rarer
    known: dict[tuple[tuple[str, int], ...], tuple[float, float]] = {(): (0.0, 1.0)}
    for symbol, atoms in elements:
        for taken in range(1, atoms + 1):
            further: dict[tuple[tuple[str, int], ...], tuple[float, float]] = {}
            for key, (mass, chance) in known.items():
                last = key[-1][1] if taken > 1 else 0
                for number, isotope, abundance in isotopes(symbol, stated):
                    if number < last:  # the same isotopes in another order
                        continue
                    same = sum(1 for pair in key if pair == (symbol, number))
                    # each step of the multinomial: taken!/(same)! grows as taken/(same + 1)
                    grown = chance * abundance * taken / (same + 1)
                    further[(*key, (symbol, number))] = (mass + isotope, grown)
            known = further
    return tuple(
        sorted(
            (mass, chance, "".join(f"{number}{symbol}" for symbol, number in key))
            for key, (mass, chance) in known.items()
            if chance >= floor
        )
    )


def isotopologues(ion: Ion, floor: float = 1e-5, stated: Stated = ()) -> list[Isotopologue]:
    """Return where the isotopes of an ion lie, and how abundant each combination is.

    Parameters
    ----------
    ion : Ion
        With its charge n.
    floor : float
        Rarer combinations are left out (0 to 1).
    stated : Stated
        Abundances of elements that are enriched or depleted; the others' are natural.

    Returns
    -------
    list of Isotopologue
        By mass; ``m/z = (M − n m_e)/n`` in Da.

    Raises
    ------
    BadInputError
        The charge is not stated, or an element has no natural isotopes.
    """
    if ion.charge is None:
        raise BadInputError(
            f"{ion.formula} has no charge, so its mass-to-charge ratio is not known",
            fix=f"write {ion.formula}+ or {ion.formula}++",
        )
    charge = ion.charge
    return [
        Isotopologue((mass - charge * ELECTRON_MASS) / charge, chance, label)
        for mass, chance, label in _combinations(ion.elements, floor, stated)
    ]
