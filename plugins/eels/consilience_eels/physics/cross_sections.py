"""Cross sections of energy loss, per atom and per formula unit, from optical data.

Below the Bethe ridge a fast electron acts on an atom as light does [1]_::

    dσ/dE = 4π a₀² R² / (E T) · df/dE · ln[1 + (β/θ_E)²]

`df/dE` comes from tables of photoabsorption, so nothing here is hydrogenic; exSpy's
cross sections are another source, which the tests hold against these.

References
----------
.. [1] R. F. Egerton, *Electron Energy-Loss Spectroscopy in the Electron Microscope*, 3rd ed.,
   Springer (2011), equation 3.151 with sections 3.2.2 and 3.6.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_eels.physics.beam import Beam
from consilience_eels.physics.oscillator import (
    LAST,
    atoms_of,
    oscillator_strength,
    scattering_table,
)

__all__ = [
    "EDGES",
    "EdgeSource",
    "atom_cross_section",
    "dipole_factor",
    "edge_cross_section",
    "edges_between",
    "formula_cross_section",
    "onset_of",
    "partial_cross_section",
    "remainder_cross_section",
]

EdgeSource = Callable[[str, str, NDArray[np.float64], Beam], NDArray[np.float64]]
"""Element, shell, energies (eV) and beam to dσ/dE of that edge in barn/eV."""

BOHR = 0.529177210903e-10
RYDBERG = 13.605693122994
BARN = 1e-28

EDGES: dict[str, dict[str, tuple[float, float]]] = {
    "Li": {"K": (55.0, 54.6)},
    "C": {"K": (284.0, 284.2)},
    "N": {"K": (401.0, 409.9)},
    "O": {"K": (532.0, 543.1)},
    "F": {"K": (685.0, 696.7)},
    "Al": {"L23": (73.0, 72.6)},
    "Si": {"L23": (99.0, 99.7), "K": (1839.0, 1838.9)},
    "P": {"L23": (132.0, 135.5)},
    "S": {"L23": (165.0, 162.5)},
    "Cr": {"M23": (42.0, 41.9), "L23": (575.0, 572.5)},
    "Ni": {"M23": (68.0, 66.2), "L23": (855.0, 852.5)},
    "Cu": {"M23": (74.0, 73.5), "L23": (931.0, 932.5)},
    "Ga": {"M23": (103.0, 103.5), "L23": (1115.0, 1116.0)},
    "Xe": {"N45": (67.5, 62.3), "M45": (672.0, 676.4)},
    "Pt": {"O23": (52.0, 48.5), "N67": (71.0, 70.9), "M45": (2122.0, 2121.6)},
}
"""Element to shell to the onset of energy loss, and where the optical table rises, both in eV."""

PRE_EDGE = 0.06
"""Share of the onset, of the window in front of an edge over which the rest is continued."""


def dipole_factor(energy: NDArray[np.float64], beam: Beam) -> NDArray[np.float64]:
    """Return dσ/dE over df/dE, in barn; 0 where `energy` (eV) is not above 0."""
    at = np.asarray(energy, dtype=np.float64)
    safe = np.where(at > 0, at, 1.0)
    scale = 4.0 * np.pi * BOHR**2 * RYDBERG**2 / BARN
    angle = np.log1p((beam.cutoff(safe) / beam.theta_e(safe)) ** 2)
    return np.where(at > 0, scale / (safe * beam.t) * angle, 0.0)


def atom_cross_section(symbol: str, energy: NDArray[np.float64], beam: Beam) -> NDArray[np.float64]:
    """Return dσ/dE of a whole atom in barn/eV, all shells.

    Parameters
    ----------
    symbol : str
    energy : ndarray
        Energy loss in eV; the result is 0 below 10 eV, where there are no tables.
    beam : Beam

    Notes
    -----
    The atom is alone: what neighbours do to valence electrons and near an edge is not in it.
    """
    return oscillator_strength(symbol, energy) * dipole_factor(energy, beam)


def onset_of(symbol: str, shell: str) -> float:
    """Return where an edge begins in energy loss, in eV.

    Raises
    ------
    BadInputError
        The edge is not in `EDGES`.
    """
    return _entry(symbol, shell)[0]


def edges_between(formula: str, low: float, high: float) -> list[tuple[str, str, float]]:
    """Return element, shell and onset (eV) of the edges of a formula between two energies."""
    found = [
        (symbol, shell, onset)
        for symbol in atoms_of(formula)
        for shell, (onset, _) in EDGES.get(symbol, {}).items()
        if low <= onset <= high
    ]
    return sorted(found, key=lambda one: one[2])


def edge_cross_section(
    symbol: str, shell: str, energy: NDArray[np.float64], beam: Beam
) -> NDArray[np.float64]:
    """Return dσ/dE of one edge in barn/eV: what rises over the continued pre-edge.

    Parameters
    ----------
    symbol, shell : str
        As in `EDGES`, such as ``"Li", "K"``.
    energy : ndarray
        Energy loss in eV.
    beam : Beam

    Notes
    -----
    f₂ in front of the edge is continued as a power law; past the next edge of the same element
    the sum up to it is continued in the same way, so that the edges and the remainder of
    `remainder_cross_section` sum to the atom.  The strength is moved from where the table rises
    to the onset in energy loss.  It is the atom's: see `near_edge` for what the neighbours do.
    """
    onset, table_at = _entry(symbol, shell)
    at = np.asarray(energy, dtype=np.float64) + (table_at - onset)
    upper, lower = _around(symbol, table_at, at)
    strength = 2.0 * (upper - lower) / (np.pi * np.where(at > 0, at, 1.0))
    return np.where(at > table_at, strength, 0.0) * dipole_factor(energy, beam)


def remainder_cross_section(
    symbol: str, energy: NDArray[np.float64], beam: Beam
) -> NDArray[np.float64]:
    """Return dσ/dE of an atom without the edges of `EDGES`, in barn/eV: valence and the rest."""
    at = np.asarray(energy, dtype=np.float64)
    rises = [rise for _, rise in EDGES.get(symbol, {}).values()]
    f2 = _around(symbol, min(rises), at)[1] if rises else _total(symbol, at)
    strength = 2.0 * f2 / (np.pi * np.where(at > 0, at, 1.0))
    return strength * dipole_factor(at, beam)


def formula_cross_section(
    formula: str, energy: NDArray[np.float64], beam: Beam
) -> NDArray[np.float64]:
    """Return dσ/dE of a formula unit in barn/eV, as the sum of its atoms alone."""
    at = np.asarray(energy, dtype=np.float64)
    total = np.zeros(at.shape)
    for symbol, count in atoms_of(formula).items():
        total += count * remainder_cross_section(symbol, at, beam)
        for shell in EDGES.get(symbol, {}):
            total += count * edge_cross_section(symbol, shell, at, beam)
    return total


def partial_cross_section(
    symbol: str, shell: str, beam: Beam, width: float, start: float = 0.0, step: float = 0.1
) -> float:
    """Return the cross section of an edge in barn, from `start` to `start + width` eV past it.

    Raises
    ------
    BadInputError
        The window has no width, begins before the edge, or ends outside the tables.
    """
    onset = onset_of(symbol, shell)
    if not (width > 0 and start >= 0 and onset + start + width < LAST and step > 0):
        raise BadInputError(
            f"no cross section of {symbol} {shell} from {start:g} to {start + width:g} eV past "
            f"its onset at {onset:g} eV",
            fix="give a window past the edge, within 30 keV",
        )
    count = max(16, int(np.ceil(width / step)))
    centres = onset + start + (np.arange(count) + 0.5) * width / count
    return float(edge_cross_section(symbol, shell, centres, beam).sum() * width / count)


def _entry(symbol: str, shell: str) -> tuple[float, float]:
    try:
        return EDGES[symbol][shell]
    except KeyError:
        known = ", ".join(f"{s} {k}" for s, shells in EDGES.items() for k in shells)
        raise BadInputError(
            f"the edge {symbol} {shell} is not known here", fix=f"name one of {known}"
        ) from None


def _total(symbol: str, at: NDArray[np.float64]) -> NDArray[np.float64]:
    return oscillator_strength(symbol, at) * np.pi * at / 2.0


def _around(
    symbol: str, rise: float, at: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """f₂ up to the edge after this one, and up to this one; never more than all of it."""
    total = upper = lower = _total(symbol, at)
    for edge in sorted((r for _, r in EDGES[symbol].values() if r >= rise), reverse=True):
        upper = lower
        lower = np.where(at <= edge, total, np.minimum(_continued(symbol, edge, at), upper))
    return upper, lower


def _continued(symbol: str, rise: float, at: NDArray[np.float64]) -> NDArray[np.float64]:
    level, slope = _power_law(symbol, rise)
    return np.asarray(level * (np.where(at > 0, at, rise) / rise) ** slope)


@lru_cache(maxsize=256)
def _power_law(symbol: str, rise: float) -> tuple[float, float]:
    """Level at the edge and exponent of f₂ in front of it; it never rises."""
    energy, f2 = scattering_table(symbol)
    top = rise * (1.0 - 0.002)
    use = (energy >= rise * (1.0 - 3 * PRE_EDGE)) & (energy <= top)
    x, y = np.log(energy[use] / rise), np.log(f2[use])
    slope, level = np.polyfit(x, y, 1)
    if slope > -0.5:
        slope, level = -0.5, float(np.mean(y + 0.5 * x))
    return float(np.exp(min(level, y[-1]))), float(slope)
