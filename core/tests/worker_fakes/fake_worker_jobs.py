"""Jobs for the fake readers."""

from __future__ import annotations

import hashlib
from pathlib import Path

import psutil

from consilience.workers import CheckRef, ModalityUnits, ReadJob

FAKE = {
    "fake": ModalityUnits(
        coordinates={"q": ["1/angstrom", "1/nm"]}, variables={"intensity": ["counts"]}
    )
}


def make_job(folder: Path, text: str, *, check: tuple[str, ...] = (), **changes) -> ReadJob:
    """Write a file that tells the fake reader what to do, and return the job of reading it."""
    folder.mkdir(parents=True, exist_ok=True)
    path, staging = folder / "scan.dat", folder / "staging"
    path.write_text(text)
    staging.mkdir()
    fields = {
        "reader": "fake.dat",
        "read": "fake_worker_readers:read",
        "checks": [
            CheckRef(key=f"fake.{name}", modality="fake", run=f"fake_worker_readers:{name}")
            for name in check
        ],
        "modalities": FAKE,
        "path": str(path),
        "staging": str(staging),
        "names": {str(folder): ""},
    }
    return ReadJob.model_validate({**fields, **changes})


def digest(job: ReadJob) -> str:
    """Return one hash of names and content of everything in the staging folder."""
    total = hashlib.sha256()
    for path in sorted(Path(job.staging).rglob("*")):
        total.update(path.relative_to(job.staging).as_posix().encode() + b"\0")
        if path.is_file():
            total.update(path.read_bytes())
    return total.hexdigest()


def running(pid: int) -> bool:
    """Return True unless the process has ended (also if nobody has reaped it yet)."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def with_text(text: str) -> list[int]:
    """Return the running processes that have `text` in their command line."""
    return [
        p.pid for p in psutil.process_iter(["cmdline"]) if text in " ".join(p.info["cmdline"] or ())
    ]
