"""Errors that say who, what, where, and what to do.

Every error a user can meet derives from `ConsilienceError`.  The command line
prints `what` on one line, `fix` on the next, then the place; the Python user
sees the same text.  Exit codes are documented in ``docs/errors.md`` and are part
of the interface.
"""

from __future__ import annotations

from os import PathLike, fspath

__all__ = [
    "AmbiguousReaderError",
    "BadFileError",
    "BadInputError",
    "ConsilienceError",
    "DiskFullError",
    "JournalError",
    "NewerStudyError",
    "NotFoundError",
    "PermissionDeniedError",
    "PluginError",
    "ReaderCrashedError",
    "StudyBusyError",
    "StudyExistsError",
    "VerifyError",
]


class ConsilienceError(Exception):
    """Base of all errors raised on purpose.

    Parameters
    ----------
    what : str
        What happened, in one sentence, naming what was found.
    fix : str
        What to do about it, in one sentence.  Required: an error that leaves
        the reader without a next step is not finished.
    path : path-like, optional
        The file or folder concerned.
    offset : int, optional
        Byte offset in `path`, where one is known.
    line : int, optional
        Line number in `path`, counted from 1.
    detail : str, optional
        What only ``--debug`` shows: a traceback from another process, its last output.
    """

    exit_code = 1

    def __init__(
        self,
        what: str,
        *,
        fix: str,
        path: str | PathLike[str] | None = None,
        offset: int | None = None,
        line: int | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix
        self.path = None if path is None else fspath(path)
        self.offset = offset
        self.line = line
        self.detail = detail

    @property
    def place(self) -> str | None:
        """File, line and byte offset as one printable string, or None."""
        if self.path is None:
            return None
        parts = [self.path]
        if self.line is not None:
            parts.append(f"line {self.line}")
        if self.offset is not None:
            parts.append(f"byte {self.offset}")
        return ", ".join(parts)

    def __str__(self) -> str:
        lines = [self.what, f"  fix: {self.fix}"]
        if self.place is not None:
            lines.append(f"  at:  {self.place}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form, as sent over a worker's pipe and by ``--json``."""
        return {
            "error": type(self).__name__,
            "what": self.what,
            "fix": self.fix,
            "path": self.path,
            "offset": self.offset,
            "line": self.line,
            "detail": self.detail,
        }


class BadInputError(ConsilienceError):
    """Something the user wrote (argument, TOML, date, quantity) cannot be used."""

    exit_code = 2


class NotFoundError(ConsilienceError):
    """A study, sample, measurement, finding or reader with that name does not exist."""

    exit_code = 3


class BadFileError(ConsilienceError):
    """A data file is empty, truncated, not what it claims to be, or inconsistent."""

    exit_code = 4


class AmbiguousReaderError(BadFileError):
    """No reader, or more than one, claims the file.

    `declined` holds the keys of the readers that were asked and did not want it.
    """

    declined: tuple[str, ...] = ()


class ReaderCrashedError(BadFileError):
    """The worker that read the file died, hung or exceeded its limits."""


class PluginError(ConsilienceError):
    """A plugin is missing, broken, of another API version or registered twice."""

    exit_code = 5


class JournalError(ConsilienceError):
    """The journal is damaged: a record is missing, altered or out of order."""

    exit_code = 6


class VerifyError(ConsilienceError):
    """`verify` found something lost or changed."""

    exit_code = 6


class NewerStudyError(ConsilienceError):
    """The study was written by a newer version in a format this one does not know."""

    exit_code = 7


class StudyExistsError(ConsilienceError):
    """A study, or something else, is already where a new one was to be made."""

    exit_code = 7


class PermissionDeniedError(ConsilienceError):
    """The file system does not let the program read or write there."""

    exit_code = 8


class DiskFullError(ConsilienceError):
    """No room was left; nothing was registered and earlier data are intact."""

    exit_code = 8


class StudyBusyError(ConsilienceError):
    """Another live process held the study's lock for longer than the time allowed."""

    exit_code = 8


def from_dict(data: dict[str, object]) -> ConsilienceError:
    """Rebuild the error that `ConsilienceError.to_dict` wrote in another process."""
    kinds: dict[str, type[ConsilienceError]] = {
        name: kind
        for name, kind in globals().items()
        if isinstance(kind, type) and issubclass(kind, ConsilienceError)
    }
    kind = kinds.get(str(data.get("error")), BadFileError)
    path, offset, line = data.get("path"), data.get("offset"), data.get("line")
    detail = data.get("detail")
    return kind(
        str(data.get("what")),
        fix=str(data.get("fix")),
        path=path if isinstance(path, str) else None,
        offset=offset if isinstance(offset, int) else None,
        line=line if isinstance(line, int) else None,
        detail=detail if isinstance(detail, str) else None,
    )
