"""X-rays of thin specimens: cross sections of ionisation, fluorescence yields, detector.

References
----------
.. [1] C. J. Powell, Reviews of Modern Physics 48 (1976) 33: Bethe's cross section, here with
   relativity, and D. B. Brown's parameters of it for K and L shells.
.. [2] W. Bambynek, *A new evaluation of K-shell fluorescence yields* (1984), as given by [3]_.
.. [3] J. H. Hubbell et al., Journal of Physical and Chemical Reference Data 23 (1994) 339:
   ω_K, mean ω_L and ω_M as functions of Z.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_eels.physics.beam import REST
from consilience_eels.physics.oscillator import atoms_of, scattering_table

__all__ = [
    "BINDING",
    "Detector",
    "emission_cross_section",
    "fluorescence_yield",
    "ionisation_cross_section",
    "mass_absorption",
    "shells_of",
]

BINDING: dict[str, dict[str, float]] = {
    "C": {"K": 0.2842},
    "N": {"K": 0.4099},
    "O": {"K": 0.5431},
    "F": {"K": 0.6967},
    "Al": {"K": 1.5596},
    "Si": {"K": 1.8389},
    "P": {"K": 2.1455},
    "S": {"K": 2.472},
    "Ar": {"K": 3.2059},
    "Cr": {"K": 5.9892, "L": 0.5741},
    "Fe": {"K": 7.112, "L": 0.7068},
    "Ni": {"K": 8.3328, "L": 0.8527},
    "Cu": {"K": 8.9789, "L": 0.9327},
    "Ga": {"K": 10.3671, "L": 1.1164},
    "Xe": {"L": 4.7864, "M": 0.6764},
    "Pt": {"L": 11.5637, "M": 2.1216},
}
"""Element to binding energy (keV) of K, L3 and M5, of the shells that give X-rays here."""

ELECTRONS = {"K": 2, "L": 8, "M": 10}
BROWN = {"K": (0.52, 0.0029), "L": (0.44, 0.0020), "M": (0.44, 0.0020)}
"""Bethe's b as a + c Z with Bethe's c = 1; there is none of M shells, and that of L is taken."""

CLASSICAL = 2.8179403262e-15
HC_KEV_M = 1.23984198e-9


def shells_of(symbol: str) -> tuple[str, ...]:
    """Return the shells whose X-rays are modelled; none for hydrogen to boron."""
    return tuple(BINDING.get(symbol, {}))


def ionisation_cross_section(symbol: str, shell: str, beam_energy: float) -> float:
    """Return the cross section in barn of an electron of `beam_energy` keV emptying a shell.

    Raises
    ------
    BadInputError
        The shell is not in `BINDING`, or bound more strongly than the beam is fast.
    """
    import periodictable

    try:
        bound = BINDING[symbol][shell]
    except KeyError:
        raise BadInputError(
            f"the X-rays of {symbol} {shell} are not modelled",
            fix=f"name one of {', '.join(BINDING)} with one of its shells",
        ) from None
    if beam_energy <= bound:
        raise BadInputError(
            f"electrons of {beam_energy:g} keV do not ionise {symbol} {shell} at {bound:g} keV",
            fix="state the beam energy in keV",
        )
    gamma = 1.0 + 1e3 * beam_energy / REST
    beta2 = 1.0 - gamma**-2
    t = 0.5 * 1e-3 * REST * beta2
    b = BROWN[shell][0] + BROWN[shell][1] * float(getattr(periodictable, symbol).number)
    bracket = math.log(t / bound) - math.log(1.0 - beta2) - beta2
    return 6.51e4 * ELECTRONS[shell] * b * max(bracket, 0.0) / (bound * t)


def fluorescence_yield(symbol: str, shell: str) -> float:
    """Return the share of vacancies that are filled with an X-ray, mean of the subshells."""
    import periodictable

    z = float(getattr(periodictable, symbol).number)
    if shell == "K":
        root = 0.015 + 0.0327 * z - 0.64e-6 * z**3
    elif shell == "L" and z <= 36:
        return float(1.939e-8 * z**3.8874)
    elif shell == "L":
        root = 0.17765 + 0.00298937 * z + 8.91297e-5 * z**2 - 2.67184e-7 * z**3
    else:
        return float(1.29e-9 * max(z - 13.0, 0.0) ** 4)
    return float(root**4 / (1.0 + root**4))


def emission_cross_section(symbol: str, shell: str, beam_energy: float) -> float:
    """Return the cross section in barn for an X-ray of any line of a shell's family."""
    return ionisation_cross_section(symbol, shell, beam_energy) * fluorescence_yield(symbol, shell)


def mass_absorption(formula: str, energy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return μ/ρ in cm²/g at `energy` in keV, from f₂; scattering is left out."""
    import periodictable

    at = np.asarray(energy, dtype=np.float64)
    total = np.zeros(at.shape)
    for symbol, count in atoms_of(formula).items():
        table, f2 = scattering_table(symbol)
        value = np.exp(np.interp(np.log(1e3 * np.clip(at, 0.011, 29.0)), np.log(table), np.log(f2)))
        total += count * 2.0 * CLASSICAL * (HC_KEV_M / np.clip(at, 0.011, 29.0)) * value * 1e4
    mass = float(periodictable.formula(formula).mass)
    return total * 6.02214076e23 / mass


@dataclass(frozen=True)
class Detector:
    """A silicon detector: nm of dead silicon and of polymer before it, mm of silicon."""

    dead: float = 50.0
    window: float = 0.0
    depth: float = 0.45

    def efficiency(self, energy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the share of X-rays of `energy` keV that are counted."""
        silicon = mass_absorption("Si", energy) * 2.33
        seen = np.exp(-silicon * self.dead * 1e-7) * -np.expm1(-silicon * self.depth * 0.1)
        if self.window:
            seen = seen * np.exp(-mass_absorption("C", energy) * 1.4 * self.window * 1e-7)
        return np.asarray(seen)
