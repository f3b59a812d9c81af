"""Check and index ions in HDF5: processed files of PyCCAPT [1]_, and NXapm [2]_.

References
----------
.. [1] M. Monajem et al., PyCCAPT, its documentation of the calibration module's data structure.
.. [2] NeXus application definition NXapm, FAIRmat proposal.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py

from consilience.errors import BadFileError
from consilience.hdf5 import origin_of, text_of
from consilience.model.measurement import Notice, Signal
from consilience_apt.files.hdf5_layout import (
    HDF5_ERRORS,
    Hdf5Field,
    Hdf5Layout,
    Hdf5Source,
    member,
    open_file,
)
from consilience_apt.files.signals import Request, ions_signal

__all__ = ["read_hdf5"]

_NAMES = {
    "x": ("x", "nm"),
    "y": ("y", "nm"),
    "z": ("z", "nm"),
    "mc": ("mass_to_charge", "Da"),
    "t": ("time_of_flight", "ns"),
    "high_voltage": ("voltage", "V"),
    "high-voltage": ("voltage", "V"),
    "x_det": ("detector_x", "mm"),
    "y_det": ("detector_y", "mm"),
    "delta_p": ("pulses_since", ""),
    "multi": ("ions_per_pulse", ""),
}
"""PyCCAPT's names of columns, without their unit."""
_FACTORS = {
    ("nm", "nm"): 1.0,
    ("Da", "Da"): 1.0,
    ("ns", "ns"): 1.0,
    ("V", "V"): 1.0,
    ("kV", "V"): 1e3,
    ("mm", "mm"): 1.0,
    ("cm", "mm"): 10.0,
    ("", ""): 1.0,
}
_NEEDED = ("x", "y", "z", "mass_to_charge")
_POSITIONS = "reconstruction/reconstructed_positions"
_MASSES = "mass_to_charge_conversion/mass_to_charge"
_LENGTHS = {"nm": 1.0, "nanometer": 1.0, "angstrom": 0.1, "Å": 0.1, "m": 1e9}
_WEIGHTS = {"Da": 1.0, "dalton": 1.0, "u": 1.0, "amu": 1.0}


