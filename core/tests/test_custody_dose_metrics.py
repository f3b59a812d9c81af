"""The metrics of dose that rules ask for."""

from __future__ import annotations

import pytest
from dose_samples import COLD, WARM, box, custody, electrons, photons, q, record, step

from consilience.model.finding import Subject
from consilience.model.measurement import Exposure
from consilience.model.sample import Constituent, Sample

HERE = box(0, 0, 1, 1)


def full(fluence: float, **more) -> Exposure:
    return electrons(
        fluence,
        fluence_rate=q(100.0, "1/angstrom^2/s"),
        **{"temperature": COLD, **more},
    )


def test_nothing_is_unknown_of_a_measurement_that_says_it_all():
    told = record("told", "lamella", full(50.0), region=HERE)
    known = custody(told)
    assert known.metric("dose_unknown", told).value == 0.0
    assert known.metric("electron_fluence", told).value == 50.0
    assert known.metric("electron_fluence_before", told).value == 0.0
    assert known.metric("electron_fluence_rate", told).value == 100.0
    assert known.metric("electron_energy", told).value == 200.0
    assert known.metric("electron_fluence", told).evidence == ("m-told",)


def test_what_is_not_recorded_is_counted_and_named():
    silent = record("silent", "lamella")
    known = custody(silent)
    found = known.metric("dose_unknown", silent)
    assert (found.value, found.why) == (
        4.0,
        "not recorded: fluence, fluence rate, energy, temperature",
    )
    for name in ("electron_fluence", "electron_fluence_rate", "electron_energy"):
        metric = known.metric(name, silent)
        assert (metric.value, metric.at_least) == (None, None), name
        assert "record" in metric.why
    half = record("half", "lamella", electrons(50.0, energy=300.0))
    assert custody(half).metric("dose_unknown", half).value == 2.0


def test_a_simulated_measurement_has_no_dose_to_be_unknown():
    fake = record("fake", "lamella", origin="simulated")
    assert custody(fake).metric("dose_unknown", fake).value == 0.0


def test_warm_is_warmer_than_the_limit_was_measured():
    before = record("a", "lamella", full(900.0, temperature=WARM), time="11:00", region=HERE)
    at_limit = record("b", "lamella", full(100.0, temperature=103.15), time="11:30", region=HERE)
    now = record("c", "lamella", full(50.0, temperature=COLD), region=HERE)
    known = custody(before, at_limit, now)
    assert known.metric("electron_fluence_warm", now, 103.15).value == 900.0
    assert known.metric("electron_fluence_warm", now, 90.0).value == 1050.0
    assert known.metric("electron_fluence", now).value == 1050.0


def test_an_unknown_temperature_may_have_been_warm():
    before = record("a", "lamella", full(300.0, temperature=WARM), time="11:00", region=HERE)
    now = record("b", "lamella", full(50.0, temperature=None), region=HERE)
    found = custody(before, now).metric("electron_fluence_warm", now, 103.15)
    assert (found.value, found.at_least) == (None, 300.0)
    assert found.holds(">", 200.0) is True
    assert found.holds(">", 500.0) is None
    assert "the temperature meanwhile is not recorded" in found.why


def test_a_bound_on_the_temperature_is_enough():
    told = step(
        "m",
        "lamella",
        "measure",
        "11:59",
        conditions={"modality": "eels", "temperature": "< 103.15 K"},
    )
    now = record("b", "lamella", full(50.0, temperature=None), region=HERE)
    assert custody(told, now).metric("electron_fluence_warm", now, 103.15).value == 0.0


def test_the_highest_rate_counts_of_like_energy():
    fast = record(
        "a",
        "lamella",
        electrons(50.0, fluence_rate=q(3500.0, "1/angstrom^2/s")),
        time="11:00",
        region=HERE,
    )
    sem = record(
        "sem",
        "lamella",
        electrons(9.0, energy=5.0, fluence_rate=q(1e6, "1/angstrom^2/s")),
        time="11:10",
        region=HERE,
    )
    now = record("b", "lamella", full(50.0), region=HERE)
    assert custody(fast, sem, now).metric("electron_fluence_rate", now).value == 3500.0
    silent = record("a", "lamella", electrons(50.0), time="11:00", region=HERE)
    found = custody(silent, now).metric("electron_fluence_rate", now)
    assert (found.value, found.at_least) == (None, 100.0)
    assert found.why == "the rate on this region is not recorded of a.msa"


