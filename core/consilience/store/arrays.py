"""Arrays: zarr v3 with a checksum on every chunk, and a manifest over all files.

The checksum (crc32c) finds a flipped bit when a chunk is read; it does not find a
deleted chunk, which zarr reads as fill value, or an edited ``zarr.json``.  So an array is
known by the SHA-256 of its manifest, which lists path, size and SHA-256 of every file.

Data are not compressed: with zstd, reading is slower by a factor of two or more, and
counts and spectra of floating-point numbers shrink by a tenth.  Chunks are contiguous
blocks of about 2 MB, so that a whole variable is read straight into place.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.errors import BadFileError, BadInputError, NotFoundError, VerifyError
from consilience.model.canonical import canonical_json, sha256_hex
from consilience.store.durable import fsync_file, fsync_folder, mapped_os_errors, write_durably
from consilience.store.files import READ_ONLY, hash_file, parse_json
from consilience.store.layout import Layout
from consilience.store.temporary import temporary_path

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["CHUNK_BYTES", "MANIFEST", "Arrays", "read_manifest", "write_dataset"]

MANIFEST = "manifest.json"
CHUNK_BYTES = 1 << 21
_RESTORE = "restore the folder from a copy, or analyse again; `consilience verify` lists all damage"
# Attributes that readers of zarr and CF take as instructions, not as data.
_RESERVED = (
    "_FillValue",
    "missing_value",
    "scale_factor",
    "add_offset",
    "dtype",
    "_ARRAY_DIMENSIONS",
)

_NAMES = ("", ".", "..", "zarr.json", MANIFEST)


def write_dataset(dataset: xr.Dataset, folder: Path) -> None:
    """Write a data set as the store wants it; workers call this in their staging folder.

    Parameters
    ----------
    dataset : xarray.Dataset
        Numbers, booleans, text, dates; attributes must have a JSON form.
    folder : Path
        Empty or not there.

    Raises
    ------
    BadInputError
        A variable is of a type that cannot be stored, or an attribute would be
        taken as an instruction to rescale or mask the data.
    DiskFullError, PermissionDeniedError
    """
    import zarr
    from zarr.codecs import Crc32cCodec

    clean = dataset.drop_encoding()
    encoding: dict[str, dict[str, Any]] = {}
    for name, variable in clean.variables.items():
        if not isinstance(name, str) or "/" in name or name in _NAMES or name.startswith("__"):
            raise BadInputError(
                f"A variable cannot be stored under the name {name!r}.",
                fix="give it a name of letters, digits and underscores",
            )
        for key in (key for key in _RESERVED if key in variable.attrs):
            raise BadInputError(
                f"Variable {name!r} has the attribute {key!r}, which would change the data when "
                "they are read back.",
                fix="apply it to the data and remove it",
            )
        if variable.dtype.kind == "U":
            # Text of fixed length has no agreed form in zarr 3; of any length it has.
            clean[name] = clean[name].astype(object)
        elif variable.dtype.kind not in "biufcMmOT":
            raise BadInputError(
                f"Variable {name!r} is of type {variable.dtype}, which cannot be stored.",
                fix="convert it to numbers, text or dates",
            )
        encoding[name] = {
            "chunks": _chunks(variable.shape, variable.dtype.itemsize),
            "compressors": [Crc32cCodec()],
            "_FillValue": None,
        }
    clean = clean.drop_encoding()
    with mapped_os_errors("write the array", folder), zarr.config.set({"async.concurrency": 4}):
        try:
            clean.to_zarr(
                folder, mode="w", zarr_format=3, consolidated=False, encoding=encoding,
                write_empty_chunks=True,
            )  # fmt: skip
        except (TypeError, ValueError) as error:
            raise BadInputError(
                f"The data set cannot be stored: {error}.",
                fix="use numbers, text or dates, and attributes that have a JSON form",
            ) from error


def _chunks(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Return the chunk shape: a contiguous block of at most `CHUNK_BYTES`."""
    room = max(1, CHUNK_BYTES // max(1, itemsize))
    chunks: list[int] = []
    for length in reversed(shape):
        chunks.append(max(1, min(length, room)))
        room = room // length if 0 < length <= room else 1
    return tuple(reversed(chunks))


def _walk(folder: Path) -> Iterator[Path]:
    for base, folders, files in os.walk(folder):
        folders.sort()
        for name in [*sorted(files), *folders]:
            path = Path(base, name)
            mode = path.lstat().st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                raise BadFileError(
                    f"{name!r} in an array's folder is neither a file nor a folder.",
                    fix="write plain files only",
                    path=path,
                )
            if stat.S_ISREG(mode):
                yield path


def read_manifest(folder: Path, sha256: str) -> dict[str, tuple[int, str]]:
    """Return path → (size, SHA-256) of an array's files, the manifest's hash checked.

    Raises
    ------
    NotFoundError
        There is no such array.
    VerifyError
        The manifest is lost or changed.
    """
    path = folder / MANIFEST
    with mapped_os_errors("read the array's manifest", path):
        if not folder.is_dir():
            raise NotFoundError(f"The store has no array {sha256}.", fix=_RESTORE, path=folder)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise VerifyError(
                f"The manifest of array {sha256} is lost.", fix=_RESTORE, path=path
            ) from None
    if sha256_hex(data) != sha256:
        raise VerifyError(
            f"The manifest of array {sha256} has changed: it does not match its hash.",
            fix=_RESTORE,
            path=path,
        )
    listed = parse_json(data)["files"]
    return {item["path"]: (item["size"], item["sha256"]) for item in listed}


class Arrays:
    """The arrays of a study."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def put_dataset(self, dataset: xr.Dataset, staging: Path | None = None) -> str:
        """Store a data set; return the hash of its manifest.

        The same data set gives the same hash.  Variables that are not yet in memory are
        loaded one by one; a worker with more than that writes blocks itself and the
        result is taken over by `adopt`.

        Parameters
        ----------
        dataset : xarray.Dataset
        staging : Path, optional
            Folder on the file system of the study to write in.

        Raises
        ------
        BadInputError, DiskFullError, PermissionDeniedError
        """
        folder = (
            temporary_path(self._layout.tmp)
            if staging is None
            else staging / temporary_path(staging).name
        )
        try:
            write_dataset(dataset, folder)
            return self.adopt(folder)
        finally:
            # It is there only if something failed, or the array was known already.
            shutil.rmtree(folder, ignore_errors=True)

    def adopt(self, folder: Path) -> str:
        """Take over a folder that a worker has written; return the hash of its manifest.

        The folder must lie on the file system of the study (use `Store.staging`) and
        is gone afterwards.

        Raises
        ------
        BadFileError
            It is not zarr v3, an array has no checksum, or something in it is no
            plain file.
        DiskFullError, PermissionDeniedError
        """
        with mapped_os_errors("store the array", folder):
            if not (folder / "zarr.json").is_file():
                raise BadFileError(
                    f"{folder.name!r} is not zarr v3: it has no zarr.json.",
                    fix="write it with consilience.store.write_dataset",
                    path=folder,
                )
            (folder / MANIFEST).unlink(missing_ok=True)
            files = []
            for path in _walk(folder):
                if path.name == "zarr.json":
                    _require_checksum(path)
                size, digest = hash_file(path)
                name = path.relative_to(folder).as_posix()
                files.append({"path": name, "size": size, "sha256": digest})
                path.chmod(READ_ONLY)
                fsync_file(path)
            files.sort(key=lambda item: str(item["path"]))
            data = canonical_json({"format": 1, "files": files})
            digest = sha256_hex(data)
            target = self._layout.array(digest)
            if target.is_dir():
                if not self.verify_array(digest):
                    fsync_folder(target.parent)
                    shutil.rmtree(folder)
                    return digest
                # What is there is damaged, and here is the same array whole.
                shutil.rmtree(target)
            temporary = folder / temporary_path(folder).name
            write_durably(folder / MANIFEST, data, temporary, READ_ONLY)
            for base, _, _ in os.walk(folder, topdown=False):
                fsync_folder(Path(base))
            try:
                folder.rename(target)
            except OSError:
                if not target.is_dir():  # else another process stored the same meanwhile
                    raise
                shutil.rmtree(folder)
            fsync_folder(target.parent)
        return digest

    def open_dataset(self, sha256: str, lazy: bool = True) -> xr.Dataset:
        """Open an array; nothing but its description is read until values are asked for.

        The manifest, the descriptions and the presence and size of all chunks are
        checked here, the content of a chunk whenever it is read.

        Parameters
        ----------
        sha256 : str
            Hash of the manifest.
        lazy : bool
            False: load everything now.

        Raises
        ------
        NotFoundError, VerifyError
            VerifyError also later, when a damaged chunk is read.
        """
        from consilience.store.zarr_reading import open_zarr

        folder = self._layout.array(sha256)
        manifest = read_manifest(folder, sha256)
        for name, (size, digest) in manifest.items():
            path = folder / name
            found = path.stat().st_size if path.is_file() else None
            described = path.name == "zarr.json"
            if found != size or (described and hash_file(path)[1] != digest):
                state = "is lost" if found is None else "has changed"
                raise VerifyError(f"{name!r} of array {sha256} {state}.", fix=_RESTORE, path=path)
        dataset = open_zarr(folder, [n[:-10] for n in manifest if n.endswith("/zarr.json")])
        return dataset if lazy else dataset.load()

    def verify_array(
        self, sha256: str, progress: Callable[[int], None] | None = None
    ) -> list[tuple[str, Path]]:
        """Compare every file of an array with its manifest.

        Parameters
        ----------
        sha256 : str
        progress : callable, optional
            Told the number of bytes of each block read.

        Returns
        -------
        list of (str, Path)
            ``lost``, ``changed`` or ``extra``, and the file; empty if all is well.
        """
        folder = self._layout.array(sha256)
        manifest = folder / MANIFEST
        try:
            listed = read_manifest(folder, sha256)
        except NotFoundError:
            return [("lost", folder)]
        except VerifyError:
            return [("changed" if manifest.exists() else "lost", manifest)]
        problems = []
        with mapped_os_errors("check the array", folder):
            for name, (size, digest) in listed.items():
                path = folder / name
                if not path.is_file() or path.is_symlink():
                    problems.append(("lost", path))
                elif path.stat().st_size != size or hash_file(path, progress)[1] != digest:
                    problems.append(("changed", path))
            for base, folders, names in os.walk(folder):
                for name in [*names, *(f for f in folders if Path(base, f).is_symlink())]:
                    path = Path(base, name)
                    if path.relative_to(folder).as_posix() not in listed and path != manifest:
                        problems.append(("extra", path))
        return problems


def _require_checksum(path: Path) -> None:
    """Refuse a ``zarr.json`` that is not v3 or describes an array without checksum."""
    try:
        node = json.loads(path.read_bytes())
        good = node["zarr_format"] == 3 and (
            node["node_type"] == "group" or _has_checksum(node["codecs"])
        )
    except (ValueError, KeyError, TypeError):
        good = False
    if not good:
        raise BadFileError(
            f"{path.name!r} of {path.parent.name!r} does not describe a zarr v3 array with a "
            "checksum.",
            fix="write it with the codec crc32c, or zstd with checksum",
            path=path,
        )


def _has_checksum(codecs: list[Mapping[str, Any]]) -> bool:
    for codec in codecs:
        settings = codec.get("configuration") or {}
        if codec["name"] == "crc32c" or (codec["name"] == "zstd" and settings.get("checksum")):
            return True
        if codec["name"] == "sharding_indexed" and _has_checksum(settings["codecs"]):
            return True
    return False
