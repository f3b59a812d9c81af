"""The text of what happened to a worker, and what to do."""

from __future__ import annotations

import signal

from consilience.errors import ConsilienceError, PluginError, ReaderCrashedError
from consilience.workers.limits import Limits, format_bytes, more_memory
from consilience.workers.messages import PathNames, ReadJob
from consilience.workers.processes import WorkerGoneError

__all__ = ["crash_error"]

_OTHER = "name another reader with --reader KEY"
_WHOLE = "compare the file's size with the original and copy it again, "
_SAYS = {
    "SIGSEGV": "a memory fault in a library",
    "SIGBUS": "a memory fault; the file may have become shorter while it was read",
    "SIGABRT": "a library gave up; often memory ran out",
    "SIGFPE": "an arithmetic fault in a library",
    "SIGILL": "an instruction that this processor does not know",
}


def crash_error(
    gone: WorkerGoneError, status: int | None, job: ReadJob, limits: Limits, tail: str
) -> ConsilienceError:
    """Return the error for a job whose worker is gone.

    Parameters
    ----------
    gone : WorkerGoneError
        Why the parent gave it up.
    status : int or None
        Exit status of the process, as in subprocess.
    tail : str
        The end of what was printed, shown by ``--debug``.
    """
    names = PathNames(job.names)
    shown, reader = job.shown, f"reader {job.reader!r}"
    detail = names.text(tail).strip() or None
    if gone.reason == "start":
        return PluginError(
            f"the worker process for {reader} did not start"
            + (f" within {limits.start:g} s" if status in {None, -signal.SIGKILL} else ""),
            fix="run again with --debug to see what it printed; --limit start=300 if the "
            "machine is slow",
            detail=detail,
        )
    if gone.reason == "import":
        return PluginError(
            f"the code of {reader} was not imported within {limits.start:g} s",
            fix="update or mend the plugin; --limit start=300 if the machine is slow",
            detail=detail,
        )
    what, fix = _died(status, limits)
    if gone.reason == "time":
        what = f"was stopped after {limits.time:g} s, the limit for one file,"
        fix = (
            f"if the file is just large, --limit time={5 * limits.time:g}; else {_WHOLE}or {_OTHER}"
        )
    elif gone.reason == "memory":
        what = f"was stopped when it held more than {format_bytes(limits.memory)} of memory"
        fix = more_memory(limits)
    elif gone.reason == "output":
        what = f"was stopped when it had printed more than {format_bytes(limits.output)}"
        fix = f"{_OTHER}; --debug shows the end of what it printed"
    elif gone.reason in {"reply", "protocol"}:
        what = "disturbed the worker's pipes and was stopped"
        fix = f"{_OTHER}, and report it to the plugin's author"
        detail = "\n".join(filter(None, [gone.detail, detail]))
    return ReaderCrashedError(
        f"{reader} {what} while it read {shown!r}; other files are not affected",
        fix=fix,
        path=shown,
        detail=detail,
    )


def _died(status: int | None, limits: Limits) -> tuple[str, str]:
    """Return what a process that ended by itself did, and what to do."""
    if status is None or status >= 0:
        return (
            f"ended its process with exit status {status}",
            f"{_WHOLE}or {_OTHER}, and report it to the plugin's author",
        )
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    if name == "SIGXCPU":
        used = "the processor time it may use"
        if limits.cpu is not None:
            used = f"{limits.cpu:g} s of processor time, its limit"
        return f"used up {used},", f"--limit cpu={10 * (limits.cpu or limits.time):g}, or {_OTHER}"
    if name == "SIGKILL":
        return (
            "was killed (SIGKILL), most likely by the system for want of memory,",
            f"close other programs, split the file, or {_OTHER}",
        )
    what = f"crashed with {name}" + (f" ({_SAYS[name]})" if name in _SAYS else "")
    return what, f"{_WHOLE}salvage it with its maker's program, or {_OTHER}"
