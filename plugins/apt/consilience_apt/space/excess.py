"""Gibbs' interfacial excess from a profile across an interface, or from a proxigram.

The excess is what the zone of the interface holds beyond two homogeneous phases that meet at the
dividing surface [1]_: ``Γ = (N − c_before·M_before − c_after·M_after) / (A η)`` with N atoms of the
element and M atoms of all kinds in the zone, A its area and η the detection efficiency.

References
----------
.. [1] B. W. Krakauer, D. N. Seidman, Phys. Rev. B 48 (1993) 6724, equation 5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from consilience.errors import BadInputError
from consilience_apt.space.counting import Basis
from consilience_apt.space.profile import Profile

__all__ = ["Excess", "gibbs_excess"]


@dataclass(frozen=True)
class Excess:
    """Atoms in excess at an interface.

    Attributes
    ----------
    atoms : float
        Detected atoms beyond the two phases.
    atoms_std_counting, atoms_std_placement : float
        From counting (the phases' compositions included), and from where the dividing surface is.
    detected : float
        Detected atoms in excess an area, 1/nm²; a lower bound of `value` in magnitude.
    value : float or None
        Atoms in excess an area, 1/nm²; None where the detection efficiency is unknown.
    std_stat : float
        Counting and placement, of `value` if that is known, else of `detected`.
    std_sys : float or None
        Area and efficiency; None where either has an unknown error.
    before, after : float
        Fractions of the two phases.
    before_std_stat, after_std_stat : float
    significance : float
        `atoms` over its statistical error.
    """

    what: str
    atoms: float
    atoms_std_counting: float
    atoms_std_placement: float
    detected: float
    value: float | None
    std_stat: float
    std_sys: float | None
    before: float
    after: float
    before_std_stat: float
    after_std_stat: float
    area: float

    @property
    def significance(self) -> float:
        """Excess atoms over their statistical error."""
        return self.atoms / math.hypot(self.atoms_std_counting, self.atoms_std_placement)


def gibbs_excess(
    profile: Profile,
    what: str,
    zone: tuple[float, float],
    before: tuple[float, float],
    after: tuple[float, float],
    location: float,
    location_std: float,
    area: float,
    area_relative_std: float | None = None,
    efficiency: float | None = None,
    efficiency_relative_std: float | None = None,
    basis: Basis = "atomic",
) -> Excess:
    """Return the excess of an element or species at an interface.

    The counting error takes the numbers of ions as Poisson, which holds for the element and for
    the other atoms alike; ions of the three stretches are independent.

    Parameters
    ----------
    profile : Profile
        Across the interface; a proxigram's profile will do.
    what : str
    zone : two floats
        Stretch that holds the whole interface, nm.
    before, after : two floats
        Stretches of the two phases, which must not overlap the zone, nm.
    location, location_std : float
        Dividing surface, nm.
    area : float
        Of the interface within the profile, nm².
    area_relative_std, efficiency, efficiency_relative_std : float, optional
        Unknown where not given.
    basis : {"atomic", "ionic"}

    Raises
    ------
    BadInputError
        Stretches that overlap or hold no ion, a dividing surface outside of the zone, or an area
        or efficiency that cannot be.
    """
    if not (math.isfinite(area) and area > 0):
        raise BadInputError(f"an interface of {area:g} nm²", fix="give a positive area")
    if efficiency is not None and not 0 < efficiency <= 1:
        raise BadInputError(
            f"a detection efficiency of {efficiency:g}",
            fix="give a share, as 0.52, or leave it out",
        )
    if not min(zone) <= location <= max(zone):
        raise BadInputError(
            f"the dividing surface at {location:g} nm is outside of the zone from {min(zone):g} to "
            f"{max(zone):g} nm",
            fix="take a zone around it",
        )
    if not (max(before) <= min(zone) and max(zone) <= min(after)):
        raise BadInputError(
            "the stretches of the two phases and the zone overlap or are out of order",
            fix="give the phase before, the zone and the phase after by rising distance",
        )
    part, whole = profile.counts.weights(what, basis)
    net, _ = profile.counts._net()
    middles = profile.centres

    def phase(stretch: tuple[float, float], name: str) -> tuple[float, float]:
        first, stop = np.searchsorted(middles, (min(stretch), max(stretch)))
        if stop <= first or not profile.counts.ranged[first:stop].any():
            raise BadInputError(
                f"the phase {name} the interface, {min(stretch):g} to {max(stretch):g} nm, holds "
                "no ranged ion",
                fix="choose a stretch inside of the profile",
            )
        made = profile.counts.summed(int(first), int(stop)).fraction(what, basis)
        return float(made.value[0]), float(made.std_stat[0])

    c0, s0 = phase(before, "before")
    c1, s1 = phase(after, "after")
    first, stop = (int(i) for i in np.searchsorted(middles, (min(zone), max(zone))))
    if stop <= first or not profile.counts.ranged[first:stop].any():
        raise BadInputError("the zone of the interface holds no ranged ion", fix="widen it")
    # the bin of the dividing surface is shared out by length
    edges = profile.edges[first : stop + 1]
    share = np.clip((location - edges[:-1]) / np.diff(edges), 0.0, 1.0)
    atoms = net[first:stop] @ whole
    ahead, behind = float(share @ atoms), float((1 - share) @ atoms)
    excess = float((net[first:stop] @ part).sum()) - c0 * ahead - c1 * behind
    level = share * c0 + (1 - share) * c1
    push = part[None, :] - level[:, None] * whole[None, :]
    variance = float((profile.counts.ions[first:stop] * push**2).sum())
    counting = math.sqrt(variance + (ahead * s0) ** 2 + (behind * s1) ** 2)
    bin_of = min(max(int(np.searchsorted(edges, location)) - 1, 0), stop - first - 1)
    line_density = float(atoms[bin_of] / (edges[bin_of + 1] - edges[bin_of]))
    placement = abs(c0 - c1) * line_density * location_std
    detected = excess / area
    scale = area if efficiency is None else area * efficiency
    value = None if efficiency is None else excess / scale
    std_sys = None
    if area_relative_std is not None and (
        efficiency is None or efficiency_relative_std is not None
    ):
        std_sys = abs(excess / scale) * math.hypot(
            area_relative_std, efficiency_relative_std or 0.0
        )
    return Excess(
        what, excess, counting, placement, detected, value,
        math.hypot(counting, placement) / scale, std_sys, c0, c1, s0, s1, area,
    )  # fmt: skip
