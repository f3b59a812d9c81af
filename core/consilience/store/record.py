"""One line of the journal: a record, the place after it, and whether it fits what was before."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from consilience.errors import JournalError
from consilience.model.canonical import canonical_json, sha256_hex
from consilience.store.files import parse_json

__all__ = [
    "NO_HASH",
    "RESTORE",
    "START",
    "Position",
    "Record",
    "Tail",
    "fault_of",
    "parse_line",
    "tail_of",
]

NO_HASH = "0" * 64
# The fixed end of a line: no field in it can hold a quote, so the match is the only one.
_END = re.compile(
    rb'(?P<cut>,"hash":"(?P<hash>[0-9a-f]{64})"),"part":\[(?P<k>\d{1,9}),(?P<n>\d{1,9})\]'
    rb',"prev":"(?P<prev>[0-9a-f]{64})","seq":(?P<seq>\d{1,15})'
    rb',"time":"(?P<time>[0-9TZ:.-]{1,40})","type":"(?P<type>[a-z_]{1,40})"\}\Z'
)
RESTORE = (
    "restore journal/journal.jsonl from a copy; `consilience verify` lists what else is affected"
)


@dataclass(frozen=True, slots=True)
class Record:
    """One record; `content` lists the stored objects it rests on (``raw:<sha256>``, …)."""

    seq: int
    type: str
    body: dict[str, Any]
    time: str
    hash: str
    prev: str
    content: tuple[str, ...] = ()
    part: tuple[int, int] = (1, 1)

    @property
    def commits(self) -> bool:
        """True for the last record of a batch."""
        return self.part[0] == self.part[1]

    @property
    def id(self) -> str | None:
        """ID of what is recorded; None if the type has none."""
        found = self.body.get("id")
        return found if isinstance(found, str) else None

    def line(self) -> bytes:
        """Return the line as it stands in the journal, without the line end."""
        return canonical_json({**self._hashed(), "hash": self.hash})

    def _hashed(self) -> dict[str, Any]:
        return {
            "seq": self.seq,
            "type": self.type,
            "body": self.body,
            "time": self.time,
            "prev": self.prev,
            "content": list(self.content),
            "part": list(self.part),
        }

    def sealed(self) -> Record:
        """Return the record with its hash."""
        return replace(self, hash=sha256_hex(canonical_json(self._hashed())))


@dataclass(frozen=True, slots=True)
class Position:
    """A place after a committed record: its `seq` and `hash`, and the byte after its line.

    One record stands on one line, so `seq` is also the number of the line.
    """

    seq: int = 0
    hash: str = NO_HASH
    offset: int = 0


START = Position()


@dataclass(frozen=True, slots=True)
class Tail:
    """Bytes after the last commit mark; `whole` if only the last line end is missing."""

    offset: int
    size: int
    whole: bool = False


def parse_line(line: bytes) -> Record | None:
    """Return the record of a line, or None if its bytes do not match its hash."""
    end = _END.search(line)
    if end is None:
        return None
    start, stop = end.span("cut")
    if sha256_hex(line[:start] + line[stop:]) != end["hash"].decode():
        return None
    try:
        value = parse_json(line)
        body, content = value["body"], value["content"]
    except (ValueError, KeyError):
        return None
    if not isinstance(body, dict) or not isinstance(content, list):
        return None
    return Record(
        int(end["seq"]), end["type"].decode(), body, end["time"].decode(), end["hash"].decode(),
        end["prev"].decode(), tuple(content), (int(end["k"]), int(end["n"])),
    )  # fmt: skip


def fault_of(record: Record | None, last: Position, before: Record | None) -> str | None:
    """Say what is wrong with a record that should follow `last`; None if nothing."""
    expected = last.seq + 1
    if record is None:
        return f"Record {expected} of the journal is damaged: its content does not match its hash."
    if record.seq != expected:
        return (
            f"Record {expected} of the journal is missing: record {record.seq} stands in its place "
            "(records were removed, inserted or moved)."
        )
    if record.prev != last.hash:
        return (
            f"Record {expected} of the journal does not follow record {last.seq}: it names another "
            "record as the one before (one of the two was replaced)."
        )
    if record.part != (
        (1, record.part[1]) if before is None else (before.part[0] + 1, before.part[1])
    ):
        return f"Record {expected} of the journal does not belong to the batch it stands in."
    return None


def tail_of(data: bytes, at: Position, path: Path) -> Tail | None:
    """Say what the bytes after the last commit mark are.

    Raises
    ------
    JournalError
        A whole record stands there and its line end is overwritten: that is
        damage to something that may have been acknowledged.
    """
    if not data:
        return None
    last_line = data[data.rfind(b"\n", 0, -1) + 1 :]
    record = parse_line(last_line)
    if record is not None and record.commits:
        return Tail(at.offset, len(data), whole=True)
    record = parse_line(last_line[:-1])
    if record is not None and last_line[-1:] != b"\n":
        raise JournalError(
            f"The end of the line of record {record.seq} of the journal is damaged.",
            fix=RESTORE,
            path=path,
            line=record.seq,
            offset=at.offset + len(data) - 1,
        )
    return Tail(at.offset, len(data))


def power_cut(data: bytes, at: Position) -> bool:
    """Say whether the bytes after the last commit mark are a write that a power cut tore.

    The file's new length can reach the disk before the bytes do; the gap then
    reads as zero bytes up to the end of a sector or of the file, and canonical JSON
    never holds a zero byte.  Only one batch can have been on its way: a whole
    record of another one behind the gap means that the gap is damage.
    """
    gaps = [gap.end() for gap in re.finditer(rb"\x00{8,}", data)]
    if not any(end == len(data) or (at.offset + end) % 512 == 0 for end in gaps):
        return False
    records = [parse_line(line) for line in data.split(b"\n")]
    return all(r.seq == at.seq + r.part[0] for r in records if r is not None)
