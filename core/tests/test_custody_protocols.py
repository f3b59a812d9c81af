"""Chains held against protocols: kept, broken, unknown, missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from consilience.custody import Custody
from consilience.custody.conditions import checked
from consilience.custody.protocols.holding import Held, hold
from consilience.custody.protocols.protocol import (
    Protocol,
    chosen,
    read_protocol,
    shipped_protocols,
    shown_in,
)
from consilience.errors import BadInputError, NotFoundError
from consilience.model.sample import Sample, SensorSeries, Step

PLAN: dict[str, Any] = {
    "name": "cold",
    "title": "cold chain",
    "citation": "somebody",
    "step": [
        {
            "title": "store",
            "type": ["store"],
            "bounds": [
                {"condition": "atmosphere", "one_of": ["Ar"]},
                {"condition": "o2", "op": "<=", "value": "5 ppm"},
                {"condition": "duration", "op": "<=", "value": "2 d"},
            ],
        },
        {
            "title": "carry",
            "type": ["transfer"],
            "bounds": [{"condition": "temperature", "op": "<=", "value": "-170 degC"}],
        },
        {"title": "warm up", "type": ["warm"], "optional": True},
        {
            "title": "look",
            "type": ["measure"],
            "bounds": [{"condition": "fluence", "stated": True}],
        },
    ],
    "never": [{"type": "expose", "why": "no air"}],
}


def plan(**fields: Any) -> Protocol:
    return read_protocol({**PLAN, **fields}, "plan")


def step(number: int, kind: str, sample: str = "s", **fields: Any) -> Step:
    conditions = checked(kind, fields.pop("conditions", {}))
    return Step.model_validate(
        {
            "id": f"st-{sample}-{number}",
            "sample": sample,
            "type": kind,
            "sequence": number,
            "conditions": conditions,
            **fields,
        }
    )


STORE = {"atmosphere": "Ar", "o2": "1 ppm", "duration": "1 d"}


def chain(**changed: Step | None) -> list[Step]:
    steps: dict[str, Step | None] = {
        "store": step(1, "store", conditions=STORE),
        "carry": step(2, "transfer", conditions={"temperature": "90 K"}),
        "look": step(4, "measure", conditions={"fluence": "10 e/angstrom^2"}),
        **changed,
    }
    return [s for s in steps.values() if s is not None]


def held(steps: list[Step], protocol: Protocol | None = None, **more: Any) -> Held:
    return hold(Custody({"s": Sample(id="s")}, steps, **more), "s", protocol or plan())


def results(found: Held) -> list[str]:
    return [s.result for s in found.steps]


def test_a_chain_that_keeps_everything() -> None:
    found = held(chain())
    assert results(found) == ["kept", "kept", "left out", "kept"]
    assert found.result == "kept"
    assert found.beside == ()


def test_what_breaks_a_bound_is_named_with_its_number() -> None:
    found = held(chain(carry=step(2, "transfer", conditions={"temperature": "-100 degC"})))
    assert results(found)[1] == "broken"
    assert found.result == "broken"
    assert found.steps[1].why == ("temperature <= 103.15 K: 173.15 K",)


@pytest.mark.parametrize(
    ("conditions", "result"),
    [
        ({"atmosphere": "Ar", "duration": "1 d"}, "unknown"),
        ({**STORE, "o2": "< 5 ppm"}, "kept"),
        ({**STORE, "o2": "< 10 ppm"}, "unknown"),
        ({**STORE, "o2": "> 10 ppm"}, "broken"),
        ({**STORE, "atmosphere": "air"}, "broken"),
        ({**STORE, "duration": "3 d"}, "broken"),
        ({"o2": "9 ppm"}, "broken"),
    ],
)
def test_unknown_is_neither_kept_nor_broken(conditions: dict[str, str], result: str) -> None:
    assert results(held(chain(store=step(1, "store", conditions=conditions))))[0] == result


def test_a_duration_follows_from_start_and_end() -> None:
    times = {"start": "2026-01-01T00:00:00+00:00", "end": "2026-01-04T00:00:00+00:00"}
    conditions = {"atmosphere": "Ar", "o2": "1 ppm"}
    found = held([step(1, "store", conditions=conditions, **times)])
    assert found.steps[0].result == "broken"
    assert "3 d from start to end" in found.steps[0].why[2]


def test_a_step_that_is_not_there_is_missing_and_does_not_shift_the_rest() -> None:
    found = held(chain(carry=None))
    assert results(found) == ["kept", "missing", "left out", "kept"]
    assert found.result == "unknown"


def test_what_the_protocol_rules_out_is_broken_and_other_steps_stand_beside() -> None:
    more = [step(3, "expose"), step(5, "rinse")]
    found = held([*chain(), *more])
    assert results(found) == ["kept", "kept", "left out", "kept", "broken"]
    assert found.steps[-1].why == ("ruled out: no air",)
    assert [s.type for s in found.beside] == ["rinse"]


def test_several_steps_in_a_row_are_one_planned_step_and_all_have_to_keep_it() -> None:
    second = step(3, "transfer", conditions={"temperature": "200 K"})
    found = held([*chain(), second])
    assert results(found)[1] == "broken"
    assert len(found.steps[1].steps) == 2


def test_a_step_without_a_place_in_the_chain_keeps_nothing() -> None:
    loose = step(1, "store", conditions=STORE).model_copy(update={"sequence": None})
    found = held(chain(store=loose))
    assert found.steps[0].result == "unknown"
    assert "its place in the chain is not recorded" in found.steps[0].why[-1]


def test_the_chain_of_a_child_holds_its_parents_steps_until_the_cut() -> None:
    samples = {"p": Sample(id="p"), "s": Sample(id="s", parent="p")}
    steps = [
        step(1, "store", "p", conditions=STORE),
        step(2, "lift_out", "p", derives="s"),
        step(3, "expose", "p"),
        step(1, "transfer", conditions={"temperature": "90 K"}),
        step(2, "measure", conditions={"fluence": "10 e/angstrom^2"}),
    ]
    found = hold(Custody(samples, steps), "s", plan())
    assert results(found) == ["kept", "kept", "left out", "kept"]
    assert [s.type for s in found.beside] == ["lift_out"]


def sensor(values: list[float], problems: list[str]) -> tuple[SensorSeries, xr.Dataset]:
    series = SensorSeries(
        id="se",
        step="st-s-2",
        sample="s",
        file="log.csv",
        sha256="0" * 64,
        array="a",
        columns={"temperature": "K"},
        rows=len(values),
        start="2026-01-01T00:00:00+00:00",
        problems=problems,
    )
    time = np.arange(len(values), dtype=float)
    return series, xr.Dataset({"temperature": ("time", values)}, {"time": time})


@pytest.mark.parametrize(
    ("values", "problems", "result"),
    [
        ([90.0, 91.0, 92.0], [], "kept"),
        ([90.0, 91.0, 92.0], ["gap of 60 s"], "unknown"),
        ([90.0, 150.0, 92.0], ["gap of 60 s"], "broken"),
        ([90.0, 150.0, 92.0], [], "broken"),
        ([np.nan, np.nan], [], "unknown"),
    ],
)
def test_a_sensor_with_gaps_can_break_a_bound_but_not_keep_it(
    values: list[float], problems: list[str], result: str
) -> None:
    series, data = sensor(values, problems)
    found = held(chain(), series=[series], open_series=lambda _: data)
    assert results(found)[1] == result


def dated(begin: str, end: str) -> list[Step]:
    """The chain with times: its transfer on 1 January, the others around it."""
    times = [
        ("2025-12-31T08:00:00", "2025-12-31T12:00:00"),
        (f"2026-01-01T{begin}", f"2026-01-01T{end}"),
        ("2026-01-02T08:00:00", "2026-01-02T09:00:00"),
    ]
    return [
        s.model_copy(update={"start": f"{t[0]}+00:00", "end": f"{t[1]}+00:00", "sequence": None})
        for s, t in zip(chain(), times, strict=True)
    ]


@pytest.mark.parametrize(
    ("begin", "end", "result", "words"),
    [
        ("00:00:00", "00:00:02", "kept", "90 K; series se from 90 to 92 K"),
        ("00:00:01", "00:00:02", "kept", "series se from 91 to 92 K"),
        ("00:00:01", "00:00:03", "broken", "series se from 91 to 150 K"),
        ("00:00:00", "00:10:00", "broken", "series se from 90 to 150 K"),
        ("00:01:00", "00:02:00", "unknown", "se recorded nothing while the step lasted"),
    ],
)
def test_only_what_a_sensor_saw_during_the_step_is_held_against_it(
    begin: str, end: str, result: str, words: str
) -> None:
    series, data = sensor([90.0, 91.0, 92.0, 150.0], [])
    found = held(dated(begin, end), series=[series], open_series=lambda _: data)
    assert any(words in line for line in found.steps[1].why), found.steps[1].why
    assert results(found)[1] == result


def test_a_log_of_a_part_of_the_step_does_not_keep_a_bound() -> None:
    series, data = sensor([90.0, 91.0, 92.0], [])
    found = held(dated("00:00:00", "00:10:00"), series=[series], open_series=lambda _: data)
    assert results(found)[1] == "unknown"
    assert any("92 K, which is only a part of the step" in x for x in found.steps[1].why)


def test_shipped_protocols_are_cited_and_can_be_kept() -> None:
    shipped = shipped_protocols()
    assert set(shipped) == {"liguide", "ptanode", "sianode"}
    assert shipped["liguide"].arxiv == "2412.19376"
    assert shipped["ptanode"].arxiv == "2511.16382"
    assert all(p.origin == "shipped" for p in shipped.values())


def test_the_guidelines_chain_is_kept_by_a_chain_after_it() -> None:
    cold = {"ion": "Xe", "temperature": "-175 degC"}
    seen = {"fluence": "50 e/angstrom^2", "energy": "200 keV", "temperature": "20 degC"}
    steps = [
        step(1, "store", conditions={**STORE, "o2": "0.05 ppm", "h2o": "< 0.1 ppm"}),
        step(2, "transfer", conditions={"carrier": "shuttle", "cover_gas": "Ar"}),
        step(3, "mill", conditions=cold),
        step(4, "lift_out", conditions=cold),
        step(5, "mill", conditions=cold),
        step(6, "warm"),
        step(7, "transfer", conditions={"cover_gas": "Ar"}),
        step(8, "store", conditions={"atmosphere": "Ar", "duration": "3 h"}),
        step(9, "transfer", conditions={"carrier": "holder", "atmosphere": "vacuum"}),
        step(10, "measure", conditions={**seen, "fluence_rate": "10 1/angstrom^2/s"}),
    ]
    liguide = shipped_protocols()["liguide"]
    found = held(steps, liguide)
    assert set(results(found)) == {"kept"}
    gallium = [
        step(3, "mill", conditions={**cold, "ion": "Ga"}) if s.sequence == 3 else s for s in steps
    ]
    broken = held(gallium, liguide)
    assert results(broken)[2] == "broken"
    assert "the source also says: Ga at lower current" in broken.steps[2].why[-1]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"step": []}, "at least 1 item"),
        ({"name": "Two words"}, "name: String should match"),
        ({"step": [{"title": "x", "type": ["fly"]}]}, "step.0.type.0: Input should be 'prepare'"),
        (
            {"step": [{"title": "x", "type": ["mill"], "bounds": [{"condition": "temperatur"}]}]},
            "did you mean 'temperature'",
        ),
        (
            {"step": [{"title": "x", "type": ["mill"], "bounds": [{"condition": "ion"}]}]},
            "write op and value, or one_of, or stated",
        ),
        (
            {
                "step": [
                    {
                        "title": "x",
                        "type": ["mill"],
                        "bounds": [{"condition": "temperature", "op": "<=", "value": 90}],
                    }
                ]
            },
            "write '90 K'",
        ),
    ],
)
def test_a_wrong_protocol_names_the_place(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInputError) as caught:
        plan(**fields)
    assert caught.value.what.startswith("plan: 1 problem(s)")
    assert said in caught.value.what


def test_all_problems_of_a_protocol_come_at_once() -> None:
    with pytest.raises(BadInputError, match="3 problem"):
        read_protocol({"name": "x", "step": [{"title": "x", "type": []}]}, "plan")


def test_a_protocol_is_found_by_name_or_file(tmp_path: Path) -> None:
    assert chosen("cold", [plan()]).name == "cold"
    with pytest.raises(NotFoundError, match="there is no protocol 'warm'") as caught:
        chosen("warm", [plan()])
    assert "cold, liguide, ptanode, sianode" in caught.value.fix
    file = tmp_path / "mine.toml"
    file.write_text(
        'name = "mine"\ntitle = "t"\ncitation = "c"\n[[step]]\ntitle = "x"\ntype = ["mill"]\n'
    )
    assert chosen(str(file)).origin == "file"
    with pytest.raises(NotFoundError, match="cannot be read"):
        chosen(str(tmp_path / "none.toml"))
    file.write_text("[[step")
    with pytest.raises(BadInputError, match="is not TOML"):
        chosen(str(file))


def test_times_are_shown_in_the_unit_that_loses_nothing() -> None:
    assert [shown_in(s, "s") for s in (172800.0, 5400.0, 1200.0, 90.0, 172801.0)] == [
        "2 d",
        "90 min",
        "20 min",
        "90 s",
        "172801 s",
    ]
    assert shown_in(103.15, "K") == "103.15 K"
