"""A layered solid-state cell as a sheet of X-rays meets it: what scatters in each region.

The beam is a sheet, wider than a layer is thick.  Moved along the stack it takes in the cathode,
the electrolyte and a part of the lithium (region 1), the electrolyte and a part of the lithium
(region 2), or lithium alone (region 3).  Amounts are moles of formula units per area of the sheet,
so that a cathode which loses lithium keeps its nickel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import xraylib

from consilience.errors import BadInputError
from consilience_compton.model.profiles import atoms_of, composition_at, electrons

__all__ = ["ELECTROLYTE", "NMC622", "STATES", "STOICHIOMETRY", "Cell", "Layer", "molar_mass"]

STATES = ("pristine", "charging", "end of charge", "discharging", "end of discharge")
STOICHIOMETRY: dict[str, tuple[float, ...]] = {
    "0.1 C": (1.01, 0.93, 0.26, 0.57, 0.91),
    "1 C": (1.01, 0.93, 0.66, 0.78, 0.91),
}
"""Planted x of the five states at each rate: those that Huang et al. (2025) print in Table 1."""

NMC622 = "LixNi0.6Mn0.2Co0.2O2"
ELECTROLYTE = "C32H60O19N1S2F6Li1"
"""Poly(ethylene oxide) with LiTFSI, 15 ether oxygens for each lithium."""
_LITHIUM_DENSITY = 0.534
_ELECTROLYTE_DENSITY = 1.2
_CATHODE_DENSITY = 2.97
"""g/cm³; the cathode's is the published one of the coating."""


def molar_mass(composition: str | dict[str, float]) -> float:
    """Return g/mol of one formula unit."""
    return float(
        sum(
            number * xraylib.AtomicWeight(xraylib.SymbolToAtomicNumber(symbol))
            for symbol, number in atoms_of(composition).items()
        )
    )


@dataclass(frozen=True)
class Layer:
    """Moles of formula units per cm² of the sheet, in µm × mol/cm³."""

    name: str
    composition: dict[str, float]
    amount: float

    @property
    def electrons(self) -> float:
        """Moles of electrons, same unit."""
        return self.amount * electrons(self.composition)


@dataclass(frozen=True)
class Cell:
    """Thicknesses in µm; `x` is the lithium of the oxide in the cathode.

    Parameters
    ----------
    x : float
        0 to 1.2.
    beam : float
        Height of the sheet.
    cathode, electrolyte : float
        Thickness of the layers; together not above `beam`.
    binder : float
        Mass fraction of carbon and poly(vinylidene fluoride), half each, in the cathode.
    oxide : str
        With ``Lix`` for the lithium that moves.
    shift : float
        How far the sheet of regions 1 and 2 lies off the layers' edges, towards the cathode,
        which takes as much lithium out of it and is what α and β do not know.

    Raises
    ------
    BadInputError
        Layers that do not fit into the sheet.
    """

    x: float = 1.01
    beam: float = 250.0
    cathode: float = 65.0
    electrolyte: float = 30.0
    binder: float = 0.0
    oxide: str = NMC622
    shift: float = 0.0

    def __post_init__(self) -> None:
        left = self.beam - self.cathode - self.electrolyte - abs(self.shift)
        if min(self.beam, self.cathode, self.electrolyte) <= 0.0 or left < 0.0:
            raise BadInputError(
                f"layers of {self.cathode:g} and {self.electrolyte:g} um do not fit into a sheet "
                f"of {self.beam:g} um",
                fix="give thicknesses above 0 that add up to less than the beam's height",
            )
        if not 0.0 <= self.x <= 1.2 or not 0.0 <= self.binder < 1.0:
            raise BadInputError(
                f"x of {self.x:g} and a mass fraction of binder of {self.binder:g}",
                fix="x lies between 0 and 1.2, the fraction between 0 and 1",
            )

    @property
    def alpha(self) -> float:
        """Volume of lithium in region 2, relative to region 3."""
        return (self.beam - self.electrolyte - self.shift) / self.beam

    @property
    def beta(self) -> float:
        """Volume of lithium in region 1, relative to region 3."""
        return (self.beam - self.electrolyte - self.cathode - self.shift) / self.beam

    def with_x(self, x: float) -> Cell:
        """Return the same cell in another state."""
        return replace(self, x=x)

    def layers(self, region: int) -> tuple[Layer, ...]:
        """Return what scatters in region 1, 2 or 3."""
        parts = {1: (self.cathode, self.electrolyte, self.beta * self.beam)}
        parts[2] = (0.0, self.electrolyte, self.alpha * self.beam)
        parts[3] = (0.0, 0.0, self.beam)
        if region not in parts:
            raise BadInputError(f"region {region} of 3", fix="1, 2 or 3")
        cathode, electrolyte, lithium = parts[region]
        found = []
        if cathode:
            found += self._cathode(cathode)
        if electrolyte:
            amount = electrolyte * _ELECTROLYTE_DENSITY / molar_mass(ELECTROLYTE)
            found.append(Layer("electrolyte", atoms_of(ELECTROLYTE), amount))
        if lithium:
            amount = lithium * _LITHIUM_DENSITY / molar_mass("Li")
            found.append(Layer("lithium", {"Li": 1.0}, amount))
        return tuple(found)

    def _cathode(self, thickness: float) -> list[Layer]:
        mass = thickness * _CATHODE_DENSITY
        # as made, x = 1: later states lose lithium, not nickel
        oxide = mass * (1.0 - self.binder) / molar_mass(composition_at(self.oxide, 1.0))
        found = [Layer("cathode", composition_at(self.oxide, self.x), oxide)]
        for name, formula in (("carbon", "C"), ("PVDF", "C2H2F2")):
            if self.binder:
                amount = 0.5 * mass * self.binder / molar_mass(formula)
                found.append(Layer(name, atoms_of(formula), amount))
        return found
