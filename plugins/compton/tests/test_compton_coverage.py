"""The table of coverage runs; a few repeats of each row are within far limits."""

from __future__ import annotations

import pytest

from compton_coverage.rows import ROWS
from consilience.testing.coverage import MODELS, Row

CELLS = [row for row in ROWS if any(word in row.name for word in ("cathode", "slope", "gain"))]


@pytest.mark.parametrize("row", CELLS, ids=lambda row: row.name)
def test_a_few_repeats(row: Row) -> None:
    for model in MODELS:
        outcomes = [row.run(model, seed) for seed in (101, 102)]
        pulls = [o.pull if o.pull is not None else o.pull_total for o in outcomes]
        assert all(pull is not None and abs(pull) < 6.0 for pull in pulls)


def test_each_row_has_a_name_of_its_own() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
