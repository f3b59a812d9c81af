"""Content-addressed files: a registered file is named by the SHA-256 of its bytes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path, PurePosixPath
from typing import Any

from consilience.errors import (
    BadFileError,
    BadInputError,
    NotFoundError,
    VerifyError,
)
from consilience.model.canonical import canonical_json, sha256_hex
from consilience.store.durable import (
    commit_file,
    fsync_folder,
    mapped_os_errors,
    write_all,
    write_durably,
)
from consilience.store.layout import Layout
from consilience.store.temporary import temporary_path

__all__ = ["READ_ONLY", "Files", "StoredFile", "hash_file", "parse_json"]

READ_ONLY = 0o444
_BLOCK = 1 << 20


@dataclass(frozen=True)
class StoredFile:
    """A registered file.

    Parameters
    ----------
    name : str
        Name that the file had, without folder.
    size : int
        In bytes.
    sha256 : str
        64 hexadecimal digits.
    linked_path : str or None
        Absolute path if the file was left where it is; None if the study holds a
        copy.
    """

    name: str
    size: int
    sha256: str
    linked_path: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, which the store recognises inside a record's body."""
        return {
            "name": self.name,
            "size": self.size,
            "sha256": self.sha256,
            "linked_path": self.linked_path,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StoredFile:
        """Rebuild what `to_dict` wrote."""
        return cls(data["name"], data["size"], data["sha256"], data.get("linked_path"))


def hash_file(path: Path, progress: Callable[[int], None] | None = None) -> tuple[int, str]:
    """Return size and SHA-256 of a file; `progress` is told of each block's bytes."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb", buffering=0) as source:
        for block in _blocks(source.fileno()):
            digest.update(block)
            size += len(block)
            if progress is not None:
                progress(len(block))
    return size, digest.hexdigest()


def _blocks(fd: int) -> Iterator[memoryview]:
    # One buffer for all blocks: fresh memory would cost more than the reading.
    view = memoryview(bytearray(_BLOCK))
    while count := os.readv(fd, [view]):
        yield view[:count]


def parse_json(data: bytes) -> Any:
    """Parse what `canonical_json` wrote, lone surrogates of file names included."""
    return json.loads(data.decode("utf-8", "surrogatepass"))


class Files:
    """The raw and JSON objects of a study."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def put_file(
        self,
        path: str | PathLike[str],
        link: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> StoredFile:
        """Take a file into the study: hashed while it is copied, in one pass.

        Parameters
        ----------
        path : path-like
            A regular file.
        link : bool
            Leave the file where it is: only its absolute path, size and hash are
            kept.
        progress : callable, optional
            Told the number of bytes of each block.

        Returns
        -------
        StoredFile

        Raises
        ------
        BadInputError
            There is no such file, or it is no regular file.
        BadFileError
            The file changed while it was read.
        DiskFullError, PermissionDeniedError
        """
        source = Path(os.path.abspath(path))  # noqa: PTH100 - keeps links as the user wrote them
        with mapped_os_errors("read the file", source):
            try:
                fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            except FileNotFoundError:
                raise BadInputError(
                    f"There is no file {str(source)!r}.", fix="check the path", path=source
                ) from None
        try:
            with mapped_os_errors("read the file", source):
                before = os.fstat(fd)
            if not stat.S_ISREG(before.st_mode):
                raise BadInputError(
                    f"{str(source)!r} is a folder or device, not a file.",
                    fix="name the files one by one",
                    path=source,
                )
            with contextlib.ExitStack() as stack:
                temporary, out = None, None
                if not link:
                    temporary, out = stack.enter_context(self._temporary())
                size, digest = _copy(source, fd, out, before.st_size, progress)
                _check_unchanged(source, fd, before, size)
                if temporary is not None and out is not None:
                    self._keep(temporary, out, self._layout.raw_object(digest), digest)
        finally:
            os.close(fd)
        return StoredFile(source.name, size, digest, str(source) if link else None)

    @contextlib.contextmanager
    def _temporary(self) -> Iterator[tuple[Path, int]]:
        with mapped_os_errors("store the file", self._layout.tmp):
            path = temporary_path(self._layout.tmp)
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                yield path, fd
            finally:
                os.close(fd)
                path.unlink(missing_ok=True)  # there only if something failed, or a duplicate

    def _keep(self, temporary: Path, out: int, target: Path, digest: str) -> None:
        if self._holds(target, digest):
            return
        with mapped_os_errors("store the file", target):
            os.fchmod(out, READ_ONLY)
            os.fsync(out)
            commit_file(temporary, target)

    def _holds(self, target: Path, digest: str) -> bool:
        """Say whether the object is there, whole and durable; a damaged one is replaced."""
        with mapped_os_errors("check the stored object", target):
            try:
                whole = hash_file(target)[1] == digest
            except FileNotFoundError:
                return False
            if whole:
                # Another process may have renamed it and not yet synced the folder.
                fsync_folder(target.parent)
            return whole

    def put_bytes(self, data: bytes, name: str) -> StoredFile:
        """Store bytes as if they were a file called `name`."""
        digest = sha256_hex(data)
        self._put(self._layout.raw_object(digest), data, digest)
        return StoredFile(name, len(data), digest)

    def put_json(self, value: Any) -> str:
        """Store a JSON value in canonical form; return its SHA-256."""
        data = canonical_json(value)
        digest = sha256_hex(data)
        self._put(self._layout.json_object(digest), data, digest)
        return digest

    def _put(self, target: Path, data: bytes, digest: str) -> None:
        if self._holds(target, digest):
            return
        with mapped_os_errors("store the object", target):
            write_durably(target, data, temporary_path(self._layout.tmp), READ_ONLY)

    def get_json(self, sha256: str) -> Any:
        """Return a stored JSON value, its hash checked."""
        return parse_json(self._checked(self._layout.json_object(sha256), sha256))

    def get_bytes(self, file: StoredFile) -> bytes:
        """Return the bytes of a registered file, their hash checked."""
        return self._checked(self.open_path(file), file.sha256)

    def _checked(self, path: Path, sha256: str) -> bytes:
        with mapped_os_errors("read the stored object", path):
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                raise NotFoundError(
                    f"The store has no object {sha256}.",
                    fix="run `consilience verify`, and restore the object from a copy",
                    path=path,
                ) from None
        if sha256_hex(data) != sha256:
            raise _changed(path, sha256)
        return data

    def open_path(self, file: StoredFile, check: bool = False) -> Path:
        """Return where a registered file can be read.

        Parameters
        ----------
        file : StoredFile
        check : bool
            Compare the whole content with its hash; existence and size are
            compared in any case.

        Raises
        ------
        NotFoundError
            The file is gone.
        VerifyError
            Its size or content is not what was registered.
        """
        path = Path(file.linked_path or self._layout.raw_object(file.sha256))
        if file.linked_path is not None and not path.exists():
            # the same content was added again, or the study was copied with what it links to
            copy = self._layout.raw_object(file.sha256)
            path = copy if copy.is_file() else path
        linked = file.linked_path is not None and str(path) == file.linked_path
        with mapped_os_errors("open the registered file", path):
            try:
                size = path.stat().st_size
            except (FileNotFoundError, NotADirectoryError):
                where = "it was linked, and is no longer there" if linked else "it is lost"
                fix = (
                    "put the file back, or connect the disk it is on; "
                    if linked
                    else "restore it from a copy; "
                )
                raise NotFoundError(
                    f"The registered file {file.name!r} cannot be opened: {where}.",
                    fix=f"{fix}adding a file with the same content again mends it as well",
                    path=path,
                ) from None
            if size != file.size:
                raise VerifyError(
                    f"The registered file {file.name!r} has changed: it has {size} bytes, "
                    f"{file.size} were registered.",
                    fix="restore it from a copy, or register the new content as another file",
                    path=path,
                )
            if check and hash_file(path)[1] != file.sha256:
                raise _changed(path, file.sha256)
        return path

    def materialise(self, files: Mapping[str, StoredFile], folder: str | PathLike[str]) -> Path:
        """Lay registered files side by side under their own relative names.

        Readers find companions and linked files by name.  Copies in the study are
        hard-linked, so that a reader that resolves links stays inside the folder;
        files left in place, and other file systems, get symbolic links.

        Parameters
        ----------
        files : mapping of str to StoredFile
            Relative name, with forward slashes, to the file.
        folder : path-like
            Made if it is not there.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        BadInputError
            A name is absolute, leaves the folder, or is used twice.
        NotFoundError, VerifyError
            As `open_path`.
        """
        root = Path(folder).absolute()
        names = {name: _relative(name) for name in files}
        sources = {name: self.open_path(file) for name, file in files.items()}
        with mapped_os_errors("lay out the files", root):
            root.mkdir(parents=True, exist_ok=True)
            for name, file in files.items():
                target = root / names[name]
                try:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    if file.linked_path is not None:
                        target.symlink_to(sources[name])
                    else:
                        _hard_link(sources[name], target)
                except (FileExistsError, NotADirectoryError):
                    raise BadInputError(
                        f"The name {name!r} is used twice, as two files or as file and folder.",
                        fix="give each file a name of its own",
                        path=target,
                    ) from None
        return root


def _hard_link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except FileExistsError:
        raise
    except OSError:
        target.symlink_to(source)  # another file system, or one without hard links


def _relative(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\x00" in name:
        raise BadInputError(
            f"{name!r} is not a name inside a folder: it is empty, absolute, or leaves the folder.",
            fix="use relative names without '..'",
        )
    return path


def _copy(
    source: Path,
    fd: int,
    out: int | None,
    expected: int,
    progress: Callable[[int], None] | None,
) -> tuple[int, str]:
    """Hash, and copy to `out`; stop at more than `expected` bytes: a growing file has no end."""
    digest, size = hashlib.sha256(), 0
    blocks = _blocks(fd)
    while True:
        # Reading and writing fail for different reasons, and the text says which.
        with mapped_os_errors("read the file", source):
            block = next(blocks, None)
        if block is None or size > expected:
            return size, digest.hexdigest()
        digest.update(block)
        size += len(block)
        if out is not None:
            with mapped_os_errors("store the file", source):
                write_all(out, block)
        if progress is not None:
            progress(len(block))


def _check_unchanged(source: Path, fd: int, before: os.stat_result, size: int) -> None:
    def identity(found: os.stat_result) -> tuple[int, int, int, int]:
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    try:
        same = identity(before) == identity(os.fstat(fd)) == identity(os.stat(source))  # noqa: PTH116
    except FileNotFoundError:
        same = False
    if not same or size != before.st_size:
        raise BadFileError(
            f"{source.name!r} changed while it was read; nothing was registered.",
            fix="wait until the program that writes it has finished, then add it again",
            path=source,
        )


def _changed(path: Path, sha256: str) -> VerifyError:
    return VerifyError(
        f"The content of {path.name!r} is not what was registered: its SHA-256 is not {sha256}.",
        fix="restore the file from a copy, then run `consilience verify`",
        path=path,
    )
