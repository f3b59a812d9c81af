"""Hints at what was meant: step types, IDs of steps, the page that lists the fields."""

from __future__ import annotations

from pathlib import Path

import pytest

from consilience import Study
from consilience.custody.dose.units import shown
from consilience.errors import BadInputError, NotFoundError
from consilience.model.sample import Step
from consilience.series.mapping import SeriesMapping
from consilience.study.entering import validated


@pytest.mark.parametrize(
    ("said", "meant"),
    [("storage", "store"), ("Transfer", "transfer"), ("liftout", "lift_out"), ("milling", "mill")],
)
def test_the_type_of_step_that_was_meant_is_named(said: str, meant: str) -> None:
    with pytest.raises(BadInputError, match="type: Input should be") as caught:
        validated(Step, {"sample": "s", "type": said}, f"step {said!r}")
    assert caught.value.fix == f"did you mean {meant!r}?"


def test_the_page_of_the_fields_is_that_of_the_thing() -> None:
    with pytest.raises(BadInputError) as caught:
        validated(Step, {"sample": "s", "type": "xyz"}, "step 'xyz'")
    assert caught.value.fix == "correct the named fields; docs/study-toml.md lists them all"
    with pytest.raises(BadInputError) as caught:
        validated(SeriesMapping, {"tme": 1}, "mapping for 'log.csv'")
    assert caught.value.fix == "correct the named fields; docs/series.md lists them all"


def test_a_step_that_is_not_there_is_listed_by_steps(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("t,T\n0,90\n")
    with (
        Study.create(tmp_path / "study", "s") as study,
        pytest.raises(NotFoundError, match="no step 'suitcase'") as caught,
    ):
        study.add_series(tmp_path / "log.csv", "suitcase", {})
    assert caught.value.fix == "list IDs with 'consilience steps'"


def test_a_fluence_is_written_out_as_long_as_it_is_short() -> None:
    assert shown(12000.0, "1/angstrom^2") == "12000 e/Å²"
    assert shown(2.122e8, "1/angstrom^2") == "2.122e+08 e/Å²"
    assert shown(0.5, "1/angstrom^2") == "0.5 e/Å²"
