"""Courses, controls and volumes give no more false alarms than the level allows."""

from __future__ import annotations

import numpy as np
from benchmarks.verdicts import controls, courses, volumes
from rates_held import hold


def test_courses_and_controls() -> None:
    for found in [*courses.rates(25, 2), *controls.rates(40, 2)]:
        hold(found)


def test_volumes() -> None:
    for found in volumes.rates(15, 2):
        hold(found)


def test_what_goes_together_over_ten_states_is_found() -> None:
    case = courses.Case("one curve", courses.together(20.0), 10, "nothing", {})
    rng = np.random.default_rng(4)
    assert {courses.said_of_courses(rng, case)[0] for _ in range(20)} == {"consistent"}
