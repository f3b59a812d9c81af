"""Overlaps: solved where isotopes decide, bounded where not, never proved with one isotope."""

from __future__ import annotations

import numpy as np
import pytest
from apt_spectra import drawn

from consilience.errors import BadInputError
from consilience_apt.amounts.abundances import abundance_notes, abundance_std, stated_abundances
from consilience_apt.amounts.overlaps import solve_overlap
from consilience_apt.ions import Ion, isotopologues
from consilience_apt.masses.peaks import find_peaks, resolution
from consilience_apt.masses.spectrum import measure_spectrum


def solved(planted, named, seed=1, quiet=100_000):
    spectrum = measure_spectrum(drawn(planted, quiet, seed=seed), high=100.0)
    found = solve_overlap(spectrum, [Ion.parse(name) for name in named], 500.0)
    return found, {share.ion.name: share for share in found.shares}


def test_ratios_with_rank_and_counts_decide():
    found, share = solved({"Si+": 400_000, "N2+": 100_000}, ["Si+", "N2+"], seed=2)
    assert found.rank == 2
    assert found.condition < 100
    assert share["Si+"].status == "resolved"
    for name, truth in (("Si+", 400_000), ("N2+", 100_000)):
        one = share[name]
        assert abs(one.counts - truth) < 3 * np.hypot(one.std_stat, one.std_sys) + 0.01 * truth
        assert one.low < truth < one.high
    assert found.covariance[0, 1] < 0


def test_twenty_eight_with_all_three_is_ambiguous():
    found, share = solved({"Si+": 20_000, "CO+": 5000}, ["Si+", "CO+", "N2+"])
    assert found.rank == 3
    assert found.condition > 300  # CO+ and N2+ are nearly collinear
    assert share["CO+"].status == share["N2+"].status == "ambiguous"
    assert share["CO+"].low < 5000 < share["CO+"].high
    assert not found.solved


@pytest.mark.parametrize(
    ("planted", "named"),
    [
        ({"Si++": 20_000, "N+": 2000}, ["Si++", "N+", "CO++"]),  # 14 and 14.5 Da
        ({"F+": 2000}, ["F+", "H3O+", "LiC+"]),  # 19 Da
        ({"CO+": 5000}, ["CO+", "N2+"]),  # 28 Da
        ({"Li2C+": 2000, "C2H2+": 2000}, ["Li2C+", "C2H2+"]),  # 26 Da
    ],
)
def test_published_overlaps_are_ambiguous_with_these_counts(planted, named):
    found, share = solved(planted, named)
    assert found.ambiguous
    for name, truth in planted.items():
        assert share[name].low <= truth <= share[name].high


def test_one_isotope_is_consistent_and_no_more():
    found, share = solved({"F+": 50_000}, ["F+"])
    assert share["F+"].status == "consistent"
    assert "cannot prove it" in share["F+"].why
    assert share["F+"].counts == pytest.approx(50_000, rel=0.02)
    _, share = solved({"P+": 20_000, "SiH3+": 200_000}, ["P+", "SiH3+"])
    assert share["SiH3+"].status == "resolved"
    assert share["P+"].status == "consistent"
    assert share["P+"].low > 0
    _, share = solved({"SiH3+": 200_000}, ["P+", "SiH3+"])
    assert share["P+"].status in {"absent_below_limit", "ambiguous"}
    assert share["P+"].low == 0
    assert found.rank == 1


def test_dependent_ratios_have_no_values():
    found, share = solved({"P+": 3000}, ["P+", "P2++"])
    assert found.rank == 1
    assert np.isinf(found.condition)
    assert share["P+"].counts is None
    assert share["P+"].status == "ambiguous"
    assert share["P+"].low == 0
    assert share["P+"].high > 3000


def test_an_ion_that_was_not_named_shows_in_the_fit():
    found, share = solved({"Si+": 100_000, "CO+": 0, "N2H+": 20_000}, ["Si+", "CO+"])
    assert found.p_value is None or found.p_value < 1e-3 or share["CO+"].status != "resolved"
    found, share = solved({"Ni+": 50_000, "Co+": 5000}, ["Ni+", "NiH+"])
    assert found.p_value < 1e-3
    assert share["Ni+"].status == "ambiguous"
    assert "do not explain the ratios" in share["Ni+"].why


def test_shares_and_errors_hold_over_repeats():
    truth = {"Si+": 8000.0, "N2+": 3000.0}
    pulls, inside = [], 0
    for seed in range(120):
        found, share = solved(truth, list(truth), seed=seed, quiet=20_000)
        values = np.array([share[name].counts for name in truth])
        pulls.append((values - list(truth.values())) / np.sqrt(np.diag(found.covariance)))
        inside += share["N2+"].low <= 3000 <= share["N2+"].high
    pulls = np.array(pulls)
    assert np.abs(pulls.mean(axis=0)).max() < 0.45
    assert np.all(np.abs(pulls.std(axis=0) - 1) < 0.25)
    assert inside >= 108


