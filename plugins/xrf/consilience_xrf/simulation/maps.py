"""Simulated scans of a platinum film, one state or a series over 50 cycles, written as NeXus.

What is true stands in a JSON file beside them, not in the files that are read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from consilience_xrf.simulation.nexus import write_cube, write_maps
from consilience_xrf.simulation.scene import FilmState, Grid
from consilience_xrf.simulation.states import Setting, cube, maps

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FIFTY_CYCLES", "ScanParams", "SeriesParams", "run_scan", "run_series"]

What = Literal["cube", "maps", "both"]

FIFTY_CYCLES: tuple[FilmState, ...] = (
    FilmState(label="before", cycle=0, bias="before"),
    FilmState(label="lithiated", cycle=1, bias="lithiated", electrolyte=12.0, shift=(0.05, -0.1)),
    FilmState(label="delithiated", cycle=1, bias="delithiated", electrolyte=2.0, shift=(0.1, 0.05)),
    FilmState(
        label="cycle 10", cycle=10, bias="delithiated", electrolyte=6.0, loss=0.08,
        migration=0.05, monitor=0.97, shift=(-0.12, 0.22),
    ),
    FilmState(
        label="cycle 15", cycle=15, bias="delithiated", electrolyte=6.0, loss=0.10,
        migration=0.15, voids=3, monitor=1.02, shift=(0.16, 0.3),
    ),
    FilmState(
        label="cycle 20", cycle=20, bias="delithiated", electrolyte=6.0, loss=0.12,
        migration=0.22, voids=5, monitor=0.99, shift=(0.2, -0.26),
    ),
    FilmState(
        label="cycle 50", cycle=50, bias="delithiated", electrolyte=6.0, loss=0.18,
        migration=0.35, voids=7, monitor=0.95, shift=(-0.3, 0.34),
    ),
)  # fmt: skip
"""States of a platinum anode: little changes at first, then voids open and matter moves out."""


class ScanParams(BaseModel):
    """One state."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    setting: Setting = Setting(grid=Grid(rows=12, columns=16, step=0.4))
    state: FilmState = FilmState()
    what: What = "both"


class SeriesParams(BaseModel):
    """One film, state after state."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    setting: Setting = Setting()
    states: tuple[FilmState, ...] = Field(default=FIFTY_CYCLES, min_length=1)
    what: What = "maps"


def run_scan(params: ScanParams, seed: int, folder: Path) -> list[Path]:
    """Write ``simulated-xrf-SEED.nxs`` (spectra), ``-maps.nxs`` and ``.truth.json``."""
    stem = f"simulated-xrf-{seed}"
    files, truth = _one(params.setting, params.state, params.what, seed, 0, folder, stem)
    return [*files, _told(folder / f"{stem}.truth.json", seed, params, truth)]


def run_series(params: SeriesParams, seed: int, folder: Path) -> list[Path]:
    """Write the files of each state, numbered, and ``simulated-xrf-series-SEED.truth.json``."""
    written: list[Path] = []
    states = []
    for index, state in enumerate(params.states):
        stem = f"simulated-xrf-{seed}-{index}-{state.label.replace(' ', '-')}"
        files, truth = _one(params.setting, state, params.what, seed, index, folder, stem)
        written += files
        states.append({**truth, "files": [path.name for path in files]})
    told = folder / f"simulated-xrf-series-{seed}.truth.json"
    return [*written, _told(told, seed, params, {"states": states})]


def _one(
    setting: Setting,
    state: FilmState,
    what: What,
    seed: int,
    index: int,
    folder: Path,
    stem: str,
) -> tuple[list[Path], dict[str, Any]]:
    title = f"simulated {setting.film.element} film, {state.label}, seed {seed}"
    files: list[Path] = []
    truth: dict[str, Any] = {}
    line, grid = setting.beamline, setting.grid
    if what in ("cube", "both"):
        spectra = cube(setting, state, seed, index)
        files.append(folder / f"{stem}.nxs")
        write_cube(
            files[-1], line, grid, spectra.counts, spectra.live, spectra.measured.monitor, title
        )
        truth = spectra.truth
    if what in ("maps", "both"):
        made = maps(setting, state, seed, index)
        files.append(folder / f"{stem}-maps.nxs")
        write_maps(files[-1], line, grid, made.counts, made.measured.monitor, title)
        truth = made.truth
    return files, truth


def _told(path: Path, seed: int, params: BaseModel, truth: dict[str, Any]) -> Path:
    body = {"origin": "simulated", "seed": seed, "parameters": params.model_dump(), **truth}
    path.write_text(json.dumps(body, indent=1, sort_keys=True), encoding="utf-8")
    return path
