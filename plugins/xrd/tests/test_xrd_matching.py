"""Peaks against phases: rivals, shifts, absence, and no false labels."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from consilience_xrd.identification.detection import area_limit
from consilience_xrd.identification.identify import identify
from consilience_xrd.identification.matching import (
    MatchSettings,
    ObservedPeak,
    match_peaks,
    observed_from_fit,
)
from consilience_xrd.identification.phaseid import AreaProbe, PhaseResult, evaluate
from consilience_xrd.identification.shift import shift_in_q, shift_law
from consilience_xrd.lines.peaks import fit_peaks
from consilience_xrd.pattern import Pattern, Source
from consilience_xrd.references.phases import library
from consilience_xrd.references.reference import ReferencePattern, reference_pattern
from consilience_xrd.simulation.powder import SimulationParams, simulate_counts

pytestmark = pytest.mark.filterwarnings("ignore")
LAM = 0.6888


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> list[ReferencePattern]:
    cache = tmp_path_factory.mktemp("references")
    return [reference_pattern(p, LAM, (0.5, 6.0), cache) for p in library().values()]


def peak(q: float, std: float = 0.003, area: float = math.nan) -> ObservedPeak:
    return ObservedPeak(q, std, area, None, 0.02, 10.0)


def by_name(results: list[PhaseResult]) -> dict[str, PhaseResult]:
    return {r.phase: r for r in results}


def test_one_peak_with_two_labels_makes_rivals(references: list[ReferencePattern]) -> None:
    """Li(110) 2.5316 and Li2CO3(020) 2.5250; a peak between is both, and proves neither."""
    pairing = match_peaks([peak(2.528)], references, (1.0, 4.8))
    labels = {(c.phase, c.line.label) for c in pairing.peaks[0].candidates if c.within}
    assert {("Li", "110"), ("Li2CO3", "020")} <= labels
    results = by_name(evaluate(pairing))
    assert "Li2CO3" in {r.phase for r in results["Li"].rivals}
    assert "Li" in {r.phase for r in results["Li2CO3"].rivals}
    assert results["Li"].status is None
    assert results["Li2CO3"].status is None
    rival = next(r for r in results["Li"].rivals if r.phase == "Li2CO3")
    assert any(text.startswith("002") for text in rival.missing)
    assert any("EELS" in text and "C" in text for text in rival.decided_by)
    assert any("line" in text for text in rival.decided_by)


@pytest.mark.parametrize("q", [1.495, 1.498, 1.500])
def test_shifted_lipt_is_a_rival_of_carbonate(q: float, references: list[ReferencePattern]) -> None:
    """LiPt(0001) 1.4868 and Li2CO3(110) 1.5095: wherever both are within tolerance."""
    settings = MatchSettings(plain=0.015)
    pairing = match_peaks([peak(q)], references, (1.0, 4.8), None, settings)
    labels = {(c.phase, c.line.label) for c in pairing.peaks[0].candidates if c.within}
    assert {("LiPt", "0001"), ("Li2CO3", "110")} <= labels
    results = by_name(evaluate(pairing))
    assert "Li2CO3" in {r.phase for r in results["LiPt"].rivals}
    assert "LiPt" in {r.phase for r in results["Li2CO3"].rivals}


def test_the_plain_rule_rejects_the_end_of_the_published_shift(
    references: list[ReferencePattern],
) -> None:
    settings = MatchSettings(plain=0.01)
    pairing = match_peaks([peak(1.510)], references, (1.0, 4.8), None, settings)
    labels = {(c.phase, c.line.label) for c in pairing.peaks[0].candidates if c.within}
    assert ("Li2CO3", "110") in labels
    assert ("LiPt", "0001") not in labels


def test_forbidden_label_is_named(references: list[ReferencePattern]) -> None:
    pairing = match_peaks([peak(3.1005)], references, (1.0, 4.8))
    assert ("Li", "111") in {(key, line.label) for key, line in pairing.peaks[0].forbidden}


def simulated(
    phases: dict[str, float], references: list[ReferencePattern], seed: int = 1, **changes: object
) -> tuple[dict[str, PhaseResult], object]:
    apply_shift = bool(changes.pop("apply_shift", True))
    model = changes.pop("model", "zero")
    params = SimulationParams(phases=phases, two_theta_min=6, two_theta_max=30, **changes)  # type: ignore[arg-type]
    x, y, _ = simulate_counts(params, seed)
    pattern = Pattern("two_theta", x, y, None, "count", Source(LAM), origin="simulated")
    fit = fit_peaks(pattern)
    q = pattern.q()
    pairing, results = identify(
        observed_from_fit(fit, pattern),
        references,
        (float(q[0]), float(q[-1])),
        LAM,
        MatchSettings(shift=model, apply_shift=apply_shift),  # type: ignore[arg-type]
        area_limit(pattern, fit),
    )
    return by_name(results), pairing


def test_present_absent_and_limit(references: list[ReferencePattern]) -> None:
    results, _ = simulated({"Pt": 20000, "LiF": 5000}, references)
    present = {k for k, r in results.items() if r.status == "present"}
    assert present == {"Pt", "LiF"}
    assert results["Li2CO3"].status == "absent_below_limit"
    limit = results["Li2CO3"].limit
    assert limit is not None
    assert 0 < limit < 0.05
    # LiPt7's strong lines are platinum's: it can be neither seen nor excluded beside it
    assert results["LiPt7"].status is None
    rival = next(r for r in results["Pt"].rivals if r.phase == "LiPt7")
    assert rival.explains


def test_not_observable_out_of_range(references: list[ReferencePattern]) -> None:
    pairing = match_peaks([peak(1.51), peak(1.2)], references, (1.0, 1.6))
    results = by_name(evaluate(pairing, AreaProbe(lambda q: 1.0, lambda q, room: 0.0)))
    assert results["Pt"].status == "not_observable"
    assert "strong lines" in results["Pt"].reason


def test_without_a_limit_nothing_is_absent(references: list[ReferencePattern]) -> None:
    pairing = match_peaks([peak(2.774), peak(3.2032)], references, (1.0, 4.8))
    assert all(r.status != "absent_below_limit" for r in evaluate(pairing))


@pytest.mark.parametrize("model", ["zero", "displacement"])
def test_shift_is_fitted_and_its_absence_said(
    model: str, references: list[ReferencePattern]
) -> None:
    amount = 0.12
    changes = {"zero": amount} if model == "zero" else {"displacement": amount}
    phases = {"Li2CO3": 20000.0, "CeO2": 20000.0}
    results, pairing = simulated(phases, references, 2, model=model, **changes)
    shift = pairing.shift  # type: ignore[attr-defined]
    assert {k for k, r in results.items() if r.status == "present"} == set(phases)
    assert shift.significant
    assert abs(shift.amount - amount) < 3 * shift.std
    assert "corrected" in shift.sentence()
    off, pairing = simulated(phases, references, 2, model=model, apply_shift=False, **changes)
    shift = pairing.shift  # type: ignore[attr-defined]
    assert "switched off" in shift.sentence()
    assert abs(shift.amount - amount) < 3 * shift.std
    assert all(r.status != "absent_below_limit" for r in off.values())


def test_a_shift_that_is_not_significant_keeps_the_amount_that_was_fitted(
    references: list[ReferencePattern],
) -> None:
    """An amount of exactly zero would be no measurement, and would make errors too small."""
    amounts = []
    for planted in (-0.004, 0.004):
        q = [line.q for r in references if r.phase.key == "CeO2" for line in r.lines[:6]]
        law = shift_law(np.array(q), LAM, "zero")
        moved = [peak(a + planted * b, 0.002, 100.0) for a, b in zip(q, law, strict=True)]
        shift = match_peaks(moved, references, (1.0, 4.8), LAM, shift_from=["CeO2"]).shift
        assert shift.std is not None
        assert not shift.significant
        assert not shift.used
        assert shift.amount == pytest.approx(planted, abs=3 * shift.std)
        assert np.all(shift_in_q(shift, np.array(q), LAM) == 0.0)
        amounts.append(shift.amount)
    assert amounts[1] - amounts[0] == pytest.approx(0.008, rel=0.3)


def test_no_false_labels_over_mixtures(references: list[ReferencePattern]) -> None:
    rng = np.random.default_rng(17)
    false: list[str] = []
    right = missed = 0
    # by peaks alone: loosely known cells and phases of two lines are for the whole pattern
    loose = ("LiPt7", "ZrO2-tetragonal", "NMC622", "LiH", "graphite", "Cu", "Al", "Li3N")
    keys = [k for k in library() if k not in loose]
    for seed in range(10):
        chosen = [str(k) for k in rng.choice(keys, 2, replace=False)]
        results, _ = simulated(dict.fromkeys(chosen, 8000.0), references, seed, zero=0.02)
        said = {k for k, r in results.items() if r.status == "present"}
        false += [f"{k} in {chosen}" for k in said - set(chosen)]
        right += len(said & set(chosen))
        missed += len(set(chosen) - said)
        assert not {k for k in chosen if results[k].status == "absent_below_limit"}
    assert not false
    assert right >= 0.8 * (right + missed)


def test_a_phase_at_its_limit_is_seldom_called_absent(references: list[ReferencePattern]) -> None:
    """At the stated limit the strongest line is found in 95 of 100 trials; 5 of 20 would refute."""
    chosen = [r for r in references if r.phase.key in ("Pt", "CeO2", "LiF")]

    def status(planted: float, seed: int) -> PhaseResult:
        counts = {"Pt": 20000.0, **({"CeO2": planted} if planted else {})}
        return simulated(counts, chosen, seed)[0]["CeO2"]

    # the strongest line of CeO2 in range is its 111; limit is relative to the Pt 111 area
    limit = status(0.0, 100).limit
    assert limit is not None
    assert 0.005 < limit < 0.1
    absent = sum(status(limit * 20000.0, seed).status == "absent_below_limit" for seed in range(20))
    assert absent <= 4


def test_simulated_files_say_so(tmp_path: Path) -> None:
    import json

    from consilience_xrd.files.text import read_text_pattern
    from consilience_xrd.simulation.powder import run

    data, told = run(SimulationParams(points=300), 3, tmp_path)
    assert read_text_pattern(data).origin == "simulated"
    truth = json.loads(told.read_text())
    assert truth["origin"] == "simulated"
    assert truth["seed"] == 3
    # an outside source: pymatgen's own pattern of platinum
    from pymatgen.analysis.diffraction.xrd import XRDCalculator

    outside = XRDCalculator(LAM).get_pattern(library()["Pt"].structure(), two_theta_range=(5, 31))
    mine = [line["two_theta_deg"] for line in truth["lines"] if line["phase"] == "Pt"]
    assert mine == pytest.approx([t for t in outside.x if t < 32][: len(mine)], abs=1e-6)
    # and published positions
    assert mine[0] == pytest.approx(
        2 * math.degrees(math.asin(2.7740 * LAM / 4 / math.pi)), abs=1e-3
    )


@pytest.mark.parametrize("zero", [0.2, 0.35])
def test_nothing_shifted_is_absent_while_the_shift_is_unknown(
    zero: float, references: list[ReferencePattern]
) -> None:
    """Pure LiF has too few lines for a shift to be fitted; none of them is where it should be."""
    results, pairing = simulated({"LiF": 8000.0}, references, 3, zero=zero)
    lif = results["LiF"]
    assert lif.status != "absent_below_limit"
    if pairing.shift.std is None:  # type: ignore[attr-defined]
        assert lif.status is None
        assert "the shift of the lines is not known" in lif.reason or "accident" in lif.reason


def test_an_unknown_shift_widens_everything_it_should(references: list[ReferencePattern]) -> None:
    """0.1 deg at 1.0 angstrom beside a line: a candidate, in the room, and in the chance."""
    platinum = next(r for r in references if r.phase.key == "Pt")
    line = platinum.lines[0]
    peaks = [peak(line.q + 0.02, 0.001, 100.0)]
    known = match_peaks(peaks, [platinum], (1.0, 4.8), LAM, MatchSettings(shift_prior=0.0))
    unknown = match_peaks(peaks, [platinum], (1.0, 4.8), LAM)
    assert not known.peaks[0].candidates or not known.peaks[0].candidates[0].within
    assert unknown.peaks[0].candidates[0].within
    probe = AreaProbe(lambda q: 1.0, lambda q, room: 0.0)
    (trusted,) = evaluate(known, probe)
    (result,) = evaluate(unknown, probe)
    assert trusted.status == "absent_below_limit"
    assert result.status is None
    far = match_peaks([peak(line.q + 0.07, 0.001, 100.0)], [platinum], (1.0, 4.8), LAM)
    (result,) = evaluate(far, probe)
    assert result.status is None
    assert "the shift of the lines is not known" in result.reason
    alone = match_peaks([peak(line.q - 0.4, 0.001, 100.0)], [platinum], (1.0, 4.8), LAM)
    assert evaluate(alone, probe)[0].status == "absent_below_limit"
    rest = AreaProbe(lambda q: 1.0, lambda q, room: 5.0 if room > 0.06 else 0.0)
    (result,) = evaluate(alone, rest)
    assert result.status is None
    assert "the shift of the lines is not known" in result.reason


def lined_up(
    references: list[ReferencePattern], keys: tuple[str, ...], shift: float, area: float
) -> list[ObservedPeak]:
    from consilience_xrd.axes import q_to_two_theta, two_theta_to_q

    rows = []
    for reference in references:
        if reference.phase.key in keys:
            for line in reference.lines:
                if line.intensity >= 10 and 1.0 < line.q < 4.8:
                    angle = float(q_to_two_theta(line.q, LAM)) + shift
                    rows.append(peak(float(two_theta_to_q(angle, LAM)), 0.0005, area))
    return sorted(rows, key=lambda p: p.q)


def test_peaks_of_unknown_area_have_a_shift(references: list[ReferencePattern]) -> None:
    peaks = lined_up(references, ("CeO2",), 0.1, math.nan)
    pairing = match_peaks(peaks, references, (1.0, 4.8), LAM, shift_from=["CeO2"])
    assert pairing.shift.std is not None
    assert pairing.shift.amount == pytest.approx(0.1, abs=0.01)
    # one unknown among known ones must not poison the rest
    mixed = [peaks[0], *lined_up(references, ("CeO2",), 0.1, 500.0)[1:]]
    pairing = match_peaks(mixed, references, (1.0, 4.8), LAM, shift_from=["CeO2"])
    assert pairing.shift.amount == pytest.approx(0.1, abs=0.01)


def test_the_error_of_the_shift_covers_its_scatter(references: list[ReferencePattern]) -> None:
    """Positions twice as scattered as they claim: pulls of the shift stay of unit width."""
    from dataclasses import replace

    exact = lined_up(references, ("CeO2", "Pt"), 0.05, 100.0)
    chosen = [r for r in references if r.phase.key in ("CeO2", "Pt")]
    rng = np.random.default_rng(8)
    pulls = []
    for _ in range(60):
        moved = [replace(p, q=p.q + float(rng.normal(0, 2 * p.std))) for p in exact]
        shift = match_peaks(moved, chosen, (1.0, 4.8), LAM).shift
        if shift.std is not None and shift.amount:
            pulls.append((shift.amount - 0.05) / shift.std)
    assert len(pulls) > 40
    assert np.std(pulls) < 1.3


def test_chance_is_calibrated_on_random_peaks(references: list[ReferencePattern]) -> None:
    """Peaks thrown at random: a chance of 0.01 or less in about one of a hundred cases."""
    from consilience_xrd.identification.linestates import chance_of
    from consilience_xrd.identification.phaseid import _prepare

    rng = np.random.default_rng(21)
    small = total = 0
    for _ in range(40):
        number = int(rng.integers(8, 30))
        peaks = [
            peak(float(q), 0.002, float(10 ** rng.uniform(1, 3)))
            for q in np.sort(rng.uniform(1.0, 4.8, number))
        ]
        settings = MatchSettings(shift_prior=0.02)
        pairing = match_peaks(peaks, references, (1.0, 4.8), LAM, settings, shift_from=[])
        for reference in references:
            chance = chance_of(pairing, _prepare(pairing, reference))
            small += chance <= 0.01
            total += 1
    # 0.013 of about 700, with three standard errors
    assert small <= 0.013 * total + 3 * math.sqrt(0.013 * total)


def test_lines_not_found_count_against_chance(references: list[ReferencePattern]) -> None:
    """Lines of 8 to 20 % that would be above the smallest peak and are not there."""
    from dataclasses import replace

    from consilience_xrd.identification.linestates import chance_of
    from consilience_xrd.identification.phaseid import _prepare

    whole = next(r for r in references if r.phase.key == "Li2CO3")
    strong = tuple(line for line in whole.lines if line.intensity >= 20)
    only = replace(whole, lines=strong)
    peaks = [peak(line.q, 0.002, line.intensity) for line in strong if 1.0 < line.q < 4.8][:5]
    peaks.append(peak(4.79, 0.002, 1.0))
    peaks.sort(key=lambda p: p.q)
    assert any(8 <= line.intensity < 20 and 1.0 < line.q < 4.8 for line in whole.lines)
    got = []
    for reference in (whole, only):
        pairing = match_peaks(peaks, [reference], (1.0, 4.8), LAM, shift_from=[])
        got.append(chance_of(pairing, _prepare(pairing, reference)))
    assert got[0] > 1.2 * got[1]
