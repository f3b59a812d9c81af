"""The twin: what is simulated and what its study claims, built once for each seed.

A fault changes a copy of the plan or of the claims, or a file, or what is stored. Of the faulty
study only what depends on the change is simulated, read and analysed anew; the rest is what the
clean study of the same seed holds.
"""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.faults.answers import Answer, answer_of
from benchmarks.faults.tables import Tables
from consilience.demo.logs import write_log
from consilience.demo.simulating import simulate_plan
from consilience.registry import Registry
from consilience.store.files import hash_file
from consilience.study import Study
from consilience.study.building import build
from consilience.study.study_file import EnteredTable, PeakListTable, StudyFile
from consilience.workers import WorkerPool

__all__ = ["Base", "Claims", "World"]


@dataclass
class Claims:
    """What a fault may change.

    Parameters
    ----------
    rng : Generator
    plan : dict
        Simulations by name.
    logs : dict
        Of sensors, by the name of their file.
    study : dict
        The tables of ``study.toml``.
    edits : list
        File (below the data folder) and what is done to it before it is registered.
    stored : list
        What is done to the folder of the finished study.
    """

    rng: np.random.Generator
    plan: dict[str, dict[str, Any]]
    logs: dict[str, dict[str, Any]]
    study: dict[str, Any]
    edits: list[tuple[str, Callable[[Path], None]]] = field(default_factory=list)
    stored: list[Callable[[Study], None]] = field(default_factory=list)

    def params(self, name: str) -> dict[str, Any]:
        """Return the parameters of a simulation, to be changed."""
        found: dict[str, Any] = self.plan[name].setdefault("params", {})
        return found

    def measurement(self, name: str) -> dict[str, Any]:
        """Return the table of the measurement whose file begins with `name`, to be changed."""
        return self._one("measurement", "file", name)

    def step(self, name: str) -> dict[str, Any]:
        """Return the table of a named step, to be changed."""
        return self._one("step", "name", name)

    def sample(self, name: str) -> dict[str, Any]:
        """Return the table of a sample, to be changed."""
        return self._one("sample", "id", name)

    def edit(self, file: str, how: Callable[[Path], None]) -> None:
        """Change a file before it is registered."""
        self.edits.append((file, how))

    def _one(self, table: str, key: str, value: str) -> dict[str, Any]:
        found = [t for t in self.study[table] if str(t[key]).split("/")[0] == value]
        if not found:
            found = [t for t in self.study[table] if t[key] == value]
        one: dict[str, Any] = found[0]
        return one


@dataclass
class World:
    """What all studies share: plugins, and processes that read files."""

    registry: Registry
    workers: WorkerPool

    def opened(self, folder: Path, name: str) -> Study:
        """Make an empty study whose files these processes read."""
        study = Study.create(folder, name, self.registry)
        study._workers = self.workers  # starting some for each study would cost most of the time
        return study


def _release(study: Study) -> None:
    study._workers = None
    study.close()


