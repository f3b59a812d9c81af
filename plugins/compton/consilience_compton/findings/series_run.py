"""The analysis ``compton.series``: EMR, lithium and roughness of one cell, state after state."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.model.finding import FindingDraft
from consilience.model.measurement import Measurement, Notice
from consilience_compton.findings.courses import QUANTITIES, Course, course_of_table
from consilience_compton.findings.series_drafts import (
    association_drafts,
    calibration_draft,
    calibration_of,
    change_drafts,
    models_of,
    value_drafts,
)
from consilience_compton.findings.series_params import SeriesParams
from consilience_compton.model.profiles import ModelRatio

__all__ = ["run_series"]


def run_series(
    measurements: Sequence[Measurement], params: SeriesParams, context: AnalysisContext
) -> AnalysisOutput:
    """Follow EMR, x and roughness over the states of one sample.

    Takes entered tables with a column of `QUANTITIES`.  Raw frames and single spectra are left
    alone, with a notice.

    Raises
    ------
    BadInputError
        A pair names a state that a table does not have.
    """
    tables = [m for m in measurements if any(m.has(name) for name in QUANTITIES)]
    if not tables:
        return AnalysisOutput(
            [],
            {},
            [
                Notice(
                    code="no-series",
                    message="no table of states here, so there is no series to follow",
                    severity="info",
                )
            ],
        )
    findings: list[FindingDraft] = []
    arrays: dict[str, xr.Dataset] = {}
    for done, table in enumerate(tables):
        course = course_of_table(table)
        context.progress(done, len(tables), f"{course.subject}, {len(course.labels)} states")
        line = calibration_of(course)
        models, said = models_of(course, line)
        name = f"course of the {course.subject} {done + 1}"
        arrays[name] = course_dataset(course, models)
        values = value_drafts(course, models, said)
        findings += [draft.model_copy(update={"array": name}) for draft in values]
        if line is not None:
            draft, more = calibration_draft(course, line, said)
            findings.append(draft)
            arrays |= more
        findings += change_drafts(course, _pairs(course, params))
        findings += association_drafts(course)
    return AnalysisOutput(findings, arrays, [])


def _pairs(course: Course, params: SeriesParams) -> list[tuple[str, str]]:
    """Pairs that were asked for, or that the table's metadata name."""
    if params.pairs:
        return list(params.pairs)
    told = course.metadata.get("pairs") or []
    return [(str(pair[0]), str(pair[1])) for pair in told]


def course_dataset(course: Course, models: Sequence[ModelRatio | None]) -> xr.Dataset:
    """Return what a course is drawn from: its quantities and the model's ratio by state."""
    data = xr.Dataset(
        coords={"label": ("state", np.array(course.labels), {"units": "1"})},
        attrs={"subject": course.subject, "composition": course.composition},
    )
    missing = {"missing": "not given in the source"}
    for name, quantity in course.quantities.items():
        unit = QUANTITIES[name][0]
        data[name] = ("state", np.array(quantity.values), {"units": unit, **missing})
        std = [quantity.std(i) for i in range(len(course.labels))]
        data[f"{name}_std"] = (
            "state",
            np.array([np.nan if s is None else s for s in std]),
            {"units": unit, **missing},
        )
        data[name].attrs["ancillary_variables"] = f"{name}_std"
    for name, read in (("free_atom_emr", "value"), ("free_atom_emr_std", "std_interpolation")):
        values = [np.nan if m is None else getattr(m, read) for m in models]
        about = {"units": "1", "missing": "no composition, or x not known"}
        data[name] = ("state", np.array(values, dtype=np.float64), about)
    data["free_atom_emr"].attrs["ancillary_variables"] = "free_atom_emr_std"
    return data
