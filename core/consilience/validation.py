"""Is what a reader returns what its modality promises?  One check for worker and test kit.

All problems of all signals are reported at once, each with its place.  A fault of
form (a missing unit, an unknown modality) is the plugin's and raises `PluginError`; a
fault of content (a NaN, an empty array) came with the file and raises `BadFileError`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from consilience.declarations import Modality
from consilience.errors import BadFileError, PluginError
from consilience.model.canonical import canonical_json
from consilience.model.measurement import (
    DataSummary,
    Exposure,
    Notice,
    Signal,
    VariableSummary,
)
from consilience.workers.validate import jsonable

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Problem", "dataset_problems", "signal_problems", "summarise", "validate_signals"]

BLOCK = 1 << 22
"""Values looked at in one go: 32 MB of float64."""


@dataclass(frozen=True)
class Problem:
    """One fault: where, what, and whether the file (rather than the plugin) is to blame."""

    where: str
    what: str
    of_file: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def validate_signals(
    signals: Any,
    reader_modalities: Collection[str],
    modalities: Mapping[str, Modality],
    path: Path | None = None,
) -> None:
    """Check everything a reader returned for one file.

    Parameters
    ----------
    signals : list of Signal
        The reader's answer, of any type until it is checked here.
    reader_modalities : collection of str
        ``Reader.modalities``.
    modalities : mapping
        Key to declaration, of all modalities that are registered.
    path : Path, optional
        The file, named in the error.

    Raises
    ------
    PluginError
        At least one fault of form; the message lists all faults, those of content too.
    BadFileError
        Faults of content only.
    """
    problems = signal_problems(signals, reader_modalities, modalities)
    if not problems:
        return
    number = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    text = f"what the reader returned has {number}: " + "; ".join(map(str, problems))
    if all(p.of_file for p in problems):
        raise BadFileError(
            text, fix="look at the file at the places named; nothing was registered", path=path
        )
    raise PluginError(
        text, fix="report it to the plugin's author; its contract tests show it", path=path
    )


def signal_problems(
    signals: Any, reader_modalities: Collection[str], modalities: Mapping[str, Modality]
) -> list[Problem]:
    """Return every fault of what a reader returned; an empty list means valid."""
    if not isinstance(signals, list) or not all(isinstance(s, Signal) for s in signals):
        kinds = (
            f"a list with {', '.join(sorted({type(s).__name__ for s in signals}))}"
            if isinstance(signals, list)
            else type(signals).__name__
        )
        return [Problem("read", f"returned {kinds}, expected a list of Signal")]
    if not signals:
        return [Problem("read", "returned no signal", of_file=True)]
    problems = [
        Problem(f"signal {name!r}", "the name is used twice")
        for name in sorted({s.name for s in signals if [t.name for t in signals].count(s.name) > 1})
    ]
    for signal in signals:
        problems += _one(signal, reader_modalities, modalities)
    return problems


def summarise(data: xr.Dataset) -> DataSummary:
    """Return names, dimensions, shapes, units and dtypes of a data set without reading it."""

    def one(array: xr.DataArray) -> VariableSummary:
        unit = array.attrs.get("units")
        return VariableSummary(
            dims=[str(d) for d in array.dims],
            shape=[int(n) for n in array.shape],
            unit=unit if isinstance(unit, str) else None,
            dtype=str(array.dtype),
        )

    return DataSummary(
        variables={str(n): one(v) for n, v in data.data_vars.items()},
        coordinates={str(n): one(v) for n, v in data.coords.items()},
    )


def dataset_problems(data: Any, where: str) -> list[Problem]:
    """Return the faults of a data set of no modality: units, dtypes, finite values."""
    import xarray as xr

    if not isinstance(data, xr.Dataset):
        return [Problem(where, f"is a {type(data).__name__}, expected an xarray.Dataset")]
    return [*_form(summarise(data), None, where), *_content(data, where)]


def _one(
    signal: Signal, reader_modalities: Collection[str], modalities: Mapping[str, Modality]
) -> Iterator[Problem]:
    where = f"signal {signal.name!r}"
    name: Any = signal.name  # plugins need not be type-checked
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        yield Problem(where, "the name must be one printable line")
    if signal.modality not in reader_modalities:
        yield Problem(
            where, f"modality {signal.modality!r} is not among the reader's {reader_modalities}"
        )
    modality = modalities.get(signal.modality)
    if modality is None:
        yield Problem(where, f"modality {signal.modality!r} is not registered")
    yield from _rest(signal, where)
    if signal.data is not None:
        import xarray as xr

        given: Any = signal.data
        if not isinstance(given, xr.Dataset):
            kind = type(given).__name__
            yield Problem(where, f"data is a {kind}, expected an xarray.Dataset")
            return
        summary = summarise(signal.data)
        if signal.summary is not None and signal.summary != summary:
            yield Problem(where, "summary differs from the data; leave it out or derive it")
    else:
        assert signal.summary is not None  # Signal itself sees to it
        summary = signal.summary
    yield from _form(summary, modality, where)
    if signal.data is not None:
        yield from _content(signal.data, where)


def _form(summary: DataSummary, modality: Modality | None, where: str) -> Iterator[Problem]:
    """Names, units and dtypes, from the summary alone."""
    if not summary.variables:
        yield Problem(where, "holds no variable", of_file=True)
    if modality is not None and summary.variables:
        known = [n for n in summary.variables if n in modality.variables]
        if not known:
            yield Problem(
                where,
                f"has {sorted(summary.variables)}, but none of the variables of modality "
                f"{modality.key!r}: {sorted(modality.variables)}",
            )
    for group, declared in (
        (summary.variables, modality.variables if modality else {}),
        (summary.coordinates, modality.coordinates if modality else {}),
    ):
        for name, item in group.items():
            place = f"{where}, {name!r}"
            if not name or "/" in name or name.startswith("."):
                yield Problem(place, "is no name that can be stored")
            if len(item.dims) != len(item.shape):
                yield Problem(place, f"dims {item.dims} do not fit shape {item.shape}")
            allowed = declared.get(name)
            if allowed is None and name.endswith("_std"):
                allowed = declared.get(name.removesuffix("_std"))
            if item.unit is None:
                yield Problem(place, "has no attrs['units'] ('1' for a plain number)")
            elif allowed is not None and item.unit not in allowed:
                yield Problem(
                    place, f"has unit {item.unit!r}, the modality allows {', '.join(allowed)}"
                )
            kind = _kind(item.dtype)
            if kind not in "biufU":
                yield Problem(
                    place,
                    f"has dtype {item.dtype}, expected numbers or text "
                    "(a time is a number with unit 's' and its start in the metadata)",
                )
            if 0 in item.shape:
                yield Problem(place, f"is empty, shape {tuple(item.shape)}", of_file=True)
    for name, item in summary.variables.items():
        if not name.endswith("_std"):
            continue
        of = summary.variables.get(name.removesuffix("_std"))
        place = f"{where}, {name!r}"
        if of is None:
            yield Problem(place, f"there is no variable {name.removesuffix('_std')!r} beside it")
        elif (of.dims, of.shape, of.unit) != (item.dims, item.shape, item.unit):
            yield Problem(
                place,
                f"has {item.dims} {item.shape} {item.unit!r}, its variable "
                f"{of.dims} {of.shape} {of.unit!r}",
            )


def _kind(dtype: str) -> str:
    import numpy as np

    try:
        return np.dtype(dtype).kind
    except TypeError:
        return "?"


def _content(data: xr.Dataset, where: str) -> Iterator[Problem]:
    """Ancillary names, and the values themselves in blocks."""
    for name, array in data.data_vars.items():
        place = f"{where}, {name!r}"
        named = str(array.attrs.get("ancillary_variables", "")).split()
        for other in named:
            if other not in data.variables:
                yield Problem(place, f"ancillary_variables names {other!r}, which is not there")
        if f"{name}_std" in data.data_vars and f"{name}_std" not in named:
            yield Problem(place, f"attrs['ancillary_variables'] does not name '{name}_std'")
    for name, coordinate in data.coords.items():
        yield from _monotonic(coordinate, f"{where}, {name!r}")
    for name, variable in data.variables.items():
        place = f"{where}, {name!r}"
        try:
            canonical_json(dict(variable.attrs))
        except (TypeError, ValueError) as error:
            yield Problem(place, f"attrs have no JSON form: {error}")
        if variable.dtype.kind != "f" and not (variable.dtype.kind in "iu" and _is_std(name)):
            continue
        missing = name in data.data_vars and bool(variable.attrs.get("missing"))
        yield from _values(variable, place, missing=missing, std=_is_std(name))


def _monotonic(coordinate: xr.DataArray, place: str) -> Iterator[Problem]:
    """An axis rises or falls; a step back is what the user has to look for."""
    import numpy as np

    values = coordinate.values
    if coordinate.dims != (coordinate.name,) or values.size < 2 or values.dtype.kind not in "iuf":
        return
    falling = values[-1] < values[0]
    wrong = values[1:] >= values[:-1] if falling else values[1:] <= values[:-1]
    if wrong.any():
        i = int(np.argmax(wrong))
        yield Problem(
            place,
            f"is not strictly monotonic: {values[i + 1]} at {i + 1} after {values[i]}",
            of_file=True,
        )


def _is_std(name: object) -> bool:
    return str(name).endswith("_std")


def _values(variable: xr.Variable, place: str, *, missing: bool, std: bool) -> Iterator[Problem]:
    """Non-finite and negative values of one array.

    NaN is allowed where ``attrs["missing"]`` says what it stands for (a masked
    pixel); infinity never is.
    """
    import numpy as np

    bad = negative = 0
    first: tuple[int, ...] | None = None
    for start, values in _blocks(variable):
        wrong = np.isinf(values) if missing else ~np.isfinite(values)
        here = int(np.count_nonzero(wrong))
        if here and first is None:
            index = [int(i) for i in np.argwhere(wrong)[0]]
            if index:
                index[0] += start
            first = tuple(index)
        bad += here
        if std:
            negative += int(np.count_nonzero(values < 0))
    if bad:
        what = "infinite" if missing else "not finite"
        hint = "" if missing else "; say in attrs['missing'] what a NaN stands for, if it is meant"
        yield Problem(
            place,
            f"{bad} of {variable.size} values are {what}, first at {first}{hint}",
            of_file=True,
        )
    if negative:
        yield Problem(place, f"{negative} of {variable.size} standard deviations are negative")


def _blocks(variable: xr.Variable) -> Iterator[tuple[int, Any]]:
    """Yield (first index, values) along the first dimension, never the whole of a big array."""
    if variable.ndim == 0 or variable.size <= BLOCK:
        yield 0, variable.values
        return
    rows = max(1, BLOCK // max(1, variable.size // variable.shape[0]))
    for start in range(0, variable.shape[0], rows):
        yield start, variable[start : start + rows].values


def _rest(signal: Signal, where: str) -> Iterator[Problem]:
    """Check what stands beside the data."""
    for name in ("metadata", "raw_metadata", "lazy"):
        value = getattr(signal, name)
        try:
            if name == "raw_metadata":  # what the file said is kept whole, NaN and all
                jsonable(value, name, strict=False)
            else:
                canonical_json(dict(value) if isinstance(value, Mapping) else value)
        except (TypeError, ValueError) as error:
            yield Problem(f"{where}, {name}", f"has no JSON form: {error}")
    for name, expected in (("notices", Notice), ("exposures", Exposure)):
        items: Sequence[object] = getattr(signal, name)
        if not all(isinstance(item, expected) for item in items):
            yield Problem(f"{where}, {name}", f"expected a list of {expected.__name__}")
    if signal.origin not in ("measured", "simulated", "entered"):
        yield Problem(f"{where}, origin", f"{signal.origin!r}, expected measured or simulated")
    if signal.start is not None:
        try:
            datetime.fromisoformat(signal.start)
        except (TypeError, ValueError):
            yield Problem(f"{where}, start", f"{signal.start!r} is not ISO 8601")
    for link in signal.linked:
        if PurePosixPath(link).is_absolute() or ".." in PurePosixPath(link).parts:
            yield Problem(f"{where}, linked", f"{link!r} leaves the file's folder", of_file=True)
