"""What a bundle holds, file by file with hashes, and whether it still does.

::

    README.txt                what this is, for a reader without Consilience
    manifest.json             every other file with size and SHA-256; written last
    environment.json          interpreter, platform, packages and plugins with their versions
    requirements.txt          the same packages, for pip
    analyses.json             every analysis run that counts, with its parameters
    findings.json, verdicts.json, samples.json, …   canonical statements
    findings.csv, verdicts.csv, raw-files.csv, tables.xlsx, table.md, table.tex
    report.html, figures/
    measurements/, results/   data in formats of the field
    study/                    the study: journal, registered files by hash, arrays
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from consilience._version import __version__
from consilience.errors import BadFileError, NewerStudyError, NotFoundError
from consilience.model.canonical import canonical_json
from consilience.progress import Progress, no_progress
from consilience.store.files import hash_file
from consilience.store.layout import Layout

__all__ = ["MANIFEST", "STUDY", "Altered", "BundleLayout", "Manifest", "altered_files", "seal"]

FORMAT = 1
MANIFEST = "manifest.json"
STUDY = "study"
_DERIVED = ("index.sqlite", "index.sum", "cache", "tmp", "journal/lock", "journal/torn")
"""What looking at the study inside a bundle may leave there."""


@dataclass(frozen=True)
class BundleLayout(Layout):
    """A study inside a bundle: read there, with everything that is written put in `scratch`."""

    scratch: Path

    @property
    def lock(self) -> Path:
        """Where a lock is held."""
        return self.scratch / "lock"

    @property
    def tmp(self) -> Path:
        """Folder of work in progress."""
        return self.scratch / "tmp"

    @property
    def cache(self) -> Path:
        """Folder that may be deleted at any time."""
        return self.scratch / "cache"

    @property
    def index(self) -> Path:
        """The SQLite index."""
        return self.scratch / "index.sqlite"

    @property
    def index_sum(self) -> Path:
        """Checksum of the index."""
        return self.scratch / "index.sum"


@dataclass(frozen=True)
class Altered:
    """A file that is not what the manifest lists: *changed*, *lost* or *extra*."""

    how: str
    path: str

    @property
    def of_study(self) -> bool:
        """True if the study itself is concerned, and not what was written from it."""
        return self.path.startswith(f"{STUDY}/")


@dataclass(frozen=True)
class Manifest:
    """The content of ``manifest.json``."""

    written_by: str
    study: Mapping[str, Any] | None
    head: Mapping[str, Any]
    files: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path) -> Manifest:
        """Read the manifest of a bundle.

        Raises
        ------
        NotFoundError
            There is none: no bundle, or an export that was interrupted.
        BadFileError
            It is damaged.
        NewerStudyError
            A newer version wrote it.
        """
        path = root / MANIFEST
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise NotFoundError(
                f"{str(root)!r} is no bundle: it has no {MANIFEST}",
                fix="name a folder that 'consilience export' wrote; one that was interrupted has "
                "no manifest and is exported again",
                path=root,
            ) from None
        except ValueError as error:
            raise _damaged(path, str(error)) from error
        try:
            if said["format"] > FORMAT:
                raise NewerStudyError(
                    f"the bundle was written by Consilience {said['written_by']} in format "
                    f"{said['format']}; this version reads formats up to {FORMAT}",
                    fix=f"install Consilience {said['written_by']} or newer",
                    path=path,
                )
            files = {f["path"]: (int(f["size"]), str(f["sha256"])) for f in said["files"]}
            return cls(str(said["written_by"]), said["study"], dict(said["head"]), files)
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(path, f"{type(error).__name__} {error}") from error


def seal(root: Path, study: Mapping[str, Any] | None, head: tuple[int, str]) -> Path:
    """Write the manifest over everything that stands in a bundle.

    Parameters
    ----------
    root : Path
    study : mapping or None
        Marker of the study inside; None: the bundle holds none.
    head : tuple
        Number and hash of the journal's last record.
    """
    files = []
    for name in _names(root):
        size, sha256 = hash_file(root / name)
        files.append({"path": name, "size": size, "sha256": sha256})
    content = {
        "format": FORMAT,
        "written_by": __version__,
        "study": None if study is None else dict(study),
        "head": {"seq": head[0], "hash": head[1]},
        "files": files,
    }
    path = root / MANIFEST
    path.write_bytes(canonical_json(content) + b"\n")
    return path


def altered_files(
    root: Path, manifest: Manifest, progress: Progress = no_progress
) -> list[Altered]:
    """Compare every file of a bundle with its manifest, sorted by path.

    Objects of the study are held against their names too, which are their hashes: a manifest
    that was written anew over an altered file does not hide it.
    """
    found = []
    there = set(_names(root))
    total = len(manifest.files)
    for done, (name, (size, sha256)) in enumerate(sorted(manifest.files.items())):
        progress(done, total, f"checking {name}")
        path = root / name
        if name not in there:
            found.append(Altered("lost", name))
            continue
        held = (path.stat().st_size, None) if path.stat().st_size != size else hash_file(path)
        stem = path.name.removesuffix(".json")
        named = f"{STUDY}/objects/" not in name or stem == held[1]
        if held != (size, sha256) or not named:
            found.append(Altered("changed", name))
    known = set(manifest.files)
    extra = [n for n in there - known if not n.startswith(tuple(f"{STUDY}/{d}" for d in _DERIVED))]
    found += [Altered("extra", name) for name in extra]
    return sorted(found, key=lambda a: a.path)


def _names(root: Path) -> Iterator[str]:
    """Yield every file under a folder but the manifest, sorted, with forward slashes."""
    names = []
    for base, _, files in os.walk(root):
        names += [(Path(base) / file).relative_to(root).as_posix() for file in files]
    yield from sorted(name for name in names if name != MANIFEST)


def _damaged(path: Path, why: str) -> BadFileError:
    return BadFileError(
        f"the bundle's {MANIFEST} cannot be read: {why}",
        fix="get the bundle again from where it was published",
        path=path,
    )
