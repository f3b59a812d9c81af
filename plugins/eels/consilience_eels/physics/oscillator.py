"""Optical oscillator strength of an atom, from tables of its scattering factor f₂.

References
----------
.. [1] B. L. Henke, E. M. Gullikson, J. C. Davis, Atomic Data and Nuclear Data Tables 54 (1993)
   181: f₂ from 10 eV to 30 keV, as `periodictable` carries it.
.. [2] R. F. Egerton, *Electron Energy-Loss Spectroscopy in the Electron Microscope*, 3rd ed.,
   Springer (2011), section 3.2.2: photoabsorption and df/dE.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError

__all__ = ["FIRST", "LAST", "atoms_of", "oscillator_strength", "scattering_table"]

FIRST, LAST = 10.0, 30000.0
"""eV, of the tables."""


@lru_cache(maxsize=128)
def scattering_table(symbol: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return energies (eV, rising) and f₂ of an element.

    Raises
    ------
    BadInputError
        There is no such element in the tables.
    """
    import periodictable

    element = getattr(periodictable, symbol, None) if symbol.isalpha() else None
    table = None if element is None else getattr(element, "xray", None)
    table = None if table is None else table.sftable
    if table is None:
        raise BadInputError(
            f"no optical data of {symbol!r}",
            fix="name a chemical element up to uranium, as in 'Li'",
        )
    energy = 1e3 * np.asarray(table[0], dtype=np.float64)
    order = np.argsort(energy, kind="stable")
    energy, f2 = energy[order], np.asarray(table[2], dtype=np.float64)[order]
    good = np.isfinite(f2) & (f2 > 0)
    energy, f2 = energy[good], f2[good]
    keep = np.concatenate([[True], np.diff(energy) > 0])
    energy, f2 = energy[keep], f2[keep]
    energy.flags.writeable = f2.flags.writeable = False
    return energy, f2


def oscillator_strength(symbol: str, energy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``df/dE = 2 f₂ / (π E)`` in 1/eV per atom; 0 outside 10 eV to 30 keV.

    Parameters
    ----------
    symbol : str
    energy : ndarray
        In eV.
    """
    at = np.asarray(energy, dtype=np.float64)
    table, f2 = scattering_table(symbol)
    inside = (at >= table[0]) & (at <= table[-1])
    value = np.exp(np.interp(np.log(np.where(inside, at, table[0])), np.log(table), np.log(f2)))
    return np.where(inside, 2.0 * value / (np.pi * np.where(inside, at, 1.0)), 0.0)


@lru_cache(maxsize=256)
def _parsed(formula: str) -> tuple[tuple[str, float], ...]:
    import periodictable

    try:
        atoms = periodictable.formula(formula).atoms
    except Exception as error:  # the parser raises classes of its own library's
        raise BadInputError(
            f"{formula!r} is no chemical formula", fix="write it as 'Li2CO3'"
        ) from error
    return tuple((str(element.symbol), float(count)) for element, count in atoms.items())


def atoms_of(formula: str) -> dict[str, float]:
    """Return element to number of atoms in a formula unit."""
    return dict(_parsed(formula))
