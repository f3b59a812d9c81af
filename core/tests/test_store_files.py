"""Layout, content-addressed files, and laying them side by side."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consilience.errors import (
    BadFileError,
    BadInputError,
    NewerStudyError,
    NotFoundError,
    StudyExistsError,
    VerifyError,
)
from consilience.store import Store, StoredFile
from consilience.store.layout import MARKER
from consilience.store.temporary import clean_stale, is_stale, temporary_path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "study", "test")


def test_create_and_open(tmp_path: Path) -> None:
    made = Store.create(tmp_path / "a" / "study", "Zellen <b>[/x]")
    with Store.open(tmp_path / "a" / "study") as store:
        assert store.marker == made.marker
        assert store.marker.name == "Zellen <b>[/x]"
        first = next(store.journal.read())
        assert first.type == "study"
        assert first.body == store.marker.to_dict()


def test_create_refuses_a_study(tmp_path: Path) -> None:
    Store.create(tmp_path / "study", "test")
    with pytest.raises(StudyExistsError, match="There is a study in"):
        Store.create(tmp_path / "study", "again")


def test_create_in_a_folder_of_data(tmp_path: Path) -> None:
    (tmp_path / "data.xy").write_text("1 2\n")
    with Store.create(tmp_path, "test") as store:
        assert store.verify().clean
    assert (tmp_path / "data.xy").read_text() == "1 2\n"


def test_create_refuses_to_write_over_other_things(tmp_path: Path) -> None:
    (tmp_path / "arrays").mkdir()
    (tmp_path / "arrays" / "mine.npy").write_bytes(b"x")
    with pytest.raises(StudyExistsError, match=r"holds 'arrays', which a study would write over"):
        Store.create(tmp_path, "test")
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(StudyExistsError, match="is a file, and a study is a folder"):
        Store.create(tmp_path / "file", "test")


def test_create_refuses_a_study_that_lost_its_marker(store: Store) -> None:
    store.append([("sample", {"id": "s"})])
    store.layout.marker.unlink()
    with pytest.raises(StudyExistsError, match=rf"restore its {re.escape(MARKER)}"):
        Store.create(store.path, "again")


def test_create_again_after_an_interrupted_creation(store: Store) -> None:
    store.layout.marker.unlink()  # killed just before the last step
    with Store.create(store.path, "again") as again:
        assert again.verify().clean
        assert again.head[0] == 1


def test_open_what_is_not_a_study(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="is not a study") as caught:
        Store.open(tmp_path)
    assert "`consilience init FOLDER`" in caught.value.fix
    with pytest.raises(NotFoundError, match="There is no folder"):
        Store.open(tmp_path / "nowhere")


def test_open_refuses_a_newer_format(store: Store) -> None:
    text = '{"format":2,"id":"x","name":"n","written_by":"9.1.0"}\n'
    store.layout.marker.write_text(text)
    with pytest.raises(NewerStudyError, match=r"written by Consilience 9\.1\.0 in format 2") as e:
        Store.open(store.path)
    assert e.value.fix == "install Consilience 9.1.0 or newer"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format":true}', '{"format":1,"id":1}'])
def test_open_refuses_a_damaged_marker(store: Store, text: str) -> None:
    store.layout.marker.write_text(text)
    with pytest.raises(VerifyError, match=r"marker consilience\.json is damaged"):
        Store.open(store.path)


def test_put_file_copies_and_hashes(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "a b.xy"
    source.write_bytes(bytes(range(256)) * 9000)
    told: list[int] = []
    file = store.put_file(source, progress=told.append)
    assert file == StoredFile(
        "a b.xy", 256 * 9000, hashlib.sha256(source.read_bytes()).hexdigest(), None
    )
    assert sum(told) == file.size
    path = store.open_path(file, check=True)
    assert path == store.layout.raw / file.sha256[:2] / file.sha256
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert store.get_bytes(file) == source.read_bytes()
    assert StoredFile.from_dict(file.to_dict()) == file
    assert list(store.layout.tmp.iterdir()) == []


def test_put_file_twice_keeps_one(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"same")
    (tmp_path / "b").write_bytes(b"same")
    first, second = store.put_file(tmp_path / "a"), store.put_file(tmp_path / "b")
    assert first.sha256 == second.sha256
    assert len([p for p in store.layout.raw.rglob("*") if p.is_file()]) == 1


def test_put_file_again_mends_a_damaged_copy(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"right")
    file = store.put_file(tmp_path / "a")
    path = store.open_path(file)
    path.chmod(0o644)
    path.write_bytes(b"wrong")
    with pytest.raises(VerifyError, match="is not what was registered"):
        store.get_bytes(file)
    with pytest.raises(VerifyError, match="is not what was registered"):
        store.open_path(file, check=True)
    store.put_file(tmp_path / "a")
    assert store.get_bytes(file) == b"right"


def test_put_file_that_is_none(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="There is no file"):
        store.put_file(tmp_path / "nowhere")
    with pytest.raises(BadInputError, match="is a folder or device"):
        store.put_file(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInputError, match="is a folder or device"):
        store.put_file(tmp_path / "pipe")


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize("change", ["grow", "rewrite", "replace", "remove"])
def test_put_file_that_changes_meanwhile(
    store: Store, tmp_path: Path, link: bool, change: str
) -> None:
    source = tmp_path / "growing"
    source.write_bytes(b"x" * 3_000_000)

    def disturb(count: int) -> None:
        if change == "grow":
            with source.open("ab") as out:
                out.write(b"more")
        elif change == "rewrite":
            with source.open("r+b") as out:
                out.write(b"y")
        elif change == "remove":
            source.unlink(missing_ok=True)
        else:
            (tmp_path / "other").write_bytes(b"x" * 3_000_000)
            (tmp_path / "other").replace(source)

    with pytest.raises(BadFileError, match="changed while it was read; nothing was registered"):
        store.put_file(source, link=link, progress=disturb)
    assert [p for p in store.layout.raw.rglob("*") if p.is_file()] == []
    assert list(store.layout.tmp.iterdir()) == []


def test_link_in_place(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "big.h5"
    source.write_bytes(b"data")
    file = store.put_file(source, link=True)
    assert file.linked_path == str(source)
    assert store.open_path(file) == source
    assert [p for p in store.layout.raw.rglob("*") if p.is_file()] == []
    store.append([("measurement", {"id": "m", "files": [{"sha256": file.sha256}]})])
    store.close()
    with Store.open(store.path) as again:
        assert again.find_file(file.sha256) == file
        report = again.verify()
        assert (report.clean, report.links) == (True, 1)
        source.write_bytes(b"dat2")
        assert [p.what for p in again.verify().problems] == [
            "A linked file has changed (measurement m rests on it)."
        ]
        source.write_bytes(b"longer")
        with pytest.raises(VerifyError, match="it has 6 bytes, 4 were registered"):
            again.open_path(file)
        source.unlink()
        with pytest.raises(NotFoundError, match="it was linked, and is no longer there"):
            again.open_path(file)
        problems = again.verify().problems
        assert [(p.kind, p.where) for p in problems] == [("lost", str(source))]


def test_find_file_prefers_the_copy(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "f"
    source.write_bytes(b"data")
    link = store.put_file(source, link=True)
    store.append([("note", {"text": link.sha256})])
    copy = store.put_file(source)
    assert store.find_file(copy.sha256, "f") == copy
    with pytest.raises(NotFoundError, match="no file with the SHA-256"):
        store.find_file("0" * 64)


@pytest.mark.parametrize("value", [None, {"a": [1, 2.5, "é", "\udc80", None, True]}, "text"])
def test_json(store: Store, value: object) -> None:
    sha256 = store.put_json(value)
    assert store.put_json(value) == sha256
    assert store.get_json(sha256) == value


def test_json_is_checked_when_read(store: Store) -> None:
    path = store.layout.json_object(store.put_json({"a": 1}))
    path.chmod(0o644)
    path.write_bytes(b'{"a":2}')
    with pytest.raises(VerifyError, match="is not what was registered"):
        store.get_json(path.stem)
    with pytest.raises(NotFoundError, match="The store has no object"):
        store.get_json("0" * 64)


def test_materialise_keeps_relative_names(store: Store, tmp_path: Path) -> None:
    copy = store.put_bytes(b"master", "master.h5")
    (tmp_path / "linked.h5").write_bytes(b"frames")
    link = store.put_file(tmp_path / "linked.h5", link=True)
    with store.staging() as staging:
        folder = store.materialise({"scan/m.h5": copy, "scan/data/f.h5": link}, staging / "in")
        assert (folder / "scan/m.h5").read_bytes() == b"master"
        assert (folder / "scan/data/f.h5").read_bytes() == b"frames"
        # A reader that resolves links must find companions of copies in this folder.
        assert (folder / "scan/m.h5").resolve().is_relative_to(folder.resolve())
    assert not staging.exists()
    assert store.get_bytes(copy) == b"master"


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/../../x", "/etc/x", "a\x00b"])
def test_materialise_refuses_names_that_leave(store: Store, tmp_path: Path, name: str) -> None:
    file = store.put_bytes(b"x", "x")
    with pytest.raises(BadInputError, match="is not a name inside a folder"):
        store.materialise({name: file}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_materialise_refuses_one_name_for_two(store: Store, tmp_path: Path) -> None:
    file = store.put_bytes(b"x", "x")
    with pytest.raises(BadInputError, match="is used twice"):
        store.materialise({"a": file, "a/b": file}, tmp_path / "out")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1, max_size=30))
def test_materialise_never_leaves_the_folder(store: Store, tmp_path: Path, name: str) -> None:
    file = store.put_bytes(b"x", "x")
    with store.staging() as staging:
        before = sorted(tmp_path.rglob("*"))
        try:
            folder = store.materialise({name: file}, staging / "in")
        except (BadInputError, UnicodeEncodeError):
            pass
        else:
            assert any(p.is_file() for p in folder.rglob("*"))
        after = [p for p in tmp_path.rglob("*") if staging not in p.parents]
        assert sorted(after) == [p for p in before if staging not in p.parents]


def test_leftovers_of_the_dead_are_removed_and_of_the_living_kept(tmp_path: Path) -> None:
    own = temporary_path(tmp_path)
    own.mkdir()
    _, host, boot, pid, start, rest = own.name.split("-")
    names = {
        "process dead": f"t-{host}-{boot}-4194305-{start}-{rest}",
        "pid used again": f"t-{host}-{boot}-{pid}-1-{rest}",
        "before a reboot": f"t-{host}-00000000-{pid}-{start}-{rest}",
    }
    others = [f"t-ffffffff-{boot}-4194305-{start}-{rest}", "mine", "t-1-2-3"]
    for name in [*names.values(), *others]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(b"x")
    assert all(is_stale(name) for name in names.values())
    assert sorted(clean_stale(tmp_path)) == sorted(names.values())
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([own.name, *others])
