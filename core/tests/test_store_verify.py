"""Verify: every flipped bit, lost and extra file is found."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from consilience.errors import ConsilienceError
from consilience.store import Store, VerifyReport

FLIPS = int(os.environ.get("CONSILIENCE_FLIPS", "200"))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study with every kind of file."""
    (tmp_path / "linked.h5").write_bytes(b"linked" * 50)
    with Store.create(tmp_path / "study", "test") as store:
        raw = store.put_bytes(b"raw" * 100, "raw.xy")
        link = store.put_file(tmp_path / "linked.h5", link=True)
        meta = store.put_json({"meta": [1.5, "x" * 50]})
        array = store.put_dataset(xr.Dataset({"v": ("x", np.arange(50.0), {"units": "1"})}))
        with store.layout.journal.open("ab") as journal:
            journal.write(b'{"body":{"torn')
        store.append([("sample", {"id": "s"})])
        store.append(
            [("measurement", {"id": "m", "sample": "s", "files": [raw.to_dict(), link.to_dict()],
                              "raw_metadata": meta, "array": array})]
        )  # fmt: skip
        assert store.index.count("measurement") == 1
    return tmp_path / "study"


def check(study: Path) -> VerifyReport:
    """Verify without closing: a mended index would hide what was found."""
    return Store.open(study).verify()


def files(study: Path) -> dict[str, list[Path]]:
    kinds = {
        "marker": "consilience.json",
        "journal": "journal/journal.jsonl",
        "torn": "journal/torn/*",
        "raw": "objects/raw/*/*",
        "json": "objects/json/*/*",
        "array": "arrays/*/**/*",
        "index": "index.sqlite",
        "index sum": "index.sum",
        "link": "../linked.h5",
    }
    found = {k: sorted(p for p in study.glob(g) if p.is_file()) for k, g in kinds.items()}
    assert all(found.values()), found
    return found


def test_a_whole_study_is_clean(study: Path) -> None:
    told: list[tuple[int, int]] = []
    report = Store.open(study).verify(progress=lambda done, total: told.append((done, total)))
    assert report.problems == []
    assert (report.records, report.objects, report.arrays, report.links) == (3, 2, 1, 1)
    assert report.head == Store.open(study).head
    assert report.bytes > 300
    assert told[-1][0] == told[-1][1] > 0
    assert report.to_dict()["ok"] is True
    everything = {p for group in files(study).values() for p in group}
    left = {p for p in study.rglob("*") if p.is_file()} - everything
    assert left == {study / "journal" / "lock"}
    assert (study / "journal" / "lock").stat().st_size == 0  # no bit there to flip


def test_every_flipped_bit_is_found(study: Path) -> None:
    rng = random.Random(20240612)
    groups = files(study)
    missed, tried = [], Counter[str]()
    for i in range(FLIPS):
        kind = list(groups)[i % len(groups)]
        path = rng.choice(groups[kind])
        good = path.read_bytes()
        bad = bytearray(good)
        bit = rng.randrange(len(good) * 8)
        bad[bit // 8] ^= 1 << bit % 8
        path.chmod(0o644)
        path.write_bytes(bad)
        tried[kind] += 1
        try:
            if not check(study).problems:
                missed.append((kind, path.name, bit))
        except ConsilienceError:
            pass
        path.write_bytes(good)
    assert missed == []
    assert len(tried) == len(groups)
    assert check(study).problems == []


@pytest.mark.parametrize("kind", ["raw", "json", "array", "journal", "link"])
def test_lost_files_are_found(study: Path, kind: str) -> None:
    for path in files(study)[kind]:
        good = path.read_bytes()
        path.unlink()
        report = check(study)
        assert not report.ok
        assert {p.kind for p in report.problems} & {"lost", "journal"}
        if kind in ("raw", "json"):
            assert "(measurement m rests on it)" in report.problems[0].what
        path.write_bytes(good)
    assert check(study).problems == []


def test_a_lost_array_is_found(study: Path) -> None:
    (array,) = (study / "arrays").iterdir()
    array.rename(study.parent / "elsewhere")
    (problem,) = check(study).problems
    assert (problem.kind, problem.severity) == ("lost", "error")
    assert problem.where == f"arrays/{array.name}"
    assert problem.what == "A stored array is lost (measurement m rests on it)."


@pytest.mark.parametrize(
    "name", ["objects/raw/ab/x", "objects/x", "arrays/x", "journal/x", "objects/json/x.json"]
)
def test_extra_files_are_found(study: Path, name: str) -> None:
    (study / name).parent.mkdir(exist_ok=True)
    (study / name).write_bytes(b"x")
    report = check(study)
    assert [(p.kind, p.where, p.severity) for p in report.problems] == [("extra", name, "warning")]
    assert (report.ok, report.clean) == (True, False)


def test_an_extra_chunk_is_an_error(study: Path) -> None:
    (array,) = (study / "arrays").iterdir()
    (array / "v" / "c" / "1").write_bytes(b"x")
    (problem,) = check(study).problems
    assert (problem.kind, problem.severity) == ("extra", "error")


def test_leftovers_of_a_crash_are_notes(study: Path) -> None:
    store = Store.open(study)
    store.put_bytes(b"never registered", "x")
    report = store.verify()
    assert [(p.kind, p.severity) for p in report.problems] == [("extra", "note")]
    assert report.clean


def test_the_marker_must_say_what_the_journal_says(study: Path) -> None:
    marker = study / "consilience.json"
    marker.write_text(marker.read_text().replace("test", "text"))
    (problem,) = check(study).problems
    assert "marker does not say what the first record" in problem.what
    assert problem.severity == "error"


def test_a_symbolic_link_is_no_object(study: Path, tmp_path: Path) -> None:
    path = files(study)["raw"][0]
    (tmp_path / "moved").write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(tmp_path / "moved")
    assert [p.kind for p in check(study).problems] == ["extra"]


def test_what_lies_behind_the_damage_is_not_called_a_leftover(study: Path) -> None:
    journal = study / "journal" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([lines[0], *lines[2:]]))
    report = check(study)
    assert not report.ok
    (note,) = [p for p in report.problems if p.severity == "note"]
    assert note.what.startswith("3 stored object(s) are unharmed, but the records")
    assert note.fix == "delete none of them; restore the journal first"


def test_a_journal_without_its_last_record_is_pointed_out_by_the_index(study: Path) -> None:
    journal = study / "journal" / "journal.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-1]))
    report = check(study)
    (warning,) = [p for p in report.problems if p.severity == "warning"]
    assert "the end of the journal may have been cut off" in warning.what
    assert warning.fix.startswith("compare with a report's head (verify --head HASH)")


def test_a_head_of_few_digits_is_called_so(study: Path) -> None:
    head = Store.open(study).head[1]
    assert Store.open(study).verify(head=head[:8]).ok
    (problem,) = Store.open(study).verify(head=head[:7]).problems
    assert problem.what.startswith(f"The head '{head[:7]}' has 7 digits: too few")
    assert "first 8 digits" in problem.fix
