"""Where things lie in a study folder, and how a folder becomes a study.

::

    consilience.json            marker: format, id, name, written_by
    journal/journal.jsonl       the truth: what was registered, hash-chained
    journal/lock                held while a process appends; empty otherwise
    journal/torn/               half-written tails that a crash left, moved aside
    objects/raw/ab/<sha256>     registered files, named by their content
    objects/json/ab/<sha256>.json
    arrays/<manifest sha256>/   zarr v3 with manifest.json
    tmp/                        work in progress; what dead processes left is removed
    cache/                      may be deleted at any time
    index.sqlite, index.sum     may be deleted at any time; rebuilt from the journal
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from consilience.errors import NewerStudyError, NotFoundError, StudyExistsError, VerifyError
from consilience.store.durable import mapped_os_errors

__all__ = ["FORMAT", "MARKER", "Layout", "Marker", "claim_folder", "read_marker"]

FORMAT = 1
"""Format of the study folder that this version writes, and the newest it reads."""

MARKER = "consilience.json"


@dataclass(frozen=True)
class Layout:
    """Paths inside the study folder `root`."""

    root: Path

    @property
    def marker(self) -> Path:
        """The file that makes a folder a study."""
        return self.root / MARKER

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.root / "journal" / "journal.jsonl"

    @property
    def lock(self) -> Path:
        """The file that is locked while a process appends."""
        return self.root / "journal" / "lock"

    @property
    def torn(self) -> Path:
        """Folder of half-written tails."""
        return self.root / "journal" / "torn"

    @property
    def raw(self) -> Path:
        """Folder of registered files."""
        return self.root / "objects" / "raw"

    @property
    def json(self) -> Path:
        """Folder of canonical JSON objects."""
        return self.root / "objects" / "json"

    @property
    def arrays(self) -> Path:
        """Folder of arrays."""
        return self.root / "arrays"

    @property
    def tmp(self) -> Path:
        """Folder of work in progress, on the same file system as the objects."""
        return self.root / "tmp"

    @property
    def cache(self) -> Path:
        """Folder that may be deleted at any time."""
        return self.root / "cache"

    @property
    def index(self) -> Path:
        """The SQLite index."""
        return self.root / "index.sqlite"

    @property
    def index_sum(self) -> Path:
        """Checksum of the index as it was last closed."""
        return self.root / "index.sum"

    def raw_object(self, sha256: str) -> Path:
        """Return where the raw bytes with this hash lie."""
        return self.raw / sha256[:2] / sha256

    def json_object(self, sha256: str) -> Path:
        """Return where the JSON object with this hash lies."""
        return self.json / sha256[:2] / f"{sha256}.json"

    def array(self, sha256: str) -> Path:
        """Return where the array whose manifest has this hash lies."""
        return self.arrays / sha256

    def folders(self) -> tuple[Path, ...]:
        """Return all folders that a study has from the start, parents first."""
        return (
            self.root,
            self.journal.parent,
            self.torn,
            self.raw.parent,
            self.raw,
            self.json,
            self.arrays,
            self.tmp,
            self.cache,
        )


@dataclass(frozen=True)
class Marker:
    """Content of the marker file; the journal's first record repeats it."""

    id: str
    name: str
    written_by: str
    format: int = FORMAT

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "format": self.format,
            "id": self.id,
            "name": self.name,
            "written_by": self.written_by,
        }


def read_marker(layout: Layout) -> Marker:
    """Read the marker of a study.

    Raises
    ------
    NotFoundError
        There is no study in that folder.
    NewerStudyError
        The format is newer than this version knows.
    VerifyError
        The marker cannot be read any more.
    PermissionDeniedError
        The file system does not let it be read.
    """
    root, path = layout.root, layout.marker
    with mapped_os_errors("open the study", root):
        if not root.exists():
            raise NotFoundError(
                f"There is no folder {str(root)!r}.",
                fix="check the path, or make a study with `consilience init FOLDER`",
                path=root,
            )
        try:
            data = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise NotFoundError(
                f"{str(root)!r} is not a study: it has no {MARKER}.",
                fix="go to the study's folder, or make one with `consilience init FOLDER`",
                path=root,
            ) from None
    damaged = VerifyError(
        f"The study's marker {MARKER} is damaged: it is not the JSON that was written.",
        fix="restore it from a copy; the first record of journal/journal.jsonl holds what it said",
        path=path,
    )
    try:
        value = json.loads(data.decode("utf-8", "surrogatepass"))
    except ValueError:
        raise damaged from None
    if not isinstance(value, dict) or type(value.get("format")) is not int:
        raise damaged
    if value["format"] > FORMAT:
        raise NewerStudyError(
            f"The study was written by Consilience {value.get('written_by', '(unknown version)')} "
            f"in format {value['format']}; this version reads formats up to {FORMAT}.",
            fix=f"install Consilience {value.get('written_by', '')} or newer".replace("  ", " "),
            path=path,
        )
    ident, name, written_by = (value.get(key) for key in ("id", "name", "written_by"))
    if not (isinstance(ident, str) and isinstance(name, str) and isinstance(written_by, str)):
        raise damaged
    if value["format"] < 1:
        raise damaged
    return Marker(ident, name, written_by, value["format"])


def claim_folder(path: str | PathLike[str]) -> Layout:
    """Make the folders of a new study; the caller writes journal and marker.

    A folder that holds other things may become a study, like a folder of data
    that is there already.

    Raises
    ------
    StudyExistsError
        A study is there, or something that a study would write over.
    PermissionDeniedError, DiskFullError
    """
    layout = Layout(Path(path).absolute())
    with mapped_os_errors("make the study", layout.root):
        if layout.root.exists() and not layout.root.is_dir():
            raise StudyExistsError(
                f"{str(layout.root)!r} is a file, and a study is a folder.",
                fix="choose another name for the study",
                path=layout.root,
            )
        if layout.marker.exists():
            raise StudyExistsError(
                f"There is a study in {str(layout.root)!r} already.",
                fix="use it as it is, or choose another folder",
                path=layout.root,
            )
        _refuse_foreign(layout)
        for folder in layout.folders():
            folder.mkdir(parents=True, exist_ok=True)
    return layout


def _refuse_foreign(layout: Layout) -> None:
    """Refuse names that a study would use and something else does.

    What an interrupted creation left (empty folders, a journal with one record at
    most) is no obstacle.
    """
    candidates = [
        layout.journal.parent,
        layout.raw.parent,
        layout.arrays,
        layout.tmp,
        layout.cache,
        layout.index,
    ]
    for candidate in candidates:
        if not candidate.exists():
            continue
        if candidate.is_dir():
            inside = [p for p in candidate.rglob("*") if not p.is_dir()]
            if candidate == layout.tmp:
                inside = [
                    p for p in inside if not p.relative_to(candidate).parts[0].startswith("t-")
                ]
            elif candidate == layout.journal.parent:
                inside = [p for p in inside if p not in (layout.journal, layout.lock)]
                if layout.journal.is_file() and layout.journal.read_bytes().count(b"\n") > 1:
                    inside.append(layout.journal)
            if not inside:
                continue
        raise StudyExistsError(
            f"{str(layout.root)!r} holds {candidate.name!r}, which a study would write over, "
            f"and no {MARKER}.",
            fix=f"choose another folder; if this was a study, restore its {MARKER} from a copy",
            path=candidate,
        )
