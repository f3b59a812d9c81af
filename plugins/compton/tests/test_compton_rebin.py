"""Counts are neither lost nor made: rebinning, windows at each pixel's own angle."""

from __future__ import annotations

import numpy as np
import pytest
from compton_profiles_made import expected, uneven_edges

from consilience.errors import BadInputError
from consilience_compton.momentum.cells import Cells, cell_sums, pooled
from consilience_compton.momentum.collect import Settings, collect
from consilience_compton.momentum.kinematics import Geometry, momentum
from consilience_compton.momentum.rebin import fine_edges, rebin, to_momentum
from consilience_compton.momentum.windows import Windows, window_energies

EDGES = uneven_edges(70.0, 120.0, 0.05)


def counts_of(shape: tuple[int, ...] = (6,), mean: float = 40.0) -> np.ndarray:
    return np.random.default_rng(1).poisson(mean, (*shape, EDGES.size - 1))


def by_hand(row: np.ndarray, edges: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """Weight of each bin from its overlap, and what follows: the sum and Σ w² n."""
    overlap = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
    weight = np.clip(overlap / np.diff(edges), 0.0, 1.0)
    return float(weight @ row), float(weight**2 @ row)


def test_rebinning_conserves_counts():
    counts = counts_of()
    new = np.linspace(60.0, 130.0, 777)
    assert rebin(EDGES, counts, new).sum(-1) == pytest.approx(counts.sum(-1), rel=1e-12)
    p = momentum(EDGES, 115.0, np.array([[80.0], [90.0], [101.0]]))
    for row in p:
        fine = np.linspace(row[0] - 1.0, row[-1] + 1.0, 1234)
        assert rebin(row, counts[0], fine).sum() == pytest.approx(counts[0].sum(), rel=1e-9)
    part = rebin(EDGES, counts[0], np.array([80.013, 91.77]))
    assert part[0] == pytest.approx(by_hand(counts[0], EDGES, 80.013, 91.77)[0], rel=1e-12)


def test_pixels_on_one_axis_of_momentum_conserve_counts():
    counts = counts_of((20,))
    angles = np.linspace(80.0, 100.0, 20)
    fine = np.linspace(-60.0, 80.0, 3001)
    profile = to_momentum(counts, EDGES, 115.0, angles, fine)
    assert profile.counts.sum() == pytest.approx(counts.sum(), rel=1e-9)
    assert profile.pixels == 20


def test_each_pixel_is_converted_before_anything_is_summed():
    """Peaks of pixels at different angles fall on one another."""
    geometry = Geometry(115.0, 90.0, 50.0, 2500.0, 1, 9)
    counts = expected(geometry, EDGES)[0]
    fine = np.linspace(-8.0, 8.0, 321)
    right = to_momentum(counts, EDGES, 115.0, geometry.angles()[0], fine).density
    wrong = to_momentum(counts, EDGES, 115.0, np.full(9, 90.0), fine).density
    middle = to_momentum(counts[4:5], EDGES, 115.0, geometry.angles()[0, 4:5], fine).density
    assert right.max() == pytest.approx(9.0 * middle.max(), rel=2e-3)
    assert wrong.max() < 0.7 * right.max()


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.uint32, np.int64, np.float32, np.float64])
def test_windows_are_the_sums_by_hand(kind):
    counts = counts_of((4, 5)).astype(kind)
    angles = np.linspace(85.0, 95.0, 20).reshape(4, 5)
    ends = window_energies(Windows(), 115.0, angles)
    cells = cell_sums(counts, EDGES, ends)
    for i, j in ((0, 0), (3, 4), (2, 1)):
        for m in range(3):
            found = by_hand(counts[i, j].astype(float), EDGES, ends[i, j, m], ends[i, j, m + 1])
            assert cells.counts[i, j, m] == pytest.approx(found[0], rel=1e-12)
            assert cells.variance[i, j, m] == pytest.approx(found[1], rel=1e-10)
            assert cells.width[i, j, m] == pytest.approx(ends[i, j, m + 1] - ends[i, j, m])


def test_sums_that_a_narrow_type_cannot_hold_are_still_right():
    counts = np.full((2, 1000), 2**31, dtype=np.uint32)
    edges = np.linspace(0.0, 100.0, 1001)
    cells = cell_sums(counts, edges, np.array([10.0, 90.0]))
    assert cells.counts[:, 0] == pytest.approx(800.0 * 2**31, rel=1e-12)


@pytest.mark.parametrize("most", [3, 40, 4000, 65535])
def test_narrow_counts_never_overflow(most):
    """Few counts are added up in 16 bits piece by piece, many in wider numbers."""
    counts = np.random.default_rng(3).integers(0, most, (7, 8000), endpoint=True, dtype=np.uint16)
    counts[3] = most
    ends = np.array([[0.5, 9.25, 9.5, 700.0]]) + np.arange(7)[:, None]
    edges = np.linspace(0.0, 800.0, 8001)
    narrow = cell_sums(counts, edges, ends)
    wide = cell_sums(counts.astype(np.int64), edges, ends)
    assert narrow.counts == pytest.approx(wide.counts, rel=1e-12)
    assert narrow.variance == pytest.approx(wide.variance, rel=1e-12)


