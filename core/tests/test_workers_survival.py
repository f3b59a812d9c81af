"""Whatever a reader does to its process, the program lives, says so, and reads the next file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from consilience.errors import (
    BadFileError,
    BadInputError,
    ConsilienceError,
    PluginError,
    ReaderCrashedError,
)
from consilience.workers import Limits, WorkerPool
from consilience.workers.scratch import ScratchFolder, clear_abandoned

FAKES = Path(__file__).parent / "worker_fakes"
sys.path.insert(0, str(FAKES))

from fake_worker_jobs import digest, make_job, running, with_text  # noqa: E402
from fake_worker_readers import mark  # noqa: E402

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits are tested on Linux")


def read_good(pool: WorkerPool, folder: Path) -> str:
    job = make_job(folder, "good 1.5 2.5 3.5")
    pool.read(job)
    return digest(job)


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> str:
    with WorkerPool() as pool:
        return read_good(pool, tmp_path_factory.mktemp("expected"))


@pytest.mark.parametrize(
    ("word", "limits", "what", "fix"),
    [
        (
            "segv",
            {},
            (
                "crashed with SIGSEGV (a memory fault in a library) while it read 'scan.dat'; "
                "other files are not affected"
            ),
            (
                "compare the file's size with the original and copy it again, salvage it with its "
                "maker's program, or name another reader with --reader KEY"
            ),
        ),
        ("abort", {}, "crashed with SIGABRT (a library gave up; often memory ran out)", "--reader"),
        ("exit", {}, "ended its process with exit status 3", "report it to the plugin's author"),
        ("sysexit", {}, "tried to end the program (SystemExit: 2)", "--reader KEY"),
        ("loop", {"time": 1}, "was stopped after 1 s, the limit for one file,", "--limit time=5;"),
        ("loop_in_c", {"time": 1}, "was stopped after 1 s", "--limit time=5;"),
        ("spin", {"cpu": 1}, "used up 1 s of processor time, its limit,", "--limit cpu=10,"),
        ("memory", {}, "needed more than 4 GB of memory while", "--limit memory=8GB, or split"),
        ("memory_bit_by_bit", {"memory": 1 << 28}, "needed more than 256 MB", "memory=512MB"),
        ("memory_shared", {"memory": 1 << 28}, "when it held more than 256 MB", "memory=512MB"),
        ("flood", {"output": 1 << 22}, "when it had printed more than 4 MB", "--debug shows"),
        ("big_file", {"file_size": 1 << 20}, "wrote a file of more than 1 MB", "file_size=64GB"),
        ("protocol", {}, "disturbed the worker's pipes and was stopped", "--reader KEY"),
        ("close", {}, "disturbed the worker's pipes and was stopped while", "--reader KEY"),
        ("orphan_exit", {}, "ended its process with exit status 1", "--reader KEY"),
    ],
)
def test_a_reader_that_fails_its_process_is_replaced(
    word, limits, what, fix, tmp_path, expected
) -> None:
    with WorkerPool(Limits(**limits)) as pool:
        job = make_job(tmp_path / "bad", word)
        with pytest.raises(ReaderCrashedError) as caught:
            pool.read(job)
        error = caught.value
        assert error.what.startswith("reader 'fake.dat' ")
        assert what in error.what
        assert fix in error.fix
        assert error.path == "scan.dat"
        assert str(tmp_path) not in f"{error}{error.detail}"
        assert with_text(mark(job.path)) == []
        assert read_good(pool, tmp_path / "good") == expected


def test_a_crash_keeps_where_it_happened_for_debug(tmp_path) -> None:
    with WorkerPool() as pool, pytest.raises(ReaderCrashedError) as caught:
        pool.read(make_job(tmp_path, "segv"))
    assert "Fatal Python error: Segmentation fault" in caught.value.detail
    assert "in do_segv" in caught.value.detail
    assert "do_segv" not in str(caught.value)


@pytest.mark.parametrize("word", ["sleeper", "orphan"])
def test_processes_left_behind_are_ended_and_the_data_kept(word, tmp_path, expected) -> None:
    with WorkerPool() as pool:
        job = make_job(tmp_path / "bad", f"{word} 1.5 2.5 3.5")
        outcome = pool.read(job)
        assert outcome.left_processes == 1
        assert with_text(mark(job.path)) == []
        assert digest(job) == expected
        assert read_good(pool, tmp_path / "good") == expected


def test_a_reader_that_forks_answers_once(tmp_path, expected) -> None:
    with WorkerPool() as pool:
        for i in range(3):
            job = make_job(tmp_path / f"fork{i}", "fork 1.5 2.5 3.5")
            pool.read(job)
            assert digest(job) == expected
        assert read_good(pool, tmp_path / "good") == expected


def test_output_never_disturbs_the_protocol_and_its_end_is_kept(tmp_path, expected) -> None:
    with WorkerPool() as pool:
        job = make_job(tmp_path / "chat", "chat 1.5 2.5 3.5")
        outcome = pool.read(job)
        assert digest(job) == expected
        assert outcome.output.endswith("the end of a long story\nsaid by a child process\n")
        assert len(outcome.output) <= 64 << 10
        # and it is not mixed up with the next file's
        assert pool.read(make_job(tmp_path / "next", "good")).output == ""


def test_a_worker_stays_warm_and_keeps_no_state(tmp_path, expected) -> None:
    with WorkerPool() as pool:
        assert read_good(pool, tmp_path / "first") == expected
        (worker,) = pool._all
        pool.read(make_job(tmp_path / "leak", "leak_state"))
        pool.read(make_job(tmp_path / "warn", "warn"))
        assert read_good(pool, tmp_path / "second") == expected
        assert pool._all == {worker}
        folder = worker._scratch.path
        assert Path(folder).is_dir()
    assert not running(worker.pid)
    assert not Path(folder).exists()


def test_a_worker_outlives_the_thread_that_started_it(tmp_path, expected) -> None:
    found: list[str] = []
    with WorkerPool() as pool:
        for name in ("one", "two"):
            thread = threading.Thread(
                target=lambda name=name: found.append(read_good(pool, tmp_path / name))
            )
            thread.start()
            thread.join()
            time.sleep(0.05)
        (worker,) = pool._all
        assert worker.jobs == 2
    assert found == [expected, expected]


def test_a_worker_that_died_while_idle_is_nobodys_fault(tmp_path, expected) -> None:
    with WorkerPool() as pool:
        read_good(pool, tmp_path / "first")
        (worker,) = pool._all
        os.kill(worker.pid, signal.SIGKILL)
        assert read_good(pool, tmp_path / "second") == expected


def test_two_files_are_read_at_once(tmp_path, expected) -> None:
    with WorkerPool(Limits(time=3), size=2) as pool:
        read_good(pool, tmp_path / "warm")
        caught: list[BaseException] = []

        def hang() -> None:
            try:
                pool.read(make_job(tmp_path / "hang", "loop"))
            except ReaderCrashedError as error:
                caught.append(error)

        thread = threading.Thread(target=hang)
        thread.start()
        time.sleep(0.2)
        assert read_good(pool, tmp_path / "beside") == expected
        assert thread.is_alive()
        thread.join()
        assert "was stopped after 3 s" in str(caught[0])
        assert len(pool._all) <= 2


def test_closing_ends_a_reader_that_runs(tmp_path) -> None:
    pool = WorkerPool()
    caught: list[BaseException] = []

    def hang() -> None:
        try:
            pool.read(make_job(tmp_path / "hang", "loop"))
        except ConsilienceError as error:
            caught.append(error)

    thread = threading.Thread(target=hang)
    thread.start()
    while not pool._all:
        time.sleep(0.01)
    (worker,) = pool._all
    time.sleep(0.5)
    pool.close()
    thread.join(5)
    assert not thread.is_alive()
    assert not running(worker.pid)
    assert caught[0].what == "the worker pool is closed"
    with pytest.raises(ConsilienceError, match="the worker pool is closed"):
        pool.read(make_job(tmp_path / "late", "good"))


PARENT = """
import signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # some callers have it ignored
sys.path.insert(0, {fakes!r})
from pathlib import Path
from fake_worker_jobs import make_job
from consilience.workers import WorkerPool

