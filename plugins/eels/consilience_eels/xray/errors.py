"""What each source of error is worth for fractions and for mass per area, covariances kept.

To first order, by the slopes of `consilience_eels.xray.amounts`: ``C = S V Sᵀ`` for each source.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience_eels.xray.amounts import Amounts, Recipe, Slopes, amounts_of, slopes_of

__all__ = ["Parts", "Uncertain", "counting_covariance", "parts_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Uncertain:
    """Relative standard deviations of what is put in; None where nothing is stated.

    Parameters
    ----------
    factors : ndarray, shape (n,), or None
        Of the factors, taken as independent.
    electrons : float or None
        Of current times live time, for the methods that count electrons.
    coefficients : float
        Of the mass absorption coefficients, independent from line to line.
    path : float or None
        Of density times thickness times the cosecant of the take-off angle, common to all.
    """

    factors: Array | None = None
    electrons: float | None = None
    coefficients: float = 0.15
    path: float | None = None


@dataclass(frozen=True)
class Parts:
    """Covariances by source, over (n, n); variances of the mass per area by the same names.

    `weight` and `atomic` hold "statistical" and, for each source, "systematic_" and its name; None
    where the source counts and its size is not known.
    """

    amounts: Amounts
    weight: Mapping[str, Array | None]
    atomic: Mapping[str, Array | None]
    mass: Mapping[str, float | None]

    def std_stat(self, i: int, *, by_weight: bool = False) -> float:
        """Of the fraction of one element, from counting."""
        parts = self.weight if by_weight else self.atomic
        matrix = parts["statistical"]
        assert matrix is not None
        return float(np.sqrt(max(0.0, float(matrix[i, i]))))

    def std_sys(self, i: int, *, by_weight: bool = False) -> float | None:
        """Of the fraction of one element, from everything else; None if a source is unknown."""
        squares = self.std_sys_parts(i, by_weight=by_weight).values()
        known = [part for part in squares if part is not None]
        return float(np.sqrt(sum(p**2 for p in known))) if len(known) == len(squares) else None

    def std_sys_parts(self, i: int, *, by_weight: bool = False) -> dict[str, float | None]:
        """Standard deviation by source."""
        parts = self.weight if by_weight else self.atomic
        return {
            name.removeprefix("systematic_"): None
            if matrix is None
            else float(np.sqrt(max(0.0, float(matrix[i, i]))))
            for name, matrix in parts.items()
            if name != "statistical"
        }


def parts_of(
    nets: Array,
    net_covariance: Array,
    background: Array,
    recipe: Recipe,
    uncertain: Uncertain,
    thin: Recipe | None = None,
    cut: Array | None = None,
) -> Parts:
    """Return amounts of one spectrum with all parts of their covariance.

    Parameters
    ----------
    nets : ndarray, shape (n,)
    net_covariance : ndarray, shape (n, n)
        Of the net counts, by counting.
    background : ndarray, shape (n,)
        Standard deviation of the net counts by the form of the background, independent.
    recipe : Recipe
    uncertain : Uncertain
    thin : Recipe, optional
        The recipe with absorption, where `recipe` leaves it out although it could be corrected:
        what it would change counts as a systematic part.
    cut : ndarray, shape (n,), optional
        Share of each line that its window cuts off, where the factors are those of whole lines.
    """
    found, slopes = amounts_of(nets, recipe), slopes_of(nets, recipe)
    parts = _Ledger({}, {}, {})
    by_counts = (slopes.weight_counts, slopes.atomic_counts, slopes.mass_counts)
    by_factor = (slopes.weight_factor, slopes.atomic_factor, slopes.mass_factor)
    by_depth = (slopes.weight_depth, slopes.atomic_depth, slopes.mass_depth)
    parts.add("statistical", by_counts, net_covariance)
    parts.add("systematic_background", by_counts, np.diag(background**2))
    factors = None if uncertain.factors is None else np.diag(uncertain.factors**2)
    parts.add("systematic_factors", by_factor, factors)
    if cut is not None:
        parts.add("systematic_windows", by_factor, np.outer(cut, cut))
    if recipe.absorbing is not None:
        coefficients = np.eye(len(nets)) * uncertain.coefficients**2
        parts.add("systematic_absorption_coefficients", by_depth, coefficients)
        parts.add("systematic_absorption_path", _common(slopes), _square(uncertain.path))
    if recipe.weighs:
        parts.electrons(slopes, found, recipe, uncertain)
    if thin is not None:
        parts.neglected(found, amounts_of(nets, thin))
    return Parts(found, parts.weight, parts.atomic, parts.mass)


@dataclass
class _Ledger:
    """Covariances by source, as they are added."""

    weight: dict[str, Array | None]
    atomic: dict[str, Array | None]
    mass: dict[str, float | None]

    def add(self, name: str, by: tuple[Array, Array, Array | None], inner: Array | None) -> None:
        """Put ``S V Sᵀ`` of fractions and mass under a name; None for a source not known."""
        for kept, slope in ((self.weight, by[0]), (self.atomic, by[1])):
            kept[name] = None if inner is None else slope @ inner @ slope.T
        if by[2] is not None:
            self.mass[name] = None if inner is None else float(by[2] @ inner @ by[2])

    def electrons(
        self, slopes: Slopes, found: Amounts, recipe: Recipe, uncertain: Uncertain
    ) -> None:
        """More electrons mean less mass, and, where that mass absorbs, other fractions."""
        name, inner = "systematic_electrons", _square(uncertain.electrons)
        straight = np.atleast_1d(np.asarray(found.areal_mass, dtype=np.float64))
        if recipe.absorbing is not None and recipe.absorbing.areal is None:
            by_weight, by_atom, by_mass = _common(slopes)
            assert by_mass is not None
            self.add(name, (by_weight, by_atom, straight + by_mass), inner)
        else:
            self.mass[name] = None if inner is None else float(straight @ inner @ straight)

    def neglected(self, found: Amounts, other: Amounts) -> None:
        """What the correction would have changed, as if it were one standard deviation."""
        name = "systematic_absorption_neglected"
        for kept, away in (
            (self.weight, other.weight - found.weight),
            (self.atomic, other.atomic - found.atomic),
        ):
            kept[name] = np.outer(away, away) if np.isfinite(away).all() else None
        if found.areal_mass is not None and other.areal_mass is not None:
            off = float(other.areal_mass - found.areal_mass)
            self.mass[name] = off**2 if np.isfinite(off) else None


def _square(relative: float | None) -> Array | None:
    return None if relative is None else np.array([[relative**2]])


def _common(slopes: Slopes) -> tuple[Array, Array, Array | None]:
    by_weight, by_atom, by_mass = slopes.common_depth()
    return by_weight[:, None], by_atom[:, None], None if by_mass is None else by_mass[None]


def counting_covariance(net_covariance: Array, slopes: Slopes) -> tuple[Array, Array]:
    """Return the counting covariances of weight and atomic fractions, over (n, n, cells).

    Parameters
    ----------
    net_covariance : ndarray, shape (n, n, cells)
    slopes : Slopes
        Over the same cells.
    """
    found = []
    for slope in (slopes.weight_counts, slopes.atomic_counts):
        half = np.einsum("ijc,jkc->ikc", slope, net_covariance)
        found.append(np.einsum("ikc,lkc->ilc", half, slope))
    return found[0], found[1]
