"""What a demonstration simulates, as read from the files beside this module."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from consilience.errors import NotFoundError

__all__ = ["STUDIES", "chosen", "copy_study_file", "read_plan"]

STUDIES = ("ptanode", "xcsct")
"""Folders beside this module, each with ``simulations.toml`` and ``study.toml``."""


def read_plan(study: str, *, small: bool = False) -> dict[str, Any]:
    """Return what a study simulates.

    Parameters
    ----------
    study : str
        One of `STUDIES`.
    small : bool
        Put the parameters under ``small`` of a simulation over those under ``params``: fewer
        points, so that a test has it in seconds.

    Returns
    -------
    dict
        ``simulation``: list of ``name``, ``simulator`` (its key), ``seed`` and ``params``; ``log``:
        list of ``name`` and what `write_log` takes; ``shipped``: list of ``name``,
        ``distribution`` and ``file``, measured data that an installed package brings along.
        A plain dictionary to be changed at will before it is given to `simulate_plan`.
    """
    plan = tomllib.loads(_text(study, "simulations.toml"))
    for run in plan["simulation"]:
        less = run.pop("small", {})
        run["params"] = _merged(run.get("params", {}), less if small else {})
    return {"study": study, "log": [], "shipped": [], **plan}


def copy_study_file(study: str, folder: Path) -> Path:
    """Write the ``study.toml`` of a study into `folder` and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "study.toml"
    path.write_text(_text(study, "study.toml"), encoding="utf-8")
    return path


def chosen(
    plan: Mapping[str, Any], only: Iterable[str] | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Return simulations, logs and shipped files of a plan that `only` names; None: all.

    Raises
    ------
    NotFoundError
        The plan has no entry of that name.
    """
    parts = tuple(list(plan.get(part, [])) for part in ("simulation", "log", "shipped"))
    if only is None:
        return parts  # type: ignore[return-value]
    wanted = set(only)
    unknown = sorted(wanted - {entry["name"] for part in parts for entry in part})
    if unknown:
        raise NotFoundError(
            f"the plan has no entry {', '.join(repr(name) for name in unknown)}",
            fix="its names: " + ", ".join(entry["name"] for part in parts for entry in part),
        )
    return tuple([e for e in part if e["name"] in wanted] for part in parts)  # type: ignore[return-value]


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(base[key], value)
        for key, value in over.items()
        if isinstance(value, Mapping) and isinstance(base.get(key), Mapping)
    }
    return {**base, **over, **both}


def _text(study: str, name: str) -> str:
    if study not in STUDIES:
        raise NotFoundError(
            f"there is no demonstration {study!r}", fix=f"choose from {', '.join(STUDIES)}"
        )
    return files("consilience.demo").joinpath(study, name).read_text(encoding="utf-8")
