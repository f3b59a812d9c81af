"""Scratch folders of workers: locked by the program that made them, cleared when it is dead."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

__all__ = ["ScratchFolder", "clear_abandoned"]

PREFIX = "consilience-worker-"


class ScratchFolder:
    """A new folder in the temp directory, locked until it is removed or this program ends.

    Notes
    -----
    The lock is on the folder itself: the kernel gives it back however the program
    ends, and no process ID is compared that may have been given to another.
    """

    def __init__(self) -> None:
        while True:
            self.path = tempfile.mkdtemp(prefix=PREFIX)
            try:
                self._lock: int | None = _lock(self.path)
            except OSError:  # no locks on this file system: then nobody clears it either
                self._lock = None
            # another program may have taken the new folder for an abandoned one
            if Path(self.path).is_dir():
                return
            self._unlock()

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def clear_abandoned() -> list[str]:
    """Remove this user's scratch folders whose program is dead; return those removed."""
    removed = []
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            if path.lstat().st_uid != os.getuid():
                continue
            lock = _lock(str(path), wait=False)
        except OSError:  # in use, gone meanwhile, or a link
            continue
        try:
            shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(lock)
        removed.append(str(path))
    return removed


def _lock(path: str, *, wait: bool = True) -> int:
    import fcntl  # not on Windows, where the pool says that it cannot run

    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BaseException:
        os.close(folder)
        raise
    return folder