def read_hdf5(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Return the ions of a processed PyCCAPT file or of an NXapm entry as one lazy signal.

    Parameters
    ----------
    path : Path
    options : mapping
        ``join_ranges``.
    companions : mapping
        ``ranges``.

    Returns
    -------
    list of Signal
        One; positions and masses, and what else the file has for each ion.

    Raises
    ------
    BadFileError
        Raw detector events without a reconstruction; neither layout; a link out of the file;
        NaN or infinity.
    BadInputError
        An option makes no sense.
    """
    request = Request.of(options, companions)
    with open_file(path) as file:
        try:
            fields, ions, notices, raw, place = _find(file, path)
            origin = origin_of(file[place]) if place else origin_of(file)
        except BadFileError:
            raise
        except HDF5_ERRORS as error:
            raise BadFileError(
                f"{path.name!r} is damaged: {' '.join(str(error).split())}",
                fix="copy it again from the instrument; nothing was registered",
                path=path,
            ) from error
    if ions < 1:
        raise BadFileError(
            f"{path.name!r} holds no ion",
            fix="check that the export was complete; nothing was registered",
            path=path,
        )
    return [
        ions_signal(
            path,
            Hdf5Source(path, Hdf5Layout(ions, fields)),
            request,
            place=lambda _: None,
            what="a reconstruction in nm and Da",
            raw=raw,
            notices=notices,
            origin=origin,
        )
    ]


_Found = tuple[dict[str, Hdf5Field], int, list[Notice], dict[str, Any], str]


def _find(file: h5py.File, path: Path) -> _Found:
    frame = member(file, "df", path) if "df" in file.keys() else None  # noqa: SIM118
    if isinstance(frame, h5py.Group):
        return _pyccapt(frame, path)
    for name in file.keys():  # noqa: SIM118
        link = file.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink) or not isinstance(file[name], h5py.Group):
            continue
        for group in (f"{name}/atom_probe", name):
            if isinstance(member(file, f"{group}/{_POSITIONS}", path), h5py.Dataset):
                return _nxapm(file, group, path)
    if isinstance(member(file, "dld", path), h5py.Group):
        _refuse_raw(file, path)
    raise BadFileError(
        f"{path.name!r} has no ions: neither 'df' of PyCCAPT nor '{_POSITIONS}' of NXapm, only "
        f"{', '.join(sorted(map(repr, file.keys()))[:10])}",
        fix="give a file with reconstructed positions and masses",
        path=path,
    )


def _refuse_raw(file: h5py.File, path: Path) -> None:
    events = member(file, "dld/t", path)
    number = f"{events.shape[0]} " if isinstance(events, h5py.Dataset) and events.shape else ""
    raise BadFileError(
        f"{path.name!r} holds {number}raw detector events of PyCCAPT (dld: {_listed(file, path)}), "
        "not a reconstruction: no position in the needle and no mass-to-charge ratio has been "
        "calculated",
        fix="calibrate and reconstruct it with PyCCAPT, and register the processed .h5, .epos or "
        ".pos; the log of temperature and pressure beside it can be registered as a series",
        path=path,
    )


def _listed(file: h5py.File, path: Path) -> str:
    group = member(file, "dld", path)
    return ", ".join(sorted(group.keys())[:10]) if isinstance(group, h5py.Group) else ""


def _pyccapt(frame: h5py.Group, path: Path) -> _Found:
    fields: dict[str, Hdf5Field] = {}
    notices: list[Notice] = []
    lengths: dict[str, int] = {}
    left: list[str] = []
    labels: list[str] = []
    for block in sorted(name for name in frame if name.endswith("_items")):
        values_name = f"{frame.name}/{block.removesuffix('_items')}_values"
        items, values = (
            member(frame.file, name, path) for name in (f"{frame.name}/{block}", values_name)
        )
        if not isinstance(items, h5py.Dataset) or not isinstance(values, h5py.Dataset):
            continue
        names = [text_of(name) or "" for name in items[()].reshape(-1)]
        labels += names
        if values.dtype.kind not in "fiu" or values.shape != (values.shape[0], len(names)):
            left += names
            continue
        for column, label in enumerate(names):
            name, factor = _pyccapt_column(label, notices)
            if name is None or name in fields:
                left.append(label)
                continue
            whole = values.dtype.kind in "iu" and factor == 1.0
            dtype = str(values.dtype.newbyteorder("=")) if whole else "float32"
            fields[name] = Hdf5Field(values_name, column, factor, dtype)
            lengths[name] = int(values.shape[0])
    missing = [name for name in _NEEDED if name not in fields]
    if missing:
        raise BadFileError(
            f"{path.name!r} is a table of PyCCAPT without {', '.join(missing)}; it has "
            f"{', '.join(labels) or 'no columns'}",
            fix="register the file after calibration and reconstruction",
            path=path,
        )
    if len(set(lengths.values())) > 1:
        raise BadFileError(
            f"{path.name!r}: its columns have different lengths: "
            + ", ".join(f"{name} {n}" for name, n in lengths.items()),
            fix="write the file again; nothing was registered",
            path=path,
        )
    raw = {"layout": "PyCCAPT", "columns": labels, "columns_left_out": left}
    return fields, lengths["x"], notices, raw, frame.name


def _pyccapt_column(label: str, notices: list[Notice]) -> tuple[str | None, float]:
    """Column and factor of a label such as ``x (nm)``; None for one that is not taken."""
    plain, _, unit = label.replace(" ", "").partition("(")
    unit = unit.rstrip(")")
    name, wanted = _NAMES.get(plain.lower(), (None, ""))
    if name is None:
        return None, 1.0
    if name in ("x", "y") and unit == "cm":
        # the program's documentation calls these two «(cm)» and gives nm
        notices.append(
            Notice(
                code="unit-misnamed",
                message=f"column {label!r} is in nm, as PyCCAPT documents it, not in cm",
                where=label,
                fix="compare its extent with the needle's width",
                severity="info",
            )
        )
        return name, 1.0
    factor = _FACTORS.get((unit, wanted))
    return (None, 1.0) if factor is None else (name, factor)


def _nxapm(file: h5py.File, group: str, path: Path) -> _Found:
    positions, masses = (member(file, f"{group}/{name}", path) for name in (_POSITIONS, _MASSES))
    if not isinstance(masses, h5py.Dataset) or not isinstance(positions, h5py.Dataset):
        raise BadFileError(
            f"{path.name!r} has positions but no '{group}/{_MASSES}'",
            fix="write the mass-to-charge ratios into the file",
            path=path,
        )
    ions = int(masses.shape[0]) if masses.shape else 0
    if (
        positions.shape != (ions, 3)
        or masses.shape not in ((ions,), (ions, 1))
        or positions.dtype.kind != "f"
        or masses.dtype.kind != "f"
    ):
        raise BadFileError(
            f"{path.name!r}: positions have shape {positions.shape} of {positions.dtype}, masses "
            f"{masses.shape} of {masses.dtype}; expected (n, 3) and (n,) of numbers",
            fix="write the file again; nothing was registered",
            path=path,
        )
    length = _unit(positions, _LENGTHS, path)
    weight = _unit(masses, _WEIGHTS, path)
    fields = {name: Hdf5Field(positions.name, i, length) for i, name in enumerate(("x", "y", "z"))}
    fields["mass_to_charge"] = Hdf5Field(masses.name, 0 if masses.ndim == 2 else None, weight)
    entry = group.split("/")[0]
    definition = member(file, f"{entry}/definition", path)
    stated = text_of(definition[()]) if isinstance(definition, h5py.Dataset) else None
    return fields, ions, [], {"layout": "NXapm", "entry": entry, "definition": stated}, group


def _unit(data: h5py.Dataset, known: Mapping[str, float], path: Path) -> float:
    stated = text_of(data.attrs.get("units", data.attrs.get("unit")))
    if stated is not None and stated in known:
        return known[stated]
    raise BadFileError(
        f"{data.name!r} of {path.name!r} is in {stated!r}, expected one of {', '.join(known)}",
        fix="state the unit in the attribute 'units'",
        path=path,
    )
