"""The index: SQLite tables of what the journal holds, so that listing is quick.

The index holds nothing of its own.  It is brought up to date from the journal
whenever it is asked something, and built anew when it is missing, damaged or does
not fit the journal.  SQLite's rollback journal is used rather than its write-ahead
log: a study may lie on a share, and a closed index is one file whose checksum can be
kept beside it (``index.sum``), since SQLite itself does not notice changed bytes.

Index files are written only while the study's lock is held.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, TypeVar

from consilience.errors import PermissionDeniedError, StudyBusyError
from consilience.model.canonical import canonical_json, sha256_hex
from consilience.store.durable import fsync_file, mapped_os_errors, write_durably
from consilience.store.files import hash_file
from consilience.store.journal import Journal
from consilience.store.layout import Layout
from consilience.store.record import NO_HASH, START, Position, Record
from consilience.store.schema import (
    INSERT_CONTENT,
    INSERT_RECORD,
    INSERT_ROW,
    ROWS,
    SCHEMA,
    SCHEMA_VERSION,
    key_text,
    record_row,
    typed_row,
)
from consilience.store.temporary import temporary_path

__all__ = ["IndexFile", "index_sum_fault"]

_log = logging.getLogger(__name__)
_BATCH = 5000
_Row = TypeVar("_Row")
# What SQLite says when the place, not the index, is at fault.
_PLACE = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}


def _fill(db: sqlite3.Connection, records: Iterable[Record]) -> Position | None:
    """Insert records; return seq and hash of the last one (offset 0), None if there is none."""
    last = None
    for record in records:
        db.execute(INSERT_RECORD, record_row(record))
        db.executemany(INSERT_CONTENT, [(key_text(ref), record.seq) for ref in record.content])
        if record.type in ROWS and record.id is not None:
            db.execute(INSERT_ROW[record.type], typed_row(record))
        last = Position(record.seq, record.hash)
    return last


class IndexFile:
    """The index of one study as a file that follows the journal."""

    def __init__(self, layout: Layout, journal: Journal) -> None:
        self._layout = layout
        self._journal = journal
        self._db: sqlite3.Connection | None = None
        self._inode: int | None = None
        self._in_memory = False
        self._written = False
        # One lock for threads with the journal: two would wait for each other.
        self._mutex = journal.lock.threads

    # -- keeping up ----------------------------------------------------------------

    def refresh(self) -> None:
        """Bring the index up to date with the journal."""
        with self._mutex:
            for attempt in range(3):
                try:
                    self._refresh()
                    return
                except sqlite3.DatabaseError as error:
                    self._recover(error, attempt)

    def _recover(self, error: sqlite3.DatabaseError, attempt: int) -> None:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StudyBusyError(
                "The index of the study stayed locked by another program.",
                fix="close the program that has index.sqlite open, then try again",
                path=self._layout.index,
            ) from error
        if attempt == 2:
            raise error
        if code in _PLACE:
            self._use_memory(str(error))
        else:
            self._discard(f"it cannot be read ({error})")

    def _refresh(self) -> None:
        db = self._connect()
        at = _position(db)
        if not self._in_memory and not self._journal.resume(at):
            self._discard(f"the journal does not hold its record {at.seq}", lost=at)
            db, at = self._connect(), START
        if self._journal.refresh() == at:
            return
        if self._in_memory:
            self._update(db)
            return
        try:
            with self._journal.lock.hold():
                db = self._connect()
                self._update(db)
        except (PermissionDeniedError, StudyBusyError) as error:
            self._use_memory(error.what)
            self._update(self._connect())

    def _update(self, db: sqlite3.Connection) -> None:
        source = self._journal.positions(_position(db))
        if not self._in_memory:
            # What is indexed must not outrun what would survive a power cut.
            with mapped_os_errors("sync the journal", self._journal.path):
                fsync_file(self._journal.path)
        while chunk := list(islice(source, _BATCH)):
            db.execute("BEGIN IMMEDIATE")
            try:
                _fill(db, (record for record, _ in chunk))
                _set_position(db, chunk[-1][1])
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            self._written = True
        self._forget_lost(db)

    def _forget_lost(self, db: sqlite3.Connection) -> None:
        lost = _lost(db)
        if (
            lost is not None
            and db.execute("SELECT 1 FROM record WHERE seq = ? AND hash = ?", lost).fetchone()
        ):
            db.execute("DELETE FROM meta WHERE key LIKE 'lost_%'")

    def _connect(self) -> sqlite3.Connection:
        if self._db is not None and (self._in_memory or self._inode == self._inode_now()):
            return self._db
        self._drop()
        try:
            return self._open()
        except (PermissionDeniedError, StudyBusyError) as error:
            return self._use_memory(error.what)

    def _open(self) -> sqlite3.Connection:
        if self._inode_now() is None:
            with self._journal.lock.hold():
                if self._inode_now() is None:
                    return self._new()
        db = self._db = self._attach()
        version = None
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
            version = db.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
        if version is None or version[0] != SCHEMA_VERSION:
            with self._journal.lock.hold():
                self._drop()
                self._remove_files()
                return self._new()
        if (fault := index_sum_fault(self._layout, db)) is not None:
            raise sqlite3.DatabaseError(fault)
        return db

    def _attach(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            self._layout.index, isolation_level=None, timeout=30.0, check_same_thread=False
        )
        self._inode = self._inode_now()
        return db

    def _new(self) -> sqlite3.Connection:
        self._db = self._attach()
        _create(self._db)
        self._inode = self._inode_now()
        self._written = True
        return self._db

    def _inode_now(self) -> int | None:
        try:
            return self._layout.index.stat().st_ino
        except FileNotFoundError:
            return None

    def _use_memory(self, reason: str) -> sqlite3.Connection:
        _log.warning("the index cannot be kept in the study (%s); it is built in memory", reason)
        self._drop()
        self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._in_memory = True
        _create(self._db)
        return self._db

    def _discard(self, reason: str, lost: Position | None = None) -> None:
        _log.warning("index.sqlite is built anew from the journal: %s", reason)
        self._drop()
        try:
            with self._journal.lock.hold():
                self._remove_files()
                if lost is not None:
                    # The evidence that the journal was longer once, for `verify`.
                    db = self._connect()
                    db.executemany(
                        "INSERT OR REPLACE INTO meta VALUES (?, ?)",
                        [("lost_seq", str(lost.seq)), ("lost_hash", lost.hash)],
                    )
        except (PermissionDeniedError, StudyBusyError) as error:
            self._use_memory(error.what)

    def _remove_files(self) -> None:
        index = self._layout.index
        with mapped_os_errors("replace the index", index):
            # The checksum first: beside a new index of the same head it would be wrong.
            for path in (self._layout.index_sum, index.with_name(index.name + "-journal"), index):
                path.unlink(missing_ok=True)

    def _drop(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db, self._inode, self._in_memory = None, None, False

    def close(self) -> None:
        """Close the index; if it was changed, leave its checksum beside it."""
        with self._mutex:
            if self._db is not None and self._written and not self._in_memory:
                try:
                    with self._journal.lock.hold():
                        if self._inode == self._inode_now():
                            _write_sum(self._layout, self._db)
                except (OSError, PermissionDeniedError, StudyBusyError, sqlite3.Error) as error:
                    _log.debug("no checksum of the index was written: %s", error)
            self._drop()
            self._written = False

    def query(self, sql: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a SELECT over the tables named in `consilience.store.schema`."""
        return self.select(sql, parameters, tuple)

    def select(
        self, sql: str, parameters: Iterable[Any], make: Callable[[tuple[Any, ...]], _Row]
    ) -> list[_Row]:
        """Run a SELECT and hand each row to `make` as it comes.

        A list of plain tuples beside the list of results would double the work of
        the garbage collector.
        """
        values = tuple(parameters)
        with self._mutex:
            for attempt in range(3):
                self.refresh()
                try:
                    return list(map(make, self._connect().execute(sql, values)))
                except sqlite3.DatabaseError as error:
                    if not _damage(error):
                        raise
                    self._recover(error, attempt)
        raise AssertionError("unreachable: the last attempt returns or raises")


