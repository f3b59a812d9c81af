"""Published tables as entered data: what is kept, what is refused, and from study.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consilience import Study
from consilience.errors import BadInputError
from consilience.study.building import build
from consilience.study.study_file import read_study_file

COLUMNS: dict[str, dict[str, Any]] = {
    "momentum_ratio": {"unit": "1", "values": [1.21, 0.31, ""], "std": 0.003},
    "roughness": {"unit": "um", "values": [2.12, 2.25, 2.49], "std": [0.1, "", 0.2]},
}


@pytest.fixture
def study(tmp_path: Path) -> Any:
    with Study.create(tmp_path / "tables", "tables") as made:
        made.add_sample("cell")
        yield made


def test_a_table_is_entered_data(study: Study) -> None:
    added = study.add_table(
        "cell",
        "compton",
        COLUMNS,
        "a paper, Table 1",
        title="Table 1",
        labels=["pristine", "charged", "discharged"],
        state={"rate": "0.1 C"},
        metadata={"electrode": "cathode"},
    )
    assert added.new
    again = study.add_table(
        "cell",
        "compton",
        COLUMNS,
        "a paper, Table 1",
        title="Table 1",
        labels=["pristine", "charged", "discharged"],
        state={"rate": "0.1 C"},
        metadata={"electrode": "cathode"},
    )
    assert again.id == added.id
    assert not again.new
    measurement = study.measurement(added.id)
    assert measurement.record.origin == "entered"
    assert measurement.record.citation == "a paper, Table 1"
    assert measurement.metadata["labels"] == ["pristine", "charged", "discharged"]
    assert measurement.record.state == {"rate": "0.1 C"}
    data = measurement.data
    np.testing.assert_array_equal(data["momentum_ratio"], [1.21, 0.31, np.nan])
    np.testing.assert_array_equal(data["momentum_ratio_std"], [0.003] * 3)
    np.testing.assert_array_equal(data["roughness_std"], [0.1, np.nan, 0.2])
    assert data["roughness"].attrs["units"] == "um"
    assert data["roughness"].attrs["ancillary_variables"] == "roughness_std"
    assert data["momentum_ratio"].attrs["missing"] == "not given in the source"


@pytest.mark.parametrize(
    ("columns", "labels", "says"),
    [
        ({}, [], "it has no columns"),
        ({"a b": {"unit": "1", "values": [1]}}, [], "column 'a b': use letters"),
        ({"a_std": {"unit": "1", "values": [1]}}, [], "give std beside it"),
        ({"a": {"values": [1]}}, [], "column 'a' has no unit"),
        ({"a": {"unit": "1", "values": []}}, [], "column 'a' has no values"),
        ({"a": {"unit": "1", "values": ["x"]}}, [], "column 'a', row 1: 'x' is no number"),
        ({"a": {"unit": "1", "values": [1], "error": 1}}, [], "unknown field 'error'"),
        ({"a": {"unit": "1", "values": [1], "std": -1}}, [], "expected 0 or more"),
        ({"a": {"unit": "1", "values": [1], "std": [1, 2]}}, [], "2 standard deviations for 1"),
        ({"roughness": {"unit": "nm", "values": [1]}}, [], "is in 'nm', compton has um"),
        (
            {"a": {"unit": "1", "values": [1]}, "b": {"unit": "1", "values": [1, 2]}},
            [],
            "columns of different lengths: a 1, b 2",
        ),
        ({"a": {"unit": "1", "values": [1]}}, ["p", "q"], "2 labels for 1 rows"),
    ],
)
def test_tables_that_are_none(
    study: Study, columns: dict[str, Any], labels: list[str], says: str
) -> None:
    with pytest.raises(BadInputError, match=says):
        study.add_table("cell", "compton", columns, "a paper", labels=labels)


def test_a_table_needs_its_citation(study: Study) -> None:
    with pytest.raises(BadInputError, match="no citation"):
        study.add_table("cell", "compton", COLUMNS, " ")


def test_a_table_of_study_toml(study: Study, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(
        """
[study]
name = "tables"
[[sample]]
id = "cell"
[[table]]
sample = "cell"
modality = "compton"
title = "Table 1"
labels = ["one", "two"]
columns = { momentum_ratio = { unit = "1", values = [1.2, 0.3], std = 0.003 } }
citation = "a paper, Table 1"
""",
        encoding="utf-8",
    )
    summary = build(study, read_study_file(tmp_path / "study.toml"), tmp_path)
    assert [added.what for added in summary.added] == ["sample", "measurement"]
    (record,) = [m.record for m in study.measurements()]
    assert record.name == "Table 1"
    assert record.summary.variables["momentum_ratio"].shape == [2]
