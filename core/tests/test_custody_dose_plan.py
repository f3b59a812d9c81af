"""Seconds left: published windows come out, nothing is interpolated, and what was used counts."""

from __future__ import annotations

import pytest
from dose_samples import COLD, WARM, box, custody, electrons, record

from consilience.custody.dose import DoseLedger
from consilience.custody.dose.plan import DosePlan, plan_dose, used_by
from consilience.errors import BadInputError, NotFoundError
from consilience.rules import read_rules

HERE = box(0, 0, 1, 1)
# of the shape that plugins ship; the shipped ones are asked in test_the_published_windows
RULES = """
[[rule]]
id = "test.cold"
effect = "doubt"
metric = "electron_fluence"
op = ">"
value = 10000.0
unit = "1/angstrom^2"
scope = { material = ["LiF"] }
words = "w"
clear = "c"
citation = "A test"
arxiv = "2412.19376"
basis = { published = "100 s cold", voltage = "200 kV", temperature = "-170 degC or colder", \
fluence_rate = "100 1/angstrom^2/s", at_most = "103.15 K" }

[[rule]]
id = "test.warm"
effect = "doubt"
metric = "electron_fluence_warm"
at = "103.15 K"
op = ">"
value = 200.0
unit = "1/angstrom^2"
scope = { material = ["LiF"] }
words = "w"
clear = "c"
citation = "A test"
arxiv = "2412.19376"
basis = { published = "2 s warm", voltage = "200 kV", temperature = "20 degC", \
fluence_rate = "100 1/angstrom^2/s", above = "103.15 K" }
"""


@pytest.fixture(scope="module")
def rules():
    found, problems = read_rules(RULES, "test")
    assert problems == []
    return found


def seconds(plan: DosePlan) -> list[tuple[str, float]]:
    return [(line.limit.relation, line.seconds) for line in plan.lines]


@pytest.mark.parametrize(
    ("phase", "temperature", "expected", "printed"),
    [
        ("LiF", "20 degC", ("=", 2.0), "2 s (200 e/Å²)"),
        ("LiF", "-170 degC", ("=", 100.0), "100 s (10000 e/Å²)"),
        ("Li2CO3", "20 degC", ("<", 1.0), "less than 1 s (less than 100 e/Å²)"),
        ("Li2CO3", "-178 degC", ("=", 20.0), ": 20 s (2000 e/Å²)"),
    ],
)
def test_the_published_windows(phase, temperature, expected, printed):
    from consilience.registry import Registry
    from consilience.rules import load_rules

    plan = plan_dose(load_rules(Registry.discover()), phase, 100, temperature=temperature)
    assert len(plan.lines) == 1
    assert seconds(plan) == [expected]
    assert printed in plan.text()
    assert "measured at 200 kV" in plan.text()
    assert "arXiv:2412.19376" in plan.text()


def test_the_lithium_image_is_shown_harmless_and_no_limit():
    from consilience.registry import Registry
    from consilience.rules import load_rules

    plan = plan_dose(load_rules(Registry.discover()), "Li metal", 3500)
    assert "0.5 s were shown harmless (1750 e/Å²); no limit" in plan.text()
    assert "where harm begins is not published" in plan.text()


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [
        ("-170 degC", 100.0),
        ("103.15 K", 100.0),
        ("77 K", 100.0),
        ("-169.9 degC", 2.0),
        ("0 degC", 2.0),
    ],
)
def test_anything_warmer_takes_the_figure_for_room_temperature(rules, temperature, expected):
    plan = plan_dose(rules, "LiF", 100, temperature=temperature)
    assert seconds(plan) == [("=", expected)]
    between = "no published value between −170 °C and 20 °C: the figure for 20 °C is taken"
    assert (between in plan.text()) == (expected == 2.0)


def test_at_room_temperature_and_above(rules):
    assert "no published value" not in plan_dose(rules, "LiF", 100, temperature="22 degC").text()
    hot = plan_dose(rules, "LiF", 100, temperature="60 degC").text()
    assert "no published value above 20 °C: the figure for it is taken" in hot


