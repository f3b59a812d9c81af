"""Coverage tables: wrong errors are caught, right ones rarely."""

from __future__ import annotations

import numpy as np
import pytest

from consilience.testing.coverage import (
    Outcome,
    Row,
    cover,
    judge,
    judgements,
    markdown,
    run_coverage,
)


def row(mean: float = 0.0, spread: float = 1.0, kind: str = "pull", often: float = 0.05) -> Row:
    def run(model: str, seed: int) -> Outcome:
        chance = np.random.default_rng((seed, model == "second"))
        pull = float(chance.normal(mean, spread))
        return Outcome(pull, pull, inside=abs(pull) < 1.0, happened=bool(chance.random() < often))

    return Row("planted", kind, run)  # type: ignore[arg-type]


def holds(one: Row, repeats: int = 1000) -> bool:
    return all(judged.holds for judged in cover([one], repeats))


def test_right_errors_hold_and_wrong_ones_do_not() -> None:
    assert holds(row())
    assert not holds(row(0.2)), "a bias of a fifth of the error"
    assert not holds(row(0.0, 1.12)), "an error stated 11 % too small"
    assert not holds(row(0.0, 0.88)), "an error stated 14 % too large"


@pytest.mark.parametrize("kind", ["pull with systematic", "both errors"])
def test_both_errors_may_be_too_large_but_not_too_small(kind: str) -> None:
    assert holds(row(kind=kind))
    assert not holds(row(0.0, 1.4, kind))
    assert holds(row(0.0, 0.5, "both errors"))


def test_shares() -> None:
    assert holds(row(kind="interval"))
    assert not holds(row(1.0, kind="interval"))
    assert holds(row(kind="at most", often=0.0))
    assert holds(row(kind="at most", often=0.04))
    assert not holds(row(kind="at most", often=0.12))


def test_right_errors_break_a_limit_in_one_table_of_twenty() -> None:
    rows = [row() for _ in range(3)]
    broken = 0
    for repeat in range(60):
        chance = np.random.default_rng(repeat)
        table = [
            judged
            for one in rows
            for judged in judge(
                one,
                {
                    model: [Outcome(pull=float(p)) for p in chance.normal(size=100)]
                    for model in ("first", "second")
                },
                judgements(rows),
            )
        ]
        broken += not all(judged.holds for judged in table)
    assert broken <= 9, "5 % are expected; more than 9 of 60 come once in a thousand"


def test_what_cannot_be_told_does_not_hold() -> None:
    silent = Row("silent", "pull", lambda model, seed: Outcome(reason="too few counts"))
    table = cover([silent], 40)
    assert not any(judged.holds for judged in table)
    assert "too few counts" in markdown(table)
    assert "**no**" in markdown(table)


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_coverage("this", [row()], ["--repeats", "200", "--processes", "1"]) == 0
    assert "| planted | both | 200 | 0 | sd of pull |" in capsys.readouterr().out
    assert run_coverage("this", [row(1.0)], ["--repeats", "200", "--processes", "1"]) == 1
    with pytest.raises(SystemExit):
        run_coverage("this", [row()], ["--rows", "nothing"])
    assert "no row has such a name" in capsys.readouterr().err


def test_errors_scaled_on_purpose_break_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--repeats", "600", "--processes", "1", "--scale-sigma"]
    assert run_coverage("prog", [row()], [*words, "1.0"]) == 0
    assert run_coverage("prog", [row()], [*words, "0.8"]) == 1
    with pytest.raises(SystemExit):
        run_coverage("prog", [row()], [*words, "0"])
    assert "above 0" in capsys.readouterr().err