def test_covariance_of_neighbours_is_that_of_poisson():
    random = np.random.default_rng(2)
    edges = np.linspace(0.0, 10.0, 11)
    counts = random.poisson(50.0, (40_000, 10))
    cells = cell_sums(counts, edges, np.array([1.3, 4.6, 7.5, 9.1]))
    matrix = np.cov(cells.counts.T)
    assert cells.covariance().mean(0) == pytest.approx(matrix, abs=2.5)
    assert abs(matrix[0, 1]) > 5.0  # the bin from 4 to 5 is shared


def test_profile_holds_the_windows_exactly():
    geometry = Geometry(115.0, 90.0, 50.0, 1000.0, 3, 4)
    counts = counts_of((3, 4))
    settings = Settings()
    blocks = [(slice(0, 3), counts)]
    found = collect(blocks, EDGES, 115.0, geometry.angles(), settings)
    plain = collect(blocks, EDGES, 115.0, geometry.angles(), settings, profiles=False)
    edges = found.profiles[0].edges
    for m, (low, high) in enumerate(((-5.0, -1.0), (-1.0, 1.0), (1.0, 5.0))):
        inside = (edges[:-1] >= low - 1e-9) & (edges[1:] <= high + 1e-9)
        assert found.profiles[0].counts[inside].sum() == pytest.approx(
            plain.cells.counts[..., m].sum(), rel=1e-9
        )
    # what the slope takes off at the edges is not in the profile, and moves no error
    assert not np.array_equal(found.cells.counts, plain.cells.counts)
    assert np.array_equal(found.cells.variance, plain.cells.variance)


def test_blocks_give_the_same_as_the_whole_and_own_scales_count():
    geometry = Geometry(115.0, 90.0, 50.0, 1000.0, 4, 3)
    counts = counts_of((4, 3))
    angles = geometry.angles()
    whole = collect([(slice(0, 4), counts)], EDGES, 115.0, angles, Settings())
    blocks = [(slice(i, i + 1), counts[i : i + 1]) for i in range(4)]
    parts = collect(blocks, EDGES, 115.0, angles, Settings())
    assert parts.cells.counts == pytest.approx(whole.cells.counts)
    assert parts.profiles[0].counts == pytest.approx(whole.profiles[0].counts)
    # a scale that stretches the axis is the same as another axis
    scale = (np.full((4, 3), 1.01), np.full((4, 3), -0.3))
    own = collect([(slice(0, 4), counts)], EDGES, 115.0, angles, Settings(), scale=scale)
    moved = collect([(slice(0, 4), counts)], 1.01 * EDGES - 0.3, 115.0, angles, Settings())
    assert own.cells.counts == pytest.approx(moved.cells.counts, rel=1e-9)
    assert own.profiles[0].counts == pytest.approx(moved.profiles[0].counts, rel=1e-6, abs=1e-6)


def test_fine_edges_hold_those_of_the_windows():
    edges = fine_edges([-1.03, 0.4], -2.0, 2.0, 0.3)
    assert np.diff(edges).max() <= 0.3 + 1e-12
    assert {-1.03, 0.4} <= set(np.round(edges, 12))


def test_pooled_adds_up():
    cells = cell_sums(counts_of((5,)), EDGES, np.array([80.0, 90.0, 100.0]))
    both = pooled(cells, np.array([0, 1, 0, -1, 1]), 2)
    assert isinstance(both, Cells)
    assert both.counts[0] == pytest.approx(cells.counts[0] + cells.counts[2])
    assert both.variance[1] == pytest.approx(cells.variance[1] + cells.variance[4])


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ([60.0, 90.0], "windows reach from 60.00 to 90.00 keV, the energy axis only from 70.00"),
        ([90.0, 90.01], "a window is narrower than a bin of the energy axis"),
    ],
)
def test_windows_off_the_axis_or_too_narrow_are_refused(ends, said):
    with pytest.raises(BadInputError, match=said):
        cell_sums(counts_of(), EDGES, np.array(ends))


def test_rebin_refuses_edges_that_do_not_rise():
    with pytest.raises(BadInputError, match="the new edges do not rise"):
        rebin(EDGES, counts_of(), np.array([80.0, 79.0]))
    with pytest.raises(BadInputError, match="edges for 999 bins"):
        rebin(EDGES, np.ones(999), np.array([80.0, 81.0]))


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (((1.0, -1.0),), ((1.0, 5.0),), "has no width"),
        (((-1.0, 1.0),), ((0.5, 5.0),), "overlap"),
        ((), ((0.5, 5.0),), "needs a window of low"),
    ],
)
def test_impossible_windows_are_refused(low, high, said):
    with pytest.raises(BadInputError, match=said):
        Windows(low, high)
