"""Frequency distribution of block compositions, against the binomial.

Two questions are asked of the same counts.  `frequency_test` compares the whole distribution
(χ² over numbers of solute ions per block, Pearson μ), `dispersion_test` its variance alone, which
is what segregation raises first and therefore finds smaller amplitudes.

Both keep the number of solute ions that was found: their reference is random labelling of these
very ions, so that blocks are drawn without replacement (hypergeometric), to which the binomial is
the limit for many blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import betabinom, binom, chi2, hypergeom

from consilience_apt.homogeneity.blocks import BlockCounts
from consilience_apt.homogeneity.result import (
    LEVEL,
    POWER,
    HomogeneityResult,
    cannot_tell,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FEWEST_BLOCKS", "FEWEST_EXPECTED", "dispersion_test", "frequency_test"]

FEWEST_EXPECTED = 5.0
"""Blocks expected in each class after pooling."""
FEWEST_BLOCKS = 20
"""Below it, neither χ² nor a variance says anything."""
POWER_DRAWS = 1000
"""Draws for the power of the frequency test; the smallest effect is good to about 5 %."""
EFFECT = "standard deviation of composition between blocks"


def frequency_test(
    blocks: BlockCounts, relabellings: int = 999, seed: int = 1
) -> HomogeneityResult:
    """Compare how often blocks hold 0, 1, 2 … solute ions with random labelling.

    Classes are pooled from the tails until each expects `FEWEST_EXPECTED` blocks.  Because the
    mean is taken from the same blocks, χ² follows neither k − 1 nor k − 2 degrees of freedom
    [2]_; so the p-value comes from relabelling, and the tabulated one is in ``details``.

    Parameters
    ----------
    blocks : BlockCounts
    relabellings : int
        Draws of all blocks without replacement; the p-value is exact at
        multiples of 1 / (relabellings + 1).
    seed : int
        Of the relabellings.

    Returns
    -------
    HomogeneityResult
        `pearson_mu` = √(χ²/(N + χ²)) with N blocks (eq. 5 of [1]_).  The effect is the standard
        deviation of the blocks' composition beyond the random one (as a fraction), negative
        where compositions vary less than at random.

    References
    ----------
    .. [1] M. P. Moody et al., Microsc. Res. Tech. 71 (2008) 542, doi:10.1002/jemt.20582.
    .. [2] H. Chernoff, E. L. Lehmann, Ann. Math. Stat. 25 (1954) 579.
    """
    test = "frequency distribution"
    refused = _refused(test, blocks)
    if refused is not None:
        return refused
    number, size, solute = len(blocks.counts), blocks.size, blocks.solute
    share = solute / blocks.ions
    k = np.arange(size + 1)
    expected = number * hypergeom.pmf(k, blocks.ions, solute, size)
    edges = _pooled(expected)
    if len(edges) < 4:
        return cannot_tell(
            test,
            blocks.ions,
            solute,
            f"only {len(edges) - 1} classes expect {FEWEST_EXPECTED:g} blocks each, three are "
            "needed; take smaller or more blocks",
        )
    pooled = np.add.reduceat(expected, edges[:-1])
    table = np.bincount(blocks.counts, minlength=size + 1)
    observed = np.add.reduceat(table, edges[:-1])
    statistic = float(((observed - pooled) ** 2 / pooled).sum())
    # which class a count falls in
    class_of = np.searchsorted(edges, k, side="right") - 1
    chance = np.random.default_rng(seed)
    drawn = chance.multivariate_hypergeometric(
        np.full(number, size), solute, size=relabellings, method="marginals"
    )
    classes = class_of[drawn] + np.arange(relabellings)[:, None] * len(pooled)
    random = np.bincount(classes.ravel(), minlength=relabellings * len(pooled))
    random_statistic = ((random.reshape(relabellings, -1) - pooled) ** 2 / pooled).sum(axis=1)
    reached = int((random_statistic >= statistic * (1 - 1e-12)).sum())
    freedom = len(pooled) - 2
    critical = float(np.quantile(random_statistic, 1.0 - LEVEL, method="higher"))
    return HomogeneityResult(
        test=test,
        ions=blocks.ions,
        solute=solute,
        p_value=(1 + reached) / (relabellings + 1),
        statistic=statistic,
        statistic_name="χ²",
        degrees_of_freedom=freedom,
        pearson_mu=(statistic / (number + statistic)) ** 0.5,
        effect=_amplitude(blocks),
        smallest_effect=_smallest_frequency(size, share, number, edges, critical),
        effect_name=EFFECT,
        details={
            "blocks": float(number),
            "block_size": float(size),
            "left_over": float(blocks.left_over),
            "p_value_of_table": float(chi2.sf(statistic, freedom)),
        },
        tables={
            "first_count": edges[:-1],
            "observed": observed,
            "expected": pooled,
            "binomial": np.add.reduceat(number * binom.pmf(k, size, share), edges[:-1]),
        },
        notes=(f"blocks: {blocks.how}", f"p-value by {relabellings} relabellings"),
    )


def dispersion_test(blocks: BlockCounts) -> HomogeneityResult:
    """Compare the variance of block compositions with that of random labelling.

    The statistic is χ² of the table solute / rest × blocks, with (blocks − 1) degrees of freedom.
    Two-sided: too little variance is order.

    Returns
    -------
    HomogeneityResult
        Effect as in `frequency_test`.

    References
    ----------
    .. [1] J. B. S. Haldane, Biometrika 31 (1940) 346 (mean and variance of χ² of a table).
    .. [2] W. G. Cochran, Biometrics 10 (1954) 417 (dispersion test for the binomial).
    """
    test = "dispersion of blocks"
    refused = _refused(test, blocks)
    if refused is not None:
        return refused
    number, size, solute = len(blocks.counts), blocks.size, blocks.solute
    share = solute / blocks.ions
    least = size * min(share, 1 - share)
    if least < 1.0:
        return cannot_tell(
            test,
            blocks.ions,
            solute,
            f"a block of {size} ions expects {least:.2g} ions of the rarer sort, 1 is needed for "
            "χ²; take larger blocks",
        )
    freedom = number - 1
    # without replacement the statistic has mean (blocks − 1)·ions/(ions − 1)
    statistic = float(
        ((blocks.counts - size * share) ** 2).sum() / (size * share * (1 - share))
    ) * ((blocks.ions - 1) / blocks.ions)
    # given the number of solute ions, the variance is 2(n − 1)/n a block, not χ²'s 2 [1]
    adjusted = freedom + (statistic - freedom) * (size / (size - 1)) ** 0.5
    tail = min(float(chi2.sf(adjusted, freedom)), float(chi2.cdf(adjusted, freedom)))
    return HomogeneityResult(
        test=test,
        ions=blocks.ions,
        solute=solute,
        p_value=min(1.0, 2.0 * tail),
        statistic=statistic,
        statistic_name="χ²",
        degrees_of_freedom=freedom,
        pearson_mu=None,
        effect=_amplitude(blocks),
        smallest_effect=_smallest_dispersion(size, share, freedom),
        effect_name=EFFECT,
        details={
            "blocks": float(number),
            "block_size": float(size),
            "left_over": float(blocks.left_over),
            "variance_ratio": statistic / freedom,
        },
        notes=(f"blocks: {blocks.how}",),
    )


def _refused(test: str, blocks: BlockCounts) -> HomogeneityResult | None:
    number = len(blocks.counts)
    if blocks.ions == 0:
        reason = f"no block of {blocks.size} ions is full ({blocks.left_over} ions)"
    elif blocks.size < 2:
        reason = "blocks of one ion have no composition; take 10 to 1000 ions a block"
    elif blocks.solute == 0:
        reason = f"none of {blocks.ions} ions is of the element"
    elif blocks.solute == blocks.ions:
        reason = f"all of {blocks.ions} ions are of the element"
    elif number < FEWEST_BLOCKS:
        reason = f"{number} blocks are too few, {FEWEST_BLOCKS} are needed"
    else:
        return None
    return cannot_tell(test, blocks.ions, blocks.solute, reason)


def _amplitude(blocks: BlockCounts) -> float:
    """Return the standard deviation of composition beyond the random one, signed."""
    size, share = blocks.size, blocks.solute / blocks.ions
    random = size * share * (1 - share) * blocks.ions / (blocks.ions - 1)
    variance = float(((blocks.counts - size * share) ** 2).sum()) / (len(blocks.counts) - 1)
    excess = (variance - random) / (size * (size - 1))
    return float(np.sign(excess) * abs(excess) ** 0.5)


def _pooled(expected: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the first count of each class and the end, pooled inwards from both tails."""
    edges = [0]
    total = 0.0
    for k, here in enumerate(expected):
        total += float(here)
        if total >= FEWEST_EXPECTED:
            edges.append(k + 1)
            total = 0.0
    edges[-1] = len(expected)  # the upper tail joins the last full class
    return np.array(edges if len(edges) > 1 else [0, len(expected)], dtype=np.intp)


