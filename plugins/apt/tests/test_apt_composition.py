"""Composition: published values, propagated errors, systematic terms, traces."""

from __future__ import annotations

import numpy as np
import pytest
from apt_spectra import drawn, silicon

from consilience.errors import BadInputError
from consilience_apt.amounts.composition import compose, fractions_of
from consilience_apt.amounts.intervals import currie
from consilience_apt.amounts.systematics import (
    SystematicTerm,
    multiples_term,
    ranging_term,
    unknown_terms,
)
from consilience_apt.amounts.traces import trace_of, traces
from consilience_apt.ions import Ion
from consilience_apt.masses.background import RangeBackground, flight_background, quiet_windows
from consilience_apt.masses.spectrum import measure_spectrum
from consilience_apt.ranges import Range, RangeTable

TABLE = RangeTable(
    [
        Range(6.9, 7.1, Ion.parse("Li")),
        Range(22.8, 23.2, Ion.parse("LiO")),
        Range(30.0, 31.5),
        Range(194.0, 196.5, Ion.parse("Pt")),
    ]
)


def test_published_composition_of_silicon(shared_data):
    # APAV 1.4.0 RangedMassSpectrum
    ionic = {"Si": 89.5173, "Cr2O": 9.7673, "CrO": 0.1917, "O": 0.1545, "Cr": 0.1376,
             "C": 0.0805, "Cu": 0.0779, "CrO2": 0.0732}  # fmt: skip
    atomic = {"Si": 74.677, "Cr": 16.632, "O": 8.559, "C": 0.067, "Cu": 0.065}
    spectrum, table = silicon(shared_data)
    found = compose(table, spectrum.ranged)
    assert found.ionic.percent == pytest.approx(ionic, abs=5.1e-5)
    assert found.atomic.percent == pytest.approx(atomic, abs=5.1e-4)
    assert found.corrected is None
    assert found.atomic.sys is None


def test_published_counts_of_platinum_and_lithium():
    found = fractions_of(["Li", "Pt"], [14_412, 14_984])
    assert found.percent["Li"] == pytest.approx(49.03, abs=0.005)
    assert 100 * found.std_stat[0] == pytest.approx(0.29, abs=0.005)
    assert found.std_sys is None
    assert found.appm["Li"] == pytest.approx(490_271, abs=1)


def test_atoms_of_one_ion_are_counted_together():
    truth = np.array([3000.0, 1500.0, 700.0, 2500.0])
    chance = np.random.default_rng(2)
    found = [compose(TABLE, chance.poisson(truth)) for _ in range(3000)]
    assert found[0].atomic.names == ["Li", "O", "Pt"]
    values = np.array([one.atomic.values for one in found])
    stated = np.mean([one.atomic.stat for one in found], axis=0)
    assert values.mean(axis=0) == pytest.approx([4500 / 8500, 1500 / 8500, 2500 / 8500], rel=2e-3)
    assert np.cov(values.T) == pytest.approx(stated, rel=0.1, abs=1e-7)
    # as if atoms were independent it would be another number
    binomial = values.mean(axis=0)[0] * (1 - values.mean(axis=0)[0]) / 8500
    assert abs(stated[0, 0] / binomial - 1) > 0.2
    assert stated.sum() == pytest.approx(0.0, abs=1e-12)


def test_background_is_subtracted_with_its_errors():
    chance = np.random.default_rng(5)
    truth, quiet = np.array([300.0, 200.0, 0.0, 400.0]), np.array([100.0, 150.0, 50.0, 80.0])
    shape = np.outer(quiet, quiet) * 0.01
    pulls = []
    for _ in range(2000):
        level = chance.normal(1.0, 0.1)
        background = RangeBackground(quiet * level, shape, None, "planted", np.empty((0, 2)))
        found = compose(TABLE, chance.poisson(truth + quiet), background)
        pulls.append((found.ionic.values - truth[[0, 1, 3]] / 900) / found.ionic.std_stat)
    assert np.abs(np.mean(pulls, axis=0)).max() < 0.1
    assert np.std(pulls, axis=0) == pytest.approx(1.0, abs=0.08)
    assert found.corrected == "planted"
    assert found.unknown == ["background model"]


