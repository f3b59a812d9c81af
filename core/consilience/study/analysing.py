"""Running analyses and keeping what they say, with where it came from."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from consilience.analysis import AnalysisContext, AnalysisOutput
from consilience.declarations import Analysis, Kind
from consilience.errors import BadInputError, ConsilienceError, PluginError
from consilience.model.canonical import canonical_json, content_id
from consilience.model.finding import Finding, FindingDraft, Source, SourceFile
from consilience.model.measurement import Measurement, Notice
from consilience.model.sample import problems_of
from consilience.progress import Progress, no_progress
from consilience.study.parameter_owners import not_of_one

if TYPE_CHECKING:
    from consilience.study.study import Study

__all__ = [
    "AnalysisFailure",
    "AnalysisSummary",
    "NoticesOfRun",
    "checked_parameters",
    "repeat_run",
    "run_analyses",
]


@dataclass(frozen=True)
class AnalysisFailure:
    """An analysis that could not be done on some measurements, and why."""

    analysis: str
    measurements: tuple[str, ...]
    what: str
    fix: str
    titles: tuple[str, ...] = ()
    place: str | None = None
    """File, with line or byte, that the fault lies in, where it is not the measurement's data."""

    @property
    def on(self) -> str:
        """What it was about: each signal with its ID."""
        titles = self.titles or ("",) * len(self.measurements)
        words = [f"{t} ({m})" if t else m for t, m in zip(titles, self.measurements, strict=True)]
        more = f" and {len(words) - 3} more" if len(words) > 3 else ""
        return ", ".join(words[:3]) + more


@dataclass(frozen=True)
class NoticesOfRun:
    """What one analysis noticed in the signals it took; `titles` are theirs, file first."""

    analysis: str
    measurements: tuple[str, ...]
    titles: tuple[str, ...]
    notices: tuple[Notice, ...]


@dataclass
class AnalysisSummary:
    """What a call of `Study.analyse` did."""

    runs: int = 0
    skipped: int = 0
    findings: list[Finding] = field(default_factory=list)
    noticed: list[NoticesOfRun] = field(default_factory=list)
    """For each run that noticed something, in the order of the runs."""
    failures: list[AnalysisFailure] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    """A line for each technique whose files no analysis took, and which ones would take them."""

    @property
    def notices(self) -> list[Notice]:
        """All notices, without what they speak of."""
        return [notice for run in self.noticed for notice in run.notices]


def run_analyses(
    study: Study,
    keys: Sequence[str] | None = None,
    *,
    params: Mapping[str, Any] | None = None,
    samples: Iterable[str] | None = None,
    measurements: Iterable[str] | None = None,
    progress: Progress = no_progress,
) -> AnalysisSummary:
    """Run analyses on all measurements they apply to; see `Study.analyse`."""
    chosen = (
        [a for a in study.registry.all(Analysis) if a.default]
        if keys is None
        else [study.registry.get(Analysis, key) for key in keys]
    )
    if params and len(chosen) != 1:
        raise not_of_one(params, chosen, study.registry.all(Analysis), study.measurements())
    wanted_samples = None if samples is None else set(samples)
    wanted = None if measurements is None else set(measurements)
    for sample in wanted_samples or ():
        study.sample(sample)
    for measurement in wanted or ():
        study.measurement(measurement)
    jobs: list[tuple[Analysis, BaseModel, list[Measurement]]] = []
    for analysis in chosen:
        checked = checked_parameters(analysis, params or {})
        groups = _groups(study, analysis, wanted_samples, wanted)
        jobs.extend((analysis, checked, group) for group in groups)
    summary = AnalysisSummary()
    taken = {m.id for _, _, group in jobs for m in group}
    summary.unused = _unused(study, chosen, taken, wanted_samples, wanted)
    for done, (analysis, checked, group) in enumerate(jobs):
        progress(done, len(jobs), f"{analysis.key} on {group[0].sample}")
        _run_one(study, analysis, checked, group, summary, progress)
    progress(len(jobs), len(jobs), "analyses done")
    return summary


def repeat_run(
    study: Study,
    key: str,
    params: Mapping[str, Any],
    measurements: Sequence[Measurement],
    progress: Progress = no_progress,
) -> AnalysisSummary:
    """Run one analysis on just these measurements, in this order.

    Raises
    ------
    NotFoundError
        No installed plugin declares the analysis.
    BadInputError
        It does not know these parameters.
    """
    analysis = study.registry.get(Analysis, key)
    summary = AnalysisSummary()
    checked = checked_parameters(analysis, params)
    _run_one(study, analysis, checked, list(measurements), summary, progress)
    return summary


