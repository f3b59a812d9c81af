"""What a region received: own, inherited with geometry, listed beside, and never guessed."""

from __future__ import annotations

import pytest
from dose_samples import (
    COLD,
    WARM,
    box,
    custody,
    cuts,
    electrons,
    photons,
    q,
    record,
    step,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.custody import Custody
from consilience.custody.dose import DoseLedger, like
from consilience.model.finding import Region
from consilience.model.measurement import Exposure, MeasurementRecord
from consilience.model.sample import Sample

HERE = box(0, 0, 1, 1, "lamella image")
WHOLE = Region(shape="whole", frame="any")


def total(known: Custody, of: MeasurementRecord, particle="electron", **more):
    return DoseLedger(known).sum(of, particle, **more)


def kept(known: Custody, of: MeasurementRecord) -> dict[str, str]:
    return {s.entry.id: s.kept for s in DoseLedger(known).shares(of)}


# ---- on the sample itself ---------------------------------------------------------------------


def test_a_measurement_counts_itself_and_what_came_before_on_the_same_region():
    first = record("a", "lamella", electrons(100.0), time="11:00", region=HERE)
    second = record("b", "lamella", electrons(50.0), time="12:00", region=HERE)
    third = record("c", "lamella", electrons(900.0), time="13:00", region=HERE)
    known = custody(first, second, third)
    assert total(known, second).value == 150.0
    assert total(known, second, own=False).value == 100.0
    assert kept(known, second) == {"m-a": "kept", "m-b": "own", "m-c": "after"}
    assert total(known, second).why == "100 + 50 = 150 e/Å²"


def test_another_region_of_the_sample_does_not_count():
    first = record("a", "lamella", electrons(100.0), time="11:00", region=box(5, 5, 6, 6))
    second = record("b", "lamella", electrons(50.0), region=box(0, 0, 1, 1))
    assert total(custody(first, second), second).value == 50.0
    beside = record("a", "lamella", electrons(100.0), time="11:00", region=box(0.5, 0, 6, 6))
    assert total(custody(beside, second), second).value == 150.0
    assert kept(custody(beside, second), second)["m-a"] == "part"


def test_a_region_in_another_frame_is_not_inherited_and_says_so():
    first = record("a", "lamella", electrons(100.0), time="11:00", region=box(0, 0, 1, 1, "sem"))
    second = record("b", "lamella", electrons(50.0), region=HERE)
    found = total(custody(first, second), second)
    assert found.value is None
    assert found.at_least == 50.0
    assert "a.msa: not added, because no region of this line is known in the frame 'sem'" in (
        found.why
    )


def test_without_a_region_it_is_not_known_whether_it_adds():
    first = record("a", "lamella", electrons(100.0), time="11:00")
    second = record("b", "lamella", electrons(50.0), region=HERE)
    found = total(custody(first, second), second)
    assert (found.value, found.at_least) == (None, 50.0)
    assert "which region it irradiated is not recorded" in found.why
    whole = record("a", "lamella", electrons(100.0), time="11:00", region=WHOLE)
    assert total(custody(whole, second), second).value == 150.0


def test_without_times_the_order_of_the_chain_decides():
    steps = (
        step("s1", "lamella", "measure", sequence=1, conditions={"modality": "tem"}),
        step("s2", "lamella", "measure", sequence=2, conditions={"modality": "eels"}),
    )
    first = record("a", "lamella", electrons(100.0), time=None, region=HERE, modality="tem")
    second = record("b", "lamella", electrons(50.0), time=None, region=HERE)
    assert total(custody(first, second, *steps), second).value == 150.0
    assert total(custody(first, second, *steps), first).value == 100.0
    found = total(custody(first, second), second)
    assert (found.value, found.at_least) == (None, 50.0)
    assert "whether it came before this measurement is not known" in found.why


def test_two_at_the_same_moment_may_be_one_told_twice():
    first = record("a", "lamella", electrons(100.0), region=HERE)
    second = record("b", "lamella", electrons(100.0), region=HERE)
    assert total(custody(first, second), second).value is None


def test_signals_of_one_file_are_one_irradiation():
    low = record("low", "lamella", electrons(100.0), region=HERE, file="scan")
    core = record("core", "lamella", electrons(100.0), region=HERE, file="scan")
    known = custody(low, core)
    assert total(known, low).value == total(known, core).value == 100.0
    assert len(DoseLedger(known).entries) == 1


# ---- what may be added ------------------------------------------------------------------------


def test_unlike_energies_and_particles_are_listed_not_added():
    sem = record("sem", "lamella", electrons(7.0, energy=5.0), time="10:30", region=HERE)
    tem = record("tem", "lamella", electrons(100.0, energy=300.0), time="11:00", region=HERE)
    near = record("near", "lamella", electrons(10.0, energy=198.0), time="11:10", region=HERE)
    xrd = record("xrd", "lamella", photons(1e9), time="11:20", region=HERE, modality="xrd")
    eels = record("eels", "lamella", electrons(50.0, energy=200.0), region=HERE)
    found = total(custody(sem, tem, near, xrd, eels), eels)
    assert found.value == 60.0
    assert {s.entry.id for s in found.beside} == {"m-sem", "m-tem"}
    assert "not added because the energy is unlike: 7 e/Å² at 5 keV, 100 e/Å² at 300 keV" in (
        found.why
    )
    assert total(custody(xrd, eels), eels, "photon").value == 1e9


def test_like_energies_differ_by_a_twentieth_at_most():
    assert like(200.0, 190.0)
    assert not like(200.0, 189.0)


def test_an_energy_that_is_not_recorded_may_not_be_added():
    first = record("a", "lamella", electrons(100.0, energy=None), time="11:00", region=HERE)
    second = record("b", "lamella", electrons(50.0), region=HERE)
    found = total(custody(first, second), second)
    assert (found.value, found.at_least) == (None, 50.0)
    assert "its energy is not recorded" in found.why
    own = record("b", "lamella", electrons(50.0, energy=None), region=HERE)
    before = record("a", "lamella", electrons(100.0), time="11:00", region=HERE)
    found = total(custody(before, own), own)
    assert (found.value, found.at_least) == (None, 50.0)


def test_an_unknown_fluence_makes_the_sum_unknown():
    first = record("a", "lamella", electrons(None), time="11:00", region=HERE)
    second = record("b", "lamella", electrons(50.0), region=HERE)
    found = total(custody(first, second), second)
    assert (found.value, found.at_least) == (None, 50.0)
    assert found.why == "a.msa: its fluence is not recorded"
    assert found.text == "unknown, at least 50 e/Å²"
    nothing = record("n", "lamella")
    found = total(custody(nothing), nothing)
    assert (found.value, found.at_least, found.text) == (None, None, "unknown")
    assert found.why == "the dose of this measurement is not recorded"


def test_an_atom_probe_puts_no_electrons_in():
    apt = record("apt", "needle", modality="apt")
    found = total(custody(apt), apt)
    assert (found.value, found.why) == (0.0, "none was recorded on this region")


# ---- chip, lamella, needle --------------------------------------------------------------------

CUT = box(10, 10, 20, 12)
NEEDLE_CUT = box(0, 0, 2, 2, "lamella image")


def on_chip(name: str, region: Region | None, time: str = "09:00", fluence: float = 100.0):
    return record(name, "chip", electrons(fluence), time=time, region=region)


def test_what_covered_the_cut_is_inherited_down_to_the_needle():
    covered = on_chip("covered", box(0, 0, 50, 50))
    beside = on_chip("beside", box(60, 60, 70, 70), "09:10")
    lamella = record(
        "map", "lamella", electrons(30.0), time="13:00", region=box(-1, -1, 3, 3, "lamella image")
    )
    apt = record("apt", "needle", time="16:00", modality="apt")
    known = custody(covered, beside, lamella, apt, *cuts(), cut=CUT, needle_cut=NEEDLE_CUT)
    assert kept(known, apt) == {"m-covered": "kept", "m-beside": "outside", "m-map": "kept"}
    found = total(known, apt)
    assert found.value == 130.0
    shares = {s.entry.id: s for s in DoseLedger(known).shares(apt)}
    assert shares["m-covered"].inherited_from == "chip"
    assert shares["m-map"].inherited_from == "lamella"


@pytest.mark.parametrize(
    "ended",
    [{"end": "2026-03-01T10:45:00+00:00"}, {"conditions": {"duration": q(2700.0, "s")}}],
)
def test_after_the_cut_the_chip_shares_nothing(ended):
    late = on_chip("late", box(0, 0, 50, 50), "11:00")
    eels = record("eels", "lamella", electrons(50.0), region=HERE)
    known = custody(late, eels, cuts()[0].model_copy(update=ended), cut=CUT)
    assert total(known, eels).value == 50.0
    assert kept(known, eels)["m-late"] == "after"
    during = on_chip("during", box(0, 0, 50, 50), "10:30")
    known = custody(during, eels, cuts()[0].model_copy(update=ended), cut=CUT)
    assert kept(known, eels)["m-during"] == "unplaced"


def test_a_cut_without_an_end_may_still_go_on():
    late = on_chip("late", box(0, 0, 50, 50), "11:00")
    eels = record("eels", "lamella", electrons(50.0), region=HERE)
    found = total(custody(late, eels, *cuts(), cut=CUT), eels)
    assert (found.value, found.at_least) == (None, 50.0)
    assert "whether it came before 'lamella' was cut out is not known" in found.why
    after = on_chip("after", box(0, 0, 50, 50), "12:30")
    assert total(custody(after, eels, *cuts(), cut=CUT), eels).value == 50.0


def test_a_part_of_the_cut_may_or_may_not_be_what_was_measured():
    partly = on_chip("partly", box(10, 10, 15, 12))
    eels = record("eels", "lamella", electrons(50.0), region=HERE)
    known = custody(partly, eels, *cuts(), cut=CUT)
    found = total(known, eels)
    assert (found.value, found.at_least) == (None, 50.0)
    assert kept(known, eels)["m-partly"] == "unplaced"
    placed = record("eels", "lamella", electrons(50.0), region=box(11, 10, 12, 11))
    assert total(custody(partly, placed, *cuts(), cut=CUT), placed).value == 150.0
    other = record("eels", "lamella", electrons(50.0), region=box(17, 10, 18, 11))
    assert total(custody(partly, other, *cuts(), cut=CUT), other).value == 50.0


def test_where_the_cut_is_not_recorded_nothing_is_inherited():
    chip = on_chip("chip", box(0, 0, 50, 50))
    eels = record("eels", "lamella", electrons(50.0), region=HERE)
    found = total(custody(chip, eels, *cuts()), eels)
    assert (found.value, found.at_least) == (None, 50.0)
    assert "not inherited" in found.why
    whole = record("eels", "lamella", electrons(50.0), region=HERE)
    covered = on_chip("chip", WHOLE)
    assert total(custody(covered, whole, *cuts()), whole).value == 150.0
    untold = total(custody(covered, whole), whole)
    assert "when 'lamella' was cut out is not recorded" in untold.why


# ---- from steps -------------------------------------------------------------------------------


def test_searching_and_focusing_count_as_the_user_says():
    search = step(
        "search",
        "lamella",
        "measure",
        "11:00",
        title="searching",
        conditions={
            "modality": "tem",
            "energy": q(200.0, "keV"),
            "fluence_rate": q(10.0, "1/angstrom^2/s"),
            "duration": q(30.0, "s"),
        },
    )
    eels = record("eels", "lamella", electrons(50.0), region=WHOLE)
    found = total(custody(search, eels), eels)
    assert (found.value, found.at_least) == (None, 50.0)
    (entry,) = (e for e in DoseLedger(custody(search, eels)).entries if e.step)
    assert entry.fluence == 300.0
    assert entry.source == "derived"
    assert entry.formulas == ("rate × t = 10 e/Å²/s × 30 s = 300 e/Å²",)


def test_of_two_steps_that_fit_one_file_only_one_can_be_it():
    def told(name: str, fluence: float):
        conditions = {"modality": "eels", "fluence": q(fluence, "1/angstrom^2")}
        return step(name, "lamella", "measure", conditions=conditions)

    steps = told("focus", 5e4), told("record", 50.0)
    eels = record("eels", "lamella", electrons(50.0), region=HERE)
    found = total(custody(*steps, eels), eels)
    assert (found.value, found.at_least) == (None, 50.0)
    again = record("again", "lamella", electrons(5e4), region=HERE, time="12:10")
    assert total(custody(*steps, eels, again), eels).value == 50.0


def test_the_step_of_a_measurement_completes_its_file():
    told = step(
        "eels",
        "lamella",
        "measure",
        "11:55",
        conditions={
            "modality": "eels",
            "temperature": q(COLD, "K"),
            "current": q(17e-12, "A"),
            "dwell": q(0.05, "s"),
            "frames": 40,
            "step_size": q(20.0, "nm"),
            "probe_diameter": q(25.0, "nm"),
        },
    )
    eels = record("eels", "lamella", electrons(None, energy=300.0, source="file"), region=HERE)
    ledger = DoseLedger(custody(told, eels))
    (entry,) = ledger.entries
    assert entry.fluence == pytest.approx(2.122e8 / 200**2, rel=1e-3)
    assert entry.energy == 300.0
    assert entry.temperature == (COLD, COLD)
    assert entry.formulas[0].startswith("step-limited: N/s² = 2.122e+08 / (200 Å)²")
    assert entry.derived == ("fluence", "fluence_rate")


def test_a_step_that_the_file_answers_is_not_counted_twice():
    told = step(
        "eels",
        "lamella",
        "measure",
        "11:55",
        conditions={"modality": "eels", "fluence": q(80.0, "1/angstrom^2")},
    )
    eels = record("eels", "lamella", electrons(50.0), region=HERE)
    assert total(custody(told, eels), eels).value == 50.0
    without = record("eels", "lamella", region=HERE)
    found = total(custody(told, without), without)
    assert found.value == 80.0


def test_mills_are_listed_as_ions():
    mill = step(
        "mill",
        "lamella",
        "mill",
        "09:00",
        conditions={
            "ion": "Ar",
            "voltage": q(30000.0, "V"),
            "current": q(16e-9, "A"),
            "area": q(100.0, "um^2"),
            "duration": q(60.0, "s"),
        },
    )
    (entry,) = DoseLedger(custody(mill)).entries
    assert (entry.particle, entry.species, entry.energy) == ("ion", "Ar", 30.0)
    assert entry.fluence == pytest.approx(5.992e4, rel=1e-3)


def test_what_was_simulated_irradiated_no_real_sample():
    fake = record(
        "fake", "lamella", electrons(100.0), time="11:00", region=HERE, origin="simulated"
    )
    real = record("real", "lamella", electrons(50.0), region=HERE)
    other = record(
        "other", "lamella", electrons(1.0), region=HERE, origin="simulated", time="13:00"
    )
    assert total(custody(fake, real), real).value == 50.0
    assert total(custody(fake, other), other).value == 101.0


# ---- properties -------------------------------------------------------------------------------

parts = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=6)


