"""Pairs of numbers at known true differences: lattice parameters, margin 0.2 %.

Errors are normal, as the comparison assumes; or a tolerance and heavy tails; or larger than
stated; or stated from few repeats, so that the deviation is itself uncertain; or their
systematic part is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import integrate, stats

from benchmarks.verdicts.common import (
    LATTICE,
    MARGIN,
    PLACES,
    Rates,
    Z,
    bounds,
    context_of,
    lattice,
    repeated,
)
from consilience.compare.numbers.scalar import compare

__all__ = ["CASES", "Case", "expected", "rates", "shift_of"]

Parts = tuple[float, float]
Drawn = tuple[float, Parts, Parts]
"""Error of the difference; stated statistical and systematic deviation of either number."""


def normal(rng: np.random.Generator, std: float) -> Drawn:
    """Normal errors; how they are shared among numbers and parts differs from pair to pair."""
    parts = std * rng.dirichlet(np.ones(4)) ** 0.5
    made = float(rng.normal(0.0, parts).sum())
    return made, (parts[0], parts[1]), (parts[2], parts[3])


def tolerance(rng: np.random.Generator, std: float) -> Drawn:
    """A uniform systematic error, and statistical ones with the tails of Student's t of five."""
    part = std / 2.0
    tails = float(rng.standard_t(5, 2).sum()) * part * 0.6**0.5
    flat = float(rng.uniform(-(3**0.5), 3**0.5, 2).sum()) * part
    return tails + flat, (part, part), (part, part)


def understated(rng: np.random.Generator, std: float) -> Drawn:
    """Errors 1.15 times as large as stated."""
    made, one, other = normal(rng, std)
    return 1.15 * made, one, other


REPEATS = 8


def from_repeats(rng: np.random.Generator, std: float) -> Drawn:
    """Deviations from eight repeats: seven degrees of freedom."""
    stated = std * float(rng.chisquare(REPEATS - 1) / (REPEATS - 1)) ** 0.5
    return float(rng.normal(0.0, std)), (stated, 0.0), (0.0, 0.0)


@dataclass(frozen=True)
class Case:
    """How errors come about.

    `std` is the stated deviation of the difference in margins, `true` the real one in stated ones;
    `freedom` that of the stated one where it is an estimate; `exact` whether errors are normal.
    """

    name: str
    std: float
    draw: Callable[[np.random.Generator, float], Drawn]
    true: float = 1.0
    freedom: int | None = None
    known: bool = True
    exact: bool = True


CASES = (
    Case("σ a quarter of the margin", 0.25, normal),
    Case("σ half the margin", 0.5, normal),
    Case("σ equal to the margin", 1.0, normal),
    Case("uniform and Student errors", 0.25, tolerance, exact=False),
    Case("errors 1.15 times those stated", 0.25, understated, true=1.15),
    Case("σ from eight repeats", 0.25, from_repeats, freedom=REPEATS - 1),
    Case("systematic part unknown", 0.25, normal, known=False),
)


def shift_of(case: Case, place: str) -> float:
    """Return the true difference that a place names, in ångström."""
    std = case.std * MARGIN
    return {
        "0": 0.0,
        "margin/2": 0.5 * MARGIN,
        "margin": MARGIN,
        "margin + 3σ": MARGIN + 3.0 * std,
        "2 margins + 6σ": 2.0 * MARGIN + 6.0 * std,
    }[place]


def expected(case: Case, place: str) -> dict[str, float]:
    """Return the rates that the normal distribution gives, over the stated deviations."""
    if not case.known:
        return {"agree": 0.0, "disagree": 0.0, "undecided": 1.0}
    shift, stated = shift_of(case, place), case.std * MARGIN
    error = stats.norm(shift, stated * case.true)

    def inside(width: float) -> float:
        return float(error.cdf(width) - error.cdf(-width)) if width > 0.0 else 0.0

    def over(of: Callable[[float], float]) -> float:
        if case.freedom is None:
            return of(stated)
        spread = stats.chi(case.freedom, scale=stated / case.freedom**0.5)
        low, high = spread.ppf([1e-9, 1.0 - 1e-9])
        kink = min(max(MARGIN / Z, low), high)  # where nothing can agree any more
        parts = [(low, kink), (kink, high)]
        made = [integrate.quad(lambda s: spread.pdf(s) * of(s), *part)[0] for part in parts]
        return float(sum(made))

    agree = over(lambda s: inside(MARGIN - Z * s))
    disagree = 1.0 - over(lambda s: inside(MARGIN + Z * s))
    return {"agree": agree, "disagree": disagree, "undecided": 1.0 - agree - disagree}


def said_of_pair(rng: np.random.Generator, case: Case, shift: float) -> str:
    """Simulate one pair and return its verdict."""
    error, *parts = case.draw(rng, case.std * MARGIN)
    values = (LATTICE - 0.5 * shift, LATTICE + 0.5 * shift + error)
    made = [
        lattice(technique, value, stat, sys if case.known or technique == "xrd" else None)
        for technique, value, (stat, sys) in zip(("xrd", "eels"), values, parts, strict=True)
    ]
    verdict = compare(made[0], made[1], context_of(made))
    assert verdict is not None
    return verdict.verdict


def rates(pairs: int, seed: int) -> Iterator[Rates]:
    """Yield the rates of every case at every true difference."""
    for number, case in enumerate(CASES):
        for at, place in enumerate(PLACES):
            rng = np.random.default_rng([seed, 1, number, at])
            shift = shift_of(case, place)
            wanted = expected(case, place) if case.exact else {}
            allowed = {} if case.exact else bounds(place)
            yield repeated(
                case.name,
                place,
                pairs,
                lambda r=rng, c=case, s=shift: said_of_pair(r, c, s),  # type: ignore[misc]
                wanted,
                allowed,
            )
