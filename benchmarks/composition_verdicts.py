"""How often do compositions agree, disagree or stay undecided at a known true difference?

Pairs of simulated compositions: counts of each element, sensitivities that are off by a known
standard deviation, joint covariance of both.  In half of the pairs the forward model differs from
the one that the comparison assumes: uniform errors of the sensitivities, and clustered counts that
spread 1.15 times as much as Poisson's.

For two elements the rates follow from the normal distribution and stand beside; for more, the level
bounds them: at the margin no more than 5 % may be called agree, and none inside it disagree more
often than that.

    python -m benchmarks.composition_verdicts [PAIRS] [SEED]
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import xarray as xr

from benchmarks._wilson import in_percent
from benchmarks.verdicts.common import LEVEL, Array, context_of, finding
from consilience.compare.compositions.composition import compare
from consilience.compare.groups import groups_of
from consilience.model import Finding

MARGIN = 0.05
PLACES = ("0", "margin/2", "margin", "margin+3σ")
ANSWERS = ("agree", "disagree", "undecided")


@dataclass(frozen=True)
class Case:
    """True fractions, counts of each recording, and relative error of each sensitivity."""

    name: str
    fractions: tuple[float, ...]
    counts: int
    sensitivity: float

    def std(self, shift: float = 0.0) -> float:
        """Standard deviation of the difference in the first element, by the model."""
        made = 0.0
        for part in (0.0, shift):
            p = moved(self.fractions, part)
            slope = np.eye(len(p)) - p[:, None]
            spread = np.diag(p / self.counts + (self.sensitivity * p) ** 2)
            made += float((slope @ spread @ slope.T)[0, 0])
        return float(made**0.5)


CASES = (
    Case("Li, Pt", (0.5, 0.5), 2500, 0.02),
    Case("Li, Pt, many counts", (0.5, 0.5), 200_000, 0.035),
    Case("Li, Pt, O", (0.4, 0.4, 0.2), 2500, 0.03),
    Case("Si, Li, O, C, F", (0.35, 0.25, 0.2, 0.15, 0.05), 4000, 0.03),
)


def moved(fractions: tuple[float, ...], shift: float) -> Array:
    """Take `shift` from the first element and give it to the second."""
    made = np.array(fractions)
    made[0] -= shift
    made[1] += shift
    return made


def true_shift(case: Case, place: str) -> float:
    """Return the true difference that a place names; its σ is that of the case there."""
    if place == "0":
        return 0.0
    if place == "margin/2":
        return 0.5 * MARGIN
    if place == "margin":
        return MARGIN
    shift = MARGIN
    for _ in range(20):
        shift = MARGIN + 3.0 * case.std(shift)
    return shift


def simulated(
    rng: np.random.Generator, truth: Array, case: Case, other_model: bool
) -> tuple[Array, Array, Array, Array]:
    """Return counts, fractions, and both covariances of one recording."""
    if other_model:
        off = rng.uniform(-1.0, 1.0, len(truth)) * case.sensitivity * 3.0**0.5
        size = 1.15**2  # ions in clusters of this mean size, the same number in all
        seen = rng.poisson(truth * (1 + off) * case.counts / size) * size
    else:
        off = rng.normal(0.0, case.sensitivity, len(truth))
        seen = rng.poisson(truth * (1 + off) * case.counts).astype(float)
    total = seen.sum()
    fractions = seen / total
    slope = (np.eye(len(seen)) - fractions[:, None]) / total
    stat = slope @ np.diag(np.maximum(seen, 1.0)) @ slope.T
    sys = slope @ np.diag((case.sensitivity * seen) ** 2) @ slope.T
    return seen, fractions, stat, sys


def findings(
    elements: tuple[str, ...],
    counts: Array,
    fractions: Array,
    stat: Array,
    sys: Array | None,
    technique: str,
) -> tuple[list[Finding], xr.Dataset]:
    """Return findings as an analysis makes them, and their joint covariance."""
    data = {"statistical": (("element", "other"), stat)}
    if sys is not None:
        data["systematic"] = (("element", "other"), sys)
    made = [
        finding(
            "composition",
            technique,
            subject={"element": element},
            value=float(fractions[i]),
            unit="1",
            std_stat=float(stat[i, i]) ** 0.5,
            std_sys=None if sys is None else float(sys[i, i]) ** 0.5,
            covariance={"array": technique, "index": i},
            evidence={"counts": float(counts[i])},
        )
        for i, element in enumerate(elements)
    ]
    return made, xr.Dataset(data)


def verdict_of_pair(
    rng: np.random.Generator, case: Case, shift: float, other_model: bool
) -> tuple[str, float]:
    """Simulate one pair and return its verdict, and p of no difference."""
    elements = tuple(case.name.split(", ")[: len(case.fractions)])
    arrays: dict[str, xr.Dataset] = {}
    said: list[list[Finding]] = []
    for technique, part in (("apt", 0.0), ("edx", shift)):
        truth = moved(case.fractions, part)
        made, arrays[technique] = findings(
            elements, *simulated(rng, truth, case, other_model), technique
        )
        said.append(made)
    both = [*said[0], *said[1]]
    context = context_of(both, groups=groups_of(both), open_array=arrays.__getitem__)
    verdict = compare(said[0][0], said[1][0], context)
    assert verdict is not None
    return verdict.verdict, float(verdict.numbers["no_difference"]["p_value"])


def expected(case: Case, shift: float) -> dict[str, float] | None:
    """Return the rates that the normal distribution gives for two elements, else None."""
    if len(case.fractions) > 2:
        return None
    std, normal = case.std(shift), NormalDist()
    z = normal.inv_cdf(1.0 - LEVEL)

    def inside(width: float) -> float:
        if width <= 0.0:
            return 0.0
        return normal.cdf((width - shift) / std) - normal.cdf((-width - shift) / std)

    agree = inside(MARGIN - z * std)
    disagree = 1.0 - inside(MARGIN + z * std)
    return {"agree": agree, "disagree": disagree, "undecided": 1.0 - agree - disagree}


def rates(
    case: Case, place: str, pairs: int, seed: int, other_model: bool
) -> tuple[Counter[str], int]:
    """Return how often each verdict came, and how often p of no difference was below 5 %."""
    rng = np.random.default_rng([seed, CASES.index(case), PLACES.index(place), other_model])
    shift = true_shift(case, place)
    said = [verdict_of_pair(rng, case, shift, other_model) for _ in range(pairs)]
    return Counter(answer for answer, _ in said), sum(p < 0.05 for _, p in said)


def main(pairs: int = 1000, seed: int = 1) -> None:
    """Print the rates of every case over so many pairs of either forward model."""
    for case in CASES:
        for other in (False, True):
            model = "other forward model" if other else "same forward model"
            print(f"{case.name}, σ = {100 * case.std():.2f} at.%, {model}, {pairs} pairs each")
            for place in PLACES:
                counts, rejected = rates(case, place, pairs, seed, other)
                wanted = expected(case, true_shift(case, place))
                cells = [
                    f"{answer} {in_percent(counts[answer], pairs)}"
                    + (f" expected {100 * wanted[answer]:.1f}" if wanted else "")
                    for answer in ANSWERS
                ]
                print(f"  {place:10s} {'; '.join(cells)}; p < 0.05: {in_percent(rejected, pairs)}")


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 1000,
        int(sys.argv[2]) if len(sys.argv) > 2 else 1,
    )
