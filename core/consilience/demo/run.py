"""Simulate the files of the demonstration, then build its study like anybody's.

``simulations.toml`` and ``study.toml`` beside this module say what is simulated and
what the study claims; they name simulators and readers by key, so this module knows no
technique.
"""

from __future__ import annotations

import math
import shutil
import tomllib
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from consilience.declarations import Simulator
from consilience.errors import BadInputError
from consilience.progress import Progress, no_progress
from consilience.registry import Registry
from consilience.study.building import build_study

__all__ = ["run_demo"]


def run_demo(folder: str | Path, *, progress: Progress = no_progress) -> Path:
    """Write simulated files, register and analyse them, and write the report.

    Parameters
    ----------
    folder : path
        New or empty; gets ``data/``, ``study.toml``, ``study/`` and ``report.html``.
    progress : callable

    Returns
    -------
    Path
        The report.

    Raises
    ------
    BadInputError
        The folder is not empty.
    NotFoundError
        A plugin that the demonstration needs is not installed.
    """
    root = Path(folder)
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise BadInputError(
            f"{str(root)!r} exists and is not empty",
            fix="name another folder with --out; a demonstration never overwrites",
            path=root,
        )
    registry = Registry.discover()
    plan = tomllib.loads(
        files("consilience.demo").joinpath("simulations.toml").read_text(encoding="utf-8")
    )
    runs = plan["simulation"]
    for done, run in enumerate(runs):
        progress(done, len(runs), f"simulating {run['name']}")
        simulate(registry, run, root / "data" / run["name"])
    write_log(root / "data" / "suitcase.csv", plan["suitcase"])
    with as_file(files("consilience.demo").joinpath("study.toml")) as source:
        shutil.copyfile(source, root / "study.toml")
    _, _, page = build_study(
        root / "study.toml", root / "data", root / "study", root / "report.html", progress
    )
    return page


def simulate(registry: Registry, run: Mapping[str, Any], folder: Path) -> list[Path]:
    """Run one simulator into `folder`, which is made."""
    simulator = registry.get(Simulator, run["simulator"])
    params = simulator.params.load().model_validate(run.get("params", {}))
    folder.mkdir(parents=True)
    written: list[Path] = simulator.run.load()(params, int(run["seed"]), folder)
    return written


def write_log(path: Path, plan: Mapping[str, Any]) -> None:
    """Write the simulated log of a vacuum suitcase: cold, a warm excursion, and a gap.

    The excursion is a half sine over ``warm_from`` to ``warm_to`` (s), up to ``warm_to_K``;
    no rows are written between ``gap_from`` and ``gap_to``.
    """
    rows = ["# origin: simulated", "t (s),T (K),p (mbar)"]
    for second in range(0, int(plan["length"]) + 1, int(plan["step"])):
        if plan["gap_from"] <= second < plan["gap_to"]:
            continue
        temperature, pressure = float(plan["cold_K"]), float(plan["pressure_mbar"])
        if plan["warm_from"] <= second <= plan["warm_to"]:
            phase = (second - plan["warm_from"]) / (plan["warm_to"] - plan["warm_from"])
            bump = math.sin(math.pi * phase)
            temperature += (plan["warm_to_K"] - temperature) * bump
            pressure *= 10.0 ** (2.0 * bump)
        # a slow drift, so that no sensor is taken for stuck
        temperature += 0.2 * math.sin(second / 170.0)
        pressure *= 1.0 + 0.05 * math.sin(second / 230.0)
        rows.append(f"{second},{temperature:.2f},{pressure:.3e}")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
