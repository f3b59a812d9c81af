"""Writing so that what was acknowledged survives a crash.

The order is always: temporary file, fsync, rename, fsync the folder.  On failure
nothing is left behind and what was there before is untouched.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from consilience.errors import (
    ConsilienceError,
    DiskFullError,
    NotFoundError,
    PermissionDeniedError,
)

__all__ = [
    "commit_file",
    "ensure_folder",
    "fsync_file",
    "fsync_folder",
    "mapped_os_errors",
    "write_all",
    "write_durably",
]

# EFBIG is what a limit on the size of files (ulimit -f) gives.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@contextlib.contextmanager
def mapped_os_errors(doing: str, path: str | PathLike[str]) -> Iterator[None]:
    """Turn an `OSError` into an error of ours that says what was being done.

    Parameters
    ----------
    doing : str
        What failed, to follow "could not", such as ``"store the file"``.
    path : path-like
        Where; the file named by the operating system has precedence.

    Raises
    ------
    DiskFullError, PermissionDeniedError, NotFoundError, ConsilienceError
    """
    try:
        yield
    except OSError as error:
        named = error.filename if isinstance(error.filename, str | bytes) else None
        where = os.fsdecode(named) if named is not None else os.fspath(path)
        raise _mapped(error, doing, where) from error


def _mapped(error: OSError, doing: str, where: str) -> ConsilienceError:
    said = error.strerror or type(error).__name__
    if error.errno in _FULL:
        return DiskFullError(
            f"Could not {doing}: no room is left there ({said}). "
            "Nothing was registered, and earlier data are intact.",
            fix="free some space (or raise the quota or file-size limit), then try again",
            path=where,
        )
    if error.errno in _DENIED:
        return PermissionDeniedError(
            f"Could not {doing}: the file system does not allow it ({said}).",
            fix="check who owns the file or folder and whether it is read-only, then try again",
            path=where,
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return NotFoundError(
            f"Could not {doing}: a file stands where a folder is needed ({said}).",
            fix="name another folder, or see what took the place of that one",
            path=where,
        )
    if error.errno in (errno.ENOENT, errno.ESTALE):
        return NotFoundError(
            f"Could not {doing}: the file or folder is not there or has vanished ({said}).",
            fix="check the path, and that the disk or share is still connected, then try again",
            path=where,
        )
    return ConsilienceError(
        f"Could not {doing}: the system reports an error ({said}).",
        fix="check the disk or share; when it works again, run `consilience verify`",
        path=where,
    )


def fsync_file(path: Path) -> None:
    """Wait until the file's content is on the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def fsync_folder(path: Path) -> None:
    """Wait until the folder's names are on the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        # Some network file systems cannot do this for folders, and need not.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(fd)


def ensure_folder(path: Path) -> None:
    """Make a folder whose parent exists, durably; do nothing if it is there."""
    try:
        path.mkdir()
    except FileExistsError:
        return
    fsync_folder(path.parent)


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write all of `data`: one call may write less than it was given."""
    view = memoryview(data)
    while len(view):
        view = view[os.write(fd, view) :]


def commit_file(temporary: Path, target: Path) -> None:
    """Give a file, already fsynced, its final name, and make the name durable."""
    ensure_folder(target.parent)
    temporary.replace(target)
    fsync_folder(target.parent)


def write_durably(target: Path, data: bytes, temporary: Path, mode: int = 0o644) -> None:
    """Write a whole file by way of `temporary`, on the same file system.

    `OSError` is left to the caller, who knows what it was for.
    """
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            write_all(fd, data)
            os.fchmod(fd, mode)
            os.fsync(fd)
        finally:
            os.close(fd)
        commit_file(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
