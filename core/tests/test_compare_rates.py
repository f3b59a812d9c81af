"""Verdicts come as often as margin and level say; the long run is a benchmark."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from benchmarks.verdicts import consensus, maps, presences, ruled_out, scalars, studies
from benchmarks.verdicts.common import LEVEL, bounds, repeated
from rates_held import hold

from consilience.compare.margins import decide
from consilience.registry import Registry


def test_decisions_are_those_of_statsmodels() -> None:
    """statsmodels 0.15.0: the larger p of its two one-sided z-tests, margin 1."""
    for difference, std, p_value in (
        (-0.652, 0.458, 0.22367950068964365),
        (1.664, 0.157, 0.99998827898815),
        (-1.641, 0.364, 0.960879868521554),
        (-0.623, 0.222, 0.04473518025886522),
        (-1.608, 0.481, 0.8968909560600545),
        (0.235, 0.434, 0.038977844484677115),
    ):
        found = decide(np.array([difference]), np.array([std]), np.array([1.0]))
        wanted = "agree" if p_value < LEVEL else "disagree" if p_value > 0.95 else "undecided"
        assert found.answer == wanted
        # the program states the p-value of the test on the side of the margin where it is
        mine = p_value if found.statistic < 0 else 1.0 - p_value
        assert found.p_value == pytest.approx(mine, rel=1e-9)


def test_rates_of_numbers_follow_margin_and_level() -> None:
    for found in scalars.rates(150, 20261122):
        # the margin is relative to the mean of both numbers, which moves rates by less than this
        hold(found, 0.03 if not found.expected else 0.005)


def test_an_unknown_systematic_error_decides_nothing() -> None:
    case = next(c for c in scalars.CASES if not c.known)
    rng = np.random.default_rng(5)
    shift = scalars.shift_of(case, "2 margins + 6σ")
    assert {scalars.said_of_pair(rng, case, shift) for _ in range(20)} == {"undecided"}


def test_rates_of_presence_follow_the_limits() -> None:
    for found in presences.rates(150, 20261122):
        hold(found)


def test_a_rival_is_ruled_out_where_its_element_is_not_and_hardly_ever_where_it_is() -> None:
    for found in ruled_out.rates(100, 20261122):
        hold(found)
        assert found.counts["agree"] + found.counts["consistent"] == 100


@pytest.mark.parametrize("case", consensus.CASES[:2], ids=lambda c: c.name)
def test_rates_of_a_consensus_follow_the_level_and_name_the_odd_one(case: Any) -> None:
    for place in ("0", "margin", "2 margins + 6σ"):
        rng = np.random.default_rng([9, len(case.stds)])
        found = repeated(
            case.name,
            place,
            100,
            lambda r=rng, p=place: consensus.said_of_group(r, case, p),  # type: ignore[misc]
            bounds=bounds(place),
        )
        hold(found)
        assert found.counts["covered"] >= 93 or place != "0"
        if place == "2 margins + 6σ":
            assert found.counts["named"] == 100


def test_rates_of_maps_follow_the_surrogates() -> None:
    """The expectation is for many independent parts; unrelated maps are many, others few."""
    case = maps.CASES[1]
    rng = np.random.default_rng(3)
    said = [maps.said_of_pair(rng, case, "0") for _ in range(6)]
    said += [maps.said_of_pair(rng, case, "minus (limit + 3σ)") for _ in range(3)]
    assert said[:6].count("undecided") >= 4
    assert said[6:] == ["disagree"] * 3


def test_the_false_share_of_disagreements_of_a_whole_study_is_what_is_said() -> None:
    registry = Registry.discover()
    case = next(c for c in studies.CASES if c.null == 1.0 and c.planted == 10)
    rng = np.random.default_rng(11)
    found = [studies.run(rng, case, registry) for _ in range(30)]
    share = np.array([f.false_share for f in found])
    alone = float(np.mean([f.false_share_alone for f in found]))
    assert case.expected_false == pytest.approx(0.0375)
    # a study has a standard deviation of 6 %; the mean of thirty is within four of its errors
    assert share.mean() < 0.0375 + 4 * 0.06 / 30**0.5
    assert alone > share.mean()
    assert sum(f.planted for f in found) > 0.5 * 300
