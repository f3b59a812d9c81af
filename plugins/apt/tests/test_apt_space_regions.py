"""Regions of interest: analytic volumes, boundaries, and sub-volumes as sources."""

from __future__ import annotations

import numpy as np
import pytest

from consilience.errors import BadInputError
from consilience_apt.files.stream import array_source
from consilience_apt.ions import Ion
from consilience_apt.ranges import Range, RangeTable
from consilience_apt.space.profile import profile
from consilience_apt.space.regions import count_regions, isolate
from consilience_apt.space.roi import Both, Box, Cylinder, Not, Region, Slab, Sphere, frame_of

TABLE = RangeTable([Range(6.5, 7.5, Ion.parse("Li")), Range(194, 196, Ion.parse("Pt"))])
SIDE = 20.0


def cube(n: int = 200_000) -> np.ndarray:
    return np.random.default_rng(1).uniform(-SIDE / 2, SIDE / 2, (3, n)).astype(np.float32)


@pytest.mark.parametrize(
    "region",
    [
        Box((1, 0, -1), (4, 8, 6)),
        Box((0, 0, 0), (5, 6, 7), (1.0, 1.0, 0.3)),
        Cylinder((0, 1, 0), 4.0, 9.0, (0.2, 1.0, -0.5)),
        Cylinder((0, 1, 0), 4.0, 9.0, "x"),
        Sphere((1, -1, 2), 6.0),
    ],
)
def test_share_of_ions_is_share_of_volume(region: Region) -> None:
    inside = region.contains(*cube())
    assert region.volume is not None
    expected = region.volume / SIDE**3
    std = np.sqrt(expected * (1 - expected) / inside.size)
    assert inside.mean() == pytest.approx(expected, abs=4 * std)
    assert region.to_json()["unit"] == "nm"


def test_boxes_side_by_side_share_no_ion() -> None:
    at = np.arange(-4, 4, 0.5, dtype=np.float32)
    zero = np.zeros_like(at)
    left = Box.between((-4, -1, -1), (0, 1, 1)).contains(at, zero, zero)
    right = Box.between((0, -1, -1), (4, 1, 1)).contains(at, zero, zero)
    assert (left ^ right).all()
    np.testing.assert_array_equal(Slab(0, 4, "x").contains(at, zero, zero), right)


def test_frames_are_right_handed() -> None:
    np.testing.assert_allclose(frame_of("z"), np.eye(3))
    for direction in ("x", "y", (0.3, -0.2, 0.9), (-1.0, 0.0, 0.0)):
        frame = frame_of(direction)
        np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(frame) == pytest.approx(1.0)


def test_combinations() -> None:
    ball, upper = Sphere((0, 0, 0), 5.0), Slab(0.0, 100.0)
    x, y, z = cube(5000)
    both = Both((ball, upper)).contains(x, y, z)
    expected = ((x**2 + y**2 + z**2) < 25) & (z >= 0)
    np.testing.assert_array_equal(both, expected)
    np.testing.assert_array_equal(Not(ball).contains(x, y, z), ~ball.contains(x, y, z))
    assert Both((ball, upper)).volume is None
    assert Not(ball).to_json() == {"shape": "not", "region": ball.to_json()}


def test_regions_are_counted_together_and_isolated() -> None:
    positions = cube()
    mass = np.where(np.random.default_rng(2).random(positions.shape[1]) < 0.4, 7.0, 195.0)
    source = array_source(*positions, mass)
    ball = Sphere((0, 0, 0), 5.0)
    found = count_regions(source, TABLE, {"ball": ball, "all": None})
    inside = ball.contains(*positions)
    assert found["ball"].ions.tolist() == [[0, *np.bincount(mass[inside] > 100)]]
    assert found["all"].ions.sum() == mass.size
    part = isolate(source, ball)
    assert part.ions == inside.sum()
    blocks = [
        (first, block["mass_to_charge"].copy(), block["z"].copy())
        for first, block in part.blocks(["mass_to_charge", "z"], size=1000)
    ]
    np.testing.assert_array_equal(np.concatenate([m for _, m, _ in blocks]), mass[inside])
    assert [first for first, _, _ in blocks][:1] == [0]
    starts = np.cumsum([0] + [len(m) for _, m, _ in blocks])[:-1]
    assert [first for first, _, _ in blocks] == starts.tolist()
    some = np.concatenate([b["z"].copy() for _, b in part.blocks(["z"], 100, 1234, size=777)])
    np.testing.assert_array_equal(some, positions[2][inside][100:1234])
    whole = profile(part, TABLE, "z", 1.0).counts.ions
    np.testing.assert_array_equal(whole, profile(source, TABLE, "z", 1.0, ball).counts.ions)


def test_bad_regions() -> None:
    source = array_source(*cube(100), np.full(100, 7.0))
    far = Sphere((99, 0, 0), 1.0)
    with pytest.raises(BadInputError, match="the region 'far' holds none of the 100 ions"):
        count_regions(source, TABLE, {"far": far})
    with pytest.raises(BadInputError, match="holds none of the 100 ions") as error:
        isolate(source, far)
    assert "extent of the needle" in error.value.fix
    with pytest.raises(BadInputError, match="a radius of -1 nm"):
        Sphere((0, 0, 0), -1.0)
    with pytest.raises(BadInputError, match="not three finite numbers"):
        Sphere((0, 0, float("nan")), 1.0)
    with pytest.raises(BadInputError, match="a box side of 0 nm"):
        Box((0, 0, 0), (1, 0, 1))
    with pytest.raises(BadInputError, match="a slab thickness of -2 nm"):
        Slab(2, 0)
