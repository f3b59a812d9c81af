"""Materials of the interphase: density, plasmon and near-edge shape, for models and references.

Energies of plasmons are measured ones, or those of free electrons where `plasmon_from` says so.
Near-edge peaks are a *model*: onset and peaks stand where published spectra have them, to about
1 eV; heights and widths are chosen so that the picture looks alike.  They are good for asking
what could be told apart, not for telling compounds in measured data to better than that.

References
----------
.. [1] R. F. Egerton, *Electron Energy-Loss Spectroscopy in the Electron Microscope*, 3rd ed.,
   Springer (2011), appendix C: plasmon energies and widths; equation 3.41 for free electrons.
.. [2] R. Qiao et al., PLoS ONE 7 (2012) e49182: lithium K of Li₂O and Li₂CO₃ by absorption.
.. [3] V. Mauchamp et al., Physical Review B 77 (2008) 045117: lithium K of Li, Li₂O and LiF.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

from consilience.errors import BadInputError
from consilience_eels.physics.oscillator import atoms_of

__all__ = ["MATERIALS", "Material", "NearEdge", "Peak", "free_electron_plasmon", "material_of"]

AVOGADRO = 602.214076
"""Formula units per nm³ of 1 g/cm³ and 1 g/mol."""


@dataclass(frozen=True)
class Peak:
    """A peak of a near-edge shape: position and full width in eV, height over the step."""

    at: float
    width: float
    height: float


@dataclass(frozen=True)
class NearEdge:
    """Onset in a compound (eV), how wide the step rises (eV), and the peaks on it."""

    onset: float
    rise: float
    peaks: tuple[Peak, ...]


@dataclass(frozen=True)
class Material:
    """A solid: `density` in g/cm³, `plasmon` and its `width` in eV."""

    name: str
    formula: str
    density: float
    plasmon: float
    width: float
    plasmon_from: str
    near_edges: dict[tuple[str, str], NearEdge] = field(default_factory=dict)

    @cached_property
    def atoms(self) -> dict[str, float]:
        """Element to atoms in a formula unit."""
        return atoms_of(self.formula)

    @cached_property
    def molar_mass(self) -> float:
        """g/mol of a formula unit."""
        import periodictable

        return float(periodictable.formula(self.formula).mass)

    @property
    def units_per_nm3(self) -> float:
        """Formula units in a cubic nanometre."""
        return self.density * AVOGADRO / self.molar_mass


def free_electron_plasmon(formula: str, density: float, valence: int) -> float:
    """Return ``28.82 eV √(z ρ / A)`` for z valence electrons in a formula unit."""
    import periodictable

    return 28.82 * math.sqrt(valence * density / float(periodictable.formula(formula).mass))


MEASURED, FREE = "measured", "free electrons"
_CARBONATE_O = NearEdge(532.0, 0.8, (Peak(533.8, 1.4, 2.5), Peak(540.5, 6.0, 1.6)))

MATERIALS: dict[str, Material] = {
    one.name: one
    for one in (
        Material("Cr", "Cr", 7.19, 24.9, 14.0, MEASURED),
        Material("Pt", "Pt", 21.45, 34.0, 18.0, MEASURED),
        Material(
            "LiPt",
            "LiPt",
            12.3,
            26.0,
            16.0,
            "guessed between lithium and platinum",
            {("Li", "K"): NearEdge(55.0, 0.6, (Peak(60.0, 9.0, 0.5),))},
        ),
        Material("Si", "Si", 2.33, 16.7, 3.2, MEASURED),
        Material("SiN", "Si3N4", 3.17, 23.7, 9.0, MEASURED),
        Material("C", "C", 1.9, 24.0, 13.0, MEASURED),
        Material(
            "Li",
            "Li",
            0.534,
            7.1,
            2.2,
            MEASURED,
            {("Li", "K"): NearEdge(54.7, 0.3, (Peak(55.3, 1.2, 0.5), Peak(64.0, 10.0, 0.5)))},
        ),
        Material(
            "LiF",
            "LiF",
            2.64,
            25.0,
            8.0,
            MEASURED,
            {
                ("Li", "K"): NearEdge(60.0, 0.8, (Peak(62.0, 1.7, 2.6), Peak(69.8, 3.6, 1.7))),
                ("F", "K"): NearEdge(688.0, 1.0, (Peak(692.0, 3.0, 1.4), Peak(700.0, 5.0, 0.9))),
            },
        ),
        Material(
            "Li2O",
            "Li2O",
            2.013,
            18.5,
            7.0,
            MEASURED,
            {
                ("Li", "K"): NearEdge(
                    57.0, 0.5, (Peak(58.2, 1.2, 2.0), Peak(61.5, 3.0, 1.0), Peak(75.0, 5.0, 0.5))
                ),
                ("O", "K"): NearEdge(531.5, 0.8, (Peak(534.0, 2.5, 1.8), Peak(541.0, 5.0, 1.2))),
            },
        ),
        Material(
            "Li2CO3",
            "Li2CO3",
            2.11,
            free_electron_plasmon("Li2CO3", 2.11, 24),
            12.0,
            FREE,
            {
                ("Li", "K"): NearEdge(58.0, 0.7, (Peak(62.3, 3.0, 1.4), Peak(67.3, 3.5, 0.9))),
                ("C", "K"): NearEdge(288.5, 0.8, (Peak(290.2, 1.0, 4.0), Peak(300.0, 8.0, 1.2))),
                ("O", "K"): _CARBONATE_O,
            },
        ),
        Material(
            "LiOH",
            "LiOH",
            1.46,
            free_electron_plasmon("LiOH", 1.46, 8),
            9.0,
            FREE,
            {
                ("Li", "K"): NearEdge(57.5, 0.7, (Peak(60.5, 2.5, 1.2), Peak(66.0, 5.0, 0.8))),
                ("O", "K"): NearEdge(532.0, 1.0, (Peak(536.5, 4.0, 1.5),)),
            },
        ),
        Material(
            "LiPF6",
            "LiPF6",
            1.5,
            free_electron_plasmon("LiPF6", 1.5, 48),
            11.0,
            FREE,
            {
                ("Li", "K"): NearEdge(60.0, 0.8, (Peak(62.6, 2.2, 1.6), Peak(70.5, 5.0, 0.9))),
                ("F", "K"): NearEdge(689.0, 1.2, (Peak(693.5, 5.0, 1.2),)),
            },
        ),
    )
}
"""Name to material.  LiPt's density is that of its cell (a 2.73, c 4.23 Å)."""


def material_of(name: str) -> Material:
    """Return a material by name.

    Raises
    ------
    BadInputError
        There is none of that name; those that are known are listed.
    """
    try:
        return MATERIALS[name]
    except KeyError:
        raise BadInputError(
            f"no material is called {name!r}", fix=f"name one of {', '.join(MATERIALS)}"
        ) from None
