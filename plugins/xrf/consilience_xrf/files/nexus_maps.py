"""Element maps in processed NeXus files, as Diamond's pipelines write them.

A group holds one member for each element's line (``Pt-La``, ``Fe-Ka``), each an NXdata with
``data`` or a data set itself; the positions lie in it or in the entry's ``result``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from consilience.hdf5 import origin_of, text_of
from consilience.hdf5_files import check_dataset, children
from consilience.model.measurement import Notice, Signal
from consilience.nexus import class_of, member_of, members
from consilience_xrf.files.map_names import MapName, map_name
from consilience_xrf.files.map_signal import StoredMap, map_signal
from consilience_xrf.files.nexus_facts import incident_energy, positions, sample_facts
from consilience_xrf.files.nexus_find import axis_names

__all__ = ["read_maps"]

_COUNTS = {"count", "counts"}
_AREAL = {"ug/cm^2", "ug/cm2", "µg/cm^2", "µg/cm2", "ug.cm^-2", "ug cm^-2"}
_RATE = {"count/s", "counts/s", "cts/s", "cps", "counts per second"}


def read_maps(file: Any, path: Path, length: str | None, unit: str | None) -> list[Signal]:
    """Every group of element maps of a file, one signal each."""
    found: list[tuple[Any, Any, dict[str, tuple[MapName, Any, Any]]]] = []
    _walk(file["/"], file["/"], path, found, [], 0)
    return [_signal(entry, group, maps, length, unit) for entry, group, maps in found]


def _walk(
    group: Any,
    entry: Any,
    path: Path,
    found: list[tuple[Any, Any, dict[str, tuple[MapName, Any, Any]]]],
    seen: list[Any],
    depth: int,
) -> None:
    import h5py

    if group.id in seen or depth > 20:
        return
    seen.append(group.id)
    if class_of(group) in ("NXentry", "NXsubentry"):
        entry = group
    maps: dict[str, tuple[MapName, Any, Any]] = {}
    for name, member in children(group, path, []):
        known = map_name(name)
        data = member
        if isinstance(member, h5py.Group):
            data = member_of(member, text_of(member.attrs.get("signal")) or "data")
        if known is not None and isinstance(data, h5py.Dataset) and data.ndim >= 1:
            check_dataset(data, path)
            if data.dtype.kind in "iuf" and data.size > 1:
                maps[name] = (known, data, member)
                continue
        if isinstance(member, h5py.Group):
            _walk(member, entry, path, found, seen, depth + 1)
    if maps:
        found.append((entry, group, maps))


def _signal(
    entry: Any,
    group: Any,
    maps: dict[str, tuple[MapName, Any, Any]],
    length: str | None,
    asked: str | None,
) -> Signal:
    import h5py

    said: list[Notice] = []
    stored: list[StoredMap] = []
    windows = "roi" in group.name.lower()
    missing = 0
    for _, data, _ in maps.values():
        missing += not (text_of(data.attrs.get("units")) or "").strip()
    for name, (known, data, _) in maps.items():
        stated = (text_of(data.attrs.get("units")) or "").strip().lower()
        unit = "1"
        if stated in _COUNTS:
            unit = "count"
        elif stated in _RATE:
            unit = "count/s"
        elif stated in _AREAL:
            unit = "ug/cm^2"
        elif not stated:
            unit = asked or ("count" if windows else "1")
        errors = member_of(data.parent, "errors") if data.parent != group else None
        if not isinstance(errors, h5py.Dataset) or errors.shape != data.shape:
            errors = None
        stored.append(StoredMap(name, known, data, errors, unit))
    if missing and asked is None:
        said.append(
            Notice(
                code="maps-without-unit",
                message=f"{missing} of {len(maps)} maps name no unit; "
                + (
                    "sums over windows of spectra are counts"
                    if windows
                    else "they are kept as plain numbers"
                ),
                fix="" if windows else "--option map_unit=count (or count/s, ug/cm^2)",
                severity="info" if windows else "warning",
            )
        )
    member = next(iter(maps.values()))[2]
    incident, where = incident_energy(entry)
    return map_signal(
        name=group.name.strip("/").replace("/", "."),
        entry=entry,
        maps=stored,
        places=_places(entry, member),
        names=_names(member),
        length=length,
        beam=(incident, where),
        facts=sample_facts(entry),
        said=said,
        origin=origin_of(group, entry),
    )


def _names(member: Any) -> tuple[str, ...]:
    names = axis_names(member.attrs["axes"]) if "axes" in member.attrs else []
    return tuple(n or "." for n in names)


def _places(entry: Any, member: Any) -> dict[str, Any]:
    """Positions: of the map's own group, else of the entry's results."""
    import h5py

    found = positions(member, _names(member)) if isinstance(member, h5py.Group) else {}
    for inner in members(entry):
        if {"x", "y"} <= set(found):
            break
        name = inner.name.rpartition("/")[2].lower()
        if isinstance(inner, h5py.Group) and (class_of(inner) == "NXdata" or name == "result"):
            for way, place in positions(inner, _names(inner)).items():
                found.setdefault(way, place)
    return {way: data for way, (_, data) in found.items()}
