"""Courses, controls and volumes give no more false alarms than the level allows."""

from __future__ import annotations

import numpy as np
from benchmarks.verdicts import controls, courses, volumes
from benchmarks.verdicts.common import ANSWERS, Rates
from scipy.stats import binom

SURE = 1e-4
"""Chance that one bound is broken by accident; there are some hundred."""


def hold(found: Rates) -> None:
    for answer, bound in found.bounds.items():
        assert found.counts[answer] <= binom.isf(SURE, found.of, bound), (found.case, found.counts)
    for answer, rate in found.expected.items():
        low, high = binom.ppf(SURE, found.of, rate), binom.isf(SURE, found.of, rate)
        assert low <= found.counts[answer] <= high, (found.case, found.place, found.counts)
    assert sum(found.counts[a] for a in ANSWERS) == found.of


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
