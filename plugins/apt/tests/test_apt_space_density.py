"""A species on interfaces: planes, facets of a cube, maps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from consilience.errors import BadInputError
from consilience_apt.files.stream import IonSource, array_source
from consilience_apt.ions import Ion
from consilience_apt.ranges import Range, RangeTable
from consilience_apt.space.density import fit_plane, plane_density
from consilience_apt.space.facets import facet_density, facets
from consilience_apt.space.grid import count_grid
from consilience_apt.space.isosurface import Isosurface, isosurface
from consilience_apt.space.roi import Sphere

TABLE = RangeTable(
    [
        Range(27.5, 28.5, Ion.parse("Si")),
        Range(51.5, 52.5, Ion.parse("Cr")),
        Range(30.5, 31.5, Ion.parse("P")),
    ]
)
HALF = 7.0
ON_TOP = 4.0
BULK = 0.01


def crystal(seed: int, on_top: float = ON_TOP) -> tuple[IonSource, Isosurface]:
    """A cube of silicon in chromium, with phosphorus on its upper face, 4 in a nm²."""
    rng = np.random.default_rng(seed)
    at = rng.uniform(-12, 12, (400_000, 3))
    mass = np.where((np.abs(at) < HALF).all(axis=1), 28.0, 52.0)
    mass[rng.random(len(at)) < BULK] = 31.0
    n = rng.poisson(on_top * (2 * HALF) ** 2)
    more = np.column_stack([rng.uniform(-HALF, HALF, (n, 2)), rng.normal(HALF, 0.3, n)])
    at, mass = np.concatenate([at, more]), np.append(mass, np.full(n, 31.0))
    source = array_source(*at.T, mass)
    made = count_grid(source, TABLE, ["Si"], sigma=0.7)
    return source, isosurface(made.field("Si", 0.7, least=3.0), 0.5)


@pytest.fixture(scope="module")
def cube() -> tuple[IonSource, Isosurface]:
    return crystal(0)


def test_a_cube_has_six_facets(cube: tuple[IonSource, Isosurface]) -> None:
    _, surface = cube
    found, label = facets(surface, tolerance=20.0, least_area=40.0)
    assert len(found) == 6
    normals = np.array([one.normal for one in found])
    assert np.sort(np.abs(normals), axis=1)[:, 2] == pytest.approx(1.0, abs=0.01)
    assert np.abs(normals.sum(axis=0)).max() < 0.1
    for number, one in enumerate(found):
        assert 100 < one.area < (2 * HALF) ** 2
        np.testing.assert_array_equal(label == number, one.faces)
    assert (label == -1).any(), "edges belong to none"


def test_phosphorus_is_on_one_facet(cube: tuple[IonSource, Isosurface]) -> None:
    source, surface = cube
    found, label = facets(surface, least_area=40.0)
    made = facet_density(source, TABLE, surface, label, "P", 1.5, 2.0)
    assert [one.facet for one in made] == [-1, 0, 1, 2, 3, 4, 5]
    top = int(np.argmax([one.normal[2] for one in found]))
    for one in made[1:]:
        truth = ON_TOP if one.facet == top else 0.0
        assert one.std_stat > 0
        assert one.std_sys is None
        assert one.density == pytest.approx(truth, abs=4 * one.std_stat + 0.05 * truth)
    full = facet_density(source, TABLE, surface, label, "P", 1.5, 2.0, 0.05, 0.5, 0.1)
    assert full[top + 1].density == pytest.approx(2 * made[top + 1].density)
    assert full[top + 1].std_sys == pytest.approx(full[top + 1].density * math.hypot(0.05, 0.1))


def test_a_plane_through_a_facet_and_the_density_on_it(
    cube: tuple[IonSource, Isosurface],
) -> None:
    source, surface = cube
    found, _ = facets(surface, least_area=40.0)
    top = max(found, key=lambda one: one.normal[2])
    plane = fit_plane(surface, top.faces)
    assert plane.normal[2] == pytest.approx(1.0, abs=1e-3)
    assert plane.point[2] == pytest.approx(HALF, abs=0.2)
    assert plane.roughness < 0.3
    assert 0 < plane.offset_std < 0.1
    assert plane.tilt_std < 0.02
    made = plane_density(source, TABLE, plane, "P", 1.5, 2.0, 1.0, 1.0, half_size=11.0)
    assert made.density.shape == (22, 22)
    u = (made.edges_u[1:] + made.edges_u[:-1]) / 2
    x = np.array(made.axis_u) @ [1, 0, 0] * u[:, None] + np.array(made.axis_v) @ [1, 0, 0] * u
    y = np.array(made.axis_u) @ [0, 1, 0] * u[:, None] + np.array(made.axis_v) @ [0, 1, 0] * u
    inner = (np.abs(x) < 4) & (np.abs(y) < 4)
    outer = (np.maximum(np.abs(x), np.abs(y)) > 10) & np.isfinite(made.density)
    assert made.density[inner].mean() == pytest.approx(ON_TOP, abs=0.4)
    assert made.density[outer].mean() == pytest.approx(0.0, abs=0.3)
    pulls = (made.density[inner] - ON_TOP) / made.std_stat[inner]
    assert np.std(pulls) == pytest.approx(1.0, abs=0.5), "few independent pixels"
    assert not made.corrected
    half = plane_density(source, TABLE, plane, "P", 1.5, 2.0, 1.0, 1.0, 11.0, efficiency=0.5)
    assert half.corrected
    np.testing.assert_allclose(half.density, 2 * made.density)


def test_errors_of_a_map_are_those_of_repeated_counting() -> None:
    _, surface = crystal(1, 0.0)
    found, _ = facets(surface, least_area=40.0)
    plane = fit_plane(surface, max(found, key=lambda one: one.normal[2]).faces)
    rng = np.random.default_rng(2)
    values, errors = [], []
    for _ in range(60):
        n = rng.poisson(0.6 * 12**3)
        at = rng.uniform(-6, 6, (n, 3)) + plane.point
        made = plane_density(
            array_source(*at.T, np.full(n, 31.0)), TABLE, plane, "P", 1.0, 2.0, 1.0, 1.0, 6.0,
            least=0.0,
        )  # fmt: skip
        values.append(made.density[5, 5])
        errors.append(made.std_stat[5, 5])
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.3)
    assert np.mean(values) == pytest.approx(0, abs=4 * np.std(values) / math.sqrt(60))


def test_bad_input(cube: tuple[IonSource, Isosurface]) -> None:
    source, surface = cube
    plane = fit_plane(surface)
    with pytest.raises(BadInputError, match="a plane through 0 triangles"):
        fit_plane(surface, np.zeros(len(surface.faces), bool))
    with pytest.raises(BadInputError, match="'B' is in no range"):
        plane_density(source, TABLE, plane, "B")
    with pytest.raises(BadInputError, match=r"no ranged ion within 3 nm of the plane"):
        plane_density(source, TABLE, plane, "P", region=Sphere((400, 0, 0), 1.0))
    with pytest.raises(BadInputError, match="a detection efficiency of 40"):
        plane_density(source, TABLE, plane, "P", efficiency=40)
