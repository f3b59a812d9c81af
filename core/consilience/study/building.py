"""Building a study from its file: register what is new, analyse, write the report.

A second run adds only what is new.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.declarations import Analysis
from consilience.errors import BadFileError, BadInputError, ConsilienceError, NotFoundError
from consilience.model.canonical import content_id
from consilience.model.finding import FindingDraft
from consilience.model.sample import Sample
from consilience.progress import Progress, no_progress
from consilience.quantities import parse_value
from consilience.study.added import Added
from consilience.study.entering import validated
from consilience.study.ruling import change_of, keep_protocols, keep_rules
from consilience.study.study_file import MeasurementTable, StudyFile, read_study_file

if TYPE_CHECKING:
    from consilience.study.analysing import AnalysisSummary
    from consilience.study.study import Study

__all__ = ["BuildSummary", "Refusal", "build", "build_study"]


@dataclass(frozen=True)
class Refusal:
    """A file that was not registered, why, what to do, and whether that was expected."""

    file: str
    what: str
    fix: str
    expected: str | None


@dataclass
class BuildSummary:
    """What a build did."""

    added: list[Added] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    analyses: list[AnalysisSummary] = field(default_factory=list)
    trust: str = ""
    """What is doubted, left out and contradicted, counted in words; empty if nothing is."""

    @property
    def new(self) -> int:
        """How many things were new."""
        return sum(1 for item in self.added if item.new)

    @property
    def unexpected(self) -> list[Refusal]:
        """Refusals that the file does not announce."""
        return [r for r in self.refused if r.expected is None]


def build(
    study: Study,
    file: StudyFile,
    data: Path,
    progress: Progress = no_progress,
) -> BuildSummary:
    """Register everything the file names that the study does not have yet, and analyse.

    Parameters
    ----------
    study : Study
    file : StudyFile
    data : Path
        Folder that relative paths start from.

    Notes
    -----
    A data file that cannot be read does not stop the rest: it is listed in
    ``refused`` and in the report, with the reason.
    """
    summary = BuildSummary()
    total = sum(
        len(part)
        for part in (file.sample, file.step, file.reference, file.measurement, file.series)
    )
    done = 0

    def tick(what: str) -> None:
        nonlocal done
        progress(done, total, what)
        done += 1

    _describe(study, file)
    for kind, margin in sorted(file.margins.items()):
        summary.added.append(study.set_margin(kind, margin))
    for formula, homogeneity in sorted(file.homogeneity.items()):
        summary.added.append(study.set_homogeneity(formula, homogeneity))
    summary.added.extend(study.set_association(request) for request in file.association)
    summary.added.extend(keep_rules(study, [change_of(table) for table in file.rule]))
    summary.added.extend(keep_protocols(study, file.protocol))
    for content in _parents_first(file.sample):
        tick(f"sample {content.get('id')}")
        sample = validated(Sample, content, f"sample {content.get('id')!r}")
        # the file is the study's last word on its samples; the journal keeps the earlier ones
        summary.added.append(study.add_sample(sample, revise=True))
    names: dict[str, str] = {}
    for content in file.step:
        tick(f"step {content.get('type')}")
        fields = dict(content)
        name = fields.pop("name", None)
        added = study.add_step(fields)
        summary.added.extend(added)
        if name is not None:
            names[str(name)] = added[0].id
    for reference in file.reference:
        tick(f"reference {reference.file}")
        summary.added.append(study.add_reference(data / reference.file, reference.title))
    for table in file.measurement:
        tick(f"reading {table.file}")
        _measurement(study, table, data, summary)
    for series in file.series:
        tick(f"series {series.file}")
        step = names.get(series.step, series.step)
        if step == series.step and not step.startswith("st-"):
            raise BadInputError(
                f"[[series]] {series.file!r}: no [[step]] has the name {step!r}",
                fix=f"give the step that name; named steps: {', '.join(sorted(names)) or 'none'}",
            )
        summary.added.append(study.add_series(data / series.file, step, series.mapping))
    for entered in file.finding:
        fields = dict(entered.model_extra or {})
        draft = validated(
            FindingDraft,
            {"method": "entered from the cited source", **fields},
            f"finding of {entered.sample!r}",
        )
        summary.added.append(
            study.add_finding(draft, entered.sample, entered.citation, entered.modality)
        )
    for peaks in file.peak_list:
        summary.added.append(
            study.add_peak_list(
                peaks.sample,
                peaks.modality,
                peaks.axis,
                peaks.unit,
                peaks.peaks,
                peaks.citation,
                title=peaks.title,
                state=_state(peaks.state),
                metadata=peaks.metadata,
            )
        )
    for rows in file.table:
        summary.added.append(
            study.add_table(
                rows.sample,
                rows.modality,
                rows.columns,
                rows.citation,
                title=rows.title,
                labels=rows.labels,
                state=_state(rows.state),
                metadata=rows.metadata,
            )
        )
    for claim in file.claim:
        summary.added.append(
            study.add_claim(dict(claim.model_extra or {}), claim.sample, claim.citation)
        )
    study.forget()
    named = {wish.key for wish in file.analysis}
    for wish in file.analysis:
        summary.analyses.append(
            study.analyse([wish.key], params=wish.params, samples=wish.samples, progress=progress)
        )
    rest = _default_analyses(study, named)
    if rest:
        summary.analyses.append(study.analyse(rest, progress=progress))
    progress(total, total, "built")
    return summary


def build_study(
    file: Path,
    data: Path | None = None,
    out: Path | None = None,
    report: Path | None = None,
    progress: Progress = no_progress,
) -> tuple[BuildSummary, Path, Path]:
    """Open or make the study of a study file, build it, and write its report.

    Parameters
    ----------
    file : Path
        ``study.toml``.
    data : Path, optional
        Folder that relative paths start from; that of `file` otherwise.
    out : Path, optional
        Folder of the study; ``<name>-study`` in the current folder otherwise, named after
        the folder of `file`.
    report : Path, optional
        Where the report goes; ``report.html`` in the study otherwise.

    Returns
    -------
    summary, study folder, report file
    """
    from consilience.study.study import Study

    plan = read_study_file(file)
    folder = out or Path(f"{file.resolve().parent.name}-study")
    exists = (folder / "consilience.json").exists()
    with Study.open(folder) if exists else Study.create(folder, plan.study.name) as study:
        summary = build(study, plan, data or file.parent, progress)
        page = study.report(report or study.path / "report.html", progress)
        summary.trust = study.trust()
    return summary, folder, page


def _default_analyses(study: Study, named: set[str]) -> list[str]:
    return [a.key for a in study.registry.all(Analysis) if a.default and a.key not in named]


def _describe(study: Study, file: StudyFile) -> None:
    body = {
        "id": "description",
        "about": "description",
        "name": file.study.name,
        "text": file.study.description,
    }
    known = study.store.index.get("note", "description")
    if known is None or known.body != body:
        study.store.append([("note", body)])


def _parents_first(samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Order samples so that parents and controlled samples come before those that name them."""
    for number, content in enumerate(samples, start=1):
        validated(Sample, content, f"[[sample]] number {number}")
    repeated = sorted({s["id"] for s in samples if [t["id"] for t in samples].count(s["id"]) > 1})
    if repeated:
        raise BadInputError(
            f"[[sample]] {repeated[0]!r} stands there twice", fix="keep one of the two"
        )
    waiting = list(samples)
    ids = {s.get("id") for s in samples}
    ordered: list[dict[str, Any]] = []
    placed: set[Any] = set()
    while waiting:
        ready = [
            s
            for s in waiting
            if all(s.get(r) in placed or s.get(r) not in ids for r in ("parent", "control_of"))
        ]
        if not ready:
            cycle = " → ".join(str(s.get("id")) for s in waiting)
            raise BadInputError(
                f"the lineage is cyclic: {cycle}",
                fix="a sample cannot descend from itself; correct one 'parent'",
            )
        for sample in ready:
            ordered.append(sample)
            placed.add(sample.get("id"))
            waiting.remove(sample)
    return ordered


