"""Check and index raw frames of a HEXITEC detector; the data stay in the HDF5 file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from consilience.errors import BadFileError, BadInputError
from consilience.hdf5 import origin_of
from consilience.model.measurement import DataSummary, Notice, Signal, VariableSummary
from consilience.options import choice_option
from consilience_compton.files.hits import HIT_OPTIONS, binning_of, spectra_signal
from consilience_compton.files.lazy import MODULE, frames_of, open_file, read_table
from consilience_compton.files.probe import DATASET
from consilience_compton.files.tables import pixel_tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_hexitec"]

BLOCK_BYTES = 8 << 20
HDF5_ERRORS = (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError)
"""What h5py raises when a file contradicts itself."""


def read_hexitec(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Return the frames of a file as one lazy signal, and spectra of their hits if asked for.

    Parameters
    ----------
    path : Path
    options : mapping
        ``bin_width``, ``threshold``, ``bin_end`` (keV with tables, adu without) and
        ``neighbours`` make spectra; ``table_order`` says how tables lie on the image.
    companions : mapping
        ``gain`` (keV/adu) and ``intercept`` (keV): text tables, 80 × 80 values for each module.

    Returns
    -------
    list of Signal
        ``raw_frames`` (adu) over ``frame``, ``row``, ``column``, and the tables; and where
        asked for ``counts`` of single hits and ``shared_counts`` by pixel.

    Raises
    ------
    BadFileError
        No such data set, another type or rank, a link or storage outside the file, an
        absurd shape, a table of another detector.
    BadInputError
        An option or companion that is not known.
    """
    known = {*HIT_OPTIONS, "table_order"}
    unknown = sorted({*options} - known) + sorted({*companions} - {"gain", "intercept"})
    if unknown:
        raise BadInputError(
            f"the HEXITEC reader knows no {unknown[0]!r}",
            fix=f"it takes --with gain=, intercept= and the options {', '.join(sorted(known))}",
        )
    order = choice_option(options, "table_order", ("image", "modules")) or "image"
    binning = binning_of(options, calibrated=bool(companions))
    if binning is not None and len(companions) == 1:
        raise BadInputError(
            f"only the table {next(iter(companions))!r} was given",
            fix="give both: --with gain=FILE --with intercept=FILE",
        )
    with open_file(path) as file:
        try:
            dataset = frames_of(file, path)
            unit, raw = _unit(dataset, path), _attributes(file, dataset)
            notices, counted = _look(dataset)
            origin = origin_of(dataset)
            hits = None
            if binning is not None:
                pixels = (int(dataset.shape[1]), int(dataset.shape[2]))
                tables = pixel_tables(companions, pixels, order) if companions else None
                said = {"frames": int(dataset.shape[0])}
                hits = spectra_signal(_blocks(dataset), pixels, binning, tables, origin, said)
        except (BadFileError, BadInputError):
            raise
        except HDF5_ERRORS as error:
            raise BadFileError(
                f"{path.name!r} is damaged: {' '.join(str(error).split())}",
                fix="copy it again from the instrument; nothing was registered",
                path=path,
            ) from error
        shape, dtype = [int(n) for n in dataset.shape], str(dataset.dtype)
    if unit is None:
        notices.insert(
            0,
            Notice(
                code="no-unit",
                message="the file states no unit; raw frames of this detector are taken as adu",
                where=DATASET,
                fix="give --with gain= and --with intercept= tables for an energy scale",
            ),
        )
    variables = {
        DATASET: VariableSummary(
            dims=["frame", "row", "column"], shape=shape, unit="adu", dtype=dtype
        )
    }
    modules = (shape[1] // MODULE) * (shape[2] // MODULE)
    whole = shape[1] % MODULE == 0 and shape[2] % MODULE == 0
    if not whole:
        notices.append(
            Notice(
                code="not-whole-modules",
                message=f"{shape[1]} x {shape[2]} pixels are no whole modules of {MODULE}",
                fix="check that the frames were not cropped",
            )
        )
    variables |= _tables(companions, modules, path, notices, whole=whole)
    found = [
        Signal(
            name="frames",
            modality="compton",
            lazy={},
            summary=DataSummary(variables=variables, coordinates={}),
            metadata={"frames": shape[0], "modules": modules if whole else None, **counted},
            raw_metadata=raw,
            notices=notices,
            origin=origin,
        )
    ]
    return found if hits is None else [*found, hits]


def _unit(dataset: h5py.Dataset, path: Path) -> str | None:
    stated = dataset.attrs.get("units")
    if stated is None:
        return None
    text = stated.decode("latin-1") if isinstance(stated, bytes) else str(stated)
    if text.lower() not in ("adu", "adc"):
        raise BadFileError(
            f"{DATASET!r} of {path.name!r} is in {text!r}, expected adu",
            fix="register the raw frames, before any correction",
            path=path,
        )
    return text


def _attributes(file: h5py.File, dataset: h5py.Dataset) -> dict[str, dict[str, Any]]:
    def plain(value: Any) -> Any:
        if isinstance(value, bytes):
            return value.decode("latin-1")
        if isinstance(value, h5py.Empty):
            return None
        return value.tolist() if hasattr(value, "tolist") else str(value)

    return {
        "file": {k: plain(v) for k, v in file.attrs.items()},
        DATASET: {k: plain(v) for k, v in dataset.attrs.items()},
    }


def _look(dataset: h5py.Dataset) -> tuple[list[Notice], dict[str, Any]]:
    """Go once over all frames in blocks."""
    top = 0
    empty = saturated = 0
    for block in _blocks(dataset):
        top = max(top, int(block.max()))
        empty += int(np.count_nonzero(~block.any(axis=(1, 2))))
        saturated += int(np.count_nonzero(block == np.iinfo(np.uint16).max))
    notices = []
    stored = int(dataset.id.get_storage_size())
    if dataset.compression is None and stored < dataset.size * 2:
        notices.append(
            Notice(
                code="missing-chunks",
                message=(
                    f"{stored} of {dataset.size * 2} bytes were written; the rest reads as "
                    f"{dataset.fillvalue}"
                ),
                where=DATASET,
                fix="the run was interrupted; leave the empty frames out",
                severity="fault",
            )
        )
    if empty:
        notices.append(
            Notice(
                code="empty-frames",
                message=f"{empty} of {dataset.shape[0]} frames are zero in every pixel",
                where=DATASET,
                fix="check the trigger and the shutter",
                severity="info",
            )
        )
    if saturated:
        notices.append(
            Notice(
                code="saturated",
                message=f"{saturated} values are at the limit of 65535 adu",
                where=DATASET,
                fix="leave them out: the energy of these hits is not known",
            )
        )
    return notices, {"highest": {"value": top, "unit": "adu"}, "empty_frames": empty}


def _blocks(dataset: h5py.Dataset) -> Iterator[NDArray[np.uint16]]:
    frames = max(1, BLOCK_BYTES // max(1, 2 * dataset.shape[1] * dataset.shape[2]))
    for first in range(0, dataset.shape[0], frames):
        yield dataset[first : first + frames]


def _tables(
    companions: Mapping[str, Path], modules: int, path: Path, notices: list[Notice], *, whole: bool
) -> dict[str, VariableSummary]:
    if not companions:
        return {}
    if not whole:
        raise BadFileError(
            f"the frames of {path.name!r} are no whole modules; no table can belong to them",
            fix="leave --with out, or register the uncropped frames",
            path=path,
        )
    found = {}
    for role, unit in (("gain", "keV/adu"), ("intercept", "keV")):
        if role in companions:
            table = read_table(companions[role], role, modules)
            found[role] = VariableSummary(
                dims=["module", "module_row", "module_column"],
                shape=list(table.shape),
                unit=unit,
                dtype="float64",
            )
            dead = int(np.count_nonzero(table == 0)) if role == "gain" else 0
            if dead:
                notices.append(
                    Notice(
                        code="dead-pixels",
                        message=f"{dead} of {table.size} pixels have gain 0",
                        where=companions[role].name,
                        fix="leave them out of any spectrum",
                        severity="info",
                    )
                )
    if modules > 1:
        notices.append(
            Notice(
                code="table-order",
                message=(
                    f"no file says which of the {modules} modules each part of the tables belongs "
                    "to; the detector's acquisition software takes them row by row over the whole "
                    "image"
                ),
                fix="say --option table_order=modules if yours go module by module",
                severity="info",
            )
        )
    return found
