"""Verdicts of simulated pairs come at the stated level; the long run is a benchmark."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from benchmarks.composition_verdicts import (
    ANSWERS,
    CASES,
    LEVEL,
    PLACES,
    Case,
    expected,
    rates,
    true_shift,
    verdict_of_pair,
)
from scipy.stats import binom

PAIRS = 200
SURE = 1e-4
"""Chance of a false alarm of one bound; there are under a hundred."""


def _within(hits: int, of: int, low: float, high: float) -> bool:
    return bool(binom.ppf(SURE, of, max(low, 0.0)) <= hits <= binom.ppf(1 - SURE, of, min(high, 1)))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES[:3], ids=lambda c: c.name)
def test_rates_follow_the_level(case: object) -> None:
    chosen = next(c for c in CASES if c is case)
    found = {p: rates(chosen, p, PAIRS, 20261122, other_model=False) for p in PLACES}
    answers = {p: found[p][0] for p in PLACES}
    for place in PLACES:
        assert sum(answers[place][a] for a in ANSWERS) == PAIRS
        wanted = expected(chosen, true_shift(chosen, place))
        for answer, rate in (wanted or {}).items():
            # σ is estimated from each pair's own counts, which moves the rates by a little
            assert _within(answers[place][answer], PAIRS, rate - 0.01, rate + 0.01), (place, answer)
    assert _within(answers["margin"]["agree"], PAIRS, 0.0, LEVEL + 0.01)
    for place in ("0", "margin/2", "margin"):
        assert _within(answers[place]["disagree"], PAIRS, 0.0, LEVEL + 0.01), place
    assert answers["margin+3σ"]["agree"] == 0
    # three deviations beyond: Φ(3 - 1.645) = 0.91 for one difference, Φ(3 - 2.13) = 0.81 for three
    power = 0.912 if len(chosen.fractions) == 2 else 0.808
    assert _within(answers["margin+3σ"]["disagree"], PAIRS, power - 0.02, 1.0)
    assert _within(found["0"][1], PAIRS, 0.04, 0.06)  # p of no difference below 5 %


@pytest.mark.slow
def test_another_forward_model_does_not_break_the_level() -> None:
    """Uniform errors of sensitivities and clustered counts; the bound is looser, and said."""
    counts = Counter[str]()
    for place in ("margin", "0"):
        answers, _ = rates(CASES[0], place, PAIRS, 7, other_model=True)
        counts[f"agree at {place}"] = answers["agree"]
        counts[f"disagree at {place}"] = answers["disagree"]
    assert _within(counts["agree at margin"], PAIRS, 0.0, 0.09)
    assert _within(counts["disagree at margin"], PAIRS, 0.0, 0.09)
    assert counts["disagree at 0"] <= 1


@pytest.mark.slow
@pytest.mark.parametrize("counts", [0.5, 3.0])
def test_the_prior_for_few_and_zero_counts_keeps_the_level(counts: float) -> None:
    """Equal compositions with a trace: p of no difference is below 5 % in at most 5 %."""
    trace = counts / 2500
    case = Case("Li, Pt, F", ((1 - trace) / 2, (1 - trace) / 2, trace), 2500, 0.0)
    rng = np.random.default_rng(3)
    low = sum(verdict_of_pair(rng, case, 0.0, other_model=False)[1] < 0.05 for _ in range(300))
    assert _within(low, 300, 0.0, 0.05)
