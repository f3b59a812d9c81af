"""Tables of the index, and which fields of a record's body they are filled from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from consilience.model.canonical import canonical_json
from consilience.store.record import Record

__all__ = [
    "INSERT_CONTENT",
    "INSERT_RECORD",
    "INSERT_ROW",
    "ROWS",
    "SCHEMA",
    "SCHEMA_VERSION",
    "FindingRow",
    "MeasurementRow",
    "ReferenceRow",
    "RunRow",
    "SampleRow",
    "SeriesRow",
    "StepRow",
    "body_json",
    "key_text",
    "record_row",
    "typed_row",
]

SCHEMA_VERSION = "2"


class SampleRow(NamedTuple):
    """A sample in the index."""

    id: str
    title: str | None
    parent: str | None
    control_of: str | None


class StepRow(NamedTuple):
    """A step in the index; `type` as in the vocabulary, `start` as it was written."""

    id: str
    sample: str | None
    type: str | None
    start: str | None


class SeriesRow(NamedTuple):
    """A sensor series in the index."""

    id: str
    step: str | None
    sample: str | None
    file: str | None


class MeasurementRow(NamedTuple):
    """A measurement in the index; `state` is canonical JSON."""

    id: str
    sample: str | None
    modality: str | None
    state: str | None
    name: str | None


class FindingRow(NamedTuple):
    """A finding in the index; `subject` is element, formula#space group, or label."""

    id: str
    kind: str | None
    subject: str | None
    sample: str | None
    run: str | None


class RunRow(NamedTuple):
    """A run of an analysis in the index."""

    id: str
    analysis: str | None
    plugin: str | None


class ReferenceRow(NamedTuple):
    """A reference pattern or spectrum in the index."""

    id: str
    name: str | None


def key_text(value: Any) -> str | None:
    """Return the text under which a value of a body is looked up.

    Text stands for itself, None for unknown, everything else for its canonical
    JSON.  SQLite takes no lone surrogates, which stand for bytes of file names
    that are not UTF-8; they are written as escapes.
    """
    if value is None:
        return None
    text = value if isinstance(value, str) else canonical_json(value).decode("utf-8", "replace")
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _subject(body: Mapping[str, Any]) -> Any:
    # The same rule as model.finding.Subject.key, without importing pydantic.
    subject = body.get("subject")
    if not isinstance(subject, Mapping):
        return subject
    if subject.get("element") is not None:
        return subject["element"]
    if subject.get("formula") is not None:
        return f"{subject['formula']}#{subject.get('space_group') or '?'}"
    return subject.get("label")


def _field(name: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda body: body.get(name)


def body_json(body: Mapping[str, Any]) -> str:
    """Return the body as ASCII JSON, which SQLite takes whatever it holds."""
    return json.dumps(body, separators=(",", ":"), sort_keys=True)


# Record type -> (row type, indexed columns, special ways to get a column).
_SPECIAL = {("finding", "subject"): _subject}
ROWS: dict[str, tuple[type[Any], tuple[str, ...]]] = {
    "sample": (SampleRow, ("parent", "control_of")),
    "step": (StepRow, ("sample",)),
    "series": (SeriesRow, ("step", "sample")),
    "measurement": (MeasurementRow, ("sample", "modality")),
    "finding": (FindingRow, ("kind", "subject", "sample", "run")),
    "run": (RunRow, ("analysis",)),
    "reference": (ReferenceRow, ()),
}
_GETTERS = {
    type_: [_SPECIAL.get((type_, column), _field(column)) for column in row._fields]
    for type_, (row, _) in ROWS.items()
}

SCHEMA = [
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    (
        "CREATE TABLE record (seq INTEGER PRIMARY KEY, type TEXT NOT NULL, id TEXT, "
        "time TEXT NOT NULL, hash TEXT NOT NULL, body_json TEXT NOT NULL)"
    ),
    "CREATE INDEX record_id ON record (id, type)",
    "CREATE INDEX record_type ON record (type)",
    "CREATE TABLE content (ref TEXT, seq INTEGER, PRIMARY KEY (ref, seq)) WITHOUT ROWID",
]
for _type, (_row, _indexed) in ROWS.items():
    _columns = ", ".join(f'"{c}" TEXT' + (" UNIQUE" if c == "id" else "") for c in _row._fields)
    SCHEMA.append(f'CREATE TABLE "{_type}" (seq INTEGER PRIMARY KEY, {_columns})')
    SCHEMA.extend(f'CREATE INDEX "{_type}_{c}" ON "{_type}" ("{c}")' for c in _indexed)

INSERT_RECORD = "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?)"
INSERT_CONTENT = "INSERT OR IGNORE INTO content VALUES (?, ?)"
# A later record of the same ID takes the place of the earlier one.
INSERT_ROW = {
    type_: f'INSERT OR REPLACE INTO "{type_}" VALUES (?{", ?" * len(row._fields)})'  # noqa: S608
    for type_, (row, _) in ROWS.items()
}


def record_row(record: Record) -> tuple[Any, ...]:
    """Return the row of table ``record``."""
    return (
        record.seq,
        record.type,
        key_text(record.id),
        record.time,
        record.hash,
        body_json(record.body),
    )


def typed_row(record: Record) -> tuple[Any, ...]:
    """Return the row of the record type's own table."""
    return (record.seq, *(key_text(get(record.body)) for get in _GETTERS[record.type]))
