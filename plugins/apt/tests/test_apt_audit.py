"""The shipped label fault comes out; right labels do not suffer."""

from __future__ import annotations

import pytest
from apt_spectra import drawn, silicon

from consilience.errors import BadInputError
from consilience_apt.ions import Ion
from consilience_apt.masses.audit import audit_ranges, known_elements
from consilience_apt.masses.spectrum import measure_spectrum
from consilience_apt.ranges import Range, RangeTable


def test_nickel_labelled_as_chromium_oxide(shared_data):
    spectrum, table = silicon(shared_data)
    found = {round(one.range.low, 3): one for one in audit_ranges(spectrum, table)}
    fault = found[57.819]
    assert fault.range.high == 61.159
    assert fault.verdict == "contradicted"
    assert "Cr2O" in fault.message
    assert "Ni+ (natural 68.08, 26.22, 1.14, 3.63, 0.93 %" in fault.message
    nickel = fault.rivals[0]
    assert nickel.ion.name == "Ni+"
    assert nickel.proven
    assert nickel.chi2 < 10 * nickel.dof
    # every other reading, the label too, is worse by orders of magnitude
    assert all(one.chi2 > 1000 * nickel.chi2 for one in [*fault.stated, *fault.rivals[1:]])
    measured = nickel.observed[nickel.own > 0.001]
    shares = 100 * measured / measured.sum()
    assert shares == pytest.approx([68.08, 26.22, 1.14, 3.63, 0.93], abs=1.5)
    # the same element with two charges lies where the file says silicon
    assert found[29.783].verdict == "contradicted"
    assert "Ni++" in found[29.783].message
    assert found[14.912].verdict == "supported"
    assert found[83.595].verdict == "empty"


def test_planted_labels():
    ions = drawn({"Ni+": 60_000, "Cr+": 40_000, "Al+": 5000}, 50_000)
    table = RangeTable(
        [
            Range(51.7, 52.2, Ion.parse("Cr")),
            Range(57.7, 58.2, Ion.parse("Ni")),
            Range(59.7, 60.2, Ion.parse("Fe")),
            Range(26.8, 27.2, Ion.parse("Al")),
            Range(70.0, 71.0, Ion.parse("Ga")),
            Range(49.8, 50.1),
        ]
    )
    found = audit_ranges(measure_spectrum(ions, table, high=130.0), table)
    verdicts = {one.range.label or str(one.range.low): one for one in found}
    assert verdicts["51.7"].verdict == "supported"
    assert verdicts["57.7"].verdict == "supported"
    assert verdicts["59.7"].verdict == "contradicted"
    assert "Ni+" in verdicts["59.7"].message
    assert verdicts["26.8"].verdict == "untested"
    assert verdicts["70.0"].verdict == "empty"
    assert verdicts["49.8"].verdict == "undecided"
    assert "Cr+" in verdicts["49.8"].message


def test_a_spectrum_without_peaks_needs_a_resolution():
    table = RangeTable([Range(1.0, 2.0, Ion.parse("H"))])
    spectrum = measure_spectrum(drawn({}, 1000), table, high=100.0)
    with pytest.raises(BadInputError, match="no peak of the spectrum has a width"):
        audit_ranges(spectrum, table)
    assert audit_ranges(spectrum, table, resolving=500.0)[0].verdict == "empty"


def test_elements_have_natural_isotopes():
    assert {"H", "Ni", "U"} <= set(known_elements())
    assert not {"Tc", "Pm"} & set(known_elements())
