"""Collecting what the report shows, and writing it as one file."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from consilience._version import __version__
from consilience.declarations import Kind, Modality
from consilience.model.measurement import Notice
from consilience.progress import Progress, no_progress
from consilience.study.comparing import agreement_sections
from consilience.study.custody_sections import custody_sections
from consilience.view import ViewContext

if TYPE_CHECKING:
    from consilience.custody.traces import Trace
    from consilience.report import ReportContent
    from consilience.report.chain_columns import Threshold
    from consilience.study.study import Study

__all__ = ["report_content", "write_report"]

_PACKAGES = ("numpy", "scipy", "xarray", "zarr", "h5py", "matplotlib", "pydantic")


def report_content(study: Study, progress: Progress = no_progress) -> ReportContent:
    """Return everything that the report of a study says."""
    from consilience.report import JournalHead, ReportContent
    from consilience.report.views import collect_sections

    findings = study.findings()
    measurements = study.measurements()
    samples = study.samples()
    progress(0, 3, "comparing")
    verdicts = study.compare()
    progress(1, 3, "drawing")
    sections, failed = collect_sections(
        study.registry, measurements, findings, ViewContext(study.store.open_dataset, samples)
    )
    study.store.journal_intact()
    unfounded = study.unfounded(findings)
    complete = study.completeness()
    description, notices = _notes(study)
    seq, head = study.head
    return ReportContent(
        study=study.name,
        description=description,
        samples=list(samples.values()),
        steps=study.steps(),
        series=study.series(),
        traces=_traces(study),
        thresholds=_thresholds(study),
        contradictions=len(study.custody().contradictions),
        unfounded=unfounded,
        dose_known={
            c.measurement: all(f.status != "missing" for f in c.fields if f.name == "dose")
            for c in complete
            if any(f.name == "dose" for f in c.fields)
        },
        custody=custody_sections(study, complete, unfounded),
        agreement=agreement_sections(study, findings, verdicts),
        measurements=[m.record for m in measurements],
        findings=findings,
        verdicts=verdicts,
        caveats=study.caveats(findings),
        sections=sections,
        failed_views=failed,
        failed_plugins=study.registry.failed,
        plugins=[p.info for p in study.registry.plugins.values()],
        kinds=study.registry.all(Kind),
        modalities=study.registry.all(Modality),
        versions=_versions(),
        journal=JournalHead(seq, head),
        notices=notices,
        generated_by=f"consilience {__version__}",
    )


def write_report(study: Study, path: Path, progress: Progress = no_progress) -> Path:
    """Write the report of a study to `path`, all or nothing."""
    from consilience.report import render
    from consilience.store.durable import mapped_os_errors, write_durably

    content = report_content(study, progress)
    page = render(content)
    progress(2, 3, "writing")
    with mapped_os_errors("write the report", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, page.encode("utf-8"), path.with_name(f".{path.name}.{os.getpid()}"))
    progress(3, 3, f"wrote {path.name}")
    return path


def _traces(study: Study) -> list[Trace]:
    """Thin the sensors that the picture of a chain can show."""
    from consilience.custody.traces import trace_of
    from consilience.report.chain_columns import PANELS

    custody = study.custody()
    shown = {name for name, _, _ in PANELS}
    return [
        trace_of(series, custody.open_series(series), column)
        for series in custody.series
        if series.array is not None and series.rows
        for column in series.columns
        if column in shown
    ]


def _thresholds(study: Study) -> list[Threshold]:
    """Return what the study's rules call an excursion of temperature or pressure."""
    from consilience.report.chain_columns import Threshold
    from consilience.rules.scope import is_one_of, materials_of

    custody = study.custody()
    made = {s: materials_of(s, custody.samples, custody.steps) for s in custody.samples}
    found = []
    for rule in study.rules():
        if rule.effect == "off":
            continue
        scope = rule.scope
        of = frozenset(
            s
            for s, words in made.items()
            if (not scope.sample_material or is_one_of(words, scope.sample_material))
            and not is_one_of(words, scope.not_sample_material)
        )
        if rule.metric == "seconds_above" and rule.at is not None:
            found.append(Threshold("temperature", rule.at, rule.id, since_freeze=True, samples=of))
        elif rule.metric == "peak_pressure" and rule.op in (">", ">="):
            found.append(Threshold("pressure", rule.value, rule.id, vacuum=True, samples=of))
    return found


def _notes(study: Study) -> tuple[str, list[Notice]]:
    description, notices = "", []
    records = study.measurement_records()
    for body in study.notes():
        if body.get("about") == "description":
            description = str(body.get("text", ""))
        elif body.get("about") == "refused":
            expected = body.get("expected")
            why = f" (expected: {expected})" if expected else ""
            notices.append(
                Notice(
                    code="file-refused",
                    message=f"{body['file']} was not registered: {body['what']}{why}",
                    where=str(body["file"]),
                    fix=str(body["fix"]),
                    severity="info" if expected else "warning",
                )
            )
        elif body.get("about") == "retracted":
            notices.append(
                Notice(
                    code="retracted",
                    message=f"{body['kind']} {body['target']} was taken back: {body['reason']}",
                    severity="info",
                )
            )
    names = {r.id: f"{r.title} ({r.sample})" for r in records}
    for run in study.current_runs().values():
        behind = ", ".join(names[m] for m in run["measurements"] if m in names)
        for body in run.get("notices", []):
            notice = Notice.model_validate(body)
            where = f"{behind}, {notice.where}" if notice.where else behind
            notices.append(notice.model_copy(update={"where": where}))
    return description, notices


def _versions() -> dict[str, str]:
    versions = {"consilience": __version__}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
