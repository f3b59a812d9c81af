"""The coverage table of amounts runs, and its errors are of the right size in a few repeats."""

from __future__ import annotations

from consilience.testing.coverage import cover
from xrf_coverage.amounts import ROWS


def test_errors_of_amounts_hold_in_a_few_repeats() -> None:
    found = cover(ROWS, 40, seed=7)
    assert all(one.holds for one in found), [one for one in found if not one.holds]
    assert {one.cannot_tell for one in found} == {0}