pool = WorkerPool()
pool.read(make_job(Path({folder!r}) / "good", "good"))
(worker,) = pool._all
print(worker.pid, flush=True)
{then}
"""


@pytest.mark.parametrize(
    ("then", "blow"),
    [
        ("time.sleep(60)", signal.SIGKILL),
        ("time.sleep(60)", signal.SIGTERM),
        ("pool.read(make_job(Path({folder!r}) / 'hang', 'loop_in_c'))", signal.SIGKILL),
        ("pool.read(make_job(Path({folder!r}) / 'hang', 'loop'))", signal.SIGINT),
        ("sys.exit()", None),
    ],
)
def test_workers_end_with_the_program(then, blow, tmp_path) -> None:
    code = PARENT.format(
        fakes=str(FAKES), folder=str(tmp_path), then=then.format(folder=str(tmp_path))
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    pid = int(parent.stdout.readline())
    if blow is not None:
        assert running(pid)
        time.sleep(0.5)
        parent.send_signal(blow)
    _, said = parent.communicate(timeout=20)
    deadline = time.monotonic() + 5
    while running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not running(pid)
    if blow is signal.SIGINT:
        assert "KeyboardInterrupt" in said


def test_scratch_of_a_killed_program_goes_with_the_next_pool_and_no_other(
    tmp_path, monkeypatch, expected
) -> None:
    temp = tmp_path / "temp"
    temp.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temp))
    monkeypatch.setenv("TMPDIR", str(temp))

    def start(name: str) -> tuple[subprocess.Popen, set[Path]]:
        before = set(temp.iterdir())
        code = PARENT.format(fakes=str(FAKES), folder=str(tmp_path / name), then="time.sleep(60)")
        parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        parent.stdout.readline()
        return parent, set(temp.iterdir()) - before

    killed, left = start("killed")
    alive, used = start("alive")
    assert len(left) == len(used) == 1
    (temp / "consilience-worker-link").symlink_to(tmp_path)
    (temp / "somebody-else").mkdir()
    try:
        killed.kill()
        killed.communicate()
        (folder,) = left
        (folder / "half-written").write_text("x")
        with WorkerPool() as pool:
            assert read_good(pool, tmp_path / "good") == expected
            assert not folder.exists()
            assert used < set(temp.iterdir())
            (own,) = pool._all
            assert clear_abandoned() == []
            assert Path(own._scratch.path).is_dir()
        names = {p.name for p in temp.iterdir()}
        assert names == {*(p.name for p in used), "consilience-worker-link", "somebody-else"}
        assert (tmp_path / "good").is_dir()
    finally:
        alive.terminate()
        alive.communicate()
        killed.kill()


def test_a_scratch_folder_cleared_before_it_was_locked_is_made_anew(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = tempfile.mkdtemp
    cleared = []

    def overtaken(prefix: str) -> str:
        folder = made(prefix=prefix)
        if not cleared:
            cleared.extend(clear_abandoned())
        return folder

    monkeypatch.setattr(tempfile, "mkdtemp", overtaken)
    scratch = ScratchFolder()
    assert len(cleared) == 1
    assert [str(p) for p in tmp_path.iterdir()] == [scratch.path]
    assert clear_abandoned() == []
    scratch.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_worker_inherits_nothing_but_its_pipes(tmp_path) -> None:
    with (tmp_path / "private").open("w") as private, WorkerPool() as pool:
        os.set_inheritable(private.fileno(), True)
        pool.read(make_job(tmp_path / "job", "good"))
        (worker,) = pool._all
        targets = [str(fd.readlink()) for fd in Path(f"/proc/{worker.pid}/fd").iterdir()]
        assert not [t for t in targets if "private" in t]
        assert os.getsid(worker.pid) == os.getpgid(worker.pid) == worker.pid


@pytest.mark.parametrize(
    ("read", "what"),
    [
        ("fake_worker_readers:nowhere", "module 'fake_worker_readers' has no 'nowhere'"),
        ("fake_worker_absent:read", "cannot be imported: no module named 'fake_worker_absent'"),
        (
            "fake_worker_broken:read",
            "the code of reader 'fake.dat' cannot be imported: SystemExit: 7",
        ),
        ("fake_worker_readers:np", "is a module, expected a function"),
    ],
)
def test_code_that_cannot_be_imported(read, what, tmp_path, expected) -> None:
    with WorkerPool() as pool:
        with pytest.raises(PluginError) as caught:
            pool.read(make_job(tmp_path / "bad", "good", read=read))
        assert what in caught.value.what
        assert read_good(pool, tmp_path / "good") == expected


def test_a_worker_that_cannot_start_says_so(tmp_path, monkeypatch) -> None:
    (tmp_path / "xarray.py").write_text("raise ImportError('xarray is broken here')")
    monkeypatch.syspath_prepend(tmp_path)
    with WorkerPool() as pool, pytest.raises(PluginError) as caught:
        pool.read(make_job(tmp_path / "job", "good"))
    assert caught.value.what == "the worker process for reader 'fake.dat' did not start"
    assert "xarray is broken here" in caught.value.detail


def test_links_that_hang_are_stopped(tmp_path) -> None:
    with WorkerPool(Limits(time=1)) as pool:
        job = make_job(tmp_path, "hang", linked="fake_worker_readers:linked")
        with pytest.raises(ReaderCrashedError, match="was stopped after 1 s"):
            pool.linked(job)


def test_links_stay_in_the_folder(tmp_path) -> None:
    (tmp_path / "job").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "job" / "door").symlink_to(tmp_path / "outside")
    with WorkerPool() as pool:

        def links(text: str) -> list[str]:
            folder = tmp_path / "job"
            (folder / "staging").rmdir() if (folder / "staging").exists() else None
            return pool.linked(make_job(folder, text, linked="fake_worker_readers:linked"))

        assert links("a.h5\nsub/./b.h5\na.h5\nscan.dat") == ["a.h5", "sub/b.h5"]
        for name in ("../x", "/etc/passwd", "sub/../../x", "door/x", "C:\\x", "..\\x", "a\0b", ""):
            with pytest.raises(BadFileError) as caught:
                links(f"a.h5\n{name}")
            assert "which lies outside its folder" in caught.value.what
            assert repr(name) in caught.value.what
        assert pool.linked(make_job(tmp_path / "none", "x")) == []


def test_bad_sizes_and_limits_are_refused() -> None:
    with pytest.raises(BadInputError, match="a pool of 0 workers"):
        WorkerPool(size=0)
    with pytest.raises(BadInputError, match="limit time is 0"):
        Limits(time=0)