def checked_parameters(analysis: Analysis, given: Mapping[str, Any]) -> BaseModel:
    """Return the parameters of an analysis in the order in which the journal keeps them.

    A rerun takes them from there; regions numbered in the order of their names, for one, would
    else have other numbers.

    Raises
    ------
    BadInputError
        A parameter is not known, or has a value that it cannot have.
    """
    model: type[BaseModel] = analysis.params.load()
    try:
        checked = model.model_validate(dict(given))
        return model.model_validate(json.loads(canonical_json(checked.model_dump(mode="json"))))
    except ValidationError as error:
        known = ", ".join(model.model_fields) or "none"
        raise BadInputError(
            f"parameters of {analysis.key!r}: {'; '.join(problems_of(error))}",
            fix=f"it knows: {known}",
        ) from error


def _groups(
    study: Study, analysis: Analysis, samples: set[str] | None, wanted: set[str] | None
) -> list[list[Measurement]]:
    fitting = [
        m
        for m in study.measurements()
        if m.modality == analysis.modality
        and m.has(*analysis.requires)
        and (samples is None or m.sample in samples)
        and (wanted is None or m.id in wanted)
    ]
    if analysis.scope == "measurement":
        return [[m] for m in fitting]
    by_sample: dict[str, list[Measurement]] = defaultdict(list)
    for measurement in fitting:
        by_sample[measurement.sample].append(measurement)
    return [by_sample[key] for key in sorted(by_sample)]


def _unused(
    study: Study,
    chosen: Sequence[Analysis],
    taken: set[str],
    samples: set[str] | None,
    wanted: set[str] | None,
) -> list[str]:
    """Say which measurements none of the chosen analyses took, and which analyses would."""
    left: dict[str, list[Measurement]] = defaultdict(list)
    for m in study.measurements():
        asked = (samples is None or m.sample in samples) and (wanted is None or m.id in wanted)
        if asked and m.id not in taken:
            left[m.modality].append(m)
    lines = []
    for modality, group in sorted(left.items()):
        files = list(dict.fromkeys(m.record.file_name for m in group))
        names = ", ".join(files[:3])
        names += f" and {len(files) - 3} more" if len(files) > 3 else ""
        fitting = [a for a in study.registry.all(Analysis) if a.modality == modality]
        able = [a for a in fitting if a not in chosen and any(m.has(*a.requires) for m in group)]
        if able:
            would = "name it with --analysis: " + ", ".join(sorted(a.key for a in able))
        elif fitting:
            needs = "; ".join(f"{a.key} needs {', '.join(a.requires)}" for a in fitting)
            has = sorted({v for m in group for v in m.record.summary.variables})
            would = f"{needs}; here is {', '.join(has)}"
        else:
            would = f"no installed plugin has an analysis for {modality}"
        lines.append(f"no analysis took {names} ({modality}): {would}")
    return lines


