"""Findings, verdicts and measurements in open formats, with hashes to check them by."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.declarations import Exporter
from consilience.errors import ConsilienceError
from consilience.model.finding import Finding
from consilience.model.verdict import Verdict
from consilience.progress import Progress, no_progress
from consilience.text import one_line, safe_file_name, spreadsheet_cell

if TYPE_CHECKING:
    from consilience.study.study import Study

__all__ = [
    "LENIENT",
    "Sheet",
    "sheets_of",
    "table_text",
    "write_data",
    "write_json",
    "write_sheets",
    "write_statements",
]

Sheet = tuple[Sequence[str], Sequence[Sequence[Any]]]
"""Headings, and rows of cells; None is unknown."""

FINDING_COLUMNS = (
    "id",
    "kind",
    "subject",
    "sample",
    "state",
    "technique",
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
    "files",
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
    "doubted_by",
)
LENIENT = "backslashreplace"
"""Names of files may hold bytes that are no UTF-8; a table shows them escaped."""
_CELL = 32_000
"""Characters; a spreadsheet refuses a cell of more than 32 767."""


def write_statements(study: Study, folder: Path) -> list[Path]:
    """Write what a study says and what was said to it: canonical JSON, one file for each kind."""
    statements: dict[str, Any] = {
        "findings": [f.to_json() for f in study.findings()],
        "verdicts": [v.to_json() for v in study.compare()],
        "samples": [s.to_json() for s in study.samples().values()],
        "steps": [s.to_json() for s in study.steps()],
        "series": [s.to_json() for s in study.series()],
        "measurements": [r.to_json() for r in study.measurement_records()],
        "references": [dict(e.body) for e in study.holding("reference")],
        "analyses": [_run(study, run) for run in study.current_runs().values()],
        "statements": [n for n in study.notes() if n.get("about") != "read"],
    }
    seq, head = study.head
    statements["journal-head"] = {"seq": seq, "hash": head}
    return [write_json(folder / f"{name}.json", value) for name, value in statements.items()]


def sheets_of(study: Study) -> dict[str, Sheet]:
    """Return findings, verdicts, measurements, analyses, samples and files as tables."""
    from consilience.notation import state
    from consilience.study.comparing import modalities_of

    findings = study.findings()
    techniques = modalities_of(study, findings)
    records = study.measurement_records()
    names = {r.id: r.title for r in records}
    return {
        "verdicts": (VERDICT_COLUMNS, [_verdict_row(v) for v in study.compare()]),
        "findings": (
            FINDING_COLUMNS,
            [_finding_row(f, techniques.get(f.id, ""), names, state(f.state)) for f in findings],
        ),
        "measurements": (
            ("id", "sample", "state", "modality", "file", "signal", "origin", "start", "reader"),
            [
                (
                    r.id,
                    r.sample,
                    state(r.state),
                    r.modality,
                    r.file_name,
                    r.name,
                    r.origin,
                    r.start,
                    r.reader,
                )
                for r in records
            ],
        ),
        "analyses": (
            ("id", "analysis", "plugin", "version", "parameters", "measurements", "findings"),
            [
                (
                    run["id"],
                    run["analysis"],
                    run["plugin"],
                    run["version"],
                    json.dumps(run["parameters"], sort_keys=True, ensure_ascii=False),
                    "; ".join(run["measurements"]),
                    len(run["findings"]),
                )
                for run in study.current_runs().values()
            ],
        ),
        "samples": (
            ("id", "title", "parent", "control_of", "elements", "materials"),
            [
                (
                    s.id,
                    s.title or "",
                    s.parent or "",
                    s.control_of or "",
                    " ".join(s.elements or ()),
                    "; ".join(s.materials),
                )
                for s in study.samples().values()
            ],
        ),
        "raw-files": (
            ("sha256", "size", "name", "role", "belongs to", "sample", "left at"),
            _raw_files(study),
        ),
    }


def write_sheets(sheets: Mapping[str, Sheet], folder: Path) -> list[Path]:
    """Write each table as CSV, and all as one workbook (``tables.xlsx``)."""
    written = []
    for name, (columns, rows) in sheets.items():
        path = folder / f"{name}.csv"
        with path.open("w", encoding="utf-8", errors=LENIENT, newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows([[spreadsheet_cell(cell) for cell in row] for row in rows])
        written.append(path)
    return [*written, _workbook(sheets, folder / "tables.xlsx")]


def table_text(study: Study, form: str, kind: str | None = None, sample: str | None = None) -> str:
    """Return what was compared as a table for a paper, in Markdown or LaTeX.

    Raises
    ------
    NotFoundError
        There is no such kind or sample.
    """
    from consilience.declarations import Kind, Modality
    from consilience.report import ReportContent
    from consilience.report.paper import paper_table, to_latex, to_markdown

    if kind is not None:
        study.registry.get(Kind, kind)
    if sample is not None:
        study.sample(sample)
    findings = study.findings()
    content = ReportContent(
        study=study.name,
        samples=list(study.samples().values()),
        measurements=study.measurement_records(),
        findings=findings,
        verdicts=study.compare(),
        caveats=study.caveats(findings),
        kinds=study.registry.all(Kind),
        modalities=study.registry.all(Modality),
    )
    table = paper_table(content, kind, sample)
    return to_latex(table) if form == "latex" else to_markdown(table)


def write_data(
    study: Study, folder: Path, progress: Progress = no_progress
) -> tuple[list[Path], list[dict[str, str]]]:
    """Write every measurement and result that an exporter knows.

    Returns
    -------
    written : list of Path
    skipped : list of dict
        What one exporter could not write, which keeps the rest from nothing.
    """
    written: list[Path] = []
    skipped: list[dict[str, str]] = []
    records = study.measurements()
    place = folder / "measurements"
    for done, measurement in enumerate(records):
        progress(done, len(records), f"exporting {measurement.id}")
        for exporter in study.registry.all(Exporter):
            if exporter.analysis or exporter.modality != measurement.modality:
                continue
            name = f"{measurement.id}-{safe_file_name(measurement.record.name)}{exporter.suffix}"
            place.mkdir(exist_ok=True)
            try:
                exporter.run.load()(measurement, place / name)
            except ConsilienceError as error:
                skipped.append({"measurement": measurement.id, "what": error.what})
                continue
            written.append(place / name)
    written += _results(study, folder / "results", skipped)
    progress(len(records), len(records), "exported")
    return written, skipped


def _results(study: Study, folder: Path, skipped: list[dict[str, str]]) -> list[Path]:
    """Write what analyses made of measurements, one file for each exporter and run."""
    runs: dict[tuple[str, tuple[str, ...]], list[Finding]] = {}
    for finding in study.findings():
        runs.setdefault((finding.source.analysis, tuple(finding.measurements)), []).append(finding)
    written = []
    for exporter in study.registry.all(Exporter):
        for (analysis, measurements), own in runs.items():
            if not exporter.analysis or exporter.analysis != analysis:
                continue
            folder.mkdir(exist_ok=True)
            path = folder / f"{'-'.join(measurements[:2])}-{safe_file_name(analysis)}"
            path = path.with_name(path.name + exporter.suffix)
            try:
                exporter.run.load()(own, study.store.open_dataset, path)
            except ConsilienceError as error:
                skipped.append({"measurement": measurements[0], "what": error.what})
                continue
            written.append(path)
    return written


def write_json(path: Path, value: Any) -> Path:
    """Write a JSON value with sorted keys, one line for each leaf: equal values, equal bytes."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    path.write_bytes((text + "\n").encode("utf-8", "surrogatepass"))
    return path


