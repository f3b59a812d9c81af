"""Systematic effects on ranged counts: each computed from something, or said to be unknown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from consilience.errors import BadInputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from consilience_apt.masses.spectrum import MassSpectrum
    from consilience_apt.ranges import RangeTable

__all__ = ["SystematicTerm", "multiples_term", "ranging_term", "unknown_terms"]


@dataclass(frozen=True)
class SystematicTerm:
    """One systematic effect on the counts of ranges.

    Parameters
    ----------
    name : str
    covariance : array of shape (ranges, ranges) or None
        In counts²; None: the effect exists and its size is not known.
    how : str
        What it was computed from, or why it is not known.
    """

    name: str
    covariance: NDArray[np.float64] | None
    how: str


def ranging_term(
    spectrum: MassSpectrum, table: RangeTable, resolving: float, part: float = 0.25
) -> SystematicTerm:
    """Return what the choice of the range edges does.

    All lower edges, and independently all upper ones, are moved out and in by `part` of the full
    width at half maximum; half the difference is one standard deviation, common to all ranges.

    Parameters
    ----------
    spectrum : MassSpectrum
    table : RangeTable
    resolving : float
        m/Δm at half maximum.
    part : float
        Of the width.
    """
    low, high = table.edges.T
    shifts = []
    for edge, sign in ((low, -1.0), (high, 1.0)):
        move = part * edge / resolving
        shifts.append(
            sign * (spectrum.counts_below(edge + move) - spectrum.counts_below(edge - move)) / 2
        )
    covariance = sum(np.outer(shift, shift) for shift in shifts)
    return SystematicTerm(
        "ranging",
        np.asarray(covariance),
        f"all lower, and all upper, edges moved by {part:g} of the width at half maximum",
    )


def multiples_term(counts: ArrayLike, single: ArrayLike) -> SystematicTerm:
    """Return what losses in multiple hits may do.

    Ions that arrive close together are lost, most where a species comes in groups.  Single hits
    lose nothing in this way but lack the species that come in groups; the truth lies between the
    composition of single hits and beyond that of all by as much as they differ.  The
    difference over √3 is one standard deviation (an even distribution of that half-width).

    Parameters
    ----------
    counts : array of shape (ranges,)
        All ions.
    single : array of shape (ranges,)
        Ions that came alone.

    Raises
    ------
    BadInputError
        No single hits.
    """
    all_, alone = np.asarray(counts, float), np.asarray(single, float)
    if alone.sum() <= 0:
        raise BadInputError("no single hits were ranged", fix="leave this term unknown")
    difference = (all_ - alone * (all_.sum() / alone.sum())) / math.sqrt(3.0)
    share = 100 * (1 - alone.sum() / all_.sum())
    return SystematicTerm(
        "multiple hits",
        np.outer(difference, difference),
        f"composition of single hits against all ({share:.1f} % of the ranged ions are multiple)",
    )


def unknown_terms(known: Sequence[SystematicTerm]) -> list[SystematicTerm]:
    """Return the known terms and, as unknown, those that always exist and are not among them."""
    usual = {
        "detection efficiency": "cancels only if it is the same for all species; not measured",
        "multiple hits": "the data do not say which ions came together",
        "ranging": "the edges were not varied",
        "field-dependent loss": "evaporation between pulses depends on species and field; "
        "not measured",
    }
    names = {term.name for term in known}
    return [
        *known,
        *(SystematicTerm(name, None, why) for name, why in usual.items() if name not in names),
    ]
