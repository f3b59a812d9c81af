"""Exposure in one step: exact pieces, honest gaps, and nothing that depends on how it is split."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from custody_logs import START, at, custody_of, log, step, window
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.custody.past.course import course_of
from consilience.custody.past.exposure import integral, peak, seconds_above, unrecorded
from consilience.series.flags import MISSING, STUCK

NAN = math.nan
HOUR = step(0, 3600)


def of_log(time: Any, o2: Any, gap: str | None = "10 s", of: Any = HOUR, **more: Any) -> Any:
    custody = custody_of([of], [log(of, time, gap, o2=o2, **more)])
    return integral(custody, window(custody, of), "o2", "ppm")


# --- what is known ---------------------------------------------------------------------------


def test_readings_are_joined_by_straight_lines() -> None:
    found = of_log([0, 10, 20], [2.0, 4.0, 0.0], of=step(0, 20))
    assert found.low == pytest.approx(30.0 + 20.0)
    assert found.high == pytest.approx(found.low)
    assert found.unknown == (0.0, 0.0)


def test_a_gap_is_unknown_and_makes_the_answer_open_above() -> None:
    found = of_log([0, 10, 30, 40], [2.0, 2.0, 2.0, 2.0], of=step(0, 40))
    assert (found.low, found.high) == (40.0, None)
    assert found.unknown == (20.0, 20.0)


def test_what_the_step_states_does_not_fill_a_gap() -> None:
    stated = step(0, 40, conditions={"o2": (1.0, "ppm")})
    found = of_log([0, 10, 30, 40], [2.0, 2.0, 2.0, 2.0], of=stated)
    assert (found.low, found.high, found.source) == (40.0, None, "sensor")


def test_without_a_sensor_what_the_step_states_counts() -> None:
    stated = step(0, 3600, conditions={"o2": (0.5, "ppm")})
    custody = custody_of([stated], [])
    found = integral(custody, window(custody, stated), "o2", "ppm")
    assert (found.low, found.high, found.source) == (1800.0, 1800.0, "stated")


def test_a_stated_bound_is_no_number() -> None:
    stated = step(0, 3600, conditions={"o2": "< 0.5 ppm"})
    custody = custody_of([stated], [])
    found = integral(custody, window(custody, stated), "o2", "ppm")
    assert (found.low, found.high) == (0.0, 1800.0)


def test_with_neither_nothing_is_known() -> None:
    custody = custody_of([HOUR], [])
    found = integral(custody, window(custody, HOUR), "o2", "ppm")
    assert (found.low, found.high, found.unknown) == (0.0, None, (3600.0, 3600.0))


def test_a_log_without_a_gap_limit_says_nothing_between_its_readings() -> None:
    found = of_log([0, 1, 2], [2.0, 2.0, 2.0], gap=None, of=step(0, 2))
    assert (found.low, found.high, found.unknown) == (0.0, None, (2.0, 2.0))


def test_the_ends_of_a_log_are_held_for_at_most_the_gap_limit() -> None:
    found = of_log([5, 15], [2.0, 2.0], of=step(0, 20))
    assert (found.low, found.held, found.high) == (20.0, 20.0, 40.0)
    found = of_log([15, 25], [2.0, 2.0], of=step(0, 40))
    assert (found.low, found.high, found.unknown) == (20.0, None, (10.0, 10.0))


def test_a_missing_reading_is_bridged_and_a_stuck_one_is_not() -> None:
    time, values = [0, 4, 8, 12], [2.0, NAN, 2.0, 2.0]
    bridged = of_log(time, values, of=step(0, 12), o2_flag=np.array([0, MISSING, 0, 0]))
    assert bridged.high == pytest.approx(24.0)
    stuck = of_log(time, values, of=step(0, 12), o2_flag=np.array([0, STUCK, 0, 0]))
    assert (stuck.low, stuck.high, stuck.unknown) == (8.0, None, (8.0, 8.0))


def test_a_log_that_ends_stuck_is_not_held() -> None:
    found = of_log([0, 5, 10], [2.0, 2.0, NAN], of=step(0, 12), o2_flag=np.array([0, 0, STUCK]))
    assert (found.low, found.unknown) == (10.0, (7.0, 7.0))


def test_time_above_a_limit_is_found_between_the_readings() -> None:
    of = step(0, 20)
    custody = custody_of([of], [log(of, [0, 10, 20], temperature=[100.0, 200.0, 100.0])])
    found = seconds_above(custody, window(custody, of), "temperature", "K", 150.0)
    assert found.low == pytest.approx(10.0)
    assert found.high == pytest.approx(10.0)
    none = seconds_above(custody, window(custody, of), "temperature", "K", 200.0)
    assert (none.low, none.high) == (0.0, 0.0)


def test_a_gap_bounds_the_time_above_a_limit() -> None:
    of = step(0, 40)
    custody = custody_of([of], [log(of, [0, 10, 30, 40], temperature=[90.0, 90.0, 200.0, 200.0])])
    found = seconds_above(custody, window(custody, of), "temperature", "K", 100.0)
    assert (found.low, found.high) == (10.0, 30.0)


def test_a_step_that_states_a_cold_bound_is_never_above() -> None:
    of = step(None, None, conditions={"temperature": "< 103.15 K"})
    custody = custody_of([of], [])
    link = window(custody, of)
    found = seconds_above(custody, link, "temperature", "K", 136.0)
    assert (found.low, found.high) == (0.0, 0.0)
    warm = seconds_above(custody, link, "temperature", "K", 90.0)
    assert (warm.low, warm.high) == (0.0, None)


def test_a_peak_beside_a_gap_is_a_lower_bound() -> None:
    of = step(0, 40)
    custody = custody_of([of], [log(of, [0, 10, 30, 40], temperature=[90.0, 95.0, 91.0, 90.0])])
    found = peak(custody, window(custody, of), "temperature", "K")
    assert (found.low, found.high) == (95.0, None)
    whole = custody_of([of], [log(of, range(0, 41, 10), temperature=[90.0, 95, 91, 90, 90])])
    found = peak(whole, window(whole, of), "temperature", "K")
    assert (found.low, found.high) == (95.0, 95.0)


def test_what_was_read_outside_the_step_does_not_count() -> None:
    of = step(10, 20)
    custody = custody_of([of], [log(of, [0, 10, 20, 30], temperature=[300.0, 90, 90, 300])])
    found = peak(custody, window(custody, of), "temperature", "K")
    assert (found.low, found.high) == (90.0, 90.0)


def test_of_a_step_that_was_going_on_the_part_before_the_moment_counts() -> None:
    custody = custody_of([HOUR], [log(HOUR, range(0, 3601, 10), o2=np.full(361, 1.0))])
    found = integral(custody, window(custody, HOUR, until=905.0), "o2", "ppm")
    assert found.low == pytest.approx(905.0)
    assert found.high == pytest.approx(905.0)


def test_of_two_sensors_the_higher_counts_where_both_recorded() -> None:
    of = step(0, 10)
    up = log(of, [0, 10], o2=[0.0, 10.0], name="up", source="a")
    down = log(of, [0, 10], o2=[10.0, 0.0], name="down", source="b")
    custody = custody_of([of], [up, down])
    found = integral(custody, window(custody, of), "o2", "ppm")
    assert found.low == pytest.approx(75.0)  # max(t, 10 − t)
    assert found.high == pytest.approx(75.0)
    alone = log(of, [0, 4], o2=[1.0, 1.0], name="alone", source="c")
    custody = custody_of([of], [up, alone])
    found = integral(custody, window(custody, of), "o2", "ppm")
    assert found.low == pytest.approx(1.0 + 49.5)  # 1 until the other passes it, then t


def test_a_log_without_a_place_in_time_belongs_to_the_whole_step_or_cannot_be_used() -> None:
    of = step(0, 30)
    custody = custody_of([of], [log(of, [0, 10, 20], start=None, o2=[1.0, 1.0, 1.0])])
    found = integral(custody, window(custody, of), "o2", "ppm")
    assert (found.low, found.high, found.unknown) == (20.0, None, (10.0, 10.0))
    cut = integral(custody, window(custody, of, until=15.0), "o2", "ppm")
    assert (cut.low, cut.high) == (0.0, None)
    short = step(0, 10)
    custody = custody_of([short], [log(short, [0, 10, 20], start=None, o2=[1.0, 1.0, 1.0])])
    found = integral(custody, window(custody, short), "o2", "ppm")
    assert (found.low, found.high) == (0.0, None)  # which of it was in the step is not known


def test_a_step_without_times_has_a_certain_part_and_no_end() -> None:
    of = step(None, None, sequence=1)
    custody = custody_of([of], [log(of, [0, 10], temperature=[90.0, 120.0])])
    link = window(custody, of)
    assert not link.surely  # it is not even known whether it came before
    found = peak(custody, link, "temperature", "K")
    assert (found.low, found.high) == (-math.inf, None)


def test_time_not_recorded_is_where_any_of_the_sensors_recorded_nothing() -> None:
    of = step(0, 100)
    warm = log(of, range(0, 61, 10), temperature=np.full(7, 90.0), name="t")
    pressure = log(of, range(40, 101, 10), pressure=np.full(7, 1e-6), name="p")
    custody = custody_of([of], [warm, pressure])
    found = unrecorded(custody, window(custody, of), ("temperature", "pressure"))
    assert found == pytest.approx((60.0, 60.0))  # held ends: known from 30 to 70


# --- laws --------------------------------------------------------------------------------------


@st.composite
def logs(draw: Any) -> tuple[list[float], list[float], list[int]]:
    """Times that never fall, readings some of which are missing or stuck."""
    pauses = draw(st.lists(st.sampled_from([0, 1, 3, 7, 10, 11, 40]), min_size=1, max_size=25))
    time = np.cumsum([draw(st.integers(-20, 20)), *pauses]).astype(float)
    n = len(time)
    values = draw(st.lists(st.floats(0, 1000, width=32), min_size=n, max_size=n))
    flags = draw(st.lists(st.sampled_from([0, 0, 0, 0, MISSING, STUCK]), min_size=n, max_size=n))
    read = [NAN if flag else value for value, flag in zip(values, flags, strict=True)]
    return time.tolist(), read, flags


def by_hand(data: Any, begin: float, end: float, limit: float) -> tuple[float, float, float]:
    """Integral, seconds above a limit and seconds recorded, reading by reading, nothing held."""
    time, values, flags = data
    read = [
        (t, v, sum(f not in (0, MISSING) for f in flags[:i]))
        for i, (t, v) in enumerate(zip(time, values, strict=True))
        if not math.isnan(v)
    ]
    area = above = known = 0.0
    for (t0, v0, broken0), (t1, v1, broken1) in pairwise(read):
        a, b = max(t0, begin), min(t1, end)
        if t1 - t0 > 10.0 or broken0 != broken1 or b <= a:
            continue
        u, w = (v0 + (v1 - v0) * (t - t0) / (t1 - t0) for t in (a, b))
        area += (b - a) * (u + w) / 2
        top, low = max(u, w), min(u, w)
        part = (top - limit) / (top - low) if top > low else float(top > limit)
        above += (b - a) * min(max(part, 0.0), 1.0)
        known += b - a
    return area, above, known


def parts_of(of: list[Any], data: Any, limit: float, pieces: int = 1) -> list[Any]:
    """Integral, seconds above and what is unknown of steps; the log on all, in some pieces."""
    time, values, flags = (np.array(x) for x in data)
    places = np.array_split(np.arange(len(time)), pieces)
    series = [
        log(s, time[p], o2=values[p], o2_flag=flags[p], temperature=values[p],
            temperature_flag=flags[p], name=f"piece{i}")
        for s in of for i, p in enumerate(places) if len(p)
    ]  # fmt: skip
    custody = custody_of(of, series)
    windows = [window(custody, s) for s in of]
    found = [integral(custody, w, "o2", "ppm") for w in windows]
    above = [seconds_above(custody, w, "temperature", "K", limit) for w in windows]
    highest = [peak(custody, w, "temperature", "K") for w in windows]
    blind = [unrecorded(custody, w, ("temperature", "pressure")) for w in windows]
    return [
        sum(p.low for p in found),
        sum(p.held for p in found),
        sum(p.unknown[0] for p in found),
        None if any(p.high is None for p in found) else sum(p.high for p in found),
        sum(p.low for p in above),
        sum(p.high for p in above),
        max(p.low for p in highest),
        sum(b[0] for b in blind),
    ]


@settings(max_examples=60, deadline=None)
@given(logs(), st.floats(0, 1000))
def test_the_certain_part_is_that_of_a_reading_by_reading_sum(data: Any, limit: float) -> None:
    (
        area,
        above,
        _,
    ) = by_hand(data, 0.0, 100.0, limit)
    found = parts_of([step(0, 100)], data, limit)
    assert found[0] == pytest.approx(area, rel=1e-9, abs=1e-6)
    assert found[4] == pytest.approx(above, rel=1e-9, abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(
    logs(),
    st.lists(st.integers(1, 99), max_size=4, unique=True),
    st.integers(1, 5),
    st.floats(0, 1000),
)
def test_nothing_depends_on_how_a_step_or_a_series_is_split(
    data: Any, cuts: list[int], pieces: int, limit: float
) -> None:
    whole = parts_of([step(0, 100)], data, limit)
    edges = [0, *sorted(cuts), 100]
    split = parts_of([step(a, b) for a, b in pairwise(edges)], data, limit, pieces)
    assert (whole[3] is None) == (split[3] is None)
    assert [x or 0.0 for x in split] == pytest.approx([x or 0.0 for x in whole], abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(logs(), st.integers(1, 7))
def test_nothing_depends_on_how_many_rows_are_read_at_a_time(data: Any, rows: int) -> None:
    time, values, flags = data
    of = step(0, 100)
    series, dataset = log(of, time, o2=values, o2_flag=flags)
    custody = custody_of([of], [(series, dataset)])

    def total(window_rows: int) -> list[float]:
        course = course_of(custody, [series], "o2", "ppm", START, None)
        found = list(course.pieces(window_rows))
        area = [((p.t1 - p.t0) * (p.v0 + p.v1) / 2).sum() for p in found]
        return [sum(area), max((p.points.max(initial=-1.0) for p in found), default=-1.0)]

    assert total(rows) == pytest.approx(total(1 << 18))


@settings(max_examples=80, deadline=None)
@given(logs(), st.data(), st.floats(0, 1000))
def test_a_gap_adds_unknown_time_and_leaves_the_rest_as_it_was(
    data: Any, choose: Any, limit: float
) -> None:
    time, values, flags = data
    of = [step(0, 100)]
    before = parts_of(of, data, limit)
    first = choose.draw(st.integers(0, len(time)))
    last = choose.draw(st.integers(first, len(time)))
    holed = [STUCK if first <= i < last else f for i, f in enumerate(flags)]
    read = [NAN if f else v for v, f in zip(values, holed, strict=True)]
    after = parts_of(of, (time, read, holed), limit)
    area, above, known = by_hand((time, read, holed), 0.0, 100.0, limit)
    assert after[0] == pytest.approx(area, abs=1e-5)
    assert after[0] <= before[0] + 1e-5
    assert after[2] >= before[2] - 1e-5
    assert after[2] <= 100.0 - known + 1e-5
    assert after[4] == pytest.approx(above, abs=1e-5)
    assert after[4] <= before[4] + 1e-5
    assert after[5] >= before[5] - 1e-5  # what could be above only grows
    assert after[6] <= before[6]
    assert after[3] is None or before[3] is not None  # no number comes from taking away


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 98), st.floats(0, 1e6), st.floats(10.5, 40.0))
def test_unknown_never_turns_into_a_number(begin: int, value: float, length: float) -> None:
    time = np.unique(np.r_[np.arange(0, 101, 1.0), 150.0, 160.0])
    read = np.full(len(time), value)
    keep = (time < begin) | (time > begin + length)
    found = of_log(time[keep], read[keep], of=step(0, 160))
    assert found.high is None
    assert found.unknown[0] > 0.0


def test_two_logs_of_one_clock_are_one_whatever_their_files() -> None:
    of = step(0, 30)
    one = log(of, [0, 10], o2=[1.0, 1.0], name="one")
    two = log(of, [0, 10], start=at(20), o2=[1.0, 1.0], name="two")
    custody = custody_of([of], [two, one])
    found = integral(custody, window(custody, of), "o2", "ppm")
    assert (found.low, found.high) == (30.0, 30.0)
    assert found.evidence == (of.id, two[0].id, one[0].id)
