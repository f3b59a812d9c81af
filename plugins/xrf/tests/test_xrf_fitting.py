"""Fits of many spectra: exact, unbiased, with limits that hold, and polite on bad input."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls
from xrf_fits import ENERGY, GEOMETRY, RESPONSE, Array, expected, families

from consilience.errors import BadInputError
from consilience_xrf.fitting.background import snip
from consilience_xrf.fitting.design import build_design
from consilience_xrf.fitting.fitted_scale import found_scale
from consilience_xrf.fitting.linear import critical_level, detection_limit
from consilience_xrf.fitting.maps import fit_maps
from consilience_xrf.fitting.nonnegative import nonnegative
from consilience_xrf.fitting.search import search_elements
from consilience_xrf.fitting.systematics import systematic_errors
from consilience_xrf.fitting.tail import FittedTail, fitted_tail
from consilience_xrf.fitting.whole import fit_whole
from consilience_xrf.lines.response import Response

AMOUNTS = {"Ca_K": 400.0, "Fe_K": 1500.0, "Cu_K": 300.0, "elastic": 800.0, "compton": 2500.0}


@pytest.mark.parametrize("own", [False, True])
def test_nonnegative_is_the_active_set_solution(own: bool) -> None:
    chance = np.random.default_rng(1)
    matrix = chance.normal(size=(40, 9)) + 0.5
    y = chance.normal(size=(60, 40))
    weight = chance.uniform(0.5, 2.0, (60, 40)) if own else np.ones((60, 40))
    gram = np.einsum("pm,mi,mj->pij", weight, matrix, matrix)
    found = nonnegative(gram if own else gram[0], np.einsum("pm,pm,mi->pi", weight, y, matrix))
    for i in range(60):
        root = np.sqrt(weight[i])
        assert found[i] == pytest.approx(nnls(matrix * root[:, None], y[i] * root)[0], abs=1e-7)
    assert (found == 0).any()


def test_a_column_that_is_the_sum_of_others_is_no_error() -> None:
    matrix = np.eye(5)[:, :3]
    matrix = np.column_stack([matrix, matrix.sum(axis=1), np.zeros(5)])
    found = nonnegative(matrix.T @ matrix, (np.ones((2, 5)) @ matrix))
    assert matrix @ found[0] == pytest.approx([1, 1, 1, 0, 0], abs=1e-4)


def test_without_noise_every_amount_comes_back() -> None:
    whole = expected(AMOUNTS)
    fit = fit_maps(whole, ENERGY, ["Ca", "Fe", "Cu", "Ti"], response=RESPONSE, geometry=GEOMETRY)
    for name, amount in AMOUNTS.items():
        assert fit.free[fit.of(name)] == pytest.approx(amount, rel=0.02), name
    assert abs(fit.free[fit.of("Ti_K")]) < 0.2 * fit.std[fit.of("Ti_K")]
    assert fit.chi2 < 0.05
    with pytest.raises(BadInputError, match="'Zn_K' was not fitted"):
        fit.of("Zn_K")


@pytest.fixture(scope="module")
def noisy() -> Array:
    return np.random.default_rng(5).poisson(expected(AMOUNTS), (20, 30, ENERGY.size)).astype(float)


@pytest.mark.parametrize("background", ["columns", "splines"])
def test_errors_are_those_of_repeats(noisy: Array, background: str) -> None:
    fit = fit_maps(
        noisy, ENERGY, ["Ca", "Fe", "Cu", "Ti"],
        response=RESPONSE, geometry=GEOMETRY, background=background,
    )  # fmt: skip
    assert fit.amounts.shape == (len(fit.names), 20, 30)
    for name in ("Ca_K", "Fe_K", "Cu_K", "Ti_K"):
        i = fit.of(name)
        pull = ((fit.free[i] - AMOUNTS.get(name, 0.0)) / fit.std[i]).ravel()
        # 600 repeats: 0.04 for the mean and 0.03 for the width; the background is theirs in common
        assert abs(pull.mean()) < 0.3, name
        assert 0.88 < pull.std() < 1.12, name
    titanium = fit.of("Ti_K")
    alarms = float(np.mean(fit.free[titanium] > fit.critical[titanium]))
    assert alarms < 0.09
    assert (fit.amounts >= 0).all()
    assert float(np.nanmedian(fit.chi2)) == pytest.approx(1.0, abs=0.1)
    assert float(fit.residual.mean()) == pytest.approx(0.0, abs=10.0)


def test_snip_of_each_spectrum_lies_too_low_at_few_counts(noisy: Array) -> None:
    fit = fit_maps(noisy, ENERGY, ["Fe"], response=RESPONSE, geometry=GEOMETRY, background="snip")
    assert fit.residual.mean() > 100.0, "what SNIP leaves out remains"
    flat = snip(np.full((1, 200), 50.0), 20)
    assert flat == pytest.approx(np.full((1, 200), 50.0))


def test_an_amount_at_its_limit_is_seen_in_95_of_100_cases() -> None:
    chance = np.random.default_rng(7)
    base = {name: value for name, value in AMOUNTS.items() if name != "Cu_K"}
    common = {"response": RESPONSE, "geometry": GEOMETRY, "background": "columns"}
    empty = chance.poisson(expected(base), (500, ENERGY.size)).astype(float)
    fit = fit_maps(empty, ENERGY, ["Ca", "Fe", "Cu"], **common)  # type: ignore[arg-type]
    limit = float(np.median(fit.limit[fit.of("Cu_K")]))
    full = chance.poisson(expected({**base, "Cu_K": limit}), (500, ENERGY.size)).astype(float)
    fit = fit_maps(full, ENERGY, ["Ca", "Fe", "Cu"], **common)  # type: ignore[arg-type]
    copper = fit.of("Cu_K")
    assert float(np.mean(fit.free[copper] > fit.critical[copper])) > 0.91


def test_what_is_not_there_is_taken_for_there_in_5_of_100_pixels_of_few_counts() -> None:
    # a quarter of a count of background in a channel: the noise under an absent line is that of
    # a background which its own counts belong to
    few = {"Ca_K": 60.0, "Fe_K": 150.0, "Cu_K": 40.0, "elastic": 80.0, "compton": 200.0}
    cube = np.random.default_rng(9).poisson(expected(few, 0.5), (6000, ENERGY.size)).astype(float)
    fit = fit_maps(
        cube, ENERGY, ["Ca", "Fe", "Cu", "Ni"], response=RESPONSE, geometry=GEOMETRY, chi2=False
    )
    nickel = fit.of("Ni_K")
    assert (fit.free[nickel] > fit.critical[nickel]).mean() == pytest.approx(0.05, abs=0.009)


def test_limits_are_curries() -> None:
    # paired counts of a background B: L_C = 2.33 √B and L_D = 2.71 + 4.65 √B
    var, slope = np.array([2 * 100.0]), np.array([1.0])
    critical = critical_level(var, np.zeros(1))
    assert critical[0] == pytest.approx(23.3, abs=0.1)
    assert detection_limit(var, slope, critical)[0] == pytest.approx(2.71 + 46.5, abs=0.1)


def test_spectra_that_cannot_be_fitted_are_left_out(noisy: Array) -> None:
    some = noisy[:4, :5].copy()
    some[0, 0] = 0.0
    some[1, 1, 300] = -1.0
    some[2, 2, 300] = np.nan
    fit = fit_maps(some, ENERGY, ["Fe"], response=RESPONSE, geometry=GEOMETRY)
    assert np.argwhere(~fit.mask).tolist() == [[0, 0], [1, 1], [2, 2]]
    assert np.isnan(fit.amounts[0][~fit.mask]).all()
    assert np.isfinite(fit.amounts[0][fit.mask]).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"energy": ENERGY[:-1]}, "720 channels of counts and 719 energies"),
        ({"energy": ENERGY[::-1]}, "does not ascend"),
        ({"elements": ["Mo_K"]}, "13.5 keV excite no line of it"),
        ({"elements": ["Li"]}, "no electrons bound by more than 54.8 eV"),
        ({"elements": []}, "none was named"),
        ({"counts": np.zeros((2, 720))}, "no spectrum holds any counts"),
        ({"background": "guess"}, "background 'guess' is not known"),
        ({"low": 13.0, "high": 13.05}, "fewer than 8 channels"),
    ],
)
def test_bad_input_is_refused(change: dict[str, object], said: str) -> None:
    given: dict[str, object] = {
        "counts": np.ones((2, 720)), "energy": ENERGY, "elements": ["Fe"],
        "response": RESPONSE, "geometry": GEOMETRY,
    } | change  # fmt: skip
    with pytest.raises(BadInputError) as caught:
        fit_maps(**given)  # type: ignore[arg-type]
    assert said in caught.value.what


def test_search_finds_what_is_there_and_names_rivals() -> None:
    planted = {"Ca_K": 3e4, "Fe_K": 8e4, "As_K": 3e4, "elastic": 5e4, "compton": 9e4}
    total = np.random.default_rng(2).poisson(expected(planted, 500.0)).astype(float)
    used = slice(45, None)
    found = search_elements(ENERGY[used], total[used], RESPONSE, GEOMETRY)
    assert {e.element for e in found.elements} == {"Ca", "Fe", "As"}
    assert found.unexplained == ()
    (arsenic,) = [e for e in found.elements if e.element == "As"]
    assert len(arsenic.lines.found) == 2, "α and β"
    calcium = next(e for e in found.elements if e.element == "Ca")
    assert all(not r.live for e in found.elements for r in e.rivals), "lines of rivals are missing"
    assert {r.element for r in calcium.rivals} <= {"Sb", "Te", "Sc"}


def test_nothing_is_found_where_nothing_is() -> None:
    chance = np.random.default_rng(4)
    used = slice(45, None)
    for _ in range(5):
        total = chance.poisson(expected({"elastic": 5e4, "compton": 9e4}, 300.0)).astype(float)
        found = search_elements(ENERGY[used], total[used], RESPONSE, GEOMETRY)
        assert found.elements == ()


@pytest.mark.parametrize("planted", [0.0, 0.02])
def test_a_tail_is_fitted_where_counts_tell_it_and_takes_no_counts(planted: float) -> None:
    lines = families("Ca_K", "Fe_K", "Cu_K")
    geometry, amounts = GEOMETRY, np.array([3e4, 8e4, 3e4, 5e4, 9e4])
    other = Response(noise=0.1, tail=planted, tail_width=0.3)
    mean = build_design(ENERGY, lines, other, geometry).matrix @ amounts
    total = np.random.default_rng(5).poisson(mean + 300.0 * np.exp(-ENERGY / 6.0)).astype(float)

    def tail_of(counts: Array) -> FittedTail | None:
        fit = fit_maps(counts, ENERGY, ["Ca", "Fe", "Cu"], response=RESPONSE, geometry=GEOMETRY)
        return fitted_tail(fit.design, fit.mean, fit.mean_amounts)

    found = tail_of(total)
    assert found is not None
    assert abs(found.response.tail - planted) < 3.0 * found.std < 0.01
    after = fit_maps(total, ENERGY, ["Ca", "Fe", "Cu"], response=found.response, geometry=GEOMETRY)
    iron = after.of("Fe_K")
    assert abs(after.free[iron] - 8e4) < 3.0 * after.std[iron]
    if planted:
        assert fitted_tail(after.design, after.mean, after.mean_amounts) is None, "it has one"
    few = np.random.default_rng(6).poisson(mean / 300.0 + 1.0).astype(float)
    assert tail_of(few) is None


def test_an_element_at_its_bound_has_the_systematic_error_of_one_beside_it() -> None:
    # nickel is not there: in half of the spectra its amount is held at 0
    parts: dict[bool, list[float]] = {True: [], False: []}
    whole = {name: 40.0 * value for name, value in AMOUNTS.items()}
    for seed in range(16):
        counts = np.random.default_rng(seed).poisson(expected(whole, 300.0)).astype(float)
        fit = fit_maps(
            counts, ENERGY, ["Ca", "Fe", "Cu", "Ni"], response=RESPONSE, geometry=GEOMETRY
        )
        nickel = fit.of("Ni_K")
        errors = systematic_errors(fit.design, fit.mean, fit.mean_amounts, None)
        parts[bool(fit.amounts[nickel] == 0.0)].append(float(errors.parts["background"][nickel]))
    assert min(len(some) for some in parts.values()) > 2
    # as if the background were known there it was a sixth
    assert 0.4 < np.mean(parts[True]) / np.mean(parts[False]) < 2.5


def test_a_sum_on_snip_has_errors_of_its_background_and_none_of_its_size() -> None:
    whole = {name: 400.0 * value for name, value in AMOUNTS.items()}
    mean = expected(whole, 500.0)
    away: list[float] = []
    for seed in range(6):
        counts = np.random.default_rng(seed).poisson(mean).astype(float)
        scale = found_scale(ENERGY, counts, GEOMETRY, ["Ca", "Fe", "Cu"], unasked=False)
        made = fit_whole(counts, scale, ["Ca", "Fe", "Cu"], background="snip")
        fit, parts = made.fit, made.errors.parts
        held = fit.mean_amounts == 0.0
        moved = np.where(held, 0.0, fit.free - fit.mean_amounts)
        assert (np.abs(moved) < 0.1 * fit.std).all(), "one background for both"
        assert fit.model.sum() == pytest.approx(fit.mean.sum(), rel=0.005)
        for name in ("Ca_K", "Fe_K", "Cu_K"):
            i = fit.of(name)
            assert parts["background"][i] > 0.2 * fit.std[i], "what lies below is not known"
            assert parts["misfit"][i] < 2.0 * fit.std[i], "the background is no misfit"
            away.append((fit.free[i] - whole[name]) / np.hypot(fit.std[i], made.errors.total[i]))
    assert np.sqrt(np.mean(np.square(away))) < 1.5
