"""EMR against free-atom profiles: background, response, systematic parts, errors that hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xraylib
from compton_profiles_made import NMC, expected, uneven_edges

from consilience.errors import BadInputError
from consilience_compton.model.profiles import ratio_of_windows
from consilience_compton.momentum.background import free_sides, known_lines, net_counts
from consilience_compton.momentum.cells import cell_sums, pooled
from consilience_compton.momentum.collect import Settings, Total, collect, tails_of, total_of
from consilience_compton.momentum.evaluation import evaluate, shape_of
from consilience_compton.momentum.kinematics import Geometry, compton_energy, momentum_slope
from consilience_compton.momentum.peak import find_peak
from consilience_compton.momentum.pooling import difference, pool, squares
from consilience_compton.momentum.response import (
    Detector,
    Layer,
    _factor,
    kinematic_factor,
    response,
)
from consilience_compton.momentum.sensitivity import smooth_curve
from consilience_compton.momentum.windows import Windows, plain_emr, ratio, window_energies

GEOMETRY = Geometry(115.0, 90.0, 60.0, 500.0, 6, 6)
EDGES = uneven_edges(70.0, 115.0, 0.05)
EDGES_WIDE = uneven_edges(50.0, 130.0, 0.05)
FWHM = 0.8 * float(momentum_slope(93.87, 115.0, 90.0))
MODEL = ratio_of_windows(NMC, fwhm=FWHM)


def totalled(
    counts: np.ndarray,
    settings: Settings,
    geometry: Geometry = GEOMETRY,
    edges: np.ndarray = EDGES,
) -> Total:
    angles = geometry.angles()
    found = collect([(slice(0, len(counts)), counts)], edges, 115.0, angles, settings)
    return total_of(found, 115.0, settings)


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    return expected(GEOMETRY, EDGES, total=1e6)


@pytest.fixture(scope="module")
def lined() -> Settings:
    windows = Windows()
    sides = free_sides(EDGES, 115.0, GEOMETRY.angles(), windows, 0.8)
    assert sides is not None
    return Settings(sides=sides, composition=NMC)


def test_ratio_of_the_free_atoms_is_found(clean):
    found = evaluate(totalled(clean, Settings()), GEOMETRY, Settings())
    assert float(found.result.value) == pytest.approx(MODEL, rel=1e-3)
    assert found.without_background == pytest.approx(float(found.result.value))
    assert found.result.std_sys_parts["background"] is None, "no sides are known"


def test_a_background_is_taken_off_where_the_tails_are_known(clean, lined):
    with_line = clean + 4000.0 * np.diff(EDGES) * (1.0 - 0.01 * (EDGES[:-1] - 93.0))
    plain = evaluate(totalled(with_line, Settings()), GEOMETRY, Settings())
    assert abs(float(plain.result.value) / MODEL - 1.0) > 0.03
    off = evaluate(totalled(with_line, lined), GEOMETRY, lined)
    assert float(off.result.value) == pytest.approx(MODEL, rel=1e-3)
    # a straight line that knows of no tails takes Compton photons away: much too high
    naive = replace(lined, composition="")
    high = evaluate(totalled(with_line, naive), GEOMETRY, naive)
    assert float(high.result.value) > 1.04 * MODEL
    part = high.result.std_sys_parts["background"]
    assert part is not None
    assert part > 0.3 * abs(float(high.result.value) - MODEL)
    bound = replace(lined, subtract=False)
    held = evaluate(totalled(with_line, bound), GEOMETRY, bound)
    assert held.result.std_sys_parts["background"] > abs(float(held.result.value) - MODEL)


def test_net_counts_by_pixels_are_those_of_the_sum(clean, lined):
    angles = GEOMETRY.angles()
    found = collect([(slice(0, 6), clean)], EDGES, 115.0, angles, lined)
    counts, matrix = net_counts(found.cells, Windows(), found.sides, tails_of(angles, 115.0, lined))
    assert found.sides is not None
    labels = np.zeros((6, 6), dtype=int)
    total, whole = net_counts(
        pooled(found.cells, labels, 1),
        Windows(),
        pooled(found.sides, labels, 1),
        tails_of(angles, 115.0, lined).mean((0, 1)),
    )
    assert counts.sum((0, 1)) == pytest.approx(total[0], rel=2e-3)
    assert matrix.sum((0, 1)) == pytest.approx(whole[0], rel=1e-2)


def test_sides_lie_between_the_known_lines(lined):
    lines = known_lines(115.0)
    assert lines["elastic less Cd KL3"] == pytest.approx(91.8, abs=0.05)
    assert lines["Pb KL3"] == pytest.approx(74.97, abs=0.01)
    sides = lined.sides
    for low, high in (sides.below, sides.above):
        assert not any(low - 0.9 < e < high + 0.9 for e in lines.values())
    assert free_sides(EDGES[(EDGES > 86)], 115.0, 90.0, Windows(), 0.8) is None


def test_response_is_klein_and_nishinas_at_rest():
    """Relative to another angle, as xraylib has it."""
    for polarisation, theirs in (
        (1.0, lambda t: xraylib.DCS_KN(115.0, t)),
        (0.0, lambda t: xraylib.DCSP_KN(115.0, t, np.pi / 2.0)),
    ):
        found = []
        for angle in (40.0, 90.0, 130.0):
            found.append(_factor(np.zeros(1), 115.0, angle, polarisation)[0])
        expect = [theirs(np.radians(a)) for a in (40.0, 90.0, 130.0)]
        assert np.array(found) / found[0] == pytest.approx(np.array(expect) / expect[0], rel=1e-6)


def test_response_of_sensor_and_layers():
    p = np.array([-5.0, 0.0, 5.0])
    kinematic = kinematic_factor(p, 115.0, 90.0)
    assert kinematic == pytest.approx([0.935, 1.0, 1.070], abs=2e-3)
    with_sensor = response(p, 115.0, 90.0, detector=Detector(thickness=1000.0)) / kinematic
    assert with_sensor[0] > 1.0 > with_sensor[2]
    steel = response(p, 115.0, 90.0, layers=[Layer("Fe", 7.87, 500.0)]) / kinematic
    mu = [float(xraylib.CS_Total_CP("Fe", float(e))) for e in (89.53, 98.38)]
    expect = np.exp(-(mu[0] - mu[1]) * 7.87 * 0.05)
    assert steel[0] / steel[2] == pytest.approx(expect, rel=1e-3)
    with pytest.raises(BadInputError, match="no attenuation of 'Xx'"):
        response(p, 115.0, 90.0, layers=[Layer("Xx", 1.0, 1.0)])


def test_absorption_is_undone_where_it_is_given(clean):
    layer = Layer("Fe", 7.87, 2000.0)
    mu = np.array(
        [float(xraylib.CS_Total_CP("Fe", float(e))) for e in 0.5 * (EDGES[1:] + EDGES[:-1])]
    )
    dimmed = clean * np.exp(-mu * 7.87 * 0.2)
    told = Settings(layers=(layer,))
    undimmed = evaluate(totalled(clean, Settings()), GEOMETRY, Settings()).result.value
    without = evaluate(totalled(dimmed, Settings()), GEOMETRY, Settings()).result.value
    known = evaluate(totalled(dimmed, told), GEOMETRY, told).result.value
    assert float(known / undimmed) == pytest.approx(1.0, abs=1e-4)
    # the first order cancels between windows on both sides of the peak
    assert 4e-4 < abs(float(without / undimmed) - 1.0) < 2e-3


@pytest.mark.parametrize("shift", [0.0, 0.15, -0.4])
def test_peak_is_found_where_it_was_put(shift):
    geometry = Geometry(115.0, 90.0, 60.0, 500.0, 4, 4)
    counts = np.random.default_rng(4).poisson(expected(geometry, EDGES - shift, total=2e4))
    total = totalled(counts, Settings(), geometry)
    peak = find_peak(total.profile, 115.0, total.angle, shape_of(total, 115.0, Settings()))
    assert peak.predicted == pytest.approx(93.874, abs=1e-3)
    assert abs(peak.deviation - shift) < 4.0 * peak.deviation_std
    assert peak.deviation_std < 0.02


def test_nothing_that_looks_like_a_peak_is_refused():
    flat = np.random.default_rng(5).poisson(np.full((4, 4, EDGES.size - 1), 3.0))
    geometry = Geometry(115.0, 90.0, 60.0, 500.0, 4, 4)
    total = totalled(flat, Settings(), geometry)
    with pytest.raises(BadInputError, match="no Compton peak within 8 atomic units"):
        find_peak(total.profile, 115.0, 90.0, np.ones(total.profile.counts.size))


def test_sensitivities_are_what_moving_the_input_does(clean):
    total = totalled(clean, Settings())
    curve = smooth_curve(total.profile, Windows(), 115.0, total.angle)
    base = evaluate(total, GEOMETRY, Settings(correct=False)).result.value

    def moved(settings: Settings, geometry: Geometry = GEOMETRY) -> float:
        found = totalled(clean, settings, geometry)
        return float(evaluate(found, geometry, settings).result.value / base - 1.0)

    plain = Settings(correct=False)
    up, down = (moved(replace(plain, energy_offset=d)) for d in (0.2, -0.2))
    linear, square = 0.5 * (up - down), 0.5 * (up + down)
    found = curve.by_offset(0.2)
    assert abs(found) == pytest.approx(np.hypot(linear, np.sqrt(3.0) * square), rel=0.05)
    assert np.sign(found) == np.sign(linear)
    up, down = (moved(plain, replace(GEOMETRY, angle=90.0 + d)) for d in (0.5, -0.5))
    found = curve.by_angle(0.5)
    linear, square = 0.5 * (up - down), 0.5 * (up + down)
    assert abs(found) == pytest.approx(np.hypot(linear, np.sqrt(3.0) * square), rel=0.05)
    wider = ratio_of_windows(NMC, fwhm=FWHM * 1.05) / ratio_of_windows(NMC, fwhm=FWHM) - 1.0
    assert curve.by_resolution(FWHM, 0.05 * FWHM) == pytest.approx(wider, rel=0.15)


def test_escape_peak_is_seen_and_taken_off(clean):
    place = 0.5 * (EDGES[1:] + EDGES[:-1])
    line = np.exp(-0.5 * ((place - 91.83) / 0.34) ** 2)
    spoilt = clean + 2e4 * line / line.sum()
    told = evaluate(totalled(spoilt, Settings()), GEOMETRY, Settings())
    (escape,) = told.escapes
    assert escape.name == "elastic less Cd KL3"
    assert escape.excess == pytest.approx(36 * 2e4, rel=0.05)
    part = told.result.std_sys_parts["escape_line"]
    assert part == pytest.approx(abs(float(told.result.value) - MODEL), rel=0.3)
    off = Settings(escape="subtract")
    mended = evaluate(totalled(spoilt, off), GEOMETRY, off)
    assert float(mended.result.value) == pytest.approx(MODEL, rel=2e-3)
    wide = Geometry(115.0, 90.0, 60.0, 4000.0, 6, 6)
    smeared = totalled(expected(wide, EDGES_WIDE), Settings(), wide, EDGES_WIDE)
    assert evaluate(smeared, wide, Settings()).result.std_sys_parts["escape_line"] is None


def test_errors_of_counting_hold():
    """Pulls of 400 spectra with a line taken off; own model, so the spread is that of counting."""
    geometry = Geometry(115.0, 90.0, 60.0, 500.0, 20, 20)
    mean = expected(geometry, EDGES, total=2e4, background=60.0)
    sides = free_sides(EDGES, 115.0, geometry.angles(), Windows(), 0.8)
    settings = Settings(sides=sides, composition=NMC)
    counts = np.random.default_rng(6).poisson(mean)
    angles = geometry.angles()
    found = collect([(slice(0, 20), counts)], EDGES, 115.0, angles, settings, profiles=False)
    net, matrix = net_counts(found.cells, Windows(), found.sides, tails_of(angles, 115.0, settings))
    emr = ratio(net[..., 0], net[..., 1], matrix)
    exact = collect([(slice(0, 20), mean)], EDGES, 115.0, angles, settings, profiles=False)
    right, _ = net_counts(exact.cells, Windows(), exact.sides, tails_of(angles, 115.0, settings))
    pulls = (emr.value - right[..., 0] / right[..., 1]) / emr.std_stat
    assert abs(pulls.mean()) < 4.0 / 20.0
    assert pulls.std() == pytest.approx(1.0, abs=4.0 / np.sqrt(800.0))


def test_too_few_counts_are_no_ratio():
    nothing = ratio(np.array([50.0, 5.0, 50.0]), np.array([60.0, 60.0, 0.0]), np.zeros((3, 2, 2)))
    assert np.isfinite(nothing.value).tolist() == [True, False, False]


def test_squares_are_as_small_as_the_error_lets_them():
    counts = np.full((8, 8, 2), 500.0)
    counts[:4, :4] = 40.0
    matrix = counts[..., None] * np.eye(2)
    used = np.ones((8, 8), dtype=bool)
    used[7, 7] = False
    labels = squares(counts, matrix, used, 0.07)
    assert labels[7, 7] == -1
    sizes = np.bincount(labels[used])
    assert sorted(set(sizes.tolist())) == [1, 16]
    found = pool(counts, matrix, labels, wanted=0.07)
    assert found.reached.all()
    assert found.on_pixels(found.result.value)[7, 7] != found.on_pixels(found.result.value)[0, 0]
    # what no square reaches is one square, and said
    weak = pool(counts / 100.0, matrix / 100.0, squares(counts / 100.0, matrix / 100.0, used, 0.01))
    assert weak.sizes.tolist() == [63]


def test_differences_of_maps_hold_under_the_null():
    random = np.random.default_rng(7)
    labels = np.arange(400).reshape(20, 20)
    p_values, beyond = [], 0
    for _ in range(100):
        maps = []
        for shift in (1.0, 1.02):
            low, high = random.poisson(4000.0 * shift, 400), random.poisson(4000.0, 400)
            counts = np.stack([low, high], axis=-1).reshape(20, 20, 2).astype(float)
            maps.append(pool(counts, counts[..., None] * np.eye(2), labels))
        found = difference(*maps)
        assert found is not None
        p_values.append(found.p_uniform)
        beyond += found.beyond > 0
        assert abs(found.mean - 0.02) < 5.0 * found.mean_std
    assert 0.3 < np.mean(p_values) < 0.7
    assert beyond <= 14, "about 5 of 100 maps"


def test_plain_ratio_needs_no_setting(clean):
    found = collect([(slice(0, 6), clean)], EDGES, 115.0, GEOMETRY.angles(), Settings())
    assert plain_emr(found.cells, Windows()).value == pytest.approx(MODEL, rel=0.02)
    assert float(compton_energy(115.0, 90.0)) == pytest.approx(93.87, abs=0.005)


@pytest.mark.parametrize("columns", [1, 40])
@pytest.mark.parametrize("width", [0.125, 0.25, 0.5])
def test_cut_bins_do_not_move_the_ratio(width, columns):
    """Wide bins against fine ones: even sharing is off as its formula says, and it is taken off."""
    geometry = Geometry(115.0, 90.0, 60.0, 250.0, 1, columns)
    plain = Settings(correct=False)
    wide = np.linspace(70.0, 115.0, round(45.0 / width) + 1)
    fine = np.linspace(70.0, 115.0, 3601)
    counts = expected(geometry, wide)
    total = totalled(counts, plain, geometry, wide)
    found = evaluate(total, geometry, plain)
    truth = evaluate(totalled(expected(geometry, fine), plain, geometry, fine), geometry, plain)
    left = float(found.result.value / truth.result.value) - 1.0
    stated = found.result.std_sys_parts["bins"] / float(found.result.value)
    assert abs(left) < 1.5 * stated
    assert stated < 0.25 * width**2 / 0.5, "a small part of what even sharing does"
    if columns > 1:
        ends = window_energies(Windows(), 115.0, geometry.angles())
        shared = plain_emr(cell_sums(counts, wide, ends), Windows())
        as_shared = float(np.sum(shared.low) / np.sum(shared.high) / truth.result.value) - 1.0
        curve = smooth_curve(total.profile, Windows(), 115.0, total.angle)
        assert as_shared == pytest.approx(curve.by_bins(width * 1.131), rel=0.1)
        assert abs(left) < 0.1 * abs(as_shared)