def test_known_systematic_terms_add_and_unknown_ones_are_named():
    one = SystematicTerm("ranging", np.diag([100.0, 0.0, 0.0, 0.0]), "planted")
    two = SystematicTerm("multiple hits", np.diag([0.0, 0.0, 0.0, 400.0]), "planted")
    found = compose(TABLE, [3000, 0, 0, 1000], terms=unknown_terms([one, two]))
    assert found.unknown == ["detection efficiency", "field-dependent loss"]
    # f = a/(a + b): df = (b da − a db)/(a + b)²
    expected = np.sqrt((1000 * 10) ** 2 + (3000 * 20) ** 2) / 4000**2
    assert found.ionic.std_sys[0] == pytest.approx(expected)
    assert compose(TABLE, [3000, 0, 0, 1000], terms=unknown_terms([])).ionic.std_sys is None


def test_ranging_is_computed_from_the_counts_at_the_edges():
    ions = drawn({"Li+": 100_000, "Ni+": 100_000}, quiet=10_000, resolving=300.0)
    wide = RangeTable([Range(6.8, 7.25, Ion.parse("Li")), Range(57.0, 58.8, Ion.parse("Ni"))])
    tight = RangeTable([Range(7.005, 7.03, Ion.parse("Li")), Range(57.7, 58.2, Ion.parse("Ni"))])
    sizes = []
    for table in (wide, tight):
        spectrum = measure_spectrum(ions, table, width=0.002)
        term = ranging_term(spectrum, table, 300.0)
        sizes.append(np.sqrt(np.diag(term.covariance)) / spectrum.ranged)
    assert sizes[0][0] < 1e-3
    assert sizes[1][0] > 0.1


def test_multiple_hits_are_computed_from_single_ones():
    term = multiples_term([1000, 0, 0, 1000], [600, 0, 0, 400])
    shift = np.sqrt(np.diag(term.covariance))
    assert shift == pytest.approx([200 / 3**0.5, 0, 0, 200 / 3**0.5])
    assert term.covariance[0, 3] < 0
    assert "50.0 %" in term.how
    with pytest.raises(BadInputError, match="no single hits"):
        multiples_term([1, 1, 1, 1], [0, 0, 0, 0])


def test_traces_of_silicon(shared_data):
    spectrum, table = silicon(shared_data)
    background = flight_background(spectrum, table.edges, quiet_windows(spectrum, table))
    found = traces(table, spectrum.ranged, background)
    assert found["Si"].status == "present"
    assert found["C"].status == "present"
    low, high = found["C"].fraction
    assert 0 < low < (706 - found["C"].background) / 877_010 < high
    assert high * 1e6 < 1000


def test_nothing_seen_is_a_limit():
    found = trace_of("Li", 0, 0.0, 0.0, 1e6, level=0.9)
    assert found.status == "absent_below_limit"
    assert found.fraction[1] * 1e6 == pytest.approx(2.44, abs=0.01)
    assert found.detection * 1e6 == pytest.approx(3.0, abs=0.01)
    unsure = trace_of("Li", 4, 3.0, 1.0, 1e6, level=0.9)
    sure = trace_of("Li", 4, 3.0, 0.0, 1e6, level=0.9)
    assert unsure.interval[1] > sure.interval[1]
    with pytest.raises(BadInputError, match="a fraction of 0 counts"):
        trace_of("Li", 0, 0.0, 0.0, 0.0)


def test_a_limit_is_missed_in_one_of_twenty():
    chance = np.random.default_rng(1)
    quiet = 60.0
    limit = trace_of("P", 0, quiet, quiet**0.5, 1e6).limits.detection
    absent = 0
    for _ in range(1000):
        known = chance.poisson(quiet)
        net = chance.poisson(quiet + limit) - known
        absent += net <= currie(known, known).critical
    assert 30 <= absent <= 72  # 5 % of 1000, three standard deviations


def test_nonsense_is_refused():
    with pytest.raises(BadInputError, match="3 counts for 4 ranges"):
        compose(TABLE, [1, 2, 3])
    with pytest.raises(BadInputError, match="no composition of 0 counts"):
        compose(TABLE, [0, 0, 5, 0])
    with pytest.raises(BadInputError, match="no range names an ion"):
        compose(RangeTable([Range(1.0, 2.0)]), [3])
