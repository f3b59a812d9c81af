"""Positions make the grid of a scan: snakes, swapped names, lists of points, what is missing."""

from __future__ import annotations

import numpy as np
import pytest

from consilience_xrf.files.map_names import map_name, plain_name
from consilience_xrf.files.scan_grid import grid_of_plane, grid_of_points


def planes(rows: int = 3, columns: int = 4) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.meshgrid(0.5 * np.arange(rows), 2.0 + np.arange(columns), indexing="ij")
    return y, x


def test_plain_axes_stay() -> None:
    grid = grid_of_plane((3, 4), np.arange(3.0), np.arange(4.0))
    assert grid.order is None
    assert not grid.transposed
    assert grid.said == []
    assert grid.x is not None
    assert grid.x.tolist() == [0, 1, 2, 3]


def test_a_snake_is_turned_round_by_its_positions() -> None:
    y, x = planes()
    truth = np.arange(12).reshape(3, 4)
    stored, x = truth.copy(), x.copy()
    stored[1], x[1] = stored[1, ::-1], x[1, ::-1]
    grid = grid_of_plane((3, 4), y, x)
    assert grid.arrange(stored).tolist() == truth.tolist()
    assert [c for c, *_ in grid.said] == ["snake"]
    assert grid.x is not None
    assert grid.x.tolist() == [2, 3, 4, 5]
    assert grid.places is None


def test_positions_win_over_names() -> None:
    y, x = planes()
    grid = grid_of_plane((3, 4), y, x, named=("x", "y"))
    assert not grid.transposed
    assert [c for c, *_ in grid.said] == ["axes-swapped"]
    turned = grid_of_plane((4, 3), y.T, x.T, named=("y", "x"))
    assert turned.transposed
    assert turned.shape == (3, 4)
    assert turned.x is not None
    assert turned.x.tolist() == [2, 3, 4, 5]
    values = np.arange(12).reshape(4, 3)
    assert turned.arrange(values).tolist() == values.T.tolist()


def test_names_hold_where_positions_do_not_tell() -> None:
    grid = grid_of_plane((4, 3), np.arange(3.0), np.arange(4.0), named=("x", "y"))
    assert grid.transposed
    assert grid.shape == (3, 4)
    assert grid.y is not None
    assert grid.y.size == 3


def test_longer_positions_are_left_out_unless_asked_for() -> None:
    y, x = planes(7, 9)
    left = grid_of_plane((2, 2), y, x)
    assert left.x is None
    assert left.y is None
    assert {c for c, *_ in left.said} == {"axis-longer-than-data"}
    assert "positions=first" in left.said[0][2]
    cut = grid_of_plane((2, 2), y, x, first=True)
    assert cut.x is not None
    assert cut.x.tolist() == [2, 3]
    assert {c for c, *_ in cut.said} == {"positions-cut"}


def test_shorter_positions_are_left_out_even_if_asked_for() -> None:
    grid = grid_of_plane((3, 4), np.arange(2.0), np.arange(4.0), first=True)
    assert grid.y is None
    assert [c for c, *_ in grid.said] == ["axis-shorter-than-data"]


def test_positions_that_jump_back_are_left_out() -> None:
    grid = grid_of_plane((3, 4), np.array([0.0, 2.0, 1.0]), np.arange(4.0))
    assert grid.y is None
    assert [c for c, *_ in grid.said] == ["positions-not-monotonic"]


def test_uneven_points_keep_their_places() -> None:
    y, x = planes()
    x = x + 0.3 * np.array([[0], [1], [0]])
    grid = grid_of_plane((3, 4), y, x)
    assert grid.places is not None
    assert grid.places[1] == pytest.approx(x)
    assert [c for c, *_ in grid.said] == ["positions-uneven"]


@pytest.mark.parametrize("jitter", [0.0, 0.02])
def test_a_list_of_points_becomes_a_grid(jitter: float) -> None:
    y, x = planes()
    x[1] = x[1, ::-1].copy()
    noise = jitter * np.random.default_rng(1).normal(size=(2, 12))
    grid = grid_of_points(y.ravel() + 0.5 * noise[0], x.ravel() + noise[1])
    assert grid is not None
    assert grid.shape == (3, 4)
    assert grid.order is not None
    assert grid.order[1].tolist() == [7, 6, 5, 4]
    assert "snake" in {c for c, *_ in grid.said}
    assert grid.x is not None
    assert grid.x == pytest.approx([2, 3, 4, 5], abs=0.05)


def test_a_scan_cut_short_says_so() -> None:
    y, x = planes()
    grid = grid_of_points(y.ravel()[:10], x.ravel()[:10])
    assert grid is not None
    assert grid.order is not None
    assert (grid.order < 0).sum() == 2
    assert "scan-incomplete" in {c for c, *_ in grid.said}
    filled = grid.arrange(np.arange(10.0))
    assert filled[2].tolist() == [8, 9, 0, 0]


def test_points_without_order_are_no_grid() -> None:
    rng = np.random.default_rng(2)
    assert grid_of_points(rng.random(50), rng.random(50)) is None
    assert grid_of_points(np.zeros(4), np.array([0.0, 1, 1, 2])) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Pt-La", "Pt_La"),
        ("Pb_L", "Pb_L"),
        ("Fe Ka", "Fe_Ka"),
        ("Fe K-alpha", "Fe_Ka"),
        ("Au_L3", "Au_L3"),
        ("Zn.Kb", "Zn_Kb"),
    ],
)
def test_names_of_maps(text: str, name: str) -> None:
    found = map_name(text)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("text", ["Fe", "Xx_K", "Si_Si", "Scatter_Peak000", "data", "K", "t3x"])
def test_what_is_no_map_of_an_element(text: str) -> None:
    assert map_name(text) is None


def test_a_bare_symbol_is_a_map_where_the_format_says_so() -> None:
    found = map_name("K", bare="K")
    assert found is not None
    assert (found.element, found.line) == ("K", "K")
    assert map_name("Num_Iter", bare="K") is None
    assert plain_name("fit residual") == "fit_residual"
    assert plain_name("a_std") == "a_std_map"
