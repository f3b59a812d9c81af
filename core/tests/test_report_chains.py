"""The picture of a chain: who is drawn, in which order, and what counts as an excursion."""

from __future__ import annotations

from consilience.custody.traces import Trace
from consilience.model.base import Quantity
from consilience.model.sample import Sample, Step
from consilience.report.chain_columns import Threshold
from consilience.report.chains import chain_figures
from consilience.report.drawing import draw

SAMPLES = [
    Sample(id="chip"),
    Sample(id="lamella", parent="chip"),
    Sample(id="needle", parent="chip"),
]


def step(
    name: str, sample: str, kind: str, sequence: int, derives: str | None = None, **conditions
):
    return Step(
        id=f"st-{name}",
        sample=sample,
        type=kind,
        sequence=sequence,
        derives=derives,
        conditions={k: Quantity(value=v, unit="K") for k, v in conditions.items()},
    )


STEPS = [
    step("freeze", "chip", "freeze", 1, temperature=77.0),
    step("cut", "chip", "lift_out", 2, "lamella"),
    step("bar", "chip", "lift_out", 3, "needle"),
    step("carry", "lamella", "transfer", 1, temperature=160.0),
    step("look", "lamella", "measure", 2),
]
WARM = Threshold("temperature", 136.0, "core.warm", since_freeze=True)


def rows(figure):
    return [row[1] for row in figure.table.rows]


def test_each_cut_sample_has_a_chain_that_begins_with_its_parents():
    figures = chain_figures(SAMPLES, STEPS)
    assert [f.title for f in figures] == ["Chain of lamella"]
    assert rows(figures[0]) == ["freeze", "lift out", "transfer", "measure"]


def test_a_parent_with_steps_after_its_last_cut_is_drawn_too():
    late = step("late", "chip", "store", 4)
    titles = [f.title for f in chain_figures(SAMPLES, [*STEPS, late])]
    assert titles == ["Chain of chip", "Chain of lamella"]


def test_a_stated_temperature_beyond_the_rule_is_an_excursion():
    (figure,) = chain_figures(SAMPLES, STEPS, thresholds=[WARM])
    cells = {row[1]: row[4] for row in figure.table.rows}
    assert cells["freeze"] == "77, stated"
    assert cells["transfer"] == "160, stated; beyond 136 of rule core.warm"
    assert cells["measure"] is None
    assert "136" not in str(cells["freeze"])


def test_before_the_freeze_nothing_is_too_warm():
    warm = [step("store", "chip", "store", 1, temperature=295.0), *STEPS[1:]]
    (figure,) = chain_figures(SAMPLES, warm, thresholds=[WARM])
    assert "beyond" not in str([row[4] for row in figure.table.rows])


def test_what_sensors_recorded_goes_before_what_was_stated():
    trace = Trace(
        "se-1", "st-carry", "temperature", "K", None, 10.0, (83.0, None, 84.0), (85.0, None, 99.0)
    )
    (figure,) = chain_figures(SAMPLES, STEPS, [trace], [WARM])
    cells = {row[1]: row[4] for row in figure.table.rows}
    assert cells["transfer"] == "83 to 99, recorded"


def test_a_long_chain_is_continued_and_can_be_drawn():
    many = [step(str(i), "chip", "store", i, temperature=100.0 + i) for i in range(1, 41)]
    figures = chain_figures([SAMPLES[0]], many)
    assert [f.title for f in figures] == [f"Chain of chip ({i} of 3)" for i in (1, 2, 3)]
    assert draw(figures[0].draw, figures[0].size).uri.startswith("data:image/")


def test_no_steps_no_picture():
    assert chain_figures(SAMPLES, []) == []
