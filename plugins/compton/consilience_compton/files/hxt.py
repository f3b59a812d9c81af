"""Read ``.hxt``: spectra of each pixel; the counts stay in the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from xarray.core import indexing

from consilience.datasets import summarise
from consilience.model.measurement import Signal
from consilience_compton.files.axis import Axis, axis_of
from consilience_compton.files.hxt_layout import HEADER, HxtHeader, parse_header
from consilience_compton.files.looking import look_at_counts
from consilience_compton.files.setting import setting_of, simulated_words
from consilience_compton.files.stored import FlatArray
from consilience_compton.spectra import spectra_dataset

if TYPE_CHECKING:
    from consilience.model.base import Json

__all__ = ["open_hxt", "read_hxt"]


def read_hxt(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Return the spectra of a file as one lazy signal.

    Parameters
    ----------
    path : Path
    options : mapping
        As `consilience_compton.declared_readers` lists them.
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
        Cut, of another version, or damaged; counts that are none.
    BadInputError
        An option makes no sense.
    """
    header = parse_header(path)
    told = _told(header, options)
    axis = _axis(path, header, told, companions)
    with _dataset(path, header, axis) as data:
        summary = summarise(data)
        notices, looked = look_at_counts(data["counts"], path.name)
    simulated = simulated_words(header.prefix) is not None
    return [
        Signal(
            name="spectra",
            modality="compton",
            lazy=_plain(told),
            summary=summary,
            metadata={**axis.metadata, **setting_of(told, {}), **looked},
            raw_metadata={
                "positions": list(header.positions),
                "prefix": header.prefix,
                "time_stamp": header.stamp,
            },
            notices=[*axis.notices, *notices],
            origin="simulated" if simulated else "measured",
        )
    ]


def open_hxt(path: Path, companions: Mapping[str, Path], lazy: Mapping[str, object]) -> xr.Dataset:
    """Open a registered file; no counts are read until they are asked for."""
    header = parse_header(path)
    return _dataset(path, header, _axis(path, header, lazy, companions))


def _told(header: HxtHeader, options: Mapping[str, object]) -> dict[str, object]:
    """What the file's own prefix says, if simulated, and what the user says, who wins."""
    return {**(simulated_words(header.prefix) or {}), **options}


def _axis(
    path: Path, header: HxtHeader, told: Mapping[str, object], companions: Mapping[str, Path]
) -> Axis:
    bins = np.fromfile(path, "<f8", header.bins, offset=HEADER)
    return axis_of(bins, (header.rows, header.columns), told, companions, path)


def _dataset(path: Path, header: HxtHeader, axis: Axis) -> xr.Dataset:
    shape = (header.rows, header.columns, header.bins)
    flat = FlatArray(path, HEADER + 8 * header.bins, shape, "<f8")
    counts = xr.Variable(("row", "column", "bin"), indexing.LazilyIndexedArray(flat))
    return spectra_dataset(counts, axis.edges, ("row", "column")).assign(axis.variables())


def _plain(told: Mapping[str, object]) -> dict[str, Json]:
    """The options that shape the axis, for opening the file again."""
    names = ("bin_unit", "bin_marks", "table_order")
    return {name: str(told[name]) for name in names if name in told}
