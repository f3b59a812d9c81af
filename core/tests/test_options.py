"""Options are taken as text or as values, and refused with what would be right."""

from __future__ import annotations

import pytest

from consilience.errors import BadInputError
from consilience.options import choice_option, flag_option, number_option


@pytest.mark.parametrize("given", ["0.5", 0.5])
def test_number_from_text_or_value(given: object) -> None:
    assert number_option({"gain": given}, "gain", "0.01") == 0.5
    assert number_option({}, "gain", "0.01") is None


@pytest.mark.parametrize("given", ["", "x", "nan", "1e400", None, [], True, "-2", 10**400])
def test_senseless_numbers_are_refused(given: object) -> None:
    with pytest.raises(BadInputError, match="is not a number from 0 to 9") as caught:
        number_option({"gain": given}, "gain", "0.01", 0.0, 9.0)
    assert "--option gain=0.01" in caught.value.fix


def test_flags() -> None:
    assert [flag_option(o, "a") for o in ({}, {"a": True}, {"a": "TRUE"}, {"a": "false"})] == [
        False,
        True,
        True,
        False,
    ]
    with pytest.raises(BadInputError, match="neither true nor false"):
        flag_option({"a": "yes please"}, "a")


def test_choices() -> None:
    assert choice_option({"unit": "eV"}, "unit", ("keV", "eV")) == "eV"
    assert choice_option({}, "unit", ("keV", "eV")) is None
    with pytest.raises(BadInputError, match="none of keV, eV"):
        choice_option({"unit": ["keV"]}, "unit", ("keV", "eV"))
