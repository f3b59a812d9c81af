"""Grids against numpy and scipy; iso-surfaces and proxigrams against analytic shapes."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from consilience.errors import BadInputError
from consilience_apt.files.stream import IonSource, array_source
from consilience_apt.ions import Ion
from consilience_apt.ranges import Range, RangeTable
from consilience_apt.space.grid import Field, Grid, count_grid
from consilience_apt.space.isosurface import Side, area_errors, count_sides, isosurface
from consilience_apt.space.proxigram import distance_to_surface, proxigram
from consilience_apt.space.roi import Box

MASS = {"Li": 7.0, "Pt": 195.0, "LiO": 23.0}
TABLE = RangeTable([Range(m - 0.5, m + 0.5, Ion.parse(n)) for n, m in MASS.items()])
RADIUS = 8.0


def ball(n: int = 300_000, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A sphere of half lithium in a cube with a twentieth."""
    rng = np.random.default_rng(seed)
    positions = rng.uniform(-15, 15, (n, 3)).astype(np.float32)
    inside = np.linalg.norm(positions, axis=1) < RADIUS
    return positions, np.where(rng.random(n) < np.where(inside, 0.5, 0.05), 7.0, 195.0)


@pytest.fixture(scope="module")
def sphere() -> tuple[IonSource, Grid]:
    positions, mass = ball()
    source = array_source(*positions.T, mass)
    return source, count_grid(source, TABLE, ["Li"], sigma=1.0)


def analytic(inside: np.ndarray, low: float, step: float) -> Field:
    value = inside.astype(np.float32)
    n = value.ndim
    return Field(
        value, np.full_like(value, 0.01), np.full_like(value, 100.0), np.full(n, low),
        np.full(n, step), ("x", "y", "z"), 1.0, (1.0,) * n, "Li", "atomic",
    )  # fmt: skip


def middles(low: float, step: float, n: int) -> np.ndarray:
    return np.stack(np.meshgrid(*[low + step * (np.arange(n) + 0.5)] * 3, indexing="ij"))


def test_counts_and_fields_are_those_of_numpy_and_scipy() -> None:
    rng = np.random.default_rng(0)
    positions = rng.normal(0, 4, (30_000, 3)).astype(np.float32)
    mass = rng.choice([*MASS.values(), 50.0], 30_000)
    grid = count_grid(array_source(*positions.T, mass), TABLE, ["Li", "O"], voxel=1.0, sigma=1.2)
    edges = [
        low + length * np.arange(n + 1)
        for low, length, n in zip(grid.low, grid.voxel, grid.counts.shape, strict=False)
    ]
    plain = {m: np.histogramdd(positions[mass == m], edges)[0] for m in MASS.values()}
    lithium = plain[7.0] + plain[23.0]
    atoms = lithium + plain[195.0] + plain[23.0]
    np.testing.assert_array_equal(grid.sums(grid.weights("Li")[0]), lithium)
    assert grid.ions == 30_000
    field = grid.field("Li", 1.2, least=0.5)
    smooth = {
        "part": gaussian_filter(lithium, 1.2, mode="constant"),
        "whole": gaussian_filter(atoms, 1.2, mode="constant"),
    }
    known = np.isfinite(field.value)
    np.testing.assert_allclose(
        field.value[known], smooth["part"][known] / smooth["whole"][known], atol=1e-3
    )
    assert field.total.sum(dtype=float) == pytest.approx(atoms.sum(), rel=1e-6), "conserved"
    assert np.isnan(field.value[0, 0, 0])
    assert field.spread == pytest.approx((np.sqrt(1.2**2 + 1 / 12),) * 3)


def test_errors_of_a_field_are_those_of_repeated_counting() -> None:
    rng = np.random.default_rng(1)
    truth = np.full((9, 9, 9), 6.0)
    source = array_source([0], [0], [0], [7.0])
    made = count_grid(source, TABLE, ["Li"], sigma=1.0)
    groups = made.counts.shape[-1]
    member = {ion.formula: made.members[i + 1] for i, ion in enumerate(TABLE.ions)}
    values = []
    for _ in range(400):
        counts = np.zeros((9, 9, 9, groups), np.int32)
        for name in MASS:
            counts[..., member[name]] = rng.poisson(truth)
        drawn = replace(made, counts=counts, reach=1.0).field("Li", 1.0)
        values.append((drawn.value[4, 4, 4], drawn.std_stat[4, 4, 4]))
    values = np.array(values)
    assert values[:, 1].mean() == pytest.approx(values[:, 0].std(), rel=0.12)
    assert values[:, 0].mean() == pytest.approx(0.5, abs=0.01)


