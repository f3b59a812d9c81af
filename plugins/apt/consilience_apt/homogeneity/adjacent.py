"""Do adjacent detections know of each other?  A first-order Markov chain as a contingency table.

Ions that leave the surface one after the other come from near-by places when labels are
segregated, or when one sort of ion favours evaporation of its neighbour; the table cannot tell
those apart, and multiple hits are the clearest case of the second: leave them out to ask for the
first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import chi2

from consilience.errors import BadInputError
from consilience_apt.homogeneity.result import (
    HomogeneityResult,
    cannot_tell,
    detectable_noncentrality,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FEWEST_EXPECTED", "AdjacentTable", "adjacent_table", "adjacent_test"]

FEWEST_EXPECTED = 5.0
"""Pairs expected in every cell of the table below which χ² is not used."""


@dataclass(frozen=True)
class AdjacentTable:
    """Pairs of adjacent detections.

    Attributes
    ----------
    counts : int64[species, species]
        Row: the ion; column: the next one.
    lag : int
        1 for direct neighbours.
    left_out : int
        Pairs in which both ions came of one pulse, where these were to be left out.
    """

    counts: NDArray[np.int64]
    lag: int
    left_out: int


def adjacent_table(
    parts: Iterable[tuple[NDArray[Any], NDArray[Any] | None]], species: int, lag: int = 1
) -> AdjacentTable:
    """Count pairs of detections that are `lag` apart, in one pass.

    Parameters
    ----------
    parts : iterable of (labels, same_pulse)
        Consecutive parts of any length, in the order of detection: `labels` 0 … species − 1;
        `same_pulse`, bool of the same length, is true where an ion came of the same pulse as
        the one before it, None where that is unknown.  Pairs of one pulse are left out.
    species : int
        2 or more.
    lag : int
        1 or more.

    Raises
    ------
    BadInputError
        A label outside, lengths that differ, or nonsensical numbers.
    """
    if species < 2 or lag < 1:
        raise BadInputError(
            f"{species} species at lag {lag}", fix="take 2 species or more, and a lag of 1 or more"
        )
    counts = np.zeros(species * species, dtype=np.int64)
    left_out = 0
    labels_before = np.empty(0, dtype=np.int64)
    same_before = np.empty(0, dtype=bool)
    for labels, same in parts:
        here = np.asarray(labels).astype(np.int64)
        same_here = np.zeros(len(here), bool) if same is None else np.asarray(same, dtype=bool)
        if len(same_here) != len(here):
            raise BadInputError(
                f"{len(here)} labels and {len(same_here)} marks of the pulse",
                fix="give one mark for each label",
            )
        if len(here) and (here.min() < 0 or here.max() >= species):
            raise BadInputError(
                f"labels run from {here.min()} to {here.max()}, {species} species are known",
                fix="number the species from 0",
            )
        run = np.concatenate([labels_before, here])
        same_run = np.concatenate([same_before, same_here])
        if len(run) > lag:
            # one pulse holds both when every ion after the first continues it
            joined = same_run[1 : len(run) - lag + 1].copy()
            for k in range(2, lag + 1):
                joined &= same_run[k : len(run) - lag + k]
            pairs = (run[:-lag] * species + run[lag:])[~joined]
            left_out += int(joined.sum())
            counts += np.bincount(pairs, minlength=species * species)
        labels_before, same_before = run[-lag:], same_run[-lag:]
    return AdjacentTable(counts.reshape(species, species), lag, left_out)


def adjacent_test(table: AdjacentTable) -> HomogeneityResult:
    """Test whether a detection depends on the one before.

    χ² of the table with (k − 1)² degrees of freedom; for a chain it holds although each ion is in
    two pairs [1]_.

    Parameters
    ----------
    table : AdjacentTable
        Of two species (then the effect has a sign) or more.

    Returns
    -------
    HomogeneityResult
        Effect: for two species φ, the correlation of adjacent labels (P(next is solute after
        solute) − P(after the rest)); for more, Cramér's V, which has no sign.  `pearson_mu` is
        √(χ²/(N + χ²)).  `solute` counts the last species.

    References
    ----------
    .. [1] T. W. Anderson, L. A. Goodman, Ann. Math. Stat. 28 (1957) 89, sec. 3.
    .. [2] C. A. Johnson, J. H. Klotz, Technometrics 16 (1974) 483 (atom probe data as a chain).
    """
    test = f"adjacent detections (lag {table.lag})"
    counts = table.counts
    species = len(counts)
    pairs = int(counts.sum())
    before, after = counts.sum(axis=1), counts.sum(axis=0)
    solute = int(before[-1])
    if pairs == 0:
        return cannot_tell(test, 0, 0, "there is no pair of adjacent detections")
    # margins of a 2×2 table differ by one at most: 0 of either means one species alone
    absent = int(((before == 0) | (after == 0)).sum())
    if absent:
        return cannot_tell(
            test, pairs, solute, f"{absent} of {species} species are in none of {pairs} pairs"
        )
    expected = np.outer(before, after) / pairs
    if expected.min() < FEWEST_EXPECTED:
        return cannot_tell(
            test,
            pairs,
            solute,
            f"the rarest pair is expected {expected.min():.2g} times, {FEWEST_EXPECTED:g} are "
            "needed; join rare species",
        )
    statistic = float(((counts - expected) ** 2 / expected).sum())
    freedom = (species - 1) ** 2
    strength = (statistic / (pairs * (species - 1))) ** 0.5
    if species == 2:
        strength *= float(np.sign(counts[1, 1] - expected[1, 1]))
    smallest = (detectable_noncentrality(freedom) / (pairs * (species - 1))) ** 0.5
    notes = (
        (f"{table.left_out} pairs of one pulse were left out",)
        if table.left_out
        else ("pairs of one pulse are not told apart",)
    )
    return HomogeneityResult(
        test=test,
        ions=pairs,
        solute=solute,
        p_value=float(chi2.sf(statistic, freedom)),
        statistic=statistic,
        statistic_name="χ²",
        degrees_of_freedom=freedom,
        pearson_mu=(statistic / (pairs + statistic)) ** 0.5,
        effect=strength,
        smallest_effect=smallest if smallest < 1 else None,
        effect_name=(
            "correlation of adjacent labels" if species == 2 else "Cramér's V of adjacent labels"
        ),
        details={"pairs": float(pairs), "left_out": float(table.left_out)},
        tables={"observed": counts.ravel(), "expected": expected.ravel()},
        notes=notes,
    )
