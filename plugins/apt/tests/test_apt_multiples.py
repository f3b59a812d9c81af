"""Multiple hits and history from ions whose pulses are known."""

from __future__ import annotations

import numpy as np
import pytest

from consilience.errors import BadInputError
from consilience_apt.files.stream import array_source
from consilience_apt.ions import Ion
from consilience_apt.masses.multiples import measure_history, measure_hits
from consilience_apt.ranges import Range, RangeTable

TABLE = RangeTable([Range(6.9, 7.1, Ion.parse("Li")), Range(194.0, 196.0, Ion.parse("Pt"))])


def run(lengths, seed=1):
    """Pulses with the given numbers of ions; pairs are Li with Pt, single ions Pt."""
    chance = np.random.default_rng(seed)
    lengths = np.asarray(lengths)
    ions = int(lengths.sum())
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    stated, since = np.zeros(ions), np.zeros(ions)
    stated[starts] = lengths
    since[starts] = chance.integers(1, 200, lengths.size)
    mass = np.full(ions, 195.0)
    inside = np.ones(ions, bool)
    inside[starts] = False
    mass[inside] = 7.0
    none = np.zeros(ions)
    return array_source(
        none, none, none, mass,
        {
            "ions_per_pulse": stated, "pulses_since": since,
            "voltage": np.linspace(3000.0, 6000.0, ions), "pulse_voltage": none,
            "detector_x": chance.uniform(-10, 10, ions), "detector_y": np.full(ions, 5.0),
        },
    )  # fmt: skip


def test_events_are_counted_across_blocks():
    # 7 × 2^18/7: pulses straddle the blocks in which ions are read
    lengths = np.tile([1, 3, 1, 2], 100_000)
    found = measure_hits(run(lengths), TABLE, width=1.0, high=200.0)
    assert found.events[:5].tolist() == [0, 200_000, 100_000, 100_000, 0]
    assert found.inconsistent == 0
    assert found.ions == 700_000
    assert found.fraction == pytest.approx(5 / 7)
    assert found.single.tolist() == [0, 0, 200_000]
    assert found.multiple.tolist() == [0, 300_000, 200_000]
    # pairs: 2 Li-Pt and 1 Li-Li of three, 1 Li-Pt of two
    assert found.pairs[7, 195] == 300_000
    assert found.pairs[7, 7] == 100_000
    assert found.pairs.sum() == 400_000
    assert found.pairs[195, 7] == 0


def test_error_of_the_fraction_holds():
    chance = np.random.default_rng(7)
    values, stds = [], []
    for _ in range(400):
        found = measure_hits(
            run(chance.choice([1, 2, 4], chance.poisson(500), p=[0.8, 0.15, 0.05]))
        )
        values.append(found.fraction)
        stds.append(found.fraction_std)
    assert np.std(values) == pytest.approx(np.mean(stds), rel=0.15)


def test_pulses_that_lost_ions_are_counted():
    source = run([2, 2, 1])
    source._columns["ions_per_pulse"][:] = [2, 0, 3, 0, 1]
    assert measure_hits(source).inconsistent == 1


def test_history():
    source = run(np.tile([1, 2], 5000))
    found = measure_history(source, steps=10, reach=10.0, pixels=4)
    assert found.first.tolist() == list(range(0, 15_000, 1500))
    assert found.voltage == pytest.approx(3000 + 3000 * (np.arange(10) + 0.5) / 10, abs=1)
    assert found.detector.sum() == 15_000
    assert np.all(found.detector[:, 3] > 0)
    assert found.detector[:, :3].sum() == 0
    # one pulse of two has ions, on average every hundredth
    assert found.rate == pytest.approx(0.01, abs=6 * found.rate_std.max())
    assert found.pulses.sum() == pytest.approx(10_000 * 100, rel=0.05)


def test_a_pos_has_no_pulses():
    plain = array_source([0.0], [0.0], [0.0], [7.0])
    with pytest.raises(BadInputError, match="do not say which came together"):
        measure_hits(plain)
    with pytest.raises(BadInputError, match="no voltage, pulses or detector"):
        measure_history(plain)
    with pytest.raises(BadInputError, match="0 bins a side"):
        measure_hits(run([1]), high=0.1)