def _measurement(study: Study, table: MeasurementTable, data: Path, summary: BuildSummary) -> None:
    try:
        added = study.add(
            data / table.file,
            table.sample,
            reader=table.reader,
            options=table.options,
            companions={role: data / name for role, name in table.companions.items()},
            state=_state(table.state),
            region=table.region,
            start=None if table.start is None else str(table.start),
            exposures=table.exposures,
            link=table.link,
        )
    except (BadFileError, BadInputError, NotFoundError) as error:
        refusal = Refusal(table.file, error.what, error.fix, table.refused)
        summary.refused.append(refusal)
        _note_refusal(study, table, data / table.file, error)
        return
    if table.refused is not None:
        raise BadInputError(
            f"{table.file!r} was registered, but the study file says it is refused: "
            f"{table.refused}",
            fix="remove 'refused' from that measurement",
        )
    summary.added.extend(added)
    refused = _refusal_id(table)
    known = study.store.index.get("note", refused)
    if known is not None and known.body.get("about") == "refused":
        study.store.append([("note", {"id": refused, "about": "refusal resolved"})])


def _refusal_id(table: MeasurementTable) -> str:
    # one note for each file and sample: a later reason takes the place of an earlier one
    return content_id("n", {"file": table.file, "sample": table.sample})


def _note_refusal(
    study: Study, table: MeasurementTable, path: Path, error: ConsilienceError
) -> None:
    content = {
        "about": "refused",
        "file": table.file,
        "sample": table.sample,
        "what": error.what.replace(str(path), table.file),
        "fix": error.fix,
        "expected": table.refused,
    }
    body = {"id": _refusal_id(table), **content}
    known = study.store.index.get("note", str(body["id"]))
    if known is None or known.body != body:
        study.store.append([("note", body)])


def _state(state: Mapping[str, Any]) -> dict[str, Any]:
    return {k: parse_value(v) if isinstance(v, str) else v for k, v in state.items()}
