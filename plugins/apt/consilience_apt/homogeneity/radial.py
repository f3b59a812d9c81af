"""Radial distribution of solute around solute, relative to random labelling.

Pairs of all ions are counted by distance; which of them are solute–solute is compared with its
exact mean and variance when the labels are shuffled over the same positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import norm

from consilience.errors import BadInputError
from consilience_apt.homogeneity.neighbours import checked_region
from consilience_apt.homogeneity.result import LEVEL, POWER, HomogeneityResult, cannot_tell

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FEWEST_PAIRS", "MAXIMUM_IONS", "MAXIMUM_PAIRS", "RadialDistribution", "radial_test"]

MAXIMUM_IONS = 1_000_000
MAXIMUM_PAIRS = 20_000_000
"""Most pairs of ions within the largest radius; they are held in memory (24 bytes a pair)."""
FEWEST_PAIRS = 5.0
"""Solute pairs expected in a shell below which it is left out."""


@dataclass(frozen=True)
class RadialDistribution:
    """Solute around solute, shell by shell; arrays of one length, only shells with enough pairs.

    Attributes
    ----------
    inner, outer : float[shells]
        Radii in nm.
    pairs : int[shells]
        Pairs of any ions.
    solute_pairs : int[shells]
    ratio : float[shells]
        Solute pairs over the number expected of random labels: 1 is random.
    ratio_std : float[shells]
        Standard deviation of `ratio` under random labelling; shells are correlated.
    """

    inner: NDArray[np.float64]
    outer: NDArray[np.float64]
    pairs: NDArray[np.int64]
    solute_pairs: NDArray[np.int64]
    ratio: NDArray[np.float64]
    ratio_std: NDArray[np.float64]


def radial_test(
    positions: NDArray[np.floating[Any]],
    solute: NDArray[np.bool_],
    radii: NDArray[np.float64],
    relabellings: int = 199,
    seed: int = 1,
) -> tuple[HomogeneityResult, RadialDistribution | None]:
    """Compare the radial distribution function with random labelling, over all shells at once.

    The statistic is the largest |z| of any shell; its p-value comes from relabelling, so that
    looking at many shells costs no false alarms.

    Parameters
    ----------
    positions : float[n, 3]
        x, y, z in nm of all ranged ions of a region, at most `MAXIMUM_IONS`.
    solute : bool[n]
    radii : float[shells + 1]
        Increasing, in nm, from 0 or more.
    relabellings : int
        39 or more.
    seed : int

    Returns
    -------
    test : HomogeneityResult
        Effect: ratio − 1 in the shell with the largest |z|; `smallest_effect` is that of the
        shell which sees best.
    distribution : RadialDistribution or None
        None where nothing could be counted.

    References
    ----------
    .. [1] L. T. Stephenson et al., Microsc. Microanal. 13 (2007) 448,
       doi:10.1017/S1431927607070900.
    .. [2] A. J. Baddeley et al., Ecol. Monogr. 84 (2014) 477 (global tests by relabelling).
    """
    test = "radial distribution"
    radii = np.asarray(radii, dtype=np.float64)
    if len(radii) < 2 or not (radii[0] >= 0 and (np.diff(radii) > 0).all()):
        raise BadInputError(
            f"radii {radii.tolist()} do not increase from 0 nm or more",
            fix="give at least two increasing radii in nm",
        )
    if relabellings < 39:
        raise BadInputError(f"{relabellings} relabellings", fix="take 39 or more")
    refused = checked_region(test, positions, solute, MAXIMUM_IONS)
    if refused is not None:
        return refused, None
    number, members = len(positions), int(solute.sum())
    tree = cKDTree(positions)
    many = (int(tree.count_neighbors(tree, radii[-1])) - number) // 2
    if many > MAXIMUM_PAIRS:
        raise BadInputError(
            f"{many} pairs of ions lie within {radii[-1]:g} nm, more than {MAXIMUM_PAIRS}",
            fix="take a smaller largest radius, or cut out a smaller region of interest",
        )
    first, second, shell = _pairs(tree, positions, radii)
    shells = len(radii) - 1
    total = np.bincount(shell, minlength=shells)
    expected, spread = _random_pairs(first, second, shell, shells, number, members)
    kept = (expected >= FEWEST_PAIRS) & (spread > 0)
    if not kept.any():
        return (
            cannot_tell(
                test,
                number,
                members,
                f"no shell expects {FEWEST_PAIRS:g} solute pairs (most: {expected.max():.2g}); "
                "take wider shells or larger radii",
            ),
            None,
        )

    def deviations(chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        both = chosen[first] & chosen[second]
        found = np.bincount(shell[both], minlength=shells)
        return np.asarray((found[kept] - expected[kept]) / spread[kept])

    z = deviations(solute)
    chance = np.random.default_rng(seed)
    random = np.empty(relabellings)
    for i in range(relabellings):
        chosen = np.zeros(number, dtype=bool)
        chosen[chance.choice(number, members, replace=False)] = True
        random[i] = np.abs(deviations(chosen)).max()
    largest = int(np.abs(z).argmax())
    statistic = float(abs(z[largest]))
    relative = spread[kept] / expected[kept]
    critical = float(np.quantile(random, 1.0 - LEVEL, method="higher"))
    ratio = 1.0 + z * relative
    distribution = RadialDistribution(
        inner=radii[:-1][kept],
        outer=radii[1:][kept],
        pairs=total[kept],
        solute_pairs=np.rint(ratio * expected[kept]).astype(np.int64),
        ratio=ratio,
        ratio_std=relative,
    )
    result = HomogeneityResult(
        test=test,
        ions=number,
        solute=members,
        p_value=(1 + int((random >= statistic * (1 - 1e-12)).sum())) / (relabellings + 1),
        statistic=statistic,
        statistic_name="largest |z| of a shell",
        effect=float(ratio[largest] - 1.0),
        smallest_effect=float((critical + norm.ppf(POWER)) * relative.min()),
        effect_name=(
            f"excess of solute pairs at {distribution.inner[largest]:.3g} to "
            f"{distribution.outer[largest]:.3g} nm"
        ),
        details={
            "pairs": float(many),
            "shells": float(kept.sum()),
            "shells_left_out": float(shells - kept.sum()),
        },
        tables={
            "inner": distribution.inner,
            "outer": distribution.outer,
            "ratio": distribution.ratio,
            "ratio_std": distribution.ratio_std,
        },
        notes=(
            f"p-value by {relabellings} relabellings, for all shells together",
            "the smallest effect is that of the shell which sees best",
        ),
    )
    return result, distribution


def _pairs(
    tree: cKDTree, positions: NDArray[np.floating[Any]], radii: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return both ends and the shell of each pair, shells being (inner, outer]."""
    found = tree.query_pairs(radii[-1], output_type="ndarray")
    first, second = found[:, 0], found[:, 1]
    distance = np.sqrt(((positions[first] - positions[second]) ** 2).sum(axis=1))
    shell = np.searchsorted(radii, distance, side="left") - 1
    # two ions in one place belong to the first shell when it starts at the centre
    shell[(distance == 0) & (radii[0] == 0)] = 0
    inside = (shell >= 0) & (shell < len(radii) - 1)
    return first[inside], second[inside], shell[inside]


def _random_pairs(
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    shell: NDArray[np.intp],
    shells: int,
    number: int,
    members: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation of the solute pairs per shell for random labels.

    With M pairs, A ordered pairs of pairs that share an ion, and p_k the probability that k given
    ions are all solute: E = M p₂, E[n²] = M p₂ + A p₃ + (M(M − 1) − A) p₄.
    """
    k = np.arange(4, dtype=np.float64)
    steps = np.clip(members - k, 0, None) / np.clip(number - k, 1, None)
    _, p2, p3, p4 = np.cumprod(steps)
    expected, spread = np.zeros(shells), np.zeros(shells)
    for i in range(shells):
        here = shell == i
        pairs = float(here.sum())
        degree = np.bincount(first[here], minlength=number) + np.bincount(
            second[here], minlength=number
        )
        sharing = float((degree * (degree - 1.0)).sum())
        expected[i] = pairs * p2
        second_moment = pairs * p2 + sharing * p3 + (pairs * (pairs - 1) - sharing) * p4
        spread[i] = max(second_moment - expected[i] ** 2, 0.0) ** 0.5
    return expected, spread