@settings(max_examples=50, deadline=None)
@given(parts, st.booleans(), st.integers(0, 2))
def test_a_sum_does_not_depend_on_how_an_exposure_is_split(amounts, as_records, level):
    """The same electrons in one go or in parts, on the sample itself or on an ancestor."""
    whole = sum(amounts)
    sample = ("lamella", "chip", "lamella")[level]
    region = (HERE, box(0, 0, 50, 50), WHOLE)[level]
    last = record("last", "lamella", electrons(1.0), time="23:00", region=HERE)

    def made(fluences):
        if as_records:
            return [
                record(f"p{i}", sample, electrons(f), time=f"09:{i:02d}", region=region)
                for i, f in enumerate(fluences)
            ]
        return [record("p", sample, *map(electrons, fluences), time="09:00", region=region)]

    steps = cuts(lamella="10:00", needle="22:00")
    one = total(custody(*made([whole]), last, *steps, cut=CUT), last)
    split = total(custody(*made(amounts), last, *steps, cut=CUT), last)
    assert one.value is not None
    assert split.value == pytest.approx(one.value, rel=1e-11)  # units are read to 12 digits


@settings(max_examples=50, deadline=None)
@given(parts, st.integers(0, 5))
def test_an_unknown_part_never_becomes_a_number(amounts, place):
    fluences: list[float | None] = list(amounts)
    fluences[min(place, len(fluences) - 1)] = None
    only = record("p", "lamella", *map(electrons, fluences), region=HERE)
    found = total(custody(only), only)
    assert found.value is None
    certain = [f for f in fluences if f is not None]
    assert found.at_least == (pytest.approx(sum(certain)) if certain else None)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0.01, 1e4), st.sampled_from([COLD, WARM, None])), min_size=1, max_size=6
    )
)
def test_what_came_warm_and_what_came_cold_add_up(told):
    exposures = [electrons(f, temperature=t) for f, t in told]
    only = record("p", "lamella", *exposures, region=HERE)
    known = custody(only)
    everything, warm = total(known, only), total(known, only, warmer_than=103.15)
    assert everything.value == pytest.approx(sum(f for f, _ in told))
    certainly_warm = [f for f, t in told if t == WARM]
    if any(t is None for _, t in told):
        assert warm.value is None
        assert warm.at_least == (pytest.approx(sum(certainly_warm)) if certainly_warm else None)
    else:
        assert warm.value == pytest.approx(sum(certainly_warm))


