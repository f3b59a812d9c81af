"""From a file to measurements: hash, read in a worker, store, and only then acknowledge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.declarations import Check, Modality, Reader
from consilience.errors import (
    AmbiguousReaderError,
    BadFileError,
    BadInputError,
    ConsilienceError,
)
from consilience.model.base import Quantity, StateValue
from consilience.model.canonical import content_id
from consilience.model.finding import Region
from consilience.model.measurement import MeasurementRecord, Notice, RegisteredFile
from consilience.probing import FEW, choose_reader
from consilience.progress import Progress, no_progress
from consilience.study.added import Added
from consilience.study.exposures import completed
from consilience.times import parse_time

if TYPE_CHECKING:
    from consilience.model.measurement import Exposure
    from consilience.study.entry import Entry
    from consilience.workers import ReadJob

__all__ = ["register_file"]

_WRONGLY = "if it was registered wrongly, retract it with the reason, then register it again"


def register_file(
    study: Entry,
    path: Path,
    sample: str,
    *,
    reader: str | None = None,
    options: Mapping[str, Any] | None = None,
    companions: Mapping[str, Path] | None = None,
    state: Mapping[str, StateValue] | None = None,
    region: Region | None = None,
    start: str | None = None,
    exposures: Sequence[Exposure] = (),
    link: bool = False,
    progress: Progress = no_progress,
) -> list[Added]:
    """Register a file as one measurement for each of its signals.

    See `Study.add` for parameters and errors.
    """
    from consilience.store.files import hash_file, parse_json

    study.sample(sample)
    start = None if start is None else parse_time(start)
    try:
        chosen = choose_reader(study.registry, path, reader, options, companions)
    except AmbiguousReaderError as error:
        if 0 < len(error.declined) <= FEW:
            raise _with_reasons(study, path, error) from error
        raise
    files = {"data": path, **{role: Path(p) for role, p in (companions or {}).items()}}
    for role, companion in files.items():
        if not companion.is_file():
            raise BadInputError(
                f"{role} file {str(companion)!r} is not a file",
                fix="check the path; folders cannot be registered yet, name the files in them",
                path=companion,
            )
    plain_options = dict(options or {})
    with study.store.staging() as staging:
        job = _job(study, chosen, path, companions, plain_options, staging)
        links = study.workers.linked(job)
    broken = [name for name in links if not (path.parent / name).is_file()]
    files |= {f"linked:{n}": path.parent / n for n in sorted(set(links) - set(broken))}
    hashes: dict[str, str] = {}
    for done, (role, file) in enumerate(files.items()):
        progress(done, len(files) + 1, f"hashing {file.name}")
        hashes[role] = hash_file(file)[1]
    read_id = content_id("r", {"files": hashes, "reader": chosen.key, "options": plain_options})
    known = study.store.index.get("note", read_id)
    if known is not None and _all_hold(study, known.body):
        said = {"start": start, "region": region, "exposures": list(exposures)}
        return _already(study, known.body["measurements"], sample, dict(state or {}), said)

    progress(len(files), len(files) + 1, f"reading {path.name}")
    with study.store.staging() as staging:
        outcome = study.workers.read(_job(study, chosen, path, companions, plain_options, staging))
        stored = {role: study.store.put_file(file, link=link) for role, file in files.items()}
        for role, kept in stored.items():
            if kept.sha256 != hashes[role]:
                raise BadFileError(
                    f"{kept.name!r} changed while it was being registered",
                    fix="wait until the instrument has finished writing, then register it again",
                    path=files[role],
                )
        plugin = study.registry.owner(chosen)
        records = []
        for signal in outcome.signals:
            array = None if signal.array is None else study.store.adopt(staging / signal.array)
            raw = None
            if signal.raw_metadata is not None:
                raw = study.store.put_json(parse_json((staging / signal.raw_metadata).read_bytes()))
            identity = {"read": read_id, "signal": signal.name}
            doses, contradictions = completed(signal.exposures, exposures)
            records.append(
                MeasurementRecord(
                    id=content_id("m", identity),
                    name=signal.name,
                    modality=signal.modality,
                    sample=sample,
                    state=dict(state or {}),
                    region=region,
                    origin=signal.origin,
                    stored={
                        role: RegisteredFile.model_validate(file.to_dict())
                        for role, file in stored.items()
                    },
                    reader=chosen.key,
                    plugin=plugin.info.name,
                    version=plugin.info.version,
                    options=plain_options,
                    array=array,
                    lazy=None if signal.lazy is None else dict(signal.lazy),
                    summary=signal.summary,
                    metadata=dict(signal.metadata),
                    raw_metadata=raw,
                    notices=[
                        *signal.notices,
                        *map(_broken_link, broken),
                        *_other_start(signal.start, start),
                        *contradictions,
                    ],
                    exposures=doses,
                    start=start or signal.start,
                )
            )
        note = {
            "id": read_id,
            "about": "read",
            "file": path.name,
            "measurements": [r.id for r in records],
        }
        appended = study.store.append_unless(
            lambda index: index.has("note", read_id) and _all_hold(study, note),
            [*(("measurement", r.to_json()) for r in records), ("note", note)],
        )
    progress(len(files) + 1, len(files) + 1, f"registered {path.name}")
    if not appended:
        said = {"start": start, "region": region, "exposures": list(exposures)}
        return _already(study, note["measurements"], sample, dict(state or {}), said)
    return [
        Added("measurement", r.id, True, r.title, [*r.notices, *_read_before(study, r)])
        for r in records
    ]


def _read_before(study: Entry, record: MeasurementRecord) -> list[Notice]:
    """Say which measurements are the same signal of the same file, read or said otherwise."""

    def read(one: MeasurementRecord) -> tuple[list[str], str, str]:
        data = [file.sha256 for file in one.files if file.role == "data"]
        return data, one.reader, one.name

    return [
        Notice(
            code="registered-before",
            message=f"the same signal of this file stands there already as {known.id} of "
            f"{known.sample!r}, read with other options or by another version",
            fix=f"keep one: consilience retract ID --reason …, with {known.id} or {record.id}",
        )
        for known in study.measurement_records()
        if known.id != record.id and read(known) == read(record)
    ]


def _with_reasons(study: Entry, path: Path, error: AmbiguousReaderError) -> AmbiguousReaderError:
    """Ask the readers that declined at the file's beginning why, by letting them read it."""
    reasons: list[tuple[str, ConsilienceError]] = []
    for key in error.declined:
        try:
            with study.store.staging() as staging:
                reader = study.registry.get(Reader, key)
                study.workers.read(_job(study, reader, path, {}, {}, staging))
        except ConsilienceError as reason:
            reasons.append((key, reason))
        else:
            return AmbiguousReaderError(error.what, fix=f"take --reader {key} if it is", path=path)
    first = reasons[0][1]
    return AmbiguousReaderError(
        f"{path.name!r} is not what its name says: "
        + "; ".join(f"{key}: {reason.what}" for key, reason in reasons),
        fix=first.fix,
        path=path,
        line=first.line,
        offset=first.offset,
    )


