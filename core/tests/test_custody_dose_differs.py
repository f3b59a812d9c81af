"""A measure step that states another dose, energy or temperature than its file contradicts it."""

from __future__ import annotations

from typing import Any

import pytest
from dose_samples import COLD, custody, electrons, q, record, step

from consilience.custody import Custody
from consilience.model.sample import Step

FILE = electrons(50.0, temperature=COLD, source="file")


def session(name: str = "s", start: str = "11:00", **conditions: Any) -> Step:
    said = {"modality": "eels", **conditions}
    end = "2026-03-01T13:00:00+00:00"
    return step(name, "lamella", "measure", start, end=end, conditions=said)


def words(known: Custody) -> list[str]:
    return [c.words for c in known.contradictions]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"fluence": q(50.4, "1/angstrom^2")}, None),
        ({"fluence": q(60.0, "1/angstrom^2")}, "fluence 50 e/Å², its step {} states 60 e/Å²"),
        ({"fluence": "< 100 1/angstrom^2"}, None),
        ({"voltage": q(2e5, "V")}, None),
        ({"voltage": q(8e4, "V")}, "energy 200 keV, its step {} states 80 keV"),
        ({"energy": q(300.0, "keV")}, "energy 200 keV, its step {} states 300 keV"),
        ({"temperature": q(COLD + 1.0, "K")}, None),
        ({"temperature": q(293.15, "K")}, "temperature 100 K, its step {} states 293.15 K"),
        ({"temperature": "< 200 K"}, None),
        ({"temperature": "> 200 K"}, "temperature 100 K, its step {} states > 200 K"),
    ],
)
def test_what_differs_by_more_than_a_hundredth(
    conditions: dict[str, Any], expected: str | None
) -> None:
    measured = record("a", "lamella", FILE)
    known = custody(measured, session(**conditions))
    name = "measure (st-s)"
    assert words(known) == ([] if expected is None else [f"a.msa has the {expected.format(name)}"])
    metric = known.metric("value_contradictions", measured)
    assert metric.value == (0.0 if expected is None else 1.0)
    assert known.metric("time_contradictions", measured).value == 0.0
    if expected is not None:
        assert metric.evidence == ("m-a", "st-s")


def test_what_the_step_alone_says_contradicts_nothing() -> None:
    measured = record("a", "lamella", electrons(None, energy=None))
    stated = {"fluence": q(9.0, "1/angstrom^2"), "energy": q(80.0, "keV")}
    assert words(custody(measured, session(**stated))) == []


def test_a_step_with_two_spectra_may_state_each_or_all_of_the_dose() -> None:
    both = [record("a", "lamella", FILE), record("b", "lamella", FILE, time="12:30")]
    for stated, count in ((50.0, 0), (100.0, 0), (75.0, 2)):
        known = custody(*both, session(fluence=q(stated, "1/angstrom^2")))
        assert len(words(known)) == count, stated


def test_where_two_steps_fit_neither_is_held_against_the_file() -> None:
    focus = session("focus", "11:30", fluence=q(700.0, "1/angstrom^2"))
    assert words(custody(record("a", "lamella", FILE), session(), focus)) == []
