"""Are the signals that a reader returned what the contract says?  All faults at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from consilience.errors import BadFileError, PluginError
from consilience.model.measurement import DataSummary, Notice, Signal, VariableSummary
from consilience.workers.messages import ModalityUnits

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Problems", "check_dataset", "check_signals", "check_summary", "jsonable", "summarise"]

MOST_ELEMENTS = 1 << 40


@dataclass
class Problems:
    """What is wrong, apart: the reader breaks its contract, or the file holds nonsense."""

    breaches: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def raise_any(self, reader: str, shown: str) -> None:
        """Raise if there is any problem; all of them are in one message."""
        if self.breaches:
            raise PluginError(
                f"reader {reader!r} broke its contract with {shown!r}: "
                + "; ".join([*self.breaches, *self.faults]),
                fix="report it to the plugin's author; nothing was registered",
                path=shown,
            )
        if self.faults:
            raise BadFileError(
                f"what reader {reader!r} found in {shown!r} cannot be used: "
                + "; ".join(self.faults),
                fix="mend or re-export the file, or name another reader with --reader KEY",
                path=shown,
            )


def check_signals(
    returned: object, modalities: Mapping[str, ModalityUnits], problems: Problems
) -> list[Signal]:
    """Check what ``read`` returned apart from the data: types, names, modalities.

    Returns
    -------
    list of Signal
        Those with a known modality; what is wrong is added to `problems`.
    """
    if not isinstance(returned, list | tuple):
        problems.breaches.append(f"read returned {_a(returned)}, expected a list of Signal")
        return []
    if not returned:
        problems.faults.append("it holds no signal")
    good: list[Signal] = []
    names: set[str] = set()
    for i, signal in enumerate(returned):
        if not isinstance(signal, Signal):
            problems.breaches.append(f"item {i} of the list is {_a(signal)}, expected a Signal")
            continue
        name: object = signal.name
        if not isinstance(name, str) or not name.strip():
            problems.breaches.append(f"the name of signal {i} is {name!r}, expected a text")
            continue
        where = f"signal {signal.name!r}"
        if signal.name in names:
            problems.breaches.append(f"two signals are called {signal.name!r}")
        names.add(signal.name)
        links: Sequence[object] = signal.linked
        for link in links:
            if not isinstance(link, str) or leaves_folder(link):
                problems.breaches.append(f"{where}: linked file {link!r} leaves the folder")
        notices: Sequence[object] = signal.notices
        for notice in notices:
            if not isinstance(notice, Notice):
                problems.breaches.append(f"{where}: {_a(notice)} among the notices")
        if signal.modality not in modalities:
            allowed = ", ".join(sorted(modalities)) or "none"
            problems.breaches.append(
                f"{where}: modality {signal.modality!r} is not one that it may return ({allowed})"
            )
            continue
        good.append(signal)
    return good


def check_dataset(
    where: str,
    data: Any,
    units: ModalityUnits,
    problems: Problems,
    notices: list[Notice],
    *,
    lazy: bool,
) -> None:
    """Check variables and coordinates of one signal.

    Parameters
    ----------
    where : str
        How messages name the signal.
    data : xarray.Dataset
        Anything else is refused.
    notices : list of Notice
        Numbers without unit under names that the modality does not list are added here.
    lazy : bool
        The data lie in the raw file: only coordinates are looked at.
    """
    import xarray as xr

    if not isinstance(data, xr.Dataset):
        problems.breaches.append(f"{where}: data is {_a(data)}, expected an xarray.Dataset")
        return
    if not data.data_vars:
        problems.breaches.append(f"{where} has no variables")
    for raw_name, variable in data.variables.items():
        name = str(raw_name)
        kind = "coordinate" if raw_name in data.coords else "variable"
        if not isinstance(raw_name, str) or not name or "/" in name or name.startswith("."):
            problems.breaches.append(f"{where}: {kind} {raw_name!r} has no name that can be stored")
        what = f"{where}: {kind} {name!r}"
        if variable.dtype.kind == "O":
            problems.breaches.append(f"{what} holds Python objects, expected numbers or text")
            continue
        if variable.size == 0:
            problems.faults.append(f"{what} has no points (shape {tuple(variable.shape)})")
            continue
        if variable.size > MOST_ELEMENTS:
            problems.faults.append(f"{what} claims an absurd shape {tuple(variable.shape)}")
            continue
        unit = variable.attrs.get("units")
        _check_unit(what, kind, name, unit, variable.dtype.kind in "iufc", units, problems, notices)
    for raw_name, coordinate in data.coords.items():
        if coordinate.size and coordinate.dtype.kind in "iufcSUM":
            _check_coordinate(f"{where}: coordinate {str(raw_name)!r}", coordinate, problems)
    _check_std(where, data, problems, lazy=lazy)


def check_summary(
    where: str,
    summary: Any,
    units: ModalityUnits,
    problems: Problems,
    notices: list[Notice],
) -> None:
    """Check the promised variables of a lazy signal: names, units and sizes."""
    if not isinstance(summary, DataSummary):
        problems.breaches.append(f"{where}: summary is {_a(summary)}, expected a DataSummary")
        return
    for kind, table in (("coordinate", summary.coordinates), ("variable", summary.variables)):
        for name, item in table.items():
            what = f"{where}: {kind} {name!r}"
            if len(item.dims) != len(item.shape):
                problems.breaches.append(f"{what}: dims {item.dims} do not fit shape {item.shape}")
            size = math.prod(item.shape)
            if size <= 0:
                problems.faults.append(f"{what} has no points (shape {tuple(item.shape)})")
            elif size > MOST_ELEMENTS:
                problems.faults.append(f"{what} claims an absurd shape {tuple(item.shape)}")
            numeric = not item.dtype.startswith(("<U", "|S", "bool", "datetime", "timedelta"))
            _check_unit(what, kind, name, item.unit, numeric, units, problems, notices)


def _check_unit(
    what: str,
    kind: str,
    name: str,
    unit: object,
    numeric: bool,
    units: ModalityUnits,
    problems: Problems,
    notices: list[Notice],
) -> None:
    first, second = (
        (units.coordinates, units.variables)
        if kind == "coordinate"
        else (units.variables, units.coordinates)
    )
    allowed = first.get(name, second.get(name))
    if unit is not None and not isinstance(unit, str):
        problems.breaches.append(f"{what}: units is {_a(unit)}, expected a text")
    elif allowed is not None and unit is None and numeric:
        problems.breaches.append(f"{what} has no attrs['units'], expected {_either(allowed)}")
    elif allowed and unit is not None and unit not in allowed:
        problems.breaches.append(f"{what} is in {unit!r}, expected {_either(allowed)}")
    elif unit is None and numeric and not name.endswith("_std"):
        notices.append(
            Notice(code="no-unit", message=f"{kind} {name!r} has no unit", severity="info")
        )


def _check_coordinate(what: str, coordinate: xr.DataArray, problems: Problems) -> None:
    import numpy as np

    values = np.asarray(coordinate.values)
    if values.dtype.kind in "fcM":
        bad = np.isnat(values) if values.dtype.kind == "M" else ~np.isfinite(values)
        if bad.any():
            first = int(np.argmax(bad.ravel()))
            problems.faults.append(
                f"{what} is {values.ravel()[first]} at point {first} of {values.size}"
                + (f", and at {int(bad.sum()) - 1} more" if bad.sum() > 1 else "")
            )
            return
    if coordinate.dims != (coordinate.name,) or values.size < 2:
        return
    if values.dtype.kind in "SU":
        if len(set(values.tolist())) != values.size:
            problems.faults.append(f"{what} names the same thing twice")
        return
    if values.dtype.kind == "c":
        problems.breaches.append(f"{what} is complex, expected real numbers")
        return
    falling = values[-1] < values[0]
    wrong = values[1:] >= values[:-1] if falling else values[1:] <= values[:-1]
    if wrong.any():
        i = int(np.argmax(wrong))
        # a step back in an otherwise rising axis is what the user has to look for
        problems.faults.append(
            f"{what} is not strictly monotonic: point {i + 1} is {values[i + 1]} "
            f"after {values[i]} at point {i}"
        )


def _check_std(where: str, data: xr.Dataset, problems: Problems, *, lazy: bool) -> None:
    import numpy as np

    names = {str(n) for n in data.variables}
    for raw_name, variable in data.variables.items():
        name, std = str(raw_name), f"{raw_name}_std"
        ancillary = str(variable.attrs.get("ancillary_variables", "")).split()
        for missing in sorted(set(ancillary) - names):
            problems.breaches.append(
                f"{where}: {name!r} names the ancillary variable {missing!r}, which is not there"
            )
        if std not in names:
            continue
        if std not in ancillary:
            problems.breaches.append(
                f"{where}: {std!r} is not named in attrs['ancillary_variables'] of {name!r}"
            )
        deviation = data.variables[std]
        unit, std_unit = variable.attrs.get("units"), deviation.attrs.get("units")
        if unit != std_unit:
            problems.breaches.append(
                f"{where}: {std!r} is in {std_unit!r}, expected {unit!r} as {name!r}"
            )
        if deviation.dims != variable.dims:
            problems.breaches.append(
                f"{where}: {std!r} has dimensions {deviation.dims}, expected {variable.dims}"
            )
        if not lazy and deviation.size and deviation.dtype.kind in "iuf":
            below = np.asarray(deviation.values) < 0
            if below.any():
                problems.faults.append(f"{where}: {std!r} is negative at {int(below.sum())} points")


def summarise(data: xr.Dataset) -> DataSummary:
    """Return names, shapes, units and dtypes of a data set."""

    def one(variable: xr.Variable) -> VariableSummary:
        unit = variable.attrs.get("units")
        return VariableSummary(
            dims=[str(d) for d in variable.dims],
            shape=[int(n) for n in variable.shape],
            unit=None if unit is None else str(unit),
            dtype=str(variable.dtype),
        )

    return DataSummary(
        variables={str(n): one(v.variable) for n, v in data.data_vars.items()},
        coordinates={str(n): one(v.variable) for n, v in data.coords.items()},
    )


def leaves_folder(name: str) -> bool:
    """Return True if a relative file name does not stay in its folder, on any system."""
    windows, posix = PureWindowsPath(name), PurePosixPath(name)
    return (
        not name.strip()
        or "\0" in name
        or posix.is_absolute()
        or bool(windows.drive or windows.root)
        or ".." in windows.parts
    )


def jsonable(value: Any, where: str, *, strict: bool) -> Any:
    """Return a value in JSON's types: NumPy scalars and arrays, bytes and dates are written out.

    Parameters
    ----------
    where : str
        What messages call the value.
    strict : bool
        Refuse NaN and infinity; otherwise they become the texts ``NaN``,
        ``Infinity`` and ``-Infinity``, since what a file said is kept whole.

    Raises
    ------
    TypeError, ValueError
        Something has no JSON form; the message says where.
    """
    if value is None or isinstance(value, bool | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        if strict:
            raise ValueError(f"{where} is {float(value)!r}; unknown is None")
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, Mapping):
        return {str(k): jsonable(v, f"{where}.{k}", strict=strict) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(v, f"{where}[{i}]", strict=strict) for i, v in enumerate(value)]
    if hasattr(value, "model_dump"):
        return jsonable(value.model_dump(mode="json"), where, strict=strict)
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        if value.dtype.kind in "mM":
            return jsonable(value.astype(str).tolist(), where, strict=strict)
        return jsonable(value.tolist(), where, strict=strict)
    raise TypeError(f"{where} is {_a(value)}, which has no JSON form")


def _a(value: object) -> str:
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def _either(allowed: list[str]) -> str:
    return " or ".join(repr(u) for u in allowed) or "any unit"
