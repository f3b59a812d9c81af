"""What counts as the same number, sentence, array and version, and what does not."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Any

import numpy as np
import pytest
import xarray as xr

from consilience.bundle.differing import array_differences, differences
from consilience.bundle.environment import (
    differing_versions,
    environment,
    pins,
    required_packages,
)
from consilience.bundle.matching import Matched, match_verdicts


@pytest.mark.parametrize(
    ("there", "here"),
    [
        (1.0, 1.0 + 5e-10),
        (0.0, 0.0),
        ({"value": 1e-17, "std_stat": 1.0}, {"value": -3e-14, "std_stat": 1.0}),
        ([1.0, {"a": 2.0}], [1.0, {"a": 2.0 + 1e-10}]),
        ("0.123 ± 0.010 of 5", "0.124 ± 0.010 of 5"),
        ("4.1e-07 at Li2O", "4.2e-07 at Li2O"),
        (3, 3.0),
    ],
)
def test_what_rounding_may_do_is_the_same(there: Any, here: Any) -> None:
    assert list(differences(there, here)) == []


@pytest.mark.parametrize(
    ("there", "here", "said"),
    [
        (1.0, 1.0 + 2e-9, "relative 2e-09"),
        ({"value": 1e-17, "std_stat": None}, {"value": 0.0, "std_stat": None}, "value: 1 × 10⁻¹⁷"),
        ({"a": 1}, {"a": None}, "a: 1 in the bundle, nothing now"),
        ({"a": 1}, {}, "a: 1 in the bundle, nothing now"),
        ([1, 2], [1], "2 entries in the bundle, 1 entries now"),
        ("5 peaks of Li2O", "6 peaks of Li2O", "5 peaks"),
        ("0.123 of Li2O", "0.123 of Li3O", "Li2O"),
        ("0.12", "0.15", "0.12"),
        (True, 1, "True"),
        ("present", None, "present"),
    ],
)
def test_everything_else_differs_and_says_by_how_much(there: Any, here: Any, said: str) -> None:
    found = [str(d) for d in differences(there, here)]
    assert len(found) == 1
    assert said in found[0]


def test_arrays_differ_by_content() -> None:
    one = xr.Dataset({"map": (("y", "x"), np.array([[1.0, np.nan], [1e-20, 5.0]]))})
    near = one.copy(deep=True)
    near["map"].values[1, 0] = 3e-20  # next to nothing beside 5
    near["map"].values[0, 0] += 1e-12
    assert list(array_differences(one, near, "map")) == []
    far = one.copy(deep=True)
    far["map"].values[1, 1] = 5.1
    (found,) = array_differences(one, far, "array")
    assert str(found).startswith("array.map, 1 of 4 numbers, most at number 3: 5 in the bundle")
    assert found.by == pytest.approx(0.1 / 5.1)
    lost = one.copy(deep=True)
    lost["map"].values[0, 1] = 2.0
    assert any("in one of the two only" in str(d) for d in array_differences(one, lost, "a"))
    other = xr.Dataset({"map": (("y", "x"), np.zeros((1, 2)))})
    assert "shape" in str(next(array_differences(one, other, "a")))
    named = one.assign(b=("x", [1.0, 2.0]))
    assert "not there" in str(next(array_differences(one, named, "a")))


def test_the_environment_names_what_is_loaded_and_what_is_required() -> None:
    here = environment()
    assert here["python"] == ".".join(map(str, sys.version_info[:3]))
    assert here["packages"]["numpy"] == version("numpy")
    assert len(here["code"]["consilience"]) == 64
    required = required_packages()
    assert {"numpy", "pydantic", "consilience"} <= set(required)
    assert "pytest" not in required
    assert required_packages(["no-such-distribution-at-all"]) == {}
    assert f"numpy=={version('numpy')}\n" in pins(required)


def test_versions_that_differ_are_named_with_both() -> None:
    here = environment(required_packages())
    assert differing_versions(here, here) == []
    there = {
        **here,
        "python": "3.4.0",
        "packages": {**here["packages"], "numpy": "1.2.3", "no-such-package": "9"},
        "code": {"consilience": "f" * 64},
    }
    found = {
        item["name"]: (item["there"], item["here"]) for item in differing_versions(there, here)
    }
    assert found["numpy"] == ("1.2.3", version("numpy"))
    assert found["no-such-package"] == ("9", None)
    assert found["python"][0] == "3.4.0"
    assert found["code of consilience"][0] == "f" * 12
    assert len(found) == 4
    fewer = {**here, "packages": {"numpy": version("numpy")}}
    assert differing_versions(fewer, here) == []  # what only this side has cannot have been used


class _Says:
    """A study that comes to these verdicts."""

    def __init__(self, verdicts: list[dict[str, Any]]) -> None:
        self.verdicts = verdicts

    def compare(self) -> list[Any]:
        return [type("V", (), {"to_json": lambda _, v=v: v})() for v in self.verdicts]


def test_a_verdict_is_found_again_when_ids_and_so_the_order_of_its_findings_change() -> None:
    said = {
        "id": "v-1",
        "kind": "size",
        "subject": None,
        "samples": ["a"],
        "findings": ["f-1", "f-2"],
        "verdict": "agree",
        "reason": "1 against 2",
        "difference": -1.0,
        "std": 2.0,
        "unit": "nm",
        "test": "z",
        "statistic": -0.5,
        "p_value": 0.6,
        "margin": None,
        "smallest_detectable": 4.0,
        "comparison": "scalar",
    }
    now = {**said, "id": "v-2", "findings": ["f-0", "f-1"], "difference": 1.0, "statistic": 0.5}
    findings = Matched("finding", ids={"f-2": "f-0"})
    result = match_verdicts(_Says([now]), [said], findings)  # type: ignore[arg-type]
    assert (result.same, result.equal) == (True, 1)
    worse = {**now, "verdict": "disagree"}
    result = match_verdicts(_Says([worse]), [said], findings)  # type: ignore[arg-type]
    assert "verdict: agree in the bundle, disagree now" in result.lines()[0]
