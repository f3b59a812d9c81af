"""Intervals and limits against published tables."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from consilience.errors import BadInputError
from consilience_apt.amounts.intervals import currie, feldman_cousins, poisson_interval

# Feldman and Cousins, Phys. Rev. D 57 (1998) 3873, table IV (90 %): counts, background, interval
TABLE_90 = [
    (0, 0.0, 0.00, 2.44), (0, 0.5, 0.00, 1.94), (0, 1.0, 0.00, 1.61), (0, 1.5, 0.00, 1.33),
    (0, 2.0, 0.00, 1.26), (0, 2.5, 0.00, 1.18), (0, 3.0, 0.00, 1.08), (0, 3.5, 0.00, 1.06),
    (0, 4.0, 0.00, 1.01), (0, 5.0, 0.00, 0.98), (1, 0.0, 0.11, 4.36), (1, 0.5, 0.00, 3.86),
    (1, 1.0, 0.00, 3.36), (1, 3.0, 0.00, 1.88), (1, 5.0, 0.00, 1.22), (2, 0.0, 0.53, 5.91),
    (3, 0.0, 1.10, 7.42), (4, 0.0, 1.47, 8.60), (5, 0.0, 1.84, 9.99), (6, 0.0, 2.21, 11.47),
    (7, 0.0, 3.56, 12.53), (8, 0.0, 3.96, 13.99), (9, 0.0, 4.36, 15.30), (10, 0.0, 5.50, 16.50),
    (20, 0.0, 13.55, 28.52),
]  # fmt: skip
# tables II (68.27 %) and VI (95 %), no background
TABLE_68 = [(0, 0.00, 1.29), (1, 0.37, 2.75), (2, 0.74, 4.25), (3, 1.10, 5.30), (10, 6.78, 13.81)]
TABLE_95 = [(0, 0.00, 3.09), (1, 0.05, 5.14), (2, 0.36, 6.72), (5, 1.84, 11.26), (10, 4.75, 17.82)]


@pytest.mark.parametrize(("counts", "background", "low", "high"), TABLE_90)
def test_the_published_table_at_90(counts, background, low, high):
    assert feldman_cousins(counts, background, 0.9) == pytest.approx((low, high), abs=0.0101)


@pytest.mark.parametrize(("level", "table"), [(0.6827, TABLE_68), (0.95, TABLE_95)])
def test_the_published_tables_at_68_and_95(level, table):
    for counts, low, high in table:
        assert feldman_cousins(counts, 0.0, level) == pytest.approx((low, high), abs=0.0101)


@pytest.mark.parametrize("signal", [0.0, 0.7, 4.0])
def test_unified_intervals_cover_what_they_say(signal):
    background = 2.0
    numbers = np.arange(40)
    chance = poisson.pmf(numbers, signal + background)
    ends = [feldman_cousins(int(n), background, 0.9) for n in numbers]
    covered = sum(p for p, (low, high) in zip(chance, ends, strict=True) if low <= signal <= high)
    assert covered > 0.899
    assert covered < 0.99


def test_many_counts_join_smoothly():
    for before, after in zip(
        feldman_cousins(200, 3.0, 0.9), feldman_cousins(201, 3.0, 0.9), strict=True
    ):
        assert abs(after - before - 1.0) < 0.6


def test_poisson_intervals_of_gehrels():
    # N. Gehrels, Astrophys. J. 303 (1986) 336, tables 1 and 2, at 0.8413 one-sided
    table = [(0, 0.0, 1.841), (1, 0.173, 3.300), (3, 1.367, 5.918), (10, 6.891, 14.27)]
    for counts, low, high in table:
        assert poisson_interval(counts, 2 * 0.8413447 - 1) == pytest.approx((low, high), abs=0.005)


def test_currie_has_the_published_form():
    # L. A. Currie, Anal. Chem. 40 (1968) 586, table II: paired observations
    for background in (400.0, 2500.0):
        limits = currie(background, background)
        assert limits.critical == pytest.approx(2.33 * background**0.5, rel=2e-3)
        assert limits.detection == pytest.approx(2.71 + 4.65 * background**0.5, rel=2e-3)
        known = currie(background)
        assert known.critical == pytest.approx(1.64 * background**0.5, rel=5e-3)
        assert known.detection == pytest.approx(2.71 + 3.29 * background**0.5, rel=2e-3)
    assert currie(0.0).detection == pytest.approx(3.0, abs=0.01)


@pytest.mark.parametrize("background", [0.0, 0.4, 3.0, 17.0, 60.0])
def test_the_limit_is_missed_as_rarely_as_stated(background):
    limits = currie(background)
    most = background + limits.critical
    assert limits.exact
    assert poisson.sf(most, background) <= 0.05
    assert poisson.cdf(most, background + limits.detection) == pytest.approx(0.05, abs=1e-6)


def test_nonsense_is_refused():
    with pytest.raises(BadInputError, match="no interval for -1 counts"):
        feldman_cousins(-1, 0.0)
    with pytest.raises(BadInputError, match="over -2 at level"):
        feldman_cousins(1, -2.0)
    with pytest.raises(BadInputError, match="at level 1"):
        poisson_interval(1, 1.0)
