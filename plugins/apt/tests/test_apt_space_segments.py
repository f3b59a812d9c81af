"""Change points and gradients: against brute force, scipy, and what was planted."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import comb, ndtr
from scipy.stats import binom

from consilience.errors import BadInputError
from consilience_apt.files.stream import array_source
from consilience_apt.ions import Ion
from consilience_apt.ranges import Range, RangeTable
from consilience_apt.space.diffuse_steps import ERF_10_90
from consilience_apt.space.profile import Profile, profile
from consilience_apt.space.segmentation import bootstrap, segment_profile
from consilience_apt.space.segments import Bins, flat_likelihood, gradient_likelihood

TABLE = RangeTable([Range(6.5, 7.5, Ion.parse("Li")), Range(194, 196, Ion.parse("Pt"))])


def along(rng: np.random.Generator, ions: int, fraction: object, width: float = 0.4) -> Profile:
    z = rng.uniform(0, 40, ions)
    mass = np.where(rng.random(ions) < fraction(z), 195.0, 7.0)
    return profile(array_source(z, z, z, mass), TABLE, "z", width)


def anode(z: np.ndarray) -> np.ndarray:
    """Region 1 falls from 98 to 18 at.%, region 2 is flat at 50."""
    return np.where(z < 15, 0.98 - 0.80 * z / 15, 0.5)


def test_gradients_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    n = rng.integers(0, 80, 30).astype(float)
    edges = np.sort(rng.uniform(0, 10, 31))
    centres = (edges[1:] + edges[:-1]) / 2
    for ends in ((0.2, 0.7), (0.999, 0.3), (0.5, 0.0)):
        p = ends[0] + (ends[1] - ends[0]) * (centres - edges[0]) / (edges[-1] - edges[0])
        k = rng.binomial(n.astype(int), p).astype(float)
        bins = Bins(edges, k, n)
        first, stop = np.array([0, 4, 10]), np.array([30, 20, 13])
        total, found = gradient_likelihood(bins, first, stop)
        for i, (a, b) in enumerate(zip(first, stop, strict=True)):
            t = (centres[a:b] - edges[a]) / (edges[b] - edges[a])

            def loss(x: np.ndarray, t=t, a=a, b=b, k=k) -> float:
                q = x[0] * (1 - t) + x[1] * t
                return -float((k[a:b] * np.log(q) + (n[a:b] - k[a:b]) * np.log1p(-q)).sum())

            other = minimize(loss, [0.5, 0.5], bounds=[(1e-6, 1 - 1e-6)] * 2, method="L-BFGS-B")
            assert total[i] == pytest.approx(-other.fun, abs=1e-3)
            assert loss(found[i]) == pytest.approx(-total[i], abs=1e-9)


def test_flat_likelihoods_are_binomial() -> None:
    k, n = np.array([3.0, 5.0, 0.0]), np.array([10.0, 9.0, 4.0])
    bins = Bins(np.arange(4.0), k, n)
    total, ends = flat_likelihood(bins, np.array([0, 1]), np.array([3, 2]))
    assert ends[:, 0] == pytest.approx([8 / 23, 5 / 9])
    ways = np.log(comb(n, k)).sum()
    assert total[0] + ways == pytest.approx(binom.logpmf(k, n, 8 / 23).sum())


def test_steps_are_those_of_trying_all() -> None:
    rng = np.random.default_rng(1)
    made = along(rng, 1500, lambda z: np.where(z < 12, 0.2, np.where(z < 27, 0.5, 0.35)), 2.5)
    found = segment_profile(made, "Pt", most_changes=3, least_bins=2)
    k, n, _ = made.binomial("Pt")
    number = len(k)
    for changes in (0, 1, 2, 3):
        best = -np.inf
        for places in combinations(range(2, number - 1), changes):
            bounds = [0, *places, number]
            if min(np.diff(bounds)) < 2:
                continue
            total = 0.0
            for a, b in pairwise(bounds):
                p = np.clip(k[a:b].sum() / n[a:b].sum(), 1e-6, 1 - 1e-6)
                total += float((k[a:b] * np.log(p) + (n[a:b] - k[a:b]) * np.log1p(-p)).sum())
            best = max(best, total)
        (model,) = [
            m
            for m in found.models
            if len(m.kinds) == changes + 1 and "gradient" not in m.kinds and not m.widths
        ]
        assert model.log_likelihood == pytest.approx(best)
        parameters = 2 * changes + 1
        assert model.bic == pytest.approx(parameters * np.log(n.sum()) - 2 * best)


def test_two_regions_of_the_anode() -> None:
    found = segment_profile(
        along(np.random.default_rng(2), 29_396, anode, 0.05), "Pt", depth_relative_std=0.1
    )
    assert found.best.kinds == ("gradient", "flat")
    assert found.decided
    assert found.rival is not None
    assert "gradient" not in found.rival.kinds, "a staircase is the rival, and is reported"
    assert found.likelihood_ratio > 50
    assert len(found.models) == 10
    first, second = found.segments
    assert first.start == pytest.approx(0.98, abs=4 * first.start_std_stat)
    assert first.end == pytest.approx(0.18, abs=4 * first.end_std_stat)
    assert second.start == second.end == pytest.approx(0.5, abs=4 * second.start_std_stat)
    (point,) = found.change_points
    assert point.interval[0] <= 15 <= point.interval[1]
    assert point.std_sys == pytest.approx(1.5, rel=0.05)
    ((std, (low, high)),) = bootstrap(found, 30)
    assert std < 0.6
    assert low - 0.05 <= 15 <= high + 0.05


def test_no_region_where_there_is_none() -> None:
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(60):
        found = segment_profile(along(rng, 3000, lambda z: np.full(z.shape, 0.5)), "Pt",
                                most_changes=2)  # fmt: skip
        wrong += found.best.kinds != ("flat",)
        assert found.best.kinds != ("flat",) or not found.change_points
    assert wrong <= 3
    assert not found.decided, "simpler is not shown to be right"


def test_a_weak_gradient_is_not_decided() -> None:
    rng = np.random.default_rng(4)
    found = segment_profile(along(rng, 600, lambda z: 0.4 + 0.003 * z), "Pt", most_changes=2)
    assert not found.decided
    assert found.rival is not None
    slope = found.throughout.end - found.throughout.start
    error = np.hypot(found.throughout.start_std_stat, found.throughout.end_std_stat)
    assert slope == pytest.approx(0.12, abs=3 * error), "what could be there unseen"
    assert error > 0.04


def test_intervals_hold_the_change_point() -> None:
    rng = np.random.default_rng(5)
    inside, pulls = [], []
    for _ in range(120):
        where = rng.uniform(15, 25)
        made = along(rng, 2000, lambda z, w=where: np.where(z < w, 0.3, 0.55), 0.5)
        found = segment_profile(made, "Pt", most_changes=1)
        if found.best.kinds != ("flat", "flat"):
            continue
        point = found.change_points[0]
        inside.append(point.interval[0] <= where <= point.interval[1])
        pulls.append((point.position - where) / point.std_stat)
    assert len(inside) > 105
    assert 0.6 < np.mean(inside) < 0.92, "68.3 %, and more for what the bins cannot resolve"
    assert np.mean(pulls) == pytest.approx(0, abs=0.35)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.3)


def test_fine_bins_are_joined_to_find_and_used_to_place() -> None:
    rng = np.random.default_rng(6)
    made = along(rng, 20_000, lambda z: np.where(z < 17.33, 0.2, 0.6), 0.05)
    found = segment_profile(made, "Pt", most_changes=1, most_bins=60)
    assert found.merged
    (point,) = found.change_points
    assert point.position == pytest.approx(17.33, abs=0.15)
    assert point.std_stat < 0.15


def test_bad_input() -> None:
    made = along(np.random.default_rng(7), 100, anode, 10.0)
    with pytest.raises(BadInputError, match="4 bins with ions, two stretches of 3 bins take 6"):
        segment_profile(made, "Pt")
    with pytest.raises(BadInputError, match="'Cr' is in no range"):
        segment_profile(made, "Cr")
    good = segment_profile(along(np.random.default_rng(7), 3000, anode), "Pt", most_changes=1)
    with pytest.raises(BadInputError, match="1 repeats give no spread"):
        bootstrap(good, 1)


def soft(z: np.ndarray) -> np.ndarray:
    """0.2 and 0.7 with an error function of σ = 1.5 nm between them."""
    return 0.2 + 0.5 * ndtr((z - 18.3) / 1.5)


def test_a_diffuse_step_is_one_step_with_a_width() -> None:
    found = segment_profile(along(np.random.default_rng(8), 20_000, soft), "Pt")
    assert found.best.name == "1 change point, diffuse"
    assert found.best.widths == pytest.approx((1.5 * ERF_10_90,), rel=0.25)
    assert found.rival is not None
    assert "gradient" in found.rival.kinds
    sharp = next(one for one in found.models if one.name == "1 change point")
    assert sharp.bic > found.best.bic + 50
    (point,) = found.change_points
    assert point.diffuse
    assert point.position == pytest.approx(18.3, abs=4 * point.std_stat)
    low, high = point.width_interval
    assert low < 1.1 * 1.5 * ERF_10_90
    assert high > 0.9 * 1.5 * ERF_10_90
    assert "diffuse: " in point.sentence()
    first, second = found.segments
    assert first.start == pytest.approx(0.2, abs=4 * first.start_std_stat), "not the blurred bins"
    assert second.start == pytest.approx(0.7, abs=4 * second.start_std_stat)


def test_a_sharp_step_has_an_upper_limit_of_its_width() -> None:
    made = along(np.random.default_rng(9), 20_000, lambda z: np.where(z < 18.3, 0.2, 0.7))
    found = segment_profile(made, "Pt")
    (point,) = found.change_points
    assert point.width_interval is not None
    assert point.width_interval[1] < 1.5
    assert point.interval[0] - 0.2 < 18.3 < point.interval[1] + 0.2
    if not point.diffuse:
        assert "sharp or at most" in point.sentence()


def test_many_wide_steps_are_no_rival_of_a_gradient() -> None:
    made = along(np.random.default_rng(10), 20_000, lambda z: 0.1 + 0.02 * z)
    found = segment_profile(made, "Pt")
    assert found.best.kinds == ("gradient",)
    for model in found.models:
        if model.widths:
            assert sum(model.widths) < 40.0 - model.widths[0] / 2 - model.widths[-1] / 2 + 1e-6


def test_errors_of_diffuse_steps_hold() -> None:
    rng = np.random.default_rng(11)
    pulls = []
    for _ in range(40):
        found = segment_profile(along(rng, 3000, soft), "Pt", most_changes=2)
        if len(found.change_points) == 1 and found.change_points[0].diffuse is not None:
            point = found.change_points[0]
            pulls.append((point.position - 18.3) / point.std_stat)
    assert len(pulls) > 33
    assert abs(np.mean(pulls)) < 0.55
    assert 0.65 < np.std(pulls) < 1.4, "a sharp model's error is too small by 1.6"
