"""One worker process seen from the parent: start it, talk to it, end it with all it started."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import selectors
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from consilience.workers import frames
from consilience.workers.limits import Limits
from consilience.workers.scratch import ScratchFolder

__all__ = ["WorkerGoneError", "WorkerProcess"]

TAIL = 64 << 10
TICK = 0.2
MARK = "CONSILIENCE_WORKER"


class WorkerGoneError(Exception):
    """The worker cannot answer any more.

    Parameters
    ----------
    reason : str
        ``time``, ``import``, ``start``, ``memory``, ``output``, ``reply``, ``protocol``, or
        ``died`` where it ended by itself.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


class WorkerProcess:
    """A worker process and the parent's ends of its pipes.

    Notes
    -----
    The pool lends it to one thread at a time; only `kill` may be called from another.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.jobs = 0
        self.busy = False
        self.output = bytearray()
        self.output_bytes = 0
        self._incoming = bytearray()
        self._ready = False
        self._ended = False
        self._reaping = threading.Lock()
        self._base_resident: int | None = None
        self._token = secrets.token_hex(16)
        self._scratch = ScratchFolder()
        pipes = [os.pipe() for _ in range(4)]
        (request_r, request_w), (reply_r, reply_w), (life_r, life_w), (out_r, out_w) = pipes
        self._request, self._reply, self._lifeline, self._out = request_w, reply_r, life_w, out_r
        try:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",  # nothing is imported from the scratch folder
                    "-u",
                    "-m",
                    "consilience.workers.child",
                    str(request_r),
                    str(reply_w),
                    str(life_r),
                ],
                stdin=subprocess.DEVNULL,
                stdout=out_w,
                stderr=out_w,
                close_fds=True,
                pass_fds=(request_r, reply_w, life_r),
                start_new_session=True,
                cwd=self._scratch.path,
                env=self._environment(),
            )
        except BaseException:
            for pair in pipes:
                for fd in pair:
                    os.close(fd)
            self._scratch.remove()
            raise
        for fd in (request_r, reply_w, life_r, out_w):
            os.close(fd)
        for fd in (self._request, self._reply, self._out):
            os.set_blocking(fd, False)
        self._pidfd = os.pidfd_open(self._process.pid) if hasattr(os, "pidfd_open") else None
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._reply, selectors.EVENT_READ)
        self._selector.register(self._out, selectors.EVENT_READ)
        if self._pidfd is not None:
            self._selector.register(self._pidfd, selectors.EVENT_READ)
        self._started = time.monotonic()

    @property
    def pid(self) -> int:
        """Process ID, also the ID of its group and session."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """False once the process has ended, whoever ended it."""
        return not self._ended and not self._exited()

    @property
    def tail(self) -> str:
        """The end of what was printed while the current file was read."""
        return self.output.decode("utf-8", "replace")

    def _environment(self) -> dict[str, str]:
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONWARNINGS"}
        environment["PYTHONPATH"] = os.pathsep.join(
            str(Path(p).absolute())
            for p in sys.path  # an empty entry is this folder
        )
        environment[MARK] = self._token
        environment["TMPDIR"] = self._scratch.path
        environment.setdefault("PYTHONHASHSEED", "0")  # a reader that walks a set does so alike
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            environment.setdefault(name, "1")  # parsing needs no BLAS threads and their stacks
        return environment

    def exchange(self, request: dict[str, Any]) -> tuple[dict[str, Any], float]:
        """Send one request and wait for its final answer.

        `busy` is True from when the worker says that it runs the reader's code.

        Returns
        -------
        dict
            The answer.
        float
            Seconds from the import of the reader's code to the answer.

        Raises
        ------
        WorkerGoneError
            The worker has to be ended.
        """
        if not self._ready:
            self._send({"limits": asdict(self.limits)}, self._started + self.limits.start, "start")
            self._receive(self._started + self.limits.start, "start", "ready")
            self._ready = True
        self.busy = False
        self._drain()
        self.output.clear()
        self.output_bytes = 0
        self._base_resident = None
        self.jobs += 1
        deadline = time.monotonic() + self.limits.start
        self._send(request, deadline, "import")
        answer = self._receive(deadline, "import", "running", "failed")
        self.busy = True
        begun = time.monotonic()
        if answer["event"] == "running":
            answer = self._receive(begun + self.limits.time, "time", "done", "failed")
        seconds = time.monotonic() - begun
        self._drain()
        return answer, seconds

    def _send(self, message: dict[str, Any], deadline: float, reason: str) -> None:
        view = memoryview(frames.pack(message))
        while view:
            try:
                view = view[os.write(self._request, view) :]
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise WorkerGoneError(reason) from None
                time.sleep(0.005)
            except BrokenPipeError:
                raise WorkerGoneError("died") from None

    def _receive(self, deadline: float, reason: str, *events: str) -> dict[str, Any]:
        """Wait for one frame; take in what is printed meanwhile, and watch the memory."""
        watched = time.monotonic()
        while True:
            frame = self._frame()
            if frame is not None:
                if frame.get("event") not in events:
                    raise WorkerGoneError("protocol", f"unexpected event {frame.get('event')!r}")
                return frame
            now = time.monotonic()
            if now >= deadline:
                raise WorkerGoneError(reason)
            ready = {key.fd for key, _ in self._selector.select(min(TICK, deadline - now))}
            if self._out in ready:
                self._take_output()
                if self.output_bytes > self.limits.output:
                    raise WorkerGoneError("output")
            if self._reply in ready:
                if self._take_reply() == b"":
                    if not self._await_exit(2.0):
                        raise WorkerGoneError("protocol", "it closed its pipe")
                    raise WorkerGoneError("died")
            elif (self._pidfd in ready or (not ready and self._exited())) and (
                not self._take_reply()
            ):
                raise WorkerGoneError("died")
            if now - watched >= TICK:
                watched = now
                self._watch_memory()

    def _frame(self) -> dict[str, Any] | None:
        if len(self._incoming) < frames.HEADER.size:
            return None
        (size,) = frames.HEADER.unpack_from(self._incoming)
        if size > self.limits.reply:
            raise WorkerGoneError("reply")
        end = frames.HEADER.size + size
        if len(self._incoming) < end:
            return None
        body = bytes(self._incoming[frames.HEADER.size : end])
        del self._incoming[:end]
        try:
            message = json.loads(body)
        except ValueError as error:
            raise WorkerGoneError("protocol", str(error)) from error
        if not isinstance(message, dict):
            raise WorkerGoneError("protocol", "a frame holds no object")
        return message

    def _take_reply(self) -> bytes | None:
        """Take in what there is of the reply; empty at its end, None if there is nothing yet."""
        try:
            part = os.read(self._reply, 1 << 20)
        except BlockingIOError:
            return None
        self._incoming += part
        return part

    def _take_output(self) -> int:
        try:
            part = os.read(self._out, TAIL)
        except BlockingIOError:
            return 0
        if not part and self._out in self._selector.get_map():
            self._selector.unregister(self._out)  # the reader closed stdout and stderr
        self.output_bytes += len(part)
        self.output += part
        del self.output[:-TAIL]
        return len(part)

    def _drain(self) -> None:
        """Take in what is still in the output pipe; what goes on printing is not waited for."""
        before = self.output_bytes
        while self._take_output() and self.output_bytes - before <= self.limits.output:
            pass

    def _exited(self) -> bool:
        try:
            found = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return True
        return found is not None

    def _await_exit(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not self._exited() and time.monotonic() < deadline:
            time.sleep(0.01)
        return self._exited()

    def _watch_memory(self) -> None:
        """Count memory that RLIMIT_DATA does not: what is shared on purpose."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text("ascii", "replace")
        except OSError:
            return
        resident = 0
        for line in status.splitlines():
            if line.startswith(("RssAnon:", "RssShmem:")):
                resident += int(line.split()[1]) << 10
        if self._base_resident is None:
            self._base_resident = resident
        elif resident > self._base_resident + self.limits.memory:
            raise WorkerGoneError("memory")

    def kill(self) -> None:
        """Kill the process, its group and all that it started; any thread may do it."""
        with self._reaping:
            if not self._ended:
                # not reaped before this, so that the ID still is that of our group
                end_tree(self.pid, self._token)

    def end(self) -> int | None:
        """Kill as above, and give back pipes and scratch folder; for the thread that holds it.

        Returns
        -------
        int or None
            As in subprocess: the negative number of the signal that ended it, where it
            ended by itself before.
        """
        self.kill()
        with self._reaping:
            if self._ended:
                return self._process.returncode
            self._ended = True
            status = self._process.wait()
        self._selector.close()
        for fd in (self._request, self._reply, self._lifeline, self._out, self._pidfd):
            if fd is not None:
                os.close(fd)
        self._scratch.remove()
        return status


def end_tree(pid: int, token: str) -> None:
    """Kill a process group, and what left the group but descends from it or has its token.

    The environment of a process is inherited by fork and, unless cleaned, by exec: it
    finds a daemon whose parents have all ended.
    """
    for _ in range(20):  # until nothing new turns up: a process may fork while we look
        others = _relatives(pid, token)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        for other in others:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(other, signal.SIGKILL)
        if not others:
            return
        time.sleep(0.002)


def _relatives(pid: int, token: str) -> set[int]:
    proc = Path("/proc")
    if not (proc / "self" / "stat").exists():
        return set()
    marker = f"{MARK}={token}".encode()
    children: dict[int, list[int]] = {}
    found: set[int] = set()
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # after the name, which may hold spaces and brackets: state, parent, group, session
            fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
            environment = (entry / "environ").read_bytes()
        except OSError:  # it ended meanwhile, or is another user's
            continue
        if fields[0] in (b"Z", b"X"):
            continue
        process = int(entry.name)
        children.setdefault(int(fields[1]), []).append(process)
        if marker in environment.split(b"\0"):
            found.add(process)
    todo = [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found.update(below)
        todo.extend(below)
    return found - {pid, os.getpid()}
