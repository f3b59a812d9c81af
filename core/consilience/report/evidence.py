"""Evidence, metadata and parameters: any JSON, shown as facts and small tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consilience.notation import cell
from consilience.report.blocks import ShownTable

__all__ = ["Facts", "facts"]

_CHARACTERS = 2_000
_ROWS = 200
_COLUMNS = 9


@dataclass(frozen=True)
class Facts:
    """Names with their values as text (None is unknown), and lists of records as tables."""

    pairs: tuple[tuple[str, str | None], ...] = ()
    tables: tuple[ShownTable, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.pairs or self.tables)


def facts(values: Mapping[str, Any]) -> Facts:
    """Return a JSON object as facts, sorted by name.

    A list of records with the same few fields becomes a table; what is longer than a
    reader would read is cut, and says so.
    """
    pairs: list[tuple[str, str | None]] = []
    tables: list[ShownTable] = []
    for name in sorted(values):
        value = values[name]
        title = name.replace("_", " ")
        if _is_records(value):
            tables.append(_records(title, value))
        elif value is None:
            pairs.append((title, None))
        else:
            pairs.append((title, _short(cell(value))))
    return Facts(tuple(pairs), tuple(tables))


def _short(text: str) -> str:
    if len(text) <= _CHARACTERS:
        return text
    return f"{text[:_CHARACTERS]} … ({len(text) - _CHARACTERS} more characters; the study has all)"


def _is_records(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and len(value) > 1
        and all(isinstance(item, Mapping) and item for item in value)
        and len({key for item in value for key in item}) <= _COLUMNS
    )


def _records(title: str, value: Sequence[Mapping[str, Any]]) -> ShownTable:
    names = list(dict.fromkeys(key for item in value for key in item))
    rows = tuple(
        tuple(None if item.get(name) is None else _short(cell(item[name])) for name in names)
        for item in value[:_ROWS]
    )
    numeric = tuple(
        all(
            item.get(name) is None
            or (isinstance(item[name], int | float) and not isinstance(item[name], bool))
            for item in value
        )
        for name in names
    )
    note = f"The first {_ROWS} of {len(value)} rows are shown." if len(value) > _ROWS else ""
    return ShownTable(tuple(n.replace("_", " ") for n in names), rows, numeric, title, note)