def test_seconds_in_parts_are_as_many_electrons():
    def told(*seconds: float) -> float | None:
        exposures = [
            Exposure(
                particle="electron",
                energy=q(200.0, "keV"),
                fluence_rate=q(100.0, "1/angstrom^2/s"),
                duration=q(t, "s"),
                source="user",
            )
            for t in seconds
        ]
        only = record("p", "lamella", *exposures, region=HERE)
        return total(custody(only), only).value

    assert told(2.0) == told(0.5, 0.5, 1.0) == 200.0


def test_the_samples_of_another_line_share_nothing():
    other = record("o", "other", electrons(100.0), time="09:00", region=WHOLE)
    eels = record("eels", "lamella", electrons(50.0), region=HERE)
    assert total(custody(other, eels, Sample(id="other", parent="chip")), eels).value == 50.0


# ---- one name of a frame on two samples ----------------------------------------------------------


def test_one_name_on_parent_and_child_is_one_frame_only_where_the_cut_is_stated_in_it():
    search = record("a", "chip", electrons(5e5), time="09:00", region=box(50, 0, 60, 1, "image"))
    spectrum = record("b", "lamella", electrons(40.0), region=box(0, 0, 1, 1, "image"))
    lift_out = step("cut", "chip", "lift_out", "10:00", derives="lamella")
    loose = total(custody(search, spectrum, lift_out), spectrum)
    assert (loose.value, loose.at_least) == (None, 40.0)
    assert (
        "a.msa: not inherited, because the frame 'image' is named on 'chip' and on 'lamella', but "
        "where 'lamella' was cut out is not stated in it"
    ) in loose.why
    held = custody(search, spectrum, lift_out, cut=box(0, 0, 5, 5, "image"))
    assert total(held, spectrum).value == 40.0
    assert kept(held, spectrum)["m-a"] == "outside"


def test_a_cut_in_another_frame_ties_no_frame():
    search = record("a", "chip", electrons(5e5), time="09:00", region=box(50, 0, 60, 1, "image"))
    spectrum = record("b", "lamella", electrons(40.0), region=box(0, 0, 1, 1, "image"))
    lift_out = step("cut", "chip", "lift_out", "10:00", derives="lamella")
    known = custody(search, spectrum, lift_out, cut=box(0, 0, 5, 5, "chip"))
    assert kept(known, spectrum)["m-a"] == "unplaced"


def test_two_spectra_of_one_step_are_one_irradiation_named_after_both():
    dose = {"modality": "eels", "fluence": q(100.0, "1/angstrom^2")}
    session = step("s", "lamella", "measure", "11:00", end="2026-03-01T13:00:00Z", conditions=dose)
    first = record("a", "lamella", electrons(None), time="11:10")
    second = record("b", "lamella", electrons(None), time="11:20")
    (entry,) = DoseLedger(custody(first, second, session)).entries
    assert entry.title == "a.msa + b.msa"
    assert entry.measurements == ("m-a", "m-b")
