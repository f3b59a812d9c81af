"""Composition from ranged counts, with counting, background and systematic errors apart.

Atoms of one molecular ion are counted together, so that the covariance of element counts is that of
the ions carried through the formulas; it is not binomial.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError
from consilience_apt.amounts.systematics import SystematicTerm

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from consilience_apt.masses.background import RangeBackground
    from consilience_apt.ranges import RangeTable

__all__ = [
    "Composition",
    "Fractions",
    "compose",
    "fractions_of",
]


@dataclass(frozen=True)
class Fractions:
    """Counts and fractions of some species, with their covariances.

    Parameters
    ----------
    names : list of str
    counts : array of shape (n,)
        Net; can be negative where background was subtracted.
    counts_stat : array of shape (n, n)
    counts_sys : array of shape (n, n) or None
    values : array of shape (n,)
        Fractions, sum 1.
    stat : array of shape (n, n)
    sys : array of shape (n, n) or None
        None: no systematic term is known.
    """

    names: list[str]
    counts: NDArray[np.float64]
    counts_stat: NDArray[np.float64]
    counts_sys: NDArray[np.float64] | None
    values: NDArray[np.float64]
    stat: NDArray[np.float64]
    sys: NDArray[np.float64] | None

    @property
    def std_stat(self) -> NDArray[np.float64]:
        """Statistical standard deviations of the fractions."""
        return np.sqrt(np.maximum(np.diag(self.stat), 0.0))

    @property
    def std_sys(self) -> NDArray[np.float64] | None:
        """Systematic standard deviations of the fractions, None where not known."""
        return None if self.sys is None else np.sqrt(np.maximum(np.diag(self.sys), 0.0))

    @property
    def percent(self) -> dict[str, float]:
        """Fractions in per cent."""
        return dict(zip(self.names, (100 * self.values).tolist(), strict=True))

    @property
    def appm(self) -> dict[str, float]:
        """Fractions in parts per million."""
        return dict(zip(self.names, (1e6 * self.values).tolist(), strict=True))


@dataclass(frozen=True)
class Composition:
    """Composition of a set of ions.

    Parameters
    ----------
    ionic : Fractions
        Of the species, molecular ions as they are.
    atomic : Fractions
        Of the elements, molecular ions taken apart.
    terms : list of SystematicTerm
        All that were considered.
    unknown : list of str
        Names of those whose size is not known: `std_sys` is a lower bound while there are any.
    corrected : str or None
        How background was subtracted; None: it was not.
    """

    ionic: Fractions
    atomic: Fractions
    terms: list[SystematicTerm]
    unknown: list[str]
    corrected: str | None


def fractions_of(
    names: Sequence[str],
    counts: ArrayLike,
    covariance: ArrayLike | None = None,
    systematic: ArrayLike | None = None,
) -> Fractions:
    """Return fractions of counts with propagated covariance.

    Parameters
    ----------
    names : sequence of str
    counts : array of shape (n,)
    covariance : array of shape (n, n), optional
        Statistical; Poisson and independent unless given.
    systematic : array of shape (n, n), optional

    Raises
    ------
    BadInputError
        The counts add up to nothing, or are not finite.

    Notes
    -----
    ``J = (1 − f 1ᵀ)/N``; for Poisson counts this is the multinomial ``f(1 − f)/N``.
    """
    n = np.asarray(counts, float)
    total = float(n.sum())
    if not np.all(np.isfinite(n)) or total <= 0:
        raise BadInputError(
            f"no composition of {total:g} counts", fix="check the ranges, or the background"
        )
    spread = np.diag(np.maximum(n, 0.0)) if covariance is None else np.asarray(covariance, float)
    values = n / total
    turn = (np.eye(n.size) - values[:, None]) / total
    sys = None if systematic is None else np.asarray(systematic, float)
    return Fractions(
        list(names),
        n,
        spread,
        sys,
        values,
        turn @ spread @ turn.T,
        None if sys is None else turn @ sys @ turn.T,
    )


def compose(
    table: RangeTable,
    counts: ArrayLike,
    background: RangeBackground | None = None,
    terms: Sequence[SystematicTerm] = (),
) -> Composition:
    """Return the composition of ranged counts.

    Parameters
    ----------
    table : RangeTable
    counts : array of shape (ranges,)
        Ions in each range, such as `MassSpectrum.ranged`.
    background : RangeBackground, optional
        Of the ranges; subtracted, with its own errors.
    terms : sequence of SystematicTerm

    Returns
    -------
    Composition
        Ranges without an ion do not count.

    Raises
    ------
    BadInputError
        As many counts as ranges are needed; no identified range; nothing counted.
    """
    n = np.asarray(counts, float)
    if n.shape != (len(table),):
        raise BadInputError(
            f"{n.size} counts for {len(table)} ranges", fix="count with the same ranges"
        )
    if not table.ions:
        raise BadInputError("no range names an ion", fix="give ranges with ions")
    covariance = np.diag(np.maximum(n, 0.0))
    every = list(terms)
    if background is not None:
        n = n - background.expected
        covariance = covariance + background.covariance
        every.append(
            SystematicTerm(
                "background model",
                background.systematic,
                background.method
                if background.systematic is not None
                else "one model of the background only",
            )
        )
    known = [term.covariance for term in every if term.covariance is not None]
    systematic = sum(known[1:], known[0]) if known else None
    gather = np.zeros((len(table.ions), len(table)))
    for at, species in enumerate(table.species[1:]):
        if species:
            gather[int(species) - 1, at] = 1.0
    split = table.stoichiometry.T @ gather

    def made(names: list[str], turn: NDArray[np.float64]) -> Fractions:
        return fractions_of(
            names,
            turn @ n,
            turn @ covariance @ turn.T,
            None if systematic is None else turn @ systematic @ turn.T,
        )

    return Composition(
        made([ion.formula for ion in table.ions], gather),
        made(table.elements, split),
        every,
        [term.name for term in every if term.covariance is None],
        None if background is None else background.method,
    )
