"""Read SPEC files whose scans hold spectra (``@A`` lines), as ESRF and PyMca write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from consilience.errors import BadFileError, BadInputError
from consilience.model.measurement import Notice, Signal
from consilience.options import choice_option
from consilience.sizes import sized
from consilience_xrf.files._silx import SpecScan, spec_scans
from consilience_xrf.files.cube import list_grid
from consilience_xrf.files.energy_choice import EnergyOptions, StatedAxis, energy_options
from consilience_xrf.files.memory import memory_signal
from consilience_xrf.files.nexus_find import direction
from consilience_xrf.files.scan_grid import Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consilience.model.base import Origin

__all__ = ["read_spec"]

_MESH = re.compile(r"#S\s+\d+\s+[ad]?mesh\s+(\S+)\s+\S+\s+\S+\s+\S+\s+(\S+)")
_LINE = re.compile(r"#S\s+\d+\s+[ad]?\d?scan\s+(\S+)")
_MONITORS = ("monitor", "mon", "i0", "ic1")
_SIMULATED = re.compile(r"#C\s+origin:\s*simulated\b", re.IGNORECASE)


@dataclass(frozen=True)
class _Words:
    energy: EnergyOptions
    length: str | None
    monitor: str | None


@sized
def read_spec(
    path: Path, options: Mapping[str, object], companions: Mapping[str, Path]
) -> list[Signal]:
    """Read every scan with spectra; a mesh becomes a map, other scans a row.

    Parameters
    ----------
    path : Path
    options : mapping
        Those of the energy axis (``#@CALIB`` names no unit: ``energy_unit``),
        ``position_unit``, ``monitor``: name of a column.
    companions : mapping
        None are taken.

    Raises
    ------
    BadFileError
        No scan has spectra; spectra of a scan that differ in length, or do not fit its points.
    BadInputError
        An option makes no sense.
    """
    if companions:
        raise BadInputError(
            f"a SPEC file takes no companion file, got {', '.join(companions)}", fix="leave it out"
        )
    monitor = options.get("monitor")
    if monitor is not None and not (isinstance(monitor, str) and monitor.strip()):
        raise BadInputError(
            f"option monitor={monitor!r} is no name of a column", fix="for example monitor=I0"
        )
    words = _Words(
        energy_options(options), choice_option(options, "position_unit", ("um", "mm")), monitor
    )
    header, scans = spec_scans(path)
    with_spectra = [s for s in scans if s.spectra]
    if not with_spectra:
        raise BadFileError(
            f"{path.name!r} has {len(scans)} scans and no spectrum (@A) in any of them",
            fix="register the file that holds the spectra",
            path=path,
        )
    simulated = any(map(_SIMULATED.match, header))
    return [
        _signal(path, scan, words, header, "simulated" if simulated else "measured")
        for scan in with_spectra
    ]


def _signal(path: Path, scan: SpecScan, words: _Words, header: list[str], origin: Origin) -> Signal:
    said: list[Notice] = []
    counts = _counts(path, scan)
    metadata: dict[str, Any] = {"scan": scan.header[0] if scan.header else scan.key}
    metadata |= _times(scan.mca)
    stated = _calibration(scan.mca, counts.shape[-1], scan.key)
    if stated is not None and not (np.diff(stated.values) > 0).all() and np.ptp(stated.values) == 0:
        stated = None  # "#@CALIB 0 0 0" stands for none
    grid: Grid | None = None
    points: dict[str, tuple[NDArray[np.float64], str]] = {}
    units = {"y": "1", "x": "1"}
    if len(counts) > 1 or scan.columns:
        grid, points, units = _scan(path, scan, len(counts), words, said)
    if len(counts) == 1:
        metadata |= {
            k: {"value": float(v[0]), "unit": u} for k, (v, u) in points.items() if v.size == 1
        }
        grid, points = None, {}
    return memory_signal(
        path,
        f"scan {scan.key}",
        counts[0] if grid is None else counts,
        grid=grid,
        units=units,
        points=points,
        stated=stated,
        asked=words.energy,
        metadata=metadata,
        raw={"file": header, "scan": scan.header},
        said=said,
        origin=origin,
    )


def _counts(path: Path, scan: SpecScan) -> NDArray[np.float64]:
    """Spectra of each point, several detectors summed, shape (points, channels)."""
    sizes = {len(s) for s in scan.spectra}
    if len(sizes) > 1 or 0 in sizes:
        usual = max(sizes, key=[len(s) for s in scan.spectra].count)
        odd = next(i for i, s in enumerate(scan.spectra) if len(s) != usual or not len(s))
        raise BadFileError(
            f"scan {scan.key} of {path.name!r}: spectrum {odd + 1} of {len(scan.spectra)} has "
            f"{len(scan.spectra[odd])} channels, others {usual}",
            fix="the file may be cut off, or was written over; copy it again",
            path=path,
        )
    counts = np.array(scan.spectra, dtype=np.float64)
    if not np.isfinite(counts).all():
        raise BadFileError(
            f"scan {scan.key} of {path.name!r} has counts that are not finite",
            fix="export the spectra again",
            path=path,
        )
    points = max((len(c) for c in scan.columns.values()), default=0) or 1
    if len(counts) % points:
        raise BadFileError(
            f"scan {scan.key} of {path.name!r} has {len(counts)} spectra for {points} points",
            fix="the file may be cut off; copy it again",
            path=path,
        )
    summed: NDArray[np.float64] = counts.reshape(points, -1, counts.shape[-1]).sum(axis=1)
    return summed


def _times(mca: Mapping[str, str]) -> dict[str, Any]:
    values = _numbers(mca.get("CTIME", ""))
    if len(values) == 3 and min(values) >= 0:
        names = ("preset_time", "live_time", "real_time")
        return {n: {"value": v, "unit": "s"} for n, v in zip(names, values, strict=True)}
    return {}


def _numbers(text: str) -> list[float]:
    try:
        values = [float(w) for w in text.split()]
    except ValueError:
        return []
    return values if np.isfinite(values).all() else []


def _calibration(mca: Mapping[str, str], channels: int, key: str) -> StatedAxis | None:
    values = _numbers(mca.get("CALIB", ""))
    if len(values) not in (2, 3):
        return None
    a, b, c = (*values, 0.0)[:3]
    first = ([*_numbers(mca.get("CHANN", "")), 0.0, 0.0])[1] if "CHANN" in mca else 0.0
    channel = np.arange(channels) + first
    with np.errstate(over="ignore", invalid="ignore"):
        return StatedAxis(a + b * channel + c * channel**2, "", f"#@CALIB of scan {key}")


def _scan(
    path: Path, scan: SpecScan, n: int, words: _Words, said: list[Notice]
) -> tuple[Grid, dict[str, tuple[NDArray[np.float64], str]], dict[str, str]]:
    """The grid of the points, what belongs to each of them, and the unit of positions."""
    columns = {k: v for k, v in scan.columns.items() if len(v) == n and np.isfinite(v).all()}
    mesh = _MESH.match(scan.header[0]) if scan.header else None
    line = _LINE.match(scan.header[0]) if scan.header else None
    place: dict[str, NDArray[np.float64] | None] = {"y": None, "x": None}
    if mesh and mesh[1] in columns and mesh[2] in columns:
        swapped = direction(mesh[1]) == "y" and direction(mesh[2]) == "x"
        place = {
            "y": columns[mesh[1] if swapped else mesh[2]],
            "x": columns[mesh[2] if swapped else mesh[1]],
        }
    elif line and line[1] in columns:
        place["x"] = columns[line[1]]
    unit = words.length or "1"
    known = [v for v in place.values() if v is not None]
    if known and unit == "1":
        said.append(
            Notice(
                code="positions-without-unit",
                message="SPEC names no unit of its motors; positions are kept as plain numbers",
                fix="--option position_unit=mm (or um) if it is known",
            )
        )
    points: dict[str, tuple[NDArray[np.float64], str]] = {}
    wanted = [words.monitor] if words.monitor else list(_MONITORS)
    name = next((c for w in wanted for c in columns if c.lower() == w.lower()), None)
    if words.monitor and name is None:
        raise BadInputError(
            f"scan {scan.key} has no column {words.monitor!r}",
            fix=f"it has {', '.join(columns) or 'none'}",
            path=path,
        )
    if name is not None:
        points["monitor"] = columns[name], "1"
    for column in columns:
        if column.lower() in ("seconds", "sec"):
            points["dwell"] = columns[column], "s"
    return list_grid(n, place["y"], place["x"]), points, {"y": unit, "x": unit}
