"""What an element emits, by tables alone: lines, windows, detector; the simulator's own first hand.

It shares no code with the fit, so that the two can contradict each other.  All cross sections
are those of xraylib [1]_, per gram of the element, with vacancies that cascade from inner shells.

References
----------
.. [1] T. Schoonjans et al., Spectrochim. Acta B 66 (2011) 776.
.. [2] S. J. B. Reed, N. G. Ware, J. Phys. E 5 (1972) 582: escape peaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import exp, log

import xraylib

from consilience.errors import BadInputError

__all__ = [
    "ELECTROLYTE",
    "EmittedLine",
    "compton_energy",
    "efficiency",
    "emitted_lines",
    "escape_fraction",
    "mass_attenuation",
    "shell_energy",
]

LINES_OF_SHELL = {"K": range(-29, 0), "L": range(-113, -29), "M": range(-219, -113)}
"""xraylib's numbers of the lines that fill each shell."""
LEAST = 1e-3
"""Lines below this share of their shell's strongest are left out; they hold under 1 % of it."""
SILICON_K = 1.73998
"""Energy of Si K-alpha [keV], which escapes from the detector."""
ELECTROLYTE = {"C3H4O3": 0.44, "C3H6O3": 0.44, "LiPF6": 0.12}
"""1 M LiPF6 in ethylene and dimethyl carbonate, by mass."""
ELECTRON = 510.99895
"""Rest energy [keV]."""


@dataclass(frozen=True)
class EmittedLine:
    """One line of one element.

    `energy` in keV; `cross_section` in cm^2 per gram of the element, at the incident energy;
    `shell` is K, L or M.
    """

    element: str
    shell: str
    energy: float
    cross_section: float


@lru_cache(maxsize=512)
def emitted_lines(element: str, incident: float) -> tuple[EmittedLine, ...]:
    """Return the lines of an element at an incident energy [keV], by falling strength.

    Lines weaker than `LEAST` of the strongest of their shell are left out, as are those below
    0.3 keV.  Nothing is returned where the incident energy lies below all edges.

    Raises
    ------
    BadInputError
        No such element.
    """
    try:
        number = xraylib.SymbolToAtomicNumber(element)
    except ValueError as error:
        raise BadInputError(
            f"{element!r} is no element symbol", fix="write for example 'Pt'"
        ) from error
    found: list[EmittedLine] = []
    for shell, lines in LINES_OF_SHELL.items():
        here = []
        for line in lines:
            try:
                energy = xraylib.LineEnergy(number, line)
                section = xraylib.CS_FluorLine_Kissel_Cascade(number, line, incident)
            except ValueError:  # no such line, or its edge lies above
                continue
            if section > 0 and energy > 0.3:
                here.append(EmittedLine(element, shell, energy, section))
        top = max((line.cross_section for line in here), default=0.0)
        found += [line for line in here if line.cross_section >= LEAST * top]
    return tuple(sorted(found, key=lambda line: -line.cross_section))


def shell_energy(element: str, shell: str, incident: float) -> float | None:
    """Return the energy [keV] of the strongest line of a shell, None where it has none."""
    for line in emitted_lines(element, incident):
        if line.shell == shell:
            return line.energy
    return None


@lru_cache(maxsize=4096)
def _one_attenuation(compound: str, energy: float) -> float:
    return float(xraylib.CS_Total_CP(compound, energy))


def mass_attenuation(parts: dict[str, float], energy: float) -> float:
    """Return the mass attenuation [cm^2/g] of a mixture by mass at an energy [keV]."""
    return sum(share * _one_attenuation(name, energy) for name, share in parts.items())


def efficiency(energy: float, silicon: float, beryllium: float) -> float:
    """Return the share of photons that a silicon detector counts.

    Parameters
    ----------
    energy : float
        [keV]
    silicon, beryllium : float
        Thickness of the crystal and of its window [um].
    """
    window = exp(-_one_attenuation("Be", energy) * 1.848 * beryllium * 1e-4)
    return window * (1 - exp(-float(xraylib.CS_Photo(14, energy)) * 2.33 * silicon * 1e-4))


def escape_fraction(energy: float) -> float:
    """Return escape counts over photopeak counts of silicon, normal incidence ([2]_, eq. 10)."""
    edge = float(xraylib.EdgeEnergy(14, xraylib.K_SHELL))
    if energy <= edge:
        return 0.0
    jump = float(xraylib.JumpFactor(14, xraylib.K_SHELL))
    omega = float(xraylib.FluorYield(14, xraylib.K_SHELL))
    ratio = _one_attenuation("Si", SILICON_K) / _one_attenuation("Si", energy)
    out = 0.5 * omega * (1 - 1 / jump) * (1 - ratio * log(1 + 1 / ratio))
    return out / (1 - out)


def compton_energy(incident: float, angle: float) -> float:
    """Return the energy [keV] after Compton scattering by an angle [deg], from a free electron."""
    from math import cos, radians

    return incident / (1 + incident / ELECTRON * (1 - cos(radians(angle))))
