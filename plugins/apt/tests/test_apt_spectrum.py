"""Spectrum and exact range counts in one pass."""

from __future__ import annotations

import numpy as np
import pytest
from apt_spectra import drawn, silicon

from consilience.errors import BadInputError
from consilience_apt.files.stream import array_source
from consilience_apt.ions import Ion
from consilience_apt.masses.spectrum import measure_spectrum
from consilience_apt.ranges import Range, RangeTable


def source(mass):
    none = np.zeros(len(mass))
    return array_source(none, none, none, mass)


def test_bins_are_those_of_numpy_away_from_their_edges():
    ions = drawn({"Si++": 5000, "Ni+": 2000})
    mass = np.concatenate([c["mass_to_charge"].copy() for _, c in ions.blocks(("mass_to_charge",))])
    # numpy compares with the edges themselves; a mass on an edge within rounding may differ
    apart = np.abs(mass * 100.0 - np.round(mass * 100.0)) > 1e-3
    found = measure_spectrum(source(mass[apart]), high=120.0)
    assert np.array_equal(
        found.counts, np.histogram(mass[apart].astype(float), 12_000, (0, 120))[0]
    )
    assert found.ions == apart.sum()


@pytest.mark.parametrize(
    "how",
    [{}, {"width": 0.037, "low": 2.0}, {"spacing": "log", "width": 1e-3}, {"high": 20.0}],
)
def test_ranges_are_counted_exactly_whatever_the_bins(how):
    table = RangeTable(
        [
            Range(13.9, 14.0049, Ion.parse("Si++")),
            Range(14.0049, 14.2, Ion.parse("N")),
            Range(57.9349, 57.9351, Ion.parse("Ni")),
            Range(90.0, 290.0),
        ]
    )
    ions = drawn({"Si++": 50_000, "Ni+": 20_000})
    found = measure_spectrum(ions, table, **how)
    expected = np.zeros(4, int)
    for _, columns in ions.blocks(("mass_to_charge",)):
        mass = columns["mass_to_charge"].astype(np.float64)
        for at, (low, high) in enumerate(table.edges):
            expected[at] += np.count_nonzero((mass >= low) & (mass < high))
    assert found.ranged.tolist() == expected.tolist()
    assert expected.min() > 0


def test_what_is_no_mass_is_counted_apart():
    mass = np.array([-0.001, -1e-12, np.nan, np.inf, -np.inf, 0.0, 5.0, 299.999, 300.0, 1e9])
    found = measure_spectrum(source(mass), RangeTable([Range(4.0, 6.0, Ion.parse("He"))]))
    assert (found.below, found.above, found.not_finite) == (2, 2, 3)
    assert found.counts.sum() == 3
    assert found.counts[0] == 1
    assert found.ranged.tolist() == [1]
    assert found.ions == 10


def test_wider_bins_keep_the_counts():
    found = measure_spectrum(drawn({"Ni+": 1000}), high=100.0)
    wide = found.rebinned(7)
    assert wide.ions == found.ions
    assert np.array_equal(wide.counts[:10], found.counts[:70].reshape(10, 7).sum(axis=1))
    with pytest.raises(BadInputError, match="bins in one"):
        found.rebinned(0)


def test_a_part_of_the_ions_and_progress():
    seen = []
    ions = source(np.full(100, 7.0))
    found = measure_spectrum(ions, start=10, stop=30, progress=lambda *event: seen.append(event))
    assert found.ions == 20
    assert seen == [(20, 20, "counting ions over mass")]


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"width": 0.0}, "no linear bins of 0"),
        ({"high": -1.0}, "from 0 to -1"),
        ({"width": 1e-6}, "too many"),
        ({"spacing": "log", "low": 0.0}, "logarithmic ones from above 0"),
    ],
)
def test_bins_that_make_no_sense_are_refused(how, text):
    with pytest.raises(BadInputError, match=text):
        measure_spectrum(source(np.ones(3)), **how)


def test_no_ion_is_refused():
    with pytest.raises(BadInputError, match="no ions to count"):
        measure_spectrum(source(np.ones(0)))


def test_measured_silicon_has_the_published_counts(shared_data):
    spectrum, table = silicon(shared_data)
    assert spectrum.ions == 945_211
    assert spectrum.ranged.sum() == 877_010
    nickel = {57.75: 59_302, 59.75: 23_302}  # read from the file by another program
    mass = np.fromfile(shared_data / "apt" / "Si.pos", ">f4")[3::4]
    for low, counts in nickel.items():
        assert np.count_nonzero((mass >= low) & (mass < low + 0.5)) == counts
        assert spectrum.window(low, low + 0.5)[0] == counts
    assert len(table) == 25
