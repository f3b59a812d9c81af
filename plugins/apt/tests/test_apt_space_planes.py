"""Planes of a synthetic crystal, errors of the reconstruction, and its density."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from consilience.errors import BadInputError
from consilience_apt.files.stream import array_source
from consilience_apt.ions import Ion
from consilience_apt.ranges import Range, RangeTable
from consilience_apt.space.grid import count_grid
from consilience_apt.space.planes import distribution_map, find_spacing, gather, search_direction
from consilience_apt.space.reconstruction import (
    ReconstructionErrors,
    check_density,
    check_spacing,
    filled_volume,
    scale_errors,
)
from consilience_apt.space.roi import Sphere

TABLE = RangeTable([Range(26.5, 27.5, Ion.parse("Al")), Range(6.5, 7.5, Ion.parse("Li"))])
CELL = 0.405


def aluminium(
    seed: int, cells: int = 15, detected: float = 0.4, depth: float = 0.03, lateral: float = 0.2
) -> np.ndarray:
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), -1).reshape(-1, 3)
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    atoms = (grid[:, None] + basis).reshape(-1, 3) * CELL
    atoms = atoms[rng.random(len(atoms)) < detected]
    return atoms + rng.normal(0, 1, atoms.shape) * [lateral, lateral, depth]


def test_planes_of_a_crystal_of_which_two_fifths_were_detected() -> None:
    found, made = find_spacing(aluminium(0), "z")
    assert found.found
    assert found.p_value == pytest.approx(0.05)
    assert found.spacing == pytest.approx(CELL / 2, rel=0.003)
    assert found.std_stat is not None
    assert found.std_stat < 0.001
    assert made.counts.sum() == made.by_part.sum()
    np.testing.assert_array_equal(made.counts, made.counts[::-1])


def test_pairs_are_those_of_trying_all() -> None:
    rng = np.random.default_rng(1)
    at = rng.uniform(0, 2, (300, 3))
    made = distribution_map(at, "z", lateral=0.4, depth=0.8, width=0.1)
    move = at[None] - at[:, None]
    near = (np.hypot(move[..., 0], move[..., 1]) <= 0.4) & ~np.eye(300, dtype=bool)
    expected, _ = np.histogram(move[near][:, 2], made.edges)
    np.testing.assert_array_equal(made.counts, expected)


def test_spacing_has_an_error_that_covers_it() -> None:
    off, error = [], []
    for seed in range(8):
        found, _ = find_spacing(aluminium(seed, 12, depth=0.05), "z", trials=19)
        if found.found:
            off.append(found.spacing - CELL / 2)
            error.append(math.hypot(found.std_stat, found.std_sys))
    assert len(off) >= 7
    assert np.std(off) < 3 * np.mean(error)
    assert abs(np.mean(off)) < 3 * np.mean(error)


def test_no_planes_in_a_random_solid() -> None:
    rng = np.random.default_rng(2)
    wrong = 0
    for _ in range(8):
        found, _ = find_spacing(rng.uniform(0, 5, (2000, 3)), "z")
        wrong += found.found
        assert (found.spacing is None) == (not found.found)
    assert wrong <= 2


def test_the_direction_of_planes_is_found() -> None:
    tilt = math.radians(4)
    turn = np.array(
        [[math.cos(tilt), 0, math.sin(tilt)], [0, 1, 0], [-math.sin(tilt), 0, math.cos(tilt)]]
    )
    at = aluminium(3, 11) @ turn.T
    direction, strength = search_direction(at, "z", 8.0, 4)
    assert strength > 0.3
    angle = math.degrees(math.acos(np.dot(direction, turn @ [0, 0, 1])))
    assert angle < 1.1


def test_gathering_is_bounded() -> None:
    at = aluminium(4, 10)
    mass = np.where(np.arange(len(at)) % 10 == 0, 7.0, 27.0)
    source = array_source(*at.T, mass)
    ball = Sphere((2, 2, 2), 1.5)
    every = gather(source, ball)
    assert len(every) == (np.linalg.norm(at - 2, axis=1) < 1.5).sum()
    assert 0 < len(gather(source, Sphere((2, 2, 2), 2.0), TABLE, "Li")) < len(at) / 9
    with pytest.raises(BadInputError, match="more than 100 ions in the region"):
        gather(source, ball, most=100)
    with pytest.raises(BadInputError, match="0 ions in the region show no planes"):
        gather(source, Sphere((50, 2, 2), 1.5))


def bas(kf: float, icf: float, eta: float, field: float) -> tuple[float, float]:
    """Depth of an ion and width of the needle by the protocol, in arbitrary units."""
    voltage, flight, detector, volume = 5.0, 90.0, 40.0, 0.02
    radius = voltage / (kf * field)
    magnification = flight / (icf * radius)
    area = detector / magnification**2
    return volume / (eta * area), detector**0.5 / magnification


def test_lengths_move_as_the_protocol_says() -> None:
    rng = np.random.default_rng(5)
    errors = ReconstructionErrors(0.04, 0.03, 0.05, 0.02)
    made = scale_errors(errors)
    centre = np.array([3.3, 1.65, 0.52, 33.0])
    relative = np.array([0.04, 0.03, 0.05, 0.02])
    drawn = np.array(
        [bas(*(centre * (1 + relative * one))) for one in rng.normal(0, 1, (20_000, 4))]
    ) / bas(*centre)  # fmt: skip
    assert made.depth == pytest.approx(drawn[:, 0].std(), rel=0.03)
    assert made.lateral == pytest.approx(drawn[:, 1].std(), rel=0.03)
    assert made.volume == pytest.approx((drawn[:, 0] * drawn[:, 1] ** 2).std(), rel=0.03)
    assert made.depth_lateral == pytest.approx(np.corrcoef(drawn.T)[0, 1], abs=0.03)


def test_an_unknown_parameter_leaves_the_scale_unknown() -> None:
    made = scale_errors(ReconstructionErrors(field_factor=0.05, image_compression=0.03))
    assert made.depth is None
    assert made.lateral is None
    assert made.volume is None
    assert made.unknown == ("efficiency", "evaporation_field")
    assert made.depth_at_least == pytest.approx(math.hypot(0.10, 0.06))
    nothing = scale_errors(ReconstructionErrors())
    assert nothing.depth is None
    assert len(nothing.unknown) == 4
    wide = ReconstructionErrors(0.05, 0.03, None, 0.02)
    assert scale_errors(wide).lateral is not None, "the efficiency does not enter widths"
    with pytest.raises(BadInputError, match="a relative error of 0 for the field factor"):
        ReconstructionErrors(field_factor=0.0)


def test_density_against_solid_and_detector() -> None:
    made = check_density(31_300, 1000.0, 20.0, 60.2, 0.01, 0.52, 0.05)
    assert made.density == pytest.approx(31.3)
    assert made.std_stat == pytest.approx(math.sqrt(31_300) / 1000)
    assert made.expected == pytest.approx(31.304)
    assert made.ratio == pytest.approx(1.0, abs=1e-3)
    assert made.ratio_std == pytest.approx(math.hypot(0.02, 0.01, 0.05, 0.00565), rel=0.01)
    assert made.plausible is True
    assert made.implied_efficiency == pytest.approx(0.52, abs=1e-3)
    assert "neither field factor nor image compression" in made.note
    assert check_density(60_000, 1000.0, 20.0, 60.2, 0.01, 0.52, 0.05).plausible is False
    assert check_density(31_300, 1000.0).expected is None
    assert check_density(31_300, 1000.0, solid_density=60.2, efficiency=0.52).plausible is None
    dense = check_density(80_000, 1000.0, solid_density=60.2)
    assert dense.plausible is False
    assert "more atoms than the solid holds" in dense.note
    with pytest.raises(BadInputError, match="0 atoms in 10 nm³ have no density"):
        check_density(0, 10.0)


@pytest.mark.parametrize("density", [8, 40])
def test_volume_of_a_ball_of_ions(density: int) -> None:
    rng = np.random.default_rng(6)
    at = rng.uniform(-11, 11, (int(density * 22**3), 3))
    at = at[np.linalg.norm(at, axis=1) < 10] + 0.37
    grid = count_grid(array_source(*at.T, np.full(len(at), 7.0)), TABLE, ["Li"], sigma=0.0)
    volume, std = filled_volume(grid)
    truth = 4 / 3 * math.pi * 1000
    assert volume == pytest.approx(truth, rel=0.03)
    assert abs(volume - truth) < 3 * std
    assert std < 0.1 * truth
    thin = replace(grid, counts=np.minimum(grid.counts, 2))
    with pytest.raises(BadInputError, match="voxels hold 2 ions"):
        filled_volume(thin)


def test_a_known_spacing_checks_the_depth_scale() -> None:
    at = aluminium(7, 12) * [1, 1, 1.1]  # depths a tenth too large
    found, _ = find_spacing(at, "z")
    scale = scale_errors(ReconstructionErrors(0.03, 0.02, 0.04, 0.01))
    made = check_spacing(found, CELL / 2, 0.0001, scale)
    assert made.factor == pytest.approx(1 / 1.1, rel=0.01)
    assert made.field_factor_factor == pytest.approx(1.1**-0.5, rel=0.01)
    assert made.deviation is not None
    assert made.deviation < -0.5
    assert check_spacing(found, CELL / 2, 0.0001).deviation is None
    none, _ = find_spacing(np.random.default_rng(8).uniform(0, 4, (1500, 3)), "z", level=0.0)
    with pytest.raises(BadInputError, match="no planes were found"):
        check_spacing(none, CELL / 2, 0.0001)
