"""Read binned spectra in HDF5, as the detector's acquisition software (ODIN) writes them.

``pixel_spectra`` of shape (parts, rows, columns, bins) or (rows, columns, bins),
``spectra_bins`` with their lower edges and ``summed_spectra``, which is compared with the sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import xarray as xr
from xarray.core import indexing

from consilience.datasets import summarise
from consilience.errors import BadFileError, BadInputError
from consilience.hdf5 import origin_of, text_of
from consilience.model.measurement import Notice, Signal
from consilience_compton.files.axis import Axis, axis_of
from consilience_compton.files.lazy import MOST_TIMES_FILE, open_file
from consilience_compton.files.looking import look_at_counts
from consilience_compton.files.setting import NAMES, setting_of
from consilience_compton.files.stored import StoredArray
from consilience_compton.spectra import spectra_dataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience.model.base import Json

__all__ = ["BINS", "SPECTRA", "SUMMED", "open_binned", "read_binned", "write_binned"]

SPECTRA, BINS, SUMMED = "pixel_spectra", "spectra_bins", "summed_spectra"
HDF5_ERRORS = (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError)
DAMAGED = "copy it again from the instrument; nothing was registered"
SHAPING = ("bin_unit", "bin_marks", "table_order", "part")


def read_binned(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Return the spectra of a file as one lazy signal.

    Parameters
    ----------
    path : Path
    options : mapping
        As `consilience_compton.declared_readers` lists them; ``part`` where the file holds
        several.
    companions : mapping
        ``gain`` and ``intercept``, for bins in adu.

    Returns
    -------
    list of Signal
        One; ``counts`` (count) over ``row``, ``column`` and ``energy`` (keV), or ``channel``
        where the unit of the bins is not known.

    Raises
    ------
    BadFileError
        Data sets that are missing, linked elsewhere, of other shapes, or no counts.
    BadInputError
        An option makes no sense, or is needed to choose between parts.
    """
    with open_file(path) as file:
        try:
            dataset = _inside(file, SPECTRA, path)
            told = {**_stated(file, dataset), **options}
            lead = _lead(dataset, told, path)
            axis = _axis(file, dataset, told, companions, path)
            data = _dataset(dataset, lead, axis, path)
            summary = summarise(data)
            notices, looked = look_at_counts(data["counts"], path.name)
            notices += _compare_sum(file, dataset, lead, looked["total_counts"]["value"], path)
            others = sorted(set(file.keys()) - {SPECTRA, BINS, SUMMED})
            raw = {"file": _plain(file.attrs), SPECTRA: _plain(dataset.attrs), "others": others}
            origin = origin_of(dataset)
        except (BadFileError, BadInputError):
            raise
        except HDF5_ERRORS as error:
            raise BadFileError(
                f"{path.name!r} is damaged: {' '.join(str(error).split())}", fix=DAMAGED, path=path
            ) from error
    if axis.edges is not None and axis.edges[0] > 0:
        notices.append(
            Notice(
                code="bins-not-from-zero",
                message=f"the bins begin at {axis.edges[0]:g} keV; the acquisition software counts "
                "its bins from 0 whatever start it is given",
                where=BINS,
                fix="check a known line, for example with compton.calibration",
            )
        )
    if "raw_frames" in others:
        notices.append(
            Notice(
                code="frames-too",
                message="the file holds raw frames too",
                where="raw_frames",
                fix="add it again with --reader compton.hexitec if they are wanted",
                severity="info",
            )
        )
    lazy: dict[str, Json] = {n: str(told[n]) for n in SHAPING if n in told}
    return [
        Signal(
            name="spectra",
            modality="compton",
            lazy=lazy,
            summary=summary,
            metadata={**axis.metadata, **setting_of(told, {}), **looked},
            raw_metadata=raw,
            notices=[*axis.notices, *notices],
            origin=origin,
        )
    ]


