"""The one lock of a study.

`flock` belongs to the open file, so the system lets go of it when the process
dies, however it dies: there is no stale lock.  The holder writes who it is into the
file, for the message that others print when they have waited too long.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from consilience.errors import StudyBusyError
from consilience.store.durable import mapped_os_errors, write_all

__all__ = ["StudyLock"]


class StudyLock:
    """Lock between processes and threads; one thread may take it again inside itself."""

    def __init__(self, path: Path, timeout: float = 60.0) -> None:
        self._path = path
        self.timeout = timeout
        self.threads = threading.RLock()
        self._depth = 0

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock for the duration of a ``with`` block.

        Raises
        ------
        StudyBusyError
            Somebody else holds it for longer than `timeout` seconds.
        PermissionDeniedError
            The study may not be written here.
        """
        if not self.threads.acquire(timeout=self.timeout):
            raise self._busy("another thread of this process")
        try:
            if self._depth:
                self._depth += 1
                try:
                    yield
                finally:
                    self._depth -= 1
                return
            with mapped_os_errors("take the study's lock", self._path):
                # Opened anew each time: nothing is inherited by later child processes.
                fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                self._wait(fd)
                self._depth = 1
                try:
                    self._sign(fd)
                    yield
                finally:
                    self._depth = 0
                    with contextlib.suppress(OSError):
                        os.ftruncate(fd, 0)
                    # Said outright, as a forked child may hold a copy of the descriptor.
                    fcntl.flock(fd, fcntl.LOCK_UN)
            finally:
                os.close(fd)
        finally:
            self.threads.release()

    def _wait(self, fd: int) -> None:
        deadline = time.monotonic() + self.timeout
        pause = 0.0005
        while True:
            try:
                with mapped_os_errors("lock the study", self._path):
                    try:
                        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        return
                    except BlockingIOError:
                        pass
            except InterruptedError:
                continue
            if time.monotonic() > deadline:
                raise self._busy(self._holder(fd))
            time.sleep(pause)
            pause = min(pause * 1.5, 0.02)

    def _sign(self, fd: int) -> None:
        text = json.dumps(
            {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "program": Path(sys.argv[0] or "python").name,
                "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            }
        )
        # A full disk must not hinder: the note is a help for others, not the lock.
        with contextlib.suppress(OSError):
            os.ftruncate(fd, 0)
            os.lseek(fd, 0, os.SEEK_SET)
            write_all(fd, text.encode())

    def _holder(self, fd: int) -> str:
        try:
            said = json.loads(os.pread(fd, 4096, 0))
            who = f"process {said['pid']} ({said['program']}) on {said['host']}"
            return f"{who}, since {said['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            return "a process that has not said who it is"

    def _busy(self, holder: str) -> StudyBusyError:
        return StudyBusyError(
            f"The study is being written by {holder}; waited {self.timeout:g} s for it.",
            fix="wait until it has finished, or end that process; its lock goes with it",
            path=self._path,
        )