def test_resolved_means_within_the_margin_of_the_composition():
    named = ["Cr+", "Fe+"]
    for seed in range(5):
        _, share = solved({"Cr+": 1500, "Fe+": 1500}, named, seed=seed, quiet=3000)
        assert {one.status for one in share.values()} == {"resolved"}, "3000 ions decide it"
        for one in share.values():
            assert one.low > 0
            assert one.high - one.low < 2 * 0.05 * 3300
    spectrum = measure_spectrum(drawn({"Cr+": 1500, "Fe+": 1500}, 3000), high=100.0)
    ions = [Ion.parse(name) for name in named]
    narrow = solve_overlap(spectrum, ions, 500.0, margin=0.01)
    assert {one.status for one in narrow.shares} == {"ambiguous"}
    assert "it is there, but from" in narrow.shares[0].why
    assert "more than 1% of the overlap to either side" in narrow.shares[0].why


def test_tails_that_the_windows_do_not_model_stay_within_the_errors():
    truth = {"Si+": 400_000.0, "N2+": 100_000.0}
    pulls, inside = [], 0
    for seed in range(30):
        ions = drawn(truth, 20_000, resolving=700.0, seed=seed, tail=0.0015)
        spectrum = measure_spectrum(ions, high=100.0)
        power = resolution(find_peaks(spectrum))[1]
        share = solve_overlap(spectrum, [Ion.parse(name) for name in truth], power).shares[1]
        pulls.append((share.counts - 100_000) / np.hypot(share.std_stat, share.std_sys))
        inside += share.low <= 100_000 <= share.high
    assert abs(np.mean(pulls)) < 1.5
    assert np.std(pulls) < 1.2
    assert inside >= 28


def test_abundances_carry_what_nature_varies():
    # IUPAC 2013 interval of carbon-13: 0.0096 to 0.0116
    assert abundance_std("C")[1] == pytest.approx((0.0116 - 0.0096) / 12**0.5, rel=0.01)
    assert abundance_std("F") == (0.0,)


def test_lithium_says_its_natural_range_or_what_was_stated():
    planted = {"Li2C+": 50_000, "C2H2+": 50_000}
    natural, share = solved(planted, list(planted))
    assert "natural 6Li taken as 4.85 %, the middle of 1.9 to 7.8 %" in natural.abundances[0]
    assert share["C2H2+"].std_sys > 3 * share["C2H2+"].std_stat, "the range is carried"
    stated = stated_abundances({"Li": {6: 0.0485, 7: 0.9515}}, {"Li": 0.0005})
    spectrum = measure_spectrum(drawn(planted, 100_000), high=100.0)
    sure = solve_overlap(spectrum, natural.seen.ions, 500.0, stated=stated)
    assert sure.shares[1].std_sys < 0.1 * share["C2H2+"].std_sys
    assert sure.abundances[:1] == ["6Li 4.85 ± 0.05 %, 7Li 95.15 ± 0.05 %: as stated, not natural"]
    enriched = stated_abundances({"Li": {6: 0.95, 7: 0.05}})
    assert isotopologues(Ion.parse("Li+"), stated=enriched)[0].abundance == pytest.approx(0.95)
    assert abundance_notes(["F", "Si"]) == []
    for wrong, said in (
        ({"Li": {8: 1.0}}, "no natural isotope of mass number 8"),
        ({"Li": {6: 0.5}}, "add up to 0.5"),
        ({"Li": {6: -0.5, 7: 1.5}}, "add up to 1"),
    ):
        with pytest.raises(BadInputError, match=said):
            stated_abundances(wrong)


def test_nonsense_is_refused():
    spectrum = measure_spectrum(drawn({"F+": 100}), high=100.0)
    with pytest.raises(BadInputError, match="name each ion once"):
        solve_overlap(spectrum, [Ion.parse("F+"), Ion.parse("F+")], 500.0)
    with pytest.raises(BadInputError, match="has no charge"):
        solve_overlap(spectrum, [Ion.parse("F")], 500.0)
    with pytest.raises(BadInputError, match="ends at 100 Da"):
        solve_overlap(spectrum, [Ion.parse("Pt+")], 500.0)


def test_lines_whose_flanks_touch_are_not_called_resolved():
    """14N⁺ beside ⁷Li₂⁺: cut midway, the large peak's flank counted for the small one."""
    spectrum = measure_spectrum(drawn({"N+": 5_000, "Li2+": 50_000}, resolving=400.0))
    found = solve_overlap(spectrum, [Ion.parse("N+"), Ion.parse("Li2+")], 300.0)
    nitrogen = next(share for share in found.shares if share.ion.formula == "N")
    assert nitrogen.status != "resolved"
