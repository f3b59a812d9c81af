"""Killed at any moment, and several at once: nothing acknowledged is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from consilience.store import Store

KILLS = int(os.environ.get("CONSILIENCE_KILLS", "50"))
SEED = 20240611


class Mother:
    """Starts children that register; see store_mother.py."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("store_mother.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.read() == ["ready"]

    def start(self, **command: object) -> list[int]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        self.process.stdin.flush()
        self.said: list[list[str]] = []
        self.dead: list[int] = []
        self.pids: list[int] = []
        self.wanted = len(command["names"])  # type: ignore[arg-type]
        while len(self.pids) < self.wanted:
            self._take(self.read())
        return self.pids

    def finish(self) -> list[list[str]]:
        while len(self.dead) < self.wanted:
            self._take(self.read())
        return self.said

    def _take(self, words: list[str]) -> None:
        if words[0] == "pid":
            self.pids.append(int(words[1]))
        elif words[0] == "dead":
            self.dead.append(int(words[1]))
        else:
            self.said.append(words)

    def read(self) -> list[str]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the mother process has died"
        return line.decode().split()


@pytest.fixture(scope="module")
def mother() -> Iterator[Mother]:
    made = Mother()
    yield made
    assert made.process.stdin is not None
    assert made.process.stdout is not None
    made.process.stdin.close()
    made.process.wait(10)
    made.process.stdout.close()


def test_nothing_acknowledged_is_lost_when_killed(tmp_path: Path, mother: Mother) -> None:
    rng = random.Random(SEED)
    acknowledged = killed_at_work = 0
    for round_ in range(KILLS):
        study = tmp_path / f"study-{round_ // 10}"
        if not study.exists():
            Store.create(study, "killed").close()
            kept: list[list[str]] = []
        (pid,) = mother.start(study=str(study), names=[f"r{round_}"], count=10_000)
        time.sleep(rng.uniform(0.0, 0.12))
        os.kill(pid, signal.SIGKILL)
        kept += mother.finish()
        assert os.waitstatus_to_exitcode(mother.dead[0]) == -signal.SIGKILL
        killed_at_work += bool(mother.said)
        acknowledged += len(mother.said)
        with Store.open(study) as store:
            assert list(store.layout.tmp.iterdir()) == []
            report = store.verify()
            assert report.clean, report.problems
            for _, ident, hash_, sha256, more in kept:
                entry = store.index.get("measurement", f"m-{ident}")
                assert entry is not None
                assert entry.hash == hash_
                assert store.find_file(sha256).size > 0
                assert store.get_json(more)["who"] == ident.partition("-")[0]
            # A batch is there as a whole or not at all.
            assert store.index.count("sample") == store.index.count("measurement")
            head = store.head[1]
        with Store.open(study) as store:
            assert store.verify(head=head).clean
    # The test must be able to fail: children were killed while they were at it.
    assert killed_at_work > KILLS // 3
    assert acknowledged > KILLS


@pytest.mark.parametrize("processes", [2, 4])
def test_processes_append_at_once(tmp_path: Path, mother: Mother, processes: int) -> None:
    study = tmp_path / "study"
    Store.create(study, "busy").close()
    names = [f"p{i}" for i in range(processes)]
    mother.start(study=str(study), names=names, count=40)
    with Store.open(study) as reader:
        # Reading all the while: a half-written line must never look like damage.
        while len(mother.dead) < processes:
            seen = [record.seq for record in reader.journal.read()]
            assert seen == list(range(1, len(seen) + 1))
            reader.index.samples()
            mother._take(mother.read())
    assert mother.dead == [0] * processes
    with Store.open(study) as store:
        assert store.index.count("sample") == 40 * processes
        assert store.head[0] == 1 + 2 * 40 * processes
        assert store.verify().clean


def test_the_same_thing_at_once_gives_one_record(tmp_path: Path, mother: Mother) -> None:
    study = tmp_path / "study"
    Store.create(study, "same").close()
    mother.start(study=str(study), names=list("abcd"), count=50, same=True)
    said = mother.finish()
    assert mother.dead == [0] * 4
    assert sorted(ident for word, ident in said if word == "new") == sorted(
        f"same-{i}" for i in range(50)
    )
    with Store.open(study) as store:
        assert store.head[0] == 51
        assert store.verify().clean
