"""A copy of a study that rests on nothing outside it: journal, objects, arrays, linked files."""

from __future__ import annotations

import shutil
from pathlib import Path

from consilience.errors import ConsilienceError, NotFoundError, VerifyError
from consilience.progress import Progress, no_progress
from consilience.store.durable import mapped_os_errors
from consilience.store.files import hash_file
from consilience.store.layout import Layout
from consilience.store.store import Store

__all__ = ["copy_study"]


def copy_study(store: Store, folder: Path, progress: Progress = no_progress) -> int:
    """Copy what the journal rests on into a folder, each object checked against its hash.

    A file that was left where it is (``link``) is copied in like the others.  Index, cache and
    what no record names stay behind.

    Parameters
    ----------
    store : Store
    folder : Path
        New.
    progress : callable, optional

    Returns
    -------
    int
        Number of objects and arrays.

    Raises
    ------
    NotFoundError, VerifyError
        Something registered is lost or changed: no bundle is made of a study that is not whole.
    DiskFullError, PermissionDeniedError
    """
    target = Layout(folder)
    with mapped_os_errors("write the bundle", folder):
        for made in (folder, target.journal.parent, target.raw, target.json, target.arrays):
            made.mkdir(parents=True, exist_ok=True)
    needed: dict[str, None] = {}
    end = 0
    for record, position in store.journal.positions():
        needed.update(dict.fromkeys(record.content))
        end = position.offset
    for done, ref in enumerate(needed):
        kind, _, rest = ref.partition(":")
        progress(done, len(needed), f"copying {kind} {rest[:12]}")
        if kind == "array":
            _array(store, rest, target.array(rest))
        elif kind == "json":
            _file(store.layout.json_object(rest), target.json_object(rest), rest)
        else:
            sha256 = rest.partition(":")[0]
            _file(_raw(store, sha256), target.raw_object(sha256), sha256)
    with mapped_os_errors("write the bundle", folder):
        with store.layout.journal.open("rb") as source:
            target.journal.write_bytes(source.read(end))
        shutil.copyfile(store.layout.marker, target.marker)
    return len(needed)


def _raw(store: Store, sha256: str) -> Path:
    file = store.find_file(sha256)
    return store.open_path(file)


def _file(source: Path, target: Path, sha256: str) -> None:
    if target.exists():
        return
    with mapped_os_errors("write the bundle", target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(source, target)
        except FileNotFoundError:
            raise NotFoundError(
                f"the study has lost an object that it rests on: {sha256}", fix=_MEND, path=source
            ) from None
        found = hash_file(target)[1]
    if found != sha256:
        raise VerifyError(
            f"{source.name!r} is not what was registered: its SHA-256 is {found}, not {sha256}",
            fix=_MEND,
            path=source,
        )


def _array(store: Store, sha256: str, target: Path) -> None:
    if target.exists():
        return
    problems: list[tuple[str, Path]] = store.arrays.verify_array(sha256)
    if problems:
        what, path = problems[0]
        error: type[ConsilienceError] = NotFoundError if what == "lost" else VerifyError
        raise error(f"array {sha256} of the study is not whole: {what}", fix=_MEND, path=path)
    with mapped_os_errors("write the bundle", target):
        shutil.copytree(store.layout.array(sha256), target, copy_function=shutil.copyfile)


_MEND = "run 'consilience verify', and mend what it lists before exporting"