def _run_one(
    study: Study,
    analysis: Analysis,
    params: BaseModel,
    group: list[Measurement],
    summary: AnalysisSummary,
    progress: Progress,
) -> None:
    plugin = study.registry.owner(analysis).info
    sample = study.sample(group[0].sample)
    references = study.references()
    identity = {
        "analysis": analysis.key,
        "version": plugin.version,
        "measurements": [m.id for m in group],
        "parameters": params.model_dump(mode="json"),
        "references": sorted(r.sha256 for r in references),
        "elements": sample.elements,
    }
    run_id = content_id("a", identity)
    current = study.current_runs().get((analysis.key, tuple(m.id for m in group)))
    if current is not None and current["id"] == run_id:
        summary.skipped += 1
        return
    context = AnalysisContext(
        sample=sample, cache=study.cache, references=references, progress=progress
    )
    try:
        output = analysis.run.load()(group, params, context)
        _check_output(study, analysis, output, [m.id for m in group])
        arrays = {name: study.store.put_dataset(data) for name, data in output.arrays.items()}
        findings = [
            _complete(draft, group, arrays, analysis, plugin.name, plugin.version, params)
            for draft in output.findings
        ]
    except ConsilienceError as error:
        summary.failures.append(
            AnalysisFailure(
                analysis.key,
                tuple(m.id for m in group),
                error.what,
                error.fix,
                tuple(m.record.title for m in group),
                error.place,
            )
        )
        return
    except Exception as error:  # noqa: BLE001  one bad analysis never stops the rest
        summary.failures.append(
            AnalysisFailure(
                analysis.key,
                tuple(m.id for m in group),
                f"the analysis broke down: {type(error).__name__}: {error}",
                f"report it to the author of plugin {plugin.name!r}; nothing was kept of this run",
                tuple(m.record.title for m in group),
            )
        )
        return
    body = {
        **identity,
        "id": run_id,
        "plugin": plugin.name,
        "findings": [f.id for f in findings],
        "notices": [n.to_json() for n in output.notices],
        "arrays": arrays,
        "environment": study.environment(),
    }

    # A run that an other set of parameters had replaced is written again: the last one counts.
    def newest(_: object) -> bool:
        study.forget()
        now = study.current_runs().get((analysis.key, tuple(m.id for m in group)))
        return now is not None and now["id"] == run_id

    appended = study.store.append_unless(
        newest,
        [
            ("run", body),
            *(("finding", {**f.to_json(), "run": run_id}) for f in findings),
        ],
    )
    study.forget()
    if not appended:  # another program was quicker with the same run
        summary.skipped += 1
        return
    summary.runs += 1
    summary.findings.extend(findings)
    if output.notices:
        titles = tuple(m.record.title for m in group)
        ids = tuple(m.id for m in group)
        summary.noticed.append(NoticesOfRun(analysis.key, ids, titles, tuple(output.notices)))


def _check_output(
    study: Study, analysis: Analysis, output: AnalysisOutput, group: Sequence[str]
) -> None:
    if not isinstance(output, AnalysisOutput):
        raise PluginError(
            f"analysis {analysis.key!r} returned a {type(output).__name__}, "
            "expected AnalysisOutput",
            fix="mend the plugin",
        )
    problems = []
    kinds = {k.name: k for k in study.registry.all(Kind)}
    for number, draft in enumerate(output.findings):
        place = f"finding {number} ({draft.kind})"
        kind = kinds.get(draft.kind)
        if kind is None or draft.kind not in analysis.kinds:
            problems.append(f"{place}: this kind is not declared by the analysis")
        elif draft.value is not None and kind.unit is not None and draft.unit != kind.unit:
            problems.append(f"{place}: unit {draft.unit!r}, expected {kind.unit!r}")
        if draft.measurements is not None and (
            not draft.measurements or not set(draft.measurements) <= set(group)
        ):
            problems.append(f"{place}: rests on measurements that the analysis was not given")
        named = [draft.array, draft.covariance.array if draft.covariance else None]
        problems.extend(
            f"{place}: names the array {name!r}, which was not returned"
            for name in named
            if name is not None and name not in output.arrays
        )
    if problems:
        raise PluginError(
            f"analysis {analysis.key!r} broke its contract: {'; '.join(problems)}",
            fix="mend the plugin; its contract test shows the same",
        )


def _complete(
    draft: FindingDraft,
    group: Sequence[Measurement],
    arrays: Mapping[str, str],
    analysis: Analysis,
    plugin: str,
    version: str,
    params: BaseModel,
) -> Finding:
    behind = [m for m in group if draft.measurements is None or m.id in draft.measurements]
    records = [m.record for m in behind]
    origins = {r.origin for r in records}
    origin = next(o for o in ("simulated", "entered", "measured") if o in origins)
    citations = sorted({r.citation for r in records if r.citation})
    files: dict[bytes, SourceFile] = {}
    for record in records:
        for file in record.files:
            files[canonical_json(file.to_json())] = file
    content = draft.to_json()
    if content["state"] is None:
        content["state"] = _common_state(behind)
    if content["array"] is not None:
        content["array"] = arrays[content["array"]]
    if content["covariance"] is not None:
        content["covariance"]["array"] = arrays[content["covariance"]["array"]]
    return Finding.identified(
        {
            **content,
            "sample": group[0].sample,
            "origin": origin,
            "measurements": [r.id for r in records],
            "source": Source(
                files=[files[key] for key in sorted(files)],
                plugin=plugin,
                version=version,
                analysis=analysis.key,
                parameters=params.model_dump(mode="json"),
                citation="; ".join(citations) or None,
            ).to_json(),
        }
    )


def _common_state(group: Sequence[Measurement]) -> dict[str, Any]:
    states = [m.record.to_json()["state"] for m in group]
    return {k: v for k, v in states[0].items() if all(s.get(k) == v for s in states)}
