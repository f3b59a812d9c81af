"""What a twin simulates and what its study claims: the small twin's tables, the demonstration's."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from consilience.demo import read_plan

__all__ = ["LOG", "Tables", "cut_down", "demonstration", "small_twin"]

HERE = Path(__file__).parent
LOG = "suitcase.csv"
"""The log of the small twin."""


@dataclass
class Tables:
    """What a twin is made of.

    Parameters
    ----------
    plan : dict
        Simulations by name: ``simulator``, ``seed`` and ``params``.
    logs : dict
        Logs of sensors by the name of their file, as `write_log` takes them.
    study : dict
        The tables of ``study.toml``.
    shipped : list
        Measured files that an installed package brings along, as in a plan of the demonstration.
    """

    plan: dict[str, dict[str, Any]]
    logs: dict[str, dict[str, Any]]
    study: dict[str, Any]
    shipped: list[dict[str, Any]] = field(default_factory=list)


def small_twin(seed: int) -> Tables:
    """Return the twin of this folder, in which each technique measures twice.

    How cold its suitcase is and how good its vacuum hang on the seed.
    """
    plan = tomllib.loads((HERE / "simulations.toml").read_text(encoding="utf-8"))
    rng = np.random.default_rng([seed, 0])
    # never warm, and never silent: the two spans are empty
    log = {
        "length": 3600,
        "step": 5,
        "cold_K": 83.0 + float(rng.uniform(-3, 3)),
        "pressure_mbar": 1e-9 * float(10 ** rng.uniform(-0.4, 0.4)),
        "warm_from": 1,
        "warm_to": 0,
        "warm_to_K": 83.0,
        "gap_from": 1,
        "gap_to": 0,
    }
    return Tables(
        plan={run["name"]: run for run in plan["simulation"]},
        logs={LOG: log},
        study=tomllib.loads((HERE / "study.toml").read_text(encoding="utf-8")),
    )


def demonstration(name: str, _seed: int = 0) -> Tables:
    """Return one study of the demonstration at its small size, just as it is shipped.

    Nothing hangs on the seed but the noise in its files.
    """
    plan = read_plan(name, small=True)
    text = files("consilience.demo").joinpath(name, "study.toml").read_text(encoding="utf-8")
    return Tables(
        plan={run["name"]: run for run in plan["simulation"]},
        logs={f"{log['name']}.csv": log for log in plan["log"]},
        study=tomllib.loads(text),
        shipped=plan["shipped"],
    )


def cut_down(tables: Tables, samples: Collection[str]) -> Tables:
    """Leave out all that is of other samples."""
    study = dict(tables.study)
    of = {"sample": "id", "step": "sample", "measurement": "sample", "finding": "sample"}
    of |= {"claim": "sample", "table": "sample", "peak_list": "sample"}
    for table, key in of.items():
        study[table] = [t for t in study.get(table, []) if t[key] in samples]
    study["step"] = [t for t in study["step"] if t.get("derives", t["sample"]) in samples]
    steps = {t.get("name") for t in study["step"]}
    study["series"] = [t for t in study.get("series", []) if t["step"] in steps]
    study["analysis"] = [
        {**t, "samples": [s for s in t["samples"] if s in samples]} if "samples" in t else t
        for t in study["analysis"]
    ]
    used = {t["file"].split("/")[0] for t in study["measurement"]}
    plan = {name: run for name, run in tables.plan.items() if name in used}
    return Tables(plan, tables.logs, study, [s for s in tables.shipped if s["name"] in used])
