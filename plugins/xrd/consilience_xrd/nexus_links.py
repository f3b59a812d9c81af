"""Foreign HDF5, looked at with care: links, external storage, virtual sources, absurd shapes."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.errors import BadFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_dataset", "children", "damaged", "linked_files", "open_hdf5", "text_of"]

_FIX = "Put all files of the scan into one folder, or export the data into one file."
MAX_BYTES = 1 << 44


def open_hdf5(path: Path) -> Any:
    """Open for reading; BadFileError for what is no HDF5 or is cut off."""
    import h5py

    if not path.exists() or path.stat().st_size == 0:
        raise BadFileError("The file is empty.", fix="Copy it again.", path=path)
    try:
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        text = str(error)
        raise BadFileError(
            "The HDF5 file is cut off: it is shorter than it says."
            if "truncated" in text
            else f"The file cannot be opened as HDF5: {text}.",
            fix="Copy the file again.",
            path=path,
        ) from None


@contextmanager
def damaged(path: Path) -> Iterator[None]:
    """Turn what h5py raises on a damaged file into BadFileError."""
    try:
        yield
    except (KeyError, OSError, RuntimeError, ValueError, TypeError, UnicodeDecodeError) as error:
        said = str(error).strip("'\"")
        raise BadFileError(
            f"The HDF5 file is damaged: {said}.", fix="Copy the file again.", path=path
        ) from error


def text_of(value: Any) -> str | None:
    """Text from bytes, str or a one-element array of either; None for anything else."""
    import numpy as np

    if isinstance(value, np.ndarray):
        if value.size != 1:
            return None
        value = value.reshape(-1)[0]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else None


def _inside(name: str, folder: Path, path: Path, where: str) -> Path:
    target = Path(name)
    resolved = (folder / target).resolve()
    if target.is_absolute() or not resolved.is_relative_to(folder.resolve()):
        raise BadFileError(
            f"{where} points to {name!r}, outside the file's own folder; it is not followed.",
            fix=_FIX,
            path=path,
        )
    return resolved


def children(group: Any, path: Path, broken: list[str]) -> Iterator[tuple[str, Any]]:
    """The members of a group that may be looked at; broken links are noted in `broken`.

    Raises
    ------
    BadFileError
        An external link that leaves the folder.
    """
    import h5py

    folder = Path(group.file.filename).parent
    for name in group:
        link = group.get(name, getlink=True)
        where = f"{group.name.rstrip('/')}/{name}"
        if isinstance(link, h5py.ExternalLink):
            target = _inside(link.filename, folder, path, f"The link {where}")
            if not target.exists():
                broken.append(f"{where} links to {link.filename}, which is not there")
                continue
        try:
            member = group[name]
        except (KeyError, OSError):
            target_name = getattr(link, "path", "?")
            broken.append(f"{where} links to {target_name}, which is not there")
            continue
        yield name, member


def check_dataset(data: Any, path: Path) -> None:
    """Refuse external raw storage, virtual sources outside the folder and absurd shapes."""
    folder = Path(data.file.filename).parent
    if data.external:
        raise BadFileError(
            f"{data.name} keeps its values in the external raw file {data.external[0][0]!r}, "
            "which a file could use to read any file of the machine.",
            fix="Repack the file so that it holds its own data (h5repack).",
            path=path,
        )
    total = path.stat().st_size
    if data.is_virtual:
        for source in data.virtual_sources():
            if source.file_name != ".":
                inside = _inside(
                    source.file_name, folder, path, f"The virtual data set {data.name}"
                )
                total += inside.stat().st_size if inside.exists() else 0
    own = Path(data.file.filename)
    total += own.stat().st_size if own != path else 0
    size = data.nbytes
    if size > MAX_BYTES or (size > 1e9 and size > 5000 * total):
        raise BadFileError(
            f"{data.name} declares the shape {data.shape} ({size:.3g} bytes) in a file of "
            f"{total} bytes; this cannot be real.",
            fix="Check the file; it is damaged or made to exhaust memory.",
            path=path,
        )


def linked_files(path: Path) -> list[str]:
    """Files that the main file's links and virtual data sets name, relative to its folder.

    Follows external files as well; broken links are left out.

    Raises
    ------
    BadFileError
        A link that leaves the folder.
    """
    with damaged(path):
        return _linked(path)


def _linked(path: Path) -> list[str]:
    import h5py

    folder = path.parent.resolve()
    found: set[str] = set()
    queue = [path]
    while queue:
        current = queue.pop()
        with open_hdf5(current) as file:
            names: set[str] = set()

            def look(group: Any, names: set[str], seen: list[Any]) -> None:
                for name in group:
                    link = group.get(name, getlink=True)
                    if isinstance(link, h5py.ExternalLink):
                        names.add(link.filename)
                    elif isinstance(link, h5py.HardLink):
                        member = group[name]
                        if isinstance(member, h5py.Group):
                            if member.id not in seen:
                                seen.append(member.id)
                                look(member, names, seen)
                        elif isinstance(member, h5py.Dataset) and member.is_virtual:
                            names.update(
                                s.file_name for s in member.virtual_sources() if s.file_name != "."
                            )

            look(file, names, [])
        for name in sorted(names):
            target = _inside(name, current.parent, path, "A link")
            if not target.exists() or target == path.resolve():
                continue
            relative = target.relative_to(folder).as_posix()
            if relative not in found:
                found.add(relative)
                queue.append(target)
    return sorted(found)
