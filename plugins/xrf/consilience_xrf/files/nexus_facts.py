"""What belongs to the spectra of a NeXus entry: positions, beam, monitor, times, sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from consilience.hdf5 import text_of
from consilience.nexus import (
    beam_size,
    class_of,
    field_text,
    member_of,
    members,
    number_in,
    sample_length,
)
from consilience_xrf.files.nexus_find import direction

__all__ = ["LENGTH", "PointData", "incident_energy", "point_data", "positions", "sample_facts"]

HC = 12.398419843320026
"""Planck's constant times the speed of light [keV angstrom]."""

LENGTH = {
    "mm": ("mm", 1.0), "millimeter": ("mm", 1.0), "millimetre": ("mm", 1.0),
    "um": ("um", 1.0), "µm": ("um", 1.0), "μm": ("um", 1.0), "micron": ("um", 1.0),
    "microns": ("um", 1.0), "micrometer": ("um", 1.0), "micrometre": ("um", 1.0),
    "nm": ("um", 1e-3), "cm": ("mm", 10.0), "m": ("mm", 1e3),
}  # fmt: skip
_SECONDS = {"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_TIMES = {
    "live_time": {"live_time", "livetime", "elapsed_live_time", "elapsedlivetime"},
    "real_time": {"real_time", "realtime", "elapsed_real_time", "elapsedrealtime"},
    "dwell": {"dwell", "dwell_time", "count_time", "exposure_time", "integration_time"},
    "dead_time": {"dead_time", "deadtime", "dead_time_fraction", "deadtime_fraction"},
}
_MONITOR = {"i0", "monitor", "ion_chamber", "ionchamber", "io"}


@dataclass(frozen=True)
class PointData:
    """One quantity of each point: variable `name`, values = file's values times `factor`."""

    name: str
    path: str
    unit: str
    factor: float


def positions(group: Any, names: tuple[str, ...]) -> dict[str, tuple[str, Any]]:
    """Name and data set of the positions y and x: that the axes name, else by their names."""
    import h5py

    found: dict[str, tuple[str, Any]] = {}
    for name in (*names, *group):
        way = direction(name)
        axis = None if way is None else member_of(group, name)
        if isinstance(axis, h5py.Dataset) and axis.dtype.kind in "iuf" and axis.ndim > 0:
            found.setdefault(str(way), (name, axis))
    return found


def _walk(group: Any, depth: int = 0) -> Iterator[Any]:
    """Data sets of an entry that are not of another entry or of data."""
    import h5py

    for member in members(group):
        if isinstance(member, h5py.Dataset):
            yield member
        elif depth < 6 and class_of(member) not in ("NXdata", "NXsubentry", "NXentry"):
            yield from _walk(member, depth + 1)


def incident_energy(entry: Any) -> tuple[float | None, str]:
    """Energy of the beam [keV] wherever these layouts put it, and where it was found."""
    best: list[tuple[int, float, str]] = []
    rank = {"incident_energy": 0, "energy": 1, "dcm_energy": 1, "incident_wavelength": 2,
            "wavelength": 3}  # fmt: skip
    for place in (entry, *(() if class_of(entry) != "NXsubentry" else (entry.parent,))):
        for data in _walk(place):
            name = data.name.rpartition("/")[2].lower()
            if name not in rank or data.size != 1 or class_of(data.parent) == "NXdetector":
                continue
            value = number_in(data)
            unit = (text_of(data.attrs.get("units")) or "").lower()
            if value is None or not np.isfinite(value) or value <= 0:
                continue
            scale = {"ev": 1e-3, "kev": 1.0}.get(unit)
            length = {"angstrom": 1.0, "a": 1.0, "å": 1.0, "nm": 10.0, "m": 1e10}.get(unit)
            if "energy" in name and scale:
                best.append((rank[name], value * scale, str(data.name)))
            elif "wavelength" in name and length:
                best.append((rank[name], HC / (value * length), str(data.name)))
        if best:
            _, energy, where = min(best)
            return energy, where
    return None, ""


def point_data(
    entry: Any, scan: tuple[int, ...], detectors: int
) -> tuple[list[PointData], dict[str, tuple[float, str]], list[tuple[str, str]]]:
    """Monitor, live and real time, dwell and dead time of an entry.

    Parameters
    ----------
    scan : tuple of int
        Shape of the scan as stored, leading directions and all.
    detectors : int
        Elements of the detector, 1 for one.

    Returns
    -------
    each : list of PointData
        Of each point of the scan.
    whole : dict
        Name to (value, unit) where one number holds for all points.
    said : list of (code, message)
        What was there and could not be used.
    """
    import h5py

    each: dict[str, PointData] = {}
    whole: dict[str, tuple[float, str]] = {}
    said: list[tuple[str, str]] = []
    for data in _walk(entry):
        if not isinstance(data, h5py.Dataset) or data.dtype.kind not in "iuf":
            continue
        name = _quantity(data)
        if name is None or name in each:
            continue
        unit, factor, fault = _unit(name, text_of(data.attrs.get("units")) or "")
        if fault:
            said.append((f"{name.replace('_', '-')}-without-unit", f"{data.name} {fault}"))
            continue
        fits = tuple(data.shape) in (scan, (*scan, detectors))
        if fits and scan:
            each[name] = PointData(name, str(data.name), unit, factor)
        elif data.size == 1:
            value = number_in(data)
            if value is not None and np.isfinite(value):
                whole[name] = (value * factor, unit)
        else:
            said.append(
                (
                    f"{name.replace('_', '-')}-shape",
                    f"{data.name} has shape {data.shape}, the scan {scan}; it is left out",
                )
            )
    return list(each.values()), whole, said


def _quantity(data: Any) -> str | None:
    low = data.name.rpartition("/")[2].lower()
    for name, words in _TIMES.items():
        if low in words:
            return name
    inside = class_of(data.parent) == "NXmonitor" and low in ("data", "integral", *_MONITOR)
    return "monitor" if inside or low in _MONITOR else None


def _unit(name: str, stated: str) -> tuple[str, float, str]:
    """Unit and factor of the variable, and what is wrong with what the file states."""
    low = stated.strip().lower()
    if name == "monitor":
        if low in ("count", "counts"):
            return "count", 1.0, ""
        amperes = {"a": 1.0, "ma": 1e-3, "ua": 1e-6, "na": 1e-9, "pa": 1e-12}.get(low)
        return ("A", amperes, "") if amperes else ("1", 1.0, "")
    if name == "dead_time":
        if low in ("%", "percent"):
            return "1", 0.01, ""
        known = low in ("", "1", "fraction", "dimensionless")
        return "1", 1.0, "" if known else f"is in {stated}, no fraction of the real time"
    factor = _SECONDS.get(low)
    return ("s", factor, "") if factor else ("s", 1.0, f"states {stated or 'no'} unit of time")


def sample_facts(entry: Any) -> dict[str, Any]:
    """Name and thickness of the sample, size of the beam, title, and definition, if stated."""
    import h5py

    out: dict[str, Any] = {
        "definition": field_text(entry, "definition"),
        "title": field_text(entry, "title"),
        "start_time": field_text(entry, "start_time"),
        "thickness": sample_length(entry, "thickness"),
        "beam_size": beam_size(entry),
    }
    for member in members(entry):
        if isinstance(member, h5py.Group) and class_of(member) == "NXsample":
            out["sample"] = field_text(member, "name")
    return {k: v for k, v in out.items() if v}
