"""What had happened to a sample when it was measured: order, cuts, and what stays unknown."""

from __future__ import annotations

from consilience.custody import Moment, chain_of, cut_of
from consilience.custody.chain import order_of
from consilience.model.sample import Sample, Step

CHIP, LAMELLA, NEEDLE = (
    Sample(id="chip"),
    Sample(id="lamella", parent="chip"),
    Sample(id="needle", parent="lamella"),
)
SAMPLES = {s.id: s for s in (CHIP, LAMELLA, NEEDLE)}


def step(name: str, sample: str, kind: str, start: str | None, end: str | None = None, **more):
    day = "2026-03-01T{}:00+00:00"
    return Step(
        id=f"st-{name}",
        sample=sample,
        type=kind,
        start=None if start is None else day.format(start),
        end=None if end is None else day.format(end),
        **more,
    )


STORE = step("store", "chip", "store", "08:00", "09:00")
LIFT = step("lift", "chip", "lift_out", "10:00", "10:30", derives="lamella")
AIR = step("air", "chip", "expose", "11:00", "11:05")
MILL = step("mill", "lamella", "mill", "12:00", "13:00")
STEPS = [AIR, MILL, LIFT, STORE]


def orders(moment: Moment, steps=STEPS) -> dict[str, str]:
    return {link.step.id: link.order for link in chain_of(moment, SAMPLES, steps).links}


def test_what_happened_to_the_parent_after_the_cut_is_not_the_childs():
    found = orders(Moment("lamella", "2026-03-01T14:00:00+00:00"))
    assert found == {
        "st-store": "before",
        "st-lift": "before",
        "st-air": "after",
        "st-mill": "before",
    }


def test_the_parent_itself_did_see_the_air():
    chain = chain_of(Moment("chip", "2026-03-01T14:00:00+00:00"), SAMPLES, STEPS)
    assert [s.id for s in chain.steps] == ["st-store", "st-lift", "st-air"]
    assert all(link.inherited_from is None for link in chain.links)


def test_a_measurement_between_two_steps_knows_only_the_first():
    found = orders(Moment("lamella", "2026-03-01T12:30:00+00:00"))
    assert found["st-mill"] == "during"
    assert orders(Moment("lamella", "2026-03-01T11:30:00+00:00"))["st-mill"] == "after"


def test_other_offsets_are_the_same_moment():
    assert orders(Moment("lamella", "2026-03-01T13:30:00+01:00"))["st-mill"] == "during"


def test_without_a_cut_an_ancestors_steps_are_unknown_unless_later_than_the_moment():
    found = orders(Moment("lamella", "2026-03-01T10:45:00+00:00"), [STORE, AIR, MILL])
    assert found == {"st-store": "unknown", "st-air": "after", "st-mill": "after"}


def test_a_time_without_a_zone_orders_nothing():
    assert orders(Moment("lamella", "2026-03-01T14:00:00"))["st-mill"] == "unknown"


def test_grandchildren_inherit_through_both_cuts():
    cut = step("needle", "lamella", "mill", "15:00", "16:00", derives="needle")
    late = step("late", "lamella", "warm", "17:00", "18:00")
    chain = chain_of(Moment("needle", "2026-03-02T00:00:00+00:00"), SAMPLES, [*STEPS, cut, late])
    assert [
        (link.step.id, link.inherited_from) for link in chain.links if link.order == "before"
    ] == [
        ("st-store", "chip"),
        ("st-lift", "chip"),
        ("st-mill", "lamella"),
        ("st-needle", "lamella"),
    ]
    assert {s.id for s in chain.steps}.isdisjoint({"st-air", "st-late"})


def test_places_order_a_chain_without_times():
    steps = [
        step("a", "chip", "freeze", None, sequence=1),
        step("b", "chip", "lift_out", None, sequence=2, derives="lamella"),
        step("c", "chip", "warm", None, sequence=3),
        step("d", "lamella", "mill", None, sequence=1),
        step("e", "lamella", "measure", None, sequence=2),
        step("f", "lamella", "expose", None, sequence=3),
    ]
    found = orders(Moment("lamella", None, 2), steps)
    assert found == {
        "st-a": "before",
        "st-b": "before",
        "st-c": "after",
        "st-d": "before",
        "st-e": "during",
        "st-f": "after",
    }
    assert set(orders(Moment("lamella"), steps[3:]).values()) == {"unknown"}


def test_a_step_whose_start_is_not_recorded_may_have_begun_later():
    open_ended = step("x", "chip", "expose", None, "14:00")
    at = Moment("chip", "2026-03-01T13:00:00+00:00")
    assert order_of(open_ended, at) == "unknown"
    assert order_of(open_ended, Moment("chip", "2026-03-01T15:00:00+00:00")) == "before"


def test_the_cut_is_the_step_that_names_the_child():
    assert cut_of("lamella", STEPS) is LIFT
    assert cut_of("needle", STEPS) is None
