"""How much of the past steps cover."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from consilience.custody import Moment, chain_of
from consilience.custody.past.spans import Past
from consilience.model.sample import Sample, Step

SAMPLES = {"s": Sample(id="s")}


@given(st.lists(st.integers(1, 10**11), min_size=1, max_size=12))
def test_steps_that_meet_leave_no_time_between_them(microseconds: list[int]) -> None:
    """Whatever floats add up to: what is no time must not become some."""
    moments = [datetime(2026, 3, 1, 7, tzinfo=UTC)]
    for length in microseconds:
        moments.append(moments[-1] + timedelta(microseconds=length))
    times = [m.isoformat() for m in moments]
    steps = [
        Step(id=f"st-{i}", sample="s", type="store", start=a, end=b)
        for i, (a, b) in enumerate(pairwise(times))
    ]
    past = Past(chain_of(Moment("s", times[-1]), SAMPLES, steps), SAMPLES, steps)
    assert past.unaccounted() == (0.0, 0.0)
