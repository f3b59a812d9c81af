"""Building a study anew from the journal of another: read again, import again, analyse again.

What people entered (samples, steps, findings with their citation, margins, rules, retractions)
is taken over word for word.  What the program made of it (measurements, series, findings of
analyses) is made again from the registered files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from consilience.bundle.rereading import reread
from consilience.errors import ConsilienceError, VerifyError
from consilience.model.base import FrozenModel
from consilience.model.canonical import canonical_json
from consilience.model.finding import Finding
from consilience.model.measurement import MeasurementRecord
from consilience.model.sample import Sample, SensorSeries, Step
from consilience.progress import Progress, no_progress
from consilience.store.files import StoredFile
from consilience.store.record import Record
from consilience.study.analysing import repeat_run
from consilience.study.series import register_series
from consilience.study.study import Study

__all__ = ["Failure", "Replayed", "replay"]

_WORD_FOR_WORD = ("sample", "step", "finding", "reference", "note")


@dataclass(frozen=True)
class Failure:
    """Something that could not be made again, and why."""

    what: str
    why: str
    fix: str = ""


@dataclass
class Replayed:
    """What came of making a study again."""

    runs: int = 0
    read: int = 0
    failures: list[Failure] = field(default_factory=list)


def replay(source: Study, target: Study, progress: Progress = no_progress) -> Replayed:
    """Make a study again in an empty one.

    Parameters
    ----------
    source : Study
        Only read.
    target : Study
        New and empty.

    Raises
    ------
    VerifyError
        A registered file is not what its hash says.
    """
    return _Replay(source, target, progress).run()


class _Replay:
    def __init__(self, source: Study, target: Study, progress: Progress) -> None:
        self.source = source
        self.target = target
        self.progress = progress
        self.done = Replayed()
        self.waiting: list[tuple[str, dict[str, Any]]] = []

    def run(self) -> Replayed:
        self._files()
        records = list(self.source.store.journal.read())
        current = {run["id"] for run in self.source.current_runs().values()}
        last = {r.id: r.seq for r in records if r.type == "run" and r.id in current}
        total, at = len(records), 0
        while at < total:
            record = records[at]
            group = _read_together(records, at)
            at += len(group)
            if record.type in _WORD_FOR_WORD:
                if record.type != "finding" or "run" not in record.body:
                    self.waiting.append((record.type, _checked(record)))
                continue
            if record.type == "run" and last.get(record.id) != record.seq:
                continue  # another one took its place
            self._write()
            self.progress(at, total, _title(record))
            try:
                if record.type == "measurement":
                    self._measure(group)
                elif record.type == "series":
                    self._series(SensorSeries.model_validate(record.body))
                elif record.type == "run":
                    self._analyse(record.body)
            except ConsilienceError as error:
                self.done.failures.append(Failure(_title(record), error.what, error.fix))
        self._write()
        self.progress(total, total, "built anew")
        return self.done

    def _files(self) -> None:
        """Take every registered file over, whatever was read or retracted of it."""
        objects = sorted(p for p in self.source.store.layout.raw.rglob("*") if p.is_file())
        for done, path in enumerate(objects):
            self.progress(done, len(objects), f"taking over file {path.name[:12]}")
            stored = self.target.store.put_file(path)
            if stored.sha256 != path.name:
                raise VerifyError(
                    f"a registered file of the bundle is not what its name says: its SHA-256 is "
                    f"{stored.sha256}",
                    fix="get the bundle again from where it was published",
                    path=path,
                )

    def _write(self) -> None:
        if self.waiting:
            self.target.store.append(self.waiting)
            self.target.forget()
            self.waiting = []

    def _measure(self, group: Sequence[Record]) -> None:
        records = [MeasurementRecord.model_validate(r.body) for r in group]
        made = reread(self.target, records)
        if made:
            self.target.store.append([("measurement", m.to_json()) for m in made])
        self.done.read += len(records)
        self.target.forget()

    def _series(self, record: SensorSeries) -> None:
        entry = self.source.store.index.get("step", record.step)
        step = Step.model_validate({} if entry is None else entry.body)
        size = self.target.store.layout.raw_object(record.sha256).stat().st_size
        file = StoredFile(record.file, size, record.sha256)
        with self.target.store.staging() as staging:
            folder = self.target.store.materialise({record.file: file}, staging / "log")
            register_series(self.target, folder / record.file, step, record.mapping)

    def _analyse(self, run: dict[str, Any]) -> None:
        group = [self.target.measurement(m) for m in run["measurements"]]
        summary = repeat_run(self.target, run["analysis"], run["parameters"], group, self.progress)
        self.done.runs += summary.runs + summary.skipped
        self.done.failures += [
            Failure(f"{f.analysis} on {f.on}", f.what, f.fix) for f in summary.failures
        ]


def _read_together(records: Sequence[Record], at: int) -> list[Record]:
    """Return the record, or all measurements in a row that were read from one file at once."""
    first = records[at]
    if first.type != "measurement":
        return [first]

    def reading(record: Record) -> bytes:
        said = ("stored", "reader", "options", "sample", "state")
        return canonical_json([record.body[name] for name in said])

    group = [first]
    for record in records[at + 1 :]:
        if record.type != "measurement" or reading(record) != reading(first):
            break
        if record.id in {r.id for r in group}:  # registered again
            break
        group.append(record)
    return group


def _checked(record: Record) -> dict[str, Any]:
    """Return the body of something that was entered, if it is what it claims to be."""
    models: dict[str, type[FrozenModel]] = {"sample": Sample, "step": Step, "finding": Finding}
    if record.type in models:
        models[record.type].model_validate(record.body)
    return record.body


def _title(record: Record) -> str:
    body = record.body
    if record.type == "run":
        return f"{body['analysis']} on {', '.join(body['measurements'][:3])}"
    if record.type == "measurement":
        main = body["stored"].get("data", {"name": body["name"]})
        return f"reading {main['name']}"
    return f"{record.type} {body.get('file', record.id)}"
