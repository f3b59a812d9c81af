"""What was weighed in holds until a step of the chain alters it; the chain ends at the cut."""

from __future__ import annotations

from consilience.compare.history import altered_before
from consilience.model.sample import Sample, Step

SAMPLES = {"chip": Sample(id="chip"), "lamella": Sample(id="lamella", parent="chip")}
DAY = "2026-03-0{}T09:00:00+00:00"


def step(kind: str, day: int | None, sample: str = "chip", **more: object) -> Step:
    start = None if day is None else DAY.format(day)
    return Step.model_validate({"sample": sample, "type": kind, "start": start, **more})


PREPARED = step("prepare", 1)
CUT = step("lift_out", 3, derives="lamella", id="st-cut")


def test_a_parents_step_after_the_cut_is_not_the_childs() -> None:
    steps = [PREPARED, CUT, step("expose", 4)]
    assert altered_before("lamella", DAY.format(5), SAMPLES, steps) is None
    chip = altered_before("chip", DAY.format(5), SAMPLES, steps)
    assert chip == "chip was exposed after it was prepared and before it was measured"


def test_a_parents_step_before_the_cut_is_the_childs_even_without_a_time_of_measurement() -> None:
    steps = [PREPARED, step("cycle", 2), CUT]
    assert "lamella was cycled" in str(altered_before("lamella", None, SAMPLES, steps))


def test_without_a_cut_it_is_not_known_what_the_child_saw() -> None:
    steps = [PREPARED, step("cycle", 2)]
    said = altered_before("lamella", DAY.format(5), SAMPLES, steps)
    assert said == "it is not known whether lamella was cut before or after chip was cycled"


def test_a_chain_without_times_is_ordered_by_its_sequence() -> None:
    steps = [
        step("prepare", None, sequence=1),
        step("measure", None, sequence=2),
        step("cycle", None, sequence=3),
    ]
    assert altered_before("chip", None, SAMPLES, steps, 2) is None
    assert "was cycled" in str(altered_before("chip", None, SAMPLES, steps, 4))
    assert "not known" in str(altered_before("chip", None, SAMPLES, steps))


def test_storage_and_transfer_are_for_rules_not_alterations() -> None:
    steps = [PREPARED, step("store", 2), step("transfer", 2), step("freeze", 2), CUT]
    assert altered_before("lamella", DAY.format(5), SAMPLES, steps) is None
