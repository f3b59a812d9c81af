"""Values in JSON's types, and names that stay in their folder on any system."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from consilience.plain import a_type, jsonable, leaves_folder


def test_third_party_values_become_json() -> None:
    value = {
        1: np.float32(0.5),
        "n": np.int64(3),
        "a": np.array([[1, 2]]),
        "b": b"\xff",
        "d": dt.date(2026, 3, 1),
        "t": np.datetime64("2026-03-01"),
        "x": (float("nan"), float("-inf"), None, True),
    }
    assert jsonable(value, "raw", strict=False) == {
        "1": 0.5,
        "n": 3,
        "a": [[1, 2]],
        "b": "\\xff",
        "d": "2026-03-01",
        "t": "2026-03-01",
        "x": ["NaN", "-Infinity", None, True],
    }


def test_what_has_no_json_form_is_named_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"raw\.a\[1\] is nan; unknown is None"):
        jsonable({"a": [1.0, float("nan")]}, "raw", strict=True)
    with pytest.raises(TypeError, match=r"raw\.a is an object, which has no JSON form"):
        jsonable({"a": object()}, "raw", strict=False)


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/passwd", "a/../../x", "C:\\x", "C:x", "..\\x", "\\x", "\\\\host\\x", "a\0", " "],
)
def test_names_that_leave_their_folder(name: str) -> None:
    assert leaves_folder(name)


@pytest.mark.parametrize("name", ["x", "a/b.h5", "a\\b.h5", "..x", "a..b/c"])
def test_names_that_stay(name: str) -> None:
    assert not leaves_folder(name)


def test_types_with_their_article() -> None:
    assert [a_type(v) for v in (None, 1, "a")] == ["None", "an int", "a str"]
