"""Interface fits against scipy's likelihoods and quadrature; excess against what was planted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.special import expit, ndtr
from scipy.stats import binom

from consilience.errors import BadInputError
from consilience_apt.files.stream import array_source
from consilience_apt.ions import Ion
from consilience_apt.ranges import Range, RangeTable
from consilience_apt.space.excess import gibbs_excess
from consilience_apt.space.interface import WIDTH_10_90, fit_interface
from consilience_apt.space.profile import Profile, profile
from consilience_apt.space.step_likelihood import StepLikelihood

TABLE = RangeTable([Range(6.5, 7.5, Ion.parse("Li")), Range(194, 196, Ion.parse("Pt"))])
WHERE, SIGMA, BEFORE, AFTER = 3.1, 0.9, 0.1, 0.7


def needle(
    rng: np.random.Generator,
    ions: int = 20_000,
    sigma: float = SIGMA,
    ends: tuple[float, float] = (BEFORE, AFTER),
    width: float = 0.25,
    extra: float = 0.0,
    shape: str = "erf",
) -> Profile:
    z = rng.uniform(-15, 20, rng.poisson(ions))
    step = ndtr((z - WHERE) / sigma) if shape == "erf" else expit((z - WHERE) / sigma)
    mass = np.where(rng.random(len(z)) < ends[0] + (ends[1] - ends[0]) * step, 7.0, 195.0)
    more = rng.normal(WHERE, 0.5, rng.poisson(extra))
    z, mass = np.append(z, more), np.append(mass, np.full(len(more), 7.0))
    return profile(array_source(z, z, z, mass), TABLE, "z", width)


@pytest.mark.parametrize(("shape", "plain"), [("erf", ndtr), ("logistic", expit)])
def test_the_model_is_the_average_over_each_bin(shape: str, plain: object) -> None:
    edges = np.array([-4.0, -1.0, 0.5, 0.7, 3.0, 40.0])
    none = np.zeros(len(edges) - 1)
    fit = StepLikelihood(shape, (edges[:-1], edges[1:]), none, none, 1.0)
    found = fit.model(np.array([0.4, 0.8, 0.2, 0.9]))
    for low, high, value in zip(edges[:-1], edges[1:], found, strict=True):
        mean = quad(lambda z: plain((z - 0.4) / 0.8), low, high, points=[0.4])[0] / (high - low)
        assert value == pytest.approx(0.2 + 0.7 * mean, abs=1e-7)


def test_widths_are_from_ten_to_ninety_percent() -> None:
    assert ndtr(WIDTH_10_90["erf"] / 2) == pytest.approx(0.9)
    assert expit(WIDTH_10_90["logistic"] / 2) == pytest.approx(0.9)


def test_fit_and_curvature_are_those_of_an_independent_likelihood() -> None:
    made = needle(np.random.default_rng(0))
    fit = fit_interface(made, "Li", shapes=("erf",), simulations=0)[0]
    k, n, _ = made.binomial("Li")

    def loss(t: np.ndarray) -> float:
        p = t[2] + (t[3] - t[2]) * ndtr((made.centres - t[0]) / t[1])
        return -float(binom.logpmf(k, n, p).sum())

    other = minimize(loss, [3, 1, 0.1, 0.7], method="Nelder-Mead", options={"xatol": 1e-6})
    assert fit.location == pytest.approx(other.x[0], abs=0.1 * fit.location_std_stat)
    # the independent one takes the middle of the bin: it is wider by a²/12
    sigma = math.sqrt(other.x[1] ** 2 - 0.25**2 / 12)
    assert fit.width / WIDTH_10_90["erf"] == pytest.approx(sigma, rel=0.01)
    assert (fit.before, fit.after) == pytest.approx(other.x[2:], abs=1e-3)
    step = 0.05
    move = np.array([step, 0, 0, 0])
    second = (loss(other.x + move) + loss(other.x - move) - 2 * loss(other.x)) / step**2
    conditional = 1 / np.linalg.inv(fit.covariance)[0, 0]
    assert conditional == pytest.approx(1 / second, rel=0.1)


def test_errors_hold_and_agree_with_their_check() -> None:
    rng = np.random.default_rng(1)
    pulls, inside, fits = [], [], []
    for _ in range(100):
        fit = fit_interface(needle(rng), "Li", shapes=("erf",), simulations=0)[0]
        assert fit.width_std_stat is not None
        width = SIGMA * WIDTH_10_90["erf"]
        pulls.append(
            (
                (fit.location - WHERE) / fit.location_std_stat,
                (fit.width - width) / fit.width_std_stat,
                (fit.before - BEFORE) / fit.before_std_stat,
                (fit.after - AFTER) / fit.after_std_stat,
            )
        )
        inside.append(fit.width_interval[0] <= width <= fit.width_interval[1])
        fits.append(fit)
    assert np.abs(np.mean(pulls, axis=0)).max() < 0.28
    assert np.std(pulls, axis=0) == pytest.approx([1, 1, 1, 1], abs=0.2)
    assert np.mean(inside) == pytest.approx(0.683, abs=0.12)
    checked = fit_interface(
        needle(np.random.default_rng(20)), "Li", shapes=("erf",), simulations=150
    )[0]
    assert checked.simulated_std is not None
    assert checked.simulated_std["location"] == pytest.approx(checked.location_std_stat, rel=0.25)
    assert checked.simulated_std["width"] == pytest.approx(checked.width_std_stat, rel=0.3)
    assert checked.p_value is not None
    assert checked.p_value > 0.01


def test_shapes_are_rivals_and_a_wrong_one_is_seen() -> None:
    made = needle(np.random.default_rng(2), 400_000, sigma=1.5, shape="logistic")
    best, rival = fit_interface(made, "Li", simulations=40)
    assert (best.shape, rival.shape) == ("logistic", "erf")
    assert best.log_likelihood - rival.log_likelihood > 3
    assert rival.bic > best.bic
    assert rival.p_value is not None
    assert best.p_value > 0.02


def test_a_sharp_interface_has_an_upper_limit_of_its_width() -> None:
    lows, highs = [], []
    for seed in range(12):
        made = needle(np.random.default_rng(seed), 8000, sigma=1e-3, width=0.5)
        fit = fit_interface(made, "Li", shapes=("erf",), simulations=0)[0]
        lows.append(fit.width_interval[0])
        highs.append(fit.width_interval[1])
        assert fit.location == pytest.approx(WHERE, abs=0.4)
    assert np.count_nonzero(np.array(lows) == 0.0) >= 6, "68.3 % intervals"
    assert 0.2 < np.median(highs) < 2.5


def test_fractions_at_a_bound_have_no_symmetric_error() -> None:
    made = needle(np.random.default_rng(4), ends=(0.0, 0.8))
    fit = fit_interface(made, "Li", shapes=("erf",), simulations=0)[0]
    assert fit.before < 1e-3
    assert fit.location == pytest.approx(WHERE, abs=5 * fit.location_std_stat)


def test_the_depth_scale_is_a_systematic_error_or_unknown() -> None:
    made = needle(np.random.default_rng(5))
    none = fit_interface(made, "Li", shapes=("erf",), simulations=0)[0]
    assert none.location_std_sys is None
    assert none.width_std_sys is None
    known = fit_interface(
        made, "Li", shapes=("erf",), simulations=0, depth_relative_std=0.1, fixed=-15.0
    )[0]
    assert known.location_std_sys == pytest.approx(0.1 * (known.location + 15))
    assert known.width_std_sys == pytest.approx(0.1 * known.width)
    assert np.isnan(made.edges_std_sys(None)).all()
    assert made.edges_std_sys(0.1, 2.0)[0] == pytest.approx(0.1 * abs(made.edges[0] - 2))


def test_bad_input_for_a_fit() -> None:
    made = needle(np.random.default_rng(6), 500)
    with pytest.raises(BadInputError, match="3 bins with ions, an interface takes at least five"):
        fit_interface(made, "Li", between=(0.0, 0.76))
    only = needle(np.random.default_rng(6), 500, ends=(0.0, 0.0))
    with pytest.raises(BadInputError, match="Li makes up nothing of the ions there"):
        fit_interface(only, "Li")
    with pytest.raises(BadInputError, match="Pt makes up all of the ions there"):
        fit_interface(only, "Pt")
    with pytest.raises(BadInputError, match="in no range"):
        fit_interface(made, "Cr")


ZONE = {"zone": (0.0, 6.0), "before": (-12.0, 0.0), "after": (6.0, 18.0)}


@pytest.mark.parametrize("ends", [(0.3, 0.3), (0.2, 0.6)])
def test_planted_excess_is_found_with_its_error(ends: tuple[float, float]) -> None:
    rng = np.random.default_rng(7)
    planted, placed = 150.0, 0.05
    pulls = []
    for _ in range(150):
        made = needle(rng, 12_000, 0.5, ends, extra=planted)
        at = WHERE + rng.normal(0, placed)
        found = gibbs_excess(made, "Li", location=at, location_std=placed, area=100.0, **ZONE)
        # planted atoms take part in what the phases' fractions are multiplied with
        truth = planted * (1 - (ends[0] + ends[1]) / 2)
        error = math.hypot(found.atoms_std_counting, found.atoms_std_placement)
        pulls.append((found.atoms - truth) / error)
    assert np.mean(pulls) == pytest.approx(0.0, abs=0.3)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.2)
    assert (found.atoms_std_placement == pytest.approx(0, abs=1.5)) == (ends[0] == ends[1])


def test_excess_an_area_with_efficiency() -> None:
    made = needle(np.random.default_rng(8), 12_000, 0.5, (0.3, 0.3), extra=200)
    args = {"location": WHERE, "location_std": 0.1, "area": 80.0, **ZONE}
    plain = gibbs_excess(made, "Li", **args)
    assert plain.value is None
    assert plain.std_sys is None
    assert plain.detected == pytest.approx(plain.atoms / 80)
    full = gibbs_excess(
        made, "Li", **args, area_relative_std=0.05, efficiency=0.5, efficiency_relative_std=0.1
    )
    assert full.value == pytest.approx(plain.atoms / 40)
    assert full.std_sys == pytest.approx(abs(full.value) * math.hypot(0.05, 0.1))
    assert full.std_stat == pytest.approx(2 * plain.std_stat)
    assert full.significance > 4
    half = gibbs_excess(made, "Li", **args, area_relative_std=0.05, efficiency=0.5)
    assert half.std_sys is None, "an unknown error stays unknown"
    other = gibbs_excess(made, "Pt", **args)
    assert other.atoms == pytest.approx(-plain.atoms), "what one has too much, the other lacks"


def test_bad_input_for_an_excess() -> None:
    made = needle(np.random.default_rng(9), 2000)
    args = {"location": WHERE, "location_std": 0.1, "area": 80.0, **ZONE}
    with pytest.raises(BadInputError, match="outside of the zone from 0 to 6 nm"):
        gibbs_excess(made, "Li", **{**args, "location": 9.0})
    with pytest.raises(BadInputError, match="overlap or are out of order"):
        gibbs_excess(made, "Li", **{**args, "after": (5.0, 9.0)})
    with pytest.raises(BadInputError, match="holds no ranged ion"):
        gibbs_excess(made, "Li", **{**args, "after": (60.0, 90.0)})
    with pytest.raises(BadInputError, match="an interface of 0 nm²"):
        gibbs_excess(made, "Li", **{**args, "area": 0.0})
    with pytest.raises(BadInputError, match=r"a detection efficiency of 52"):
        gibbs_excess(made, "Li", **args, efficiency=52.0)
