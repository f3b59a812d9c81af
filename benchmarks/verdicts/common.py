"""Simulated findings, and rates with their intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._wilson import in_percent
from consilience.compare.context import ComparisonContext
from consilience.kinds import CORE_KINDS
from consilience.model import Finding, Sample, Source

__all__ = [
    "ANSWERS",
    "LATTICE",
    "LEVEL",
    "MARGIN",
    "PLACES",
    "Array",
    "Rates",
    "Z",
    "bounds",
    "context_of",
    "finding",
    "lattice",
    "repeated",
]

Array = NDArray[np.float64]
LEVEL = 0.05
Z = 1.6448536269514722
"""Normal quantile of 95 %."""
LATTICE = 4.0263
"""Lattice parameter of LiF in ångström."""
MARGIN = 0.002 * LATTICE
PLACES = ("0", "margin/2", "margin", "margin + 3σ", "2 margins + 6σ")
"""True differences."""
ANSWERS = ("agree", "consistent", "disagree", "undecided", "not_comparable")
KINDS = {kind.name: kind for kind in CORE_KINDS}


@dataclass(frozen=True)
class Rates:
    """How often each answer came in repeats, and how often it should.

    `expected` is what a distribution that knows nothing of the program gives; `bounds` are the
    highest rates that the stated level allows.
    """

    case: str
    place: str
    counts: Counter[str]
    expected: dict[str, float]
    bounds: dict[str, float]

    @property
    def of(self) -> int:
        """Number of repeats."""
        return sum(self.counts[a] for a in ANSWERS)

    def row(self) -> str:
        """Return a line of a Markdown table: percent, interval, expectation of each answer."""
        cells = []
        for answer in ANSWERS[:4]:
            cell = in_percent(self.counts[answer], self.of)
            if answer in self.expected:
                cell += f", expected {100 * self.expected[answer]:.1f}"
            if answer in self.bounds:
                cell += f", at most {100 * self.bounds[answer]:.1f}"
            cells.append(cell)
        return f"| {self.case} | {self.place} | {' | '.join(cells)} |"


def repeated(
    case: str,
    place: str,
    repeats: int,
    said: Callable[[], str | Sequence[str]],
    expected: dict[str, float] | None = None,
    bounds: dict[str, float] | None = None,
) -> Rates:
    """Ask `repeats` times; besides the answer, `said` may return further words to count."""
    counts = Counter[str]()
    for _ in range(repeats):
        words = said()
        counts.update([words] if isinstance(words, str) else words)
    return Rates(case, place, counts, expected or {}, bounds or {})


def bounds(place: str) -> dict[str, float]:
    """Return the highest rates that the level allows at a true difference of `PLACES`."""
    if place == "margin":
        return {"agree": LEVEL, "disagree": LEVEL}
    return {"disagree": LEVEL} if place in ("0", "margin/2") else {"agree": LEVEL}


def lattice(technique: str, value: float, stat: float, sys: float | None) -> Finding:
    """Return a lattice parameter of LiF; value and deviations in ångström."""
    return finding(
        "lattice_parameter",
        technique,
        subject={"formula": "LiF", "space_group": 225},
        value=value,
        unit="angstrom",
        std_stat=stat,
        std_sys=sys,
    )


def finding(kind: str, technique: str, **more: Any) -> Finding:
    """Return a finding as an analysis of a technique makes it."""
    content: dict[str, Any] = dict.fromkeys(set(Finding.model_fields) - {"id"})
    content |= {
        "kind": kind,
        "sample": "chip",
        "state": {},
        "rivals": [],
        "evidence": {},
        "assumptions": [],
        "method": "simulated",
        "origin": "simulated",
        "measurements": [f"m-{technique}"],
        "source": Source(plugin=technique, version="0", analysis=f"{technique}.x").to_json(),
    }
    return Finding.identified({**content, **more})


def context_of(findings: Sequence[Finding], **more: Any) -> ComparisonContext:
    """Return what comparisons may ask for: one sample, the core's kinds and margins."""
    return ComparisonContext(
        samples={"chip": Sample(id="chip")},
        kinds=KINDS,
        modalities={f.id: f.source.plugin for f in findings},
        level=LEVEL,
        **more,
    )
