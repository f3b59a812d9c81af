"""What a person enters: preparation steps, findings and peak lists, each with a citation."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from consilience._version import __version__
from consilience.declarations import Kind, Modality
from consilience.errors import BadInputError
from consilience.model.base import StateValue
from consilience.model.canonical import canonical_json, content_id
from consilience.model.finding import Finding, FindingDraft, Source
from consilience.model.measurement import (
    DataSummary,
    MeasurementRecord,
    RegisteredFile,
    VariableSummary,
)
from consilience.model.sample import Step, problems_of
from consilience.study.added import Added

if TYPE_CHECKING:
    from pathlib import Path

    from consilience.study.entry import Entry

__all__ = ["entered_finding", "findings_of_step", "register_peak_list", "validated"]

M = TypeVar("M", bound=BaseModel)


def findings_of_step(step: Step) -> list[Finding]:
    """Return what a *prepare* step says of its sample: each phase present, with its fraction."""
    findings = []
    for part in step.constituents:
        base: dict[str, Any] = {
            "subject": part.subject.to_json(),
            "sample": step.sample,
            "region": None,
            "state": {},
            "interval": None,
            "covariance": None,
            "array": None,
            "probe": None,
            "limit": None,
            "reason": None,
            "rivals": [],
            "unassigned": None,
            "evidence": {"complete": step.complete, "step": step.id},
            "assumptions": [],
            "method": "weighed in when the sample was prepared",
            "origin": step.origin,
            "measurements": [],
            "source": Source(
                plugin="core",
                version=__version__,
                analysis="step.prepare",
                citation=step.citation,
            ).to_json(),
        }
        amount = {
            "value": part.mass_fraction,
            "unit": "1",
            "std_stat": part.std_stat,
            "std_sys": part.std_sys,
        }
        findings.append(
            Finding.identified({**base, **amount, "kind": "phase", "status": "present"})
        )
        if part.mass_fraction is not None:
            findings.append(
                Finding.identified({**base, **amount, "kind": "phase_fraction", "status": None})
            )
    return findings


def entered_finding(
    study: Entry,
    draft: FindingDraft,
    sample: str,
    citation: str,
    modality: str | None = None,
) -> Finding:
    """Complete a finding that a person enters from the literature or a lab book.

    Raises
    ------
    BadInputError
        The kind is not registered, the unit is not the kind's, or the citation is
        empty.
    """
    study.sample(sample)
    kind = study.registry.get(Kind, draft.kind)
    if draft.value is not None and kind.unit is not None and draft.unit != kind.unit:
        raise BadInputError(
            f"entered {draft.kind} of {sample!r}: unit {draft.unit!r}, expected {kind.unit!r}",
            fix=f"convert the number to {kind.unit}",
        )
    if not citation.strip():
        raise BadInputError(
            f"entered {draft.kind} of {sample!r} has no citation",
            fix="say where it comes from: paper with figure or table, or page of a lab book",
        )
    content = draft.to_json()
    content["state"] = content["state"] or {}
    return Finding.identified(
        {
            **content,
            "sample": sample,
            "origin": "entered",
            "measurements": [],
            "source": Source(
                plugin="core",
                version=__version__,
                analysis="entered",
                parameters={"modality": modality} if modality else {},
                citation=citation,
            ).to_json(),
        }
    )


def register_peak_list(
    study: Entry,
    sample: str,
    modality: str,
    axis: str,
    unit: str,
    peaks: Sequence[Mapping[str, Any]],
    citation: str,
    *,
    title: str = "",
    state: Mapping[str, StateValue] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Added:
    """Register a published peak list as an entered measurement; see `Study.add_peak_list`."""
    import numpy as np
    import xarray as xr

    study.sample(sample)
    declared = study.registry.get(Modality, modality)
    where = f"peak list {title or 'of ' + sample!r}"
    if axis not in declared.coordinates:
        raise BadInputError(
            f"{where}: modality {modality!r} has no axis {axis!r}",
            fix=f"use one of: {', '.join(declared.coordinates)}",
        )
    if unit not in declared.coordinates[axis]:
        raise BadInputError(
            f"{where}: unit {unit!r} is not allowed for {axis!r}",
            fix=f"convert to {declared.coordinates[axis][0]}",
        )
    if not citation.strip():
        raise BadInputError(
            f"{where} has no citation", fix="say where the positions were published or noted"
        )
    rows = _peak_rows(where, peaks)
    numbers = {
        name: [float(row[name]) if row.get(name) is not None else np.nan for row in rows]
        for name in ("center", "center_std", "area", "area_std", "fwhm", "fwhm_std")
        if name == "center" or any(row.get(name) is not None for row in rows)
    }
    attrs: dict[str, Any] = {"axis": axis}
    units = {"center": unit, "fwhm": unit, "area": "arbitrary"}
    data = xr.Dataset(attrs=attrs)
    for name, values in numbers.items():
        base = name.removesuffix("_std")
        data[name] = ("peak", np.asarray(values), {"units": units[base]})
        if f"{name}_std" in numbers:
            data[name].attrs["ancillary_variables"] = f"{name}_std"
        if np.isnan(values).any():
            data[name].attrs["missing"] = "not given in the source"
    labels = [str(row.get("label", "")) for row in rows]
    content = {
        "axis": axis,
        "unit": unit,
        "peaks": rows,
        "citation": citation,
        "title": title,
        "modality": modality,
        "metadata": dict(metadata or {}),
    }
    file = study.store.put_bytes(canonical_json(content), f"{title or 'peaks'}.json")
    read_id = content_id("r", {"peak_list": file.sha256})
    record = MeasurementRecord(
        id=content_id("m", {"read": read_id, "sample": sample, "state": _json_state(state)}),
        name=title or "peak list",
        modality=modality,
        sample=sample,
        state=dict(state or {}),
        origin="entered",
        stored={"data": RegisteredFile.model_validate(file.to_dict())},
        reader="core.peak_list",
        plugin="core",
        version=__version__,
        array=study.store.put_dataset(data),
        lazy=None,
        summary=DataSummary(
            variables={
                str(name): VariableSummary(
                    dims=["peak"],
                    shape=[len(rows)],
                    unit=variable.attrs["units"],
                    dtype=str(variable.dtype),
                )
                for name, variable in data.data_vars.items()
            },
            coordinates={},
        ),
        metadata={"axis": axis, "labels": labels, **dict(metadata or {})},
        citation=citation,
    )
    appended = study.store.append_unless(
        lambda _: study.holds("measurement", record.id), [("measurement", record.to_json())]
    )
    return Added("measurement", record.id, bool(appended), record.name)


def _json_state(state: Mapping[str, StateValue] | None) -> dict[str, Any]:
    return {
        key: value if isinstance(value, str | int | float) else value.to_json()
        for key, value in (state or {}).items()
    }


def _peak_rows(where: str, peaks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    known = {"center", "center_std", "area", "area_std", "fwhm", "fwhm_std", "label"}
    problems = []
    if not peaks:
        problems.append("it has no peaks")
    for number, row in enumerate(peaks, start=1):
        extra = set(row) - known
        if extra:
            problems.append(f"peak {number}: unknown field {min(extra)!r}")
        center: Any = row.get("center")
        if not _finite(center) or center <= 0:
            problems.append(f"peak {number}: center is {center!r}, expected a number above 0")
        for name in known - {"label", "center"}:
            value = row.get(name)
            if value is not None and (not _finite(value) or value < 0):
                problems.append(f"peak {number}: {name} is {value!r}, expected a number >= 0")
    if problems:
        raise BadInputError(
            f"{where}: {'; '.join(problems)}",
            fix="each peak has center, and may have center_std, area, fwhm and label",
        )
    return [dict(row) for row in peaks]


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def validated(
    model: type[M], content: Mapping[str, Any], where: str, path: Path | None = None
) -> M:
    """Validate what a person wrote and report all problems at once with their places.

    Raises
    ------
    BadInputError
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        page = "docs/series.md" if where.startswith("mapping ") else "docs/study-toml.md"
        raise BadInputError(
            f"{where}: {'; '.join(problems_of(error))}",
            fix=_meant(model, error) or f"correct the named fields; {page} lists them all",
            path=path,
        ) from error


def _meant(model: type[BaseModel], error: ValidationError) -> str | None:
    """Return the word that was meant, where one that is not known is nearly a known one."""
    for item in error.errors(include_url=False):
        known: list[str] = []
        said = str(item["input"])
        if item["type"] == "literal_error":
            known = re.findall(r"'([^']*)'", str(item["ctx"]["expected"]))
        elif item["type"] == "extra_forbidden":
            *place, said = map(str, item["loc"])
            known = _names(model, place)
        near = get_close_matches(said.casefold().replace(" ", "_"), known, n=1)
        if near:
            return f"did you mean {near[0]!r}?"
    return None


def _names(model: type[BaseModel], place: Sequence[str]) -> list[str]:
    """Return the names that a table knows, found by its place in the model."""
    for part in place:  # a number in a list, or a key that a person chose, is no field
        if part in model.model_fields:
            inner = _tables(model.model_fields[part].annotation)
            if len(inner) != 1:
                return []
            model = inner[0]
    return list(model.model_fields)


def _tables(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [table for part in get_args(annotation) for table in _tables(part)]
