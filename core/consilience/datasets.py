"""Faults of one data set: names, units, dtypes and shapes, and the values themselves.

Values are looked at in blocks, so that a large array is never copied.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from consilience.declarations import Modality
from consilience.model.canonical import canonical_json
from consilience.model.measurement import DataSummary, VariableSummary
from consilience.plain import a_type

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Problem", "content_problems", "dataset_problems", "form_problems", "summarise"]

BLOCK = 1 << 22
"""Values looked at in one go: 32 MB of float64."""

MOST_ELEMENTS = 1 << 40
"""An array of more is a damaged header, not a measurement."""


@dataclass(frozen=True)
class Problem:
    """One fault: where, what, and whether the file (rather than the plugin) is to blame."""

    where: str
    what: str
    of_file: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def summarise(data: xr.Dataset) -> DataSummary:
    """Return names, dimensions, shapes, units and dtypes of a data set without reading it."""

    def one(array: xr.Variable) -> VariableSummary:
        unit = array.attrs.get("units")
        return VariableSummary(
            dims=[str(d) for d in array.dims],
            shape=[int(n) for n in array.shape],
            unit=unit if isinstance(unit, str) else None,
            dtype=str(array.dtype),
        )

    variables = data.variables
    return DataSummary(
        variables={str(n): one(variables[n]) for n in data.data_vars},
        coordinates={str(n): one(variables[n]) for n in data.coords},
    )


def dataset_problems(data: Any, where: str) -> list[Problem]:
    """Return the faults of a data set of no modality: units, dtypes, finite values."""
    import xarray as xr

    if not isinstance(data, xr.Dataset):
        return [Problem(where, f"is {a_type(data)}, expected an xarray.Dataset")]
    return [*form_problems(summarise(data), None, where, data), *content_problems(data, where)]


def form_problems(
    summary: DataSummary, modality: Modality | None, where: str, data: xr.Dataset | None = None
) -> Iterator[Problem]:
    """Yield faults of names, units, dtypes and shapes; no value is looked at.

    Parameters
    ----------
    modality : Modality or None
        None allows any name with any unit.
    where : str
        How messages name the data set.
    data : xarray.Dataset, optional
        What `summary` was made of, to say what stands where a unit should.
    """
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
    attrs = None if data is None else {str(n): v.attrs for n, v in data.variables.items()}
    for table in (summary.variables, summary.coordinates):
        for name, item in table.items():
            place = f"{where}, {name!r}"
            if not name or "/" in name or name.startswith("."):
                yield Problem(place, "is no name that can be stored")
            if len(item.dims) != len(item.shape):
                yield Problem(place, f"dims {item.dims} do not fit shape {item.shape}")
            given = item.unit if attrs is None else attrs[name].get("units")
            allowed = _allowed(name, modality, coordinate=table is summary.coordinates)
            wrong = _wrong_unit(given, allowed)
            if wrong:
                yield Problem(place, wrong)
            if _kind(item.dtype) not in "biufU":
                yield Problem(
                    place,
                    f"has dtype {item.dtype}, expected real numbers or text "
                    "(a time is a number with unit 's' and its start in the metadata)",
                )
            if any(n <= 0 for n in item.shape):
                yield Problem(place, f"is empty, shape {tuple(item.shape)}", of_file=True)
            elif math.prod(item.shape) > MOST_ELEMENTS:
                yield Problem(place, f"claims an absurd shape {tuple(item.shape)}", of_file=True)
    yield from _std_form(summary, where)


def _allowed(name: str, modality: Modality | None, *, coordinate: bool) -> tuple[str, ...]:
    """Return the units that a modality allows for a name; empty means any."""
    if modality is None:
        return ()
    own, other = modality.variables, modality.coordinates
    if coordinate:
        own, other = other, own
    bare = name.removesuffix("_std")
    return next((t[n] for n in (name, bare) for t in (own, other) if n in t), ())


def _wrong_unit(given: object, allowed: tuple[str, ...]) -> str:
    if given is None:
        hint = f"the modality allows {', '.join(allowed)}" if allowed else "'1' for a plain number"
        return f"has no attrs['units'] ({hint})"
    if not isinstance(given, str):
        return f"attrs['units'] is {a_type(given)}, expected a text"
    if allowed and given not in allowed:
        return f"has unit {given!r}, the modality allows {', '.join(allowed)}"
    return ""


def _std_form(summary: DataSummary, where: str) -> Iterator[Problem]:
    everything = {**summary.coordinates, **summary.variables}
    for name, item in everything.items():
        if not _is_std(name):
            continue
        place, bare = f"{where}, {name!r}", name.removesuffix("_std")
        of = everything.get(bare)
        if of is None:
            if name in summary.variables:
                yield Problem(place, f"there is no variable {bare!r} beside it")
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


def _is_std(name: object) -> bool:
    return str(name).endswith("_std")


def content_problems(
    data: xr.Dataset, where: str, *, coordinates_only: bool = False
) -> Iterator[Problem]:
    """Yield faults of attributes and of the values themselves.

    Parameters
    ----------
    coordinates_only : bool
        Leave the values of variables alone: they lie in a raw file.
    """
    for name, variable in data.variables.items():
        place = f"{where}, {name!r}"
        if not isinstance(name, str):
            yield Problem(place, f"is {a_type(name)}, no name that can be stored")
        named = str(variable.attrs.get("ancillary_variables", "")).split()
        for other in named:
            if other not in data.variables:
                yield Problem(place, f"ancillary_variables names {other!r}, which is not there")
        if f"{name}_std" in data.variables and f"{name}_std" not in named:
            yield Problem(place, f"attrs['ancillary_variables'] does not name '{name}_std'")
        try:
            canonical_json(dict(variable.attrs))
        except (TypeError, ValueError) as error:
            yield Problem(place, f"attrs have no JSON form: {error}")
        coordinate = name in data.coords
        if not 0 < variable.size <= MOST_ELEMENTS or (coordinates_only and not coordinate):
            continue
        if variable.dims == (name,):
            yield from _axis(variable, place)
        elif variable.dtype.kind == "f" or (variable.dtype.kind in "iu" and _is_std(name)):
            missing = not coordinate and bool(variable.attrs.get("missing"))
            hint = "; say in attrs['missing'] what a NaN stands for, if it is meant"
            yield from _values(
                _blocks(variable),
                variable.size,
                place,
                missing=missing,
                std=_is_std(name),
                hint="" if coordinate else hint,
            )


def _axis(variable: xr.Variable, place: str) -> Iterator[Problem]:
    """An axis rises or falls, or has labels that differ; a step back is what to look for."""
    import numpy as np

    values = variable.values
    if values.dtype.kind == "U":
        first: dict[str, int] = {}
        for i, label in enumerate(values.tolist()):
            if first.setdefault(label, i) != i:
                yield Problem(
                    place,
                    f"names {label!r} twice, at point {first[label]} and at point {i}",
                    of_file=True,
                )
                return
    if values.dtype.kind not in "iuf":
        return
    bad = list(_values([(0, values)], values.size, place, missing=False, std=False, hint=""))
    yield from bad
    if bad or values.size < 2:
        return
    falling = values[-1] < values[0]
    wrong = values[1:] >= values[:-1] if falling else values[1:] <= values[:-1]
    if wrong.any():
        i = int(np.argmax(wrong))
        yield Problem(
            place,
            f"is not strictly monotonic: point {i + 1} is {values[i + 1]} "
            f"after {values[i]} at point {i}",
            of_file=True,
        )


def _values(
    blocks: Iterable[tuple[int, Any]],
    size: int,
    place: str,
    *,
    missing: bool,
    std: bool,
    hint: str,
) -> Iterator[Problem]:
    """Non-finite and negative values of one array.

    NaN is allowed where ``attrs["missing"]`` says what it stands for (a masked
    pixel); infinity never is.
    """
    import numpy as np

    bad = negative = 0
    first = ""
    for start, values in blocks:
        wrong = np.isinf(values) if missing else ~np.isfinite(values)
        here = int(np.count_nonzero(wrong))
        if here and not bad:
            index = tuple(int(i) for i in np.argwhere(wrong)[0])
            first = f"first {values[index]}{_at(index, start)}"
        bad += here
        if std:
            negative += int(np.count_nonzero(values < 0))
    if bad:
        what = "infinite" if missing else "not finite"
        text = f"{bad} of {size} values are {what}, {first}"
        yield Problem(place, text if missing else text + hint, of_file=True)
    if negative:
        text = f"{negative} of {size} standard deviations are negative"
        yield Problem(place, text, of_file=True)


def _at(index: tuple[int, ...], start: int) -> str:
    if not index:
        return ""
    whole = (index[0] + start, *index[1:])
    return f" at point {whole[0]}" if len(whole) == 1 else f" at {whole}"


def _blocks(variable: xr.Variable) -> Iterator[tuple[int, Any]]:
    """Yield (first index, values) along the first dimension, never the whole of a big array."""
    if variable.ndim == 0 or variable.size <= BLOCK:
        yield 0, variable.values
        return
    rows = max(1, BLOCK // max(1, variable.size // variable.shape[0]))
    for start in range(0, variable.shape[0], rows):
        yield start, variable[start : start + rows].values
