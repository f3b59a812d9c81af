"""Read an EMSA/MAS spectrum (``.msa``) through rosettasciio.

The library takes what it finds: it does not compare the number of values with
``#NPOINTS``, drops the energies of XY files, and puts 1 and 0 where scale or offset are
missing.  All three are looked at here.
"""

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import Notice, Signal
from consilience.options import choice_option
from consilience.sizes import sized
from consilience_eels.files.header import exposure, header_lines, is_simulated, microscope, start
from consilience_eels.files.probe import FORMAT

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["read_msa"]

MODALITY = {"ELS": "eels", "EDS": "edx", "EDX": "edx"}
PER_EV = {"eV": 1.0, "keV": 1000.0}
LARGEST = 1e30
"""No detector counts that far, and no axis goes there."""


@sized
def read_msa(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Return one spectrum over energy loss or X-ray energy.

    Parameters
    ----------
    path : Path
    options : mapping
        ``signal`` (ELS, EDS) and ``energy_unit`` (eV, keV), where the file does not say.
    companions : mapping
        None are taken.

    Returns
    -------
    list of Signal
        One; ``counts`` (count) over ``energy_loss`` (eV) or ``energy`` (keV), or ``intensity``
        (1) where the file does not call its values counts.  There is no standard deviation: cameras
        count several per electron, and the file does not say how many.

    Raises
    ------
    BadFileError
        Not EMSA, neither an energy loss nor X-rays, cut, or without an energy axis.
    BadInputError
        An option makes no sense.
    """
    if companions:
        raise BadInputError(
            f"an .msa takes no companion file, got {', '.join(companions)}", fix="leave it out"
        )
    signal = choice_option(options, "signal", ("ELS", "EDS"))
    unit = choice_option(options, "energy_unit", ("eV", "keV"))
    raw = path.read_bytes()
    if not FORMAT.match(raw):
        raise BadFileError(
            f"{path.name!r} does not start with '#FORMAT : EMSA/MAS'",
            fix="export the spectrum as EMSA/MAS, or name another reader with --reader KEY",
            path=path,
            offset=0,
        )
    text = raw.decode("latin-1")
    notices: list[Notice] = []
    found = _through_library(path, notices)
    parameters: dict[str, Any] = found["original_metadata"]
    modality = _modality(path, parameters, signal)
    values = np.asarray(found["data"], dtype=np.float64)
    _check_values(path, parameters, values, text)
    axis, source = _axis(path, parameters, values.size, unit)
    if modality == "edx":
        axis = axis / PER_EV["keV"]
    if not _ended(text):
        notices.append(
            Notice(
                code="no-end-mark",
                message="there is no #ENDOFDATA after the values",
                fix="compare the number of values with the instrument's",
            )
        )
    lines = header_lines(text)
    simulated = is_simulated(lines)
    quantities = microscope(parameters, notices)
    if values.size > 1:
        quantities["dispersion"] = {
            "value": float(axis[1] - axis[0]),
            "unit": "keV" if modality == "edx" else "eV",
        }
    title = str(parameters.get("TITLE") or "").strip()
    return [
        Signal(
            name="spectrum",
            modality=modality,
            data=_dataset(parameters, axis, values, notices, modality),
            metadata={"energy_axis": source, **({"title": title} if title else {}), **quantities},
            raw_metadata={"header": lines, "parameters": parameters},
            notices=notices,
            exposures=[] if simulated else [exposure(quantities)],
            origin="simulated" if simulated else "measured",
            start=start(found["metadata"]),
        )
    ]


def _through_library(path: Path, notices: list[Notice]) -> dict[str, Any]:
    from rsciio.msa import file_reader

    try:
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            found: dict[str, Any] = file_reader(str(path))[0]
    except Exception as error:  # the library raises whatever its parsing meets
        raise BadFileError(
            f"{path.name!r} cannot be read as EMSA/MAS: {type(error).__name__}: {error}",
            fix="check that the file is whole; a header line is '#KEYWORD : value', a #TIME HH:MM",
            path=path,
        ) from error
    notices += [
        Notice(code="library-warning", message=str(w.message), severity="info")
        for w in heard
        if issubclass(w.category, UserWarning)
    ]
    return found


def _modality(path: Path, parameters: Mapping[str, Any], signal: str | None) -> str:
    stated = str(parameters.get("SIGNALTYPE") or "").strip().upper()
    if stated and stated not in MODALITY:
        raise BadFileError(
            f"{path.name!r} is of type {stated!r} (#SIGNALTYPE), not an energy loss (ELS) and no "
            "X-rays (EDS)",
            fix="name a reader for that technique with --reader KEY",
            path=path,
        )
    if not stated and signal is None:
        raise BadFileError(
            f"{path.name!r} names no #SIGNALTYPE, so what was measured is not known",
            fix="if it is an energy loss, say --option signal=ELS; for X-rays signal=EDS",
            path=path,
        )
    return MODALITY[stated or signal or ""]


def _number(parameters: Mapping[str, Any], keyword: str) -> float | None:
    value = parameters.get(keyword)
    if isinstance(value, int | float) and abs(value) < LARGEST:  # not NaN either
        return float(value)
    return None


def _check_values(
    path: Path, parameters: Mapping[str, Any], values: NDArray[np.float64], text: str
) -> None:
    kind = str(parameters.get("DATATYPE") or "").strip().upper()
    if kind not in ("Y", "XY"):
        raise BadFileError(
            f"{path.name!r} has #DATATYPE {kind!r}, expected Y or XY",
            fix="export the spectrum again as EMSA/MAS",
            path=path,
        )
    columns = _number(parameters, "NCOLUMNS")
    if kind == "XY" and columns not in (None, 1.0):
        raise BadFileError(
            f"{path.name!r} has {columns:g} columns of XY values; only one is read",
            fix="export the spectrum with #NCOLUMNS 1",
            path=path,
        )
    points = _number(parameters, "NPOINTS")
    if points is None or points != values.size or not values.size:
        said = "no #NPOINTS" if points is None else f"#NPOINTS {points:g}"
        raise BadFileError(
            f"{path.name!r} has {values.size} values and {said}: the file is cut or was edited",
            fix="export it again; if it was cut on purpose, mend #NPOINTS",
            path=path,
            line=len(text.splitlines()),
        )
    bad = ~(np.abs(values) < LARGEST)
    if bad.any():
        raise BadFileError(
            f"{path.name!r}: {int(bad.sum())} of {values.size} values are not finite, first at "
            f"point {int(np.argmax(bad))}",
            fix="export it again; nothing was registered",
            path=path,
        )
    if kind == "XY":
        _check_energies(path, parameters, text)


def _check_energies(path: Path, parameters: Mapping[str, Any], text: str) -> None:
    """The energies of an XY file must be those that offset and step give."""
    offset, step = _number(parameters, "OFFSET"), _number(parameters, "XPERCHAN")
    if offset is None or step is None:
        return  # _axis says so
    body = text.splitlines()
    rows = [line.replace(",", " ").split() for line in body if line.strip() and line[0] != "#"]
    try:
        energies = np.array([float(row[0]) for row in rows])
    except ValueError:
        energies = np.full(len(rows), math.nan)
    expected = offset + step * np.arange(energies.size)
    if not (np.abs(energies - expected) <= 0.01 * abs(step)).all():
        raise BadFileError(
            f"{path.name!r}: the energies of its values differ from #OFFSET + n x #XPERCHAN",
            fix="mend the header, or export the spectrum with #DATATYPE Y",
            path=path,
        )


def _axis(
    path: Path, parameters: Mapping[str, Any], size: int, given: str | None
) -> tuple[NDArray[np.float64], str]:
    offset, step = _number(parameters, "OFFSET"), _number(parameters, "XPERCHAN")
    if offset is None or step is None or step <= 0:
        raise BadFileError(
            f"{path.name!r} states no energy axis: #OFFSET {parameters.get('OFFSET')!r}, "
            f"#XPERCHAN {parameters.get('XPERCHAN')!r}",
            fix="write both into the header; they are not guessed",
            path=path,
        )
    stated = str(parameters.get("XUNITS") or "").strip()
    known = {name.lower(): name for name in PER_EV}
    unit = known.get(stated.lower()) if stated else given
    if unit is None:
        raise BadFileError(
            f"{path.name!r} has #XUNITS {stated!r}, expected eV or keV",
            fix="say --option energy_unit=eV if the file names none; mend a wrong one",
            path=path,
        )
    factor = PER_EV[unit]
    axis: NDArray[np.float64] = factor * (offset + step * np.arange(size, dtype=np.float64))
    if size > 1 and not (np.diff(axis) > 0).all():
        raise BadFileError(
            f"{path.name!r}: the step {step:g} {unit} is lost beside the offset {offset:g} {unit}",
            fix="mend #OFFSET and #XPERCHAN",
            path=path,
        )
    by = "the file" if stated else "the user"
    return axis, f"{offset:g} + n x {step:g} {unit}, unit said by {by}"


def _dataset(
    parameters: Mapping[str, Any],
    axis: NDArray[np.float64],
    values: NDArray[np.float64],
    notices: list[Notice],
    modality: str,
) -> xr.Dataset:
    stated = str(parameters.get("YUNITS") or "").strip()
    counts = stated.lower() in ("counts", "count", "cts")
    if not counts:
        notices.append(
            Notice(
                code="no-counts",
                message=f"#YUNITS is {stated!r}, not counts; the values are taken as intensities",
                where="#YUNITS",
                fix="export the spectrum in counts",
            )
        )
    name, unit = ("counts", "count") if counts else ("intensity", "1")
    along, of, title = (
        ("energy", "keV", "energy") if modality == "edx" else ("energy_loss", "eV", "energy loss")
    )
    return xr.Dataset(
        {name: (along, values, {"units": unit, "long_name": name})},
        {along: (along, axis, {"units": of, "long_name": title})},
    )


def _ended(text: str) -> bool:
    return any(line.upper().startswith("#ENDOFDATA") for line in text.splitlines()[-3:])
