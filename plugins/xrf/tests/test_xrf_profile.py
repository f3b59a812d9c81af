"""Maps along lines: which points a bin holds, and what errors say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from consilience.errors import BadInputError
from consilience_xrf.amounts.element_maps import ElementMap, MapSet
from consilience_xrf.amounts.profile import Strip, profile_along


def grid(values: NDArray[np.float64], step: float = 0.5) -> tuple[MapSet, ElementMap]:
    one = ElementMap("Pt", "La", values, np.sqrt(np.clip(values, 1.0, None)), "count")
    ny, nx = values.shape
    x, y = step * np.arange(nx, dtype=np.float64), step * np.arange(ny, dtype=np.float64)
    return MapSet({"Pt_La": one}, x, y, "um"), one


def test_a_profile_along_x_is_the_mean_of_columns() -> None:
    values = np.random.default_rng(1).poisson(100.0, (6, 9)).astype(float)
    values[2, 3] = np.nan
    maps, one = grid(values)
    found = profile_along(maps, one, Strip((0.0, 1.25), (4.0, 1.25), 3.0))
    assert found.distance == pytest.approx(0.5 * np.arange(9))
    assert found.mean == pytest.approx(np.nanmean(values, axis=0))
    assert found.points.tolist() == [6, 6, 6, 5, 6, 6, 6, 6, 6]
    assert found.std == pytest.approx(np.sqrt(np.nansum(values, axis=0)) / found.points)
    assert found.spread == pytest.approx(np.nanstd(values, axis=0, ddof=1))
    narrow = profile_along(maps, one, Strip((0.0, 0.5), (4.0, 0.5), 0.2))
    assert narrow.mean == pytest.approx(values[1])


def test_a_slanted_line_uses_each_point_at_most_once_and_finds_the_edge() -> None:
    ny = nx = 41
    y, x = np.meshgrid(np.arange(ny), np.arange(nx), indexing="ij")
    along = (x + y) / np.sqrt(2.0)  # an edge across the diagonal, at 28.3
    maps, one = grid(np.where(along < 20.0 * np.sqrt(2.0), 10.0, 50.0), 1.0)
    found = profile_along(maps, one, Strip((0.0, 0.0), (40.0, 40.0), 8.0), 1.0)
    assert found.points.sum() <= ny * nx
    middle = 0.5 * (np.nanmin(found.mean) + np.nanmax(found.mean))
    edge = found.distance[int(np.argmax(found.mean > middle))]
    assert edge == pytest.approx(20.0 * np.sqrt(2.0), abs=1.0)
    back = profile_along(maps, one, Strip((40.0, 40.0), (0.0, 0.0), 8.0), 1.0)
    assert back.points.sum() == found.points.sum()


def test_errors_of_bins_are_those_of_repeats() -> None:
    chance = np.random.default_rng(4)
    means, stds = [], []
    for _ in range(300):
        maps, one = grid(chance.poisson(50.0, (10, 12)).astype(float))
        found = profile_along(maps, one, Strip((0.3, 0.2), (5.0, 4.0), 2.0), 0.7)
        assert found.std is not None
        means.append(found.mean)
        stds.append(found.std)
    real = np.array(means).std(axis=0, ddof=1)
    assert np.mean(stds, axis=0) == pytest.approx(real, rel=0.2)
    together = np.asarray(np.corrcoef(np.array(means).T)) - np.eye(real.size)
    assert np.abs(together).max() < 0.25, "bins share no counts"


def test_lines_that_hold_nothing_are_refused() -> None:
    maps, one = grid(np.ones((5, 5)))
    with pytest.raises(BadInputError, match="1 wide, holds nothing"):
        profile_along(maps, one, Strip((1.0, 1.0), (1.0, 1.0), 1.0))
    with pytest.raises(BadInputError, match="meets points of the map in only 0 bins"):
        profile_along(maps, one, Strip((50.0, 50.0), (60.0, 50.0), 1.0))
