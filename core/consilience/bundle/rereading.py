"""Reading registered files again, as they were read when they were registered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from consilience.declarations import Check, Modality, Reader
from consilience.errors import BadFileError
from consilience.model.measurement import MeasurementRecord
from consilience.store.files import StoredFile, parse_json
from consilience.study.entering import register_peak_list
from consilience.study.exposures import completed
from consilience.study.tables import register_table
from consilience.workers import ReadJob

if TYPE_CHECKING:
    from consilience.study.study import Study
    from consilience.workers.messages import SignalDescription

__all__ = ["reread"]

_NOTICED_WHEN_REGISTERED = ("link-broken", "start-overridden", "dose-contradiction")


def reread(study: Study, records: Sequence[MeasurementRecord]) -> list[MeasurementRecord]:
    """Read files that a study holds and return the measurements that they give now.

    Parameters
    ----------
    study : Study
        Holds the registered files, by hash.
    records : sequence of MeasurementRecord
        All signals of one reading.  What a person said of them stays: sample, state, region,
        and where the file does not say it start and dose.

    Returns
    -------
    list of MeasurementRecord
        Not yet registered; entered lists and tables are registered at once, and not in the list.

    Raises
    ------
    BadFileError
        The reader no longer gives one of the signals, or refuses the file.
    NotFoundError
        The reader is not installed.
    """
    first = records[0]
    if first.reader in ("core.peak_list", "core.table"):
        for record in records:
            _enter(study, record)
        return []
    reader = study.registry.get(Reader, first.reader)
    plugin = study.registry.owner(reader).info
    files = {
        role: StoredFile(file.name, file.size, file.sha256) for role, file in first.stored.items()
    }
    with study.store.staging() as staging:
        main = files["data"]
        beside = {role.removeprefix("linked:"): f for role, f in files.items() if ":" in role}
        folder = study.store.materialise({main.name: main, **beside}, staging / "files")
        companions = {
            role: study.store.materialise({f.name: f}, staging / f"with-{number}") / f.name
            for number, (role, f) in enumerate(sorted(files.items()))
            if role != "data" and ":" not in role
        }
        out = staging / "out"
        out.mkdir()
        job = ReadJob.of(
            reader,
            folder / main.name,
            out,
            modalities=study.registry.all(Modality),
            checks=study.registry.all(Check),
            companions=companions,
            options=first.options,
            names={str(folder): ""},
        )
        signals = {signal.name: signal for signal in study.workers.read(job).signals}
        missing = [r.name for r in records if r.name not in signals]
        if missing:
            raise BadFileError(
                f"reader {reader.key!r} no longer finds {missing[0]!r} in {main.name!r}; it finds "
                f"{', '.join(signals) or 'nothing'}",
                fix=f"install version {first.version} of plugin {first.plugin!r}",
            )
        return [_renewed(study, r, signals[r.name], out, plugin.version) for r in records]


def _renewed(
    study: Study, record: MeasurementRecord, signal: SignalDescription, out: Path, version: str
) -> MeasurementRecord:
    raw = None
    if signal.raw_metadata is not None:
        raw = study.store.put_json(parse_json((out / signal.raw_metadata).read_bytes()))
    said = [e for e in record.exposures if e.source == "user"]
    doses, _ = completed(signal.exposures, said)
    kept = [n for n in record.notices if n.code in _NOTICED_WHEN_REGISTERED]
    overridden = any(n.code == "start-overridden" for n in kept)
    return record.model_copy(
        update={
            "modality": signal.modality,
            "origin": signal.origin,
            "stored": {
                role: file.model_copy(update={"linked_path": None})
                for role, file in record.stored.items()
            },
            "version": version,
            "array": None if signal.array is None else study.store.adopt(out / signal.array),
            "lazy": None if signal.lazy is None else dict(signal.lazy),
            "summary": signal.summary,
            "metadata": dict(signal.metadata),
            "raw_metadata": raw,
            "notices": [*signal.notices, *kept],
            "exposures": doses,
            "start": record.start if overridden or signal.start is None else signal.start,
        }
    )


def _enter(study: Study, record: MeasurementRecord) -> None:
    """Enter a published list or table again from what was kept of it."""
    file = record.stored["data"]
    content = parse_json(study.store.get_bytes(StoredFile(file.name, file.size, file.sha256)))
    if record.reader == "core.table":
        register_table(study, record.sample, state=record.state, **content)
    else:
        register_peak_list(study, record.sample, state=record.state, **content)
