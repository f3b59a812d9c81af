"""From volumes to surfaces: heights, what is masked, parts, and the errors that are told."""

from __future__ import annotations

import math

import numpy as np
import pytest

from consilience_compton.simulation.rough import (
    filled_volume,
    imaged,
    rough_heights,
    with_pores_and_fragments,
)
from consilience_compton.surface.correlation import autocorrelation, share_of_mean_line
from consilience_compton.surface.heights import edge_width, from_grey, from_labels, otsu
from consilience_compton.surface.measure import (
    QUANTITIES,
    NoSurfaceError,
    Settings,
    measure_surface,
)
from consilience_compton.surface.parts import density_map, facing, parts_of, pores_by_depth
from consilience_compton.surface.roughness import profiles

VOXEL = (3.25, 3.25, 3.25)


def ground(depth: int = 12, rows: int = 9, columns: int = 10, top: int = 6) -> np.ndarray:
    solid = np.zeros((depth, rows, columns), bool)
    solid[:top] = True
    return solid


def test_heights_of_labels_and_what_has_none() -> None:
    solid = ground()
    solid[:, 0, 0] = False  # a hole through everything
    solid[:, 1, 1] = True  # solid up to the end
    solid[3:5, 2, 2] = False  # solid above a void
    found = from_labels(solid, 0, "high", (2.0, 3.0, 4.0), "um")
    assert found.step == (3.0, 4.0)
    assert found.heights[5, 5] == 12.0
    assert np.argwhere(found.holes).tolist() == [[0, 0]]
    assert np.argwhere(found.buried).tolist() == [[1, 1]]
    assert np.argwhere(found.overhangs).tolist() == [[2, 2]]
    assert np.argwhere(found.missing).tolist() == [[0, 0], [1, 1]]
    upside = from_labels(solid[::-1], 0, "low", (2.0, 3.0, 4.0), "um")
    np.testing.assert_array_equal(upside.heights, found.heights)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_axis_across_the_interface_is_found(axis: int) -> None:
    solid = np.moveaxis(ground(), 0, axis)
    for volume, side in ((solid, "high"), (np.flip(solid, axis), "low")):
        found = facing(volume, None, None)
        assert (found.axis, found.side, found.crosses) == (axis, side, True)
    assert not facing(np.ones((5, 5, 5), bool), None, None).crosses


def test_grey_values_tell_heights_between_voxels() -> None:
    y, x = np.mgrid[:40, :50]
    heights = (20.3 + 0.07 * x - 0.03 * y) * 2.0
    grey = imaged(filled_volume(heights, 40, 2.0), 100.0, 900.0, 1.2, 0.0, np.random.default_rng(1))
    found = from_grey(grey, 0, "high", (2.0, 2.0, 2.0), "um", 500.0)
    inner = slice(5, -5)
    error = (found.heights - heights)[inner, inner]
    assert np.abs(error).max() < 0.1, "a twentieth of a voxel"
    dark = from_grey(1000.0 - grey, 0, "high", (2.0, 2.0, 2.0), "um", 500.0, bright=False)
    np.testing.assert_allclose(dark.heights, found.heights, atol=1e-9)
    assert edge_width(grey, 0, "high", found.heights, 2.0, 800.0) == pytest.approx(2.4, rel=0.1)


def test_threshold_lies_between_the_grey_values() -> None:
    chance = np.random.default_rng(2)
    grey = imaged(filled_volume(np.full((40, 40), 30.0), 60, 1.0), 10.0, 110.0, 0.0, 5.0, chance)
    assert 30.0 < otsu(grey) < 90.0


def test_body_outside_pores_and_fragments() -> None:
    solid = ground(16, 14, 14, 8)
    solid[2:4, 2:4, 2:4] = False  # a pore
    solid[12:14, 9:11, 9:11] = True  # a fragment
    solid[8, 5, 5] = True
    solid[9, 6, 6] = True  # hangs on by an edge's corner alone
    found = parts_of(solid, 0, "high", 6)
    assert found.pores == [8]
    assert found.fragments == [8, 1]
    assert parts_of(solid, 0, "high", 26).fragments == [8]
    clean = parts_of(solid, 0, "high", 6, least=4)
    assert (clean.fragments, clean.specks) == ([8], (1, 0))
    assert clean.outside[9, 6, 6]
    assert not found.outside[2:4, 2:4, 2:4].any()
    assert int((~solid & ~found.outside).sum()) == 8


def test_pores_are_counted_by_their_depth() -> None:
    solid = ground(16, 14, 14, 8)
    solid[4:6, 2:5, 2:5] = False  # 2 to 3 voxels under the surface
    parts = parts_of(solid, 0, "high")
    heights = from_labels(parts.attached, 0, "high", (1.0, 1.0, 1.0), "um").heights
    pores, whole = pores_by_depth(solid, parts.outside, 0, "high", heights, 1.0, 6)
    assert pores.sum(axis=(1, 2)).tolist() == [0, 0, 9, 9, 0, 0]
    assert whole.sum() == 6 * 14 * 14


def test_density_of_the_layer() -> None:
    solid = ground(12, 4, 5, 6)
    density = density_map(solid, 0, "high", np.full((4, 5), 6.0), 1.0, -1.5, 1.5)
    np.testing.assert_allclose(density, 0.5, atol=1e-6)
    half = density_map(solid, 0, "high", np.full((4, 5), 6.25), 1.0, -1.0, 1.0)
    np.testing.assert_allclose(half, 0.375, atol=1e-6)
    assert np.isnan(density_map(solid, 0, "high", np.full((4, 5), 6.0), 1.0, -7.0, 1.5)).all()