def test_another_voltage_or_rate_is_an_extrapolation(rules):
    plan = plan_dose(rules, "LiF", "50 e/Å²/s", temperature="20 degC", energy="300 kV")
    assert seconds(plan) == [("=", 4.0)]
    assert "measured at 200 kV; at 300 kV it is an extrapolation" in plan.text()
    assert "stated for 100 e/Å²/s; that only the total counts is an assumption" in plan.text()
    same = plan_dose(rules, "LiF", 100, temperature="20 degC", energy="200 kV").text()
    assert "extrapolation" not in same
    assert "assumption" not in same


def test_without_a_temperature_every_published_limit_is_shown(rules):
    plan = plan_dose(rules, "LiF", 100)
    assert seconds(plan) == [("=", 2.0), ("=", 100.0)]
    assert "no temperature was given, so every published one is shown" in plan.text()


def used(*records, of=None):
    known = custody(*records)
    return used_by(DoseLedger(known), [of or records[-1]])


def test_what_was_used_is_taken_off(rules):
    before = record("a", "lamella", electrons(2500.0, temperature=COLD), time="11:00", region=HERE)
    now = record("b", "lamella", electrons(500.0, temperature=COLD), region=HERE)
    later = record("c", "lamella", electrons(1000.0, temperature=COLD), time="13:00", region=HERE)
    (line,) = plan_dose(
        rules, "LiF", 100, temperature="-170 degC", used=used(before, now, later, of=now)
    ).lines
    assert line.left == 60.0, "all that the region has had, later measurements too"
    assert "left there: 60 s" in "\n".join(line.text())
    (full,) = plan_dose(
        rules,
        "LiF",
        100,
        temperature="20 degC",
        used=used(record("a", "lamella", electrons(900.0), region=HERE)),
    ).lines
    assert full.left == 0.0
    assert "left there: 0 s" in "\n".join(full.text())


def test_an_unknown_dose_leaves_an_unknown_time(rules):
    silent = record("a", "lamella", electrons(None), time="11:00", region=HERE)
    now = record("b", "lamella", electrons(4000.0, temperature=COLD), region=HERE)
    (line,) = plan_dose(rules, "LiF", 100, temperature="-170 degC", used=used(silent, now)).lines
    assert (line.left, line.left_at_most) == (None, 60.0)
    assert "left there: unknown, at most 60 s (a.msa: its fluence is not recorded)" in "\n".join(
        line.text()
    )


def test_what_came_warm_may_have_been_too_much_for_the_cold_plan(rules):
    warm = record("a", "lamella", electrons(900.0, temperature=WARM), region=HERE)
    (line,) = plan_dose(rules, "LiF", 100, temperature="-170 degC", used=used(warm)).lines
    assert line.left == 0.0
    assert "it took 900 e/Å² while warmer than −170 °C, more than the 200 e/Å² of test.warm" in (
        line.remarks
    )


def test_electrons_of_another_energy_are_named(rules):
    now = record("b", "lamella", electrons(100.0, energy=300.0, temperature=COLD), region=HERE)
    (line,) = plan_dose(rules, "LiF", 100, temperature="-170 degC", used=used(now)).lines
    assert "what was used was used at 300 kV, the limit measured at 200 kV" in line.remarks


def test_the_json_says_the_same(rules):
    body = plan_dose(rules, "lif", 100, temperature="-170 degC").to_json()
    assert body["phase"] == "LiF"
    assert body["lines"][0]["seconds"] == 100.0
    assert body["lines"][0]["rule"] == "test.cold"
    assert body["lines"][0]["used"] is None


def test_what_cannot_be_planned(rules):
    with pytest.raises(
        NotFoundError, match="no rule has a published limit of electron dose for 'Fe'"
    ):
        plan_dose(rules, "Fe", 100)
    with pytest.raises(BadInputError, match="the rate is 0 e/Å²/s, expected a number above 0"):
        plan_dose(rules, "LiF", 0)
    with pytest.raises(BadInputError, match="cannot be converted to 1/angstrom"):
        plan_dose(rules, "LiF", "100 K")
    with pytest.raises(BadInputError, match=r"is -26\.85 K, which cannot be"):
        plan_dose(rules, "LiF", 100, temperature="-300 degC")