def _smallest_frequency(
    size: int, share: float, number: int, edges: NDArray[np.intp], critical: float
) -> float | None:
    """Return the amplitude that takes χ² beyond `critical` with probability `POWER`.

    Compositions are drawn from beta distributions of that standard deviation.  The noncentral
    χ² would do for very many blocks; at some hundred it promises too much, because the tails'
    classes scatter more than at random.
    """
    k = np.arange(size + 1)

    def classes(p: float) -> NDArray[np.float64]:
        return np.asarray(number * np.add.reduceat(binom.pmf(k, size, p), edges[:-1]))

    step = 1e-3 * share * (1 - share)
    middle = classes(share)
    slope = (classes(share + step) - classes(share - step)) / (2 * step)

    def missing(amplitude: float) -> float:
        total = share * (1 - share) / amplitude**2 - 1.0
        pmf = betabinom.pmf(k, size, share * total, (1 - share) * total)
        drawn = np.random.default_rng(1).multinomial(number, pmf / pmf.sum(), size=POWER_DRAWS)
        found = drawn @ k / (number * size)
        expected = np.maximum(middle + slope * (found - share)[:, None], 1e-3)
        observed = np.add.reduceat(drawn, edges[:-1], axis=1)
        statistic = ((observed - expected) ** 2 / expected).sum(axis=1)
        return float((statistic > critical).mean()) - POWER

    # random draws make steps of it, so that a bisection to 1 % is as good as any
    low, high = 1e-4, 0.999
    largest = (share * (1 - share)) ** 0.5
    if missing(high * largest) < 0:
        return None  # nothing that is possible would be seen
    while high > 1.01 * low:
        half = (low * high) ** 0.5
        low, high = (half, high) if missing(half * largest) < 0 else (low, half)
    return float(high * largest)


def _smallest_dispersion(size: int, share: float, freedom: int) -> float | None:
    """Return the amplitude that inflates the variance enough to be seen.

    With compositions spread by A about the mean, counts have 1 + (n − 1)A²/(pq) times the random
    variance, and so has χ².
    """
    inflation = float(chi2.isf(LEVEL / 2, freedom)) / float(chi2.isf(POWER, freedom))
    excess = (inflation - 1.0) * share * (1 - share) / (size - 1)
    return float(excess**0.5) if excess < share * (1 - share) else None
