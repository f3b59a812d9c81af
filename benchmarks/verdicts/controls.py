"""Amounts of a sample against those of its control: how often is nothing called more?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm

from benchmarks.verdicts.common import LEVEL, Rates, context_of, finding, repeated
from consilience.compare.presence.control import against_controls
from consilience.model import Finding, Margin, Sample

__all__ = ["CASES", "PLACES", "Case", "rates", "said_against_control"]

STD = 0.01
MARGIN = Margin(value=0.03, unit="1", reason="a benchmark")
SAMPLES = {"chip": Sample(id="chip"), "blank": Sample(id="blank", control_of="chip")}
PLACES = {"0": 0.0, "margin": MARGIN.value, "margin + 3 σ": MARGIN.value + 3.0 * STD * 2.0**0.5}


@dataclass(frozen=True)
class Case:
    """How many states, and how much more errors scatter than is stated."""

    name: str
    states: int
    understated: float = 1.0


CASES = (
    Case("one state", 1),
    Case("five states", 5),
    Case("one state, errors 1.3 times the stated ones", 1, 1.3),
)


def said_against_control(rng: np.random.Generator, case: Case, more: float) -> str:
    """Simulate a sample and its control; the first state differs by `more`."""
    made = []
    for cycle in range(case.states):
        value = 0.2 + (more if cycle == 0 or more <= MARGIN.value else 0.0)
        made.append(_amount("chip", value, rng, case, {"cycle": cycle}))
    made.append(_amount("blank", 0.2, rng, case, {}))
    context = replace(context_of(made, margins={"phase_fraction": MARGIN}), samples=SAMPLES)
    (verdict,) = against_controls(made, context).verdicts
    return verdict.verdict


def _amount(
    sample: str, value: float, rng: np.random.Generator, case: Case, state: dict[str, int]
) -> Finding:
    return finding(
        "phase_fraction",
        "xrd",
        sample=sample,
        subject={"formula": "LiF", "space_group": 225},
        value=float(value + STD * case.understated * rng.normal()),
        unit="1",
        std_stat=STD,
        std_sys=0.0,
        state=state,
        measurements=[f"m-{sample}-{state.get('cycle')}"],
    )


def rates(repeats: int, seed: int) -> Iterator[Rates]:
    """Yield the rates of every case at every difference."""
    for number, case in enumerate(CASES):
        for at, (place, more) in enumerate(PLACES.items()):
            rng = np.random.default_rng([seed, 12, number, at])
            bounds = {"consistent": LEVEL} if at < 2 and case.understated == 1.0 else {}
            yield repeated(
                case.name,
                place,
                repeats,
                lambda r=rng, c=case, m=more: said_against_control(r, c, m),  # type: ignore[misc]
                expected(case, more) if case.states == 1 else None,
                bounds,
            )


def expected(case: Case, more: float) -> dict[str, float]:
    """Return the rate of *consistent* that the normal distribution gives for one state."""
    std = STD * 2.0**0.5
    bar = MARGIN.value + float(norm.isf(LEVEL)) * std
    rate = float(norm.sf((bar - more) / (std * case.understated)))
    return {"consistent": rate, "undecided": 1.0 - rate}