def _broken_link(name: str) -> Notice:
    return Notice(
        code="link-broken",
        message=f"the file refers to {name!r}, which is not beside it",
        where=name,
        fix="copy it from the instrument into the same folder and register again",
    )


def _other_start(in_file: str | None, said: str | None) -> list[Notice]:
    if said is None or in_file is None or in_file == said:
        return []
    return [
        Notice(
            code="start-overridden",
            message=f"the file says it started at {in_file}, the user says {said}",
            fix="correct the clock of the instrument, or what was said",
        )
    ]


def _job(
    study: Entry,
    reader: Reader,
    path: Path,
    companions: Mapping[str, Path] | None,
    options: Mapping[str, Any],
    staging: Path,
) -> ReadJob:
    from consilience.workers import ReadJob

    return ReadJob.of(
        reader,
        path,
        staging,
        modalities=study.registry.all(Modality),
        checks=study.registry.all(Check),
        companions=companions or {},
        options=options,
    )


def _words(state: Mapping[str, StateValue]) -> str:
    named = (
        f"{k} {v.value:g} {v.unit}" if isinstance(v, Quantity) else f"{k} {v}"
        for k, v in state.items()
    )
    return repr(", ".join(named)) if state else "that is unknown"


def _all_hold(study: Entry, note: Mapping[str, Any]) -> bool:
    return all(study.holds("measurement", m) for m in note["measurements"])


def _held(known: Sequence[Exposure], said: Sequence[Exposure]) -> bool:
    """Return True if what a person says of a dose is in the record already."""
    joined, _ = completed(known, said)
    return joined == list(known) or all(exposure in known for exposure in said)


def _already(
    study: Entry,
    ids: Sequence[str],
    sample: str,
    state: Mapping[str, StateValue],
    said: Mapping[str, Any],
) -> list[Added]:
    """Answer for a file that is known: say so, or refuse if it is said of another sample."""
    answers = []
    for known in (study.measurement(i).record for i in ids):
        if known.sample != sample:
            raise BadInputError(
                f"{known.file_name!r} is already registered as measurement {known.id} "
                f"of sample {known.sample!r}, not of {sample!r}",
                fix=f"find out which of the two was in the beam; {_WRONGLY}",
            )
        if known.state != state:
            raise BadInputError(
                f"{known.file_name!r} is already registered as measurement {known.id} "
                f"in the state {_words(known.state)}, not {_words(state)}",
                fix=f"find out in which of the two it was measured; {_WRONGLY}",
            )
        for name, value in said.items():
            if name == "exposures":
                differs = not _held(known.exposures, value)
            else:
                differs = bool(value) and value != getattr(known, name)
            if differs:
                raise BadInputError(
                    f"{known.file_name!r} is already registered as measurement "
                    f"{known.id} with another {name}",
                    fix=_WRONGLY,
                )
        answers.append(Added("measurement", known.id, False, known.title, known.notices))
    return answers
