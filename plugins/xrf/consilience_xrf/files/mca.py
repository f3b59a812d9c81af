"""Read a plain ``.mca``: optional ``#`` comments, then one number of counts a line.

This is the simplest file that PyMca reads.  It says nothing of energy unless a SPEC-style
``#@CALIB a b c`` is among the comments (energy = a + b·channel + c·channel²), and that line
names no unit; so the unit comes from a comment ``# energy unit: keV`` or from the user.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import Notice, Signal
from consilience.options import choice_option, number_option
from consilience.sizes import sized
from consilience_xrf.files.probe import NUMBER, SPEC_LINE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience.model.base import Origin

__all__ = ["read_mca"]

LARGEST = 1e15
"""More counts than this in a channel no counter holds."""
PER_KEV = {"keV": 1.0, "eV": 1000.0}


@dataclass
class _Content:
    comments: list[str] = field(default_factory=list)
    counts: list[float] = field(default_factory=list)
    ended: bool = True


@sized
def read_mca(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Return one spectrum of counts over channels.

    Parameters
    ----------
    path : Path
    options : mapping
        ``zero`` (keV) and ``gain`` (keV a channel, > 0) make the energy axis and win
        over the file's own calibration; ``energy_unit`` names that one's unit.
    companions : mapping
        None are taken.

    Returns
    -------
    list of Signal
        One; variables ``counts`` and ``counts_std`` over ``channel`` (0 … n−1), with the
        coordinate ``energy`` in keV if a calibration is known.  The standard deviation
        is √N, and 1 for N = 0; it is left out where counts are no whole numbers.

    Raises
    ------
    BadFileError
        Not a single column of finite counts; the line is named.
    BadInputError
        An option makes no sense.
    """
    if companions:
        raise BadInputError(
            f"a .mca takes no companion file, got {', '.join(companions)}", fix="leave it out"
        )
    zero = number_option(options, "zero", "-0.49", -1e3, 1e3)
    gain = number_option(options, "gain", "0.005", 1e-9, 1e3)
    unit = choice_option(options, "energy_unit", ("keV", "eV"))
    if (zero is None) != (gain is None):
        raise BadInputError(
            "options zero and gain belong together, only one was given",
            fix="give both, for example --option zero=-0.49 --option gain=0.005",
        )
    content = _parse(path)
    counts = np.array(content.counts, dtype=np.float64)
    notices: list[Notice] = []
    if not content.ended:
        notices.append(
            Notice(
                code="no-final-newline",
                message=f"the last line ({counts[-1]:g} counts) does not end; the file may be cut",
                where=f"channel {counts.size - 1}",
                fix="compare the number of channels with the instrument's",
            )
        )
    data = _dataset(counts, notices)
    channel = np.arange(counts.size, dtype=np.float64)
    energy, source = _energy(channel, content.comments, zero, gain, unit, notices)
    if energy is not None:
        _check_axis(energy, path, source)
        data = data.assign_coords(
            energy=("channel", energy, {"units": "keV", "long_name": "energy", "source": source})
        )
    metadata: dict[str, object] = {
        "channels": int(counts.size),
        "total_counts": {"value": float(counts.sum()), "unit": "count"},
        "calibration": source,
    }
    metadata |= _times(content.comments)
    return [
        Signal(
            name="spectrum",
            modality="xrf",
            data=data,
            metadata=metadata,
            raw_metadata={"comments": content.comments},
            notices=notices,
            origin=_origin(content.comments),
        )
    ]


def _parse(path: Path) -> _Content:
    content = _Content()
    offset = 0
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            line = raw.decode("latin-1").strip()
            content.ended = raw.endswith(b"\n")
            if SPEC_LINE.match(line):
                raise BadFileError(
                    f"{path.name!r} is a SPEC file with scans (found {line[:40]!r}), no plain "
                    "column of counts",
                    fix="read it with --reader xrf.spec",
                    path=path,
                    line=number,
                    offset=offset,
                )
            if line.startswith("#"):
                content.comments.append(line)
            elif line:
                content.counts.append(_count(line, path, number, offset))
            offset += len(raw)
    if not content.counts:
        raise BadFileError(
            f"{path.name!r} holds no counts: {len(content.comments)} comment lines and no number",
            fix="copy it again from the instrument; nothing was registered",
            path=path,
            offset=offset,
        )
    return content