def test_photons_become_gray_where_material_and_energy_are_known():
    pytest.importorskip("xraylib", reason="the optional library of absorption coefficients")
    xrd = record("xrd", "film", photons(4e10), modality="xrd")
    film = Sample(id="film", materials=["Pt"])
    found = custody(xrd, film).metric("photon_dose", xrd)
    assert found.value == pytest.approx(4e10 * 1e12 * 18 * 1.602176634e-16 * 8.4938, rel=1e-3)
    assert "keV × 84.94 cm²/g (Pt, xraylib" in found.why
    for words, why in (
        ([], "the one material of the sample is not known"),
        (["Li metal"], "the one material of the sample is not known"),
        (["Pt", "LiF"], "the one material of the sample is not known"),
    ):
        named = custody(xrd, Sample(id="film", materials=words)).metric("photon_dose", xrd)
        assert named.value is None
        assert why in named.why
    no_energy = record("xrd", "film", photons(4e10, None), modality="xrd")
    found = custody(no_energy, film).metric("photon_dose", no_energy)
    assert (found.value, found.why) == (None, "xrd.msa: its energy is not recorded")


def test_gray_of_what_was_weighed_in():
    pytest.importorskip("xraylib", reason="the optional library of absorption coefficients")
    parts = [
        Constituent(subject=Subject(formula=f, space_group=225), mass_fraction=0.5)
        for f in ("LiF", "Pt")
    ]
    mixed = step("mix", "film", "prepare", constituents=parts, complete=True, citation="p. 1")
    xrd = record("xrd", "film", photons(4e10), modality="xrd")
    found = custody(xrd, mixed, Sample(id="film")).metric("photon_dose", xrd)
    assert "(0.5 LiF + 0.5 Pt, xraylib" in found.why


def test_no_photons_is_no_dose():
    apt = record("apt", "needle", modality="apt")
    known = custody(apt)
    assert known.metric("photon_fluence", apt).value == 0.0
    assert known.metric("photon_dose", apt).value == 0.0
    silent = record("xrd", "lamella", modality="xrd")
    assert custody(silent).metric("photon_dose", silent).value is None


def test_unlike_energies_leave_what_the_region_took_between_one_and_all():
    at_300 = {"temperature": COLD, "energy": 300.0, "region": HERE}
    before = record("a", "lamella", electrons(9e4, **at_300), time="11:00", region=HERE)
    again = record("b", "lamella", electrons(1e4, **at_300), time="11:30", region=HERE)
    now = record("c", "lamella", full(500.0), region=HERE)
    known = custody(before, again, now)
    found = known.metric("electron_fluence", now)
    assert (found.value, found.at_least, found.at_most) == (None, 1e5, 100_500.0)
    assert found.holds(">", 1e4) is True
    # all of it was cold
    assert known.metric("electron_fluence_warm", now, 103.15).value == 0.0
    untold = record("a", "lamella", electrons(None, **at_300), time="11:00", region=HERE)
    found = custody(untold, now).metric("electron_fluence", now)
    assert (found.value, found.at_least, found.at_most) == (None, 500.0, None)


def test_a_little_of_another_energy_cannot_pass_a_limit_far_off():
    look = record("a", "lamella", electrons(3.0, energy=5.0), time="11:00", region=HERE)
    now = record("b", "lamella", full(500.0), region=HERE)
    found = custody(look, now).metric("electron_fluence", now)
    assert (found.at_least, found.at_most) == (500.0, 503.0)
    assert found.holds(">", 1e4) is False
    assert found.holds(">", 501.0) is None


def test_two_temperatures_that_contradict_each_other_leave_the_warm_dose_open():
    told = step(
        "m",
        "lamella",
        "measure",
        "11:59",
        conditions={"modality": "eels", "temperature": q(WARM, "K")},
    )
    now = record("a", "lamella", full(500.0), region=HERE)
    found = custody(told, now).metric("electron_fluence_warm", now, 103.15)
    assert found.value is None
    assert "was 100 K or 293.15 K, by whom one asks" in found.why
    alike = told.model_copy(update={"conditions": {**told.conditions, "temperature": q(99.5, "K")}})
    assert custody(alike, now).metric("electron_fluence_warm", now, 103.15).value == 0.0
