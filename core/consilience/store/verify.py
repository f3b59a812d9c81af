"""Checking that a study still holds what was registered."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from consilience.errors import JournalError
from consilience.model.canonical import canonical_json
from consilience.store.arrays import MANIFEST
from consilience.store.durable import mapped_os_errors
from consilience.store.files import hash_file
from consilience.store.record import START, Position, Record
from consilience.store.temporary import is_stale
from consilience.store.verify_index import AHEAD, judge_index
from consilience.store.verify_report import Kind, Problem, Severity, VerifyReport

if TYPE_CHECKING:
    from consilience.store.store import Store

__all__ = ["REPORT_NAME", "verify"]

REPORT_NAME = "report.html"
"""Where the report goes by default; it is derived, and not checked."""

Progress = Callable[[int, int], None]
_COPY = "restore it from a copy of the study"
_SHORTEST = 8
"""Digits of a head that are enough to name one record."""


def verify(store: Store, head: str | None = None, progress: Progress | None = None) -> VerifyReport:
    """Check every record, object, array, manifest and link of a study.

    Parameters
    ----------
    store : Store
        Nothing in it is changed.
    head : str, optional
        Journal head printed in a report or bundle, at least its first 8 digits.
        Only with it can a journal be found out that was cut at its end, or rewritten
        with new hashes.
    progress : callable, optional
        ``progress(done, total)`` in bytes.

    Returns
    -------
    VerifyReport
    """
    return _Verifier(store, progress).run(head)


class _Verifier:
    def __init__(self, store: Store, progress: Progress | None) -> None:
        self.store = store
        self.layout = store.layout
        self.report = VerifyReport()
        self.progress = progress
        self.total = 0
        # Stored object -> ID or number of the first record that rests on it.
        self.needed: dict[str, str] = {}
        # The journal cannot be read to its end; how many stored objects that leaves unjudged.
        self.cut_short, self.unjudged = False, 0

    def run(self, head: str | None) -> VerifyReport:
        start = time.perf_counter()
        self._journal(head)
        self.total = sum(size for _, size in self._files()) if self.progress else 0
        self._objects()
        self._arrays()
        self._unjudged()
        self._links()
        self._index()
        self._surroundings()
        self.report.seconds = time.perf_counter() - start
        return self.report

    def _add(self, kind: Kind, what: str, where: Path, fix: str, severity: Severity) -> None:
        try:
            place = str(where.relative_to(self.layout.root))
        except ValueError:
            place = str(where)
        self.report.problems.append(Problem(kind, what, place, fix, severity))

    def _read(self, count: int) -> None:
        self.report.bytes += count
        if self.progress is not None:
            self.progress(min(self.report.bytes, self.total), self.total)

    def _whom(self, ref: str) -> str:
        return f" ({self.needed[ref]} rests on it)" if ref in self.needed else ""

    # -- journal -------------------------------------------------------------------

    def _journal(self, head: str | None) -> None:
        report, path = self.report, self.layout.journal
        at, met = START, head is None
        try:
            for record, position in self.store.journal.positions():
                at = position
                self._record(record)
                met = met or (head is not None and record.hash.startswith(head.lower()))
        except JournalError as error:
            where = f" (line {error.line}, byte {error.offset})" if error.line else ""
            self._add("journal", error.what + where, path, error.fix, "error")
            self.cut_short = True
        report.head = (at.seq, at.hash)
        report.bytes += at.offset
        if head is not None and len(head) < _SHORTEST:
            self._add(
                "truncated",
                f"The head {head!r} has {len(head)} digits: too few to tell one record from "
                "another, so nothing was checked against it.",
                path,
                f"give the whole hash from the report, or its first {_SHORTEST} digits or more",
                "error",
            )
        elif not met:
            self._add(
                "truncated",
                f"The journal does not hold the record {head}: its end was cut off, or it was "
                "rewritten, since that head was printed.",
                path,
                "restore the journal from a copy made after that head was printed",
                "error",
            )
        self._tail(at)
        self._marker()

    def _record(self, record: Record) -> None:
        self.report.records += 1
        who = f"{record.type} {record.id}" if record.id else f"record {record.seq}"
        for ref in record.content:
            self.needed.setdefault(ref, who)
        if record.seq == 1:
            self._study = record

    def _tail(self, at: Position) -> None:
        path = self.layout.journal
        if path.exists() and path.stat().st_size > at.offset and self.report.ok:
            self._add(
                "torn",
                f"{path.stat().st_size - at.offset} bytes at the end of the journal were written "
                "by a crash and never acknowledged.",
                path,
                "nothing to do: the next registration moves them to journal/torn",
                "note",
            )
        for torn in sorted(self.layout.torn.glob("*")):
            if not torn.is_file() or hash_file(torn, self._read)[1] != torn.name.partition("-")[2]:
                self._add(
                    "changed", "A torn record that was moved aside has changed.", torn,
                    f"{_COPY}, or delete it: it was never acknowledged", "warning",
                )  # fmt: skip

    _study: Record | None = None

    def _marker(self) -> None:
        record = self._study
        if record is None or record.type != "study":
            if self.report.ok:
                self._add(
                    "journal", "The journal does not begin with the record of the study.",
                    self.layout.journal, _COPY, "error",
                )  # fmt: skip
            return
        with mapped_os_errors("read the marker", self.layout.marker):
            data = self.layout.marker.read_bytes()
        if data != canonical_json(record.body) + b"\n":
            self._add(
                "changed",
                "The study's marker does not say what the first record of the journal says.",
                self.layout.marker,
                f"{_COPY}, or write the body of the journal's first record into it",
                "error",
            )

    # -- objects, arrays, links ----------------------------------------------------

    def _files(self) -> Iterator[tuple[Path, int]]:
        for top in (self.layout.raw, self.layout.json, self.layout.arrays):
            for base, _, names in os.walk(top):
                for name in names:
                    path = Path(base, name)
                    if path.is_file():
                        yield path, path.stat().st_size

    def _objects(self) -> None:
        found = set()
        for kind, top, suffix in (
            ("raw", self.layout.raw, ""),
            ("json", self.layout.json, ".json"),
        ):
            for base, folders, names in os.walk(top):
                folders.sort()
                for name in sorted(names):
                    path = Path(base, name)
                    sha256 = name.removesuffix(suffix)
                    if path != top / sha256[:2] / f"{sha256}{suffix}" or not _is_hash(sha256):
                        self._extra(path)
                        continue
                    ref = f"{kind}:{sha256}"
                    found.add(ref)
                    self.report.objects += 1
                    self._object(path, ref, sha256)
        for ref in sorted(self.needed):
            kind, _, sha256 = ref.partition(":")
            if kind in ("raw", "json") and ref not in found:
                where = (
                    self.layout.raw_object(sha256)
                    if kind == "raw"
                    else self.layout.json_object(sha256)
                )
                what = f"A stored object is lost{self._whom(ref)}."
                fix = f"{_COPY}; adding the same file again mends it too"
                self._add("lost", what, where, fix, "error")

    def _object(self, path: Path, ref: str, sha256: str) -> None:
        if path.is_symlink() or not path.is_file():
            self._extra(path)
        elif hash_file(path, self._read)[1] != sha256:
            what = f"A stored object has changed: it does not match its hash{self._whom(ref)}."
            fix = f"{_COPY}; adding the same file again mends it too"
            self._add("changed", what, path, fix, "error")
        elif ref not in self.needed:
            self._orphan(path)

    def _extra(self, path: Path) -> None:
        what = "There is a file that Consilience did not write."
        self._add("extra", what, path, "move it out of the study", "warning")

    def _orphan(self, path: Path) -> None:
        if not self.report.ok and self.report.head[0] == 0:
            return  # without a journal nothing can be said about what is needed
        if self.cut_short:
            self.unjudged += 1
            return
        what = "No record rests on this: a registration was interrupted, or is under way."
        self._add("extra", what, path, "nothing to do; it does no harm", "note")

    def _unjudged(self) -> None:
        if self.unjudged:
            self._add(
                "extra",
                f"{self.unjudged} stored object(s) are unharmed, but the records that rest on "
                "them lie behind the damage of the journal.",
                self.layout.journal,
                "delete none of them; restore the journal first",
                "note",
            )

    def _arrays(self) -> None:
        found = set()
        words = {"lost": "is lost", "changed": "has changed", "extra": "was added"}
        for path in sorted(self.layout.arrays.glob("*")):
            if not _is_hash(path.name) or path.is_symlink() or not path.is_dir():
                self._extra(path)
                continue
            ref = f"array:{path.name}"
            found.add(ref)
            self.report.arrays += 1
            manifest = path / MANIFEST
            if manifest.is_file():
                self._read(manifest.stat().st_size)
            problems = self.store.arrays.verify_array(path.name, self._read)
            for kind, where in problems:
                what = f"A file of a stored array {words[kind]}{self._whom(ref)}."
                fix = (
                    f"{_COPY}, or analyse again" if kind != "extra" else "move it out of the study"
                )
                self._add(_KINDS[kind], what, where, fix, "error")
            if not problems and ref not in self.needed:
                self._orphan(path)
        for ref in sorted(self.needed):
            kind, _, sha256 = ref.partition(":")
            if kind == "array" and ref not in found:
                what = f"A stored array is lost{self._whom(ref)}."
                fix = f"{_COPY}, or analyse again"
                self._add("lost", what, self.layout.array(sha256), fix, "error")

    def _links(self) -> None:
        for ref in sorted(self.needed):
            if not ref.startswith("link:"):
                continue
            _, sha256, size, name = ref.split(":", 3)
            path, copy = Path(name), self.layout.raw_object(sha256)
            if not path.exists() and copy.is_file():
                path = copy  # a copy of the study took it in
            self.report.links += 1
            fix = "put the file back as it was, or connect the disk it is on"
            try:
                if path.stat().st_size == int(size) and hash_file(path, self._read)[1] == sha256:
                    continue
            except FileNotFoundError:
                self._add("lost", f"A linked file is gone{self._whom(ref)}.", path, fix, "error")
            except OSError as error:
                what = f"A linked file cannot be read: {error.strerror}{self._whom(ref)}."
                self._add("lost", what, path, fix, "error")
            else:
                what = f"A linked file has changed{self._whom(ref)}."
                self._add("changed", what, path, fix, "error")

    # -- index and the rest --------------------------------------------------------

    def _index(self) -> None:
        path = self.layout.index
        fix = "delete index.sqlite and index.sum; they are built anew from the journal"
        fault, lost = judge_index(self.store)
        if lost and self.report.head[0]:
            self._add(
                "truncated",
                f"An earlier index knew record {lost.get('lost_seq')} with hash "
                f"{lost.get('lost_hash')}, which the journal does not hold: its end was cut off, "
                "or it was rewritten.",
                self.layout.journal,
                "restore the journal from a copy; if this was meant, delete index.sqlite",
                "error",
            )
        if fault == AHEAD and not self.cut_short:
            fault += ": the end of the journal may have been cut off"
            fix = f"compare with a report's head (verify --head HASH) first; then {fix}"
        if fault is not None:
            self._add(
                "stale-index", f"The index is not to be trusted: {fault}.", path, fix, "warning"
            )

    def _surroundings(self) -> None:
        layout = self.layout
        own = {p.relative_to(layout.root).parts[0] for p in layout.folders()[1:]}
        own |= {layout.marker.name, layout.index.name, layout.index_sum.name}
        own |= {layout.index.name + "-journal", REPORT_NAME}
        for path in sorted(layout.root.iterdir()):
            if path.name not in own:
                what = "Something that is not part of the study lies in its folder."
                self._add("extra", what, path, "nothing to do", "note")
        known = {layout.journal, layout.lock, layout.torn}
        for path in sorted(set(layout.journal.parent.iterdir()) - known):
            self._extra(path)
        for path in sorted((layout.root / "objects").iterdir()):
            if path not in (layout.raw, layout.json):
                self._extra(path)
        for folder in layout.folders():
            if not folder.is_dir() and folder not in (layout.tmp, layout.cache, layout.torn):
                self._add("lost", "A folder of the study is lost.", folder, _COPY, "error")
        if layout.tmp.is_dir():
            for path in sorted(layout.tmp.iterdir()):
                if is_stale(path.name):
                    what = "A process that died left this behind."
                    fix = "nothing to do: it is removed when the study is next opened"
                    self._add("extra", what, path, fix, "note")


_KINDS: dict[str, Kind] = {"lost": "lost", "changed": "changed", "extra": "extra"}


def _is_hash(name: str) -> bool:
    return len(name) == 64 and not set(name) - set("0123456789abcdef")
