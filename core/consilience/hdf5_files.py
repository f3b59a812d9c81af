"""Foreign HDF5, looked at with care: links, external storage, virtual sources, absurd shapes.

For the readers of all techniques: a file is opened, walked and read through these, so that no
crafted file reads another file of the machine.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.errors import BadFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "check_dataset",
    "children",
    "damaged",
    "linked_files",
    "open_hdf5",
    "source_files",
]

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


def _target(name: str, folder: Path, path: Path, where: str) -> Path | None:
    """The linked file, None where it is not there.

    HDF5 looks for a file that is not beside the one that names it in the working directory and,
    for a file that is itself a symbolic link, beside its target.  What it would find there was
    never looked at.
    """
    target = _inside(name, folder, path, where)
    if target.exists():
        return target
    for other in (Path.cwd(), (folder / path.name).resolve().parent):
        if (other / name).exists():
            raise BadFileError(
                f"{where} points to {name!r}, which is not beside the file but in another folder; "
                "it is not followed.",
                fix=_FIX,
                path=path,
            )
    return None


def _refuse_external(data: Any, path: Path) -> None:
    """Refuse raw storage outside HDF5: nothing says which file of the machine it is."""
    if data.external:
        own = Path(data.file.filename).name
        raise BadFileError(
            f"{data.name}{'' if own == path.name else ' of ' + own} keeps its values in the "
            f"external raw file {data.external[0][0]!r}, "
            "which a file could use to read any file of the machine.",
            fix="Repack the file so that it holds its own data (h5repack).",
            path=path,
        )


def source_files(data: Any) -> set[str]:
    """Files that a virtual data set names; a numbered name gives those that are there."""
    folder = Path(data.file.filename).parent
    out: set[str] = set()
    for source in data.virtual_sources():
        name = source.file_name
        if name == ".":
            continue
        plain = name.replace("%%", "%")
        if "%b" not in name.replace("%%", ""):
            out.add(plain)
            continue
        pattern = re.compile(re.escape(name).replace("%%", "%").replace("%b", "[0-9]+"))
        base = (folder / name).parent
        out.add(plain)  # refused where the folder part leads out
        if base.resolve().is_relative_to(folder.resolve()) and base.is_dir():
            names = (f.relative_to(folder).as_posix() for f in base.iterdir())
            out.update(n for n in names if pattern.fullmatch(n))
    return out


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
        if (
            isinstance(link, h5py.ExternalLink)
            and _target(link.filename, folder, path, f"The link {where}") is None
        ):
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
    _refuse_external(data, path)
    total = path.stat().st_size
    if data.is_virtual:
        for name in sorted(source_files(data)):
            inside = _target(name, folder, path, f"The virtual data set {data.name}")
            total += inside.stat().st_size if inside is not None else 0
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

    Every data set of every file that can be reached is looked at, before any value is read;
    broken links are left out.

    Raises
    ------
    BadFileError
        A link or virtual source that leaves the folder, or external raw storage.
    """
    with damaged(path):
        return _linked(path)


def _linked(path: Path) -> list[str]:
    folder = path.parent.resolve()
    found: set[str] = set()
    queue = [path]
    while queue:
        current = queue.pop()
        with open_hdf5(current) as file:
            names = _named_files(file, path)
        for name, where in sorted(names.items()):
            target = _target(name, current.parent, path, where)
            if target is None or target == path.resolve():
                continue
            relative = target.relative_to(folder).as_posix()
            if relative not in found:
                found.add(relative)
                queue.append(target)
    return sorted(found)


def _named_files(file: Any, path: Path) -> dict[str, str]:
    """Files that one file names, and where, after its external raw storage is refused.

    Soft links need no look: what they lead to has a hard link too, or an external one.
    """
    import h5py

    names: dict[str, str] = {}
    seen = {file["/"].id}
    waiting = [file["/"]]
    while waiting:
        group = waiting.pop()
        for name in group:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                names[link.filename] = f"The link {group.name.rstrip('/')}/{name}"
            elif isinstance(link, h5py.HardLink):
                member = group[name]
                if isinstance(member, h5py.Group) and member.id not in seen:
                    seen.add(member.id)
                    waiting.append(member)
                elif isinstance(member, h5py.Dataset):
                    _refuse_external(member, path)
                    if member.is_virtual:
                        where = f"The virtual data set {member.name}"
                        names.update(dict.fromkeys(source_files(member), where))
    return names
