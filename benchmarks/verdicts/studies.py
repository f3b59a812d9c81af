"""Whole studies: thirty comparisons without a difference that matters, and some with one.

Each study is put to the engine as one.  True differences of the thirty lie at zero, within the
margin, or at it, where a test at 5 % errs most often; those planted lie beyond it.  At the margin
the p-values are uniform and independent, so that the mean share of false ones among the
disagreements that are kept is 5 % times the share of true nulls, exactly (Benjamini and Hochberg
1995, theorem 1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from benchmarks.verdicts.common import LATTICE, LEVEL, MARGIN, Z, finding
from consilience.compare.engine import compare_findings
from consilience.model import Finding, Sample
from consilience.registry import Registry

__all__ = ["CASES", "NULLS", "Case", "Found", "rates", "run"]

NULLS = 30
KINDS = (("lattice_parameter", LATTICE, MARGIN), ("element_amount", 0.3, 0.03))
"""Kind, value, and margin in its unit."""


@dataclass(frozen=True)
class Case:
    """`null` and `planted` are true differences in margins; σ is that of each difference."""

    name: str
    null: float
    planted: int
    beyond: float
    std: float = 0.25

    @property
    def size(self) -> float:
        """True size of a planted difference, in margins."""
        return 1.0 + self.beyond * self.std

    @property
    def expected_false(self) -> float | None:
        """Mean share of false ones among those kept; None where only a bound is known."""
        return LEVEL * NULLS / (NULLS + self.planted) if self.null == 1.0 else None

    @property
    def alone(self) -> float:
        """Share of the planted ones that would disagree if each stood alone."""
        return NormalDist().cdf(self.beyond - Z)


CASES = (
    Case("nothing planted, nulls at 0", 0.0, 0, 3.0),
    Case("nothing planted, nulls at the margin", 1.0, 0, 3.0),
    Case("5 at margin + 3σ, nulls at 0", 0.0, 5, 3.0),
    Case("5 at margin + 3σ, nulls at half the margin", 0.5, 5, 3.0),
    Case("5 at margin + 3σ, nulls at the margin", 1.0, 5, 3.0),
    Case("10 at margin + 3σ, nulls at the margin", 1.0, 10, 3.0),
    Case("10 at margin + 5σ, nulls at the margin", 1.0, 10, 5.0),
)


@dataclass(frozen=True)
class Found:
    """Disagreements of one study: kept and false, kept and planted, false ones before control."""

    false: int
    planted: int
    false_alone: int
    planted_alone: int

    @property
    def false_share(self) -> float:
        """Share of false ones among those kept, 0 if none is."""
        return self.false / max(self.false + self.planted, 1)

    @property
    def false_share_alone(self) -> float:
        """That share without control."""
        return self.false_alone / max(self.false_alone + self.planted_alone, 1)


def run(rng: np.random.Generator, case: Case, registry: Registry) -> Found:
    """Simulate one study, have it compared, and count."""
    sizes = [case.null] * NULLS + [case.size] * case.planted
    samples = {f"s{i}": Sample(id=f"s{i}") for i in range(len(sizes))}
    findings = [f for i, size in enumerate(sizes) for f in _pair(rng, f"s{i}", i, size, case.std)]
    modalities = {f.id: f.source.plugin for f in findings}
    verdicts = compare_findings(registry, samples, findings, modalities, level=LEVEL)
    assert len(verdicts) == len(sizes)
    kept = [int(v.samples[0][1:]) for v in verdicts if v.verdict == "disagree"]
    lost = [int(v.samples[0][1:]) for v in verdicts if "by itself this would disagree" in v.reason]
    false, false_lost = (sum(i < NULLS for i in part) for part in (kept, lost))
    return Found(
        false, len(kept) - false, false + false_lost, len(kept) - false + len(lost) - false_lost
    )


def _pair(
    rng: np.random.Generator, sample: str, number: int, size: float, std: float
) -> Iterator[Finding]:
    kind, middle, margin = KINDS[number % 2]
    subject = {"formula": "LiF"} if number % 2 == 0 else {"element": "F"}
    sign = rng.choice([-0.5, 0.5])
    each = std * margin / 2**0.5
    for technique, side in (("xrd", -sign), ("eels", sign)):
        yield finding(
            kind,
            technique,
            subject=subject,
            sample=sample,
            value=middle + side * size * margin + float(rng.normal(0.0, each)),
            unit="angstrom" if number % 2 == 0 else "1",
            std_stat=0.6 * each,
            std_sys=0.8 * each,
            measurements=[f"m-{technique}-{sample}"],
        )


def rates(studies: int, seed: int) -> Iterator[tuple[Case, list[Found]]]:
    """Yield what was found in the studies of every case."""
    registry = Registry.discover()
    for number, case in enumerate(CASES):
        rng = np.random.default_rng([seed, 5, number])
        yield case, [run(rng, case, registry) for _ in range(studies)]
