"""A beam of electrons and the angles that a spectrometer takes in.

References
----------
.. [1] R. F. Egerton, *Electron Energy-Loss Spectroscopy in the Electron Microscope*, 3rd ed.,
   Springer (2011): T = m₀v²/2 and θ_E = E / (γ m₀ v²), equation 3.28; Bethe ridge,
   equation 3.132; convergence, appendix B (CONCOR2).
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError

__all__ = ["REST", "Beam"]

REST = 510998.95
"""eV, of the electron at rest."""


@dataclass(frozen=True)
class Beam:
    """Electrons of `energy` keV in a cone of half-angle `convergence`, seen to `collection` mrad.

    Raises
    ------
    BadInputError
        An energy or a collection angle that is not above 0, or a negative convergence.
    """

    energy: float
    convergence: float
    collection: float

    def __post_init__(self) -> None:
        good = self.energy > 0 and self.collection > 0 and self.convergence >= 0
        if not good or not math.isfinite(self.energy + self.convergence + self.collection):
            raise BadInputError(
                f"a beam of {self.energy:g} keV, {self.convergence:g} and {self.collection:g} mrad "
                "is none that a cross section can be had for",
                fix="state beam energy (keV), convergence and collection half-angles (mrad)",
            )

    @property
    def gamma(self) -> float:
        """Lorentz factor."""
        return 1.0 + 1e3 * self.energy / REST

    @property
    def beta_squared(self) -> float:
        """(v/c)²."""
        return 1.0 - self.gamma**-2

    @property
    def t(self) -> float:
        """T = m₀v²/2 in eV."""
        return 0.5 * REST * self.beta_squared

    def theta_e(self, energy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the characteristic angle of a loss of `energy` eV, in rad."""
        return np.asarray(energy) / (2.0 * self.gamma * self.t)

    def cutoff(self, energy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return up to which angle the dipole formula is to be taken for a loss, in rad.

        The collection angle, though no more than the Bethe ridge at √(2 θ_E), beyond which
        hardly anything is scattered, and with less where the beam's cone is not small.
        """
        theta = self.theta_e(energy)
        ridge = np.sqrt(2.0 * theta)
        beta = np.minimum(1e-3 * self.collection, ridge)
        if self.convergence == 0.0:
            return np.asarray(beta)
        seen = self._with_cone(theta)
        return np.asarray(np.minimum(seen, ridge))

    def _with_cone(self, theta: NDArray[np.float64]) -> NDArray[np.float64]:
        a2, b2, t2 = (1e-3 * self.convergence) ** 2, (1e-3 * self.collection) ** 2, theta**2
        whole = np.log1p(b2 / t2)
        first = np.sqrt((a2 + b2 + t2) ** 2 - 4 * a2 * b2) - a2 - b2 - t2
        second = np.log((np.sqrt((a2 + t2 - b2) ** 2 + 4 * b2 * t2) + a2 + t2 - b2) / (2 * t2))
        third = np.log((np.sqrt((b2 + t2 - a2) ** 2 + 4 * a2 * t2) + b2 + t2 - a2) / (2 * t2))
        share = (first + 2 * b2 * second + 2 * a2 * third) / (2 * a2 * whole)
        if self.convergence > self.collection:
            share = share * a2 / b2
        return np.asarray(theta * np.sqrt(np.expm1(share * whole)))