def surface(kind: str, seed: int, s_a: float = 6.0, **settings: object):  # type: ignore[no-untyped-def]
    rough = rough_heights((150, 160), 3.25, s_a, 16.0, seed)
    y, x = np.mgrid[:150, :160] * 3.25
    heights = rough + 0.03 * x + 1e-4 * (y - 200.0) ** 2
    heights += 65.0 - heights.mean()
    full = filled_volume(heights, 42, 3.25)
    chance = np.random.default_rng((seed, 1))
    volume = full > 0.5 if kind == "labels" else imaged(full, 400.0, 1400.0, 0.4, 60.0, chance)
    return rough, measure_surface(
        volume.astype(np.uint8) if kind == "labels" else volume,
        kind == "labels",
        None,
        VOXEL,
        "um",
        Settings(**settings),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("kind", ["labels", "grey"])
def test_known_roughness_comes_back_with_tilt_and_curvature_off(kind: str) -> None:
    for seed in range(3):
        rough, found = surface(kind, seed)
        own = float(np.mean(np.abs(rough - rough.mean())))
        error = math.sqrt(sum(p[0] ** 2 for p in found.systematic.values() if p is not None))
        assert abs(found.values[0] - own) < 2.0 * error, "this surface"
        std = found.spread.std()
        assert std is not None
        assert abs(found.values[0] - 6.0) < 3.0 * math.hypot(std, error), "all such surfaces"
        assert found.forms["mean"] > found.forms["plane"] > found.forms["second"]
        assert len(found.values) == len(QUANTITIES)


def test_short_profiles_lack_what_the_part_of_the_mean_line_says() -> None:
    """R_a of profiles about their own mean lines, against the expected height of endless ones."""
    lost, stated = [], []
    for seed in range(6):
        rough = rough_heights((96, 400), 1.0, 1.0, 9.0, 100 + seed)
        correlation = autocorrelation(rough - rough.mean(), (1.0, 1.0))
        lost.append(1.0 - profiles(rough, 0).r_a)
        stated.append(1.0 - (1.0 - share_of_mean_line(correlation.rows, 96)) ** 0.5)
    assert np.mean(lost) == pytest.approx(np.mean(stated), rel=0.35)
    assert np.mean(stated) > 0.04
    _, found = surface("labels", 0)
    part = found.systematic["mean line"]
    assert part is not None
    assert part[:2] == (0.0, 0.0), "areal quantities have none"
    assert min(part[2:]) > 0.005 * found.values[2]


def test_results_of_one_surface_are_correlated() -> None:
    _, found = surface("labels", 1)
    matrix = found.spread.covariance
    assert matrix is not None
    assert np.linalg.eigvalsh(matrix).min() > -1e-12 * matrix.max()
    correlation = matrix / np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))
    assert correlation[0, 1] > 0.9, "S_a and S_q are nearly the same statement"


def test_blur_is_carried_where_it_is_known() -> None:
    _, plain = surface("labels", 2)
    _, known = surface("labels", 2, resolution=7.0)
    assert plain.systematic["blur"] is None
    assert known.systematic["blur"] is not None
    assert known.systematic["blur"][0] > 0.2


def test_fragments_and_pores_do_not_change_the_surface() -> None:
    rough = rough_heights((100, 110), 3.25, 5.0, 14.0, 4)
    heights = rough + 75.0
    full = filled_volume(heights, 46, 3.25)
    more, pores, fragments = with_pores_and_fragments(
        full, heights, 3.25, 6, 5, 2.5, np.random.default_rng(1)
    )
    assert pores > 0
    assert fragments > 0
    plain, other = (
        measure_surface((v > 0.5).astype(np.uint8), True, None, VOXEL, "um", Settings())
        for v in (full, more)
    )
    np.testing.assert_array_equal(plain.heights.heights, other.heights.heights)
    assert sum(other.parts.pores) == int(
        (np.abs(more - full) > 0.5).sum() - sum(other.parts.fragments)
    )
    assert len(other.parts.fragments) > 0


@pytest.mark.parametrize(
    ("volume", "settings", "match"),
    [
        (np.ones((20, 30, 30), np.uint8), Settings(), "no interface crosses the volume"),
        (np.zeros((20, 30, 30), np.uint8), Settings(), "no interface crosses the volume"),
        (ground(20, 30, 30, 9).astype(np.uint8), Settings(form="mean"), "all alike"),
        (
            np.ones((20, 30, 30), np.uint8),
            Settings(axis=0, side="high"),
            "0% of the columns have an interface; 900 are solid up to the end",
        ),
    ],
)
def test_where_there_is_no_surface_the_reason_is_told(
    volume: np.ndarray, settings: Settings, match: str
) -> None:
    with pytest.raises(NoSurfaceError, match=match):
        measure_surface(volume, True, None, VOXEL, "um", settings)


def test_a_threshold_beyond_all_values_is_refused() -> None:
    grey = imaged(
        filled_volume(np.full((20, 20), 10.0), 20, 1.0),
        0.0,
        1.0,
        0.0,
        0.01,
        np.random.default_rng(1),
    )
    with pytest.raises(NoSurfaceError, match="one side of the threshold 7"):
        measure_surface(grey, False, None, VOXEL, "um", Settings(threshold=7.0))
