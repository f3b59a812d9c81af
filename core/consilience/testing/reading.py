"""Reading samples and damaged files, here or in a child with limits."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from consilience.declarations import Modality, Reader
from consilience.model.canonical import canonical_json
from consilience.model.measurement import Measurement, MeasurementRecord, Signal
from consilience.plain import jsonable
from consilience.registry import Registry
from consilience.testing.samples import SampleFile
from consilience.testing.target import Target, child_environment
from consilience.validation import Problem, signal_problems, summarise

__all__ = [
    "Damaged",
    "dataset_digest",
    "materialise",
    "measurement_of",
    "problems_of_read",
    "read_damaged",
    "read_sample",
    "signal_digest",
]

MEMORY_BYTES = 6 << 30
SECONDS_EACH = 60.0
"""Wall time for one file before its reader counts as hung; libraries load in the first."""


def read_sample(registry: Registry, sample: SampleFile) -> Any:
    """Call the reader as the worker does; the answer is unchecked."""
    reader = registry.get(Reader, sample.reader)
    return reader.read.load()(sample.path, dict(sample.options), dict(sample.companions))


def materialise(reader: Reader, signal: Signal, sample: SampleFile) -> xr.Dataset:
    """Return a signal's data in memory, opened lazily where they stay in the raw file."""
    if signal.data is not None:
        return signal.data
    if reader.open is None:
        raise TypeError(f"signal {signal.name!r} is lazy, but reader {reader.key!r} has no 'open'")
    assert signal.lazy is not None
    data = reader.open.load()(sample.path, dict(sample.companions), dict(signal.lazy))
    try:
        loaded: xr.Dataset = data.load()
        return loaded
    finally:
        data.close()


def problems_of_read(registry: Registry, sample: SampleFile, signals: Any) -> list[Problem]:
    """Return all faults of an answer, those of lazily opened data too."""
    reader = registry.get(Reader, sample.reader)
    modalities = {m.key: m for m in registry.all(Modality)}
    return signal_problems(
        signals,
        reader.modalities,
        modalities,
        lambda signal: materialise(reader, signal, sample),
        lazy_values=True,
    )


def dataset_digest(data: xr.Dataset) -> str:
    """Return a hash of all values, names, dimensions and attributes."""
    digest = hashlib.sha256()
    for name in sorted(map(str, data.variables)):
        variable = data.variables[name]
        digest.update(f"{name}{variable.dims}{variable.shape}{variable.dtype}".encode())
        digest.update(repr(sorted(variable.attrs.items(), key=str)).encode())
        digest.update(variable.values.tobytes())
    digest.update(repr(sorted(data.attrs.items(), key=str)).encode())
    return digest.hexdigest()


def signal_digest(reader: Reader, signal: Signal, sample: SampleFile) -> str:
    """Return a hash of all that a signal says."""
    rest = canonical_json(
        {
            "name": signal.name,
            "modality": signal.modality,
            "metadata": dict(signal.metadata),
            "raw": jsonable(signal.raw_metadata, "raw_metadata", strict=False),
            "notices": [n.to_json() for n in signal.notices],
            "exposures": [e.to_json() for e in signal.exposures],
            "origin": signal.origin,
            "start": signal.start,
            "linked": list(signal.linked),
        }
    )
    data = dataset_digest(materialise(reader, signal, sample))
    return hashlib.sha256(rest + data.encode()).hexdigest()


def measurement_of(registry: Registry, sample: SampleFile, signal: Signal) -> Measurement:
    """Return a signal as the measurement that a study would make of it."""
    reader = registry.get(Reader, sample.reader)
    data = materialise(reader, signal, sample)
    owner = registry.owner(reader)
    content = hashlib.sha256(sample.path.read_bytes() + signal.name.encode()).hexdigest()
    record = MeasurementRecord(
        id=f"m-{content[:16]}",
        name=signal.name,
        modality=signal.modality,
        sample="sample",
        state={},
        origin=signal.origin,
        stored={},
        reader=reader.key,
        plugin=owner.info.name,
        version=owner.info.version,
        array=None,
        lazy=None,
        summary=summarise(data),
        metadata=dict(signal.metadata),
        notices=list(signal.notices),
        exposures=list(signal.exposures),
        start=signal.start,
    )
    return Measurement(record, lambda: data)


@dataclass(frozen=True)
class Damaged:
    """One file for the child to read: by which reader, what was done to it, where it lies."""

    reader: str
    name: str
    path: Path
    options: Mapping[str, object]
    companions: Mapping[str, Path]


def read_damaged(
    targets: Sequence[Target],
    cases: Sequence[Damaged],
    folder: Path,
    seconds_each: float = SECONDS_EACH,
) -> list[str]:
    """Read damaged files in a child with limits; return one line for each fault.

    A child that crashes or hangs is a fault of the case it was reading; the cases
    after it are then not read.
    """
    job = {
        "targets": [[t.name, t.module] for t in targets],
        "memory": MEMORY_BYTES,
        "cases": [
            {
                "reader": c.reader,
                "name": c.name,
                "path": str(c.path),
                "options": dict(c.options),
                "companions": {k: str(v) for k, v in c.companions.items()},
            }
            for c in cases
        ],
    }
    asked = folder / "child-stdin.json"
    asked.write_text(json.dumps(job), encoding="utf-8")
    said = folder / "child-stdout.txt"
    complaint = folder / "child-stderr.txt"
    with asked.open("rb") as job_file, said.open("wb") as out, complaint.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "consilience.testing.reading_child"],
            env=child_environment(),
            stdin=job_file,
            stdout=out,
            stderr=err,
        )
        ending = _watch(process, said, seconds_each)
        if process.returncode != 0 and not ending:
            ending = f"ended with code {process.returncode}"
    lines = [json.loads(x) for x in said.read_text(encoding="utf-8").splitlines() if x[:1] == "{"]
    faults = [f"{x['name']}: {x['fault']}" for x in lines if x.get("fault")]
    finished = sum("fault" in x for x in lines)
    if ending or finished != len(cases):
        last = lines[-1]["name"] if lines else "start"
        tail = complaint.read_text(encoding="utf-8", errors="replace")[-800:]
        faults.append(f"{last}: the process that read it {ending or 'stopped early'}\n{tail}")
    return faults


def _watch(process: subprocess.Popen[bytes], said: Path, seconds_each: float) -> str:
    """Wait for the child; kill it when it has said nothing more for `seconds_each`."""
    size, since = -1, time.monotonic()
    while True:
        try:
            process.wait(timeout=0.1)
            return ""
        except subprocess.TimeoutExpired:
            now = said.stat().st_size
        if now != size:
            size, since = now, time.monotonic()
        elif time.monotonic() - since > seconds_each:
            process.kill()
            process.wait()
            return f"hung for {seconds_each:g} s and was killed"
