"""The coverage table: it catches errors that are wrong, and a short run of it holds."""

from __future__ import annotations

import numpy as np
import pytest

from xrd_coverage.forward import MODELS, OVERDISPERSION, Line, simulate
from xrd_coverage.judging import Outcome, judge, judgements, markdown
from xrd_coverage.repeating import cover, family_of, repeat
from xrd_coverage.scenarios import SCENARIOS


def outcomes(mean: float, spread: float, sys: float = 0.0) -> dict[str, list[Outcome]]:
    rng = np.random.default_rng(1)
    return {m: [Outcome(float(e), 1.0, sys) for e in rng.normal(mean, spread, 500)] for m in MODELS}


def holds(made: dict[str, list[Outcome]], scale: float = 1.0) -> bool:
    family = judgements(13)
    return all(one.holds for one in judge("planted", made, family, scale))


def test_right_errors_pass_and_wrong_ones_do_not() -> None:
    assert holds(outcomes(0.0, 1.0))
    assert not holds(outcomes(0.25, 1.0)), "a bias of a quarter of the error"
    assert not holds(outcomes(0.0, 1.16)), "an error stated 14 % too small"
    assert not holds(outcomes(0.0, 0.86)), "an error stated 16 % too large"
    assert not holds(outcomes(0.0, 1.0, 10.0)), "a systematic error that says nothing"


def test_every_quantity_notices_errors_times_four_fifths() -> None:
    rows = judge("planted", outcomes(0.0, 1.0), judgements(13), 0.8)
    broken = [one.what for one in rows if not one.holds]
    assert "sd of pull" in broken
    assert "within 2σ of both errors" in broken


def test_a_quantity_that_often_cannot_be_told_does_not_hold() -> None:
    made = outcomes(0.0, 1.0)
    made["second"][:40] = [Outcome(reason="not found")] * 40
    rows = judge("planted", made, judgements(13))
    assert [one.what for one in rows if not one.holds] == ["cannot tell"]
    assert "not found" in markdown(rows)
    assert "**no**" in markdown(rows)


def test_the_forward_models_plant_what_they_say() -> None:
    """Areas and widths of noiseless lines, and the scatter of counts."""
    x = np.linspace(10.0, 30.0, 8000)
    line = Line(20.0, 0.1, 0.5, 500.0)
    for model in MODELS:
        sums, counts = [], []
        for seed in range(40):
            y, (truth,) = simulate(x, [line], 100.0, model, np.random.default_rng(seed))
            near = np.abs(x - 20.0) < 0.05
            sums.append(y[near].sum() * (x[1] - x[0]))
            counts.append(y[:400])
            assert truth.area == 500.0
            assert abs(truth.center - truth.bragg) < 0.2 * line.fwhm
            assert 0.07 < truth.fwhm < 0.2
        assert 200 < np.mean(sums) < 450, "the half within the half width, and some background"
        scatter = np.mean(
            [np.var(np.diff(c)) / 2 / c.mean() for c in counts]  # drift is slow
        )
        assert scatter == pytest.approx(1.0 + (OVERDISPERSION if model == "second" else 0), abs=0.1)


def test_names_are_unique_and_repeats_do_not_depend_on_processes() -> None:
    names = [f"{s.name}: {q}" for s in SCENARIOS for q in s.quantities]
    assert len(set(names)) == len(names)
    (weak,) = [s for s in SCENARIOS if s.name == "weak line"]
    first, second = repeat([weak], 4), repeat([weak], 4)
    assert first == second


def test_a_short_run_holds() -> None:
    """Sixty repeats see an error that is wrong by half; the printed table has a thousand."""
    table = cover(SCENARIOS, 60, seed=40_000, family=family_of(SCENARIOS))
    broken = [f"{o.name}, {o.model}: {o.what} {o.found}, {o.limits}" for o in table if not o.holds]
    assert not broken, "; ".join(broken)