def open_binned(
    path: Path, companions: Mapping[str, Path], lazy: Mapping[str, object]
) -> xr.Dataset:
    """Open a registered file; no counts are read until they are asked for."""
    file = open_file(path)
    try:
        dataset = _inside(file, SPECTRA, path)
        lead = _lead(dataset, lazy, path)
        data = _dataset(dataset, lead, _axis(file, dataset, lazy, companions, path), path)
    except BaseException:
        file.close()
        raise
    data.set_close(file.close)
    return data


def _inside(file: h5py.File, name: str, path: Path) -> h5py.Dataset:
    """Return a data set whose values lie in this very file."""

    def refuse(what: str, fix: str) -> BadFileError:
        return BadFileError(f"{name!r} of {path.name!r} {what}", fix=fix, path=path)

    if name not in file.keys():  # noqa: SIM118 - 'in file' would follow links
        raise BadFileError(
            f"{path.name!r} has no data set {name!r}, only {sorted(file.keys())[:10]}",
            fix="this reader knows binned HEXITEC spectra; name another with --reader KEY",
            path=path,
        )
    link = file.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        raise refuse(
            f"is a {type(link).__name__}, which may lead out of the file",
            "copy the spectra into the file itself (h5repack)",
        )
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise refuse("is a group, expected a data set", "export the spectra again")
    if dataset.external or dataset.is_virtual:
        raise refuse(
            "keeps its values in other files", "copy the spectra into the file itself (h5repack)"
        )
    if dataset.dtype.kind not in "uif" or dataset.dtype.itemsize > 8:
        raise refuse(f"has type {dataset.dtype}, expected numbers", "export the spectra again")
    size = path.stat().st_size
    if dataset.size * dataset.dtype.itemsize > MOST_TIMES_FILE * size:
        raise refuse(
            f"claims {dataset.size * dataset.dtype.itemsize} bytes in a file of {size}",
            "the file is cut or crafted; copy it again from the instrument",
        )
    return dataset


def _lead(dataset: h5py.Dataset, told: Mapping[str, object], path: Path) -> tuple[int, ...]:
    """Return the index of the part to read, if the spectra come in parts."""
    if dataset.ndim not in (3, 4) or 0 in dataset.shape or dataset.shape[-1] < 2:
        raise BadFileError(
            f"{SPECTRA!r} of {path.name!r} has shape {dataset.shape}, expected "
            "(rows, columns, bins) or (parts, rows, columns, bins)",
            fix="export the spectra of all pixels as an image; a list of pixels does not say "
            "where they lie",
            path=path,
        )
    parts = int(dataset.shape[0]) if dataset.ndim == 4 else 1
    if "part" not in told and parts > 1:
        raise BadInputError(
            f"{SPECTRA!r} of {path.name!r} comes in {parts} parts, and the file does not say "
            "whether each adds to the one before or replaces it",
            fix=f"say --option part=N (0 to {parts - 1}); of running totals the last is the whole",
        )
    given = str(told.get("part", 0))
    if not given.isdecimal() or int(given) >= parts:
        raise BadInputError(
            f"option part={given!r} is none of 0 to {parts - 1}",
            fix="write for example --option part=0",
        )
    return (int(given),) if dataset.ndim == 4 else ()


def _axis(
    file: h5py.File,
    dataset: h5py.Dataset,
    told: Mapping[str, object],
    companions: Mapping[str, Path],
    path: Path,
) -> Axis:
    bins = np.asarray(_inside(file, BINS, path)[()], dtype=np.float64)
    if bins.ndim == 2 and (bins == bins[:1]).all():
        bins = bins[0]  # one copy for each time they were written
    rows, columns, n = (int(k) for k in dataset.shape[-3:])
    if bins.shape != (n,):
        raise BadFileError(
            f"{BINS!r} of {path.name!r} has shape {bins.shape} for spectra of {n} bins",
            fix="export bins and spectra of one run together",
            path=path,
        )
    return axis_of(bins, (rows, columns), told, companions, path)