def test_maps_sum_over_the_third_axis() -> None:
    positions, mass = ball(20_000)
    source = array_source(*positions.T, mass)
    made = count_grid(source, TABLE, ["Li"], ("x", "z"), (0.5, 1.0), sigma=0.0)
    expected = np.histogram2d(
        positions[:, 0], positions[:, 2],
        [made.low[i] + made.voxel[i] * np.arange(made.counts.shape[i] + 1) for i in (0, 1)],
    )[0]  # fmt: skip
    np.testing.assert_array_equal(made.counts.sum(axis=-1), expected)
    field = made.field("Li", 0.0)
    assert field.centres("z")[0] == pytest.approx(made.low[1] + 0.5)
    with pytest.raises(BadInputError, match="a map over x, z has no surface"):
        isosurface(field, 0.3)


def test_limits_and_regions_leave_ions_out() -> None:
    positions, mass = ball(20_000)
    source = array_source(*positions.T, mass)
    part = count_grid(source, TABLE, ["Li"], limits=([-3, -3, -3], [3, 3, 2.999]), sigma=1.0)
    inside = (positions >= -3).all(1) & (positions <= [3, 3, 2.999]).all(1)
    assert part.ions == inside.sum()
    box = count_grid(source, TABLE, ["Li"], region=Box((0, 0, 0), (6, 6, 6)))
    assert box.ions == (np.abs(positions) < 3).all(1).sum()


@pytest.mark.parametrize("step", [0.5, 1.0])
def test_area_and_volume_of_an_analytic_sphere(step: float) -> None:
    x, y, z = middles(-12, step, int(24 / step)) - 0.13
    made = isosurface(analytic(RADIUS - np.sqrt(x**2 + y**2 + z**2) + 0.3, -12, step), 0.3)
    assert made.closed
    assert made.area == pytest.approx(4 * np.pi * RADIUS**2, rel=0.01)
    assert made.enclosed_volume == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.01)
    outward = made.triangles.mean(axis=1) - 0.13
    assert (np.einsum("ij,ij->i", outward, made.normals) > 0).all()
    assert len(made.piece_areas) == 1


def test_area_of_two_balls_and_of_an_open_cylinder() -> None:
    x, y, z = middles(-12, 0.5, 48)
    two = np.maximum(
        3 - np.sqrt((x - 6) ** 2 + y**2 + z**2), 4 - np.sqrt((x + 6) ** 2 + y**2 + z**2)
    )
    areas = isosurface(analytic(two + 0.5, -12, 0.5), 0.5).piece_areas
    assert areas == pytest.approx([4 * np.pi * 16, 4 * np.pi * 9], rel=0.02)
    tube = analytic(5 - np.sqrt(x**2 + y**2) + 0.5, -12, 0.5)
    value = tube.value.copy()
    value[:, :, :8] = np.nan  # the needle ends there
    made = isosurface(replace(tube, value=value), 0.5)
    assert not made.closed
    assert made.enclosed_volume is None
    assert made.area == pytest.approx(2 * np.pi * 5 * 19.5, rel=0.03)


def test_surface_of_counted_ions(sphere: tuple[IonSource, Grid]) -> None:
    source, grid = sphere
    made = area_errors(grid, isosurface(grid.field("Li", 1.0), 0.275), repeats=6)
    assert made.area_std_stat is not None
    assert made.area_std_sys is not None
    error = np.hypot(made.area_std_stat, made.area_std_sys)
    assert abs(made.area - 4 * np.pi * RADIUS**2) < 2 * error
    assert error < 0.08 * made.area
    inside, outside = count_sides(source, TABLE, made)
    assert inside.ions.sum() + outside.ions.sum() == source.ions
    positions, _ = ball()
    radius = np.linalg.norm(positions, axis=1)
    assert inside.ranged[0] == pytest.approx((radius < RADIUS).sum(), rel=0.07)
    assert inside.fraction("Li").value[0] == pytest.approx(0.5, abs=0.02)
    assert outside.fraction("Li").value[0] == pytest.approx(0.05, abs=0.006)
    np.testing.assert_array_equal(
        Side(made, "outside").contains(*positions.T), ~Side(made).contains(*positions.T)
    )


def test_a_surface_does_not_close_at_the_edge_of_the_needle() -> None:
    rng = np.random.default_rng(4)
    positions = rng.uniform(-8, 8, (200_000, 3)).astype(np.float32)
    mass = np.where(rng.random(200_000) < np.where(positions[:, 2] > 0, 0.9, 0.1), 7.0, 195.0)
    source = array_source(*positions.T, mass)
    made = isosurface(count_grid(source, TABLE, ["Li"]).field("Li", 1.0, least=5.0), 0.5)
    assert not made.closed
    assert made.area == pytest.approx(16 * 16, rel=0.15), "a plane, and no walls"
    inside = Side(made).contains(*positions.T)
    assert (inside == (positions[:, 2] > 0)).mean() > 0.98, "also next to the edge"


