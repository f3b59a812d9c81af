"""Lines of an element's shells, with the intensities that one incident energy gives them.

References
----------
.. [1] T. Schoonjans et al., Spectrochimica Acta B 66 (2011) 776: xraylib.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import xraylib
from numpy.typing import NDArray

from consilience.errors import BadInputError

__all__ = [
    "HEAVIEST",
    "SHELLS",
    "Family",
    "atomic_number",
    "edge_energy",
    "families_of",
    "family",
    "split_name",
    "symbol",
]

Array = NDArray[np.float64]

SHELLS = ("K", "L", "M")
SUBSHELLS = {"K": ("K",), "L": ("L1", "L2", "L3"), "M": ("M1", "M2", "M3", "M4", "M5")}
FAINTEST = 1e-4
"""Lines weaker than this share of their family are left out."""
WELL_ABOVE = 1.5
"""Times the innermost edge of a shell: what excites where no incident energy is known."""
HEAVIEST = 98
"""Z of the last element with tabulated lines."""


@dataclass(frozen=True)
class Family:
    """All lines of one shell of one element.

    Parameters
    ----------
    element : str
    shell : {"K", "L", "M"}
    lines : tuple of str
        Names by shells, such as ``"KL3"`` (K-alpha 1); strongest first.
    energies : ndarray, shape (lines,)
        keV.
    weights : ndarray, shape (lines,)
        Shares of the family's photons, sum 1, as emitted.
    cross_section : float or None
        Of all lines together, cm²/g of the element; None where the incident energy is unknown.
    edge : float
        keV that excite the family at least.
    """

    element: str
    shell: str
    lines: tuple[str, ...]
    energies: Array
    weights: Array
    cross_section: float | None
    edge: float

    @property
    def name(self) -> str:
        """Element and shell, such as ``"Fe_K"``."""
        return f"{self.element}_{self.shell}"

    @property
    def main(self) -> float:
        """Energy of the strongest line, keV."""
        return float(self.energies[0])


def atomic_number(element: str) -> int:
    """Return Z of an element symbol.

    Raises
    ------
    BadInputError
        It is none, or one heavier than the tables go.
    """
    known = _symbols()
    if element not in known:
        raise BadInputError(
            f"{element!r} is no element with tabulated lines",
            fix="write a symbol from H to Cf, for example 'Fe'",
        )
    return known[element]


def edge_energy(element: str) -> float | None:
    """Return the energy of an element's K edge, keV; None where it is not tabulated."""
    return _or_zero(xraylib.EdgeEnergy, atomic_number(element), xraylib.K_SHELL) or None


def symbol(z: int) -> str:
    """Return the symbol of an atomic number from 1 to `HEAVIEST`."""
    return str(xraylib.AtomicNumberToSymbol(z))


def split_name(name: str) -> tuple[str, str | None]:
    """Return element and shell of ``"Fe_K"``, ``"Fe K"`` or ``"Fe"`` (no shell)."""
    element, _, shell = name.replace(" ", "_").partition("_")
    atomic_number(element)
    if shell and shell not in SHELLS:
        raise BadInputError(
            f"{name!r}: {shell!r} is no shell",
            fix="write an element, or an element and K, L or M, for example 'Pt_L'",
        )
    return element, shell or None


@lru_cache(maxsize=1)
def _symbols() -> dict[str, int]:
    return {xraylib.AtomicNumberToSymbol(z): z for z in range(1, HEAVIEST + 1)}


@lru_cache(maxsize=1)
def _lines() -> dict[str, tuple[tuple[str, int], ...]]:
    """Lines of each shell by the vacancy that they fill, and the constants of the library."""
    found: dict[str, tuple[tuple[str, int], ...]] = {}
    for shell in SHELLS:
        some = []
        for name in sorted(dir(xraylib)):
            stem = name.removesuffix("_LINE")
            start = tuple(s for s in SUBSHELLS[shell] if stem.startswith(s))
            if stem != name and start and stem[len(start[0]) :][:1] in tuple("LMNOPQ"):
                some.append((stem, int(getattr(xraylib, name))))
        found[shell] = tuple(some)
    return found


@lru_cache(maxsize=4096)
def family(element: str, shell: str, incident: float | None = None) -> Family | None:
    """Return the lines of a shell as photons of `incident` keV excite them.

    Parameters
    ----------
    element : str
    shell : {"K", "L", "M"}
    incident : float, optional
        keV; unknown: the shares are those of an energy well above all edges of the shell.

    Returns
    -------
    Family or None
        None where the shell emits nothing: no such electrons, no tabulated line, or an incident
        energy below its edges.

    Notes
    -----
    Photo-ionisation of each subshell (Kissel), Coster–Kronig transitions, fluorescence yields
    and radiative rates, with vacancies that inner shells hand on [1]_.
    """
    z = atomic_number(element)
    edges = [_or_zero(xraylib.EdgeEnergy, z, _subshell(s)) for s in SUBSHELLS[shell]]
    edges = [e for e in edges if e > 0]
    if not edges or (incident is not None and incident <= min(edges)):
        return None
    at = WELL_ABOVE * max(edges) if incident is None else incident
    rows = []
    for name, line in _lines()[shell]:
        strength = _or_zero(xraylib.CS_FluorLine_Kissel_Cascade, z, line, at)
        energy = _or_zero(xraylib.LineEnergy, z, line)
        if strength > 0 and energy > 0:
            rows.append((strength, energy, name))
    if not rows:
        return None
    rows.sort(reverse=True)
    total = sum(row[0] for row in rows)
    # lines inside one shell (L1-L3) have a fraction of its energy and are no part of its group
    kept = [row for row in rows if row[0] >= FAINTEST * total and row[1] > 0.3 * rows[0][1]]
    shown = sum(row[0] for row in kept)
    energies = np.array([row[1] for row in kept])
    weights = np.array([row[0] for row in kept]) / shown
    for frozen in (energies, weights):
        frozen.setflags(write=False)
    return Family(
        element,
        shell,
        tuple(row[2] for row in kept),
        energies,
        weights,
        shown if incident is not None else None,
        min(edges),
    )


def families_of(
    element: str, low: float, high: float, incident: float | None = None
) -> list[Family]:
    """Return the families of an element whose strongest line lies from `low` to `high` keV."""
    found = (family(element, shell, incident) for shell in SHELLS)
    return [f for f in found if f is not None and low <= f.main <= high]


def _subshell(name: str) -> int:
    return int(getattr(xraylib, f"{name}_SHELL"))


def _or_zero(function: object, *arguments: float) -> float:
    """Zero where the tables have no entry, which the library tells by an error."""
    try:
        return float(function(*arguments))  # type: ignore[operator]
    except ValueError:
        return 0.0
