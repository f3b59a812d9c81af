"""Two techniques and one element at known true amounts: seen, or absent below a limit.

Each technique states what a counting one states after Currie (Anal. Chem. 40, 586, 1968): present
above 1.645 deviations of the blank, else absent below a limit of 3.29 of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from benchmarks.verdicts.common import Rates, Z, context_of, finding, repeated
from consilience.compare.presence.presence import compare
from consilience.model import Finding

__all__ = ["CASES", "PLACES", "Case", "expected", "rates"]

PLACES = ("0", "limit/2", "limit", "limit + 3σ", "2 limits + 6σ")


@dataclass(frozen=True)
class Case:
    """Deviations of both techniques, and whether the second one is blind: a planted fault."""

    name: str
    first: float
    second: float
    blind: bool = False

    def amounts(self, place: str) -> tuple[float, float]:
        """Return the true amount as either technique meets it."""
        limit = 2.0 * Z * self.second
        true = {
            "0": 0.0,
            "limit/2": 0.5 * limit,
            "limit": limit,
            "limit + 3σ": limit + 3.0 * self.first,
            "2 limits + 6σ": 2.0 * limit + 6.0 * self.first,
        }[place]
        return true, 0.0 if self.blind else true


CASES = (
    Case("both see alike", 0.01, 0.01),
    Case("one sees three times finer", 0.01, 0.03),
    Case("the second is blind to it", 0.01, 0.01, blind=True),
    Case("a finer one, the second blind", 0.01, 0.03, blind=True),
)


def expected(case: Case, place: str) -> dict[str, float]:
    """Return the rates that two normal distributions give."""
    one, other = (
        norm(amount, std)
        for amount, std in zip(case.amounts(place), (case.first, case.second), strict=True)
    )
    seen = [float(one.sf(Z * case.first)), float(other.sf(Z * case.second))]
    disagree = undecided = 0.0
    sides = (
        (one, case.first, 2 * Z * case.second, seen[1]),
        (other, case.second, 2 * Z * case.first, seen[0]),
    )
    for amount, std, limit, its in sides:
        above = float(amount.sf(max(Z * std, limit + Z * std)))
        disagree += above * (1.0 - its)
        undecided += (float(amount.sf(max(Z * std, limit))) - above) * (1.0 - its)
    agree = seen[0] * seen[1]
    return {
        "agree": agree,
        "consistent": max(1.0 - agree - disagree - undecided, 0.0),
        "disagree": disagree,
        "undecided": undecided,
    }


def said_of_pair(rng: np.random.Generator, case: Case, place: str) -> str:
    """Simulate one pair and return its verdict."""
    stds = (case.first, case.second)
    made = [
        _claim(technique, float(rng.normal(amount, std)), std)
        for technique, amount, std in zip(("xrf", "eels"), case.amounts(place), stds, strict=True)
    ]
    verdict = compare(made[0], made[1], context_of(made))
    assert verdict is not None
    return verdict.verdict


def _claim(technique: str, amount: float, std: float) -> Finding:
    seen = amount > Z * std
    return finding(
        "element",
        technique,
        subject={"element": "F"},
        status="present" if seen else "absent_below_limit",
        value=amount if seen else None,
        std_stat=std if seen else None,
        std_sys=0.0 if seen else None,
        unit="1",
        limit=2.0 * Z * std,
    )


def rates(pairs: int, seed: int) -> Iterator[Rates]:
    """Yield the rates of every case at every true amount."""
    for number, case in enumerate(CASES):
        for at, place in enumerate(PLACES):
            rng = np.random.default_rng([seed, 2, number, at])
            yield repeated(
                case.name,
                place,
                pairs,
                lambda r=rng, c=case, p=place: said_of_pair(r, c, p),  # type: ignore[misc]
                expected(case, place),
            )