def test_proxigram_of_a_sphere(sphere: tuple[IonSource, Grid]) -> None:
    source, grid = sphere
    made = proxigram(source, TABLE, isosurface(grid.field("Li", 1.0), 0.275), 0.5, 4.0)
    assert made.distance_std < 0.05
    fraction = made.profile.fraction("Li")
    assert made.profile.edges[[0, -1]] == pytest.approx([-4, 4])
    assert fraction.value[:6] == pytest.approx(0.05, abs=0.01)
    assert fraction.value[-6:] == pytest.approx(0.5, abs=0.04)
    assert (np.abs(fraction.value[:6] - 0.05) < 4 * fraction.std_stat[:6]).all()
    positions, _ = ball()
    radius = np.linalg.norm(positions, axis=1)
    shell = np.histogram(radius, [5.0, 6.0, 7.0, 8.0, 9.0])[0]
    both = made.profile.counts.ranged.reshape(-1, 2).sum(axis=1)[::-1][1:5]
    assert both == pytest.approx(shell, rel=0.12)


def test_distances_to_triangles_are_those_of_a_sphere_and_of_points() -> None:
    x, y, z = middles(-12, 0.5, 48)
    made = isosurface(analytic(RADIUS - np.sqrt(x**2 + y**2 + z**2) + 0.3, -12, 0.5), 0.3)
    rng = np.random.default_rng(0)
    positions = rng.uniform(-10, 10, (500, 3))
    distance, _ = distance_to_surface(made, positions)
    expected = np.abs(np.linalg.norm(positions, axis=1) - RADIUS)
    far = np.linalg.norm(positions, axis=1) > 2
    assert distance[far] == pytest.approx(expected[far], abs=0.02)
    weight = rng.dirichlet([1, 1, 1], (200, 4000))
    for point in positions[:5]:  # a dense cloud on the triangles nearest to it
        middle = made.triangles.mean(axis=1)
        near = np.argsort(np.linalg.norm(middle - point, axis=1))[:200]
        cloud = np.einsum("tnk,tkd->tnd", weight, made.triangles[near]).reshape(-1, 3)
        brute = np.linalg.norm(cloud - point, axis=1).min()
        assert distance_to_surface(made, point[None])[0][0] == pytest.approx(brute, abs=5e-3)


def test_bad_input_says_what_to_do(sphere: tuple[IonSource, Grid]) -> None:
    source, grid = sphere
    with pytest.raises(BadInputError, match=r"Li never reaches 95 %: it goes from .* to .* %") as e:
        isosurface(grid.field("Li", 1.0), 0.95)
    assert e.value.fix == "choose a level between these"
    with pytest.raises(BadInputError, match="no voxel holds enough ions"):
        isosurface(grid.field("Li", 1.0, least=1e6), 0.3)
    with pytest.raises(BadInputError, match="'Cr' is in no range"):
        count_grid(source, TABLE, ["Cr"])
    with pytest.raises(BadInputError, match="counted for Li, not for Pt"):
        grid.field("Pt")
    with pytest.raises(BadInputError, match=r"would take .* GB"):
        count_grid(source, TABLE, ["Li"], voxel=0.02)
    with pytest.raises(BadInputError, match="room for a delocalisation of 1 nm, 3 nm would lose"):
        grid.field("Li", 3.0)
    with pytest.raises(BadInputError, match="voxels of"):
        count_grid(source, TABLE, ["Li"], voxel=-1.0)
    with pytest.raises(BadInputError, match="bins of 0 nm"):
        proxigram(source, TABLE, isosurface(grid.field("Li"), 0.3), 0.0)
    far = Box((13, 13, 13), (1, 1, 1))
    with pytest.raises(BadInputError, match=r"no ion within 0\.5 nm of the surface"):
        proxigram(source, TABLE, isosurface(grid.field("Li"), 0.3), 0.5, 0.5, far)
    with pytest.raises(BadInputError, match="holds none"):
        count_grid(source, TABLE, ["Li"], region=Box((99, 0, 0), (1, 1, 1)))


def test_memory_of_a_grid_does_not_grow_with_the_ions() -> None:
    peaks = []
    for n in (200_000, 1_600_000):
        positions, mass = ball(n)
        source = array_source(*positions.T, mass)
        count_grid(source, TABLE, ["Li"])
        tracemalloc.start()
        count_grid(source, TABLE, ["Li"])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
