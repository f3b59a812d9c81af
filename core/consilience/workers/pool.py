"""Readers run here: warm worker processes with limits, replaced when they fail."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from consilience.errors import BadFileError, BadInputError, ConsilienceError, from_dict
from consilience.plain import leaves_folder
from consilience.workers.crashes import crash_error
from consilience.workers.limits import Limits
from consilience.workers.messages import PathNames, ReadJob, ReadOutcome, SignalDescription
from consilience.workers.processes import WorkerGoneError, WorkerProcess
from consilience.workers.scratch import clear_abandoned

__all__ = ["WorkerPool", "refuse_escapes"]

JOBS_PER_WORKER = 500
"""A worker is replaced after so many files, so that what libraries leak stays bounded."""


class WorkerPool:
    """Warm worker processes that read files, at most `size` at once.

    Parameters
    ----------
    limits : Limits, optional
        Of each worker.
    size : int
        Number of workers; they are started when first needed.

    Notes
    -----
    Methods may be called from several threads; each call holds one worker.  Workers end
    with the pool, with the program however it ends, and when a call is
    interrupted.  A process that leaves the worker's group, loses its ancestors and
    cleans its environment is not found; its processor time stays limited.
    """

    def __init__(self, limits: Limits | None = None, size: int = 1) -> None:
        if os.name != "posix":
            raise ConsilienceError(
                "reading files needs the process limits of Linux or macOS",
                fix="on Windows, run consilience in WSL",
            )
        if size < 1:
            raise BadInputError(f"a pool of {size} workers cannot read", fix="use size=1 or more")
        self.limits = limits if limits is not None else Limits()
        self.size = size
        self._slots = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._idle: list[WorkerProcess] = []
        self._all: set[WorkerProcess] = set()
        self._closed = False
        self._cleared = False
        self._finalizer = weakref.finalize(self, _end_all, self._all, os.getpid())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def warm(self) -> None:
        """Start the workers without waiting for them, so that the first file is not slow."""
        with self._lock:
            missing = self.size - len(self._all)
        for _ in range(missing):
            worker = self._start()
            with self._lock:
                self._idle.append(worker)

    def read(self, job: ReadJob) -> ReadOutcome:
        """Read one file into the job's staging folder.

        Returns
        -------
        ReadOutcome
            Paths in it are relative to the staging folder.

        Raises
        ------
        BadFileError
            The reader refuses the file, or fails on it; or what it found cannot be used.
        ReaderCrashedError
            The reader hung, died or went beyond a limit; it was replaced.
        PluginError
            The reader cannot be imported or breaks its contract.
        DiskFullError
        """
        answer, seconds, worker_output = self._run("read", job)
        return ReadOutcome(
            signals=[SignalDescription.model_validate(s) for s in answer["signals"]],
            output=PathNames(job.names).text(worker_output),
            seconds=seconds,
            left_processes=answer["left"],
        )

    def linked(self, job: ReadJob) -> list[str]:
        """Return the files that the main file refers to, relative to its folder.

        Names are normalised, each once, in the reader's order, without the main file itself.
        A file that does not exist is among them: the caller reports it.

        Raises
        ------
        BadFileError
            A link leaves the folder of the file; or as for `read`.
        """
        if job.linked is None:
            return []
        answer, _, _ = self._run("linked", job)
        return refuse_escapes(answer["linked"], Path(job.path), job.shown)

    def close(self) -> None:
        """End all workers, also those that are reading."""
        self._closed = True
        with self._lock:
            idle, busy = self._idle, self._all - set(self._idle)
            self._idle = []
        for worker in idle:
            self._drop(worker)
        for worker in busy:
            worker.kill()  # the thread that waits for it gives back its pipes

    def _run(
        self, op: Literal["read", "linked"], job: ReadJob
    ) -> tuple[dict[str, Any], float, str]:
        request = {"op": op, "job": job.to_json()}
        with self._slots:
            for last in (False, True):
                worker = self._borrow()
                fresh = worker.jobs == 0
                try:
                    answer, seconds = worker.exchange(request)
                except WorkerGoneError as gone:
                    status = self._drop(worker)
                    if self._closed:
                        raise _closed() from gone
                    if gone.reason == "died" and not worker.busy and not fresh and not last:
                        continue  # it had died between two files: nobody's fault
                    reason = gone if worker.jobs else WorkerGoneError("start", gone.detail)
                    raise crash_error(reason, status, job, self.limits, worker.tail) from gone
                except BaseException:  # Ctrl-C: the worker is in the middle of a file
                    self._drop(worker)
                    raise
                break
            output = worker.tail
            with self._lock:
                keep = not (
                    answer["left"]
                    or answer["retire"]
                    or worker.jobs >= JOBS_PER_WORKER
                    or self._closed
                )
                if keep:
                    self._idle.append(worker)
            if not keep:
                self._drop(worker)
        if answer["event"] == "failed":
            raise from_dict(answer["error"])
        return answer, seconds, output

    def _borrow(self) -> WorkerProcess:
        while True:
            if self._closed:
                raise _closed()
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            if worker is None:
                return self._start()
            if worker.alive:
                return worker
            self._drop(worker)

    def _start(self) -> WorkerProcess:
        worker = WorkerProcess(self.limits)
        with self._lock:
            self._all.add(worker)
            clear, self._cleared = not self._cleared, True
        if clear:  # what killed programs left, while the first worker imports its libraries
            clear_abandoned()
        if self._closed:
            self._drop(worker)
            raise _closed()
        return worker

    def _drop(self, worker: WorkerProcess) -> int | None:
        status = worker.end()
        with self._lock:
            self._all.discard(worker)
        return status


def refuse_escapes(names: Sequence[str], path: Path, shown: str) -> list[str]:
    """Return linked files that stay in the folder of the file, normalised.

    Raises
    ------
    BadFileError
        One is absolute, climbs out, or is a symbolic link to outside.
    """
    folder = path.parent.resolve()
    kept: list[str] = []
    for name in names:
        target = None if leaves_folder(name) else (folder / name).resolve()
        if target is None or not target.is_relative_to(folder):
            raise BadFileError(
                f"{shown!r} refers to {name!r}, which lies outside its folder",
                fix="put the file beside it and mend the link, or pass it with --with role=FILE",
                path=shown,
            )
        normal = os.path.normpath(name)
        if normal not in kept and normal != path.name:
            kept.append(normal)
    return kept


def _closed() -> ConsilienceError:
    return ConsilienceError("the worker pool is closed", fix="make a new WorkerPool")


def _end_all(workers: set[WorkerProcess], owner: int) -> None:
    if os.getpid() != owner:
        return  # a forked copy of the program must not end its parent's workers
    for worker in list(workers):
        worker.end()
