"""Three to five techniques with one number, and one of them off by a known difference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import multivariate_normal, norm

from benchmarks.verdicts.common import (
    LATTICE,
    LEVEL,
    MARGIN,
    PLACES,
    Array,
    Rates,
    Z,
    bounds,
    context_of,
    lattice,
    repeated,
)
from consilience.compare.numbers.consensus import consensus_verdicts

__all__ = ["CASES", "Case", "expected", "rates"]

NAMES = ("xrd", "eels", "apt", "edx", "xrf")


@dataclass(frozen=True)
class Case:
    """Stated deviations in margins, and a scatter between techniques that nobody states."""

    name: str
    stds: tuple[float, ...]
    between: float = 0.0

    @property
    def off_std(self) -> Array:
        """Deviation of each technique from the weighted mean of the others, in margins."""
        made = []
        for i, own in enumerate(self.stds):
            weights = sum(s**-2 for j, s in enumerate(self.stds) if j != i)
            made.append((own**2 + 1.0 / weights) ** 0.5)
        return np.array(made)

    def shift(self, place: str) -> float:
        """Return how far the last technique is off, in margins."""
        std = float(self.off_std[-1])
        sizes = (0.0, 0.5, 1.0, 1.0 + 3.0 * std, 2.0 + 6.0 * std)
        return dict(zip(PLACES, sizes, strict=True))[place]


CASES = (
    Case("three techniques", (0.2, 0.2, 0.2)),
    Case("four techniques", (0.2, 0.2, 0.2, 0.2)),
    Case("five techniques", (0.2, 0.2, 0.2, 0.2, 0.2)),
    Case("five, of unequal errors", (0.05, 0.1, 0.2, 0.3, 0.2)),
    Case("four, with a scatter of σ beside", (0.2, 0.2, 0.2, 0.2), between=0.2),
)


def expected(case: Case, place: str) -> dict[str, float]:
    """Return the rates of a multivariate normal distribution: no scatter is estimated in it.

    The scatter between techniques that the program estimates besides widens errors, so that its
    rates of *agree* and *disagree* lie below these.
    """
    size = len(case.stds)
    weights = np.array(case.stds) ** -2.0
    to_off = np.empty((size, size))
    for i in range(size):
        rest = np.where(np.arange(size) == i, 0.0, weights)
        to_off[i] = -rest / rest.sum()
        to_off[i, i] = 1.0
    mean = to_off[:, -1] * case.shift(place)
    covariance = to_off @ np.diag(np.array(case.stds) ** 2) @ to_off.T
    spread = multivariate_normal(mean, covariance, allow_singular=True, seed=0)

    def inside(widths: Array) -> float:
        return float(spread.cdf(widths, lower_limit=-widths)) if (widths > 0).all() else 0.0

    agree = inside(1.0 - Z * case.off_std)
    disagree = 1.0 - inside(1.0 + float(norm.isf(LEVEL / size)) * case.off_std)
    return {"agree": agree, "disagree": disagree, "undecided": 1.0 - agree - disagree}


def said_of_group(rng: np.random.Generator, case: Case, place: str) -> Sequence[str]:
    """Simulate one group; return its verdict, and "named" if the odd one is the one named."""
    stds = np.array(case.stds)
    values = rng.normal(0.0, np.hypot(stds, case.between))
    values[-1] += case.shift(place)
    made = [
        lattice(
            name,
            LATTICE + MARGIN * float(value),
            MARGIN * float(std) * 0.6,
            MARGIN * float(std) * 0.8,
        )
        for name, value, std in zip(NAMES, values, stds, strict=False)
    ]
    (verdict,) = consensus_verdicts(made, context_of(made))
    odd = NAMES[len(stds) - 1]
    named = verdict.verdict == "disagree" and verdict.reason.startswith(f"{odd} is off")
    covered = (
        float(verdict.numbers["interval_95"][0])
        < LATTICE
        < float(verdict.numbers["interval_95"][1])
    )
    return [verdict.verdict, *["named"] * named, *["covered"] * covered]


def rates(groups: int, seed: int) -> Iterator[Rates]:
    """Yield the rates of every case at every size of the odd one's error."""
    for number, case in enumerate(CASES):
        for at, place in enumerate(PLACES):
            rng = np.random.default_rng([seed, 3, number, at])
            yield repeated(
                case.name,
                place,
                groups,
                lambda r=rng, c=case, p=place: said_of_group(r, c, p),  # type: ignore[misc]
                expected(case, place) if not case.between else {},
                bounds(place),
            )
