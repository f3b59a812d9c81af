"""The journal: chain, batches, torn tails, and every way to tamper with it."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consilience.errors import BadInputError, JournalError, NotFoundError, StudyBusyError
from consilience.model.canonical import canonical_json, sha256_hex
from consilience.store import Store
from consilience.store.journal import Journal
from consilience.store.record import NO_HASH, START, Record


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store.create(tmp_path / "study", "test")
    for i in range(4):
        made.append([("sample", {"id": f"s{i}"})])
    made.append([("sample", {"id": "a"}), ("step", {"id": "b"}), ("note", {"text": "c"})])
    return made


def fresh(store: Store) -> Journal:
    return Store.open(store.path).journal


def lines(store: Store) -> list[bytes]:
    return store.layout.journal.read_bytes().splitlines(keepends=True)


def rewrite(store: Store, new: list[bytes]) -> None:
    store.layout.journal.write_bytes(b"".join(new))


def rehashed(records: list[dict[str, object]]) -> list[bytes]:
    prev, out = NO_HASH, []
    for seq, record in enumerate(records, start=1):
        body = {**record, "seq": seq, "prev": prev}
        body.pop("hash", None)
        prev = sha256_hex(canonical_json(body))
        out.append(canonical_json({**body, "hash": prev}) + b"\n")
    return out


def test_records_are_chained_by_their_canonical_json(store: Store) -> None:
    prev = NO_HASH
    for seq, line in enumerate(lines(store), start=1):
        record = json.loads(line)
        assert set(record) == {"body", "content", "hash", "part", "prev", "seq", "time", "type"}
        assert (record["seq"], record["prev"]) == (seq, prev)
        claimed = record.pop("hash")
        assert sha256_hex(canonical_json(record)) == claimed
        prev = claimed
    assert store.head == (8, prev)
    assert fresh(store).head == (8, prev)


def test_append_returns_what_is_read(store: Store) -> None:
    made = store.append([("note", {"text": 'quo"te\n,"hash":"'}), ("note", {})])
    assert list(fresh(store).read())[-2:] == made
    assert [r.part for r in made] == [(1, 2), (2, 2)]
    assert made[0].line() + b"\n" == lines(store)[-2]
    assert store.append([]) == []


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text()
            | st.floats(allow_nan=False, allow_infinity=False),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
            ),
            max_leaves=8,
        ),
        max_size=4,
    )
)  # fmt: skip
def test_any_json_comes_back(store: Store, body: dict[str, object]) -> None:
    (made,) = store.append([("note", body)])
    assert list(fresh(store).read())[-1] == made
    (entry,) = store.index.entries("note", after=made.seq - 1)
    assert entry.body == body


def test_bodies_are_checked_before_anything_is_written(store: Store) -> None:
    before = store.layout.journal.read_bytes()
    for type_, body, message in [
        ("sampel", {"id": "x"}, "'sampel' is no type of record"),
        ("sample", {"name": "x"}, "A record of type 'sample' has no ID"),
        ("sample", {"id": "x", "v": float("nan")}, "has no JSON form"),
        ("sample", {"id": "x", "v": object()}, "has no JSON form"),
    ]:
        with pytest.raises(BadInputError, match=message):
            store.append([("sample", {"id": "good"}), (type_, body)])
    missing = {"name": "f", "size": 1, "sha256": "0" * 64, "linked_path": None}
    with pytest.raises(NotFoundError, match="cannot be opened: it is lost"):
        store.append([("measurement", {"id": "m", "file": missing})])
    assert store.layout.journal.read_bytes() == before


def test_content_follows_json_objects(store: Store) -> None:
    file = store.put_bytes(b"x", "x")
    inner = store.put_json({"raw": [file.sha256]})
    outer = store.put_json({inner: "as a key"})
    (record,) = store.append([("note", {"x": {"y": [outer, "f" * 64]}})])
    assert record.content == tuple(sorted([f"raw:{file.sha256}", f"json:{inner}", f"json:{outer}"]))
    assert [e.seq for e in store.index.using(f"raw:{file.sha256}")] == [record.seq]


# -- tampering -------------------------------------------------------------------------


def tampered(store: Store, how: str) -> None:
    old = lines(store)
    if how == "edit":
        rewrite(store, [*old[:3], old[3].replace(b'"s2"', b'"s9"'), *old[4:]])
    elif how == "edit the last":
        rewrite(store, [*old[:-1], old[-1].replace(b'"c"', b'"d"')])
    elif how == "delete":
        rewrite(store, old[:2] + old[3:])
    elif how == "insert":
        rewrite(store, [*old[:3], old[1], *old[3:]])
    elif how == "reorder":
        rewrite(store, [*old[:2], old[3], old[2], *old[4:]])
    elif how == "replace and rehash one":
        record = json.loads(old[2])
        record.pop("hash")
        record["body"]["id"] = "forged"
        digest = sha256_hex(canonical_json(record))
        rewrite(store, [*old[:2], canonical_json({**record, "hash": digest}) + b"\n", *old[3:]])
    elif how == "join two lines":
        rewrite(store, [*old[:2], old[2][:-1], *old[3:]])
    elif how == "overwrite the last line end":
        rewrite(store, [*old[:-1], old[-1][:-1] + b"\x0b"])
    elif how == "blank line":
        rewrite(store, [*old[:2], b"\n", *old[2:]])
    elif how == "space at an end of line":
        rewrite(store, [*old[:2], old[2][:-1] + b" \n", *old[3:]])
    elif how == "remove":
        store.layout.journal.unlink()
    elif how == "zeros in the middle":
        at = len(b"".join(old[:2]))
        data = bytearray(b"".join(old))
        data[at + 5 : at + 200] = bytes(195)
        store.layout.journal.write_bytes(data)
    else:
        raise AssertionError(how)


@pytest.mark.parametrize(
    ("how", "line", "message"),
    [
        ("edit", 4, "Record 4 of the journal is damaged"),
        ("edit the last", 8, "Record 8 of the journal is damaged"),
        ("delete", 3, "Record 3 of the journal is missing: record 4 stands in its place"),
        ("insert", 4, "Record 4 of the journal is missing: record 2 stands in its place"),
        ("reorder", 3, "Record 3 of the journal is missing: record 4 stands in its place"),
        ("replace and rehash one", 4, "Record 4 of the journal does not follow record 3"),
        ("join two lines", 3, "Record 3 of the journal is damaged"),
        ("overwrite the last line end", 8, "The end of the line of record 8"),
        ("blank line", 3, "Record 3 of the journal is damaged"),
        ("space at an end of line", 3, "Record 3 of the journal is damaged"),
        ("zeros in the middle", 3, "Record 3 of the journal is damaged"),
        ("remove", None, "The journal of the study is missing"),
    ],
)
def test_tampering_is_found(store: Store, how: str, line: int | None, message: str) -> None:
    tampered(store, how)
    with pytest.raises(JournalError, match=message) as caught:
        list(fresh(store).read())
    error = caught.value
    assert error.line == line
    assert error.path == str(store.layout.journal)
    assert "restore journal/journal.jsonl from a copy" in error.fix
    if line is not None:
        assert error.offset is not None
    report = Store.open(store.path).verify()
    assert not report.ok
    assert any(p.kind == "journal" and message in p.what for p in report.problems)
    if how != "remove":
        # Nothing may be built on a damaged journal, and no byte of it is changed.
        store.layout.index.unlink(missing_ok=True)
        before = store.layout.journal.read_bytes()
        with pytest.raises(JournalError):
            Store.open(store.path).append([("note", {})])
        assert store.layout.journal.read_bytes() == before


def test_truncation_at_a_record_is_found_with_the_head(store: Store) -> None:
    head = store.head[1]
    store.layout.index.unlink(missing_ok=True)
    rewrite(store, lines(store)[:4])
    found = Store.open(store.path)
    assert found.verify().ok
    report = found.verify(head=head)
    assert [p.kind for p in report.problems] == ["truncated"]
    assert "its end was cut off, or it was rewritten" in report.problems[0].what
    assert found.verify(head=json.loads(lines(store)[2])["hash"]).ok


def test_truncation_is_found_by_the_index_even_without_the_head(store: Store) -> None:
    old = lines(store)
    assert store.index.count("sample") == 5
    store.close()
    rewrite(store, old[:4])
    with Store.open(store.path) as again:
        assert again.index.count("sample") == 3  # built anew
    with Store.open(store.path) as again:
        report = again.verify()
        assert [p.kind for p in report.problems] == ["truncated"]
        assert "knew record 8" in report.problems[0].what
        rewrite(store, old)  # the journal comes back from a copy
        assert again.index.count("sample") == 5
        assert again.verify().clean


def test_rehashing_it_all_is_found_with_the_head(store: Store) -> None:
    head = store.head[1]
    records = [json.loads(line) for line in lines(store)]
    records[2]["body"]["id"] = "forged"
    rewrite(store, rehashed(records))
    store.layout.index.unlink(missing_ok=True)
    found = Store.open(store.path)
    assert found.verify().ok  # the chain alone cannot know
    assert [p.kind for p in found.verify(head=head).problems] == ["truncated"]
    assert [p.kind for p in found.verify(head="").problems] == ["truncated"]


def test_a_running_process_notices_that_the_end_was_cut_off(store: Store) -> None:
    rewrite(store, lines(store)[:4])
    with pytest.raises(JournalError, match="its end was cut off"):
        store.append([("note", {})])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_every_flipped_bit_is_found(store: Store, data: st.DataObject) -> None:
    good = b"".join(lines(store)[:8])
    bit = data.draw(st.integers(0, len(good) * 8 - 1))
    bad = bytearray(good)
    bad[bit // 8] ^= 1 << bit % 8
    store.layout.journal.write_bytes(bad)
    with pytest.raises(JournalError):
        list(fresh(store).read())
    store.layout.journal.write_bytes(good)
    assert len(list(fresh(store).read())) == 8


# -- torn tails ------------------------------------------------------------------------


def test_every_torn_tail_is_tolerated_and_kept(store: Store) -> None:
    data = store.layout.journal.read_bytes()
    old = lines(store)
    batch = sum(map(len, old[:5]))  # where the batch of three begins
    for cut in {*range(batch + 1, len(data) - 1, 97), batch + len(old[5]), len(data) - 2}:
        store.layout.journal.write_bytes(data[:cut])
        again = Store.open(store.path)
        store.layout.index.unlink(missing_ok=True)
        assert again.head[0] == 5
        assert again.index.has("sample", "s3")
        assert not again.index.has("sample", "a")
        report = again.verify()
        assert report.clean
        assert [p.kind for p in report.problems] == ["torn"]
        assert store.layout.journal.read_bytes() == data[:cut]  # reading changes nothing
        (record,) = again.append([("note", {"text": "next"})])
        assert record.seq == 6
        (torn,) = store.layout.torn.iterdir()
        assert torn.read_bytes() == data[batch:cut]
        assert again.verify().clean
        assert len(list(fresh(store).read())) == 6
        torn.unlink()
        again.close()


def test_a_batch_that_lacks_only_its_line_end_is_completed(store: Store) -> None:
    data = store.layout.journal.read_bytes()
    store.layout.journal.write_bytes(data[:-1])
    again = Store.open(store.path)
    assert again.journal.head[0] == 5
    assert [r.seq for r in again.append([("note", {})])] == [9]
    assert list(store.layout.torn.iterdir()) == []
    assert store.layout.journal.read_bytes().startswith(data)


@pytest.mark.parametrize("whole_end", [True, False])
def test_what_a_power_cut_tore_is_tolerated(store: Store, whole_end: bool) -> None:
    # The length reached the disk and the first sector of the write did not.
    data = bytearray(store.layout.journal.read_bytes())
    old = lines(store)
    start = sum(map(len, old[:5]))
    stop = -(-(start + 8) // 512) * 512
    data[start:stop] = bytes(stop - start)
    if not whole_end:
        data[start:] = bytes(len(data) - start)
    store.layout.journal.write_bytes(data)
    store.layout.index.unlink(missing_ok=True)
    again = Store.open(store.path)
    assert again.journal.head[0] == 5
    assert again.append([("note", {})])[0].seq == 6
    assert again.verify().clean


def test_zeros_before_another_batch_are_damage(store: Store) -> None:
    data = bytearray(store.layout.journal.read_bytes())
    start = sum(map(len, lines(store)[:3]))
    stop = -(-(start + 8) // 512) * 512
    data[start:stop] = bytes(stop - start)
    store.layout.journal.write_bytes(data)
    with pytest.raises(JournalError, match="Record 4 of the journal is damaged"):
        list(fresh(store).read())


# -- the lock --------------------------------------------------------------------------


def test_a_held_lock_says_who_holds_it(store: Store) -> None:
    other = Store.open(store.path, lock_timeout=0.2)
    with store.journal.lock.hold():
        with pytest.raises(StudyBusyError, match=rf"written by process {os.getpid()} \("):
            other.append([("note", {})])
        assert other.head[0] == 8  # reading goes on
    assert other.append([("note", {})])[0].seq == 9
    assert store.layout.lock.read_bytes() == b""


def test_what_a_dead_process_wrote_into_the_lock_does_not_block(store: Store) -> None:
    store.layout.lock.write_bytes(b'{"pid":1,"host":"gone"')
    assert store.append([("note", {})])[0].seq == 9
    with store.layout.lock.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StudyBusyError, match="a process that has not said who it is"):
            Store.open(store.path, lock_timeout=0.1).append([("note", {})])


def test_threads_share_one_store(store: Store) -> None:
    def work(name: str) -> None:
        for i in range(20):
            store.append_unless(
                lambda index, i=i: index.has("sample", f"t{i}"), [("sample", {"id": f"t{i}"})]
            )
            store.index.samples()

    threads = [threading.Thread(target=work, args=(n,)) for n in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert store.index.count("sample") == 25
    assert store.head[0] == 28
    assert store.verify().clean


def test_resume_trusts_only_a_position_that_fits(store: Store) -> None:
    positions = [at for _, at in store.journal.positions(START)]
    assert fresh(store).resume(positions[3])
    wrong = type(positions[3])(4, "0" * 64, positions[3].offset)
    assert not fresh(store).resume(wrong)
    assert not fresh(store).resume(type(wrong)(4, positions[3].hash, positions[3].offset - 1))
    assert not fresh(store).resume(type(wrong)(9, "0" * 64, 10**9))


def test_record_seals_itself() -> None:
    record = Record(1, "note", {"a": 1}, "2024-01-01T00:00:00Z", "", NO_HASH).sealed()
    value = json.loads(record.line())
    assert value.pop("hash") == sha256_hex(canonical_json(value))
