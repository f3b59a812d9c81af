"""Names for work in progress that say whose it is, so that leftovers can be removed.

A name is ``t-<host>-<boot>-<pid>-<start>-<random>``: hash of the host's name, first
digits of the boot's id, process id and when that process started.  Process ids are
used again; together with the start time they are not.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from consilience.store.durable import mapped_os_errors

__all__ = ["clean_stale", "is_stale", "staging_folder", "temporary_path"]


@cache
def _host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().replace("-", "")[:8]
    except OSError:
        return "0"  # not Linux: process id and start time have to do


def _start_of(pid: int) -> str | None:
    """Return when a process started, in clock ticks since boot; None if it is not there."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    except (OSError, ProcessLookupError):
        return None
    else:
        # The second field is the name in brackets and may hold anything.
        fields = stat[stat.rindex(b")") + 2 :].split()
        return None if fields[0] == b"Z" else fields[19].decode()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return "0"


def temporary_path(tmp: Path, suffix: str = "") -> Path:
    """Return a new name in `tmp` that says it belongs to this process."""
    pid = os.getpid()
    name = f"t-{_host()}-{_boot()}-{pid}-{_start_of(pid) or '0'}-{secrets.token_hex(8)}{suffix}"
    return tmp / name


def is_stale(name: str) -> bool:
    """Return True if the name belongs to a process of this host that is dead.

    What another host made (the study lies on a share) is never called stale, as
    nothing is known about its processes.
    """
    parts = name.split("-")
    if len(parts) != 6 or parts[0] != "t" or parts[1] != _host() or not parts[3].isdigit():
        return False
    return parts[2] != _boot() or _start_of(int(parts[3])) != parts[4]


def clean_stale(tmp: Path) -> list[str]:
    """Remove what dead processes left in `tmp`; return the names removed.

    A folder that may not be written is left as it is: reading still works.
    """
    removed = []
    try:
        names = sorted(path.name for path in tmp.iterdir())
    except OSError:
        return []
    for name in names:
        if not is_stale(name):
            continue
        path = tmp / name
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        except OSError:
            continue
        removed.append(name)
    return removed


@contextlib.contextmanager
def staging_folder(tmp: Path) -> Iterator[Path]:
    """Give an empty folder on the file system of the study, removed afterwards."""
    path = temporary_path(tmp)
    with mapped_os_errors("make a staging folder", tmp):
        path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
