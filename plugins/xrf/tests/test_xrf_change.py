"""Shifts, numbers of shape, differences and their tests, on films whose truth is planted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import shift as scipy_shift
from scipy.stats import wasserstein_distance

from consilience.errors import BadInputError
from consilience_xrf.change.difference import map_difference
from consilience_xrf.change.footprint import find_footprint
from consilience_xrf.change.histogram import histogram_distance
from consilience_xrf.change.numbers import Number, shape_numbers
from consilience_xrf.change.operators import sampling, sharpened, smoothing, varied
from consilience_xrf.change.series import StateMap, compare_states, ratio_of
from consilience_xrf.change.shift import Shift, fit_shift, least_covariance
from consilience_xrf.change.testing import Test as OneTest
from consilience_xrf.change.testing import held_together
from consilience_xrf.simulation.scene import Film, FilmState, Grid, film_truth, mass_map

GRID, FILM = Grid(), Film()
LEVEL = 10.0
"""Counts for 1 ug/cm^2: 2145 in a point of the film as made."""


def expected(state: FilmState, seed: int = 3) -> np.ndarray:
    return LEVEL * mass_map(FILM, state, GRID, seed)


def scan(name: str, state: FilmState, index: int, seed: int = 3) -> StateMap:
    counts = np.random.default_rng([seed, index]).poisson(expected(state, seed)).astype(float)
    return StateMap(name, counts, np.maximum(counts, 1.0), *GRID.axes(), "um")


def test_splines_go_through_the_points_and_their_variance_is_propagated() -> None:
    rng = np.random.default_rng(1)
    image = rng.normal(10, 1, (9, 12))
    np.testing.assert_allclose(sampling(9, np.arange(9.0)) @ image, image, atol=1e-12)
    smooth = smoothing(9, 0.8) @ sampling(9, np.arange(9) + 0.3)
    side = sharpened(sampling(12, np.arange(12) - 0.2), 1)
    drawn = smooth @ rng.normal(0, 1, (4000, 9, 12)) @ side.T
    np.testing.assert_allclose(drawn.var(axis=0), varied(smooth, np.ones((9, 12)), side), rtol=0.15)
    # another library's cubic spline agrees inside, where borders do not matter
    walk = rng.normal(0, 1, 40).cumsum()
    ours = sampling(40, np.arange(40) + 0.4) @ walk
    theirs = scipy_shift(walk, -0.4, order=3, mode="mirror")
    np.testing.assert_allclose(ours[12:28], theirs[12:28], atol=1e-5)


def test_a_shift_has_the_error_that_repeats_show() -> None:
    found, errors, counting = [], [], []
    for i in range(30):
        lies = np.random.default_rng(i).uniform(-0.3, 0.3, 2)
        one, other = (
            scan("", FilmState(shift=s), 2 * i + k)
            for k, s in enumerate(((0.0, 0.0), (float(lies[0]), float(lies[1]))))
        )
        fitted = fit_shift(one.values, other.values, (one.variance, other.variance))
        found.append([fitted.y - lies[0] / GRID.step, fitted.x - lies[1] / GRID.step])
        errors.append(fitted.std)
        counting.append(np.sqrt(np.diag(fitted.covariance)))
    pulls = np.array(found) / np.array(errors)
    assert np.abs(pulls.mean(axis=0)).max() < 3 / 30**0.5
    assert 0.5 < pulls.std() < 1.2
    # equal weights cost a factor of 3 to 4 over the least error that any estimate can have
    base = expected(FilmState())
    least = np.sqrt(np.diag(least_covariance(base, 2 * np.maximum(base, 1.0))))
    assert np.all(least < np.array(counting).mean(axis=0))
    assert np.all(np.array(counting).mean(axis=0) < 4.5 * least)


def test_a_rim_that_grows_does_not_pull_the_shift() -> None:
    one = scan("", FilmState(), 0)
    changed = FilmState(loss=0.18, migration=0.35, voids=7, shift=(0.3, -0.34))
    other = scan("", changed, 1)
    fitted = fit_shift(one.values, other.values, (one.variance, other.variance))
    assert fitted.y == pytest.approx(1.5, abs=0.03)
    assert fitted.x == pytest.approx(-1.7, abs=0.03)
    assert min(fitted.std) > 0.03  # and says that the change makes it less sure


def test_maps_without_a_feature_have_no_shift() -> None:
    flat = np.random.default_rng(1).poisson(100.0, (20, 20)).astype(float)
    other = np.random.default_rng(2).poisson(100.0, (20, 20)).astype(float)
    fitted = fit_shift(flat, other, (flat, other))
    assert not fitted.determined
    assert fitted.reason
    assert not fit_shift(flat[:3], other[:3], (flat[:3], other[:3])).determined


def test_maps_of_different_shape_are_refused() -> None:
    one, other = scan("before", FilmState(), 0), scan("after", FilmState(), 1)
    small = StateMap("after", other.values[:20], other.variance[:20], other.y[:20], other.x, "um")
    with pytest.raises(BadInputError, match="before has 28 x 38 points, after 20 x 38"):
        compare_states([one, small])
    wide = StateMap("after", other.values, other.variance, other.y * 2, other.x, "um")
    with pytest.raises(BadInputError, match=r"along y before has 0\.2 um, after 0\.4 um"):
        compare_states([one, wide])
    with pytest.raises(BadInputError, match="two maps or more; here is 1"):
        compare_states([one])


def test_numbers_recover_what_was_planted() -> None:
    state = FilmState(loss=0.1, migration=0.2, voids=5, shift=(0.13, -0.21))
    film = find_footprint(scan("", FilmState(), 0).values, GRID.axes(), "um", rim_width=FILM.rim)
    shift = Shift(0.13 / 0.2, -0.21 / 0.2, np.eye(2) * 1e-4, np.zeros((2, 2)), 1.0)
    one = scan("", state, 1)
    truth = film_truth(FILM, state, 3)
    truth["centre_y"] -= 0.13
    truth["centre_x"] += 0.21
    found = shape_numbers(one.values, one.variance, shift, film)
    for name in ("void_fraction", "edge_to_centre", "rim_share", "centre_y", "centre_x", "spread"):
        number = found[name]
        assert number.value == pytest.approx(truth[name], abs=2.5 * number.std), name
    assert found["void_fraction"].std < 0.3 * truth["void_fraction"]
    assert film.whole
    assert film.area == pytest.approx(24.0, rel=0.02)


def test_counting_errors_are_those_of_repeats() -> None:
    state = FilmState(migration=0.2, voids=3)
    film = find_footprint(expected(FilmState()), GRID.axes(), "um", rim_width=FILM.rim)
    drawn: dict[str, list[float]] = {}
    for i in range(60):
        one = scan("", state, i)
        found = shape_numbers(one.values, one.variance, Shift.none(), film)
        for name, number in found.items():
            drawn.setdefault(name, []).append(number.value)
    for name, number in found.items():
        assert number.counting == pytest.approx(np.std(drawn[name]), rel=0.4), name


def test_a_film_that_fills_the_field_has_no_rim() -> None:
    flat = np.random.default_rng(1).poisson(500.0, (20, 24)).astype(float)
    film = find_footprint(flat, (np.arange(20.0), np.arange(24.0)), "um")
    assert not film.edges
    found = shape_numbers(flat, flat, Shift.none(), film)
    assert "edge_to_centre" not in found
    none = found["void_fraction"]
    assert none.value == 0.0
    points = film.inner.sum() / film.factor**2
    assert none.limit == pytest.approx(3.0 / points)  # rule of three
    assert none.counting == pytest.approx(1.0 / points)
    assert none.systematic == pytest.approx(1.0 / points)
    with pytest.raises(BadInputError, match="no part that stands out"):
        find_footprint(np.zeros((20, 24)), (np.arange(20.0), np.arange(24.0)), "um")


def test_histograms_lie_apart_as_another_library_says() -> None:
    film = find_footprint(expected(FilmState()), GRID.axes(), "um")
    one, other = scan("", FilmState(), 0), scan("", FilmState(migration=0.3, voids=5), 1)
    found = histogram_distance(
        (one.values, other.values), (one.variance, other.variance), Shift.none(), film
    )
    assert found is not None
    inner = film.inner[2::4, 2::4]
    a, b = (m.values[inner] / m.values[inner].mean() for m in (one, other))
    assert found.value == pytest.approx(wasserstein_distance(a, b), rel=0.1)
    assert found.p < 1e-6
    same = histogram_distance(
        (one.values, scan("", FilmState(), 2).values), (one.variance,) * 2, Shift.none(), film
    )
    assert same is not None
    assert same.p > 0.001
    assert same.value == pytest.approx(same.noise, abs=4 * same.noise_std)


def test_a_hole_is_seen_where_it_is() -> None:
    base = expected(FilmState())
    holed = base.copy()
    holed[12:15, 20:23] *= 0.7
    rng = np.random.default_rng(4)
    one, other = (rng.poisson(m).astype(float) for m in (base, holed))
    noise = (np.maximum(one, 1.0), np.maximum(other, 1.0))
    found = map_difference(one, other, noise, Shift.none())
    assert found.changed[12:15, 20:23].all()
    assert found.changed.sum() < 40
    assert found.p < 1e-6
    assert found.share is not None
    again = []  # the same film and hole, counted anew
    for i in range(30):
        made = np.random.default_rng([4, i])
        one_more, holed_more = (made.poisson(m).astype(float) for m in (base, holed))
        here = map_difference(one_more, holed_more, noise, Shift.none())
        again.append(here.changed.sum() / here.tested.sum())
    assert found.share[0] == pytest.approx(np.mean(again), abs=4 * found.share[1])
    assert found.share[1] == pytest.approx(np.std(again), rel=0.6)
    assert found.ratio[13, 21] == pytest.approx(0.75, abs=0.06)
    still = map_difference(one, rng.poisson(base).astype(float), noise, Shift.none())
    assert still.p > 0.001
    pulls = still.significance[still.tested]
    assert np.std(pulls) == pytest.approx(1.0, abs=0.35)


def test_all_tests_are_held_together() -> None:
    tests = [
        [OneTest("a", 1.0, 1.0, 0.01), OneTest("b", 1.0, 1.0, 0.04)],
        [OneTest("c", 1, 1, 0.5)],
    ]
    adjusted = [t.adjusted for state in held_together(tests) for t in state]
    assert adjusted == pytest.approx([0.03, 0.08, 0.5])  # Holm by hand
    assert not held_together(tests)[0][1].changed


def test_ratios_carry_both_errors() -> None:
    made = ratio_of(Number(110.0, 1.0, {"alignment": 2.0}), Number(100.0, 1.0, {"alignment": 0.0}))
    assert made.value == pytest.approx(1.1)
    assert made.counting == pytest.approx(1.1 * np.hypot(1 / 110, 1 / 100))
    assert made.parts["alignment"] == pytest.approx(1.1 * 2 / 110)


def test_points_that_were_not_measured_are_filled_and_counted() -> None:
    one, other = scan("before", FilmState(), 0), scan("after", FilmState(), 1)
    holed = other.values.copy()
    holed[5, 5:9] = np.nan
    found = compare_states([one, StateMap("after", holed, other.variance, other.y, other.x, "um")])
    assert found.states[1].filled == 4
    assert not found.changed
    holed[:] = np.nan
    with pytest.raises(BadInputError, match="after: 1064 of 1064 points were not measured"):
        compare_states([one, StateMap("after", holed, other.variance, other.y, other.x, "um")])
