"""What parameters an analysis takes, said without reading its source."""

from __future__ import annotations

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from consilience.cli.app import app
from consilience.cli.parameters import parameters_of
from consilience.cli.words import params
from consilience.errors import BadInputError


class Shared(BaseModel):
    """What two have in common.

    Parameters
    ----------
    lines : tuple of str
        Such as ``"Pt_L"``;
        by default all.
    """

    lines: tuple[str, ...] = ()


class Windows(Shared):
    """Windows.

    Parameters
    ----------
    low, high : float, optional
        keV that are fitted.

    Raises
    ------
    other : ValueError
        Never a parameter.
    """

    low: float | None = None
    high: float | None = 3.5
    other: bool = True
    many: list[int] = list(range(40))


def test_names_defaults_types_and_meanings_are_those_of_the_model() -> None:
    lines, low, high, other, many = parameters_of(Windows)
    assert (lines.default, lines.type) == ("[]", "tuple of str")
    assert lines.text == 'Such as "Pt_L"; by default all.'
    assert (low.default, high.default) == ("none", "3.5")
    assert low.text == high.text == "keV that are fitted."
    assert (other.default, other.type, other.text) == ("true", "", "")
    assert many.default.endswith("…")
    assert len(many.default) == 60


def test_the_command_says_them_and_how_to_give_one() -> None:
    done = CliRunner().invoke(app, ["plugins", "parameters", "xrf.elements"])
    assert done.exit_code == 0
    assert "incident_energy = none  (float, optional)\n    keV; by default" in done.stdout
    assert "consilience analyse --analysis xrf.elements --param NAME=VALUE" in done.stdout


def test_analyses_are_listed_with_what_runs_by_itself() -> None:
    done = CliRunner().invoke(app, ["plugins", "--analyses"])
    (row,) = [one for one in done.stdout.splitlines() if one.startswith("xrf.density ")]
    assert row.split()[-2:] == ["when", "named"]
    assert "all of a sample" in row


class Whole(BaseModel):
    """A whole.

    Parameters
    ----------
    part : Windows
        Never said: its own are.
    """

    part: Windows = Windows(high=7.0)


def test_parameters_of_a_part_stand_for_it_with_the_values_it_has() -> None:
    found = {one.name: one for one in parameters_of(Whole)}
    assert list(found) == ["part.lines", "part.low", "part.high", "part.other", "part.many"]
    assert found["part.high"].default == "7.0"
    assert found["part.low"].text == "keV that are fitted."


def test_a_parameter_of_a_part_is_put_into_its_table() -> None:
    assert params(["fit.low=3", "fit.deep.name=Pt", "k=1.5"]) == {
        "fit": {"low": 3, "deep": {"name": "Pt"}},
        "k": 1.5,
    }
    for both in (["fit=1", "fit.low=2"], ["fit.low=2", "fit=1"], ["fit.low=2", "fit.low.x=1"]):
        with pytest.raises(BadInputError, match="stands beside another"):
            params(both)


def test_a_simulator_says_its_parameters_too() -> None:
    done = CliRunner().invoke(app, ["plugins", "parameters", "xrf.scan"])
    assert done.exit_code == 0
    assert "setting.grid.rows = 12\n" in done.stdout
    assert "consilience simulate xrf.scan --out FOLDER --param NAME=VALUE" in done.stdout


def test_a_key_that_is_nearly_one_is_told() -> None:
    done = CliRunner().invoke(app, ["plugins", "parameters", "compton.region"])
    assert done.exit_code == 3
    assert "did you mean 'compton.regions'?" in done.output
