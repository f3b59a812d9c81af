"""The journal: append-only, hash-chained, one JSON record per line.

A record is ``{"body", "content", "hash", "part", "prev", "seq", "time", "type"}``
in canonical JSON.  `hash` is the SHA-256 of the same canonical JSON without `hash`;
`prev` is the hash of the record before (64 zeros for the first); `content` names the
stored objects that the record rests on.

**Batches.**  Records appended together are written in one go; ``"part":[k,n]`` marks
the k-th of n, and the line with k = n is the commit mark.  Readers take a batch when
its last line is there with its line end, and not before: a half-written batch is
neither seen nor damage.

**Torn tails.**  What follows the last commit mark was never acknowledged: a crash
left it.  It is ignored, and the next append moves it to ``journal/torn/``.  Every
other irregularity raises `JournalError`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from consilience.errors import JournalError
from consilience.model.canonical import sha256_hex
from consilience.store.durable import mapped_os_errors, write_all, write_durably
from consilience.store.files import READ_ONLY
from consilience.store.layout import Layout
from consilience.store.lock import StudyLock
from consilience.store.record import (
    RESTORE,
    START,
    Position,
    Record,
    Tail,
    fault_of,
    parse_line,
    power_cut,
    tail_of,
)
from consilience.store.temporary import temporary_path

__all__ = ["Journal"]

_log = logging.getLogger(__name__)


class Journal:
    """The journal of one study."""

    def __init__(self, layout: Layout, lock: StudyLock) -> None:
        self._layout = layout
        self.path = layout.journal
        self.lock = lock
        self._at = START

    # -- reading -----------------------------------------------------------------

    @property
    def head(self) -> tuple[int, str]:
        """Number and hash of the last committed record; ``(0, "000…")`` if there is none."""
        at = self.refresh()
        return at.seq, at.hash

    @property
    def fresh(self) -> bool:
        """True while nothing of the journal has been read."""
        return self._at == START

    def refresh(self) -> Position:
        """Take in what was appended since; return the position after the last record."""
        for _ in self.read(self._at):
            pass
        return self._at

    def resume(self, at: Position) -> bool:
        """Start from a position known from the index instead of reading everything.

        Returns
        -------
        bool
            False, and nothing is changed, unless the record that ends there is the
            one that `at` names.
        """
        if at.seq <= self._at.seq:
            return at == self._at or at == START or self._ends_at(at)
        if not self._ends_at(at):
            return False
        self._at = at
        return True

    def _ends_at(self, at: Position) -> bool:
        with self._open() as source:
            source.seek(0, os.SEEK_END)
            if not 0 < at.offset <= source.tell():
                return False
            start, data = at.offset, b""
            while start > 0 and b"\n" not in data[:-1]:
                step = min(start, max(65536, len(data)))
                start -= step
                source.seek(start)
                data = source.read(step) + data
        data = data[: at.offset - start]
        if not data.endswith(b"\n"):
            return False
        found = parse_line(data[data.rfind(b"\n", 0, -1) + 1 : -1])
        return found is not None and (found.seq, found.hash) == (at.seq, at.hash)

    def read(self, after: Position = START) -> Iterator[Record]:
        """Yield the committed records after a position, each checked against the chain.

        Raises
        ------
        JournalError
            With line, byte offset and what to do.
        """
        return (record for record, _ in self.positions(after))

    def positions(self, after: Position = START) -> Iterator[tuple[Record, Position]]:
        """Yield like `read`, each record with the position after it."""
        at = after
        try:
            for record, at in self._scan(after):
                yield record, at
        except JournalError:
            # Another process may have been moving a torn tail while this one read:
            # only what is still wrong under the lock is damage.
            if not os.access(self.path.parent, os.W_OK):
                raise
            with self.lock.hold():
                rest = list(self._scan(at))
            for record, at in rest:
                yield record, at
        if at.seq > self._at.seq:
            self._at = at

    def tail(self) -> Tail | None:
        """Return what stands after the last commit mark, or None."""
        at = self.refresh()
        with self._open() as source:
            source.seek(at.offset)
            return tail_of(source.read(), at, self.path)

    def _open(self) -> BinaryIO:
        with mapped_os_errors("read the journal", self.path):
            try:
                return self.path.open("rb", buffering=1 << 20)
            except FileNotFoundError:
                raise JournalError(
                    "The journal of the study is missing.", fix=RESTORE, path=self.path
                ) from None

    def _scan(self, after: Position) -> Iterator[tuple[Record, Position]]:
        with self._open() as source:
            size = source.seek(0, os.SEEK_END)
            if size < after.offset:
                raise JournalError(
                    f"The journal ends at byte {size}, before record {after.seq}, which it held: "
                    "its end was cut off.",
                    fix=RESTORE,
                    path=self.path,
                    offset=size,
                )
            source.seek(after.offset)
            committed, last, batch = after, after, list[tuple[Record, Position]]()
            for line in source:
                if not line.endswith(b"\n"):
                    break
                record = parse_line(line[:-1])
                fault = fault_of(record, last, batch[-1][0] if batch else None)
                if record is None or fault is not None:
                    source.seek(committed.offset)
                    if power_cut(source.read(), committed):
                        return
                    raise JournalError(
                        fault or "", fix=RESTORE, path=self.path, line=last.seq + 1,
                        offset=last.offset,
                    )  # fmt: skip
                last = Position(record.seq, record.hash, last.offset + len(line))
                batch.append((record, last))
                if record.commits:
                    yield from batch
                    batch, committed = [], last
            source.seek(committed.offset)
            tail_of(source.read(), committed, self.path)  # raises if it cannot be a torn one

    # -- writing -----------------------------------------------------------------

    def create(self) -> None:
        """Make the empty journal of a new study."""
        with mapped_os_errors("make the journal", self.path):
            write_durably(self.path, b"", temporary_path(self._layout.tmp))

    def append(
        self, records: Sequence[tuple[str, dict[str, Any], tuple[str, ...]]]
    ) -> list[Record]:
        """Append a batch of (type, body, content), all or nothing, durable on return.

        Raises
        ------
        DiskFullError, PermissionDeniedError
            The journal is as it was before.
        JournalError, StudyBusyError
        """
        if not records:
            return []
        with self.lock.hold():
            at = self._settled()
            now = _now()
            made, lines, prev = list[Record](), list[bytes](), at.hash
            for i, (type_, body, content) in enumerate(records, start=1):
                part = (i, len(records))
                record = Record(at.seq + i, type_, body, now, "", prev, content, part).sealed()
                made.append(record)
                lines.append(record.line() + b"\n")
                prev = record.hash
            data = b"".join(lines)
            self._write(at.offset, data)
            self._at = Position(made[-1].seq, made[-1].hash, at.offset + len(data))
        return made

    def _settled(self) -> Position:
        """Return the end of the journal after dealing with a torn tail; the lock is held."""
        tail = self.tail()
        if tail is None:
            return self._at
        if tail.whole:
            # All but the line end of a batch arrived; completing it loses nothing.
            self._write(tail.offset + tail.size, b"\n")
            return self.refresh()
        with self._open() as source:
            source.seek(tail.offset)
            torn = source.read()
        name = f"{tail.offset}-{sha256_hex(torn)}"
        with mapped_os_errors("move a torn record aside", self.path):
            target = self._layout.torn / name
            write_durably(target, torn, temporary_path(self._layout.tmp), READ_ONLY)
            fd = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
            try:
                os.ftruncate(fd, tail.offset)
                os.fsync(fd)
            finally:
                os.close(fd)
        _log.warning(
            "moved %d bytes that a crash had left half-written at the end of the journal to "
            "journal/torn/%s",
            len(torn), name,
        )  # fmt: skip
        return self._at

    def _write(self, offset: int, data: bytes) -> None:
        with mapped_os_errors("append to the journal", self.path):
            fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            try:
                write_all(fd, data)
                os.fsync(fd)
            except BaseException:
                # Nothing was acknowledged: take it back.  If even that fails, what
                # is left is a torn tail, which the next append moves aside.
                with contextlib.suppress(OSError):
                    os.ftruncate(fd, offset)
                    os.fsync(fd)
                raise
            finally:
                os.close(fd)


def _now() -> str:
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    day = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{day}.{nanoseconds // 1000:06d}Z"
