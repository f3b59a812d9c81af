"""The detector's own X-ray lines: Cd and Te of its crystal, W and Pb of its shield and pinhole.

At a resolution of 0.8 keV Kα1 and Kα2 are one peak for Cd and Te, and nearly one for W and Pb.  So
lines are fitted in groups with tabulated energies and ratios; the means that come out are 23.11 keV
(Cd Kα) and 27.38 keV (Te Kα).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["ELEMENTS", "REGIONS", "LineGroup", "detector_lines", "with_tail"]

ELEMENTS = ("Cd", "Te", "W", "Pb")
REGIONS = ((21.0, 33.6), (56.0, 61.8), (71.2, 77.0))
"""keV: where the lines of Cd and Te, W Kα and Pb Kα are fitted.

Left out are W Kβ (67.4 keV), which lies on the Cd escape of the Compton peak (70.8 keV at 115 keV
and 90°), and Pb Kβ (85 keV), which lies on that peak's flank: no smooth background follows either
well enough to place a line on it.
"""
_ALPHA = ("KL3", "KL2", "KL1")
_BETA = ("KM2", "KM3", "KM4", "KM5", "KN2", "KN3", "KN4", "KN5", "KO2", "KO3")


@dataclass(frozen=True)
class LineGroup:
    """Lines that this detector cannot tell apart.

    Parameters
    ----------
    name : str
        Element and group, such as ``Cd Kα``.
    element : str
    energies : ndarray, shape (m,)
        In keV.
    weights : ndarray, shape (m,)
        Of the whole K series of the element; the weights of all its groups add to 1.
    """

    name: str
    element: str
    energies: NDArray[np.float64]
    weights: NDArray[np.float64]

    @property
    def mean(self) -> float:
        """Weighted mean energy in keV."""
        return float(np.average(self.energies, weights=self.weights))


def with_tail(group: LineGroup, share: float, length: float = 1.5) -> LineGroup:
    """Return a group of which a share of each line lies in an exponential tail below it.

    Parameters
    ----------
    group : LineGroup
    share : float
        0 to 1.
    length : float
        Of the exponential, keV; as a few points at its quantiles.
    """
    steps = -np.log1p(-(np.arange(6) + 0.5) / 6.0) * length
    energies = [group.energies, *(group.energies - step for step in steps)]
    each = share / steps.size
    weights = [(1.0 - share) * group.weights, *(each * group.weights for _ in steps)]
    return LineGroup(group.name, group.element, np.concatenate(energies), np.concatenate(weights))


@cache
def detector_lines(elements: tuple[str, ...] = ELEMENTS) -> tuple[LineGroup, ...]:
    """Return the groups of K lines of the elements, from xraylib's tables.

    Parameters
    ----------
    elements : tuple of str

    Returns
    -------
    tuple of LineGroup
        Kα and Kβ of each, in order of the elements.

    References
    ----------
    T. Schoonjans et al., Spectrochim. Acta B 66, 776 (2011): xraylib, which tabulates line
    energies by Deslattes and rates by Scofield and by Campbell and Wang.
    """
    found = []
    for element in elements:
        groups = {"Kα": _lines(element, _ALPHA), "Kβ": _lines(element, _BETA)}
        total = sum(rate for lines in groups.values() for _, rate in lines)
        for name, lines in groups.items():
            energies = np.array([energy for energy, _ in lines])
            weights = np.array([rate for _, rate in lines]) / total
            found.append(LineGroup(f"{element} {name}", element, energies, weights))
    return tuple(found)


def _lines(element: str, names: tuple[str, ...]) -> list[tuple[float, float]]:
    """Energy (keV) and radiative rate of the lines that xraylib knows of."""
    import xraylib

    z = xraylib.SymbolToAtomicNumber(element)
    found = []
    for name in names:
        line = getattr(xraylib, f"{name}_LINE")
        try:
            found.append((xraylib.LineEnergy(z, line), xraylib.RadRate(z, line)))
        except ValueError:  # xraylib's word for a line that this element has not
            continue
    return found
