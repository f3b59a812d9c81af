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
from consilience.study.steps import notices_of_step


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
        validated(SeriesMapping, {"qqq": 1}, "mapping for 'log.csv'")
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


def test_a_sensor_log_is_named_where_it_can_say_what_was_not_said() -> None:
    (notice,) = notices_of_step(
        Step.model_validate({"id": "st-1", "sample": "s", "type": "transfer", "sequence": 1})
    )
    assert notice.fix is not None
    assert notice.fix.endswith("a sensor log counts too: 'consilience series import'")
    freeze = {"id": "st-1", "sample": "s", "type": "freeze", "sequence": 1}
    (notice,) = notices_of_step(Step.model_validate(freeze))
    assert notice.fix == "say it if it is known: retract the step and enter it anew"


def test_the_notes_of_a_log_are_listed_where_one_is_missing(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("t,Notes,T\n0,Date (yyyy.mm.dd) = 2026.03.01,90\n1,,90\n")
    mapping = {
        "notes": "Notes",
        "time": {
            "column": "t",
            "unit": "s",
            "start_notes": ["Date"],
            "start_format": "%Y.%m.%d",
            "time_zone": "UTC",
        },
        "columns": {"temperature": {"column": "T", "unit": "K"}},
    }
    with Study.create(tmp_path / "study", "s") as study:
        study.add_sample("s")
        (step, *_) = study.add_step({"sample": "s", "type": "warm", "sequence": 1})
        with pytest.raises(BadInputError, match="has no note 'Date'") as caught:
            study.add_series(log, step.id, mapping)
    assert caught.value.fix is not None
    assert caught.value.fix.startswith("notes near its beginning: 'Date (yyyy.mm.dd)'; or state")
