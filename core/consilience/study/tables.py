"""Published tables: numbers that a person enters as data, with their citation.

A table is a measurement of origin *entered*: columns of numbers over its rows, each with a unit
and, where the source gives one, a standard deviation.  Analyses take it like any other data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from consilience._version import __version__
from consilience.declarations import Modality
from consilience.errors import BadInputError
from consilience.model.base import StateValue
from consilience.model.canonical import canonical_json, content_id
from consilience.model.measurement import (
    DataSummary,
    MeasurementRecord,
    RegisteredFile,
    VariableSummary,
)
from consilience.study.added import Added

if TYPE_CHECKING:
    from consilience.study.entry import Entry

__all__ = ["ROWS", "register_table"]

ROWS = "entry"
"""Name of the dimension along the rows of an entered table."""
_FIELDS = ("unit", "values", "std")


def register_table(
    study: Entry,
    sample: str,
    modality: str,
    columns: Mapping[str, Mapping[str, Any]],
    citation: str,
    *,
    title: str = "",
    labels: Sequence[str] = (),
    state: Mapping[str, StateValue] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Added:
    """Register a published table as an entered measurement; see `Study.add_table`.

    Raises
    ------
    BadInputError
        All problems at once: no citation, columns of different lengths, a unit that the modality
        does not allow for the column, values that are no numbers, negative standard deviations.
    """
    import numpy as np
    import xarray as xr

    study.sample(sample)
    declared = study.registry.get(Modality, modality)
    where = f"table {title or 'of ' + sample!r}"
    if not citation.strip():
        raise BadInputError(
            f"{where} has no citation", fix="say where the numbers were published or noted"
        )
    names = [str(label) for label in labels]
    problems = _problems(columns, names, declared)
    if problems:
        raise BadInputError(
            f"{where}: {'; '.join(problems)}",
            fix="each column has unit and values, one for each row, and may have std (one number "
            "or one for each row); see docs/study-toml.md",
        )
    data = xr.Dataset()
    for name, column in columns.items():
        values = _numbers(column["values"])
        data[name] = (ROWS, values, {"units": column["unit"]})
        if np.isnan(values).any():
            data[name].attrs["missing"] = "not given in the source"
        if column.get("std") is not None:
            std = column["std"]
            spread = _numbers(std if isinstance(std, list | tuple) else [std] * len(values))
            data[name].attrs["ancillary_variables"] = f"{name}_std"
            attrs = {"units": column["unit"]}
            if np.isnan(spread).any():
                attrs["missing"] = "not given in the source"
            data[f"{name}_std"] = (ROWS, spread, attrs)
    plain_state = {
        key: value if isinstance(value, str | int | float) else value.to_json()
        for key, value in (state or {}).items()
    }
    content = {
        "columns": {name: dict(column) for name, column in columns.items()},
        "labels": names,
        "citation": citation,
        "title": title,
        "modality": modality,
        "metadata": dict(metadata or {}),
    }
    file = study.store.put_bytes(canonical_json(content), f"{title or 'table'}.json")
    read_id = content_id("r", {"table": file.sha256})
    record = MeasurementRecord(
        id=content_id("m", {"read": read_id, "sample": sample, "state": plain_state}),
        name=title or "table",
        modality=modality,
        sample=sample,
        state=dict(state or {}),
        origin="entered",
        stored={"data": RegisteredFile.model_validate(file.to_dict())},
        reader="core.table",
        plugin="core",
        version=__version__,
        array=study.store.put_dataset(data),
        lazy=None,
        summary=DataSummary(
            variables={
                str(name): VariableSummary(
                    dims=[ROWS],
                    shape=list(variable.shape),
                    unit=variable.attrs["units"],
                    dtype=str(variable.dtype),
                )
                for name, variable in data.data_vars.items()
            },
            coordinates={},
        ),
        metadata={"labels": names, **dict(metadata or {})},
        citation=citation,
    )
    appended = study.store.append_unless(
        lambda _: study.holds("measurement", record.id), [("measurement", record.to_json())]
    )
    return Added("measurement", record.id, bool(appended), record.name)


def _numbers(values: Sequence[Any]) -> Any:
    import numpy as np

    return np.array([np.nan if value == "" else float(value) for value in values])


def _problems(
    columns: Mapping[str, Mapping[str, Any]], labels: Sequence[str], declared: Modality
) -> list[str]:
    if not columns:
        return ["it has no columns"]
    problems = []
    lengths = {}
    for name, column in columns.items():
        if not name.isidentifier() or name.endswith("_std"):
            problems.append(f"column {name!r}: use letters, digits and _, and give std beside it")
        extra = sorted(set(column) - set(_FIELDS))
        if extra:
            problems.append(f"column {name!r}: unknown field {extra[0]!r}")
        unit, values = column.get("unit"), column.get("values")
        if not isinstance(unit, str) or not unit:
            problems.append(f"column {name!r} has no unit; a plain number has '1'")
        elif unit not in declared.variables.get(name, (unit,)):
            allowed = ", ".join(declared.variables[name])
            problems.append(f"column {name!r} is in {unit!r}, {declared.key} has {allowed}")
        if not isinstance(values, list | tuple) or not values:
            problems.append(f"column {name!r} has no values")
            continue
        lengths[name] = len(values)
        problems += [
            f"column {name!r}, row {row}: {value!r} is no number; write '' where none is given"
            for row, value in enumerate(values, start=1)
            if not _finite(value)
        ]
        problems += _problems_of_std(name, column.get("std"), len(values))
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {number}" for name, number in lengths.items())
        problems.append(f"columns of different lengths: {told}")
    if labels and lengths and len(labels) not in lengths.values():
        problems.append(f"{len(labels)} labels for {max(lengths.values())} rows")
    return problems


def _problems_of_std(name: str, std: Any, rows: int) -> list[str]:
    if std is None:
        return []
    given = std if isinstance(std, list | tuple) else [std] * rows
    if len(given) != rows:
        return [f"column {name!r}: {len(given)} standard deviations for {rows} values"]
    return [
        f"column {name!r}, row {row}: its standard deviation is {value!r}, expected 0 or more"
        for row, value in enumerate(given, start=1)
        if not _finite(value) or (value != "" and value < 0)
    ]


def _finite(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value == "" or (number and math.isfinite(value))
