"""The bands of each phase, from ``library.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from consilience.model.finding import Subject

__all__ = ["Band", "Phase", "phases"]


@dataclass(frozen=True)
class Band:
    """A band: position and spread in 1/cm, height relative to the strongest of its phase."""

    shift: float
    std: float
    relative: float
    mode: str


@dataclass(frozen=True)
class Phase:
    """A phase with the bands it must show, strongest first, or why it has none."""

    subject: Subject
    bands: tuple[Band, ...]
    citation: str
    inactive: str
    note: str


@cache
def phases() -> tuple[Phase, ...]:
    """Return the library."""
    text = files("consilience_raman_bands").joinpath("library.toml").read_text(encoding="utf-8")
    return tuple(
        Phase(
            Subject(
                formula=entry["formula"],
                space_group=entry["space_group"],
                label=entry.get("label", entry["formula"]),
            ),
            tuple(Band(**band) for band in entry.get("bands", ())),
            entry.get("citation", ""),
            entry.get("inactive", ""),
            entry.get("note", ""),
        )
        for entry in tomllib.loads(text)["phase"]
    )
