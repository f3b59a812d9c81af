"""What third-party libraries say while they read: kept as notices, never lost."""

from __future__ import annotations

import logging
import sys
import warnings
from types import FrameType, TracebackType
from typing import TextIO

from consilience.model.measurement import Notice

__all__ = ["LibraryWarnings"]

MOST = 50
LONGEST = 1000
_ABOUT_CODE = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)


class LibraryWarnings:
    """Context in which warnings, and log records of WARNING and above, become notices.

    Notes
    -----
    What is said while a module is imported is left out: it comes once in the life of a
    process, so that the same file would give two different results.  A
    ResourceWarning comes when the collector runs, and is left out for the same reason.
    """

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, bool], int] = {}
        self._more = 0
        self._catcher = warnings.catch_warnings()
        self._handler = _Handler(self)

    def __enter__(self) -> LibraryWarnings:
        self._catcher.__enter__()
        warnings.resetwarnings()
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", ResourceWarning)
        warnings.showwarning = self._warned
        logging.getLogger().addHandler(self._handler)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        logging.getLogger().removeHandler(self._handler)
        self._catcher.__exit__(kind, error, trace)

    @property
    def notices(self) -> list[Notice]:
        """What was said, each once, in the order in which it was first said."""
        said = [
            Notice(
                code="library-warning",
                message=message + (f" (said {count} times)" if count > 1 else ""),
                where=where,
                severity="info" if about_code else "warning",
            )
            for (message, where, about_code), count in self._counts.items()
        ]
        if self._more:
            said.append(
                Notice(
                    code="library-warning",
                    message=f"{self._more} further warnings of other wording were left out",
                )
            )
        return said

    def add(self, message: str, where: str, *, about_code: bool) -> None:
        """Take one warning."""
        if _importing():
            return
        key = (message if len(message) <= LONGEST else message[:LONGEST] + "…", where, about_code)
        if key in self._counts or len(self._counts) < MOST:
            self._counts[key] = self._counts.get(key, 0) + 1
        else:
            self._more += 1

    def _warned(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        del lineno, file, line  # they change with the library's release
        self.add(
            f"{category.__name__}: {message}",
            _module_file(filename),
            about_code=issubclass(category, _ABOUT_CODE),
        )


class _Handler(logging.Handler):
    def __init__(self, listener: LibraryWarnings) -> None:
        super().__init__(logging.WARNING)
        self._listener = listener

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except (TypeError, ValueError):  # a format string that does not fit its arguments
            text = str(record.msg)
        self._listener.add(f"{record.levelname}: {text}", record.name, about_code=False)


def _importing() -> bool:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib._bootstrap"):
            return True
        frame = frame.f_back
    return False


def _module_file(filename: str) -> str:
    """Return the file relative to the entry of sys.path that it lies under."""
    fitting = [p for p in sys.path if p and filename.startswith(p.rstrip("/") + "/")]
    if fitting:
        return filename[len(max(fitting, key=len).rstrip("/")) + 1 :]
    return filename.rpartition("/")[2]
