"""The rules of the core over chains: each planted fault is found, a clean chain is silent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import xarray as xr

from consilience.custody import Custody
from consilience.custody.conditions import checked
from consilience.custody.protocols.storage import storage_answer
from consilience.errors import NotFoundError
from consilience.model.finding import Finding, Source, Subject
from consilience.model.measurement import DataSummary, MeasurementRecord
from consilience.model.sample import Sample, SensorSeries, Step
from consilience.registry import Registry
from consilience.rules import Rule, caveats_for, load_rules

START = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    shipped = load_rules(Registry.discover())
    return [r for r in shipped if r.id.split(".")[0] in ("core", "custody", "storage")]


def at(hours: float) -> str:
    return (START + timedelta(hours=hours)).isoformat()


def step(kind: str, begin: float, end: float, sample: str = "li", **more: Any) -> Step:
    conditions = checked(kind, more.pop("conditions", {}))
    content = {"id": f"st-{sample}-{kind}-{begin:g}", "sample": sample, "type": kind}
    return Step.model_validate(
        {**content, "start": at(begin), "end": at(end), "conditions": conditions, **more}
    )


GLOVEBOX = {"atmosphere": "Ar", "o2": "0.05 ppm", "h2o": "0.05 ppm"}


def lithium(**changed: Step | None) -> list[Step]:
    """Return a chain of a lithium lamella that follows the guidelines, with no hour left open."""
    cold = {"ion": "Xe", "temperature": "-175 degC", "pressure": "1e-5 Pa"}
    steps: dict[str, Step | None] = {
        "open": step("disassemble", 0, 1, conditions=GLOVEBOX),
        "store": step("store", 1, 21, conditions=GLOVEBOX),
        "carry": step(
            "transfer", 21, 22, conditions={"carrier": "shuttle", "cover_gas": "Ar", **GLOVEBOX}
        ),
        "cut": step("lift_out", 22, 24, derives="lamella", conditions=cold),
        "thin": step("mill", 24, 25, "lamella", conditions=cold),
        "back": step("transfer", 25, 26, "lamella", conditions={"carrier": "holder", **GLOVEBOX}),
        **changed,
    }
    return [s for s in steps.values() if s is not None]


def frozen(**changed: Step | None) -> list[Step]:
    """Return a chain with frozen liquid that never warms."""
    steps: dict[str, Step | None] = {
        "open": step("disassemble", 0, 1, "wet", conditions={**GLOVEBOX, "temperature": "295 K"}),
        "freeze": step(
            "freeze",
            1,
            2,
            "wet",
            conditions={
                "method": "plunge",
                "liquid": "1 M LiPF6 in EC/DMC",
                "atmosphere": "N2",
                "temperature": "80 K",
            },
        ),
        "carry": step(
            "transfer",
            2,
            3,
            "wet",
            conditions={"carrier": "vacuum suitcase", "temperature": "90 K", "pressure": "1e-7 Pa"},
        ),
        **changed,
    }
    return [s for s in steps.values() if s is not None]


def record(sample: str, hours: float, modality: str) -> MeasurementRecord:
    return MeasurementRecord(
        id="m1",
        name="map",
        modality=modality,
        sample=sample,
        state={},
        origin="measured",
        stored={},
        reader="r",
        plugin="p",
        version="1",
        array=None,
        lazy=None,
        summary=DataSummary(variables={}, coordinates={}),
        start=at(hours),
    )


def finding(sample: str, subject: Subject) -> Finding:
    empty = ("region", "value", "unit", "std_stat", "std_sys", "interval", "covariance", "array")
    more = ("probe", "limit", "reason", "unassigned")
    return Finding.identified(
        {
            **dict.fromkeys((*empty, *more)),
            "kind": "element" if subject.element else "phase",
            "subject": subject,
            "sample": sample,
            "state": {},
            "status": "present",
            "rivals": [],
            "evidence": {},
            "assumptions": [],
            "method": "m",
            "origin": "measured",
            "measurements": ["m1"],
            "source": Source(plugin="p", version="1", analysis="p.a"),
        }
    )


def fired(
    rules: list[Rule],
    steps: list[Step],
    *,
    sample: str = "lamella",
    hours: float = 26.0,
    modality: str = "eels",
    subject: Subject | None = None,
    materials: tuple[str, ...] = ("Li foil",),
    series: tuple[tuple[SensorSeries, xr.Dataset], ...] = (),
) -> dict[str, str]:
    root = "li" if sample == "lamella" else sample
    samples = {root: Sample(id=root, materials=list(materials))}
    if sample == "lamella":
        samples["lamella"] = Sample(id="lamella", parent="li")
    measured = {"m1": record(sample, hours, modality)}
    data = {s.id: d for s, d in series}
    custody = Custody(samples, steps, [s for s, _ in series], measured, lambda s: data[s.id])
    about = finding(sample, subject or Subject(formula="Li"))
    caveats = caveats_for([about], measured, rules, custody)
    return {c.rule: c.message for c in caveats}


def wet(rules: list[Rule], steps: list[Step], **more: Any) -> dict[str, str]:
    more = {"sample": "wet", "hours": 3.0, "modality": "apt", "materials": (), **more}
    return fired(rules, steps, subject=Subject(element="Li"), **more)


def log(step_id: str, values: list[float], **more: Any) -> tuple[SensorSeries, xr.Dataset]:
    """Return a sensor over the hour of a transfer, a reading a minute."""
    column, unit = more.pop("column", "temperature"), more.pop("unit", "K")
    begin = more.pop("begin", 2.0)
    series = SensorSeries(
        id="se-1",
        step=step_id,
        sample="wet",
        file="log.csv",
        sha256="0" * 64,
        array="a",
        columns={column: unit},
        rows=len(values),
        start=at(begin),
        mapping={"gap": "120 s"},
        **more,
    )
    time = np.arange(len(values), dtype=float) * 60.0
    return series, xr.Dataset(
        {column: ("time", np.asarray(values), {"units": unit})},
        {"time": ("time", time, {"units": "s"})},
    )


# --- clean chains -------------------------------------------------------------------------------


def test_a_clean_chain_of_lithium_raises_nothing(rules: list[Rule]) -> None:
    assert fired(rules, lithium()) == {}


def test_a_clean_frozen_chain_raises_nothing(rules: list[Rule]) -> None:
    assert wet(rules, frozen()) == {}


def test_other_materials_have_none_of_the_rules_of_lithium(rules: list[Rule]) -> None:
    stale = step("store", 1, 100, conditions={"atmosphere": "air"})
    found = fired(rules, [stale], sample="li", hours=101, materials=("Pt",), modality="xrd")
    assert found == {}


# --- planted faults -----------------------------------------------------------------------------


def test_stale_storage_is_found_before_the_cut_and_after(rules: list[Rule]) -> None:
    late = [
        s.model_copy(update={"start": at(72 + h), "end": at(72 + e)})
        for s, h, e in (
            (lithium()[2], 21, 22),
            (lithium()[3], 22, 24),
            (lithium()[4], 24, 25),
            (lithium()[5], 25, 26),
        )
    ]
    steps = [lithium()[0], step("store", 1, 93, conditions=GLOVEBOX), *late]
    found = fired(rules, steps, hours=98)
    assert set(found) == {"storage.li-two-days-before-cut"}
    assert "in store for 92 h" in found["storage.li-two-days-before-cut"]
    kept = [lithium()[0], step("store", 1, 93, conditions=GLOVEBOX)]
    assert set(fired(rules, kept, sample="li", hours=93)) == {"storage.li-two-days"}


@pytest.mark.parametrize(
    ("material", "days", "expected"),
    [
        ("Li foil", 1, set()),
        ("Li foil", 2, set()),
        ("Li foil", 7, {"storage.li-two-days", "storage.foil-week"}),
        ("bi-salt", 2, set()),
        ("bi-salt", 7, {"storage.li-two-days", "storage.bi-salt-week"}),
        ("Gen 2", 1, {"storage.low-efficiency-hours"}),
        ("Gen 2", 7, {"storage.low-efficiency-hours", "storage.gen2-week"}),
    ],
)
def test_storage_by_type_of_lithium(
    rules: list[Rule], material: str, days: int, expected: set[str]
) -> None:
    steps = [
        step("disassemble", 0, 1, conditions=GLOVEBOX),
        step("store", 1, 1 + 24 * days, conditions=GLOVEBOX),
    ]
    found = fired(rules, steps, sample="li", hours=1 + 24 * days, materials=(material,))
    assert set(found) == expected


def test_a_lamella_that_waits_longer_than_a_day_is_noted(rules: list[Rule]) -> None:
    wait = step("store", 26, 50, "lamella", conditions=GLOVEBOX)
    found = fired(rules, [*lithium(), wait], hours=50)
    assert set(found) == {"storage.lamella-day"}


@pytest.mark.parametrize(
    ("seconds", "rule"), [(20.0, "custody.li-air"), (5.0, "custody.li-air-short")]
)
def test_air_on_lithium(rules: list[Rule], seconds: float, rule: str) -> None:
    out = step("expose", 26, 26 + seconds / 3600)
    out = out.model_copy(update={"sample": "lamella"})
    found = fired(rules, [*lithium(), out], hours=26 + seconds / 3600)
    assert set(found) == {rule}
    assert f"{seconds:g} s" in found[rule]


def test_air_without_a_time_is_not_forgotten(rules: list[Rule]) -> None:
    out = Step(
        id="st-out",
        sample="lamella",
        type="expose",
        conditions=checked("expose", {"duration": "20 s", "atmosphere": "laboratory"}),
    )
    found = fired(rules, [*lithium(), out])
    assert set(found) == {"custody.li-air-unplaced"}
    assert "expose (st-out)" in found["custody.li-air-unplaced"]


@pytest.mark.parametrize("word", ["lithium", "Lithium foil", "electrodeposited lithium", "Gen2"])
def test_lithium_is_known_however_it_is_written(rules: list[Rule], word: str) -> None:
    out = step("expose", 26, 27).model_copy(update={"sample": "lamella"})
    assert "custody.li-air" in fired(rules, [*lithium(), out], hours=27, materials=(word,))


def test_lithium_of_low_efficiency_counts_hours_before_the_cut_too(rules: list[Rule]) -> None:
    steps = [
        step("disassemble", -10, -9, conditions=GLOVEBOX),
        step("store", -9, 21, conditions=GLOVEBOX),
        *lithium()[2:],
    ]
    assert fired(rules, steps) == {}
    found = fired(rules, steps, materials=("Gen 2",))
    assert set(found) == {"storage.low-efficiency-hours-before-cut"}


def test_a_store_in_another_gas_or_cold_says_so(rules: list[Rule]) -> None:
    nitrogen = {"atmosphere": "N2", "o2": "0.05 ppm", "h2o": "0.05 ppm", "temperature": "80 K"}
    kept = step("store", 26, 98, "lamella", conditions=nitrogen)
    words = fired(rules, [*lithium(), kept], hours=98)["storage.li-two-days"]
    assert "an argon glovebox (below 0.1 ppm)" in words
    assert "in N2, 80 K" in words
    argon = step("store", 26, 98, "lamella", conditions=GLOVEBOX)
    assert "in Ar" not in fired(rules, [*lithium(), argon], hours=98)["storage.li-two-days"]


def test_a_store_of_unknown_length_is_noted(rules: list[Rule]) -> None:
    steps = [step("disassemble", 0, 1, conditions=GLOVEBOX), *lithium()[2:]]
    kept = Step(id="st-kept", sample="li", type="store", conditions=checked("store", GLOVEBOX))
    steps = [*steps, kept.model_copy(update={"start": at(1)})]
    assert fired(rules, steps) == {}, "it ended before the next step began"
    undated = [s.model_copy(update={"start": None, "end": None}) for s in steps]
    placed = [s.model_copy(update={"sequence": n}) for n, s in enumerate(undated, start=1)]
    assert "storage.li-two-days" in fired(rules, placed)


def test_an_air_leak_in_a_sensor_is_found(rules: list[Rule]) -> None:
    values = [0.05] * 20 + [2000.0] * 20 + [0.05] * 21
    leak = log("st-li-transfer-21", values, column="o2", unit="ppm", begin=21.0)
    found = fired(rules, lithium(), series=(leak,))
    assert set(found) == {"custody.li-oxygen"}
    assert "is assumed, not published" in found["custody.li-oxygen"]
    effects = {r.id: r.effect for r in rules}
    assert effects["custody.li-oxygen"] == effects["custody.li-water"] == "note"


def test_a_sensor_that_looks_stuck_is_noted(rules: list[Rule]) -> None:
    series, data = log("st-li-transfer-21", [0.05] * 61, column="o2", unit="ppm", begin=21.0)
    stuck = (series.model_copy(update={"suspect": ["o2"]}), data)
    found = fired(rules, lithium(), series=(stuck,))
    assert set(found) == {"custody.sensor-stuck"}
    assert "o2 in log.csv" in found["custody.sensor-stuck"]


@pytest.mark.parametrize(
    ("ion", "temperature", "effect"),
    [("Ga", "20 degC", True), ("Ga", "-175 degC", False), ("Xe", "20 degC", False)],
)
def test_gallium_on_warm_lithium(
    rules: list[Rule], ion: str, temperature: str, effect: bool
) -> None:
    mill = {"ion": ion, "temperature": temperature, "pressure": "1e-5 Pa"}
    found = fired(rules, lithium(thin=step("mill", 24, 25, "lamella", conditions=mill)))
    assert set(found) == ({"custody.li-gallium-warm"} if effect else set())


def test_a_mill_without_ion_is_noted_as_unknown(rules: list[Rule]) -> None:
    mill = step(
        "mill", 24, 25, "lamella", conditions={"pressure": "1e-5 Pa", "atmosphere": "vacuum"}
    )
    found = fired(rules, lithium(thin=mill))
    assert found["custody.li-gallium-warm"].startswith("it cannot be judged whether")


def test_a_suitcase_that_warmed_for_ten_minutes_is_found(rules: list[Rule]) -> None:
    warmed = log("st-wet-transfer-2", [90.0] * 20 + [180.0] * 10 + [90.0] * 31)
    found = wet(rules, frozen(), series=(warmed,))
    assert set(found) == {"custody.frozen-warmed"}
    assert wet(rules, frozen(), series=(log("st-wet-transfer-2", [90.0] * 61),)) == {}


def test_a_warm_up_without_frozen_liquid_is_nothing(rules: list[Rule]) -> None:
    dry = frozen()[1].model_copy(
        update={"conditions": checked("freeze", {"method": "plunge", "liquid": "none"})}
    )
    warmed = log("st-wet-transfer-2", [90.0] * 20 + [180.0] * 10 + [90.0] * 31)
    assert wet(rules, frozen(freeze=dry), series=(warmed,)) == {}


def test_a_gap_of_the_sensor_is_noted_as_unknown(rules: list[Rule]) -> None:
    series, data = log("st-wet-transfer-2", [90.0] * 61)
    keep = np.r_[0:20, 40:61]
    holed = (series.model_copy(update={"rows": 41}), data.isel(time=keep))
    found = wet(rules, frozen(), series=(holed,))
    assert "custody.sensor-gap" in found
    assert "custody.frozen-warmed" in found
    assert found["custody.frozen-warmed"].startswith("it cannot be judged")


def test_poured_nitrogen_is_noted(rules: list[Rule]) -> None:
    conditions = {**frozen()[1].conditions, "method": "poured"}
    poured = frozen()[1].model_copy(update={"conditions": conditions})
    assert set(wet(rules, frozen(freeze=poured))) == {"custody.salt-segregation"}
    silent = {k: v for k, v in conditions.items() if k != "liquid"}
    unsaid = frozen()[1].model_copy(update={"conditions": silent})
    found = wet(rules, frozen(freeze=unsaid))
    assert set(found) == {"custody.salt-segregation"}
    assert "does not say what liquid" in found["custody.salt-segregation"]


def test_a_lost_vacuum_is_found(rules: list[Rule]) -> None:
    conditions = {"carrier": "vacuum suitcase", "temperature": "90 K", "pressure": "1 Pa"}
    lost = step("transfer", 2, 3, "wet", conditions=conditions)
    assert "custody.frozen-vacuum-lost" in wet(rules, frozen(carry=lost))


def test_a_measurement_before_its_sample_existed_is_doubted(rules: list[Rule]) -> None:
    assert "custody.time-contradiction" in fired(rules, lithium(), hours=10)


# --- storage in words ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("material", "days", "verdict", "figure"),
    [
        ("Li foil", 1, "within", "not published: the loss after 1 d"),
        ("Li foil", 2, "within", "not published: the loss after 2 d"),
        ("Li foil", 7, "too long", "published: loss of metallic lithium < 10 % after 7 d"),
        ("bi-salt", 1, "within", "not published: the loss after 1 d"),
        ("bi-salt", 2, "within", "not published: the loss after 2 d"),
        ("bi-salt", 7, "too long", "published: loss of metallic lithium < 20 % after 7 d"),
        ("Gen 2", 1, "too long", "not published: the loss after 1 d"),
        ("Gen 2", 2, "too long", "not published: the loss after 2 d"),
        ("gen2", 7, "too long", "published: loss of metallic lithium > 40 % after 7 d"),
        ("Li foil", 8, "too long", "nothing for longer storage is derived from it"),
        ("Li metal", 1, "within", "no loss is published for Li metal"),
    ],
)
def test_storage_says_which_part_is_published(
    rules: list[Rule], material: str, days: float, verdict: str, figure: str
) -> None:
    answer = storage_answer(rules, material, 24 * days)
    assert answer.verdict == verdict
    (line,) = [s for s in answer.lines if figure in s.text]
    assert line.published is line.text.startswith("published")


def test_storage_of_what_no_rule_knows(rules: list[Rule]) -> None:
    with pytest.raises(NotFoundError, match="no rule of storage speaks of 'Pt'") as caught:
        storage_answer(rules, "Pt", 24.0)
    assert "Li foil" in caught.value.fix
