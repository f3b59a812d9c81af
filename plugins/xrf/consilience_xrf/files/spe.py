"""Read one spectrum from an ``.spe`` file: sections that begin with ``$`` (IAEA, QXAS, PyMca).

``$DATA:`` gives the first and last channel, then the counts; ``$MCA_CAL:`` or ``$ENER_FIT:``
the energies, ``$MEAS_TIM:`` live and real time in seconds, ``$SPEC_REM:`` remarks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import Signal
from consilience.sizes import sized
from consilience_xrf.files.energy_choice import StatedAxis, energy_options
from consilience_xrf.files.memory import memory_signal
from consilience_xrf.files.probe import NUMBER

__all__ = ["read_spe"]

MOST_CHANNELS = 1 << 20
_ENERGY_UNIT = re.compile(r"\b(keV|eV|MeV)\b")
_SIMULATED = re.compile(r"\s*origin:\s*simulated\b", re.IGNORECASE)


@sized
def read_spe(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Read the spectrum of an ``.spe`` file.

    Parameters
    ----------
    path : Path
    options : mapping
        Those of the energy axis.
    companions : mapping
        None are taken.

    Raises
    ------
    BadFileError
        No ``$DATA:``, or not as many counts as it says; the line is named.
    BadInputError
        An option makes no sense.
    """
    if companions:
        raise BadInputError(
            f"an .spe takes no companion file, got {', '.join(companions)}", fix="leave it out"
        )
    asked = energy_options(options)
    sections = _sections(path)
    counts, first = _counts(sections, path)
    metadata: dict[str, Any] = {}
    remarks = [text for _, text in sections.get("SPEC_REM", []) + sections.get("SPEC_ID", [])]
    if sections.get("SPEC_ID"):
        metadata["title"] = sections["SPEC_ID"][0][1]
    times = _numbers(sections.get("MEAS_TIM", [])[:1])
    if len(times) == 2 and min(times) >= 0:
        metadata["live_time"] = {"value": times[0], "unit": "s"}
        metadata["real_time"] = {"value": times[1], "unit": "s"}
    simulated = any(map(_SIMULATED.match, remarks))
    return [
        memory_signal(
            path,
            "spectrum",
            counts,
            grid=None,
            units={},
            points={},
            stated=_energy(sections, counts.size, first),
            asked=asked,
            metadata=metadata,
            raw={k: [t for _, t in v][:100] for k, v in sections.items() if k != "DATA"},
            said=[],
            origin="simulated" if simulated else "measured",
        )
    ]


def _sections(path: Path) -> dict[str, list[tuple[int, str]]]:
    """Lines of each section with their numbers."""
    sections: dict[str, list[tuple[int, str]]] = {}
    name = ""
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            line = raw.decode("latin-1").strip()
            if line.startswith("$"):
                name = line[1:].split(":")[0].strip().upper()
                sections.setdefault(name, [])
            elif line and name:
                sections[name].append((number, line))
    return sections


def _numbers(lines: list[tuple[int, str]]) -> list[float]:
    words = [w for _, line in lines for w in line.split()]
    values = [float(w) for w in words if NUMBER.fullmatch(w)]
    return values if len(values) == len(words) and all(map(math.isfinite, values)) else []


def _counts(
    sections: dict[str, list[tuple[int, str]]], path: Path
) -> tuple[np.ndarray[Any, np.dtype[np.float64]], int]:
    lines = sections.get("DATA", [])
    head = lines[0][1].split() if lines else []
    if len(head) != 2 or not all(w.isascii() and w.isdigit() for w in head):
        raise BadFileError(
            f"{path.name!r} has no $DATA: with its first and last channel",
            fix="export the spectrum again",
            path=path,
            line=lines[0][0] if lines else None,
        )
    first, last = (int(w[:9]) for w in head)
    size = last - first + 1
    if not 1 <= size <= MOST_CHANNELS:
        raise BadFileError(
            f"{path.name!r} claims the channels {first} to {last}",
            fix="export the spectrum again",
            path=path,
            line=lines[0][0],
        )
    values: list[float] = []
    for number, line in lines[1:]:
        for word in line.split():
            value = float(word) if NUMBER.fullmatch(word) else math.nan
            if not math.isfinite(value):
                raise BadFileError(
                    f"line {number} of {path.name!r} has {word[:40]!r}, expected counts",
                    fix="export the spectrum again",
                    path=path,
                    line=number,
                )
            values.append(value)
    if len(values) != size:
        raise BadFileError(
            f"{path.name!r} has {len(values)} counts for the channels {first} to {last}",
            fix="the file may be cut off; copy it again",
            path=path,
            line=lines[-1][0],
        )
    return np.array(values), first


def _energy(
    sections: dict[str, list[tuple[int, str]]], channels: int, first: int
) -> StatedAxis | None:
    """Energies of ``$MCA_CAL:`` (number of coefficients, then these and a unit), or ENER_FIT."""
    channel = np.arange(channels) + float(first)
    for name in ("MCA_CAL", "ENER_FIT"):
        lines = sections.get(name, [])
        if name == "MCA_CAL" and len(lines) > 1 and len(lines[0][1].split()) == 1:
            lines = lines[1:]
        if not lines:
            continue
        unit = _ENERGY_UNIT.search(lines[0][1])
        text = _ENERGY_UNIT.sub("", lines[0][1])
        values = _numbers([(lines[0][0], text)])
        if len(values) in (2, 3) and values[1] != 0:
            with np.errstate(over="ignore", invalid="ignore"):
                energy = sum(v * channel**i for i, v in enumerate(values))
            return StatedAxis(np.asarray(energy), unit[1] if unit else "", f"${name}:")
    return None
