"""Compounds that a composition is consistent with: never proved by it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from consilience.model.finding import FindingDraft, Region, Rival, Subject
from consilience_apt.amounts.composing import Composed
from consilience_apt.findings.drafts_spectrum import number
from consilience_apt.ions import Ion

__all__ = ["Ratio", "consistent_ratios", "phase_drafts"]

MARGIN = 0.05
"""5 at.%: what the field calls equivalent where lithium is measured by atom probe."""
MAIN = 0.05
"""Elements below this fraction are left out of a formula."""
LARGEST = 4
"""Largest number of atoms of one element in a formula that is looked for."""


@dataclass(frozen=True)
class Ratio:
    """A formula of small numbers and how far the composition is from it.

    `difference` is the largest of its elements' (fraction), `std` its known error.
    """

    formula: str
    difference: float
    std: float
    shares: dict[str, float]
    measured: dict[str, float]


def consistent_ratios(composed: Composed) -> tuple[list[Ratio], dict[str, float]]:
    """Return formulas of two elements within 5 at.% and three standard deviations, nearest first.

    Returns
    -------
    tuple
        The formulas, and the fractions of the two main elements (their sum is one).
    """
    atomic = composed.atomic
    values = atomic.values
    main = [i for i in np.argsort(-values).tolist() if values[i] >= MAIN and i < len(values)]
    main = [i for i in main if atomic.names[i] != "H"]
    if len(main) != 2:
        return [], {}
    first, second = main
    total = float(values[first] + values[second])
    share = float(values[first]) / total
    covariance = atomic.stat + (0 if atomic.sys is None else atomic.sys)
    slope = np.zeros(len(values))
    slope[first], slope[second] = (1 - share) / total, -share / total
    std = math.sqrt(max(float(slope @ covariance @ slope), 0.0))
    names = atomic.names[first], atomic.names[second]
    found = []
    for a in range(1, LARGEST + 1):
        for b in range(1, LARGEST + 1):
            if math.gcd(a, b) > 1:
                continue
            wanted = a / (a + b)
            difference = share - wanted
            if abs(difference) <= MARGIN + 3 * std:
                formula = Ion(((names[0], a), (names[1], b))).formula
                found.append(
                    Ratio(
                        formula, difference, std,
                        {names[0]: wanted, names[1]: 1 - wanted},
                        {names[0]: share, names[1]: 1 - share},
                    )
                )  # fmt: skip
    found.sort(key=lambda one: abs(one.difference))
    return found, {names[0]: share, names[1]: 1 - share}


def phase_drafts(composed: Composed, region: Region, method: str) -> list[FindingDraft]:
    """Return what compounds the composition of one homogeneous stretch is consistent with.

    The status stays open: a composition can contradict a compound and cannot prove one.
    """
    ratios, measured = consistent_ratios(composed)
    if not ratios:
        return []
    a, b = measured
    rivals = [
        Rival(
            subject=Subject(label=f"disordered alloy of {a} and {b}"),
            explains=["the same composition, with atoms at random on one lattice"],
            decided_by=["superlattice lines in diffraction", "spatial distribution maps"],
        ),
        Rival(
            subject=Subject(label=f"fine mixture of phases of {a} and {b}"),
            explains=["the same mean composition over the stretch"],
            decided_by=["tests of homogeneity at the mixture's scale", "lines of each phase"],
        ),
    ]
    made = []
    for one in ratios[:3]:
        others = [
            Rival(
                subject=Subject(formula=other.formula),
                explains=[f"{100 * abs(other.difference):.2f} at.% away"],
                decided_by=["a smaller systematic error of the composition"],
            )
            for other in ratios
            if other.formula != one.formula
        ]
        made.append(
            FindingDraft(
                kind="phase",
                subject=Subject(formula=one.formula),
                region=region,
                unit=None,
                status=None,
                reason=f"the composition is consistent with {one.formula}, and with others: a "
                "composition can contradict a compound, and cannot prove one",
                rivals=[*others, *rivals],
                evidence={
                    "measured": {k: number(v) for k, v in one.measured.items()},
                    "expected": {k: number(v) for k, v in one.shares.items()},
                    "difference": number(one.difference, 4),
                    "std_known": number(one.std, 3),
                    "margin": MARGIN,
                },
                assumptions=[
                    (
                        f"within {100 * MARGIN:g} at.% and three (known) standard deviations of a "
                        "ratio of small numbers"
                    ),
                ],
                method=method,
            )
        )
    return made
