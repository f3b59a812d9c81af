"""Checking that the index says what the journal says."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

from consilience.errors import JournalError
from consilience.store.index_file import index_sum_fault
from consilience.store.record import NO_HASH, Record
from consilience.store.schema import ROWS, record_row, typed_row

if TYPE_CHECKING:
    from consilience.store.store import Store

__all__ = ["AHEAD", "judge_index"]

AHEAD = "it holds records that the journal does not hold"
"""The fault of an index that knows more than the journal."""


def judge_index(store: Store) -> tuple[str | None, dict[str, str]]:
    """Compare every row of the index with the journal.

    Returns
    -------
    fault : str or None
        Why the index is not to be trusted; None if it is, or if there is none.
    lost : dict of str to str
        ``lost_seq`` and ``lost_hash`` of a record that an earlier index knew; empty if none.
    """
    path = store.layout.index
    if not path.exists():
        return None, {}
    try:
        # Not read-only if it can be helped: SQLite first undoes what a crash left.
        mode = "rw" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "ro"
        db = sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True, isolation_level=None)
        try:
            empty = not db.execute("SELECT 1 FROM sqlite_master").fetchall()
            if empty and path.stat().st_size == 0:
                return None, {}  # a process died while it made the index
            fault = index_sum_fault(store.layout, db) or _fault_of_rows(store, db)
            return fault, dict(db.execute("SELECT key, value FROM meta WHERE key LIKE 'lost_%'"))
        finally:
            db.close()
    except (sqlite3.Error, ValueError, KeyError) as error:
        return f"it cannot be read ({error})", {}


def _fault_of_rows(store: Store, db: sqlite3.Connection) -> str | None:
    meta = dict(db.execute("SELECT key, value FROM meta"))
    seq = int(meta["seq"])
    seen, expected = 0, dict[tuple[str, str], Record]()
    rows = db.execute("SELECT * FROM record ORDER BY seq")
    refs = set(db.execute("SELECT ref, seq FROM content"))
    last = NO_HASH
    try:
        for record in store.journal.read():
            if record.seq > seq:
                break
            if rows.fetchone() != record_row(record):
                return f"its record {record.seq} is not that of the journal"
            seen, last = record.seq, record.hash
            for ref in record.content:
                refs.discard((ref.encode("utf-8", "backslashreplace").decode(), record.seq))
            if record.type in ROWS and record.id is not None:
                expected[record.type, record.id] = record
    except JournalError:
        return None  # reported already; the index cannot be judged
    if rows.fetchone() is not None or refs or (seen, last) != (seq, meta["hash"]):
        return AHEAD
    for type_ in ROWS:
        wanted = sorted(typed_row(r) for (t, _), r in expected.items() if t == type_)
        if db.execute(f'SELECT * FROM "{type_}" ORDER BY seq').fetchall() != wanted:  # noqa: S608
            return f"its table of type {type_!r} does not fit the journal"
    if db.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
        return "SQLite finds it damaged"
    return None
