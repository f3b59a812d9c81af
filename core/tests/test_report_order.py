"""Findings of a series stand in the report in the order of its states."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from consilience import Study
from consilience.model.base import StateValue


@pytest.mark.parametrize(
    ("states", "places"),
    [
        (["pristine", "charged", "aged"], [1, 2, 3]),
        (["cycle 2", "cycle 9", "cycle 10"], [None, None, None]),
    ],
)
def test_states_are_in_their_order(
    tmp_path: Path, states: list[str], places: list[int | None]
) -> None:
    with Study.create(tmp_path / "study", "A series") as study:
        study.add_sample("cell")
        for number in (1, 2, 0):
            state: dict[str, StateValue] = {"state": states[number]}
            evidence = {} if places[number] is None else {"place_in_series": places[number]}
            finding = {
                "kind": "roughness",
                "value": 1.0 + number,
                "unit": "um",
                "state": state,
                "evidence": evidence,
                "method": "a table",
            }
            study.add_finding(finding, "cell", "a paper", "xct")
        text = study.report(tmp_path / "report.html").read_text(encoding="utf-8")
    found = re.findall(rf"state: ({'|'.join(states)})", text[text.index('id="findings"') :])
    assert list(dict.fromkeys(found)) == states
