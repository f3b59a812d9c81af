"""The index: lookups, keeping up, and being rebuilt."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest

from consilience.store import (
    FindingRow,
    MeasurementRow,
    SampleRow,
    SeriesRow,
    StepRow,
    Store,
)

RECORDS: list[tuple[str, dict[str, object]]] = [
    ("sample", {"id": "chip", "title": "Chip 3"}),
    ("sample", {"id": "lamella", "parent": "chip"}),
    ("sample", {"id": "blank\udc80", "control_of": "chip"}),
    ("step", {"id": "st-1", "sample": "chip", "type": "prepare", "start": "2024-01-01"}),
    ("series", {"id": "se-1", "step": "st-1", "sample": "chip", "file": "log.csv"}),
    (
        "measurement",
        {"id": "m-1", "sample": "chip", "modality": "xrd", "state": {"cycle": 5}, "name": "a.xy"},
    ),
    ("measurement", {"id": "m-2", "sample": "lamella", "modality": "eels", "state": {}}),
    (
        "finding",
        {
            "id": "f-1",
            "kind": "phase",
            "subject": {"element": None, "formula": "LiPt", "space_group": 187, "label": "x"},
            "sample": "chip",
            "run": "r-1",
        },
    ),
    (
        "finding",
        {"id": "f-2", "kind": "composition", "subject": {"element": "Li"}, "sample": "chip"},
    ),
    ("finding", {"id": "f-3", "kind": "roughness", "subject": None, "sample": "lamella"}),
    ("run", {"id": "r-1", "analysis": "xrd.phases", "plugin": "xrd"}),
    ("reference", {"id": "ref-1", "name": "LiF"}),
    ("note", {"text": "no id"}),
]  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store.create(tmp_path / "study", "test")
    made.append(RECORDS)
    return made


def check(store: Store) -> None:
    index = store.index
    assert index.samples() == [
        SampleRow("chip", "Chip 3", None, None),
        SampleRow("lamella", None, "chip", None),
        SampleRow("blank\\udc80", None, None, "chip"),
    ]
    assert [s.id for s in index.samples(parent="chip")] == ["lamella"]
    assert index.steps("chip") == [StepRow("st-1", "chip", "prepare", "2024-01-01")]
    assert index.series(step="st-1") == [SeriesRow("se-1", "st-1", "chip", "log.csv")]
    assert index.measurements(modality="xrd") == [
        MeasurementRow("m-1", "chip", "xrd", '{"cycle":5}', "a.xy")
    ]
    assert [m.id for m in index.measurements(sample="lamella")] == ["m-2"]
    assert index.findings(subject="LiPt#187") == [
        FindingRow("f-1", "phase", "LiPt#187", "chip", "r-1")
    ]
    assert [f.id for f in index.findings(sample="chip", subject="Li")] == ["f-2"]
    assert [f.subject for f in index.findings(kind="roughness")] == [None]
    assert [f.id for f in index.findings(run="r-1")] == ["f-1"]
    assert [r.id for r in index.runs("xrd.phases")] == ["r-1"]
    assert [r.name for r in index.references()] == ["LiF"]
    assert index.count("finding") == 3
    for name, count in [("step", 1), ("series", 1), ("run", 1), ("finding", 3)]:
        assert len(index.latest(name)) == count
    assert [e.body for e in index.entries("note")] == [{"text": "no id"}]
    assert index.find("m-") == [("measurement", "m-1"), ("measurement", "m-2")]
    assert index.has("sample", "blank\udc80")
    assert index.get("sample", "nobody") is None
    entry = index.get("sample", "blank\udc80")
    assert entry is not None
    assert entry.body["id"] == "blank\udc80"


def test_lookups(store: Store) -> None:
    check(store)


def test_no_array_module_is_needed(store: Store) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from consilience.store import Store; s = Store.open(sys.argv[1]); "
        "s.index.samples(); s.index.measurements(); s.put_json({}); s.verify(); "
        "print([m for m in ('numpy', 'xarray', 'zarr') if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(store.path)], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"


def test_the_latest_record_of_an_id_counts(store: Store) -> None:
    store.append([("sample", {"id": "chip", "title": "Chip 3, cut"})])
    assert store.index.count("sample") == 3
    assert [s.title for s in store.index.samples() if s.id == "chip"] == ["Chip 3, cut"]
    entry = store.index.get("sample", "chip")
    assert entry is not None
    assert entry.body["title"] == "Chip 3, cut"
    assert [e.body["title"] for e in store.index.history("sample", "chip")] == [
        "Chip 3",
        "Chip 3, cut",
    ]
    assert [e.id for e in store.index.latest("sample")] == ["lamella", "blank\udc80", "chip"]
    assert store.verify().clean


def test_another_process_is_followed(store: Store) -> None:
    other = Store.open(store.path)
    assert other.index.count("sample") == 3
    store.append([("sample", {"id": "new"})])
    assert other.index.has("sample", "new")
    assert store.index.has("sample", "new")


@pytest.mark.parametrize("damage", ["missing", "text", "empty", "half", "schema", "older", "bytes"])
def test_rebuilt_from_the_journal(
    store: Store, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    check(store)
    store.close()
    index = store.layout.index
    data = index.read_bytes()
    if damage == "missing":
        index.unlink()
    elif damage == "text":
        index.write_text("this is no database, but long enough to be taken for one" * 99)
    elif damage == "empty":
        index.write_bytes(b"")
    elif damage == "half":
        index.write_bytes(data[: len(data) // 2])
    elif damage == "schema":
        with sqlite3.connect(index) as db:
            db.execute("DROP TABLE finding")
        db.close()
    elif damage == "older":
        with sqlite3.connect(index) as db:
            db.execute("UPDATE meta SET value = '0' WHERE key = 'schema'")
        db.close()
    else:
        index.write_bytes(data.replace(b"Chip 3", b"Chip 4"))
    with caplog.at_level(logging.WARNING), Store.open(store.path) as again:
        check(again)
        assert again.verify().clean
    lines = [r for r in caplog.records if "built anew" in r.getMessage()]
    assert len(lines) == (0 if damage in ("missing", "empty", "older") else 1)


def test_damage_while_open_is_met(store: Store) -> None:
    check(store)
    store.layout.index.write_bytes(b"x" * 100_000)
    check(store)
    store.layout.index.unlink()
    check(store)


def test_an_index_of_another_study_is_not_used(store: Store, tmp_path: Path) -> None:
    with Store.create(tmp_path / "other", "other") as other:
        other.append([("sample", {"id": f"other-{i}"}) for i in range(len(RECORDS))])
        assert other.index.count("sample") == len(RECORDS)
    store.layout.index.write_bytes(other.layout.index.read_bytes())
    check(store)


def test_built_in_memory_where_the_index_cannot_be_written(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.close()
    store.layout.index.unlink(missing_ok=True)
    store.layout.index.mkdir()  # SQLite cannot open that
    with caplog.at_level(logging.WARNING), Store.open(store.path) as again:
        check(again)
        again.append([("sample", {"id": "new"})])
        assert again.index.has("sample", "new")
    assert "it is built in memory" in caplog.text
