"""The façade of the store: what a study needs of it, and in which order.

Objects are written first, then the journal; only what is in the journal has
happened.  A crash in between leaves objects that no record rests on, which do no harm.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from consilience._version import __version__
from consilience.errors import BadInputError, NotFoundError, StudyExistsError
from consilience.model.canonical import canonical_json
from consilience.store.arrays import Arrays
from consilience.store.content import link_ref, rests_on
from consilience.store.durable import fsync_folder, mapped_os_errors, write_durably
from consilience.store.files import Files, StoredFile
from consilience.store.index import Index
from consilience.store.journal import Journal
from consilience.store.layout import Layout, Marker, claim_folder, read_marker
from consilience.store.lock import StudyLock
from consilience.store.record import Record
from consilience.store.temporary import clean_stale, staging_folder, temporary_path
from consilience.store.verify import Progress, verify
from consilience.store.verify_report import VerifyReport

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["RECORD_TYPES", "Store"]

RECORD_TYPES = (
    "study",
    "sample",
    "step",
    "series",
    "measurement",
    "run",
    "finding",
    "reference",
    "note",
)
"""Types of records; all but notes carry an ``id`` in their body."""

_log = logging.getLogger(__name__)


class Store:
    """A study's files, arrays, journal and index.

    Use `Store.create` or `Store.open`, then as a context manager or with `close`.

    Attributes
    ----------
    layout : Layout
        Where things lie.
    marker : Marker
        ID and name of the study, and the version that made it.
    journal : Journal
    arrays : Arrays
    files : Files
    """

    def __init__(self, layout: Layout, marker: Marker, lock_timeout: float = 60.0) -> None:
        self.layout = layout
        self.marker = marker
        self.journal = Journal(layout, StudyLock(layout.lock, lock_timeout))
        self.files = Files(layout)
        self.arrays = Arrays(layout)
        self._index = Index(layout, self.journal)
        self._links: dict[str, set[str]] = {}

    # -- making, opening, closing --------------------------------------------------

    @classmethod
    def create(cls, path: str | PathLike[str], name: str) -> Store:
        """Make a study in a folder that is new, empty, or holds no study yet.

        Raises
        ------
        StudyExistsError, PermissionDeniedError, DiskFullError
        """
        layout = claim_folder(path)
        marker = Marker(f"study-{secrets.token_hex(8)}", name, __version__)
        store = cls(layout, marker)
        with store.journal.lock.hold():
            if layout.marker.exists():  # another process was quicker
                raise StudyExistsError(
                    f"There is a study in {str(layout.root)!r} already.",
                    fix="use it as it is, or choose another folder",
                    path=layout.root,
                )
            store.journal.create()
            store.append([("study", marker.to_dict())])
            with mapped_os_errors("make the study", layout.root):
                for folder in reversed(layout.folders()):
                    fsync_folder(folder)
                fsync_folder(layout.root.parent)
                # Last: with the marker the folder becomes a study, and not before.
                text = canonical_json(marker.to_dict()) + b"\n"
                write_durably(layout.marker, text, temporary_path(layout.tmp))
        return store

    @classmethod
    def open(cls, path: str | PathLike[str], lock_timeout: float = 60.0) -> Store:
        """Open a study; neither journal nor arrays are read before they are needed.

        Parameters
        ----------
        path : path-like
            The study's folder.
        lock_timeout : float
            Seconds to wait for another process that is writing.

        Raises
        ------
        NotFoundError, NewerStudyError, VerifyError, PermissionDeniedError
        """
        layout = Layout(Path(path).absolute())
        store = cls(layout, read_marker(layout), lock_timeout)
        removed = clean_stale(layout.tmp)
        if removed:
            _log.info("removed %d leftovers of processes that died from tmp", len(removed))
        return store

    def close(self) -> None:
        """Close the index.  The store may be used again; it opens what it needs."""
        self._index.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The study's folder."""
        return self.layout.root

    @property
    def index(self) -> Index:
        """Lookups; always up to date with the journal when asked something."""
        return self._index

    @property
    def head(self) -> tuple[int, str]:
        """Number and hash of the journal's last record, to print in reports."""
        self._index.refresh()
        return self.journal.head

    # -- objects -------------------------------------------------------------------

    def put_file(
        self,
        path: str | PathLike[str],
        link: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> StoredFile:
        """Take a file in, or with `link` hash it where it is; see `Files.put_file`."""
        file = self.files.put_file(path, link, progress)
        if file.linked_path is not None:
            self._links.setdefault(file.sha256, set()).add(link_ref(file))
        return file

    def put_bytes(self, data: bytes, name: str) -> StoredFile:
        """Store bytes as if they were a file called `name`."""
        return self.files.put_bytes(data, name)

    def put_json(self, value: Any) -> str:
        """Store a JSON value; return its SHA-256."""
        return self.files.put_json(value)

    def get_json(self, sha256: str) -> Any:
        """Return a stored JSON value, checked."""
        return self.files.get_json(sha256)

    def get_bytes(self, file: StoredFile) -> bytes:
        """Return the bytes of a registered file, checked."""
        return self.files.get_bytes(file)

    def open_path(self, file: StoredFile, check: bool = False) -> Path:
        """Return where a registered file can be read; see `Files.open_path`."""
        return self.files.open_path(file, check)

    def materialise(self, files: Mapping[str, StoredFile], folder: str | PathLike[str]) -> Path:
        """Lay files side by side under their names; see `Files.materialise`."""
        return self.files.materialise(files, folder)

    def find_file(self, sha256: str, name: str = "") -> StoredFile:
        """Return the registered file with this content: the copy, else a link.

        Raises
        ------
        NotFoundError
            No file with this content was registered, or the copy is lost.
        """
        copy = self.layout.raw_object(sha256)
        if copy.is_file():
            return StoredFile(name or sha256, copy.stat().st_size, sha256)
        links = [
            StoredFile(name or Path(path).name, size, sha256, path)
            for size, path in self.index.links(sha256)
        ]
        for link in links:
            if Path(link.linked_path or "").is_file():
                return link
        if links:
            return links[0]  # opening it says that it is gone, and where it was
        raise NotFoundError(
            f"The study has no file with the SHA-256 {sha256}.",
            fix="add the file, or run `consilience verify` if it was there before",
            path=copy,
        )

    def put_dataset(self, dataset: xr.Dataset, staging: Path | None = None) -> str:
        """Store a data set as an array; see `Arrays.put_dataset`."""
        return self.arrays.put_dataset(dataset, staging)

    def adopt(self, folder: Path) -> str:
        """Take over an array that a worker wrote in `staging`; see `Arrays.adopt`."""
        return self.arrays.adopt(folder)

    def open_dataset(self, sha256: str, lazy: bool = True) -> xr.Dataset:
        """Open an array; see `Arrays.open_dataset`."""
        return self.arrays.open_dataset(sha256, lazy)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Give an empty folder on the study's file system, removed afterwards."""
        with staging_folder(self.layout.tmp) as folder:
            yield folder

    # -- records -------------------------------------------------------------------

    def append(self, records: Sequence[tuple[str, dict[str, Any]]]) -> list[Record]:
        """Append records to the journal: all or none, durable on return.

        Parameters
        ----------
        records : sequence of (str, dict)
            Type and body.  Whatever stored object a body names by its SHA-256 must be
            stored before.

        Raises
        ------
        BadInputError
            A type is unknown, an ``id`` is missing, or a value has no JSON form.
        DiskFullError, PermissionDeniedError, StudyBusyError, JournalError
        """
        prepared = [self._prepared(type_, body) for type_, body in records]
        with self.journal.lock.hold():
            self._catch_up()
            return self.journal.append(prepared)

    def append_unless(
        self,
        known: Callable[[Index], bool],
        records: Sequence[tuple[str, dict[str, Any]]],
    ) -> list[Record]:
        """Append unless `known` says that it is there: check and append under one lock.

        Two processes that register the same thing at once give one record.

        Parameters
        ----------
        known : callable
            Asked with the index, which is up to date and stays so until the append.
        records : sequence of (str, dict)

        Returns
        -------
        list of Record
            Empty if it was known.
        """
        prepared = [self._prepared(type_, body) for type_, body in records]
        with self.journal.lock.hold():
            if known(self.index):
                return []
            self._catch_up()
            return self.journal.append(prepared)

    def _catch_up(self) -> None:
        # The index knows where it left off; otherwise the first append of a
        # process would read the whole journal.
        if self.journal.fresh and self.layout.index.exists():
            self._index.refresh()

    def _prepared(
        self, type_: str, body: dict[str, Any]
    ) -> tuple[str, dict[str, Any], tuple[str, ...]]:
        if type_ not in RECORD_TYPES:
            raise BadInputError(
                f"{type_!r} is no type of record.", fix=f"use one of {', '.join(RECORD_TYPES)}"
            )
        if type_ != "note" and not (isinstance(body.get("id"), str) and body["id"]):
            raise BadInputError(
                f"A record of type {type_!r} has no ID.", fix="give its body an 'id' of text"
            )
        try:
            canonical_json(body)
        except (TypeError, ValueError) as error:
            raise BadInputError(
                f"The record of {type_} {body.get('id')!r} has no JSON form: {error}.",
                fix="use text, finite numbers, lists and None for what is unknown",
            ) from error
        return type_, body, rests_on(body, self.layout, self.files, self._links)

    # -- checking ------------------------------------------------------------------

    def journal_intact(self) -> None:
        """Follow the whole chain of the journal; cheap beside a report.

        Raises
        ------
        JournalError
            A record is missing, altered or out of order; nothing that rests on it is to be
            believed before `verify` has said what.
        """
        for _ in self.journal.read():
            pass

    def verify(self, head: str | None = None, progress: Progress | None = None) -> VerifyReport:
        """Check everything; see `consilience.store.verify`."""
        return verify(self, head, progress)
