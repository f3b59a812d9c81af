"""Full disks, missing permission, vanished folders: a clear error and nothing left behind."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from consilience.errors import (
    ConsilienceError,
    DiskFullError,
    NotFoundError,
    PermissionDeniedError,
)
from consilience.store import Store
from consilience.store.durable import mapped_os_errors

BIG = 50_000


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "big.xy").write_bytes(os.urandom(BIG))
    with Store.create(tmp_path / "study", "test") as store:
        store.append([("sample", {"id": "s"})])
    return tmp_path / "study"


def snapshot(study: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in study.rglob("*") if p.is_file()}


def in_child(work: Callable[[], None]) -> None:
    """Run `work` in a forked process, whose limits and user may be changed."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, "see the child's traceback"


ACTIONS: dict[str, Callable[[Store], object]] = {
    "put_file": lambda s: s.put_file(s.path.parent / "big.xy"),
    "put_json": lambda s: s.put_json({"x": "y" * BIG}),
    "append": lambda s: s.append([("note", {"text": "y" * BIG})]),
    "append batch": lambda s: s.append([("note", {"text": "y" * 500}) for _ in range(100)]),
}


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="the system has no file-size limit")
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("limit", [1500, 8192, BIG - 1])
def test_disk_full_by_file_size_limit(study: Path, action: str, limit: int) -> None:
    import resource

    before = snapshot(study)

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        with pytest.raises(DiskFullError, match="no room is left there") as caught:
            ACTIONS[action](Store.open(study))
        assert "Nothing was registered" in caught.value.what
        assert "free some space" in caught.value.fix

    in_child(work)
    assert snapshot(study) == before
    with Store.open(study) as store:
        assert store.verify().problems == []
        ACTIONS[action](store)  # with room it works
        assert store.verify().clean


@pytest.mark.parametrize(
    ("action", "call"),
    [
        *((action, call) for action in ACTIONS for call in ("write", "fsync")),
        *((action, "replace") for action in ("put_file", "put_json", "put_dataset")),
        ("put_dataset", "fsync"),
    ],
)
def test_disk_full_at_every_call(
    study: Path, action: str, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(study)
    assert store.head[0] == 2
    before = snapshot(study)
    real = getattr(os, call) if call != "replace" else Path.replace
    armed = True

    def full(*args: object, **kwargs: object) -> object:
        if armed and not (call == "write" and args[0] in (1, 2)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*args, **kwargs)

    def act() -> None:
        if action == "put_dataset":
            import numpy as np
            import xarray as xr

            store.put_dataset(xr.Dataset({"v": ("x", np.arange(9.0))}))
        else:
            ACTIONS[action](store)

    with monkeypatch.context() as patch:
        if call == "replace":
            patch.setattr(Path, "replace", full)
        else:
            patch.setattr(os, call, full)
        with pytest.raises(DiskFullError, match="no room is left there"):
            act()
        armed = False
    assert snapshot(study) == before
    assert list((study / "tmp").iterdir()) == []
    act()
    assert store.verify().clean
    store.close()


def test_disk_full_while_zarr_writes(study: Path) -> None:
    before = snapshot(study)
    # A process of its own: zarr's threads do not survive a fork.
    code = """
import resource, sys
import numpy as np, xarray as xr
from consilience.errors import DiskFullError
from consilience.store import Store
store = Store.open(sys.argv[1])
data = xr.Dataset({"v": ("x", np.random.default_rng(1).random(600_000))})
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    store.put_dataset(data)
except DiskFullError as error:
    print(error.what)
"""
    out = subprocess.run(
        [sys.executable, "-c", code, str(study)], capture_output=True, text=True, check=False
    )
    assert "Could not write the array: no room is left there" in out.stdout, out.stderr
    assert snapshot(study) == before
    assert list((study / "tmp").iterdir()) == []


@pytest.fixture
def open_study() -> Iterator[Path]:
    """A study that an unprivileged user could reach, unlike pytest's own folders."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    with Store.create(folder / "study", "test") as store:
        store.append([("sample", {"id": "s"})])
        assert store.index.count("sample") == 1
    (folder / "big.xy").write_bytes(b"x" * BIG)
    yield folder / "study"
    shutil.rmtree(folder)


def as_nobody(study: Path, work: Callable[[], None]) -> None:
    """Take away the right to write, and run `work` without root's privileges."""
    for path in [study, *study.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)

    def dropped() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        work()

    try:
        in_child(dropped)
    finally:
        for path in [study, *study.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.parametrize("action", ACTIONS)
def test_no_permission_to_write(open_study: Path, action: str) -> None:
    before = snapshot(open_study)

    def work() -> None:
        with pytest.raises(PermissionDeniedError, match="the file system does not allow it"):
            ACTIONS[action](Store.open(open_study))

    as_nobody(open_study, work)
    assert snapshot(open_study) == before


@pytest.mark.parametrize("index", ["there", "missing", "stale"])
def test_a_read_only_study_can_be_read(open_study: Path, index: str) -> None:
    if index == "missing":
        (open_study / "index.sqlite").unlink()
    elif index == "stale":
        Store.open(open_study).append([("sample", {"id": "new"})])
    count = 2 if index == "stale" else 1

    def work() -> None:
        with Store.open(open_study) as store:
            assert store.index.count("sample") == count
            assert store.head[0] == count + 1
            assert store.verify().clean

    as_nobody(open_study, work)


def test_no_permission_to_read_or_create(open_study: Path) -> None:
    secret = open_study.parent / "secret"
    secret.write_bytes(b"x")
    secret.chmod(0)
    closed = open_study.parent / "closed"
    closed.mkdir(mode=0o700)
    shutil.copy(open_study / "consilience.json", closed)

    def work() -> None:
        with pytest.raises(PermissionDeniedError, match="Could not read the file"):
            Store.open(open_study).put_file(secret)
        if os.geteuid() == 65534:
            with pytest.raises(PermissionDeniedError, match="Could not open the study"):
                Store.open(closed)
        with pytest.raises(PermissionDeniedError, match="Could not make the study"):
            Store.create(open_study / "inside", "x")

    as_nobody(open_study, work)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_vanished_folder(study: Path, action: str) -> None:
    store = Store.open(study)
    study.rename(study.with_name("elsewhere"))
    with pytest.raises(NotFoundError, match="has vanished"):
        ACTIONS[action](store)


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        (errno.EDQUOT, DiskFullError, "no room is left there"),
        (errno.EROFS, PermissionDeniedError, "does not allow it"),
        (errno.EIO, ConsilienceError, "the system reports an error"),
    ],
)
def test_what_the_system_says_is_translated(
    code: int, kind: type[ConsilienceError], text: str
) -> None:
    with pytest.raises(kind, match=text) as caught, mapped_os_errors("do it", "there"):
        raise OSError(code, os.strerror(code), "file.xy")
    assert type(caught.value) is kind
    assert caught.value.path == "file.xy"
    assert caught.value.what.startswith("Could not do it: ")
