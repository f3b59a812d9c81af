"""Findings, verdicts and measurements in open formats, with hashes to check them by."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.declarations import Exporter
from consilience.errors import BadInputError, ConsilienceError
from consilience.model.finding import Finding
from consilience.model.verdict import Verdict
from consilience.progress import Progress, no_progress
from consilience.text import safe_file_name, spreadsheet_cell

if TYPE_CHECKING:
    from consilience.study.study import Study

__all__ = ["write_export"]

FINDING_COLUMNS = (
    "id",
    "kind",
    "subject",
    "sample",
    "value",
    "unit",
    "std_stat",
    "std_sys",
    "status",
    "limit",
    "reason",
    "rivals",
    "origin",
    "method",
)
VERDICT_COLUMNS = (
    "id",
    "kind",
    "subject",
    "samples",
    "findings",
    "verdict",
    "reason",
    "difference",
    "std",
    "unit",
    "statistic",
    "p_value",
    "margin",
    "smallest_detectable",
    "settle",
)


def write_export(study: Study, folder: Path, progress: Progress = no_progress) -> list[Path]:
    """Write the tables and every measurement that an exporter knows; see `Study.export`.

    Raises
    ------
    BadInputError
        The folder exists and holds files.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInputError(
            f"{str(folder)!r} exists and is not empty",
            fix="name a new folder; an export never overwrites",
            path=folder,
        )
    folder.mkdir(parents=True, exist_ok=True)
    findings, verdicts = study.findings(), study.compare()
    written = [
        _json(folder / "findings.json", [f.to_json() for f in findings]),
        _json(folder / "verdicts.json", [v.to_json() for v in verdicts]),
        _json(folder / "samples.json", [s.to_json() for s in study.samples().values()]),
        _json(folder / "steps.json", [s.to_json() for s in study.steps()]),
        _json(folder / "measurements.json", [r.to_json() for r in study.measurement_records()]),
        _table(folder / "findings.csv", FINDING_COLUMNS, [_finding_row(f) for f in findings]),
        _table(folder / "verdicts.csv", VERDICT_COLUMNS, [_verdict_row(v) for v in verdicts]),
    ]
    records = study.measurements()
    skipped: list[dict[str, str]] = []
    for done, measurement in enumerate(records):
        progress(done, len(records), f"exporting {measurement.id}")
        for exporter in study.registry.all(Exporter):
            if exporter.analysis or exporter.modality != measurement.modality:
                continue
            # what one exporter cannot write must not keep the rest from being written
            name = f"{measurement.id}-{safe_file_name(measurement.record.name)}{exporter.suffix}"
            try:
                exporter.run.load()(measurement, folder / name)
            except ConsilienceError as error:
                skipped.append({"measurement": measurement.id, "what": error.what})
                continue
            written.append(folder / name)
    written += _results(study, folder, findings, skipped)
    if skipped:
        written.append(_json(folder / "not-exported.json", skipped))
    seq, head = study.head
    written.append(_json(folder / "journal-head.json", {"seq": seq, "hash": head}))
    progress(len(records), len(records), "exported")
    return written


def _results(
    study: Study, folder: Path, findings: Sequence[Finding], skipped: list[dict[str, str]]
) -> list[Path]:
    """Write what analyses made of measurements, one file for each exporter and run."""
    runs: dict[tuple[str, tuple[str, ...]], list[Finding]] = {}
    for finding in findings:
        runs.setdefault((finding.source.analysis, tuple(finding.measurements)), []).append(finding)
    written = []
    for exporter in study.registry.all(Exporter):
        for (analysis, measurements), own in runs.items():
            if not exporter.analysis or exporter.analysis != analysis:
                continue
            path = folder / f"{'-'.join(measurements[:2])}-{safe_file_name(analysis)}"
            path = path.with_name(path.name + exporter.suffix)
            try:
                exporter.run.load()(own, study.store.open_dataset, path)
            except ConsilienceError as error:
                skipped.append({"measurement": measurements[0], "what": error.what})
                continue
            written.append(path)
    return written


def _json(path: Path, value: Any) -> Path:
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def _table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([[spreadsheet_cell(cell) for cell in row] for row in rows])
    return path


def _finding_row(finding: Finding) -> list[Any]:
    row = finding.to_json()
    row["subject"] = finding.subject.label if finding.subject else None
    row["rivals"] = "; ".join(r.subject.label for r in finding.rivals)
    return [row[name] for name in FINDING_COLUMNS]


def _verdict_row(verdict: Verdict) -> list[Any]:
    row = verdict.to_json()
    row["subject"] = verdict.subject.label if verdict.subject else None
    row["samples"] = "; ".join(verdict.samples)
    row["findings"] = "; ".join(verdict.findings)
    row["margin"] = None
    if verdict.margin is not None:
        unit = "relative" if verdict.margin.relative else verdict.margin.unit
        row["margin"] = f"{verdict.margin.value:g} {unit}"
    return [row[name] for name in VERDICT_COLUMNS]
