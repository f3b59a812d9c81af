"""Isotopic abundances: natural with the range that nature has, or as stated for a sample.

Lithium's natural ⁶Li is an interval of 1.9 to 7.8 % [1]_; the midpoint is used, and the interval,
as an even distribution, is a systematic error.  Enriched or depleted material is no longer
natural: its abundances are stated, with their own errors.

References
----------
.. [1] J. Meija et al., Pure Appl. Chem. 88 (2016) 293, table 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache

import periodictable

from consilience.errors import BadInputError
from consilience_apt.ions import Stated, isotopes

__all__ = ["abundance_notes", "abundance_std", "stated_abundances"]

VARIES = 0.05
"""Relative standard deviation of an abundance from which results say it."""


@cache
def abundance_std(symbol: str, stated: Stated = ()) -> tuple[float, ...]:
    """Return the standard deviation of the abundance of each isotope (0 to 1).

    In the order of `consilience_apt.ions.isotopes`.  The IUPAC table gives ranges where nature
    varies; periodictable states them as the standard deviation of an even distribution.  Of stated
    abundances it is what was stated.
    """
    for name, given in stated:
        if name == symbol:
            return tuple(std for _, fraction, std in given if fraction > 0)
    element = getattr(periodictable, symbol)
    # the only place where the package keeps them; absent in releases before 2.0
    return tuple(
        float(getattr(element[number], "_abundance_unc", 0.0) or 0.0) / 100
        for number, _, _ in isotopes(symbol)
    )


def stated_abundances(
    given: Mapping[str, Mapping[int, float]], std: Mapping[str, float] | None = None
) -> Stated:
    """Return checked abundances of enriched or depleted elements.

    Parameters
    ----------
    given : mapping
        Symbol to ``{mass number: fraction (0 to 1)}``, such as ``{"Li": {6: 0.95, 7: 0.05}}``; all
        isotopes, sum 1.
    std : mapping, optional
        Symbol to the standard deviation of each of its fractions; 0 unless given.

    Raises
    ------
    BadInputError
        An isotope that nature does not have, fractions that are not between 0 and 1 or do not
        add up to one, a negative error.
    """
    made = []
    for symbol, fractions in sorted(given.items()):
        known = [number for number, _, _ in isotopes(symbol)]
        strange = sorted(set(fractions) - set(known))
        if strange:
            raise BadInputError(
                f"{symbol} has no natural isotope of mass number {strange[0]}",
                fix=f"state fractions of {', '.join(map(str, known))}",
            )
        error = (std or {}).get(symbol, 0.0)
        total = math.fsum(fractions.values())
        inside = all(0 <= value <= 1 for value in fractions.values())
        if not inside or abs(total - 1) > 1e-3 or not error >= 0:
            raise BadInputError(
                f"abundances of {symbol} add up to {total:g}, with an error of {error:g}",
                fix="state fractions between 0 and 1 of all isotopes, sum 1",
            )
        rows = tuple((n, fractions.get(n, 0.0) / total, error) for n in known)
        made.append((symbol, rows))
    return tuple(made)


def abundance_notes(symbols: Sequence[str], stated: Stated = ()) -> list[str]:
    """Return, in words, what was taken for elements whose abundances vary or were stated.

    Elements whose natural abundances vary by less than a twentieth are left out.
    """
    notes = []
    named = dict(stated)
    for symbol in dict.fromkeys(symbols):
        found, spread = isotopes(symbol, stated), abundance_std(symbol, stated)
        if symbol in named:
            parts = ", ".join(
                f"{n}{symbol} {100 * value:.4g} ± {100 * std:.2g} %"
                for (n, _, value), std in zip(found, spread, strict=True)
            )
            notes.append(f"{parts}: as stated, not natural")
            continue
        if len(found) < 2:
            continue
        (n, _, value), std = min(zip(found, spread, strict=True), key=lambda pair: pair[0][2])
        if std > VARIES * value:
            reach = math.sqrt(3.0) * std
            notes.append(
                f"natural {n}{symbol} taken as {100 * value:.3g} %, the middle of "
                f"{100 * (value - reach):.2g} to {100 * (value + reach):.2g} %; the range is a "
                "systematic error, and enriched or depleted material needs stated abundances"
            )
    return notes