class Base:
    """The clean twin of one seed.

    Parameters
    ----------
    world : World
    seed : int
        New noise in every file.
    folder : Path
        New; gets ``data`` and ``study``.
    tables : Tables
        What is simulated and claimed.
    """

    def __init__(self, world: World, seed: int, folder: Path, tables: Tables) -> None:
        self.world, self.seed, self.folder = world, seed, folder
        self.plan, self.logs, self.study = tables.plan, tables.logs, tables.study
        self.shipped = tables.shipped
        self.data = folder / "data"
        self._write(self.plan, self.logs, self.data, set(self.plan), 0)
        file = StudyFile.model_validate(self.study)
        study = world.opened(folder / "study", file.study.name)
        summary = build(study, file, self.data)
        if summary.refused:  # a file that the machine was too slow for: nothing of a fault
            raise RuntimeError(f"the clean twin was not read: {summary.refused}")
        self.names = _names(study, file, self.data)
        self.answer = answer_of(study, summary, self.names)
        self.kept = {
            kind: [(dict(e.body)) for e in study.store.index.latest(kind)]
            for kind in ("measurement", "run", "finding")
        }
        self.reads = [n for n in study.notes() if n.get("about") == "read"]
        _release(study)

    def claims(self, repeat: int) -> Claims:
        """Return a copy of all that a fault may change."""
        rng = np.random.default_rng([self.seed, 1, repeat])
        plan, logs, study = copy.deepcopy((self.plan, self.logs, self.study))
        return Claims(rng, plan, logs, study)

    def trial(self, claims: Claims, folder: Path, verify: bool = False) -> Answer:
        """Build the study of changed claims into `folder`, ask it, and remove it."""
        data = folder / "data"
        changed = {n for n in self.plan if claims.plan[n] != self.plan[n]}
        data.mkdir(parents=True)
        self._write(claims.plan, claims.logs, data, changed, 1)
        edited = {file for file, _ in claims.edits}
        copied = {file.split("/")[0] for file in edited}
        for name in set(self.plan) - changed:
            if name in copied:
                shutil.copytree(self.data / name, data / name)
            else:
                (data / name).symlink_to(self.data / name)
        for path, how in claims.edits:
            how(data / path)
        file = StudyFile.model_validate(claims.study)
        study = self.world.opened(folder / "study", file.study.name)
        new = self._take_over(study, file, changed, edited)
        summary = build(study, file.model_copy(update={"measurement": new}), data)
        for act in claims.stored:
            act(study)
        answer = answer_of(study, summary, _names(study, file, data), verify)
        _release(study)
        shutil.rmtree(folder)
        return answer

    def _write(
        self,
        plan: dict[str, dict[str, Any]],
        logs: dict[str, dict[str, Any]],
        folder: Path,
        names: set[str],
        more: int,
    ) -> None:
        """Simulate what is named; logs and measured files come with it."""
        runs = [plan[name] for name in sorted(names)]
        seeds = {r["name"]: 1000 * self.seed + 500 * more + int(r["seed"]) for r in runs}
        simulate_plan(
            {"simulation": runs, "log": [], "shipped": self.shipped},
            folder,
            seeds=seeds,
            registry=self.world.registry,
        )
        for name, log in logs.items():
            write_log(folder / name, log)

    def _take_over(
        self, study: Study, file: StudyFile, simulated: set[str], edited: set[str]
    ) -> list[Any]:
        """Put into a study what the clean one holds of what is unchanged; return what is not."""
        old = StudyFile.model_validate(self.study)
        claimed = {t.file: t for t in file.measurement}
        same = {
            t.file
            for t in old.measurement
            if claimed.get(t.file) == t
            and not any(
                f in edited or f.split("/")[0] in simulated
                for f in (t.file, *t.companions.values())
            )
        }
        changed_samples = (
            {s["id"] for s, t in zip(file.sample, old.sample, strict=True) if s != t}
            if len(file.sample) == len(old.sample)
            else set()
        )
        entered_anew = _changed_entries(old, file)
        keep = {
            m["id"]
            for m in self.kept["measurement"]
            if (
                m["sample"] not in entered_anew
                if m["origin"] == "entered"
                else self.names[m["id"]] in same
            )
        }
        store, path = study.store, self.folder / "study"
        for part in ("objects", "arrays"):
            shutil.copytree(
                path / part, store.path / part, copy_function=os.link, dirs_exist_ok=True
            )
        stale = changed_samples | {
            m["sample"] for m in self.kept["measurement"] if m["id"] not in keep
        }
        sample_of = {m["id"]: m["sample"] for m in self.kept["measurement"]}
        runs = [
            r
            for r in self.kept["run"]
            if keep.issuperset(r["measurements"])
            and not (len(r["measurements"]) > 1 and sample_of[r["measurements"][0]] in stale)
        ]
        ids = {r["id"] for r in runs}
        study.store.append(
            [
                *(("measurement", m) for m in self.kept["measurement"] if m["id"] in keep),
                *(("note", n) for n in self.reads if set(n["measurements"]) <= keep),
                *(("run", r) for r in runs),
                *(("finding", f) for f in self.kept["finding"] if f.get("run") in ids),
            ]
        )
        study.forget()
        return [t for t in file.measurement if t.file not in same]


def _names(study: Study, file: StudyFile, data: Path) -> dict[str, str]:
    """Return the file, as the study file names it, of each measurement."""
    by_hash: dict[str, str] = {}
    for table in file.measurement:
        if (data / table.file).is_file():
            by_hash.setdefault(hash_file(data / table.file)[1], table.file)
    found = {}
    for record in study.measurement_records():
        stored = record.stored.get("data")
        found[record.id] = by_hash.get(stored.sha256, record.file_name) if stored else record.title
    return found


def _changed_entries(old: StudyFile, new: StudyFile) -> set[str]:
    """Return the samples of which other numbers were entered in tables and peak lists."""
    rows: list[list[EnteredTable | PeakListTable]] = [
        [*file.table, *file.peak_list] for file in (old, new)
    ]
    return {r.sample for one, other in (rows, rows[::-1]) for r in one if r not in other}
