"""Profiles and fractions against numpy, scipy and the published counts of a real needle."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from consilience.errors import BadInputError
from consilience_apt.files.range_files import read_ranges
from consilience_apt.files.stream import array_source
from consilience_apt.ions import Ion
from consilience_apt.ranges import Range, RangeTable
from consilience_apt.space.counting import BackgroundShare, Counts
from consilience_apt.space.profile import profile, profile_by_counts
from consilience_apt.space.roi import Box, Sphere

MASS = {"Li": 7.0, "Pt": 195.0, "O2": 32.0, "LiO": 23.0}
TABLE = RangeTable([Range(m - 0.5, m + 0.5, Ion.parse(n)) for n, m in MASS.items()], "four.rrng")
ROW = [None, *(ion.formula for ion in TABLE.ions)]


def row(**ions: float) -> np.ndarray:
    """Return ions of each species in the order of the table; `rest` is unranged."""
    return np.array([ions.get("rest", 0), *(ions.get(str(name), 0) for name in ROW[1:])])


def counted(*rows: np.ndarray) -> Counts:
    return Counts(np.array(rows, dtype=np.int64), TABLE)


def ions(n: int = 20_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    positions = rng.uniform(-12.3, 17.9, (n, 3)).astype(np.float32)
    return positions, rng.choice([*MASS.values(), 99.0], n, p=[0.3, 0.3, 0.2, 0.1, 0.1])


@pytest.mark.parametrize("axis", ["z", "x", (1.0, -2.0, 0.5)])
def test_counts_are_those_of_numpy(axis: object) -> None:
    positions, mass = ions()
    found = profile(array_source(*positions.T, mass), TABLE, axis, 0.7)
    vector = np.asarray(found.direction)
    at = positions.astype(float) @ vector
    for ion in TABLE.ions:
        expected, _ = np.histogram(at[mass == MASS[ion.formula]], found.edges)
        row = TABLE.ions.index(ion) + 1
        np.testing.assert_array_equal(found.counts.ions[:, row], expected)
    assert found.counts.ions.sum() == len(mass), "unranged ions are counted too"
    assert found.edges[0] <= at.min() < found.edges[1]
    assert found.edges[-2] <= at.max() < found.edges[-1]


def test_bins_of_one_number_of_ions() -> None:
    positions, mass = ions()
    source = array_source(*positions.T, mass)
    found = profile_by_counts(source, TABLE, "z", 500, resolution=0.001)
    ranged = found.counts.ranged
    assert ranged.sum() == np.isin(mass, list(MASS.values())).sum()
    assert (ranged[:-1] >= 500).all()
    assert (ranged[:-1] < 520).all(), "edges are fine enough"
    assert (np.diff(found.edges) > 0).all()
    at = positions[:, 2].astype(float)
    np.testing.assert_array_equal(found.counts.ions.sum(axis=1), np.histogram(at, found.edges)[0])


def test_monatomic_errors_are_binomial() -> None:
    counts = counted(row(rest=5, Li=30, Pt=70))
    found = counts.fraction("Li")
    assert found.value[0] == pytest.approx(0.3)
    assert found.std_stat[0] == pytest.approx(np.sqrt(0.3 * 0.7 / 100))
    assert found.std_sys is None
    low, high = found.interval(0.95)
    wilson = binomtest(30, 100).proportion_ci(0.95, method="wilson")
    assert (low[0], high[0]) == pytest.approx((wilson.low, wilson.high))


def test_published_platinum_and_lithium() -> None:
    found = counted(row(Li=14412, Pt=14984)).fraction("Li")
    assert 100 * found.value[0] == pytest.approx(49.03, abs=0.005)
    assert 100 * found.std_stat[0] == pytest.approx(0.29, abs=0.005)


def test_molecular_errors_are_those_of_repeated_counting() -> None:
    rng = np.random.default_rng(3)
    truth = row(Li=300, Pt=250, O2=120, LiO=80).astype(float)
    drawn = Counts(rng.poisson(truth, (40_000, 5)), TABLE)
    once = counted(truth)
    for what in ("Li", "O", "Pt"):
        spread = drawn.fraction(what).value.std()
        assert once.fraction(what).std_stat[0] == pytest.approx(spread, rel=0.02)
    values = np.array([drawn.fraction(e).value for e in TABLE.elements])
    expected = np.cov(values)
    np.testing.assert_allclose(once.covariance(0), expected, atol=0.03 * expected.max())
    assert abs(once.covariance(0).sum()) < 1e-12


def test_background_is_taken_off_with_both_errors() -> None:
    share, std = row(Li=0.02, Pt=0.01), row(Li=0.004, Pt=0.002)
    rng = np.random.default_rng(4)
    truth = row(rest=700, Li=120, Pt=180).astype(float)
    many = Counts(rng.poisson(truth, (40_000, 5)), TABLE, BackgroundShare(share, std))
    once = Counts(truth.astype(int)[None], TABLE, many.background)
    found = once.fraction("Li")
    assert found.value[0] == pytest.approx((120 - 20) / (120 - 20 + 180 - 10))
    assert found.std_stat[0] == pytest.approx(many.fraction("Li").value.std(), rel=0.02)
    moved = [
        Counts(once.ions, TABLE, BackgroundShare(share + d, std)).fraction("Li").value[0]
        for d in rng.normal(0, 1, (20_000, 5)) * std
    ]
    assert found.std_sys is not None
    assert found.std_sys[0] == pytest.approx(np.std(moved), rel=0.03)
    with pytest.raises(BadInputError, match="background of 2 labels for 4 ranges"):
        Counts(once.ions, TABLE, BackgroundShare(share[:2], std[:2])).fraction("Li")


def test_nothing_counted_is_not_nothing_there() -> None:
    counts = counted(row(Pt=50), row(rest=3))
    found = counts.fraction("Li")
    assert found.value[0] == 0
    assert found.std_stat[0] == pytest.approx(np.sqrt((0.5 / 51) * (1 - 0.5 / 51) / 50))
    assert counts.fraction("Pt").std_stat[0] > 0
    assert np.isnan(found.value[1])
    assert np.isnan(found.std_stat[1]), "no ranged ion: unknown, not zero"
    low, high = found.interval()
    wilson = binomtest(0, 50).proportion_ci(0.95, method="wilson")
    assert (low[0], high[0]) == pytest.approx((wilson.low, wilson.high))


def test_profile_bins_cover_the_truth() -> None:
    rng = np.random.default_rng(5)
    inside, pulls = [], []
    for _ in range(40):
        n = 5000
        z = rng.uniform(0, 10, n)
        mass = np.where(rng.random(n) < 0.05 + 0.06 * z, 7.0, 195.0)
        found = profile(array_source(z, z, z, mass), TABLE, "z", 0.5)
        truth = 0.05 + 0.06 * found.centres
        made = found.fraction("Li")
        low, high = made.interval(0.683)
        inside.append((low <= truth) & (truth <= high))
        pulls.append((made.value - truth) / made.std_stat)
    assert np.mean(inside) == pytest.approx(0.683, abs=0.06)
    assert np.mean(pulls) == pytest.approx(0.0, abs=0.15)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.1)


def test_dispersion_of_molecular_ions() -> None:
    plain = counted(row(Li=300, Pt=700))
    assert plain.binomial("Li")[2] == 1.0
    pairs = counted(row(Pt=700, O2=300))
    k, n, dispersion = pairs.binomial("O")
    assert (k[0], n[0]) == (600, 1300)
    f = 600 / 1300
    assert dispersion == pytest.approx(n[0] * pairs.fraction("O").std_stat[0] ** 2 / (f * (1 - f)))


def test_bad_input_says_what_to_do() -> None:
    positions, mass = ions(200)
    source = array_source(*positions.T, mass)
    with pytest.raises(BadInputError, match="holds none of the 200 ions"):
        profile(source, TABLE, "z", 1.0, Sphere((500, 0, 0), 1.0))
    with pytest.raises(BadInputError, match=r"'Cr' is in no range of four\.rrng; its elements are"):
        profile(source, TABLE, "z", 1.0).fraction("Cr")
    with pytest.raises(BadInputError, match="O has no range as an ion of its own"):
        profile(source, TABLE, "z", 1.0).fraction("O", "ionic")
    ranged = int(np.isin(mass, list(MASS.values())).sum())
    with pytest.raises(BadInputError, match=f"{ranged} ranged ions, fewer than the 1000 of a bin"):
        profile_by_counts(source, TABLE, "z", 1000)
    with pytest.raises(BadInputError, match="bins of 0 nm"):
        profile(source, TABLE, "z", 0.0)
    with pytest.raises(BadInputError, match="take wider bins"):
        profile(source, TABLE, "z", 1e-6)
    with pytest.raises(BadInputError, match="no axis"):
        profile(source, TABLE, "q", 1.0)
    with pytest.raises(BadInputError, match="no direction"):
        profile(source, TABLE, (0, 0, 0), 1.0)


def test_an_exception_in_progress_ends_the_pass() -> None:
    positions, mass = ions(200_000)
    seen = []

    def stop(done: int, total: int, what: str) -> None:
        seen.append((done, total, what))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        profile(array_source(*positions.T, mass), TABLE, "z", 1.0, progress=stop)
    assert seen == [(65536, 200_000, "profile")]


def test_memory_does_not_grow_with_the_ions() -> None:
    peaks = []
    for n in (200_000, 1_600_000):
        positions, mass = ions(n)
        source = array_source(*positions.T, mass)
        region = Box((0, 0, 0), (20, 20, 20), (0.0, 0.6, 0.8))
        profile(source, TABLE, "z", 0.5, region)  # the lookup table is made once
        tracemalloc.start()
        profile(source, TABLE, (0.0, 0.6, 0.8), 0.5, region)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
    assert peaks[1] < 12e6


@pytest.mark.data
def test_real_needle_has_the_published_composition(shared_data: Path) -> None:
    raw = np.fromfile(shared_data / "apt" / "Si.pos", ">f4").reshape(-1, 4).T
    table = read_ranges(shared_data / "apt" / "Si.RRNG")
    found = profile(array_source(*raw), table, "z", 1.0)
    assert found.counts.ranged.sum() == 877010
    whole = found.counts.summed()
    for what, percent in {"Si": 74.677, "Cr": 16.632, "O": 8.559, "C": 0.067, "Cu": 0.065}.items():
        assert 100 * whole.fraction(what).value[0] == pytest.approx(percent, abs=6e-4)
    ionic = {"Si": 89.5173, "Cr2O": 9.7673, "CrO": 0.1917, "O": 0.1545, "Cr": 0.1376}
    for what, percent in ionic.items():
        assert 100 * whole.fraction(what, "ionic").value[0] == pytest.approx(percent, abs=6e-5)
    silicon = found.fraction("Si").value
    assert silicon[10] > 0.98
    assert silicon[-5] < 0.1, "the cap is at the top"
