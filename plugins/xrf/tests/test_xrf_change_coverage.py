"""A short run of the table of changes; the printed one has a thousand repeats."""

from __future__ import annotations

import pytest

from consilience.testing.coverage import cover, judgements
from xrf_change_coverage.rows import ROWS


def test_names_are_unique() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)


@pytest.mark.slow
def test_a_short_run_holds() -> None:
    """Thirty repeats see alarms in one series of three, and errors wrong by two thirds."""
    table = cover(ROWS, 30, seed=10_000, family=judgements(ROWS))
    broken = [
        f"{one.name}, {one.model}: {one.what} {one.found}, {one.limits}"
        for one in table
        if not one.holds
    ]
    assert not broken, "; ".join(broken)
