"""What absorption means for a line: how deep it tells of, and what a liquid over it costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_xrf.amounts.attenuation import (
    ELECTROLYTE,
    Angles,
    Layer,
    Material,
    attenuation_length,
    information_depth,
    slant_attenuation,
    transmission,
)
from consilience_xrf.amounts.density import Bench
from consilience_xrf.amounts.emission import Emission, edge_energy, emission, line_energy

__all__ = ["THICKNESSES", "Reach", "liquid_thickness", "reach_of"]

THICKNESSES = (10.0, 100.0)
"""µm of liquid whose cost is stated."""
NEWTON = 6
"""Steps that solve for a thickness; the curve is nearly straight."""


@dataclass(frozen=True)
class Reach:
    """How far a line is seen.

    Attributes
    ----------
    energy : float
        keV of the line.
    length : float or None
        µm over which the line falls to 1/e in `matrix`.
    depth : float or None
        µm of `matrix` from which 63 % of the counts come; None: the beam's energy or the density
        is not known.
    liquid : dict
        Share of the counts lost in so many µm of `liquid_name`: the line on its way out and, where
        the beam's energy is known, the beam on its way in.
    """

    energy: float
    matrix: str
    length: float | None
    depth: float | None
    liquid: dict[float, float]
    liquid_name: str
    both_ways: bool


def reach_of(
    element: str,
    line: str,
    beam: float | None,
    geometry: Angles,
    matrix: Material | None = None,
    liquid: Material = ELECTROLYTE,
) -> Reach:
    """Return how far a line is seen.

    Raises
    ------
    BadInputError
        No such line, or the beam does not excite it.
    """
    if beam is not None and beam <= edge_energy(element, line):
        emission(element, line, beam)  # which tells why
    energy = line_energy(element, line) if beam is None else emission(element, line, beam).energy
    matter = matrix or Material.of(element)
    length = depth = None
    if matter.density is not None:
        length = attenuation_length(matter, energy)
        if beam is not None:
            depth = information_depth(matter, beam, energy, geometry)
    if beam is None:
        lost = {
            t: 1.0 - transmission((Layer(liquid, t),), None, energy, geometry).value
            for t in THICKNESSES
        }
    else:
        rates, weights = _rates(emission(element, line, beam), beam, geometry, liquid)
        lost = {t: 1.0 - float(np.sum(weights * np.exp(-rates * t))) for t in THICKNESSES}
    return Reach(energy, matter.name, length, depth, lost, liquid.name, beam is not None)


def liquid_thickness(
    ratio: float,
    ratio_std: float | None,
    element: str,
    line: str,
    beam: float,
    geometry: Angles,
    liquid: Material = ELECTROLYTE,
) -> tuple[float, float | None]:
    """Return µm of liquid that would lower a line's counts to `ratio`, with its error.

    Raises
    ------
    BadInputError
        The ratio is not above 0.
    """
    if ratio <= 0.0:
        raise BadInputError(
            f"a ratio of wet to dry counts of {ratio:.4g} has no thickness",
            fix="compare maps that both have counts",
        )
    rates, weights = _rates(emission(element, line, beam), beam, geometry, liquid)
    um = -math.log(ratio) / float(np.sum(weights * rates))
    slope = 0.0
    for _ in range(NEWTON):
        through = weights * np.exp(-rates * um)
        slope = float(np.sum(rates * through) / np.sum(through))
        um += (math.log(float(np.sum(through))) - math.log(ratio)) / slope
    return um, None if ratio_std is None else ratio_std / ratio / slope


def _rates(
    own: Emission, beam: float, geometry: Angles, liquid: Material
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What a µm of liquid takes from each single line, and its share in what is counted."""
    bench = Bench(beam, geometry)
    per = liquid.needed_density * 1e-4
    rates = [slant_attenuation(liquid, beam, energy, geometry) * per for energy, _ in own.lines]
    weights = np.array(bench.shares(own))
    return np.array(rates), weights / weights.sum()
