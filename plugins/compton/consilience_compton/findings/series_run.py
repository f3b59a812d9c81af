"""The analysis ``compton.series``: EMR, lithium and roughness of one cell, state after state."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.model.finding import FindingDraft
from consilience.model.measurement import Measurement, Notice
from consilience_compton.findings.courses import (
    QUANTITIES,
    Course,
    course_of_table,
    courses_of_states,
)
from consilience_compton.findings.lithium_run import calibration_of_params
from consilience_compton.findings.lithium_states import states_of_spectra
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

    Takes entered tables with a column of `QUANTITIES`, and spectra of two states or more (with
    regions, where the measurements name them).  Raw frames are left alone.

    Raises
    ------
    BadInputError
        A pair names a state that a table does not have.
    """
    findings: list[FindingDraft] = []
    arrays: dict[str, xr.Dataset] = {}
    tables = [m for m in measurements if any(m.has(name) for name in QUANTITIES)]
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
    spectra = [m for m in measurements if m.has("counts")]
    notices: list[Notice] = []
    if _states(spectra, params) > 1:
        found, made, notices = _of_spectra(spectra, params, context)
        findings += found
        arrays |= made
    if not findings:
        text = "neither a table of states nor spectra of two states: no series to follow"
        if notices:
            text = "no series to follow: no two states of the spectra have a momentum ratio"
        notices.append(Notice(code="no-series", message=text, severity="info"))
    return AnalysisOutput(findings, arrays, notices)


def _states(spectra: Sequence[Measurement], params: SeriesParams) -> int:
    """How many states the spectra are of, before any of them is read."""
    without = [
        {key: str(value) for key, value in m.record.state.items() if key != params.region}
        for m in spectra
    ]
    return len({tuple(sorted(state.items())) for state in without})


def _of_spectra(
    spectra: Sequence[Measurement], params: SeriesParams, context: AnalysisContext
) -> tuple[list[FindingDraft], dict[str, xr.Dataset], list[Notice]]:
    """Courses of what the spectra say; the values by themselves are other analyses' findings."""
    context.progress(0, 1, "ratios of the states")
    states, notices = states_of_spectra(spectra, params, ("cathode", "anode"))
    line = calibration_of_params(params)
    findings: list[FindingDraft] = []
    arrays: dict[str, xr.Dataset] = {}
    for course in courses_of_states(states, params, line, params.along):
        models, _ = models_of(course, line)
        name = f"course of the {course.subject}, spectra"
        arrays[name] = course_dataset(course, models)
        changes = change_drafts(course, params.pairs)
        findings += [draft.model_copy(update={"array": name}) for draft in changes]
    return findings, arrays, notices


def _pairs(course: Course, params: SeriesParams) -> list[tuple[str, str]]:
    """Pairs that were asked for, or that the table's metadata name."""
    if params.pairs:
        return list(params.pairs)
    told = course.metadata.get("pairs") or []
    return [(str(pair[0]), str(pair[1])) for pair in told]


def course_dataset(course: Course, models: Sequence[ModelRatio | None]) -> xr.Dataset:
    """Return what a course is drawn from: its quantities and the model's ratio by state."""
    about = {"units": "1", "subject": course.subject, "composition": course.composition}
    data = xr.Dataset(
        coords={"label": ("state", np.array(course.labels), about)},
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
        why = {"units": "1", "missing": "no composition, or x not known"}
        data[name] = ("state", np.array(values, dtype=np.float64), why)
    data["free_atom_emr"].attrs["ancillary_variables"] = "free_atom_emr_std"
    return data
