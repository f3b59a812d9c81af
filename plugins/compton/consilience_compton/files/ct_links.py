"""Every data set of a foreign HDF5 file that can be reached without leaving its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py

from consilience.errors import BadFileError
from consilience.hdf5_files import check_dataset, children, damaged

__all__ = ["Found", "datasets"]

MOST_NODES = 20_000


class Found:
    """What a walk found: data sets by the shortest path to each, and broken links."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.broken: list[str] = []


def datasets(file: Any, path: Path) -> Found:
    """Walk through the groups of a file, level by level.

    Raises
    ------
    BadFileError
        A link, an external raw file or a virtual source leads out of the folder; an absurd
        shape; too many entries; a damaged file.
    """
    found = Found()
    seen: set[Any] = set()
    waiting: list[tuple[str, Any]] = [("", file["/"])]
    nodes = 0
    with damaged(path):
        while waiting:
            place, group = waiting.pop(0)
            if group.id in seen:
                continue
            seen.add(group.id)
            for name, member in children(group, path, found.broken):
                nodes += 1
                if nodes > MOST_NODES:
                    raise BadFileError(
                        f"{path.name!r} has more than {MOST_NODES} entries",
                        fix="export the volume alone",
                        path=path,
                    )
                where = f"{place}/{name}"
                if isinstance(member, h5py.Group):
                    waiting.append((where, member))
                elif isinstance(member, h5py.Dataset):
                    check_dataset(member, path)
                    found.data[where] = member
    return found