def _damage(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or code in _PLACE


def _create(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    for statement in SCHEMA:
        db.execute(statement)
    db.execute("INSERT INTO meta VALUES ('schema', ?)", (SCHEMA_VERSION,))
    _set_position(db, START)
    db.execute("COMMIT")


def _set_position(db: sqlite3.Connection, at: Position) -> None:
    db.executemany(
        "INSERT OR REPLACE INTO meta VALUES (?, ?)",
        [("seq", str(at.seq)), ("hash", at.hash), ("offset", str(at.offset))],
    )


def _meta(db: sqlite3.Connection) -> dict[str, str]:
    return dict(db.execute("SELECT key, value FROM meta").fetchall())


def _position(db: sqlite3.Connection) -> Position:
    meta = _meta(db)
    try:
        return Position(int(meta["seq"]), meta["hash"], int(meta["offset"]))
    except (KeyError, ValueError):
        raise sqlite3.DatabaseError("its table 'meta' is damaged") from None


def _lost(db: sqlite3.Connection) -> tuple[int, str] | None:
    meta = _meta(db)
    if "lost_seq" not in meta:
        return None
    return int(meta["lost_seq"]), meta.get("lost_hash", NO_HASH)


def _write_sum(layout: Layout, db: sqlite3.Connection) -> None:
    db.execute("BEGIN")
    try:
        at = _position(db)  # from here on nobody can change the file
        digest = hash_file(layout.index)[1]
    finally:
        db.execute("COMMIT")
    text = canonical_json({"seq": at.seq, "hash": at.hash, "sha256": digest})
    with mapped_os_errors("write the checksum of the index", layout.index_sum):
        write_durably(
            layout.index_sum,
            text + b"\n" + sha256_hex(text).encode() + b"\n",
            temporary_path(layout.tmp),
        )


def index_sum_fault(layout: Layout, db: sqlite3.Connection) -> str | None:
    """Compare the index file with the checksum that was left beside it.

    Returns
    -------
    str or None
        What is wrong; None if all is well or if there is no checksum of this
        state of the index, as after a crash.
    """
    try:
        data = layout.index_sum.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"its checksum cannot be read ({os.strerror(error.errno or 0)})"
    text, _, rest = data.partition(b"\n")
    if rest != sha256_hex(text).encode() + b"\n":
        return "the checksum kept beside it is damaged"
    kept = json.loads(text)
    db.execute("BEGIN")
    try:
        at = _position(db)
        if (at.seq, at.hash) != (kept["seq"], kept["hash"]):
            return None
        if hash_file(layout.index)[1] != kept["sha256"]:
            return "its bytes have changed since it was last closed"
    finally:
        if db.in_transaction:
            db.execute("COMMIT")
    return None
