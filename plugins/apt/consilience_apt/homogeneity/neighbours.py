"""Distances to the nearest neighbours of one's own kind, against random labelling.

Relabelling keeps every position, and with them density, edges and the shape of the region; only
which ion is solute is drawn anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import norm

from consilience.errors import BadInputError
from consilience_apt.homogeneity.result import LEVEL, POWER, HomogeneityResult, cannot_tell

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FEWEST_SOLUTE", "MAXIMUM_IONS", "checked_region", "neighbour_test", "two_sided"]

MAXIMUM_IONS = 2_000_000
"""Most ions of a region; they are held in memory (24 bytes an ion, and the tree)."""
FEWEST_SOLUTE = 10
"""Solute ions, besides `order`, below which a mean distance is not tested."""


def neighbour_test(
    positions: NDArray[np.floating[Any]],
    solute: NDArray[np.bool_],
    order: int = 1,
    relabellings: int = 199,
    seed: int = 1,
) -> HomogeneityResult:
    """Compare the mean distance to the nearest solute neighbour with random labelling.

    Parameters
    ----------
    positions : float[n, 3]
        x, y, z in nm of all ranged ions of a region, at most `MAXIMUM_IONS`.
    solute : bool[n]
    order : int
        1 for the nearest neighbour, 2 for the second …
    relabellings : int
        Each costs a search among the solute ions; 39 is the least for a level of 5 %.
    seed : int
        Of the relabellings.

    Returns
    -------
    HomogeneityResult
        Effect: enrichment of solute around solute, (random mean distance / found)³ − 1, which
        in a locally uniform density is the relative excess of concentration.

    References
    ----------
    .. [1] P. J. Clark, F. C. Evans, Ecology 35 (1954) 445 (nearest neighbours).
    .. [2] L. T. Stephenson, M. P. Moody, P. V. Liddicoat, S. P. Ringer, Microsc. Microanal. 13
       (2007) 448, doi:10.1017/S1431927607070900 (order-k neighbours in atom probe).
    """
    test = "nearest neighbours" if order == 1 else f"neighbours of order {order}"
    if order < 1 or relabellings < 39:
        raise BadInputError(
            f"order {order} with {relabellings} relabellings",
            fix="take an order of 1 or more, and 39 relabellings or more",
        )
    refused = checked_region(test, positions, solute, MAXIMUM_IONS)
    if refused is not None:
        return refused
    number, members = len(positions), int(solute.sum())
    if members < FEWEST_SOLUTE + order or number - members < FEWEST_SOLUTE:
        return cannot_tell(
            test,
            number,
            members,
            f"{members} solute ions among {number} are too few, {FEWEST_SOLUTE + order} of them "
            f"and {FEWEST_SOLUTE} others are needed",
        )
    chance = np.random.default_rng(seed)
    found = _mean_distance(positions[solute], order)
    random = np.array(
        [
            _mean_distance(positions[chance.choice(number, members, replace=False)], order)
            for _ in range(relabellings)
        ]
    )
    middle, spread = float(random.mean()), float(random.std(ddof=1))
    if spread == 0 or found == 0:
        return cannot_tell(test, number, members, "all distances are equal; are positions repeated")
    smallest = (norm.isf(LEVEL / 2) + norm.ppf(POWER)) * spread / middle
    return HomogeneityResult(
        test=test,
        ions=number,
        solute=members,
        p_value=two_sided(found, random),
        statistic=found,
        statistic_name="mean distance (nm)",
        effect=(middle / found) ** 3 - 1.0,
        smallest_effect=float((1.0 - smallest) ** -3 - 1.0) if smallest < 1 else None,
        effect_name="enrichment of solute around solute",
        details={
            "random_mean": middle,
            "random_std": spread,
            "z": (found - middle) / spread,
            "order": float(order),
        },
        notes=(
            f"p-value by {relabellings} relabellings",
            "the smallest effect supposes the spread of random labelling",
        ),
    )


def checked_region(
    test: str,
    positions: NDArray[np.floating[Any]],
    solute: NDArray[np.bool_],
    most: int,
) -> HomogeneityResult | None:
    """Refuse what is no region of ions; return an outcome where there is nothing to test."""
    number = len(positions)
    if positions.shape != (number, 3) or solute.shape != (number,):
        if number == 0 and solute.shape == (0,):
            return cannot_tell(test, 0, 0, "there is no ion")
        raise BadInputError(
            f"positions {positions.shape} and labels {solute.shape} do not belong together",
            fix="give one label for each x, y, z",
        )
    if number > most:
        raise BadInputError(
            f"{number} ions are more than the {most} that neighbours are searched among",
            fix="cut out a smaller region of interest",
        )
    if not np.isfinite(positions).all():
        raise BadInputError(
            "a position is NaN or infinite", fix="leave out ions that have no place"
        )
    members = int(solute.sum())
    reason = {
        number < 2: "there is no ion" if number == 0 else "a single ion has no neighbour",
        number >= 2 and members == 0: f"none of {number} ions is of the element",
        number >= 2 and members == number: f"all of {number} ions are of the element",
    }.get(True)
    return None if reason is None else cannot_tell(test, number, members, reason)


def two_sided(found: float, random: NDArray[np.float64]) -> float:
    """Return the two-sided p-value of `found` among relabellings (never 0, at most 1)."""
    # equal up to rounding is equal: distances on a lattice repeat
    near = 1e-12 * max(abs(found), 1e-300)
    above = int((random >= found - near).sum())
    below = int((random <= found + near).sum())
    return min(1.0, 2.0 * (1 + min(above, below)) / (len(random) + 1))


def _mean_distance(positions: NDArray[np.floating[Any]], order: int) -> float:
    distances, _ = cKDTree(positions, balanced_tree=False, compact_nodes=False).query(
        positions, k=[order + 1]
    )
    return float(np.mean(distances))
