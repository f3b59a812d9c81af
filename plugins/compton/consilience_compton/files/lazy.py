"""Open the frames in the registered file without reading them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import xarray as xr
from xarray.core import indexing

from consilience.errors import BadFileError
from consilience_compton.files.probe import DATASET
from consilience_compton.files.stored import StoredArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MODULE", "frames_of", "open_file", "open_hexitec", "read_table"]

MODULE = 80
"""Pixels along each side of a HEXITEC module."""
MOST_TIMES_FILE = 1000
"""Declared bytes for each byte of the file; no compressor does better on detector noise."""


def open_file(path: Path) -> h5py.File:
    """Open an HDF5 file for reading.

    Raises
    ------
    BadFileError
        HDF5 cannot open it, for example because it is cut.
    """
    try:
        return h5py.File(path, "r")
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise BadFileError(
            f"{path.name!r} cannot be opened as HDF5: {' '.join(str(error).split())}",
            fix="copy it again from the instrument; nothing was registered",
            path=path,
        ) from error


def frames_of(file: h5py.File, path: Path) -> h5py.Dataset:
    """Return the data set after everything that could lead out of the file is refused.

    Raises
    ------
    BadFileError
        It is absent, a link, keeps its values in other files, or has another type or shape.
    """

    def refuse(what: str, fix: str) -> BadFileError:
        return BadFileError(f"{DATASET!r} of {path.name!r} {what}", fix=fix, path=path)

    if DATASET not in file.keys():  # noqa: SIM118 - 'in file' would follow links
        raise BadFileError(
            f"{path.name!r} has no data set {DATASET!r}, only {sorted(file.keys())[:10]}",
            fix="this reader knows raw HEXITEC frames; name another with --reader KEY",
            path=path,
        )
    link = file.get(DATASET, getlink=True)
    if not isinstance(link, h5py.HardLink):
        raise refuse(
            f"is a {type(link).__name__}, which may lead out of the file",
            "copy the frames into the file itself (h5repack)",
        )
    dataset = file[DATASET]
    if not isinstance(dataset, h5py.Dataset):
        raise refuse("is a group, expected a data set", "export the raw frames again")
    if dataset.external or dataset.is_virtual:
        raise refuse(
            "keeps its values in other files", "copy the frames into the file itself (h5repack)"
        )
    if dataset.ndim != 3 or dataset.dtype != np.uint16:
        raise refuse(
            f"has shape {dataset.shape} and type {dataset.dtype}, expected "
            "(frames, rows, columns) of uint16",
            "export the raw frames, before any correction",
        )
    if 0 in dataset.shape:
        raise refuse(f"is empty, shape {dataset.shape}", "check that the run recorded frames")
    size = path.stat().st_size
    if dataset.size * 2 > MOST_TIMES_FILE * size:
        raise refuse(
            f"claims {dataset.size * 2} bytes in a file of {size}",
            "the file is cut or crafted; copy it again from the instrument",
        )
    return dataset


def open_hexitec(
    path: Path, companions: Mapping[str, Path], lazy: Mapping[str, object]
) -> xr.Dataset:
    """Open the frames of a registered file; nothing but the tables is read until asked for.

    Parameters
    ----------
    path : Path
    companions : mapping
        ``gain`` and ``intercept``, where they were registered.
    lazy : mapping
        Nothing is needed.

    Returns
    -------
    xarray.Dataset
        ``raw_frames`` (adu) over ``frame``, ``row``, ``column``; with companions
        ``gain`` (keV/adu) and ``intercept`` (keV) over ``module``, ``module_row``,
        ``module_column``.
    """
    del lazy
    file = open_file(path)
    try:
        dataset = frames_of(file, path)  # again: the file may have changed since it was read
    except BaseException:
        file.close()
        raise
    frames = xr.Variable(
        ("frame", "row", "column"),
        indexing.LazilyIndexedArray(StoredArray(dataset, path)),
        {"units": "adu"},
    )
    variables: dict[str, Any] = {DATASET: frames}
    modules = (dataset.shape[1] // MODULE) * (dataset.shape[2] // MODULE)
    for role, unit in (("gain", "keV/adu"), ("intercept", "keV")):
        if role in companions:
            table = read_table(companions[role], role, modules)
            variables[role] = (("module", "module_row", "module_column"), table, {"units": unit})
    data = xr.Dataset(variables)
    data.set_close(file.close)
    return data


def read_table(path: Path, role: str, modules: int) -> NDArray[np.float64]:
    """Return a calibration table of shape ``(modules, 80, 80)``.

    Raises
    ------
    BadFileError
        Not as many finite numbers as the detector has pixels.
    """
    try:
        text = path.read_text(encoding="ascii")
        values = np.array([float(word) for word in text.split()])
    except ValueError as error:  # UnicodeDecodeError is one
        raise BadFileError(
            f"{role} table {path.name!r} is not a list of numbers: {error}",
            fix="give a text file with one number for each pixel",
            path=path,
        ) from error
    expected = modules * MODULE * MODULE
    if values.size != expected:
        raise BadFileError(
            f"{role} table {path.name!r} has {values.size} values "
            f"({values.size / MODULE**2:g} modules of {MODULE} x {MODULE}), the frames have "
            f"{expected} pixels ({modules} modules)",
            fix="give the table of this detector; one of another cannot be used",
            path=path,
        )
    if not np.isfinite(values).all():
        raise BadFileError(
            f"{role} table {path.name!r} holds NaN or infinity, first at value "
            f"{int(np.argmin(np.isfinite(values)))}",
            fix="write 0 for dead pixels",
            path=path,
        )
    return values.reshape(modules, MODULE, MODULE)
