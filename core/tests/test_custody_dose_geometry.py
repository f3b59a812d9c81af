"""How regions lie on each other, and sums where they overlap."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.custody.dose.geometry import highest_sum, place
from consilience.model.finding import Region


def box(x0: float, y0: float, x1: float, y1: float, frame: str = "stage", unit: str = "um"):
    return Region(shape="box", coordinates=[[x0, y0], [x1, y1]], unit=unit, frame=frame)


def polygon(*corners: tuple[float, float], frame: str = "stage"):
    return Region(shape="polygon", coordinates=[list(c) for c in corners], frame=frame)


CELL = box(0, 0, 10, 10)


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        (box(-1, -1, 11, 11), "covers"),
        (box(0, 0, 10, 10), "covers"),
        (box(-1000, -1000, 11000, 11000, unit="nm"), "covers"),
        (box(5, 5, 20, 20), "part"),
        (box(2, 2, 3, 3), "part"),
        (box(10, 0, 20, 10), "apart"),
        (box(30, 0, 40, 10), "apart"),
        (box(2, 2, 3, 3, frame="image"), "unknown"),
        (box(2, 2, 3, 3, unit="px"), "unknown"),
        (polygon((-9, -9), (30, -9), (-9, 30)), "covers"),
        (polygon((9.9, 9.9), (9.901, 9.9), (30, 30)), "part"),
        (polygon((12, 12), (13, 12), (12, 13)), "apart"),
        # its box touches the cell, it does not
        (polygon((9, 14), (14, 9), (14, 14)), "apart"),
        (Region(shape="point", coordinates=[[5, 5]], frame="stage"), "part"),
        (Region(shape="point", coordinates=[[50, 5]], frame="stage"), "apart"),
        (Region(shape="line", coordinates=[[-5, 5], [5, 5]], frame="stage"), "part"),
        (Region(shape="whole", frame="anything"), "covers"),
        (Region(shape="mask", frame="stage", array="m"), "unknown"),
        (Region(shape="sphere", coordinates=[[0, 0, 0], [1, 1, 1]], frame="stage"), "unknown"),
        (None, "unknown"),
    ],
)
def test_place(region: Region | None, expected: str):
    assert place(region, [CELL]) == expected


def test_a_mask_covers_itself():
    mask = Region(shape="mask", frame="stage", array="m")
    assert place(mask, [mask]) == "covers"


def test_what_encloses_decides_where_the_region_itself_is_not_known():
    assert place(box(-1, -1, 11, 11), [None, CELL]) == "covers"
    assert place(box(20, 20, 21, 21), [None, CELL]) == "apart"
    assert place(box(5, 5, 20, 20), [None, CELL]) == "unknown", "which part is not known"
    inner = Region(shape="box", coordinates=[[0, 0], [1, 1]], frame="image")
    assert place(box(-1, -1, 11, 11), [inner, CELL]) == "covers"


def test_the_highest_sum_is_where_regions_overlap():
    parts = [box(0, 0, 4, 10), box(3, 0, 8, 10), box(7, 0, 10, 10), box(90, 0, 99, 1)]
    assert highest_sum(parts, [1.0, 2.0, 4.0, 100.0], CELL) == 6.0
    assert highest_sum(parts, [1.0, 2.0, 4.0, 100.0], Region(shape="whole", frame="x")) == 100.0


def test_tiles_that_touch_do_not_add():
    tiles = [box(x, 0, x + 1, 10) for x in range(10)]
    assert highest_sum(tiles, [5.0] * 10, CELL) == 5.0


def test_a_point_adds_to_the_field_around_it():
    spot = Region(shape="point", coordinates=[[5, 5]], frame="stage")
    assert highest_sum([box(4, 4, 6, 6), spot], [1.0, 10.0], CELL) == 11.0


sides = st.integers(min_value=0, max_value=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(sides, sides, sides, sides, st.integers(1, 9)), min_size=1, max_size=5))
def test_the_highest_sum_of_boxes_is_that_of_all_their_cells(rows):
    boxes = [(min(a, c), min(b, d), max(a, c) + 1, max(b, d) + 1, w) for a, b, c, d, w in rows]
    found = highest_sum([box(*row[:4]) for row in boxes], [float(row[4]) for row in boxes], CELL)
    cells = [(x + 0.5, y + 0.5) for x in range(10) for y in range(10)]
    expected = max(
        sum(w for x0, y0, x1, y1, w in boxes if x0 < x < x1 and y0 < y < y1) for x, y in cells
    )
    assert found == expected