def _workbook(sheets: Mapping[str, Sheet], path: Path) -> Path:
    from openpyxl import Workbook  # type: ignore[import-untyped]
    from openpyxl.cell import WriteOnlyCell  # type: ignore[import-untyped]
    from openpyxl.styles import Alignment, Font  # type: ignore[import-untyped]
    from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]

    book = Workbook(write_only=True)
    bold, wrap = Font(bold=True), Alignment(wrap_text=True, vertical="top")
    for title, (columns, rows) in sheets.items():
        sheet = book.create_sheet(title)
        sheet.freeze_panes = "B2"
        shown = [[_plain_cell(cell) for cell in row] for row in rows]
        for number, heading in enumerate(columns):
            longest = max((len(str(row[number])) for row in shown[:200]), default=0)
            letter = get_column_letter(number + 1)
            sheet.column_dimensions[letter].width = min(60, max(len(heading), longest) + 2)
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{len(shown) + 1}"
        head = []
        for heading in columns:
            cell = WriteOnlyCell(sheet, heading)
            cell.font = bold
            head.append(cell)
        sheet.append(head)
        for row in shown:
            cells = []
            for value in row:
                cell = WriteOnlyCell(sheet, value)
                if isinstance(value, str) and len(value) > 60:
                    cell.alignment = wrap
                cells.append(cell)
            sheet.append(cells)
    book.save(path)
    return path


def _plain_cell(value: Any) -> Any:
    """Return a cell that a workbook can hold: no formula, no control characters, not too long."""
    safe = spreadsheet_cell(value)
    if not isinstance(safe, str):
        return safe
    text = "\n".join(one_line(line) for line in safe.split("\n"))
    return text if len(text) <= _CELL else f"{text[:_CELL]} … (all of it: see the .csv)"


def _run(study: Study, run: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run with the environment it was made in, as far as that was recorded."""
    known = run.get("environment")
    return {**run, "environment": None if known is None else study.store.get_json(known)}


def _raw_files(study: Study) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for record in study.measurement_records():
        for role, file in sorted(record.stored.items()):
            left = file.linked_path or ""
            rows.append((file.sha256, file.size, file.name, role, record.id, record.sample, left))
    for series in study.series():
        size = study.store.open_path(study.store.find_file(series.sha256)).stat().st_size
        rows.append((series.sha256, size, series.file, "series", series.id, series.sample, ""))
    for entry in study.holding("reference"):
        file = entry.body["file"]
        rows.append(
            (file["sha256"], file["size"], file["name"], "reference", entry.body["id"], "", "")
        )
    return rows


def _finding_row(
    finding: Finding, technique: str, names: Mapping[str, str], state: str
) -> list[Any]:
    row = finding.to_json()
    row["subject"] = finding.subject.label if finding.subject else None
    row["rivals"] = "; ".join(r.subject.label for r in finding.rivals)
    row["state"] = state
    row["technique"] = technique
    row["files"] = "; ".join(names.get(m, m) for m in finding.measurements)
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
    said = {f"{c.rule} ({c.effect})" for c in verdict.caveats if c.effect != "note"}
    row["doubted_by"] = "; ".join(sorted(said))
    return [row[name] for name in VERDICT_COLUMNS]
