"""Homogeneity: false alarms at the level, planted segregation found, and 'cannot tell' said."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from consilience.errors import BadInputError
from consilience_apt.homogeneity import (
    BlockCounts,
    HomogeneityResult,
    adjacent_table,
    adjacent_test,
    detection_blocks,
    dispersion_test,
    frequency_test,
    neighbour_test,
    radial_test,
    spatial_blocks,
)

RADII = np.arange(0.0, 3.1, 0.5)


def random_blocks(rng: np.random.Generator, share: float = 0.3, number: int = 60) -> BlockCounts:
    return BlockCounts(rng.binomial(40, share, number), 40, 0, "drawn")


def needle(rng: np.random.Generator, ions: int = 400) -> tuple[np.ndarray, np.ndarray]:
    return rng.uniform(0.0, 8.0, (ions, 3)), rng.random(ions) < 0.25


def clustered(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    positions = rng.uniform(0.0, 8.0, (1500, 3))
    near = np.linalg.norm(positions - 4.0, axis=1) < 2.0
    return positions, rng.random(1500) < np.where(near, 0.6, 0.08)


def inside_binomial(alarms: int, repeats: int) -> bool:
    # 1 in 1000 on either side: a false alarm of this test must stay rare itself
    low, high = binom.ppf([0.001, 0.999], repeats, 0.05)
    return bool(low <= alarms <= high)


def test_false_alarms_come_at_the_level() -> None:
    repeats = 200
    alarms = dict.fromkeys(("frequency", "dispersion", "adjacent", "neighbours", "radial"), 0)
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        blocks = random_blocks(rng)
        labels = (rng.random(1500) < 0.3).astype(int)
        region = needle(rng, 200)
        results = {
            "frequency": frequency_test(blocks, 99, seed),
            "dispersion": dispersion_test(blocks),
            "adjacent": adjacent_test(adjacent_table([(labels, None)], 2)),
            "neighbours": neighbour_test(*region, relabellings=39, seed=seed),
            "radial": radial_test(*region, RADII, 39, seed)[0],
        }
        for name, result in results.items():
            assert result.p_value is not None, result.sentence()
            alarms[name] += result.p_value <= 0.05
    wrong = {name: n for name, n in alarms.items() if not inside_binomial(n, repeats)}
    assert not wrong, f"false alarms in {repeats} repeats: {wrong}"


@pytest.mark.parametrize("test", [frequency_test, dispersion_test])
def test_the_smallest_effect_is_found_four_times_in_five(test: object) -> None:
    rng = np.random.default_rng(3)
    share = 0.3
    result: HomogeneityResult = test(random_blocks(rng, share))
    assert result.smallest_effect is not None
    total = share * (1 - share) / result.smallest_effect**2 - 1
    found = 0
    for _ in range(100):
        composition = rng.beta(share * total, (1 - share) * total, 60)
        blocks = BlockCounts(rng.binomial(40, composition), 40, 0, "drawn")
        found += test(blocks).p_value < 0.05
    assert 0.68 <= found / 100 <= 0.90


def test_adjacent_detections_see_the_effect_they_claim() -> None:
    rng = np.random.default_rng(4)
    labels = (rng.random(2000) < 0.3).astype(int)
    smallest = adjacent_test(adjacent_table([(labels, None)], 2)).smallest_effect
    assert smallest == pytest.approx((7.849 / 1999) ** 0.5, rel=1e-3), "λ of Cohen's table"
    found = 0
    for _ in range(200):
        # repeating the last label with probability φ makes a chain of correlation φ
        chain = (rng.random(2000) < 0.3).astype(int)
        for i in np.flatnonzero(rng.random(2000) < smallest):
            if i:
                chain[i] = chain[i - 1]
        result = adjacent_test(adjacent_table([(chain, None)], 2))
        found += result.decision() == "segregated"
    assert 0.68 <= found / 200 <= 0.90


def test_a_cluster_is_seen_by_all_tests_in_space() -> None:
    positions, solute = clustered(np.random.default_rng(5))
    blocks = spatial_blocks(positions, solute, 30)
    assert blocks.ions + blocks.left_over == 1500
    results = [
        frequency_test(blocks),
        dispersion_test(blocks),
        neighbour_test(positions, solute),
        radial_test(positions, solute, RADII)[0],
    ]
    for result in results:
        assert result.decision() == "segregated", result.sentence()
        assert result.effect is not None
        assert result.smallest_effect is not None
    assert results[0].pearson_mu is not None
    assert 0 < results[0].pearson_mu < 1


def test_a_probability_that_underflows_is_not_called_zero() -> None:
    labels = np.repeat([0, 1], 2000)
    assert (
        "segregated (p < 1e-300)" in adjacent_test(adjacent_table([(labels, None)], 2)).sentence()
    )


def test_order_is_not_called_segregation() -> None:
    labels = np.tile([0, 1], 500)
    adjacent = adjacent_test(adjacent_table([(labels, None)], 2))
    assert adjacent.decision() == "ordered"
    assert adjacent.effect == pytest.approx(-1.0, abs=2e-3)
    blocks = detection_blocks([labels[:333], labels[333:]], 20)
    assert blocks.counts.tolist() == [10] * 50
    assert dispersion_test(blocks).decision() == "ordered"


def test_chi2_of_the_table_equals_scipy() -> None:
    from scipy.stats import chi2_contingency

    labels = np.random.default_rng(6).integers(0, 3, 3000)
    table = adjacent_table([(labels[:1], None), (labels[1:2000], None), (labels[2000:], None)], 3)
    whole = adjacent_table([(labels, None)], 3)
    np.testing.assert_array_equal(table.counts, whole.counts)
    expected = chi2_contingency(whole.counts, correction=False)
    result = adjacent_test(whole)
    assert result.statistic == pytest.approx(expected.statistic)
    assert result.p_value == pytest.approx(expected.pvalue)
    assert result.effect_name.startswith("Cramér")


def test_pairs_of_one_pulse_are_left_out() -> None:
    labels = np.array([0, 1, 1, 0, 1, 0])
    same = np.array([0, 1, 1, 0, 0, 1], dtype=bool)
    table = adjacent_table([(labels, same)], 2)
    assert table.left_out == 3
    np.testing.assert_array_equal(table.counts, [[0, 1], [1, 0]])
    parts = [(labels[:2], same[:2]), (labels[2:], same[2:])]
    assert (
        adjacent_table(parts, 2, lag=2).left_out
        == adjacent_table([(labels, same)], 2, 2).left_out
        == 1
    )


def test_radial_distribution_has_the_exact_random_mean_and_spread() -> None:
    rng = np.random.default_rng(8)
    positions = rng.uniform(0, 6, (120, 3))
    members = 30
    ratios, stds = [], []
    for seed in range(300):
        solute = np.zeros(120, dtype=bool)
        solute[np.random.default_rng(seed).choice(120, members, replace=False)] = True
        _, found = radial_test(positions, solute, np.array([0.0, 2.0]), 39)
        assert found is not None
        ratios.append(found.ratio[0])
        stds.append(found.ratio_std[0])
    assert np.mean(ratios) == pytest.approx(1.0, abs=4 * stds[0] / 300**0.5)
    assert np.std(ratios) == pytest.approx(stds[0], rel=0.15)


@pytest.mark.parametrize(
    ("ions", "solute", "reason"),
    [
        (0, 0, "there is no ion"),
        (1, 1, "a single ion has no neighbour"),
        (50, 0, "none of 50 ions is of the element"),
        (50, 50, "all of 50 ions are of the element"),
    ],
)
def test_too_little_in_space_cannot_tell(ions: int, solute: int, reason: str) -> None:
    positions = np.random.default_rng(1).uniform(0, 5, (ions, 3))
    labels = np.arange(ions) < solute
    for result in (
        neighbour_test(positions, labels),
        radial_test(positions, labels, RADII)[0],
    ):
        assert result.decision() == "cannot tell"
        assert result.p_value is None
        assert result.reason == reason


def test_few_solute_ions_cannot_tell() -> None:
    positions, _ = needle(np.random.default_rng(1))
    few = np.arange(400) < 3
    assert "3 solute ions among 400 are too few" in neighbour_test(positions, few).sentence()
    assert "no shell expects 5 solute pairs" in radial_test(positions, few, RADII)[0].sentence()


@pytest.mark.parametrize(
    ("counts", "size", "reason"),
    [
        ([], 40, "no block of 40 ions is full"),
        ([0] * 30, 40, "none of 1200 ions is of the element"),
        ([40] * 30, 40, "all of 1200 ions are of the element"),
        ([3] * 5, 40, "5 blocks are too few, 20 are needed"),
        ([1, 0] * 20, 1, "blocks of one ion have no composition"),
    ],
)
def test_too_few_blocks_cannot_tell(counts: list[int], size: int, reason: str) -> None:
    blocks = BlockCounts(np.array(counts, dtype=np.int64), size, 0, "given")
    for test in (frequency_test, dispersion_test):
        result = test(blocks)
        assert result.decision() == "cannot tell"
        assert reason in result.sentence()


def test_rare_elements_need_larger_blocks() -> None:
    rare = BlockCounts((np.arange(100) % 50 == 0).astype(np.int64), 20, 0, "given")
    assert "take larger blocks" in dispersion_test(rare).sentence()
    assert "classes expect 5 blocks each, three are needed" in frequency_test(rare).sentence()


@pytest.mark.parametrize("labels", [[], [1], [0] * 50, [0, 1] * 3])
def test_too_few_detections_cannot_tell(labels: list[int]) -> None:
    result = adjacent_test(adjacent_table([(np.array(labels, dtype=int), None)], 2))
    assert result.decision() == "cannot tell"
    assert result.reason


def test_senseless_input_is_refused_with_the_fix() -> None:
    positions, solute = needle(np.random.default_rng(1))
    with pytest.raises(BadInputError, match="do not belong together"):
        neighbour_test(positions, solute[:-1])
    broken = positions.copy()
    broken[3, 1] = np.nan
    for call in (
        lambda: neighbour_test(broken, solute),
        lambda: radial_test(broken, solute, RADII),
        lambda: spatial_blocks(broken, solute, 10),
    ):
        with pytest.raises(BadInputError, match="NaN or infinite"):
            call()
    with pytest.raises(BadInputError, match="do not increase"):
        radial_test(positions, solute, np.array([1.0, 1.0]))
    with pytest.raises(BadInputError, match="labels run from 0 to 5, 2 species are known"):
        adjacent_table([(np.array([0, 5]), None)], 2)
    with pytest.raises(BadInputError, match="a block of 0 ions"):
        detection_blocks([solute], 0)
    with pytest.raises(BadInputError, match="take an order of 1 or more"):
        neighbour_test(positions, solute, order=0)
    with pytest.raises(BadInputError, match=r"more than the 2\d* that neighbours"):
        neighbour_test(np.zeros((2_000_001, 3)), np.zeros(2_000_001, dtype=bool))
