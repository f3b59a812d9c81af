"""The worker process: ``python -m consilience.workers.child REQUEST REPLY LIFELINE``.

The three arguments are numbers of inherited pipe ends.  Requests and replies are
frames of JSON; stdout and stderr are for whatever a reader prints.  The write end of the
lifeline is held by the parent alone: when it closes, this process and its group
are killed, by the kernel where it can do so, else by a thread.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import math
import os
import resource
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from consilience.errors import BadFileError, ConsilienceError, PluginError
from consilience.workers import frames
from consilience.workers.limits import Limits, format_bytes
from consilience.workers.messages import PathNames, ReadJob
from consilience.workers.reading import Job, WorkerSpentError, border_names

__all__ = ["main"]

PR_SET_CHILD_SUBREAPER = 36


def main(arguments: list[str]) -> int:
    """Serve requests until the parent closes the request pipe."""
    request, reply, lifeline = (int(text) for text in arguments)
    for fd in (request, reply, lifeline):
        os.set_inheritable(fd, False)
    _tie_to_parent(lifeline)
    os.environ.pop("PYTHONPATH", None)  # the parent's sys.path, meant for this process alone
    faulthandler.enable()
    hello = frames.receive(request)
    if hello is None:
        return 0
    limits = Limits(**hello["limits"])
    _cap(resource.RLIMIT_CORE, 0)
    _cap(resource.RLIMIT_FSIZE, limits.file_size)
    _warm_up()
    baseline = _data_bytes()
    if sys.platform == "linux":
        _cap(resource.RLIMIT_DATA, baseline + limits.memory)
    else:
        # elsewhere RLIMIT_DATA does not count mapped memory; the larger of two poor bounds
        _cap(resource.RLIMIT_AS, baseline + limits.memory)
    frames.send(reply, frames.pack({"event": "ready"}))
    owner, home, environment = os.getpid(), Path.cwd(), dict(os.environ)
    while (message := frames.receive(request)) is not None:
        answer = _serve(message, reply, limits)
        if os.getpid() != owner:
            os._exit(0)  # a copy made by os.fork() in the reader
        _flush()
        answer["left"] = _count_left()
        answer["retire"] = (
            answer.get("retire", False) or _data_bytes() > baseline + limits.memory // 4
        )
        frame = frames.pack(answer)
        if len(frame) > limits.reply:
            frame = frames.pack(_too_long(len(frame), limits.reply, answer, message))
        frames.send(reply, frame)
        os.chdir(home)
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    return 0


def _serve(message: dict[str, Any], reply: int, limits: Limits) -> dict[str, Any]:
    """Do one request; return its final answer."""
    raw = ReadJob.model_validate(message["job"])
    names = border_names(raw)
    try:
        job = Job(raw, limits)
        _limit_cpu(limits)
        frames.send(reply, frames.pack({"event": "running"}))
        if message["op"] == "linked":
            return {"event": "done", "linked": job.linked()}
        return {"event": "done", "signals": [d.to_json() for d in job.read()]}
    except WorkerSpentError as spent:
        return {"event": "failed", "error": _plain(spent.error, names, raw), "retire": True}
    except ConsilienceError as error:
        return {"event": "failed", "error": _plain(error, names, raw)}


def _plain(error: ConsilienceError, names: PathNames, job: ReadJob) -> dict[str, Any]:
    plain: dict[str, Any] = names.json(error.to_dict())
    if plain["path"] is None and isinstance(error, BadFileError):
        plain["path"] = job.shown
    # a subclass that a plugin defines is unknown to the parent: send the nearest known one
    plain["error"] = next(
        kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "consilience.errors"
    )
    return plain


def _too_long(
    size: int, most: int, answer: dict[str, Any], message: dict[str, Any]
) -> dict[str, Any]:
    error = PluginError(
        f"reader {message['job']['reader']!r} describes its signals in {format_bytes(size)} of "
        f"JSON, more than the {format_bytes(most)} allowed",
        fix="keep long tables as variables and long texts in raw_metadata; or raise it, for "
        "example --limit reply=256MB",
    )
    return {
        "event": "failed",
        "error": error.to_dict(),
        "left": answer["left"],
        "retire": answer["retire"],
    }


def _tie_to_parent(lifeline: int) -> None:
    """Make the end of the parent the end of this process and its group."""
    if sys.platform == "linux":
        import fcntl

        # The kernel sends SIGKILL when the pipe's other end closes, even while a
        # C library spins with the GIL held.  PR_SET_PDEATHSIG would also fire when only the
        # parent's thread that started us ends.
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)
        # what a reader leaves behind stays our descendant, and so can be found
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def wait() -> None:
        with contextlib.suppress(OSError):
            os.read(lifeline, 1)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    # also where the kernel does it: the parent may have ended before F_SETSIG
    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def _warm_up() -> None:
    """Import what every job needs, and write once, so that the first file is not slow."""
    import tempfile

    import numpy as np
    import xarray as xr

    from consilience.workers.reading import write_array

    with tempfile.TemporaryDirectory() as folder:
        x = ("x", np.arange(2.0))
        write_array(xr.Dataset({"y": x}, coords={"x": x}), Path(folder) / "array")


def _cap(which: int, most: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(which, (most, most))


def _limit_cpu(limits: Limits) -> None:
    """Give this job its share of processor time on top of what the process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    share = limits.cpu if limits.cpu is not None else limits.time * (os.cpu_count() or 1)
    most = math.ceil(used.ru_utime + used.ru_stime + share)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (most, hard))


def _data_bytes() -> int:
    """Return what RLIMIT_DATA counts, or the peak resident size where that is unknown."""
    if sys.platform == "linux":
        for line in Path("/proc/self/status").read_text("ascii", "replace").splitlines():
            if line.startswith("VmData:"):
                return int(line.split()[1]) << 10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10


def _count_left() -> int:
    """Reap children that have ended; return 1 if any are left running, else 0."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return 0
        if pid == 0:
            return 1


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        # a reader may have closed or replaced them
        with contextlib.suppress(Exception):
            stream.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
