"""A short run of the coverage table; the printed one has a thousand repeats."""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from consilience.testing.coverage import Row, cover, judgements
from eels_coverage.rows import ROWS


def test_names_are_unique() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_short_run_holds(row: Row) -> None:
    """Sixty repeats see an error that is wrong by half."""
    table = cover([row], 60, seed=10_000, family=judgements(ROWS))
    assert table
    broken = [
        f"{one.model}: {one.what} {one.found}, {one.limits}" for one in table if not one.holds
    ]
    assert not broken, "; ".join(broken)
