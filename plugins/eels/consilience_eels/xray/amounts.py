"""Net counts of X-ray lines to fractions and to mass per area, by three methods at once.

Cliff–Lorimer, ζ-factors and cross-sections differ only in what turns counts into mass: with
apparent masses ``p = f·I`` (f the k-factor, the ζ-factor, or the ζ-factor that a cross-section
stands for) the masses are ``m = p·A`` and the weight fractions ``w = m/Σm``.  The correction for
absorption of line i is ``A_i = χ_i/(1 − exp(−χ_i))`` with ``χ_i = Σ_j (μ/ρ)_ij w_j · M · csc α``
and M the mass per area: given, or, where the electrons are counted, ``M = Σm/electrons``.  A and w
are found together, by repetition, as in exSpy; here until nothing moves.

References
----------
.. [1] G. Cliff, G. W. Lorimer, J. Microscopy 103 (1975) 203-207: C_A/C_B = k_AB I_A/I_B.
.. [2] M. Watanabe, D. B. Williams, J. Microscopy 221 (2006) 89-109, eqs. 1-6: ρt = Σ ζ I A/D_e.
.. [3] K. E. MacArthur et al., Microsc. Microanal. 22 (2016) 71-81: N = I/(σ D).
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Absorbing", "Amounts", "Method", "Recipe", "Slopes", "amounts_of", "slopes_of"]

Array = NDArray[np.float64]
Method = Literal["cliff_lorimer", "zeta", "cross_section"]

AVOGADRO = 6.02214076e23
BARN_G = 1e-25
"""Barn in m², and gram in kg: what turns g/(mol·barn) into kg/m²."""
ROUNDS = 300
SETTLED = 1e-11
NUDGE = 1e-6


@dataclass(frozen=True)
class Absorbing:
    """What is needed to correct absorption in a parallel slab.

    Parameters
    ----------
    coefficients : ndarray, shape (n, n)
        Mass absorption of line i in element j, m²/kg.
    path : float
        Cosecant of the take-off angle, 1 or more.
    areal : ndarray, shape (n,), or None
        Density times thickness in kg/m², for a slab of each element (one number for all where the
        density of the material is known); None where the amounts themselves give it.
    """

    coefficients: Array
    path: float
    areal: Array | None


@dataclass(frozen=True)
class Recipe:
    """How counts become amounts.

    Parameters
    ----------
    method : {"cliff_lorimer", "zeta", "cross_section"}
    factors : ndarray, shape (n,)
        k-factors (by weight), ζ-factors (kg/m²) or cross-sections (barn).
    atomic_weights : ndarray, shape (n,)
        g/mol.
    electrons : float, optional
        That went through the pixels counted; needed for a mass per area.
    absorbing : Absorbing, optional
        Without it nothing is corrected.
    """

    method: Method
    factors: Array
    atomic_weights: Array
    electrons: float | None = None
    absorbing: Absorbing | None = None

    @property
    def mass_factors(self) -> Array:
        """By what counts are multiplied to be masses, shape (n,)."""
        if self.method == "cross_section":
            made: Array = self.atomic_weights / (self.factors * AVOGADRO * BARN_G)
            return made
        return self.factors

    @property
    def weighs(self) -> bool:
        """Whether it gives a mass per area."""
        return self.method != "cliff_lorimer" and self.electrons is not None


@dataclass(frozen=True)
class Amounts:
    """Fractions of 0 to 1 over (n, ...); NaN where there is nothing, or absorption has no answer.

    `correction` is A, 1 without absorption; `areal_mass` in kg/m² where it is known.
    """

    weight: Array
    atomic: Array
    areal_mass: Array | None
    correction: Array


@dataclass(frozen=True)
class Slopes:
    """How amounts move, over (n, n, ...) and (n, ...): by net counts, and by relative changes.

    `..._counts[i, j]` is by the net counts of line j, `..._factor` by the logarithm of the factor
    j, `..._depth` by that of χ_j alone; `common_depth` is by that of all χ.
    """

    weight_counts: Array
    weight_factor: Array
    weight_depth: Array
    atomic_counts: Array
    atomic_factor: Array
    atomic_depth: Array
    mass_counts: Array | None
    mass_factor: Array | None
    mass_depth: Array | None

    def common_depth(self) -> tuple[Array, Array, Array | None]:
        """By the logarithm of all χ at once, for weight, atoms and mass."""
        mass = None if self.mass_depth is None else self.mass_depth.sum(axis=0)
        return self.weight_depth.sum(axis=1), self.atomic_depth.sum(axis=1), mass


def amounts_of(nets: Array, recipe: Recipe) -> Amounts:
    """Return amounts from net counts.

    Parameters
    ----------
    nets : ndarray, shape (n, ...)
        Net counts of one line of each element.
    recipe : Recipe
    """
    p = _columns(nets) * recipe.mass_factors[:, None]
    weight, atomic, mass, correction = _solve(p, recipe, np.ones(len(nets)))
    shape = nets.shape
    return Amounts(
        weight.reshape(shape),
        atomic.reshape(shape),
        None if mass is None else mass.reshape(shape[1:]),
        correction.reshape(shape),
    )


def slopes_of(nets: Array, recipe: Recipe) -> Slopes:
    """Return by how much amounts move, in closed form without absorption, else by differences.

    Parameters
    ----------
    nets : ndarray, shape (n, ...)
    recipe : Recipe
    """
    n, tail = len(nets), nets.shape[1:]
    flat = _columns(nets)
    factors = recipe.mass_factors[:, None]
    p = flat * factors
    ones = np.ones(n)
    if recipe.absorbing is None:
        by_weight, by_atom = _closed(p, ones), _closed(p, 1.0 / recipe.atomic_weights)
        by_mass = None
        if recipe.weighs and recipe.electrons is not None:
            by_mass = np.full(p.shape, 1.0 / recipe.electrons)
        nothing = np.zeros_like(by_weight)
        depths: tuple[Array, Array, Array | None] = (
            nothing,
            nothing,
            None if by_mass is None else np.zeros_like(by_mass),
        )
    else:
        step = NUDGE * np.maximum(np.abs(p).sum(axis=0), 1e-300)

        def moved(j: int, sign: float) -> tuple[Array, Array, Array | None, Array]:
            changed = p.copy()
            changed[j] += sign * step
            return _solve(changed, recipe, ones)

        by_weight, by_atom, by_mass = _differences(n, moved, step)

        def deepened(j: int, sign: float) -> tuple[Array, Array, Array | None, Array]:
            scale = ones.copy()
            scale[j] += sign * NUDGE
            return _solve(p, recipe, scale)

        depths = _differences(n, deepened, np.full(p.shape[1], NUDGE))
    square, line = (n, n, *tail), (n, *tail)

    def mass_like(value: Array | None) -> Array | None:
        return None if value is None else value.reshape(line)

    return Slopes(
        weight_counts=(by_weight * factors[None]).reshape(square),
        weight_factor=(by_weight * p[None]).reshape(square),
        weight_depth=depths[0].reshape(square),
        atomic_counts=(by_atom * factors[None]).reshape(square),
        atomic_factor=(by_atom * p[None]).reshape(square),
        atomic_depth=depths[1].reshape(square),
        mass_counts=mass_like(None if by_mass is None else by_mass * factors),
        mass_factor=mass_like(None if by_mass is None else by_mass * p),
        mass_depth=mass_like(depths[2]),
    )


def _columns(nets: Array) -> Array:
    return np.asarray(nets, dtype=np.float64).reshape(len(nets), -1)


def _closed(p: Array, scale: Array) -> Array:
    """``∂x_i/∂p_j`` of ``x = s p/Σ s p``, shape (n, n, cells)."""
    total = (p * scale[:, None]).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        x = p * scale[:, None] / total
        unit = np.eye(len(p))[:, :, None]
        found: Array = (unit - x[:, None, :]) * scale[None, :, None] / total
    return found


def _differences(
    n: int,
    moved: Callable[[int, float], tuple[Array, Array, Array | None, Array]],
    step: Array,
) -> tuple[Array, Array, Array | None]:
    weight, atomic, mass = [], [], []
    for j in range(n):
        up, down = moved(j, 1.0), moved(j, -1.0)
        weight.append((up[0] - down[0]) / (2.0 * step))
        atomic.append((up[1] - down[1]) / (2.0 * step))
        if up[2] is not None and down[2] is not None:
            mass.append((up[2] - down[2]) / (2.0 * step))
    return np.stack(weight, axis=1), np.stack(atomic, axis=1), np.stack(mass) if mass else None


def _solve(p: Array, recipe: Recipe, scale: Array) -> tuple[Array, Array, Array | None, Array]:
    """Weight and atomic fractions, mass per area and A, over (n, cells)."""
    absorbing = recipe.absorbing
    correction = np.ones_like(p)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        weight, mass = _masses(p, correction, recipe)
        if absorbing is not None:
            if absorbing.areal is None and not recipe.weighs:
                raise ValueError("absorption needs a mass per area, given or from electrons")
            depth = absorbing.coefficients * absorbing.path * scale[:, None]
            moving = np.isfinite(weight).all(axis=0)
            for _ in range(ROUNDS):
                areal = absorbing.areal @ weight if absorbing.areal is not None else mass
                assert areal is not None
                correction = np.where(moving, _correction(depth @ weight * areal), correction)
                before = weight, mass
                weight, mass = _masses(p, correction, recipe)
                moving = ~(np.abs(weight - before[0]).max(axis=0) < SETTLED)
                if mass is not None and before[1] is not None:
                    moving |= ~(np.abs(mass - before[1]) < 10.0 * SETTLED * np.abs(mass))
                if not moving.any():
                    break
            # a mass that grows without end: no slab, however thick, sends out so many X-rays
            weight = np.where(moving, np.nan, weight)
            mass = None if mass is None else np.where(moving, np.nan, mass)
        atoms = weight / recipe.atomic_weights[:, None]
        atomic = atoms / atoms.sum(axis=0)
    if absorbing is not None and absorbing.areal is not None and mass is None:
        mass = absorbing.areal @ weight
    return weight, atomic, mass, correction


def _masses(p: Array, correction: Array, recipe: Recipe) -> tuple[Array, Array | None]:
    masses = p * correction
    total = masses.sum(axis=0)
    weight = np.where(total != 0.0, masses / total, np.nan)
    return weight, total / recipe.electrons if recipe.weighs and recipe.electrons else None


def _correction(chi: Array) -> Array:
    """``χ/(1 − exp(−χ))``; 1 where nothing absorbs."""
    small = np.abs(chi) < 1e-9
    safe = np.where(small, 1.0, chi)
    made: Array = np.where(small, 1.0 + 0.5 * chi, safe / -np.expm1(-safe))
    return made
