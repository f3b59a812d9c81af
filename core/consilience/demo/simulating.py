"""Simulate the files of a plan, and keep what was planted apart from them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from consilience.declarations import Simulator
from consilience.demo.logs import write_log
from consilience.demo.plan import chosen
from consilience.model.canonical import canonical_json
from consilience.progress import Progress, no_progress
from consilience.registry import Registry

__all__ = ["simulate", "simulate_plan"]


def simulate(registry: Registry, run: Mapping[str, Any], folder: Path) -> list[Path]:
    """Run one simulator into `folder`, which is made.

    Names do not hang on the seed, ``-SEED`` is taken out of them, and tell more than that they are
    simulated: that word gives place to the name of the folder.

    Parameters
    ----------
    registry : Registry
    run : mapping
        ``simulator``, the key of one; ``seed``; and ``params``.
    folder : Path
        New.

    Returns
    -------
    list of Path
        All files that are there now; what was planted among them, as ``*truth.json``.
    """
    simulator = registry.get(Simulator, run["simulator"])
    params = simulator.params.load().model_validate(run.get("params", {}))
    folder.mkdir(parents=True)
    seed = int(run["seed"])
    simulator.run.load()(params, seed, folder)
    mark = re.compile(rf"-{seed}(?=[-.])")
    names = {
        path.name: mark.sub("", path.name, count=1).replace("simulated", folder.name, 1)
        for path in sorted(folder.iterdir())
    }
    for old, new in names.items():
        path = (folder / old).rename(folder / new)
        if _is_truth(path):
            text = path.read_text(encoding="utf-8")
            for was, is_now in names.items():
                text = text.replace(json.dumps(was), json.dumps(is_now))
            path.write_text(text, encoding="utf-8")
    return sorted(folder.iterdir())


def _is_truth(path: Path) -> bool:
    return path.name.endswith("truth.json")


def simulate_plan(
    plan: Mapping[str, Any],
    folder: Path,
    *,
    only: Iterable[str] | None = None,
    seeds: Mapping[str, int] | None = None,
    truth: Path | None = None,
    registry: Registry | None = None,
    progress: Progress = no_progress,
) -> dict[str, list[Path]]:
    """Simulate the entries of a plan, each into a folder of its name.

    Parameters
    ----------
    plan : mapping
        As `read_plan` returns it, changed or not.
    folder : Path
        Gets ``NAME/...`` for each simulation and shipped file and ``NAME.csv`` for each log.  What
        is there of an entry is replaced.
    only : iterable of str, optional
        Names of entries; others are left alone.
    seeds : mapping, optional
        Name to seed, in place of the plan's.
    truth : Path, optional
        File that gets, as canonical JSON, what was simulated and what the simulators say that
        they planted.  Beside the data nothing of it stays.
    registry : Registry, optional
    progress : callable

    Returns
    -------
    dict
        Name to files.
    """
    registry = registry or Registry.discover()
    runs, logs, shipped = chosen(plan, only)
    told: list[dict[str, Any]] = []
    written: dict[str, list[Path]] = {}
    for done, entry in enumerate(runs):
        name = entry["name"]
        progress(done, len(runs), f"simulating {name}")
        run = {**entry, "seed": int((seeds or {}).get(name, entry["seed"]))}
        shutil.rmtree(folder / name, ignore_errors=True)
        files = simulate(registry, run, folder / name)
        planted = [path for path in files if _is_truth(path)]
        written[name] = [path for path in files if path not in planted]
        told.append(
            {
                **run,
                "files": [f"{name}/{path.name}" for path in written[name]],
                "planted": [json.loads(path.read_text(encoding="utf-8")) for path in planted],
            }
        )
        for path in planted:
            path.unlink()
    for log in logs:
        path = folder / f"{log['name']}.csv"
        write_log(path, log)
        written[log["name"]] = [path]
    for entry in shipped:
        written[entry["name"]] = _shipped(entry, folder / entry["name"])
    if truth is not None:
        truth.parent.mkdir(parents=True, exist_ok=True)
        body = {"origin": "simulated", "study": plan["study"], "simulation": told, "log": logs}
        truth.write_bytes(canonical_json(body))
    return written


def _shipped(entry: Mapping[str, Any], folder: Path) -> list[Path]:
    """Copy a file that an installed distribution brings; nothing where it is not installed."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        source = Path(str(distribution(entry["distribution"]).locate_file(entry["file"])))
    except PackageNotFoundError:
        return []
    if not source.is_file():
        return []
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return [Path(shutil.copyfile(source, folder / source.name))]
