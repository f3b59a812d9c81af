"""What a HyperSpy file may not hold: all that would run code or lead out of the file.

An axis given as an expression is evaluated by a parser of Python's; links and external data name
other files; some codecs of zarr unpickle.  They are looked for before the file is opened.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from consilience.errors import BadFileError

__all__ = ["refuse_unsafe"]

MOST_OBJECTS = 100_000
LARGEST_DESCRIPTION = 16 << 20
"""Bytes of one JSON description inside a zarr store."""

RUNS_CODE = ("pickle", "dill")
"""Parts of the names of codecs that make objects, and so run code, when they are read."""


def refuse_unsafe(path: Path) -> None:
    """Look through an HDF5 file or a zipped zarr store without following anything.

    Raises
    ------
    BadFileError
        It holds an expression, a link or data outside the file, or a codec that runs code.
    """
    if path.suffix.lower() == ".zspy":
        _look_into_zip(path)
    else:
        _look_into_hdf5(path)


def _refuse(path: Path, what: str, fix: str) -> BadFileError:
    return BadFileError(f"{path.name!r} {what}", fix=fix, path=path)


def _look_into_hdf5(path: Path) -> None:
    import h5py

    seen = 0
    todo: list[str] = ["/"]
    try:
        with h5py.File(path, "r") as file:
            visited: set[Any] = set()
            while todo:
                name = todo.pop()
                group = file[name]
                mark = h5py.h5o.get_info(group.id).addr
                if mark in visited:
                    continue
                visited.add(mark)
                _check_attributes(path, name, group)
                for key in group:
                    seen += 1
                    place = f"{name.rstrip('/')}/{key}"
                    if seen > MOST_OBJECTS:
                        raise _refuse(
                            path,
                            f"holds more than {MOST_OBJECTS} objects",
                            "save the signal that is wanted in a file of its own",
                        )
                    link = group.get(key, getlink=True)
                    if not isinstance(link, h5py.HardLink):
                        raise _refuse(
                            path,
                            f"has a link at {place}, and links are not followed",
                            "save the file again with the data inside",
                        )
                    item = group[key]
                    if isinstance(item, h5py.Group):
                        todo.append(place)
                    elif isinstance(item, h5py.Dataset):
                        _check_attributes(path, place, item)
                        if item.external or item.is_virtual:
                            raise _refuse(
                                path,
                                f"keeps the data of {place} in another file",
                                "save the file again with the data inside",
                            )
    except BadFileError:
        raise
    except Exception as error:  # h5py raises whatever a broken file makes of it
        raise _refuse(
            path,
            f"cannot be read as HDF5: {type(error).__name__}: {error}",
            "copy it again from where it was written",
        ) from error


def _check_attributes(path: Path, place: str, item: Any) -> None:
    if "expression" in item.attrs or "FunctionalDataAxis" in str(item.attrs.get("_type", "")):
        raise _refuse(
            path,
            f"gives the axis {place} as an expression, which would be run as code",
            "convert the axis to a data axis (convert_to_non_uniform_axis) and save again",
        )


def _look_into_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                name = info.filename.rpartition("/")[2]
                if name not in (".zattrs", ".zarray", ".zgroup", ".zmetadata", "zarr.json"):
                    continue
                if info.file_size > LARGEST_DESCRIPTION:
                    raise _refuse(
                        path,
                        f"has a description of {info.file_size} bytes in {info.filename!r}",
                        "save the file again with HyperSpy",
                    )
                _check_description(path, info.filename, json.loads(archive.read(info)))
    except BadFileError:
        raise
    except Exception as error:  # zipfile and json raise many sorts of error
        raise _refuse(
            path,
            f"cannot be read as a zipped zarr store: {type(error).__name__}: {error}",
            "copy it again from where it was written; folders (.zspy) have to be zipped, with "
            "zarr's ZipStore, or saved as .hspy",
        ) from error


def _check_description(path: Path, place: str, tree: object) -> None:
    if isinstance(tree, list):
        for item in tree:
            _check_description(path, place, item)
        return
    if not isinstance(tree, dict):
        return
    kind = str(tree.get("_type", ""))
    if "expression" in tree or "FunctionalDataAxis" in kind:
        raise _refuse(
            path,
            f"gives the axis {place} as an expression, which would be run as code",
            "convert the axis to a data axis (convert_to_non_uniform_axis) and save again",
        )
    for key in ("id", "name"):
        named = tree.get(key)
        if isinstance(named, str) and any(word in named.lower() for word in RUNS_CODE):
            raise _refuse(
                path,
                f"packs {place} with the codec {named!r}, which runs code when it is read",
                "save it again as .hspy",
            )
    for item in tree.values():
        _check_description(path, place, item)
