"""Lookups in a study."""

from __future__ import annotations

import json
from typing import Any, NamedTuple, TypeVar

from consilience.store.index_file import IndexFile
from consilience.store.schema import (
    ROWS,
    FindingRow,
    MeasurementRow,
    ReferenceRow,
    RunRow,
    SampleRow,
    SeriesRow,
    StepRow,
    key_text,
)

__all__ = ["Entry", "Index"]

_Row = TypeVar("_Row")


class Entry(NamedTuple):
    """A record as the index returns it."""

    seq: int
    type: str
    id: str | None
    time: str
    hash: str
    body: dict[str, Any]


class Index(IndexFile):
    """Lookups in a study; every method first takes in what was appended since.

    Several records may carry one ID; the latest counts, and `history` gives all.
    """

    def get(self, record_type: str, ident: str) -> Entry | None:
        """Return the latest record of a type with this ID, or None."""
        found = self._entries(
            "WHERE id = ? AND type = ? ORDER BY seq DESC LIMIT 1", (key_text(ident), record_type)
        )
        return found[0] if found else None

    def has(self, record_type: str, ident: str) -> bool:
        """Return True if a record of that type and ID is there."""
        sql = "SELECT 1 FROM record WHERE id = ? AND type = ? LIMIT 1"
        return bool(self.query(sql, (key_text(ident), record_type)))

    def history(self, record_type: str, ident: str) -> list[Entry]:
        """Return all records of a type with this ID, earliest first."""
        return self._entries(
            "WHERE id = ? AND type = ? ORDER BY seq", (key_text(ident), record_type)
        )

    def find(self, prefix: str) -> list[tuple[str, str]]:
        """Return (type, id) of everything whose ID starts with `prefix`."""
        text = key_text(prefix) or ""
        rows = self.query(
            "SELECT DISTINCT type, id FROM record WHERE id >= ? AND substr(id, 1, ?) = ? "
            "ORDER BY id, type",
            (text, len(text), text),
        )
        return [(type_, id_) for type_, id_ in rows]

    def entries(self, record_type: str | None = None, after: int = 0) -> list[Entry]:
        """Return the records of a type (all types if None) after a sequence number."""
        if record_type is None:
            return self._entries("WHERE seq > ? ORDER BY seq", (after,))
        return self._entries("WHERE record.type = ? AND seq > ? ORDER BY seq", (record_type, after))

    def latest(self, record_type: str) -> list[Entry]:
        """Return the latest record of each ID of a type, in order of registration."""
        return self._entries(
            f'JOIN "{_known(record_type)}" AS t ON t.seq = record.seq ORDER BY record.seq', ()
        )

    def count(self, record_type: str) -> int:
        """Return how many different IDs of a type are registered."""
        sql = f'SELECT count(*) FROM "{_known(record_type)}"'  # noqa: S608 - checked name
        return int(self.query(sql)[0][0])

    def count_records(self, record_type: str) -> int:
        """Return how many records of a type there are, repeated IDs included."""
        sql = "SELECT count(*) FROM record WHERE type = ?"
        return int(self.query(sql, (record_type,))[0][0])

    def using(self, ref: str) -> list[Entry]:
        """Return the records that rest on a stored object, ``raw:<sha256>`` and so on.

        For ``link:<sha256>`` any linked file with that content is meant.
        """
        text = key_text(ref) or ""
        return self._entries(
            "WHERE seq IN (SELECT seq FROM content WHERE ref = ? OR (ref > ? AND ref < ?)) "
            "ORDER BY seq",
            (text, text + ":", text + ";"),
        )

    def links(self, sha256: str) -> list[tuple[int, str]]:
        """Return (size, absolute path) of the linked files with this content."""
        start = f"link:{sha256}"
        rows = self.query(
            "SELECT DISTINCT ref FROM content WHERE ref > ? AND ref < ? ORDER BY ref",
            (start + ":", start + ";"),
        )
        parts = [ref.split(":", 3) for (ref,) in rows]
        return [(int(size), path) for _, _, size, path in parts]

    def samples(self, parent: str | None = None) -> list[SampleRow]:
        """List samples, all or those cut from one parent."""
        return self._rows("sample", SampleRow, {"parent": parent})

    def steps(self, sample: str | None = None) -> list[StepRow]:
        """List steps, in order of registration."""
        return self._rows("step", StepRow, {"sample": sample})

    def series(self, step: str | None = None, sample: str | None = None) -> list[SeriesRow]:
        """List sensor series."""
        return self._rows("series", SeriesRow, {"step": step, "sample": sample})

    def measurements(
        self, sample: str | None = None, modality: str | None = None
    ) -> list[MeasurementRow]:
        """List measurements; no array is opened."""
        return self._rows("measurement", MeasurementRow, {"sample": sample, "modality": modality})

    def findings(
        self,
        kind: str | None = None,
        subject: str | None = None,
        sample: str | None = None,
        run: str | None = None,
    ) -> list[FindingRow]:
        """List findings."""
        where = {"kind": kind, "subject": subject, "sample": sample, "run": run}
        return self._rows("finding", FindingRow, where)

    def runs(self, analysis: str | None = None) -> list[RunRow]:
        """List runs of analyses."""
        return self._rows("run", RunRow, {"analysis": analysis})

    def references(self) -> list[ReferenceRow]:
        """List references."""
        return self._rows("reference", ReferenceRow, {})

    def _rows(self, table: str, row: type[_Row], where: dict[str, str | None]) -> list[_Row]:
        chosen = {column: value for column, value in where.items() if value is not None}
        columns = ", ".join(f'"{c}"' for c in ROWS[table][0]._fields)
        condition = " AND ".join(f'"{c}" = ?' for c in chosen)
        sql = f'SELECT {columns} FROM "{table}"'  # noqa: S608 - names from the schema
        sql += f" WHERE {condition}" if condition else ""
        make = row._make  # type: ignore[attr-defined]
        return self.select(sql + " ORDER BY seq", map(key_text, chosen.values()), make)

    def _entries(self, tail: str, parameters: tuple[Any, ...]) -> list[Entry]:
        # Named with the table: a joined one may have columns of the same name.
        columns = ", ".join(f"record.{c}" for c in ("seq", "type", "time", "hash", "body_json"))
        sql = f"SELECT {columns} FROM record "  # noqa: S608 - names from the schema
        entries = []
        for seq, type_, time, hash_, text in self.query(sql + tail, parameters):
            body = json.loads(text)
            id_ = body.get("id")
            id_ = id_ if isinstance(id_, str) else None
            entries.append(Entry(seq, type_, id_, time, hash_, body))
        return entries


def _known(record_type: str) -> str:
    if record_type not in ROWS:
        raise ValueError(f"no table of {record_type!r}; there are {', '.join(ROWS)}")
    return record_type