def _count(line: str, path: Path, number: int, offset: int) -> float:
    value = float(line) if NUMBER.fullmatch(line) else math.nan
    if math.isfinite(value) and 0 <= value <= LARGEST:
        return value
    columns = len(line.split())
    found = f"{columns} columns" if columns > 1 else repr(line[:40])
    raise BadFileError(
        f"line {number} of {path.name!r} has {found}, expected one count from 0 to {LARGEST:g}",
        fix="export the spectrum as a single column of counts; comments start with '#'",
        path=path,
        line=number,
        offset=offset,
    )


def _dataset(counts: NDArray[np.float64], notices: list[Notice]) -> xr.Dataset:
    channel = np.arange(counts.size, dtype=np.float64)
    coordinates = {"channel": ("channel", channel, {"units": "1", "long_name": "channel"})}
    attrs = {"units": "count", "long_name": "counts"}
    broken = int(np.count_nonzero(counts != np.round(counts)))
    if broken:
        notices.append(
            Notice(
                code="counts-not-whole",
                message=(
                    f"{broken} of {counts.size} values are no whole numbers: not raw counts, "
                    "so their standard deviation is unknown"
                ),
                fix="register the raw spectrum, before any scaling or smoothing",
            )
        )
        return xr.Dataset({"counts": ("channel", counts, attrs)}, coordinates)
    std = np.sqrt(np.maximum(counts, 1.0))
    return xr.Dataset(
        {
            "counts": ("channel", counts, {**attrs, "ancillary_variables": "counts_std"}),
            "counts_std": (
                "channel",
                std,
                {"units": "count", "long_name": "Poisson: √N, and 1 where N = 0"},
            ),
        },
        coordinates,
    )


def _energy(
    channel: NDArray[np.float64],
    comments: list[str],
    zero: float | None,
    gain: float | None,
    unit: str | None,
    notices: list[Notice],
) -> tuple[NDArray[np.float64] | None, str]:
    """Return the energy axis in keV or None, and in words where it comes from."""
    if zero is not None and gain is not None:
        return zero + gain * channel, f"given by the user: {zero:g} keV + {gain:g} keV a channel"
    stated = [c for c in (_numbers(c, "#@CALIB") for c in comments) if c is not None]
    if not stated:
        notices.append(
            Notice(
                code="not-calibrated",
                message="the file states no energy calibration; the axis is in channels",
                fix="--option zero=… --option gain=… (keV, keV a channel) from a known sample",
                severity="info",
            )
        )
        return None, "none"
    said = re.compile(r"#\s*energy unit:\s*(keV|eV)\s*$")
    named = [m.group(1) for m in map(said.match, comments) if m]
    chosen = named[0] if named else unit
    if chosen is None:
        notices.append(
            Notice(
                code="calibration-without-unit",
                message=f"#@CALIB gives {stated[0]} without a unit; the axis stays in channels",
                where="#@CALIB",
                fix="--option energy_unit=keV (or eV)",
            )
        )
        return None, "in the file, without unit"
    a, b, c = (*stated[0], 0.0, 0.0)[:3]
    with np.errstate(over="ignore", invalid="ignore"):
        energy = (a + b * channel + c * channel**2) / PER_KEV[chosen]
    by = "the file" if named else "the user"
    return energy, f"#@CALIB of the file, unit {chosen} said by {by}"


def _check_axis(energy: NDArray[np.float64], path: Path, source: str) -> None:
    if np.isfinite(energy).all() and (energy.size < 2 or (np.diff(energy) > 0).all()):
        return
    raise BadFileError(
        f"the energy axis of {path.name!r} does not rise from channel to channel ({source})",
        fix="give a sound one: --option zero=… --option gain=…",
        path=path,
    )


def _numbers(comment: str, key: str) -> list[float] | None:
    """Return the numbers after `key`; None if the line is another or holds no numbers."""
    if not comment.startswith(key + " "):
        return None
    words = comment.split()[1:]
    values = [float(w) for w in words if NUMBER.fullmatch(w)]
    sound = len(values) == len(words) and values and all(map(math.isfinite, values))
    return values if sound else None


def _times(comments: list[str]) -> dict[str, object]:
    """Preset, live and real time of ``#@CTIME``, in seconds."""
    for comment in comments:
        values = _numbers(comment, "#@CTIME")
        if values is not None and len(values) == 3 and min(values) >= 0:
            names = ("preset_time", "live_time", "real_time")
            pairs = zip(names, values, strict=True)
            return {name: {"value": value, "unit": "s"} for name, value in pairs}
    return {}


def _origin(comments: list[str]) -> Origin:
    simulated = re.compile(r"#\s*origin:\s*simulated\b", re.IGNORECASE)
    return "simulated" if any(map(simulated.match, comments)) else "measured"