def _dataset(dataset: h5py.Dataset, lead: tuple[int, ...], axis: Axis, path: Path) -> xr.Dataset:
    stored = StoredArray(dataset, path, lead)
    counts = xr.Variable(("row", "column", "bin"), indexing.LazilyIndexedArray(stored))
    return spectra_dataset(counts, axis.edges, ("row", "column")).assign(axis.variables())


def _stated(file: h5py.File, dataset: h5py.Dataset) -> dict[str, object]:
    """What simulated files and careful people state as attributes, in the units of the options.

    The unit of the bins is the attribute ``units`` of ``spectra_bins``.
    """
    found: dict[str, object] = {}
    for name in NAMES:
        for place in (file, dataset):
            if name in place.attrs:
                value = place.attrs[name]
                text = text_of(value)
                found[name] = text if text is not None else float(np.asarray(value).reshape(-1)[0])
    if isinstance(file.get(BINS, getlink=True), h5py.HardLink):
        unit = text_of(file[BINS].attrs.get("units"))
        if unit is not None:
            if unit not in ("keV", "adu"):
                raise BadFileError(
                    f"{BINS!r} says it is in {unit!r}, expected keV or adu",
                    fix="write the bins in keV",
                )
            found["bin_unit"] = unit
    return found


def _compare_sum(
    file: h5py.File, dataset: h5py.Dataset, lead: tuple[int, ...], total: float, path: Path
) -> list[Notice]:
    """Say where the sum that the software kept is not the sum of the pixels."""
    if SUMMED not in file.keys():  # noqa: SIM118 - 'in file' would follow links
        return []
    kept = _inside(file, SUMMED, path)
    index = lead if kept.ndim == 2 and dataset.ndim == 4 and kept.shape[0] > lead[0] else ()
    stored = np.asarray(kept[index] if index else kept[()], dtype=np.float64)
    if stored.ndim == 2 and stored.shape[0] == 1:
        stored = stored[0]
    if stored.shape != dataset.shape[-1:]:
        return [_notice("sum-of-another-shape", f"{SUMMED} has shape {kept.shape}")]
    if stored.sum() == total:
        return []
    return [
        _notice(
            "sum-differs",
            f"{SUMMED} holds {stored.sum():.0f} counts, the pixels together {total:.0f}",
        )
    ]


def _notice(code: str, message: str) -> Notice:
    return Notice(
        code=code,
        message=message,
        where=SUMMED,
        fix="this may be one of several parts of a run, or a sum over other frames; the pixels "
        "are what is used",
    )


def _plain(attributes: h5py.AttributeManager) -> dict[str, Any]:
    def one(value: Any) -> Any:
        text = text_of(value)
        if text is not None:
            return text
        if isinstance(value, h5py.Empty):
            return None
        return value.tolist() if hasattr(value, "tolist") else str(value)

    return {name: one(value) for name, value in attributes.items()}


def write_binned(
    path: Path,
    counts: NDArray[np.generic],
    bins: NDArray[np.float64],
    *,
    attributes: Mapping[str, str | float],
    unit: str | None = "keV",
) -> Path:
    """Write spectra as the acquisition software does, for simulations and tests.

    Parameters
    ----------
    path : Path
    counts : ndarray, shape (rows, columns, n)
    bins : ndarray, shape (n,)
        Lower edges.
    attributes : mapping
        Of the root group: ``origin`` = ``simulated``, and what
        `consilience_compton.files.setting.NAMES` lists.
    unit : str or None
        Of the bins; None leaves it out, as the software does.
    """
    with h5py.File(path, "w") as file:
        for name, value in attributes.items():
            file.attrs[name] = value
        marks = file.create_dataset(
            BINS, data=np.asarray(bins, dtype=np.float32)[None], track_times=False
        )
        if unit is not None:
            marks.attrs["units"] = unit
        file.create_dataset(
            SPECTRA, data=np.asarray(counts, dtype=np.float32)[None], track_times=False
        )
        summed = counts.sum(axis=(0, 1))[None].astype(np.uint64)
        file.create_dataset(SUMMED, data=summed, track_times=False)
    return path
