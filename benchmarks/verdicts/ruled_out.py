"""A rival that needs an element, and a counting technique that looks for it: rightly ruled out?

LiF by two techniques, by one of them with the rival LixPFy, which needs one P for six F.  A third
one counts both elements: fluorine, and phosphorus over a background that it knows, present above
what the background reaches in 5 %, else absent below what is missed in 5 % (Currie, Anal. Chem. 40,
586, 1968).  Its factor between the two is off by as much as it states, or by twice that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import brentq
from scipy.stats import poisson

from benchmarks.verdicts.common import LEVEL, Rates, Z, context_of, finding, repeated
from consilience.compare.presence.presence import compare

__all__ = ["CASES", "NEED", "PLACES", "Case", "expected", "rates", "said_of_pair"]

NEED = 1.0 / 6.0
PLACES = {"0 (LiF)": 0.0, "1/60": 1 / 60, "1/12": 1 / 12, "1/6 (LiPF6)": NEED, "1/3": 1 / 3}
"""True atoms of P for each F: from 1/6 on the rival is what is there."""
FACTOR = 1.75
"""Counts of an atom of P over those of an atom of F, as the technique believes."""


@dataclass(frozen=True)
class Case:
    """Expected counts of F and of the background under P, and errors of the factor."""

    name: str
    fluorine: float
    background: float
    stated: float = 0.2
    true: float = 0.2

    @cached_property
    def critical(self) -> int:
        """Counts that the background exceeds in at most 5 %."""
        return int(poisson.ppf(0.95, self.background))

    @cached_property
    def detection(self) -> float:
        """Net counts that stay at or below `critical` in 5 %."""
        b, c = self.background, self.critical
        return float(brentq(lambda s: poisson.cdf(c, b + s) - LEVEL, 0.0, 1e4))

    def limit(self, fluorine: float) -> float:
        """Return the most atoms of P for each F, from counts of fluorine."""
        least = fluorine - Z * np.sqrt(fluorine)
        return float(self.detection / least / FACTOR * (1.0 + Z * self.stated))


CASES = (
    Case("1 000 counts of F", 1000.0, 25.0),
    Case("100 counts", 100.0, 8.0),
    Case("100 counts, factor off by twice what is stated", 100.0, 8.0, true=0.4),
    Case("30 counts: the limit is above what the rival needs", 30.0, 8.0),
)


def expected(case: Case, ratio: float) -> dict[str, float]:
    """Return the share that is ruled out: nothing seen, and a limit below the need."""
    low = np.arange(max(1, int(case.fluorine - 8 * case.fluorine**0.5)), int(2 * case.fluorine) + 9)
    good = np.array([n > 3 and case.limit(float(n)) < NEED for n in low])
    limit_low = float(poisson.pmf(low, case.fluorine)[good].sum())
    grid = np.linspace(-4.0, 4.0, 401)
    weight = np.exp(-0.5 * grid**2)
    factors = np.clip(FACTOR * (1.0 + case.true * grid), 0.05, None)
    unseen = poisson.cdf(case.critical, case.background + factors * ratio * case.fluorine)
    out = limit_low * float((weight * unseen).sum() / weight.sum())
    return {"agree": out, "consistent": 1.0 - out}


def said_of_pair(rng: np.random.Generator, case: Case, ratio: float) -> str:
    """Simulate the counts once and return the verdict on LiF: *agree* if the rival is out."""
    fluorine = float(rng.poisson(case.fluorine))
    factor = max(FACTOR * (1.0 + case.true * rng.normal()), 0.05)
    phosphorus = rng.poisson(case.background + factor * ratio * case.fluorine)
    absent = phosphorus <= case.critical
    said: dict[str, object] = {"status": "present"}
    if absent:
        said = {"status": "absent_below_limit", "limit": case.detection, "unit": "count"}
        if fluorine > 3:
            said["evidence"] = {"limit_per": {"F": case.limit(fluorine)}}
    looked = [
        finding("element", "edx", subject={"element": "F"}, status="present"),
        finding("element", "edx", subject={"element": "P"}, **said),
    ]
    need = {"element": "P", "per": "F", "at_least": NEED, "citation": "LiPF6"}
    first = finding(
        "phase",
        "eels",
        subject={"formula": "LiF"},
        status="present",
        rivals=[{"subject": {"label": "LixPFy"}, "needs": [need]}],
        evidence={"share_of": {"F": 1.0}},
    )
    second = finding("phase", "xrd", subject={"formula": "LiF"}, status="present")
    context = context_of([first, second, *looked], elements={"chip": looked})
    verdict = compare(first, second, context)
    assert verdict is not None
    return verdict.verdict


def rates(pairs: int, seed: int) -> Iterator[Rates]:
    """Yield the rates of every case at every true ratio."""
    for number, case in enumerate(CASES):
        for at, (place, ratio) in enumerate(PLACES.items()):
            rng = np.random.default_rng([seed, 7, number, at])
            yield repeated(
                case.name,
                place,
                pairs,
                lambda r=rng, c=case, x=ratio: said_of_pair(r, c, x),  # type: ignore[misc]
                expected(case, ratio),
                {"agree": LEVEL} if ratio >= NEED else None,
            )
